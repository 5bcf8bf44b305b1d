"""Trainings and searches on a Ray cluster: one of this machine, and those that do not answer."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Command, free_port, until
from ray_processes import kill_with_ray

from mtm.runs import Run
from mtm.tuning import open_search

pytest.importorskip("ray")


@contextlib.contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """The address of a Ray of its own, as `ray start` makes it on the first machine of a cluster."""
    address = f"127.0.0.1:{free_port()}"
    command = [str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", "--num-cpus=1"]
    # short, for its sockets; elsewhere it would be found by whoever looks for any Ray
    temporary = tempfile.mkdtemp(prefix="ray")
    command += ["--port", address.rpartition(":")[2], "--include-dashboard=false", "--disable-usage-stats"]
    command += ["--temp-dir", temporary]
    log = folder / "ray.log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            until(lambda: "will now block forever" in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield address
        finally:
            kill_with_ray(process)
            shutil.rmtree(temporary, ignore_errors=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Ray makes no clusters there")
def test_a_training_and_a_search_can_be_sent_to_a_cluster(
    mtm_process: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    few = ("--runs", "runs", "--epochs", 1, "--train-images", 200, "--record", 60, "--device", "cpu", "--name", "far")
    with _cluster(tmp_path) as address:
        done = mtm_process("train", "--ray-address", address, *few)
        assert done.returncode == 0, done.stderr
        run = Run.open(tmp_path / "runs" / "far")
        assert (run.status.state, len(run.snapshots)) == ("finished", 2)
        done = mtm_process("tune", "--ray-address", address, "--trials", 1, "--gpus", 9, *few)
        assert (done.returncode, "asks for 9 GPUs and Ray has 0" in done.stderr) == (2, True)
        done = mtm_process("tune", "--ray-address", address, "--trials", 1, *few)
        assert done.returncode == 0, done.stderr
    assert open_search(tmp_path / "runs", "far").is_finished  # and the one that was refused has left nothing


def test_a_cluster_that_does_not_answer_is_one_sentence_and_nothing_is_left(mtm: Command, tmp_path: Path) -> None:
    for command, address, said in (
        ("tune", "127.0.0.1:1", "cannot reach Ray at 127.0.0.1:1"),
        ("train", "far.invalid:6379", "cannot reach Ray at far.invalid:6379"),
        ("train", "far", "HOST:PORT is meant"),
    ):
        done = mtm(command, "--ray-address", address)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith("mtm: ")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert not [path for path in (tmp_path / "runs").rglob("*") if path.name != "searches"]
