"""Reading embeddings of other programs from .npz, .npy and .parquet files, for `mtm import`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mtm.errors import InputError
from mtm.run_folder import archive
from mtm.run_folder.external import Arrays, external_snapshot
from mtm.run_folder.files import decode_strings, read_npz
from mtm.run_folder.snapshots import Array, Points
from mtm.runs import Run


def import_run(path: Path, folder: Path, labels: Path | None = None) -> Run:
    """Make the run `folder` of the embeddings in a file; everything is checked before anything is written.

    A .zip or .tar is a whole run that was exported (mtm.run_folder.archive). Raises InputError for a file or a folder
    that cannot be used.
    """
    if path.suffix.lower() in archive.ENDINGS:
        if labels is not None:
            raise InputError(f"{path} is a whole run and has its labels; leave out --labels")
        return archive.import_archive(path, folder)
    epochs, arrays_by_epoch, names = read_embeddings(path, labels)
    run_points: Points | None = None
    snapshots = []
    for index, (epoch, arrays) in enumerate(zip(epochs, arrays_by_epoch, strict=True)):
        snapshot = external_snapshot(run_points, names, index, epoch, arrays, {})
        run_points = snapshot.points
        snapshots.append(snapshot)
    run = Run.create(folder, class_names=names, notes={"imported": path.name})
    for snapshot in snapshots:
        run.record(snapshot)
    run.finish()
    return run


def read_embeddings(path: Path, labels: Path | None = None) -> tuple[list[float], list[Arrays], list[str] | None]:
    """Epochs, per epoch the arrays for `Run.log`, and class names, from an .npz, .npy or .parquet file.

    npz: `embeddings` (N, D) or (T, N, D) and `labels` (N,); optional `class_embeddings` and `reference_centres` (C, D)
    or (T, C, D), `epochs` (T,), `indices` (N,), `thumbnails` (N, h, w[, 3]) uint8, `class_names` (C,).
    npy: the embeddings, with the labels in a second file (.npy, or text with one label a line).
    parquet: a column `label`, and either a list column `embedding` or one numeric column a dimension; optional `epoch`.
    Raises InputError for a file that is none of these.
    """
    readers = {".npz": read_npz, ".npy": _read_npy, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: cannot import '{path.suffix}' files; use {', '.join((*readers, *archive.ENDINGS))}")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    contents = readers[path.suffix.lower()](path)
    if labels is not None:
        contents["labels"] = read_labels(labels)
    for name in ("embeddings", "labels"):
        if name not in contents:
            hint = "give their file with --labels" if name == "labels" else f"it has {', '.join(contents) or 'none'}"
            raise InputError(f"{path} has no array '{name}'; {hint}")
    names = decode_strings(contents.pop("class_names")) if "class_names" in contents else None
    y = np.asarray(contents.pop("labels"))
    if y.dtype.kind in "US":
        names, y = _numbered(decode_strings(y))
    e = np.asarray(contents.pop("embeddings"))
    steps = e if e.ndim == 3 else e[None]
    if not len(steps):
        raise InputError(f"{path} has no snapshots: embeddings has shape {e.shape}")
    epochs = _epochs(path, contents.pop("epochs", np.arange(len(steps))), len(steps))
    class_arrays = {name: contents.pop(name) for name in ("class_embeddings", "reference_centres") if name in contents}
    image_arrays = {name: contents.pop(name) for name in ("indices", "thumbnails") if name in contents}
    if contents:
        raise InputError(f"{path}: unknown array '{next(iter(contents))}'; `mtm import --help` lists what is read")
    for name, array in class_arrays.items():
        if array.ndim == 3 and len(array) != len(steps):
            raise InputError(
                f"{path}: {name} has shape {array.shape}, embeddings {e.shape}; the first axis is the same"
            )
    rows = []
    for t, step in enumerate(steps):
        arrays = {name: array[t] if array.ndim == 3 else array for name, array in class_arrays.items()}
        rows.append(Arrays(step, y, **arrays, **(image_arrays if t == 0 else {})))
    return epochs, rows, names


def read_labels(path: Path) -> Array:
    """Labels (N,), numbers or names, from an .npy file or from text with one label a line."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file of labels")
    if path.suffix.lower() == ".npy":
        return _read_npy(path)["embeddings"]
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise InputError(f"cannot read labels from {path}; use .npy or text with one label a line") from error
    lines = [line for line in lines if line]
    numbers = [line for line in lines if re.fullmatch(r"[+-]*\d+", line)]
    if len(numbers) < len(lines):
        if numbers:
            raise InputError(f"{path}: the labels mix numbers ({numbers[0]}) and names; use one of the two")
        return np.array(lines)
    try:
        return np.array([int(line) for line in lines])
    except ValueError as error:
        raise InputError(f"{path}: the labels are not whole numbers: {error}") from error


def _numbered(labels: list[str]) -> tuple[list[str], Array]:
    """Names of the classes in alphabetical order, and the labels as numbers into it."""
    names, y = np.unique(labels, return_inverse=True)
    return [str(name) for name in names], y


def _epochs(path: Path, values: Array, n: int) -> list[float]:
    try:
        epochs = np.asarray(values, dtype=float).reshape(-1)
    except (TypeError, ValueError):
        epochs = np.array([np.nan])
    if not np.isfinite(epochs).all():
        raise InputError(f"{path}: epochs must be numbers")
    if len(epochs) != n:
        raise InputError(f"{path}: {len(epochs)} epochs for {n} snapshots; there is one for each")
    return [float(epoch) for epoch in epochs]


def _read_npy(path: Path) -> dict[str, Array]:
    try:
        return {"embeddings": np.load(path, allow_pickle=False)}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} is damaged or not an .npy file of a plain array") from error


def _read_parquet(path: Path) -> dict[str, Array]:
    import pyarrow  # 0.1 s, and only this reader needs it
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise InputError(f"{path} is damaged or not a parquet file") from error
    if "label" not in table.column_names:
        raise InputError(f"{path} has no column 'label'; it has {', '.join(table.column_names)}")
    y = np.array(table["label"].to_pylist())
    if "embedding" in table.column_names:
        e = _vectors(path, table["embedding"].to_pylist())
    else:
        columns = [name for name in table.column_names if name not in ("label", "epoch")]
        if not columns:
            raise InputError(f"{path} has no embeddings: it needs a column 'embedding', or one column a dimension")
        e = np.stack([_numbers(path, name, table[name].to_pylist()) for name in columns], axis=1)
    if "epoch" not in table.column_names:
        return {"embeddings": e, "labels": y}
    epoch = _numbers(path, "epoch", table["epoch"].to_pylist())
    epochs = np.unique(epoch)
    blocks = [np.flatnonzero(epoch == t) for t in epochs]
    if any(len(rows) != len(blocks[0]) or (y[rows] != y[blocks[0]]).any() for rows in blocks):
        raise InputError(f"{path}: every epoch needs the same images (labels) in the same order")
    return {"embeddings": np.stack([e[rows] for rows in blocks]), "labels": y[blocks[0]], "epochs": epochs}


def _numbers(path: Path, column: str, values: list[object]) -> Array:
    try:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: column '{column}' must hold numbers") from None


def _vectors(path: Path, values: list[list[float] | None]) -> Array:
    if any(vector is None for vector in values):
        raise InputError(f"{path}: column 'embedding' has no vector in row {values.index(None)}")
    if len({len(vector) for vector in values if vector is not None}) != 1:
        raise InputError(f"{path}: the vectors of column 'embedding' differ in length")
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: column 'embedding' must hold lists of numbers") from None
