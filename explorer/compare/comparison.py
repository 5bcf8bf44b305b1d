"""Comparison of two snapshots, of one run or of two: drift of the images, neighbours they keep, decisions that agree.

Images are matched by their position in the data set. Within a run the axes of the space are the same, and the drift of
an image is the distance it moved. Between runs the axes are arbitrary: the first space is translated, rotated
(orthogonal Procrustes) and scaled onto the second, and drift is the distance that remains. A space of fewer dimensions
is padded with zeros to the width of the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.space.history import History
from explorer.space.neighbours import NEIGHBOURS, count_shared, find_nearest
from explorer.space.stack import SAMPLE
from mtm.data.sampling import balanced_sample
from mtm.errors import InputError
from mtm.geometry import median
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Alignment:
    """One space aligned with another."""

    aligned: Floats  # (N, D) the images of the first space, in the coordinates of the second
    scale: float  # factor by which the first space was scaled
    unexplained: float  # share of the second's variance that the first does not explain: 0 is the same shape


@dataclass(frozen=True)
class Drift:
    """Distance in D dimensions between the two positions of every shared image."""

    distances: Floats  # (n,) in units of sigma
    sigma: float  # cluster size of the second snapshot, over the shared images
    scale: float  # factor by which the first space was scaled; 1 within a run
    unexplained: float  # share of the second's variance left unexplained by the alignment; NaN within a run


@dataclass(frozen=True)
class Agreement:
    """Decisions of two classifiers for the same images."""

    n: int
    same: float  # share of images that get the same class
    both_right: int
    only_first: int  # right by the first classifier alone
    only_second: int
    both_wrong: int


@dataclass(frozen=True)
class Comparison:
    """Two snapshots, image by image."""

    rows: tuple[Rows, Rows]  # (n,) the shared images as rows of the first and of the second run
    drift: Drift
    measured: Rows  # (m,) the shared images whose neighbours are compared: at most SAMPLE, balanced by class, without
    # those that have more than k others at their very place; none if all are at one place
    k: int
    neighbours_kept: Rows  # (m,) number of the k nearest neighbours that stay; k minus this are lost, as many gained
    agreement: Agreement | None  # None where the runs do not have the same classes


# Definitions, on arrays


def procrustes(a: ArrayLike, b: ArrayLike) -> Floats:
    """a R of a (N, D), with the orthogonal R that makes |a R - b| least for b (N, D).

    R is that of `scipy.linalg.orthogonal_procrustes`; with fewer images than dimensions it is computed in the span of
    the images, for 500 x 1,351 in a quarter of the time (benchmarks/libraries.py).
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(a) >= a.shape[1]:
        u, _, vt = np.linalg.svd(a.T @ b, full_matrices=False)
        return np.asarray(a @ (u @ vt))
    basis, inner = np.linalg.qr(b.T)  # (D, N), (N, N)
    _, own = np.linalg.qr(a.T)
    u, _, vt = np.linalg.svd(own @ inner.T)
    return np.asarray(own.T @ (u @ vt) @ basis.T)


def align(a: ArrayLike, b: ArrayLike) -> Alignment:
    """Translate, rotate and scale a (N, D) onto b (N, E); `unexplained` is `scipy.spatial.procrustes`'s disparity."""
    x, z = _same_width(np.asarray(a), np.asarray(b))
    mean = z.mean(axis=0)
    x, z = x - x.mean(axis=0), z - mean
    x_squares, z_squares = float(np.square(x).sum()), float(np.square(z).sum())
    rotated = procrustes(x, z)
    product = float((rotated * z).sum())
    scale = product / x_squares if x_squares > 0 else 1.0
    squares = x_squares * z_squares
    return Alignment(scale * rotated + mean, scale, 1 - product**2 / squares if squares > 0 else math.nan)


