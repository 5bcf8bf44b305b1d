"""`pca`: the plane along which all snapshots pooled vary most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.planes import main_axes
from explorer.space.projections.linear import LinearProjection
from explorer.space.projections.projection import FIRST, Progress, Settings
from explorer.space.stack import SnapshotStack

Floats = NDArray[np.float64]


class PCA(LinearProjection):
    """The two principal axes of the embeddings of all snapshots."""

    name = "pca"
    label = caption = "PCA of all snapshots"
    axis = "principal axis"
    short = "PCA"
    options = (FIRST,)
    has_free_signs = True

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        return main_axes(stack.embeddings, stack.names, lambda share: progress(share, "finding the plane"))
