"""Data sets as uint8 arrays: loaded, resized and cropped once, split, and sampled in balance (section IV-A and IV-B).

A data set is a function from a folder to `Raw` arrays, entered in `DATASETS` with Table 2's transform. Everything else
(image folders, .npz files) is read the same way and normalised by its own training images. Nothing here needs torch but
torchvision's own readers.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from mtm.config import TrainConfig
from mtm.errors import InputError, choose_from

Array = NDArray[Any]
TEST_SHARE = 0.2  # of data that comes without a test split
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")


@dataclass(frozen=True)
class Split:
    images: Array  # (N, h, w, 1 or 3) uint8
    labels: Array  # (N,) int64

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Array) -> Split:
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Raw:
    """Images before the transform: arrays (N, h, w[, 3]) uint8, or files."""

    train_images: Array | list[Path]
    train_labels: Array
    test_images: Array | list[Path]
    test_labels: Array
    class_names: tuple[str, ...]


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


@dataclass(frozen=True)
class Dataset:
    """Transformed splits, and how to normalise them: (pixel - mean) / std by channel, on pixel values 0..255."""

    name: str
    train: Split
    validation: Split | None  # None when the test split takes its place
    test: Split
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    notes: tuple[str, ...] = ()  # what the user should know of how it was loaded

    @property
    def n_classes(self) -> int:
        return len(self.class_names)


def load(config: TrainConfig) -> Dataset:
    """The data set of a config. Raises InputError for one that is unknown, missing, damaged or unusable."""
    source = find(config.dataset)
    raw = source.load(Path(config.data_root))
    n_classes = len(raw.class_names)
    _check_labels(config.dataset, raw)
    train_rows = np.arange(len(raw.train_labels))
    if config.train_images:
        train_rows = balanced_sample(raw.train_labels, config.train_images, config.seed)
    resize = source.resize if config.resize is None else config.resize
    crop = source.crop if config.crop is None else config.crop
    grey = _all_grey(raw)
    if isinstance(raw.train_images, list) and not (resize and crop):
        check_sizes([*raw.train_images, *raw.test_images])
    notes: list[str] = []
    train, test = (
        Split(transform(_rows(images, rows), resize, crop, grey, notes), labels[rows].astype(np.int64))
        for images, labels, rows in (
            (raw.train_images, raw.train_labels, train_rows),
            (raw.test_images, raw.test_labels, np.arange(len(raw.test_labels))),
        )
    )
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("x".join(map(str, split.images.shape[1:])) for split in (train, test))
        raise InputError(
            f"{config.dataset}: training and test images differ in size ({sizes}); give --resize and --crop"
        )
    mean, std = source.normalisation or channel_statistics(train.images)
    validation = None
    if config.validation != "test":
        held = stratified_rows(train.labels, float(config.validation), config.seed)
        kept = np.setdiff1d(np.arange(len(train)), held)
        if len(np.unique(train.labels[kept])) < n_classes:
            raise InputError(f"validation = {config.validation} leaves a class without training images; lower it")
        train, validation = train.take(kept), train.take(held)
    return Dataset(config.dataset, train, validation, test, raw.class_names, mean, std, tuple(notes))


def find(name: str) -> Source:
    """The source called `name`: one of DATASETS, an image folder or an .npz file."""
    if name in DATASETS:
        return DATASETS[name]
    path = Path(name)
    if path.suffix == ".npz":
        return Source(path.stem, lambda _: _read_npz(path), "own")
    if path.is_dir():
        return Source(path.name, lambda _: _read_folder(path), "own")
    if len(path.parts) > 1:
        raise InputError(f"{name}: there is no such image folder or .npz file")
    raise choose_from("data set", name, [*DATASETS, "an image folder", "an .npz file"])


def transform(images: Array | list[Path], resize: int, crop: int, grey: bool, notes: list[str] | None = None) -> Array:
    """Images as (N, h, w, 1 or 3) uint8, resized (shorter side, bilinear) and centre-cropped as torchvision does.

    The result is memory-mapped where it would take more than half of the free memory; `notes` gets a word about it.
    """
    if not resize and not crop and isinstance(images, np.ndarray):
        return images.reshape(*images.shape[:3], 1 if images.ndim == 3 else images.shape[3])
    first = _fit(_open(images[0], grey), resize, crop)
    shape = (len(images), first.height, first.width, 1 if grey else 3)
    out = _allocate(shape, notes)
    for i, image in enumerate(images):
        out[i] = np.asarray(_fit(_open(image, grey), resize, crop)).reshape(shape[1:])
    return out


def balanced_sample(y: Array, n: int, seed: int) -> Array:
    """Sorted row numbers of a fixed class-balanced sample of n of the labels y; all of them for n = 0 or n >= len(y).

    Classes with fewer images than their share give all they have, the others make up for them.
    """
    if n == 0 or n >= len(y):
        return np.arange(len(y))
    order = np.random.default_rng(seed).permutation(len(y))
    rank = np.empty(len(y), dtype=np.int64)  # how many of the same class come before
    for k in np.unique(y):
        rows = order[y[order] == k]
        rank[rows] = np.arange(len(rows))
    position = np.empty(len(y), dtype=np.int64)
    position[order] = np.arange(len(y))
    return np.sort(np.lexsort((position, rank))[:n])


def stratified_rows(y: Array, share: float, seed: int) -> Array:
    """Sorted row numbers of a random `share` of each class, at least one image of a class that has two."""
    rng = np.random.default_rng(seed)
    chosen = []
    for k in np.unique(y):
        rows = np.flatnonzero(y == k)
        n = min(len(rows) - 1, max(1, round(share * len(rows))))
        chosen.append(rng.permutation(rows)[:n])
    return np.sort(np.concatenate(chosen))


def channel_statistics(images: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel, on pixel values 0..255."""
    sums, squares, n = 0.0, 0.0, 0
    for start in range(0, len(images), 1000):
        block = images[start : start + 1000].reshape(-1, images.shape[3]).astype(np.float64)
        sums, squares, n = sums + block.sum(axis=0), squares + (block**2).sum(axis=0), n + len(block)
    mean = np.asarray(sums) / n
    std = np.sqrt(np.maximum(np.asarray(squares) / n - mean**2, 0))
    return tuple(mean.tolist()), tuple(np.where(std == 0, 1, std).tolist())


