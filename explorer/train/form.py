"""The form of a training, built from the fields of TrainConfig; and the way back from a form's values to a config.

The browser may choose less than the command line: no file outside the data folder is opened for it, and it cannot name
code to run.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from explorer.train.presets import PAPER, QUICK, quick_preset
from mtm.config import WEIGHTS, TrainConfig
from mtm.data import DATASETS
from mtm.data.folders import is_image_folder
from mtm.errors import InputError
from mtm.losses import DEFAULT_LOSS, LOSSES, loss_label
from mtm.losses.loss import sliders_of, summary_of

GROUPS = {
    "data": ("Data", "What the network learns from"),
    "network": ("Network", "What turns an image into a point of the space"),
    "loss": ("Loss", "What pulls points and targets, and how hard"),
    "training": ("Training", "How long, how fast, and how often the space is recorded"),
}
FIXED = ("data_root", "loss_args")  # that the browser may not set
FIRST = (  # shown at once; the others are folded away
    "dataset", "train_images", "record", "head", "backbone", "dim", "weights", "loss", "r", "eps", "lr", "batch_size",
    "epochs", "snapshots_per_epoch", "first_epoch_snapshots", "seed", "device",
)  # fmt: skip
LABELS = {
    "r": "r", "eps": "eps", "dataset": "Data set", "train_images": "Training images", "record": "Recorded test images",
    "centre_images": "Images for class centres", "head": "Head", "dim": "Dimensions D", "lr": "Learning rate",
    "class_init_scale": "Spread of the first targets", "class_lr_factor": "Learning rate of targets, relative",
    "optimiser": "Optimiser", "batch_size": "Batch", "plateau_epochs": "Plateau, epochs",
    "plateau_std": "Plateau, deviation", "snapshots_per_epoch": "Snapshots an epoch",
    "first_epoch_snapshots": "Snapshots in the first epoch",
}  # fmt: skip
MOST_OWN_DATASETS = 50  # listed at most


@dataclass(frozen=True)
class CheckedForm:
    """The config of a form, or by field a sentence on what is wrong with it ("" for the form as a whole)."""

    config: TrainConfig | None = None
    problems: dict[str, str] = field(default_factory=dict)


def catalogue(data_root: Path) -> dict[str, Any]:
    """Everything that the page builds its form from, in JSON's types."""
    fields = [
        _describe_field(name, info, data_root) for name, info in TrainConfig.model_fields.items() if name not in FIXED
    ]
    return {
        "groups": [
            {"name": name, "title": title, "help": help, "fields": [f for f in fields if f["group"] == name]}
            for name, (title, help) in GROUPS.items()
        ],
        "losses": [
            {"name": name, "label": loss_label(name), "about": summary_of(cls), "fields": sliders_of(cls)}
            for name, cls in LOSSES.items()
        ],
        "quick": [
            {"name": name, "title": title, "help": help, "values": quick_preset(name)}
            for name, (title, help, _) in QUICK.items()
        ],
        "paper": {"dataset": list(PAPER), "backbone": list(PAPER["mnist"]), "loss": list(PAPER["mnist"]["resnet18"])},
    }


def _describe_field(name: str, info: FieldInfo, data_root: Path) -> dict[str, Any]:
    extra = info.json_schema_extra
    assert isinstance(extra, dict)
    kinds = {info.annotation, *get_args(info.annotation)}
    choices = list(get_args(info.annotation)) if get_origin(info.annotation) is Literal else None
    suggestions = {"backbone": ["convnet", *PAPER["mnist"]], "weights": list(WEIGHTS), "validation": ["test", "0.1"]}
    if name == "dataset":
        choices = [*DATASETS, *list_own_datasets(data_root)]
    if name == "loss":
        choices = [(name, loss_label(name)) for name in LOSSES]
    return {
        "name": name,
        "group": extra["group"],
        "label": LABELS.get(name, name.replace("_", " ").capitalize()),
        "help": _help_of(name, info.description or "", data_root),
        "default": DEFAULT_LOSS if name == "loss" else info.default,
        "choices": choices,
        "suggestions": suggestions.get(name),
        "number": choices is None and bool(kinds & {int, float}) and name != "validation",
        "first": name in FIRST,
    }


def _help_of(name: str, description: str, data_root: Path) -> str:
    if name == "dataset":
        return f"{description}; put your own into {data_root}"
    return "" if description == LABELS.get(name) else description


def list_own_datasets(data_root: Path) -> list[str]:
    """Image folders and .npz files in the data folder, as a config names them; known data sets are left out."""
    known_folders = {source.where.partition("/")[0] for source in DATASETS.values()} | {"demo"}
    paths = []
    for path in sorted(data_root.iterdir()) if data_root.is_dir() else []:
        if (
            path.name not in known_folders
            and not path.name.startswith(".")
            and (path.suffix.lower() == ".npz" or (path.is_dir() and is_image_folder(path)))
        ):
            paths.append(str(path))
    return paths[:MOST_OWN_DATASETS]


