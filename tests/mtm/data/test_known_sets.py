"""What `mtm data` and a training say of a data set whose files are not all there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from conftest import Command

from explorer.train.preview import Preview
from mtm.config import TrainConfig
from mtm.data import DATASETS, load
from mtm.data.known import look_for
from mtm.errors import InputError

MNIST = DATASETS["mnist"]


def make(root: Path, dataset: str = "mnist", **sizes: int | None) -> Path:
    """All files of a data set, empty but of their size; others by name, without its signs, are left out (None)."""
    folder = root / DATASETS[dataset].where
    folder.mkdir(parents=True)
    for name, size in DATASETS[dataset].files.items():
        wanted = sizes.get(name.replace("-", "_"), size or 1)
        if wanted is not None:
            with (folder / name).open("wb") as file:
                file.truncate(wanted)
    return folder


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name != "digits"])
def test_a_data_set_is_absent_incomplete_or_whole(tmp_path: Path, dataset: str) -> None:
    source = DATASETS[dataset]
    assert look_for(source, tmp_path).state == "absent"
    folder = make(tmp_path, dataset)
    assert look_for(source, tmp_path).state == "whole"
    assert look_for(source, tmp_path).problems == []
    first, *others = source.files
    (folder / first).unlink()
    assert look_for(source, tmp_path).state == "incomplete"
    assert look_for(source, tmp_path).problems == [f"{first} is missing"]
    for name in others:
        (folder / name).unlink()
    assert look_for(source, tmp_path).state == "absent"


def test_sizes_are_those_of_the_published_files() -> None:
    sizes = {"train-images-idx3-ubyte": 47_040_016, "train-labels-idx1-ubyte": 60_008,
             "t10k-images-idx3-ubyte": 7_840_016, "t10k-labels-idx1-ubyte": 10_008}  # fmt: skip
    assert dict(MNIST.files) == sizes


def test_dotted_names_are_recognised_and_the_right_ones_said(mtm: Command, tmp_path: Path) -> None:
    folder = make(tmp_path / "data")
    for path in folder.iterdir():
        path.rename(folder / path.name.replace("-idx", ".idx"))
    trained = mtm("train", "--dataset", "mnist")
    assert trained.returncode == 2
    assert "train-images-idx3-ubyte is missing; rename train-images.idx3-ubyte, which is there" in trained.stderr
    listed = mtm("data")
    assert "(incomplete)" in listed.stdout
    assert "rename train-images.idx3-ubyte" in " ".join(listed.stdout.split())
    row = next(row for row in map(json.loads, mtm("data", "--json").stdout.splitlines()) if row["name"] == "mnist")
    assert row["state"] == "incomplete"
    assert len(row["problems"]) == 4


def test_a_file_that_is_missing_is_named_by_the_training_too(tmp_path: Path) -> None:
    make(tmp_path, t10k_labels_idx1_ubyte=None)
    with pytest.raises(InputError, match=r"MNIST/raw are .*: t10k-labels-idx1-ubyte is missing, and could not"):
        load(TrainConfig(dataset="mnist", data_root=str(tmp_path)))


def test_a_file_of_another_size_and_a_folder_in_its_place_are_named(tmp_path: Path) -> None:
    folder = make(tmp_path, train_images_idx3_ubyte=1000, t10k_images_idx3_ubyte=None)
    (folder / "t10k-images-idx3-ubyte").mkdir()
    cut, no_file = look_for(MNIST, tmp_path).wrong
    assert cut.startswith("train-images-idx3-ubyte is damaged: it has 1,000 bytes instead of 47,040,016")
    assert no_file.startswith("t10k-images-idx3-ubyte is no file")
    preview = Preview(tmp_path / "cache", is_busy=lambda: True)
    assert preview.describe(TrainConfig(dataset="mnist", data_root=str(tmp_path)))["missing"] is None
    preview.close()


def test_packed_files_count_as_there(tmp_path: Path) -> None:
    folder = make(tmp_path, train_images_idx3_ubyte=None)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"images"))
    assert look_for(MNIST, tmp_path).state == "whole"
