"""The devices of this machine with their free memory, listed without importing torch in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import psutil

from mtm.train_loop.rough_speed import may_have_gpu

FRESH_SECONDS = 60.0  # after which the free memory of GPUs is read again
TIMEOUT_SECONDS = 120.0  # for the process that imports torch


@dataclass(frozen=True)
class Device:
    """A device by torch's name (`cpu`, `cuda:0`, `mps`), the name on its box, and its memory in bytes."""

    name: str
    title: str
    free: int | None = None
    total: int | None = None


class Devices:
    """The devices of this machine; GPUs are listed by a process of its own with torch, and only where one may exist."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._may_have_gpu = may_have_gpu()
        self._gpus: list[Device] | None = None if self._may_have_gpu else []
        self._refreshed_at = 0.0

    def all(self) -> list[Device]:
        """GPUs first, then the processor; the first call waits for torch where a GPU may exist."""
        with self._lock:
            if self._gpus is None:
                self._query()
            return [*(self._gpus or []), processor()]

    def refresh(self) -> None:
        """Read the memory of the GPUs again, in the background, if the last reading is old."""
        with self._lock:
            if not self._may_have_gpu or time.monotonic() - self._refreshed_at < FRESH_SECONDS:
                return
            self._refreshed_at = time.monotonic()
        threading.Thread(target=self._query, daemon=True).start()

    def device_of(self, name: str) -> str:
        """The device that a config's `device` means here: `auto` is the first, `cuda` the first GPU."""
        if name == "auto":
            return self.all()[0].name
        return "cuda:0" if name == "cuda" else name

    def _query(self) -> None:
        command = [sys.executable, "-m", "explorer.train.preview_process", "devices"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True).stdout
            gpus = [Device(**device) for device in json.loads(answer)]
        except (OSError, subprocess.SubprocessError, ValueError):
            gpus = self._gpus or []  # the query may fail while a GPU is full; the GPU is still there
        self._gpus, self._refreshed_at = gpus, time.monotonic()


def processor() -> Device:
    """This machine's processor, as a device."""
    memory = psutil.virtual_memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1
    return Device("cpu", f"processor, {cores} core{'s' * (cores != 1)}", int(memory.available), int(memory.total))
