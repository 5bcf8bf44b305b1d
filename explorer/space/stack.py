"""The snapshots of a run that are shown together: those that fit together, their embeddings as views of the files."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mtm.data.sampling import balanced_sample
from mtm.errors import InputError, choose_from
from mtm.geometry import class_centres
from mtm.run_folder.snapshots import Array, Snapshot
from mtm.runs import Run

Floats = NDArray[np.float64]

SAMPLE = 2000  # most images that a picture's quality is measured on


def sampled_rows(labels: Array) -> Array:
    """The rows that a picture's quality is measured on: a fixed class-balanced sample of at most SAMPLE images."""
    return balanced_sample(labels, SAMPLE, seed=0)


@dataclass(frozen=True)
class SnapshotStack:
    """T snapshots of the same N images, with equal shapes. Embeddings are views of the files."""

    snapshots: list[Snapshot]  # T
    labels: Array  # (N,)
    n_classes: int

    def first(self, n: int | None) -> SnapshotStack:
        """The first n snapshots; all of them for None."""
        return replace(self, snapshots=self.snapshots[:n])

    @property
    def dim(self) -> int:
        return int(self.embeddings[0].shape[1])

    @cached_property
    def embeddings(self) -> list[Array]:
        """T of (N, D)."""
        return [s.embeddings for s in self.snapshots]

    @cached_property
    def targets(self) -> list[Array] | None:
        """T of (C, D); None with a linear head."""
        return [s.class_embeddings for s in self.snapshots if s.class_embeddings is not None] or None

    @cached_property
    def weights(self) -> list[Array] | None:
        """T of (C, D), of a linear head; None without one."""
        return [s.head[0] for s in self.snapshots if s.head is not None] or None

    @cached_property
    def epochs(self) -> Floats:
        """(T,)."""
        return np.array([s.epoch for s in self.snapshots], np.float64)

    @cached_property
    def names(self) -> list[str]:
        """T names of files."""
        return [f"{s.index:06d}.safetensors" for s in self.snapshots]

    @property
    def classifiers(self) -> list[str]:
        """Those that decided at every snapshot."""
        first, *others = (s.predictions for s in self.snapshots)
        return [name for name in first if all(name in other for other in others)]

    @property
    def predictions(self) -> dict[str, Array]:
        """Per classifier (T, N)."""
        return {name: np.stack([s.predictions[name] for s in self.snapshots]) for name in self.classifiers}

    @property
    def margins(self) -> dict[str, Array]:
        """Per classifier (T, N) float32."""
        return {name: np.stack([s.margins[name] for s in self.snapshots]) for name in self.classifiers}

    @property
    def target_distances(self) -> Array | None:
        """(T, N) to the own class embedding; None with a linear head."""
        each = [s.target_distances for s in self.snapshots if s.target_distances is not None]
        return np.stack(each) if len(each) == len(self.snapshots) else None

    @property
    def centre_distances(self) -> Array:
        """(T, N) to the own class centre of the recorded images."""
        return np.stack([s.centre_distances for s in self.snapshots])

    def centres(self, t: int) -> Floats:
        """Class centres (C, D) of the images at snapshot t; NaN for a class without images."""
        return class_centres(self.embeddings[t], self.labels, self.n_classes)


def load_stack(run: Run, names: Sequence[str] | None = None) -> SnapshotStack:
    """The snapshots of a run (those in `names`) that can be read and have the most frequent shapes, without the others.

    Raises InputError if there is none.
    """
    paths = run.snapshots
    n = len(run.labels) if paths else 0  # of a run that has recorded nothing there is nothing to read
    snapshots: list[Snapshot] = []
    for path in paths:
        if names is None or path.name in names:
            with contextlib.suppress(InputError):
                snapshots.append(run.snapshot(path))
    snapshots = [
        s for s in snapshots if s.embeddings.ndim == 2 and len(s.embeddings) == n and s.embeddings.shape[1] > 0
    ]
    if not snapshots or n == 0:
        why = "".join(f": {problem}" for problem in run.problems[:1])
        raise InputError(f"'{run.name}' has no snapshots to show{why or ' yet'}")
    shapes = [_shapes(s) for s in snapshots]
    most_frequent = max(shapes, key=shapes.count)
    snapshots = [s for s, shape in zip(snapshots, shapes, strict=True) if shape == most_frequent]
    return SnapshotStack(snapshots, np.asarray(run.labels), run.points.n_classes)


def load_snapshots(run: Run, names: Sequence[str], classifier: str | None = None) -> list[Snapshot]:
    """The snapshots of these names, as of frames. Raises InputError if one is gone, or lacks the classifier."""
    paths = {path.name: path for path in run.snapshots}
    try:
        snapshots = [run.snapshot(paths[name]) for name in names]
    except KeyError as error:
        raise InputError(f"snapshot {error} of '{run.name}' is gone or damaged; choose the run again") from None
    if classifier is not None and any(classifier not in snapshot.predictions for snapshot in snapshots):
        raise choose_from("classifier", classifier, snapshots[0].predictions)
    return snapshots


def _shapes(s: Snapshot) -> tuple[object, ...]:
    targets, head = s.class_embeddings, s.head
    return s.embeddings.shape, None if targets is None else targets.shape, None if head is None else head[0].shape
