"""Measures of a picture against slow twins, scikit-learn, SciPy and cases whose answer is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn import manifold
from sklearn.decomposition import PCA

from explorer.space import quality as module
from explorer.space.quality import (
    MEASURES,
    boundary_kept,
    decision_quality,
    jitter,
    measure,
    neighbours_kept,
    no_op_jitter,
    temporal_neighbours,
    temporal_preserving,
    trustworthiness,
    variance_shown,
    view_quality,
)
from explorer.space.regions import agreement, voronoi_regions
from explorer.space.stack import sampled_rows
from mtm.errors import InputError
from mtm.runs import Run

# --- Slow twins


def measure_quality(run, frames, classifier, region_map=None):
    """Every measure of a run's picture, in the order of MEASURES, as the page shows them."""
    measures = decision_quality(run, frames, classifier, region_map) | view_quality(run, frames)
    return {name: measures[name] for name in MEASURES if name in measures}


def near(x, i, k):
    """The k rows nearest to row i."""
    others = [j for j in range(len(x)) if j != i]
    return set(sorted(others, key=lambda j: math.dist(x[i], x[j]))[:k])


def slow_neighbours_kept(x, u, k):
    return np.mean([len(near(x, i, k) & near(u, i, k)) for i in range(len(x))])


def slow_temporal_preserving(x, u, k):
    correlations = []
    for i in range(len(u[0])):
        kept = [len(near(x[t - 1], i, k) & near(x[t], i, k)) / k for t in range(1, len(u))]
        steps = [math.dist(u[t - 1][i], u[t][i]) for t in range(1, len(u))]
        constant = len(set(kept)) == 1 or len(set(steps)) == 1
        correlations.append(0 if constant else pearsonr(kept, steps).statistic)
    return np.mean(correlations)


def slow_temporal_neighbours(x, u, k):
    """Of snapshots instead of images: one image's path is the cloud."""
    return np.mean([slow_neighbours_kept(x[:, i], u[:, i], k) / k for i in range(u.shape[1])])


def cloud(n=80, d=6, seed=0):
    """Embeddings x (N, D) and an unfaithful picture u (N, 2) of them."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d))
    return x, x[:, :2] + 0.3 * random.normal(size=(n, 2))


def path(n_snapshots=8, n=40, d=6, seed=0):
    """Embeddings (T, N, D) that wander, and a picture (T, N, 2) of them."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n_snapshots, n, d)).cumsum(axis=0)
    return x, x[..., :2] + 0.3 * random.normal(size=(n_snapshots, n, 2))


# --- Neighbours


@pytest.mark.parametrize("k", [1, 5, 15])
def test_neighbours_kept_are_counted(k):
    x, u = cloud()
    assert neighbours_kept(x, u, k) == pytest.approx(slow_neighbours_kept(x, u, k))
    assert 0 < neighbours_kept(x, u, k) < k


def test_a_picture_that_is_the_space_keeps_all_neighbours():
    _, u = cloud(500)
    space = u @ np.linalg.qr(np.random.default_rng(0).normal(size=(50, 2)))[0].T + 3  # (N, 50), but flat
    for x in (u, space):
        assert neighbours_kept(x, u) == 15
        assert trustworthiness(x, u) == 1


def test_a_random_picture_keeps_what_chance_gives_and_is_trusted_by_half():
    x, u = np.random.default_rng(0).normal(size=(1000, 64)), np.random.default_rng(1).normal(size=(1000, 2))
    # an image's overlap is hypergeometric: standard deviation of the mean of 1,000 about 0.015
    assert neighbours_kept(x, u) == pytest.approx(15 * 15 / 999, abs=0.06)
    assert trustworthiness(x, u) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("k", [1, 5, 15, 39])
@pytest.mark.parametrize("offset", [0, 1e7])
def test_trustworthiness_is_scikit_learn_s(k, offset):
    x, u = cloud()
    expected = manifold.trustworthiness(x, u, n_neighbors=k)
    assert trustworthiness(x + offset, u + offset, k) == pytest.approx(expected, abs=1e-12)


def test_trustworthiness_of_a_picture_that_is_wrong_on_purpose_is_below_a_half():
    x = np.arange(100.0)[:, None]
    u = np.column_stack([37 * np.arange(100) % 100, np.zeros(100)])  # neighbours here are 27 or more apart there
    assert trustworthiness(x, u, 2) < 0.5


def test_turning_scaling_and_moving_the_picture_changes_nothing():
    x, u = cloud()
    turned = 100 * u @ np.array([[0.6, -0.8], [0.8, 0.6]]) + [7, 5]
    assert neighbours_kept(x, turned) == neighbours_kept(x, u)
    assert trustworthiness(x, turned) == trustworthiness(x, u)


