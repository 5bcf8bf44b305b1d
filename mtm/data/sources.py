"""Where images come from: the registry of known data sets, image folders and .npz files, and what is wrong with them.

A data set is a function from the data folder to `Raw` arrays, entered in `DATASETS` with Table 2's transform.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtm.data.sampling import stratified_rows
from mtm.errors import InputError, choose_from
from mtm.run_folder.files import decode_strings, read_npz
from mtm.run_folder.snapshots import Array

TEST_SHARE = 0.2  # of data that comes without a test split
TEST_FOLDERS = ("test", "val", "valid", "validation")  # beside train/; the first that is there has the test images
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")


@dataclass(frozen=True)
class Raw:
    """Images before the transform: arrays (N, h, w[, 3]) uint8, or files."""

    train_images: Array | list[Path]
    train_labels: Array
    test_images: Array | list[Path]
    test_labels: Array
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what the user should know of how they were read


@dataclass(frozen=True)
class Source:
    """A data set that is known by name. normalisation: mean and std of each channel on pixel
    values 0..255, None to take the training images'."""

    title: str
    load: Callable[[Path], Raw]
    size: str  # of the images, for the listing
    resize: int = 0
    crop: int = 0
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    where: str = ""  # the files below the data folder, in torchvision's layout


def find_source(name: str) -> Source:
    """The source called `name`: one of DATASETS, an image folder or an .npz file."""
    if name in DATASETS:
        return DATASETS[name]
    path = Path(name)
    if path.suffix.lower() == ".npz":
        return Source(path.stem, lambda _: _read_npz(path), "own")
    if path.is_dir():
        return Source(path.name, lambda _: _read_folder(path), "own")
    if any(separator in name for separator in ("/", os.sep)):
        raise InputError(f"{name}: there is no such image folder or .npz file")
    raise choose_from("data set", name, [*DATASETS, "an image folder", "an .npz file"])


def _digits(_: Path) -> Raw:
    from sklearn.datasets import load_digits  # a second to import, for this data set only

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8), 0..16 on disk
    return _with_test_split(images, bunch.target, tuple("0123456789"))


def _torchvision(name: str, where: str, n_train: int) -> Callable[[Path], Raw]:
    def read(root: Path) -> Raw:
        import torchvision.datasets

        reader = getattr(torchvision.datasets, name)
        hint = f"put its files into {root / where}, or name the folder that has them with --data-root"
        try:
            # torchvision reports a download on standard output, which belongs to --json
            with contextlib.redirect_stdout(sys.stderr):
                try:
                    sets = [reader(root, train=train) for train in (True, False)]
                except RuntimeError:
                    sets = [reader(root, train=train, download=True) for train in (True, False)]
            images = [np.asarray(s.data) for s in sets]
            labels = [np.asarray(s.targets, dtype=np.int64) for s in sets]
        except Exception as error:  # readers and their downloads fail in many ways: URLError, EOFError, zlib.error, ...
            if isinstance(error, MemoryError):
                raise
            _remove_empty_folders(root, where)
            if (root / where).exists() and any((root / where).iterdir()):
                raise InputError(f"the files of {name} in {root / where} are damaged or incomplete; {hint}") from error
            raise InputError(f"{name} is not in {root / where} and could not be downloaded; {hint}") from error
        if [len(x) for x in images] != [len(y) for y in labels] or [len(x) for x in images] != [n_train, 10_000]:
            raise InputError(f"the files of {name} in {root / where} are damaged or incomplete; {hint}")
        return Raw(images[0], labels[0], images[1], labels[1], tuple(sets[0].classes))

    return read


def _remove_empty_folders(root: Path, where: str) -> None:
    """Take away what a download that failed has made: folders without files."""
    folder = root / where
    while folder != folder.parent and folder.is_relative_to(root):
        with contextlib.suppress(OSError):  # not there, or not empty
            folder.rmdir()
        folder = folder.parent


