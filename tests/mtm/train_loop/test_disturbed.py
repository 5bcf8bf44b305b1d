"""What others do to a run folder while it trains: take it away, ask to stop too late, fill the disk, train it too."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command, small
from killed_training import contents_without_times

from mtm.errors import FolderGone, InputError
from mtm.run_folder.files import ABANDONED_SECONDS, atomic_path, is_temporary, remove_leftovers
from mtm.run_folder.lock import exclusive_lock
from mtm.runs import Run
from mtm.train_loop.recorder import record_training

Hook = Callable[[Any], None]
# what is called, and how often before it happens: while epoch 0 is evaluated, in and after an epoch, after the last
MOMENTS = [("on_progress", 0), ("on_progress", 3), ("on_snapshot", 0), ("on_progress", 9), ("on_snapshot", 1)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs" / "a", small())


def once(happens: Callable[[], object], after: int = 0) -> Hook:
    """A hook of a training: the call that comes after `after` others does something."""
    n_calls = 0

    def hook(_: Any) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == after + 1:
            happens()

    return hook


def hooks(name: str, happens: Callable[[], object], after: int) -> dict[str, Any]:
    return {name: once(happens, after)}


@pytest.mark.parametrize(("hook", "after"), MOMENTS)
def test_a_run_that_is_removed_ends_its_training_and_does_not_come_back(run: Run, hook: str, after: int) -> None:
    with pytest.raises(FolderGone, match=r"a was removed, renamed or replaced"):
        record_training(run, **hooks(hook, lambda: shutil.rmtree(run.folder), after))
    assert list(run.folder.parent.iterdir()) == []


@pytest.mark.parametrize(("hook", "after"), MOMENTS)
def test_a_run_that_is_renamed_goes_on_there_and_ends_with_the_same_bits(
    run: Run, finished_run: Path, hook: str, after: int
) -> None:
    moved = run.folder.with_name("moved")
    with pytest.raises(FolderGone):
        record_training(run, **hooks(hook, lambda: run.folder.rename(moved), after))
    assert not run.folder.exists()
    assert Run.open(moved).problems == []
    assert record_training(Run.open(moved)) == "finished"
    assert contents_without_times(moved) == contents_without_times(finished_run)
    assert sorted(path.name for path in moved.iterdir()) == sorted(path.name for path in finished_run.iterdir())


def test_nothing_is_written_into_a_run_of_the_same_name_that_took_its_place(run: Run) -> None:
    def replace() -> None:
        shutil.rmtree(run.folder)
        Run.create(run.folder, small(seed=1))
        (run.folder / "lock").touch()  # its own training has begun

    with pytest.raises(FolderGone):
        record_training(run, on_progress=once(replace, 3))
    assert {path.name for path in run.folder.iterdir()} == {"config.json", "status.json", "lock"}
    assert Run.open(run.folder).status.state == "queued"


def test_what_others_log_into_a_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a")
    e, y = np.eye(4), np.array([0, 0, 1, 1])
    run.log(e, y)
    shutil.rmtree(run.folder)
    for write in (lambda: run.log(e, y), run.finish):
        with pytest.raises(FolderGone):
            write()
    assert not run.folder.exists()


def test_what_was_killed_before_it_had_begun_keeps_no_name(mtm: Command, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    for name in ("lock", ".config.json.abc.tmp"):
        (folder / name).touch()
    options = "--train-images 100 --record 20 --epochs 1 --dim 2 --device cpu --name a"
    assert mtm("train", *options.split()).returncode == 0
    assert Run.open(folder).status.state == "finished"
    assert not list(folder.glob(".*"))
    assert mtm("train", *options.split()).returncode == 2


# A request to stop


def test_a_request_to_stop_that_comes_too_late_does_not_stay(run: Run) -> None:
    assert record_training(run, on_snapshot=once(Run.open(run.folder).request_stop, 2)) == "finished"
    assert not run.stop_requested()
    Run.open(run.folder).request_stop()
    assert not run.stop_requested()


def test_an_old_request_to_stop_does_not_stop_the_training_that_goes_on(run: Run) -> None:
    assert record_training(run, on_snapshot=once(Run.open(run.folder).request_stop)) == "stopped"
    assert not run.stop_requested()
    for make in (Path.touch, Path.mkdir):
        make(run.folder / "stop")
        again = Run.open(run.folder)
        stop = once(again.request_stop) if make is Path.touch else None
        assert record_training(again, on_snapshot=stop) == ("stopped" if stop else "finished")
        assert not run.stop_requested()


# A full disk


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process as on Linux and macOS")
def test_a_disk_that_is_full_when_a_row_is_written_loses_nothing(run: Run, finished_run: Path) -> None:
    import resource

    log, before = run.folder / "metrics.jsonl", resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:  # blanks after a row make this the largest file: no other will meet the limit
        log.write_bytes(log.read_bytes().rstrip() + b" " * (1 << 22) + b"\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 10, before[1]))

    try:
        with pytest.raises(OSError, match="File too large"):
            record_training(run, on_snapshot=once(fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    failed = Run.open(run.folder)
    assert failed.status.state == "failed"
    assert "free some space" in str(failed.status.error)
    assert len(failed.metrics) == 2  # of the second only the snapshot has it
    assert record_training(failed) == "finished"
    assert contents_without_times(run.folder) == contents_without_times(finished_run)


# One writer


def test_a_run_that_another_process_or_machine_trains_is_left_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with exclusive_lock(run.folder / "lock"), pytest.raises(InputError, match="being trained right now"):
        record_training(run)
    run.set_status(state="training")
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    with pytest.raises(InputError, match="being trained right now"):
        record_training(Run.open(run.folder))
    assert not (run.folder / "lock").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes with names as on Linux and macOS")
def test_a_lock_that_cannot_be_is_one_sentence_and_a_pipe_of_its_name_does_not_wait(run: Run) -> None:
    (run.folder / "lock").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*lock"):
        record_training(run)
    (run.folder / "lock").rmdir()
    os.mkfifo(run.folder / "lock")
    with exclusive_lock(run.folder / "lock"), pytest.raises(BlockingIOError), exclusive_lock(run.folder / "lock"):
        pass


# Temporary names


def test_one_rule_says_what_a_killed_writer_left_and_it_is_removed(tmp_path: Path) -> None:
    with atomic_path(tmp_path / ("a" * 250)) as temporary:
        assert is_temporary(temporary.name)
    left = [temporary.name, ".tmpAb12Cd", ".a.zip.x_y.tmp"]
    kept = ["a.tmp", ".config", ".tmp", "tmpAb12Cd", "points.safetensors"]
    for name in left[:2] + kept:
        (tmp_path / name).write_text("half")
    (tmp_path / left[2] / "snapshots").mkdir(parents=True)
    (tmp_path / left[2] / "snapshots" / "000000.safetensors").write_text("half")
    remove_leftovers(tmp_path, ABANDONED_SECONDS)  # somebody may be at work on them
    remove_leftovers(tmp_path, of="points.safetensors")  # none is that file's
    assert {path.name for path in tmp_path.iterdir()} == {*left, *kept, "a" * 250}
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "a" * 250}
