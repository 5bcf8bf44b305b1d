"""Command-line options: those made from the fields of a pydantic model, each stated once, and `--version`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from rich.markup import escape

from mtm import __version__
from mtm.cli.output import say
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.runs import Run


def _say_version(context: typer.Context, is_set: bool) -> None:
    if is_set:
        say(f"{context.command.name} {__version__}")
        raise typer.Exit


def make_app(name: str, help: str, **settings: Any) -> typer.Typer:
    """An empty command with what both of ours have in common; `run_app` prints its errors."""
    return typer.Typer(name=name, help=help, add_completion=False, pretty_exceptions_enable=False, **settings)


Version = Annotated[
    bool, typer.Option("--version", help="Print the version", callback=_say_version, is_eager=True, show_default=False)
]


RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder of the runs", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts: one object a line")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or its name inside --runs")]
Address = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Ray cluster to run on (Ray on this machine)")]


def with_config_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command(config, **own)` one option for every field of TrainConfig, before its own parameters.

    A parameter of its own that is a dataclass, options that several commands have, gives one for each of its fields.
    """
    own_parameters = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared: dict[str, Any] = {p.name: p.annotation for p in own_parameters if is_dataclass(p.annotation)}

    def run(**values: Any) -> None:
        given = {name: values.pop(name) for name in TrainConfig.model_fields}
        given["loss_args"] = _pairs(given["loss_args"])
        for name, cls in shared.items():
            values[name] = cls(**{field.name: values.pop(field.name) for field in fields(cls)})
        command(TrainConfig(**{name: value for name, value in given.items() if value is not None}), **values)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    parameters = [_parameter(name, field) for name, field in TrainConfig.model_fields.items()]
    for parameter in own_parameters:
        cls = shared.get(parameter.name)
        parameters += inspect.signature(cls, eval_str=True).parameters.values() if cls else [parameter]
    set_parameters(run, parameters)
    return run


def set_parameters(command: Callable[..., None], parameters: Sequence[inspect.Parameter]) -> None:
    """Let a command that takes any keywords have these parameters, as Typer and the help see it."""
    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    command.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in keywords}


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    """An option whose absence (None) leaves the default to the config, which is the one place that has it."""
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    help = escape(field.description or "")
    if field.default not in (None, {}, "auto"):
        help += f" [dim]\\[default: {field.default}][/dim]"
    kind: Any = list[str] if name == "loss_args" else str  # numbers too: the config says what is wrong with them
    info = typer.Option(
        f"--{name.replace('_', '-')}", help=help, rich_help_panel=str(extra["group"]).capitalize(), show_default=False,
        metavar=_metavar(name, field),
    )  # fmt: skip
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, info]
    )


def _metavar(name: str, field: FieldInfo) -> str:
    """The kind of value, in a few letters: a long word here would cut the options' names in a narrow terminal."""
    if get_origin(field.annotation) is Literal:
        return "NAME"
    kinds = {field.annotation, *get_args(field.annotation)}
    if name == "loss_args":
        return "NAME=NUMBER"
    if any(get_origin(kind) is Literal for kind in kinds):
        return "test|FRACTION"
    return "INTEGER" if int in kinds else "NUMBER" if float in kinds else "TEXT"


def _pairs(texts: list[str] | None) -> dict[str, float] | None:
    if not texts:
        return None
    try:
        pairs = {name.strip(): float(value) for name, value in (text.split("=", 1) for text in texts)}
        if "" in pairs:
            raise ValueError
        return pairs
    except ValueError:
        raise InputError(f"--loss-args takes name=value with a number, not {' '.join(texts)}") from None


def open_run(run: Path, runs: Path) -> Run:
    return Run.open(run if os.path.isdir(run) or not os.path.isdir(runs / run) else runs / run)
