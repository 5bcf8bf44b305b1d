"""The scale from a landscape's values to shades, ticks and contours; it keeps poles and negative values readable.

A scale is a monotone map of values onto 0 (lowest shade) to 1 (highest). Its ends are the least and the largest value,
unless a few places lie far beyond the rest, as at a pole: then that end is a percentile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtm.errors import choose_from

Floats = NDArray[np.float64]

KINDS = ("auto", "linear", "log", "symlog")
HEAVY = 20.0  # spreads of the lower half; a linear scale shows nothing if the largest value is farther away
LINEAR_PART = 1e-2  # share of the largest size around 0 that a symmetric logarithm shows linearly
DECADES = 6.0  # shown by a logarithmic scale at most, counted from its upper end
BEYOND = 8.0  # position of infinite values: far outside 0 to 1, and still a number


@dataclass(frozen=True)
class Scale:
    """Values to positions: 0 at `low`, 1 at `high`, beyond them outside."""

    kind: str  # linear, log or symlog
    low: float
    high: float
    clipped: float  # share of the places beyond the ends, infinite ones included

    def positions(self, values: Floats) -> Floats:
        """The positions of values on the scale; infinite ones far outside, NaN for NaN."""
        if self.low == self.high:
            return np.where(np.isnan(values), np.nan, np.where(np.isinf(values), np.sign(values) * BEYOND, 0.5))
        low, high = self._transform(np.array([self.low, self.high]))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.clip((self._transform(values) - low) / (high - low), 1 - BEYOND, BEYOND)

    def ticks(self, about: int = 6) -> list[tuple[float, str]]:
        """About `about` round values from `low` to `high`, with their labels."""
        return [(value, format_number(value)) for value in self.levels(about)]

    def levels(self, about: int) -> list[float]:
        """About `about` round values from `low` to `high`, for contours."""
        if self.low == self.high:
            return [self.low]
        if self.kind == "linear":
            return _evenly(self.low, self.high, about)
        if self.kind == "log":
            return _decades(self.low, self.high, about)
        inner = self._threshold
        up = _decades(inner, self.high, about // 2) if self.high > inner else []
        down = [-v for v in _decades(inner, -self.low, about // 2)][::-1] if -self.low > inner else []
        zero = [0.0] if self.low <= 0 <= self.high else []
        return [v for v in (*down, *zero, *up) if self.low <= v <= self.high] or [self.low, self.high]

    @property
    def _threshold(self) -> float:
        return LINEAR_PART * max(abs(self.low), abs(self.high))

    def _transform(self, values: Floats) -> Floats:
        if self.kind == "log":
            return np.log(np.maximum(values, self.low * 1e-12))
        if self.kind == "symlog":
            return np.arcsinh(values / self._threshold)
        return values


def choose_scale(values: Floats, kind: str = "auto", clip: float = 2.0) -> Scale:
    """The scale for a landscape. `clip` is the percentage of the values that an end may leave out if they lie far out.

    "auto" is linear, or logarithmic where that would leave nearly everything one shade; a logarithm of values that are
    not all positive is a symmetric one. Raises InputError for an unknown kind.
    """
    if kind not in KINDS:
        raise choose_from("scale", kind, KINDS)
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Scale("linear", 0.0, 0.0, 1.0)
    least, few, median, many, largest = (float(v) for v in np.percentile(finite, [0, clip, 50, 100 - clip, 100]))
    spread = many - few
    low = few if few - least > spread else least
    high = many if largest - many > spread else largest
    if kind == "auto":
        kind = "log" if largest - median > HEAVY * max(median - least, 1e-12 * abs(largest)) else "linear"
    if kind == "log" and least <= 0 and not (least == 0 and high > 0):
        kind = "symlog"
    if kind != "linear" and math.isclose(low, high):
        kind = "linear"
    if kind == "log":
        positive = finite[finite > 0]
        low = max(low, float(positive.min()), high * 10.0**-DECADES)
    beyond = np.mean(~np.isfinite(values) | (values < low) | (values > high))
    return Scale(kind, low, high, float(beyond))


def format_number(value: float) -> str:
    """A round number in few characters: 0.05, 1,200, 3e+06."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:,.10g}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def _evenly(low: float, high: float, about: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _decades(low: float, high: float, about: int) -> list[float]:
    """Powers of ten, with their doubles and fives where they are few, or every second or third of many."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in ((1, 2, 5), (1, 3), (1,)):
        levels = [d * 10.0**p for p in range(first, last + 1) for d in digits]
        inside = [v for v in levels if low * 0.999 <= v <= high * 1.001]
        if len(inside) <= about:
            break
    if len(inside) < 2:
        return _evenly(low, high, about)
    return inside[:: math.ceil(len(inside) / max(1, about))]
