"""Two moments compared, of one run or of two: how far images drift, which neighbours they keep, what is decided alike.

Images are matched by their position in the data set. Within a run the axes of the space are the same and drift is what
really moved. Between runs every axis is arbitrary: the first space is moved, turned (orthogonal Procrustes) and scaled
onto the second, and what is left is the drift. A space of fewer dimensions is taken as a plane in the larger one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.space.history import History
from explorer.space.neighbours import METRICS, NEIGHBOURS
from explorer.space.stack import SAMPLE
from mtm.data.sampling import balanced_sample
from mtm.errors import InputError, choose_from
from mtm.geometry import median, unit
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """One space laid onto another."""

    placed: Floats  # (N, D) where the images of the first lie in the second
    scale: float  # by which the first was stretched
    left: float  # share of the second's variance that the first does not explain: 0 is the same shape


@dataclass(frozen=True)
class Drift:
    """How far the shared images are apart in D dimensions."""

    distances: Floats  # (n,) of each image, in sigma of the second moment
    sigma: float  # of the second moment, over the shared images
    scale: float  # by which the first was stretched; 1 within a run
    left: float  # share of variance that is not explained; NaN within a run


@dataclass(frozen=True)
class Agreement:
    """What two classifiers decide for the same images."""

    n: int
    same: float  # share of images that get the same class
    both_right: int
    only_first: int  # right under the first alone
    only_second: int
    both_wrong: int
    table: Rows  # (C, C) images taken for one class by the first (row) and one by the second (column)


@dataclass(frozen=True)
class Comparison:
    """Two moments of runs, image by image."""

    rows: tuple[Rows, Rows]  # (n,) the shared images as rows of the first and of the second run
    drift: Drift
    measured: Rows  # (m,) the shared images whose neighbours are compared: at most SAMPLE of them, balanced by class
    k: int
    neighbours_kept: Rows  # (m,) of the k nearest; k minus this are lost, and as many gained
    agreement: Agreement | None  # None where the runs do not have the same classes


# Definitions, on arrays


def procrustes(a: ArrayLike, b: ArrayLike) -> Floats:
    """a (N, D) turned so that it lies nearest to b (N, D): a R with R orthogonal and |a R - b| least.

    R is `scipy.linalg.orthogonal_procrustes`'s; where there are fewer images than dimensions it is found in the span
    of the images, which is far less work.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(a) >= a.shape[1]:
        u, _, vt = np.linalg.svd(a.T @ b, full_matrices=False)
        return np.asarray(a @ (u @ vt))
    basis, inner = np.linalg.qr(b.T)  # (D, N), (N, N)
    _, own = np.linalg.qr(a.T)
    u, _, vt = np.linalg.svd(own @ inner.T)
    return np.asarray(own.T @ (u @ vt) @ basis.T)


def align(a: ArrayLike, b: ArrayLike) -> Fit:
    """a (N, D) moved, turned and stretched onto b (N, E); `left` is `scipy.spatial.procrustes`'s disparity."""
    x, z = _same_width(np.asarray(a), np.asarray(b))
    middle = z.mean(axis=0)
    x, z = x - x.mean(axis=0), z - middle
    size, other = float(np.square(x).sum()), float(np.square(z).sum())
    turned = procrustes(x, z)
    shared = float((turned * z).sum())
    scale = shared / size if size > 0 else 1.0
    return Fit(scale * turned + middle, scale, 1 - shared**2 / (size * other) if size * other > 0 else math.nan)


def k_nearest(x: ArrayLike, k: int, metric: str = "euclidean") -> Rows:
    """(N, k): the k nearest others of each of x (N, D), in no order. The whole matrix of distances: for a sample."""
    if metric not in METRICS:
        raise choose_from("metric", metric, METRICS)
    e = np.asarray(x, np.float64)
    e = unit(e) if metric == "cosine" else e - e.mean(axis=0)
    squares = np.square(e).sum(axis=1)
    distances = squares[:, None] + squares - 2 * e @ e.T
    np.fill_diagonal(distances, np.inf)
    return np.asarray(np.argpartition(distances, k - 1, axis=1)[:, :k])


def shared_neighbours(a: Rows, b: Rows) -> Rows:
    """(N,): how many of the neighbours a (N, k) of each image are among b (N, k)."""
    return np.asarray((a[:, :, None] == b[:, None, :]).sum(axis=(1, 2)))


def agreement(a: ArrayLike, b: ArrayLike, y: ArrayLike, n_classes: int) -> Agreement:
    """Compare decisions a (N,) and b (N,) for images of classes y (N,)."""
    a, b, y = (np.asarray(each, np.int64) for each in (a, b, y))
    first, second, n = a == y, b == y, len(y)
    table = np.bincount(a * n_classes + b, minlength=n_classes**2).reshape(n_classes, n_classes)
    return Agreement(
        n,
        int(np.trace(table)) / n if n else math.nan,
        int((first & second).sum()),
        int((first & ~second).sum()),
        int((~first & second).sum()),
        int((~first & ~second).sum()),
        table,
    )


def matched(a: History, b: History) -> tuple[Rows, Rows]:
    """The rows in either run of the images that both have. Raises InputError if these are not the same images."""
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

    Raises InputError for runs that do not show the same images, and for a snapshot or classifier that is not there.
    """
    s, t = a.moment(at[0]), b.moment(at[1])
    first, second = matched(a, b)
    e, f = _taken(a.recording.embeddings[s], first), _taken(b.recording.embeddings[t], second)
    y = b.labels[second]
    rows = balanced_sample(y, SAMPLE, seed=0)
    k = max(1, min(k, len(rows) - 1))
    kept = shared_neighbours(k_nearest(e[rows], k, metric), k_nearest(f[rows], k, metric))
    sigma = median(b.centre_distances[t, second])
    same_space = a is b
    fit = None if same_space else align(e, f)
    apart = _apart(e, f) if fit is None else np.linalg.norm(fit.placed - _same_width(e, f)[1], axis=1)
    scale, left = (1.0, math.nan) if fit is None else (fit.scale, fit.left)
    drift = Drift(apart / sigma if sigma > 0 else np.full(len(apart), np.nan), sigma, scale, left)
    names = a.classifier(classifiers[0]), b.classifier(classifiers[1])
    decided = a.predictions[names[0]][s, first], b.predictions[names[1]][t, second]
    alike = agreement(*decided, y, b.n_classes) if a.class_names == b.class_names else None
    return Comparison((first, second), drift, rows, k, kept, alike)


def _taken(e: Array, rows: Rows) -> Array:
    return e if len(rows) == len(e) and np.array_equal(rows, np.arange(len(e))) else e[rows]


def _apart(e: Array, f: Array) -> Floats:
    step = e.astype(np.float32) - f.astype(np.float32)
    return np.sqrt(np.einsum("nd,nd->n", step, step)).astype(np.float64)


def _same_width(a: Array, b: Array) -> tuple[Floats, Floats]:
    """Both with as many dimensions as the wider one: the new ones are 0."""
    d = max(a.shape[1], b.shape[1])
    padded = [np.pad(x.astype(np.float64), ((0, 0), (0, d - x.shape[1]))) for x in (a, b)]
    return padded[0], padded[1]
