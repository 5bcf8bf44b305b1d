"""The signals by which a user or a system ends a program: Ctrl-C, SIGTERM, and SIGHUP when a terminal closes."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block `handler` is called for them; afterwards what was before.

    A SIGHUP that is ignored, as under `nohup`, stays ignored. Only the main thread can have handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hang_up(number: int, frame: FrameType | None) -> None:
        _let_go_of_terminal()
        handler(number, frame)

    before = {number: signal.getsignal(number) for number in _numbers()}
    for number, old in before.items():
        if number == signal.SIGINT or old is not signal.SIG_IGN:
            signal.signal(number, hang_up if number.name == "SIGHUP" else handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def ignore() -> None:
    """From now on none of them counts: the program is about to end anyhow."""
    if threading.current_thread() is threading.main_thread():
        for number in _numbers():
            signal.signal(number, signal.SIG_IGN)


def interrupt(number: int, frame: FrameType | None) -> None:
    """A handler that raises KeyboardInterrupt, as Python's own does for Ctrl-C."""
    raise KeyboardInterrupt


def _let_go_of_terminal() -> None:
    """What is printed from now on goes nowhere: writing to a terminal that was closed is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with suppress(OSError):  # it is closed
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
