"""The measures of the embedding space against plain loops, by hand, with classes missing, and under rigid motions."""

import math
import statistics

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from mtm.geometry import (
    centre_distance,
    centre_distances,
    class_centres,
    cluster_size,
    cluster_sizes,
    gaps,
    global_centre,
    mean,
    mean_centre_separation,
    median,
    median_cosine_similarity,
    nearest_separations,
    own_distances,
    separations,
    unit,
)

# --- The measures as loops over the images and classes that are there. A missing class has no entry.


def centres_by_loops(e, y):
    rows = {k: [row for row, own in zip(e.tolist(), y.tolist(), strict=True) if own == k] for k in set(y.tolist())}
    return {
        k: [math.fsum(column) / len(members) for column in zip(*members, strict=True)] for k, members in rows.items()
    }


def global_centre_by_loops(centres):
    return [math.fsum(column) / len(centres) for column in zip(*centres.values(), strict=True)]


def cluster_size_by_loops(e, y, centres, classes):
    pairs = zip(e.tolist(), y.tolist(), strict=True)
    return statistics.median(math.dist(row, centres[own]) for row, own in pairs if own in classes)


def centre_distance_by_loops(centres, reference):
    return statistics.fmean(math.dist(centre, reference) for centre in centres.values())


def separation_by_loops(centres):
    return statistics.fmean(math.dist(centres[i], centres[j]) for i in centres for j in centres if i < j)


def cosine_by_loops(p, q):
    return math.fsum(a * b for a, b in zip(p, q, strict=True)) / (math.hypot(*p) * math.hypot(*q))


def median_cosine_by_loops(e, y, centres):
    return statistics.median(cosine_by_loops(p, centres[k]) for p, k in zip(e.tolist(), y.tolist(), strict=True))


LAYOUTS = ["spread", "far", "tight", "tight and far", "plane", "float32", "float16", "one class", "a class missing"]
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def example(layout="spread", n=60, n_classes=5, d=8, seed=0):
    """Output embeddings (N, D) around their class's place, labels (N,) and the number of classes."""
    random = np.random.default_rng(seed)
    d = 2 if layout == "plane" else d
    n_classes = 1 if layout == "one class" else n_classes
    y = random.integers(n_classes, size=n)
    if layout == "a class missing":
        y[y == 2] = 3
    e = random.normal(size=(n_classes, d))[y] + (1e-4 if "tight" in layout else 0.5) * random.normal(size=(n, d))
    e += 1000 if "far" in layout else 0
    return e.astype(layout if layout.startswith("float") else np.float64), y, n_classes


def rotation(d, seed=7):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]  # (D, D)


# --- Against the loops


@every_layout
def test_class_centres_are_the_means_of_their_images(layout):
    e, y, n_classes = example(layout)
    g, expected = class_centres(e, y, n_classes), centres_by_loops(e, y)
    assert g.shape == (n_classes, e.shape[1])
    assert g.dtype == np.float64
    for k in range(n_classes):
        np.testing.assert_allclose(g[k], expected.get(k, [np.nan] * e.shape[1]), rtol=1e-12, atol=1e-12)


@every_layout
def test_the_global_centre_is_the_mean_of_the_class_centres(layout):
    e, y, n_classes = example(layout)
    expected = global_centre_by_loops(centres_by_loops(e, y))
    np.testing.assert_allclose(global_centre(class_centres(e, y, n_classes)), expected, rtol=1e-12, atol=1e-12)


@every_layout
def test_sigma_is_the_median_distance_to_the_own_centre(layout):
    e, y, n_classes = example(layout)
    g, centres = class_centres(e, y, n_classes), centres_by_loops(e, y)
    assert cluster_size(e, y, g) == pytest.approx(cluster_size_by_loops(e, y, centres, set(centres)), rel=1e-6)
    for k, size in enumerate(cluster_sizes(e, y, g)):
        expected = cluster_size_by_loops(e, y, centres, {k}) if k in centres else np.nan
        assert size == pytest.approx(expected, rel=1e-6, nan_ok=True)


@every_layout
def test_rho_is_the_mean_distance_to_the_global_centre_or_to_a_given_one(layout):
    e, y, n_classes = example(layout)
    g, centres = class_centres(e, y, n_classes), centres_by_loops(e, y)
    reference = np.arange(e.shape[1], dtype=np.float64)  # (D,)
    expected = centre_distance_by_loops(centres, global_centre_by_loops(centres))
    assert centre_distance(g) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    assert centre_distance(g, reference) == pytest.approx(centre_distance_by_loops(centres, reference), rel=1e-6)


