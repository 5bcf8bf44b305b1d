"""Images of the user's own in an .npz file: `x_train y_train x_test y_test`, or `x y` to be split; `class_names`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mtm.data.pixels import PAPER, check_values, in_eight_bits, white_of
from mtm.data.raw import Raw, rows_held_out
from mtm.errors import InputError
from mtm.run_folder.class_names import check_class_names, natural_order, spell
from mtm.run_folder.files import decode_strings
from mtm.run_folder.imports.arrays import read_npz
from mtm.run_folder.imports.labels import as_numbers_or_text, number_classes
from mtm.run_folder.snapshots import Array

CHANNELS = (1, 3, 4)  # grey, colour, colour with alpha
BLOCK = 1000  # images that are converted at once: the others need no further memory


def read_archive(path: Path) -> Raw:
    """The images of an .npz file. Raises InputError for a file that is none of this, or could be meant in two ways."""
    arrays = read_npz(path)
    pairs = [("x_train", "y_train"), ("x_test", "y_test")] if "x_train" in arrays else [("x", "y")]
    used = [name for pair in pairs for name in pair]
    for name in used:
        if name not in arrays:
            raise InputError(
                f"{path} has no array '{name}' (it has {', '.join(arrays) or 'none'}); "
                "it needs x_train, y_train, x_test, y_test, or x, y"
            )
    notes = list[str]()
    images = _read_images(path, {x: arrays[x] for x, _ in pairs}, notes)
    for x, y in pairs:
        if arrays[y].shape != (len(images[x]),):
            raise InputError(
                f"{path}: {y} has shape {arrays[y].shape} for {len(images[x])} images; there is one label for each"
            )
    own = _check_names(path, arrays["class_names"]) if "class_names" in arrays else None
    names, labels = _number(path, {y: arrays[y] for _, y in pairs}, own, notes)
    extra = [f"array '{spell(name)}': it is none of {', '.join((*used, 'class_names'))}" for name in arrays
             if name not in (*used, "class_names")]  # fmt: skip
    if len(pairs) == 2:
        (x_train, x_test), (y_train, y_test) = images.values(), labels.values()
    else:
        train, test = rows_held_out(labels["y"])
        x_train, x_test, y_train, y_test = images["x"][train], images["x"][test], labels["y"][train], labels["y"][test]
        notes.append("There is no x_test: a fifth of each class is held out as test images")
    grey = x_train.ndim == 3
    notes.append("Read in grey, as all images are" if grey else "Read in colour, as all images are")
    return Raw(x_train, y_train, x_test, y_test, names, grey, notes=tuple(notes), ignored=tuple(extra))


def _check_names(path: Path, values: Array) -> list[str]:
    """The names of an array `class_names`. Raises InputError for one of another kind, and for names twice."""
    if values.ndim != 1 or values.dtype.kind not in "USiu":
        raise InputError(f"{path}: class_names is {values.dtype} of shape {values.shape}; it is (C,) text")
    try:
        return check_class_names(decode_strings(values))
    except InputError as error:
        raise InputError(f"{path}: class_names: {error}") from error


def _read_images(path: Path, arrays: dict[str, Array], notes: list[str]) -> dict[str, Array]:
    """The image arrays as (N, h, w) or (N, h, w, 3) uint8, all by the same rule."""
    images = {}
    for name, array in arrays.items():
        if array.ndim == 4 and array.shape[3] not in CHANNELS and array.shape[1] in CHANNELS:
            notes.append(f"{name} {array.shape} is read as (N, channels, h, w)")
            array = np.moveaxis(array, 1, 3)
        if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in CHANNELS) or 0 in array.shape:
            raise InputError(
                f"{path}: {name} has shape {array.shape}; images are (N, h, w), (N, h, w, 1) or (N, h, w, 3)"
            )
        if array.dtype.kind not in "buif":
            raise InputError(f"{path}: {name} is {array.dtype}; images are pixel values, uint8 from 0 to 255")
        images[name] = array.squeeze(3) if array.ndim == 4 and array.shape[3] == 1 else array
    if any(array.dtype != np.uint8 for array in images.values()):
        images = _scale(path, images, notes)
    for name, array in images.items():
        if array.ndim == 4 and array.shape[3] == 4:
            notes.append(f"{name} has an alpha channel: transparent parts are {PAPER}")
            images[name] = _on_paper(array)
    if len({array.ndim for array in images.values()}) == 2:
        sizes = " and ".join("x".join(map(str, (*array.shape[1:], 1)[:3])) for array in images.values())
        raise InputError(
            f"{path}: {' and '.join(images)} differ in channels ({sizes}); both are grey or both have three"
        )
    return images


def _scale(path: Path, images: dict[str, Array], notes: list[str]) -> dict[str, Array]:
    """Images of other types than uint8 in eight bits, with the same white for all."""
    highest, is_whole = 0.0, True
    for name, array in images.items():
        for start in range(0, len(array), BLOCK):
            block = array[start : start + BLOCK]
            check_values(f"{path}: {name}", block)
            highest = max(highest, float(block.max()))
            is_whole = is_whole and (block.dtype.kind in "biu" or bool((block == np.rint(block)).all()))
    types = " and ".join(dict.fromkeys(str(array.dtype) for array in images.values()))
    white = white_of(highest, is_whole and highest > 1)
    notes.append(f"Pixels are {types}: 0 is read as black, {white:,g} as white (the highest value is {highest:,g})")
    return {name: _in_blocks(array, array.shape, lambda block: in_eight_bits(block, white))
            for name, array in images.items()}  # fmt: skip


def _on_paper(images: Array) -> Array:
    """Images (N, h, w, 4) with alpha as (N, h, w, 3)."""

    def compose(block: Array) -> Array:
        alpha = block[..., 3:] / 255.0
        return np.asarray(np.rint(block[..., :3] * alpha + 255 * (1 - alpha)), np.uint8)

    return _in_blocks(images, (*images.shape[:3], 3), compose)


def _in_blocks(images: Array, shape: tuple[int, ...], convert: Callable[[Array], Array]) -> Array:
    """uint8 images of a shape (N, ...), converted some at a time."""
    out = np.empty(shape, np.uint8)
    for start in range(0, len(images), BLOCK):
        out[start : start + BLOCK] = convert(images[start : start + BLOCK])
    return out


def _number(
    path: Path, labels: dict[str, Array], own: list[str] | None, notes: list[str]
) -> tuple[tuple[str, ...], dict[str, Array]]:
    """The names of the classes, and labels as numbers into them."""
    found = {y: _read_labels(f"{path}: {y}", values, own) for y, values in labels.items()}
    notes += dict.fromkeys(note for _, _, said in found.values() for note in said)
    words = [names for names, _, _ in found.values() if names is not None]
    if 0 < len(words) < len(found):
        raise InputError(f"{path}: {' and '.join(found)} differ: one has numbers, the other words")
    names = own or (natural_order(word for names in words for word in names) if words else None)
    if names != own:  # those of both splits
        found = {y: _read_labels(f"{path}: {y}", values, names) for y, values in labels.items()}
    numbers = {y: values for y, (_, values, _) in found.items()}
    lowest, highest = (int(pick(pick(y) for y in numbers.values())) for pick in (min, max))
    if lowest < 0:
        raise InputError(f"{path}: the labels go down to {lowest}; they count classes from 0")
    if names is None and highest >= max(1000, sum(len(y) for y in numbers.values())):
        raise InputError(f"{path}: labels go up to {highest}, more than there are images; they count classes from 0")
    return tuple(names or map(str, range(highest + 1))), numbers


def _read_labels(where: str, labels: Array, names: list[str] | None) -> tuple[list[str] | None, Array, list[str]]:
    """Names of the classes (None: they are called by their numbers), labels as numbers, and notes, as imports do."""
    try:
        return number_classes(as_numbers_or_text(labels), names, ())
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
