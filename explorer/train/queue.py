"""Trainings that outlive the page: a queue with one job per device, each training a process of its own.

All state is in the run folders, so a server that is started again finds it there:

    status.json    queued: it waits, and is started by the server that queued it or, once that is gone, by any other
    process.json   the process that was started for it (a `Status`): while it lives and the status is still `queued` the
                   training is starting; if it ends before that, the training failed before it began
    log.txt        the output of that process
    stop           a request to stop, which the training obeys at a checkpoint

The process runs `mtm resume FOLDER`, detached from the server. Only a process whose id and start time are those in
process.json is ever sent a signal, and only before it has begun to train.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from explorer.library import DEMO, Library, open_run
from explorer.train.log import LOG, append_header, append_line, find_failure
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.run_folder.files import open_to_append, remove, stamp_of, write_json
from mtm.run_folder.names import check_name
from mtm.run_folder.status import Status, read_status
from mtm.runs import Run
from mtm.train_loop.locations import make_free_folder, with_absolute_paths

PROCESS = "process.json"
INTERVAL_SECONDS = 1.0  # between two times that the queue is advanced, besides those of the page
ACTIVE = ("starting", "training", "stopping")  # a process is at work
RESUMABLE = ("stopped", "interrupted", "failed")
COMMAND = (sys.executable, "-m", "mtm", "resume")  # and the run folder
DETACHED: dict[str, Any] = (
    {"creationflags": 0x00000208}  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    if sys.platform == "win32"
    else {"start_new_session": True}
)


@dataclass(frozen=True)
class Job:
    """A run that is, was or will be trained. `state` is one of mtm's STATES, or `starting` or `stopping`."""

    id: str
    run: Run
    state: str
    status: Status
    process: Status | None = None  # the one that was started for it

    @property
    def configured_device(self) -> str:
        """The `device` of its config."""
        return str(self.run.info["config"].get("device", "auto"))

    @cached_property
    def epoch(self) -> float:
        """How far it came: the epoch of its status, which is a second behind, or of the newest snapshot."""
        rows = self.run.metrics if self.state not in ACTIVE else []
        return max([self.status.epoch, *(float(row["epoch"]) for row in rows[-1:])])

    @property
    def may_start(self) -> bool:
        """Whether it waits and this process may start it: the process that queued it is this one, or gone."""
        return self.state == "queued" and (self.status.pid == os.getpid() or not self.status.is_alive())


