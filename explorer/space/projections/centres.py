"""`centres`: the plane along which the class centres of all snapshots vary most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.planes import FLAT, main_axes, replace_flat_axes
from explorer.space.projections.pca import PCA
from explorer.space.projections.projection import Progress, Settings
from explorer.space.stack import SnapshotStack

Floats = NDArray[np.float64]


class Centres(PCA):
    """The two principal axes of the class centres of all snapshots; where these lie on a line, the images choose."""

    name = "centres"
    label = caption = short = "PCA of the class centres"
    axis = "principal axis of the class centres"

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        centres = np.concatenate([stack.centres(t) for t in range(len(stack.names))])
        centres = centres[~np.isnan(centres).any(axis=1)]  # (P, D) of the classes that have images
        origin, axes = main_axes([centres], ["one of the snapshots"])
        spread = (centres - origin) @ axes
        if stack.dim > 1 and not spread[:, 1].std() > FLAT * spread[:, 0].std():  # on a line
            axes = replace_flat_axes(axes, centres - origin, super().plane(stack, settings, progress)[1])
        return origin, axes
