"""The `mtm` command as a process: what it prints, writes and returns."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import numpy as np
import pytest
from conftest import Command, small
from PIL import Image

from mtm import __version__, cli
from mtm.cli import app
from mtm.config import TrainConfig
from mtm.runs import FORMAT, Run
from mtm.train_loop import recorder
from mtm.train_loop.locations import with_absolute_paths

QUICK = ("--epochs", 2, "--train-images", 300, "--record", 60, "--dim", 8, "--batch-size", 50, "--device", "cpu")


def test_train_records_a_run_and_says_how_good_it_is(mtm_process: Command, tmp_path: Path) -> None:
    done = mtm_process("train", *QUICK)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = Run.open(tmp_path / "runs" / "digits-convnet-euclidean-1")
    assert run.status.state == "finished"
    assert run.info["command"][:3] == ["train", "--epochs", "2"]
    assert run.info["versions"]["torch"]
    last = f"{100 * run.metrics[-1]['accuracy']['euc_ce']:.2f}"
    assert last in done.stdout
    assert all(word in done.stdout for word in ("untrained", "best", "last", "sigma", "rho", "images/s"[:6]))


def test_the_explorer_takes_the_next_port_where_one_is_busy_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        command = [sys.executable, "-m", "explorer", "--runs", str(tmp_path), "--port", str(port), "--no-browser"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                taken = int(said.removeprefix(f"Port {port} is busy; taking ").removesuffix(" instead.\n"))
                assert port < taken < port + 50
                assert f"http://127.0.0.1:{taken}" in process.stdout.readline()
                page = build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{taken}/", timeout=60).read()
                assert b"Moving targets" in page
            finally:
                process.kill()


def test_an_option_before_the_command_it_is_not_for_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "explorer", "--runs", str(tmp_path), "events", "one"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    said = "explorer: --runs stands before 'events'; write it after: explorer events --runs ...\n"
    assert done.stderr == said


def test_json_is_one_object_a_line_and_nothing_else(mtm: Command, tmp_path: Path) -> None:
    done = mtm("train", *QUICK, "--json", "--name", "a")
    *rows, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == [row | {} for row in json.loads(json.dumps(Run.open(tmp_path / "runs" / "a").metrics))]
    assert summary["state"] == "finished"
    account = summary.pop("account")
    assert sum(map(sum, account["counts"].values())) == account["images"]
    listed = [json.loads(line) for line in mtm("runs", "--json").stdout.splitlines()]
    assert listed == [summary]
    shown = json.loads(mtm("show", "a", "--json").stdout)
    assert shown["metrics"] == rows
    assert TrainConfig(**shown["config"]) == small()


def test_runs_show_and_data_print_tables(mtm: Command, finished_run: Path) -> None:
    listed = mtm("runs", "--runs", finished_run.parent)
    assert "finished" in listed.stdout
    assert "Best epoch: the one of highest accuracy on the validation split, or" in listed.stdout
    best = max(max(row["accuracy"].values()) for row in Run.open(finished_run).metrics[1:])
    assert f"{best:.2%}" in listed.stdout
    assert f"{100 * best:.2f} % on 359 test images" in mtm("show", finished_run).stdout
    shown = mtm("show", finished_run)
    assert all(name in shown.stdout for name in ("cos %", "cos_ce %", "euc %", "euc_ce %", "sigma", "rho"))
    data = mtm("data")
    assert all(name in data.stdout for name in ("digits", "fashion-mnist", "cifar100", "train/CLASS"))
    assert "No runs" in mtm("runs").stdout


def test_a_run_of_a_newer_format_is_listed_with_the_reason(mtm: Command, finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "runs" / "old")
    shutil.copytree(finished_run, tmp_path / "runs" / "new")
    info = json.loads((tmp_path / "runs" / "new" / "config.json").read_text())
    (tmp_path / "runs" / "new" / "config.json").write_text(json.dumps(info | {"format": FORMAT + 1}))
    listed = mtm("runs").stdout
    assert "old" in listed
    assert f"new has run format {FORMAT + 1}, this mtm reads up to {FORMAT}: update mtm" in listed
    rows = [json.loads(line) for line in mtm("runs", "--json").stdout.splitlines()]
    assert [row["state"] for row in rows] == ["finished", "unreadable"]


def test_a_name_taken_meanwhile_is_left_for_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two trainings that start together: while one loads its data, the other makes its folder."""
    prepare_training = recorder.prepare_training

    def prepare_slowly(config: TrainConfig, is_local: bool = True) -> object:
        Run.create("runs/digits-convnet-euclidean-1", config)
        return prepare_training(config, is_local)

    monkeypatch.setattr(recorder, "prepare_training", prepare_slowly)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mtm", "train", *map(str, QUICK)])
    cli.main()
    assert Run.open("runs/digits-convnet-euclidean-1").status.state == "queued"
    assert Run.open("runs/digits-convnet-euclidean-2").status.state == "finished"


