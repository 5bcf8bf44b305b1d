"""Regions against the classifiers themselves in D dimensions, pixel by pixel, at snapshots and between them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression

from explorer.space import regions as module
from explorer.space.regions import (
    MODES,
    affine_scores,
    agreement,
    agreement_over_time,
    agreements,
    best_mode,
    decide,
    exact_regions,
    fitted_regions,
    knn_vote,
    region_modes,
    voronoi_regions,
)
from mtm import classifiers
from mtm.classifiers import CLASSIFIERS, Classifier, classifiers_of, predict
from mtm.errors import InputError
from mtm.geometry import class_centres
from mtm.runs import Run

every_classifier = pytest.mark.parametrize("name", [name for name in CLASSIFIERS if CLASSIFIERS[name].regions])
TIMES = [0, 0.25, 0.5, 0.9, 1, 1.3, 2]  # of three snapshots


def plane(d, seed=0):
    """An origin (D,) and an orthonormal basis (D, 2); in two dimensions a rotation."""
    random = np.random.default_rng([seed, d])
    return random.normal(size=d) / np.sqrt(d), np.linalg.qr(random.normal(size=(d, 2)))[0]


def targets(n_classes, d, n_snapshots=3, seed=0):
    """Points (T, C, D) beside `plane`, over its middle and as far off it; elsewhere at every snapshot."""
    o, p = plane(d)
    random = np.random.default_rng([seed, n_classes, d])
    beside = random.normal(size=(n_snapshots, n_classes, d)) / np.sqrt(d)
    return o + 2 * random.normal(size=(n_snapshots, n_classes, 2)) @ p.T + 2 * beside


def references_of(name, points):
    """What classifier `name` takes: the points, or for a linear head the points as weights, and biases."""
    bias = np.random.default_rng(1).normal(size=points.shape[:2])
    return (points, bias) if CLASSIFIERS[name].reference == "head" else points


def blend(references, time):
    """The references on their way in D dimensions; untouched at a snapshot."""
    s, t = int(time), time - int(time)
    if isinstance(references, tuple):
        return tuple(blend(array, time) for array in references)
    return references[s] if t == 0 else (1 - t) * references[s] + t * references[s + 1]


def pixels(radius=5, n=41):
    x, y = np.meshgrid(np.linspace(-radius, radius, n), np.linspace(-radius, radius, n))
    return np.column_stack([x.ravel(), y.ravel()])  # (n*n, 2)


def assert_decided_as(name, classes, x, reference):
    """The classes are the decisions at x (M, D), but where two classes win alike, to rounding."""
    decisions, margins = classifiers.decide(name, x, reference)
    wrong = classes != decisions
    assert (margins[wrong] < 1e-9).all()
    assert wrong.mean() < 0.01


# --- Exact regions


@every_classifier
@pytest.mark.parametrize("n_classes", [3, 10, 100])
@pytest.mark.parametrize("d", [2, 3, 64, 512])
def test_every_pixel_is_what_the_classifier_decides_there(name, n_classes, d):
    o, p = plane(d)
    references, u = references_of(name, targets(n_classes, d)), pixels()
    regions = exact_regions(name, references, o, p)
    assert regions.affine.shape == (3, n_classes, 3)
    assert regions.square.shape == (3, n_classes)
    assert regions.step.shape == (2, n_classes)
    for time in TIMES:
        classes = decide(affine_scores(regions, time), u)
        assert len(np.unique(classes)) > 1
        assert_decided_as(name, classes, o + u @ p.T, blend(references, time))


@pytest.mark.parametrize("name", ["cos", "euc_ce"])
def test_between_snapshots_the_scores_alone_would_not_do(name):
    """What `step` is for: without it there are wrong pixels, but none at a snapshot."""
    o, p = plane(64)
    regions, u = exact_regions(name, targets(10, 64), o, p), pixels()
    straight = replace(regions, step=np.zeros_like(regions.step))
    wrong = [
        (decide(affine_scores(regions, t), u) != decide(affine_scores(straight, t), u)).mean() for t in (0, 0.5, 1)
    ]
    assert wrong[0] == wrong[2] == 0
    assert wrong[1] > 0.02


@pytest.mark.parametrize("time", TIMES)
def test_affine_scores_are_the_classifiers_own_up_to_what_all_classes_share(time):
    o, p = plane(16)
    c, u = targets(5, 16), pixels(n=5)
    x, references = o + u @ p.T, blend(c, time)
    bias = references_of("argmax", c)[1]
    own = {
        "cos": x @ references.T / np.linalg.norm(references, axis=1),
        "euc": -(cdist(x, references) ** 2),
        "argmax": x @ references.T + blend(bias, time),
    }
    for name, expected in own.items():
        scores = (
            np.column_stack([u, np.ones(len(u))])
            @ affine_scores(exact_regions(name, references_of(name, c), o, p), time).T
        )
        shared = 0 if name == "cos" else (expected - scores)[:, :1]
        np.testing.assert_allclose(scores + shared, expected, rtol=1e-9, atol=1e-9)


@every_classifier
def test_a_class_without_a_reference_never_wins(name):
    o, p = plane(8)
    c, u = targets(6, 8), pixels()
    c[:, 1], c[1, 4] = np.nan, np.nan  # one for the whole run, one at the middle snapshot only
    references = references_of(name, c)
    regions = exact_regions(name, references, o, p)
    for time in TIMES:
        classes = decide(affine_scores(regions, time), u)
        assert 1 not in classes
        assert_decided_as(name, classes, o + u @ p.T, blend(references, time))
    assert [4 in decide(affine_scores(regions, t), u) for t in (0, 0.5, 1, 1.5, 2)] == [True, False, False, False, True]


@every_classifier
def test_without_any_reference_it_is_class_0_as_with_argmax(name):
    regions = exact_regions(name, references_of(name, np.full((2, 3, 4), np.nan)), *plane(4))
    assert not decide(affine_scores(regions, 0), pixels()).any()
    assert not decide(affine_scores(regions, 0.5), pixels()).any()


@every_classifier
@pytest.mark.parametrize("d", [2, 64])
def test_ties_go_to_the_lower_class(name, d):
    c = targets(9, d)
    c[:, [5, 8]] = c[:, [2, 2]]
    weight, bias = references_of("argmax", c)
    bias[:, [5, 8]] = bias[:, [2, 2]]
    regions = exact_regions(name, (weight, bias) if CLASSIFIERS[name].reference == "head" else c, *plane(d))
    classes = np.concatenate([decide(affine_scores(regions, time), pixels(n=101)) for time in TIMES])
    assert not {5, 8} & set(classes.tolist())
    assert 2 in classes


def test_a_reference_of_length_zero_is_at_right_angles_to_everything():
    o, p = np.zeros(2), np.eye(2)
    c = np.array([[[1.0, 0], [0, 0], [-1, 1]], [[1.0, 0], [0, 1], [1, -1]]])  # class 2 goes through zero halfway
    regions, u = exact_regions("cos", c, o, p), pixels()
    for time in (0, 0.25, 0.5, 0.75):
        assert_decided_as("cos", decide(affine_scores(regions, time), u), u, blend(c, time))
    assert decide(affine_scores(regions, 0), [[-1.0, -3]]).tolist() == [1]
    assert affine_scores(regions, 0.5)[2].tolist() == [0, 0, 0]


def test_a_reference_may_pass_through_zero_up_to_rounding():
    """There |c|^2 of the blend is what rounding leaves, below zero for some."""
    before = np.random.default_rng(0).normal(size=(100, 16))
    o, p = plane(16)
    regions = exact_regions("cos", np.stack([before, -before * 7 / 3]), o, p)
    assert np.isfinite(affine_scores(regions, 0.3)).all()
    assert np.isfinite(affine_scores(regions, 0.3 + 1e-12)).all()


def test_cosine_regions_do_not_depend_on_lengths_but_at_a_blend():
    o, p = plane(16)
    c, u = targets(6, 16), pixels()
    regions, longer = exact_regions("cos", c, o, p), exact_regions("cos", c * np.logspace(-1, 1, 6)[:, None], o, p)
    assert (decide(affine_scores(regions, 1), u) == decide(affine_scores(longer, 1), u)).all()


@pytest.mark.parametrize("name", ["euc", "argmax"])
@pytest.mark.parametrize("offset", [0, 1e6])
def test_the_browser_s_32_bits_are_enough(name, offset):
    o, p = plane(512)
    c, u = targets(10, 512) + offset, pixels()
    regions = exact_regions(name, references_of(name, c), o + (offset if name == "euc" else 0), p)
    narrow = replace(regions, affine=regions.affine.astype(np.float32), step=regions.step.astype(np.float32))
    for time in TIMES:
        classes = decide(affine_scores(narrow, time), u)
        assert (classes == decide(affine_scores(regions, time), u)).mean() > 0.998


def test_narrow_floats_are_accepted():
    o, p = plane(8)
    c = targets(4, 8).astype(np.float32)
    same = exact_regions("euc", c.astype(float), o, p)
    np.testing.assert_array_equal(exact_regions("euc", c, o, p).affine, same.affine)


def test_a_linear_classifier_of_class_embeddings_has_no_bias(monkeypatch):
    """Of one that is registered: the largest inner product, exact at snapshots and between them."""
    dot = Classifier(lambda e, c: np.asarray(e) @ np.asarray(c).T, "class_embeddings", "linear", "target", "help")
    monkeypatch.setitem(CLASSIFIERS, "dot", dot)
    o, p = plane(8)
    c, u = targets(5, 8), pixels()
    regions = exact_regions("dot", c, o, p)
    for time in TIMES:
        assert_decided_as("dot", decide(affine_scores(regions, time), u), o + u @ p.T, blend(c, time))


def test_a_classifier_whose_regions_are_not_affine_has_the_others(monkeypatch):
    monkeypatch.setitem(CLASSIFIERS, "odd", replace(CLASSIFIERS["euc_ce"], regions=None))
    c = targets(3, 4)
    with pytest.raises(InputError, match="'odd' has no exact regions on a plane; choose fitted, targets or vote"):
        exact_regions("odd", c, *plane(4))
    view, decisions = example_view()
    assert tuple(region_modes(view, "odd", view.targets, decisions)) == MODES[1:-1]


def test_what_cannot_be_drawn_is_refused():
    c = targets(3, 4)
    with pytest.raises(InputError, match="unknown classifier 'knn'; choose from cos"):
        exact_regions("knn", c, *plane(4))
    with pytest.raises(InputError, match="on a plane only"):
        exact_regions("euc", c, None, None)
    for time in (-0.1, 2.1, np.nan):
        with pytest.raises(InputError, match="choose from 0 to 2"):
            affine_scores(exact_regions("euc", c, *plane(4)), time)


def test_the_scores_are_the_caller_s_own():
    regions = exact_regions("euc", targets(3, 4), *plane(4))
    affine_scores(regions, 1)[:] = 0
    assert regions.affine[1].any()


# --- Voronoi of what is drawn


@pytest.mark.parametrize("n_classes", [1, 3, 100])
@pytest.mark.parametrize("offset", [0, 1e4])
def test_voronoi_is_the_nearest_of_what_is_drawn(n_classes, offset):
    positions = 3 * np.random.default_rng(0).normal(size=(3, n_classes, 2)) + offset
    regions, u = voronoi_regions(positions), pixels() + offset
    for time in TIMES:
        nearest = cKDTree(blend(positions, time)).query(u)[1]
        assert (decide(affine_scores(regions, time), u) == nearest).mean() > 0.999


def test_what_is_not_drawn_has_no_region():
    positions = np.random.default_rng(0).normal(size=(1, 5, 2))
    positions[0, [0, 3]] = np.nan
    nearest = np.array([1, 2, 4])[cKDTree(positions[0, [1, 2, 4]]).query(pixels())[1]]
    assert decide(affine_scores(voronoi_regions(positions), 0), pixels()).tolist() == nearest.tolist()


# --- Fitted regions


def blobs(n=600, n_classes=6, spread=0.3, n_snapshots=3, seed=0):
    """Positions (T, N, 2) about moving centres on a circle, and their classes (T, N)."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(n) % n_classes)
    turn = 2 * np.pi * (np.arange(n_classes) / n_classes + 0.1 * np.arange(n_snapshots)[:, None])
    centres = 4 * np.stack([np.cos(turn), np.sin(turn)], axis=-1) * random.uniform(1, 2, size=(n_classes, 1))
    return centres[:, y] + spread * random.normal(size=(n_snapshots, n, 2)), np.tile(y, (n_snapshots, 1))


