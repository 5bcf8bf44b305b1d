"""Landscapes are the losses themselves, place by place; arrows are autograd's; the paper's figures say what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.lab.descriptions import compute_terms, formula, write_remarks
from explorer.lab.equilibrium import find_equilibrium
from explorer.lab.landscape import LEAST_SIDE, Scene, compute_forces, compute_landscape, compute_slopes, compute_values
from explorer.lab.own_losses import OwnLosses
from explorer.lab.presets import PRESETS
from explorer.lab.release import release_points
from explorer.lab.run_scene import PLANES, displace, load_run_scene
from explorer.lab.scales import choose_scale, format_number
from mtm.errors import InputError
from mtm.losses import LOSSES, ClassProximity, Comparison, Cosine, Euclidean, PushPull, make_loss
from mtm.runs import Run

BOX = (-6.0, -5.0, 7.0, 8.0)

every_loss = pytest.mark.parametrize("name", LOSSES)
every_way = pytest.mark.parametrize("vary", ["e", "c", "sum"])
LOSS_OF = {"class_proximity": ClassProximity(r=30.0), "push_pull": PushPull(r=0.7)}


def loss_of(name):
    return LOSS_OF.get(name) or make_loss(name)


def scene(vary="c", n_classes=4, m=3, dim=2, seed=0, y=None):
    """Embeddings and targets at random; the plane is at random too where there are more than two dimensions."""
    rng = np.random.default_rng(seed)
    e, c = 3 * rng.standard_normal((m, dim)), 4 * rng.standard_normal((n_classes, dim))
    y = rng.integers(0, n_classes, m) if y is None else np.array(y)
    if dim == 2:
        return Scene(e, c, y, vary)
    basis = np.linalg.qr(rng.standard_normal((dim, 2)))[0]
    return Scene(e, c, y, vary, 0, rng.standard_normal(dim), basis)


def point_by_point(loss, scene, u):
    """The reference: the loss called for one position at a time, on the whole D-dimensional scene."""
    losses = []
    for position in u:
        x = scene.moved_point + scene.basis @ (position - scene.project(scene.moved_point))
        e, c, y = scene.e.copy(), scene.c.copy(), scene.y
        if scene.vary == "e":
            e[scene.chosen] = x
        else:
            c[scene.label] = x
        each = loss(torch.tensor(e), torch.tensor(c), torch.tensor(y))
        losses.append(float(each.sum() if scene.vary == "sum" else each[scene.chosen]))
    return np.array(losses)


def positions_of(landscape):
    return np.stack(np.meshgrid(landscape.x, landscape.y), axis=-1).reshape(-1, 2)


def value(loss, scene, *at):
    return float(compute_values(loss, scene, np.array([at], float))[0])


# --- Values


@every_loss
@every_way
@pytest.mark.parametrize(("dim", "n_classes", "m"), [(2, 4, 3), (2, 1, 1), (3, 2, 2), (40, 5, 4), (7, 12, 1)])
def test_a_grid_is_the_loss_called_point_by_point(name, vary, dim, n_classes, m):
    loss, around = loss_of(name), scene(vary, n_classes, m, dim)
    landscape = compute_landscape(loss, around, BOX, 17)
    expected = point_by_point(loss, around, positions_of(landscape)).reshape(17, 17)
    np.testing.assert_allclose(landscape.values, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    assert landscape.in_one_call


@every_loss
@every_way
def test_the_moved_point_s_own_place_has_the_loss_of_the_scene(name, vary):
    loss, around = loss_of(name), scene(vary, dim=20)
    expected = compute_forces(loss, around).losses[around.counted].sum()
    if vary == "e":
        expected = compute_forces(loss, around).losses[around.chosen]
    assert value(loss, around, *around.project(around.moved_point)) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "vary", "dimensions"), [
    ("euclidean", "e", 4), ("cosine", "e", 4), ("cosine", "c", 4), ("comparison", "e", 4), ("class_proximity", "c", 4),
    ("push_pull", "e", 4 + 1 + 3), ("comparison", "sum", 4 + 1 + 3),
])  # fmt: skip
def test_a_loss_that_turning_does_not_change_is_computed_in_few_dimensions(name, vary, dimensions):
    landscape = compute_landscape(loss_of(name), scene(vary, n_classes=4, m=1, dim=64), BOX, 8)
    assert landscape.dimensions == dimensions


@dataclass(frozen=True)
class FirstCoordinate:
    """A loss that turning does change."""

    def __call__(self, e, c, y):
        return (e[:, 0] - c[y][:, 0]).abs() + e[:, -1]


@every_way
def test_a_loss_that_turning_changes_is_computed_in_all_dimensions(vary):
    around = scene(vary, dim=30)
    landscape = compute_landscape(FirstCoordinate(), around, BOX, 9)
    assert landscape.dimensions == 30
    np.testing.assert_allclose(
        landscape.values.ravel(), point_by_point(FirstCoordinate(), around, positions_of(landscape))
    )


@dataclass(frozen=True)
class PlaceByPlace:
    """A loss that decides by the numbers, which no batching can follow."""

    def __call__(self, e, c, y):
        d = (e - c[y]).square().sum(-1)
        return d if float(d.sum()) < 20 else 2 * d


@every_way
def test_a_loss_that_cannot_be_batched_is_called_place_by_place_on_fewer_of_them(vary):
    around = scene(vary, m=1)
    landscape = compute_landscape(PlaceByPlace(), around, BOX, 512)
    assert LEAST_SIDE <= len(landscape.x) < 512
    assert not landscape.in_one_call
    some = np.arange(0, landscape.values.size, 37)
    np.testing.assert_allclose(
        landscape.values.ravel()[some], point_by_point(PlaceByPlace(), around, positions_of(landscape)[some])
    )
    assert any("place by place" in remark for remark in write_remarks(PlaceByPlace(), around, landscape, ["c_e"] * 4))


# --- Arrows


@every_loss
@every_way
@pytest.mark.parametrize("dim", [2, 9])
def test_arrows_on_points_are_autograd_s(name, vary, dim):
    loss, around = loss_of(name), scene(vary, dim=dim)
    e, c = (torch.tensor(x, requires_grad=True) for x in (around.e, around.c))
    each = loss(e, c, torch.tensor(around.y))
    (each[around.chosen] if vary == "c" else each.sum()).backward()
    arrows = compute_forces(loss, around)
    np.testing.assert_allclose(arrows.e, -e.grad, atol=1e-12)
    np.testing.assert_allclose(arrows.c, -c.grad, atol=1e-12)


@every_loss
@every_way
def test_the_field_is_the_slope_of_the_landscape(name, vary):
    loss, around = loss_of(name), scene(vary, dim=6)
    at, h = np.array([[1.3, 2.1], [-3.0, 0.4], [4.0, -2.0]]), 1e-6
    across = [
        (compute_values(loss, around, at + step) - compute_values(loss, around, at - step)) / (2 * h)
        for step in h * np.eye(2)
    ]
    field = compute_slopes(loss, around, at)
    np.testing.assert_allclose(field, -np.stack(across, axis=1), rtol=1e-5, atol=1e-6 * np.abs(field).max())


@every_loss
@every_way
def test_the_field_where_the_moved_point_is_is_the_arrow_on_it(name, vary):
    loss, around = loss_of(name), scene(vary)
    arrows = compute_forces(loss, around)
    own = arrows.e[around.chosen] if vary == "e" else arrows.c[around.label]
    np.testing.assert_allclose(compute_slopes(loss, around, around.moved_point[None])[0], own, atol=1e-12)


# --- What the paper says of its figures


def load_preset(key):
    """The loss, the scene and the landscape of a figure."""
    figure = PRESETS[key]
    around = Scene(np.array([figure.e]), np.array(figure.c), np.zeros(1, int), figure.vary)
    loss = make_loss(figure.loss, **figure.params)
    return loss, around, compute_landscape(loss, around, figure.box)


def test_figure_5_closer_to_e_is_lower_and_the_other_targets_do_not_matter():
    loss, around, landscape = load_preset("5")
    far = np.linalg.norm(positions_of(landscape) - around.e[0], axis=1)
    assert (np.diff(landscape.values.ravel()[np.argsort(far)]) >= -1e-9).all()
    elsewhere = replace(around, c=np.array([around.c[0], [9.0, 9.0], [-9.0, 0.0]]))
    np.testing.assert_array_equal(compute_landscape(loss, elsewhere, PRESETS["5"].box).values, landscape.values)
    assert value(loss, around, *around.e[0]) == 0


def test_figure_6_falls_with_the_angle_from_the_origin_and_peaks_opposite_e():
    loss, around, landscape = load_preset("6")
    e = around.e[0]
    u = positions_of(landscape)
    cosines = u @ e / np.linalg.norm(u, axis=1) / np.linalg.norm(e)
    assert (np.diff(landscape.values.ravel()[np.argsort(cosines)]) <= 1e-9).all()
    assert value(loss, around, *(0.3 * e)) == pytest.approx(value(loss, around, *(2 * e))) == pytest.approx(0)
    assert value(loss, around, *(-e)) == pytest.approx(2)
    assert landscape.values.max() <= 2


def test_figure_7_falls_towards_e_and_rises_rapidly_at_every_other_target():
    loss, around, landscape = load_preset("7")
    assert loss.r == 500
    e, others = around.e[0], around.c[1:]
    towards = [value(loss, around, *(e + share * (np.array([-15.0, -15.0]) - e))) for share in (1, 0.7, 0.4, 0.2, 0)]
    assert (np.diff(towards) < 0).all()
    least = positions_of(landscape)[landscape.values.argmin()]
    assert np.linalg.norm(least - e) < 0.5
    for k in others:
        toward = (e - k) / np.linalg.norm(e - k)
        spike = [value(loss, around, *(k + distance * toward)) for distance in (4, 2, 1, 0.5, 0.1, 0)]
        assert (np.diff(spike) > 0).all()
        assert spike[-1] == pytest.approx(loss.r / loss.eps, rel=1e-3)
        ring = value(loss, around, *(k - 4 * toward))
        assert spike[3] > 3 * max(spike[0], ring)


def test_figure_9_pulls_to_the_target_and_pushes_away_from_the_mean():
    loss, around, landscape = load_preset("9")
    target, m = around.c[0], around.c.mean(axis=0)
    least = positions_of(landscape)[landscape.values.argmin()]
    np.testing.assert_allclose(least, m + 2 * (target - m), atol=0.1)
    closer = [value(loss, around, *(m + share * (target - m))) for share in (0, 0.5, 1)]
    assert (np.diff(closer) < 0).all()
    pull_alone = [value(Euclidean(), around, *(m + share * (target - m))) for share in (0, 1)]
    assert closer[0] - closer[1] > 0
    assert closer[0] - closer[2] > pull_alone[0] - pull_alone[1]
    assert landscape.values.min() < 0


def test_figure_10_is_zero_at_the_target_and_high_near_the_others():
    loss, around, landscape = load_preset("10")
    assert value(loss, around, *around.c[0]) == 0
    assert (landscape.values >= 0).all()
    for k in around.c[1:]:
        assert value(loss, around, *k) > np.quantile(landscape.values, 0.75)
    of_target = compute_landscape(loss, replace(around, vary="c"), PRESETS["10"].box)
    far = np.linalg.norm(positions_of(of_target) - around.e[0], axis=1)
    assert (np.diff(of_target.values.ravel()[np.argsort(far)]) >= -1e-12).all()  # the order of the Euclidean loss


def test_every_preset_says_what_its_figure_shows_and_has_a_formula():
    assert list(PRESETS) == ["5", "6", "7", "9", "10"]
    for figure in PRESETS.values():
        assert formula(LOSSES[figure.loss]).startswith("<math")


# --- Where it comes to rest


@every_loss
@every_way
@pytest.mark.parametrize("dim", [2, 5])
def test_at_the_place_of_rest_there_is_no_force_and_nowhere_near_is_lower(name, vary, dim):
    loss, around = loss_of(name), scene(vary, dim=dim, y=[1, 1, 0])
    equilibrium = find_equilibrium(loss, around)
    assert equilibrium.words.endswith(".")
    point = equilibrium.point
    if point is None:
        return
    at = replace(around, e=np.vstack([point, around.e[1:]])) if vary == "e" else moved_target(around, point)
    own = compute_forces(loss, at).e[0] if vary == "e" else compute_forces(loss, at).c[1]
    np.testing.assert_allclose(own, 0, atol=1e-9)
    u = at.project(point) + 0.1 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    assert (compute_values(loss, at, u) >= compute_values(loss, at, at.project(point)[None])[0] - 1e-12).all()


def moved_target(around, point):
    c = around.c.copy()
    c[around.label] = point
    return replace(around, c=c)


@pytest.mark.parametrize("r", [0.0, 0.5, 0.95])
def test_push_and_pull_rests_one_over_one_minus_r_times_as_far_out_as_the_target(r):
    around = scene("e")
    m, target = around.c.mean(axis=0), around.c[around.label]
    np.testing.assert_allclose(find_equilibrium(PushPull(r), around).point, m + (target - m) / (1 - r))


@pytest.mark.parametrize("r", [1.0, 1.3])
def test_push_and_pull_has_no_rest_for_r_of_one_and_more(r):
    around = scene("e")
    assert find_equilibrium(PushPull(r), around).point is None
    paths = release_points(PushPull(r), around, 400, 0.5, move_c=False)
    out = np.linalg.norm(paths.e[:, 0] - around.c.mean(axis=0), axis=1)
    assert out[-1] > out[200] > out[0]


# --- Release


@every_loss
def test_a_release_is_gradient_descent_with_momentum(name):
    loss, around = loss_of(name), scene("sum")
    paths = release_points(loss, around, 20, 1e-3, 0.6)
    e, c = (torch.nn.Parameter(torch.tensor(x)) for x in (around.e, around.c))
    descent = torch.optim.SGD([e, c], lr=1e-3, momentum=0.6)
    for step in range(20):
        np.testing.assert_allclose(paths.e[step], e.detach(), rtol=1e-9)
        np.testing.assert_allclose(paths.c[step], c.detach(), rtol=1e-9)
        descent.zero_grad()
        total = loss(e, c, torch.tensor(around.y)).sum()
        assert paths.losses[step] == pytest.approx(float(total.detach()))
        total.backward()
        descent.step()


def test_released_classes_collapse_under_euclidean_and_keep_apart_under_proximity():
    e, c = np.array([[0, 1], [0.2, 0.8], [2, 2], [2, 2.5]]), np.array([[4, 0.0], [-4, 0]])
    around = Scene(e, c, np.array([0, 1, 0, 1]), "sum")
    together = release_points(Euclidean(), around, 300, 0.05, move_e=False).c[-1]
    apart = release_points(ClassProximity(r=50.0), around, 300, 0.05, move_e=False).c[-1]
    assert np.linalg.norm(together[0] - together[1]) < 0.3
    assert np.linalg.norm(apart[0] - apart[1]) > 3


def test_a_release_that_runs_away_ends_and_says_so():
    paths = release_points(PushPull(1.5), scene("e"), 2000, 5.0)
    assert len(paths.losses) < 2001
    assert "no number can follow" in paths.problem
    assert np.isfinite(paths.e).all()


def test_what_is_held_stays():
    around = scene("sum")
    assert (release_points(Euclidean(), around, 5, 0.1, move_e=False).e == around.e).all()
    assert (release_points(Euclidean(), around, 5, 0.1, move_c=False).c == around.c).all()


@pytest.mark.parametrize("settings", [{"steps": 0}, {"steps": 10**6}, {"step_size": 0.0}, {"momentum": 1.0}])
def test_a_release_that_cannot_be_is_refused(settings):
    with pytest.raises(InputError):
        release_points(Euclidean(), scene(), **settings)


# --- Odd cases: drawn or explained


@every_loss
@every_way
@pytest.mark.parametrize("odd", ["one class", "twins", "e on its target", "all at the origin", "e at the origin"])
def test_odd_scenes_have_a_landscape_arrows_and_words(name, vary, odd):
    around = scene(vary, n_classes=1 if odd == "one class" else 3, m=1)
    e, c = around.e.copy(), around.c.copy()
    if odd == "twins":
        c[:] = c[0]
    if odd == "e on its target":
        e[0] = c[around.label]
    if odd == "all at the origin":
        e[:], c[:] = 0, 0
    if odd == "e at the origin":
        e[:] = 0
    around = replace(around, e=e, c=c)
    loss = loss_of(name)
    landscape = compute_landscape(loss, around, (-5, -5, 5, 5), 21)
    assert np.isfinite(landscape.values).all()
    np.testing.assert_allclose(
        landscape.values.ravel(), point_by_point(loss, around, positions_of(landscape)), rtol=1e-9, atol=1e-9
    )
    arrows = compute_forces(loss, around)
    assert np.isfinite(arrows.e).all()
    assert np.isfinite(arrows.c).all()
    shades = choose_scale(landscape.values)
    assert np.isfinite(shades.positions(landscape.values)).all()
    assert shades.ticks()
    names = ["c_e", "c_0", "c_1"][: len(c)]
    words = " ".join([find_equilibrium(loss, around).words, *write_remarks(loss, around, landscape, names)])
    if np.ptp(landscape.values) == 0:
        assert "wherever" in words
    if odd == "twins":
        assert "lie on one spot" in words


def test_why_a_landscape_is_flat_is_said():
    alone = scene("e", n_classes=1, m=1)
    assert (
        "nothing to compare with"
        in write_remarks(Comparison(), alone, compute_landscape(Comparison(), alone, BOX, 9), ["c_e"])[0]
    )
    still = replace(scene("c", m=1), e=np.zeros((1, 2)))
    assert "no direction" in write_remarks(Cosine(), still, compute_landscape(Cosine(), still, BOX, 9), ["c_e"] * 4)[0]


def test_r_of_zero_is_the_euclidean_loss():
    for vary in ("e", "c", "sum"):
        around = scene(vary)
        plain = compute_landscape(Euclidean(), around, BOX, 15).values
        for loss in (PushPull(0.0), ClassProximity(r=0.0)):
            np.testing.assert_allclose(compute_landscape(loss, around, BOX, 15).values, plain)


def test_a_pole_is_left_out_of_the_scale_and_named():
    loss, around, landscape = load_preset("7")
    through = compute_landscape(loss, around, (-12, 2, -4, 10), 65)  # its middle is c_0
    assert through.values.max() == pytest.approx(5e8, rel=1e-3)
    assert choose_scale(through.values, "linear").high < 1e5
    assert any("pole" in remark for remark in write_remarks(loss, around, landscape, ["c_e", "c_0", "c_1"]))


@dataclass(frozen=True)
class Broken:
    """Undefined on the left, infinite at the right edge."""

    def __call__(self, e, c, y):
        return (e[:, 0] + 1).sqrt() + torch.where(e[:, 0] > 4, torch.inf, 0.0)


def test_undefined_and_infinite_values_are_explained_and_have_a_place_on_the_scale():
    around = scene("e")
    landscape = compute_landscape(Broken(), around, (-5, -5, 5, 5), 33)
    assert np.isnan(landscape.values[:, 0]).all()
    assert np.isinf(landscape.values[:, -1]).all()
    shades = choose_scale(landscape.values)
    assert np.isfinite([shades.low, shades.high]).all()
    assert (shades.positions(landscape.values)[:, -1] > 1).all()
    sentences = write_remarks(Broken(), around, landscape, ["c_e"] * 4)
    assert "not a number" in sentences[0]
    assert "infinite" in sentences[1]


@pytest.mark.parametrize(("changes", "message"), [
    ({"e": np.zeros((0, 2)), "y": np.zeros(0, int)}, "no output embedding"),
    ({"c": np.zeros((0, 2))}, "no class embedding"),
    ({"y": np.array([9, 0, 0])}, "class from 0 to 3"),
    ({"chosen": 7}, "no output embedding 7"),
    ({"e": np.full((3, 2), np.nan)}, "finite"),
    ({"vary": "d"}, "choose from"),
    ({"e": np.zeros((3, 5))}, "dimensions"),
])  # fmt: skip
def test_a_scene_that_cannot_be_is_refused_in_one_sentence(changes, message):
    with pytest.raises(InputError, match=message):
        replace(scene(), **changes)


@pytest.mark.parametrize("box", [(0, 0, 0, 1), (0, 1, 1, 0), (0, 0, np.nan, 1)])
def test_an_empty_box_is_refused(box):
    with pytest.raises(InputError, match="box"):
        compute_landscape(Euclidean(), scene(), box)


def test_a_loss_of_the_wrong_shape_is_refused():
    with pytest.raises(InputError, match="one value each"):
        compute_landscape(lambda e, c, y: (e - c[y]).square().sum(), scene(), BOX)


def test_a_loss_without_a_gradient_says_so():
    with pytest.raises(InputError, match="no gradient"):
        compute_forces(lambda e, c, y: (e - c[y]).detach().square().sum(-1), scene())


# --- Scales


@pytest.mark.parametrize("kind", ["auto", "linear", "log", "symlog"])
@pytest.mark.parametrize("numbers", [
    np.linspace(0, 9, 100), np.geomspace(1e-3, 1e9, 100), np.linspace(-50, 900, 100), -np.geomspace(1, 1e6, 100),
    np.array([2.0, 2.0]), np.array([0.0, 1.0]), np.array([-1e-9, 1e9, 5.0]), np.array([np.nan, 1.0, 2.0]),
])  # fmt: skip
def test_a_scale_is_monotone_with_readable_ticks_inside(kind, numbers):
    shades = choose_scale(numbers, kind)
    positions = shades.positions(np.sort(numbers[np.isfinite(numbers)]))
    assert (np.diff(positions) >= 0).all()
    levels = shades.levels(6)
    assert 1 <= len(levels) <= 14
    assert sorted(levels) == levels
    at = shades.positions(np.array(levels))
    assert (at > -0.01).all()
    assert (at < 1.01).all()
    assert all(len(label) <= 9 for _, label in shades.ticks())


def test_auto_is_logarithmic_only_where_a_pole_would_hide_everything():
    assert choose_scale(np.linspace(0, 1, 100)).kind == "linear"
    assert choose_scale(np.append(np.linspace(1, 2, 100), 1e9)).kind == "log"
    assert choose_scale(np.append(np.linspace(-2, 2, 100), 1e9)).kind == "symlog"


def test_clipping_leaves_out_only_what_lies_far_beyond():
    even = np.linspace(0, 1, 1000)
    assert (choose_scale(even, "linear", 5).low, choose_scale(even, "linear", 5).high) == (0, 1)
    assert choose_scale(np.append(even, 1e12), "linear", 1).high < 2


@pytest.mark.parametrize(("number", "label"), [(0.05, "0.05"), (1200, "1,200"), (3e6, "3e6"), (2e-5, "2e-5"), (0, "0")])
def test_numbers_at_the_ticks_are_short(number, label):
    assert format_number(number) == label


def test_an_unknown_scale_is_refused():
    with pytest.raises(InputError, match="choose from auto"):
        choose_scale(np.ones(3), "logarithmic")


# --- The value in parts


@every_way
def test_parts_of_a_value_add_up(vary):
    names = ["c_e", "c_0", "c_1", "c_2"]
    for loss in (ClassProximity(r=40.0), PushPull(0.6), Comparison()):
        (_, total), *others = compute_terms(loss, scene(vary), (1.0, 2.0), names)
        assert total == pytest.approx(value(loss, scene(vary), 1.0, 2.0))
        if others:
            assert sum(part for _, part in others) == pytest.approx(total)


# --- From a run


@pytest.mark.parametrize("plane", PLANES)
@every_way
def test_a_landscape_in_a_run_is_the_loss_of_its_real_vectors(finished_run: Path, plane, vary):
    run = Run.open(finished_run)
    run_scene = load_run_scene(run, 1, vary, image=7, plane=plane)
    snapshot = run.snapshot(1)
    e, c = torch.tensor(snapshot.embeddings[7:8]).double(), torch.tensor(snapshot.class_embeddings).double()
    np.testing.assert_allclose(run_scene.scene.basis.T @ run_scene.scene.basis, np.eye(2), atol=1e-12)
    loss = Comparison()
    at = run_scene.scene.project(run_scene.scene.moved_point)
    assert value(loss, run_scene.scene, *at) == pytest.approx(float(loss(e, c, torch.tensor(run.labels[7:8]).long())))
    grid = compute_landscape(loss, run_scene.scene, (*(at - 3), *(at + 3)), 12)
    np.testing.assert_allclose(
        grid.values.ravel(), point_by_point(loss, run_scene.scene, positions_of(grid)), rtol=1e-9
    )


def test_the_plane_through_three_points_holds_them(finished_run: Path):
    run_scene = load_run_scene(Run.open(finished_run), 2, "e", image=3)
    around = run_scene.scene
    assert run_scene.rival is not None
    for x in (around.e[0], around.c[around.label], around.c[run_scene.rival]):
        np.testing.assert_allclose(around.origin + around.basis @ around.project(x), x, atol=1e-9)


def test_dragging_moves_the_real_vector_along_the_plane(finished_run: Path):
    around = load_run_scene(Run.open(finished_run), 2, "e", image=3).scene
    moved = displace(around, {0: (1.0, -2.0)}, {4: (0.5, 0.0)})
    np.testing.assert_allclose(moved.e[0] - around.e[0], around.basis @ [1.0, -2.0])
    np.testing.assert_allclose(moved.c[4] - around.c[4], around.basis @ [0.5, 0.0])
    with pytest.raises(InputError, match="no point c"):
        displace(around, {}, {99: (0, 0)})


def test_a_class_is_a_handful_of_its_images(finished_run: Path):
    run = Run.open(finished_run)
    run_scene = load_run_scene(run, 0, "sum", label=2)
    assert (run.labels[run_scene.images] == 2).all()
    assert 1 <= len(run_scene.images) <= 12


@pytest.mark.parametrize(("choice", "message"), [
    ({"image": 10**6}, "no number"), ({"label": 77}, "no image of class"), ({"image": 0, "plane": "x"}, "choose from"),
])  # fmt: skip
def test_what_a_run_does_not_have_is_refused(finished_run: Path, choice, message):
    with pytest.raises(InputError, match=message):
        load_run_scene(Run.open(finished_run), 0, "e", **choice)


# --- Losses of one's own

GOOD = '''
from dataclasses import dataclass

@dataclass(frozen=True)
class Absolute:
    """The distance itself."""
    weight: float = 2.0

    def __call__(self, e, c, y):
        return self.weight * (e - c[y]).norm(dim=-1)
'''


def test_a_file_s_loss_is_found_drawn_and_read_again_when_it_changes(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    own = OwnLosses([str(path)])
    (own_loss,) = own.all()
    assert (own_loss.name, own_loss.problem) == ("mine:Absolute", "")
    around = scene("e")
    grid = compute_landscape(own_loss.make({"weight": 3.0}), around, BOX, 9)
    np.testing.assert_allclose(
        grid.values.ravel(), 3 * np.linalg.norm(positions_of(grid) - around.c[around.label], axis=1)
    )
    path.write_text(GOOD.replace("Absolute", "Better"))
    assert [loss.name for loss in own.all()] == ["mine:Better"]


@pytest.mark.parametrize(("code", "message"), [
    ("def f(:\n", "mine.py, line 1: invalid syntax"),
    ("x = 1\nimport nowhere_at_all\n", "mine.py, line 2: ModuleNotFoundError"),
    ("x = 1\n", "no loss: a class with __call__"),
    ("import sys\nsys.exit(3)\n", "mine.py, line 2: SystemExit: 3"),
])  # fmt: skip
def test_what_is_wrong_in_a_file_is_said_with_its_line(tmp_path: Path, code, message):
    (tmp_path / "mine.py").write_text(code)
    (own_loss,) = OwnLosses([str(tmp_path / "mine.py")]).all()
    assert message in own_loss.problem
    with pytest.raises(InputError):
        own_loss.make({})


def test_what_goes_wrong_while_it_is_called_is_said_with_its_line(tmp_path: Path):
    (tmp_path / "mine.py").write_text(GOOD.replace("self.weight *", "self.wait *"))
    loss = OwnLosses([str(tmp_path / "mine.py")]).find("mine:Absolute").make({})
    with pytest.raises(InputError, match=r"mine\.py, line 10: AttributeError: .*wait"):
        compute_landscape(loss, scene("e"), BOX, 9)


def test_a_file_that_is_not_there_and_a_class_of_a_module():
    (gone,) = OwnLosses(["nowhere.py"]).all()
    assert "cannot be read" in gone.problem
    (importable,) = OwnLosses(["mtm.losses:Euclidean"]).all()
    assert importable.cls is Euclidean
    (broken,) = OwnLosses(["mtm.losses:LOSSES"]).all()
    assert "not a class" in broken.problem
