"""The `mtm` command as a process: what it prints, writes and returns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command, small

from mtm.cli import app
from mtm.config import TrainConfig
from mtm.runs import Run

QUICK = ("--epochs", 2, "--train-images", 300, "--record", 60, "--dim", 8, "--batch-size", 50, "--device", "cpu")


def test_train_records_a_run_and_says_how_good_it_is(mtm: Command, tmp_path: Path) -> None:
    done = mtm("train", *QUICK)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = Run.open(tmp_path / "runs" / "digits-convnet-euclidean-1")
    assert run.status.state == "finished"
    assert run.info["command"][:3] == ["train", "--epochs", "2"]
    assert run.info["versions"]["torch"]
    last = f"{100 * run.metrics[-1]['accuracy']['euc_ce']:.2f}"
    assert last in done.stdout
    assert all(word in done.stdout for word in ("untrained", "best", "last", "sigma", "rho", "images/s"[:6]))


def test_json_is_one_object_a_line_and_nothing_else(mtm: Command, tmp_path: Path) -> None:
    done = mtm("train", *QUICK, "--json", "--name", "a")
    *rows, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == [row | {} for row in json.loads(json.dumps(Run.open(tmp_path / "runs" / "a").metrics))]
    assert summary["state"] == "finished"
    listed = [json.loads(line) for line in mtm("runs", "--json").stdout.splitlines()]
    assert listed == [summary]
    shown = json.loads(mtm("show", "a", "--json").stdout)
    assert shown["metrics"] == rows
    assert TrainConfig(**shown["config"]) == small()


def test_runs_show_and_data_print_tables(mtm: Command, finished_run: Path) -> None:
    listed = mtm("runs", "--runs", finished_run.parent)
    assert "finished" in listed.stdout
    shown = mtm("show", finished_run)
    assert all(name in shown.stdout for name in ("cos %", "cos_ce %", "euc %", "euc_ce %", "sigma", "rho"))
    data = mtm("data")
    assert all(name in data.stdout for name in ("digits", "fashion-mnist", "cifar100", "train/CLASS"))
    assert "No runs" in mtm("runs").stdout


def test_a_name_that_is_free_is_found(mtm: Command, tmp_path: Path) -> None:
    (tmp_path / "runs" / "digits-convnet-pure-1").mkdir(parents=True)
    assert mtm("train", *QUICK[:-6], "--head", "linear", "--device", "cpu").returncode == 0
    assert Run.open(tmp_path / "runs" / "digits-convnet-pure-2").status.state == "finished"


@pytest.mark.parametrize("command", [[], ["train"], ["resume"], ["runs"], ["show"], ["data"], ["import"], ["prune"]])
def test_help_is_quick_and_explains(command: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["mtm", *{command!r}, "--help"]
from mtm.cli import main
try:
    main()
finally:
    assert "torch" not in sys.modules and "sklearn" not in sys.modules, "help must not wait for torch"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_every_field_of_the_config_is_an_option_with_help() -> None:
    import typer

    options = {o for p in typer.main.get_command(app).commands["train"].params for o in p.opts}  # type: ignore[attr-defined]
    for name, field in TrainConfig.model_fields.items():
        assert f"--{name.replace('_', '-')}" in options
        assert field.description
