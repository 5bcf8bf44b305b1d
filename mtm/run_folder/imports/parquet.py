"""Embeddings from a .parquet file, a row an image (and epoch)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.class_names import spell
from mtm.run_folder.imports.arrays import open_file
from mtm.run_folder.imports.columns import Roles, assign_roles
from mtm.run_folder.imports.contents import Contents
from mtm.run_folder.imports.labels import as_numbers_or_text
from mtm.run_folder.imports.limits import check_fits_memory
from mtm.run_folder.snapshots import Array

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

BYTES = 8  # of a number in memory


def read_parquet(path: Path, columns: str | None = None, has_labels: bool = False) -> Contents:
    """The contents of a .parquet file; only the columns that are used are read.

    `columns` chooses the dimensions; with `has_labels` the labels come from elsewhere. Raises InputError.
    """
    import pyarrow  # 0.1 s, and only this reader needs it
    import pyarrow.parquet

    with open_file(path) as file:
        try:
            parquet = pyarrow.parquet.ParquetFile(file)
            schema = parquet.schema_arrow
        except Exception as error:  # pyarrow has several kinds for a damaged file
            raise InputError(f"{path} is damaged or not a parquet file") from error
        try:
            roles = assign_roles(schema, columns)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        if roles.label is None and not has_labels:
            raise InputError(
                f"{path} has no column 'label' (or labels, class, target, y); it has {', '.join(schema.names)}"
            )
        if parquet.metadata.num_rows == 0:
            shape = (0, len(roles.dimensions))
            raise InputError(f"{path}: embeddings has shape {shape}; it is empty")
        used = [name for name in (*roles.dimensions, roles.label, roles.epoch, roles.ids) if name is not None]
        check_fits_memory(path, path.stat().st_size, _size_in_memory(parquet.metadata, {*used}))
        try:
            table = parquet.read(columns=used)
        except (OSError, ValueError, pyarrow.ArrowException) as error:
            raise InputError(f"{path} is damaged or not a parquet file") from error
    return _contents(path, table, roles, has_labels)


def _size_in_memory(metadata: Any, used: set[str]) -> int:
    """Bytes that columns need, from what the file says of them."""
    total = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema.split(".")[0] in used or column.path_in_schema in used:
                total += max(column.total_uncompressed_size, BYTES * column.num_values)
    return total


def _contents(path: Path, table: pyarrow.Table, roles: Roles, has_labels: bool) -> Contents:
    if roles.are_vectors:
        e = _vectors(path, roles.dimensions[0], table[roles.dimensions[0]])
    else:
        e = np.stack([_numbers(path, name, table[name]) for name in roles.dimensions], axis=1)
    contents = Contents(str(path), e, notes=[roles.note], ignored=list(roles.ignored))
    if roles.label is not None and has_labels:
        contents.ignored.append(f"column {spell(roles.label)}: the labels come from --labels")
    elif roles.label is not None:
        try:
            contents.labels = as_numbers_or_text(_values(table[roles.label]))
        except InputError as error:
            raise InputError(f"{path}, column '{spell(roles.label)}': {error}") from None
    if roles.ids is not None:
        contents.ids, contents.ids_name = _values(table[roles.ids]), f"'{spell(roles.ids)}'"
    if roles.epoch is not None:
        _split_by_epoch(contents, _numbers(path, roles.epoch, table[roles.epoch]))
    return contents


def _split_by_epoch(contents: Contents, epoch: Array) -> None:
    """Make rows (T * N, ...) of several epochs to arrays (T, N, ...)."""
    source = contents.source
    if not np.isfinite(epoch).all():
        raise InputError(f"{source}: the epoch in row {np.argmin(np.isfinite(epoch))} is missing or no finite number")
    epochs, first, counts = np.unique(epoch, return_index=True, return_counts=True)
    for t, n in enumerate(counts):
        if n != counts[0]:
            raise InputError(
                f"{source}: epoch {epochs[t]:g} has {n} rows and epoch {epochs[0]:g} has {counts[0]}; every epoch "
                "needs the same images"
            )
    if (np.diff(first) < 0).any():
        contents.notes.append("Epochs were not in order in the file; snapshots are sorted by epoch")
    rows = np.argsort(epoch, kind="stable").reshape(len(epochs), -1)  # (T, N)
    contents.embeddings, contents.epochs = contents.embeddings[rows], epochs
    contents.labels = None if contents.labels is None else contents.labels[rows]
    contents.ids = None if contents.ids is None else contents.ids[rows]


def _values(column: Any) -> Array:
    """A column as an array: numbers, or Python's objects (text, None)."""
    import pyarrow.types

    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    is_plain = column.null_count == 0 and (
        pyarrow.types.is_integer(column.type)
        or pyarrow.types.is_floating(column.type)
        or pyarrow.types.is_boolean(column.type)
    )
    if is_plain:
        return np.asarray(column.to_numpy())
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist()
    return values


def _numbers(path: Path, name: str, column: Any) -> Array:
    try:
        return np.asarray(column.to_numpy(), dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{path}: column '{spell(name)}' must hold numbers") from None


def _vectors(path: Path, name: str, column: Any) -> Array:
    """Vectors (N, D) of a column of lists."""
    import pyarrow
    import pyarrow.compute

    where, column = f"{path}: column '{spell(name)}'", column.combine_chunks()
    column = pyarrow.concat_arrays(column.chunks) if isinstance(column, pyarrow.ChunkedArray) else column
    column = getattr(column, "storage", column)
    if column.null_count:
        raise InputError(f"{where} has no vector in row {column.is_valid().index(False).as_py()}")
    lengths = pyarrow.compute.list_value_length(column).to_numpy(zero_copy_only=False)
    if (lengths != lengths[0]).any():
        row = int(np.argmax(lengths != lengths[0]))
        raise InputError(
            f"{where} has vectors of another length in row {row} ({lengths[row]}) than in row 0 ({lengths[0]})"
        )
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float64).reshape(len(column), -1) if lengths[0] else np.empty((len(column), 0))