@every_layout
def test_the_mean_separation_is_over_all_pairs_of_centres(layout):
    e, y, n_classes = example(layout)
    separation = mean_centre_separation(class_centres(e, y, n_classes))
    if layout == "one class":
        assert math.isnan(separation)
    else:
        assert separation == pytest.approx(separation_by_loops(centres_by_loops(e, y)), rel=1e-6)


@every_layout
def test_the_median_cosine_is_between_images_and_their_own_centre(layout):
    e, y, n_classes = example(layout)
    similarity = median_cosine_similarity(e, y, class_centres(e, y, n_classes))
    assert similarity == pytest.approx(median_cosine_by_loops(e, y, centres_by_loops(e, y)), rel=1e-6)


@pytest.mark.parametrize("layout", ["spread", "far", "plane"])
@pytest.mark.parametrize("n_classes", [1, 2, 10, 200])
def test_separations_are_symmetric_with_a_zero_diagonal_and_equal_scipy(layout, n_classes):
    random = np.random.default_rng(n_classes)
    points = random.normal(size=(n_classes, 2 if layout == "plane" else 64)) + (1000 if layout == "far" else 0)
    distances = separations(points)
    assert np.array_equal(distances, distances.T)
    assert not distances.diagonal().any()
    np.testing.assert_allclose(distances, cdist(points, points), rtol=1e-6)


def test_separations_of_close_pairs_far_apart_equal_scipy():
    random = np.random.default_rng(0)
    points = 1000 + 10 * random.normal(size=(20, 64))
    points[1::2] = points[::2] + 1e-3 * random.normal(size=(10, 64))
    np.testing.assert_allclose(separations(points), cdist(points, points), rtol=1e-6)


def test_points_in_one_place_are_zero_apart():
    points = 30 * np.random.default_rng(0).normal(size=(10, 64))
    points[3] = points[5]
    assert separations(points)[3, 5] == pytest.approx(0, abs=1e-6)
    assert nearest_separations(points)[[3, 5]] == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3, 50])
def test_the_nearest_separation_is_the_smallest_to_another_class(n_classes):
    points = np.random.default_rng(0).normal(size=(n_classes, 4))
    for k, nearest in enumerate(nearest_separations(points)):
        assert nearest == pytest.approx(min(math.dist(points[k], points[j]) for j in range(n_classes) if j != k))


def test_gaps_are_between_class_embeddings_and_class_centres():
    c, g = np.random.default_rng(0).normal(size=(2, 6, 4)) + 1000
    assert gaps(c, g).tolist() == pytest.approx([math.dist(p, q) for p, q in zip(c, g, strict=True)])


# --- By hand


HAND_E = np.array([[-3, 0], [3, 0], [6, 6], [6, 10], [6, 8]], dtype=np.float64)
HAND_Y = np.array([0, 0, 1, 1, 1])


def test_two_classes_in_the_plane_by_hand():
    g = class_centres(HAND_E, HAND_Y, 2)
    assert g.tolist() == [[0, 0], [6, 8]]
    assert global_centre(g).tolist() == [3, 4]  # each class once, although there are 2 and 3 images
    assert own_distances(HAND_E, HAND_Y, g).tolist() == [3, 3, 2, 2, 0]
    assert cluster_size(HAND_E, HAND_Y, g) == 2
    assert cluster_sizes(HAND_E, HAND_Y, g).tolist() == [3, 2]
    assert centre_distances(g).tolist() == [5, 5]
    assert centre_distance(g) == 5
    assert centre_distances(g, [6, 0]).tolist() == [6, 8]
    assert centre_distance(g, [6, 0]) == 7
    assert mean_centre_separation(g) == pytest.approx(10)
    assert gaps([[0, 1], [3, 4]], g).tolist() == [1, 5]


def test_the_cluster_size_is_a_median_and_the_centre_distance_a_mean():
    e, y = np.array([[1.0], [2.0], [4.0], [90.0]]), np.zeros(4, int)
    assert cluster_size(e, y, [[0.0]]) == 3
    assert centre_distance(e, [0.0]) == 97 / 4


def test_cosines_by_hand():
    e, y = np.array([[9.0, 0.0], [0.0, 1.0], [3.0, 4.0]]), np.zeros(3, int)
    assert median_cosine_similarity(e, y, [[2.0, 0.0]]) == pytest.approx(0.6)  # of 1, 0 and 0.6


def test_a_vector_of_length_zero_has_cosine_zero():
    assert median_cosine_similarity(np.zeros((1, 2)), [0], [[1.0, 0.0]]) == 0
    assert median_cosine_similarity([[1.0, 0.0]], [0], np.zeros((1, 2))) == 0
    assert unit(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0, 0], [0.6, 0.8]]