def _table2(mean: Sequence[float], std: Sequence[float], scale: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of Table 2 on pixel values 0..255."""
    return tuple(scale * value for value in mean), tuple(scale * value for value in std)


_GREY = _table2([33.3149], [78.5639], 1)
_C10 = _table2([0.491, 0.482, 0.447], [0.202, 0.200, 0.201], 255)
_C100 = _table2([0.507, 0.487, 0.441], [0.201, 0.198, 0.202], 255)


def _paper_set(title: str, reader: str, where: str, n_train: int, size: str, normalisation: Any) -> Source:
    return Source(title, _torchvision(reader, where, n_train), size, 44, 36, normalisation, where)


DATASETS: dict[str, Source] = {
    "digits": Source("Digits (scikit-learn)", _digits, "1,797 of 8x8 grey", resize=16),
    "mnist": _paper_set("MNIST", "MNIST", "MNIST/raw", 60_000, "70,000 of 28x28 grey", _GREY),
    "fashion-mnist": _paper_set(
        "Fashion-MNIST", "FashionMNIST", "FashionMNIST/raw", 60_000, "70,000 of 28x28 grey", _GREY
    ),
    "kmnist": _paper_set("Kuzushiji-MNIST", "KMNIST", "KMNIST/raw", 60_000, "70,000 of 28x28 grey", _GREY),
    "cifar10": _paper_set("CIFAR-10", "CIFAR10", "cifar-10-batches-py", 50_000, "60,000 of 32x32 RGB", _C10),
    "cifar100": _paper_set("CIFAR-100", "CIFAR100", "cifar-100-python", 50_000, "60,000 of 32x32 RGB", _C100),
}


def _read_npz(path: Path) -> Raw:
    """`x_train y_train x_test y_test`, or `x y` to be split; optional `class_names`."""
    arrays = read_npz(path)
    pairs = [("x_train", "y_train"), ("x_test", "y_test")] if "x_train" in arrays else [("x", "y")]
    for x, y in pairs:
        for name in (x, y):
            if name not in arrays:
                raise InputError(
                    f"{path} has no array '{name}' (it has {', '.join(arrays) or 'none'}); "
                    "it needs x_train, y_train, x_test, y_test, or x, y"
                )
        _check_images(f"{path}: {x}", arrays[x])
        arrays[x] = arrays[x].squeeze(3) if arrays[x].ndim == 4 and arrays[x].shape[3] == 1 else arrays[x]
        arrays[y] = _check_label_array(f"{path}: {y}", arrays[y], len(arrays[x]))
    highest = max(int(arrays[y].max()) for _, y in pairs)
    if "class_names" not in arrays and highest >= max(1000, sum(len(arrays[y]) for _, y in pairs)):
        raise InputError(f"{path}: labels go up to {highest}, more than there are images; they count classes from 0")
    names = tuple(decode_strings(arrays["class_names"]) if "class_names" in arrays else map(str, range(highest + 1)))
    if len(pairs) == 2 and arrays["x_train"].ndim != arrays["x_test"].ndim:
        sizes = " and ".join("x".join(map(str, (*arrays[x].shape[1:], 1)[:3])) for x, _ in pairs)
        raise InputError(f"{path}: x_train and x_test differ in channels ({sizes}); both are grey or both have three")
    if "x" in arrays and "x_train" not in arrays:
        return _with_test_split(arrays["x"], arrays["y"], names)
    return Raw(arrays["x_train"], arrays["y_train"], arrays["x_test"], arrays["y_test"], names)


def _read_folder(path: Path) -> Raw:
    """`train/CLASS/*` and perhaps `test/CLASS/*` or `val/CLASS/*`, or `CLASS/*`; without either a fifth is held out."""
    train_folder = path / "train" if (path / "train").is_dir() else path
    names = _class_folders(train_folder)
    if not names:
        raise InputError(f"{path} has no class folders; it needs train/CLASS/*.png, or CLASS/*.png")
    train, train_labels = _list_images(train_folder, names)
    test_folders = [path / name for name in TEST_FOLDERS if (path / name).is_dir()] if train_folder != path else []
    if not test_folders:
        test_rows = stratified_rows(train_labels, TEST_SHARE, 0)
        train_rows = np.setdiff1d(np.arange(len(train)), test_rows)
        test = [train[i] for i in test_rows]
        return Raw([train[i] for i in train_rows], train_labels[train_rows], test, train_labels[test_rows], names)
    test_folder, *unused = test_folders
    extra = set(_class_folders(test_folder)) - set(names)
    if extra:
        raise InputError(f"{test_folder} has class '{min(extra)}', which {train_folder} has not")
    test, test_labels = _list_images(test_folder, names, required=False)
    if not test:
        raise InputError(
            f"{test_folder} has no images in class folders; put some there, or remove it to have a fifth held out"
        )
    notes = [f"{folder} is not used; --validation 0.1 holds out a part of {train_folder}" for folder in unused]
    if test_folder.name != "test":
        notes.append(f"the test images are those of {test_folder}: there is no {path / 'test'}")
    return Raw(train, train_labels, test, test_labels, names, tuple(notes))


def _class_folders(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and not _is_hidden(p)))


def _is_hidden(path: Path) -> bool:
    """What systems leave beside the user's own files: `.DS_Store`, `._cat.png`, `__MACOSX`."""
    return path.name.startswith(".") or path.name == "__MACOSX"


def _list_images(folder: Path, names: Sequence[str], required: bool = True) -> tuple[list[Path], Array]:
    files, labels = [], []
    for k, name in enumerate(names):
        entries = [p for p in (folder / name).glob("*") if not _is_hidden(p)]
        images = sorted(p for p in entries if p.suffix.lower() in IMAGE_SUFFIXES)
        if required and not images:
            if any(p.is_dir() for p in entries):
                raise InputError(
                    f"{folder / name} has folders but no images; {folder} needs train/CLASS/*.png, or CLASS/*.png"
                )
            raise InputError(
                f"class '{name}' is empty: {folder / name} has no images ({', '.join(IMAGE_SUFFIXES[:3])}, ...)"
            )
        files += images
        labels += [k] * len(images)
    return files, np.array(labels, dtype=np.int64)


def _with_test_split(images: Array, y: Array, names: tuple[str, ...]) -> Raw:
    """A fifth of each class as test split, the same one whatever the seed of the training."""
    test_rows = stratified_rows(y, TEST_SHARE, 0)
    train_rows = np.setdiff1d(np.arange(len(y)), test_rows)
    return Raw(images[train_rows], y[train_rows], images[test_rows], y[test_rows], names)


def _check_images(where: str, images: Array) -> None:
    if images.dtype != np.uint8:
        raise InputError(f"{where} is {images.dtype}; images are uint8 pixel values 0..255")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)) or 0 in images.shape:
        raise InputError(f"{where} has shape {images.shape}; images are (N, h, w), (N, h, w, 1) or (N, h, w, 3)")


def _check_label_array(where: str, y: Array, n: int) -> Array:
    if y.shape != (n,):
        raise InputError(f"{where} has shape {y.shape} for {n} images; there is one label for each")
    if y.dtype.kind not in "iu":
        raise InputError(f"{where} is {y.dtype}; labels are whole numbers from 0")
    if y.min() < 0:
        raise InputError(f"{where} has the label {y.min()}; labels count from 0")
    return y.astype(np.int64)


def check_labels(name: str, raw: Raw) -> None:
    n = len(raw.class_names)
    if n < 2:
        raise InputError(f"{name} has one class; it takes two or more to classify")
    if not len(raw.test_labels):
        raise InputError(f"{name}: there are no test images; it takes two images of a class to hold one out")
    for split, y in (("training", raw.train_labels), ("test", raw.test_labels)):
        if y.max() >= n:
            raise InputError(f"{name}: the {split} labels go up to {y.max()}; there are {n} classes, counted from 0")
    missing = np.setdiff1d(np.arange(n), raw.train_labels)
    if len(missing):
        raise InputError(f"{name}: class '{raw.class_names[missing[0]]}' is empty, it has no training images")
