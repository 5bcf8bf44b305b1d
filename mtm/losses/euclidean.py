"""The distance to the own class embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtm.losses.arithmetic import own_distance, wide
from mtm.losses.formula import CE, E, square
from mtm.losses.loss import BaseLoss, Equilibrium, Floats, Labels, Vary

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Euclidean(BaseLoss):
    """Squared distance to the own class embedding, |e - c_e|^2 (equation 1)."""

    label = "euclidean"
    formula = square(E, CE)
    range = "[0, ∞)"
    equation = "1"

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = wide(e), wide(c)
        return own_distance(x, k, y).to(e.dtype)  # (B,)

    def equilibrium(self, vary: Vary, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        if vary == "e":
            return Equilibrium(c[k], "e comes to rest on its target c_e, wherever the other targets are.")
        words = {
            "c": "c_e comes to rest on e. Nothing keeps classes apart: the other targets do not matter.",
            "sum": "c_e comes to rest on the mean of its embeddings. The other targets do not matter, so classes can "
            "collapse.",
        }
        return Equilibrium(e[y == k].mean(axis=0), words[vary])
