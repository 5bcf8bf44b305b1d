"""Planes and UMAP over time: what moves on screen moves in the data, the same picture each time, or a clear refusal."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from explorer.space import planes, projection
from explorer.space.aligned_umap import nearest, neighbour_graph, strengths, ties, umap_over_time
from explorer.space.projection import METHODS, Cancelled, Frames, cache_key, load_cached, project, store
from explorer.space.quality import jitter
from mtm.classifiers import predict
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.geometry import class_centres
from mtm.run_folder.files import read_arrays, write_arrays
from mtm.runs import Run

FULL = 1e5  # embeddings of this size overflow float16 and are stored as float32: nothing is rounded


def clusters(n_snapshots: int = 4, n: int = 120, dim: int = 12, n_classes: int = 5, seed: int = 0) -> tuple:
    """Clusters that part and tighten: embeddings (T, N, D), class embeddings (T, C, D), labels (N,)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    c = rng.standard_normal((n_classes, dim)) * np.linspace(2, 4, dim)
    z = rng.standard_normal((n, dim))
    shares = np.linspace(0.1, 1, n_snapshots)[:, None, None]
    return shares * c[y] + (1.2 - shares) * z, shares * c + 0.05, y


def make_run(folder: Path, e: np.ndarray, y: np.ndarray, c: np.ndarray | None = None, **more: np.ndarray) -> Run:
    """A run of embeddings (T, N, D) and class embeddings (T, C, D); of `more`, too, one a snapshot."""
    run = Run.create(folder)
    for t in range(len(e)):
        run.log(e[t], y, None if c is None else c[t], epoch=t, **{name: array[t] for name, array in more.items()})
    run.finish()
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    e, c, y = clusters()
    return make_run(tmp_path / "run", e * FULL, y, c * FULL)


def radius(u: np.ndarray) -> float:
    return float(np.sqrt(u.var(axis=-2).sum(axis=-1)).mean())


# Planes


@pytest.mark.parametrize("method", ["pca", "centres", "targets"])
def test_a_plane_is_the_same_for_the_whole_run(run: Run, method: str) -> None:
    frames = project(run, method)
    assert frames.origin is not None
    assert frames.basis is not None
    np.testing.assert_allclose(frames.basis.T @ frames.basis, np.eye(2), atol=1e-12)
    for t in range(4):
        s = run.snapshot(t)
        g = class_centres(s.embeddings, run.labels, 5)
        for shown, there in ((frames.points, s.embeddings), (frames.targets, s.class_embeddings), (frames.centres, g)):
            assert shown is not None
            expected = (np.asarray(there, np.float64) - frames.origin) @ frames.basis
            np.testing.assert_allclose(shown[t], expected, atol=1e-5 * FULL)
    assert frames.epochs.tolist() == [0, 1, 2, 3]
    assert frames.snapshots == [f"{t:06d}.safetensors" for t in range(4)]


@pytest.mark.parametrize("method", ["pca", "centres", "targets"])
def test_what_stands_still_in_the_data_stands_still_on_screen(tmp_path: Path, method: str) -> None:
    e, c, y = clusters()
    e[:, 7] = e[0, 7]
    frames = project(make_run(tmp_path / "run", e, y, c), method)
    assert (frames.points[:, 7] == frames.points[0, 7]).all()
    assert not (frames.points[:, 8] == frames.points[0, 8]).all()


def test_pca_is_that_of_all_snapshots_pooled(run: Run) -> None:
    pooled = np.concatenate([run.snapshot(t).embeddings for t in range(4)]).astype(np.float64)
    pca = PCA(2, svd_solver="full").fit(pooled)
    frames = project(run, "pca")
    np.testing.assert_allclose(np.abs(pca.components_ @ frames.basis), np.eye(2), atol=1e-5)
    np.testing.assert_allclose(frames.origin, pca.mean_, atol=1e-6 * FULL)


