"""A snapshot: the embedding space at one step of training, with everything measured on it.

`measure` is the one place where classifiers and geometry meet; training, `run.log` and `mtm import` all call it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtm import geometry
from mtm.classifiers import CLASSIFIERS, Reference, decide
from mtm.errors import InputError
from mtm.text import printable

Array = NDArray[Any]

MEASURES = ("cluster_size", "centre_distance", "mean_centre_separation", "median_cosine_similarity")  # of every row
PER_CLASS = tuple(f"{name}_per_class" for name in ("cluster_size", "centre_distance"))  # (C,)
PER_CLASS += tuple(f"target_{name}_per_class" for name in ("distance", "separation", "gap"))  # with class embeddings
LARGEST = np.finfo(np.float32).max
FLOAT16_ROUNDING = 0.01  # share of the spread by which float16 may move embeddings


@dataclass(frozen=True)
class Points:
    """What stays the same over a run: the recorded images."""

    labels: Array  # (N,)
    indices: Array  # (N,) position of each image in its data set's test split
    class_names: tuple[str, ...]  # C names
    thumbnails: Array | None = None  # (N, h, w[, 3]) uint8

    def __post_init__(self) -> None:
        """Names that no file, page or terminal could hold are written out: they may be any program's."""
        object.__setattr__(self, "class_names", tuple(printable(str(name)) for name in self.class_names))

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def are_the_images_of(self, other: Points) -> bool:
        """Whether these are the same images in the same order (thumbnails are not looked at)."""
        same = np.array_equal(self.labels, other.labels) and np.array_equal(self.indices, other.indices)
        return same and self.class_names == other.class_names


@dataclass(frozen=True)
class Snapshot:
    """Output and class embeddings at one epoch (0 is the untrained model), and what the classifiers make of them."""

    index: int  # 0, 1, 2, ... within its run
    epoch: float
    points: Points
    embeddings: Array  # (N, D)
    class_embeddings: Array | None  # (C, D); None with a linear head
    head: tuple[Array, Array] | None  # weight (C, D), bias (C,) of a linear head
    reference_centres: Array  # (C, D) class centres of training images: what `cos` and `euc` classify with
    predictions: dict[str, Array]  # per classifier (N,)
    margins: dict[str, Array]  # per classifier (N,)
    target_distances: Array | None  # (N,) distance to the own class embedding
    centre_distances: Array  # (N,) distance to the own class centre of the recorded images
    metrics: dict[str, Any] = field(default_factory=dict)

    @property
    def references(self) -> dict[str, Reference]:
        """Per classifier of this model, what it measures to."""
        return references(self.reference_centres, self.class_embeddings, self.head)


def references(
    centres: Array, class_embeddings: Array | None = None, head: tuple[Array, Array] | None = None
) -> dict[str, Reference]:
    """Per classifier that the model has, its reference; without class embeddings or a head, none that takes them."""
    given: dict[str, Reference | None] = {"centres": centres, "class_embeddings": class_embeddings, "head": head}
    by_classifier = {name: given[classifier.reference] for name, classifier in CLASSIFIERS.items()}
    return {name: reference for name, reference in by_classifier.items() if reference is not None}