def voronoi_of_centres(u, y, n_classes):
    return voronoi_regions(
        [class_centres(positions, classes, n_classes) for positions, classes in zip(u, y, strict=True)]
    )


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_clear_clusters_are_told_apart_at_least_as_well_as_by_their_centres(scale):
    u, y = blobs()
    u = u * scale + 5 * scale
    regions = fitted_regions(u, y, 6)
    assert agreement(regions, u, y) >= agreement(voronoi_of_centres(u, y, 6), u, y)
    assert agreement(regions, u, y) == 1


@pytest.mark.parametrize("spread", [2, 3])
def test_fitted_regions_are_those_of_logistic_regression(spread):
    u, y = blobs(spread=spread)
    regions = fitted_regions(u, y, 6)
    for t, positions in enumerate(u):
        model = LogisticRegression(C=1000, max_iter=1000).fit(positions, y[t])
        assert (decide(affine_scores(regions, t), pixels(8)) == model.predict(pixels(8))).mean() > 0.995


@pytest.mark.parametrize("n_classes", [3, 10, 40])
def test_affine_decisions_are_recovered(n_classes):
    random = np.random.default_rng(n_classes)
    u = random.normal(size=(2, 1000, 2))
    scores = random.normal(size=(n_classes, 3))
    decisions = np.stack([decide(scores, positions) for positions in u])
    assert agreement(fitted_regions(u, decisions, n_classes), u, decisions) > 0.97