def test_centres_is_the_pca_of_the_class_centres(run: Run) -> None:
    centres = np.concatenate([class_centres(run.snapshot(t).embeddings, run.labels, 5) for t in range(4)])
    pca = PCA(2, svd_solver="full").fit(centres)
    np.testing.assert_allclose(np.abs(pca.components_ @ project(run, "centres").basis), np.eye(2), atol=1e-5)


@pytest.mark.parametrize("method", ["pca", "centres", "targets"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_turning_the_space_turns_nothing_on_screen(tmp_path: Path, method: str, seed: int) -> None:
    e, c, y = clusters(seed=seed)
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((12, 12)))[0]
    shift = np.random.default_rng(seed).standard_normal(12)
    one = project(make_run(tmp_path / "a", e * FULL, y, c * FULL), method)
    other = project(make_run(tmp_path / "b", (e @ turn + shift) * FULL, y, (c @ turn + shift) * FULL), method)
    assert np.abs(one.points - other.points).max() < 1e-4 * radius(one.points)
    assert np.abs(one.targets - other.targets).max() < 1e-4 * radius(one.points)
    np.testing.assert_allclose(one.variance, other.variance, atol=1e-4)


@pytest.mark.parametrize("method", ["pca", "centres", "targets", "umap"])
def test_the_same_run_gives_the_same_picture_bit_for_bit(run: Run, method: str) -> None:
    one, other = project(run, method), project(run, method)
    assert one.points.tobytes() == other.points.tobytes()
    assert one.targets.tobytes() == other.targets.tobytes()
    assert one.centres.tobytes() == other.centres.tobytes()


@pytest.mark.parametrize("method", ["pca", "centres", "targets"])
def test_the_share_of_variance_is_that_of_each_snapshot(run: Run, method: str) -> None:
    frames = project(run, method)
    for t in range(4):
        e = np.asarray(run.snapshot(t).embeddings, np.float64)
        assert frames.variance[t] == pytest.approx((e @ frames.basis).var(axis=0).sum() / e.var(axis=0).sum(), rel=1e-4)


def test_more_dimensions_than_a_covariance_matrix_can_have(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = project(run, "pca")
    monkeypatch.setattr(planes, "EXACT_DIMENSIONS", 3)
    np.testing.assert_allclose(project(run, "pca").points, exact.points, atol=1e-3 * radius(exact.points))


def test_all_axes_alike(tmp_path: Path) -> None:
    """No axis leads: the plane is any, but orthonormal and the same each time."""
    e = np.concatenate([np.eye(20), -np.eye(20)])[None] * FULL
    run = make_run(tmp_path / "run", e, np.arange(40) % 4)
    one, other = project(run, "pca"), project(run, "pca")
    np.testing.assert_allclose(one.basis.T @ one.basis, np.eye(2), atol=1e-12)
    assert (one.points == other.points).all()
    assert one.variance[0] == pytest.approx(2 / 20, rel=1e-3)


# The plane through three targets


@pytest.mark.parametrize(("classes", "at"), [(None, None), ([4, 0, 2], 1), ([1, 3, 2], -2)])
def test_three_targets_lie_on_their_plane(run: Run, classes: list[int] | None, at: int | None) -> None:
    frames = project(run, "targets", classes=classes, at=at)
    moment, chosen = -1 if at is None else at, classes or [0, 1, 2]
    c = np.asarray(run.snapshot(moment).class_embeddings, np.float64)[chosen]
    u = (c - frames.origin) @ frames.basis
    np.testing.assert_allclose(frames.origin + u @ frames.basis.T, c, atol=1e-9 * FULL)
    np.testing.assert_allclose(frames.targets[moment, chosen], u, rtol=1e-6)
    assert u[1, 0] > u[0, 0]
    assert u[1, 1] == pytest.approx(u[0, 1], abs=1e-9 * FULL)
    assert u[2, 1] > u[0, 1]


def test_which_of_the_three_is_nearest_is_seen_for_every_image(run: Run) -> None:
    frames = project(run, "targets", classes=[3, 1, 4], at=2)
    s = run.snapshot(2)
    three = s.class_embeddings[[3, 1, 4]]
    assert (
        predict("euc_ce", s.embeddings, three) == predict("euc", frames.points[2], frames.targets[2][[3, 1, 4]])
    ).all()


@pytest.fixture
def pure(tmp_path: Path) -> Run:
    e, _, y = clusters()
    rng = np.random.default_rng(5)
    return make_run(tmp_path / "pure", e, y, weight=rng.standard_normal((4, 5, 12)), bias=rng.standard_normal((4, 5)))


def test_a_linear_head_has_no_targets_but_a_plane_along_its_weight(pure: Run) -> None:
    frames = project(pure, "targets", classes=[2, 0, 4])
    assert frames.targets is None
    s = pure.snapshot(-1)
    e, (weight, bias) = np.asarray(s.embeddings, np.float64), s.head
    here = frames.origin + frames.points[-1].astype(np.float64) @ frames.basis.T  # the images, moved onto the plane
    for i, j in ((2, 0), (2, 4), (0, 4)):
        there = (e @ (weight[i] - weight[j])) + bias[i] - bias[j]
        np.testing.assert_allclose(here @ (weight[i] - weight[j]) + bias[i] - bias[j], there, atol=1e-4)
    g = class_centres(e, pure.labels, 5)
    np.testing.assert_allclose(frames.origin, g.mean(axis=0), atol=1e-6)
    assert project(pure, "pca").targets is None


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"classes": [0, 1]}, "three different classes"),
        ({"classes": [0, 1, 1]}, "three different classes"),
        ({"classes": [0, 1, 9]}, "between 0 and 4"),
        ({"classes": ["a", "b", "c"]}, "whole number"),
        ({"at": 4}, "no snapshot 4"),
        ({"at": "last"}, "whole number"),
    ],
)
def test_a_plane_that_cannot_be_is_refused(run: Run, choice: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        project(run, "targets", **choice)


def test_three_targets_on_a_line(tmp_path: Path) -> None:
    e, c, y = clusters()
    c[-1, 2] = 0.3 * c[-1, 0] + 0.7 * c[-1, 1]
    run = make_run(tmp_path / "run", e, y, c.astype(np.float64))
    with pytest.raises(InputError, match="on one line"):
        project(run, "targets")
    assert project(run, "targets", at=0).basis is not None


# Few dimensions, images, classes, snapshots


def test_two_dimensions_are_shown_as_they_are(tmp_path: Path) -> None:
    e, c, y = clusters(dim=2)
    run = make_run(tmp_path / "run", e, y, c)
    frames = project(run, "plane")
    for t in range(4):
        assert (frames.points[t] == run.snapshot(t).embeddings).all()
        assert (frames.targets[t] == run.snapshot(t).class_embeddings).all()
    assert (frames.basis == np.eye(2)).all()
    assert (frames.origin == 0).all()
    np.testing.assert_allclose(frames.variance, 1)


def test_more_than_two_dimensions_are_not_a_plane(run: Run) -> None:
    with pytest.raises(InputError, match="this run has 12; choose pca"):
        project(run, "plane")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "kind", ["one snapshot", "D = 1", "D = 2", "a class missing", "two classes", "one class", "two images", "one place"]
)
def test_little_to_show_is_shown_or_refused_with_a_sentence(tmp_path: Path, method: str, kind: str) -> None:
    n_classes = {"two classes": 2, "one class": 1, "two images": 2}.get(kind, 4)
    dim = {"D = 1": 1, "D = 2": 2}.get(kind, 6)
    e, c, y = clusters(1 if kind == "one snapshot" else 3, 2 if kind == "two images" else 40, dim, n_classes)
    if kind == "a class missing":
        e, y = e[:, y != 1], y[y != 1]
    if kind == "one place":
        e[:] = 1.5
    run = make_run(tmp_path / "run", e, y, c)
    refused = {"plane": dim > 2, "targets": n_classes < 3 or dim == 1, "umap": len(y) < 4}
    if refused.get(method):
        with pytest.raises(InputError, match=" "):
            project(run, method)
        return
    frames = project(run, method)
    assert np.isfinite(frames.points).all()
    assert np.isfinite(frames.targets).all() or method == "umap"
    missing = np.isin(np.arange(n_classes), y, invert=True)
    assert (np.isnan(frames.centres).any(axis=2) == missing).all()
    if dim == 1 and method != "umap":
        assert (frames.points[..., 1] == 0).all()
        moved = frames.points[..., 0] * frames.basis[0, 0] + frames.origin[0]
        np.testing.assert_allclose(
            moved, np.stack([run.snapshot(t).embeddings[:, 0] for t in range(len(e))]), atol=0.01
        )


