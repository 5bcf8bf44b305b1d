"""`centres`: the plane along which the class centres of all snapshots vary most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.planes import FLAT, main_axes, replace_flat_axes
from explorer.space.projections.linear import LinearProjection
from explorer.space.projections.projection import Options, Progress, Settings, first_setting
from explorer.space.stack import SnapshotStack
from mtm.runs import Run

Floats = NDArray[np.float64]


class Centres(LinearProjection):
    """The two principal axes of the class centres of all snapshots, or of the `first` so many."""

    name = "centres"
    options = ("first",)
    has_free_signs = True

    def settings(self, run: Run, options: Options) -> Settings:
        return first_setting(options.first)

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        names = stack.names[: settings.get("first")]
        embeddings = stack.embeddings[: len(names)]
        centres = np.concatenate([stack.centres(t) for t in range(len(names))])
        centres = centres[~np.isnan(centres).any(axis=1)]  # (P, D) of the classes that have images
        origin, axes = main_axes([centres], ["one of the snapshots"])
        spread = (centres - origin) @ axes
        if stack.dim > 1 and not spread[:, 1].std() > FLAT * spread[:, 0].std():  # on a line: the images choose
            of_images = main_axes(embeddings, names, lambda share: progress(0.5 * share, "finding the plane"))[1]
            axes = replace_flat_axes(axes, centres - origin, of_images)
        return origin, axes
