"""Folders of images: which are the splits and the classes, what is read below them, and what is left out and said."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from conftest import Command
from PIL import Image

from mtm.config import TrainConfig
from mtm.data import Dataset, load
from mtm.data.folders import is_image_folder, last_change
from mtm.errors import InputError
from mtm.run_folder.account import Account
from mtm.runs import Run
from mtm.train_loop.recorder import prepare_training, record_training, start_run


def fill(folder: Path, n: int = 2, shade: int = 0, ending: str = ".png") -> None:
    """n grey images of 4x4 pixels: the shade is how they are told apart."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        Image.new("L", (4, 4), shade).save(folder / f"{i}{ending}")


def read(folder: Path, **config: Any) -> tuple[Dataset, Account]:
    dataset = load(TrainConfig(dataset=str(folder), **config))
    assert dataset.account
    return dataset, dataset.account


def shades(dataset: Dataset) -> tuple[set[int], set[int]]:
    """The shades of the training and of the test images."""
    train, test = (set(np.unique(split.images).tolist()) for split in (dataset.train, dataset.test))
    return train, test


# Splits


@pytest.mark.parametrize("train", ["train", "Train", "TRAIN", "training", "Training"])
@pytest.mark.parametrize("test", ["test", "Test", "testing", "val", "Val", "valid", "VALIDATION", "dev", "eval"])
def test_folders_of_splits_have_their_usual_names_in_any_case(tmp_path: Path, train: str, test: str) -> None:
    for label in "ab":
        fill(tmp_path / train / label, shade=10)
        fill(tmp_path / test / label, shade=20)
    dataset, account = read(tmp_path)
    assert shades(dataset) == ({10}, {20})
    assert account.counts == {"train": (2, 2), "test": (2, 2)}
    assert any(note.startswith(f"The test images are those of {tmp_path / test}") for note in account.notes)
    assert account.ignored == ()


@pytest.mark.parametrize("pair", [("train", "Train"), ("train", "training"), ("test", "Test"), ("test", "testing")])
def test_two_folders_for_a_split_are_refused_with_the_choices(tmp_path: Path, pair: tuple[str, str]) -> None:
    for name in ("train", "test", *pair):
        for label in "ab":
            fill(tmp_path / name / label)
    if sorted(p.name for p in tmp_path.iterdir()) == ["test", "train"]:
        pytest.skip("names of files have no case here")
    with pytest.raises(InputError, match=f"has {min(pair)} and {max(pair)}: one folder has the"):
        read(tmp_path)


def test_two_validation_folders_are_refused_where_they_would_be_the_test_images(tmp_path: Path) -> None:
    for name in ("train", "val", "dev"):
        for label in "ab":
            fill(tmp_path / name / label)
    with pytest.raises(InputError, match="has dev and val: one folder has the test images"):
        read(tmp_path)
    fill(tmp_path / "test" / "a")
    _, account = read(tmp_path)
    assert [sentence.partition(":")[0] for sentence in account.ignored] == [
        "the folder dev, 4 images",
        "the folder val, 4 images",
    ]


@pytest.mark.parametrize("name", ["train", "Test", "valid"])
def test_a_class_that_has_the_name_of_a_split_is_refused_with_the_choices(tmp_path: Path, name: str) -> None:
    for label in (name, "cat", "dog"):
        fill(tmp_path / label)
    with pytest.raises(InputError, match=rf"has {name} .*put|has {name} beside cat, dog.*move"):
        read(tmp_path)
    (tmp_path / "all").mkdir()
    for label in (name, "cat", "dog"):
        (tmp_path / label).rename(tmp_path / "all" / label)
    (tmp_path / "all").rename(tmp_path / "train")
    dataset, _ = read(tmp_path)
    assert set(dataset.class_names) == {name, "cat", "dog"}, "below train/ a class may have any name"


def test_folders_and_files_beside_the_splits_are_said(tmp_path: Path) -> None:
    for label in "ab":
        fill(tmp_path / "train" / label)
        fill(tmp_path / "test" / label)
    fill(tmp_path / "unlabelled", 3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "labels.csv").write_text("")
    (tmp_path / "train" / "readme.txt").write_text("")
    fill(tmp_path / "train", 1)
    _, account = read(tmp_path)
    assert account.ignored == (
        "the folder unlabelled, 3 images: it is none of the splits",
        "files beside the class folders (1: train/readme.txt)",
        "files beside the folders of the splits (1: labels.csv)",
        "images beside the class folders (1: train/0.png)",
    )


