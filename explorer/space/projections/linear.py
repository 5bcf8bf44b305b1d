"""What the linear projections share: an origin and a basis, and the positions of everything on that plane."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from explorer.space.frames import Frames
from explorer.space.planes import project_onto_plane
from explorer.space.projections.projection import Progress, Projection, Settings
from explorer.space.stack import SnapshotStack
from mtm.geometry import class_centres

Floats = NDArray[np.float64]


class LinearProjection(Projection):
    """A plane x = origin + basis u that is the same for every snapshot."""

    is_linear = True
    has_free_signs: ClassVar[bool] = False  # whether either end of an axis could be positive: the class centres choose

    @abstractmethod
    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        """Origin (D,) and orthonormal basis (D, 2) of the plane, up to the sign of its axes if these are free.

        The stack has the `first` snapshots of the settings, where these say so.
        """

    def frames(self, stack: SnapshotStack, settings: Settings, before: Frames | None, progress: Progress) -> Frames:
        fitted = stack.first(settings.get("first"))
        origin, basis = self.plane(fitted, settings, lambda share, what: progress(0.5 * share, what))
        n_snapshots = len(stack.names)
        points, variance = np.empty((n_snapshots, len(stack.labels), 2), np.float32), np.empty(n_snapshots)
        for t, (e, name) in enumerate(zip(stack.embeddings, stack.names, strict=True)):
            progress(0.5 + 0.5 * t / n_snapshots, f"snapshot {t + 1} of {n_snapshots}")
            points[t], variance[t] = project_onto_plane(e, origin, basis, name)
        centres = np.stack([class_centres(u, stack.labels, stack.n_classes) for u in points])  # (T, C, 2)
        if self.has_free_signs:
            signs = axis_signs(centres[: len(fitted.names)])
            points, centres, basis = points * signs.astype(np.float32), centres * signs, basis * signs
        targets = None
        if stack.targets is not None:
            targets = np.stack([(np.asarray(c, np.float64) - origin) @ basis for c in stack.targets]).astype(np.float32)
        return Frames(
            self.name,
            points,
            targets,
            centres.astype(np.float32),
            stack.epochs,
            origin,
            basis,
            variance,
            settings,
            stack.names,
        )


def axis_signs(centres: Floats) -> Floats:
    """Per axis 1 or -1, such that the class farthest out along it, by the mean of centres (T, C, 2), is positive.

    Where the classes lie does not depend on how the space is turned, so neither does the picture.
    """
    is_present = ~np.isnan(centres)
    mean = np.where(is_present, centres, 0).sum(axis=0) / np.maximum(is_present.sum(axis=0), 1)  # (C, 2)
    return np.where(mean[np.abs(mean).argmax(axis=0), np.arange(2)] < 0, -1.0, 1.0)
