"""Claim: a trial of a search costs at most 10 % more under Ray than the same training alone.

The same training, one core, at least 60 s: as a trial of a search, from the moment Ray may go on after the trial before
until this one's end is written (choosing it, starting it, every report, ending it), and alone through
`record_training` in a process that has its libraries and data loaded. In turn; the first trial, whose worker has both
still to load, is not counted.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # as Ray gives a trial of one core
os.environ.update(RAY_worker_niceness="0")  # Ray's workers step back for other programs; here nobody shall

from common import Claim, parser, ratios, report, side_row

from mtm.config import TrainConfig
from mtm.runs import Run
from mtm.train_loop.recorder import prepare_training, record_training
from mtm.tuning.record import Search, Trial, new_search
from mtm.tuning.search import Resources, run_search

SECONDS = 60.0  # of a training, at least


def alone(folder: Path, config: TrainConfig) -> float:
    """Seconds of one training whose data and libraries are loaded."""
    dataset = prepare_training(config)
    began = time.perf_counter()
    record_training(Run.create(folder, config), dataset)
    return time.perf_counter() - began


def in_turn(folder: Path, config: TrainConfig, repetitions: int) -> tuple[list[float], list[float]]:
    """Seconds of trials 2, 3, ... and of the trainings alone between them."""
    search = new_search(folder, config, repetitions + 1, ranges=("lr=1e-4:1e-2",), keep=repetitions + 1)
    search.trials = [Trial(n, f"trial-{n}", {"lr": config.lr}) for n in range(1, repetitions + 2)]
    trials: list[float] = []
    others: list[float] = []
    began = 0.0

    def watch(search: Search) -> None:
        """When a trial ends Ray waits for this, so nothing else is at work while the other side is timed."""
        nonlocal began
        if sum(trial.is_done for trial in search.trials) > len(others):
            trials.append(time.perf_counter() - began)
            others.append(alone(folder / f"alone-{len(others)}", config))
            began = time.perf_counter()

    run_search(search, Resources(cpus=1, at_once=1), watch)
    assert all(len(trial.accuracies) == config.epochs for trial in search.trials), "ASHA stopped one of equals"
    return trials[1:], others[:-1]


def main() -> None:
    options: argparse.Namespace = parser(__doc__, 3).parse_args()
    fixed = {"backbone": "resnet18", "weights": "none", "resize": 36, "crop": 36, "dim": 64, "batch_size": 64}
    fixed |= {"device": "cpu", "validation": 0.1, "plateau_epochs": 0, "lr": 1e-3}
    with tempfile.TemporaryDirectory() as folder:
        tried = alone(Path(folder) / "tried", TrainConfig(epochs=2, **fixed)) / 2
        epochs = 2 if options.quick else int(1.2 * SECONDS / tried) + 1
        trials, others = in_turn(Path(folder), TrainConfig(epochs=epochs, **fixed), options.repetitions)
    sides = [side_row("trial under Ray", trials, "s"), side_row("training alone", others, "s")]
    claim = Claim("a trial under Ray over the training alone", ratios(trials, others), at_most=1.1)
    report("A trial under Ray", sides, [claim], options, f"Digits at 36x36, ResNet-18, {epochs} epochs.")


if __name__ == "__main__":
    main()
