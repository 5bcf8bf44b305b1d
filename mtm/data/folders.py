"""Folders of images of the user's own: `train/CLASS/*` and perhaps `test/CLASS/*` or `val/CLASS/*`, or `CLASS/*`.

Images in folders below a class belong to it. What is not read is counted; what could be meant in two ways is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mtm.data.pixels import look_at, suffixes
from mtm.data.raw import Ignored, Raw, list_some, name_below, rows_held_out
from mtm.errors import InputError
from mtm.run_folder.class_names import check_class_names, natural_order, spell
from mtm.run_folder.snapshots import Array

SPLITS = {
    "training": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("val", "valid", "validation", "dev", "eval", "evaluation"),
}  # names of folders, in any case
LAYOUTS = "train/CLASS/*.png, or CLASS/*.png"


def read_folder(path: Path, order: Sequence[str] = ()) -> Raw:
    """The images of a folder. Classes are in natural order, or in that of `order` if these are their names.

    Without a test folder the validation folder has the test images; without either a fifth of each class is held out.
    Raises InputError for a folder that is none of this, or that could be meant in two ways.
    """
    try:
        return _read_folder(path, order)
    except OSError as error:
        raise InputError(f"{error.filename or path} cannot be read: {error.strerror}") from error


def _read_folder(path: Path, order: Sequence[str]) -> Raw:
    splits = find_splits(path)
    ignored, notes = Ignored(path), list[str]()
    train_folder = splits.get("training", path)
    folders = _class_folders(train_folder, ignored)
    if not folders:
        raise InputError(f"{path} has no class folders; it needs {LAYOUTS}")
    names = _in_order(folders, order, train_folder)
    train, train_labels = _list_images(folders, names, ignored, notes)
    _check_classes(train_folder, folders, names, train_labels)
    files = train
    if "test" in splits:
        test, test_labels = _read_test(splits["test"], train_folder, names, ignored, notes)
        files = [*train, *test]
    else:
        train_rows, test_rows = rows_held_out(train_labels)
        train, test = [files[i] for i in train_rows], [files[i] for i in test_rows]
        train_labels, test_labels = train_labels[train_rows], train_labels[test_rows]
        notes.append("There is no test folder: a fifth of each class is held out as test images")
    look = look_at(files, path)
    notes += look.notes
    left_out = (*_unused_folders(path, splits, ignored), *ignored.sentences())
    return Raw(train, train_labels, test, test_labels, names, look.grey, look.white, look.mixed, tuple(notes), left_out)


def is_image_folder(path: Path) -> bool:
    """Whether there is an image in the folder's first class folder that has something in it."""
    try:
        top = next((folder for folder in _folders_in(path) if _split_of(folder) == "training"), path)
        return any(any(images_below(folder, Ignored(top))) for folder in _folders_in(top)[:1])
    except OSError:
        return False


def last_change(path: Path) -> int:
    """When an image was last added to a folder of images or taken from it, in ns, as far as class folders tell."""
    folders = _folders_in(path)
    inside = [below for folder in folders if _split_of(folder) for below in _folders_in(folder)]
    return max(folder.stat().st_mtime_ns for folder in (path, *folders, *inside))


def find_splits(path: Path) -> dict[str, Path]:
    """The folders of the training and test images, and "validation" if that is another one; empty for CLASS/*.

    Raises InputError where there are two for the same split, or where a class could have a split's name.
    """
    folders = _folders_in(path)
    by_split = {split: [f for f in folders if _split_of(f) == split] for split in SPLITS}
    if not any(by_split.values()):
        return {}
    named = [f.name for found in by_split.values() for f in found]
    if not by_split["training"]:
        raise InputError(
            f"{path} has {list_some(named, len(named))} and no folder of training images; put the class folders that "
            f"are trained on into {path / 'train'}"
        )
    others = [f.name for f in folders if _split_of(f) is None and any(images_below(f, Ignored(path)))]
    if others and named == [f.name for f in by_split["training"]]:
        raise InputError(
            f"{path} has {named[0]} beside {list_some(others, len(others))}: if {named[0]} has the training images, "
            f"move the others into it or away; if all are classes, move all of them into {path / 'train'}"
        )
    by_split["test"] = by_split["test"] or by_split["validation"]
    for split in ("training", "test"):
        if len(by_split[split]) > 1:
            choices = " and ".join(f.name for f in by_split[split])
            raise InputError(f"{path} has {choices}: one folder has the {split} images; rename or remove the others")
    return {split: found[0] for split, found in by_split.items() if found}


def _split_of(folder: Path) -> str | None:
    return next((split for split, names in SPLITS.items() if folder.name.casefold() in names), None)


def _unused_folders(path: Path, splits: Mapping[str, Path], ignored: Ignored) -> list[str]:
    """Sentences on the folders with images beside those of the splits; files there go to `ignored`."""
    sentences = []
    for entry in _list_folder(path) if splits else ():
        if _is_hidden(entry):
            ignored.add("hidden files and folders", entry)
        elif not entry.is_dir():
            ignored.add("files beside the folders of the splits", entry)
        elif entry not in (splits["training"], splits.get("test")):
            n = sum(1 for _ in images_below(entry, Ignored(path)))
            why = "it is none of the splits"
            if _split_of(entry) == "validation":
                why = (
                    f"{splits['test'].name} has the test images; --validation 0.1 holds out a part of those trained on"
                )
            sentences += [f"the folder {name_below(path, entry)}, {n:,} images: {why}"] if n else []
    return sentences


