"""The paper's grid of experiments (section IV): data set x network x loss, each a search or one training.

The names are the paper's where it has them: F-MNIST/RN18-CP.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.paper import tables as paper
from mtm.paper.glance import estimate_sizes
from mtm.run_folder.names import make_name
from mtm.runs import Run
from mtm.train_loop.cost import Sizes, estimate_cost
from mtm.train_loop.rough_speed import estimate_speed
from mtm.tuning.record import FOLDER, HELD_OUT, PLATEAU_EPOCHS, open_search

SIZES = {  # after the transform of Table 2
    **dict.fromkeys(("mnist", "fashion-mnist", "kmnist"), Sizes(60_000, 10_000, 10, 36, 36, 1)),
    "digits": Sizes(1438, 359, 10, 16, 16, 1),
    "cifar10": Sizes(50_000, 10_000, 10, 36, 36, 3),
    "cifar100": Sizes(50_000, 10_000, 100, 36, 36, 3),
}
MIDDLE_DIM = 1024  # what a search is estimated with


@dataclass(frozen=True)
class PlannedExperiment:
    """One experiment of the grid and its config, without what a search varies."""

    dataset: str
    backbone: str
    loss: str  # one of mtm's, or pure
    config: TrainConfig
    once: bool = False  # one training with the row of Tables 8-9

    @property
    def name(self) -> str:
        """As the paper calls it, with our names for what it has not: F-MNIST/RN18-CP, digits/convnet-E."""
        dataset = paper.DATASETS.get(self.dataset, self.dataset)
        backbone = paper.BACKBONES.get(self.backbone, self.backbone)
        return paper.Cell(dataset, backbone, paper.LOSSES.get(self.loss, self.loss)).name

    @property
    def folder(self) -> str:
        """The name of its run, or of its search."""
        return make_name(self.name)

    def state(self, runs: Path) -> str:
        """A run's or search's: finished, stopped, interrupted, training or failed; `to do` before it is begun."""
        if self.once:
            return Run.open(runs / self.folder).status.state if (runs / self.folder).exists() else "to do"
        if not (runs / FOLDER / self.folder).exists():
            return "to do"
        return open_search(runs, self.folder).status.state


def select_experiments(
    config: TrainConfig, patterns: list[str], once: bool, loss: str | None
) -> list[PlannedExperiment]:
    """The experiments whose name, or model's name, fits one of the patterns; all without patterns.

    Fields that `config` sets take the place of the paper's, and so does `loss`. Raises InputError when nothing fits, or
    Tables 8-9 have no row for it.
    """
    overrides = {name: getattr(config, name) for name in config.model_fields_set if name != "loss"}
    datasets = [overrides["dataset"]] if "dataset" in overrides else list(paper.DATASETS)
    backbones = [overrides["backbone"]] if "backbone" in overrides else list(paper.BACKBONES)
    losses = [loss] if loss else ["pure"] if overrides.get("head") == "linear" else list(paper.LOSSES)
    grid = [_plan(d, b, x, overrides, once) for d, x, b in itertools.product(datasets, losses, backbones)]
    selection = [e for e in grid if not patterns or any(_fits(e.name, pattern) for pattern in patterns)]
    if not selection:
        raise InputError(f"no experiment fits {' '.join(patterns)}; they are named as in {grid[0].name} or RN18-*")
    return selection


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower()) or fnmatchcase(name.split("/")[1].lower(), pattern.lower())


def _plan(dataset: str, backbone: str, loss: str, overrides: dict[str, Any], once: bool) -> PlannedExperiment:
    setup: dict[str, Any] = {"dataset": dataset, "backbone": backbone, "epochs": paper.EPOCHS}
    setup |= {"plateau_epochs": paper.PLATEAU_EPOCHS} | ({"head": "linear"} if loss == "pure" else {"loss": loss})
    if once:
        setup |= paper.Experiment(dataset, backbone, paper.ROW_OF.get(loss, loss)).hyperparameters()
    return PlannedExperiment(dataset, backbone, loss, TrainConfig(**setup | overrides), once)


def estimate_experiments(planned: list[PlannedExperiment], runs: Path, trials: int, keep: int) -> list[dict[str, Any]]:
    """`name`, `state`, `seconds` and `bytes` of each, about: by the arithmetic of its network, nothing is trained.

    Of a search at most, as most of its trials are ended early. Raises InputError for data or a backbone that is not.
    """
    rows = []
    for experiment in planned:
        state, config = experiment.state(runs), experiment.config
        if not experiment.once:
            search_defaults = {"validation": HELD_OUT, "plateau_epochs": PLATEAU_EPOCHS, "batch_size": 128}
            search_defaults |= {"dim": MIDDLE_DIM} if config.head == "targets" else {}
            config = config.model_copy(
                update={k: v for k, v in search_defaults.items() if k not in config.model_fields_set}
            )
        cost = {"seconds": 0.0, "bytes": 0.0}
        if state != "finished":
            sizes = _sizes(config)
            cost = estimate_cost(config, sizes, estimate_speed(config, sizes))
        n_kept = 1 if experiment.once else min(trials, keep)
        rows.append({"name": experiment.name, "state": state,
                     "seconds": trials * cost["seconds"], "bytes": n_kept * cost["bytes"]})  # fmt: skip
    return rows


def _sizes(config: TrainConfig) -> Sizes:
    """Of known data sets without looking, of the user's own from the names of the files; nothing is loaded."""
    if config.dataset in SIZES:
        sizes = SIZES[config.dataset]
        if config.resize is None and config.crop is None:
            return sizes
        side = config.crop or config.resize or sizes.height
        return replace(sizes, height=side, width=side)
    return estimate_sizes(config)
