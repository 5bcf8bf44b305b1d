"""Embeddings that other programs made: checking their arrays, and reading them from npz, npy and parquet files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mtm import geometry
from mtm.errors import InputError
from mtm.files import jsonable
from mtm.snapshots import Array, Points, Snapshot, accuracies, make_snapshot, measure

SUFFIXES = (".npz", ".npy", ".parquet")


@dataclass(frozen=True)
class Arrays:
    """What one moment of somebody else's training may consist of: NumPy arrays, tensors or lists."""

    embeddings: Any  # (N, D)
    labels: Any  # (N,)
    class_embeddings: Any = None  # (C, D)
    reference_centres: Any = None  # (C, D) class centres of training images
    weight: Any = None  # (C, D) of a linear head
    bias: Any = None  # (C,)
    indices: Any = None  # (N,)
    thumbnails: Any = None  # (N, h, w[, 3]) uint8


def foreign_snapshot(
    known: Points | None,
    class_names: Sequence[str] | None,
    index: int,
    epoch: float | None,
    arrays: Arrays,
    metrics: Mapping[str, object],
) -> Snapshot:
    """A snapshot from checked arrays; `known` are the run's images, None for its first snapshot.

    Raises InputError for arrays that do not fit each other or the run, or hold NaN.
    """
    e = _floats("embeddings", arrays.embeddings, 2)
    y = _labels(arrays.labels, len(e))
    given = {name: getattr(arrays, name) for name in ("class_embeddings", "weight", "reference_centres")}
    per_class = {name: _floats(name, array, 2) for name, array in given.items() if array is not None}
    if known is None:
        points = _points(class_names, y, max((len(array) for array in per_class.values()), default=0), arrays)
    elif np.array_equal(y, known.labels):
        points = known
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
    centres, judged = per_class.get("reference_centres"), np.ones(len(y), dtype=bool)
    if centres is None:
        judged = ~first_half(y)
        centres = geometry.class_centres(e[~judged], y[~judged], shape[0]).astype(np.float32)
    snapshot = make_snapshot(index, float(index if epoch is None else epoch), points, e, c, head, centres, {})
    row = {
        "loss": None,
        "n": len(y),
        "split": "recorded",
        "accuracy": accuracies(snapshot.predictions, y, judged),
        "accuracy_n": int(judged.sum()),
    }
    return replace(snapshot, metrics=row | measure(e, y, c, shape[0]) | jsonable(metrics))


def first_half(y: Array) -> Array:
    """A fixed half of each class, as a mask (N,): every other of its images, the odd one included.

    Centres taken from it can judge the other half honestly when there are no training images.
    """
    half = np.zeros(len(y), dtype=bool)
    for k in np.unique(y):
        half[np.flatnonzero(y == k)[::2]] = True
    return half


