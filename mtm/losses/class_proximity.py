"""The distance to the own class embedding, and a penalty on targets that are close to each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtm.errors import InputError
from mtm.losses.arithmetic import own_distance, require_finite, squared_distances, wide
from mtm.losses.formula import CE, OTHERS, E, K, fraction, square
from mtm.losses.loss import BaseLoss, Equilibrium, Floats, Labels, Vary, hyperparameter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ClassProximity(BaseLoss):
    """|e - c_e|^2 + r * sum over the other targets k of 1 / (|c_e - k|^2 + eps) (equations 4-5)."""

    label = "class proximity"
    formula = (
        f"{square(E, CE)}<mo>+</mo><mi>r</mi>{OTHERS}{fraction('<mn>1</mn>', f'{square(CE, K)}<mo>+</mo><mi>ε</mi>')}"
    )
    range = "[0, ∞)"
    equation = "4-5"
    terms = ("|e − c_e|²", "+ r · proximity")

    # the search contains Tables 8-9 (27,585 to 908,089) and is what section III-C says, 1,000 to 1,000,000
    r: float = hyperparameter(1e5, "weight of the proximity penalty", 1e3, 1e6, log=True)
    eps: float = hyperparameter(1e-6, "added to squared distances between targets", 1e-9, 1.0, log=True, search=False)

    def __post_init__(self) -> None:
        require_finite("r", self.r)
        if not (math.isfinite(self.eps) and self.eps > 0):
            raise InputError(f"eps must be a positive number, not {self.eps}")

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = wide(e), wide(c)
        inverse = 1 / (squared_distances(k, k, origin=k.mean(0)) + self.eps)  # (C, C)
        # the diagonal is about 1/eps and would swallow the rest of the sum: it is taken out before adding up
        proximity = (inverse - inverse.diagonal().diag_embed()).sum(-1)  # (C,), one value for all images of a class
        return (own_distance(x, k, y) + self.r * proximity.index_select(0, y)).to(e.dtype)  # (B,)

    def equilibrium(self, vary: Vary, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        if vary == "e":
            words = (
                "e comes to rest on its target c_e: the penalty depends on the targets alone, and e only carries it."
            )
            return Equilibrium(c[k], words)
        if len(c) == 1 or self.r == 0:
            words = "Without another target, or with r = 0, this is the Euclidean loss."
            return Equilibrium(e[y == k].mean(axis=0), words)
        return Equilibrium(
            None,
            "c_e comes to rest beside e, on the side away from the other targets, where 2 (c_e − e) balances the push "
            "2 r (c_e − k) / (|c_e − k|² + eps)² of every other k; there is no closed form. Where e is free to follow, "
            "nothing balances the push: targets move apart for ever, ever more slowly.",
        )

    def remarks(self, vary: Vary, n_classes: int) -> list[str]:
        if self.r < 0:
            return ["With r < 0 targets attract each other without bound."]
        if vary == "e" or self.r == 0 or n_classes == 1:
            return []
        return [f"Every other target is a pole, r / eps = {self.r / self.eps:.3g} high; the scale leaves it out."]
