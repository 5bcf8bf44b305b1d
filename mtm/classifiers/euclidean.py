"""The nearest point (equation 11 of the paper)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mtm.classifiers.classifier import Classifier, Floats, Reference
from mtm.geometry import global_centre


def euclidean_scores(e: ArrayLike, reference: Reference) -> Floats:
    """(N, C): minus the distance between each output embedding and each reference point."""
    points = np.asarray(reference, np.float64)
    origin = global_centre(points)  # moving both there first, less cancels in the matrix product
    x, k = np.asarray(e, np.float64) - origin, points - origin
    d2 = (x**2).sum(axis=1)[:, None] + (k**2).sum(axis=1) - 2 * x @ k.T
    return -np.sqrt(np.maximum(d2, 0))


EUC = Classifier(
    euclidean_scores,
    reference="centres",
    regions="power",
    meaning="nearest class centre",
    help="Nearest class centre by distance",
    colour="#c2410c",
    rank=4,
)
EUC_CE = Classifier(
    euclidean_scores,
    reference="class_embeddings",
    regions="power",
    meaning="nearest target",
    help="Nearest class target by distance",
    colour="#f59e0b",
    rank=1,
)
