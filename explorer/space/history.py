"""The history of each recorded image of a run: its decisions, margins and distances at every snapshot.

Events, selections and certainty are computed from it; embeddings stay views of the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.space.stack import SnapshotStack, load_stack
from mtm.errors import InputError, choose_from
from mtm.fewshot import unseen_classes
from mtm.geometry import own_distances
from mtm.run_folder.external import alternating_half
from mtm.run_folder.snapshots import Array, Snapshot
from mtm.runs import Run

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

CHUNK = 1 << 22  # numbers that are held in float64 at once


@dataclass(frozen=True)
class History:
    """T snapshots of the same N images, those that a projection of the run shows, in the same order."""

    name: str
    recording: SnapshotStack
    indices: Array  # (N,) position of each image in its data set's test split
    class_names: tuple[str, ...]
    predictions: dict[str, Array]  # per classifier (T, N)
    margins: dict[str, Array]  # per classifier (T, N) float32
    target_distances: Array | None  # (T, N) to the own class embedding; None with a linear head
    centre_distances: Array  # (T, N) to the own class centre of the recorded images
    judged: Mask  # (N,) images that the accuracy counts: not those that gave the centres, nor of classes held out

    @property
    def snapshots(self) -> list[Snapshot]:
        return self.recording.snapshots

    @property
    def labels(self) -> Array:
        return self.recording.labels

    @property
    def epochs(self) -> Floats:
        return self.recording.epochs

    @property
    def classifiers(self) -> list[str]:
        return list(self.predictions)

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def __len__(self) -> int:
        return len(self.snapshots)

    def snapshot_number(self, at: int | None) -> int:
        """The number of a snapshot among the T: `at`, negative from the end, the last for None. Raises InputError."""
        t = len(self) - 1 if at is None else at if at >= 0 else at + len(self)
        if not 0 <= t < len(self):
            raise InputError(f"'{self.name}' has snapshots 0 to {len(self) - 1}, there is no number {at}")
        return t

    def classifier(self, name: str | None) -> str:
        """The classifier of this name; by default the one that is right most often at the last snapshot."""
        if name is None:
            accuracies = {key: self.right(key)[-1, self.judged].mean() for key in self.classifiers}
            return max(accuracies, key=lambda key: float(accuracies[key]))
        if name not in self.predictions:
            raise choose_from("classifier", name, self.classifiers)
        return name

    def right(self, classifier: str) -> Mask:
        """(T, N): whether the decision is the label."""
        return np.asarray(self.predictions[classifier] == self.labels)

    def image_name(self, row: int) -> str:
        """An image in words: its number in the data set and its class."""
        return f"image {self.indices[row]} ({self.class_names[self.labels[row]]})"

    def points_of_classes(self, t: int, kind: str) -> Floats:
        """(C, D): the class embeddings ("target") or the class centres of the recorded images ("centre") at t.

        Raises InputError for targets of a model that has none.
        """
        targets = self.recording.targets
        if kind == "centre":
            return self.recording.centres(t)
        if kind != "target":
            raise choose_from("point of a class", kind, ("target", "centre"))
        if targets is None:
            raise InputError(f"'{self.name}' has a linear head and no targets; measure to the class centres instead")
        return np.asarray(targets[t], np.float64)

    def distances_to(self, t: int, kind: str, k: int) -> Floats:
        """(N,): the distance in D dimensions of every image to the target or the centre of class k at snapshot t."""
        if not 0 <= k < self.n_classes:
            raise InputError(f"'{self.name}' has classes 0 to {self.n_classes - 1}, there is no number {k}")
        point, e = self.points_of_classes(t, kind)[k], self.recording.embeddings[t]
        return distances_to_one(e, point)

    def image_history(self, row: int, at: int | None = None) -> dict[str, Any]:
        """One image: its decisions, margins and distances over time, and its distance to every target at one snapshot.

        `nearest_first` orders the classes by that distance; `to` says whether targets or class centres are meant.
        Raises InputError if there is no such image or snapshot.
        """
        if not 0 <= row < len(self.labels):
            raise InputError(f"'{self.name}' shows {len(self.labels)} images, number {row} is not among them")
        t, y = self.snapshot_number(at), int(self.labels[row])
        to = "centre" if self.recording.targets is None else "target"
        e, points = self.recording.embeddings[t][row], self.points_of_classes(t, to)
        each = own_distances(np.broadcast_to(e, points.shape), np.arange(len(points)), points)  # (C,)
        return {
            "row": row,
            "index": int(self.indices[row]),
            "label": y,
            "named": self.image_name(row),
            "epochs": self.epochs,
            "snapshot": t,
            "decisions": {name: predicted[:, row] for name, predicted in self.predictions.items()},
            "margins": {name: margin[:, row] for name, margin in self.margins.items()},
            "target_distance": None if self.target_distances is None else self.target_distances[:, row],
            "centre_distance": self.centre_distances[:, row],
            "to": to,
            "distances": each,
            "nearest_first": np.argsort(each, kind="stable"),
        }


def load_history(run: Run) -> History:
    """Read the history of a run's images. Raises InputError if it has no snapshots to show yet."""
    recording = load_stack(run)
    dtype = np.uint8 if run.points.n_classes <= 256 else np.int32
    last = recording.snapshots[-1]
    judged = counted_images(recording.labels, last.metrics) & ~np.isin(recording.labels, unseen_classes(last))
    return History(
        run.name,
        recording,
        run.points.indices,
        run.points.class_names,
        {name: decisions.astype(dtype) for name, decisions in recording.predictions.items()},
        recording.margins,
        recording.target_distances,
        recording.centre_distances,
        judged,
    )


def counted_images(y: Array, row: dict[str, Any]) -> Mask:
    """(N,): the images that the accuracy in a row of metrics counts: all, or the half that gave no class centres."""
    half = ~alternating_half(y)
    return half if row.get("accuracy_n") == half.sum() < len(y) else np.ones(len(y), dtype=bool)


def distances_to_one(e: Array, point: Array) -> Floats:
    """(N,): the distance of embeddings e (N, D) to one point (D,), a chunk of rows at a time."""
    distances = np.empty(len(e))
    size = max(1, CHUNK // e.shape[1])
    for first in range(0, len(e), size):
        difference = e[first : first + size].astype(np.float32) - point.astype(np.float32)
        distances[first : first + size] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    return distances
