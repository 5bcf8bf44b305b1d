"""UMAP's graph of one snapshot: who is a neighbour of whom, and how surely.

It is the fuzzy simplicial set of UMAP (McInnes, Healy and Melville, arXiv:1802.03426); a test compares it with
umap-learn's. Class embeddings and class centres are extra rows, which have neighbours but are nobody's: the middle of a
class would else be everybody's nearest neighbour and tie the class into a star.

Numba keeps the compiled kernels on disk (NUMBA_CACHE_DIR, or beside this file), so an installation compiles once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from explorer.space.planes import principal_axes

Array = NDArray[Any]
Floats = NDArray[np.float32]
Kernel = TypeVar("Kernel", bound=Callable[..., None])

REDUCED = 50  # dimensions in which neighbours are searched
BLOCK = 512  # rows whose distances to all points are held at once


def neighbour_graph(e: Array, extra: Array, metric: str, neighbours: int = 15, seed: int = 0) -> csr_matrix:
    """UMAP's graph (N + E, N + E) of embeddings e (N, D) and extra rows (E, D), which have neighbours but are nobody's.

    An edge weighs how surely its ends are neighbours (the fuzzy simplicial set of the paper's section 3.1). For
    `cosine` the distance is 1 - cos. Neighbours are exact in the first REDUCED principal components.
    """
    x, z = np.asarray(e, np.float32), np.asarray(extra, np.float32)
    x, z = (_unit(x), _unit(z)) if metric == "cosine" else (x, z)
    middle = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    x, z = x - middle, z - middle
    largest = float(np.abs(x).max(initial=0.0)) or 1.0
    x, z = x / np.float32(largest), z / np.float32(largest)  # no square over- or underflows
    if x.shape[1] > REDUCED:
        axes = principal_axes([x], REDUCED, rounds=4, seed=seed).astype(np.float32)  # (D, REDUCED)
        x, z = x @ axes, z @ axes
    n, whole = len(x), np.flatnonzero(~np.isnan(z).any(axis=1))
    k = min(neighbours, n) - 1
    halved = metric == "cosine"
    (near, distance), (near_z, distance_z) = nearest(x, x, k, halved, True), nearest(z[whole], x, k, halved, False)
    weights = np.concatenate([membership_strengths(distance, neighbours), membership_strengths(distance_z, neighbours)])
    rows = np.repeat(np.concatenate([np.arange(n), n + whole]), k)
    columns = np.concatenate([near, near_z]).ravel()
    graph = csr_matrix((weights.ravel(), (rows, columns)), 2 * (n + len(z),))
    graph.eliminate_zeros()
    back = graph.T.tocsr()
    graph = (graph + back - graph.multiply(back)).tocsr()  # the edge is there in the one direction or the other
    graph.sort_indices()
    return graph


def nearest(q: Floats, x: Floats, k: int, halved: bool, own: bool) -> tuple[NDArray[np.int32], Floats]:
    """The k rows of x nearest to each row of q, nearest first: their numbers (Q, k) and distances (Q, k).

    `own`: q is x, and a point is not its own neighbour. `halved`: half the squared distance instead, which for unit
    vectors is the cosine distance. Of equally near ones the first row, as in `explorer.space.neighbours`, which has no
    numba in the server and is for a sample. scikit-learn's search takes twice as long (benchmarks/libraries.py).
    """
    index, distance = np.zeros((len(q), k), np.int32), np.zeros((len(q), k), np.float32)
    squares = np.square(x).sum(axis=1, keepdims=True)
    left = np.concatenate([-2 * q, np.ones((len(q), 1), np.float32)], axis=1)
    right = np.ascontiguousarray(np.concatenate([x, squares], axis=1).T)
    for a in range(0, len(q), BLOCK):
        d2 = left[a : a + BLOCK] @ right  # (BLOCK, N) without |q|^2, the same for a whole row
        if own:
            own_rows = np.arange(len(d2))
            d2[own_rows, a + own_rows] = np.inf
        _smallest(d2, index[a : a + BLOCK])
    _distances(q, x, index, halved, distance)
    return index, distance


def membership_strengths(distance: Floats, neighbours: int) -> Floats:
    """How surely each of the nearest (distances (Q, k), ascending) is a neighbour: 1 for the first, then falling off.

    The width of the fall is such that a row sums to log2(neighbours) (UMAP's smooth kNN distance).
    """
    weights = np.zeros_like(distance)
    if distance.size:
        everywhere = float(distance.sum(dtype=np.float64)) / (len(distance) * (distance.shape[1] + 1))
        _strengths(distance, float(np.log2(neighbours)), everywhere, weights)
    return weights


def _unit(x: Floats) -> Floats:
    length = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(x / np.where(length, length, 1), np.float32)


# Kernels


def compiled(kernel: Kernel) -> Kernel:
    """A function compiled by numba on its first call, without Python's lock, kept on disk."""
    return cast(Kernel, njit(nogil=True, cache=True, fastmath=True)(kernel))


@compiled
def _smallest(values: Floats, index: NDArray[np.int32]) -> None:
    """Per row of values (Q, N) the columns of the smallest, ascending, into index (Q, k)."""
    n_rows, k = index.shape
    best = np.empty(k, np.float32)
    for r in range(n_rows):
        n_kept = 0
        limit = np.float32(np.inf)
        row = values[r]
        for j in range(len(row)):
            value = row[j]
            if value < limit:
                at = min(n_kept, k - 1)
                while at > 0 and best[at - 1] > value:
                    best[at] = best[at - 1]
                    index[r, at] = index[r, at - 1]
                    at -= 1
                best[at] = value
                index[r, at] = j
                n_kept = min(n_kept + 1, k)
                if n_kept == k:
                    limit = best[k - 1]


@compiled
def _distances(q: Floats, x: Floats, index: NDArray[np.int32], halved: bool, distance: Floats) -> None:
    """The distances of the rows of q to their neighbours in x, from the differences; each row is put in order."""
    for i in range(index.shape[0]):
        for s in range(index.shape[1]):
            total = np.float32(0)
            j = index[i, s]
            for d in range(x.shape[1]):
                difference = q[i, d] - x[j, d]
                total += difference * difference
            value = total * np.float32(0.5) if halved else np.sqrt(total)
            at = s
            while at > 0 and distance[i, at - 1] > value:
                distance[i, at] = distance[i, at - 1]
                index[i, at] = index[i, at - 1]
                at -= 1
            distance[i, at] = value
            index[i, at] = j


@compiled
def _strengths(distance: Floats, target: float, everywhere: float, weights: Floats) -> None:
    for i in range(distance.shape[0]):
        k = distance.shape[1]
        nearest_other = 0.0  # of those that are not in the same place
        total = 0.0
        for s in range(k - 1, -1, -1):
            total += distance[i, s]
            if distance[i, s] > 0:
                nearest_other = distance[i, s]
        low, high, width = 0.0, -1.0, 1.0  # high < 0: no upper bound yet
        for _ in range(64):
            reached = 0.0
            for s in range(k):
                reached += np.exp(-max(distance[i, s] - nearest_other, 0.0) / width)
            if abs(reached - target) < 1e-5:
                break
            if reached > target:
                high = width
                width = (low + high) / 2
            else:
                low = width
                width = 2 * width if high < 0 else (low + high) / 2
        width = max(width, 1e-3 * (total / (k + 1) if nearest_other > 0 else everywhere))
        for s in range(k):
            beyond = max(distance[i, s] - nearest_other, 0.0)
            weights[i, s] = 1.0 if beyond == 0 else np.exp(-beyond / width)