class JobQueue:
    """The trainings in the library's folder. Any thread may call; `device_of` maps a config's `device` to a name."""

    def __init__(self, library: Library, device_of: Callable[[str], str]) -> None:
        self.library, self.device_of = library, device_of
        self._lock = threading.RLock()
        self._ended: dict[str, tuple[object, Job]] = {}
        self._refused: dict[str, str] = {}  # by run, why no process could be started: maybe nothing can be written
        self._reported: set[tuple[str, type]] = set()
        self._closed = threading.Event()

    def begin(self) -> None:
        """Advance the queue now and then, whether or not a page is open."""
        threading.Thread(target=self._watch, name="queue", daemon=True).start()

    def close(self) -> None:
        """Start nothing more; what is training goes on."""
        self._closed.set()

    def all(self) -> list[Job]:
        """Every run that has a config to train it with, in no order; reads only runs that have changed."""
        jobs, ids, known = [], self.library.ids(), self._ended
        self._ended = {run_id: known[run_id] for run_id in ids if run_id in known}  # the others are gone
        for run_id in ids:
            if not run_id.startswith(f"{DEMO}/"):
                with self._one_bad_run(run_id):
                    jobs.append(self._load(run_id))
        return [job for job in jobs if job is not None]

    def busy(self) -> bool:
        """Whether a process is at work on one of them."""
        return any(job.state in ACTIVE for job in self.all())

    def get(self, run_id: str) -> Job:
        """One job. Raises InputError for a run that is not there, is bundled, or was not trained by mtm."""
        self.library.folder(run_id)
        job = None if run_id.startswith(f"{DEMO}/") else self._load(run_id)
        if job is None:
            raise InputError(f"'{run_id}' cannot be trained here; it is bundled, or recorded by another program")
        return job

    def add(self, config: TrainConfig, name: str | None = None, command: Sequence[str] = ()) -> str:
        """Put a training in the queue; its id. Raises InputError for a name that is not valid or taken.

        `command` are the arguments of `mtm` for the same training, recorded in the run's config.json.
        """
        with self._lock:
            runs = self.library.runs_folder
            if name and (runs / check_name(name)).exists():
                raise InputError(f"there is already a run '{name}'; choose another name")
            folder = runs / name if name else make_free_folder(runs, config)
            Run.create(folder, with_absolute_paths(config), notes={"command": list(command)})
            self.advance()
        return folder.name

    def stop(self, run_id: str) -> None:
        """Stop a training at a checkpoint, or take a waiting one out of the queue. Raises InputError for others."""
        with self._lock:
            job = self.get(run_id)
            if job.state == "queued":
                self._write_state(job, "stopped")
            elif job.state not in ACTIVE:
                raise InputError(f"'{run_id}' is {job.state}; there is nothing to stop")
            else:
                job.run.request_stop()
                if job.state == "starting" and job.process:  # a training that begins forgets older requests
                    terminate(job.process)

    def resume(self, run_id: str) -> None:
        """Put a training that ended early in the queue again. Raises InputError for others."""
        with self._lock:
            job = self.get(run_id)
            if job.state not in RESUMABLE:
                raise InputError(f"'{run_id}' is {job.state}; only what was stopped, interrupted or failed is resumed")
            self._refused.pop(run_id, None)
            for name in (PROCESS, "stop"):
                remove(job.run.folder / name)
            self._write_state(job, "queued")
            self.advance()

    def remove(self, run_id: str) -> None:
        """Delete a run and everything recorded in it. Raises InputError while a process is at work on it."""
        with self._lock:
            job = self.get(run_id)
            if job.state in ACTIVE:
                raise InputError(f"'{run_id}' is being trained right now; stop it first")
            self.library.delete(run_id)

    def advance(self) -> None:
        """Record why trainings could not begin, and start those that wait for a device that is free."""
        with self._lock:
            if self._closed.is_set():
                return
            jobs = self.all()
            for job in jobs:
                if job.state in ("failed", "stopped") and job.status.state == "queued":  # not recorded yet
                    with self._one_bad_run(job.id):
                        self._write_state(job, job.state, job.status.error)
            waiting = [job for job in waiting_jobs(jobs) if job.may_start]
            if waiting:
                busy = {self.device_of(job.configured_device) for job in jobs if job.state in ACTIVE}
                for job in waiting:
                    device = self.device_of(job.configured_device)
                    if device not in busy:
                        with self._one_bad_run(job.id):
                            self._start(job)
                            busy.add(device)

    # Private

    def _watch(self) -> None:
        while not self._closed.wait(INTERVAL_SECONDS):
            self._advance_anyway()

    def _advance_anyway(self) -> None:
        """Advance; what goes wrong for all runs, such as a folder that is away, is tried again next time."""
        with self._one_bad_run("the queue"):
            self.advance()

    @contextlib.contextmanager
    def _one_bad_run(self, name: str) -> Iterator[None]:
        """A block in which what goes wrong with one run leaves the others alone; what nobody foresaw is logged once."""
        try:
            yield
        except (InputError, OSError):  # the list of runs says it
            return
        except Exception as error:
            if (name, type(error)) not in self._reported:
                self._reported.add((name, type(error)))
                logging.getLogger(__name__).error("%s was passed over", name, exc_info=error)

    def _load(self, run_id: str) -> Job | None:
        """A run as a job; None if it has no config. Jobs that ended are cached until their files change.

        Raises InputError for a run that is gone or cannot be read.
        """
        folder = self.library.folder(run_id)
        stamps = tuple(stamp_of(folder / name) for name in ("config.json", "status.json", PROCESS))
        entry = self._ended.get(run_id)
        if entry and entry[0] == stamps:
            return entry[1]
        run = open_run(folder)
        if not isinstance(run.info.get("config"), dict):
            return None
        job = _make_job(run_id, run)
        if job.state == "queued" and run_id in self._refused:
            job = replace(job, state="failed", status=replace(job.status, error=self._refused[run_id]))
        if job.state in ("finished", *RESUMABLE) and job.status.state == job.state:
            self._ended[run_id] = stamps, job
        return job

    def _write_state(self, job: Job, state: str, error: str | None = None) -> None:
        """Write a state that the job's own process did not write; its epoch and progress stay."""
        at = job.epoch / max(1, job.run.info["config"].get("epochs") or 1)
        job.run.set_status(state=state, error=error, epoch=job.epoch, progress=max(job.status.progress, min(1.0, at)))

    def _start(self, job: Job) -> None:
        """Start the process of a waiting job; if that fails, the job has failed."""
        folder, process = job.run.folder, None
        environment = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "COLUMNS": "120"}
        try:
            append_header(folder, f"mtm resume {folder}")
            with open_to_append(folder / LOG) as log:
                process = subprocess.Popen(
                    [*COMMAND, str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=os.environ | environment,
                    **DETACHED,
                )
            started = psutil.Process(process.pid).create_time()
            write_json(folder / PROCESS, asdict(replace(Status().signed(), pid=process.pid, pid_started=started)))
        except (OSError, psutil.Error) as error:
            if process is not None:
                process.kill()  # nobody would know of it
                process.wait()
            why = error.strerror if isinstance(error, OSError) else None
            self._refused[job.id] = f"the training could not be started: {why or error}"
            self._write_state(job, "failed", self._refused[job.id])
            return
        threading.Thread(target=self._wait, args=(process, job), name=f"job {job.id}", daemon=True).start()

    def _wait(self, process: subprocess.Popen[bytes], job: Job) -> None:
        """Wait until a process ends, add to its log which signal ended it, if one did, and advance the queue."""
        code, folder, config = process.wait(), job.run.folder, job.run.info["config"]
        if code < 0 and not (folder / "stop").exists():
            name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
            lower = f"lower batch_size ({config.get('batch_size')}) or record ({config.get('record')})"
            append_line(
                folder,
                f"explorer: the process was ended by {name}; if nobody did that, memory may have run out: {lower}",
            )
        self._advance_anyway()


def waiting_jobs(jobs: Sequence[Job]) -> list[Job]:
    """The jobs that wait, the longest waiting first."""
    return sorted((job for job in jobs if job.state == "queued"), key=lambda job: (job.status.heartbeat, job.id))


def terminate(process: Status) -> None:
    """End a process that was started here; nothing happens if it is gone, on another machine, or not the same one."""
    with contextlib.suppress(psutil.Error):
        if process.host == socket.gethostname() and process.is_alive():
            psutil.Process(process.pid).terminate()  # psutil compares the start time once more


def _make_job(run_id: str, run: Run) -> Job:
    status, process = run.status, _read_process(run.folder)
    state = status.state
    if state == "training" and run.stop_requested():
        state = "stopping"
    if state == "queued" and process:
        if process.is_alive():
            state = "stopping" if run.stop_requested() else "starting"
        elif run.stop_requested():
            state = "stopped"
        else:
            state, status = "failed", replace(status, error=find_failure(run.folder))
    return Job(run_id, run, state, status, process)


def _read_process(folder: Path) -> Status | None:
    """The process that was started for a run, None without one or if the file is damaged."""
    status, problem = read_status(folder / PROCESS)
    return None if problem else status