def photos(folder: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    for i, image in enumerate(pixels):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def test_a_resume_from_another_folder_finds_images_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    photos(home / "photos")
    elsewhere.mkdir()
    monkeypatch.chdir(home)
    config = TrainConfig(dataset="photos", epochs=2, dim=4, device="cpu")
    run = recorder.start_run(Path("runs/a"), config, recorder.prepare_training(config))
    recorder.record_training(run, on_snapshot=lambda s: run.request_stop() if s.index == 1 else None)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(sys, "argv", ["mtm", "resume", str(home / "runs" / "a")])
    cli.main()
    assert Run.open(home / "runs" / "a").status.state == "finished"


def test_images_that_have_moved_are_named_on_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photos(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    config = TrainConfig(dataset="photos", epochs=2, dim=4, device="cpu")
    run = recorder.start_run(Path("runs/a"), config, recorder.prepare_training(config))
    recorder.record_training(run, on_snapshot=lambda s: run.request_stop() if s.index == 1 else None)
    (tmp_path / "photos").rename(tmp_path / "pictures")
    monkeypatch.setattr(sys, "argv", ["mtm", "resume", "a"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert f"was trained on {tmp_path / 'photos'}: there is no such" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["mtm", "resume", "a", "--dataset", "pictures"])
    cli.main()
    assert Run.open("runs/a").status.state == "finished"


def test_paths_of_known_data_sets_stay_as_they_were_typed(tmp_path: Path) -> None:
    config = small(data_root="my/data")
    assert with_absolute_paths(config) == config
    own = with_absolute_paths(small(dataset="own.npz", weights="w.pt"))
    assert (own.dataset, own.weights) == (str(Path.cwd() / "own.npz"), str(Path.cwd() / "w.pt"))


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


def test_help_is_whole_in_eighty_columns() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mtm", "train", "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "TERMINAL_WIDTH": "80"},
        check=True,
    )
    assert "…" not in done.stdout
    shown = " ".join(done.stdout.replace("│", " ").split())
    assert "Name of the run (data set, backbone, loss and a number)" in shown
    for name in TrainConfig.model_fields:
        assert f"--{name.replace('_', '-')} " in shown
    for choice in ("targets", "linear", "adam", "adamw", "sgd", "auto", "float32", "bfloat16", "float16"):
        assert choice in shown


def test_the_version_is_printed(mtm_process: Command) -> None:
    done = mtm_process("--version")
    assert (done.returncode, done.stdout) == (0, f"mtm {__version__}\n")


def test_every_field_of_the_config_is_an_option_with_help() -> None:
    import typer

    options = {o for p in typer.main.get_command(app).commands["train"].params for o in p.opts}  # type: ignore[attr-defined]
    for name, field in TrainConfig.model_fields.items():
        assert f"--{name.replace('_', '-')}" in options
        assert field.description
