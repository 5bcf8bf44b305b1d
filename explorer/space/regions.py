"""Regions: which class is decided where in the picture. Arrays in, arrays out; the browser draws the same numbers.

Every region map here but the vote is the largest of C affine functions of the position u = (x, y), so that a shader
can draw it for every tweened frame. On a plane x = o + P u through the space, after dropping what all classes share:

    power    |x - c|^2 = |u|^2 - 2 u.P'(c - o) + |c - o|^2       euc, euc_ce, and the Voronoi of drawn points
    cosine   x.c / |c| = (u.P'c + o.c) / |c|                     cos, cos_ce
    linear   x.w + b   = u.P'w + o.w + b                         argmax, and regions fitted to the real decisions

Between two snapshots the reference vectors move on straight lines in D dimensions, and the regions are theirs:
|(1-t) a + t b|^2 = (1-t) |a|^2 + t |b|^2 - t (1-t) |a - b|^2, which is what `step` is for.
A class whose numbers are NaN (it has no reference) never wins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtm.classifiers import CLASSIFIERS
from mtm.errors import InputError, choose_from

Floats = NDArray[np.float64]
Classes = NDArray[np.int64]
References = ArrayLike | tuple[ArrayLike, ArrayLike]

MODES = ("exact", "fitted", "targets", "centres", "vote", "off")

NO_CLASS = np.iinfo(np.int64).max
VOTERS = 15  # near images whose decisions make the vote map
RIDGE = 1e-3  # of the fitted regions: pull of the standardised weights to zero, against a loss summed over the images
ROUNDS = 50  # most Newton steps of a fit
ENOUGH = 1e-6  # a fit ends when the next Newton step promises to win less than this, per image
CHUNK = 1 << 14  # positions that vote at once
MOST_FITTED = 128  # classes: a fit of 200 takes half a second a snapshot, of 1,000 a minute
MOST_WITH_EDGES = 1000  # classes: of 5,000 a browser needs a second a frame to find which regions touch


@dataclass(frozen=True)
class Regions:
    """C affine functions of the position for each of T snapshots, and how they blend between two."""

    kind: str  # power, cosine or linear
    affine: Floats  # (T, C, 3): gx, gy, g0 of the score gx x + gy y + g0
    square: Floats  # (T, C): |c|^2 for cosine, else zeros
    step: Floats  # (T-1, C): |difference|^2 of the D-dimensional references of two snapshots, zeros for linear


RegionMap = Regions | Literal["vote"]


class View(Protocol):
    """What regions need of the frames of a projection (explorer.space.frames.Frames)."""

    @property
    def points(self) -> NDArray[np.float32]: ...  # (T, N, 2)
    @property
    def targets(self) -> NDArray[np.float32] | None: ...  # (T, C, 2)
    @property
    def centres(self) -> NDArray[np.float32]: ...  # (T, C, 2)
    @property
    def origin(self) -> NDArray[np.float64] | None: ...  # (D,)
    @property
    def basis(self) -> NDArray[np.float64] | None: ...  # (D, 2)


# Regions of a run


def exact_regions(
    classifier: str, references: References, origin: ArrayLike | None, basis: ArrayLike | None
) -> Regions:
    """The regions of `classifier` on the plane x = origin (D,) + basis (D, 2) u itself, at every snapshot and between.

    `references` are the class centres or embeddings (T, C, D), or a linear head's (weight (T, C, D), bias (T, C)). What
    all classes share is left out of the affine functions: numbers then stay small for the browser's 32 bits.
    Raises InputError for an unknown classifier, for one whose regions are not affine, and for a view that is no plane.
    """
    if classifier not in CLASSIFIERS:
        raise choose_from("classifier", classifier, CLASSIFIERS)
    kind = CLASSIFIERS[classifier].regions
    if kind is None:
        raise InputError(f"'{classifier}' has no exact regions on a plane; choose fitted, targets or vote")
    if origin is None or basis is None:
        raise InputError("exact regions exist on a plane only, and this view is none; choose fitted, targets or vote")
    o, p = np.asarray(origin, np.float64), np.asarray(basis, np.float64)  # (D,), (D, 2)
    if kind == "linear":
        parts = references if isinstance(references, tuple) else (references, 0.0)
        weight, bias = (np.asarray(array, np.float64) for array in parts)
        affine = _affine(weight, p, _dot(weight, o) + bias)
        none = np.zeros(affine.shape[:2])
        return Regions(kind, affine - _mean_of_present(affine), none, none[1:])
    c = np.asarray(references, np.float64)  # (T, C, D)
    step = _square(np.diff(c, axis=0))  # (T-1, C)
    if kind == "cosine":
        return Regions(kind, _affine(c, p, _dot(c, o)), _square(c), step)
    m = _mean_of_present(c)  # (T, 1, D): |x - c|^2 - |x - m|^2 is as good as |x - c|^2, and less of it cancels
    constant = -np.einsum("tcd,tcd->tc", c - m, (c - o) + (m - o))  # |m - o|^2 - |c - o|^2
    return Regions(kind, _affine(2 * (c - m), p, constant), np.zeros(constant.shape), step)


def voronoi_regions(positions: ArrayLike) -> Regions:
    """The Voronoi diagram of what is drawn: each pixel belongs to the nearest of positions (T, C, 2); NaN is absent."""
    return exact_regions("euc", positions, np.zeros(2), np.eye(2))


def fitted_regions(u: ArrayLike, decisions: ArrayLike, n_classes: int) -> Regions:
    """The affine regions that a multinomial logistic regression of decisions (T, N) on positions u (T, N, 2) gives.

    Fitted at every snapshot with a slight ridge, by Newton's method from the snapshot before. The functions of a
    snapshot are scaled to a root mean square of 1 over its images, so that a tween goes evenly from one to the next.
    A class that nothing is decided as never wins.
    """
    u, decisions = np.asarray(u, np.float64), np.asarray(decisions, np.int64)
    affine = np.full((len(u), n_classes, 3), np.nan)
    start = np.zeros((n_classes, 3))
    for t, (positions, decided) in enumerate(zip(u, decisions, strict=True)):
        present, y = np.unique(decided, return_inverse=True)
        if not len(present):
            continue
        centre = positions.mean(axis=0)  # (2,)
        scale = math.sqrt(_square(positions - centre).mean() / 2) or 1.0
        x = np.column_stack([(positions - centre) / scale, np.ones(len(positions))])  # (N, 3)
        weights = _logistic_regression(x, y, start[present])  # (K, 3)
        start[present] = weights
        weights = weights / (math.sqrt(np.square(x @ weights.T).mean()) or 1.0)
        slope = weights[:, :2] / scale  # (K, 2)
        affine[t, present] = np.column_stack([slope, weights[:, 2] - slope @ centre])
    none = np.zeros((len(u), n_classes))
    return Regions("linear", affine, none, none[1:])


def region_modes(
    view: View, classifier: str, references: References | None, decisions: ArrayLike
) -> dict[str, RegionMap]:
    """The regions of every mode that a view can have, in the order of MODES.

    `decisions` (T, N) are the real ones of `classifier`; without `references` there are no exact regions, and of many
    classes some are left out (`why_left_out`).
    """
    n_classes = view.centres.shape[1]
    modes: dict[str, RegionMap] = {}
    if n_classes > MOST_WITH_EDGES:
        return {"vote": "vote"}
    if view.basis is not None and references is not None and CLASSIFIERS[classifier].regions is not None:
        modes["exact"] = exact_regions(classifier, references, view.origin, view.basis)
    if n_classes <= MOST_FITTED:
        modes["fitted"] = fitted_regions(view.points, decisions, n_classes)
    if view.targets is not None:
        modes["targets"] = voronoi_regions(view.targets)
    return modes | {"centres": voronoi_regions(view.centres), "vote": "vote"}


def why_left_out(mode: str, n_classes: int) -> str:
    """Why a mode is not there for so many classes; empty if it is."""
    if mode != "vote" and n_classes > MOST_WITH_EDGES:
        return f"Regions with edges are not drawn for more than {MOST_WITH_EDGES:,} classes"
    if mode == "fitted" and n_classes > MOST_FITTED:
        return f"Straight edges are not fitted for more than {MOST_FITTED} classes"
    return ""


# Regions at one time


def affine_scores(regions: Regions, time: float) -> Floats:
    """The three numbers (C, 3) of each class at `time`, in snapshots: 2.25 is a quarter of the way from 2 to 3.

    Of gx x + gy y + g0 the largest wins: a picture needs no more. Raises InputError for a time outside the run.
    """
    last = len(regions.affine) - 1
    if not 0 <= time <= last:
        raise InputError(f"there is no snapshot {time:g}; choose from 0 to {last}")
    s = int(time)
    t = time - s
    if t == 0:  # not a blend: a class may be missing at the other end
        affine, square = regions.affine[s], regions.square[s]
    else:
        bend = t * (1 - t) * regions.step[s]  # (C,)
        affine = (1 - t) * regions.affine[s] + t * regions.affine[s + 1]
        square = np.maximum((1 - t) * regions.square[s] + t * regions.square[s + 1] - bend, 0)  # rounding may go below
        if regions.kind == "power":
            affine[:, 2] += bend
    if regions.kind != "cosine":
        return affine.copy()
    shorter = np.zeros_like(square)  # 1 / |c|; a reference of length zero has cosine 0 with everything
    np.divide(1, np.sqrt(square), out=shorter, where=square > 0)
    return affine * shorter[:, None]


def decide(scores: ArrayLike, u: ArrayLike) -> Classes:
    """The class (M,) of each position u (M, 2) under affine functions scores (C, 3); among equals the lower one."""
    u = np.asarray(u, np.float64)
    x, y = u[:, 0], u[:, 1]
    classes, best = np.zeros(len(u), np.int64), np.full(len(u), -np.inf)
    for k, (gx, gy, g0) in enumerate(np.asarray(scores, np.float64)):
        score = gx * x + gy * y + g0  # not a matrix product: equal classes must score equally to the last bit
        better = score > best  # never where it is NaN
        classes[better], best[better] = k, score[better]
    return classes


def knn_vote(u: ArrayLike, decisions: ArrayLike, where: ArrayLike, k: int = VOTERS) -> tuple[Classes, Floats]:
    """The class that most of the k images nearest to each position in `where` (M, 2) are decided as, and its evidence.

    u (N, 2) and decisions (N,) are those of the images. Returns the classes (M,), among equals the lower one, and the
    evidence (M,) from 0 to 1: how densely images lie around there, over how densely they lie around a typical image.
    """
    from scipy.spatial import cKDTree  # only here: the server starts without it

    u, decisions = np.asarray(u, np.float64), np.asarray(decisions, np.int64)
    where = np.asarray(where, np.float64)
    classes, reach = np.zeros(len(where), np.int64), np.full(len(where), np.inf)
    k = min(k, len(u))
    if k == 0:
        return classes, np.zeros(len(where))
    tree = cKDTree(u)
    for first in range(0, len(where), CHUNK):
        rows = slice(first, first + CHUNK)
        distances, near = (array.reshape(-1, k) for array in tree.query(where[rows], k))  # (M, k) each
        votes = decisions[near]  # (M, k)
        counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=-1, dtype=np.int16)  # (M, k) for the class of each
        is_most = counts == counts.max(axis=1, keepdims=True)
        classes[rows], reach[rows] = np.where(is_most, votes, NO_CLASS).min(axis=1), distances[:, -1]
    typical = float(np.median(tree.query(u, [k])[0]))
    evidence = np.ones(len(where))
    np.divide(typical, reach, out=evidence, where=reach > typical)
    return classes, evidence**2


# Agreement with the real decisions


def agreement_over_time(region_map: RegionMap, u: ArrayLike, decisions: ArrayLike) -> Floats:
    """Region agreement (T,): the share of the images u (T, N, 2) whose drawn region is their real decision (T, N).

    The vote counts as it is drawn: an image is one of the voters at its own place.
    """
    u, decisions = np.asarray(u), np.asarray(decisions)
    if not decisions.shape[1]:
        return np.full(len(u), np.nan)
    classes = _region_classes(region_map, u, decisions)
    return np.array([(region == real).mean() for region, real in zip(classes, decisions, strict=True)])


def agreement(region_map: RegionMap, u: ArrayLike, decisions: ArrayLike) -> float:
    """Region agreement: the mean of `agreement_over_time`."""
    return float(agreement_over_time(region_map, u, decisions).mean())


def agreements(modes: Mapping[str, RegionMap], u: ArrayLike, decisions: ArrayLike) -> dict[str, Floats]:
    """Region agreement (T,) of each mode that `region_modes` gives."""
    return {mode: agreement_over_time(region_map, u, decisions) for mode, region_map in modes.items()}


def best_mode(agreements: Mapping[str, ArrayLike]) -> str:
    """The mode that agrees most over the whole run, among equals the first in MODES; `off` if none can be measured.

    One mode for the whole run: regions that change their meaning while they play would tell nothing.
    """
    means = {mode: float(np.mean(np.asarray(values, np.float64))) for mode, values in agreements.items()}
    order = [mode for mode in MODES if mode in means and not math.isnan(means[mode])]
    return max(order, key=means.__getitem__, default="off")


# Private


def _region_classes(
    region_map: RegionMap, u: NDArray[np.floating], decisions: NDArray[np.integer]
) -> Iterator[Classes]:
    """The region (N,) that each image lies in, snapshot by snapshot."""
    for t, positions in enumerate(u):
        if region_map == "vote":
            yield knn_vote(positions, decisions[t], positions)[0]
        else:
            yield decide(affine_scores(region_map, t), positions)


def _dot(c: Floats, o: Floats) -> Floats:
    return np.asarray(np.einsum("tcd,d->tc", c, o))


def _square(c: Floats) -> Floats:
    return np.asarray(np.einsum("...d,...d->...", c, c))


def _affine(c: Floats, p: Floats, constant: Floats) -> Floats:
    """(T, C, 3): P'c and a constant. Summed by einsum, not BLAS: equal classes give equal numbers to the last bit."""
    return np.concatenate([np.einsum("tcd,dk->tck", c, p), constant[..., None]], axis=-1)


