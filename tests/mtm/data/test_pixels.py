"""Image files are read as viewers show them: every orientation, mode, depth and ending, and one scale for all."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mtm.config import TrainConfig
from mtm.data import Dataset, load
from mtm.data.pixels import STEPS, UPRIGHT, look_at, quietly, read_picture, suffixes, white_of
from mtm.errors import InputError

Array = NDArray[Any]
HIGH, WIDE = 12, 20
# brighter from left to right: turned or mirrored, it would be another
RAMP = np.broadcast_to(np.linspace(30, 210, WIDE).astype(np.uint8), (HIGH, WIDE))
COLOUR = np.stack([RAMP, RAMP // 2, 255 - RAMP], axis=2)
DEEP = np.linspace(0, 4095, 64).reshape(8, 8)


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def load_folder(folder: Path, name: str, images: list[Image.Image]) -> Dataset:
    """The images as a data set: each is in two classes, so that all are in it whatever is held out."""
    for label in "ab":
        for i, image in enumerate(images):
            save(folder / "train" / label / f"{i}{name}", image)
            save(folder / "test" / label / f"{i}{name}", image)
    return load(TrainConfig(dataset=str(folder)))


def notes(dataset: Dataset) -> str:
    assert dataset.account
    return "; ".join(dataset.account.notes)


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_images_are_turned_as_exif_says(tmp_path: Path, orientation: int, ending: str) -> None:
    undo = {**UPRIGHT, 6: UPRIGHT[8], 8: UPRIGHT[6]}  # the others are their own inverse
    upright = Image.fromarray(RAMP).convert("RGB")
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    by_ending: dict[str, dict[str, Any]] = {".jpg": {"quality": 100}, ".webp": {"lossless": True}}
    options = by_ending.get(ending, {})
    path = save(tmp_path / f"a{ending}", stored, exif=exif, **options)
    np.testing.assert_allclose(np.asarray(read_picture(path, grey=True), float), RAMP, atol=3)
    save(tmp_path / "b.png", upright)
    look = look_at([tmp_path / "b.png", path], tmp_path)
    assert look.mixed == "", "sizes are compared once the images are upright"


def test_turned_images_are_said_and_trained_on_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for label in "ab":
        for i in range(5):
            save(tmp_path / label / f"{i}.png", Image.fromarray(COLOUR))
        save(tmp_path / label / "5.jpg", Image.fromarray(COLOUR).transpose(UPRIGHT[8]), exif=exif, quality=95)
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    for split in (dataset.train, dataset.test):
        assert split.images.shape[1:] == (HIGH, WIDE, 3)
        assert (np.diff(split.images[..., 0].mean(axis=(0, 1))) > 0).all()
    assert "2 images (a/5.jpg, b/5.jpg) turned upright as EXIF says" in notes(dataset)


def test_exif_that_cannot_be_read_turns_nothing(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.fromarray(RAMP), exif=b"Exif\0\0nonsense", quality=100)
    np.testing.assert_allclose(np.asarray(read_picture(path, grey=True), float), RAMP, atol=3)


def test_exif_behind_the_pixels_of_a_png_is_seen_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.png", Image.fromarray(RAMP).transpose(UPRIGHT[8]))
    content, block = path.read_bytes(), exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(block)) + b"eXIf" + block + struct.pack(">I", zlib.crc32(b"eXIf" + block))
    path.write_bytes(content[:-12] + chunk + content[-12:])
    np.testing.assert_array_equal(np.asarray(read_picture(path, grey=True)), RAMP)


# Modes

GREY_MODES = ["L", "LA", "P", "PA", "I", "I;16", "I;16B", "F"]
COLOUR_MODES = ["RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB"]


@pytest.mark.parametrize("mode", GREY_MODES)
def test_grey_of_every_mode_is_the_same_grey(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(RAMP)
    picture = Image.fromarray(RAMP.astype(">u2")) if mode == "I;16B" else grey.convert(mode)
    dataset = load_folder(tmp_path, ".tif", [picture])
    assert dataset.train.images.shape == (2, HIGH, WIDE, 1)
    np.testing.assert_allclose(dataset.train.images[0, ..., 0].astype(float), RAMP, atol=1)
    assert "Read in grey" in notes(dataset)


@pytest.mark.parametrize("mode", COLOUR_MODES)
def test_colour_of_every_mode_is_the_same_colour(tmp_path: Path, mode: str) -> None:
    colour = Image.fromarray(COLOUR)
    dataset = load_folder(tmp_path, ".tif", [colour.quantize(256) if mode == "P" else colour.convert(mode)])
    assert dataset.train.images.shape == (2, HIGH, WIDE, 3)
    np.testing.assert_allclose(dataset.train.images[0].astype(float), COLOUR, atol=10 if mode in ("P", "LAB") else 4)
    assert "Read in colour" in notes(dataset)


def test_black_and_white_and_the_inverted_cmyk_of_jpeg(tmp_path: Path) -> None:
    half = Image.fromarray(RAMP > 120)
    np.testing.assert_array_equal(
        np.asarray(read_picture(save(tmp_path / "a.png", half), True)), 255 * (RAMP > 120).astype(np.uint8)
    )
    cmyk = read_picture(save(tmp_path / "b.jpg", Image.fromarray(COLOUR).convert("CMYK"), quality=100), False)
    np.testing.assert_allclose(np.asarray(cmyk, float), COLOUR, atol=12)


def test_one_colour_image_makes_all_colour_and_the_account_names_it(tmp_path: Path) -> None:
    dataset = load_folder(tmp_path, ".png", [Image.fromarray(RAMP), Image.fromarray(COLOUR)])
    assert dataset.train.images.shape[3] == 3
    assert "Read in colour: 4 images (train/a/1.png, train/b/1.png, test/a/1.png and 1 more) in" in notes(dataset)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_what_is_transparent_is_white(tmp_path: Path, mode: str) -> None:
    alpha = np.zeros((HIGH, WIDE), np.uint8)
    alpha[:, 10:] = 255
    if mode == "P":
        indices = np.where(alpha, 2, 1).astype(np.uint8)
        picture = Image.fromarray(indices)
        picture.putpalette([0, 0, 0, 0, 0, 0, 90, 90, 90])
        path = save(tmp_path / "a.png", picture, transparency=1)
    else:
        picture = Image.fromarray(np.full((HIGH, WIDE), 90, np.uint8)).convert(mode)
        picture.putalpha(Image.fromarray(alpha))
        path = save(tmp_path / "a.tif", picture)
    pixels = np.asarray(read_picture(path, grey=False))
    assert (pixels[:, :10] == 255).all()
    assert (pixels[:, 10:] == 90).all()
    assert any("with transparency, laid on white" in note for note in look_at([path], tmp_path).notes)


def test_half_transparent_black_is_middle_grey(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("RGBA", (3, 3), (0, 0, 0, 128)))
    assert np.ptp(np.asarray(read_picture(path, grey=True))) == 0
    assert np.asarray(read_picture(path, grey=True))[0, 0] == pytest.approx(127, abs=1)


# More than eight bits


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (DEEP.astype(np.uint16), 4095),
        (DEEP.astype(np.int32), 4095),
        ((DEEP * 16).astype(np.uint16), 65535),
        ((DEEP * 1000).astype(np.int32), 4_095_000),
        ((DEEP / 4095 * 255).astype(np.uint16), 255),
        (DEEP.astype(np.float32) / 4095, 1),
        (DEEP.astype(np.float32) / 8190, 1),
        (np.floor(DEEP).astype(np.float32), 4095),
        (np.round(DEEP / 4095 * 255).astype(np.float32), 255),
        ((DEEP > 2000).astype(np.float32), 1),
        (DEEP.astype(np.float32) / 1000, 4.095),
    ],
)
def test_deep_pixels_are_scaled_by_what_the_files_hold(tmp_path: Path, values: Array, white: float) -> None:
    dataset = load_folder(
        tmp_path, ".tif", [Image.fromarray(values), Image.fromarray(values // 4 if white > 1 else values)]
    )
    np.testing.assert_allclose(dataset.train.images[0, ..., 0], values * (255 / white), atol=1)
    assert f"0 is read as black, {white:,g} as white" in notes(dataset)


def test_a_dark_image_stays_dark_beside_a_bright_one(tmp_path: Path) -> None:
    bright = Image.fromarray(DEEP.astype(np.uint16))
    dark = Image.fromarray((DEEP / 4).astype(np.uint16))
    dataset = load_folder(tmp_path, ".png", [bright, dark, Image.fromarray(np.full((8, 8), 100, np.uint8))])
    first, second, eight_bits = dataset.train.images[:3].astype(float)
    np.testing.assert_allclose(second, first / 4, atol=1)
    assert (eight_bits == 100).all(), "images of eight bits are taken as they are"


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_tiff_whose_0_is_white_is_no_negative(tmp_path: Path, kind: type) -> None:
    path = save(tmp_path / "a.tif", Image.fromarray(255 - RAMP.astype(kind)))
    one_is_black, zero_is_white = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    assert path.read_bytes().count(one_is_black) == 1
    path.write_bytes(path.read_bytes().replace(one_is_black, zero_is_white))
    white = look_at([path], tmp_path).white
    np.testing.assert_allclose(np.asarray(read_picture(path, True, white), float), RAMP, atol=1)


@pytest.mark.parametrize(
    ("highest", "is_whole", "white"),
    [(0, True, 255), (1, True, 255), (256, True, 1023), (70_000, True, 70_000), (0.3, False, 1), (1.5, False, 1.5)],
)
def test_white_is_the_first_step_that_is_not_too_low(highest: float, is_whole: bool, white: float) -> None:
    assert white_of(highest, is_whole) == white
    assert [white_of(step, True) for step in STEPS] == list(STEPS)


@pytest.mark.parametrize(
    ("value", "says"), [(-0.5, r"below 0 \(-0.5\)"), (np.nan, "that are not"), (np.inf, "that are not")]
)
def test_pixels_that_are_no_brightness_are_refused_by_name(tmp_path: Path, value: float, says: str) -> None:
    values = DEEP.astype(np.float32)
    values[3, 4] = value
    with pytest.raises(InputError, match=rf"a/0\.tif has pixel values {says}"):
        load_folder(tmp_path, ".tif", [Image.fromarray(values)])


def deep_png(path: Path, values: Array) -> None:
    """An RGB PNG of sixteen bits a channel, which Pillow does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def test_colour_of_sixteen_bits_is_read_by_its_upper_half_or_refused(tmp_path: Path) -> None:
    for label in "ab":
        for i in range(2):
            deep_png(tmp_path / label / f"{i}.png", COLOUR.astype(np.uint16) * 257)
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    np.testing.assert_array_equal(dataset.train.images[0], COLOUR)
    assert "16 bits a channel, of which the upper 8 are read" in notes(dataset)
    for path in tmp_path.rglob("*.png"):
        deep_png(path, COLOUR.astype(np.uint16) * 16)  # twelve bits in sixteen
    with pytest.raises(InputError, match=r"a/.\.png has colours of 16 bits .* 8 bits a channel"):
        load(TrainConfig(dataset=str(tmp_path)))


