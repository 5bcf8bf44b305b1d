"""Embeddings that other programs made: from their arrays to a snapshot, with everything checked first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mtm import geometry
from mtm.errors import InputError
from mtm.run_folder.files import jsonable
from mtm.run_folder.snapshots import MEASURES, Array, Points, Snapshot, accuracies, make_snapshot, measure

LARGEST_LABEL = 2**31  # more classes than anybody has
MEASURED = {"accuracy", "snapshot", "epoch", "n", "split", *MEASURES}  # names of a row that a user cannot give


@dataclass(frozen=True)
class Arrays:
    """One snapshot of somebody else's training: NumPy arrays, tensors or lists."""

    embeddings: Any  # (N, D)
    labels: Any  # (N,)
    class_embeddings: Any = None  # (C, D)
    reference_centres: Any = None  # (C, D) class centres of training images
    weight: Any = None  # (C, D) of a linear head
    bias: Any = None  # (C,)
    indices: Any = None  # (N,)
    thumbnails: Any = None  # (N, h, w[, 3]) uint8


def external_snapshot(
    run_points: Points | None,
    class_names: Sequence[str] | None,
    index: int,
    epoch: float,
    arrays: Arrays,
    metrics: Mapping[str, object],
    dim: int | None = None,
) -> Snapshot:
    """A snapshot from checked arrays; `run_points` and `dim` are the run's images and D, None for its first snapshot.

    Raises InputError for arrays that do not fit each other or the run, or hold NaN.
    """
    e = _floats("embeddings", arrays.embeddings, 2)
    y = _labels(arrays.labels, len(e))
    if dim is not None and e.shape[1] != dim:
        raise InputError(f"embeddings have {e.shape[1]} dimensions, those of the first snapshot have {dim}")
    given = {name: getattr(arrays, name) for name in ("class_embeddings", "weight", "reference_centres")}
    per_class = {
        name: _floats(name, array, 2, absent_rows=name == "reference_centres")
        for name, array in given.items()
        if array is not None
    }
    if arrays.bias is not None and arrays.weight is None:
        raise InputError("bias was given without weight; a linear head has both")
    for name in MEASURED & set(metrics):
        raise InputError(f"{name} is measured by mtm and cannot be given; call yours my_{name}")
    row = {name: _measure(name, value) for name, value in metrics.items()}
    if run_points is None:
        points = _points(class_names, y, max((len(array) for array in per_class.values()), default=0), arrays)
    elif np.array_equal(y, run_points.labels):
        points = run_points
    else:
        raise InputError("labels differ from those of the first snapshot; log the same images in the same order")
    shape = (points.n_classes, e.shape[1])
    if y.max() >= points.n_classes:
        raise InputError(f"labels go up to {y.max()}, there are {points.n_classes} classes; labels count from 0")
    for name, array in per_class.items():
        if array.shape != shape:
            raise InputError(f"{name} has shape {array.shape}; with these embeddings and classes it is {shape}")
    c, w = per_class.get("class_embeddings"), per_class.get("weight")
    head = None if w is None else (w, _bias(arrays.bias, len(w)))
    centres, is_judged = per_class.get("reference_centres"), np.ones(len(y), dtype=bool)
    if centres is None:
        is_judged = ~alternating_half(y)
        centres = geometry.class_centres(e[~is_judged], y[~is_judged], shape[0]).astype(np.float32)
    snapshot = make_snapshot(index, _epoch(epoch), points, e, c, head, centres, {})
    measures = {
        "loss": None,
        "n": len(y),
        "split": "recorded",
        "accuracy": accuracies(snapshot.predictions, y, is_judged),
        "accuracy_n": int(is_judged.sum()),
    }
    return replace(snapshot, metrics=measures | measure(e, y, c, shape[0]) | row)


def alternating_half(y: Array) -> Array:
    """A fixed half of each class, as a mask (N,): every other of its images, the odd one included.

    Centres taken from it can judge the other half honestly when there are no training images.
    """
    half = np.zeros(len(y), dtype=bool)
    for k in np.unique(y):
        half[np.flatnonzero(y == k)[::2]] = True
    return half


