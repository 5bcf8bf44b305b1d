"""The five classifiers (section III-D of the paper): NumPy in, NumPy out.

    cos      nearest class centre by cosine (equation 10)         cos_ce   nearest class embedding by cosine
    euc      nearest class centre by distance (equation 11)       euc_ce   nearest class embedding by distance
    argmax   largest output of a linear head (the pure baseline)

The class centres that classify come from training images, never from the images being judged: in many dimensions the
centre of random points is nearest to exactly those points. A class whose reference is NaN is never chosen.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtm.errors import choose_from
from mtm.geometry import global_centre, unit

Reference = ArrayLike | tuple[ArrayLike, ArrayLike]
Floats = NDArray[np.float64]


def cosine_scores(e: ArrayLike, reference: Reference) -> Floats:
    """(N, C): the cosine between each output embedding and each reference point."""
    return unit(np.asarray(e, np.float64)) @ unit(np.asarray(reference, np.float64)).T


def euclidean_scores(e: ArrayLike, reference: Reference) -> Floats:
    """(N, C): minus the distance between each output embedding and each reference point."""
    points = np.asarray(reference, np.float64)
    origin = global_centre(points)  # moving both there first, less cancels in the matrix product
    x, k = np.asarray(e, np.float64) - origin, points - origin
    d2 = (x**2).sum(axis=1)[:, None] + (k**2).sum(axis=1) - 2 * x @ k.T
    return -np.sqrt(np.maximum(d2, 0))


def linear_scores(e: ArrayLike, reference: Reference) -> Floats:
    """(N, C): the logits e W' + b; the reference is (weight (C, D), bias (C,))."""
    weight, bias = reference  # type: ignore[misc, str-unpack]
    return np.asarray(e, np.float64) @ np.asarray(weight, np.float64).T + np.asarray(bias, np.float64)


CLASSIFIERS: dict[str, Callable[[ArrayLike, Reference], Floats]] = {
    "cos": cosine_scores,
    "cos_ce": cosine_scores,
    "euc": euclidean_scores,
    "euc_ce": euclidean_scores,
    "argmax": linear_scores,
}

MEANINGS = {  # in the order of menus
    "euc_ce": "nearest target (euc_ce)",
    "cos_ce": "target of least angle (cos_ce)",
    "euc": "nearest class centre (euc)",
    "cos": "class centre of least angle (cos)",
    "argmax": "linear head (argmax)",
}


def decide(name: str, e: ArrayLike, reference: Reference) -> tuple[NDArray[np.int64], Floats]:
    """Predicted classes (N,) and margins (N,) of classifier `name`.

    The margin is by how much the chosen class beats the runner-up, in the classifier's own unit: a difference of
    cosines, of distances or of logits. It is NaN where there is no runner-up.
    """
    if name not in CLASSIFIERS:
        raise choose_from("classifier", name, CLASSIFIERS)
    scores = CLASSIFIERS[name](e, reference)  # (N, C)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    predictions = scores.argmax(axis=1)
    if scores.shape[1] < 2:
        return predictions, np.full(len(scores), np.nan)
    runner_up, best = np.partition(scores, -2, axis=1)[:, -2:].T
    return predictions, best - np.where(np.isinf(runner_up), np.nan, runner_up)


def predict(name: str, e: ArrayLike, reference: Reference) -> NDArray[np.int64]:
    """Predicted classes (N,) of classifier `name` for output embeddings e (N, D).

    `reference` is the class centres (C, D) for `cos` and `euc`, the class embeddings (C, D) for `cos_ce` and `euc_ce`,
    and (weight (C, D), bias (C,)) for `argmax`. Raises InputError for an unknown name.
    """
    return decide(name, e, reference)[0]