def thumbnails(images: Array, size: int = 36) -> Array:
    """(N, h, w[, 3]) uint8 for the explorer: the images themselves, made smaller if they are larger than `size`."""
    if images.shape[1] > size or images.shape[2] > size:
        small = [Image.fromarray(image.squeeze()) for image in images]
        for picture in small:
            picture.thumbnail((size, size))
        images = np.stack([np.asarray(picture) for picture in small])
    return np.asarray(images[..., 0] if images.ndim == 4 and images.shape[3] == 1 else images)


# Sources


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
            if (root / where).exists() and any((root / where).iterdir()):
                raise InputError(f"the files of {name} in {root / where} are damaged or incomplete; {hint}") from error
            raise InputError(f"{name} is not in {root / where} and could not be downloaded; {hint}") from error
        if [len(x) for x in images] != [len(y) for y in labels] or [len(x) for x in images] != [n_train, 10_000]:
            raise InputError(f"the files of {name} in {root / where} are damaged or incomplete; {hint}")
        return Raw(images[0], labels[0], images[1], labels[1], tuple(sets[0].classes))

    return read


def _table2(mean: Sequence[float], std: Sequence[float], scale: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of Table 2 on pixel values 0..255."""
    return tuple(scale * value for value in mean), tuple(scale * value for value in std)


_GREY = _table2([33.3149], [78.5639], 1)
_C10 = _table2([0.491, 0.482, 0.447], [0.202, 0.200, 0.201], 255)
_C100 = _table2([0.507, 0.487, 0.441], [0.201, 0.198, 0.202], 255)


def _known(title: str, reader: str, where: str, n_train: int, size: str, normalisation: Any) -> Source:
    return Source(title, _torchvision(reader, where, n_train), size, 44, 36, normalisation, where)


DATASETS: dict[str, Source] = {
    "digits": Source("Digits (scikit-learn)", _digits, "1,797 of 8x8 grey", resize=16),
    "mnist": _known("MNIST", "MNIST", "MNIST/raw", 60_000, "70,000 of 28x28 grey", _GREY),
    "fashion-mnist": _known("Fashion-MNIST", "FashionMNIST", "FashionMNIST/raw", 60_000, "70,000 of 28x28 grey", _GREY),
    "kmnist": _known("Kuzushiji-MNIST", "KMNIST", "KMNIST/raw", 60_000, "70,000 of 28x28 grey", _GREY),
    "cifar10": _known("CIFAR-10", "CIFAR10", "cifar-10-batches-py", 50_000, "60,000 of 32x32 RGB", _C10),
    "cifar100": _known("CIFAR-100", "CIFAR100", "cifar-100-python", 50_000, "60,000 of 32x32 RGB", _C100),
}


def _read_npz(path: Path) -> Raw:
    """`x_train y_train x_test y_test`, or `x y` to be split; optional `class_names`."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # zip, zlib and NumPy each have their own
        raise InputError(f"{path} is damaged or not an .npz file of plain arrays") from error
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
    names = tuple(str(name) for name in arrays.get("class_names", range(highest + 1)))
    if "x" in arrays and "x_train" not in arrays:
        return _with_test_split(arrays["x"], arrays["y"], names)
    return Raw(arrays["x_train"], arrays["y_train"], arrays["x_test"], arrays["y_test"], names)


def _read_folder(path: Path) -> Raw:
    """`train/CLASS/*` and perhaps `test/CLASS/*`, or `CLASS/*`; without a test folder a fifth is held out."""
    train_folder = path / "train" if (path / "train").is_dir() else path
    names = tuple(sorted(p.name for p in train_folder.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if not names:
        raise InputError(f"{path} has no class folders; it needs train/CLASS/*.png, or CLASS/*.png")
    train, train_labels = _list_images(train_folder, names)
    if train_folder == path or not (path / "test").is_dir():
        rows = stratified_rows(train_labels, TEST_SHARE, 0)
        kept = np.setdiff1d(np.arange(len(train)), rows)
        parts = [train[i] for i in kept], train_labels[kept], [train[i] for i in rows], train_labels[rows]
        return Raw(*parts, names)
    extra = {p.name for p in (path / "test").iterdir() if p.is_dir() and not p.name.startswith(".")} - set(names)
    if extra:
        raise InputError(f"{path / 'test'} has class '{min(extra)}', which {train_folder} has not")
    test, test_labels = _list_images(path / "test", names, required=False)
    if not test:
        raise InputError(
            f"{path / 'test'} has no images; put some there, or remove the folder to have a fifth held out"
        )
    return Raw(train, train_labels, test, test_labels, names)


def _list_images(folder: Path, names: Sequence[str], required: bool = True) -> tuple[list[Path], Array]:
    files, labels = [], []
    for k, name in enumerate(names):
        found = sorted(p for p in (folder / name).glob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if required and not found:
            raise InputError(
                f"class '{name}' is empty: {folder / name} has no images ({', '.join(IMAGE_SUFFIXES[:3])}, ...)"
            )
        files += found
        labels += [k] * len(found)
    return files, np.array(labels, dtype=np.int64)


def _with_test_split(images: Array, y: Array, names: tuple[str, ...]) -> Raw:
    """A fifth of each class as test split, the same one whatever the seed of the training."""
    rows = stratified_rows(y, TEST_SHARE, 0)
    kept = np.setdiff1d(np.arange(len(y)), rows)
    return Raw(images[kept], y[kept], images[rows], y[rows], names)


# Checks


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


def _check_labels(name: str, raw: Raw) -> None:
    n = len(raw.class_names)
    if n < 2:
        raise InputError(f"{name} has one class; it takes two or more to classify")
    for split, y in (("training", raw.train_labels), ("test", raw.test_labels)):
        if y.max() >= n:
            raise InputError(f"{name}: the {split} labels go up to {y.max()}; there are {n} classes, counted from 0")
    missing = np.setdiff1d(np.arange(n), raw.train_labels)
    if len(missing):
        raise InputError(f"{name}: class '{raw.class_names[missing[0]]}' is empty, it has no training images")


def _all_grey(raw: Raw) -> bool:
    """Whether all images have one channel; for files this reads their headers."""
    if isinstance(raw.train_images, np.ndarray):
        return raw.train_images.ndim == 3
    return all(_header(path)[1] in ("1", "L", "I;16") for path in [*raw.train_images, *raw.test_images])


def check_sizes(files: Iterable[Path]) -> None:
    """Raises InputError if the image files differ in size."""
    first, size = None, None
    for path in files:
        if first is None:
            first, size = path, _header(path)[0]
        elif _header(path)[0] != size:
            a, b = ("x".join(map(str, s)) for s in (size or (), _header(path)[0]))
            raise InputError(
                f"images of mixed size: {first} is {a}, {path} is {b}; "
                "make them one size, or give --resize and --crop to have it done"
            )


def _header(path: Path) -> tuple[tuple[int, int], str]:
    try:
        with Image.open(path) as image:
            return image.size, image.mode
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not an image that can be read") from error


def _rows(images: Array | list[Path], rows: Array) -> Array | list[Path]:
    return [images[i] for i in rows] if isinstance(images, list) else images[rows]


def _open(image: Array | Path, grey: bool) -> Image.Image:
    if not isinstance(image, Path):
        return Image.fromarray(image)
    try:
        with Image.open(image) as opened:
            return opened.convert("L" if grey else "RGB")
    except (OSError, ValueError) as error:
        raise InputError(f"{image} is not an image that can be read") from error


def _fit(image: Image.Image, resize: int, crop: int) -> Image.Image:
    if resize:
        short = min(image.size)
        width, height = (int(resize * side / short) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    if crop:
        if crop > min(image.size):
            raise InputError(
                f"crop {crop} is larger than the images ({image.width}x{image.height}); give a larger --resize"
            )
        left, top = round((image.width - crop) / 2), round((image.height - crop) / 2)
        image = image.crop((left, top, left + crop, top + crop))
    return image


def memory_limit() -> int:
    """Bytes that one split may take in memory: half of what is free."""
    return int(psutil.virtual_memory().available // 2)


def _allocate(shape: tuple[int, ...], notes: list[str] | None) -> Array:
    n_bytes = int(np.prod(shape, dtype=np.int64))
    if n_bytes <= memory_limit():
        return np.empty(shape, np.uint8)
    if notes is not None:
        notes.append(f"{n_bytes / 2**30:.1f} GiB of images do not fit in memory: they are kept in a temporary file")
    return np.memmap(TemporaryFile(), dtype=np.uint8, mode="w+", shape=shape)
