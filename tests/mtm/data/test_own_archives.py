"""Images of one's own in an .npz file: types, channels and labels are read as they are meant, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mtm.config import TrainConfig
from mtm.data import Dataset, load
from mtm.errors import InputError

Array = NDArray[Any]
N = 20
Y = np.arange(N) % 2
RAMP = np.broadcast_to(np.linspace(0, 255, 30).astype(np.uint8).reshape(5, 6), (N, 5, 6))


def read(path: Path, **arrays: Any) -> tuple[Dataset, str]:
    """The data set of these arrays, and what its account says."""
    np.savez(path / "own.npz", **arrays)
    dataset = load(TrainConfig(dataset=str(path / "own.npz")))
    assert dataset.account
    return dataset, "; ".join((*dataset.account.notes, *dataset.account.ignored))


@pytest.mark.parametrize(
    ("images", "white"),
    [
        (RAMP / 255, 1),
        ((RAMP / 255).astype(np.float16), 1),
        (RAMP.astype(np.float32), 255),
        (RAMP.astype(np.int64), 255),
        (RAMP.astype(np.uint16) * 16, 4095),
        (RAMP.astype(">u2") * 257, 65535),
        (RAMP / 100, 2.55),
        (RAMP > 127, 1),
    ],
)
def test_pixels_of_every_type_are_scaled_by_what_the_array_holds(tmp_path: Path, images: Array, white: float) -> None:
    dataset, said = read(tmp_path, x=images, y=Y)
    expected = images[0].astype(float) * 255 / white
    np.testing.assert_allclose(dataset.train.images[0, ..., 0], expected, atol=1)
    assert f"Pixels are {images.dtype}: 0 is read as black, {white:,g} as white" in said


def test_training_and_test_images_have_the_same_white(tmp_path: Path) -> None:
    dataset, _ = read(tmp_path, x_train=RAMP / 510, x_test=RAMP / 51, y_train=Y, y_test=Y)
    assert int(dataset.train.images.max()) * 10 == pytest.approx(int(dataset.test.images.max()), abs=10)


def test_channels_first_is_told_from_channels_last(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (N, 5, 6, 3), np.uint8)
    last, _ = read(tmp_path, x=colour, y=Y)
    first, said = read(tmp_path, x=np.moveaxis(colour, 3, 1), y=Y)
    np.testing.assert_array_equal(first.train.images, last.train.images)
    assert "x (20, 3, 5, 6) is read as (N, channels, h, w)" in said
    grey, _ = read(tmp_path, x=RAMP[:, None], y=Y)
    np.testing.assert_array_equal(grey.train.images[0, ..., 0], RAMP[0])


def test_transparent_pixels_of_arrays_are_white_too(tmp_path: Path) -> None:
    images = np.full((N, 5, 6, 4), 90, np.uint8)
    images[..., 3] = 255
    images[:, :2, :, 3] = 0
    dataset, said = read(tmp_path, x=images, y=Y)
    assert (dataset.train.images[:, :2] == 255).all()
    assert (dataset.train.images[:, 2:] == 90).all()
    assert "alpha channel" in said


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (Y.astype(float), ("0", "1")),
        (Y.astype(bool), ("false", "true")),
        (np.array(["zebra", "ant"])[Y], ("ant", "zebra")),
        (np.array(["10", "9"])[Y], ("9", "10")),
        (np.array([b"zebra", b"ant"])[Y], ("ant", "zebra")),
        (np.array(["\ufeffzebra", "ant "])[Y], ("ant", "zebra")),
    ],
)
def test_labels_are_numbers_or_words_in_natural_order(tmp_path: Path, labels: Array, names: tuple[str, ...]) -> None:
    dataset, _ = read(tmp_path, x=RAMP, y=labels)
    assert dataset.class_names == names
    swapped = names in (("ant", "zebra"), ("9", "10"))
    np.testing.assert_array_equal(dataset.train.labels[:4], 1 - Y[:4] if swapped else Y[:4])


def test_names_of_the_file_give_the_order_and_words_are_matched_to_them(tmp_path: Path) -> None:
    words = np.array(["zebra", "ant"])[Y]
    dataset, _ = read(
        tmp_path, x_train=RAMP, y_train=words, x_test=RAMP, y_test=words[::-1], class_names=["zebra", "ant"]
    )
    assert dataset.class_names == ("zebra", "ant")
    assert dataset.train.labels.tolist() == Y.tolist()
    assert dataset.test.labels.tolist() == Y[::-1].tolist()


def test_words_of_both_splits_are_numbered_together(tmp_path: Path) -> None:
    train = np.array(["b", "c", "a", "b"])
    dataset, _ = read(tmp_path, x_train=RAMP[:4], y_train=train, x_test=RAMP[:2], y_test=np.array(["c", "b"]))
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.train.labels.tolist() == [1, 2, 0, 1]
    assert dataset.test.labels.tolist() == [2, 1]


def test_arrays_that_are_not_read_are_named(tmp_path: Path) -> None:
    _, said = read(tmp_path, x_train=RAMP, y_train=Y, x_test=RAMP, y_test=Y, x_val=RAMP, y_val=Y)
    assert "array 'x_val': it is none of x_train, y_train, x_test, y_test, class_names" in said
    assert "array 'y_val'" in said


def test_look_alikes_in_the_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.npz: class_names: classes 0 and 1 are both called 'cat'"):
        read(tmp_path, x=RAMP, y=Y, class_names=["cat", "cat\u200b"])


def test_a_run_that_goes_on_keeps_the_names_it_began_with(tmp_path: Path) -> None:
    read(tmp_path, x=RAMP, y=Y, class_names=["cat ", "dog"])
    config = TrainConfig(dataset=str(tmp_path / "own.npz"))
    assert load(config).class_names == ("cat", "dog")
    assert load(config, ("cat ", "dog")).class_names == ("cat ", "dog")
    assert load(config, ("dog", "cat")).class_names == ("cat", "dog"), "the labels of the file number its own order"