def test_narrow_floats_are_measured_wide():
    """float16, as snapshots store it, whose squares would overflow."""
    x, u = cloud()
    x = (200 * x).astype(np.float16)
    assert neighbours_kept(x, u) == pytest.approx(slow_neighbours_kept(x.astype(float), u, 15))


@pytest.mark.parametrize("k", [0, 80, 100])
def test_more_neighbours_than_images_are_refused(k):
    x, u = cloud()
    with pytest.raises(ValueError, match=f"{k} neighbours need"):
        neighbours_kept(x, u, k)
    with pytest.raises(ValueError, match="more than 80 points"):
        trustworthiness(x, u, 40)


# --- The boundary


def test_the_boundary_is_the_tenth_with_the_smallest_margins():
    x, u = cloud(400)
    margins = np.random.default_rng(2).permutation(400).astype(float)
    rows = np.flatnonzero(margins < 40)
    assert boundary_kept(x, u, margins) == pytest.approx(slow_neighbours_kept(x[rows], u[rows], 15))


def test_an_image_without_a_margin_is_not_at_the_boundary():
    x, u = cloud(400)
    margins = np.arange(400.0)
    margins[:200] = np.nan
    assert boundary_kept(x, u, margins, 5) == pytest.approx(slow_neighbours_kept(x[200:220], u[200:220], 5))


# --- Motion


def test_temporal_preserving_is_the_mean_correlation():
    x, u = path()
    assert temporal_preserving(x, u, 5) == pytest.approx(slow_temporal_preserving(x, u, 5))
    assert temporal_preserving(x, u, 5) != 0


def jumps(n_snapshots=30, n=100, d=10):
    """Embeddings of which a tenth goes to another place at each step, and which did (T-1, N)."""
    random = np.random.default_rng(0)
    x = [random.normal(size=(n, d))]
    jumped = random.random((n_snapshots - 1, n)) < 0.1
    for moves in jumped:
        x.append(np.where(moves[:, None], random.normal(size=(n, d)), x[-1]))
    return np.stack(x), jumped


def test_temporal_preserving_is_negative_where_the_picture_moves_what_moves():
    x, jumped = jumps()
    true = np.concatenate([np.zeros((1, 100)), jumped.cumsum(axis=0)])[..., None] * [3, 4]  # (T, N, 2)
    false = np.concatenate([np.zeros((1, 100)), (~jumped).cumsum(axis=0)])[..., None] * [3, 4]
    assert temporal_preserving(x, true) < -0.8
    assert temporal_preserving(x, false) == pytest.approx(-temporal_preserving(x, true))


def test_a_picture_in_which_nothing_changes_says_nothing_of_motion():
    x, _ = jumps()
    still = np.tile(cloud(100)[1], (30, 1, 1))
    even = still + 0.1 * np.arange(30)[:, None, None]  # the same step each time, up to rounding
    assert temporal_preserving(x, still) == temporal_preserving(x, even) == 0
    assert temporal_preserving([x[0]] * 8, path(8, 100)[1]) == 0  # no image loses a neighbour


def test_fewer_than_three_steps_have_no_correlation():
    x, u = path(4)
    assert math.isnan(temporal_preserving(x[:3], u[:3]))
    assert not math.isnan(temporal_preserving(x, u))


@pytest.mark.parametrize("k", [1, 3, 6])
def test_temporal_neighbours_are_counted(k, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 7 * 8 * 6)  # seven images at once
    x, u = path()
    assert temporal_neighbours(x, u, k) == pytest.approx(slow_temporal_neighbours(x, u, k))


def test_temporal_neighbours_of_an_isometric_path_are_all_kept():
    _, u = path(20)
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 2)))[0]  # (D, 2)
    assert temporal_neighbours(u @ basis.T + 1, u) == 1


def test_temporal_neighbours_of_an_unrelated_path_are_chance():
    random = np.random.default_rng(0)
    x, u = random.normal(size=(21, 300, 16)), random.normal(size=(21, 300, 2))
    assert temporal_neighbours(list(x), u, 5) == pytest.approx(5 / 20, abs=0.02)


@pytest.mark.parametrize("k", [0, 7, 8])
def test_more_near_snapshots_than_there_are_are_refused(k):
    x, u = path()
    with pytest.raises(ValueError, match="snapshots, there are 8"):
        temporal_neighbours(x, u, k)


def test_the_same_layout_twice_does_not_jitter():
    _, u = cloud()
    assert jitter(u, u) == 0
    assert math.isnan(jitter(np.ones((5, 2)), np.ones((5, 2))))


