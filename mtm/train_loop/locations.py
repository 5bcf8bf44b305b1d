"""Where a new run goes, and where it finds the user's own files later; without torch, so for the explorer as well."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

from mtm.config import WEIGHTS, TrainConfig
from mtm.data import DATASETS
from mtm.errors import InputError
from mtm.run_folder.names import make_name


def check_folder(runs: Path) -> None:
    """Raises InputError where no run can be made in the folder `runs`, which need not be there yet."""
    try:
        there = next(folder for folder in (runs, *runs.absolute().parents) if folder.exists())
    except OSError as error:
        raise InputError(f"--runs: no folder can have that name: {error.strerror}") from error
    if not there.is_dir():
        raise InputError(f"{there} is not a folder; --runs names the folder of the runs")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{there} cannot be written; --runs names another folder for the runs")


def make_free_folder(runs: Path, config: TrainConfig) -> Path:
    """Make the empty folder of a run without a name: data set, backbone, loss and the first free number.

    Making it takes the number, so trainings that start together get one each. Raises InputError if it cannot be made.
    """
    loss = (config.loss or "pure").replace(":", ".")
    stem = make_name(f"{Path(config.dataset).stem}-{config.backbone}-{loss}")
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            with contextlib.suppress(FileExistsError):
                (runs / f"{stem}-{number}").mkdir()
                break
    except OSError as error:
        raise InputError(f"cannot make a run folder in {runs}: {error.strerror}") from error
    return runs / f"{stem}-{number}"


def with_absolute_paths(config: TrainConfig) -> TrainConfig:
    """`config` with the user's own files by absolute path, so that a resume in another folder finds them."""
    paths = {} if config.dataset in DATASETS else {"dataset": str(Path(config.dataset).absolute())}
    if config.weights not in WEIGHTS:
        paths["weights"] = str(Path(config.weights).absolute())
    return config.model_copy(update=paths)
