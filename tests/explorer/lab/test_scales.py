"""Scales are monotone, and their ticks can be read."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.lab.scales import choose_scale, format_number
from mtm.errors import InputError


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
