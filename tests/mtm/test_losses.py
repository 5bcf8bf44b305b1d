"""The losses against the paper's equations written as loops, their closed forms, invariances, registry and imports."""

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from decimal import Decimal
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from torch.func import grad

from mtm.errors import InputError
from mtm.losses import (
    LOSSES,
    BaseLoss,
    ClassProximity,
    describe_loss,
    hyperparameters_of,
    loss_class,
    make_loss,
)
from mtm.losses.loss import summary_of
from mtm.paper import tables

# --- The paper's equations, one image at a time. They run on Decimals (28 digits: the reference has no rounding of its
# own) and on torch scalars (autograd then gives the slow gradient).


def dot(p, q):
    return sum(a * b for a, b in zip(p, q, strict=True))


def squared(p, q):
    return sum((a - b) * (a - b) for a, b in zip(p, q, strict=True))


def euclidean(e, c, y):  # equation 1
    return squared(e, c[y])


def cosine(e, c, y):  # equations 2-3
    return 1 - dot(e, c[y]) / (dot(e, e) * dot(c[y], c[y])).sqrt()


def class_proximity(e, c, y, r, eps):  # equations 4-5
    return squared(e, c[y]) + r * sum(1 / (squared(c[y], c[k]) + eps) for k in range(len(c)) if k != y)


def push_pull(e, c, y, r):  # equations 6-7
    average = [sum(column) / len(c) for column in zip(*c, strict=True)]
    return squared(e, c[y]) - r * squared(e, average)


def comparison(e, c, y):  # equation 8
    own = squared(e, c[y])
    return sum(own / (own + squared(e, c[k])) for k in range(len(c)) if k != y)


