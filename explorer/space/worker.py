"""The process that computes projections: one, apart from the server, that may be slow, large or crash.

Why apart: numba takes a second to import and, once per installation, some to compile; a layout takes all cores; and
whatever ends that process ends one job and not the page. The server sends requests and hears of progress, both as
lines of JSON on the process's input and output; results are left in the cache folder. Imports neither numba nor torch:
only `python -m explorer.space.worker`, the process itself, does.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from explorer.space.projection import Cancelled, Frames, Progress, cache_key, load_cached, project, store
from mtm.errors import InputError, NotFoundError
from mtm.run_folder.files import jsonable
from mtm.runs import Run

PATIENCE = 10.0  # seconds that a cancelled job has to end before its process is killed
REMEMBERED = 200  # jobs that have ended
WARM_UP = "warm-up"  # the key of the job that has numba compile
OVER = ("done", "failed", "cancelled")


@dataclass
class _Job:
    key: str
    request: dict[str, Any]
    state: str = "queued"  # queued, running, or one of OVER
    progress: float = 0.0  # 0..1
    message: str = "waiting"
    error: str | None = None  # a sentence
    cancelling: bool = False
    ended: threading.Event = field(default_factory=threading.Event)

    def status(self) -> dict[str, Any]:
        told = {"state": self.state, "progress": self.progress, "message": self.message, "error": self.error}
        return {"key": self.key} | told


class Worker:
    """Jobs one after the other in one process. Any thread may call; the process starts with the first job."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._waiting: queue.Queue[_Job | None] = queue.Queue()
        self._lock = threading.RLock()
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(
        self,
        run_folder: Path,
        method: str,
        params: Mapping[str, Any],
        again: bool = False,
        names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Ask for a projection of a run's snapshots, all there are now or `names`; the status of its job.

        A job that failed or was cancelled stays so, unless it is asked for `again`. Raises InputError for a run or
        parameters that cannot be.
        """
        run = Run.open(run_folder)
        names = [path.name for path in run.snapshots] if names is None else list(names)
        key = cache_key(run, method, params, self.cache, names)
        request = {"run": str(run_folder), "method": method, "params": jsonable(params), "snapshots": names}
        with self._lock:
            known = self._jobs.get(key)
            if known and (
                known.state in ("queued", "running") or (known.state in ("failed", "cancelled") and not again)
            ):
                return known.status()
            job = _Job(key, request)
            if load_cached(self.cache, key):
                self._jobs[key] = job
                self._end(job, "done")
                return job.status()
            return self._enqueue(job).status()

    def warm_up(self, after: float = 0.0) -> None:
        """Start the process and have numba compile, `after` seconds of doing nothing else; nothing if it is running."""

        def begin() -> None:
            with self._lock:
                if not self._closed and self._process is None and self._waiting.empty():
                    self._enqueue(_Job(WARM_UP, {"warm_up": True}))

        timer = threading.Timer(after, begin)
        timer.daemon = True
        timer.start()

    def status(self, key: str) -> dict[str, Any]:
        """State (queued, running, done, failed, cancelled), progress 0..1, message and error of a job."""
        with self._lock:
            if key not in self._jobs:
                raise NotFoundError(f"there is no job '{key}' (any more)")
            return self._jobs[key].status()

    def cancel(self, key: str) -> dict[str, Any]:
        """End a job; one that is over stays as it is."""
        with self._lock:
            if key not in self._jobs:
                raise NotFoundError(f"there is no job '{key}' (any more)")
            job = self._jobs[key]
            if job.state == "queued":
                self._end(job, "cancelled")
            elif job.state == "running" and not job.cancelling:
                job.cancelling, job.message = True, "cancelling"
                self._send({"cancel": key})
                timer = threading.Timer(PATIENCE, self._kill_if_still, [job, self._process])
                timer.daemon = True
                timer.start()
            return job.status()

    def wait(self, key: str, seconds: float) -> dict[str, Any]:
        """The status when the job is over, or after that long."""
        with self._lock:
            job = self._jobs.get(key)
        if job:
            job.ended.wait(seconds)
        return self.status(key)

    def close(self) -> None:
        """End the process and every job."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                if job.state == "queued":
                    self._end(job, "cancelled")
                job.cancelling = True
            process = self._process
        self._waiting.put(None)
        if process:
            process.kill()
        if self._thread:
            self._thread.join(PATIENCE)

    # Private

    def _enqueue(self, job: _Job) -> _Job:
        if self._closed:
            raise InputError("the program is ending")
        over = [key for key, known in self._jobs.items() if known.state in OVER]
        for key in over[: max(0, len(over) - REMEMBERED)]:
            del self._jobs[key]
        self._jobs[job.key] = job
        self._waiting.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="projections", daemon=True)
            self._thread.start()
        return job

    def _end(self, job: _Job, state: str, error: str | None = None) -> None:
        job.state, job.error, job.message = state, error, {"done": "ready"}.get(state, state)
        job.progress = 1.0 if state == "done" else job.progress
        job.ended.set()

    def _work(self) -> None:
        """What the thread does: give the process one job at a time, and hear of it until it is over."""
        while (job := self._waiting.get()) is not None:
            with self._lock:
                if self._closed or job.state != "queued":
                    continue
                job.state, job.message = "running", "starting"
                try:
                    self._start()
                    self._send({"key": job.key} | job.request)
                except OSError as error:
                    self._end(job, "failed", f"the process that computes projections cannot start: {error.strerror}")
                    continue
                process = self._process
            assert process is not None
            self._hear(job, process)
        with self._lock:
            self._dispose()

    def _dispose(self) -> int:
        """Make sure that the process is gone and nothing of it is left; its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        code = process.poll()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what was not yet sent cannot be
                if stream:
                    stream.close()
        return process.returncode if code is None else code

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._dispose()
        self.cache.mkdir(parents=True, exist_ok=True)
        # compiled code is kept with the projections: site-packages may not be ours to write to
        kept = {"NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR") or str(self.cache / "numba")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.space.worker", str(self.cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | kept,
        )

    def _send(self, request: Mapping[str, Any]) -> None:
        process = self._process
        if process and process.stdin:
            with contextlib.suppress(OSError):  # it is gone: `_hear` finds out
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()

    def _hear(self, job: _Job, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                told = json.loads(line)
            except ValueError:  # the process ended in the middle of it
                continue
            with self._lock:
                if told["state"] != "running":
                    self._end(job, told["state"], told.get("error"))
                    return
                job.progress = told["progress"]
                job.message = job.message if job.cancelling else told["message"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)  # for its own exit code
        with self._lock:
            code = self._dispose()
            if job.cancelling:
                self._end(job, "cancelled")
            else:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                self._end(job, "failed", f"the process that computed it ended ({how}); perhaps memory ran out")

    def _kill_if_still(self, job: _Job, process: subprocess.Popen[str] | None) -> None:
        with self._lock:
            if job.state == "running" and process is self._process and process is not None:
                process.kill()


# The process


def serve(cache: Path, requests: IO[str], answers: IO[str]) -> None:
    """Do the jobs that come in on `requests` until it ends, and tell of them on `answers`."""
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    unwanted: set[str] = set()

    def listen() -> None:
        for line in requests:
            request = json.loads(line)
            if "cancel" in request:
                unwanted.add(request["cancel"])
            else:
                unwanted.discard(request["key"])
                jobs.put(request)
        os._exit(0)  # the server is gone: nobody waits for what is being computed

    threading.Thread(target=listen, daemon=True).start()
    while True:
        request = jobs.get()
        key = request["key"]
        last = 0.0

        def tell(state: str, key: str = key, **more: object) -> None:
            answers.write(json.dumps({"key": key, "state": state} | more) + "\n")
            answers.flush()

        def progress(share: float, what: str) -> None:
            nonlocal last
            if time.monotonic() - last > 0.1:
                last = time.monotonic()
                tell("running", progress=round(share, 4), message=what)

        try:
            _do(request, cache, progress, lambda key=key: key in unwanted)
            tell("done")
        except Cancelled:
            tell("cancelled")
        except InputError as error:
            tell("failed", error=str(error))
        except MemoryError:
            tell("failed", error="there is not enough memory for this projection")
        except Exception as error:
            traceback.print_exc()
            tell("failed", error=f"the projection failed: {type(error).__name__}: {error}")


def _do(request: Mapping[str, Any], cache: Path, progress: Any, cancelled: Any) -> None:
    if "warm_up" in request:
        from explorer.space.aligned_umap import compile_ahead

        compile_ahead()
        return
    run, names, params = Run.open(request["run"]), request["snapshots"], request["params"]
    if request["method"] == "umap" and params.get("first") is not None:
        frames = _grown(run, params, names, cache, progress, cancelled)
    else:
        frames = project(run, request["method"], **params, snapshots=names, progress=progress, cancelled=cancelled)
    store(cache, request["key"], frames)


def _grown(
    run: Run,
    params: Mapping[str, Any],
    names: Sequence[str],
    folder: Path,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Frames:
    """UMAP of a run that has grown since its `first` snapshots: each new one joins the layout before it, which stays.

    The layouts on the way are kept in `folder`, under the keys they have as views of the run as it was.
    """
    first = min(params["first"], len(names))
    frames: Frames | None = None
    for n in range(first, len(names) + 1):
        asked: dict[str, Any] = {**params, "first": None if n == first else params["first"]}
        key = cache_key(run, "umap", asked, folder, names[:n])
        kept = load_cached(folder, key)
        if kept is None:
            kept = project(
                run, "umap", **asked, snapshots=names[:n], before=frames, progress=progress, cancelled=cancelled
            )
            store(folder, key, kept)
        frames = kept
    assert frames is not None
    return frames


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; its end closes our input
    if hasattr(os, "nice"):
        os.nice(5)  # the page comes first
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    serve(Path(sys.argv[1]), sys.stdin, answers)


if __name__ == "__main__":
    main()
