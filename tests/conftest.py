"""Shared by the tests: a small finished run, and the command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtm.config import TrainConfig
from mtm.recording import record_training
from mtm.runs import Run

Command = Callable[..., subprocess.CompletedProcess[str]]


def small(**changes: object) -> TrainConfig:
    """A config that trains in a second: 300 of the digits, two epochs, 60 images recorded."""
    values = {"epochs": 2, "train_images": 300, "record": 60, "dim": 8, "batch_size": 50, "device": "cpu"}
    return TrainConfig(**{**values, **changes})


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the digits, trained for real; tests that change it work on a copy."""
    run = Run.create(tmp_path_factory.mktemp("runs") / "finished", small())
    assert record_training(run) == "finished"
    return run.folder


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `mtm ...` as a process in `tmp_path`."""

    def popen(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "mtm", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return popen


@pytest.fixture
def mtm(start: Callable[..., subprocess.Popen[str]]) -> Command:
    """Run `mtm ...` to its end."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