def check(values: Mapping[str, Any], data_root: Path, devices: Sequence[str]) -> CheckedForm:
    """The config of a form's values ("" for the default), or every problem by its field."""
    entries = {name: value for name, value in values.items() if value not in ("", None)}
    problems = {name: "it is decided where the explorer is started" for name in FIXED if name in entries}
    problems |= _find_forbidden(entries, data_root, devices)
    entries = {name: value for name, value in entries.items() if name not in FIXED}
    if str(data_root) != TrainConfig.model_fields["data_root"].default:
        entries["data_root"] = str(data_root)
    config = TrainConfig.__new__(TrainConfig)
    try:
        BaseModel.__init__(config, **entries)  # TrainConfig's own raises only the first problem
    except ValidationError as error:
        for problem in error.errors():
            sentence = problem["msg"].removeprefix("Value error, ")
            name = str(problem["loc"][0]) if problem["loc"] else field_of(sentence)
            problems.setdefault(name, _simplify(sentence))
    for name in set(problems) - set(TrainConfig.model_fields) - {""}:
        problems[""] = f"there is no field '{name[:40]}'"
        del problems[name]
    return CheckedForm(None, problems) if problems else CheckedForm(config)


def _find_forbidden(entries: Mapping[str, Any], data_root: Path, devices: Sequence[str]) -> dict[str, str]:
    """Values that the command line takes, but not the browser."""
    problems = {}
    dataset, weights = str(entries.get("dataset", "digits")), str(entries.get("weights", "auto"))
    if dataset not in DATASETS and not is_inside(dataset, data_root):
        problems["dataset"] = f"choose one of the list, or put your own into {data_root} and choose it from there"
    if weights not in WEIGHTS and not is_inside(weights, data_root):
        problems["weights"] = f"imagenet, none, auto, or a state-dict file inside {data_root}"
    if str(entries.get("loss", DEFAULT_LOSS)) not in LOSSES:
        problems["loss"] = f"choose from {', '.join(LOSSES)}; losses of your own are trained with mtm train --loss"
    if not re.fullmatch(r"\w+", str(entries.get("backbone", "convnet"))):
        problems["backbone"] = "choose convnet, or the name of a classifier of torchvision"
    device = str(entries.get("device", "auto"))
    if device not in ("auto", *devices):
        problems["device"] = f"it is not here; choose from auto, {', '.join(devices)}"
    return problems


def is_inside(path: str, folder: Path) -> bool:
    """Whether a path, links followed, lies below a folder; it need not exist."""
    try:
        resolved = Path(path).resolve()
        return resolved != folder.resolve() and resolved.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # no name at all, or links in a circle
        return False


def field_of(sentence: str, otherwise: str = "") -> str:
    """The first field that a sentence names."""
    names = [word for word in re.findall(r"\w+", sentence) if word in TrainConfig.model_fields]
    return names[0] if names else otherwise


def _simplify(sentence: str) -> str:
    """Pydantic's sentence in the words shown beside a field."""
    sentence = re.sub(r"^Input should be a valid (\w+), unable to parse string as an? .*", r"it is no \1", sentence)
    sentence = re.sub(r"^Input should be", "it should be", sentence)
    return sentence.replace("it is no integer", "it is a whole number").replace("it is no number", "it is a number")


def non_default_values(config: TrainConfig) -> dict[str, Any]:
    """The fields of a config that differ from the defaults: the values of a form that gives the same config."""
    default = TrainConfig()
    return {
        name: value
        for name, value in config.model_dump().items()
        if value not in (None, {}) and value != getattr(default, name)
    }


def to_arguments(config: TrainConfig, runs_folder: Path, name: str | None = None) -> list[str]:
    """The arguments of `mtm` for the same training: `train --dataset ...`."""
    words = ["train"]
    for key, value in non_default_values(config).items():
        option = f"--{key.replace('_', '-')}"
        if key == "loss_args":
            words += [word for k, v in value.items() for word in (option, f"{k}={v:g}")]
        else:
            words += [option, format_number(value) if isinstance(value, float) else str(value)]
    if name:
        words += ["--name", name]
    return words if runs_folder.resolve() == Path("runs").resolve() else [*words, "--runs", str(runs_folder)]


def join_arguments(words: Sequence[str]) -> str:
    """The arguments as one line to copy."""
    return shlex.join(["mtm", *words])


def format_number(value: float) -> str:
    """The shortest text of a number: 10000, 0.001, 1e-06."""
    return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(value)


def from_run(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The form's values for the config of a run. Raises InputError if this mtm cannot read it."""
    config = TrainConfig(**stored)
    if str(config.loss).count(":"):
        raise InputError(f"loss '{config.loss}' is of your own; it is trained with mtm train --loss")
    return {name: value for name, value in non_default_values(config).items() if name not in FIXED}