def test_one_snapshot_and_two_classes_still_fill_a_plane(tmp_path: Path) -> None:
    """Two class centres are on a line: the second axis is the one along which the images vary most beside it."""
    rng = np.random.default_rng(0)
    e, y = rng.standard_normal((200, 5)) * [1, 1, 8, 1, 1], np.arange(200) % 2
    e[y == 1, 0] += 30
    frames = project(make_run(tmp_path / "run", e[None], y), "centres")
    assert abs(frames.basis[0, 0]) > 0.95
    assert abs(frames.basis[2, 1]) > 0.95
    np.testing.assert_allclose(frames.basis.T @ frames.basis, np.eye(2), atol=1e-9)


def test_embeddings_of_any_size(tmp_path: Path) -> None:
    e, c, y = clusters()
    one = project(make_run(tmp_path / "a", e * FULL, y, c * FULL), "pca")
    for size in (1e15, 1e-20):
        other = project(make_run(tmp_path / f"{size}", e * FULL * size, y, c * FULL * size), "pca")
        scaled = one.points.astype(np.float64) * size
        np.testing.assert_allclose(other.points, scaled, atol=0.01 * radius(scaled))


def test_a_run_without_snapshots_and_an_unknown_method(tmp_path: Path, run: Run) -> None:
    with pytest.raises(InputError):
        project(Run.create(tmp_path / "empty"), "pca")
    with pytest.raises(InputError, match="unknown projection 'tsne'; choose from pca, centres, targets, plane, umap"):
        project(run, "tsne")


