"""The angle to the own class embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mtm.losses.arithmetic import unit, wide
from mtm.losses.formula import CE, E, fraction
from mtm.losses.loss import BaseLoss, Equilibrium, Floats, Labels, Vary

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cosine(BaseLoss):
    """1 - cos(e, c_e), in [0, 2] (equations 2-3); a vector of length 0 has cosine 0 with everything.

    Computed as half the squared chord between the two unit vectors, which keeps its digits at small angles.
    """

    label = "cosine"
    formula = (
        f"<mn>1</mn><mo>−</mo>{fraction(f'{E}<mo>·</mo>{CE}', f'<mo>|</mo>{E}<mo>|</mo><mo>|</mo>{CE}<mo>|</mo>')}"
    )
    range = "[0, 2]"
    equation = "2-3"
    metric = "cosine"
    classifier = "cos_ce"
    flat = "a vector of length 0 has no direction, its cosine with everything counts as 0"

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, x_is_zero = unit(wide(e))  # (B, D), (B,)
        k, k_is_zero = unit(wide(c).index_select(0, y))  # (B, D), (B,)
        half_chord = (x - k).square().sum(-1) / 2
        return half_chord.masked_fill(x_is_zero | k_is_zero, 1.0).to(e.dtype)  # (B,)

    def equilibrium(self, vary: Vary, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        if vary == "e":
            fixed, name, point, moved = c[[k]], "c_e", e[0], "e"
        else:
            fixed, name, point, moved = e[y == k], "e" if vary == "c" else "its embeddings", c[k], "c_e"
        lengths = np.linalg.norm(fixed, axis=1, keepdims=True)
        direction = (fixed / np.where(lengths == 0, 1, lengths)).sum(axis=0)
        size = float(np.linalg.norm(direction))
        if not lengths.any():
            words = f"A point at the origin has no direction: the loss is 1 wherever {moved} is."
            return Equilibrium(None, words)
        if size < 1e-12:
            words = f"The directions of {name} cancel: every direction of {moved} is as good as any other."
            return Equilibrium(None, words)
        if not point.any():
            words = f"{moved} is at the origin, has no direction, and feels no force; elsewhere it would turn."
            return Equilibrium(None, words)
        on_ray = max(0.0, float(point @ direction) / size) * direction / size
        on_ray = on_ray if on_ray.any() else float(np.linalg.norm(point)) * direction / size
        turns = f"{moved} comes to rest anywhere on the ray from the origin in the direction of {name}"
        return Equilibrium(
            on_ray, f"{turns}: only the angle counts, so the force is across the ray and length is free."
        )
