"""The record of a search: `searches/NAME/search.json` in the runs folder, written by the tuner alone, read by anybody.

It holds the settings of the search and every trial: its run, hyperparameters, accuracies and how it ended. It is
written whole at every change, so a search that is killed at any moment goes on from it.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.run_folder.files import write_json
from mtm.run_folder.names import check_name, make_name, show_name
from mtm.run_folder.readers import drop_misfits, is_a, read_json
from mtm.run_folder.status import STATES, Status, check_status
from mtm.run_folder.summary import why_unreadable
from mtm.runs import Run
from mtm.train_loop.locations import check_folder
from mtm.tuning import space as spaces

FOLDER = "searches"  # in the runs folder
FORMAT = 1
HELD_OUT = 0.1  # of the training images, for a search whose config has no `validation`
PLATEAU_EPOCHS = 4  # what Ray's stopper looks at
KINDS: dict[str, type] = {"config": dict, "space": dict, "wanted": int, "keep": int, "status": dict, "trials": list}
KINDS |= {"created": float}
TRIAL_KINDS: dict[str, type] = {"number": int, "run": str, "params": dict, "state": str, "reason": str}
TRIAL_KINDS |= {"accuracies": list, "started": float, "ended": float}
DONE = ("finished", "stopped", "failed")


@dataclass
class Trial:
    """One training of a search. `state` is one of a run's: queued, training, finished, stopped (by ASHA), failed."""

    number: int  # from 1
    run: str  # folder in the runs folder
    params: dict[str, float]
    state: str = "queued"
    reason: str | None = None  # why it ended before its last epoch
    accuracies: list[float] = field(default_factory=list)  # of epochs 1, 2, ...: the best classifier's
    started: float | None = None  # seconds since 1970
    ended: float | None = None

    @property
    def best(self) -> float:
        """The highest accuracy of any classifier at any epoch, on the search's split; NaN before the first."""
        return max(self.accuracies, default=math.nan)

    @property
    def is_done(self) -> bool:
        return self.state in DONE

    def end(self, state: str, reason: str | None = None) -> None:
        self.state, self.reason, self.ended = state, reason, time.time()


@dataclass
class Search:
    """A search: what it varies around which config, and its trials so far. `new_search` and `open_search` make one."""

    folder: Path
    config: TrainConfig
    space: spaces.Space
    wanted: int  # trials
    keep: int = 3  # trials whose snapshots and weights stay; the others keep their measures
    status: Status = field(default_factory=Status)
    trials: list[Trial] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    begun: set[int] = field(default_factory=set, compare=False)  # numbers of the trials begun in this process

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def runs(self) -> Path:
        return self.folder.parent.parent

    @property
    def split(self) -> str:
        """What the search looks at: validation, or test, as in the paper."""
        return "test" if self.config.validation == "test" else "validation"

    @property
    def is_finished(self) -> bool:
        return len(self.trials) >= self.wanted and all(trial.is_done for trial in self.trials)

    @property
    def best(self) -> Trial | None:
        ranked = self.ranked()
        return ranked[0] if ranked else None

    def ranked(self) -> list[Trial]:
        """The trials that have an accuracy, best first."""
        return sorted((t for t in self.trials if t.accuracies), key=lambda t: -t.best)

    def seconds_left(self) -> float:
        """About how long the trials to come will take, as many at a time as now; NaN before the first is done."""
        durations = [t.ended - t.started for t in self.trials if t.is_done and t.started and t.ended]
        at_once = max(1, sum(trial.state == "training" for trial in self.trials))
        left = self.wanted - sum(trial.is_done for trial in self.trials)
        return left * sum(durations) / len(durations) / at_once if durations else math.nan

    def of_run(self, run: str) -> Trial:
        return next(trial for trial in self.trials if trial.run == run)

    def begin(self, params: dict[str, float]) -> Trial:
        """The trial of these hyperparameters: one from before that was not begun again yet, or a new one."""
        for trial in self.trials:
            if trial.params == params and trial.number not in self.begun:
                break
        else:
            number = len(self.trials) + 1
            name = f"{self.name}-{number:02d}"
            while (self.runs / name).exists():
                name += "x"
            trial = Trial(number, name, dict(params))
            self.trials.append(trial)
        self.begun.add(trial.number)
        self.save()
        return trial

    def thin(self) -> None:
        """Of trials that are done and not among the best, take away all but the measures."""
        best = [trial.number for trial in self.ranked() if trial.is_done][: self.keep]
        for trial in self.trials:
            folder = self.runs / trial.run
            if trial.is_done and trial.number not in best and (folder / "snapshots").exists():
                if Run.open(folder).status.state == "training":
                    continue  # it is about to end
                for part in ("snapshots", "checkpoint"):
                    shutil.rmtree(folder / part, ignore_errors=True)
                (folder / "points.safetensors").unlink(missing_ok=True)

    def set_status(self, **changes: Any) -> None:
        """Update the status; every write is a heartbeat and says which process this is."""
        self.status = replace(self.status, **changes).signed()
        self.save()

    def save(self) -> None:
        content = {
            "format": FORMAT,
            "created": self.created,
            "config": self.config.model_dump(),
            "space": spaces.to_json(self.space),
            "wanted": self.wanted,
            "keep": self.keep,
            "status": asdict(self.status),
            "trials": [asdict(trial) for trial in self.trials],
        }
        write_json(self.folder / "search.json", content)


