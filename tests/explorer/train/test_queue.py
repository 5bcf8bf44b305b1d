"""The queue: one job per device, processes that outlive the server, and nothing lost whatever is killed."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest
from conftest import PATIENCE, small, until
from flask import Flask

from explorer.library import Library
from explorer.train import log
from explorer.train import queue as training_queue
from explorer.train import routes as train_routes
from explorer.train.devices import Devices
from explorer.train.preview import Preview
from explorer.train.queue import JobQueue, terminate
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.run_folder.status import Status
from mtm.runs import Run

ENDLESS = {"epochs": 5000, "train_images": 600}
FakeTraining = Callable[[str], None]


def device_of(name: str) -> str:
    return "cpu" if name == "auto" else name


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A runs folder; whatever process was started for one of its runs is ended afterwards."""
    (tmp_path / "runs").mkdir()
    yield tmp_path / "runs"
    for job in JobQueue(Library(tmp_path / "runs"), device_of).all():
        if job.process:
            terminate(job.process)


@pytest.fixture
def queue(folder: Path) -> Iterator[JobQueue]:
    jobs = JobQueue(Library(folder), device_of)
    yield jobs
    jobs.close()


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch) -> FakeTraining:
    """Start a few lines of Python instead of a training; `folder` is the run's."""

    def install(code: str) -> None:
        code = f"import sys, time; from pathlib import Path; folder = Path(sys.argv[1])\n{code}"
        monkeypatch.setattr(training_queue, "COMMAND", (sys.executable, "-c", code))

    return install


def state(queue: JobQueue, run_id: str) -> str:
    queue.advance()
    return queue.get(run_id).state


def wait_for(queue: JobQueue, run_id: str, *states: str) -> None:
    until(lambda: state(queue, run_id) in states)


def wait_for_snapshots(queue: JobQueue, run_id: str, n: int) -> None:
    until(lambda: len(queue.get(run_id).run.snapshots) >= n)


def process_of(queue: JobQueue, run_id: str) -> psutil.Process:
    process = queue.get(run_id).process
    assert process is not None
    return psutil.Process(process.pid)


# In turn


@pytest.mark.timeout(900)
def test_three_are_queued_and_trained_one_after_the_other(queue: JobQueue) -> None:
    names = [queue.add(small(epochs=1)) for _ in range(3)]
    assert names == [f"digits-convnet-euclidean-{i}" for i in (1, 2, 3)]
    assert [queue.get(name).state for name in names] == ["starting", "queued", "queued"]
    order: list[str] = []

    def look() -> bool:
        queue.advance()
        states = {job.id: job.state for job in queue.all()}
        active = [name for name, now in states.items() if now in training_queue.ACTIVE]
        assert len(active) <= 1
        order.extend(name for name in active if name not in order)
        return set(states.values()) == {"finished"}

    until(look)
    assert order == names
    for name in names:
        run = queue.get(name).run
        assert [row["epoch"] for row in run.metrics] == [0, 1]
        assert run.problems == []


