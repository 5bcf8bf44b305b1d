"""Everything that is said of a kind of export: in the command's help, in the page's menu, in refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.export.scene import ExportRequest, Progress
from explorer.space.views import Views

PICTURE = ("view", "classifier", "regions", "colour", "camera", "hidden", "solo", "focus")  # options of a picture


@dataclass(frozen=True)
class Options:
    """How an export is made; None stands for the default of its kind."""

    curve: str | None = None
    width: int | None = None
    height: int | None = None
    scale: float | None = None
    fps: float | None = None
    seconds: float | None = None
    theme: str | None = None
    browser: Path | None = None
    weights: bool | None = None

    def arguments(self, *names: str) -> dict[str, Any]:
        """The named options that are set, as keyword arguments."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True)
class Row:
    """A row of the page's menu, with a button for each kind of file."""

    title: str
    option: str = ""  # that is chosen in the row
    choices: Mapping[str, str] = field(default_factory=dict)  # its values, and what they are called


@dataclass(frozen=True)
class Export:
    """One entry of `explorer.export.writer.EXPORTS`.

    `write(views, request, path, options, on_progress)` writes the file, whole or not at all.
    """

    noun: str  # what a file of it is called
    help: str  # its kinds of files and what is in them
    menu: tuple[Row, ...]
    kinds: Mapping[str, str]  # ending and media type
    options: tuple[str, ...]  # of the command that go with it
    write: Callable[[Views, ExportRequest, Path, Options, Progress], None]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of options, by ending
