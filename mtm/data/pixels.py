"""Picture files as viewers show them: upright, in eight bits, grey or in colour, on white where they are transparent.

What one file cannot say is decided once for all files of a data set (`look_at`): whether it is grey, and what is white
in pixels of more than eight bits. Brightness is information: each image scaled by itself would lose it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageFile
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from mtm.data.raw import WHITE, White, list_some, name_below
from mtm.errors import InputError
from mtm.run_folder.snapshots import Array

FIRST = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")  # tried in this order, then all others that Pillow opens
NO_IMAGES = ("PDF", "EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5", "IPTC", "PALM")  # documents, films and containers
STEPS = (255, 1023, 4095, 16383, 65535)  # white of 8, 10, 12, 14 and 16 bits
PAPER = "white"  # what transparent parts are laid on
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF orientation  # fmt: skip


KINDS = ("colour", "turned", "transparent", "frames", "deep colour", "whole", "part")  # that are told apart


@dataclass(frozen=True)
class Look:
    """What the headers of a data set's files say, and what follows for reading them."""

    grey: bool
    white: White
    mixed: str = ""  # two files of different size, in words
    notes: tuple[str, ...] = ()


@cache
def suffixes() -> frozenset[str]:
    """The endings of names, in small letters, of the images that can be read."""
    Image.init()  # 0.1 s, so not when this is imported
    return frozenset(
        suffix
        for suffix, kind in Image.registered_extensions().items()
        if kind not in NO_IMAGES and (kind in Image.OPEN or kind == "MPO")  # the JPEG reader opens MPO
    )


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return (*FIRST, *sorted(set(Image.OPEN) - {*FIRST, *NO_IMAGES}))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """An image file. Raises InputError for one that is none, is damaged, cut short or far too large."""
    try:
        with Image.open(path, formats=_formats()) as image:
            yield image
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{path} is larger than an image may be: {error}") from error
    except Exception as error:  # each of Pillow's readers has its own
        raise InputError(f"{path} is not an image that can be read; repair it or take it away") from error


@contextmanager
def quietly() -> Iterator[None]:
    """Without Pillow's warnings on odd headers: what matters of them is in the account."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_picture(path: Path, grey: bool, white: White = WHITE) -> Image.Image:
    """An image file as viewers show it, in mode L or RGB. Raises InputError, as every function here does."""
    with _opened(path) as image:
        picture: Image.Image = image
        if kind := _depth(image):
            pixels = in_eight_bits(np.asarray(image), getattr(white, kind))
            picture = Image.fromarray(255 - pixels if _is_negative(image) else pixels)
        elif image.has_transparency_data:
            picture = _on_paper(image)
        picture = picture.convert("L" if grey else "RGB")
        orientation = _orientation(image)
        return picture.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else picture


def in_eight_bits(values: Array, white: float) -> Array:
    """Pixel values of any type as uint8, with 0 as black and `white` as 255."""
    return np.rint(values * (255 / white)).clip(0, 255).astype(np.uint8)


def white_of(highest: float, is_whole: bool) -> float:
    """What is white in images with this highest value: 255, 1023, 4095, 16383 or 65535, the first that is not below it,
    for whole numbers; 1 for others up to 1; or else the highest value itself."""
    return next((white for white in (STEPS if is_whole else (1,)) if highest <= white), highest)


def check_values(where: str, values: Array) -> None:
    """Raises InputError for pixel values below zero, NaN or infinite."""
    if not np.isfinite(values).all():
        raise InputError(f"{where} has pixel values that are not finite; they are numbers from 0")
    if values.size and values.min() < 0:
        raise InputError(
            f"{where} has pixel values below 0 ({values.min():g}); they are numbers from 0 (black) upwards"
        )


def _on_paper(image: Image.Image) -> Image.Image:
    premultiplied = {"La": "LA", "RGBa": "RGBA"}
    straight = image.convert(premultiplied[image.mode]) if image.mode in premultiplied else image
    return Image.alpha_composite(Image.new("RGBA", image.size, PAPER), straight.convert("RGBA"))


def _orientation(image: Image.Image) -> int:
    """EXIF's number for how the image is to be turned: 1, as it is, where nothing is said that can be read."""
    if not {"exif", "xmp"} & image.info.keys():  # Pillow turns TIFF by itself
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # viewers show an image with damaged EXIF too
        return 1


