"""Which runs there are, and which of them stands for which of the paper's experiments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mtm.config import loss_defaults
from mtm.errors import InputError
from mtm.geometry import centre_distance, global_centre
from mtm.paper.tables import BACKBONES, DATASETS, EPOCHS, LOSSES, load
from mtm.run_folder.snapshots import Points, Snapshot
from mtm.run_folder.summary import Best, best_of
from mtm.runs import Run

DEPTH = 3  # folders within folders in which runs are looked for: searches keep theirs in one of their own
ORDER = ("MNIST", "F-MNIST", "K-MNIST", "CIFAR10", "CIFAR100")  # as the tables have it
NETWORKS = tuple(BACKBONES.values())  # the smallest first
LETTERS = tuple(LOSSES.values())
COMPARISON = "Comparison"  # the loss that the paper defines and does not test

Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class Cell:
    """One experiment, by the paper's names where it has them: F-MNIST, RN18, E."""

    dataset: str
    network: str
    loss: str

    @property
    def model(self) -> str:
        return f"{self.network}-{self.loss}"

    @property
    def name(self) -> str:
        return f"{self.dataset}/{self.model}"

    @property
    def accuracy(self) -> dict[str, float | None]:
        """The paper's, in percent by classifier (Tables 6-7); empty for what it has not tested."""
        return dict(load()["accuracy"].get(self.dataset, {}).get(self.model, {}))

    @property
    def hyperparameters(self) -> dict[str, float | None]:
        """The paper's `lr`, `d` and `r` (Tables 8-9); empty for what it has not tested."""
        return dict(load()["hyperparameters"].get(self.dataset, {}).get(self.model, {}))


@dataclass(frozen=True)
class Trained:
    """A run that has finished at least one epoch."""

    name: str  # its place in the folder of runs
    run: Run
    cell: Cell
    rows: list[Row]  # what was measured on the whole test split: of the untrained model and at the end of every epoch
    best: Best

    @property
    def config(self) -> dict[str, Any]:
        """With the defaults of what an older version did not know."""
        return _config(self.run)

    @property
    def score(self) -> float:
        """What chose the best epoch and chooses among runs: the best validation accuracy, or test in its place."""
        row = self.best.row
        return float((row.get("validation_accuracy") or row["accuracy"])[self.best.classifier])

    @property
    def accuracy(self) -> dict[str, float]:
        """Percent on the test split at the best epoch, by classifier."""
        found = self.best.row["accuracy"]
        return {name: 100 * value for name, value in found.items() if value is not None and np.isfinite(value)}

    @property
    def hyperparameters(self) -> dict[str, float | None]:
        """`lr`, `d` and `r` as it was trained with; None for what it has not."""
        config = self.config
        defaults = loss_defaults().get(config.get("loss") or "", {})
        r = config.get("r") if config.get("r") is not None else defaults.get("r")
        return {"lr": config["lr"], "d": config["dim"] if config["head"] == "targets" else None, "r": r}

    @property
    def trained(self) -> list[Row]:
        """The rows of finished epochs."""
        return [row for row in self.rows if row["epoch"] > 0]

    @property
    def epochs(self) -> float:
        return float(self.rows[-1]["epoch"])

    def curve(self, measure: str) -> tuple[list[float], list[float]]:
        """Epochs and values of a measure over the finished epochs, without those that are not known."""
        found = [(row["epoch"], row.get(measure)) for row in self.trained]
        known = [(epoch, value) for epoch, value in found if value is not None and np.isfinite(value)]
        return [epoch for epoch, _ in known], [value for _, value in known]

    @cached_property
    def points(self) -> Points | None:
        """The recorded images; None where their file is gone or damaged."""
        try:
            return self.run.points
        except InputError:
            return None

    @property
    def last(self) -> Snapshot | None:
        """The newest snapshot, if one can be read."""
        return self.run.snapshot(-1) if self.points and self.run.snapshots else None

    @cached_property
    def first_rho(self) -> list[float]:
        """Per finished epoch rho to the global centre of the first one (Fig. 17), NaN where its snapshot is gone.

        Of the class centres of training images, which every snapshot has.
        """
        numbers = {int(path.stem): i for i, path in enumerate(self.run.snapshots)} if self.points else {}
        found, origin = [], None
        for row in self.trained:
            if row["snapshot"] not in numbers:
                found.append(float("nan"))
                continue
            centres = self.run.snapshot(numbers[row["snapshot"]]).reference_centres  # (C, D)
            origin = global_centre(centres) if origin is None else origin
            found.append(centre_distance(centres, origin))
        return found

    @property
    def differences(self) -> list[str]:
        """How its training differs from the paper's experiment, in words; empty if the paper has no such experiment."""
        paper, config, said = self.cell.hyperparameters, self.config, list[str]()
        if not paper:
            return []
        if config["weights"] not in ("auto", "imagenet"):
            said.append(f"weights {Path(config['weights']).name} instead of ImageNet's")
        if self.epochs < EPOCHS:
            said.append(f"{self.epochs:.3g} epoch{'s' * (self.epochs != 1)} instead of up to {EPOCHS}")
        if config.get("train_images"):
            said.append(f"{config['train_images']:,} training images")
        if config.get("validation") != "test":
            said.append(f"best epoch chosen on {config['validation']:g} of the training images")
        for name, ours in self.hyperparameters.items():
            theirs = paper[name]
            if ours is not None and theirs is not None and not np.isclose(ours, theirs, rtol=1e-3):
                said.append(f"{'D' if name == 'd' else name} {number(ours)} instead of {number(theirs)}")
        return said


