"""`targets`: the plane through the targets of three classes at one snapshot, the first to the right, the third above.

A run with a linear head has no targets: the plane then lies along the rows of its weight, through the middle of the
images. Either way it holds the differences of the three, so which of these classes beats which is seen exactly, for
every image, whatever lies at right angles to the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.space.planes import plane_through_points
from explorer.space.projections.linear import LinearProjection
from explorer.space.projections.projection import FIRST, Option, Progress, Settings, whole_number
from explorer.space.stack import SnapshotStack
from mtm.errors import InputError
from mtm.runs import Run

Floats = NDArray[np.float64]


class Targets(LinearProjection):
    """The plane through three class embeddings, by default of the first three classes at the last snapshot."""

    name = "targets"
    label = "Plane through three targets"
    caption = short = "plane through three targets"
    axis = "axis of the plane"
    options = (
        Option(
            "classes",
            "Three classes",
            "The plane goes through the targets of these three; which of them is nearer is exact here for every image",
            is_list=True,
        ),
        Option(
            "at",
            "Where they are now",
            "Lay the plane through the targets of the snapshot shown; again for the last snapshot's",
        ),
        FIRST,
    )
    is_compared = False

    def refusal(self, n: int, dim: int, n_classes: int) -> str | None:
        return f"a plane through three targets needs three classes, this run has {n_classes}" if n_classes < 3 else None

    def settings(self, run: Run, chosen: Mapping[str, Any]) -> Settings:
        at, first = chosen["at"], chosen["first"]
        if at is None and first is not None:
            at = first - 1
        return {"classes": three_classes(run.points.n_classes, chosen["classes"]), "at": at}

    def plane(self, stack: SnapshotStack, settings: Settings, progress: Progress) -> tuple[Floats, Floats]:
        classes, at = settings["classes"], settings["at"]
        n_snapshots, t = len(stack.names), -1 if at is None else at
        if not -n_snapshots <= t < n_snapshots:
            raise InputError(f"there is no snapshot {at}; choose one between 0 and {n_snapshots - 1}")
        rows = stack.targets or stack.weights
        if rows is None:
            raise InputError(
                "this run has neither class embeddings nor a linear head to lay a plane through; choose pca"
            )
        three = np.asarray(rows[t], np.float64)[list(classes)]  # (3, D)
        basis = plane_through_points(*three) if np.isfinite(three).all() else None
        if basis is None:
            why = "they lie on one line there" if np.isfinite(three).all() else "one of them is missing there"
            raise InputError(f"there is no plane through the targets of classes {_listed(classes)}: {why}")
        if stack.targets:
            return three.mean(axis=0), basis
        return np.nanmean(stack.centres(t), axis=0), basis


def three_classes(n: int, classes: Sequence[int] | None) -> list[int]:
    """Three different numbers of n classes, by default the first. Raises InputError for anything else.

    Of fewer than three classes there is no plane, whatever is chosen (`Targets.refusal`).
    """
    numbers = [whole_number(k, "classes") for k in (range(min(n, 3)) if classes is None else classes)]
    if n >= 3 and (len(numbers) != 3 or len(set(numbers)) != 3 or not all(0 <= k < n for k in numbers)):
        raise InputError(f"a plane goes through three different classes between 0 and {n - 1}, not {_listed(numbers)}")
    return numbers


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "none"