def broken(run: Run, number: int, **arrays: np.ndarray) -> None:
    """Put other arrays into a snapshot's file."""
    path = run.folder / "snapshots" / f"{number:06d}.safetensors"
    old, header = read_arrays(path)
    write_arrays(path, {name: np.array(array) for name, array in old.items()} | arrays, header)


@pytest.mark.parametrize("method", ["pca", "umap", "centres"])
def test_a_diverged_snapshot_is_named(run: Run, method: str) -> None:
    e = np.array(run.snapshot(2).embeddings)
    e[5, 3] = np.nan
    broken(run, 2, embeddings=e)
    with pytest.raises(InputError, match="not numbers"):
        project(run, method)


def test_a_damaged_snapshot_is_left_out(run: Run) -> None:
    path = run.folder / "snapshots" / "000001.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    broken(run, 2, embeddings=np.zeros((120, 3), np.float32))
    frames = project(run, "pca")
    assert frames.snapshots == ["000000.safetensors", "000003.safetensors"]
    assert frames.epochs.tolist() == [0, 3]


def test_only_some_snapshots(run: Run) -> None:
    names = ["000001.safetensors", "000003.safetensors"]
    assert project(run, "pca", snapshots=names).snapshots == names


@pytest.mark.parametrize("method", ["pca", "centres", "targets", "umap"])
def test_progress_grows_and_a_cancel_ends_it(run: Run, method: str) -> None:
    shares: list[float] = []
    project(run, method, progress=lambda share, what: shares.append(share))
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        project(run, method, cancelled=lambda: next(calls))


