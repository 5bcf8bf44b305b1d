"""Images come out as the paper's transforms make them, and splits and samples are balanced, disjoint and repeatable."""

from __future__ import annotations

import shutil
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms

import mtm.data.dataset
from mtm.config import TrainConfig
from mtm.data import (
    DATASETS,
    Dataset,
    Split,
    balanced_sample,
    load,
    stratified_rows,
    thumbnails,
    transform,
)
from mtm.data.dataset import channel_statistics
from mtm.errors import InputError
from mtm.train_loop.batches import Batches

Array = NDArray[Any]
CPU = torch.device("cpu")


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def numbered(n: int, channels: int = 0) -> Array:
    """n images of 4x4 pixels that differ: the first two pixels are the image's number."""
    images = noise(n, 4, 4) if channels == 0 else noise(n, 4, 4, channels)
    images[:, 0, 0], images[:, 0, 1] = (
        (part if channels == 0 else part[:, None]) for part in (np.arange(n) // 256, np.arange(n) % 256)
    )
    return images


def numbers(split: Split) -> Array:
    """Which images of `numbered` a split holds."""
    images = split.images.astype(int)
    return images[:, 0, 0, 0] * 256 + images[:, 0, 1, 0]


def save_npz(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def save_pictures(folder: Path, images: Array, suffix: str = ".png") -> None:
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:03d}{suffix}")


# Transform


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (44, 44), (96, 96), (37, 53), (61, 40), (200, 45), (45, 131)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_transform_is_torchvisions_bit_for_bit(size: tuple[int, int], channels: int) -> None:
    images = noise(5, *size) if channels == 1 else noise(5, *size, 3)
    theirs = transforms.Compose([transforms.Resize(44), transforms.CenterCrop(36)])
    expected = np.stack([np.asarray(theirs(Image.fromarray(image))) for image in images])
    ours = transform(images, 44, 36, grey=channels == 1)
    assert ours.dtype == np.uint8
    np.testing.assert_array_equal(ours, expected.reshape(5, 36, 36, channels))


@pytest.mark.parametrize(("resize", "crop"), [(16, 0), (0, 20), (33, 33), (35, 20), (101, 64)])
def test_own_sizes_are_torchvisions_too(resize: int, crop: int) -> None:
    images = noise(3, 25, 38, 3)
    steps = [transforms.Resize(resize)] * bool(resize) + [transforms.CenterCrop(crop)] * bool(crop)
    expected = np.stack([np.asarray(transforms.Compose(steps)(Image.fromarray(image))) for image in images])
    np.testing.assert_array_equal(transform(images, resize, crop, grey=False), expected)


def test_without_resize_and_crop_pixels_stay_as_they_are() -> None:
    images = noise(4, 5, 7)
    np.testing.assert_array_equal(transform(images, 0, 0, grey=True), images[..., None])
    colour = noise(4, 5, 7, 3)
    np.testing.assert_array_equal(transform(colour, 0, 0, grey=False), colour)


def test_image_files_are_transformed_as_arrays_are(tmp_path: Path) -> None:
    images = noise(4, 50, 41, 3)
    save_pictures(tmp_path / "a", images)
    files = sorted((tmp_path / "a").iterdir())
    np.testing.assert_array_equal(transform(files, 44, 36, False), transform(images, 44, 36, False))


# Normalisation


def dataset_of(images: Array, labels: Array, mean: tuple[float, ...], std: tuple[float, ...]) -> Dataset:
    split = Split(images, labels)
    return Dataset("test", split, None, split, ("a", "b"), mean, std)


def table2(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    normalisation = DATASETS[name].normalisation
    assert normalisation is not None
    return normalisation


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_grey_images_are_normalised_with_table_2(name: str) -> None:
    images, labels = noise(20, 36, 36, 1), np.arange(20) % 2
    dataset = dataset_of(images, labels, *table2(name))
    rows = torch.tensor([7, 0, 12, 19, 7])
    x, y = Batches(dataset.train, dataset, CPU).take(rows)
    expected = (images[rows.numpy()].astype(np.float64) - 33.3149) / 78.5639
    assert x.dtype == torch.float32
    assert x.shape == (5, 1, 36, 36)
    np.testing.assert_allclose(x.permute(0, 2, 3, 1).numpy(), expected, rtol=0, atol=1e-6)
    assert y.tolist() == labels[rows.numpy()].tolist()


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("cifar10", (0.491, 0.482, 0.447), (0.202, 0.200, 0.201)),
        ("cifar100", (0.507, 0.487, 0.441), (0.201, 0.198, 0.202)),
    ],
)
def test_cifar_is_normalised_as_torchvision_does_with_table_2(name: str, mean: list[float], std: list[float]) -> None:
    images, labels = noise(8, 36, 36, 3), np.arange(8) % 2
    dataset = dataset_of(images, labels, *table2(name))
    x, _ = Batches(dataset.train, dataset, CPU).take(torch.arange(8))
    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    expected = torch.stack([theirs(Image.fromarray(image)) for image in images])
    torch.testing.assert_close(x, expected, rtol=0, atol=2e-6)