def _points(names: Sequence[str] | None, y: Array, n_classes: int, arrays: Arrays) -> Points:
    if names is None and y.max() >= max(1000, len(y)):
        raise InputError(f"labels go up to {y.max()}, more than there are images; they count classes from 0")
    if names is None:
        names = [str(k) for k in range(max(int(y.max()) + 1, n_classes))]
    indices = np.arange(len(y)) if arrays.indices is None else np.asarray(arrays.indices)
    if indices.dtype.kind not in "iu" or (len(indices) and indices.max() >= 2**63):
        raise InputError(f"indices must be whole numbers of 64 bits, not {indices.dtype}")
    images = None if arrays.thumbnails is None else np.asarray(arrays.thumbnails)
    if images is not None and (
        images.dtype != np.uint8 or not (images.ndim == 3 or images.shape[3:] == (3,)) or not images.size
    ):
        raise InputError(f"thumbnails are (N, h, w) or (N, h, w, 3) uint8, not {images.shape} {images.dtype}")
    for name, array in (("indices", indices), ("thumbnails", images)):
        if array is not None and len(array) != len(y):
            raise InputError(f"{len(array)} {name} for {len(y)} embeddings; there is one for each")
    return Points(y, indices.astype(np.int64), tuple(map(str, names)), images)


def _measure(name: str, value: object) -> Any:
    try:
        return jsonable(value)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _epoch(value: Any) -> float:
    try:
        epoch = float(value)
    except (TypeError, ValueError):
        epoch = math.nan
    if not math.isfinite(epoch):
        raise InputError(f"epoch must be a number, not {value!r}")
    return epoch


def _floats(name: str, values: Any, n_axes: int, absent_rows: bool = False) -> Array:
    """`values` as float32 with `n_axes` axes; with `absent_rows`, rows of NaN stand for classes without images."""
    given = _real_numbers(name, values, n_axes)
    with np.errstate(over="ignore"):
        array = given.astype(np.float32, copy=False)
    if array.ndim != n_axes or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}; it needs {n_axes} axes, none of them empty")
    rows = array.reshape(len(array), -1)
    bad = ~np.isfinite(rows).all(axis=1) & ~(absent_rows & np.isnan(rows).all(axis=1))
    if bad.any():
        first, n = bad.argmax(), f"in {bad.sum()} of {len(array)} rows, first in row {bad.argmax()}"
        if np.isfinite(given.reshape(rows.shape)[first].astype(np.float64)).all():
            raise InputError(f"{name} goes beyond the largest number of 32 bits, {np.finfo(np.float32).max:.2g}, {n}")
        raise InputError(f"{name} holds NaN or infinity {n}")
    return array


def _real_numbers(name: str, values: Any, n_axes: int) -> Array:
    """An array of real numbers as it is given. Raises InputError for any other: what is no number is not made one."""
    if hasattr(values, "detach"):  # a torch tensor, perhaps on a GPU and with a gradient
        values = values.detach().cpu()
        is_real = values.dtype.is_floating_point or not (values.dtype.is_complex or str(values.dtype) == "torch.bool")
        values = values.float().numpy() if values.dtype.is_floating_point and values.dtype.itemsize < 4 else values
        if not is_real:
            raise InputError(f"{name} must be numbers that are real, not {values.dtype}")
    try:
        array = np.asarray(values)
        if array.dtype.kind == "V" and array.dtype.names is None and not array.dtype.name.startswith("void"):
            array = array.astype(np.float32)  # bfloat16 and its like, of other packages
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers in {n_axes} axes of one length each") from None
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} must be numbers that are real, not {array.dtype}")
    return array


def _bias(values: Any, n: int) -> Array:
    bias = np.zeros(n, np.float32) if values is None else _floats("bias", values, 1)
    if len(bias) != n:
        raise InputError(f"bias has {len(bias)} values, weight has {n} rows; there is one of each for a class")
    return bias


def _labels(values: Any, n: int) -> Array:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    y = np.asarray(values)
    if y.shape != (n,):
        raise InputError(f"labels have shape {y.shape} for {n} embeddings; there is one for each")
    if y.dtype.kind == "f" and np.array_equal(y, np.round(y)):
        y = y.astype(np.int64) if np.abs(y).max() < LARGEST_LABEL else y
    if y.dtype.kind not in "iub":
        raise InputError(f"labels must be whole numbers from 0, not {y.dtype}")
    if y.min() < 0:
        raise InputError(f"labels go down to {y.min()}; they count from 0")
    if y.max() >= LARGEST_LABEL:
        raise InputError(f"labels go up to {y.max()}; they count classes from 0")
    return y.astype(np.int64)
