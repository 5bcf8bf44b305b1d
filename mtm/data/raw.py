"""Images as they are found, before the transform: arrays or files, split and labelled, and the account of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mtm.data.sampling import stratified_rows
from mtm.errors import InputError
from mtm.run_folder.account import Account
from mtm.run_folder.class_names import spell
from mtm.run_folder.snapshots import Array

TEST_SHARE = 0.2  # of data that comes without a test split
SHOWN = 3  # names of files in a sentence


class White(NamedTuple):
    """The value that is white in pixels of more than eight bits: whole numbers, and numbers with a fraction."""

    whole: float = 65535
    part: float = 1


WHITE = White()  # unless the files hold something else


@dataclass(frozen=True)
class Raw:
    """Images before the transform: arrays (N, h, w[, 3]) uint8, or files."""

    train_images: Array | list[Path]
    train_labels: Array
    test_images: Array | list[Path]
    test_labels: Array
    class_names: tuple[str, ...]
    grey: bool
    white: White = WHITE  # for files
    mixed: str = ""  # two files of different size, in words
    notes: tuple[str, ...] = ()  # how they were read
    ignored: tuple[str, ...] = ()  # what was not, and why

    def account(self, source: str, notes: Sequence[str] = ()) -> Account:
        """What was read, with further notes."""
        splits = {"train": self.train_labels, "test": self.test_labels}
        counts = {name: np.bincount(y, minlength=len(self.class_names)).tolist() for name, y in splits.items()}
        return Account(
            source,
            self.class_names,
            {name: tuple(n) for name, n in counts.items()},
            notes=(*self.notes, *notes),
            ignored=self.ignored,
        )


@dataclass(frozen=True)
class Source:
    """Where a data set comes from, and its transform. normalisation: mean and std of each channel on pixel
    values 0..255, None to take the training images'."""

    title: str
    load: Callable[[Path], Raw]  # of the data folder
    size: str  # of the images, for the listing
    resize: int = 0
    crop: int = 0
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    where: str = ""  # the files below the data folder, in torchvision's layout
    files: Mapping[str, int | None] = field(default_factory=dict)  # their names, and how many bytes they have if known


class Ignored:
    """What is left out of a folder, by reason: how many files, and the first names."""

    def __init__(self, root: Path) -> None:
        self.root, self.counts = root, Counter[str]()
        self.names: dict[str, list[str]] = {}

    def add(self, reason: str, path: Path) -> None:
        self.counts[reason] += 1
        names = self.names.setdefault(reason, [])
        if len(names) < SHOWN:
            names.append(name_below(self.root, path))

    def sentences(self) -> tuple[str, ...]:
        return tuple(
            f"{reason} ({n:,}: {list_some(self.names[reason], n)})" for reason, n in sorted(self.counts.items())
        )


def name_below(root: Path, path: Path) -> str:
    """A path as a sentence names it: below the data set's folder, without characters that nobody sees."""
    return spell(path.relative_to(root).as_posix())


def list_some(names: Iterable[str], n: int) -> str:
    """The first few of n names, and how many more there are."""
    shown = list(islice(names, SHOWN))
    return ", ".join(shown) + (f" and {n - len(shown):,} more" if n > len(shown) else "")


def rows_held_out(y: Array) -> tuple[Array, Array]:
    """Training and test rows of data without a test split: a fifth of each class, whatever the seed of the training."""
    test = stratified_rows(y, TEST_SHARE, 0)
    return np.setdiff1d(np.arange(len(y)), test), test


def check_labels(name: str, raw: Raw) -> None:
    """Raises InputError for classes that cannot be trained or tested."""
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
