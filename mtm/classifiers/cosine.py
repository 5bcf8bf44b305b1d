"""The point in the most similar direction: lengths do not matter (equation 10 of the paper)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mtm.classifiers.classifier import Classifier, Floats, Reference
from mtm.geometry import unit


def cosine_scores(e: ArrayLike, reference: Reference) -> Floats:
    """(N, C): the cosine between each output embedding and each reference point."""
    return unit(np.asarray(e, np.float64)) @ unit(np.asarray(reference, np.float64)).T


COS = Classifier(
    cosine_scores,
    reference="centres",
    regions="cosine",
    meaning="class centre of least angle",
    help="Nearest class centre by cosine",
    colour="#0f766e",
    rank=5,
)
COS_CE = Classifier(
    cosine_scores,
    reference="class_embeddings",
    regions="cosine",
    meaning="target of least angle",
    help="Nearest class target by cosine",
    colour="#14b8a6",
    rank=3,
)
