"""What every projection has: its names, the options it takes, and a way from a run's snapshots to frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from explorer.space.frames import Frames
from explorer.space.stack import SnapshotStack
from mtm.errors import InputError
from mtm.runs import Run

Progress = Callable[[float, str], None]  # share done, what is being done
Settings = dict[str, Any]


class Cancelled(Exception):
    """The user no longer wants the projection."""


@dataclass(frozen=True)
class Option:
    """Something that can be chosen of a projection: a whole number, or several of them."""

    name: str  # in addresses
    label: str
    help: str
    default: int | None = None
    low: int | None = None
    high: int | None = None
    is_list: bool = False  # whole numbers, in an address with commas between them; the projection checks them itself

    def check(self, value: object) -> Any:
        """A value of this option, or its default for None. Raises InputError, with its name, for what cannot be."""
        value = self.default if value is None else value
        if value is None or self.is_list:
            return value
        number = whole_number(value, self.name)
        if self.low is not None and number < self.low:
            raise InputError(f"{self.name} = {number}: it has to be {self.low} or more")
        if self.high is not None and number > self.high:
            raise InputError(f"{self.name} = {number}: it has to be {self.high} or less")
        return number


FIRST = Option("first", "Snapshots", "How many, from the first, it is made from: it stays while the run grows", low=1)
SEED = Option("seed", "Seed", "Starts the random numbers", default=0, low=0)


class Projection(ABC):
    """One way to show D dimensions on one pair of axes for a whole run. The attributes are all that is said of it."""

    name: ClassVar[str]  # in addresses, options and file names
    label: ClassVar[str]  # in menus
    caption: ClassVar[str]  # in a figure's title
    axis: ClassVar[str]  # what its axes are called, before 1 and 2
    short: ClassVar[str]  # in a sentence
    options: ClassVar[tuple[Option, ...]] = ()
    is_linear: ClassVar[bool]  # whether it is a plane x = origin + basis u
    needs_worker: ClassVar[bool] = False  # whether it takes so long that a process apart computes it
    grows: ClassVar[bool] = False  # whether a new snapshot joins the earlier frames, which stay as they are
    is_compared: ClassVar[bool] = True  # whether it says the same of any two runs, so that Compare offers it

    def refusal(self, n: int, dim: int, n_classes: int) -> str | None:
        """Why a run of n images in `dim` dimensions cannot be shown so, and the projection is not offered."""
        return None

    def settings(self, run: Run, chosen: Mapping[str, Any]) -> Settings:
        """What the result depends on, of the checked values of all `options`: JSON types, part of the cache key.

        Raises InputError for a choice that cannot be.
        """
        return {name: value for name, value in chosen.items() if value is not None}

    @abstractmethod
    def frames(self, stack: SnapshotStack, settings: Settings, before: Frames | None, progress: Progress) -> Frames:
        """The frames of all snapshots. `before` are those of all but the last, for a projection that `grows`.

        `progress(share, what)` raises Cancelled to end the work. Raises InputError if the snapshots do not allow it.
        """


def whole_number(value: object, name: str) -> int:
    """A choice as an int. Raises InputError, with its name, for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} = {value!r}: it has to be a whole number")
    return int(value)
