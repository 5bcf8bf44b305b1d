"""Measures of the embedding space (section III-B of the paper): NumPy in, NumPy out, float64 inside.

A class without images has NaN for its centre and is left out of every mean and median; a measure with nothing left to
measure is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def class_centres(e: ArrayLike, y: ArrayLike, n_classes: int) -> Floats:
    """The class centres G (C, D): the mean output embedding of each class."""
    e, y = np.asarray(e), np.asarray(y, dtype=np.int64)
    centres = np.full((n_classes, e.shape[1]), np.nan)
    for k in np.unique(y):
        centres[k] = e[y == k].mean(axis=0, dtype=np.float64)
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
    distances, y = own_distances(e, y, g), np.asarray(y)
    return np.array([median(distances[y == k]) for k in range(len(np.asarray(g)))])


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
    points = np.asarray(points, dtype=np.float64)
    x = points - global_centre(points)
    squares = (x**2).sum(axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)) * (1 - np.eye(len(x)))


def mean_centre_separation(g: ArrayLike) -> float:
    """The mean distance between two class centres, over all pairs (Fig. 18-19)."""
    pairs = separations(g)
    return mean(pairs[np.triu_indices(len(pairs), k=1)])


def median_cosine_similarity(e: ArrayLike, y: ArrayLike, g: ArrayLike) -> float:
    """The median cosine between each output embedding and its own class centre (Fig. 40-44)."""
    e, own_centres = np.asarray(e, dtype=np.float64), np.asarray(g, dtype=np.float64)[np.asarray(y, dtype=np.int64)]
    return median((unit(e) * unit(own_centres)).sum(axis=1))


def gaps(c: ArrayLike, g: ArrayLike) -> Floats:
    """(C,): the distance between each class embedding and its class centre."""
    return np.linalg.norm(np.asarray(c, dtype=np.float64) - np.asarray(g, dtype=np.float64), axis=1)


def nearest_separations(points: ArrayLike) -> Floats:
    """(C,): the distance of each class's point to the nearest point of another class."""
    pairs = separations(points)
    np.fill_diagonal(pairs, np.inf)
    nearest = np.where(np.isnan(pairs), np.inf, pairs).min(axis=1, initial=np.inf)
    return np.where(np.isinf(nearest) | np.isnan(pairs).all(axis=1), np.nan, nearest)


def unit(x: Floats) -> Floats:
    """x / |x| row by row; a row of zeros stays zero (its cosine with everything is 0)."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.asarray(x / np.where(length == 0, 1, length))


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
