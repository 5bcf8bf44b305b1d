"""Which row is which image at every epoch: by ids or file names where there are any, else by the order of the rows."""

from __future__ import annotations

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.snapshots import Array

COLUMNS = ("id", "image", "file", "filename", "path", "index")  # names of columns that say which image a row is


def match_rows(source: str, ids: Array | None, name: str, n_steps: int, n: int) -> tuple[list[Array], str]:
    """For each of T snapshots the rows (N,) that put its images in the order of the file's first, and a sentence.

    `ids` are (N,) or (T, N), called `name` in the file. Raises InputError for ids that are missing, that stand twice or
    differ between epochs.
    """
    in_order = [np.arange(n)] * n_steps
    if ids is None:
        return in_order, "in the order of the file" if n_steps == 1 else "matched over the epochs by their order"
    if ids.shape not in ((n,), (n_steps, n)):
        raise InputError(f"{source}: {name} has shape {ids.shape}; it is ({n},) or ({n_steps}, {n}), as the embeddings")
    if ids.ndim == 1 or n_steps == 1:
        check_ids(source, name, ids.reshape(-1))
        return in_order, f"the same at every epoch, one for each {name}" if n_steps > 1 else f"one for each {name}"
    steps = [check_ids(source, name, each) for each in ids]
    lacking = "is not there at every epoch; every epoch has the same images"
    rows = [find_rows(steps[0], each, f"{source}: {name}", lacking) for each in steps]
    return rows, f"matched over the epochs by {name}"


def find_rows(wanted: Array, ids: Array, name: str, lacking: str) -> Array:
    """Where each of the ids `wanted` (N,) stands in `ids` (N,). Raises InputError, "name ID lacking", if not all do."""
    if wanted.dtype.kind != ids.dtype.kind:
        wanted, ids = wanted.astype(np.str_), ids.astype(np.str_)
    if len(differing := np.setxor1d(wanted, ids)):
        raise InputError(f"{name} {differing[0]} {lacking}")
    rows = np.empty(len(wanted), dtype=np.int64)
    rows[np.argsort(wanted)] = np.argsort(ids)
    return rows


def check_ids(source: str, name: str, values: Array) -> Array:
    """Ids (N,) as numbers or text. Raises InputError for one that is missing or stands twice."""
    missing = np.array([value is None or value != value or value == "" for value in values.tolist()], dtype=bool)
    if missing.any():
        raise InputError(f"{source}: {name} is missing in row {missing.argmax()}")
    if values.dtype.kind == "f" and np.array_equal(values, np.round(values)) and np.abs(values).max(initial=0) < 2**53:
        values = values.astype(np.int64)
    if values.dtype.kind in "OS":
        values = np.array([v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values.tolist()])
    if values.dtype.kind not in "iuU":
        raise InputError(f"{source}: {name} must be whole numbers or text, not {values.dtype}")
    ids, counts = np.unique(values, return_counts=True)
    if (counts > 1).any():
        twice = ids[counts.argmax()]
        one, other = np.flatnonzero(values == twice)[:2]
        raise InputError(
            f"{source}: {name} {twice} stands in rows {one} and {other} of one epoch; it is to say which image a row is"
        )
    return values