def _mean_of_present(c: Floats) -> Floats:
    """(T, 1, D): the mean over the classes that are there at each snapshot; 0 where none is."""
    is_present = ~np.isnan(c).any(axis=-1, keepdims=True)  # (T, C, 1)
    total = np.where(is_present, c, 0).sum(axis=1, keepdims=True)
    return np.asarray(total / np.maximum(is_present.sum(axis=1, keepdims=True), 1))


def _logistic_regression(x: Floats, y: Classes, start: Floats) -> Floats:
    """Weights (K, 3) that minimise the summed cross-entropy of softmax(x W') on y + RIDGE/2 |W|^2: Newton's method.

    scikit-learn's LogisticRegression gets the same share of the decisions and takes four times as long, 127 ms instead
    of 32 for 25 snapshots of 500 images, and a second to import (benchmarks/libraries.py).
    """
    n, k = len(x), len(start)
    if k == 1:
        return np.zeros((1, 3))
    truth = np.zeros((n, k))
    truth[np.arange(n), y] = 1
    corners = x[:, :, None] * x[:, None, :]  # (N, 3, 3)

    def loss(w: Floats) -> tuple[float, Floats]:
        """The loss, and the probabilities (N, K) it comes from."""
        logits = x @ w.T
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(axis=1, keepdims=True)
        return float(np.log(total).sum() - logits[truth == 1].sum() + RIDGE / 2 * np.square(w).sum()), p / total

    w = np.zeros((k, 3))
    value, p = loss(w)
    if start.any() and (warm := loss(start))[0] < value:
        w, (value, p) = start, warm
    caution = 0.0  # added to the curvature: from an over-confident start the bare step leads astray
    for _ in range(ROUNDS):
        gradient = (p - truth).T @ x + RIDGE * w  # (K, 3)
        z = (p[:, :, None] * x[:, None, :]).reshape(n, -1)  # (N, 3K)
        hessian = -z.T @ z  # (3K, 3K)
        hessian.reshape(k, 3, k, 3)[np.arange(k), :, np.arange(k)] += np.tensordot(p, corners, axes=(0, 0))
        while caution < n:
            move = np.linalg.solve(hessian + (RIDGE + caution) * np.eye(3 * k), gradient.ravel()).reshape(k, 3)
            promise = float((move * gradient).sum())  # twice what the step would win, were the loss a parabola
            after = loss(w - move)
            if promise < ENOUGH * n or after[0] < value - promise / 4:
                break
            caution = max(4 * caution, 1e-5 * n)
        if promise < ENOUGH * n or after[0] >= value:
            break
        w, (value, p), caution = w - move, after, caution / 4
    return w
