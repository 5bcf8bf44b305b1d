"""Reading the files of a run folder one at a time: what is in them, or the sentence that says what is wrong.

Files that others wrote are checked here, once: whatever is given out has the types that everything behind relies on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np

from mtm.classifiers import CLASSIFIERS
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.run_folder.files import LARGEST_TEXT, check_arrays, parse_object, read_arrays, read_regular
from mtm.run_folder.snapshots import MEASURES, PER_CLASS, Points, describe_misfit
from mtm.text import printable, shorten

LARGEST_EPOCH = 1e9
Header = dict[str, Any]
Sizes = tuple[int, int] | None  # N and C of the run, which every snapshot has to fit; None if nothing says so
TYPES = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "an object"}
TEXTS = ("class_names", "command", "notes")  # in config.json: lists of texts
INFO: dict[str, type] = dict.fromkeys(("created", "device", "imported"), str) | {"versions": dict, "config": dict}
INFO |= dict.fromkeys(TEXTS, list)  # other keys are the user's own


def read_json(path: Path) -> tuple[dict[str, Any], str | None]:
    """The object in a JSON file, or {} and the sentence that says why not."""
    try:
        return parse_object(read_regular(path, LARGEST_TEXT)), None
    except OSError as error:
        return {}, f"{path.name} cannot be read ({error.strerror})"
    except ValueError as error:
        return {}, f"{path.name} is damaged: {error}"


def is_a(kind: type, value: Any) -> bool:
    """Whether a value from JSON is of this type: numbers are finite, and true is no number."""
    if kind in (int, float):
        return type(value) is int or (kind is float and type(value) is float and math.isfinite(value))
    return isinstance(value, kind)


def drop_misfits(stored: Mapping[str, Any], kinds: Mapping[str, type], name: str) -> tuple[dict[str, Any], list[str]]:
    """An object in the file `name` without values of other types than those in `kinds`, and a sentence for each."""
    misfits = [key for key, kind in kinds.items() if stored.get(key) is not None and not is_a(kind, stored[key])]
    problems = [f"{name}: {key} is {_in_words(stored[key])}, not {TYPES[kinds[key]]}" for key in misfits]
    return {key: value for key, value in stored.items() if key not in misfits}, problems


def check_info(stored: Mapping[str, Any]) -> tuple[dict[str, Any], TrainConfig | None, list[str]]:
    """What config.json says, without the values that cannot be used; its config; and a sentence for each problem."""
    info, problems = drop_misfits(stored, INFO, "config.json")
    for key in TEXTS:
        if info.get(key) is not None and not all(isinstance(value, str) for value in info[key]):
            problems.append(f"config.json: {key} is a list of other things than texts")
            del info[key]
    if info.get("config") is None:
        return info, None, problems
    try:
        config = TrainConfig(**info["config"])
    except InputError as error:
        info["config"] = drop_misfits(info["config"], CONFIG, "config.json")[0]  # its sentence is the better one
        return info, None, [*problems, f"config.json: {printable(str(error))}"]
    values = config.model_dump()
    info["config"] = {name: values[name] for name in info["config"]}
    return info, config, problems


def check_points(path: Path) -> Points:
    """The recorded images in points.safetensors. Raises InputError for a file that is damaged."""
    arrays, header = read_arrays(path)
    names = header.get("class_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{path} is damaged: it has no list of class names")
    for name in ("labels", "indices"):
        array = arrays.get(name)
        if array is None:
            raise InputError(f"{path} has no '{name}'")
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise InputError(
                f"{path} is damaged: {name} are {array.dtype} of shape {array.shape}, not whole numbers (N,)"
            )
    y, indices, images = arrays["labels"], arrays["indices"], arrays.get("thumbnails")
    if not len(y):
        raise InputError(f"{path} is damaged: it has no images")
    if y.min() < 0 or y.max() >= len(names):
        raise InputError(f"{path} is damaged: labels go from {y.min()} to {y.max()}, there are {len(names)} classes")
    if len(indices) != len(y):
        raise InputError(f"{path} is damaged: it has {len(indices)} indices for {len(y)} images")
    if images is not None and not (
        images.dtype == np.uint8 and images.shape[3:] in ((), (3,)) and images.ndim >= 3 and 0 not in images.shape
        and len(images) == len(y)
    ):  # fmt: skip
        raise InputError(
            f"{path} is damaged: thumbnails are {images.dtype} of shape {images.shape}, "
            f"for {len(y)} images they are uint8 (N, h, w) or (N, h, w, 3)"
        )
    return Points(y.astype(np.int64), np.array(indices), tuple(names), images)


def read_header(path: Path, sizes: Sizes) -> Header | str:
    """The header of a snapshot file, or the sentence that says why it cannot be read."""
    try:
        arrays, header = check_arrays(path)
        return check_header(path, arrays, header, sizes)
    except InputError as error:
        return str(error)


def check_header(
    path: Path, arrays: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], header: Header, sizes: Sizes
) -> Header:
    """The header of a snapshot file whose arrays have these dtypes and shapes; InputError for a file that is none."""
    try:
        classifiers = header.get("classifiers")
        if not isinstance(classifiers, list) or not all(isinstance(name, str) for name in classifiers):
            raise ValueError("it names no classifiers")
        if not set(classifiers) & set(CLASSIFIERS):
            raise ValueError("it has decisions of no classifier that is known here")
        _require(_is_epoch(header.get("epoch")), "its epoch is no number")
        checked = header | {"metrics": checked_row(header.get("metrics"), int(path.stem))}
    except ValueError as error:
        raise InputError(f"{path} is not a snapshot of this format: {error}") from error
    problem = describe_misfit(arrays, classifiers, *sizes) if sizes else None
    if problem:
        raise InputError(f"{path} is damaged: {problem}")
    return checked


def checked_row(row: Any, index: int | None = None) -> dict[str, Any]:
    """A row of metrics that has what every row has, of snapshot `index` if it is known. Raises ValueError for another.

    Measures that no number stands for are None.
    """
    if not isinstance(row, dict):
        raise ValueError("the row is no object")
    row = row if index is None else row | {"snapshot": index}
    _require(_is_epoch(row.get("epoch")), "epoch is no number")
    number = row.get("snapshot")
    _require(is_a(float, number) and number >= 0 and number == int(number), "snapshot is no number")
    for name in ("accuracy", "validation_accuracy"):
        given = row.get(name)
        is_there = isinstance(given, dict) or (given is None and name != "accuracy")
        _require(
            is_there and all(_is_measure(value) for value in (given or {}).values()), f"{name} is no object of numbers"
        )
    full = {"loss": None, "n": 0, "split": "recorded", **dict.fromkeys(MEASURES), **row, "snapshot": int(number)}
    _require(is_a(int, full["n"]) and full["n"] >= 0, "n is no whole number")
    _require(isinstance(full["split"], str), "split is no text")
    for name in ("loss", *MEASURES, "target_distance", "target_separation", "target_gap", "accuracy_n"):
        _require(_is_measure(full.get(name)), f"{name} is no number")
    for name in PER_CLASS:
        values = full.get(name) or []
        _require(isinstance(values, list) and all(map(_is_measure, values)), f"{name} is no list of numbers")
    return full


def nulls_to_nan(row: Any) -> Any:
    """A row of metrics as read from JSON, with NaN for null and infinity: a measure that does not exist."""
    if isinstance(row, dict):
        return {key: nulls_to_nan(value) for key, value in row.items()}
    if isinstance(row, list):
        return [nulls_to_nan(value) for value in row]
    return float("nan") if row is None or row in (math.inf, -math.inf) else row


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)


def _is_epoch(value: Any) -> bool:
    return is_a(float, value) and abs(value) <= LARGEST_EPOCH


def _is_measure(value: Any) -> bool:
    return value is None or type(value) in (int, float)


def _in_words(value: Any) -> str:
    """A value from JSON, short enough for a sentence."""
    if isinstance(value, dict | list):
        return TYPES[type(value)]
    text = f"'{value}'" if isinstance(value, str) else str(value).lower()
    return shorten(printable(text))


def _kind(annotation: Any) -> type:
    if get_origin(annotation) is dict:
        return dict
    kinds = {annotation, *get_args(annotation)}
    return next((kind for kind in (int, float) if kind in kinds), str)


# of the config's fields; what is no more than one type says TrainConfig itself
CONFIG = {name: _kind(field.annotation) for name, field in TrainConfig.model_fields.items() if name != "validation"}