def test_a_three_four_five_triangle_by_hand():
    triangle = [[0, 0], [3, 0], [3, 4]]
    np.testing.assert_allclose(separations(triangle), [[0, 3, 5], [3, 0, 4], [5, 4, 0]], atol=1e-12)
    assert mean_centre_separation(triangle) == pytest.approx(4)
    assert nearest_separations(triangle).tolist() == pytest.approx([3, 3, 4])


# --- Missing classes and nothing at all (a warning is an error in these tests)


def test_a_class_without_images_has_nan_and_changes_no_mean_or_median():
    e, y = HAND_E, 2 * HAND_Y  # the classes 0 and 2; 1 and 3 have no images
    g, present = class_centres(e, y, 4), class_centres(HAND_E, HAND_Y, 2)
    assert np.isnan(g).all(axis=1).tolist() == [False, True, False, True]
    assert global_centre(g).tolist() == [3, 4]
    assert cluster_size(e, y, g) == 2
    np.testing.assert_array_equal(cluster_sizes(e, y, g), [3, np.nan, 2, np.nan])
    np.testing.assert_array_equal(centre_distances(g), [5, np.nan, 5, np.nan])
    assert centre_distance(g) == 5
    assert centre_distance(g, [6, 0]) == 7
    assert mean_centre_separation(g) == mean_centre_separation(present)
    np.testing.assert_allclose(nearest_separations(g), [10, np.nan, 10, np.nan])
    np.testing.assert_array_equal(np.isnan(separations(g)).sum(axis=1), [2, 4, 2, 4])
    np.testing.assert_array_equal(gaps(np.zeros((4, 2)), g), [0, np.nan, 10, np.nan])


