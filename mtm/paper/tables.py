"""The paper's own numbers (Tables 2, 5-9) and the names it gives its 75 experiments; the one owner of both.

Bonderup et al., *A Geometric Approach to Image Classification using Neural Networks with Class Embeddings*. They lie in
`tables.json` as printed; here data sets, networks and losses have mtm's names, `pure` being the linear head.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mtm.errors import choose_from

DATASETS = {"mnist": "MNIST", "fashion-mnist": "F-MNIST", "kmnist": "K-MNIST", "cifar10": "CIFAR10",
            "cifar100": "CIFAR100"}  # fmt: skip
BACKBONES = {"resnet18": "RN18", "resnet50": "RN50", "resnet101": "RN101"}
LOSSES = {"euclidean": "E", "cosine": "C", "class_proximity": "CP", "push_pull": "PP", "pure": "P"}  # Table 3
COMPARISON = "Comparison"  # the loss that the paper defines and does not test
LOSS_NAMES = LOSSES | {"comparison": COMPARISON}
ROW_OF = {"comparison": "euclidean"}  # whose hyperparameters in Tables 8-9 stand for those of a loss without any
EPOCHS = 30
PLATEAU_EPOCHS = 4  # what Ray's plateau stopper looks at


@dataclass(frozen=True, order=True)
class Cell:
    """What can be run, by the paper's names where it has them: F-MNIST, RN18, E."""

    dataset: str
    network: str
    loss: str

    @property
    def model(self) -> str:
        """The paper's name of the model: RN18-CP."""
        return f"{self.network}-{self.loss}"

    @property
    def name(self) -> str:
        """Data set and model: F-MNIST/RN18-CP."""
        return f"{self.dataset}/{self.model}"

    @property
    def accuracy(self) -> dict[str, float | None]:
        """The paper's percent on the test split at the best epoch, by classifier (Tables 6-7).

        None where the model has no such classifier; empty for what is none of the paper's experiments.
        """
        return dict(load_tables()["accuracy"].get(self.dataset, {}).get(self.model, {}))

    @property
    def hyperparameters(self) -> dict[str, float | None]:
        """The paper's `lr`, `d` and `r` of the best model found (Tables 8-9); empty for none of its experiments."""
        return dict(load_tables()["hyperparameters"].get(self.dataset, {}).get(self.model, {}))


@dataclass(frozen=True)
class Experiment:
    """One of the paper's experiments, by mtm's names. Raises InputError for a data set, network or loss it has not."""

    dataset: str
    backbone: str
    loss: str  # one of LOSSES

    def __post_init__(self) -> None:
        for kind, name, known in (("data set", self.dataset, DATASETS), ("network", self.backbone, BACKBONES),
                                  ("loss", self.loss, LOSSES)):  # fmt: skip
            if name not in known:
                raise choose_from(f"{kind} of the paper", name, known)

    @property
    def cell(self) -> Cell:
        """The experiment by the paper's names."""
        return Cell(DATASETS[self.dataset], BACKBONES[self.backbone], LOSSES[self.loss])

    def hyperparameters(self) -> dict[str, float | int]:
        """`lr` of the best model found, `dim` with moving targets, and `r` where the loss has it (Tables 8-9)."""
        row = self.cell.hyperparameters
        named = {"lr": row["lr"], "dim": row["d"], "r": row["r"]}
        return {name: value for name, value in named.items() if value is not None}

    def setup(self) -> dict[str, Any]:
        """The config of the experiment without the hyperparameters that its search varies."""
        head = {"head": "linear"} if self.loss == "pure" else {"loss": self.loss}
        fixed = {"dataset": self.dataset, "backbone": self.backbone, "weights": "imagenet", "epochs": EPOCHS}
        return {**fixed, "plateau_epochs": PLATEAU_EPOCHS, **head}


@cache
def load_tables() -> dict[str, Any]:
    """`tables.json`, which says its source, units and naming; not to be changed."""
    tables: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return tables


def list_experiments() -> list[Experiment]:
    """All 75, in the paper's order: data set by data set, loss by loss, the smallest network first."""
    return [Experiment(d, b, x) for d, x, b in itertools.product(DATASETS, LOSSES, BACKBONES)]
