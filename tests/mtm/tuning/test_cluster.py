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

from mtm.config import TrainConfig
from mtm.errors import FolderGone, InputError
from mtm.run_folder.lock import lock_folder
from mtm.runs import Run
from mtm.tuning import new_search, open_search

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


@pytest.mark.skipif(sys.platform == "win32", reason="sockets with names as on Linux and macOS")
def test_a_ray_that_cannot_start_here_is_one_line_and_leaves_no_search(
    mtm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("l" * 100)
    for folder, reason in ((deep, "AF_UNIX path length cannot exceed"), (tmp_path / "file", "Not a directory")):
        (tmp_path / "file").touch()
        monkeypatch.setenv("RAY_TMPDIR", str(folder))
        done = mtm("tune", "--train-images", 100, "--epochs", 1, "--trials", 1, "--device", "cpu")
        assert done.returncode == 1
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)
        assert done.stderr.startswith("mtm: Ray could not start on this machine: ")
        assert reason in done.stderr
        assert not (tmp_path / "runs").exists()


def test_without_ray_a_search_is_refused_before_anything_is_written(
    mtm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    for module in ("search", "trial", "remote"):
        monkeypatch.delitem(sys.modules, f"mtm.tuning.{module}", raising=False)
    done = mtm("tune", "--trials", 1)
    assert (done.returncode, "pip install 'ray[tune]' hyperopt" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_search_has_one_process_and_what_is_taken_from_it_does_not_come_back(tmp_path: Path) -> None:
    from mtm.tuning.search import _end, run_search

    search = new_search(tmp_path / "runs", TrainConfig(), 1, name="a")
    (search.folder / ".search.json.x.tmp").write_text("of a process that was killed")
    with lock_folder(search.folder, "two are in it") as lock:
        assert [path.name for path in search.folder.iterdir() if path.name != "lock"] == ["search.json"]
        with pytest.raises(InputError, match="the search 'a' is running already"):
            run_search(search)
        shutil.rmtree(search.folder)
        (search.folder / "ray" / "state").mkdir(parents=True)  # as Ray does when it saves its own
        with pytest.raises(FolderGone):
            _end(search, lock)
    assert list((tmp_path / "runs" / "searches").iterdir()) == []


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
