"""The round numbers at axes: the steps are 1, 2 or 5 times a power of ten, and as many as were asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from playwright.sync_api import Page

pytest_plugins = ["player_fixtures"]


@pytest.mark.parametrize(
    ("low", "high", "most"),
    [(-10, 10, 5), (-10, 10, 4), (0, 1e-7, 8), (-3.3e5, 7.7e5, 2), (2.5, 2.6, 8), (-0.95, -0.05, 3.7), (0, 3, 3)],
)
def test_round_numbers_are_all_multiples_of_the_finest_step_that_is_not_too_many(
    player_page: Page, low: float, high: float, most: float
) -> None:
    result = player_page.evaluate(
        "async (range) => (await import('/assets/common/numbers.mjs')).roundNumbers(...range)", [low, high, most]
    )
    step, values = result["step"], np.array(result["values"])
    steps = [factor * 10.0**power for power in range(-9, 7) for factor in (1, 2, 5)]
    fitting = [candidate for candidate in steps if (high - low) / candidate <= most * 1.001]
    assert step == pytest.approx(min(fitting))
    multiples = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
    np.testing.assert_allclose(values, multiples, atol=1e-9 * step)
