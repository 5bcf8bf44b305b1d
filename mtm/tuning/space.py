"""What a search varies, and between which values: stated here once, those of a loss with its hyperparameters.

The ranges contain every row of the paper's Tables 8-9. A field that the user gives a value is not searched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mtm.config import TrainConfig
from mtm.errors import InputError, choose_from
from mtm.losses import hyperparameters_of, loss_class


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included: evenly, or evenly in their logarithm; whole ones, or all."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[float, ...]


Space = dict[str, Range | Choice]

COMMON: Space = {
    "lr": Range(1e-4, 1e-2, log=True),  # Tables 8-9: 0.00019 to 0.0081
    "batch_size": Choice((32, 64, 128, 256)),  # the paper does not say
    "dim": Range(64, 2048, whole=True),  # Tables 8-9: 203 to 1,990; no such thing with a linear head
}


def space_of(config: TrainConfig, ranges: Sequence[str] = ()) -> Space:
    """What a search around `config` varies: the fields of the space that `config` was not given a value for.

    `ranges` are changes as the command line takes them, `lr=1e-4:1e-3` or `batch_size=32,64`. Raises InputError when a
    change cannot be, or nothing is left to vary.
    """
    space = {name: kind for name, kind in COMMON.items() if name != "dim" or config.head == "targets"}
    space |= _space_of_loss(loss_class(config.loss)) if config.loss is not None else {}
    changes = dict(_changed(text, space) for text in ranges)
    fixed = set(config.model_fields_set) | set(config.loss_args)
    space = {name: kind for name, kind in space.items() if name not in fixed or name in changes} | changes
    if not space:
        raise InputError("every hyperparameter has a value: there is nothing to search for; leave one out")
    return space


def _space_of_loss(cls: type) -> Space:
    """The hyperparameters of a loss that state a range, `low` and `high`, or another one for a `search`."""
    space: Space = {}
    for name, field in hyperparameters_of(cls).items():
        about = {"search": True} | dict(field.metadata)
        if about["search"] and {"low", "high"} <= set(about):
            low, high = (about["low"], about["high"]) if about["search"] is True else about["search"]
            space[name] = Range(low, high, about.get("log", False))
    return space


def _changed(text: str, space: Space) -> tuple[str, Range | Choice]:
    name, _, values = text.partition("=")
    name = name.strip().replace("-", "_")
    if name not in space:
        raise choose_from("hyperparameter to search", name, space)
    old = space[name]
    try:
        if ":" not in values:
            choices = tuple(float(value) for value in values.split(","))
            return name, Choice(tuple(int(v) for v in choices) if _is_whole(name) else choices)
        low, high = (float(value) for value in values.split(":"))
    except ValueError:
        raise InputError(f"--range takes {name}=LOW:HIGH or {name}=VALUE,VALUE, not '{text}'") from None
    changed = replace(old, low=low, high=high) if isinstance(old, Range) else Range(low, high, whole=_is_whole(name))
    if not low < high or (changed.log and low <= 0):
        raise InputError(f"{text}: the range goes from a lower to a higher number" + (", above 0" * changed.log))
    return name, changed


def _is_whole(name: str) -> bool:
    field = TrainConfig.model_fields.get(name)
    return field is not None and field.annotation is int


def trial_config(config: TrainConfig, params: Mapping[str, Any]) -> TrainConfig:
    """`config` with the values of a trial; what is no field of it is a hyperparameter of a loss of the user's own."""
    fields = {name: value for name, value in params.items() if name in TrainConfig.model_fields}
    loss_args = {name: value for name, value in params.items() if name not in fields}
    return TrainConfig(**config.model_dump() | fields | {"loss_args": config.loss_args | loss_args})


def most_demanding(config: TrainConfig, space: Space) -> TrainConfig:
    """The config of a trial that could fail where others do not: the smallest batches, the most dimensions."""
    ends = {name: kind.values if isinstance(kind, Choice) else (kind.low, kind.high) for name, kind in space.items()}
    whole = {name: int(take(ends[name])) for name, take in (("batch_size", min), ("dim", max)) if name in ends}
    return trial_config(config, whole)


def to_json(space: Space) -> dict[str, Any]:
    return {name: asdict(kind) for name, kind in space.items()}


def from_json(stored: Mapping[str, Any]) -> Space:
    return {name: Choice(tuple(kind["values"])) if "values" in kind else Range(**kind) for name, kind in stored.items()}