def test_the_snapshots_before_do_not_change_a_fit():
    """They are only where it starts."""
    u, y = blobs(spread=1.5, n_snapshots=5)
    y[0] = np.random.default_rng(0).permutation(y[0])
    u[1] *= 100
    for t in range(5):
        alone, among = fitted_regions(u[t : t + 1], y[t : t + 1], 6), fitted_regions(u, y, 6)
        assert (decide(alone.affine[0], pixels(8)) == decide(among.affine[t], pixels(8))).mean() > 0.98


def test_moving_and_turning_the_picture_moves_and_turns_the_regions():
    u, y = blobs(spread=1.5)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    regions, moved = fitted_regions(u, y, 6), fitted_regions(7 * u @ turn + [300, -100], y, 6)
    for t in range(3):
        classes, classes_moved = (
            decide(regions.affine[t], pixels()),
            decide(moved.affine[t], 7 * pixels() @ turn + [300, -100]),
        )
        assert (classes == classes_moved).mean() > 0.99


def test_a_class_that_is_never_decided_has_no_region():
    u, y = blobs(n_classes=4)
    y[1][y[1] == 2] = 3  # decided at the other snapshots only
    regions = fitted_regions(u, y, 6)  # 4 and 5 at none
    everywhere = pixels(50)
    present = [set(decide(affine_scores(regions, t), everywhere).tolist()) for t in (0, 0.5, 1, 1.5, 2)]
    assert present == [{0, 1, 2, 3}, {0, 1, 3}, {0, 1, 3}, {0, 1, 3}, {0, 1, 2, 3}]


