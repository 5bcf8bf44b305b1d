"""Presets of the form: quick ones of ours, and the paper's best ones for every data set, network and loss.

The paper's are Tables 8 and 9 (hyperparameters of the best models found; `mtm.paper.tables` has them and their
source), with its at most 30 epochs, ImageNet weights and Ray's plateau stopper.
"""

from __future__ import annotations

from typing import Any

from mtm.errors import choose_from
from mtm.paper.tables import BACKBONES, DATASETS, LOSSES, Experiment

QUICK: dict[str, tuple[str, str, dict[str, Any]]] = {
    "digits": (
        "Quick digits",
        "1,797 handwritten digits and a small network: some seconds on any machine, dense at the start",
        {"epochs": 20, "first_epoch_snapshots": 4},
    ),
    "plane": (
        "Digits in a plane",
        "The digits in D = 2: no projection between you and the space",
        {"epochs": 30, "dim": 2, "first_epoch_snapshots": 4},
    ),
    "fashion": (
        "Fashion-MNIST, small",
        "10,000 images of clothes and the small network: some minutes on a laptop",
        {"dataset": "fashion-mnist", "train_images": 10_000, "epochs": 10, "snapshots_per_epoch": 2},
    ),
}
# data set -> network -> losses, by mtm's names
PAPER = {dataset: {backbone: list(LOSSES) for backbone in BACKBONES} for dataset in DATASETS}


def quick_preset(name: str) -> dict[str, Any]:
    """The values of a quick preset. Raises InputError for an unknown one."""
    if name not in QUICK:
        raise choose_from("preset", name, QUICK)
    return QUICK[name][2]


def paper_preset(dataset: str, backbone: str, loss: str) -> dict[str, Any]:
    """The values of a row of Tables 8-9; `loss` is one of mtm's, or `pure`. Raises InputError for an unknown row."""
    experiment = Experiment(dataset, backbone, loss)
    return experiment.setup() | experiment.hyperparameters()