# a new loss is one row here
LOOPS: dict[str, tuple[Callable[..., Any], dict[str, float]]] = {
    "euclidean": (euclidean, {}),
    "cosine": (cosine, {}),
    "class_proximity": (class_proximity, {"r": 500.0, "eps": 1e-6}),
    "push_pull": (push_pull, {"r": 0.95}),
    "comparison": (comparison, {}),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
of_distances = pytest.mark.parametrize("name", [name for name in LOSSES if describe_loss(name).metric == "euclidean"])


def loss_of(name):
    return make_loss(name, **LOOPS[name][1])


def by_loops(name, e, c, y):
    """The values (B,) of the paper's equation for the numbers that are in the tensors."""
    loop, hyperparameters = LOOPS[name]
    decimals = {key: Decimal(value) for key, value in hyperparameters.items()}
    rows, targets = ([[Decimal(value) for value in row] for row in x.tolist()] for x in (e, c))
    return [float(loop(row, targets, own, **decimals)) for row, own in zip(rows, y.tolist(), strict=True)]


def gradients_by_loops(name, e, c, y):
    """Gradients (B, D) and (C, D) of the equation summed over the batch, in float64."""
    loop, hyperparameters = LOOPS[name]
    e, c = (x.detach().double().requires_grad_() for x in (e, c))
    targets = [row.unbind() for row in c]
    losses = [loop(row.unbind(), targets, own, **hyperparameters) for row, own in zip(e, y.tolist(), strict=True)]
    total: Any = sum(losses) + 0 * e.sum()  # a sum of nothing but zeros is a tensor too
    return torch.autograd.grad(total, (e, c), materialize_grads=True)


def gradients(loss, e, c, y):
    e, c = (x.detach().clone().requires_grad_() for x in (e, c))
    return torch.autograd.grad(loss(e, c, y).sum(), (e, c), materialize_grads=True)


def example(layout, b=4, n_classes=5, d=6, dtype=torch.float64, seed=0):
    """Embeddings e (B, D), targets c (C, D) and labels y (B,); `layout` says how close and how far from the origin."""
    random = torch.Generator().manual_seed(seed)
    e = torch.randn(b, d, generator=random, dtype=torch.float64)
    c = torch.randn(n_classes, d, generator=random, dtype=torch.float64)
    y = torch.randint(n_classes, (b,), generator=random)
    if "tight" in layout:  # targets in close pairs, embeddings close to their target
        c[1::2] = c[0::2][: len(c[1::2])] + 1e-3 * c[1::2]
        e = c[y] + 1e-3 * e
    if "far" in layout:
        e, c = e + 1000, c + 1000
    return e.to(dtype), c.to(dtype), y


def assert_close_to_largest(values, expected, tolerance):
    """Gradients agree to `tolerance` of their largest element."""
    for a, b in zip(values, expected, strict=True):
        torch.testing.assert_close(a.double(), b.double(), rtol=tolerance, atol=tolerance * b.abs().max().item())


# --- Values


@every_loss
@pytest.mark.parametrize("layout", ["spread", "far", "tight", "tight and far"])
@pytest.mark.parametrize("n_classes", [2, 3, 10, 100, 1000])
def test_float64_values_equal_the_loops(name, layout, n_classes):
    e, c, y = example(layout, n_classes=n_classes)
    assert loss_of(name)(e, c, y).tolist() == pytest.approx(by_loops(name, e, c, y), rel=1e-6, abs=0)


@every_loss
@pytest.mark.parametrize("layout", ["spread", "far", "tight", "tight and far"])
@pytest.mark.parametrize("n_classes", [2, 3, 10, 100, 1000])
def test_float32_values_equal_the_loops_over_the_same_numbers(name, layout, n_classes):
    e, c, y = example(layout, n_classes=n_classes, dtype=torch.float32)
    assert loss_of(name)(e, c, y).tolist() == pytest.approx(by_loops(name, e, c, y), rel=1e-4, abs=0)


@every_loss
@pytest.mark.parametrize("d", [1, 2, 1351])
def test_values_equal_the_loops_in_one_two_and_many_dimensions(name, d):
    e, c, y = example("spread", d=d)
    assert loss_of(name)(e, c, y).tolist() == pytest.approx(by_loops(name, e, c, y), rel=1e-6, abs=1e-12)


@every_loss
def test_a_class_missing_from_the_batch_still_counts_as_a_target(name):
    e, c, _ = example("spread", b=3, n_classes=4)
    y = torch.tensor([0, 0, 2])
    assert loss_of(name)(e, c, y).tolist() == pytest.approx(by_loops(name, e, c, y), rel=1e-6)


@every_loss
def test_an_image_has_the_same_loss_alone_as_in_a_batch(name):
    e, c, y = example("spread", b=7)
    loss = loss_of(name)
    alone = torch.cat([loss(e[i : i + 1], c, y[i : i + 1]) for i in range(len(e))])  # (B,)
    torch.testing.assert_close(alone, loss(e, c, y), rtol=1e-12, atol=1e-12)


@every_loss
def test_with_a_single_class_only_the_own_target_counts(name):
    e, c, y = example("spread", n_classes=1)
    assert loss_of(name)(e, c, y).tolist() == pytest.approx(by_loops(name, e, c, y), rel=1e-6, abs=1e-12)


@every_loss
def test_an_empty_batch_has_no_losses(name):
    e, c, y = example("spread", b=0)
    assert loss_of(name)(e, c, y).shape == (0,)


@pytest.mark.parametrize(
    ("name", "hyperparameters", "expected"),
    [
        ("euclidean", {}, [1, 20, 5]),
        ("cosine", {}, [1, 0.4, 1]),  # the first target is the zero vector, the third at a right angle
        ("class_proximity", {"r": 100, "eps": 1e-12}, [1 + 4 + 25, 20 + 4 + 100 / 13, 5 + 25 + 100 / 13]),
        ("push_pull", {"r": 0.5}, [1 - 2, 20 - 2, 5 - 2]),  # avg(C) is (1, 2)
        ("comparison", {}, [1 / 21 + 1 / 6, 20 / 21 + 20 / 25, 5 / 6 + 5 / 25]),
    ],
)
def test_three_targets_in_the_plane_by_hand(name, hyperparameters, expected):
    c = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]], dtype=torch.float64)
    e = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(3, 2)
    assert make_loss(name, **hyperparameters)(e, c, torch.arange(3)).tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("angle", [1e-2, 1e-4, 1e-6])