def read_embeddings(
    path: Path, labels: Path | None = None
) -> tuple[list[float], list[dict[str, Array]], list[str] | None]:
    """Epochs, per epoch the arrays for `Run.log`, and class names, from an .npz, .npy or .parquet file.

    npz: `embeddings` (N, D) or (T, N, D) and `labels` (N,); optional `class_embeddings` and `reference_centres` (C, D)
    or (T, C, D), `epochs` (T,), `indices` (N,), `thumbnails` (N, h, w[, 3]) uint8, `class_names` (C,).
    npy: the embeddings, with the labels in a second file (.npy, or text with one label a line).
    parquet: a column `label`, and either a list column `embedding` or one numeric column a dimension; optional `epoch`.
    """
    readers = {".npz": _read_npz, ".npy": _read_npy, ".parquet": _read_parquet}
    if path.suffix not in readers:
        raise InputError(f"{path}: cannot import '{path.suffix}' files; use {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        arrays = readers[path.suffix](path)
    except (OSError, ValueError, EOFError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged or not a {path.suffix[1:]} file of plain arrays") from error
    if labels is not None:
        arrays["labels"] = read_labels(labels)
    for name in ("embeddings", "labels"):
        if name not in arrays:
            hint = "give their file with --labels" if name == "labels" else f"it has {', '.join(arrays) or 'none'}"
            raise InputError(f"{path} has no array '{name}'; {hint}")
    names = [str(name) for name in arrays.pop("class_names")] if "class_names" in arrays else None
    y = np.asarray(arrays.pop("labels"))
    if y.dtype.kind in "US":
        found, y = np.unique(y, return_inverse=True)
        names = [str(name) for name in found]
    e = np.asarray(arrays.pop("embeddings"))
    steps = e if e.ndim == 3 else e[None]
    epochs = np.asarray(arrays.pop("epochs", np.arange(len(steps))), dtype=float).reshape(-1)
    if len(epochs) != len(steps):
        raise InputError(f"{path}: {len(epochs)} epochs for {len(steps)} snapshots; there is one for each")
    moving = {name: arrays.pop(name) for name in ("class_embeddings", "reference_centres") if name in arrays}
    fixed = {name: arrays.pop(name) for name in ("indices", "thumbnails") if name in arrays}
    if arrays:
        raise InputError(f"{path}: unknown array '{next(iter(arrays))}'; `mtm import --help` lists what is read")
    rows = []
    for t, step in enumerate(steps):
        row = {"embeddings": step, "labels": y} | (fixed if t == 0 else {})
        rows.append(row | {name: array[t] if array.ndim == 3 else array for name, array in moving.items()})
    return epochs.tolist(), rows, names


def read_labels(path: Path) -> Array:
    """Labels (N,) from an .npy file, or from text with one label a line."""
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot read labels from {path}; use .npy or text with one label a line") from error
    return np.array([int(line) for line in lines] if all(line.lstrip("-").isdigit() for line in lines) else lines)


def _read_npz(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _read_npy(path: Path) -> dict[str, Array]:
    return {"embeddings": np.load(path, allow_pickle=False)}


def _read_parquet(path: Path) -> dict[str, Array]:
    import pyarrow.parquet  # 0.1 s, and only this reader needs it

    table = pyarrow.parquet.read_table(path)
    if "label" not in table.column_names:
        raise InputError(f"{path} has no column 'label'; it has {', '.join(table.column_names)}")
    y = np.array(table["label"].to_pylist())
    if "embedding" in table.column_names:
        vectors = table["embedding"].to_pylist()
        if len({len(v) for v in vectors}) != 1:
            raise InputError(f"{path}: the vectors of column 'embedding' differ in length")
        e = np.array(vectors, dtype=np.float32)
    else:
        columns = [name for name in table.column_names if name not in ("label", "epoch")]
        e = np.stack([table[name].to_numpy().astype(np.float32) for name in columns], axis=1)
    if "epoch" not in table.column_names:
        return {"embeddings": e, "labels": y}
    epoch = table["epoch"].to_numpy()
    epochs = np.unique(epoch)
    blocks = [np.flatnonzero(epoch == t) for t in epochs]
    if any(len(rows) != len(blocks[0]) or (y[rows] != y[blocks[0]]).any() for rows in blocks):
        raise InputError(f"{path}: every epoch needs the same images (labels) in the same order")
    return {"embeddings": np.stack([e[rows] for rows in blocks]), "labels": y[blocks[0]], "epochs": epochs}


def _points(names: Sequence[str] | None, y: Array, n_classes: int, arrays: Arrays) -> Points:
    if names is None:
        names = [str(k) for k in range(max(int(y.max()) + 1, n_classes))]
    indices = np.arange(len(y)) if arrays.indices is None else np.asarray(arrays.indices, dtype=np.int64)
    images = None if arrays.thumbnails is None else np.asarray(arrays.thumbnails)
    if images is not None and (images.dtype != np.uint8 or images.ndim not in (3, 4)):
        raise InputError(f"thumbnails are (N, h, w) or (N, h, w, 3) uint8, not {images.shape} {images.dtype}")
    for name, array in (("indices", indices), ("thumbnails", images)):
        if array is not None and len(array) != len(y):
            raise InputError(f"{len(array)} {name} for {len(y)} embeddings; there is one for each")
    return Points(y, indices, tuple(names), images)


def _floats(name: str, values: Any, n_axes: int) -> Array:
    """`values` as float32 with `n_axes` axes; tensors of other libraries come through `numpy()` or `__array__`."""
    if hasattr(values, "detach"):  # a torch tensor, perhaps on a GPU and with a gradient
        values = values.detach().cpu().float()
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers in {n_axes} axes of one length each") from None
    if array.ndim != n_axes or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}; it needs {n_axes} axes, none of them empty")
    bad = ~np.isfinite(array).reshape(len(array), -1).all(axis=1)
    if bad.any():
        raise InputError(
            f"{name} holds NaN or infinity in {bad.sum()} of {len(array)} rows, first in row {bad.argmax()}"
        )
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
        y = y.astype(np.int64)
    if y.dtype.kind not in "iu":
        raise InputError(f"labels must be whole numbers from 0, not {y.dtype}")
    if y.min() < 0:
        raise InputError(f"labels go down to {y.min()}; they count from 0")
    return y.astype(np.int64)