def test_the_only_class_that_is_decided_has_the_whole_plane():
    u, _ = blobs()
    regions = fitted_regions(u, np.full(u.shape[:2], 4), 6)
    assert {4} == set(decide(affine_scores(regions, 0.5), pixels(50)).tolist())
    assert agreement(regions, u, np.full(u.shape[:2], 4)) == 1


def test_images_all_at_one_place_are_what_most_of_them_are():
    regions = fitted_regions(np.ones((1, 10, 2)), [[2, 1, 2, 2, 1, 2, 2, 0, 2, 2]], 3)
    assert decide(affine_scores(regions, 0), [[1.0, 1.0]]).tolist() == [2]


def test_without_images_there_are_no_regions():
    assert np.isnan(fitted_regions(np.zeros((2, 0, 2)), np.zeros((2, 0)), 3).affine).all()


def test_no_snapshot_outweighs_another_in_a_tween():
    u, y = blobs(spread=1.0)
    u[1] = u[1] * 1000
    regions = fitted_regions(u, y, 6)
    for t, positions in enumerate(u):
        scores = np.column_stack([positions, np.ones(len(positions))]) @ regions.affine[t].T
        assert np.square(scores).mean() == pytest.approx(1)


# --- The vote


def slow_vote(u, decisions, place, k):
    near = sorted(range(len(u)), key=lambda i: np.hypot(*(u[i] - place)))[:k]
    counts = [sum(decisions[i] == c for i in near) for c in range(max(decisions) + 1)]
    return counts.index(max(counts))


