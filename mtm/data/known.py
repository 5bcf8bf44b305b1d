"""The data sets that are known by name, with Table 2's transform: digits of scikit-learn, the others of torchvision.

A data set is a function from the data folder to `Raw` arrays, entered in `DATASETS`.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtm.data.raw import Raw, Source, rows_held_out
from mtm.errors import InputError

N_TEST = 10_000  # images of every data set of torchvision's here
PACKED = ".gz"  # torchvision unpacks these by itself


def _digits(_: Path) -> Raw:
    from sklearn.datasets import load_digits  # a second to import, for this data set only

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # (1797, 8, 8), 0..16 on disk
    train, test = rows_held_out(bunch.target)
    names = tuple("0123456789")
    return Raw(images[train], bunch.target[train], images[test], bunch.target[test], names, grey=True)


@dataclass(frozen=True)
class Files:
    """The files of a data set, looked at from outside: whether each is there, and its size, where that is known.

    What is in them torchvision checks when they are read.
    """

    state: str  # "whole", "incomplete", or "absent", where they are downloaded at first use
    missing: tuple[str, ...] = ()  # names
    wrong: tuple[str, ...] = ()  # sentences on files that no download mends

    @property
    def needs_download(self) -> bool:
        return bool(self.missing) and not self.wrong

    @property
    def problems(self) -> list[str]:
        return [*self.wrong, *(f"{name} is missing" for name in self.missing)]


def look_for(source: Source, root: Path) -> Files:
    """The files of a data set below the data folder."""
    folder = root / source.where
    try:
        entries = sorted(path.name for path in folder.iterdir()) if source.where else []
    except OSError:
        entries = []
    wrong, missing = list[str](), list[str]()
    for name, size in source.files.items():
        if (folder / name).exists():
            wrong += _find_fault(folder / name, size)
        elif other := [entry for entry in entries if _letters(entry) in (_letters(name), _letters(name + PACKED))]:
            if f"{name}{PACKED}" not in entries:
                wrong.append(f"{name} is missing; rename {other[0]}, which is there")
        else:
            missing.append(name)
    is_absent = len(missing) == len(source.files) > 0
    state = "absent" if is_absent else "incomplete" if wrong or missing else "whole"
    return Files(state, tuple(missing), tuple(wrong))


def _find_fault(path: Path, size: int | None) -> list[str]:
    if not path.is_file():
        return [f"{path.name} is no file; if it is a folder, move the file that is in it out of it"]
    n = path.stat().st_size
    if n == size or (size is None and n):
        return []
    return [
        f"{path.name} is damaged: it has {n:,} bytes"
        + (f" instead of {size:,}" if size else "")
        + ": remove it, and it is downloaded again"
    ]


def _letters(name: str) -> str:
    """A file's name without what is written in different ways: `train-images.idx3-ubyte` has a dot for a hyphen."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _torchvision(name: str, where: str, n_train: int, files: Mapping[str, int | None]) -> Callable[[Path], Raw]:
    def read(root: Path) -> Raw:
        hint = f"put its files into {root / where}, or name the folder that has them with --data-root"
        found = look_for(Source(name, read, "", where=where, files=files), root)
        incomplete = f"the files of {name} in {root / where} are damaged or incomplete"
        if found.wrong:
            raise InputError(f"{incomplete}: {'; '.join(found.problems)}")
        try:
            images, labels, names = _read_torchvision(name, root)
        except MemoryError:
            raise
        except Exception as error:  # readers and their downloads fail in many ways: URLError, EOFError, zlib.error, ...
            _remove_empty_folders(root, where)
            if found.state == "incomplete":
                sentence = f"{incomplete}: {'; '.join(found.problems)}, and could not be downloaded"
                raise InputError(f"{sentence}; {hint}") from error
            if (root / where).exists() and any((root / where).iterdir()):
                raise InputError(f"{incomplete}; {hint}") from error
            raise InputError(f"{name} is not in {root / where} and could not be downloaded; {hint}") from error
        if [len(x) for x in images] != [len(y) for y in labels] or [len(x) for x in images] != [n_train, N_TEST]:
            raise InputError(f"{incomplete}; {hint}")
        return Raw(images[0], labels[0], images[1], labels[1], names, grey=images[0].ndim == 3)

    return read


def _read_torchvision(name: str, root: Path) -> tuple[list[Any], list[Any], tuple[str, ...]]:
    """Images and labels of the training and of the test split, downloaded if they are not there, and class names."""
    import torchvision.datasets

    reader = getattr(torchvision.datasets, name)
    with contextlib.redirect_stdout(sys.stderr):  # a download is reported there: standard output belongs to --json
        try:
            sets = [reader(root, train=train) for train in (True, False)]
        except RuntimeError:
            sets = [reader(root, train=train, download=True) for train in (True, False)]
    labels = [np.asarray(s.targets, dtype=np.int64) for s in sets]
    return [np.asarray(s.data) for s in sets], labels, tuple(sets[0].classes)


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
_IDX: Mapping[str, int | None] = {
    f"{split}-{what}-ubyte": header + n * size
    for split, n in (("train", 60_000), ("t10k", N_TEST))
    for what, header, size in (("images-idx3", 16, 28 * 28), ("labels-idx1", 8, 1))
}  # header, then a byte a pixel or a label
_BATCHES: Mapping[str, int | None] = dict.fromkeys(
    (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta")
)


def _paper_set(
    title: str, reader: str, where: str, n_train: int, size: str, normalisation: Any, files: Mapping[str, int | None]
) -> Source:
    load = _torchvision(reader, where, n_train, files)
    return Source(title, load, size, 44, 36, normalisation, where, files)


def _idx_set(title: str, reader: str) -> Source:
    return _paper_set(title, reader, f"{reader}/raw", 60_000, "70,000 of 28x28 grey", _GREY, _IDX)


DATASETS: dict[str, Source] = {
    "digits": Source("Digits (scikit-learn)", _digits, "1,797 of 8x8 grey", resize=16),
    "mnist": _idx_set("MNIST", "MNIST"),
    "fashion-mnist": _idx_set("Fashion-MNIST", "FashionMNIST"),
    "kmnist": _idx_set("Kuzushiji-MNIST", "KMNIST"),
    "cifar10": _paper_set(
        "CIFAR-10", "CIFAR10", "cifar-10-batches-py", 50_000, "60,000 of 32x32 RGB", _C10, _BATCHES
    ),
    "cifar100": _paper_set(
        "CIFAR-100", "CIFAR100", "cifar-100-python", 50_000, "60,000 of 32x32 RGB", _C100,
        dict.fromkeys(("train", "test", "meta")),
    ),
}  # fmt: skip
