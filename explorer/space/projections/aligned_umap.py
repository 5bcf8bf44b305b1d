"""UMAP over time: one layout of all snapshots, in which what does not change does not move.

The graph of each snapshot (`umap_graph`) and the forces are those of UMAP (McInnes, Healy and Melville,
arXiv:1802.03426). Two things differ, beside the extra rows of the graph, and they are what keeps the picture still:

- all snapshots start from the same positions and are laid out together, each point drawn towards its own positions
  one snapshot before and after, the more so the more of its neighbours stayed (`temporal_weights`);
- whom a point is pushed away from is random by the point and the round, not by the snapshot: where nothing changes,
  two snapshots make the same moves.

A snapshot is laid out by one thread of a Python pool, not by numba's own threads, which abort the process when two
callers meet: the same seed gives the same bits on any number of cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from explorer.space.projections.umap_graph import compiled, neighbour_graph

Array = NDArray[Any]
Floats = NDArray[np.float32]

PUSHES = 5  # points that each draw of an edge pushes its vertex away from (UMAP's negative samples)
CURVE_A, CURVE_B = 1.576943460405378, 0.8950608781227859  # 1 / (1 + a d^2b), fitted to min_dist 0.1 and spread 1
EXTENT = 10.0  # the starting positions lie within +- this
SLACK = 0.05  # bounds the ties: 1 / SLACK is the firmest

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
    fixed: Array | None = None,
    metric: str = "euclidean",
    seed: int = 0,
    neighbours: int = 15,
    rounds: int = 200,
    smoothing: float = 2.0,
    threads: int | None = None,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Floats:
    """Positions (T, N + E, 2) of T snapshots' embeddings (N, D) each, and of `extras (T, E, D)` among them.

    `start (N, 2)` are positions to start from, the same for every snapshot; the first H snapshots stay where they are
    `fixed (H, N + E, 2)`, and the others start from the last of them. `metric` is euclidean or cosine;
    `neighbours` counts the point itself, as umap-learn does; `smoothing` is how firmly a point is tied to its own
    positions before and after, 0 for not at all. An extra row with NaN has no position in that snapshot.
    `progress(share, what)` may raise to end it.
    """
    n_snapshots, n_points = len(embeddings), len(start)
    with ThreadPoolExecutor(min(threads or n_cores(), n_snapshots)) as pool, threadpool_limits(1, "blas"):

        def graph_of(t: int) -> csr_matrix:
            return neighbour_graph(embeddings[t], extras[t], metric, neighbours, seed)

        graphs = []
        for t, graph in enumerate(pool.map(graph_of, range(n_snapshots)), 1):
            graphs.append(graph)
            progress(0.4 * t / n_snapshots, f"neighbours of snapshot {t} of {n_snapshots}")
        first = starting_positions(start, graphs, seed)[None].repeat(n_snapshots, axis=0)
        n_fixed = 0 if fixed is None else len(fixed)
        if fixed is not None:
            first[:n_fixed] = np.where(np.isnan(fixed), first[0], fixed)  # a row missing there may come later
            first[n_fixed:] = first[n_fixed - 1]

        def layout_progress(share: float) -> None:
            progress(0.4 + 0.6 * share, "layout of all snapshots together")

        u = joint_layout(graphs, first, n_fixed, rounds, smoothing, seed, pool, layout_progress)
    u[:, n_points:][np.isnan(extras).any(axis=2)] = np.nan
    return u


def temporal_weights(graphs: Sequence[csr_matrix]) -> list[Floats]:
    """For each two snapshots that follow, how firmly every vertex is tied to its own next position, (T - 1) x (M,).

    With the share j of its neighbours that stay (of those it has before or after) a vertex is drawn with j / (1 - j) to
    where it was: one whose neighbours all stay hardly moves. It is bounded by 1 / SLACK.
    """
    return [_tie(a, b) for a, b in pairwise(graphs)]


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
    n_fixed: int,
    rounds: int,
    smoothing: float,
    seed: int,
    pool: ThreadPoolExecutor,
    progress: Callable[[float], None],
) -> Floats:
    """The positions (T, M, 2) after `rounds` from `start (T, M, 2)`, where the first `n_fixed` snapshots stay.

    Every edge pulls as often as it weighs, and every tie holds.
    """
    (n_snapshots, n_vertices, _), u = start.shape, start.copy()
    edges = [_edges(graph, rounds) for graph in graphs]
    due = [every.copy() for _, _, every in edges]  # the round in which an edge pulls next
    attraction, repulsion = force_tables()
    tied = np.zeros((n_snapshots + 1, n_vertices), np.float32)  # to the snapshot before; the ends to none
    if smoothing:
        tied[1:-1] = smoothing * np.array(temporal_weights(graphs)).reshape(n_snapshots - 1, n_vertices)
    for number in range(rounds):
        step = np.float32((1 - number / rounds) ** 2)  # linear, as umap-learn's, keeps 1 to 3 % fewer neighbours
        before = np.concatenate([u[:1], u, u[-1:]])  # a copy from before this round: all snapshots move at once

        def move(t: int, number: int = number, step: np.float32 = step, before: Floats = before) -> None:
            ends, heads, every = edges[t]
            _hold(u[t], before[t], before[t + 2], tied[t], tied[t + 1], step)
            _move(u[t], ends, heads, every, due[t], number, step, seed, attraction, repulsion)

        list(pool.map(move, range(n_fixed, n_snapshots)))
        progress((number + 1) / rounds)
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


def _edges(graph: csr_matrix, rounds: int) -> tuple[Array, Array, Floats]:
    """Row ends, columns, and every how many rounds an edge pulls; edges that never would in all rounds are left out."""
    heaviest = graph.data.max(initial=0.0)
    graph = graph.copy()
    graph.data[graph.data < heaviest / rounds] = 0
    graph.eliminate_zeros()
    every = (heaviest / graph.data).astype(np.float32)
    return graph.indptr.astype(np.int64), graph.indices.astype(np.int32), every


# Kernels


@compiled
def _hold(u: Floats, before: Floats, after: Floats, tie_before: Floats, tie_after: Floats, step: np.float32) -> None:
    """Draw the vertices u (M, 2) of one snapshot towards where they are in the snapshots before and after, in place."""
    for i in range(u.shape[0]):
        b, a = step * tie_before[i], step * tie_after[i]
        for d in range(2):
            u[i, d] = (u[i, d] + b * before[i, d] + a * after[i, d]) / (np.float32(1) + b + a)


@compiled
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
