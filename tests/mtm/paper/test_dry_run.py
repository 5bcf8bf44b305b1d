"""What `mtm experiments --dry-run` answers: at once, by arithmetic, of data that is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtm.config import TrainConfig
from mtm.data import load
from mtm.errors import InputError
from mtm.paper.experiments import SIZES, estimate_experiments, select_experiments
from mtm.paper.glance import estimate_sizes
from mtm.train_loop import rough_speed
from mtm.train_loop.cost import Sizes

HEAVY = {"torch", "torchvision", "sklearn", "ray", "hyperopt", "pandas"}


def test_all_experiments_are_listed_without_loading_what_takes_seconds(tmp_path: Path) -> None:
    code = (
        "import sys; from mtm import cli; sys.argv[0] = 'mtm'\ntry: cli.main()\nfinally: print(' '.join(sys.modules))"
    )
    command = [sys.executable, "-c", code, "experiments", "--dry-run", "--json", "--device", "cpu"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    *rows, modules = done.stdout.splitlines()
    assert len(rows) == 75
    assert all(json.loads(row)["seconds"] > 0 for row in rows)
    assert not HEAVY & set(modules.split())
    assert list(tmp_path.iterdir()) == []
    assert done.stderr == ""


@pytest.mark.parametrize("name", list(rough_speed.NETWORKS))
def test_the_arithmetic_of_the_paper_s_networks_is_theirs(name: str) -> None:
    known, counted = rough_speed.NETWORKS[name], rough_speed.count_products(name)
    assert known.products == pytest.approx(counted.products, rel=0.01)
    assert (known.parameters, known.features) == (counted.parameters, counted.features)


def test_a_convolution_counts_a_product_for_each_weight_and_pixel() -> None:
    # convnet on 36x36 grey images: three 3x3 convolutions of stride 2, to 32, 64 and 128 channels
    by_hand = 9 * (18 * 18 * 1 * 32 + 9 * 9 * 32 * 64 + 5 * 5 * 64 * 128)
    assert rough_speed.NETWORKS["convnet"].products == pytest.approx(by_hand, rel=0.01)


def test_twice_the_images_or_four_times_the_pixels_take_so_many_times_as_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rough_speed, "operations_per_second", lambda config: 6e9)
    config, sizes = TrainConfig(backbone="resnet18", dim=1), Sizes(1000, 100, 10, 36, 36, 1)
    speed = rough_speed.estimate_speed(config, sizes)
    assert speed.images_per_second == pytest.approx(1e9 / 78.5e6, rel=0.01)
    larger = rough_speed.estimate_speed(config, Sizes(1000, 100, 10, 72, 72, 1))
    assert larger.images_per_second == pytest.approx(speed.images_per_second / 4, rel=0.01)
    planned = [
        select_experiments(TrainConfig(dataset="mnist", epochs=n), ["RN18-E"], once=True, loss=None) for n in (10, 20)
    ]
    ten, twenty = (estimate_experiments(p, tmp_path, 1, 1)[0]["seconds"] for p in planned)
    assert twenty == pytest.approx(2 * ten, rel=0.05)


def test_sizes_of_known_data_are_those_that_it_has() -> None:
    data = load(TrainConfig())
    height, width, channels = data.train.images.shape[1:]
    assert SIZES["digits"] == Sizes(len(data.train), len(data.test), data.n_classes, height, width, channels)


def test_sizes_of_own_data_come_from_names_and_headers(tmp_path: Path) -> None:
    images = np.zeros((50, 12, 10, 3), np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x=images, y=np.arange(50) % 2)
    np.savez(tmp_path / "b.npz", x_train=images, x_test=images[:7], y_train=[0], y_test=[0])
    assert estimate_sizes(TrainConfig(dataset=str(tmp_path / "a.npz"))) == Sizes(40, 10, 10, 12, 10, 3)
    assert estimate_sizes(TrainConfig(dataset=str(tmp_path / "b.npz"))) == Sizes(50, 7, 10, 12, 10, 3)
    for i in range(5):
        for folder in ("photos/train/cat", "photos/train/dog", "photos/test/cat"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            Image.new("L", (10, 12)).save(tmp_path / folder / f"{i}.png")
    config = TrainConfig(dataset=str(tmp_path / "photos"))
    assert estimate_sizes(config) == Sizes(10, 5, 2, 12, 10, 1)
    assert estimate_sizes(config.model_copy(update={"crop": 8})) == Sizes(10, 5, 2, 8, 8, 1)
    (tmp_path / "a.npz").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    for name in ("a.npz", "empty", "nowhere/at/all"):
        with pytest.raises(InputError):
            estimate_sizes(TrainConfig(dataset=str(tmp_path / name)))
