"""The runs of a report, and the one chosen for each of the paper's experiments."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from explorer.library import open_run
from mtm.config import loss_defaults
from mtm.errors import InputError
from mtm.geometry import centre_distance, global_centre
from mtm.paper.tables import BACKBONES, DATASETS, EPOCHS, LOSS_NAMES, LOSSES, Cell
from mtm.run_folder.files import stamp_of
from mtm.run_folder.listing import looks_like_run
from mtm.run_folder.names import show_name
from mtm.run_folder.snapshots import Points, Snapshot
from mtm.run_folder.summary import Best, best_of, why_unreadable
from mtm.runs import Run
from mtm.text import printable

MAX_DEPTH = 3  # levels of folders in which runs are looked for: a search has its runs in a folder of its own
ORDER = ("MNIST", "F-MNIST", "K-MNIST", "CIFAR10", "CIFAR100")  # as the tables have it
NETWORKS = tuple(BACKBONES.values())  # the smallest first
LETTERS = tuple(LOSSES.values())

Row = dict[str, Any]


@dataclass(frozen=True)
class TrainedRun:
    """A run that has finished at least one epoch."""

    name: str  # its path within the folder of runs
    run: Run
    cell: Cell
    rows: list[Row]  # measures on the whole test split: of the untrained model and at the end of every epoch
    best: Best

    @property
    def config(self) -> dict[str, Any]:
        """The config, with defaults for fields that an older version did not have."""
        return _read_config(self.run)

    @property
    def score(self) -> float:
        """The best validation accuracy, or test accuracy without one: it decides among epochs and among runs."""
        row = self.best.row
        return float((row.get("validation_accuracy") or row["accuracy"])[self.best.classifier])

    @property
    def accuracy(self) -> dict[str, float]:
        """Percent on the test split at the best epoch, by classifier."""
        accuracy = self.best.row["accuracy"]
        return {name: 100 * value for name, value in accuracy.items() if value is not None and np.isfinite(value)}

    @property
    def hyperparameters(self) -> dict[str, float | None]:
        """`lr`, `d` and `r` of its training; None for one that its loss or head does not have."""
        config = self.config
        defaults = loss_defaults().get(config.get("loss") or "", {})
        r = config.get("r") if config.get("r") is not None else defaults.get("r")
        return {"lr": config["lr"], "d": config["dim"] if config["head"] == "targets" else None, "r": r}

    @property
    def epoch_rows(self) -> list[Row]:
        """The rows of finished epochs."""
        return [row for row in self.rows if row["epoch"] > 0]

    @property
    def epochs(self) -> float:
        return float(self.rows[-1]["epoch"])

    def curve(self, measure: str) -> tuple[list[float], list[float]]:
        """Epochs and values of a measure over the finished epochs, without missing and infinite values."""
        pairs = [(row["epoch"], row.get(measure)) for row in self.epoch_rows]
        finite = [(epoch, value) for epoch, value in pairs if value is not None and np.isfinite(value)]
        return [epoch for epoch, _ in finite], [value for _, value in finite]

    @cached_property
    def points(self) -> Points | None:
        """The recorded images; None if their file is missing or damaged."""
        try:
            return self.run.points
        except InputError:
            return None

    @property
    def last_snapshot(self) -> Snapshot | None:
        """The newest snapshot, if one can be read."""
        return self._snapshot(-1) if self.points else None

    @cached_property
    def rho_to_first_centre(self) -> list[float]:
        """Per finished epoch rho to the global centre of the first one (Fig. 17), NaN where its snapshot is missing.

        Measured on the class centres of training images, which every snapshot has.
        """
        files = {int(path.stem): path for path in self.run.snapshots} if self.points else {}
        distances, origin = [], None
        for row in self.epoch_rows:
            snapshot = self._snapshot(files[row["snapshot"]]) if row["snapshot"] in files else None
            if snapshot is None:
                distances.append(float("nan"))
                continue
            centres = snapshot.reference_centres  # (C, D)
            origin = global_centre(centres) if origin is None else origin
            distances.append(centre_distance(centres, origin))
        return distances

    def _snapshot(self, i: int | Path) -> Snapshot | None:
        try:
            return self.run.snapshot(i)
        except (InputError, IndexError):  # damaged, or gone since it was listed
            return None

    @property
    def differences(self) -> list[str]:
        """How its training differs from the paper's experiment, in words; empty if the paper has no such experiment."""
        paper, config, sentences = self.cell.hyperparameters, self.config, list[str]()
        if not paper:
            return []
        if config["weights"] not in ("auto", "imagenet"):
            sentences.append(f"weights {Path(config['weights']).name} instead of ImageNet's")
        if self.epochs < EPOCHS:
            sentences.append(f"{self.epochs:.3g} epoch{'s' * (self.epochs != 1)} instead of up to {EPOCHS}")
        if config.get("train_images"):
            sentences.append(f"{config['train_images']:,} training images")
        if config.get("validation") != "test":
            sentences.append(f"best epoch chosen on {config['validation']:g} of the training images")
        for name, ours in self.hyperparameters.items():
            theirs = paper[name]
            if ours is not None and theirs is not None and not np.isclose(ours, theirs, rtol=1e-3):
                sentences.append(
                    f"{'D' if name == 'd' else name} {format_number(ours)} instead of {format_number(theirs)}"
                )
        return sentences