def _read_test(
    folder: Path, train_folder: Path, names: tuple[str, ...], ignored: Ignored, notes: list[str]
) -> tuple[list[Path], Array]:
    folders = _class_folders(folder, ignored)
    for name in natural_order(folders.keys() - {spell(name) for name in names}):
        similar = [other for other in names if other.casefold() == name.casefold()]
        hint = f" (it has '{similar[0]}')" if similar else ""
        raise InputError(f"{folder} has class '{name}', which {train_folder} has not{hint}")
    images, labels = _list_images(folders, names, ignored, notes)
    if not images:
        raise InputError(
            f"{folder} has no images in class folders; put some there, or remove it to have a fifth held out"
        )
    is_validation = _split_of(folder) == "validation"
    notes.append(f"The test images are those of {folder}" + (": there is no test folder" if is_validation else ""))
    missing = [names[k] for k in np.setdiff1d(np.arange(len(names)), labels)]
    if missing:
        notes.append(f"{folder} has no images of {list_some(missing, len(missing))}")
    return images, labels


def _class_folders(folder: Path, ignored: Ignored) -> dict[str, Path]:
    """The folder of each class. Raises InputError for two that are one class."""
    found: dict[str, Path] = {}
    for path in _list_folder(folder):
        if _is_hidden(path):
            ignored.add("hidden files and folders", path)
        elif not path.is_dir():
            kind = "images" if path.suffix.lower() in suffixes() else "files"
            ignored.add(f"{kind} beside the class folders", path)
        else:
            name = spell(path.name)
            if name in found:
                a, b = (ascii(other.name) for other in (found[name], path))
                raise InputError(f"{folder} has two folders of class '{name}': {a} and {b}; make them one")
            found[name] = path
    return found


def _in_order(folders: Mapping[str, Path], order: Sequence[str], where: Path) -> tuple[str, ...]:
    if order and sorted(map(spell, order)) == sorted(folders):
        return tuple(order)
    try:
        return tuple(check_class_names(natural_order(folders)))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _check_classes(train_folder: Path, folders: Mapping[str, Path], names: Sequence[str], labels: Array) -> None:
    """Raises InputError for a class without images."""
    empty = [folders[spell(names[k])] for k in np.setdiff1d(np.arange(len(names)), labels)]
    for folder in empty:
        endings = sorted({path.suffix.lower() for path in _list_folder(folder) if not path.is_dir() and path.suffix})
        found = f"; it has {', '.join(endings[:5])}" if endings else ""
        raise InputError(
            f"class '{spell(folder.name)}' is empty: {folder} has no images (.png, .jpg, .tif, ...){found}"
        )
    if len(folders) == 1:
        (folder,) = folders.values()
        inside = [path.name for path in _folders_in(folder)]
        if inside and not any(path.suffix.lower() in suffixes() for path in _list_folder(folder)):
            raise InputError(
                f"{folder} has folders but no images; {train_folder} needs {LAYOUTS}: name {folder} with --dataset if "
                f"{list_some(inside, len(inside))} are the classes"
            )


def _list_images(
    folders: Mapping[str, Path], names: Sequence[str], ignored: Ignored, notes: list[str]
) -> tuple[list[Path], Array]:
    """The files (N,) and labels (N,) of all classes, class by class."""
    files, labels, below = list[Path](), list[int](), list[Path]()
    for k, name in enumerate(names):
        if folder := folders.get(spell(name)):
            images = list(images_below(folder, ignored))
            files += images
            labels += [k] * len(images)
            below += [image for image in images if image.parent != folder]
    if below:
        inside = natural_order(name_below(ignored.root, image.parent) for image in below)
        notes.append(f"{len(below):,} images are in folders below their class ({list_some(inside, len(inside))})")
    return files, np.array(labels, dtype=np.int64)


def images_below(folder: Path, ignored: Ignored) -> Iterator[Path]:
    """The image files in a folder and in those below it, each folder's own first, by name; the rest goes to `ignored`.

    Links are followed, but no folder is read twice.
    """
    waiting, seen = [folder], set[tuple[int, int]]()
    while waiting:
        current = waiting.pop()
        status = current.stat()
        if (status.st_dev, status.st_ino) in seen:
            ignored.add("links to folders that are read already", current)
            continue
        seen.add((status.st_dev, status.st_ino))
        folders = []
        for path in _list_folder(current):
            if _is_hidden(path):
                ignored.add("hidden files and folders", path)
            elif path.is_dir():
                folders.append(path)
            elif not path.is_file():
                ignored.add("entries that are no files, such as pipes and links to nothing", path)
            elif path.suffix.lower() in suffixes():
                yield path
            else:
                ending = path.suffix.lower()
                ignored.add(
                    f"files that end in {ending}, which is not read" if ending else "files without ending", path
                )
        waiting += reversed(folders)


def _folders_in(path: Path) -> list[Path]:
    return [entry for entry in _list_folder(path) if entry.is_dir() and not _is_hidden(entry)]


def _list_folder(path: Path) -> list[Path]:
    return [path / name for name in sorted(os.listdir(path))]


def _is_hidden(path: Path) -> bool:
    """What systems leave beside the user's own files: `.DS_Store`, `._cat.png`, `__MACOSX`."""
    return path.name.startswith(".") or path.name == "__MACOSX"
