"""The classifiers against scikit-learn and SciPy, their margins by brute force, and what random labels must score."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from mtm.classifiers import CLASSIFIERS, PREFERRED, classifiers_of, decide, predict
from mtm.errors import InputError
from mtm.geometry import class_centres, unit

# --- Slow twins: how good each class is for each embedding (N, C), larger is better


def cosines(e, reference):
    return np.array([[p @ q / np.sqrt((p @ p) * (q @ q)) for q in reference] for p in e])


def nearness(e, reference):
    return -cdist(e, reference)


def logits(e, reference):
    weight, bias = reference
    return np.array([[p @ w + b for w, b in zip(weight, bias, strict=True)] for p in e])


TWINS = {  # a new classifier is one row here
    "cos": cosines,
    "cos_ce": cosines,
    "euc": nearness,
    "euc_ce": nearness,
    "argmax": logits,
}
every_classifier = pytest.mark.parametrize("name", CLASSIFIERS)
by_distance = pytest.mark.parametrize("name", ["euc", "euc_ce"])


def example(n=100, n_classes=6, d=8, seed=0):
    """Embeddings e (N, D), labels y (N,) with every class, and points (C, D) at the classes' places."""
    random = np.random.default_rng(seed)
    y = random.permutation(np.arange(n) % n_classes)
    points = random.normal(size=(n_classes, d))
    return points[y] + 0.7 * random.normal(size=(n, d)), y, points


def reference_of(name, points, seed=1):
    """What classifier `name` takes: the points, or for a linear head the points as weights, and a bias."""
    return (points, np.random.default_rng(seed).normal(size=len(points))) if takes_a_head(name) else points


def takes_a_head(name):
    return CLASSIFIERS[name].reference == "head"


def accuracy(name, e, y, reference):
    return (predict(name, e, reference) == y).mean()


# --- Decisions


@every_classifier
@pytest.mark.parametrize("n_classes", [1, 2, 10, 100])
@pytest.mark.parametrize("d", [2, 64])
def test_the_class_with_the_best_score_is_chosen(name, n_classes, d):
    e, _, points = example(n_classes=n_classes, d=d)
    reference = reference_of(name, points)
    chosen = predict(name, e, reference)
    assert chosen.shape == (100,)
    assert chosen.dtype == np.int64
    assert chosen.tolist() == TWINS[name](e, reference).argmax(axis=1).tolist()


@by_distance
def test_euclidean_decisions_equal_scipy_and_nearest_centroid(name):
    train, y, _ = example(300)
    test, _, _ = example(200, seed=1)
    g = class_centres(train, y, 6)
    assert predict(name, test, g).tolist() == NearestCentroid().fit(train, y).predict(test).tolist()
    assert predict(name, test, g).tolist() == cdist(test, g, "euclidean").argmin(axis=1).tolist()


@pytest.mark.parametrize("name", ["cos", "cos_ce"])
def test_cosine_decisions_equal_scipy_and_the_nearest_neighbour(name):
    e, _, c = example(200)
    nearest = KNeighborsClassifier(1, metric="cosine").fit(c, np.arange(6))
    assert predict(name, e, c).tolist() == nearest.predict(e).tolist()
    assert predict(name, e, c).tolist() == cdist(e, c, "cosine").argmin(axis=1).tolist()


def test_argmax_decisions_equal_those_of_a_linear_model():
    e, y, _ = example(300)
    model = LinearDiscriminantAnalysis().fit(e, y)
    assert predict("argmax", e, (model.coef_, model.intercept_)).tolist() == model.predict(e).tolist()


def test_argmax_uses_the_bias():
    e, weight = np.zeros((1, 2)), np.eye(3, 2)
    assert predict("argmax", e, (weight, [0.0, 0.0, 1.0])).tolist() == [2]
    assert predict("argmax", e, (weight, [0.0, 2.0, 1.0])).tolist() == [1]


def test_decisions_by_hand():
    points = [[10.0, 0.0], [1.0, 1.0]]
    e = [[2.0, 0.5]]  # close to the second point, in the direction of the first
    assert predict("euc", e, points).tolist() == [1]
    assert predict("cos", e, points).tolist() == [0]
    assert predict("argmax", e, (points, [0.0, 0.0])).tolist() == [0]
    assert predict("argmax", e, (points, [0.0, 30.0])).tolist() == [1]


def test_a_cosine_model_decides_like_a_linear_head_on_unit_vectors_without_bias():
    """Section V-B: a cosine model is a linear layer with normalised input and weights and no bias."""
    e, _, c = example(500)
    chosen, margins = decide("cos_ce", e, c)
    chosen_by_head, margins_by_head = decide("argmax", unit(e), (unit(c), np.zeros(6)))
    assert chosen.tolist() == chosen_by_head.tolist()
    np.testing.assert_allclose(margins, margins_by_head, rtol=1e-9, atol=1e-12)