def _is_negative(image: Image.Image) -> bool:
    """Whether 0 is white in a TIFF, as in radiographs: Pillow turns that round for eight bits only."""
    return isinstance(image, TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0


def _depth(image: Image.Image) -> str:
    """ "whole" or "float" for pixels of more than eight bits, "" for eight and less."""
    return "whole" if image.mode.startswith("I") else "part" if image.mode == "F" else ""


def _is_grey(image: Image.Image) -> bool:
    if image.mode in ("P", "PA") and image.palette is not None:
        colours = np.asarray(list(image.palette.colors), dtype=int).reshape(len(image.palette.colors), -1)
        return bool((colours[:, :3] == colours[:, :1]).all())
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether Pillow keeps only the upper eight of sixteen bits."""
    if _depth(image) or not isinstance(image, ImageFile.ImageFile):
        return False
    raw_modes = [part for tile in image.tile for part in (tile.args if isinstance(tile.args, tuple) else (tile.args,))]
    return any(isinstance(part, str) and ";16" in part for part in raw_modes)


def look_at(files: Sequence[Path], root: Path) -> Look:
    """Read the headers of all files of a data set, once, and the pixels of those with more than eight bits."""
    seen = _Seen()
    with quietly():
        for path in files:
            with _opened(path) as image:
                seen.add(path, image)
    white, notes = WHITE, list(_notes(seen, len(files), root))
    for kind, highest in seen.highest.items():
        value = white_of(highest, kind == "whole" or (seen.floats_are_whole and highest > 1))
        white = white._replace(**{kind: value})
        notes.append(
            f"{_named(seen.files[kind], root)} with more than 8 bits a pixel: 0 is read as black, "
            f"{value:,g} as white (the highest value is {highest:,g})"
        )
    return Look(not seen.files["colour"], white, seen.mixed, tuple(notes))


@dataclass
class _Seen:
    """What was seen in the headers so far."""

    files: dict[str, list[Path]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    highest: dict[str, float] = field(default_factory=dict)  # pixel value, of "whole" and "part"
    floats_are_whole: bool = True
    highest_colour: int = 0  # of the upper eight of sixteen bits
    first: tuple[Path, tuple[int, int]] | None = None
    mixed: str = ""

    def add(self, path: Path, image: Image.Image) -> None:
        orientation = _orientation(image)
        kinds = {
            "colour": not _is_grey(image),
            "turned": orientation in UPRIGHT,
            "transparent": image.has_transparency_data,
            "frames": getattr(image, "is_animated", False) and image.format != "PSD",  # its layers are one image
            "deep colour": _is_deep_colour(image),
        }
        for kind in [kind for kind, is_so in kinds.items() if is_so]:
            self.files[kind].append(path)
        size = image.size[::-1] if orientation in UPRIGHT and orientation >= 5 else image.size
        self.first = self.first or (path, size)
        if size != self.first[1] and not self.mixed:
            (a, wide), (b, high) = self.first, (path, size)
            self.mixed = f"images of mixed size: {a} is {wide[0]}x{wide[1]}, {b} is {high[0]}x{high[1]}"
        self._look_into(path, image, kinds["deep colour"])

    def _look_into(self, path: Path, image: Image.Image, is_deep_colour: bool) -> None:
        if is_deep_colour:
            self.highest_colour = max(self.highest_colour, int(np.asarray(image).max()))
        elif kind := _depth(image):
            self.files[kind].append(path)
            values = np.asarray(image)
            check_values(str(path), values)
            self.highest[kind] = max(self.highest.get(kind, 0.0), float(values.max()))
            if kind == "part":
                self.floats_are_whole &= bool((values == np.rint(values)).all())


def _notes(seen: _Seen, n: int, root: Path) -> Iterator[str]:
    """What is said of how files were read. Raises InputError for colour that would come out black."""
    named = {kind: _named(files, root) for kind, files in seen.files.items()}
    n_colour = len(seen.files["colour"])
    if 0 < n_colour < n:
        yield f"Read in colour: {named['colour']} in colour, the others in grey"
    else:
        yield "Read in colour, as all images are" if n_colour else "Read in grey, as all images are"
    if seen.files["turned"]:
        yield f"{named['turned']} turned upright as EXIF says"
    if seen.files["transparent"]:
        yield f"{named['transparent']} with transparency, laid on {PAPER}"
    if seen.files["frames"]:
        yield f"{named['frames']} with several frames or pages, of which the first is read"
    if seen.files["deep colour"]:
        if seen.highest_colour < 16:
            raise InputError(
                f"{seen.files['deep colour'][0]} has colours of 16 bits of which the upper 4 are empty: it would come "
                "out black; save the images with 8 bits a channel"
            )
        yield f"{named['deep colour']} with 16 bits a channel, of which the upper 8 are read"


def _named(files: Sequence[Path], root: Path) -> str:
    names = list_some((name_below(root, path) for path in files), len(files))
    return f"{len(files):,} image{'s' * (len(files) > 1)} ({names})"
