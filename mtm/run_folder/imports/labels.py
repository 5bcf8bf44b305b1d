"""Labels as numbers of classes, whatever they are in the file: numbers, words, or true and false."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.class_names import check_class_names, number_labels, spell
from mtm.run_folder.external import LARGEST_LABEL
from mtm.run_folder.files import decode_strings
from mtm.run_folder.snapshots import Array

COLUMNS = ("label", "labels", "class", "target", "y")  # names of columns of labels; the first wins, else there is one
MISSING = {"", "nan", "none", "null", "<na>", "nat"}  # what programs write where there is no label


def number_classes(
    labels: Array, class_names: Sequence[str] | None, per_class: Sequence[str]
) -> tuple[list[str] | None, Array, list[str]]:
    """Names of the classes (None: they are called by their numbers), labels (N,) as numbers, and notes.

    Own `class_names` give the order. Without, words and numerals as text are in natural order; but then nothing says
    which class each row of arrays `per_class` belongs to, unless the words are numerals. Raises InputError.
    """
    if labels.dtype.kind == "b":
        names = ["false", "true"] if class_names is None else check_class_names(class_names)
        return names, labels.astype(np.int64), ["Labels are true and false: class 0 is false, class 1 is true"]
    if labels.dtype.kind != "U":
        return None if class_names is None else check_class_names(class_names), labels, []
    words = labels.tolist()
    _check_none_is_missing(words, class_names)
    is_numeral = all(re.fullmatch("[0-9]+", spell(word)) for word in set(words))
    if class_names is None and per_class and not is_numeral:
        raise InputError(
            f"labels are words, so nothing says which class a row of {per_class[0]} belongs to; add class_names (C,), "
            "the names in the order of those rows"
        )
    names, numbers = number_labels(words, class_names)
    given = "that of class_names" if class_names is not None else "that of their numbers" if is_numeral else "natural"
    return names, np.array(numbers, dtype=np.int64), [f"Labels are text; the order of the classes is {given}"]


def as_numbers_or_text(labels: Array) -> Array:
    """Labels (N,) as int64, bool or text. Raises InputError with the row for one that is missing or of another kind."""
    kind = labels.dtype.kind
    if kind == "O":
        return _from_objects(labels.tolist())
    if kind in "US":
        return np.array(decode_strings(labels), dtype=np.str_)
    if kind == "f":
        missing = np.isnan(labels)
        if missing.any():
            raise InputError(f"the label in row {missing.argmax()} is missing")
        odd = ~np.isfinite(labels) | (labels != np.round(labels))
        if odd.any():
            raise InputError(
                f"labels must be whole numbers or words; the one in row {odd.argmax()} is {labels[odd][0]}"
            )
    elif kind not in "iub":
        raise InputError(f"labels must be whole numbers from 0 or words, not {labels.dtype}")
    if kind != "b" and labels.size and (labels.max() >= LARGEST_LABEL or labels.min() <= -LARGEST_LABEL):
        raise InputError(f"labels go up to {labels.max()} and down to {labels.min()}; they count classes from 0")
    return labels if kind == "b" else labels.astype(np.int64)


def _from_objects(values: list[object]) -> Array:
    """Labels of a column that has nulls, or text, from Python's own values."""
    for row, value in enumerate(values):
        if value is None or value != value:
            raise InputError(f"the label in row {row} is missing")
    kinds = {type(value) for value in values}
    if not kinds <= {str, bytes} and len(kinds) > 1:
        raise InputError(f"labels are of several kinds: {', '.join(sorted(kind.__name__ for kind in kinds))}")
    return as_numbers_or_text(np.array(decode_strings(values)) if kinds & {str, bytes} else _not_objects(values))


def _not_objects(values: list[object]) -> Array:
    array = np.array(values)
    if array.dtype.kind == "O" or array.ndim != 1:
        raise InputError(f"labels must be whole numbers from 0 or words, not {type(values[0]).__name__}")
    return array


def _check_none_is_missing(words: list[str], class_names: Sequence[str] | None) -> None:
    known = set() if class_names is None else {spell(name) for name in class_names}
    for row, word in enumerate(words):
        if spell(word).casefold() in MISSING and spell(word) not in known:
            shown = f" ('{spell(word)}' is what programs write for that)" if spell(word) else ""
            raise InputError(f"the label in row {row} is missing{shown}")