# UMAP over time


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


def kept(x: np.ndarray, u: np.ndarray, k: int = 15) -> float:
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
        ours.append(kept(e[t], frames.points[t]))
        plane.append(kept(e[t], pca.transform(e[t])))
        own = umap_over_time(e[t : t + 1], NOTHING[:1], PCA(2).fit_transform(e[t]))
        alone.append(kept(e[t], own[0]))
    assert (np.array(ours) > plane).all()
    assert np.mean(ours) > 1.25 * np.mean(plane)
    assert np.mean(ours) > 0.95 * np.mean(alone)
    assert (frames.basis, frames.origin, frames.variance) == (None, None, None)


def test_targets_and_centres_lie_among_the_points_of_their_class(laid_out: tuple) -> None:
    """In this run a target is where its class is, from the first snapshot on."""
    _, y, frames = laid_out
    for shown in (frames.targets, frames.centres):
        for t in range(6):
            near = NearestNeighbors(n_neighbors=15).fit(frames.points[t]).kneighbors(shown[t], return_distance=False)
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
    assert kept(e[-1], other[-1, :150]) == pytest.approx(kept(e[-1], one[-1, :150]), rel=0.1)


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
    u = umap_over_time(e[3:5], c[3:5], before[-1, : len(y)], held=before[-1:])
    np.testing.assert_array_equal(u[0, : len(y)], before[-1, : len(y)])
    assert np.isfinite(u[1]).all()
    scale = np.ptp(before[-1, : len(y)], axis=0).mean()
    moved = np.linalg.norm(u[1] - u[0], axis=1)[: len(y)]
    assert np.median(moved) < 0.1 * scale  # tied to where it was
    assert kept(e[4], u[1, : len(y)]) > 0.9 * kept(e[4], umap_over_time(e[4:5], c[4:5], u[0, : len(y)])[0, : len(y)])


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
    expected, there = NearestNeighbors(n_neighbors=14, algorithm="brute").fit(x.astype(float)).kneighbors()
    np.testing.assert_allclose(distance, expected, rtol=1e-4)
    assert (index == there).mean() > 0.999
    q = rng.standard_normal((30, 9)).astype(np.float32)
    index, distance = nearest(q, x, 5, halved=False, own=False)
    np.testing.assert_allclose(distance, NearestNeighbors().fit(x).kneighbors(q, 5)[0], rtol=1e-4)


def test_strengths_by_hand() -> None:
    rng = np.random.default_rng(0)
    distance = np.sort(rng.uniform(1, 2, (50, 14)), axis=1).astype(np.float32)
    weights = strengths(distance, 15)
    assert (weights[:, 0] == 1).all()
    np.testing.assert_allclose(weights.sum(axis=1), np.log2(15), atol=1e-3)
    fall = np.log(weights[:, 1:]) / (distance[:, :1] - distance[:, 1:])  # 1 / width: one for the row
    np.testing.assert_allclose(fall, fall[:, :1].repeat(13, axis=1), rtol=1e-2)
    assert (strengths(np.zeros((2, 3), np.float32), 4) == 1).all()


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
    firm, loose = ties([same, same, moved])
    np.testing.assert_allclose(firm, 1 / 0.05, rtol=1e-4)
    a, b = ({*g[7].indices} for g in (same, moved))
    j = len(a & b) / len(a | b)
    assert loose[7] == pytest.approx(j / (1 - j + 0.05), rel=1e-4)


def test_ten_points_in_one_place() -> None:
    u = umap_over_time(np.ones((1, 10, 4)), np.ones((1, 2, 4)), np.zeros((10, 2)))
    assert u.shape == (1, 12, 2)
    assert np.isfinite(u).all()


# Kept results


