"""What the losses compute with: squared distances, unit vectors, and the type to do it in.

Everything is computed in float64 where the device has it (all but Apple's mps) and returned in the type of `e`:
squared distances taken from a matrix product lose all their digits in float32 when two points are close and far from
the origin, and no mixed precision reaches float64 tensors. Values and gradients are finite where points coincide.
Only methods of the tensors that come in are used, so that losses can be read (names, fields, help) without torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mtm.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def wide(x: Tensor) -> Tensor:
    """x in the type to compute in."""
    return x.float() if x.device.type == "mps" else x.double()


def own_distance(x: Tensor, k: Tensor, y: Tensor) -> Tensor:
    """|e - c_e|^2 (B,), from the difference; index_select's gradient adds up in a fixed order on a CPU."""
    return (x - k.index_select(0, y)).square().sum(-1)


def squared_distances(x: Tensor, k: Tensor, origin: Tensor) -> Tensor:
    """|x - k|^2 (B, C) by one matrix product, after moving both to `origin` so that little cancels.

    The few pairs of which half the digits cancel all the same (points that all but coincide) come from the difference.
    """
    origin = origin.detach()  # a distance does not depend on it
    x, k = x - origin, k - origin
    squares = x.square().sum(-1)[:, None] + k.square().sum(-1)  # (B, C)
    d2 = squares - 2 * x @ k.T
    half_the_digits = 2.0**-26 if d2.element_size() == 8 else 2.0**-12
    i, j = (d2 < half_the_digits * squares).nonzero(as_tuple=True)
    return d2.index_put((i, j), (x.index_select(0, i) - k.index_select(0, j)).square().sum(-1))


def unit(x: Tensor) -> tuple[Tensor, Tensor]:
    """x / |x| (B, D) and where |x| = 0 (B,); such rows stay 0 and get no gradient."""
    square = x.square().sum(-1, keepdim=True)
    is_zero = square == 0
    return x * square.masked_fill(is_zero, 1.0).rsqrt(), is_zero.squeeze(-1)


def require_finite(name: str, value: float) -> None:
    """Raises InputError for a hyperparameter that is no finite number."""
    if not math.isfinite(value):
        raise InputError(f"{name} must be a finite number, not {value}")
