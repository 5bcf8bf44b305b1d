"""The process that computes projections: one, apart from the server, that may be slow, large or crash.

Why apart: numba takes a second to import and, once per installation, some to compile; a layout takes all cores; and
whatever ends that process ends one job and not the page. The server sends requests and receives messages about their
progress, both as lines of JSON on the process's input and output; results are left in the cache folder. This module
imports neither numba nor torch: only `python -m explorer.space.worker`, the process itself, does.
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

from explorer.library import open_run
from explorer.space.digests import FileDigests
from explorer.space.frames import Frames, load_cached, store
from explorer.space.projections import PROJECTIONS, Cancelled, Progress, cache_key, project
from mtm.errors import InputError, NotFoundError
from mtm.run_folder.files import jsonable
from mtm.runs import Run

PATIENCE = 10.0  # seconds that a cancelled job has to end before its process is killed
MOST_WAITING = 20  # jobs
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
        return {
            "key": self.key,
            "state": self.state,
            "progress": self.progress,
            "message": self.message,
            "error": self.error,
        }


class Worker:
    """Jobs one after the other in one process. Any thread may call; the process starts with the first job."""

    def __init__(self, cache: Path, digests: FileDigests | None = None) -> None:
        self.cache, self.digests = cache, digests or FileDigests(cache)
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
        options: Mapping[str, Any],
        again: bool = False,
        names: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Queue a projection of a run's snapshots, all there are now or `names`; returns the status of its job.

        A job that failed or was cancelled stays so, unless `again` is true. Raises InputError for a run or options
        that cannot be, and while too many wait already.
        """
        run = open_run(run_folder)
        names = [path.name for path in run.snapshots] if names is None else list(names)
        key = cache_key(run, method, options, self.digests, names)
        request = {"run": str(run_folder), "method": method, "options": jsonable(options), "snapshots": names}
        with self._lock:
            old = self._jobs.get(key)
            if old and (old.state in ("queued", "running") or (old.state in ("failed", "cancelled") and not again)):
                return old.status()
            job = _Job(key, request)
            if load_cached(self.cache, key):
                self._jobs[key] = job
                self._end(job, "done")
                return job.status()
            if sum(each.state == "queued" for each in self._jobs.values()) >= MOST_WAITING:
                raise InputError(f"{MOST_WAITING} projections are waiting already; cancel one, or wait for one")
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
        over = [key for key, old in self._jobs.items() if old.state in OVER]
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
        """What the thread does: give the process one job at a time, and follow it until it is over."""
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
            self._follow(job, process)
        with self._lock:
            self._dispose()

    def _dispose(self) -> int:
        """End the process, if it has not ended, and close its streams; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        code = process.poll()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # closing flushes what was not sent yet, which fails
                if stream:
                    stream.close()
        return process.returncode if code is None else code

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._dispose()
        self.cache.mkdir(parents=True, exist_ok=True)
        # compiled code is cached beside the projections: site-packages may not be ours to write to
        numba_cache = {"NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR") or str(self.cache / "numba")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "explorer.space.worker", str(self.cache)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | numba_cache,
        )

    def _send(self, request: Mapping[str, Any]) -> None:
        process = self._process
        if process and process.stdin:
            with contextlib.suppress(OSError):  # it is gone: `_follow` notices
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()

    def _follow(self, job: _Job, process: subprocess.Popen[str]) -> None:
        """Read the process's messages about a job until it is over, or the process has ended."""
        assert process.stdout is not None
        for line in process.stdout:
            try:
                message = json.loads(line)
            except ValueError:  # the process ended in the middle of it
                continue
            with self._lock:
                if message["state"] != "running":
                    self._end(job, message["state"], message.get("error"))
                    return
                job.progress = message["progress"]
                job.message = job.message if job.cancelling else message["message"]
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
    """Do the jobs that come in on `requests` until it ends; their progress and outcome are written to `answers`."""
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    cancelled: set[str] = set()

    def listen() -> None:
        for line in requests:
            request = json.loads(line)
            if "cancel" in request:
                cancelled.add(request["cancel"])
            else:
                cancelled.discard(request["key"])
                jobs.put(request)
        os._exit(0)  # the server is gone: nobody waits for what is being computed

    threading.Thread(target=listen, daemon=True).start()
    while True:
        request = jobs.get()
        key = request["key"]
        last = 0.0

        def report(state: str, key: str = key, **more: object) -> None:
            answers.write(json.dumps({"key": key, "state": state} | more) + "\n")
            answers.flush()

        def is_cancelled(key: str = key) -> bool:
            return key in cancelled

        def progress(share: float, what: str) -> None:
            nonlocal last
            if time.monotonic() - last > 0.1:
                last = time.monotonic()
                report("running", progress=round(share, 4), message=what)

        try:
            _run_job(request, cache, progress, is_cancelled)
            report("done")
        except Cancelled:
            report("cancelled")
        except InputError as error:
            report("failed", error=str(error))
        except MemoryError:
            report("failed", error="there is not enough memory for this projection")
        except Exception as error:
            traceback.print_exc()
            report("failed", error=f"the projection failed: {type(error).__name__}: {error}")


def _run_job(request: Mapping[str, Any], cache: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
    if "warm_up" in request:
        from explorer.space.projections.aligned_umap import compile_ahead

        compile_ahead()
        return
    run, method = open_run(Path(request["run"])), request["method"]
    options, names = request["options"], request["snapshots"]
    if PROJECTIONS[method].grows and options.get("first") is not None:
        frames = _extended(run, method, options, names, cache, progress, cancelled)
    else:
        frames = project(run, method, **options, snapshots=names, progress=progress, cancelled=cancelled)
    store(cache, request["key"], frames)


def _extended(
    run: Run,
    method: str,
    options: Mapping[str, Any],
    names: Sequence[str],
    folder: Path,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Frames:
    """The layout of a run that has grown since its `first` snapshots: each new one joins those before, which stay.

    The layouts on the way are cached in `folder`, under the keys they have as views of the run as it was.
    """
    first = min(options["first"], len(names))
    digests = FileDigests(folder)
    frames: Frames | None = None
    for n in range(first, len(names) + 1):
        options_then: dict[str, Any] = {**options, "first": None if n == first else options["first"]}
        key = cache_key(run, method, options_then, digests, names[:n])
        extended = load_cached(folder, key)
        if extended is None:
            extended = project(
                run, method, **options_then, snapshots=names[:n], before=frames, progress=progress, cancelled=cancelled
            )
            store(folder, key, extended)
        frames = extended
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
