"""Reading the files of a run folder one at a time: what is in them, or the sentence that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mtm.errors import InputError
from mtm.run_folder.files import check_arrays
from mtm.run_folder.snapshots import MEASURES, describe_misfit


def read_json(path: Path) -> tuple[dict[str, Any], str | None]:
    """The object in a JSON file, or {} and the sentence that says why not."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return {}, f"{path.name} cannot be read ({error.strerror})"
    except ValueError:
        return {}, f"{path.name} is damaged"
    return (content, None) if isinstance(content, dict) else ({}, f"{path.name} is damaged")


def read_header(path: Path, sizes: tuple[int, int] | None) -> dict[str, Any] | str:
    """The header of a snapshot file, or the sentence that says why it cannot be read; `sizes` is (N, C), if known."""
    try:
        shapes, header = check_arrays(path)
    except InputError as error:
        return str(error)
    try:
        checked_row(header["metrics"])
        classifiers = [str(name) for name in header["classifiers"]]
        float(header["epoch"])
    except (KeyError, TypeError, ValueError):
        return f"{path} is not a snapshot of this format"
    problem = describe_misfit(shapes, classifiers, *sizes) if sizes else None
    return f"{path} is damaged: {problem}" if problem else header


def checked_row(row: Any) -> dict[str, Any]:
    """A row of metrics that has what every row has. Raises KeyError or TypeError for another."""
    if not isinstance(row["epoch"], int | float) or not isinstance(row["accuracy"], dict):
        raise TypeError
    if not all(isinstance(value, int | float | None) for value in row["accuracy"].values()):
        raise TypeError
    return {"loss": None, "n": 0, "split": "recorded", **dict.fromkeys(MEASURES), **row}


def nulls_to_nan(row: Any) -> Any:
    """A row of metrics as read from JSON, with NaN where the file has null for a measure that does not exist."""
    if isinstance(row, dict):
        return {key: nulls_to_nan(value) for key, value in row.items()}
    if isinstance(row, list):
        return [nulls_to_nan(value) for value in row]
    return float("nan") if row is None else row
