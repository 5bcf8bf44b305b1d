"""Memory that the program has freed goes back to the system, now and then.

The C library keeps freed memory for later, every thread a share of its own: after landscapes of the lab a server
held 800 MB with the objects of 714.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time

INTERVAL_SECONDS = 60.0


def begin_giving_back() -> None:
    """Give freed memory back as long as the process lives, where the C library has a way (glibc)."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        threading.Thread(target=_give_back_forever, name="memory", daemon=True).start()


def give_back() -> None:
    """Give freed memory back now."""
    ctypes.CDLL(None).malloc_trim(0)


def _give_back_forever() -> None:
    while True:
        time.sleep(INTERVAL_SECONDS)
        give_back()