@pytest.mark.parametrize("k", [1, 4, 15])
def test_the_vote_is_that_of_the_near_images(k, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 100)  # several at once
    u, y = blobs(200, spread=2.0)
    where = pixels(8, 16)
    classes, evidence = knn_vote(u[0], y[0], where, k)
    assert classes.tolist() == [slow_vote(u[0], y[0], place, k) for place in where]
    assert len(np.unique(classes)) > 3
    reach = np.sort(cdist(where, u[0]), axis=1)[:, k - 1]
    typical = np.median(np.sort(cdist(u[0], u[0]), axis=1)[:, k - 1])
    np.testing.assert_allclose(evidence, np.minimum(1, (typical / reach) ** 2))


def test_among_equal_votes_the_lower_class_wins():
    u = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    assert knn_vote(u, [3, 1, 3, 1], [[0.4, 0.5], [0.6, 0.5]], k=4)[0].tolist() == [1, 1]


def test_evidence_is_whole_among_the_images_and_fades_away_from_them():
    u, y = blobs(2000, n_classes=1, spread=1.0, n_snapshots=1)
    away = np.array([[0, 0], [4, 0], [8, 0], [1000, 0]])
    evidence = knn_vote(u[0], y[0], u[0].mean(axis=0) + away)[1]
    assert evidence[0] == 1
    assert evidence[1] < 0.2
    assert evidence[2] < evidence[1] / 2
    assert evidence[3] < 1e-4


def test_fewer_images_than_voters_all_vote():
    assert knn_vote([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], [2, 0, 2], [[1.0, 1.0]])[0].tolist() == [2]
    assert knn_vote([[0.0, 0.0]], [4], [[1.0, 1.0], [2.0, 2.0]], 1)[0].tolist() == [4, 4]
    classes, evidence = knn_vote(np.zeros((0, 2)), np.zeros(0), [[1.0, 1.0]])
    assert (classes.tolist(), evidence.tolist()) == ([0], [0])


def test_images_all_at_one_place_vote_there_and_nowhere_else():
    evidence = knn_vote(np.ones((20, 2)), np.zeros(20), [[1.0, 1.0], [1.1, 1.0]])[1]
    assert evidence.tolist() == [1, 0]


# --- Agreement


def test_agreement_is_its_definition_by_hand():
    positions = np.array([[[0.0, 0], [10, 0]], [[0.0, 0], [2, 0]]])  # the edge is at x = 5, then at x = 1
    u = np.array([[[1.0, 0], [4, 9], [6, -9], [20, 0]]] * 2)
    decisions = [[0, 0, 1, 0], [1, 1, 0, 1]]
    assert agreement_over_time(voronoi_regions(positions), u, decisions).tolist() == [3 / 4, 2 / 4]
    assert agreement(voronoi_regions(positions), u, decisions) == 5 / 8


