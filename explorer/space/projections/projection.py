"""What every projection has: a name, the options it takes, and a way from a run's snapshots to frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
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
class Options:
    """Everything that can be chosen; each projection takes of it what its `options` name.

    `classes` are three class numbers, `at` is a snapshot, `first` the number of snapshots that a plane is computed
    from, or that a layout was computed of before the run grew, `seed` starts the random numbers.
    """

    classes: Sequence[int] | None = None
    at: int | None = None
    first: int | None = None
    seed: int = 0


class Projection(ABC):
    """One way to show D dimensions on one pair of axes for a whole run. The attributes are what is said of it."""

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]]  # the fields of Options that it depends on
    is_linear: ClassVar[bool]  # whether it is a plane x = origin + basis u
    needs_worker: ClassVar[bool] = False  # whether it takes so long that a process apart computes it
    grows: ClassVar[bool] = False  # whether a new snapshot joins the earlier frames, which stay as they are

    @abstractmethod
    def settings(self, run: Run, options: Options) -> Settings:
        """The options that the result depends on, with defaults filled in: JSON types, part of the cache key.

        Raises InputError for an option that cannot be.
        """

    @abstractmethod
    def frames(self, stack: SnapshotStack, settings: Settings, before: Frames | None, progress: Progress) -> Frames:
        """The frames of all snapshots. `before` are those of all but the last, for a projection that `grows`.

        `progress(share, what)` raises Cancelled to end the work. Raises InputError if the snapshots do not allow it.
        """


def whole_number(value: object, name: str) -> int:
    """An option as an int. Raises InputError, with its name, for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} = {value!r}: it has to be a whole number")
    return int(value)


def first_setting(first: int | None) -> Settings:
    """The setting `first`, left out where all snapshots count."""
    return {} if first is None else {"first": int(first)}
