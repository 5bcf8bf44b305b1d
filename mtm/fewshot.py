"""Few shot: how well the space tells apart classes that it was never trained on (section VI-A's second open question).

An episode draws some of these classes (the ways), a few images of each to take a class centre from (the shots), and
others of each to be judged (the queries): a query is right if the nearest centre is that of its own class. Embeddings
(N, D) and labels (N,) are all it takes, so it works on the snapshots of any run, without its network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtm.classifiers import CLASSIFIERS, PREFERRED, predict
from mtm.errors import InputError
from mtm.run_folder.snapshots import Snapshot
from mtm.run_folder.summary import summarise
from mtm.runs import Run

NEAREST_CENTRE = [name for name in PREFERRED if CLASSIFIERS[name].reference == "centres"]
MOST_WAYS = 5  # unless `ways` says otherwise
NORMAL_95 = 1.96  # standard errors to either side


@dataclass(frozen=True)
class Episodes:
    """E episodes, as row numbers of the images."""

    shots: NDArray[np.int64]  # (E, ways, shots) what the centres are taken from
    queries: NDArray[np.int64]  # (E, ways, queries) what is judged


def draw(
    y: ArrayLike, classes: Sequence[int], ways: int, shots: int, queries: int, episodes: int, seed: int = 0
) -> Episodes:
    """Episodes from images with labels y (N,), `ways` of the classes each; an image is drawn once an episode.

    With one seed, episodes of more shots have those of fewer in them, and judge the same queries: they can be compared.
    Raises InputError where there are too few classes or images.
    """
    y = np.asarray(y)
    _require("episodes", episodes, 2)  # one has no spread
    _require("shots", shots, 1)
    _require("queries", queries, 1)
    _require("ways", ways, 2)
    _require("seed", seed, 0)
    if ways > len(classes):
        raise InputError(f"ways = {ways}: there are {len(classes)} classes to draw from")
    rows = {k: np.flatnonzero(y == k) for k in classes}
    scarce = min(classes, key=lambda k: len(rows[k]))
    if len(rows[scarce]) < shots + queries:
        raise InputError(
            f"class {scarce} has {len(rows[scarce])} recorded images, {shots} shots and {queries} queries take "
            f"{shots + queries}; lower --queries or --shots, or record more images"
        )
    rng = np.random.default_rng(seed)
    rows_by_episode = np.array(
        [
            [rng.permutation(rows[k])[: queries + shots] for k in rng.choice(np.asarray(classes), ways, replace=False)]
            for _ in range(episodes)
        ]
    )  # (E, ways, queries + shots)
    return Episodes(rows_by_episode[:, :, queries:], rows_by_episode[:, :, :queries])


def episode_accuracies(e: ArrayLike, episodes: Episodes, classifier: str) -> NDArray[np.float64]:
    """(E,): the share of each episode's queries that the nearest class centre has right, of embeddings e (N, D)."""
    e = np.asarray(e)
    own_class = np.arange(episodes.queries.shape[1])[:, None]  # (ways, 1)
    accuracies = []
    for shots, queries in zip(episodes.shots, episodes.queries, strict=True):
        centres = e[shots].mean(axis=1, dtype=np.float64)  # (ways, D)
        predictions = predict(classifier, e[queries.ravel()], centres).reshape(queries.shape)
        accuracies.append((predictions == own_class).mean())
    return np.array(accuracies)


def interval(accuracies: ArrayLike) -> tuple[float, float]:
    """The mean over episodes, and how far to either side of it the 95 % confidence interval reaches.

    It is about the draw of the episodes; training again with another seed may move the mean by more.
    """
    values = np.asarray(accuracies, np.float64)
    return float(values.mean()), NORMAL_95 * float(values.std(ddof=1)) / math.sqrt(len(values))


def unseen_classes(snapshot: Snapshot) -> list[int]:
    """The classes that have recorded images and no class centre of training images: those held out of training."""
    has_centre = ~np.isnan(snapshot.reference_centres).any(axis=1)  # (C,)
    return np.setdiff1d(snapshot.points.labels, np.flatnonzero(has_centre)).tolist()


def few_shot(
    run: Run,
    ways: int | None = None,
    shots: Sequence[int] = (1, 5),
    queries: int = 15,
    episodes: int = 600,
    epoch: float | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Per classifier and number of shots, how well a run tells its unseen classes apart, as rows of JSON types.

    A row has the `accuracy` at the snapshot nearest to `epoch` (by default the last), its `interval`, and `untrained`:
    the accuracy of the same episodes before training, None where that was not recorded. `ways` is by default MOST_WAYS,
    or all unseen classes if they are fewer. Raises InputError for a run without unseen classes, or too few images.
    """
    snapshots = [run.snapshot(path) for path in run.snapshots]
    if not snapshots:
        raise InputError(f"{run.folder} has no snapshots yet")
    first, snapshot = snapshots[0], snapshots[-1]
    if epoch is not None:
        snapshot = min(snapshots, key=lambda candidate: abs(candidate.epoch - epoch))
    classes, y = unseen_classes(snapshot), snapshot.points.labels
    if len(classes) < 2:
        raise InputError(
            f"{run.folder} has images of {len(classes)} classes that it was not trained on, few shot takes two; "
            "train with two or more held out, for example: mtm train --held-out 7,8,9"
        )
    ways = min(MOST_WAYS, len(classes)) if ways is None else ways
    summary = summarise(run)
    common = {
        **{name: summary[name] for name in ("run", "name", "loss")},
        "dim": int(snapshot.embeddings.shape[1]),
        "epoch": snapshot.epoch,
        "classes": [snapshot.points.class_names[k] for k in classes],
        **{"ways": ways, "queries": queries, "episodes": episodes},
    }
    e, untrained = np.asarray(snapshot.embeddings, np.float64), np.asarray(first.embeddings, np.float64)
    rows = []
    for classifier, n in product(NEAREST_CENTRE, shots):
        sample = draw(y, classes, ways, n, queries, episodes, seed)
        accuracy, reach = interval(episode_accuracies(e, sample, classifier))
        before = float(episode_accuracies(untrained, sample, classifier).mean()) if first.epoch == 0 else None
        rows.append(
            common
            | {"classifier": classifier, "shots": n, "accuracy": accuracy, "interval": reach, "untrained": before}
        )
    return rows


def _require(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{name} = {value}: it takes {least} or more")