def test_frames_come_back_as_they_were(run: Run, pure: Run, tmp_path: Path) -> None:
    for number, frames in enumerate([project(run, "targets"), project(run, "umap"), project(pure, "pca")]):
        store(tmp_path / "cache", str(number), frames)
        again = load_cached(tmp_path / "cache", str(number))
        assert again is not None
        for name in Frames.__dataclass_fields__:
            mine, there = getattr(frames, name), getattr(again, name)
            if isinstance(mine, np.ndarray):
                assert mine.dtype == there.dtype
                np.testing.assert_array_equal(mine, there)
            else:
                assert mine == there


def test_the_key_is_made_of_content(run: Run, tmp_path: Path) -> None:
    key = cache_key(run, "targets", {})
    assert key == cache_key(run, "targets", {"classes": (0, 1, 2), "at": None, "seed": 5})
    copied = Run.open(shutil.copytree(run.folder, tmp_path / "copied"))
    assert key == cache_key(copied, "targets", {})
    others = [cache_key(run, "targets", {"classes": [1, 0, 2]}), cache_key(run, "targets", {"at": 1})]
    others += [cache_key(run, "pca", {}), cache_key(run, "umap", {}), cache_key(run, "umap", {"seed": 1})]
    others += [cache_key(run, "targets", {}, snapshots=["000001.safetensors"])]
    e = np.array(copied.snapshot(1).embeddings)
    e[3, 3] += 1
    broken(copied, 1, embeddings=e)
    others += [cache_key(copied, "targets", {})]
    assert len({key, *others}) == 1 + len(others)
    with pytest.raises(InputError, match="unknown parameter 'spread'"):
        cache_key(run, "pca", {"spread": 2})


def test_new_code_makes_every_kept_result_a_miss(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache_key(run, "pca", {})
    monkeypatch.setattr(projection, "CODE_VERSION", projection.CODE_VERSION + 1)
    assert key != cache_key(run, "pca", {})


def test_digests_are_remembered_until_a_file_changes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache_key(run, "pca", {}, tmp_path / "cache")
    monkeypatch.setattr(projection, "_known", {})
    monkeypatch.setattr(projection.hashlib, "file_digest", lambda *_: pytest.fail("a file was read again"))
    assert cache_key(run, "pca", {}, tmp_path / "cache") == key
    monkeypatch.undo()
    monkeypatch.setattr(projection, "_known", {})
    (tmp_path / "cache" / "digests.json").write_text('{"half": [1, 2')
    assert cache_key(run, "pca", {}, tmp_path / "cache") == key
    assert json.loads((tmp_path / "cache" / "digests.json").read_text())


@pytest.mark.parametrize("damage", ["cut", "a bit", "empty", "text", "another file", "gone"])
def test_a_damaged_result_is_a_miss(run: Run, tmp_path: Path, damage: str) -> None:
    store(tmp_path, "key", replace(project(run, "pca"), targets=None))
    path = tmp_path / "key.safetensors"
    assert load_cached(tmp_path, "key") is not None
    content = path.read_bytes()
    if damage == "a bit":
        path.write_bytes(content[:-50] + bytes([content[-50] ^ 1]) + content[-49:])
    elif damage == "another file":
        shutil.copy(run.folder / "points.safetensors", path)
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-9], "empty": b"", "text": b"hello, this is no projection at all"}[damage])
    assert load_cached(tmp_path, "key") is None
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []


# What the server imports, and what numba keeps


def test_projecting_needs_neither_umap_nor_numba_nor_torch() -> None:
    code = "import sys, explorer.space.projection, explorer.space.worker;"
    code += "assert not {'umap', 'numba', 'torch', 'sklearn', 'scipy'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numba_compiles_once_per_installation(tmp_path: Path) -> None:
    code = "import json; from explorer import aligned_umap as a; a.compile_ahead();"
    code += "print(json.dumps([[sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values())] for f in"
    code += " (a._smallest, a._distances, a._strengths, a._hold, a._move)]))"
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
