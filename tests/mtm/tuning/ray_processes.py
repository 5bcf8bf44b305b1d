"""Processes that start a Ray of their own."""

from __future__ import annotations

import contextlib
import subprocess

import psutil


def kill_with_ray(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """End a process that has started a Ray, and that."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        for child in sorted(children, key=lambda c: c.name() not in ("gcs_server", "raylet")):  # Ray itself first
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        process.kill()
        process.wait()