def has_plateaued(accuracies: list[float], config: TrainConfig) -> bool:
    """Whether the last epochs hardly vary, as the training and Ray's plateau stopper see it."""
    window = config.plateau_epochs
    return 0 < window <= len(accuracies) and float(np.std(accuracies[-window:])) <= config.plateau_std


def plan_search(
    runs: Path,
    config: TrainConfig,
    trials: int = 50,
    *,
    name: str | None = None,
    ranges: tuple[str, ...] = (),
    keep: int = 3,
) -> Search:
    """A search around `config`, of which nothing is written yet; fields that `config` sets are not searched.

    Without a `validation` in it a tenth of the training images is held out for the search to look at. `keep` is how
    many of the best keep snapshots and weights, `ranges` changes what is searched (`space_of`). Raises InputError.
    """
    check_folder(runs)
    space = spaces.space_of(config, ranges)
    overrides = config.model_fields_set
    defaults = {"validation": HELD_OUT, "plateau_epochs": PLATEAU_EPOCHS}
    config = config.model_copy(
        update={"data_root": str(Path(config.data_root).absolute())}
        | {field: value for field, value in defaults.items() if field not in overrides}
    )
    runs = runs.absolute()
    if name is None:
        loss = (config.loss or "pure").replace(":", ".")
        stem = make_name(f"{Path(config.dataset).stem}-{config.backbone}-{loss}-search")
        names = {path.name for path in (runs / FOLDER).glob("*")}
        name = next(n for n in (f"{stem}-{i}" for i in range(1, len(names) + 2)) if n not in names)
    folder = runs / FOLDER / check_name(name, "search")
    if folder.exists():
        raise InputError(f"there is a search '{name}' already; choose another name, or go on: mtm tune --resume {name}")
    return Search(folder, config, space, trials, keep)


def new_search(runs: Path, config: TrainConfig, trials: int = 50, **settings: Any) -> Search:
    """`plan_search`, and the folder of the search with its record. Raises InputError."""
    search = plan_search(runs, config, trials, **settings)
    try:
        search.folder.mkdir(parents=True)
        search.save()
    except OSError as error:
        raise InputError(f"cannot make the folder of the search {search.folder}: {error.strerror}") from error
    return search


def open_search(runs: Path, name: str) -> Search:
    """Read a search; its status is `interrupted` when its process is gone. Raises InputError if it cannot be read."""
    folder = runs.absolute() / FOLDER / name
    stored, problem = read_json(folder / "search.json")
    if problem:
        names = ", ".join(sorted(path.name for path in folder.parent.glob("*"))) or "none"
        raise InputError(f"there is no search '{name}' in {runs} that can be read ({names} there); {problem}")
    if not is_a(int, stored.get("format", FORMAT)) or stored.get("format", FORMAT) > FORMAT:
        raise InputError(f"{folder} has search format {stored['format']}, this mtm reads up to {FORMAT}: update mtm")
    try:
        stored = _checked(stored, KINDS)
        return Search(
            folder,
            TrainConfig(**stored["config"]),
            spaces.from_json(stored["space"]),
            stored["wanted"],
            stored["keep"],
            check_status(stored["status"], "its status")[0].as_seen_now(),
            [_read_trial(trial) for trial in stored["trials"]],
            stored["created"],
        )
    except KeyError as error:
        raise InputError(f"{folder / 'search.json'} is damaged: it has no {error}") from error
    except (TypeError, InputError) as error:
        raise InputError(f"{folder / 'search.json'} is damaged: {error}") from error


def _checked(stored: dict[str, Any], kinds: dict[str, type]) -> dict[str, Any]:
    for problem in drop_misfits(stored, kinds, "search.json")[1]:
        raise InputError(problem.partition(": ")[2])
    return stored


def _read_trial(stored: Any) -> Trial:
    """Raises InputError, KeyError or TypeError for what is no trial, or one whose run would be elsewhere."""
    if not isinstance(stored, dict):
        raise InputError("a trial is no object")
    trial = Trial(**_checked(stored, TRIAL_KINDS))
    numbers = [*trial.params.values(), *trial.accuracies]
    if trial.state not in STATES or not all(is_a(float, number) for number in numbers):
        raise InputError(f"trial {trial.number} has a state or numbers that cannot be")
    check_name(trial.run)
    return trial


def list_searches(runs: Path) -> list[Search]:
    """The searches of a runs folder, newest first; what cannot be read is passed over."""
    return read_searches(runs)[0]


def read_searches(runs: Path) -> tuple[list[Search], dict[str, str]]:
    """The searches of a runs folder, newest first, and of each that cannot be read, by its name, why."""
    searches, problems = [], dict[str, str]()
    try:
        folders = sorted((runs / FOLDER).iterdir())
    except OSError:  # no search yet, or no such folder any more
        return [], {}
    for folder in folders:
        if not os.path.lexists(folder / "search.json"):
            continue
        try:
            searches.append(open_search(runs, folder.name))
        except Exception as error:  # one bad search is one bad line
            problems[show_name(folder.name)] = why_unreadable(folder, error)
    return sorted(searches, key=lambda search: -search.created), problems
