"""`pca`: the plane along which all snapshots pooled vary most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.planes import main_axes
from explorer.space.projections.linear import LinearProjection
from explorer.space.projections.projection import Options, Progress, Settings, first_setting
from explorer.space.stack import SnapshotStack
from mtm.runs import Run

Floats = NDArray[np.float64]


class PCA(LinearProjection):
    """The two principal axes of the embeddings of all snapshots, or of the `first` so many."""

    name = "pca"
    options = ("first",)
    has_free_signs = True

    def settings(self, run: Run, options: Options) -> Settings:
        return first_setting(options.first)

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        names = stack.names[: settings.get("first")]
        return main_axes(
            stack.embeddings[: len(names)], names, lambda share: progress(0.5 * share, "finding the plane")
        )
