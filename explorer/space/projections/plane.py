"""`plane`: the space itself, where it has no more than two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.projections.linear import LinearProjection
from explorer.space.projections.projection import Progress, Settings
from explorer.space.stack import SnapshotStack

Floats = NDArray[np.float64]


class Plane(LinearProjection):
    """D = 2 (or 1): no projection at all."""

    name = "plane"
    label = "The plane itself (D = 2)"
    caption = short = "the space itself"
    axis = "dimension"
    is_compared = False

    def refusal(self, n: int, dim: int, n_classes: int) -> str | None:
        if dim > 2:
            return f"the space itself can be shown in two dimensions, this run has {dim:,}"
        return None

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        return np.zeros(stack.dim), np.eye(stack.dim, 2)