@dataclass(frozen=True)
class ChosenRuns:
    """All runs, and per experiment the one that stands for it."""

    runs: list[Trained]
    passed_over: dict[str, str]  # runs that cannot be used, and why

    @cached_property
    def chosen(self) -> dict[Cell, Trained]:
        """The run of each cell with the best validation accuracy, in the paper's order."""
        best: dict[Cell, Trained] = {}
        for run in sorted(self.runs, key=lambda run: run.name):
            if run.cell not in best or run.score > best[run.cell].score:
                best[run.cell] = run
        return {cell: best[cell] for cell in sorted(best, key=_place)}

    def rivals(self, cell: Cell) -> list[Trained]:
        """The runs of a cell that another one stands for."""
        return [run for run in self.runs if run.cell == cell and run is not self.chosen[cell]]

    @property
    def datasets(self) -> list[str]:
        """The paper's five, then those of other runs."""
        others = sorted({cell.dataset for cell in self.chosen} - set(ORDER))
        return [*ORDER, *others]

    def models(self, dataset: str) -> list[Cell]:
        """The paper's models of a data set, then those of other runs."""
        paper = [Cell(dataset, network, loss) for loss in LETTERS for network in NETWORKS] if dataset in ORDER else []
        return [*paper, *(cell for cell in self.chosen if cell.dataset == dataset and cell not in paper)]

    def of(self, dataset: str) -> list[Trained]:
        """The chosen runs of a data set."""
        return [run for cell, run in self.chosen.items() if cell.dataset == dataset]

    @property
    def plane(self) -> Trained | None:
        """The best run in two dimensions."""
        flat = [run for run in self.runs if run.hyperparameters["d"] == 2 and run.last]
        return max(flat, key=lambda run: (run.cell.loss == "E", run.score), default=None)


def choose_runs(folders: Mapping[str, Path]) -> ChosenRuns:
    """The runs in some folders and in the folders within them; a folder's key comes before the names of its runs.

    Raises InputError if there is no such folder.
    """
    runs, passed_over = [], dict[str, str]()
    for before, folder in folders.items():
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}; name one with runs in it, as --runs of mtm train")
        for path in _run_folders(folder, DEPTH):
            name = before + (path.relative_to(folder).as_posix() if path != folder else path.name)
            try:
                runs.append(_read(name, path))
            except InputError as error:
                passed_over[name] = str(error)
    return ChosenRuns(runs, passed_over)


def stamp(folders: Mapping[str, Path]) -> object:
    """Something that differs when one of the runs in some folders has come, gone or grown."""
    found = [path for folder in folders.values() for path in _run_folders(folder, DEPTH)]
    files = [path / name for path in found for name in ("config.json", "metrics.jsonl")]
    return [(file, file.stat().st_mtime_ns) for file in files if file.is_file()]


def number(value: float) -> str:
    """A hyperparameter as one writes it: 1,351, 0.95, 4.454e-04."""
    if float(value).is_integer() and abs(value) >= 1:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 0.01 else f"{value:.3e}"


def _run_folders(folder: Path, depth: int) -> Iterable[Path]:
    if (folder / "config.json").is_file() or (folder / "snapshots").is_dir():
        yield folder
    elif depth:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.name.startswith("."):
                yield from _run_folders(path, depth - 1)


def _read(name: str, folder: Path) -> Trained:
    """A run. Raises InputError for one that says nothing about an experiment."""
    run = Run.open(folder)
    config = _config(run)
    rows = [row for row in run.metrics if row["split"] == "test"]
    best = best_of(rows)
    if best is None or rows[-1]["epoch"] <= 0:
        raise InputError("no epoch has been finished yet")
    return Trained(name, run, _cell(config), rows, best)


def _config(run: Run) -> dict[str, Any]:
    """Raises InputError for a run without a config, or with one that cannot be used."""
    if not isinstance(run.info.get("config"), dict):
        raise InputError("recorded by another program: its data set, network and loss are not known")
    if run.config is None:
        raise InputError("; ".join(run.problems))
    return run.config.model_dump()


def _cell(config: dict[str, Any]) -> Cell:
    dataset, loss = str(config["dataset"]), "pure" if config["head"] == "linear" else str(config["loss"])
    own = COMPARISON if loss == "comparison" else loss.rpartition(":")[2]
    stem = Path(dataset).stem
    return Cell(
        DATASETS.get(dataset, dataset if stem in ORDER else stem),  # a folder called MNIST is not the paper's
        BACKBONES.get(config["backbone"], config["backbone"]),
        LOSSES.get(loss, own),
    )


def _place(cell: Cell) -> tuple[Any, ...]:
    """The paper's order: data set, loss, network; what it has not comes last."""

    def at(names: Sequence[str], name: str) -> tuple[int, str]:
        return (names.index(name), "") if name in names else (len(names), name)

    return at(ORDER, cell.dataset), at(LETTERS, cell.loss), at(NETWORKS, cell.network)
