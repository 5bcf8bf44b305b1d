"""Nearest neighbours, exactly: of every image of a sample, of one image of many, and of one in a picture.

Of equally near ones the first row counts, everywhere (`smallest`). `NeighbourIndex` holds the embeddings of one
snapshot as float32 about their middle. One matrix product gives every distance up to rounding; every image that may be
among the k nearest, that rounding considered, is measured again in float64 from the file's own numbers. So the result
is scikit-learn's, at 60,000 x 1,351 in 12 ms instead of 92 (benchmarks/selection.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.web.cache import Cache
from mtm.errors import InputError, choose_from
from mtm.geometry import unit
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

METRICS = ("euclidean", "cosine")
NEIGHBOURS = 15
MOST_NEIGHBOURS = 200
RESIDENT_BYTES = 768 << 20  # most memory that cached indexes take together; a larger one reads e again each time
CHUNK = 1 << 21  # numbers converted at once
SAME = 1e-12  # of the square of how far it lies from the middle: nearer others are at the very place of an image
MIDDLE = 2_000  # images whose mean the embeddings are moved to: anywhere near the middle will do
ONE_PLACE = "Not defined: all images are at one place."
THREADS = 2  # that convert
ROUNDING = (
    4.0 * float(np.finfo(np.float32).eps) / 2
)  # times sqrt(D): how far a float32 product of |a| |b| = 1 may be off


# Of every image of a sample


def smallest(values: ArrayLike, k: int) -> Rows:
    """(..., k): where the k smallest of values (..., N) are, ascending, of equals the first; all where N <= k."""
    values = np.asarray(values)
    k = min(k, values.shape[-1])
    if k == 0:
        return np.empty((*values.shape[:-1], 0), np.int64)
    found = np.sort(np.argpartition(values, k - 1, axis=-1)[..., :k], axis=-1)
    largest = np.take_along_axis(values, found, axis=-1).max(axis=-1, keepdims=True)
    is_open = (values <= largest).sum(axis=-1) > k  # equals at the edge, of which argpartition takes any
    if is_open.any():
        found[is_open] = np.argsort(values[is_open], axis=-1, kind="stable")[..., :k]
    order = np.argsort(np.take_along_axis(values, found, axis=-1), axis=-1, kind="stable")
    return np.asarray(np.take_along_axis(found, order, axis=-1))


def squared_distances(x: ArrayLike, metric: str = "euclidean") -> Floats:
    """(..., N, N) of x (..., N, D), infinite to itself; float64, about the mean, so that little cancels.

    By cosine it is the squared distance of unit vectors, 2 - 2 cos. Raises InputError for another metric.
    """
    if metric not in METRICS:
        raise choose_from("metric", metric, METRICS)
    e = np.asarray(x, np.float64)
    e = unit(e) if metric == "cosine" else e
    e = e - e.mean(axis=-2, keepdims=True)
    squares = np.einsum("...nd,...nd->...n", e, e)
    distances = e @ e.swapaxes(-1, -2)
    distances *= -2
    distances += squares[..., :, None]
    distances += squares[..., None, :]
    np.maximum(distances, 0, out=distances)
    diagonal = np.arange(e.shape[-2])
    distances[..., diagonal, diagonal] = np.inf
    return np.asarray(distances)


def nearest_others(x: ArrayLike, k: int, metric: str = "euclidean") -> Rows:
    """(..., N, k): the k nearest others of each of x (..., N, D), nearest first. All N x N distances: for a sample.

    scikit-learn's search takes as long, and a second to import (benchmarks/libraries.py). Raises ValueError for N <= k.
    """
    n = np.shape(x)[-2]
    if not 0 < k < n:
        raise ValueError(f"{k} neighbours need at least {k + 1} points, there are {n}")
    return smallest(squared_distances(x, metric), k)


def count_shared(a: Rows, b: Rows) -> Rows:
    """(...): how many of the neighbours a (..., k) are among b (..., k)."""
    return np.asarray((a[..., :, None] == b[..., None, :]).sum(axis=(-1, -2)))


@dataclass(frozen=True)
class SampleNeighbours:
    """The k nearest others of every image of a sample. Where more than k are at the very place of one, they are not
    defined: none of those is nearer than the others.
    """

    rows: Rows  # (..., N, k)
    distances: Floats  # (..., N, N) squared
    n_at_place: Rows  # (..., N) others at the very place of each

    @property
    def is_defined(self) -> Mask:
        """(..., N)."""
        return np.asarray(self.n_at_place <= self.rows.shape[-1])


def find_nearest(x: ArrayLike, k: int, metric: str = "euclidean") -> SampleNeighbours:
    """The k nearest others of each of x (..., N, D), as `nearest_others`, and whether they are defined."""
    e = np.asarray(x, np.float64)
    distances, middle = squared_distances(e, metric), e.mean(axis=-2, keepdims=True)
    squares = np.square(e - middle).sum(axis=-1) if metric == "euclidean" else np.ones(e.shape[:-1])  # (..., N)
    return SampleNeighbours(smallest(distances, k), distances, (distances <= SAME * squares[..., None]).sum(axis=-1))


@dataclass(frozen=True)
class SampleComparison:
    """The neighbours of a sample in D dimensions compared with those in a picture."""

    near: Rows  # (N, k) in D dimensions
    is_defined: Mask  # (N,) whether they are
    kept: float  # how many are neighbours in the picture too, mean of the images of which that is defined, else NaN
    trust: float  # trustworthiness, of the same images; NaN for 2 k >= N too
    why_undefined: str  # a sentence; empty if it is defined


def compare_samples(x: ArrayLike, u: ArrayLike, k: int) -> SampleComparison:
    """Compare the k nearest of each image of x (N, D) with those in the picture u (N, 2)."""
    e, u = np.asarray(x, np.float64), np.asarray(u, np.float64)
    n, nan = len(e), float("nan")
    if not 0 < k < n:
        raise ValueError(f"{k} neighbours need at least {k + 1} points, there are {n}")
    if not (np.isfinite(e).all() and np.isfinite(u).all()):
        nothing = np.zeros((n, k), np.int64)
        return SampleComparison(nothing, np.zeros(n, np.bool_), nan, nan, "Not defined: some places are no numbers.")
    near, in_picture = find_nearest(e, k), find_nearest(u, k)
    is_defined = near.is_defined & in_picture.is_defined
    if not is_defined.any():
        return SampleComparison(
            near.rows, near.is_defined, nan, nan, _why_undefined(near.n_at_place, in_picture.n_at_place, k)
        )
    kept = float(count_shared(near.rows, in_picture.rows)[is_defined].mean())
    trust = _trust(near.distances[is_defined], in_picture.rows[is_defined]) if 2 * k < n else nan
    return SampleComparison(near.rows, near.is_defined, kept, trust, "")


def _why_undefined(n_at_place: Rows, n_at_place_there: Rows, k: int) -> str:
    others = len(n_at_place) - 1
    if n_at_place.min() == others:
        return ONE_PLACE
    if n_at_place_there.min() == others:
        return "Not defined: the picture has all images at one place."
    return f"Not defined: every image has more than {k} others at its very place."


def _trust(distances: Floats, near_in_picture: Rows) -> float:
    """Trustworthiness of n images from their squared distances (n, N) in D dimensions to all, and their neighbours
    (n, k) in the picture.
    """
    (n, k), n_all = near_in_picture.shape, distances.shape[1]
    reach = np.take_along_axis(distances, near_in_picture, axis=1)  # (n, k)
    ordered = np.sort(distances, axis=1)
    ranks = 1 + np.array([row.searchsorted(to) for row, to in zip(ordered, reach, strict=True)])  # (n, k)
    return float(1 - 2 / (n * k * (2 * n_all - 3 * k - 1)) * np.maximum(ranks - k, 0).sum())


# Of one image


@dataclass(frozen=True)
class Neighbours:
    """The k nearest others of one image, nearest first; of equally near ones the first row."""

    rows: Rows  # (k,)
    distances: Floats  # (k,) Euclidean, or 1 - cosine


class NeighbourIndex:
    """The embeddings e (N, D) of one snapshot, prepared for searches; `e` may be a view of a file.

    With `resident` false no copy is held, and every search reads the embeddings once.
    """

    def __init__(self, e: Array, resident: bool = True) -> None:
        self.e = e
        sample = e[:: max(1, len(e) // MIDDLE)]
        self.middle = sample.mean(axis=0, dtype=np.float64).astype(np.float32)  # (D,)
        self._lengths = np.empty(len(e), np.float32)  # |x| of x = e - middle
        self._norms = np.empty(len(e), np.float32)  # |e|
        self._x = np.empty(e.shape, np.float32) if resident else None  # (N, D)
        with ThreadPoolExecutor(THREADS) as pool:  # NumPy lets go of the interpreter while it converts
            list(pool.map(self._prepare, self._chunks()))

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._lengths.nbytes + self._norms.nbytes + (0 if self._x is None else self._x.nbytes)

    def nearest(self, row: int, k: int = NEIGHBOURS, metric: str = "euclidean") -> Neighbours:
        """The k nearest others of one image; all others where there are fewer. Cosine distance to a zero vector is 1.

        Raises InputError if there is no such image or metric, or k is no number of neighbours.
        """
        if metric not in METRICS:
            raise choose_from("metric", metric, METRICS)
        if not 0 <= row < len(self.e):
            raise InputError(f"there are {len(self.e)} images here, number {row} is not among them")
        if k < 1:
            raise InputError(f"k = {k}: at least one neighbour is looked for")
        k = min(k, len(self.e) - 1)
        if k == 0:
            return Neighbours(np.empty(0, np.int64), np.empty(0))
        lower, upper = self._bounds(row, metric)
        lower[row], upper[row] = np.inf, np.inf
        reach = np.partition(upper, k - 1)[k - 1]
        candidates = np.flatnonzero(lower <= reach)
        exact = self._exact(row, candidates, metric)
        order = smallest(exact, k)
        return Neighbours(candidates[order], exact[order])

    def _bounds(self, row: int, metric: str) -> tuple[Floats, Floats]:
        """Lower and upper bounds (N,) of each squared distance, or cosine distance."""
        products, lengths = self._products(row).astype(np.float64), self._lengths.astype(np.float64)
        off = ROUNDING * np.sqrt(self.e.shape[1]) * (lengths + lengths[row]) ** 2 + np.finfo(np.float32).tiny
        if metric == "euclidean":
            squares = lengths**2 + lengths[row] ** 2 - 2 * products
            return squares - off, squares + off
        # e.f = x.z + m.e + m.f - m.m for x = e - m, z = f - m, m the middle
        middle = self.middle.astype(np.float64)
        norms, own = self._norms.astype(np.float64), self.e[row].astype(np.float64)
        along = (norms**2 - lengths**2 + middle @ middle) / 2  # m.e of every image
        dots = products + along + middle @ own - middle @ middle
        scale = norms * norms[row]
        cosines = np.divide(dots, scale, out=np.zeros_like(dots), where=scale > 0)
        off += ROUNDING * np.sqrt(self.e.shape[1]) * (norms + norms[row]) ** 2 + ROUNDING * float(middle @ middle)
        off = np.divide(off, scale, out=np.zeros_like(dots), where=scale > 0)
        return 1 - cosines - off, 1 - cosines + off

    def _exact(self, row: int, rows: Rows, metric: str) -> Floats:
        """Distances to some rows in float64, from the embeddings as they are."""
        own, distances = self.e[row].astype(np.float64), np.empty(len(rows))
        size = max(1, CHUNK // self.e.shape[1])
        for first in range(0, len(rows), size):
            e = self.e[rows[first : first + size]].astype(np.float64)
            if metric == "euclidean":
                distances[first : first + size] = np.linalg.norm(e - own, axis=1)
            else:
                distances[first : first + size] = 1 - unit(e) @ unit(own[None])[0]
        return distances

    def _products(self, row: int) -> Array:
        """(N,): the product of every x with that of one row."""
        own = self.e[row].astype(np.float32) - self.middle
        if self._x is not None:
            return self._x @ own
        return np.concatenate([(self.e[rows].astype(np.float32) - self.middle) @ own for rows in self._chunks()])

    def _prepare(self, rows: slice) -> None:
        x = self.e[rows].astype(np.float32) if self._x is None else self._x[rows]
        if self._x is not None:
            x[:] = self.e[rows]
        self._norms[rows] = np.sqrt(np.einsum("nd,nd->n", x, x))
        x -= self.middle
        self._lengths[rows] = np.sqrt(np.einsum("nd,nd->n", x, x))

    def _chunks(self) -> Iterator[slice]:
        size = max(1, CHUNK // self.e.shape[1])
        return (slice(first, first + size) for first in range(0, len(self.e), size))


def cached_index(cache: Cache, key: Hashable, e: Array) -> NeighbourIndex:
    """The index of embeddings e (N, D) from a cache whose size is bytes; one too large for it holds no copy of e."""
    lengths, copy = 8 * len(e), 4 * e.size
    resident = lengths + copy <= cache.size
    return cache.get(key, lambda: NeighbourIndex(e, resident), lengths + (copy if resident else 0))


# The same in a picture


@dataclass(frozen=True)
class NeighbourComparison:
    """Neighbours of one image in D dimensions and in a picture, compared. The names are those of the JSON."""

    here: Rows  # (k,) nearest in the picture, nearest first
    kept: Rows  # nearest in both, in the order of D dimensions
    false: Rows  # near in the picture, not in D dimensions, nearest first
    missing: Rows  # near in D dimensions, not in the picture, nearest first


def compare_with_layout(row: int, near: ArrayLike, u: ArrayLike) -> NeighbourComparison:
    """Compare the k nearest in D dimensions (k,) of one image with the k nearest in the picture u (N, 2).

    An image without a position in the picture has no neighbours there.
    """
    near, u = np.asarray(near, np.int64), np.asarray(u, np.float64)
    distances = np.linalg.norm(u - u[row], axis=1)
    distances = np.where(np.isnan(distances), np.inf, distances)
    distances[row] = np.inf
    near_in_picture = smallest(distances, len(near))
    near_in_picture = near_in_picture[np.isfinite(distances[near_in_picture])]
    is_kept = np.isin(near, near_in_picture)
    is_false = ~np.isin(near_in_picture, near)
    return NeighbourComparison(near_in_picture, near[is_kept], near_in_picture[is_false], near[~is_kept])
