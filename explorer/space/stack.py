"""The snapshots of a run that are projected: those that fit together, their embeddings as views of the files."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtm.data.sampling import balanced_sample
from mtm.errors import InputError
from mtm.geometry import class_centres
from mtm.run_folder.snapshots import Array, Snapshot
from mtm.runs import Run

Floats = NDArray[np.float64]

SAMPLE = 2000  # most images that a picture's quality is measured on


def sampled_rows(labels: Array) -> Array:
    """The rows that a picture's quality is measured on: a fixed class-balanced sample of at most SAMPLE images."""
    return balanced_sample(labels, SAMPLE, seed=0)


@dataclass(frozen=True)
class SnapshotStack:
    """T snapshots of the same N images, with equal shapes. Embeddings are views of the files."""

    embeddings: list[Array]  # T of (N, D)
    targets: list[Array] | None  # T of (C, D)
    weights: list[Array] | None  # T of (C, D), of a linear head
    labels: Array  # (N,)
    n_classes: int
    epochs: Floats  # (T,)
    names: list[str]

    @property
    def dim(self) -> int:
        return int(self.embeddings[0].shape[1])

    def centres(self, t: int) -> Floats:
        """Class centres (C, D) of the images at snapshot t; NaN for a class without images."""
        return class_centres(self.embeddings[t], self.labels, self.n_classes)


def load_stack(run: Run, names: Sequence[str] | None = None) -> SnapshotStack:
    """The snapshots of a run (those in `names`) that can be read and have the most frequent shapes, without the others.

    Raises InputError if there is none.
    """
    n, n_classes = len(run.labels), run.points.n_classes
    snapshots: list[Snapshot] = []
    for i, path in enumerate(run.snapshots):
        if names is None or path.name in names:
            with contextlib.suppress(InputError, IndexError):
                snapshots.append(run.snapshot(i))
    snapshots = [
        s for s in snapshots if s.embeddings.ndim == 2 and len(s.embeddings) == n and s.embeddings.shape[1] > 0
    ]
    if not snapshots or n == 0:
        raise InputError(f"{run.name} has no snapshots to show yet")
    shapes = [_shapes(s) for s in snapshots]
    most_frequent = max(shapes, key=shapes.count)
    snapshots = [s for s, shape in zip(snapshots, shapes, strict=True) if shape == most_frequent]
    targets = [s.class_embeddings for s in snapshots if s.class_embeddings is not None]
    weights = [s.head[0] for s in snapshots if s.head is not None]
    return SnapshotStack(
        [s.embeddings for s in snapshots],
        targets or None,
        weights or None,
        np.asarray(run.labels),
        n_classes,
        np.array([s.epoch for s in snapshots], np.float64),
        [f"{s.index:06d}.safetensors" for s in snapshots],
    )


def _shapes(s: Snapshot) -> tuple[object, ...]:
    targets, head = s.class_embeddings, s.head
    return s.embeddings.shape, None if targets is None else targets.shape, None if head is None else head[0].shape