def test_a_fifth_is_held_out_without_a_test_folder_and_that_is_said(tmp_path: Path) -> None:
    for label in "ab":
        fill(tmp_path / label, 10)
    _, account = read(tmp_path)
    assert account.counts == {"train": (8, 8), "test": (2, 2)}
    assert any("a fifth of each class is held out" in note for note in account.notes)


def test_classes_that_the_test_folder_lacks_are_said(tmp_path: Path) -> None:
    for label in "abc":
        fill(tmp_path / "train" / label)
    fill(tmp_path / "test" / "b")
    _, account = read(tmp_path)
    assert f"{tmp_path / 'test'} has no images of a, c" in account.notes
    fill(tmp_path / "test" / "B")
    with pytest.raises(InputError, match=r"has class 'B', which .* has not \(it has 'b'\)"):
        read(tmp_path)


# Classes


def test_classes_are_in_natural_order(tmp_path: Path) -> None:
    for k in range(12):
        fill(tmp_path / f"class {k}", 2, shade=k)
    dataset, account = read(tmp_path)
    assert dataset.class_names == account.class_names == tuple(f"class {k}" for k in range(12))
    np.testing.assert_array_equal(dataset.train.images[:, 0, 0, 0], dataset.train.labels)


def test_two_spellings_of_a_letter_are_one_class(tmp_path: Path) -> None:
    forms: list[tuple[Literal["NFC", "NFD"], str, int]] = [("NFC", "train", 10), ("NFD", "test", 20)]
    for form, split, shade in forms:
        fill(tmp_path / split / unicodedata.normalize(form, "café"), shade=shade)
        fill(tmp_path / split / "tea", shade=shade)
    dataset, account = read(tmp_path)
    assert dataset.class_names == ("café", "tea")
    assert account.counts == {"train": (2, 2), "test": (2, 2)}
    fill(tmp_path / "train" / unicodedata.normalize("NFD", "café"))
    if len(list((tmp_path / "train").iterdir())) == 3:
        with pytest.raises(InputError, match=r"two folders of class 'café': 'cafe\\u0301' and 'caf\\xe9'"):
            read(tmp_path)


def test_a_name_that_is_not_utf_8_is_spelt_out(tmp_path: Path) -> None:
    fill(tmp_path / "b")
    try:
        (tmp_path / "b").rename(tmp_path / os.fsdecode(b"caf\xe9"))
    except OSError:
        pytest.skip("names of files are Unicode here")
    fill(tmp_path / "tea")
    dataset, account = read(tmp_path)
    assert dataset.class_names == (r"caf\xe9", "tea")
    json.dumps(account.as_dict(), ensure_ascii=False).encode()


def test_names_that_are_one_but_for_case_are_two_classes(tmp_path: Path) -> None:
    fill(tmp_path / "A")
    fill(tmp_path / "a")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("names of files have no case here")
    assert read(tmp_path)[0].class_names == ("A", "a")


# What is below a class


def test_images_in_folders_below_a_class_belong_to_it(tmp_path: Path) -> None:
    fill(tmp_path / "a", 6, shade=10)
    fill(tmp_path / "a" / "more", 15, shade=11)
    fill(tmp_path / "a" / "more" / "and more", 5, shade=12)
    fill(tmp_path / "b", 6, shade=20)
    dataset, account = read(tmp_path)
    assert account.images == len(dataset.train) + len(dataset.test) == 32
    assert {10, 11, 12, 20} == set.union(*shades(dataset))
    both = np.concatenate([split.images[split.labels == 0].ravel() for split in (dataset.train, dataset.test)])
    assert set(both.tolist()) == {10, 11, 12}
    assert "20 images are in folders below their class (a/more, a/more/and more)" in account.notes