def compare_decisions(a: ArrayLike, b: ArrayLike, y: ArrayLike) -> Agreement:
    """Compare decisions a (N,) and b (N,) for images of classes y (N,)."""
    a, b, y = (np.asarray(classes, np.int64) for classes in (a, b, y))
    right_a, right_b, n = a == y, b == y, len(y)
    return Agreement(
        n,
        int((a == b).sum()) / n if n else math.nan,
        int((right_a & right_b).sum()),
        int((right_a & ~right_b).sum()),
        int((~right_a & right_b).sum()),
        int((~right_a & ~right_b).sum()),
    )


def match_images(a: History, b: History) -> tuple[Rows, Rows]:
    """Rows in a and in b of the images that both runs have. Raises InputError if these are not the same images."""
    if a is b:
        rows = np.arange(len(a.labels))
        return rows, rows
    _, first, second = np.intersect1d(a.indices, b.indices, return_indices=True)
    names = [[run.class_names[k] for k in run.labels[rows]] for run, rows in ((a, first), (b, second))]
    if len(first) < 2 or names[0] != names[1]:
        why = "they share fewer than two" if len(first) < 2 else "the same number has another class there"
        raise InputError(f"'{a.name}' and '{b.name}' show different images: {why}; their curves can still be compared")
    return first.astype(np.int64), second.astype(np.int64)


# Of runs


def compare(
    a: History,
    b: History,
    at: tuple[int | None, int | None] = (None, None),
    classifiers: tuple[str | None, str | None] = (None, None),
    *,
    k: int = NEIGHBOURS,
    metric: str = "euclidean",
) -> Comparison:
    """Compare run `a` at one snapshot with run `b` (or the same run) at another; by default the last of each.

    Raises InputError for runs that do not show the same images, and for an unknown snapshot or classifier.
    """
    s, t = a.snapshot_number(at[0]), b.snapshot_number(at[1])
    first, second = match_images(a, b)
    e, f = _select_rows(a.recording.embeddings[s], first), _select_rows(b.recording.embeddings[t], second)
    y = b.labels[second]
    sample = balanced_sample(y, SAMPLE, seed=0)
    k = max(1, min(k, len(sample) - 1))
    near = [find_nearest(x[sample], k, metric) for x in (e, f)]
    is_defined = near[0].is_defined & near[1].is_defined
    drift = _measure_drift(e, f, median(b.centre_distances[t, second]), same_space=a is b)
    names = a.classifier(classifiers[0]), b.classifier(classifiers[1])
    decisions = a.predictions[names[0]][s, first], b.predictions[names[1]][t, second]
    agreement = compare_decisions(*decisions, y) if a.class_names == b.class_names else None
    kept = count_shared(*(each.rows[is_defined] for each in near))
    return Comparison((first, second), drift, sample[is_defined], k, kept, agreement)


def _measure_drift(e: Array, f: Array, sigma: float, same_space: bool) -> Drift:
    """Drift of the images from e (n, D) to f (n, E); e is aligned with f unless both are of one space."""
    if same_space:
        distances, scale, unexplained = _row_distances(e, f), 1.0, math.nan
    else:
        alignment = align(e, f)
        distances = np.linalg.norm(alignment.aligned - _same_width(e, f)[1], axis=1)
        scale, unexplained = alignment.scale, alignment.unexplained
    return Drift(distances / sigma if sigma > 0 else np.full(len(distances), np.nan), sigma, scale, unexplained)


def _select_rows(e: Array, rows: Rows) -> Array:
    """e[rows], without a copy where these are all rows in their order."""
    return e if len(rows) == len(e) and np.array_equal(rows, np.arange(len(e))) else e[rows]


def _row_distances(e: Array, f: Array) -> Floats:
    """Distances (n,) between the rows of e (n, D) and those of f (n, D), in float32."""
    difference = e.astype(np.float32) - f.astype(np.float32)
    return np.sqrt(np.einsum("nd,nd->n", difference, difference)).astype(np.float64)


def _same_width(a: Array, b: Array) -> tuple[Floats, Floats]:
    """Both padded with zeros to the number of dimensions of the wider one."""
    d = max(a.shape[1], b.shape[1])
    padded = [np.pad(x.astype(np.float64), ((0, 0), (0, d - x.shape[1]))) for x in (a, b)]
    return padded[0], padded[1]
