"""The worker: one process apart; jobs with progress that can be cancelled; a crash ends one job and not the next."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import PATIENCE, until

from explorer.space.frames import Frames, load_cached
from explorer.space.projections import project
from explorer.space.worker import WARM_UP, Worker
from mtm.errors import InputError
from mtm.runs import Run


def make_run(folder: Path, n: int = 60, snapshots: int = 2, dim: int = 8) -> Run:
    rng = np.random.default_rng(0)
    run, e = Run.create(folder), rng.standard_normal((n, dim))
    for t in range(snapshots):
        run.log(e * (1 + t) + np.arange(dim), np.arange(n) % 3, np.eye(3, dim), epoch=t)
    run.finish()
    return run


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("worker") / "cache")
    yield worker
    worker.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose layout takes some seconds, in many small steps."""
    return make_run(tmp_path_factory.mktemp("slow") / "run", n=3000, snapshots=12)


def running(worker: Worker, run: Run, seed: int) -> str:
    """The key of a job that has begun to compute."""
    key = worker.submit(run.folder, "umap", {"seed": seed})["key"]
    until(lambda: worker.status(key)["progress"] > 0.06)
    assert worker.status(key)["state"] == "running"
    return str(key)


def test_umap_of_a_growing_run_leaves_the_past_where_it_was(worker: Worker, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", snapshots=4, dim=6)

    def layout(names: list[str]) -> Frames:
        params = {} if len(names) == 2 else {"first": 2}
        key = worker.submit(run.folder, "umap", params)["key"]
        assert worker.wait(key, PATIENCE)["state"] == "done"
        frames = load_cached(worker.cache, key)
        assert frames is not None
        assert frames.snapshots == names
        return frames

    names = [path.name for path in run.snapshots]
    hidden = [(path, path.with_suffix(".away")) for path in run.snapshots[2:]]
    for path, away in hidden:
        path.rename(away)
    before = layout(names[:2])
    for n, (path, away) in enumerate(hidden, start=3):
        away.rename(path)
        frames = layout(names[:n])
        np.testing.assert_array_equal(frames.points[:-1], before.points)
        assert before.targets is not None
        assert frames.targets is not None
        np.testing.assert_array_equal(frames.targets[:-1], before.targets)
        before = frames


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_job_leaves_in_the_cache_what_projecting_here_gives(worker: Worker, run: Run, method: str) -> None:
    submitted = worker.submit(run.folder, method, {})
    assert set(submitted) == {"key", "state", "progress", "message", "error"}
    assert submitted["state"] in ("queued", "running")
    done = worker.wait(submitted["key"], PATIENCE)
    assert (done["state"], done["progress"], done["error"]) == ("done", 1.0, None)
    cached, expected = load_cached(worker.cache, done["key"]), project(run, method)
    assert cached is not None
    assert (cached.method, cached.params, cached.snapshots) == (expected.method, expected.params, expected.snapshots)
    np.testing.assert_allclose(cached.points, expected.points, atol=1e-4)
    assert worker.submit(run.folder, method, {}) == done
    other = Worker(worker.cache)  # knows nothing of the job, and finds its result
    assert other.submit(run.folder, method, {})["state"] == "done"
    other.close()


def test_a_result_that_was_taken_away_is_computed_again(worker: Worker, run: Run) -> None:
    key = worker.submit(run.folder, "centres", {})["key"]
    assert worker.wait(key, PATIENCE)["state"] == "done"
    (worker.cache / f"{key}.safetensors").write_bytes(b"damaged")
    assert worker.submit(run.folder, "centres", {})["state"] in ("queued", "running")
    assert worker.wait(key, PATIENCE)["state"] == "done"
    assert load_cached(worker.cache, key) is not None


def test_a_new_snapshot_is_a_new_job(worker: Worker, run: Run) -> None:
    before = worker.submit(run.folder, "pca", {})["key"]
    run.log(np.ones((60, 8)) * np.arange(60)[:, None], run.labels, np.eye(3, 8), epoch=9)
    after = worker.submit(run.folder, "pca", {})["key"]
    assert before != after
    for key, n_snapshots in ((before, 2), (after, 3)):
        worker.wait(key, PATIENCE)
        frames = load_cached(worker.cache, key)
        assert frames is not None
        assert len(frames.snapshots) == n_snapshots


def test_progress_and_what_is_being_done(worker: Worker, slow: Run) -> None:
    key = worker.submit(slow.folder, "umap", {"seed": 1})["key"]
    statuses = []

    def over() -> bool:
        statuses.append(worker.status(key))
        return statuses[-1]["state"] == "done"

    until(over)
    shares = [s["progress"] for s in statuses]
    assert shares == sorted(shares)
    assert len(set(shares)) > 4
    assert {"starting", "layout of all snapshots together"} & {s["message"] for s in statuses}


def test_a_running_and_a_waiting_job_can_be_cancelled(worker: Worker, slow: Run, run: Run) -> None:
    first = running(worker, slow, seed=2)
    second = worker.submit(slow.folder, "umap", {"seed": 3})["key"]
    last = worker.submit(run.folder, "targets", {})["key"]
    assert worker.cancel(second)["state"] == "cancelled"
    worker.cancel(first)
    assert worker.wait(first, PATIENCE)["state"] == "cancelled"
    assert load_cached(worker.cache, first) is None
    assert worker.wait(last, PATIENCE)["state"] == "done"
    assert worker.status(second)["state"] == "cancelled"
    assert worker.cancel(last)["state"] == "done"
    assert worker.submit(slow.folder, "umap", {"seed": 2})["state"] == "cancelled"  # until it is asked for again
    assert worker.submit(slow.folder, "umap", {"seed": 2}, again=True)["state"] in ("queued", "running")
    worker.cancel(first)
    assert worker.wait(first, PATIENCE)["state"] == "cancelled"


def test_only_so_many_jobs_wait(worker: Worker, slow: Run, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.space.worker.MOST_WAITING", 2)
    keys = [running(worker, slow, 31)]
    keys += [worker.submit(run.folder, "umap", {"seed": seed})["key"] for seed in (32, 33)]
    with pytest.raises(InputError, match="2 projections are waiting already"):
        worker.submit(run.folder, "umap", {"seed": 34})
    assert worker.submit(run.folder, "umap", {"seed": 33})["state"] == "queued"  # it is one of them
    worker.cancel(keys[1])
    keys.append(worker.submit(run.folder, "umap", {"seed": 34})["key"])
    for key in reversed(keys):
        worker.cancel(key)
    assert worker.wait(keys[0], PATIENCE)["state"] == "cancelled"


def test_a_job_that_does_not_heed_a_cancel_is_killed(
    worker: Worker, slow: Run, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = running(worker, slow, seed=4)
    monkeypatch.setattr("explorer.space.worker.PATIENCE", 0.1)
    assert worker._process is not None
    psutil.Process(worker._process.pid).suspend()
    worker.cancel(key)
    assert worker.wait(key, PATIENCE)["state"] == "cancelled"
    assert worker.wait(worker.submit(run.folder, "pca", {})["key"], PATIENCE)["state"] == "done"


def test_a_crash_fails_its_job_and_the_next_one_works(worker: Worker, slow: Run, run: Run) -> None:
    key = running(worker, slow, seed=5)
    after = worker.submit(run.folder, "umap", {"seed": 6})["key"]
    assert worker._process is not None
    old = worker._process.pid
    os.kill(old, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    failed = worker.wait(key, PATIENCE)
    assert failed["state"] == "failed"
    assert "the process that computed it ended" in failed["error"]
    assert worker.wait(after, PATIENCE)["state"] == "done"
    assert worker._process.pid != old
    assert worker.submit(slow.folder, "umap", {"seed": 5})["state"] == "failed"


def test_what_cannot_be_projected_fails_with_its_sentence(worker: Worker, run: Run, tmp_path: Path) -> None:
    failed = worker.wait(worker.submit(run.folder, "plane", {})["key"], PATIENCE)
    assert failed["state"] == "failed"
    assert "this run has 8" in failed["error"]
    with pytest.raises(InputError, match="unknown projection"):
        worker.submit(run.folder, "tsne", {})
    with pytest.raises(InputError):
        worker.submit(tmp_path / "nowhere", "pca", {})
    for ask in (worker.status, worker.cancel):
        with pytest.raises(InputError, match="no job 'nothing'"):
            ask("nothing")


def test_warming_up_compiles_ahead_of_need(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    try:
        worker.warm_up()
        until(lambda: WARM_UP in worker._jobs)
        assert worker.wait(WARM_UP, PATIENCE)["state"] == "done"
        numba_cache = os.environ.get("NUMBA_CACHE_DIR") or tmp_path / "numba"
        assert list(Path(numba_cache).rglob("*.nbc"))
    finally:
        worker.close()


def test_a_closed_worker_leaves_no_process_and_no_waiting_job(slow: Run, tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    keys = [running(worker, slow, seed=7), worker.submit(slow.folder, "umap", {"seed": 8})["key"]]
    process = worker._process
    assert process is not None
    worker.close()
    assert process.poll() is not None
    assert [worker.status(key)["state"] for key in keys] == ["cancelled", "cancelled"]
    with pytest.raises(InputError, match="ending"):
        worker.submit(slow.folder, "umap", {"seed": 9})


SERVER = """
import sys, time
from pathlib import Path
from explorer.space.worker import Worker
worker = Worker(Path(sys.argv[1]))
key = worker.submit(Path(sys.argv[2]), "umap", {})["key"]
while worker.status(key)["state"] == "queued":
    time.sleep(0.01)
print(worker._process.pid, flush=True)
assert sys.argv[3] == "killed" or worker.wait(key, 120)["state"] == "done"
assert not {"umap", "numba", "torch", "scipy", "sklearn"} & set(sys.modules)
worker.close() if sys.argv[3] == "closed" else time.sleep(3600 if sys.argv[3] == "killed" else 0)
"""


@pytest.mark.parametrize("end", ["closed", "forgotten", "killed"])
def test_the_server_imports_no_numba_and_its_end_is_the_worker_s(slow: Run, run: Run, tmp_path: Path, end: str) -> None:
    folder = slow.folder if end == "killed" else run.folder
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", SERVER, str(tmp_path), str(folder), end],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    with server.stdout:
        worker = int(server.stdout.readline())
    if end == "killed":
        server.kill()
        server.wait()
    else:
        assert server.wait(PATIENCE) == 0
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(worker).wait(PATIENCE)
    assert not psutil.pid_exists(worker)
