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
M_MMAP_THRESHOLD, LARGE = -3, 1 << 20  # glibc's number of the setting; bytes


def begin_giving_back() -> None:
    """Give freed memory back as long as the process lives, where the C library has a way (glibc).

    Arrays of a MB and more do at once: glibc would move that limit up to 32 MB by itself, and what is below it lies
    among what is still in use.
    """
    library = ctypes.CDLL(None)
    if sys.platform == "linux" and hasattr(library, "malloc_trim"):
        library.mallopt(M_MMAP_THRESHOLD, LARGE)
        threading.Thread(target=_give_back_forever, name="memory", daemon=True).start()


def give_back() -> None:
    """Give freed memory back now."""
    ctypes.CDLL(None).malloc_trim(0)


def _give_back_forever() -> None:
    while True:
        time.sleep(INTERVAL_SECONDS)
        give_back()
