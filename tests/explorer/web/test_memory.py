"""Memory that was freed goes back to the system, without anybody asking."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
from conftest import PATIENCE

CODE = f"""
import psutil, threading, time
from explorer.web import memory
memory.INTERVAL_SECONDS = 0.05
taken, kept = [], []
def take():
    for _ in range(2000):
        taken.append(bytearray(100_000))
        kept.append(bytearray(1000))
thread = threading.Thread(target=take)
thread.start()
thread.join()
taken.clear()
held = psutil.Process().memory_info().rss
assert held > 150e6, held  # the C library has it
memory.begin_giving_back()
end = time.monotonic() + {PATIENCE}
while psutil.Process().memory_info().rss > held - 150e6:
    assert time.monotonic() < end, psutil.Process().memory_info().rss
    time.sleep(0.05)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="other C libraries have no way"
)
def test_freed_memory_goes_back() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)
