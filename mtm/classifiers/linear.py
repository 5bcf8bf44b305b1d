"""The largest output of a linear head: the paper's pure baseline."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mtm.classifiers.classifier import Classifier, Floats, Reference


def linear_scores(e: ArrayLike, reference: Reference) -> Floats:
    """(N, C): the logits e W' + b; the reference is (weight (C, D), bias (C,))."""
    weight, bias = reference  # type: ignore[misc, str-unpack]
    return np.asarray(e, np.float64) @ np.asarray(weight, np.float64).T + np.asarray(bias, np.float64)


ARGMAX = Classifier(
    linear_scores,
    reference="head",
    regions="linear",
    meaning="linear head",
    help="Largest output of the linear head",
    colour="#7c3aed",
    name_in_paper="pure",
    rank=2,
)
