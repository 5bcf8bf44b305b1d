"""Claims: planes and UMAP over time are fast, and the layout over time keeps what layouts of their own keep.

(a) PCA of a run of 20 x 10,000 x 512 from its folder, reading included: under 5 s, shown beside scikit-learn's PCA of
    the same embeddings as one array in memory.
(b) UMAP over time of the same run, compiling apart on every side: at least 4 times as fast as a default fit of
    umap-learn for each snapshot, at least 15 times as fast as umap-learn's AlignedUMAP; neighbours kept at least 95 %
    of the better of them, and both temporal measures better than those of the fits of their own.
(c) What it was chosen from, on a small run (or `--run FOLDER`): fits of their own, AlignedUMAP as shipped, its joint
    optimisation alone (graphs without the layouts that it throws away), a chain in which each fit starts from the last,
    and ours.
(d) What a first layout waits for: import and compilation, in new processes, with and without what numba has kept.

In (b) every repetition times ours and the default fits of a share of the snapshots, multiplied up: together all
snapshots are fitted once. AlignedUMAP is timed once on `--aligned` snapshots and multiplied up (0 leaves it out); it
compiles in every call, which a fit of a few points measures and which is taken off. The measures are those of
explorer.space.quality, on 2,000 images.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import numpy as np
from common import Claim, interleave, parser, ratios, report, side_row, table
from sklearn.decomposition import PCA

from explorer.space.projections import project
from explorer.space.projections.aligned_umap import compile_ahead
from explorer.space.quality import neighbours_kept, temporal_neighbours, temporal_preserving
from explorer.space.stack import load_stack
from mtm.data.sampling import balanced_sample
from mtm.losses import describe_loss
from mtm.runs import Run

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # umap-learn offers its TensorFlow variant
    import umap
    import umap.aligned_umap

Layouts = Sequence[np.ndarray]  # T of (N, 2)
N_CLASSES, LATENT = 10, 12


def moving_run(folder: Path, n_snapshots: int, n: int, dim: int) -> Run:
    """A run of classes that part and tighten, each with a shape of its own of LATENT dimensions that slowly turns."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % N_CLASSES
    start, end = 0.06 * rng.standard_normal((N_CLASSES, dim)), 6 / np.sqrt(dim) * rng.standard_normal((N_CLASSES, dim))
    shape = rng.standard_normal((N_CLASSES + 1, LATENT, dim)) * np.geomspace(2, 0.4, LATENT)[:, None] / np.sqrt(dim)
    first, later = rng.standard_normal((2, n, LATENT))
    run = Run.create(folder)
    for t in range(n_snapshots):
        share = 1 - np.exp(-3 * t / max(1, n_snapshots - 1))
        c = (1 - share) * start + share * end  # (C, D)
        latent = (np.cos(0.9 * share) * first + np.sin(0.9 * share) * later).astype(np.float32)
        e = 0.45 / np.sqrt(dim) * rng.standard_normal((n, dim), dtype=np.float32)  # noise
        for k in range(N_CLASSES):
            axes = (1.5 - 0.9 * share) * ((1 - share) * shape[-1] + share * shape[k])  # (LATENT, D)
            e[y == k] += c[k] + latent[y == k] @ axes.astype(np.float32)
        run.log(e, y, c, epoch=t / 4)
    run.finish()
    return run


# The other sides


def separate_fits(x: Sequence[np.ndarray], **options: object) -> Layouts:
    """A fit of umap-learn for each snapshot, with its defaults."""
    with quiet():
        return [umap.UMAP(**options).fit_transform(e) for e in x]


def chain(x: Sequence[np.ndarray], **options: object) -> Layouts:
    """Each fit starts from the one before and has 60 epochs."""
    layouts: list[np.ndarray] = []
    with quiet():
        for e in x:
            start = {"init": layouts[-1], "n_epochs": 60} if layouts else {}
            layouts.append(umap.UMAP(**options, **start).fit_transform(e))
    return layouts


def aligned(x: Sequence[np.ndarray], **options: object) -> Layouts:
    """AlignedUMAP as shipped."""
    same = [{i: i for i in range(len(x[0]))}] * (len(x) - 1)
    with quiet():
        return list(umap.AlignedUMAP(**options).fit(list(x), relations=same).embeddings_)


def joint_only(x: Sequence[np.ndarray], **options: object) -> Layouts:
    """AlignedUMAP without the layouts that it computes for each snapshot and then throws away, on 50 dimensions."""

    def graph_only(**more: object) -> umap.UMAP:
        return umap.UMAP(**more, transform_mode="graph")

    reduced = [e if e.shape[1] <= 50 else PCA(50, random_state=0).fit_transform(e) for e in x]
    with mock.patch.object(umap.aligned_umap, "UMAP", graph_only):
        return aligned(reduced, **options)