def test_images_whose_class_has_no_centre_are_left_out():
    e, y = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 70.0]]), np.array([0, 0, 1])
    g = np.array([[0.5, 0.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(own_distances(e, y, g), [0.5, 1.5, np.nan])
    assert cluster_size(e, y, g) == 1
    assert median_cosine_similarity(e, y, g) == 1


def test_the_only_class_has_no_separation():
    for points in ([[1.0, 2.0]], [[1.0, 2.0], [np.nan, np.nan]]):
        assert math.isnan(mean_centre_separation(points))
        assert np.isnan(nearest_separations(points)).all()
        assert centre_distance(points) == 0


@pytest.mark.parametrize("n_classes", [0, 1, 2, 5])
def test_without_images_every_measure_is_nan(n_classes):
    e, y = np.zeros((0, 3)), np.zeros(0, dtype=np.int64)
    g = class_centres(e, y, n_classes)
    assert g.shape == (n_classes, 3)
    assert global_centre(g).shape == (3,)
    for values in (
        g,
        global_centre(g),
        cluster_sizes(e, y, g),
        centre_distances(g),
        nearest_separations(g),
        gaps(g, g),
    ):
        assert np.isnan(values).all()
    assert own_distances(e, y, g).shape == (0,)
    assert separations(g).shape == (n_classes, n_classes)
    for value in (cluster_size(e, y, g), median_cosine_similarity(e, y, g)):
        assert math.isnan(value)
    for value in (centre_distance(g), centre_distance(g, [0.0, 0.0, 0.0]), mean_centre_separation(g)):
        assert math.isnan(value)


def test_mean_and_median_leave_out_nan():
    assert mean(np.array([1.0, np.nan, 6.0])) == 3.5
    assert median(np.array([9.0, 1.0, np.nan, 2.0])) == 2
    for measure in (mean, median):
        assert math.isnan(measure(np.array([])))
        assert math.isnan(measure(np.array([np.nan])))


def test_one_image_is_its_own_centre():
    g = class_centres([[3.0, 4.0]], [1], 2)
    assert cluster_size([[3.0, 4.0]], [1], g) == 0
    assert median_cosine_similarity([[3.0, 4.0]], [1], g) == pytest.approx(1)


# --- The measures of each class agree with the measures of all


@every_layout
def test_the_cluster_size_of_a_class_is_that_of_its_images_alone(layout):
    e, y, n_classes = example(layout)
    g = class_centres(e, y, n_classes)
    alone = [cluster_size(e[y == k], y[y == k], g) for k in range(n_classes)]
    np.testing.assert_array_equal(cluster_sizes(e, y, g), alone)


@every_layout
def test_the_means_of_the_class_measures_are_the_measures(layout):
    e, y, n_classes = example(layout)
    g = class_centres(e, y, n_classes)
    pairs = separations(g)[~np.eye(n_classes, dtype=bool)]
    assert centre_distance(g) == pytest.approx(mean(centre_distances(g)), abs=1e-12)
    assert mean_centre_separation(g) == pytest.approx(mean(pairs), nan_ok=True)
    assert cluster_size(e, y, g) == median(own_distances(e, y, g))


def test_sigma_lies_between_the_cluster_sizes_of_the_classes():
    e, y, n_classes = example("spread", n=301)
    g = class_centres(e, y, n_classes)
    sizes = cluster_sizes(e, y, g)
    assert sizes.min() < cluster_size(e, y, g) < sizes.max()


# --- Invariances


MEASURES = {
    "sigma": lambda e, y, g: cluster_size(e, y, g),
    "sigma of each class": lambda e, y, g: cluster_sizes(e, y, g),
    "rho": lambda e, y, g: centre_distance(g),
    "rho of each class": lambda e, y, g: centre_distances(g),
    "separation": lambda e, y, g: mean_centre_separation(g),
    "separations": lambda e, y, g: separations(g),
    "nearest separations": lambda e, y, g: nearest_separations(g),
    "gaps": lambda e, y, g: gaps(class_centres(e[::2], y[::2], len(g)), g),
}
every_measure = pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())


@every_measure
def test_distances_are_unchanged_by_a_rotation_and_a_translation(measure):
    e, y, n_classes = example("a class missing", d=8)
    moved = e @ rotation(8) + 100 * np.arange(8)
    expected = measure(e, y, class_centres(e, y, n_classes))
    np.testing.assert_allclose(measure(moved, y, class_centres(moved, y, n_classes)), expected, rtol=1e-9, atol=1e-9)


@every_measure
def test_distances_scale_with_the_embedding_space(measure):
    e, y, n_classes = example("a class missing", d=8)
    expected = 20 * measure(e, y, class_centres(e, y, n_classes))
    np.testing.assert_allclose(measure(20 * e, y, class_centres(20 * e, y, n_classes)), expected, rtol=1e-9, atol=1e-9)


def test_the_median_cosine_is_unchanged_by_rotation_and_scale_but_not_by_translation():
    e, y, n_classes = example("spread", d=8)
    original, turned, shifted = (
        median_cosine_similarity(x, y, class_centres(x, y, n_classes)) for x in (e, 20 * e @ rotation(8), e + 10)
    )
    assert turned == pytest.approx(original, rel=1e-9)
    assert shifted > original + 0.01


def test_the_order_of_the_images_does_not_matter():
    e, y, n_classes = example("spread")
    order = np.random.default_rng(1).permutation(len(y))
    g = class_centres(e, y, n_classes)
    np.testing.assert_allclose(class_centres(e[order], y[order], n_classes), g, rtol=1e-12, atol=1e-12)
    assert cluster_size(e[order], y[order], g) == cluster_size(e, y, g)


# --- Types


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_narrow_floats_are_summed_in_float64(dtype):
    """10,000 values of 300: their sum overflows float16, and a running float32 mean would lose digits."""
    e = np.tile(np.array([[300.0, 0.1]], dtype), (10_000, 1))  # (N, D)
    y = np.zeros(len(e), np.int64)
    g = class_centres(e, y, 1)
    np.testing.assert_allclose(g, e[:1].astype(np.float64), rtol=1e-12)
    assert cluster_size(e, y, g) == pytest.approx(0, abs=1e-10)
    # 300^2 overflows float16 as well
    assert cluster_size(e, y, np.zeros((1, 2), dtype)) == pytest.approx(300, rel=1e-6)
    assert separations(np.array([[300, 0], [-300, 0]], dtype))[0, 1] == pytest.approx(600)
    assert gaps(np.array([[300.0]], dtype), np.array([[-300.0]], dtype)).tolist() == [600]
    assert median_cosine_similarity(e, y, e[:1]) == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_may_have_any_integer_type(dtype):
    g = class_centres(HAND_E, HAND_Y.astype(dtype), 2)
    assert g.tolist() == [[0, 0], [6, 8]]
    assert cluster_size(HAND_E, HAND_Y.astype(dtype), g) == 2


def test_the_inputs_are_left_as_they_were():
    e, y, n_classes = example("a class missing")
    g = class_centres(e, y, n_classes)
    before = e.copy(), y.copy(), g.copy()
    for measure in MEASURES.values():
        measure(e, y, g)
    for array, copy in zip((e, y, g), before, strict=True):
        np.testing.assert_array_equal(array, copy)
