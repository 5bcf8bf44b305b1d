"""The colours, as eyes of four kinds see them: they can be told apart, on light and on dark."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.figures.colours import CLASS_COLOURS, RAMP, RIGHT, WRONG

LIGHT, DARK = "#ffffff", "#1a1b1e"


def linear(colours: tuple[str, ...]) -> NDArray[np.float64]:
    """sRGB hex to linear RGB (n, 3)."""
    share = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Björn Ottosson's perceptual space, from linear RGB."""
    lms = rgb @ np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.63]]).T
    return np.cbrt(lms) @ np.array([[0.2105, 0.7936, -0.0041], [1.978, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]).T


SIGHT = {  # Machado, Oliveira and Fernandes 2009, severity 1
    "normal": np.eye(3),
    "no red cones": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]]),
    "no green cones": np.array([[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]),
    "no blue cones": np.array([[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]]),
}


def least_distance(colours: tuple[str, ...], sight: str) -> float:
    perceived = oklab(np.clip(linear(colours) @ SIGHT[sight].T, 0, 1))
    distances = np.linalg.norm(perceived[:, None] - perceived, axis=-1)
    return float(distances[np.triu_indices(len(colours), 1)].min())


def contrast(colour: str, page: str) -> float:
    light, dark = sorted(linear((colour, page)) @ [0.2126, 0.7152, 0.0722])[::-1]
    return float((light + 0.05) / (dark + 0.05))


@pytest.mark.parametrize("sight", SIGHT)
def test_class_colours_can_be_told_apart_with_every_kind_of_sight(sight: str) -> None:
    okabe_ito = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
    assert len(CLASS_COLOURS) == 10
    assert least_distance(CLASS_COLOURS, sight) > max(0.1, least_distance(okabe_ito, sight))


@pytest.mark.parametrize("page", [LIGHT, DARK])
def test_colours_are_seen_on_light_and_dark(page: str) -> None:
    assert min(contrast(colour, page) for colour in CLASS_COLOURS) > 2
    assert min(contrast(colour, page) for colour in (*RAMP, RIGHT, WRONG)) > 1.5


def test_the_ramp_gets_lighter_all_the_way() -> None:
    assert (np.diff(oklab(linear(RAMP))[:, 0]) > 0.04).all()


@pytest.mark.parametrize("sight", SIGHT)
def test_right_and_wrong_differ_for_everyone(sight: str) -> None:
    assert least_distance((RIGHT, WRONG), sight) > 0.1
