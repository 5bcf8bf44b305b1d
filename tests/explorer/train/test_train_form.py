"""The form says what TrainConfig says, and the preview what a training will take."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from conftest import small

from explorer.train import form, presets
from explorer.train.preview import Preview, time_in_words
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.runs import Run
from mtm.train_loop.cost import Sizes, Speed, estimate_cost

DIGITS = Sizes(1438, 359, 10, 16, 16, 1)


# The form and the config


def test_every_field_of_the_config_is_in_the_form_with_its_help(tmp_path: Path) -> None:
    groups = form.catalogue(tmp_path)["groups"]
    assert [group["name"] for group in groups] == ["data", "network", "loss", "training"]
    fields = {field["name"]: field for group in groups for field in group["fields"]}
    assert set(fields) | set(form.FIXED) == set(TrainConfig.model_fields)
    for name, field in fields.items():
        assert field["help"] or field["label"] == TrainConfig.model_fields[name].description
        extra = TrainConfig.model_fields[name].json_schema_extra
        assert isinstance(extra, dict)
        assert field["group"] == extra["group"]
    assert set(form.LABELS) <= set(fields)
    assert set(form.FIRST) <= set(fields)


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"dim": "0"}, "dim", "greater than or equal to 1"),
        ({"lr": "fast"}, "lr", "a number"),
        ({"epochs": "2.5"}, "epochs", "a whole number"),
        ({"lr": "nan"}, "lr", "finite"),
        ({"validation": "2"}, "validation", "between 0 and 1"),
        ({"weights": "imagenet"}, "weights", "no ImageNet weights"),
        ({"resize": "20", "crop": "30"}, "crop", "larger than resize 20"),
        ({"r": "1"}, "loss", "no hyperparameter 'r'"),
        ({"loss": "class_proximity", "eps": "-1"}, "eps", "positive"),
        ({"head": "linear", "loss": "cosine"}, "loss", "head 'targets'"),
        ({"plateau_epochs": "1"}, "plateau_epochs", "2 and more"),
        ({"device": "cuda:3"}, "device", "choose from auto, cpu"),
        ({"nonsense": "1"}, "", "no field 'nonsense'"),
    ],
)
def test_a_problem_stands_beside_its_field(tmp_path: Path, values: dict[str, str], field: str, says: str) -> None:
    checked = form.check(values, tmp_path, ["cpu"])
    assert checked.config is None
    assert list(checked.problems) == [field]
    assert says in checked.problems[field]


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    assert set(form.check({"dim": "0", "lr": "-1", "seed": "x"}, tmp_path, ["cpu"]).problems) == {"dim", "lr", "seed"}


def as_typed(config: TrainConfig) -> dict[str, str]:
    return {name: str(value) for name, value in form.from_run(config.model_dump()).items()}


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(),
        small(validation=0.1, loss="class_proximity", r=1e5, eps=1e-6, momentum=0.5),
        TrainConfig(head="linear", backbone="resnet18", weights="none", resize=0, crop=36),
        *(TrainConfig(**presets.quick_preset(name)) for name in presets.QUICK),
        *(TrainConfig(**presets.paper_preset(d, b, x)) for d in presets.PAPER for b in ("resnet18", "resnet101")
          for x in presets.PAPER[d][b]),
    ],
)  # fmt: skip
def test_form_and_command_line_give_the_same_config(tmp_path: Path, config: TrainConfig) -> None:
    assert form.check(as_typed(config), Path("data"), ["cpu"]).config == config
    line = shlex.split(form.join_arguments(form.to_arguments(config, Path("runs"), "a name")))
    assert (line[:2], line[-2:]) == (["mtm", "train"], ["--name", "a name"])
    options = dict(zip(line[2:-2:2], line[3:-2:2], strict=True))
    assert TrainConfig(**{key.strip("-").replace("-", "_"): value for key, value in options.items()}) == config


def test_the_paper_s_rows_are_those_of_its_tables() -> None:
    """A few of Tables 8 and 9, by hand."""
    assert presets.paper_preset("fashion-mnist", "resnet18", "euclidean") == {
        "dataset": "fashion-mnist", "backbone": "resnet18", "weights": "imagenet", "lr": 0.0004453946, "epochs": 30,
        "plateau_epochs": 4, "loss": "euclidean", "dim": 1351,
    }  # fmt: skip
    assert presets.paper_preset("kmnist", "resnet50", "class_proximity")["r"] == 27585.0
    pure = presets.paper_preset("cifar100", "resnet101", "pure")
    assert (pure["head"], pure["lr"], "dim" in pure) == ("linear", 0.0005403263, False)
    for row in (
        ("digits", "resnet18", "euclidean"),
        ("mnist", "convnet", "cosine"),
        ("mnist", "resnet18", "comparison"),
    ):
        with pytest.raises(InputError, match="choose from"):
            presets.paper_preset(*row)


# The estimate


def test_the_estimate_follows_from_the_sizes_and_the_speed() -> None:
    speed = Speed(1000.0, 100_000, 64)
    estimate = estimate_cost(TrainConfig(epochs=10), DIGITS, speed)
    assert estimate["snapshots"] == 11
    assert estimate["seconds"] == pytest.approx(5 + (10 * 1438 + 11 * (1438 + 359) / 3) / 1000, rel=0.01)
    assert estimate["bytes"] > 11 * 359 * 64 * 2 + 3 * 4 * 100_000
    more = estimate_cost(TrainConfig(epochs=10, snapshots_per_epoch=3, first_epoch_snapshots=5), DIGITS, speed)
    assert more["snapshots"] == 1 + 5 + 9 * 3
    assert estimate_cost(TrainConfig(epochs=20), DIGITS, speed)["seconds"] > 1.8 * (estimate["seconds"] - 5)
    fewer = estimate_cost(TrainConfig(epochs=10, train_images=500, record=100), DIGITS, speed)
    assert fewer["seconds"] < estimate["seconds"]
    assert fewer["bytes"] < estimate["bytes"]


def test_the_estimated_disk_is_what_a_run_takes(finished_run: Path) -> None:
    run = Run.open(finished_run)
    assert run.config is not None
    estimate = estimate_cost(run.config, DIGITS, Speed(1000.0, 94_616, 8))
    assert estimate["snapshots"] == len(run.snapshots)
    without_weights = estimate["bytes"] - 16 * 94_616
    assert 0.4 < without_weights / (run.size() - sum(f.stat().st_size for f in run.checkpoints.iterdir())) < 1.6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "5 s"),
        (41, "40 s"),
        (100, "2 min"),
        (3000, "50 min"),
        (5400, "1 h 30 min"),
        (90_000, "25 h"),
        (4e5, "5 days"),
    ],
)
def test_durations_are_round(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words


def test_a_data_set_that_is_not_on_disk_is_not_downloaded_for_its_picture(tmp_path: Path) -> None:
    preview = Preview(tmp_path / "cache", is_busy=lambda: True)
    answer = preview.describe(TrainConfig(dataset="cifar100", data_root=str(tmp_path / "data")))
    assert answer["missing"] == str(tmp_path / "data" / "cifar-100-python")
    assert (answer["sizes"]["train"], answer["sizes"]["n_classes"], answer["sizes"]["height"]) == (50_000, 100, 36)
    assert answer["busy"]
    assert preview._thread is None
    assert not (tmp_path / "data").exists()
    preview.close()