def test_agreement_of_the_vote_is_its_definition_by_hand():
    u, y = blobs(120, spread=2.5, n_snapshots=2)
    right = [[slow_vote(u[t], y[t], u[t, i], 15) == y[t, i] for i in range(120)] for t in range(2)]
    assert agreement_over_time("vote", u, y).tolist() == np.mean(right, axis=1).tolist()
    assert 0.2 < agreement("vote", u, y) < 1


@pytest.mark.parametrize("name", [name for name in classifiers_of("targets") if CLASSIFIERS[name].regions])
def test_agreement_on_a_real_run_is_its_definition_by_hand(finished_run, name):
    """Of the exact slice: what is decided where the image is drawn, against what is decided of the image."""
    run = Run.open(finished_run)
    snapshots = [run.snapshot(i) for i in range(len(run.snapshots))]
    e = np.stack([s.embeddings for s in snapshots]).astype(float)  # (T, N, D)
    o = e.mean(axis=(0, 1))
    p = np.linalg.svd((e - o).reshape(-1, e.shape[2]), full_matrices=False)[2][:2].T
    u, decisions = (e - o) @ p, np.stack([s.predictions[name] for s in snapshots])
    regions = exact_regions(name, np.stack([np.asarray(s.references[name]) for s in snapshots]), o, p)
    by_hand = [
        (predict(name, o + u[t] @ p.T, s.references[name]) == decisions[t]).mean() for t, s in enumerate(snapshots)
    ]
    assert agreement_over_time(regions, u, decisions).tolist() == by_hand


def test_without_images_there_is_no_agreement():
    assert np.isnan(agreement(voronoi_regions(np.zeros((2, 3, 2))), np.zeros((2, 0, 2)), np.zeros((2, 0))))


# --- Modes


def example_view(**changes):
    u, y = blobs(300, spread=1.5)
    centres = np.stack([class_centres(positions, y[0], 6) for positions in u])
    view = {"points": u, "targets": centres + 1, "centres": centres, "origin": np.zeros(2), "basis": np.eye(2)}
    return SimpleNamespace(**view | changes), y


def test_every_mode_that_a_view_can_have():
    view, decisions = example_view()
    assert tuple(region_modes(view, "euc_ce", view.targets, decisions)) == MODES[:-1]
    view, _ = example_view(targets=None)
    assert tuple(region_modes(view, "euc", view.centres, decisions)) == ("exact", "fitted", "centres", "vote")
    view, _ = example_view(origin=None, basis=None)  # UMAP
    assert tuple(region_modes(view, "euc", view.centres, decisions)) == ("fitted", "targets", "centres", "vote")


def test_a_plane_that_is_the_whole_space_agrees_exactly():
    view, _ = example_view()
    decisions = np.stack([predict("euc_ce", *pair) for pair in zip(view.points, view.targets, strict=True)])
    modes = region_modes(view, "euc_ce", view.targets, decisions)
    by_mode = agreements(modes, view.points, decisions)
    assert by_mode.keys() == modes.keys()
    assert by_mode["exact"].tolist() == [1, 1, 1] == by_mode["targets"].tolist()
    assert best_mode(by_mode) == "exact"
    assert all(agreement(drawn, view.points, decisions) == by_mode[mode].mean() for mode, drawn in modes.items())


def test_the_best_mode_agrees_most_over_the_whole_run():
    assert best_mode({"exact": [0.9, 0.1], "targets": [0.6, 0.6], "vote": [0.5, 0.6]}) == "targets"
    assert best_mode({"vote": [0.6], "targets": [0.6], "fitted": [0.6]}) == "fitted"  # the first of MODES
    assert best_mode({"fitted": [np.nan], "centres": [0.1]}) == "centres"
    assert best_mode({"vote": [np.nan]}) == best_mode({}) == "off"
