"""Folders of images of one's own, of every mode and ending that people have, whole or with odd files among them.

What has to hold: the left half of every image is the brighter one, and stays it, however the file says so; what cannot
be read is named or refused in a sentence, and the images are not guessed.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors import safe_open

from faults.commands import Commands, check, told
from faults.damages import DAMAGES_OF_A_FILE, append

SIDE = 12
MODES = ("L", "RGB", "RGBA", "P", "LA", "1", "CMYK", "I;16", "F", "I")
ENDINGS: dict[str, tuple[str, ...]] = {
    ".png": ("L", "RGB", "RGBA", "P", "LA", "1", "I;16"),
    ".jpg": ("L", "RGB", "CMYK"),
    ".JPEG": ("L", "RGB"),
    ".bmp": ("L", "RGB", "P", "1"),
    ".gif": ("L", "P"),
    ".tif": MODES,
    ".tiff": MODES,
    ".webp": ("RGB", "RGBA"),
    ".ppm": ("RGB",),
    ".pgm": ("L",),
}
TRANSPOSED: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {  # what a viewer undoes, by the orientation of EXIF
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
TRAIN = ("--epochs", "1", "--dim", "4", "--batch-size", "8", "--record", "50", "--device", "cpu", "--weights", "none")


def picture(chance: Random) -> NDArray[Any]:
    """(h, w) of 0..255, the left half brighter."""
    rng = np.random.default_rng(chance.getrandbits(32))
    dark = rng.integers(0, 80, (SIDE, SIDE))
    dark[:, : SIDE // 2] += 150
    return dark.astype(np.uint8)


def save(pixels: NDArray[Any], mode: str, path: Path, orientation: int) -> None:
    """The picture in a mode, turned as EXIF then says."""
    turned = np.ascontiguousarray(TRANSPOSED[orientation](pixels))
    if mode in ("I;16", "F", "I"):
        scale: dict[str, Any] = {"I;16": (257, np.uint16), "F": (1 / 255, np.float32), "I": (1000, np.int32)}
        factor, kind = scale[mode]
        image = Image.fromarray((turned.astype(float) * factor).astype(kind))
    else:
        image = Image.fromarray(turned).convert(mode)
    if orientation == 1:
        image.save(path)
        return
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)


def make_folder(chance: Random, folder: Path, orientations: bool = True) -> str:
    """Classes of images below `folder`, in one mode, perhaps in splits and deeper folders."""
    ending = chance.choice(list(ENDINGS))
    mode = chance.choice(ENDINGS[ending])
    has_exif = ending in (".jpg", ".JPEG", ".tif", ".tiff", ".png", ".webp") and mode in ("L", "RGB", "RGBA", "CMYK")
    splits = chance.choice([("",), ("train", "test"), ("Train", "Test"), ("training", "testing"), ("train", "VAL")])
    deeper = chance.choice(["", "", "deeper"])
    for split in splits:
        for name in ("cats", "dögs", "10"):
            where = folder / split / name / deeper
            where.mkdir(parents=True)
            for k in range(5):
                orientation = chance.choice(list(TRANSPOSED)) if has_exif and orientations else 1
                save(picture(chance), mode, where / f"{k}{ending}", orientation)
    return f"{mode} in {ending}, splits {splits}, {deeper or 'flat'}"


def whole_images(commands: Commands, run: Path, chance: Random, folder: Path) -> str:
    """A training on such images: in every thumbnail the left half is the brighter one."""
    story = make_folder(chance, folder / "images")
    with told(story):
        done = commands.run("mtm", "train", "--dataset", folder / "images", *TRAIN, "--runs", folder, "--name", "it")
        check(done.code == 0, f"it ended with {done.code}: {done.err}")
        with safe_open(folder / "it" / "points.safetensors", "np") as file:
            shown = file.get_tensor("thumbnails").astype(float)
        grey = shown.mean(axis=-1) if shown.ndim == 4 else shown  # (N, h, w)
        half = grey.shape[2] // 2
        left, right = grey[:, :, :half].mean(axis=(1, 2)), grey[:, :, -half:].mean(axis=(1, 2))
        check((left > right + 20).all(), f"{(left <= right + 20).sum()} of {len(left)} images are shown otherwise")
    return story


def odd_images(commands: Commands, run: Path, chance: Random, folder: Path) -> str:
    """Files among them that are damaged, huge, empty, of another kind, or no files."""
    story = make_folder(chance, folder / "images", orientations=False)
    files = sorted(path for path in (folder / "images").rglob("*") if path.is_file())
    for path in chance.sample(files, chance.randint(1, 3)):
        how = chance.choice(ODD)
        story += f"; {path.name} {how(chance, path)}"
    with told(story):
        done = commands.run("mtm", "train", "--dataset", folder / "images", *TRAIN, "--runs", folder, "--name", "it")
        check(done.code in (0, 2), f"it ended with {done.code}: {done.err}")
        check(done.code == 0 or not (folder / "it").exists(), "what was refused has left a run")
    return f"{story} ({done.code})"


def _enlarge(chance: Random, path: Path) -> str:
    """A picture of 20,000 x 20,000 pixels of one colour in a few kilobytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("1", (20_000, 20_000)).save(path.with_suffix(".png"))
    return "beside one of 400 million pixels"


def _mix(chance: Random, path: Path) -> str:
    mode = chance.choice(["RGB", "L"])
    save(picture(chance), mode, path.with_name("other.png"), 1)
    return f"beside one of mode {mode}"


def _leave(chance: Random, path: Path) -> str:
    names = (b".DS_Store", b"Thumbs.db", b"._0.png", b"notes.txt", b"labels.csv", b"\xff.png", b"x.svg", b"y.heic")
    name = chance.choice(names)
    with open(os.fsencode(path.parent) + b"/" + name, "wb") as file:
        file.write(chance.choice([b"", b"text", chance.randbytes(200)]))
    return f"beside {name!r}"


ODD: tuple[Callable[[Random, Path], str], ...] = (
    *(damage for damage in DAMAGES_OF_A_FILE if damage is not append),  # what is behind an image, viewers pass over
    _enlarge,
    _mix,
    _leave,
    _leave,
)  # fmt: skip
