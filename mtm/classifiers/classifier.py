"""What every classifier has: its scores, what it compares embeddings with, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reference = ArrayLike | tuple[ArrayLike, ArrayLike]
Floats = NDArray[np.float64]

NEUTRAL = "#64748b"  # of the curve of a classifier that says no colour


@dataclass(frozen=True)
class Classifier:
    """One way to decide a class; called with output embeddings (N, D) and a reference it gives its scores (N, C)."""

    scores: Callable[[ArrayLike, Reference], Floats]  # the class of the largest is chosen, NaN never
    reference: Literal["centres", "class_embeddings", "head"]  # (C, D) each, or a linear head's (weight, bias)
    regions: Literal["power", "cosine", "linear"] | None  # kind of affine function on a plane; None: only a vote
    meaning: str  # in menus, before the key
    help: str  # on hover
    colour: str = NEUTRAL  # of its curve
    name_in_paper: str = ""  # in the paper's tables, where that is not the key
    rank: int = 100  # in menus the lowest is first; what a run shows at first is the lowest that it has

    def __call__(self, e: ArrayLike, reference: Reference) -> Floats:
        return self.scores(e, reference)