def test_links_are_followed_but_no_folder_is_read_twice(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", 3, shade=30)
    fill(tmp_path / "own" / "a", 4, shade=10)
    fill(tmp_path / "own" / "b", 4)
    try:
        (tmp_path / "own" / "a" / "linked").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "own" / "a" / "again").symlink_to(tmp_path / "own" / "a")
        (tmp_path / "own" / "a" / "gone.png").symlink_to(tmp_path / "nothing.png")
    except OSError:
        pytest.skip("no links here")
    dataset, account = read(tmp_path / "own")
    assert len(dataset.train) + len(dataset.test) == 11
    assert account.ignored == (
        "entries that are no files, such as pipes and links to nothing (1: a/gone.png)",
        "links to folders that are read already (1: a/again)",
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_nothing_waits_on_a_pipe(tmp_path: Path) -> None:
    for label in "ab":
        fill(tmp_path / label, 3)
    os.mkfifo(tmp_path / "a" / "pipe.png")
    os.mkfifo(tmp_path / "pipe.jpg")
    _, account = read(tmp_path)
    assert account.images == 6
    assert any("a/pipe.png" in sentence for sentence in account.ignored)


def test_everything_that_is_left_out_is_counted_with_its_first_names(tmp_path: Path) -> None:
    for label in "ab":
        fill(tmp_path / label, 3)
        for i in range(4):
            (tmp_path / label / f"IMG_{i}.HEIC").write_bytes(b"")
        (tmp_path / label / ".DS_Store").write_bytes(b"")
        (tmp_path / label / "Thumbs").write_bytes(b"")
    _, account = read(tmp_path)
    assert account.ignored == (
        "files that end in .heic, which is not read (8: a/IMG_0.HEIC, a/IMG_1.HEIC, a/IMG_2.HEIC and 5 more)",
        "files without ending (2: a/Thumbs, b/Thumbs)",
        "hidden files and folders (2: a/.DS_Store, b/.DS_Store)",
    )
    for path in (tmp_path / "a").glob("*.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"class 'a' is empty: .* it has \.heic"):
        read(tmp_path)


def test_a_change_in_a_class_folder_is_a_change_of_the_data_set(tmp_path: Path) -> None:
    for label in "ab":
        fill(tmp_path / "train" / label)
    for folder in (tmp_path, tmp_path / "train", *(tmp_path / "train").iterdir()):
        os.utime(folder, (1, 1))
    assert last_change(tmp_path) == 10**9
    os.utime(tmp_path / "train" / "b", (5, 5))
    assert last_change(tmp_path) == 5 * 10**9
    assert is_image_folder(tmp_path)
    assert not is_image_folder(tmp_path / "train" / "a")


# The account, and runs that go on


def test_the_account_is_printed_kept_and_shown(mtm: Command, tmp_path: Path) -> None:
    for k in (1, 2, 10):
        fill(tmp_path / "own" / f"class {k}", 5)
    (tmp_path / "own" / "class 1" / "notes.txt").write_text("")
    trained = mtm(
        "train", "--dataset", "own", "--epochs", "1", "--dim", "2", "--device", "cpu", "--name", "x", "--json"
    )
    assert trained.returncode == 0, trained.stderr
    lines = [
        "own: 12 train, 3 test images of 3 classes",
        "Classes in order: class 1 (5), class 2 (5), class 10 (5)",
        "There is no test folder: a fifth of each class is held out as test images",
        "Read in grey, as all images are",
        "Ignored: files that end in .txt, which is not read (1: class 1/notes.txt)",
    ]
    assert trained.stderr.splitlines() == lines
    kept = Run.open(tmp_path / "runs" / "x").info["account"]
    assert kept["lines"] == lines
    assert kept["counts"] == {"train": [4, 4, 4], "test": [1, 1, 1]}
    assert json.loads(trained.stdout.splitlines()[-1])["account"] == kept
    assert json.loads(mtm("show", "x", "--json").stdout)["account"] == kept
    assert all(line in mtm("show", "x").stdout for line in lines)


def test_a_run_that_goes_on_keeps_the_order_of_its_classes(tmp_path: Path) -> None:
    for k in (1, 2, 10):
        fill(tmp_path / "own" / f"class {k}", 10, shade=20 * k)
    config = TrainConfig(dataset=str(tmp_path / "own"), epochs=2, dim=2, device="cpu")
    order = ("class 1", "class 10", "class 2")  # by their letters, as it was before
    run = start_run(tmp_path / "run", config, prepare_training(config, class_names=order))
    record_training(run, begun := load(config, order), on_snapshot=lambda s: run.request_stop())
    assert begun.class_names == order
    with pytest.raises(InputError, match="snapshots of other images than"):
        record_training(run, load(config))
    assert load(config).class_names == ("class 1", "class 2", "class 10")
    assert record_training(run, load(config, run.info["class_names"])) == "finished"
    assert Run.open(run.folder).points.class_names == order
    shades_of = {name: load(config, order).train.images[begun.train.labels == k].max() for k, name in enumerate(order)}
    assert shades_of == {"class 1": 20, "class 10": 200, "class 2": 40}


def test_a_run_keeps_the_spelling_that_it_began_with(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    for name in (decomposed, "tea"):
        fill(tmp_path / name, 5)
    config = TrainConfig(dataset=str(tmp_path))
    assert load(config).class_names == ("café", "tea")
    assert load(config, ("tea", decomposed)).class_names == ("tea", decomposed)
    assert load(config, ("tea", "coffee")).class_names == ("café", "tea"), "these are other classes"
