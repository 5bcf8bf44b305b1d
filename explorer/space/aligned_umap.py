"""UMAP over time: one layout of all snapshots, in which what does not change does not move.

The graph of each snapshot and the forces are those of UMAP (McInnes, Healy and Melville, arXiv:1802.03426); a test
compares the graph with umap-learn's. Three things differ, and they are what keeps the picture still:

- all snapshots start from the same positions and are laid out together, each point drawn towards its own positions
  one snapshot before and after, the more so the more of its neighbours stayed (`ties`);
- whom a point is pushed away from is random by the point and the round, not by the snapshot: where nothing changes,
  two snapshots make the same moves;
- class embeddings and class centres are rows of the same layout, but no image counts them among its neighbours: the
  middle of a class would else be everybody's nearest neighbour and tie the class into a star.

A snapshot is laid out by one thread of a Python pool, not by numba's own threads, which abort the process when two
callers meet: the same seed gives the same bits on any number of cores. Numba keeps the compiled kernels on disk
(NUMBA_CACHE_DIR, or beside this file), so an installation compiles once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from explorer.space.planes import principal_axes

Array = NDArray[Any]
Floats = NDArray[np.float32]
Kernel = TypeVar("Kernel", bound=Callable[..., None])

REDUCED = 50  # dimensions in which neighbours are looked for
PUSHES = 5  # points that each draw of an edge pushes its vertex away from (UMAP's negative samples)
CURVE_A, CURVE_B = 1.576943460405378, 0.8950608781227859  # 1 / (1 + a d^2b), fitted to min_dist 0.1 and spread 1
EXTENT = 10.0  # the starting positions lie within +- this
BLOCK = 512  # rows whose distances to all points are held at once

# The two forces are looked up by the squared distance, 2^BIN_BITS bins an octave, error below 0.5 %: 2.5 times as fast
# as powers. The range covers every distance that a layout can have.
OCTAVES = (-24, 24)
BIN_BITS = 7
SHIFT = 23 - BIN_BITS
LOWEST = int(np.float32(2.0 ** OCTAVES[0]).view(np.int32))


def umap_over_time(
    embeddings: Sequence[Array] | Array,
    extras: Array,
    start: Array,
    *,
    held: Array | None = None,
    metric: str = "euclidean",
    seed: int = 0,
    neighbours: int = 15,
    rounds: int = 200,
    smoothing: float = 2.0,
    threads: int | None = None,
    told: Callable[[float, str], None] = lambda share, what: None,
) -> Floats:
    """Positions (T, N + E, 2) of T snapshots' embeddings (N, D) each, and of `extras (T, E, D)` among them.

    `start (N, 2)` are positions to start from, the same for every snapshot; the first H snapshots stay where they are
    `held (H, N + E, 2)`, and the others start from the last of them. `metric` is euclidean or cosine;
    `neighbours` counts the point itself, as umap-learn does; `smoothing` is how firmly a point is tied to its own
    positions before and after, 0 for not at all. An extra row with NaN has no position in that snapshot.
    `told(share, what)` may raise to end it.
    """
    n_snapshots, n_points = len(embeddings), len(start)
    with ThreadPoolExecutor(min(threads or n_cores(), n_snapshots)) as pool, threadpool_limits(1, "blas"):

        def graph_of(t: int) -> csr_matrix:
            return neighbour_graph(embeddings[t], extras[t], metric, neighbours, seed)

        graphs = []
        for t, graph in enumerate(pool.map(graph_of, range(n_snapshots)), 1):
            graphs.append(graph)
            told(0.4 * t / n_snapshots, f"neighbours of snapshot {t} of {n_snapshots}")
        first = starting_positions(start, graphs, seed)[None].repeat(n_snapshots, axis=0)
        if held is not None:
            first[: len(held)] = np.where(np.isnan(held), first[0], held)  # what was missing there may come yet
            first[len(held) :] = first[len(held) - 1]

        def laid_out(share: float) -> None:
            told(0.4 + 0.6 * share, "layout of all snapshots together")

        u = joint_layout(graphs, first, 0 if held is None else len(held), rounds, smoothing, seed, pool, laid_out)
    u[:, n_points:][np.isnan(extras).any(axis=2)] = np.nan
    return u


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
    weights = np.concatenate([strengths(distance, neighbours), strengths(distance_z, neighbours)])
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
    vectors is the cosine distance.
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


def strengths(distance: Floats, neighbours: int) -> Floats:
    """How surely each of the nearest (distances (Q, k), ascending) is a neighbour: 1 for the first, then falling off.

    The width of the fall is such that a row sums to log2(neighbours) (UMAP's smooth kNN distance).
    """
    weights = np.zeros_like(distance)
    if distance.size:
        everywhere = float(distance.sum(dtype=np.float64)) / (len(distance) * (distance.shape[1] + 1))
        _strengths(distance, float(np.log2(neighbours)), everywhere, weights)
    return weights


def ties(graphs: Sequence[csr_matrix]) -> list[Floats]:
    """For each two snapshots that follow, how firmly every vertex is tied to its own next position, (T - 1) x (M,).

    With the share j of its neighbours that stay (of those it has before or after) a vertex is drawn with j / (1 - j) to
    where it was: one whose neighbours all stay hardly moves. It is bounded by 1 / SLACK.
    """
    return [_tie(a, b) for a, b in pairwise(graphs)]


SLACK = 0.05


def _tie(a: csr_matrix, b: csr_matrix) -> Floats:
    before, after = a.astype(bool).astype(np.float32), b.astype(bool).astype(np.float32)
    both = np.asarray(before.multiply(after).sum(axis=1), np.float32).ravel()
    either = np.diff(a.indptr) + np.diff(b.indptr) - both
    stay = both / np.maximum(either, 1)
    return np.asarray(stay / (1 - stay + SLACK), np.float32)


def starting_positions(start: Array, graphs: Sequence[csr_matrix], seed: int) -> Floats:
    """Where all snapshots start (M, 2): the points where `start (N, 2)` says, the extra rows amid their neighbours."""
    n, size = len(start), graphs[0].shape[0]
    u = np.zeros((size, 2))
    u[:n] = start - start.mean(axis=0)
    u[:n] *= EXTENT / (np.abs(u[:n]).max() or 1.0)
    pull = sum(graph[n:, :n] for graph in graphs)  # (E, N)
    u[n:] = pull @ u[:n] / np.maximum(np.asarray(pull.sum(axis=1)), 1e-9)
    noise = np.random.default_rng(seed).standard_normal(u.shape)
    return (u + 1e-3 * noise).astype(np.float32)  # points in the same place have to be able to part


def joint_layout(
    graphs: Sequence[csr_matrix],
    start: Floats,
    n_held: int,
    rounds: int,
    smoothing: float,
    seed: int,
    pool: ThreadPoolExecutor,
    told: Callable[[float], None],
) -> Floats:
    """The positions (T, M, 2) after `rounds` from `start (T, M, 2)`, where the first `n_held` snapshots stay.

    Every edge pulls as often as it weighs, and every tie holds.
    """
    (n_snapshots, n_vertices, _), u = start.shape, start.copy()
    edges = [_edges(graph, rounds) for graph in graphs]
    due = [every.copy() for _, _, every in edges]  # the round in which an edge pulls next
    attraction, repulsion = force_tables()
    tied = np.zeros((n_snapshots + 1, n_vertices), np.float32)  # to the snapshot before; the ends to none
    if smoothing:
        tied[1:-1] = smoothing * np.array(ties(graphs)).reshape(n_snapshots - 1, n_vertices)
    for number in range(rounds):
        step = np.float32((1 - number / rounds) ** 2)  # linear, as umap-learn's, keeps 1 to 3 % fewer neighbours
        before = np.concatenate([u[:1], u, u[-1:]])  # what others see: all snapshots move at once

        def move(t: int, number: int = number, step: np.float32 = step, before: Floats = before) -> None:
            ends, heads, every = edges[t]
            _hold(u[t], before[t], before[t + 2], tied[t], tied[t + 1], step)
            _move(u[t], ends, heads, every, due[t], number, step, seed, attraction, repulsion)

        list(pool.map(move, range(n_held, n_snapshots)))
        told((number + 1) / rounds)
    return u


def force_tables() -> tuple[Floats, Floats]:
    """What the difference of two positions is multiplied with, by the bin of its squared length: pull and push."""
    bins = np.arange((OCTAVES[1] - OCTAVES[0]) << BIN_BITS, dtype=np.int32)
    d2 = (LOWEST + (bins << SHIFT) + (1 << (SHIFT - 1))).astype(np.int32).view(np.float32).astype(np.float64)
    curve = CURVE_A * d2**CURVE_B
    pull = 2 * CURVE_A * CURVE_B * d2 ** (CURVE_B - 1) / (curve + 1)
    push = 2 * CURVE_B / ((0.001 + d2) * (curve + 1))
    return pull.astype(np.float32), push.astype(np.float32)


def compile_ahead() -> None:
    """Lay out a few points, so that numba compiles every kernel now, or loads it from disk."""
    x = np.random.default_rng(0).standard_normal((2, 22, 3))
    umap_over_time(x[:, :20], x[:, 20:], x[0, :20, :2], rounds=2)


def n_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unit(x: Floats) -> Floats:
    length = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(x / np.where(length, length, 1), np.float32)


def _edges(graph: csr_matrix, rounds: int) -> tuple[Array, Array, Floats]:
    """Row ends, columns, and every how many rounds an edge pulls; edges that never would in all rounds are left out."""
    heaviest = graph.data.max(initial=0.0)
    graph = graph.copy()
    graph.data[graph.data < heaviest / rounds] = 0
    graph.eliminate_zeros()
    every = (heaviest / graph.data).astype(np.float32)
    return graph.indptr.astype(np.int64), graph.indices.astype(np.int32), every


# Kernels


def _compiled(kernel: Kernel) -> Kernel:
    return cast(Kernel, njit(nogil=True, cache=True, fastmath=True)(kernel))


@_compiled
def _smallest(values: Floats, index: NDArray[np.int32]) -> None:
    """Per row of values (Q, N) the columns of the smallest, ascending, into index (Q, k)."""
    n_rows, k = index.shape
    best = np.empty(k, np.float32)
    for r in range(n_rows):
        found = 0
        limit = np.float32(np.inf)
        row = values[r]
        for j in range(len(row)):
            value = row[j]
            if value < limit:
                at = min(found, k - 1)
                while at > 0 and best[at - 1] > value:
                    best[at] = best[at - 1]
                    index[r, at] = index[r, at - 1]
                    at -= 1
                best[at] = value
                index[r, at] = j
                found = min(found + 1, k)
                if found == k:
                    limit = best[k - 1]


@_compiled
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


@_compiled
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


@_compiled
def _hold(u: Floats, before: Floats, after: Floats, tie_before: Floats, tie_after: Floats, step: np.float32) -> None:
    """Draw the vertices u (M, 2) of one snapshot towards where they are in the snapshots before and after, in place."""
    for i in range(u.shape[0]):
        b, a = step * tie_before[i], step * tie_after[i]
        for d in range(2):
            u[i, d] = (u[i, d] + b * before[i, d] + a * after[i, d]) / (np.float32(1) + b + a)


@_compiled
def _move(
    u: Floats,
    ends: Array,
    heads: Array,
    every: Floats,
    due: Floats,
    number: int,
    step: np.float32,
    seed: int,
    attraction: Floats,
    repulsion: Floats,
) -> None:
    """One round of one snapshot, in place: the edges that are due pull their ends together, random points push."""
    n = u.shape[0]
    last = attraction.shape[0] - 1
    four = np.float32(4)  # no single pull or push moves further, as in umap-learn
    for i in range(n):
        x, y = u[i, 0], u[i, 1]
        # SplitMix64 of (seed, round, vertex), then counted up: the same in every snapshot
        state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(number) * np.uint64(0xD1342543DE82EF95)
        state += np.uint64(i) * np.uint64(0xDA942042E4DD58B5)
        for edge in range(ends[i], ends[i + 1]):
            if due[edge] > number:
                continue
            due[edge] += every[edge]
            j = heads[edge]
            dx, dy = x - u[j, 0], y - u[j, 1]
            bin = (np.float32(dx * dx + dy * dy).view(np.int32) - LOWEST) >> SHIFT
            force = -attraction[min(max(bin, 0), last)]
            dx = min(max(force * dx, -four), four) * step
            dy = min(max(force * dy, -four), four) * step
            x += dx
            y += dy
            u[j, 0] -= dx
            u[j, 1] -= dy
            for _ in range(PUSHES):
                state += np.uint64(0x9E3779B97F4A7C15)
                mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                k = ((mixed >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32)
                if k == np.uint64(i):
                    continue
                dx, dy = x - u[k, 0], y - u[k, 1]
                bin = (np.float32(dx * dx + dy * dy).view(np.int32) - LOWEST) >> SHIFT
                force = repulsion[min(max(bin, 0), last)]
                x += min(max(force * dx, -four), four) * step
                y += min(max(force * dy, -four), four) * step
        u[i, 0] = x
        u[i, 1] = y
