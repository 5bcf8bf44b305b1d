"""Data sets ready for training: resized and cropped once, as uint8 arrays, split and normalised (section IV-B).

Nothing here needs torch but torchvision's own readers (`mtm.data.known`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import psutil
from PIL import Image

from mtm.config import TrainConfig
from mtm.data.pixels import quietly, read_picture
from mtm.data.raw import WHITE, Raw, White, check_labels
from mtm.data.sampling import balanced_sample, stratified_rows
from mtm.data.sources import find_source
from mtm.errors import InputError
from mtm.run_folder.account import Account
from mtm.run_folder.class_names import spell
from mtm.run_folder.snapshots import Array

ONE_SIZE = "make them one size, or give --resize and --crop to have it done"


@dataclass(frozen=True)
class Split:
    images: Array  # (N, h, w, 1 or 3) uint8
    labels: Array  # (N,) int64

    def __len__(self) -> int:
        return len(self.labels)


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
    account: Account | None = None  # what was read, and what was not
    held_out: tuple[int, ...] = ()  # classes of which only the test split has images

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def trained(self) -> Array:
        """The classes (K,) that are trained on: target k of a model is that of class trained[k]."""
        return np.setdiff1d(np.arange(self.n_classes), self.held_out)

    def by_class(self, rows: Array) -> Array:
        """One row (K, ...) for each trained class as one for every class (C, ...): NaN for those held out."""
        all_rows = np.full((self.n_classes, *rows.shape[1:]), np.nan, rows.dtype)
        all_rows[self.trained] = rows
        return all_rows


def load(config: TrainConfig, class_names: Sequence[str] = ()) -> Dataset:
    """The data set of a config. Raises InputError for one that is unknown, missing, damaged or unusable.

    `class_names` are those of a run that goes on: its order and spelling stay, if the classes are the same.
    """
    source = find_source(config.dataset, class_names)
    raw = source.load(Path(config.data_root))
    check_labels(config.dataset, raw)
    if tuple(map(spell, class_names)) == raw.class_names:
        raw = replace(raw, class_names=tuple(class_names))
    held_out = held_out_classes(config, raw.class_names)
    train_rows, held_rows = _train_rows(config, raw, held_out)
    resize = source.resize if config.resize is None else config.resize
    crop = source.crop if config.crop is None else config.crop
    if raw.mixed and not (resize and crop):
        raise InputError(f"{raw.mixed}; {ONE_SIZE}")

    def split(images: Array | list[Path], labels: Array, rows: Array) -> Split:
        pixels = transform(_rows(images, rows), resize, crop, raw.grey, raw.white)
        return Split(pixels, labels[rows].astype(np.int64))

    train = split(raw.train_images, raw.train_labels, train_rows)
    test = split(raw.test_images, raw.test_labels, np.arange(len(raw.test_labels)))
    validation = split(raw.train_images, raw.train_labels, held_rows) if len(held_rows) else None
    if train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("x".join(map(str, s.images.shape[1:])) for s in (train, test))
        raise InputError(
            f"{config.dataset}: training and test images differ in size ({sizes}); give --resize and --crop"
        )
    mean, std = source.normalisation or channel_statistics(train.images)
    account = raw.account(config.dataset, _memory_notes(train, validation, test))
    return Dataset(config.dataset, train, validation, test, raw.class_names, mean, std, account, held_out)


def held_out_classes(config: TrainConfig, class_names: tuple[str, ...]) -> tuple[int, ...]:
    """The numbers of the classes that a config keeps out of training. Raises InputError if that cannot be."""
    numbers = {str(k): k for k in range(len(class_names))} | {name: k for k, name in enumerate(class_names)}
    parts = [part.strip() for part in (config.held_out or "").split(",") if part.strip()]
    for part in parts:
        if part not in numbers:
            raise InputError(
                f"held_out: {config.dataset} has no class '{part}'; give names or numbers of 0 to "
                f"{len(class_names) - 1}: {', '.join(class_names[:12])}{', ...' if len(class_names) > 12 else ''}"
            )
    held_out = tuple(sorted({numbers[part] for part in parts}))
    if held_out and len(class_names) - len(held_out) < 2:
        raise InputError(
            f"held_out = {config.held_out} leaves {len(class_names) - len(held_out)} of {len(class_names)} classes; "
            "training takes two or more"
        )
    return held_out


def _train_rows(config: TrainConfig, raw: Raw, held_out: tuple[int, ...]) -> tuple[Array, Array]:
    """Which of the training images are trained on, and which are kept for validation: none of the classes held out."""
    candidates = np.flatnonzero(~np.isin(raw.train_labels, held_out))
    y, n_classes = raw.train_labels[candidates], len(raw.class_names) - len(held_out)
    for name, n in (("train_images", config.train_images), ("centre_images", config.centre_images)):
        if 0 < n < n_classes:
            raise InputError(f"{name} = {n} leaves classes without images; there are {n_classes} classes")
    rows = balanced_sample(y, config.train_images, config.seed)
    if config.validation == "test":
        return candidates[rows], np.arange(0)
    validation_rows = rows[stratified_rows(y[rows], float(config.validation), config.seed)]
    if not len(validation_rows):
        raise InputError(f"validation = {config.validation} of {len(rows)} training images is none; raise it")
    return candidates[np.setdiff1d(rows, validation_rows)], candidates[validation_rows]


def transform(images: Array | list[Path], resize: int, crop: int, grey: bool, white: White = WHITE) -> Array:
    """Images as (N, h, w, 1 or 3) uint8, resized (shorter side, bilinear) and centre-cropped as torchvision does.

    The result is memory-mapped where it would take more than half of the free memory. `white` is that of
    `mtm.data.pixels`, for files.
    """
    if not resize and not crop and isinstance(images, np.ndarray):
        return images.reshape(*images.shape[:3], 1 if images.ndim == 3 else images.shape[3])

    def take(image: Array | Path) -> Array:
        picture = read_picture(image, grey, white) if isinstance(image, Path) else Image.fromarray(image)
        pixels = np.asarray(_resize_and_crop(picture, resize, crop))
        return pixels.reshape(*pixels.shape[:2], 1 if grey else 3)

    with quietly():
        first = take(images[0])
        out = _allocate((len(images), *first.shape))
        for i, image in enumerate(images):
            pixels = take(image)
            if pixels.shape != first.shape:  # turned by EXIF that stands behind the pixels, so no header told
                raise InputError(f"images of mixed size: {images[0]} and {image}; {ONE_SIZE}")
            out[i] = pixels
    return out


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


def _rows(images: Array | list[Path], rows: Array) -> Array | list[Path]:
    if isinstance(images, list):
        return [images[i] for i in rows]
    return images if len(rows) == len(images) else images[rows]


def _resize_and_crop(image: Image.Image, resize: int, crop: int) -> Image.Image:
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


def _allocate(shape: tuple[int, ...]) -> Array:
    if int(np.prod(shape, dtype=np.int64)) <= memory_limit():
        return np.empty(shape, np.uint8)
    with TemporaryFile() as file:  # the map keeps the file alive
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def _memory_notes(*splits: Split | None) -> list[str]:
    mapped = [split.images for split in splits if split and isinstance(split.images, np.memmap)]
    size = sum(images.nbytes for images in mapped) / 2**30
    return [f"{size:.1f} GiB of images do not fit in memory: they are kept in a temporary file"] if mapped else []
