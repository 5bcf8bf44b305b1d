"""The distance to the own class embedding, less that to the mean of all class embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtm.losses.arithmetic import own_distance, require_finite, wide
from mtm.losses.formula import AVG, CE, E, square
from mtm.losses.loss import BaseLoss, Equilibrium, Floats, Labels, Vary, hyperparameter

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PushPull(BaseLoss):
    """|e - c_e|^2 - r * |e - avg(C)|^2 (equations 6-7); negative values are normal, for r >= 1 it has no minimum."""

    label = "push and pull"
    formula = f"{square(E, CE)}<mo>−</mo><mi>r</mi>{square(E, AVG)}"
    range = "(−∞, ∞)"
    equation = "6-7"
    terms = ("|e − c_e|²", "− r |e − avg(C)|²")

    # the search contains Tables 8-9, where r is always 0.95, and ends before 1
    r: float = hyperparameter(0.95, "how strongly embeddings are pushed away from avg(C)", 0.0, 1.5, search=(0.5, 0.99))

    def __post_init__(self) -> None:
        require_finite("r", self.r)

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = wide(e), wide(c)
        push = (x - k.mean(0)).square().sum(-1)  # (B,)
        return (own_distance(x, k, y) - self.r * push).to(e.dtype)  # (B,)

    @property
    def warning(self) -> str:
        return "push and pull has no minimum for r >= 1" if self.r >= 1 else ""

    def equilibrium(self, vary: Vary, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        return self._rest_of_embedding(c, k) if vary == "e" else self._rest_of_target(e, c, y, k)

    def _rest_of_embedding(self, c: Floats, k: int) -> Equilibrium:
        m, target = c.mean(axis=0), c[k]
        if self.r == 0:
            return Equilibrium(target, "With r = 0 nothing is pushed: e comes to rest on its target.")
        if self.r == 1:
            words = "With r = 1 push and pull cancel but for a constant force along c_e − avg(C): no rest."
            return Equilibrium(None, words)
        if self.r > 1:
            words = "With r > 1 the push outgrows the pull: the loss has no minimum, e runs away for ever."
            return Equilibrium(None, words)
        times = 1 / (1 - self.r)
        words = f"e comes to rest at avg(C) + (c_e − avg(C)) / (1 − r): {times:.4g} times as far out as its target."
        return Equilibrium(m + (target - m) * times, words)

    def _rest_of_target(self, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        own, n = e[y == k], len(c)
        weight = len(own) - self.r * len(e) / n**2
        if weight <= 0:
            words = "The push on avg(C), which c_e moves too, outgrows the pull: c_e has no place of rest."
            return Equilibrium(None, words)
        others = c.sum(axis=0) - c[k]
        push = self.r / n * (len(e) * others / n - e.sum(axis=0))
        return Equilibrium(
            (own.sum(axis=0) + push) / weight,
            "c_e comes to rest near the mean of its embeddings, moved a little because it is part of avg(C), from "
            "which embeddings are pushed. If embeddings and targets are all free, the loss has no minimum.",
        )