def test_jitter_by_hand():
    u, moved = np.array([[0.0, 0], [0, 2], [2, 0], [2, 2]]), np.array([0.03, 0.04])  # radius sqrt(2)
    assert jitter(u, u + moved) == pytest.approx(0.05 / 2**0.5)
    assert jitter(10 * u + 7, 10 * (u + moved) + 7) == pytest.approx(0.05 / 2**0.5)
    assert math.isnan(jitter(np.zeros((4, 2)), u))


def test_no_op_jitter_shows_one_snapshot_twice():
    x, _ = cloud()
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 2)))[0]
    assert no_op_jitter(lambda e: e @ basis, x) == 0
    random = np.random.default_rng(1)
    assert no_op_jitter(lambda e: e @ basis + 0.01 * random.normal(size=(*e.shape[:2], 2)), x) > 0.001


# --- Variance


def test_the_variance_shown_is_scikit_learn_s():
    x, _ = cloud()
    model = PCA(2).fit(x)
    assert variance_shown(x, model.transform(x)) == pytest.approx(model.explained_variance_ratio_.sum())
    assert variance_shown(x + 1000, model.transform(x)) == pytest.approx(model.explained_variance_ratio_.sum())
    assert variance_shown(x[:, :2], x[:, :2]) == 1
    assert math.isnan(variance_shown(np.ones((5, 3)), np.zeros((5, 2))))


# --- Words


def test_a_measure_is_a_value_a_sentence_and_its_definition():
    result = measure("neighbours_kept", [3.0, 4.0], "", n=200, d=64, k=15, chance=1.1)
    assert (result.value, result.shown, result.n, result.over_time) == (3.5, "3.5 / 15", 200, (3, 4))
    assert "3.5 are among the 15 nearest" in result.text
    assert "64 dimensions" in result.definition
    assert "200 images" in result.definition


def test_what_cannot_be_measured_says_why():
    result = measure("variance_shown", math.nan, "This is no plane.", n=10, d=3)
    assert math.isnan(result.value)
    assert (result.shown, result.text) == ("-", "This is no plane.")
    assert result.definition


def test_per_cent_has_a_space():
    result = measure("temporal_neighbours", 0.5, "", n=10, d=3, k=5, chance=0.25)
    assert result.shown == "50 %"
    assert "50 % are" in result.text
    assert "25 %" in result.text


def test_an_unknown_measure_is_refused():
    with pytest.raises(InputError, match="unknown measure 'beauty'; choose from region_agreement"):
        measure("beauty", 1, "")


# --- Of a run


def recorded(folder, n=120, d=6, n_snapshots=6, n_classes=3, seed=0):
    """A run of clusters that part, and its PCA as frames."""
    random = np.random.default_rng(seed)
    c, y = 3 * random.normal(size=(n_classes, d)), np.arange(n) % n_classes
    run = Run.create(folder)
    for t in range(n_snapshots):
        run.log(t * c[y] + random.normal(size=(n, d)), y, t * c, epoch=t, reference_centres=t * c)
    return run, linear_frames(run)


def linear_frames(run):
    e = np.stack([run.snapshot(i).embeddings for i in range(len(run.snapshots))]).astype(float)
    o = e.mean(axis=(0, 1))
    p = np.linalg.svd((e - o).reshape(-1, e.shape[2]), full_matrices=False)[2][:2].T
    points, names = ((e - o) @ p).astype(np.float32), [path.name for path in run.snapshots]
    centres = np.stack([[u[run.labels == k].mean(axis=0) for k in range(3)] for u in points])
    return SimpleNamespace(points=points, targets=None, centres=centres, origin=o, basis=p, snapshots=names, twice=None)


def test_the_quality_of_a_run_is_every_measure_of_it(tmp_path):
    run, frames = recorded(tmp_path / "run")
    drawn, snapshots = voronoi_regions(frames.centres), [run.snapshot(i) for i in range(6)]
    measures = measure_quality(run, frames, "euc_ce", drawn)
    x, u = [s.embeddings for s in snapshots], frames.points
    pairs = list(zip(x, u, strict=True))
    expected = {
        "region_agreement": agreement(drawn, u, np.stack([s.predictions["euc_ce"] for s in snapshots])),
        "neighbours_kept": np.mean([neighbours_kept(*pair) for pair in pairs]),
        "trustworthiness": np.mean([trustworthiness(*pair) for pair in pairs]),
        "boundary_kept": np.mean(
            [boundary_kept(*pair, s.margins["euc_ce"], 5) for pair, s in zip(pairs, snapshots, strict=True)]
        ),
        "variance_shown": np.mean([variance_shown(*pair) for pair in pairs]),
        "temporal_preserving": temporal_preserving(x, u),
        "temporal_neighbours": temporal_neighbours(x, u, 2),
        "no_op_jitter": 0,
    }
    assert list(measures) == list(MEASURES) == list(expected)
    assert {name: m.value for name, m in measures.items()} == pytest.approx(expected)
    for name, m in measures.items():
        assert m.n == (12 if name == "boundary_kept" else 120)
        assert str(m.n) in m.definition
        assert m.text
        assert m.text != m.definition
        assert not {"{", "}"} & set(m.text + m.definition + m.shown)
        assert len(m.over_time) in (0, 6)


