"""What runs in a worker: one trial, an ordinary training into its run folder, reporting to Ray epoch by epoch.

Everything it needs is in the search's record and in the run folder, on a path that all machines see. What was measured
before a search was cut is reported again, without training: that is how a resumed search gets its state back.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ray import tune

from mtm.config import TrainConfig
from mtm.data import Dataset, load
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run
from mtm.train_loop.recorder import explain_failure, record_training, start_run
from mtm.tuning.record import Search, has_plateaued, open_search
from mtm.tuning.space import trial_config

METRIC = "best_accuracy"  # what the search maximises: the best classifier's at the best epoch so far
WAIT_SECONDS = 60.0  # for the process of a search that was killed to let go of a run
# Ray waits so long for a trial that it ends: the training writes a checkpoint first
os.environ["TUNE_FUNCTION_THREAD_TIMEOUT_S"] = "3600"


def run_trial(params: dict[str, Any], runs: str, search_name: str, modules: Sequence[str]) -> None:
    """Train the trial of these hyperparameters, resume it, or report again what it measured when it is done.

    `modules` are the tuner's folders of modules, where a loss of the user's own is.
    """
    sys.path.extend(folder for folder in modules if folder not in sys.path)
    search = open_search(Path(runs), search_name)
    trial = search.of_run(tune.get_context().get_trial_name())
    reporter = _Reporter()
    if trial.is_done:
        reporter.repeat(trial.accuracies[:-1])
        reporter.report(trial.accuracies, failed=trial.reason if trial.state == "failed" else None)
    else:
        config = trial_config(search.config, params)
        try:
            state = _train(search, search.runs / trial.run, config, reporter)
            ending = {"stopped": "stopped by the user" if state == "stopped" else None}
        except Exception as error:  # memory, NaN, a loss of the user's own: the search goes on without it
            ending = {"failed": explain_failure(error, config)}
        reporter.report(reporter.accuracies, **ending)
    reporter.leave()


def _train(search: Search, folder: Path, config: TrainConfig, reporter: _Reporter) -> str:
    """Train into the run folder, reporting every epoch but the last, which is reported once the run is finished."""
    dataset = _dataset(search.runs, search.name)
    run = Run.open(folder) if (folder / "config.json").exists() else start_run(folder, config, dataset)
    waited_until = time.monotonic() + WAIT_SECONDS
    while run.status.state == "training" and time.monotonic() < waited_until:
        time.sleep(0.2)

    def report(snapshot: Snapshot) -> None:
        accuracies = accuracies_of(run.metrics)
        if snapshot.epoch == len(accuracies) and not (
            len(accuracies) == config.epochs or has_plateaued(accuracies, config)
        ):
            reporter.report(accuracies)
            if reporter.exit:
                run.request_stop()  # ASHA ends the trial: the training stops at its next step

    reporter.repeat(accuracies_of(run.metrics))
    reporter.leave()
    state = record_training(run, dataset, on_snapshot=report)
    reporter.accuracies = accuracies_of(run.metrics)
    return state


class _Reporter:
    """Reports to Ray. When Ray ends a trial its `report` raises SystemExit, and a second call never returns: the exit
    is kept until the training has written its run."""

    def __init__(self) -> None:
        self.accuracies: list[float] = []
        self.exit: SystemExit | None = None

    def report(self, accuracies: Sequence[float], **how_it_ended: str | None) -> None:
        self.leave()
        self.accuracies = list(accuracies)
        best = max(accuracies, default=0.0)
        row = {"epoch": len(accuracies), "accuracy": accuracies[-1] if accuracies else 0.0, METRIC: best}
        try:
            tune.report(row | {"accuracies": self.accuracies} | how_it_ended)
        except SystemExit as error:
            self.exit = error

    def repeat(self, accuracies: Sequence[float]) -> None:
        """Report epochs that were trained before."""
        for epoch in range(1, len(accuracies) + 1):
            self.report(accuracies[:epoch])

    def leave(self) -> None:
        """End the trial if Ray wants that."""
        if self.exit:
            raise self.exit


def accuracies_of(rows: Sequence[dict[str, Any]]) -> list[float]:
    """By epoch, the best classifier's accuracy on the validation split, or the test split where it takes its place."""
    ends = [row for row in rows if row["epoch"] > 0 and row["epoch"] == int(row["epoch"]) and row["split"] == "test"]
    return [max((row.get("validation_accuracy") or row["accuracy"]).values()) for row in ends]


@lru_cache(maxsize=1)
def _dataset(runs: Path, search_name: str) -> Dataset:
    """The data of a search, loaded once a worker."""
    return load(open_search(runs, search_name).config)
