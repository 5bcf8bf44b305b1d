"""Neighbours against scikit-learn's, where rounding matters and where it does not; what a picture mistakes; memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from explorer.space import neighbours as module
from explorer.space.history import load_history
from explorer.space.neighbours import (
    METRICS,
    NeighbourIndex,
    cached_index,
    compare_with_layout,
    nearest_others,
    smallest,
)
from explorer.web.cache import Cache
from mtm.errors import InputError
from mtm.geometry import own_distances
from mtm.runs import Run


def scikit_learn(e: np.ndarray, row: int, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    x = e.astype(np.float64)
    search = NearestNeighbors(n_neighbors=k + 1, metric=metric, algorithm="brute").fit(x)
    distances, rows = search.kneighbors(x[row : row + 1])
    others = rows[0] != row
    return distances[0][others][:k], rows[0][others][:k]


CLOUDS = {
    "plain": lambda rng: rng.normal(size=(400, 20)),
    "clusters far apart": lambda rng: (
        50 * rng.normal(size=(5, 30))[np.arange(500) % 5] + 0.1 * rng.normal(size=(500, 30))
    ),
    "a common offset": lambda rng: 1000 + rng.normal(size=(400, 10)),
    "one dimension": lambda rng: rng.normal(size=(200, 1)),
    "a tight cluster and a far outlier": lambda rng: np.concatenate([rng.normal(size=(300, 8)), [[1e4] * 8]]),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_neighbours_are_scikit_learn_s(cloud: str, dtype: type, metric: str) -> None:
    e = CLOUDS[cloud](np.random.default_rng(0)).astype(dtype)
    for resident in (True, False):
        space = NeighbourIndex(e, resident)
        for row in (0, 7, len(e) - 1):
            neighbours = space.nearest(row, 15, metric)
            distances, rows = scikit_learn(e, row, 15, metric)
            assert neighbours.distances == pytest.approx(distances, rel=1e-6, abs=1e-9)
            apart = np.diff(np.append(distances, np.inf)) > 1e-6 * np.abs(distances) + 1e-9
            if apart.all():  # float16 has equals, whose order scikit-learn leaves open
                assert neighbours.rows.tolist() == rows.tolist()
            assert row not in neighbours.rows


@pytest.mark.parametrize("metric", METRICS)
def test_equally_near_ones_come_in_order_and_zero_is_far_by_cosine(metric: str) -> None:
    e = np.array([[1, 0], [1, 0], [1, 0], [0, 0], [1, 0], [-1, 0]], dtype=np.float16)
    neighbours = NeighbourIndex(e).nearest(2, 3, metric)
    assert neighbours.rows.tolist() == [0, 1, 4]
    assert neighbours.distances.tolist() == [0, 0, 0]
    assert NeighbourIndex(e).nearest(2, 99, metric).rows.tolist() == [0, 1, 4, 3, 5]
    assert NeighbourIndex(e).nearest(2, 4, "cosine").distances[-1] == 1
    assert NeighbourIndex(e[:1]).nearest(0).rows.tolist() == []
    same = NeighbourIndex(np.ones((50, 3), np.float16))
    assert same.nearest(9, 5, metric).rows.tolist() == [0, 1, 2, 3, 4]


def test_the_answer_does_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    e = np.random.default_rng(0).normal(size=(150, 9)).astype(np.float32)
    whole = NeighbourIndex(e).nearest(3, 20)
    monkeypatch.setattr(module, "CHUNK", 30)
    for resident in (True, False):
        assert NeighbourIndex(e, resident).nearest(3, 20).rows.tolist() == whole.rows.tolist()


def test_what_cannot_be_asked() -> None:
    space = NeighbourIndex(np.eye(4, dtype=np.float16))
    for arguments, sentence in (
        ((4,), "there are 4 images here, number 4"),
        ((-1,), "number -1"),
        ((0, 0), "k = 0"),
        ((0, 1, "l1"), "unknown metric 'l1'; choose from euclidean, cosine"),
    ):
        with pytest.raises(InputError, match=sentence):
            space.nearest(*arguments)


def test_memory_is_bounded() -> None:
    e = np.random.default_rng(0).normal(size=(100, 50)).astype(np.float16)
    each = NeighbourIndex(e).nbytes
    cache = Cache(2 * each)
    indexes = [cached_index(cache, i, e) for i in range(5)]
    assert all(index.nbytes == each for index in indexes)
    assert cache.weight == 2 * each
    assert cached_index(cache, 4, e) is indexes[4]
    assert cached_index(cache, 3, e) is indexes[3]
    assert cached_index(cache, 0, e) is not indexes[0]
    small = Cache(each - 1)
    large = cached_index(small, "large", e)  # more than may be held: e is read again each time
    assert large.nbytes == small.weight < each / 4
    assert large.nearest(5).rows.tolist() == indexes[0].nearest(5).rows.tolist()


def test_the_smallest_are_those_of_a_stable_sort() -> None:
    values = np.random.default_rng(0).integers(0, 6, (7, 40, 30)).astype(float)  # many equals
    values[0, :, 3] = np.inf
    for k in (1, 5, 29, 30, 99):
        assert (smallest(values, k) == np.argsort(values, axis=-1, kind="stable")[..., :k]).all()
    assert smallest(values, 0).shape == (7, 40, 0)
    with pytest.raises(ValueError, match="4 neighbours need at least 5 points, there are 4"):
        nearest_others(np.eye(4), 4)


@pytest.mark.parametrize("metric", METRICS)
def test_neighbours_of_a_sample_are_those_of_each_image(metric: str) -> None:
    e = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    index = NeighbourIndex(e)
    each = [index.nearest(row, 15, metric).rows.tolist() for row in range(len(e))]
    assert nearest_others(e, 15, metric).tolist() == each


def test_what_a_picture_mistakes_by_hand() -> None:
    u = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.5, 0.0], [np.nan, 0.0]]
    comparison = compare_with_layout(0, [1, 3, 5], u)
    assert comparison.here.tolist() == [4, 1, 2]
    assert (comparison.kept.tolist(), comparison.false.tolist(), comparison.missing.tolist()) == ([1], [4, 2], [3, 5])
    nowhere = compare_with_layout(5, [0, 1], u)
    assert (nowhere.here.tolist(), nowhere.missing.tolist()) == ([], [0, 1])


def test_a_faithful_picture_mistakes_nothing() -> None:
    u = np.random.default_rng(0).normal(size=(80, 2))
    e = u @ np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0][:2]
    for row in range(5):
        comparison = compare_with_layout(row, NeighbourIndex(e.astype(np.float32)).nearest(row, 10).rows, u)
        assert len(comparison.kept) == 10
        assert not len(comparison.false) + len(comparison.missing)


def test_the_history_of_an_image_is_that_of_the_files(finished_run: Path) -> None:
    run = Run.open(finished_run)
    history = load_history(run)
    image = history.image_history(5, 1)
    for t in range(len(history)):
        snapshot = run.snapshot(t)
        assert image["epochs"][t] == snapshot.epoch
        for name, predicted in snapshot.predictions.items():
            assert image["decisions"][name][t] == predicted[5]
            assert image["margins"][name][t] == snapshot.margins[name][5]
        assert snapshot.target_distances is not None
        assert image["target_distance"][t] == snapshot.target_distances[5]
    snapshot = run.snapshot(1)
    assert snapshot.class_embeddings is not None
    assert snapshot.target_distances is not None
    each = own_distances(np.repeat(snapshot.embeddings[5:6], 10, axis=0), np.arange(10), snapshot.class_embeddings)
    assert image["distances"] == pytest.approx(each)
    assert image["distances"][run.labels[5]] == pytest.approx(snapshot.target_distances[5], rel=2e-3)
    assert image["nearest_first"][0] == snapshot.predictions["euc_ce"][5]
    with pytest.raises(InputError, match="shows 60 images, number 60 is not among them"):
        history.image_history(60)