def test_cosine_keeps_its_digits_at_small_angles(angle):
    e, c = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.tensor([[1.0, angle]], dtype=torch.float64)
    # tan t = angle, so 1 - cos t = t^2/2 - t^4/24 + ... with t = angle - angle^3/3
    t = angle - angle**3 / 3
    assert loss_of("cosine")(e, c, torch.tensor([0])).item() == pytest.approx(t**2 / 2 - t**4 / 24, rel=1e-7)


# --- Result


@every_loss
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("b", [1, 5])
def test_the_result_is_one_value_per_image_in_the_type_of_e(name, dtype, b):
    e, c, y = example("spread", b=b, dtype=torch.float32)
    values = loss_of(name)(e.to(dtype), c.double() if dtype == torch.float64 else c, y)
    assert values.shape == (b,)
    assert values.dtype == dtype


@every_loss
@pytest.mark.parametrize("layout", ["spread", "tight and far"])
def test_autocast_changes_neither_values_nor_gradients(name, layout):
    e, c, y = example(layout, dtype=torch.float32)
    loss = loss_of(name)
    outside, outside_gradients = loss(e, c, y), gradients(loss, e, c, y)
    with torch.autocast("cpu", torch.bfloat16):
        inside, inside_gradients = loss(e, c, y), gradients(loss, e, c, y)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, outside)
    assert all(torch.equal(a, b) for a, b in zip(inside_gradients, outside_gradients, strict=True))


@every_loss
def test_the_inputs_are_left_as_they_were(name):
    e, c, y = example("spread")
    before = e.clone(), c.clone(), y.clone()
    loss_of(name)(e, c, y)
    assert all(torch.equal(a, b) for a, b in zip((e, c, y), before, strict=True))


# --- Gradients


@every_loss
@pytest.mark.parametrize(
    ("b", "n_classes", "d", "labels"),
    [(4, 3, 3, [0, 2, 0, 1]), (3, 4, 3, [0, 0, 2]), (1, 3, 4, [1]), (3, 3, 2, [2, 1, 0]), (2, 2, 3, [0, 1])],
    ids=["all classes", "class missing", "batch of one", "plane", "two classes"],
)
def test_gradcheck_by_e_and_c(name, b, n_classes, d, labels):
    e, c, _ = example("spread", b, n_classes, d)
    y = torch.tensor(labels)
    loss = loss_of(name)
    assert torch.autograd.gradcheck(lambda e, c: loss(e, c, y), (e.requires_grad_(), c.requires_grad_()))


@every_loss
@pytest.mark.parametrize("layout", ["spread", "far", "tight", "tight and far"])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_float64_gradients_equal_those_of_the_loops(name, layout, n_classes):
    e, c, y = example(layout, b=3, n_classes=n_classes, d=4)
    assert_close_to_largest(gradients(loss_of(name), e, c, y), gradients_by_loops(name, e, c, y), 1e-6)


@every_loss
def test_gradients_equal_those_of_the_loops_for_a_thousand_classes(name):
    e, c, y = example("spread", b=1, n_classes=1000, d=3)
    assert_close_to_largest(gradients(loss_of(name), e, c, y), gradients_by_loops(name, e, c, y), 1e-6)


@every_loss
@pytest.mark.parametrize("layout", ["spread", "far", "tight", "tight and far"])
@pytest.mark.parametrize("n_classes", [2, 100, 1000])
def test_float32_gradients_equal_the_float64_ones(name, layout, n_classes):
    e, c, y = example(layout, b=8, n_classes=n_classes, dtype=torch.float32)
    grads, loss = gradients(loss_of(name), e, c, y), loss_of(name)
    assert [g.dtype for g in grads] == [torch.float32, torch.float32]
    assert_close_to_largest(grads, gradients(loss, e.double(), c.double(), y), 1e-4)