@contextmanager
def quiet() -> Iterator[None]:
    """Without umap-learn's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def our_umap(run: Run) -> Layouts:
    return list(project(run, "umap").points)


# Measuring


def measures(x: Sequence[np.ndarray], u: Layouts, rows: np.ndarray) -> dict[str, float]:
    """Neighbours kept of 15, DVI's and TimeVis's temporal measures, and the mean step over the radius."""
    space, plane = [e[rows] for e in x], np.stack([layout[rows] for layout in u]).astype(np.float64)
    steps = np.linalg.norm(np.diff(plane, axis=0), axis=-1).mean()
    return {
        "kept": float(np.mean([neighbours_kept(a, b) for a, b in zip(space, plane, strict=True)])),
        "preserving": temporal_preserving(space, plane),
        "moments": temporal_neighbours(space, plane, max(1, min(5, (len(space) - 1) // 2))),
        "step": float(steps / np.sqrt(plane.var(axis=1).sum(axis=1)).mean()),
    }


def measures_row(name: str, seconds: float | None, measures: dict[str, float]) -> tuple[str, ...]:
    return (
        name,
        "-" if seconds is None else f"{seconds:.1f} s",
        f"{measures['kept']:.2f}",
        f"{measures['preserving']:+.2f}",
        f"{measures['moments']:.0%}",
        f"{measures['step']:.1%}",
    )


MEASURE_HEADINGS = (
    "layout",
    "time",
    "neighbours kept of 15",
    "temporal preserving (-1 best)",
    "moments kept",
    "step / radius",
)


def timed(action: Callable[[], Layouts]) -> tuple[float, Layouts]:
    started = time.perf_counter()
    layouts = action()
    return time.perf_counter() - started, layouts


def embeddings(run: Run) -> list[np.ndarray]:
    return [np.asarray(e, np.float32) for e in load_stack(run).embeddings]


# The benchmarks


def pca(options: argparse.Namespace, run: Run) -> None:
    x = np.concatenate(embeddings(run))
    sides = {"ours": lambda: project(run, "pca"), "sklearn": lambda: PCA(2).fit_transform(x)}
    seconds = interleave(sides, options.repetitions)
    report(
        "PCA",
        [
            side_row("project(run, 'pca'), from the folder", seconds["ours"], "s"),
            side_row("scikit-learn's PCA(2), pooled, float32 in memory", seconds["sklearn"], "s"),
        ],
        [
            Claim("(a) PCA of the run, seconds", seconds["ours"], at_most=5),
            Claim("(a) the same over scikit-learn's", ratios(seconds["ours"], seconds["sklearn"])),
        ],
        options,
        f"{options.snapshots} x {options.images:,} x {options.dim}.",
    )


def over_time(options: argparse.Namespace, run: Run) -> None:
    x, n_snapshots, rounds = embeddings(run), options.snapshots, options.repetitions
    rows = balanced_sample(run.labels, 2000, seed=0)
    compile_ahead()
    separate_fits([x[0], x[-1]])  # compiles, and the caches are warm
    layouts, alone = our_umap(run), [np.empty(0)] * n_snapshots
    our_seconds, their_seconds = [], []
    for repetition in range(rounds):
        our_seconds.append(timed(lambda: our_umap(run))[0])
        share = slice(repetition, None, rounds)
        seconds, alone[share] = timed(partial(separate_fits, x[share]))
        their_seconds.append(seconds / len(x[share]) * n_snapshots)
        print(f"\rrepetition {repetition + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    ours, theirs = measures(x, layouts, rows), measures(x, alone, rows)
    lines = [
        side_row(f"UMAP over time, {n_snapshots} snapshots", our_seconds, "s"),
        side_row("a default fit of umap-learn for each", their_seconds, "s"),
    ]
    claims = [
        Claim("(b) default fits over ours, time", ratios(their_seconds, our_seconds), at_least=4),
        Claim(
            "(b) neighbours kept, ours over default fits'",
            [ours["kept"] / theirs["kept"]],
            at_least=0.95,
        ),
        Claim(
            "(b) temporal preserving, ours less default fits'",
            [ours["preserving"] - theirs["preserving"]],
            at_most=0,
        ),
        Claim(
            "(b) moments kept, ours over default fits'",
            [ours["moments"] / theirs["moments"]],
            at_least=1,
        ),
    ]
    measure_rows = [measures_row("ours", None, ours), measures_row("default fits", None, theirs)]
    if options.aligned:
        more_lines, more_claims, more_rows = beside_aligned(options, x, layouts, our_seconds, rows)
        lines, claims, measure_rows = lines + more_lines, claims + more_claims, measure_rows + more_rows
    report("UMAP over time", lines, claims, options, f"{n_snapshots} x {options.images:,} x {options.dim}.")
    print(table(MEASURE_HEADINGS, measure_rows))


def beside_aligned(
    options: argparse.Namespace, x: Layouts, layouts: Layouts, our_seconds: Sequence[float], rows: np.ndarray
) -> tuple[list[tuple[str, ...]], list[Claim], list[tuple[str, ...]]]:
    """Sides, claims and measures of ours beside AlignedUMAP on some of the snapshots."""
    some = slice(0, None, max(1, len(x) // options.aligned))
    few = [e[:100] for e in x[some]]
    compiling = min(timed(lambda: aligned(few))[0] for _ in range(2))
    aligned_seconds, layout = timed(lambda: aligned(x[some]))
    whole = (aligned_seconds - compiling) / len(few) * len(x)
    ours, theirs = measures(x[some], layouts[some], rows), measures(x[some], layout, rows)
    lines = [
        side_row(
            f"AlignedUMAP, {len(few)} snapshots measured once ({aligned_seconds:.0f} s), multiplied up",
            [whole],
            "s",
        ),
        side_row("of what was measured, compiling, taken off", [compiling], "s"),
    ]
    claims = [
        Claim("(b) AlignedUMAP over ours, time", [whole / s for s in our_seconds], at_least=15),
        Claim(
            "(b) neighbours kept, ours over AlignedUMAP's",
            [ours["kept"] / theirs["kept"]],
            at_least=0.95,
        ),
    ]
    measure_rows = [
        measures_row(f"ours, {len(few)} snapshots", None, ours),
        measures_row("AlignedUMAP, the same", None, theirs),
    ]
    return lines, claims, measure_rows


def variants(options: argparse.Namespace, folder: Path) -> None:
    run = Run.open(options.run) if options.run else moving_run(folder / "small", 5, 2000, 64)
    x, rows = embeddings(run), balanced_sample(run.labels, 2000, seed=0)
    if options.quick:
        x = [e[:200] for e in x[:5]]
        rows = rows[rows < 200]
    config = run.config
    metric = {"metric": describe_loss(config.loss if config else None).metric}
    sides: dict[str, Callable[[Sequence[np.ndarray]], Layouts]] = {
        "default fits of their own": lambda e: separate_fits(e, **metric),
        "AlignedUMAP as shipped": lambda e: aligned(e, **metric),
        "AlignedUMAP's joint step on graphs of 50 dimensions": lambda e: joint_only(e, **metric),
        "a chain of warm starts": lambda e: chain(e, **metric),
    }
    lines = []
    for name, side in sides.items():
        compiling = 0.0
        if "Aligned" in name:
            for _ in range(2):
                compiling, _ = timed(partial(side, [e[:100] for e in x]))
        else:
            side([e[:200] for e in x[:2]])
        seconds, layouts = timed(partial(side, x))
        lines.append(measures_row(name, seconds - compiling, measures(x, layouts, rows)))
    compile_ahead()
    seconds, layouts = timed(lambda: our_umap(run))
    if options.quick:
        layouts = [u[:200] for u in layouts[:5]]
    lines.append(measures_row("ours", seconds, measures(x, layouts, rows)))
    name = Path(options.run).name if options.run else "a small run"
    print(f"\n## What it was chosen from: {name}, {len(x)} x {len(x[0]):,} x {x[0].shape[1]:,}\n")
    print(table(MEASURE_HEADINGS, lines))


def compilation(folder: Path) -> None:
    first = "import numpy, explorer.space.projections.aligned_umap as a; a.compile_ahead()"
    theirs = "import warnings; warnings.simplefilter('ignore'); import numpy, umap;"
    theirs += "umap.UMAP().fit(numpy.random.default_rng(0).standard_normal((500, 50)))"
    lines = []
    for name, code in (("ours", first), ("a fit of umap-learn", theirs)):
        with fresh_cache(folder) as environment:
            for when in ("nothing kept by numba", "what the run before has kept"):
                started = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True)
                lines.append((name, when, f"{time.perf_counter() - started:.1f} s"))
    print("\n## Import and first use in a new process\n")
    print(table(("side", "NUMBA_CACHE_DIR", "time"), lines))
    print(f"\numap-learn {version('umap-learn')}, numba {version('numba')}.\n")


@contextmanager
def fresh_cache(folder: Path) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield os.environ | {"NUMBA_CACHE_DIR": name}


def main() -> None:
    options = parser(__doc__, repetitions=3)
    options.add_argument("--images", type=int, default=10_000, help="N of the run (%(default)s)")
    options.add_argument("--dim", type=int, default=512, help="D of the run (%(default)s)")
    options.add_argument("--snapshots", type=int, default=20, help="T of the run (%(default)s)")
    options.add_argument("--aligned", type=int, default=5, help="snapshots for AlignedUMAP, 0 for none (%(default)s)")
    options.add_argument("--only", nargs="*", default=list("abcd"), help="which of a, b, c, d")
    options.add_argument("--run", help="a run folder for (c) instead of a small synthetic one")
    arguments = options.parse_args()
    if arguments.quick:
        arguments.repetitions, arguments.images, arguments.dim, arguments.snapshots, arguments.aligned = (
            1,
            300,
            64,
            8,
            min(4, arguments.aligned),
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if {"a", "b"} & set(arguments.only):
            run = moving_run(folder / "run", arguments.snapshots, arguments.images, arguments.dim)
            if "a" in arguments.only:
                pca(arguments, run)
            if "b" in arguments.only:
                over_time(arguments, run)
        if "c" in arguments.only:
            variants(arguments, folder)
        if "d" in arguments.only:
            compilation(folder)


if __name__ == "__main__":
    main()
