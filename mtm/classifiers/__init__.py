"""The classifiers (section III-D of the paper): NumPy in, NumPy out.

    cos      nearest class centre by cosine (equation 10)         cos_ce   nearest class embedding by cosine
    euc      nearest class centre by distance (equation 11)       euc_ce   nearest class embedding by distance
    argmax   largest output of a linear head (the pure baseline)

The class centres that classify come from training images, never from the images being judged: in many dimensions the
centre of random points is nearest to exactly those points. A class whose reference is NaN is never chosen.
To add a classifier, write a module here and its line in CLASSIFIERS.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtm.classifiers.classifier import Classifier, Floats, Reference
from mtm.classifiers.cosine import COS, COS_CE
from mtm.classifiers.euclidean import EUC, EUC_CE
from mtm.classifiers.linear import ARGMAX
from mtm.errors import choose_from

__all__ = ["CLASSIFIERS", "PREFERRED", "Classifier", "Reference", "classifiers_of", "decide", "predict"]

MOST_SCORES = 4_000_000  # that are held at once

CLASSIFIERS: dict[str, Classifier] = {  # in the order of tables
    "cos": COS,
    "cos_ce": COS_CE,
    "euc": EUC,
    "euc_ce": EUC_CE,
    "argmax": ARGMAX,
}
PREFERRED = sorted(CLASSIFIERS, key=lambda name: CLASSIFIERS[name].rank)  # in the order of menus


def classifiers_of(head: Literal["targets", "linear"]) -> list[str]:
    """The classifiers that a model with this head has."""
    references = ("centres", "class_embeddings" if head == "targets" else "head")
    return [name for name, classifier in CLASSIFIERS.items() if classifier.reference in references]


def decide(name: str, e: ArrayLike, reference: Reference) -> tuple[NDArray[np.int64], Floats]:
    """Predicted classes (N,) and margins (N,) of classifier `name`.

    The margin is by how much the chosen class beats the runner-up, in the classifier's own unit: a difference of
    cosines, of distances or of logits. It is NaN where there is no runner-up.
    """
    if name not in CLASSIFIERS:
        raise choose_from("classifier", name, CLASSIFIERS)
    e = np.asarray(e)
    n_classes = len(np.asarray(reference[0] if isinstance(reference, tuple) else reference))
    size = max(1, MOST_SCORES // max(1, n_classes))
    parts = [_decide(CLASSIFIERS[name].scores(e[at : at + size], reference)) for at in range(0, max(1, len(e)), size)]
    predictions, margins = (np.concatenate(each) for each in zip(*parts, strict=True))
    return predictions, margins


def _decide(scores: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Classes and margins (N,) of scores (N, C)."""
    scores = np.where(np.isnan(scores), -np.inf, scores)
    predictions = scores.argmax(axis=1)
    if scores.shape[1] < 2:
        return predictions, np.full(len(scores), np.nan)
    runner_up, best = np.partition(scores, -2, axis=1)[:, -2:].T
    return predictions, best - np.where(np.isinf(runner_up), np.nan, runner_up)


def predict(name: str, e: ArrayLike, reference: Reference) -> NDArray[np.int64]:
    """Predicted classes (N,) of classifier `name` for output embeddings e (N, D).

    `reference` is what the classifier's `reference` says: class centres (C, D), class embeddings (C, D), or a linear
    head's (weight (C, D), bias (C,)). Raises InputError for an unknown name.
    """
    return decide(name, e, reference)[0]
