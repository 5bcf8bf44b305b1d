"""The distance to the own class embedding, compared with that to every other one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mtm.losses.arithmetic import own_distance, squared_distances, wide
from mtm.losses.formula import CE, OTHERS, E, K, fraction, square
from mtm.losses.loss import BaseLoss, Equilibrium, Floats, Labels, Vary

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Comparison(BaseLoss):
    """Sum over the other targets k of |e - c_e|^2 / (|e - c_e|^2 + |e - k|^2) (equation 8), in [0, C - 1].

    One matrix product instead of the paper's loop over classes. Where e, c_e and k are one point the term is 1/2, its
    value all along c_e = k.
    """

    label = "comparison"
    formula = f"{OTHERS}{fraction(square(E, CE), f'{square(E, CE)}<mo>+</mo>{square(E, K)}')}"
    range = "[0, C − 1]"
    equation = "8"
    compares_targets = True

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = wide(e), wide(c)
        own = own_distance(x, k, y)[:, None]  # (B, 1)
        total = own + squared_distances(x, k, origin=k.mean(0))  # (B, C)
        is_zero = total == 0
        terms = (own / total.masked_fill(is_zero, 1.0)).masked_fill(is_zero, 0.5)  # (B, C)
        return terms.scatter(1, y[:, None], 0.0).sum(-1).to(e.dtype)  # (B,)

    def equilibrium(self, vary: Vary, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        if len(c) == 1:
            words = "With one class there is nothing to compare with: the loss is 0 everywhere."
            return Equilibrium(None, words)
        if vary == "e":
            if (np.delete(c, k, axis=0) == c[k]).all(axis=1).any():
                words = "Another target lies on c_e: the two cannot be told apart, and that term is 1/2 there."
                return Equilibrium(None, words)
            return Equilibrium(c[k], "e comes to rest on its target, where the loss is 0, its least value.")
        if vary == "c":
            return Equilibrium(e[0], "c_e comes to rest on e, where the loss is 0, as under the Euclidean loss.")
        return Equilibrium(None, "c_e comes to rest among its embeddings; there is no closed form.")