# --- Coinciding points


@every_loss
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("n_classes", [1, 2, 5])
@pytest.mark.parametrize("length", [0.0, 1.0, 1000.0])
def test_values_and_gradients_are_finite_where_all_points_are_one(name, dtype, n_classes, length):
    point = length * example("spread", b=1, d=64, dtype=dtype)[0]  # (1, D)
    e, c, y = point.repeat(3, 1), point.repeat(n_classes, 1), torch.arange(3) % n_classes
    loss = loss_of(name)
    assert loss(e, c, y).isfinite().all()
    assert all(g.isfinite().all() for g in gradients(loss, e, c, y))


@every_loss
def test_values_and_gradients_are_finite_where_an_embedding_is_on_a_target(name):
    _, c, _ = example("spread", n_classes=3)
    e, y = c[[0, 0, 1, 2]], torch.tensor([0, 1, 2, 2])  # on the own target, and on another one
    loss = loss_of(name)
    assert loss(e, c, y).tolist() == pytest.approx(by_loops(name, e, c, y), rel=1e-6, abs=1e-12)
    assert all(g.isfinite().all() for g in gradients(loss, e, c, y))


@pytest.mark.parametrize("d", [2, 64, 1351])
def test_comparison_is_a_half_where_embedding_target_and_another_target_are_one_point(d):
    for seed in range(20):
        _, c, _ = example("spread", n_classes=5, d=d, seed=seed)
        c[1] = c[0]
        e, y = c[:1].clone(), torch.tensor([0])
        # the terms of the three other targets are 0
        assert loss_of("comparison")(e, c, y).item() == pytest.approx(0.5, abs=1e-6), f"seed {seed}"
        assert all(g.isfinite().all() for g in gradients(loss_of("comparison"), e, c, y))


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-5, 1e-7, 1e-9])
def test_comparison_comes_to_a_half_all_the_way_towards_two_targets_in_one_point(distance):
    e, c, y = example("spread", b=8, n_classes=2, d=64)
    c[1] = c[0]
    others = torch.cat([c, 10 * example("spread", n_classes=3, d=64, seed=1)[1]])  # the origin is not at the pair
    near = c[0] + distance * e
    assert loss_of("comparison")(near, c, y).tolist() == pytest.approx([0.5] * 8, rel=1e-6)
    assert loss_of("comparison")(near, others, y).tolist() == pytest.approx(
        by_loops("comparison", near, others, y), rel=1e-6
    )


@pytest.mark.parametrize("length", [1.0, 20.0, 300.0])
@pytest.mark.parametrize("eps", [1.0, 1e-6, 1e-9])
def test_two_targets_in_one_point_cost_r_over_eps(length, eps):
    c = length * example("spread", n_classes=6, d=64)[1]
    c[1] = c[0]
    rest = sum(1 / ((c[0] - c[k]).square().sum().item() + eps) for k in range(2, 6))
    value = make_loss("class_proximity", r=2.0, eps=eps)(c[:1], c, torch.tensor([0])).item()
    assert value == pytest.approx(2 / eps + 2 * rest, rel=1e-6)


def test_cosine_with_a_vector_of_length_zero_is_one_and_has_no_gradient():
    zero, other, y = torch.zeros(1, 3), torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([0])
    for e, c in [(zero, other), (other, zero), (zero, zero)]:
        assert loss_of("cosine")(e, c, y).tolist() == [1.0]
        assert all(g.count_nonzero() == 0 for g in gradients(loss_of("cosine"), e, c, y))


# --- Invariances