def test_lengths_matter_to_every_classifier_but_cosine():
    e, _, c = example(500)
    longer = c * np.logspace(-1, 1, 6)[:, None]
    assert predict("cos_ce", e, longer).tolist() == predict("cos_ce", e, c).tolist()
    assert predict("euc_ce", e, longer).tolist() != predict("euc_ce", e, c).tolist()
    assert predict("argmax", e, (longer, np.zeros(6))).tolist() != predict("argmax", e, (c, np.zeros(6))).tolist()


def test_a_vector_of_length_zero_is_at_right_angles_to_everything():
    chosen, margins = decide("cos", [[0.0, 0.0], [1.0, 0.0]], [[-1.0, 0.0], [0.0, 0.0]])
    assert margins.tolist() == [0, 1]  # cosines 0 and 0, then -1 and 0
    assert chosen[1] == 1


@every_classifier
def test_narrow_floats_and_lists_are_accepted(name):
    e, _, points = example()
    e, points = e.astype(np.float16), points.astype(np.float16)
    chosen = predict(name, e, reference_of(name, points))
    assert chosen.tolist() == predict(name, e.astype(float), reference_of(name, points.astype(float))).tolist()
    assert chosen.tolist() == predict(name, e.tolist(), reference_of(name, points.tolist())).tolist()


@every_classifier
def test_no_images_give_no_decisions(name):
    chosen, margins = decide(name, np.zeros((0, 8)), reference_of(name, example()[2]))
    assert chosen.shape == margins.shape == (0,)


# --- Margins


@every_classifier
@pytest.mark.parametrize("n_classes", [2, 3, 50])
def test_the_margin_is_the_best_minus_the_runner_up(name, n_classes):
    e, _, points = example(n_classes=n_classes)
    reference = reference_of(name, points)
    expected = [sorted(row)[-1] - sorted(row)[-2] for row in TWINS[name](e, reference).tolist()]
    np.testing.assert_allclose(decide(name, e, reference)[1], expected, rtol=1e-6, atol=1e-9)


@every_classifier
def test_predict_is_the_decision(name):
    e, _, points = example()
    reference = reference_of(name, points)
    assert predict(name, e, reference).tolist() == decide(name, e, reference)[0].tolist()


def test_margins_by_hand():
    points = [[0.0, 0.0], [3.0, 4.0], [10.0, 0.0]]
    assert decide("euc_ce", [[0.0, 0.0], [4.0, 0.0]], points)[1] == pytest.approx([5, 17**0.5 - 4])
    assert decide("cos_ce", [[0.0, 7.0]], [[0.0, 1.0], [3.0, 4.0]])[1] == pytest.approx([0.2])
    assert decide("argmax", [[2.0, 1.0]], (points, [20.0, 0.0, 1.0]))[1] == pytest.approx([1])


@every_classifier
def test_a_single_class_is_always_chosen_without_a_margin(name):
    e, _, points = example(n_classes=1)
    chosen, margins = decide(name, e, reference_of(name, points))
    assert not chosen.any()
    assert np.isnan(margins).all()


# --- Classes without a reference (a warning is an error in these tests)


@every_classifier
def test_a_class_whose_reference_is_nan_is_never_chosen(name):
    e, _, points = example(300)
    points[[0, 3]] = np.nan
    reference = reference_of(name, points)
    present = [1, 2, 4, 5]
    scores = TWINS[name](e, reference)[:, present]
    chosen, margins = decide(name, e, reference)
    assert chosen.tolist() == [present[k] for k in scores.argmax(axis=1)]
    np.testing.assert_allclose(margins, np.diff(np.sort(scores)[:, -2:])[:, 0], rtol=1e-6, atol=1e-9)


@every_classifier
def test_the_only_class_with_a_reference_is_always_chosen_without_a_margin(name):
    e, _, points = example()
    points[[0, 1, 2, 4, 5]] = np.nan
    chosen, margins = decide(name, e, reference_of(name, points))
    assert (chosen == 3).all()
    assert np.isnan(margins).all()


@every_classifier
@pytest.mark.parametrize("n_classes", [1, 2, 6])
def test_without_any_reference_there_is_no_margin(name, n_classes):
    e, _, points = example(n_classes=n_classes)
    assert np.isnan(decide(name, e, reference_of(name, np.full_like(points, np.nan)))[1]).all()


@every_classifier
def test_an_embedding_that_is_nan_has_no_margin_and_leaves_the_others_alone(name):
    e, _, points = example()
    reference = reference_of(name, points)
    chosen, margins = decide(name, e, reference)
    e[7] = np.nan
    chosen_beside_nan, margins_beside_nan = decide(name, e, reference)
    assert np.isnan(margins_beside_nan[7])
    np.testing.assert_array_equal(np.delete(chosen_beside_nan, 7), np.delete(chosen, 7))
    np.testing.assert_allclose(np.delete(margins_beside_nan, 7), np.delete(margins, 7), rtol=1e-9, atol=1e-12)


# --- Invariances


