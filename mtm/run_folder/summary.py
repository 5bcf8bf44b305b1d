"""One line about a run: for `mtm runs`, for `--json` and for the explorer's table."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtm.errors import InputError
from mtm.run_folder.listing import run_folders
from mtm.run_folder.names import show_name
from mtm.runs import Run
from mtm.text import printable


@dataclass(frozen=True)
class Best:
    """The best snapshot of a run, and by which classifier and images it was chosen."""

    row: dict[str, Any]  # its row of metrics
    classifier: str
    by: str  # the images that chose it: validation, test or recorded

    @property
    def accuracy(self) -> float:
        """Of the classifier, on the images of the row: those of the test split, where there is a training."""
        return float(self.row["accuracy"].get(self.classifier, math.nan))


def best_of(rows: Sequence[dict[str, Any]]) -> Best | None:
    """The end of an epoch with the highest accuracy of any classifier on the validation split, or on the test images
    where they take its place: the one whose weights are in `checkpoint/best.safetensors`.

    Of all snapshots where no epoch has ended on the whole test split; None where no accuracy is known.
    """
    ends = [row for row in rows if row["split"] == "test" and row["epoch"] > 0] or rows
    scores = [
        (value, name, row)
        for row in ends
        for name, value in (row.get("validation_accuracy") or row["accuracy"]).items()
        if not math.isnan(value)
    ]
    if not scores:
        return None
    _, name, row = max(scores, key=lambda score: score[0])  # the first of equals, as the training keeps it
    return Best(row, name, "validation" if row.get("validation_accuracy") else row["split"])


def summarise(run: Run) -> dict[str, Any]:
    """State, config, progress and the accuracies of the best epoch of a run, in JSON's types."""
    problems = run.problems  # first: it looks at every file, and what is damaged since the last look is then left out
    status, config, rows = run.status, run.info.get("config") or {}, run.metrics
    best = best_of(rows)
    return {
        "run": str(run.folder),
        "name": run.name,
        "state": status.state,
        "error": status.error,
        "created": run.info.get("created"),
        "dataset": config.get("dataset"),
        "backbone": config.get("backbone"),
        "loss": (config.get("loss") or "pure") if config else None,
        "dim": config.get("dim") if config.get("head") == "targets" else None,
        "epoch": rows[-1]["epoch"] if rows else None,
        "epochs": config.get("epochs"),
        "snapshots": len(run.snapshots),
        "best_accuracy": best.row["accuracy"] if best else {},
        "best_classifier": best.classifier if best else None,
        "best_epoch": best.row["epoch"] if best else None,
        "best_by": best.by if best else None,
        "megabytes": round(run.size() / 1e6, 1),
        "problems": problems,
    }


def summarise_runs(folder: Path) -> list[dict[str, Any]]:
    """A line for every run directly inside `folder`, newest first.

    Last those that cannot be opened, such as runs of a newer format: `name`, the state `unreadable` and the `error`.
    Raises InputError if the folder itself cannot be read.
    """
    readable, others = [], []
    for path in run_folders(folder):
        try:
            readable.append(summarise(Run.open(path)))
        except Exception as error:  # one bad run is one bad line
            others.append(unreadable(path, error))
    readable.sort(key=lambda line: (line["created"] or "", line["name"]), reverse=True)
    return readable + others


def unreadable(folder: Path, error: Exception) -> dict[str, Any]:
    """The line about a run that cannot be opened, because of `error`."""
    name, sentence = show_name(folder.name), why_unreadable(folder, error)
    return {"run": str(folder), "name": name, "state": "unreadable", "error": sentence}


def why_unreadable(folder: Path, error: Exception) -> str:
    """The sentence for what reading a run raised; what nobody foresaw goes into the log with all there is to know."""
    if isinstance(error, InputError):
        return printable(str(error))
    shown = printable(str(folder))
    if isinstance(error, OSError):
        return f"{shown} cannot be read: {error.strerror or error}"
    logging.getLogger(__name__).error("%s could not be read", shown, exc_info=error)
    return f"{shown} cannot be read, for a reason that the program does not know ({type(error).__name__})"