def test_what_is_drawn_may_be_left_out(tmp_path):
    run, frames = recorded(tmp_path / "run")
    assert "region_agreement" not in measure_quality(run, frames, "cos")
    assert measure_quality(run, frames, "cos", "vote")["region_agreement"].value > 0.5


def test_a_view_that_is_no_plane_says_so_and_is_given_its_jitter(tmp_path):
    run, frames = recorded(tmp_path / "run")
    frames.origin = frames.basis = None
    measures = view_quality(run, frames)
    assert math.isnan(measures["variance_shown"].value)
    assert "not a plane" in measures["variance_shown"].text
    assert "not been measured" in measures["no_op_jitter"].text
    frames.twice = np.stack([frames.points[-1], frames.points[-1] + [0.3, 0.4]])
    assert view_quality(run, frames)["no_op_jitter"].value == pytest.approx(jitter(*frames.twice))


def test_a_space_of_two_dimensions_is_shown_whole(tmp_path):
    run, frames = recorded(tmp_path / "run", d=2)
    measures = measure_quality(run, frames, "euc")
    # points are float32, embeddings float16
    assert measures["neighbours_kept"].value == pytest.approx(15, abs=0.1)
    assert measures["trustworthiness"].value == pytest.approx(1, abs=1e-3)
    assert measures["variance_shown"].shown == "100 %"
    assert measures["temporal_neighbours"].value == pytest.approx(1, abs=0.01)


def test_at_most_2000_balanced_images_are_measured_and_all_are_judged(tmp_path):
    random, y = np.random.default_rng(0), np.repeat([0, 1, 2], [1900, 300, 200])
    run = Run.create(tmp_path / "run")
    for t in range(2):
        run.log(random.normal(size=(len(y), 3)), y, np.eye(3), epoch=t, reference_centres=np.eye(3))
    frames = linear_frames(run)
    measures = measure_quality(run, frames, "euc", "vote")
    rows = sampled_rows(y)
    assert len(rows) == 2000
    assert np.bincount(y[rows]).tolist() == [1500, 300, 200]
    assert {name: m.n for name, m in measures.items()} == dict.fromkeys(MEASURES, 2000) | {
        "region_agreement": 2400,
        "boundary_kept": 200,
    }
    by_hand = neighbours_kept(run.snapshot(1).embeddings[rows], frames.points[1][rows])
    assert measures["neighbours_kept"].over_time[1] == pytest.approx(by_hand)


@pytest.mark.parametrize("n", [3, 6, 40])
@pytest.mark.parametrize("n_snapshots", [1, 2, 3])
def test_small_runs_say_what_is_too_few(tmp_path, n, n_snapshots):
    run, frames = recorded(tmp_path / "run", n=n, n_snapshots=n_snapshots)
    for m in measure_quality(run, frames, "euc_ce", "vote").values():
        assert m.text
        assert math.isnan(m.value) == ("too few" in m.text or "one place" in m.text)


def test_what_does_not_fit_is_refused(tmp_path):
    run, frames = recorded(tmp_path / "run")
    with pytest.raises(InputError, match="unknown classifier 'argmax'; choose from cos, cos_ce"):
        decision_quality(run, frames, "argmax")
    run.snapshots[2].unlink()
    with pytest.raises(InputError, match=r"snapshot '000002.safetensors' of .* is gone or damaged"):
        view_quality(run, frames)
    frames.snapshots, frames.points = frames.snapshots[3:], frames.points[3:]  # the rest can be measured
    assert view_quality(run, frames)["neighbours_kept"].value > 1


def test_a_real_run_can_be_measured(finished_run):
    run = Run.open(finished_run)
    measures = measure_quality(run, linear_frames(run), "cos_ce", "vote")
    assert 0.5 < measures["trustworthiness"].value <= 1
    assert all(m.text for m in measures.values())
