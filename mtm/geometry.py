"""Measures of the embedding space (section III-B of the paper): NumPy in, NumPy out, float64 inside.

A class without images has NaN for its centre and is left out of every mean and median; a measure with nothing left to
measure is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BLOCK = 512  # classes whose distances to all others are held at once


def class_centres(e: ArrayLike, y: ArrayLike, n_classes: int) -> Floats:
    """The class centres G (C, D): the mean output embedding of each class."""
    e = np.asarray(e)
    centres = np.full((n_classes, e.shape[1]), np.nan)
    for k, rows in _rows_by_class(y):
        centres[k] = e[rows].mean(axis=0, dtype=np.float64)
    return centres


def global_centre(g: ArrayLike) -> Floats:
    """avg(G) (D,): the mean of the class centres, each class counting once."""
    g = _present(g)
    return g.mean(axis=0) if len(g) else np.full(g.shape[1], np.nan)


def own_distances(e: ArrayLike, y: ArrayLike, points: ArrayLike) -> Floats:
    """(N,): the distance of each output embedding to the point (class centre or class embedding) of its own class."""
    e, points = np.asarray(e, dtype=np.float64), np.asarray(points, dtype=np.float64)
    return np.linalg.norm(e - points[np.asarray(y, dtype=np.int64)], axis=1)


def cluster_size(e: ArrayLike, y: ArrayLike, g: ArrayLike) -> float:
    """sigma: the median distance of all output embeddings to their own class centre (Fig. 15)."""
    return median(own_distances(e, y, g))


def cluster_sizes(e: ArrayLike, y: ArrayLike, g: ArrayLike) -> Floats:
    """sigma of each class (C,): the median distance of its output embeddings to its centre (Fig. 4)."""
    distances, sizes = own_distances(e, y, g), np.full(len(np.asarray(g)), np.nan)
    for k, rows in _rows_by_class(y):
        sizes[k] = median(distances[rows])
    return sizes


def centre_distances(points: ArrayLike, reference: ArrayLike | None = None) -> Floats:
    """rho of each class (C,): the distance of its point to the points' global centre, or to `reference (D,)`."""
    points = np.asarray(points, dtype=np.float64)
    origin = global_centre(points) if reference is None else np.asarray(reference, dtype=np.float64)
    return np.linalg.norm(points - origin, axis=1)


def centre_distance(points: ArrayLike, reference: ArrayLike | None = None) -> float:
    """rho: the mean distance of class centres (or embeddings) to their global centre, or to a given one (Fig. 16).

    Fig. 17 keeps the global centre of the first epoch as `reference`; class embeddings are measured to avg(G).
    """
    return mean(centre_distances(points, reference))


def separations(points: ArrayLike) -> Floats:
    """(C, C): the distances between class centres, or between class embeddings."""
    return _separations(np.asarray(points, dtype=np.float64), slice(None))


def mean_centre_separation(g: ArrayLike) -> float:
    """The mean distance between two class centres, over all pairs (Fig. 18-19)."""
    points, total, n = np.asarray(g, dtype=np.float64), 0.0, 0
    for first in range(0, len(points), BLOCK):
        rows = _separations(points, slice(first, first + BLOCK))  # (B, C)
        later = rows[np.arange(len(points)) > np.arange(first, first + len(rows))[:, None]]
        total, n = total + float(np.nansum(later)), n + int((~np.isnan(later)).sum())
    return total / n if n else float("nan")


def median_cosine_similarity(e: ArrayLike, y: ArrayLike, g: ArrayLike) -> float:
    """The median cosine between each output embedding and its own class centre (Fig. 40-44)."""
    e, own_centres = np.asarray(e, dtype=np.float64), np.asarray(g, dtype=np.float64)[np.asarray(y, dtype=np.int64)]
    return median((unit(e) * unit(own_centres)).sum(axis=1))


def gaps(c: ArrayLike, g: ArrayLike) -> Floats:
    """(C,): the distance between each class embedding and its class centre."""
    return np.linalg.norm(np.asarray(c, dtype=np.float64) - np.asarray(g, dtype=np.float64), axis=1)


def nearest_separations(points: ArrayLike) -> Floats:
    """(C,): the distance of each class's point to the nearest point of another class."""
    distances, _ = nearest_of_others(points)
    return distances


def nearest_of_others(points: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """(C,) and (C,): of each class's point the distance to the nearest point of another class, and that class.

    NaN, and the class itself, where there is none.
    """
    x = np.asarray(points, dtype=np.float64)
    distances, classes = np.full(len(x), np.nan), np.arange(len(x))
    for first in range(0, len(x), BLOCK):
        rows = _separations(x, slice(first, first + BLOCK))  # (B, C)
        own = np.arange(len(rows))
        rows[own, first + own] = np.inf
        rows[np.isnan(rows)] = np.inf
        nearest = rows.argmin(axis=1)
        is_there = np.isfinite(rows[own, nearest])
        distances[first : first + len(rows)][is_there] = rows[own, nearest][is_there]
        classes[first : first + len(rows)][is_there] = nearest[is_there]
    return distances, classes


def unit(x: Floats) -> Floats:
    """x / |x| row by row; a row of zeros stays zero (its cosine with everything is 0)."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.asarray(x / np.where(length == 0, 1, length))


def _separations(points: Floats, rows: slice) -> Floats:
    """(B, C): the distances of some of the points (C, D) to all of them; 0 to itself."""
    x = points - global_centre(points)
    squares = (x**2).sum(axis=1)
    apart = squares[rows, None] + squares - 2 * x[rows] @ x.T
    np.sqrt(np.maximum(apart, 0, out=apart), out=apart)
    own = np.arange(len(apart))
    apart[own, own + (rows.start or 0)] *= 0  # NaN of an absent class stays
    return np.asarray(apart)


def _rows_by_class(y: ArrayLike) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each class of y (N,) that has images, and their rows in order; one sort, also for thousands of classes."""
    labels = np.asarray(y, dtype=np.int64)
    order = np.argsort(labels, kind="stable")
    classes, first = np.unique(labels[order], return_index=True)
    yield from zip(classes.tolist(), np.split(order, first[1:]), strict=bool(len(labels)))


def _present(points: ArrayLike) -> Floats:
    points = np.asarray(points, dtype=np.float64)
    return points[~np.isnan(points).any(axis=1)]


def mean(values: Floats) -> float:
    """The mean of what is not NaN; NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def median(values: Floats) -> float:
    """The median of what is not NaN; NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else float("nan")
