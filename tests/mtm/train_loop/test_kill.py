"""Killing, interrupting and stopping real processes: nothing recorded is lost, and going on ends with the same bits."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import PATIENCE, Command, until

from mtm.run_folder.lock import exclusive_lock
from mtm.runs import Run

Start = Callable[..., "subprocess.Popen[str]"]
LONG = ("--train-images", 600, "--epochs", 400, "--dim", 8, "--record", 50, "--device", "cpu")

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="fork and signals as on Linux and macOS"),
    pytest.mark.timeout(10 * PATIENCE),
]


@pytest.fixture
def start(start: Start) -> Iterator[Start]:
    """As in `conftest`; no process outlives its test, however that ends."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        begun.append(start(*arguments))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What `killed_training.py` found; its children, which it forks, go with it."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "killed_training.py"), str(tmp_path_factory.mktemp("killed"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=8 * PATIENCE)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_kill_9_at_every_file_written_leaves_a_run_that_opens_and_ends_with_the_same_bits(
    killed: list[dict[str, Any]],
) -> None:
    moments = killed[1:]
    assert len(moments) > 20
    assert {m["snapshots"] for m in moments} >= {0, 1, 4, 7}
    for m in moments:
        assert m["killed_by"] == signal.SIGKILL, m
        assert m["state"] in ("interrupted", "queued", "finished"), m
        assert m["resumed"] == 0, m
        assert m["end_state"] == "finished", m
        assert m["left_behind"] == [], m
        assert m["same_files"], m
        assert m["same_bits"], m
        assert m["end_problems"] == [], m
        assert sorted(m["lines"]) == list(range(m["reference_lines"])), m


def test_what_a_kill_leaves_of_a_checkpoint_is_gone_when_the_training_goes_on(killed: list[dict[str, Any]]) -> None:
    assert killed[0]["left"]
    assert killed[0]["same_bits"]
    weights = [f"checkpoint/{name}.safetensors" for name in ("best", "last")]
    snapshots = ["snapshots", *(f"snapshots/00000{i}.safetensors" for i in range(3))]
    files = ["checkpoint", "config.json", "metrics.jsonl", "points.safetensors", "status.json"]
    assert killed[0]["kept"] == sorted([*files, *weights, *snapshots])


def wait_for_snapshots(process: subprocess.Popen[str], run: Path, n: int) -> None:
    until(lambda: len(list((run / "snapshots").glob("*.safetensors"))) >= n, process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_checkpoint_and_say_stopped(start: Start, tmp_path: Path, number: int) -> None:
    process = start("train", *LONG, "--name", "a")
    wait_for_snapshots(process, tmp_path / "runs" / "a", 3)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert err == f"mtm: stopped; go on with: mtm resume {Path('runs/a')}\n"
    run = Run.open(tmp_path / "runs" / "a")
    assert run.status.state == "stopped"
    assert (run.checkpoints / "state.safetensors").exists()
    assert run.problems == []


def test_a_terminal_that_closes_stops_its_training_at_a_checkpoint(tmp_path: Path) -> None:
    import fcntl
    import pty
    import select
    import termios

    def take_terminal() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # tests may run under nohup
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def has_begun() -> bool:
        while select.select([ours], [], [], 0)[0]:  # it would wait for its lines to be read
            os.read(ours, 65536)
        return (tmp_path / "runs/a/snapshots/000002.safetensors").exists()

    ours, its = pty.openpty()
    command = [sys.executable, "-m", "mtm", "train", *map(str, LONG), "--name", "a"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=its, stdout=its, stderr=its, start_new_session=True, preexec_fn=take_terminal
    ) as process:
        os.close(its)
        try:
            until(has_begun)
            os.close(ours)
            assert process.wait(PATIENCE) == 130
        finally:
            process.kill()
    run = Run.open(tmp_path / "runs" / "a")
    assert (run.status.state, run.problems) == ("stopped", [])
    assert (run.checkpoints / "state.safetensors").exists()


def is_pending(process: subprocess.Popen[str], number: int) -> bool:
    """Whether a signal has not been delivered yet, where the system tells."""
    status = Path(f"/proc/{process.pid}/status")
    masks = re.findall(r"(?:Sig|Shd)Pnd:\s*(\w+)", status.read_text()) if status.exists() else []
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def test_two_ctrl_cs_at_once_leave_a_run_that_can_be_resumed(start: Start, tmp_path: Path) -> None:
    process = start("train", *LONG, "--name", "a")
    wait_for_snapshots(process, tmp_path / "runs" / "a", 3)
    process.send_signal(signal.SIGINT)
    until(lambda: not is_pending(process, signal.SIGINT))  # or the two are one to it
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (130, -signal.SIGINT), err
    assert Run.open(tmp_path / "runs" / "a").status.state in ("stopped", "interrupted")


def test_a_stop_file_stops_a_running_process_and_resume_goes_on(start: Start, mtm: Command, tmp_path: Path) -> None:
    process = start("train", *LONG, "--name", "a")
    folder = tmp_path / "runs" / "a"
    wait_for_snapshots(process, folder, 2)
    assert Run.open(folder).status.state == "training"
    refused = mtm("resume", "a")
    assert refused.returncode == 2
    assert "is being trained right now" in refused.stderr
    Run.open(folder).request_stop()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    before = Run.open(folder)
    n, last = len(before.snapshots), before.snapshots[-1].read_bytes()
    process = start("resume", "a")
    wait_for_snapshots(process, folder, n + 1)
    process.kill()
    process.communicate()
    after = Run.open(folder)
    assert after.status.state == "interrupted"
    assert after.snapshots[n - 1].read_bytes() == last
    assert [row["snapshot"] for row in after.metrics] == list(range(len(after.metrics)))


def test_a_training_that_diverges_ends_with_one_line_and_exit_code_1(mtm: Command, tmp_path: Path) -> None:
    done = mtm("train", "--loss", "push_pull", "--r", 1.5, "--optimiser", "sgd", "--lr", 1, "--name", "a")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "failed: the loss became" in done.stderr
    assert Run.open(tmp_path / "runs" / "a").status.state == "failed"


def test_ctrl_c_while_the_data_is_loaded_is_exit_code_130(start: Start, tmp_path: Path) -> None:
    process = start("train", "--name", "a")
    until(lambda: psutil.Process(process.pid).memory_info().rss > 100e6, process)  # torch is being imported
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (130, -signal.SIGINT), err
    assert "Traceback" not in err or process.returncode == -signal.SIGINT


def test_a_killed_process_that_nobody_waited_for_is_interrupted(start: Start, mtm: Command, tmp_path: Path) -> None:
    process = start("train", *LONG, "--name", "a")
    wait_for_snapshots(process, tmp_path / "runs" / "a", 2)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: Run.open(tmp_path / "runs" / "a").status.state == "interrupted")
    process.communicate()


def test_a_lock_keeps_others_out_until_its_block_ends_and_a_file_left_behind_does_not(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("of a process that was killed")
    for _ in range(2):
        with exclusive_lock(path):
            with pytest.raises(BlockingIOError), exclusive_lock(path):
                raise AssertionError("two are in it")
            assert path.exists()
        assert not path.exists()


def test_two_processes_cannot_train_into_one_run(start: Start, tmp_path: Path) -> None:
    process = start("train", *LONG, "--name", "a")
    folder = tmp_path / "runs" / "a"
    wait_for_snapshots(process, folder, 2)
    process.kill()
    process.communicate()
    both = [start("resume", "a"), start("resume", "a")]
    n = len(list((folder / "snapshots").glob("*")))
    until(lambda: any(process.poll() is not None for process in both))
    refused = next(process for process in both if process.poll() is not None)
    assert refused.returncode == 2
    assert "is being trained right now" in refused.communicate()[1]
    other = next(process for process in both if process is not refused)
    wait_for_snapshots(other, folder, n + 1)
    other.kill()
    other.communicate()
    lines = [json.loads(line)["snapshot"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == len(set(lines))
