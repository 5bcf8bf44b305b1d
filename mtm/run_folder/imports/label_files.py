"""Labels in a file of their own, for `mtm import --labels`: .npy, or text with one a line or in a column of several."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.class_names import spell
from mtm.run_folder.imports import identities, labels
from mtm.run_folder.imports.arrays import open_file, read_npy
from mtm.run_folder.imports.labels import as_numbers_or_text
from mtm.run_folder.imports.limits import LARGEST_TEXT, in_words
from mtm.run_folder.snapshots import Array

BINARY = (".npz", ".parquet", ".zip", ".tar", ".json", ".pkl", ".pickle", ".pt", ".mat", ".h5", ".xlsx", ".xls", ".ods")
DELIMITERS = "\t;,"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class LabelFile:
    """Labels (N,), as numbers or text; ids (N,) if a column has them; and what was ignored."""

    labels: Array
    ids: Array | None = None
    ids_name: str = "ids"
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def read_labels(path: Path, n: int) -> LabelFile:
    """The labels for n images. A first line that calls a column label (or labels, class, target, y) is a header.

    Raises InputError for a file of another kind or number of labels, and for a label that is missing, with its row.
    """
    if path.suffix.lower() == ".npy":
        return LabelFile(read_npy(path))
    if path.suffix.lower() in BINARY:
        raise InputError(f"cannot read labels from {path}; use .npy or text with one label a line (.txt, .csv, .tsv)")
    rows = _read_rows(path)
    try:
        return _of_one_column(path, rows, n) if max(map(len, rows)) == 1 else _of_a_table(path, rows)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read_rows(path: Path) -> list[list[str]]:
    """The rows of a text file, each a list of cells; empty lines at the end are none, an empty one between is [""]."""
    with open_file(path) as file:
        content = file.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise InputError(f"{path} has more than {in_words(LARGEST_TEXT)}, the most that a file of labels may have")
    text = _decode(path, content)
    first = text.partition("\n")[0]
    delimiter = next((d for part in (first, text) for d in DELIMITERS if d in part), ",")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [[cell.strip() for cell in row] or [""] for row in reader]
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as lines of labels: {error}") from None
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows:
        raise InputError(f"{path} is empty; it needs one label a line")
    return rows


def _decode(path: Path, content: bytes) -> str:
    """Text in UTF-8, or in UTF-16 or 32 with the mark that says so."""
    marks = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
             codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
    encoding = next((name for mark, name in marks.items() if content.startswith(mark)), "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        line = content[: getattr(error, "start", 0)].count(b"\n") + 1
        raise InputError(f"{path} is not text in UTF-8 (line {line}); save the labels as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path} is not text in UTF-8 (it holds zero bytes); save the labels as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _of_one_column(path: Path, rows: list[list[str]], n: int) -> LabelFile:
    cells = [row[0] for row in rows]
    if len(cells) == n + 1 and (_column_name(cells[0]) in labels.COLUMNS or _is_no_number_above_numbers(cells)):
        return LabelFile(_values(cells[1:]), ignored=(f"the first line of {path.name}, '{spell(cells[0])}': a header",))
    if len(cells) != n:
        hint = f"; if the first line is a header, call it {labels.COLUMNS[0]}" if len(cells) == n + 1 else ""
        raise InputError(f"labels have shape ({len(cells)},) for {n} embeddings; there is one for each{hint}")
    return LabelFile(_values(cells))


def _of_a_table(path: Path, rows: list[list[str]]) -> LabelFile:
    header, body = rows[0], rows[1:]
    names = [_column_name(cell) for cell in header]
    place = _label_column(header, names)
    for line, row in enumerate(body):
        if len(row) != len(header):
            raise InputError(f"row {line} has {len(row)} cells, the first line has {len(header)}")
    ids = next((names.index(name) for name in identities.COLUMNS if name in names), None)
    others = [spell(cell) for k, cell in enumerate(header) if k not in (place, ids)]
    return LabelFile(
        _values([row[place] for row in body]),
        None if ids is None else _ids([row[ids] for row in body]),
        "ids" if ids is None else header[ids],
        (f"Labels are column '{spell(header[place])}' of {path.name}",),
        (f"columns of {path.name} that are no labels: {', '.join(others)}",) if others else (),
    )


def _label_column(header: list[str], names: list[str]) -> int:
    known = [k for k, name in enumerate(names) if name in labels.COLUMNS]
    if labels.COLUMNS[0] in names:
        known = [k for k in known if names[k] == labels.COLUMNS[0]]
    if len(known) == 1:
        return known[0]
    cells = ", ".join(f"'{spell(cell)}'" for cell in header[:8])
    if known:
        raise InputError(f"several columns may be the labels ({cells}); call one of them label")
    raise InputError(
        f"it has {len(header)} columns, and its first line ({cells}) calls none of them label; add such a line, or put "
        "names that hold a comma, a semicolon or a tab in quotes"
    )


def _column_name(cell: str) -> str:
    """The name of a column as it is compared: '# Label' is 'label'."""
    return spell(cell).lstrip("# ").casefold()


def _is_no_number_above_numbers(cells: list[str]) -> bool:
    return not NUMBER.fullmatch(cells[0]) and all(NUMBER.fullmatch(cell) for cell in cells[1:])


def _values(cells: list[str]) -> Array:
    """Labels as numbers if all are whole numbers, else as text; the row of one that is missing or does not fit."""
    for row, cell in enumerate(cells):
        if not cell:
            raise InputError(f"the label in row {row} is missing (an empty line or cell)")
    numbers = [NUMBER.fullmatch(cell) is not None for cell in cells]
    if not any(numbers):
        return np.array(cells)
    if not all(numbers):
        number, word = cells[numbers.index(True)], cells[numbers.index(False)]
        if word.casefold() in labels.MISSING:
            raise InputError(f"the label in row {numbers.index(False)} is missing ('{word}')")
        raise InputError(f"the labels mix numbers ({number}) and names ('{word}'); use one of the two")
    return as_numbers_or_text(np.array([float(cell) for cell in cells]))


def _ids(cells: list[str]) -> Array:
    is_numbers = all(re.fullmatch(r"[+-]?[0-9]{1,18}", cell) for cell in cells)
    return np.array([int(cell) for cell in cells]) if is_numbers and cells else np.array(cells)