@by_distance
@pytest.mark.parametrize("offset", [1e3, 1e5, 1e7])
@pytest.mark.parametrize("missing", [[], [0, 1, 2, 3]], ids=["all classes", "most classes missing"])
def test_a_large_common_offset_changes_no_euclidean_decision(name, offset, missing):
    e, _, points = example(500, d=64)
    points[missing] = np.nan
    e, points = 1e-3 * e + offset, 1e-3 * points + offset
    scores = -np.where(np.isnan(points).any(axis=1), np.inf, cdist(e, points))
    chosen, margins = decide(name, e, points)
    assert chosen.tolist() == scores.argmax(axis=1).tolist()
    np.testing.assert_allclose(margins, np.diff(np.sort(scores)[:, -2:])[:, 0], rtol=1e-4, atol=1e-9)


@every_classifier
def test_a_common_rotation_changes_no_decision(name):
    e, _, points = example(500)
    rotation = np.linalg.qr(np.random.default_rng(2).normal(size=(8, 8)))[0]  # (D, D)
    chosen, margins = decide(name, e, reference_of(name, points))
    chosen_rotated, margins_rotated = decide(name, e @ rotation, reference_of(name, points @ rotation))
    assert chosen_rotated.tolist() == chosen.tolist()
    np.testing.assert_allclose(margins_rotated, margins, rtol=1e-6, atol=1e-9)


@every_classifier
def test_permuting_the_classes_permutes_the_decisions(name):
    e, _, points = example(500)
    order = np.random.default_rng(3).permutation(6)
    reference = (points, np.arange(6.0)) if takes_a_head(name) else points
    permuted = (points[order], np.arange(6.0)[order]) if takes_a_head(name) else points[order]
    assert order[predict(name, e, permuted)].tolist() == predict(name, e, reference).tolist()


# --- What random labels score


@pytest.fixture(scope="module")
def noise():
    """Pure noise with random labels, D = 1,351 and C = 10: images that give the centres, and images to be judged."""
    random = np.random.default_rng(0)
    n, d, n_classes = 2000, 1351, 10
    train, test = random.normal(size=(2, n, d)).astype(np.float32)
    train_y, test_y = random.integers(n_classes, size=(2, n))
    return train, train_y, test, test_y


@every_classifier
def test_random_labels_score_one_in_c(name, noise):
    train, train_y, test, test_y = noise
    centres, embeddings = class_centres(train, train_y, 10), np.random.default_rng(1).normal(size=(10, 1351))
    reference = reference_of(name, centres if CLASSIFIERS[name].reference == "centres" else embeddings)
    # four standard deviations of a share of 2,000 images
    assert accuracy(name, test, test_y, reference) == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / 2000) ** 0.5)


@pytest.mark.parametrize("name", ["cos", "euc"])
def test_centres_of_the_judged_images_themselves_would_find_random_labels(name, noise):
    """Why the centres that classify come from training images: each image is a part of its own class's centre."""
    _, _, test, test_y = noise
    assert accuracy(name, test, test_y, class_centres(test, test_y, 10)) > 0.8


@every_classifier
def test_real_labels_score_more_than_random_ones(name):
    e, y, points = example(1000, d=64)
    reference = (points, -(points**2).sum(axis=1) / 2) if takes_a_head(name) else points
    assert accuracy(name, e, y, reference) > 0.95


# --- Registry


def test_every_classifier_has_its_slow_twin_here():
    assert TWINS.keys() == CLASSIFIERS.keys()
    assert set(CLASSIFIERS) >= {"cos", "cos_ce", "euc", "euc_ce", "argmax"}


@pytest.mark.parametrize(("head", "references"), [("targets", ("class_embeddings",)), ("linear", ("head",))])
def test_every_head_has_the_classifiers_of_its_references(head, references):
    names = classifiers_of(head)
    assert {CLASSIFIERS[name].reference for name in names} == {"centres", *references}
    assert set(classifiers_of("targets")) | set(classifiers_of("linear")) == set(CLASSIFIERS)


def test_an_entry_is_called_as_its_scores():
    e, _, points = example()
    assert CLASSIFIERS["euc"](e, points).tolist() == CLASSIFIERS["euc"].scores(e, points).tolist()


def test_every_classifier_says_what_it_is():
    for name, classifier in CLASSIFIERS.items():
        assert classifier.meaning, f"{name} has no meaning, which menus print"
        assert classifier.help, f"{name} has no help, which menus show on hover"
    assert PREFERRED[:2] == ["euc_ce", "argmax"]  # a run has one of them, and shows it at first
    assert set(PREFERRED) == set(CLASSIFIERS)


@pytest.mark.parametrize("function", [predict, decide])
def test_an_unknown_classifier_is_refused_with_the_choices(function):
    with pytest.raises(InputError, match="unknown classifier 'knn'; choose from ") as refused:
        function("knn", [[0.0]], [[0.0]])
    assert all(name in str(refused.value) for name in CLASSIFIERS)