def test_batches_lie_channels_last() -> None:
    images, labels = noise(6, 9, 9, 3), np.arange(6) % 2
    dataset = dataset_of(images, labels, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    x, y = Batches(dataset.train, dataset, CPU).take(torch.tensor([4, 1]))
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert y.dtype == torch.int64
    np.testing.assert_array_equal(x.permute(0, 2, 3, 1).numpy(), images[[4, 1]])


def test_own_images_are_normalised_by_their_training_images_alone(tmp_path: Path) -> None:
    train, test = noise(40, 6, 6, 3), noise(40, 6, 6, 3, seed=1) // 2
    y = np.arange(40) % 2
    dataset = load(TrainConfig(dataset=save_npz(tmp_path / "a.npz", x_train=train, y_train=y, x_test=test, y_test=y)))
    np.testing.assert_allclose(dataset.mean, train.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(dataset.std, train.std(axis=(0, 1, 2)), rtol=1e-9)
    x, _ = Batches(dataset.train, dataset, CPU).take(torch.arange(40))
    np.testing.assert_allclose(x.mean(dim=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(dim=(0, 2, 3), correction=0), 1, rtol=1e-5)


def test_statistics_do_not_depend_on_blocks_and_a_flat_channel_has_no_scale() -> None:
    images = noise(2500, 3, 3, 2)
    images[..., 1] = 200
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, images.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(std, [images[..., 0].std(), 1.0], rtol=1e-9)


# Digits and archives


def test_digits_load_whole_and_sixteen_pixels_wide() -> None:
    dataset = load(TrainConfig())
    assert dataset.class_names == tuple("0123456789")
    assert len(dataset.train) + len(dataset.test) == 1797
    assert dataset.train.images.shape[1:] == dataset.test.images.shape[1:] == (16, 16, 1)
    assert dataset.train.images.dtype == np.uint8
    assert dataset.train.images.min() == 0
    assert dataset.train.images.max() == 255
    assert dataset.validation is None


def test_an_archive_with_a_test_split_is_taken_as_it_is(tmp_path: Path) -> None:
    x, y = numbered(30), np.arange(30) % 3
    path = save_npz(tmp_path / "a.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    dataset = load(TrainConfig(dataset=path))
    np.testing.assert_array_equal(dataset.train.images, x[:20, ..., None])
    np.testing.assert_array_equal(dataset.test.images, x[20:, ..., None])
    assert dataset.train.labels.tolist() == y[:20].tolist()
    assert dataset.test.labels.tolist() == y[20:].tolist()
    assert dataset.class_names == ("0", "1", "2")


def test_class_names_of_an_archive_are_kept(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", x=numbered(10), y=np.arange(10) % 2, class_names=["cat", "ankle boot"])
    assert load(TrainConfig(dataset=path)).class_names == ("cat", "ankle boot")


def test_class_names_in_bytes_are_read_as_text(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", x=numbered(10), y=np.arange(10) % 2, class_names=np.array([b"cat", b"dog"]))
    assert load(TrainConfig(dataset=path)).class_names == ("cat", "dog")


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (4, 4, 3)])
def test_archives_are_grey_or_colour_by_their_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = save_npz(tmp_path / "a.npz", x=noise(10, *shape), y=np.arange(10) % 2)
    assert load(TrainConfig(dataset=path)).train.images.shape[3] == (3 if shape[-1] == 3 else 1)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.uint64])
def test_labels_of_any_whole_type_are_read(tmp_path: Path, kind: type) -> None:
    dataset = load(
        TrainConfig(dataset=save_npz(tmp_path / "a.npz", x=numbered(10), y=(np.arange(10) % 2).astype(kind)))
    )
    assert dataset.train.labels.dtype == np.int64
    assert set(dataset.train.labels.tolist()) == {0, 1}


# Test split


def test_a_held_out_test_split_is_a_fifth_of_each_class_and_apart_from_training(tmp_path: Path) -> None:
    y = np.repeat([0, 1, 2], [50, 100, 350])
    dataset = load(TrainConfig(dataset=save_npz(tmp_path / "a.npz", x=numbered(500), y=y)))
    assert Counter(dataset.test.labels.tolist()) == {0: 10, 1: 20, 2: 70}
    train, test = numbers(dataset.train), numbers(dataset.test)
    assert sorted([*train, *test]) == list(range(500))
    np.testing.assert_array_equal(dataset.train.labels, y[train])
    np.testing.assert_array_equal(dataset.test.labels, y[test])


def test_the_test_split_is_the_same_whatever_the_seed(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", x=numbered(200), y=np.arange(200) % 4)
    splits = [load(TrainConfig(dataset=path, seed=seed)).test for seed in (0, 1, 12345)]
    for other in splits[1:]:
        np.testing.assert_array_equal(numbers(splits[0]), numbers(other))


def test_the_digits_hold_out_is_balanced_like_the_digits() -> None:
    dataset = load(TrainConfig(seed=3))
    all_labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    for k in range(10):
        assert (dataset.test.labels == k).sum() == round(0.2 * (all_labels == k).sum())


def test_every_class_with_two_images_has_one_on_each_side() -> None:
    y = np.repeat([0, 1, 2], [2, 3, 100])
    for share in (0.01, 0.2, 0.99):
        rows = stratified_rows(y, share, 0)
        assert set(y[rows]) == {0, 1, 2}
        assert set(np.delete(y, rows)) == {0, 1, 2}


# Validation and training images


def test_a_validation_split_is_stratified_and_apart_from_training_and_test(tmp_path: Path) -> None:
    y = np.repeat([0, 1], [100, 300])
    dataset = load(TrainConfig(dataset=save_npz(tmp_path / "a.npz", x=numbered(400), y=y), validation=0.25))
    assert dataset.validation is not None
    assert Counter(dataset.validation.labels.tolist()) == {0: 20, 1: 60}
    parts = [numbers(split) for split in (dataset.train, dataset.validation, dataset.test)]
    assert sorted(np.concatenate(parts)) == list(range(400))
    for split, part in zip((dataset.train, dataset.validation, dataset.test), parts, strict=True):
        np.testing.assert_array_equal(split.labels, y[part])


def test_the_validation_split_follows_the_seed(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", x=numbered(400), y=np.arange(400) % 2)

    def held(seed: int) -> list[int]:
        validation = load(TrainConfig(dataset=path, validation=0.25, seed=seed)).validation
        assert validation is not None
        return list(numbers(validation))

    assert held(1) == held(1)
    assert held(1) != held(2)


def test_fewer_training_images_are_a_balanced_part_and_leave_the_test_split_alone(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "a.npz", x=numbered(400), y=np.repeat([0, 1], [100, 300]))
    whole, part = load(TrainConfig(dataset=path)), load(TrainConfig(dataset=path, train_images=50))
    assert Counter(part.train.labels.tolist()) == {0: 25, 1: 25}
    assert set(numbers(part.train)) <= set(numbers(whole.train))
    np.testing.assert_array_equal(numbers(part.test), numbers(whole.test))


def test_more_training_images_than_there_are_gives_all() -> None:
    assert len(load(TrainConfig(train_images=100_000)).train) == len(load(TrainConfig()).train)


# Balanced samples


@pytest.mark.parametrize("n", [3, 10, 31, 100])
def test_a_balanced_sample_has_n_rows_that_differ_by_at_most_one_a_class(n: int) -> None:
    y = np.random.default_rng(5).integers(0, 10, 1000)
    rows = balanced_sample(y, n, seed=0)
    assert len(set(rows)) == len(rows) == n
    assert list(rows) == sorted(rows)
    counts = np.bincount(y[rows], minlength=10)
    assert counts.max() - counts.min() <= 1


def test_a_balanced_sample_is_the_same_twice_and_another_with_another_seed() -> None:
    y = np.arange(1000) % 10
    np.testing.assert_array_equal(balanced_sample(y, 100, 4), balanced_sample(y, 100, 4))
    assert set(balanced_sample(y, 100, 4)) != set(balanced_sample(y, 100, 5))


def test_small_classes_give_all_they_have_and_the_others_make_up() -> None:
    y = np.repeat([0, 1, 2], [5, 200, 200])
    assert np.bincount(y[balanced_sample(y, 105, 0)]).tolist() == [5, 50, 50]


@pytest.mark.parametrize("n", [0, 60, 61, 10_000])
def test_a_sample_of_all_or_more_is_all(n: int) -> None:
    assert list(balanced_sample(np.arange(60) % 7, n, 0)) == list(range(60))


def test_a_balanced_sample_does_not_prefer_early_rows() -> None:
    y = np.zeros(1000, dtype=int)
    mean = np.mean([balanced_sample(y, 50, seed).mean() for seed in range(40)])
    assert abs(mean - 499.5) < 3 * 1000 / np.sqrt(12 * 50 * 40)


# Image folders


def test_a_folder_of_classes_is_read_with_a_fifth_held_out(tmp_path: Path) -> None:
    save_pictures(tmp_path / "dogs", numbered(10, 3)[:5])
    save_pictures(tmp_path / "cats", numbered(15, 3)[5:])
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert dataset.class_names == ("cats", "dogs")
    assert Counter(dataset.test.labels.tolist()) == {0: 2, 1: 1}
    train, test = numbers(dataset.train), numbers(dataset.test)
    assert sorted([*train, *test]) == list(range(15))
    for split, shown in ((dataset.train, train), (dataset.test, test)):
        np.testing.assert_array_equal(split.labels, np.where(shown < 5, 1, 0))


def test_a_folder_with_train_and_test_is_taken_as_it_is(tmp_path: Path) -> None:
    images = numbered(12, 3)
    save_pictures(tmp_path / "train" / "a", images[:4])
    save_pictures(tmp_path / "train" / "b", images[4:8])
    save_pictures(tmp_path / "test" / "b", images[8:])
    (tmp_path / "train" / ".cache").mkdir()
    (tmp_path / "train" / "a" / "notes.txt").write_text("not an image")
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    np.testing.assert_array_equal(dataset.train.images, images[:8])
    np.testing.assert_array_equal(dataset.test.images, images[8:])
    assert dataset.train.labels.tolist() == [0] * 4 + [1] * 4
    assert dataset.test.labels.tolist() == [1] * 4


@pytest.mark.parametrize(("channels", "expected"), [(0, 1), (3, 3)])
def test_folders_are_grey_only_if_all_images_are(tmp_path: Path, channels: int, expected: int) -> None:
    save_pictures(tmp_path / "a", numbered(5))
    save_pictures(tmp_path / "b", numbered(5, channels))
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert dataset.train.images.shape[3] == expected


def test_one_colour_image_in_the_test_folder_makes_all_colour(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/a"):
        save_pictures(tmp_path / name, numbered(4))
    save_pictures(tmp_path / "test" / "b", numbered(1, 3))
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert dataset.train.images.shape == (8, 4, 4, 3)
    np.testing.assert_array_equal(dataset.train.images[:4], np.repeat(numbered(4)[..., None], 3, axis=3))


def test_an_rgba_image_becomes_rgb(tmp_path: Path) -> None:
    colours = noise(6, 5, 5, 3)
    opaque = np.concatenate([colours, np.full((6, 5, 5, 1), 255, np.uint8)], axis=3)
    save_pictures(tmp_path / "a", opaque)
    save_pictures(tmp_path / "b", opaque)
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert dataset.train.images.shape == (10, 5, 5, 3)
    assert {image.tobytes() for image in dataset.train.images} <= {image.tobytes() for image in colours}


def test_a_palette_image_becomes_rgb(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.new("P", (4, 4), 1).save(tmp_path / name / f"{i}.gif")
            picture = Image.new("RGB", (4, 4), (10 * i, 200, 30)).quantize(4)
            picture.save(tmp_path / name / f"{i}.gif")
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert dataset.train.images.shape[1:] == (4, 4, 3)
    assert (dataset.train.images[..., 1] == 200).all()


def test_sixteen_bit_images_keep_their_shades(tmp_path: Path) -> None:
    shades = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    save_pictures(tmp_path / "a", np.stack([shades] * 5))
    save_pictures(tmp_path / "b", np.stack([shades] * 5))
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    np.testing.assert_allclose(dataset.train.images[0, ..., 0].astype(float), shades / 257, atol=1)


def test_mixed_sizes_are_accepted_with_resize_and_crop(tmp_path: Path) -> None:
    wide, high = noise(5, 20, 31, 3), noise(5, 44, 24, 3)
    save_pictures(tmp_path / "a", wide)
    save_pictures(tmp_path / "b", high)
    dataset = load(TrainConfig(dataset=str(tmp_path), resize=18, crop=16))
    assert dataset.train.images.shape == (8, 16, 16, 3)
    theirs = transforms.Compose([transforms.Resize(18), transforms.CenterCrop(16)])
    expected = {np.asarray(theirs(Image.fromarray(image))).tobytes() for image in [*wide, *high]}
    assert {image.tobytes() for image in dataset.train.images} <= expected
    with pytest.raises(InputError, match=r"mixed size.*31x20.*24x44"):
        load(TrainConfig(dataset=str(tmp_path), resize=18))


def test_upper_case_suffixes_and_jpegs_are_images(tmp_path: Path) -> None:
    save_pictures(tmp_path / "a", noise(5, 8, 8, 3), ".JPG")
    save_pictures(tmp_path / "b", noise(5, 8, 8, 3), ".jpeg")
    assert len(load(TrainConfig(dataset=str(tmp_path))).train) == 8


def test_what_systems_hide_beside_images_is_not_looked_at(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_pictures(tmp_path / name, noise(5, 8, 8, 3))
        for hidden in ("._000.png", ".DS_Store", ".trash.jpg"):
            (tmp_path / name / hidden).write_bytes(b"not an image")
    (tmp_path / "__MACOSX").mkdir()
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    assert dataset.class_names == ("a", "b")
    assert len(dataset.train) + len(dataset.test) == 10


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_a_validation_folder_takes_the_place_of_a_missing_test_folder(tmp_path: Path, name: str) -> None:
    images = numbered(12, 3)
    save_pictures(tmp_path / "train" / "a", images[:4])
    save_pictures(tmp_path / "train" / "b", images[4:8])
    save_pictures(tmp_path / name / "b", images[8:])
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    np.testing.assert_array_equal(dataset.train.images, images[:8])
    np.testing.assert_array_equal(dataset.test.images, images[8:])
    assert dataset.account
    assert f"The test images are those of {tmp_path / name}: there is no test folder" in dataset.account.notes


def test_a_validation_folder_beside_a_test_folder_is_not_used_and_that_is_said(tmp_path: Path) -> None:
    images = numbered(15, 3)
    for k, name in enumerate(("train", "test", "val")):
        for i in range(2):
            save_pictures(tmp_path / name / "ab"[i], images[5 * k + 2 * i : 5 * k + 2 * i + 2])
    dataset = load(TrainConfig(dataset=str(tmp_path)))
    np.testing.assert_array_equal(dataset.test.images, images[5:9])
    assert dataset.account
    (sentence,) = dataset.account.ignored
    assert sentence.startswith("the folder val, 4 images")
    assert "--validation 0.1" in sentence


# Memory


def test_images_that_do_not_fit_are_memory_mapped_and_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(dataset="digits", train_images=200)
    expected = load(config)
    assert expected.account
    assert expected.account.notes == ()
    monkeypatch.setattr(mtm.data.dataset, "memory_limit", lambda: 1000)
    mapped = load(config)
    assert isinstance(mapped.train.images, np.memmap)
    for name in ("train", "test"):
        a, b = getattr(expected, name), getattr(mapped, name)
        np.testing.assert_array_equal(a.images, b.images)
        np.testing.assert_array_equal(a.labels, b.labels)
    assert (mapped.mean, mapped.std) == (expected.mean, expected.std)
    assert mapped.account
    assert any("do not fit in memory" in note for note in mapped.account.notes)
    x, y = Batches(mapped.test, mapped, CPU).take(torch.arange(5))
    again, _ = Batches(expected.test, expected, CPU).take(torch.arange(5))
    torch.testing.assert_close(x, again, rtol=0, atol=0)
    assert len(y) == 5


def test_a_validation_split_of_mapped_images_stays_mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mtm.data.dataset, "memory_limit", lambda: 1000)
    train = load(TrainConfig(validation=0.2)).train.images
    base: Any = train
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert base is not None, "the training images were copied into memory"


# Thumbnails


def test_small_images_are_their_own_thumbnails() -> None:
    grey, colour = noise(3, 8, 9, 1), noise(3, 36, 36, 3)
    np.testing.assert_array_equal(thumbnails(grey), grey[..., 0])
    np.testing.assert_array_equal(thumbnails(colour), colour)


def test_large_images_get_smaller_thumbnails_of_the_same_shape() -> None:
    assert thumbnails(noise(2, 100, 100, 1)).shape == (2, 36, 36)
    assert thumbnails(noise(2, 100, 50, 3)).shape == (2, 36, 18, 3)
    flat = thumbnails(np.full((1, 90, 72, 3), 77, np.uint8), size=24)
    assert flat.dtype == np.uint8
    assert (flat == 77).all()


# torchvision's files


@pytest.fixture(scope="session")
def fashion_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All of Fashion-MNIST's 70,000 images in its own files: image i is `(i % 256)` everywhere but one corner."""
    folder = tmp_path_factory.mktemp("data")
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, n in (("train", 60_000), ("t10k", 10_000)):
        images = np.repeat((np.arange(n) % 256).astype(np.uint8), 784).reshape(n, 28, 28)
        images[:, :14, :14] = 255
        with (raw / f"{name}-images-idx3-ubyte").open("wb") as file:
            file.write(struct.pack(">IIII", 2051, n, 28, 28))
            images.tofile(file)
        with (raw / f"{name}-labels-idx1-ubyte").open("wb") as file:
            file.write(struct.pack(">II", 2049, n))
            (np.arange(n) % 10).astype(np.uint8).tofile(file)
    yield folder
    shutil.rmtree(folder)


def test_torchvisions_files_are_read_transformed_and_sampled(fashion_folder: Path) -> None:
    dataset = load(TrainConfig(dataset="fashion-mnist", data_root=str(fashion_folder), train_images=1000))
    assert dataset.train.images.shape == (1000, 36, 36, 1)
    assert dataset.test.images.shape == (10_000, 36, 36, 1)
    assert set(Counter(dataset.train.labels.tolist()).values()) == {100}
    np.testing.assert_array_equal(dataset.test.labels, np.arange(10_000) % 10)
    np.testing.assert_array_equal(dataset.test.images[:, -1, -1, 0], (np.arange(10_000) % 256).astype(np.uint8))
    assert (dataset.test.images[:, 0, 0] == 255).all()
    assert (dataset.mean, dataset.std) == ((33.3149,), (78.5639,))
    assert dataset.n_classes == 10
    assert dataset.class_names[9] == "Ankle boot"


def test_the_sizes_of_a_known_data_set_can_be_changed(fashion_folder: Path) -> None:
    config = TrainConfig(dataset="fashion-mnist", data_root=str(fashion_folder), train_images=10, resize=0, crop=0)
    assert load(config).test.images.shape == (10_000, 28, 28, 1)