# Files


def test_every_ending_that_pillow_writes_is_read_in_any_case(tmp_path: Path) -> None:
    Image.init()
    tried = []
    with quietly():  # one of the formats is deprecated
        for ending in sorted(suffixes()):
            path, kind = tmp_path / f"a{ending.upper()}", Image.registered_extensions()[ending]
            try:
                Image.fromarray(COLOUR[:, :HIGH]).save(path, format=kind)
            except (KeyError, OSError, ValueError):  # it writes none, or none in colour, or a library is not there
                continue
            tried.append(ending)
            assert read_picture(path, grey=False).mode == "RGB"
    assert {".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".tga"} <= set(tried)
    assert not suffixes() & {".pdf", ".eps", ".mpg", ".h5", ".txt", ".npy"}


def test_a_document_called_png_is_refused(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png", format="EPS")
    with pytest.raises(InputError, match=r"a\.png is not an image"):
        look_at([tmp_path / "a.png"], tmp_path)  # its header alone could be read without the program that draws it


def test_of_several_frames_the_first_is_read_and_that_is_said(tmp_path: Path) -> None:
    frames = [Image.new("L", (6, 6), shade) for shade in (200, 10, 20)]
    for label in "ab":
        for i, ending in enumerate((".gif", ".tif", ".webp", ".png")):
            options = {"lossless": True} if ending == ".webp" else {}
            save(tmp_path / label / f"{i}{ending}", frames[0], save_all=True, append_images=frames[1:], **options)
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert (dataset.train.images == 200).all()
    assert "8 images (a/0.gif, a/1.tif, a/2.webp and 5 more) with several frames or pages" in notes(dataset)


def test_a_cut_file_is_refused_by_name(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match=r"a\.jpg is not an image that can be read; repair it"):
        read_picture(path, grey=False)
