"""Certainty: does the place of an embedding say whether it is right? Section VI-A of the paper leaves it open.

Four measures are tested: the distance to the target and to the centre of the image's own class (these use the label),
the distance to the point of the decided class, and the margin (these do not). Each is tested in three ways: accuracy
by group of equal size, from surest to least sure; the risk-coverage curve, which is the share of wrong images among the
surest share of the images, with its area AURC (Geifman and El-Yaniv, 2017; less is better); and the share of pairs of a
right and a wrong image in which the right one is surer. Beside them the reliability diagram: is a class given a
probability of 90 % right in 90 % of the cases? Intervals are at 95 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.space.history import CHUNK, History, Mask
from mtm.classifiers import CLASSIFIERS, Reference
from mtm.run_folder.external import alternating_half
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]

GROUPS = 10
LEAST_IN_GROUP = 10  # images, below which there are fewer groups
Z = 1.959964  # of the normal distribution, for 95 %
RESAMPLED = 200  # draws of the bootstrap
CURVE_POINTS = 200  # of a risk-coverage curve that is drawn
MOST_SCORES = 8_000_000  # images times classes that probabilities are computed of; of more a part is
ENOUGH_SCORES = 1_000_000

PLACES = {
    "target_distance": "distance to the own target",
    "centre_distance": "distance to the own class centre",
    "decided_distance": "distance to the point of the decided class",
    "margin": "margin",
}
KNOW_THE_LABEL = ("target_distance", "centre_distance")


@dataclass(frozen=True)
class Group:
    """Images of about the same certainty, and how many of them are right."""

    low: float  # the range of the measure
    high: float
    mean: float
    n: int
    accuracy: float
    accuracy_low: float  # Wilson's interval
    accuracy_high: float


@dataclass(frozen=True)
class Risk:
    """The share of wrong images among the surest share of the images, for every share."""

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    aurc: float
    aurc_low: float  # bootstrap
    aurc_high: float
    best: float  # AURC if every right image were surer than every wrong one
    random: float  # expected AURC if certainty said nothing: the error rate


@dataclass(frozen=True)
class Relation:
    """How one measure of certainty is related to being right."""

    place: str  # one of PLACES
    title: str
    knows_the_label: bool
    groups: tuple[Group, ...]  # from surest to least sure
    risk: Risk
    pairs: float  # share of pairs of a right and a wrong image in which the right one is surer; 0.5 says nothing


@dataclass(frozen=True)
class Reliability:
    """Probabilities against accuracy, on the half of the images that the temperature was not fitted to."""

    groups: tuple[Group, ...]  # of the probability of the decided class
    error: float  # expected calibration error: mean of |probability - accuracy| over the groups, weighted by images
    temperature: float  # what scores are divided by before the softmax, so that the other half is most likely
    n: int


@dataclass(frozen=True)
class Certainty:
    """The certainty of one classifier at one snapshot."""

    classifier: str
    snapshot: int
    epoch: float
    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    relations: tuple[Relation, ...]
    reliability: Reliability


# Definitions, on arrays


def wilson(n_right: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share of n_right in n; (0, 1) where there is nothing."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = n_right / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def group_images(
    values: ArrayLike, right: ArrayLike, n_groups: int = GROUPS, *, descending: bool = False
) -> list[Group]:
    """Groups of equal size (N / n_groups, give or take one) in the order of values (N,), and their accuracy.

    There are fewer groups where they would have fewer than LEAST_IN_GROUP images. A value NaN is left out.
    """
    x, right = np.asarray(values, np.float64), np.asarray(right, dtype=bool)
    is_known = ~np.isnan(x)
    x, right = x[is_known], right[is_known]
    order = np.argsort(-x if descending else x, kind="stable")
    groups = []
    for rows in np.array_split(order, max(1, min(n_groups, len(x) // LEAST_IN_GROUP))):
        if len(rows):
            n_right, own = int(right[rows].sum()), x[rows]
            limits = float(own.min()), float(own.max()), float(own.mean())
            groups.append(Group(*limits, len(rows), n_right / len(rows), *wilson(n_right, len(rows))))
    return groups


def risks(surety: ArrayLike, right: ArrayLike) -> Floats:
    """(N,): the share of wrong images among the 1, 2, ... N surest, of surety (N,) and right (N,).

    For images of the same surety this is the expected share over all their orders.
    """
    x, wrong = np.asarray(surety, np.float64), ~np.asarray(right, dtype=bool)
    if not len(x):
        return np.empty(0)
    order = np.argsort(-x, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(x[order]) != 0, True)) + 1  # where a run of equals ends
    at, errors = np.append(0, ends), np.append(0, np.cumsum(wrong[order])[ends - 1])
    counts = np.arange(1, len(x) + 1)
    return np.asarray(np.interp(counts, at, errors) / counts)


def aurc(surety: ArrayLike, right: ArrayLike) -> float:
    """The area under the risk-coverage curve: the mean of `risks`; NaN without images."""
    shares = risks(surety, right)
    return float(shares.mean()) if len(shares) else math.nan


def aurc_interval(surety: ArrayLike, right: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """The 95 % interval of `aurc` over RESAMPLED draws of the images with replacement."""
    order = np.argsort(-np.asarray(surety, np.float64), kind="stable")
    wrong, n = np.flatnonzero(~np.asarray(right, dtype=bool)[order]), len(order)
    if n == 0:
        return math.nan, math.nan
    # a wrong image at rank r adds 1 / (n i) at every coverage i >= r; summed over all ranks up to one
    adds = np.append(0, np.cumsum(np.cumsum(1 / np.arange(n, 0, -1))[::-1] / n))
    rng = np.random.default_rng(seed)
    areas = np.empty(RESAMPLED)
    for i in range(RESAMPLED):
        times = np.bincount(rng.integers(0, n, n), minlength=n)  # (N,) how often each is drawn, surest first
        last = np.cumsum(times)[wrong]
        areas[i] = (adds[last] - adds[last - times[wrong]]).sum()
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


def concordance(surety: ArrayLike, right: ArrayLike) -> float:
    """The share of pairs of a right and a wrong image in which the right one is surer, equals counting half (AUROC).

    NaN if all are right or all wrong. `sklearn.metrics.roc_auc_score` takes 6 times as long, and a second to import
    (benchmarks/libraries.py).
    """
    x, right = np.asarray(surety, np.float64), np.asarray(right, dtype=bool)
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    if not n_right * n_wrong:
        return math.nan
    values, which = np.unique(x, return_inverse=True)
    good, bad = (np.bincount(which[mask], minlength=len(values)) for mask in (right, ~right))
    below = np.cumsum(bad) - bad / 2  # wrong images less sure than each value
    return float((good * below).sum() / (n_right * n_wrong))


def measure_risk(surety: ArrayLike, right: ArrayLike) -> Risk:
    """The risk-coverage curve with its area, thinned to CURVE_POINTS; a surety NaN is left out."""
    x, right = np.asarray(surety, np.float64), np.asarray(right, dtype=bool)
    is_known = ~np.isnan(x)
    x, right = x[is_known], right[is_known]
    each, n = risks(x, right), len(x)
    points = np.unique(np.linspace(0, n - 1, min(n, CURVE_POINTS)).round().astype(int)) if n else np.arange(0)
    return Risk(
        tuple(((points + 1) / n).tolist()) if n else (),
        tuple(each[points].tolist()),
        float(each.mean()) if n else math.nan,
        *aurc_interval(x, right),
        aurc(right, right),
        float((~right).mean()) if n else math.nan,
    )


def fit_temperature(scores: ArrayLike, y: ArrayLike) -> float:
    """What scores (N, C) are divided by so that the softmax makes the labels y (N,) most likely (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar  # a quarter of a second that the start of the server can do without
    from scipy.special import log_softmax

    z, labels = np.asarray(scores, np.float64), np.asarray(y, np.int64)
    spread = float(np.std(z)) or 1.0

    def surprise(log_t: float) -> float:
        return -float(log_softmax(z / (spread * math.exp(log_t)), axis=1)[np.arange(len(z)), labels].mean())

    return spread * math.exp(minimize_scalar(surprise, bounds=(-9, 9), method="bounded").x)


# Of a run


def measure_certainty(history: History, at: int | None = None, classifier: str | None = None) -> list[Certainty]:
    """Every classifier of a run (or the one named) at a snapshot, by default the last.

    Right and wrong, margins and distances to the own class are those that training stored; the distance to the decided
    class and the probabilities are computed from the embeddings in the file, which are rounded to float16. Only images
    that gave no class centres are judged. Raises InputError for a snapshot or a classifier that is not there.
    """
    t = history.snapshot_number(at)
    names = history.classifiers if classifier is None else [history.classifier(classifier)]
    return [_of_classifier(history, t, name) for name in names]


def describe(certainty: Certainty) -> str:
    """What the margin and the distance to the decided class's point say, in a sentence for a student."""
    relations = {relation.place: relation for relation in certainty.relations}
    phrases = [
        f"{words} in {100 * relations[place].pairs:.0f} % of the pairs"
        for place, words in (
            ("decided_distance", "nearer to the point of the class it was given"),
            ("margin", "decided by the larger margin"),
        )
        if place in relations and not math.isnan(relations[place].pairs)
    ]
    if not phrases:
        return f"{certainty.classifier} is always right or always wrong here, so nothing can be told apart."
    return (
        f"Of two images, of which {certainty.classifier} gets one right and one wrong, the right one is "
        f"{' and '.join(phrases)}; 50 % would mean that the place says nothing."
    )


def _of_classifier(history: History, t: int, name: str) -> Certainty:
    rows = np.flatnonzero(history.judged)
    snapshot, decided = history.snapshots[t], history.predictions[name][t, rows]
    right = decided == history.labels[rows]
    places: dict[str, Array | None] = {
        "target_distance": None if history.target_distances is None else history.target_distances[t, rows],
        "centre_distance": history.centre_distances[t, rows],
        "decided_distance": None,
        "margin": history.margins[name][t, rows],
    }
    reference = snapshot.references[name]
    e = snapshot.embeddings if len(rows) == len(history.judged) else snapshot.embeddings[rows]
    if CLASSIFIERS[name].reference != "head":  # which decides by no point
        places["decided_distance"] = _distances_to_points(e, decided, np.asarray(reference))
    relations = [_relation(place, values, right) for place, values in places.items() if values is not None]
    n_right = int(right.sum())
    share = n_right / len(rows) if len(rows) else math.nan
    reliability = _reliability(name, e, reference, decided, history.labels[rows])
    limits = wilson(n_right, len(rows))
    return Certainty(name, t, float(history.epochs[t]), len(rows), share, *limits, tuple(relations), reliability)


def _relation(place: str, values: Array, right: Mask) -> Relation:
    near_is_sure = place != "margin"
    x = np.asarray(values, np.float64)
    surety = -x if near_is_sure else x
    is_known = ~np.isnan(x)
    groups = tuple(group_images(x, right, descending=not near_is_sure))
    pairs = concordance(surety[is_known], right[is_known])
    return Relation(place, PLACES[place], place in KNOW_THE_LABEL, groups, measure_risk(surety, right), pairs)


def _reliability(name: str, e: Array, reference: Reference, decided: Array, y: Array) -> Reliability:
    """The temperature is fitted to every other image of each class, the diagram is of the rest.

    Where images times classes would be too many scores, both are of the images of some classes.
    """
    from scipy.special import log_softmax

    n_scores = len(e) * len(np.asarray(reference[0] if isinstance(reference, tuple) else reference))
    if n_scores > MOST_SCORES:
        rows = np.flatnonzero(np.isin(y, np.unique(y)[:: -(-n_scores // ENOUGH_SCORES)]))  # all images of some classes
        e, decided, y = e[rows], decided[rows], y[rows]
    scores = _scores(name, e, reference)
    is_fitted = alternating_half(y)
    if is_fitted.all():  # one image a class
        is_fitted = np.arange(len(y)) % 2 == 0
    t = fit_temperature(scores[is_fitted], y[is_fitted])
    rest = np.flatnonzero(~is_fitted)
    each = np.exp(log_softmax(scores[rest] / t, axis=1))[np.arange(len(rest)), decided[rest]]
    right = decided[rest] == y[rest]
    groups = group_images(each, right)
    error = sum(group.n * abs(group.mean - group.accuracy) for group in groups) / len(rest) if len(rest) else math.nan
    return Reliability(tuple(groups), error, t, len(rest))


def _scores(name: str, e: Array, reference: Reference) -> Floats:
    """(N, C): the classifier's scores, a chunk of rows at a time; the lowest of all for a class without a point."""
    size = max(1, CHUNK // e.shape[1])
    parts = [CLASSIFIERS[name](e[first : first + size], reference) for first in range(0, len(e), size)]
    scores = np.concatenate(parts) if parts else np.empty((0, 1))
    lowest = np.nanmin(scores, initial=0.0)
    return np.where(np.isnan(scores), lowest, scores)


def _distances_to_points(e: Array, k: Array, points: Array) -> Floats:
    """(N,): the distance of each embedding to the point (C, D) of its class k (N,)."""
    distances = np.empty(len(e))
    size = max(1, CHUNK // e.shape[1])
    for first in range(0, len(e), size):
        rows = slice(first, first + size)
        apart = e[rows].astype(np.float32) - points[k[rows]].astype(np.float32)
        distances[rows] = np.sqrt(np.einsum("nd,nd->n", apart, apart))
    return distances