@every_loss
def test_the_order_of_the_classes_does_not_matter(name):
    e, c, y = example("spread", b=20, n_classes=7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
    loss = loss_of(name)
    torch.testing.assert_close(loss(e, c[order], order.argsort()[y]), loss(e, c, y), rtol=1e-9, atol=1e-12)


@every_loss
def test_a_common_rotation_changes_nothing(name):
    e, c, y = example("spread", b=20)
    rotation, _ = torch.linalg.qr(example("spread", n_classes=6, d=6, seed=3)[1])  # (D, D)
    loss = loss_of(name)
    torch.testing.assert_close(loss(e @ rotation, c @ rotation, y), loss(e, c, y), rtol=1e-9, atol=1e-12)


@of_distances
@pytest.mark.parametrize("layout", ["spread", "tight"])
def test_a_common_translation_changes_nothing(name, layout):
    e, c, y = (x.mul(2**20).round() / 2**20 if x.is_floating_point() else x for x in example(layout, b=20))
    shift = torch.tensor([1000.0, -500.0, 0.5, 0.0, 3.0, 2000.0], dtype=torch.float64)  # adds without rounding
    loss = loss_of(name)
    torch.testing.assert_close(loss(e + shift, c + shift, y), loss(e, c, y), rtol=1e-7, atol=1e-12)


def test_a_common_translation_changes_cosine():
    e, c, y = example("spread", b=20)
    assert ((loss_of("cosine")(e + 1, c + 1, y) - loss_of("cosine")(e, c, y)).abs() > 1e-3).all()


def test_cosine_ignores_lengths():
    e, c, y = example("spread", b=20)
    longer_e, longer_c = e * torch.logspace(-6, 6, 20)[:, None], c * torch.logspace(6, -6, 5)[:, None]
    torch.testing.assert_close(loss_of("cosine")(longer_e, longer_c, y), loss_of("cosine")(e, c, y))


def test_one_minus_cosine_is_the_logit_of_a_linear_layer_on_unit_vectors_without_bias():
    """Section V-B: a cosine model is a linear layer with normalised input and weights and no bias."""
    e, c, y = example("spread", b=20)
    layer = torch.nn.Linear(6, 5, bias=False, dtype=torch.float64)
    layer.weight.data = torch.nn.functional.normalize(c)
    logits = layer(torch.nn.functional.normalize(e)).detach()  # (B, C)
    torch.testing.assert_close(1 - loss_of("cosine")(e, c, y), logits[torch.arange(20), y])


# --- Closed forms


@pytest.mark.parametrize("r", [-1.0, 0.0, 0.5, 0.95])
def test_push_pull_below_one_has_its_minimum_beyond_the_target(r):
    _, c, y = example("spread", b=5)
    m = c.mean(0)
    loss = make_loss("push_pull", r=r)
    minimiser = m + (c[y] - m) / (1 - r)  # (B, D)
    at_minimiser = grad(lambda e: loss(e, c, y).sum())(minimiser)
    torch.testing.assert_close(at_minimiser, torch.zeros_like(minimiser), rtol=0, atol=1e-9)
    for seed in range(10):
        nearby = minimiser + example("spread", b=5, seed=seed)[0]
        assert (loss(nearby, c, y) > loss(minimiser, c, y)).all()


@pytest.mark.parametrize("r", [1.0, 1.2, 1.5])
def test_push_pull_from_one_on_has_no_minimum(r):
    _, c, y = example("spread", b=5)
    m = c.mean(0)
    values = [make_loss("push_pull", r=r)(m + t * (c[y] - m), c, y) for t in (1, 10, 1e2, 1e3, 1e4)]
    assert all((further < nearer).all() for nearer, further in pairwise(values))
    assert (values[-1] < -1e3).all()


def test_euclidean_is_stationary_in_c_at_the_class_means():
    e, c, _ = example("spread", b=20)
    y = torch.arange(20) % 5
    means = torch.stack([e[y == k].mean(0) for k in range(5)])  # (C, D)
    loss = loss_of("euclidean")
    _, at_means = gradients(loss, e, means, y)
    torch.testing.assert_close(at_means, torch.zeros_like(means), rtol=0, atol=1e-12)
    assert loss(e, means + 0.1 * c, y).sum() > loss(e, means, y).sum()


def test_class_proximity_without_weight_is_euclidean():
    e, c, y = example("spread")
    assert torch.equal(make_loss("class_proximity", r=0.0)(e, c, y), loss_of("euclidean")(e, c, y))


# --- Registry


def test_every_loss_has_its_loop_here():
    assert LOOPS.keys() == LOSSES.keys()


def test_the_paper_has_five_losses():
    papers = {name: describe_loss(name).equation for name in LOSSES if describe_loss(name).equation}
    expected = {"euclidean": "1", "cosine": "2-3", "class_proximity": "4-5", "push_pull": "6-7", "comparison": "8"}
    assert list(papers.items()) == list(expected.items())
    for name, number in papers.items():
        assert f"equation{'s' if '-' in number else ''} {number})" in (LOSSES[name].__doc__ or "")
    assert set(tables.LOSS_NAMES) == {*papers, "pure"}


@every_loss
def test_a_loss_says_what_it_is(name):
    """What a registered loss has to say, else this names what is missing."""
    cls = LOSSES[name]
    assert issubclass(cls, BaseLoss), f"{cls.__name__} is no BaseLoss"
    missing = [what for what in ("label", "formula", "range") if not getattr(cls, what)]
    missing += [] if summary_of(cls) else ["a docstring"]
    for key, field in hyperparameters_of(cls).items():
        missing += [f"{what} of {key}" for what in ("help", "low", "high") if what not in field.metadata]
    assert not missing, f"{cls.__name__} lacks {', '.join(missing)}"
    ElementTree.fromstring(f"<math>{cls.formula}</math>")  # every tag is closed


@every_loss
def test_the_values_are_in_the_range_that_a_loss_says(name):
    low, high = describe_loss(name).range.strip("([])").split(", ")
    n_classes = 10
    bounds = {"−∞": -math.inf, "∞": math.inf, "C − 1": n_classes - 1}
    e, c, y = example("tight", b=50, n_classes=n_classes)
    values = loss_of(name)(torch.cat([e, 100 * e]), c, torch.cat([y, y]))
    least, most = (float(bounds.get(bound, bound)) for bound in (low, high))
    assert ((values >= least) & (values <= most)).all()


@every_loss
def test_every_hyperparameter_has_a_help_text_and_ranges_around_its_default(name):
    fields = hyperparameters_of(LOSSES[name])
    assert set(fields) == set(LOOPS[name][1])
    for field in fields.values():
        assert len(field.metadata["help"].split()) > 2
        assert field.metadata["low"] <= field.default <= field.metadata["high"]
        if isinstance(field.metadata["search"], tuple):
            low, high = field.metadata["search"]
            assert field.metadata["low"] <= low <= field.default <= high <= field.metadata["high"]


@pytest.mark.parametrize("name", [None, "no_such_module:Loss", "gone"])
def test_what_is_not_registered_is_described_by_defaults(name):
    assert describe_loss(name) is BaseLoss
    assert (BaseLoss.label, BaseLoss.equation, BaseLoss.metric) == ("", "", "euclidean")


@every_loss
def test_a_loss_is_frozen_and_equal_to_another_with_the_same_hyperparameters(name):
    loss = loss_of(name)
    assert loss == loss_of(name)
    with pytest.raises(FrozenInstanceError):
        loss.r = 2.0


def test_hyperparameters_reach_the_loss():
    loss = make_loss("class_proximity", r=3.0, eps=0.25)
    assert isinstance(loss, ClassProximity)
    assert (loss.r, loss.eps) == (3.0, 0.25)
    assert make_loss("push_pull", r=0.5) != make_loss("push_pull", r=0.6)


def test_an_unknown_loss_is_refused_with_the_choices():
    with pytest.raises(InputError, match="unknown loss 'tripelt'; choose from ") as refused:
        make_loss("tripelt")
    assert all(name in str(refused.value) for name in [*LOSSES, "module:Class"])


@pytest.mark.parametrize(
    ("name", "has"), [("euclidean", "none"), ("push_pull", "it has r$"), ("class_proximity", "r, eps")]
)
def test_an_unknown_hyperparameter_is_refused_with_what_there_is(name, has):
    with pytest.raises(InputError, match=f"'{name}' has no hyperparameter 'margin'.*{has}"):
        make_loss(name, margin=1.0)


@pytest.mark.parametrize("name", ["class_proximity", "push_pull"])
@pytest.mark.parametrize("r", [float("nan"), float("inf"), -float("inf")])
def test_an_r_that_is_not_finite_is_refused(name, r):
    with pytest.raises(InputError, match="r must be a finite number"):
        make_loss(name, r=r)


@pytest.mark.parametrize("eps", [0.0, -1e-6, float("nan"), float("inf")])
def test_an_eps_that_is_not_positive_is_refused(eps):
    with pytest.raises(InputError, match="eps must be a positive number"):
        make_loss("class_proximity", eps=eps)


# --- A loss of the user's own


OWN_LOSS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Manhattan:
    weight: float = 1.0

    def __call__(self, e, c, y):
        return self.weight * (e - c[y]).abs().sum(-1)

class Plain:
    def __call__(self, e, c, y):
        return (e - c[y]).sum(-1)

def function(e, c, y):
    return e.sum(-1)
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """Writes a module that can be imported for the length of one test, and gives its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source=OWN_LOSS, name="a_loss_of_my_own"):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    before = set(sys.modules)
    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_loss_of_the_users_own_is_named_by_module_and_class(own_module):
    name = f"{own_module()}:Manhattan"
    e, c, y = torch.zeros(1, 2), torch.tensor([[3.0, -4.0]]), torch.tensor([0])
    assert make_loss(name)(e, c, y).tolist() == [7.0]
    assert make_loss(name, weight=2.0)(e, c, y).tolist() == [14.0]
    assert list(hyperparameters_of(loss_class(name))) == ["weight"]
    with pytest.raises(InputError, match="no hyperparameter 'wieght'; it has weight"):
        make_loss(name, wieght=2.0)


def test_a_loss_of_the_users_own_need_not_be_a_dataclass(own_module):
    name = f"{own_module()}:Plain"
    assert make_loss(name)(torch.ones(1, 2), torch.zeros(1, 2), torch.tensor([0])).tolist() == [2.0]
    with pytest.raises(InputError, match="it has none"):
        make_loss(name, weight=2.0)


@pytest.mark.parametrize(("attribute", "reason"), [("Missing", "has no 'Missing'"), ("function", "is not a class")])
def test_what_is_not_a_class_of_the_module_is_refused(own_module, attribute, reason):
    name = f"{own_module()}:{attribute}"
    with pytest.raises(InputError, match=f"loss '{name}': .*{reason}"):
        make_loss(name)


@pytest.mark.parametrize("name", ["no_such_module:Loss", "no.such.module:Loss", ":Loss", ".relative:Loss", ":"])
def test_a_module_that_cannot_be_imported_is_refused(name):
    with pytest.raises(InputError, match=f"loss '{name}'"):
        make_loss(name)


def test_an_error_inside_the_users_module_is_not_taken_for_a_missing_class(own_module):
    name = own_module("import math\nmath.no_such_function\nclass Mine: ...\n", "a_broken_loss")
    with pytest.raises(Exception, match="no_such_function"):
        make_loss(f"{name}:Mine")


# --- Imports


@pytest.mark.parametrize("module", ["mtm.losses", "mtm.geometry", "mtm.classifiers", "mtm.config", "mtm.runs"])
def test_reading_names_and_measures_does_not_import_torch(module):
    code = f"import sys, {module}; sys.exit('torch was imported' if 'torch' in sys.modules else 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
