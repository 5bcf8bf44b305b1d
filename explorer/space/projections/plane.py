"""`plane`: the space itself, where it has no more than two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.projections.linear import LinearProjection
from explorer.space.projections.projection import Options, Progress, Settings
from explorer.space.stack import SnapshotStack
from mtm.errors import InputError
from mtm.runs import Run

Floats = NDArray[np.float64]


class Plane(LinearProjection):
    """D = 2 (or 1): no projection at all."""

    name = "plane"
    options = ()

    def settings(self, run: Run, options: Options) -> Settings:
        return {}

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        if stack.dim > 2:
            raise InputError(
                f"the space itself can be shown in two dimensions, this run has {stack.dim:,}; choose pca, "
                "centres, targets or umap"
            )
        return np.zeros(stack.dim), np.eye(stack.dim, 2)