def test_each_device_has_its_own_queue(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("time.sleep(3600)")
    first, second = queue.add(small()), queue.add(small())
    other = queue.add(small(device="cuda:1"))
    assert [queue.get(name).state for name in (first, second, other)] == ["starting", "queued", "starting"]


def test_what_waited_first_begins_first(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("time.sleep(3600)")
    first = queue.add(small(), "z")
    waiting = [queue.add(small(), name) for name in ("y", "a", "m")]
    assert [job.id for job in training_queue.waiting_jobs(queue.all())] == waiting
    queue.stop("y")
    queue.resume("y")  # goes to the end
    assert [job.id for job in training_queue.waiting_jobs(queue.all())] == ["a", "m", "y"]
    queue.stop(first)
    wait_for(queue, "a", "starting")


def test_a_training_started_in_a_terminal_takes_its_device(
    queue: JobQueue, folder: Path, fake_training: FakeTraining
) -> None:
    fake_training("time.sleep(3600)")
    Run.create(folder / "terminal", small()).set_status(state="training")
    assert queue.get(queue.add(small())).state == "queued"


def test_a_run_that_another_living_process_queued_is_left_to_it(
    queue: JobQueue, folder: Path, fake_training: FakeTraining
) -> None:
    fake_training("time.sleep(3600)")
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    run = Run.create(folder / "theirs", small())
    mine = json.loads((run.folder / "status.json").read_text())
    started = psutil.Process(other.pid).create_time()
    (run.folder / "status.json").write_text(json.dumps(mine | {"pid": other.pid, "pid_started": started}))
    assert state(queue, "theirs") == "queued"
    other.kill()
    other.wait()
    assert state(queue, "theirs") == "starting"


def test_runs_of_other_programs_and_bundled_ones_are_no_jobs(tmp_path: Path, folder: Path) -> None:
    Run.create(folder / "logged")
    Run.create(tmp_path / "demo" / "bundled", small())
    (folder / "half").mkdir()
    (folder / "half" / "config.json").write_text("{")
    queue = JobQueue(Library(folder, tmp_path / "demo"), device_of)
    queue.advance()
    assert queue.all() == []
    for name in ("logged", "half", "demo/bundled", "..", "../runs", "nowhere", ""):
        for action in (queue.stop, queue.resume, queue.remove):
            with pytest.raises(InputError):
                action(name)
    assert (tmp_path / "demo" / "bundled" / "config.json").exists()


# Stopping, killing, going on


@pytest.mark.timeout(900)
def test_stop_and_resume_lose_nothing(queue: JobQueue) -> None:
    name = queue.add(small(**ENDLESS))
    wait_for_snapshots(queue, name, 3)
    process = process_of(queue, name)
    queue.stop(name)
    wait_for(queue, name, "stopped")
    process.wait(PATIENCE) if process.is_running() else None
    before = {path.name: path.read_bytes() for path in queue.get(name).run.snapshots}
    with pytest.raises(InputError, match="nothing to stop"):
        queue.stop(name)
    queue.resume(name)
    assert queue.get(name).state == "starting"
    assert queue.get(name).status.epoch > 0  # how far it came is still known
    wait_for_snapshots(queue, name, len(before) + 2)
    after = {path.name: path.read_bytes() for path in queue.get(name).run.snapshots}
    assert {name: after[name] for name in before} == before
    rows = [row["snapshot"] for row in queue.get(name).run.metrics]
    assert rows == list(range(len(rows)))


@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 as on Linux and macOS")
def test_kill_9_is_seen_as_interrupted_and_resumed_to_its_end(queue: JobQueue, tmp_path: Path) -> None:
    name = queue.add(small(epochs=12, train_images=0))
    wait_for_snapshots(queue, name, 3)
    process_of(queue, name).kill()
    wait_for(queue, name, "interrupted")
    until(lambda: "SIGKILL" in (log.last_problem_line(queue.get(name).run.folder) or ""))
    server = Flask("test")
    train_routes.register(server, queue, Devices(), Preview(tmp_path, queue.busy), tmp_path)
    (job,) = server.test_client().get("/api/jobs").get_json()["over"]
    assert job["error"] == (
        "the process was ended by SIGKILL; if nobody did that, memory may have run out: "
        "lower batch_size (50) or record (60)"
    )
    before = {path.name: path.read_bytes() for path in queue.get(name).run.snapshots}
    assert 3 <= len(before) < 13
    queue.resume(name)
    wait_for(queue, name, "finished")
    after = {path.name: path.read_bytes() for path in queue.get(name).run.snapshots}
    assert len(after) == 13
    assert {name: after[name] for name in before} == before
    with pytest.raises(InputError, match="is finished"):
        queue.resume(name)


def test_a_training_can_be_stopped_before_it_has_begun(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("time.sleep(3600)")
    name = queue.add(small())
    process = process_of(queue, name)
    queue.stop(name)
    wait_for(queue, name, "stopped")
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    queue.resume(name)
    assert queue.get(name).state == "starting"


def test_a_waiting_one_is_taken_out_of_the_queue(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("time.sleep(3600)")
    queue.add(small())
    waiting = queue.add(small())
    queue.stop(waiting)
    assert state(queue, waiting) == "stopped"
    queue.remove(waiting)
    assert not (queue.library.runs_folder / waiting).exists()


def test_what_is_being_trained_cannot_be_removed(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("time.sleep(3600)")
    name = queue.add(small())
    with pytest.raises(InputError, match="stop it first"):
        queue.remove(name)
    assert (queue.library.runs_folder / name).exists()


# The server ends

SERVER = """
import sys, os
from pathlib import Path
from explorer.train.queue import JobQueue
from explorer.library import Library
from mtm.config import TrainConfig
jobs = JobQueue(Library(Path(sys.argv[1])), lambda name: "cpu")
config = TrainConfig(epochs=int(sys.argv[2]), train_images=600, dim=8, record=50, batch_size=50, device="cpu")
print(jobs.add(config), jobs.add(config), flush=True)
assert not {"torch", "umap", "numba"} & set(sys.modules)
os._exit(0)  # as suddenly as a kill
"""


@pytest.mark.timeout(900)
def test_trainings_outlive_the_server_and_the_next_one_finds_them(queue: JobQueue, folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SERVER, str(folder), "40"], capture_output=True, text=True, check=True)
    first, second = done.stdout.split()
    assert [queue.get(name).state for name in (first, second)] == ["starting", "queued"]
    wait_for(queue, first, "training", "finished")
    wait_for(queue, second, "starting")
    assert queue.get(first).state == "finished"
    queue.stop(second)
    wait_for(queue, second, "stopped")


def test_a_failure_while_no_server_ran_is_recorded(folder: Path, queue: JobQueue, fake_training: FakeTraining) -> None:
    run = Run.create(folder / "gone", small())
    ended = replace(Status().signed(), pid=2**22 + 1, pid_started=1.0)
    (run.folder / "process.json").write_text(json.dumps(asdict(ended)))
    (run.folder / "log.txt").write_text("$ mtm resume gone\nmtm: there is no data\n")
    assert queue.get("gone").state == "failed"
    queue.advance()
    status = Run.open(run.folder).status
    assert (status.state, status.error) == ("failed", "there is no data")


# Why it failed


def test_a_training_that_cannot_begin_says_what_is_wrong(queue: JobQueue, tmp_path: Path) -> None:
    name = queue.add(TrainConfig(dataset=str(tmp_path / "gone.npz")))
    wait_for(queue, name, "failed")
    assert f"{tmp_path / 'gone.npz'}: there is no such file" in (queue.get(name).status.error or "")
    assert Run.open(queue.library.folder(name)).status.state == "failed"


def test_a_training_that_diverges_says_when_and_what_to_lower(queue: JobQueue) -> None:
    name = queue.add(TrainConfig(loss="push_pull", r=1.5, optimiser="sgd", lr=1))
    wait_for(queue, name, "failed")
    error = queue.get(name).status.error or ""
    assert "epoch" in error
    assert "lower lr (1) or r (1.5)" in error


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('mtm: MNIST is not in data/MNIST/raw; put its files there'); sys.exit(2)",
         "MNIST is not in data/MNIST/raw; put its files there"),
        ("print('something'); raise OSError('no GPU')", "it ended before it began to train: OSError: no GPU"),
        ("sys.exit(1)", "it ended before it began to train"),
    ],
)  # fmt: skip
def test_the_reason_of_a_failure_is_its_last_line(
    queue: JobQueue, fake_training: FakeTraining, code: str, error: str
) -> None:
    fake_training(code)
    name = queue.add(small())
    wait_for(queue, name, "failed")
    assert queue.get(name).status.error == error


def test_the_next_one_begins_when_one_has_failed(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("sys.exit(1)")
    first = queue.add(small())
    second = queue.add(small())
    wait_for(queue, first, "failed")
    wait_for(queue, second, "failed")


def test_a_second_attempt_is_not_told_the_first_one_s_reason(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("print('mtm: first reason'); sys.exit(2)")
    name = queue.add(small())
    wait_for(queue, name, "failed")
    fake_training("print('UserWarning: careful'); time.sleep(3600)")
    queue.resume(name)
    folder = queue.library.folder(name)
    until(lambda: log.last_problem_line(folder) == "UserWarning: careful")
    assert [line["text"] for line in log.read(folder) if line["amiss"]] == [
        "mtm: first reason", "UserWarning: careful",
    ]  # fmt: skip


# Signals


@pytest.mark.parametrize("change", [{"pid_started": 1.0}, {"host": "another machine"}, {"pid": os.getpid()}])
def test_a_process_that_is_not_provably_ours_is_never_signalled(change: dict[str, object]) -> None:
    echo = [sys.executable, "-c", "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"]
    with subprocess.Popen(echo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as innocent:
        assert innocent.stdin is not None
        assert innocent.stdout is not None
        started = psutil.Process(innocent.pid).create_time()
        record = replace(Status().signed(), pid=innocent.pid, pid_started=started)
        terminate(replace(record, **change))  # type: ignore[arg-type]
        print("alive?", file=innocent.stdin, flush=True)
        assert innocent.stdout.readline() == "alive?\n"
        terminate(record)
        assert innocent.wait(PATIENCE) in (-signal.SIGTERM, 1)


def test_a_foreign_process_json_is_harmless(folder: Path, queue: JobQueue) -> None:
    run = Run.create(folder / "odd", small())
    run.set_status(state="stopped")
    for content in ("{", "[]", '{"pid": "me", "pid_started": null, "host": 3}', '{"unknown": 1}'):
        (run.folder / "process.json").write_text(content)
        assert queue.get("odd").state == "stopped"


# Names


@pytest.mark.parametrize(
    "name", ["..", ".", ".hidden", "a/b", "a\\b", "a\0b", "/etc", " ", "a" * 200, "a:b", "-x", "a\nb", "%2e%2e", "a."]
)
def test_a_name_that_cannot_be_a_folder_of_ours_is_refused(queue: JobQueue, name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name of a run"):
        queue.add(small(), name)
    assert queue.all() == []


def test_a_name_is_used_once_and_the_command_is_kept(queue: JobQueue, fake_training: FakeTraining) -> None:
    fake_training("time.sleep(3600)")
    assert queue.add(small(), "Größe 1.5 a_b-c", ["train", "--dim", "8"]) == "Größe 1.5 a_b-c"
    with pytest.raises(InputError, match="already a run"):
        queue.add(small(), "Größe 1.5 a_b-c")
    info = Run.open(queue.library.folder("Größe 1.5 a_b-c")).info
    assert info["command"] == ["train", "--dim", "8"]
    assert TrainConfig(**info["config"]) == small()


def test_a_run_that_is_gone_is_not_kept_in_memory(queue: JobQueue, folder: Path) -> None:
    Run.create(folder / "one", small()).finish()
    run = weakref.ref(queue.all()[0].run)
    assert run() is not None
    shutil.rmtree(folder / "one")
    assert queue.all() == []
    gc.collect()
    assert run() is None