@dataclass(frozen=True)
class ChosenRuns:
    """All runs, and the one that stands for each experiment."""

    usable: list[TrainedRun]
    passed_over: dict[str, str]  # runs that cannot be used, by name, and why

    @cached_property
    def by_cell(self) -> dict[Cell, TrainedRun]:
        """The run of each cell with the best validation accuracy, in the paper's order."""
        best: dict[Cell, TrainedRun] = {}
        for run in sorted(self.usable, key=lambda run: run.name):
            if run.cell not in best or run.score > best[run.cell].score:
                best[run.cell] = run
        return {cell: best[cell] for cell in sorted(best, key=_sort_key)}

    def rivals(self, cell: Cell) -> list[TrainedRun]:
        """The other runs of a cell, beside the one that stands for it."""
        return [run for run in self.usable if run.cell == cell and run is not self.by_cell[cell]]

    @property
    def datasets(self) -> list[str]:
        """The paper's five, then those of other runs."""
        others = sorted({cell.dataset for cell in self.by_cell} - set(ORDER))
        return [*ORDER, *others]

    def models(self, dataset: str) -> list[Cell]:
        """The paper's models of a data set, then those of other runs."""
        paper = [Cell(dataset, network, loss) for loss in LETTERS for network in NETWORKS] if dataset in ORDER else []
        return [*paper, *(cell for cell in self.by_cell if cell.dataset == dataset and cell not in paper)]

    def of(self, dataset: str) -> list[TrainedRun]:
        """The chosen runs of a data set."""
        return [run for cell, run in self.by_cell.items() if cell.dataset == dataset]

    @property
    def plane(self) -> TrainedRun | None:
        """The best run in two dimensions."""
        flat = [run for run in self.usable if run.hyperparameters["d"] == 2 and run.last_snapshot]
        return max(flat, key=lambda run: (run.cell.loss == "E", run.score), default=None)


def choose_runs(folders: Mapping[str, Path]) -> ChosenRuns:
    """The runs in some folders and in the folders within them; a folder's key is the prefix of its runs' names.

    Raises InputError if there is no such folder.
    """
    runs, passed_over = [], dict[str, str]()
    for prefix, folder in folders.items():
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}; name one with runs in it, as --runs of mtm train")
        for path in _run_folders(folder, MAX_DEPTH):
            name = prefix + show_name(path.relative_to(folder).as_posix() if path != folder else path.name)
            try:
                runs.append(_read_run(name, path))
            except Exception as error:  # one bad run is one line
                passed_over[name] = why_unreadable(path, error)
    return ChosenRuns(runs, passed_over)


def fingerprint(folders: Mapping[str, Path]) -> Hashable:
    """Files and times of the runs in some folders: another value once a run is added, removed or grown."""
    run_folders = [path for folder in folders.values() for path in _run_folders(folder, MAX_DEPTH)]
    files = [path / name for path in run_folders for name in ("config.json", "metrics.jsonl")]
    return tuple((file, stamp_of(file)) for file in files)


def format_number(value: float) -> str:
    """A hyperparameter as one writes it: 1,351, 0.95, 4.454e-04."""
    if float(value).is_integer() and abs(value) >= 1:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 0.01 else f"{value:.3e}"


def _run_folders(folder: Path, depth: int) -> Iterable[Path]:
    if looks_like_run(folder):
        yield folder
    elif depth:
        with contextlib.suppress(OSError):  # it may not be read, or is gone
            for path in sorted(folder.iterdir()):
                if os.path.isdir(path) and not path.name.startswith("."):
                    yield from _run_folders(path, depth - 1)


def _read_run(name: str, folder: Path) -> TrainedRun:
    """A run. Raises InputError for one without a finished epoch or a config, or with a loss that is not the paper's."""
    run = open_run(folder)
    config = _read_config(run)
    rows = [row for row in run.metrics if row["split"] == "test"]
    best = best_of(rows)
    if best is None or rows[-1]["epoch"] <= 0:
        raise InputError("no epoch has been finished yet")
    return TrainedRun(name, run, _cell_of(config), rows, best)


def _read_config(run: Run) -> dict[str, Any]:
    """Raises InputError for a run without a config, or with one that cannot be used."""
    if not isinstance(run.info.get("config"), dict):
        raise InputError("recorded by another program: its data set, network and loss are not known")
    if run.config is None:
        raise InputError(printable("; ".join(run.problems)))
    return run.config.model_dump()


def _cell_of(config: dict[str, Any]) -> Cell:
    """Raises InputError for a run whose loss is not the paper's."""
    dataset, loss = str(config["dataset"]), "pure" if config["head"] == "linear" else str(config["loss"])
    if loss not in LOSS_NAMES:
        raise InputError(f"its loss, {loss}, is not one of the paper's")
    stem = Path(dataset).stem
    return Cell(
        printable(
            DATASETS.get(dataset, dataset if stem in ORDER else stem)
        ),  # a folder called MNIST is not the paper's
        printable(BACKBONES.get(config["backbone"], config["backbone"])),
        LOSS_NAMES[loss],
    )


def _sort_key(cell: Cell) -> tuple[Any, ...]:
    """The paper's order: data set, loss, network; names that it does not have come last."""

    def index_in(names: Sequence[str], name: str) -> tuple[int, str]:
        return (names.index(name), "") if name in names else (len(names), name)

    return index_in(ORDER, cell.dataset), index_in(LETTERS, cell.loss), index_in(NETWORKS, cell.network)
