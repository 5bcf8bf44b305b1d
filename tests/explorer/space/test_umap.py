"""UMAP over time: neighbours are kept at every snapshot, and what does not change does not move."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from projected_runs import make_run, radius
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from explorer.space.frames import Frames
from explorer.space.projections import project
from explorer.space.projections.aligned_umap import temporal_weights, umap_over_time
from explorer.space.projections.umap_graph import membership_strengths, nearest, neighbour_graph
from explorer.space.quality import jitter
from mtm.config import TrainConfig
from mtm.runs import Run


def moving(n_snapshots: int = 6, n: int = 400, dim: int = 64) -> tuple:
    """Clusters with a shape of their own each, that part, tighten and slowly turn: (T, N, D), (T, C, D), (N,)."""
    rng = np.random.default_rng(1)
    y = np.arange(n) % 5
    c = rng.standard_normal((5, dim))
    axes = rng.standard_normal((5, 6, dim)) / np.sqrt(dim) * np.geomspace(3, 1, 6)[:, None]
    z, later = rng.standard_normal((2, n, 6))
    e, targets = [], []
    for share in np.linspace(0.2, 1, n_snapshots):
        latent = np.cos(share) * z + np.sin(share) * later
        e.append(share * c[y] + np.einsum("nl,nld->nd", latent, axes[y]) * (1.5 - share))
        targets.append(share * c)
    return np.stack(e).astype(np.float32), np.stack(targets).astype(np.float32), y


def n_kept(x: np.ndarray, u: np.ndarray, k: int = 15) -> float:
    near = [NearestNeighbors(n_neighbors=k).fit(a).kneighbors(return_distance=False) for a in (x, u)]
    return float(np.mean([len(set(a) & set(b)) for a, b in zip(*near, strict=True)]))


NOTHING = np.zeros((6, 0, 64))  # no extra rows


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray, Frames]:
    e, c, y = moving()
    return e, y, project(make_run(tmp_path_factory.mktemp("umap") / "run", e, y, c), "umap")


def test_umap_keeps_neighbours_at_every_snapshot(laid_out: tuple) -> None:
    e, _, frames = laid_out
    pca = PCA(2).fit(np.concatenate(e))
    ours, plane, alone = [], [], []
    for t in range(6):
        ours.append(n_kept(e[t], frames.points[t]))
        plane.append(n_kept(e[t], pca.transform(e[t])))
        own = umap_over_time(e[t : t + 1], NOTHING[:1], PCA(2).fit_transform(e[t]))
        alone.append(n_kept(e[t], own[0]))
    assert (np.array(ours) > plane).all()
    assert np.mean(ours) > 1.25 * np.mean(plane)
    assert np.mean(ours) > 0.95 * np.mean(alone)
    assert (frames.basis, frames.origin, frames.variance) == (None, None, None)


def test_targets_and_centres_lie_among_the_points_of_their_class(laid_out: tuple) -> None:
    """In this run a target is where its class is, from the first snapshot on."""
    _, y, frames = laid_out
    for marks in (frames.targets, frames.centres):
        for t in range(6):
            near = NearestNeighbors(n_neighbors=15).fit(frames.points[t]).kneighbors(marks[t], return_distance=False)
            assert (y[near] == np.arange(5)[:, None]).mean() > 0.95


def test_points_move_less_than_in_layouts_of_their_own(laid_out: tuple) -> None:
    e, _, frames = laid_out

    def step(u: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(u, axis=0), axis=-1).mean() / radius(u))

    alone = umap_over_time(e, NOTHING, PCA(2).fit_transform(e[-1]), smoothing=0)
    assert step(frames.points) < 0.5 * step(alone)


def test_a_layout_brings_its_jitter(laid_out: tuple) -> None:
    *_, frames = laid_out
    assert frames.twice.shape == (2, *frames.points.shape[1:])
    assert jitter(*frames.twice) < 0.01


def test_a_snapshot_given_twice_hardly_moves() -> None:
    e, c, _ = moving()
    twice = [0, 1, 2, 2, 3, 4, 5]
    u = umap_over_time(e[twice], c[twice], PCA(2).fit_transform(e[-1]))
    moved = np.linalg.norm(u[2] - u[3], axis=-1).mean() / radius(u)
    assert moved < 0.01
    assert np.linalg.norm(u[3] - u[4], axis=-1).mean() / radius(u) > 3 * moved
    only = umap_over_time(e[[2, 2]], c[[2, 2]], PCA(2).fit_transform(e[2]))
    assert (only[0] == only[1]).all()


def test_one_seed_is_one_picture_on_any_number_of_threads() -> None:
    e, c, _ = moving(n=150)
    start = PCA(2).fit_transform(e[-1])
    one = umap_over_time(e, c, start, threads=1)
    assert one.tobytes() == umap_over_time(e, c, start, threads=3).tobytes()
    other = umap_over_time(e, c, start, seed=1)
    assert not (one == other).all()
    assert n_kept(e[-1], other[-1, :150]) == pytest.approx(n_kept(e[-1], one[-1, :150]), rel=0.1)


def test_extra_rows_change_no_neighbours() -> None:
    e, c, _ = moving(n=150)
    graph = neighbour_graph(e[0], c[0], "euclidean")
    alone = neighbour_graph(e[0], c[0, :0], "euclidean")
    assert (graph[:150, :150] != alone).nnz == 0
    assert (graph[150:, :150] > 0).sum(axis=1).tolist() == [[14]] * 5
    assert graph[150:, 150:].nnz == 0


def test_an_extra_row_that_is_not_there_has_no_position() -> None:
    e, c, _ = moving(n=150)
    c[2, 3] = np.nan
    u = umap_over_time(e, c, PCA(2).fit_transform(e[-1]))
    absent = np.zeros(u.shape[:2], bool)
    absent[2, 153] = True
    assert (np.isnan(u).all(axis=2) == absent).all()


def test_a_new_snapshot_joins_a_layout_that_stays(laid_out: tuple, tmp_path: Path) -> None:
    e, c, y = moving()
    c[:4, 3] = np.nan  # a class embedding that comes late
    before = umap_over_time(e[:4], c[:4], PCA(2).fit_transform(e[3]))
    u = umap_over_time(e[3:5], c[3:5], before[-1, : len(y)], fixed=before[-1:])
    np.testing.assert_array_equal(u[0, : len(y)], before[-1, : len(y)])
    assert np.isfinite(u[1]).all()
    scale = np.ptp(before[-1, : len(y)], axis=0).mean()
    moved = np.linalg.norm(u[1] - u[0], axis=1)[: len(y)]
    assert np.median(moved) < 0.1 * scale  # tied to where it was
    assert n_kept(e[4], u[1, : len(y)]) > 0.9 * n_kept(
        e[4], umap_over_time(e[4:5], c[4:5], u[0, : len(y)])[0, : len(y)]
    )


def test_for_a_cosine_run_the_length_of_an_embedding_says_nothing(tmp_path: Path) -> None:
    e, c, y = moving(n=150)
    longer = e * np.random.default_rng(0).uniform(0.5, 4, (6, 150, 1))
    graphs = [neighbour_graph(x[3], c[3], "cosine") for x in (e, longer)]
    np.testing.assert_allclose(graphs[0].toarray(), graphs[1].toarray(), atol=2e-3)
    near = NearestNeighbors(n_neighbors=14, metric="cosine").fit(e[3][:, :40]).kneighbors(return_distance=False)
    own = neighbour_graph(e[3][:, :40], c[3][:0, :40], "cosine") > 0  # few dimensions: nothing is reduced
    assert np.take_along_axis(own.toarray(), near, axis=1).all()

    run = Run.create(tmp_path / "cosine", TrainConfig(loss="cosine"))
    run.log(e[0], y, c[0], epoch=0)
    assert project(run, "umap").params == {"seed": 0, "metric": "cosine"}
    other = Run.create(tmp_path / "other", TrainConfig(loss="euclidean"))
    other.log(e[0], y, c[0], epoch=0)
    assert project(other, "umap", seed=3).params == {"seed": 3, "metric": "euclidean"}


def test_neighbours_are_exact() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((700, 9)).astype(np.float32)
    index, distance = nearest(x, x, 14, halved=False, own=True)
    expected, expected_index = NearestNeighbors(n_neighbors=14, algorithm="brute").fit(x.astype(float)).kneighbors()
    np.testing.assert_allclose(distance, expected, rtol=1e-4)
    assert (index == expected_index).mean() > 0.999
    q = rng.standard_normal((30, 9)).astype(np.float32)
    index, distance = nearest(q, x, 5, halved=False, own=False)
    np.testing.assert_allclose(distance, NearestNeighbors().fit(x).kneighbors(q, 5)[0], rtol=1e-4)


def test_strengths_by_hand() -> None:
    rng = np.random.default_rng(0)
    distance = np.sort(rng.uniform(1, 2, (50, 14)), axis=1).astype(np.float32)
    weights = membership_strengths(distance, 15)
    assert (weights[:, 0] == 1).all()
    np.testing.assert_allclose(weights.sum(axis=1), np.log2(15), atol=1e-3)
    fall = np.log(weights[:, 1:]) / (distance[:, :1] - distance[:, 1:])  # 1 / width: one for the row
    np.testing.assert_allclose(fall, fall[:, :1].repeat(13, axis=1), rtol=1e-2)
    assert (membership_strengths(np.zeros((2, 3), np.float32), 4) == 1).all()


def test_the_graph_is_that_of_umap_learn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        umap_ = pytest.importorskip("umap.umap_")
        e, _, _ = moving(n=300)
        x = e[2, :, :30]
        distance, index = NearestNeighbors(n_neighbors=15).fit(x).kneighbors(x)
        distance[:, 0] = 0  # to itself, up to rounding
        theirs = umap_.fuzzy_simplicial_set(
            x, 15, np.random.RandomState(0), "euclidean", knn_indices=index, knn_dists=distance.astype(np.float32)
        )[0]
    ours = neighbour_graph(x, np.zeros((0, 30)), "euclidean")
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-3)


def test_a_tie_is_firm_where_neighbours_stay() -> None:
    e, c, _ = moving(n=150)
    same = neighbour_graph(e[0], c[0], "euclidean")
    moved = neighbour_graph(e[5], c[5], "euclidean")
    firm, loose = temporal_weights([same, same, moved])
    np.testing.assert_allclose(firm, 1 / 0.05, rtol=1e-4)
    a, b = ({*g[7].indices} for g in (same, moved))
    j = len(a & b) / len(a | b)
    assert loose[7] == pytest.approx(j / (1 - j + 0.05), rel=1e-4)


def test_ten_points_in_one_place() -> None:
    u = umap_over_time(np.ones((1, 10, 4)), np.ones((1, 2, 4)), np.zeros((10, 2)))
    assert u.shape == (1, 12, 2)
    assert np.isfinite(u).all()


# What numba keeps


def test_numba_compiles_once_per_installation(tmp_path: Path) -> None:
    code = "import json; from explorer.space.projections import aligned_umap as a, umap_graph as g; a.compile_ahead();"
    code += "print(json.dumps([[sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values())] for f in"
    code += " (g._smallest, g._distances, g._strengths, a._hold, a._move)]))"
    counts = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={"NUMBA_CACHE_DIR": str(tmp_path), "PATH": ""},
        )
        counts.append(np.array(json.loads(done.stdout)))
    assert (counts[0][:, 1] > 0).all()
    assert (counts[1][:, 1] == 0).all()
    assert (counts[1][:, 0] > 0).all()
