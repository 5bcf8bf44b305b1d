"""Runs of clusters that are projected in several tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtm.run_folder.files import read_arrays, write_arrays
from mtm.runs import Run

FULL = 1e5  # embeddings of this size overflow float16 and are stored as float32: nothing is rounded


def clusters(n_snapshots: int = 4, n: int = 120, dim: int = 12, n_classes: int = 5, seed: int = 0) -> tuple:
    """Clusters that part and tighten: embeddings (T, N, D), class embeddings (T, C, D), labels (N,)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    c = rng.standard_normal((n_classes, dim)) * np.linspace(2, 4, dim)
    z = rng.standard_normal((n, dim))
    shares = np.linspace(0.1, 1, n_snapshots)[:, None, None]
    return shares * c[y] + (1.2 - shares) * z, shares * c + 0.05, y


def make_run(folder: Path, e: np.ndarray, y: np.ndarray, c: np.ndarray | None = None, **more: np.ndarray) -> Run:
    """A run of embeddings (T, N, D) and class embeddings (T, C, D); of `more`, too, one a snapshot."""
    run = Run.create(folder)
    for t in range(len(e)):
        run.log(e[t], y, None if c is None else c[t], epoch=t, **{name: array[t] for name, array in more.items()})
    run.finish()
    return run


def clusters_run(folder: Path) -> Run:
    """A run of `clusters`, at a size where nothing is rounded."""
    e, c, y = clusters()
    return make_run(folder, e * FULL, y, c * FULL)


def linear_head_run(folder: Path) -> Run:
    """The same clusters under a linear head, without class embeddings."""
    e, _, y = clusters()
    rng = np.random.default_rng(5)
    return make_run(folder, e, y, weight=rng.standard_normal((4, 5, 12)), bias=rng.standard_normal((4, 5)))


def radius(u: np.ndarray) -> float:
    return float(np.sqrt(u.var(axis=-2).sum(axis=-1)).mean())


def broken(run: Run, number: int, **arrays: np.ndarray) -> None:
    """Put other arrays into a snapshot's file."""
    path = run.folder / "snapshots" / f"{number:06d}.safetensors"
    old, header = read_arrays(path)
    write_arrays(path, {name: np.array(array) for name, array in old.items()} | arrays, header)