def classify(e: ArrayLike, references: dict[str, Reference]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Predictions and margins (N,) of output embeddings e (N, D) under each classifier."""
    decisions = {name: decide(name, e, reference) for name, reference in references.items()}
    predictions = {name: chosen.astype(np.int32) for name, (chosen, _) in decisions.items()}
    margins = {name: np.minimum(margin, LARGEST).astype(np.float32) for name, (_, margin) in decisions.items()}
    return predictions, margins


def accuracies(predictions: dict[str, Array], y: Array, mask: Array | None = None) -> dict[str, float]:
    """Per classifier the share of right predictions, over the images in `mask` (all by default)."""
    mask = np.ones(len(y), dtype=bool) if mask is None else mask
    right = {name: (predicted == y)[mask] for name, predicted in predictions.items()}
    return {name: float(r.mean()) if len(r) else float("nan") for name, r in right.items()}


def measure(e: Array, y: Array, class_embeddings: Array | None, n_classes: int) -> dict[str, Any]:
    """Every measure of the space, as a row of `metrics.jsonl` names them.

    e (N, D) and y (N,) are the images measured on; sigma, rho and the separation use the class centres of these.
    """
    g = geometry.class_centres(e, y, n_classes)
    row: dict[str, Any] = {
        "cluster_size": geometry.cluster_size(e, y, g),
        "centre_distance": geometry.centre_distance(g),
        "mean_centre_separation": geometry.mean_centre_separation(g),
        "median_cosine_similarity": geometry.median_cosine_similarity(e, y, g),
        "cluster_size_per_class": geometry.cluster_sizes(e, y, g),
        "centre_distance_per_class": geometry.centre_distances(g),
    }
    if class_embeddings is not None:
        origin, gaps = geometry.global_centre(g), geometry.gaps(class_embeddings, g)
        row |= {
            "target_distance": geometry.centre_distance(class_embeddings, origin),
            "target_separation": geometry.mean_centre_separation(class_embeddings),
            "target_gap": geometry.mean(gaps),
            "target_distance_per_class": geometry.centre_distances(class_embeddings, origin),
            "target_separation_per_class": geometry.nearest_separations(class_embeddings),
            "target_gap_per_class": gaps,
        }
    return row


def make_snapshot(
    index: int,
    epoch: float,
    points: Points,
    e: Array,
    class_embeddings: Array | None,
    head: tuple[Array, Array] | None,
    centres: Array,
    metrics: dict[str, Any],
) -> Snapshot:
    """A snapshot of the recorded images' embeddings e (N, D): decisions, margins and distances are filled in here."""
    predictions, margins = classify(e, references(centres, class_embeddings, head))
    y = points.labels
    g = geometry.class_centres(e, y, points.n_classes)
    targets = None if class_embeddings is None else geometry.own_distances(e, y, class_embeddings).astype(np.float32)
    distances = geometry.own_distances(e, y, g).astype(np.float32)
    return Snapshot(
        index, epoch, points, e, class_embeddings, head, centres, predictions, margins, targets, distances, metrics
    )


def to_arrays(snapshot: Snapshot) -> tuple[dict[str, Array], dict[str, Any]]:
    """What a snapshot's file holds: named arrays, and the header (epoch, classifiers, its row of metrics)."""
    arrays = {
        "embeddings": compact(snapshot.embeddings, snapshot.points.labels),
        "reference_centres": snapshot.reference_centres.astype(np.float32),
        "centre_distances": snapshot.centre_distances,
    }
    if snapshot.class_embeddings is not None:
        arrays["class_embeddings"] = snapshot.class_embeddings.astype(np.float32)
    if snapshot.target_distances is not None:
        arrays["target_distances"] = snapshot.target_distances
    if snapshot.head is not None:
        arrays["weight"], arrays["bias"] = (array.astype(np.float32) for array in snapshot.head)
    for name, predicted in snapshot.predictions.items():
        arrays[f"predictions.{name}"], arrays[f"margins.{name}"] = predicted, snapshot.margins[name]
    row = {**snapshot.metrics, "snapshot": snapshot.index, "epoch": snapshot.epoch}
    return arrays, {"epoch": snapshot.epoch, "classifiers": list(snapshot.predictions), "metrics": row}


def from_arrays(index: int, points: Points, arrays: dict[str, Array], header: dict[str, Any]) -> Snapshot:
    """The inverse of `to_arrays`; decisions of classifiers that are not registered here are left out.

    Raises KeyError for a missing array, InputError for decisions for classes that there are not, and without a class
    centre (those of classes held out of training are NaN).
    """
    if np.isnan(arrays["reference_centres"]).any(axis=1).all():
        raise InputError("no class has a class centre")
    classifiers = [name for name in header["classifiers"] if name in CLASSIFIERS]
    for name in classifiers:
        predicted = arrays[f"predictions.{name}"]
        if predicted.size and not 0 <= predicted.min() <= predicted.max() < points.n_classes:
            raise InputError(
                f"{name} decides for classes {predicted.min()} to {predicted.max()}, there are {points.n_classes}"
            )
    return Snapshot(
        index=index,
        epoch=float(header["epoch"]),
        points=points,
        embeddings=arrays["embeddings"],
        class_embeddings=arrays.get("class_embeddings"),
        head=(arrays["weight"], arrays["bias"]) if "weight" in arrays else None,
        reference_centres=arrays["reference_centres"],
        predictions={name: arrays[f"predictions.{name}"] for name in classifiers},
        margins={name: arrays[f"margins.{name}"] for name in classifiers},
        target_distances=arrays.get("target_distances"),
        centre_distances=arrays["centre_distances"],
        metrics=header["metrics"],
    )


def describe_misfit(
    arrays: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], classifiers: Sequence[str], n: int, n_classes: int
) -> str | None:
    """What is wrong with the arrays of a snapshot file, by name their dtype and shape, for n images of n_classes
    classes; None if nothing is."""
    d = arrays["embeddings"][1][-1:] if "embeddings" in arrays else ()  # (D,)
    always = {"embeddings": (n, *d), "reference_centres": (n_classes, *d), "centre_distances": (n,)}
    always |= {f"{kind}.{name}": (n,) for kind in ("predictions", "margins") for name in classifiers}
    perhaps = {"class_embeddings": (n_classes, *d), "weight": (n_classes, *d), "bias": (n_classes,)}
    perhaps |= {"target_distances": (n,)}
    if "weight" in arrays:  # a linear head has both
        always["bias"] = perhaps["bias"]
    for name, shape in (always | {name: perhaps[name] for name in perhaps if name in arrays}).items():
        if name not in arrays:
            return f"it has no '{name}'"
        dtype, stored = arrays[name]
        if stored != shape:
            return f"{name} has shape {stored}, for {n} images of {n_classes} classes it is {shape}"
        kinds, meaning = ("iu", "whole numbers") if name.startswith("predictions.") else ("f", "floating-point numbers")
        if dtype.kind not in kinds:
            return f"{name} are {dtype}, not {meaning}"
    return "embeddings have no dimensions" if d == (0,) else None


def compact(e: Array, y: Array) -> Array:
    """e (N, D) as float16, or as float32 where float16 overflows or rounding moves it by over 1 % of its spread.

    The spread is the root mean square distance to the own class centre: what a picture of the clusters has to show.
    """
    e = np.asarray(e, dtype=np.float32)
    with np.errstate(over="ignore"):
        small = e.astype(np.float16)
    if not np.isfinite(small).all():
        return e
    rounding = np.square(small.astype(np.float32) - e, dtype=np.float32).sum(dtype=np.float64)
    own_centres = geometry.class_centres(e, y, int(y.max()) + 1)[y].astype(np.float32)
    spread = np.square(e - own_centres).sum(dtype=np.float64)
    return small if np.sqrt(rounding) <= FLOAT16_ROUNDING * np.sqrt(spread) else e
