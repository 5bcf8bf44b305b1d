"""The state of a run, and whether the process that wrote it is still there."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from mtm.run_folder.readers import drop_misfits, read_json
from mtm.text import printable, shorten

ALIVE_SECONDS = 120  # a run on another machine counts as interrupted when its heartbeat is older
ENDED = ("finished", "stopped", "failed")
STATES = ("queued", "training", "finished", "stopped", "failed", "interrupted")


@dataclass(frozen=True)
class Status:
    """What a run is doing. `state` is one of STATES; `interrupted` is set by readers, never written."""

    state: str = "queued"
    epoch: float = 0.0
    progress: float = 0.0  # 0 to 1
    images_per_second: float | None = None
    seconds_left: float | None = None
    loss: float | None = None
    error: str | None = None
    heartbeat: float = 0.0  # seconds since 1970
    host: str = ""
    pid: int = 0
    pid_started: float = 0.0

    def as_seen_now(self) -> Status:
        """This status, `interrupted` instead of `training` when the process that wrote it is gone."""
        return replace(self, state="interrupted") if self.state == "training" and not self.is_alive() else self

    def is_alive(self) -> bool:
        """Whether the process that wrote this is still running (on another machine: still writing)."""
        try:
            if self.host != socket.gethostname():
                return time.time() - self.heartbeat < ALIVE_SECONDS
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.pid_started) < 1
            return is_same and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, TypeError, ValueError, OverflowError):  # no such process, or a status that makes no sense
            return False

    def is_written_elsewhere(self) -> bool:
        """Whether a process on another machine trains."""
        return self.state == "training" and self.host != socket.gethostname() and self.is_alive()

    def signed(self) -> Status:
        """This status as written by this process, now."""
        me = psutil.Process()
        return replace(self, heartbeat=time.time(), host=socket.gethostname(), pid=me.pid, pid_started=me.create_time())


KINDS: dict[str, type] = dict.fromkeys(("state", "error", "host"), str) | {"pid": int}
KINDS |= dict.fromkeys(
    ("epoch", "progress", "images_per_second", "seconds_left", "loss", "heartbeat", "pid_started"), float
)


def read_status(path: Path) -> tuple[Status, str | None]:
    """What a status.json says, and what is wrong with it: then the run counts as interrupted."""
    stored, problem = read_json(path)
    return (Status(state="interrupted"), problem) if problem else check_status(stored, path.name)


def check_status(stored: Mapping[str, Any], name: str) -> tuple[Status, str | None]:
    """A status as it is stored in a file of this name, and what is wrong with it."""
    values, problems = drop_misfits(stored, KINDS, name)
    given = {key: value for key, value in values.items() if key in KINDS}
    required = ("state", "epoch", "progress", "heartbeat", "host", "pid", "pid_started")
    status = Status(**{key: value for key, value in given.items() if value is not None or key not in required})
    if status.state not in STATES:
        problems.append(f"{name}: unknown state '{shorten(printable(status.state))}'")
    return (replace(status, state="interrupted"), problems[0]) if problems else (status, None)
