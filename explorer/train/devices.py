"""The devices that are really here, with their free memory, found without importing torch in this process."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

FRESH_SECONDS = 60.0  # how long what a GPU said of its memory is believed
PATIENCE = 120.0  # seconds to ask torch


@dataclass(frozen=True)
class Device:
    """A device by torch's name (`cpu`, `cuda:0`, `mps`), the name on its box, and its memory in bytes."""

    name: str
    title: str
    free: int | None = None
    total: int | None = None


class Devices:
    """The devices of this machine; torch is asked in a process of its own, and only where there may be a GPU."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._may_have_gpu = may_have_gpu()
        self._gpus: list[Device] | None = None if self._may_have_gpu else []
        self._asked = 0.0

    def devices(self) -> list[Device]:
        """GPUs first, then the processor; waits for torch the first time that there may be a GPU."""
        with self._lock:
            if self._gpus is None:
                self._ask()
            return [*(self._gpus or []), processor()]

    def refresh(self) -> None:
        """Have the GPUs asked again, in the background, if what they said is old."""
        with self._lock:
            if not self._may_have_gpu or time.monotonic() - self._asked < FRESH_SECONDS:
                return
            self._asked = time.monotonic()
        threading.Thread(target=self._ask, daemon=True).start()

    def device_of(self, wanted: str) -> str:
        """The device that a config's `device` means here: `auto` is the first, `cuda` the first GPU."""
        if wanted == "auto":
            return self.devices()[0].name
        return "cuda:0" if wanted == "cuda" else wanted

    def _ask(self) -> None:
        command = [sys.executable, "-m", "explorer.train.preview_process", "devices"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
            found = [Device(**device) for device in json.loads(answer)]
        except (OSError, subprocess.SubprocessError, ValueError):
            found = self._gpus or []  # a GPU that is full may not answer, and is there all the same
        self._gpus, self._asked = found, time.monotonic()


def processor() -> Device:
    """This machine's processor, as a device."""
    memory = psutil.virtual_memory()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count() or 1
    return Device("cpu", f"processor, {cores} core{'s' * (cores != 1)}", int(memory.available), int(memory.total))


def may_have_gpu() -> bool:
    """Whether asking torch is worth its seconds: a driver of NVIDIA or AMD, or one of Apple's own processors."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return shutil.which("nvidia-smi") is not None or any(Path(p).exists() for p in ("/dev/nvidiactl", "/dev/kfd"))
