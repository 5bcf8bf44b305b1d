"""Comparison against SciPy's Procrustes, against loops, and on spaces whose relation is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes as scipy_procrustes

from explorer.compare.comparison import (
    align,
    compare,
    compare_decisions,
    match_images,
    procrustes,
)
from explorer.compare.comparisons import Comparisons
from explorer.library import Library
from explorer.space.histories import Histories
from explorer.space.history import load_history
from explorer.space.neighbours import count_shared, nearest_others
from mtm.errors import InputError
from mtm.runs import Run


def random_rotation(d: int, seed: int = 0) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


@pytest.mark.parametrize(("n", "d"), [(60, 8), (8, 8), (20, 50), (9, 10)])
def test_procrustes_is_scipy_s(n: int, d: int) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    r, shared = orthogonal_procrustes(a, b)
    assert procrustes(a, b) == pytest.approx(a @ r, abs=1e-9)
    assert float((procrustes(a, b) * b).sum()) == pytest.approx(shared)
    b = a @ random_rotation(d)
    assert procrustes(a, b) == pytest.approx(b, abs=1e-9)


@pytest.mark.parametrize(("n", "d"), [(60, 8), (20, 50)])
def test_alignment_is_scipy_s(n: int, d: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(n, d)), 3 + rng.normal(size=(n, d))
    standard_b, aligned_a, disparity = scipy_procrustes(b, a)
    alignment = align(a, b)
    assert alignment.unexplained == pytest.approx(disparity)
    size = np.linalg.norm(b - b.mean(axis=0))
    assert alignment.aligned == pytest.approx(aligned_a * size + b.mean(axis=0), abs=1e-8)
    assert standard_b == pytest.approx((b - b.mean(axis=0)) / size)


def test_a_moved_turned_and_stretched_space_is_the_same_one() -> None:
    b = np.random.default_rng(0).normal(size=(40, 6))
    alignment = align(2.5 * b @ random_rotation(6) + 7, b)
    assert alignment.aligned == pytest.approx(b)
    assert alignment.scale == pytest.approx(0.4)
    assert alignment.unexplained == pytest.approx(0, abs=1e-12)
    wider = np.pad(b, ((0, 0), (0, 5))) @ random_rotation(11)
    for a, c in ((b, wider), (wider, b)):
        assert align(a, c).unexplained == pytest.approx(0, abs=1e-12)
    flat = align(np.ones((5, 3)), np.ones((5, 3)))
    assert math.isnan(flat.unexplained)
    assert flat.aligned == pytest.approx(1)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_neighbours_kept_are_counted(metric: str) -> None:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(40, 5)), rng.normal(size=(40, 5))

    def near(points: np.ndarray, i: int, k: int) -> set[int]:
        if metric == "cosine":
            points = points / np.linalg.norm(points, axis=1, keepdims=True)
        return set(sorted((j for j in range(40) if j != i), key=lambda j: math.dist(points[i], points[j]))[:k])

    counts = count_shared(nearest_others(x, 6, metric), nearest_others(z, 6, metric))
    assert counts.tolist() == [len(near(x, i, 6) & near(z, i, 6)) for i in range(40)]
    with pytest.raises(InputError, match="unknown metric"):
        nearest_others(x, 6, "l1")


def test_agreement_is_counted() -> None:
    y, a, b = [0, 0, 1, 1, 2, 2], [0, 1, 1, 0, 2, 0], [0, 0, 2, 0, 2, 1]
    agreement = compare_decisions(a, b, y)
    assert (agreement.both_right, agreement.only_first, agreement.only_second, agreement.both_wrong) == (2, 1, 1, 2)
    assert agreement.same == pytest.approx(3 / 6)
    assert math.isnan(compare_decisions([], [], []).same)


# Of runs


def make_run(folder: Path, e: np.ndarray, y: np.ndarray, c: np.ndarray, **more: object) -> Run:
    run = Run.create(folder)
    run.log(e, y, c, epoch=0, reference_centres=c, **more)
    return run


@pytest.fixture
def cloud() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y, c = np.arange(90) % 3, 5 * np.eye(3, 6)
    return c[y] + rng.normal(size=(90, 6)), y, c


def test_two_epochs_of_a_run_are_compared_as_they_are(finished_run: Path) -> None:
    run = Run.open(finished_run)
    history = load_history(run)
    comparison = compare(history, history, (0, 2), ("euc", "euc"), k=5)
    e, f = (run.snapshot(t).embeddings.astype(np.float64) for t in (0, 2))
    sigma = np.median(run.snapshot(2).centre_distances)
    assert comparison.drift.distances == pytest.approx(np.linalg.norm(e - f, axis=1) / sigma, rel=1e-5)
    assert (comparison.drift.scale, comparison.k, len(comparison.measured)) == (1, 5, 60)
    assert math.isnan(comparison.drift.unexplained)
    same = run.snapshot(0).predictions["euc"] == run.snapshot(2).predictions["euc"]
    assert comparison.agreement is not None
    assert comparison.agreement.same == pytest.approx(same.mean())
    still = compare(history, history, (1, 1), ("euc", "euc"), k=5)
    assert not still.drift.distances.any()
    assert (still.neighbours_kept == 5).all()


def test_a_run_in_other_axes_has_not_drifted(tmp_path: Path, cloud: tuple[np.ndarray, ...]) -> None:
    e, y, c = cloud
    q, order = random_rotation(6), np.random.default_rng(1).permutation(90)[:70]
    a = load_history(make_run(tmp_path / "a", e, y, c, indices=np.arange(90)))
    b = load_history(make_run(tmp_path / "b", (2 * e @ q + 1)[order], y[order], 2 * c @ q + 1, indices=order))
    comparison = compare(a, b, classifiers=("euc_ce", "euc_ce"))
    assert (a.indices[comparison.rows[0]] == b.indices[comparison.rows[1]]).all()
    assert len(comparison.rows[0]) == 70
    assert comparison.drift.distances.max() < 0.02  # float16
    assert comparison.drift.scale == pytest.approx(2, rel=1e-3)
    assert comparison.neighbours_kept.mean() > 14.5
    assert comparison.agreement is not None
    assert comparison.agreement.same == 1


def test_spaces_of_different_width_can_be_compared(tmp_path: Path, cloud: tuple[np.ndarray, ...]) -> None:
    e, y, c = cloud
    wide = np.pad(e, ((0, 0), (0, 4))) @ random_rotation(10)
    a = load_history(make_run(tmp_path / "a", e, y, c))
    b = load_history(make_run(tmp_path / "b", wide, y, np.pad(c, ((0, 0), (0, 4))) @ random_rotation(10)))
    for first, second in ((a, b), (b, a)):
        assert compare(first, second).drift.distances.max() < 0.02


def test_other_images_are_refused(tmp_path: Path, cloud: tuple[np.ndarray, ...]) -> None:
    e, y, c = cloud
    a = load_history(make_run(tmp_path / "a", e, y, c, indices=np.arange(90)))
    other_images = load_history(make_run(tmp_path / "b", e, y, c, indices=np.arange(90) + 89))
    relabelled = load_history(make_run(tmp_path / "c", e, (y + 1) % 3, c, indices=np.arange(90)))
    with pytest.raises(InputError, match="they share fewer than two; their curves can still be compared"):
        match_images(a, other_images)
    with pytest.raises(InputError, match="the same number has another class there"):
        compare(a, relabelled)


def test_images_at_one_place_have_no_neighbours_to_keep(tmp_path: Path) -> None:
    y = np.arange(60) % 2
    cloud = np.random.default_rng(0).normal(size=(60, 4))
    run = Run.create(tmp_path / "run")
    run.log(np.full((60, 4), 0.1), y, epoch=0)
    run.log(cloud, y, epoch=1)
    run.log(np.where(np.arange(60)[:, None] < 20, 0.5, cloud), y, epoch=2)
    history = load_history(run)
    assert len(compare(history, history, (0, 1)).measured) == 0
    assert compare(history, history, (1, 2)).measured.tolist() == list(range(20, 60))
    histories = Histories(Library(tmp_path))
    _, about = Comparisons(histories).compare(("run", "run"), (0, 1), (None, None), 15, "euclidean")
    assert np.isnan(about["neighbours_kept"])
