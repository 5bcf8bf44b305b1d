"""Landscapes are the losses themselves, position by position; arrows are autograd's; odd scenes are explained."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from lab_scenes import BOX, every_loss, every_way, load_preset, loss_of, point_by_point, positions_of, scene, value

from explorer.lab.descriptions import compute_terms, find_equilibrium, write_remarks
from explorer.lab.landscape import LEAST_SIDE, compute_forces, compute_landscape, compute_slopes, compute_values
from explorer.lab.scales import choose_scale
from mtm.errors import InputError
from mtm.losses import ClassProximity, Comparison, Cosine, Euclidean, PushPull

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
    assert e.grad is not None
    assert c.grad is not None
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
def test_an_invalid_scene_is_refused_in_one_sentence(changes, message):
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


# --- The value in parts


@every_way
def test_terms_of_a_value_add_up(vary):
    names = ["c_e", "c_0", "c_1", "c_2"]
    for loss in (ClassProximity(r=40.0), PushPull(0.6), Comparison()):
        (_, total), *others = compute_terms(loss, scene(vary), (1.0, 2.0), names)
        assert total == pytest.approx(value(loss, scene(vary), 1.0, 2.0))
        if others:
            assert sum(part for _, part in others) == pytest.approx(total)
