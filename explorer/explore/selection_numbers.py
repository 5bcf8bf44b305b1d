"""The numbers of selected images beside those of all: classes, confusion, curves over epochs, the order of a grid.

All of them come from what training stored of each image before rounding, so they equal the numbers of the snapshot
files. Accuracy and confusion count the images that gave no class centres (`History.judged`), as the run's own do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.explore.events import changes, first_right
from explorer.space.history import History, Mask
from mtm.errors import choose_from
from mtm.geometry import median
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

CURVES = ("accuracy", "sigma", "target_distance", "margin")
MOST_CONFUSED = 300  # classes of a confusion matrix: the page draws one in so many pixels
PAGE = 60  # images of a grid in one answer


@dataclass(frozen=True)
class Numbers:
    """Counts and curves of some images at one snapshot, under one classifier."""

    n: int
    n_judged: int
    labels: Rows  # (C,) images of each class
    decisions: Rows  # (C,) images taken for each class
    confusion: Rows  # (C, C) judged images of a class (row) taken for a class (column); see `confusion_matrix`
    curves: dict[str, Floats]  # per name in CURVES (T,); NaN where there is nothing to measure


def measure_selection(history: History, mask: Mask, at: int | None = None, classifier: str | None = None) -> Numbers:
    """The numbers of the images in `mask` (N,). Raises InputError for a snapshot or classifier that is not there."""
    t, name, c = history.snapshot_number(at), history.classifier(classifier), history.n_classes
    y, decided = history.labels, history.predictions[name][t]
    return Numbers(
        int(mask.sum()),
        int((mask & history.judged).sum()),
        np.bincount(y[mask], minlength=c),
        np.bincount(decided[mask], minlength=c),
        confusion_matrix(history, mask, t, name),
        measure_curves(history, mask, name),
    )


def confusion_matrix(history: History, mask: Mask, t: int, classifier: str) -> Rows:
    """(C, C): how many judged images of a class (row) are taken for a class (column) at snapshot t.

    (0, 0) for more than MOST_CONFUSED classes.
    """
    rows, c = mask & history.judged, history.n_classes
    if c > MOST_CONFUSED:
        return np.zeros((0, 0), np.int64)
    cells = history.labels[rows] * c + history.predictions[classifier][t, rows]
    return np.bincount(cells, minlength=c * c).reshape(c, c)


def measure_curves(history: History, mask: Mask, classifier: str) -> dict[str, Floats]:
    """Over T snapshots: accuracy, sigma (the median distance to the own class centre), the median distance to the own
    target, the median margin.
    """
    right = history.right(classifier)[:, mask & history.judged]
    accuracy = right.mean(axis=1) if right.shape[1] else np.full(len(right), np.nan)
    targets = history.target_distances
    return {
        "accuracy": accuracy,
        "sigma": row_medians(history.centre_distances[:, mask]),
        "target_distance": np.full(len(right), np.nan) if targets is None else row_medians(targets[:, mask]),
        "margin": row_medians(history.margins[classifier][:, mask]),
    }


def row_medians(values: Array) -> Floats:
    """(T,): the median of each row of values (T, n), leaving NaN out; NaN where nothing is left."""
    if not values.size or np.isnan(values).any():
        return np.array([median(row) for row in values], np.float64)
    middle = values.shape[1] // 2
    halves = np.partition(values, middle, axis=1)  # one partition is several times as fast as np.median
    upper = halves[:, middle].astype(np.float64)
    return upper if values.shape[1] % 2 else (upper + halves[:, :middle].max(axis=1)) / 2


ORDERS: dict[str, Callable[[History, int, str], Array]] = {  # name -> values (N,) at snapshot t under a classifier
    "index": lambda history, t, name: history.indices,
    "label": lambda history, t, name: history.labels,
    "decision": lambda history, t, name: history.predictions[name][t],
    "margin": lambda history, t, name: history.margins[name][t],
    "target_distance": lambda history, t, name: _or_nan(history.target_distances, t, len(history.labels)),
    "centre_distance": lambda history, t, name: history.centre_distances[t],
    "first_right": lambda history, t, name: first_right(history.right(name)),
    "changes": lambda history, t, name: changes(history.predictions[name]).sum(axis=0),
}


def sort_images(
    history: History, mask: Mask, by: str, at: int | None = None, classifier: str | None = None, falling: bool = False
) -> tuple[Rows, Array]:
    """The rows in `mask` in the order of a measure (ORDERS), and its values; equals by row, NaN last.

    Raises InputError for an unknown measure, snapshot or classifier.
    """
    if by not in ORDERS:
        raise choose_from("order", by, ORDERS)
    rows = np.flatnonzero(mask)
    values = np.asarray(ORDERS[by](history, history.snapshot_number(at), history.classifier(classifier)))[rows]
    order = np.argsort(-values.astype(np.float64) if falling else values, kind="stable")
    return rows[order], values[order]


def _or_nan(values: Array | None, t: int, n: int) -> Array:
    return np.full(n, np.nan) if values is None else values[t]
