"""`TrainConfig`: one frozen, validated description from which a training is rebuilt.

Its JSON is in the run folder, its fields make the options of `mtm train` and the form in the browser, and the defaults
live here only.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mtm.errors import InputError, choose_from
from mtm.losses import DEFAULT_LOSS, LOSSES, hyperparameters_of, make_loss


def _fraction_or_test(value: object) -> object:
    """`--validation 0.1` arrives from the command line as text."""
    if value == "test":
        return value
    try:
        fraction = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        fraction = math.nan
    if not 0 < fraction < 1:
        raise ValueError("it is 'test' or a fraction between 0 and 1")
    return fraction


def _device_name(value: object) -> object:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", str(value)):
        raise choose_from("device", str(value), ["auto", "cpu", "cuda", "cuda:0", "mps"])
    return value


def _comma_separated(value: object) -> object:
    """Classes given from Python as a sequence, (7, 8, 9), as the command line has them: '7,8,9'."""
    return (",".join(map(str, value)) if isinstance(value, list | tuple) else value) or None


WEIGHTS = ("auto", "imagenet", "none")  # what `weights` takes besides a file
Validation = Annotated[Literal["test"] | float, BeforeValidator(_fraction_or_test)]
Classes = Annotated[str | None, BeforeValidator(_comma_separated)]
Device = Annotated[str, BeforeValidator(_device_name)]


def option(default: Any, help: str, group: str, **limits: Any) -> Any:
    return Field(default, description=help, json_schema_extra={"group": group}, **limits)


class TrainConfig(BaseModel):
    """Everything that decides a training. Raises InputError with one sentence when a value cannot be."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Data
    dataset: str = option(
        "digits",
        "digits, mnist, fashion-mnist, kmnist, cifar10, cifar100, an image folder or an .npz file",
        "data",
    )
    data_root: str = option("data", "Folder of the downloaded data sets, in torchvision's layout", "data")
    validation: Validation = option(
        "test",
        "What the early stop and a search look at: 'test' as in the paper, or a fraction of the training images",
        "data",
    )
    resize: int | None = option(
        None,
        "Resize the shorter side to this many pixels, 0 for not at all (paper's sets: 44, digits: 16, own: 0)",
        "data",
        ge=0,
    )
    crop: int | None = option(
        None,
        "Crop the centre to this many pixels, 0 for not at all (paper's sets: 36, others: 0)",
        "data",
        ge=0,
    )
    train_images: int = option(
        0, "Train on this many images, balanced by class, for a quick look; 0 for all", "data", ge=0
    )
    held_out: Classes = option(
        None,
        "Classes kept out of training, by name or number, as in 7,8,9: their test images are recorded all the same",
        "data",
    )
    record: int = option(
        2000, "Test images recorded in each snapshot, balanced by class; 0 records all of them", "data", ge=0
    )
    centre_images: int = option(
        2000, "Training images whose class centres the cos and euc classifiers use, balanced by class", "data", ge=1
    )

    # Network
    head: Literal["targets", "linear"] = option(
        "targets", "'targets': class embeddings and a loss of the paper; 'linear': the pure baseline", "network"
    )
    backbone: str = option("convnet", "convnet, resnet18, resnet50, resnet101 or any torchvision classifier", "network")
    weights: str = option(
        "auto",
        "imagenet, none, a state-dict file, or a run's best.safetensors for its backbone "
        "(auto: imagenet where the backbone has it)",
        "network",
    )
    dim: int = option(
        64, "D, dimensions of the embedding space (a linear head has the backbone's own)", "network", ge=1, le=1_000_000
    )
    class_init_scale: float = option(
        1.0,
        "Class embeddings start from N(0, 1) times this; Adam moves a coordinate by about lr a step",
        "network",
        gt=0,
    )

    # Loss
    loss: str | None = option(
        None, f"{', '.join(LOSSES)}, or module:Class of your own ({DEFAULT_LOSS}; none with a linear head)", "loss"
    )
    r: float | None = option(None, "r of class proximity (1e5; paper: 1e3 to 1e6) and of push and pull (0.95)", "loss")
    eps: float | None = option(None, "eps of class proximity (1e-6)", "loss")
    loss_args: dict[str, float] = option({}, "Further hyperparameters of a loss of your own, as name=value", "loss")

    # Training
    lr: float = option(1e-3, "Learning rate", "training", gt=0)
    class_lr_factor: float = option(
        1.0, "Learning rate of the class embeddings over that of the network", "training", ge=0
    )
    optimiser: Literal["adam", "adamw", "sgd"] = option("adam", "adam, adamw or sgd", "training")
    momentum: float = option(0.9, "Momentum of SGD", "training", ge=0, lt=1)
    weight_decay: float = option(0.0, "Weight decay of the network's weights", "training", ge=0)
    batch_size: int = option(128, "Images in a batch", "training", ge=1)
    epochs: int = option(10, "Passes over the training images (the paper: at most 30)", "training", ge=1)
    plateau_epochs: int = option(
        0,
        "Stop when the accuracy of this many epochs hardly varies (Ray's plateau stopper: 4); 0 never",
        "training",
        ge=0,
    )
    plateau_std: float = option(0.01, "Standard deviation of accuracy that counts as a plateau", "training", ge=0)
    snapshots_per_epoch: int = option(1, "Snapshots an epoch, evenly spaced", "training", ge=1)
    first_epoch_snapshots: int = option(
        0, "Snapshots in the first epoch, denser at its start, where most happens; 0 as in the others", "training", ge=0
    )
    seed: int = option(
        0, "Seed of everything random; on a CPU one seed gives the same bits twice", "training", ge=0, lt=2**63
    )
    device: Device = option("auto", "auto, cpu, cuda, cuda:1 or mps", "training")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = option(
        "auto",
        "Type of the network's arithmetic: float32, bfloat16, float16 or auto (mixed on a GPU or a CPU with AMX, "
        "else float32)",
        "training",
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise InputError(_sentence(error)) from None

    def __hash__(self) -> int:
        """By value, as equality is; pydantic's own does not take the dict of `loss_args`."""
        return hash(frozenset((dict(self) | {"loss_args": frozenset(self.loss_args.items())}).items()))

    @model_validator(mode="before")
    @classmethod
    def _default_loss(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("head", "targets") == "targets" and values.get("loss") is None:
            return values | {"loss": DEFAULT_LOSS}
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> TrainConfig:
        if self.head == "linear":
            loss_fields = {"loss": self.loss, "r": self.r, "eps": self.eps, "loss_args": self.loss_args or None}
            for name, value in loss_fields.items():
                if value is not None:
                    raise ValueError(f"{name} goes with head 'targets'; head 'linear' is trained with cross-entropy")
            if "dim" in self.model_fields_set and self.dim != type(self).model_fields["dim"].default:
                raise ValueError("dim goes with head 'targets'; head 'linear' embeds in the backbone's own dimensions")
        elif ":" not in str(self.loss):
            if self.loss not in LOSSES:
                raise choose_from("loss", str(self.loss), [*LOSSES, "module:Class"])
            self.make_loss()
        if self.plateau_epochs == 1:
            raise ValueError("plateau_epochs = 1: one epoch has no spread; use 0 for never, or 2 and more")
        if self.resize and self.crop and self.crop > self.resize:
            raise ValueError(f"crop {self.crop} is larger than resize {self.resize}")
        if self.weights == "imagenet" and self.backbone == "convnet":
            raise ValueError("there are no ImageNet weights for backbone 'convnet'; use weights 'none'")
        return self

    def loss_hyperparameters(self) -> dict[str, float]:
        """The hyperparameters given for the loss; the others keep the loss's own defaults."""
        hyperparameters = {"r": self.r, "eps": self.eps}
        return {name: value for name, value in hyperparameters.items() if value is not None} | self.loss_args

    def make_loss(self) -> Any:
        """The loss with its hyperparameters; imports the module of a loss of the user's own."""
        assert self.loss is not None
        return make_loss(self.loss, **self.loss_hyperparameters())

    def snapshot_steps(self, epoch: int, steps: int) -> list[int]:
        """After which of the `steps` steps of `epoch` (0 is the first) a snapshot is taken; the last one always.

        The first epoch's are at (k / n)^2 of it, the other epochs' evenly spaced.
        """
        denser = epoch == 0 and self.first_epoch_snapshots > 0
        n = self.first_epoch_snapshots if denser else self.snapshots_per_epoch
        if n >= 2 * steps:  # each step has one, or more
            return list(range(1, steps + 1))
        shares = [(k / n) ** 2 if denser else k / n for k in range(1, n + 1)]
        return sorted({max(1, math.ceil(share * steps)) for share in shares})


def loss_defaults() -> dict[str, dict[str, float]]:
    """Per registered loss its hyperparameters and their defaults."""
    return {name: {key: f.default for key, f in hyperparameters_of(cls).items()} for name, cls in LOSSES.items()}


def _sentence(error: ValidationError) -> str:
    """The first problem as one sentence that names the field."""
    problem = error.errors()[0]
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    if message.startswith("unknown "):
        return message
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return str(choose_from("option", name, TrainConfig.model_fields))
    value = str(problem["input"])
    text = value if value in ("nan", "inf", "-inf") or isinstance(problem["input"], int | float) else f"'{value}'"
    return f"{name} = {text}: {message[0].lower()}{message[1:]}"
