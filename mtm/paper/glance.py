"""About how many images data of the user's own has, and how large they are: from names and headers, without loading."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from mtm.config import TrainConfig
from mtm.data.raw import TEST_SHARE
from mtm.data.sources import find_source
from mtm.errors import InputError
from mtm.train_loop.cost import Sizes


def estimate_sizes(config: TrainConfig) -> Sizes:
    """The sizes of an image folder or an .npz file after the transform. Raises InputError for one that is not."""
    find_source(config.dataset)
    path = Path(config.dataset)
    sizes = _look_into(path) if path.is_file() else _look_around(path)
    side = config.crop or config.resize
    return sizes if not side else Sizes(sizes.train, sizes.test, sizes.n_classes, side, side, sizes.channels)


def _look_around(folder: Path) -> Sizes:
    """Every file in a folder of a class counts; those below another folder than train/ are for testing."""
    files = [path for path in folder.rglob("*.*") if path.is_file() and not path.name.startswith(".")]
    outside = sum(path.relative_to(folder).parts[0].lower() != "train" for path in files)
    test = outside if (folder / "train").is_dir() else round(TEST_SHARE * len(files))
    for path in files:
        try:
            with Image.open(path) as image:
                channels = 1 if image.mode in ("1", "L", "I", "F", "I;16") else 3
                n_classes = len({path.parent.name for path in files})
                return Sizes(len(files) - test, test, n_classes, image.height, image.width, channels)
        except OSError:
            continue
    raise InputError(f"{folder} has no images; it needs train/CLASS/*.png, or CLASS/*.png")


def _look_into(path: Path) -> Sizes:
    """The shapes in an .npz file; how many classes there are its labels would say, and a cost hardly depends on it."""
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = {}
            for name in archive.namelist():
                with archive.open(name) as file:
                    shapes[name.removesuffix(".npy")] = _shape(file)
        whole = shapes.get("x_train") or shapes["x"]
        test = shapes["x_test"][0] if "x_test" in shapes else round(TEST_SHARE * whole[0])
        train = whole[0] - (0 if "x_test" in shapes else test)
        height, width, channels = (*whole[1:], 1)[:3]
        return Sizes(train, test, 10, height, width, channels)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is damaged or not an .npz file of images x (N, h, w) or x_train and x_test"
        ) from error


def _shape(file: IO[bytes]) -> tuple[int, ...]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return tuple(read(file)[0])
