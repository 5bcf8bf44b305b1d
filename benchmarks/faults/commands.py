"""Commands as processes of their own: real signals, limits on time, memory and file sizes, and what they printed.

A server of forks imports torch once; a command is then there in milliseconds instead of seconds. Where the system
cannot fork (Windows) each command is a new interpreter.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

import psutil

PRELOADED = [
    "torch",
    "sklearn.datasets",
    "pyarrow.parquet",
    "mtm.cli",
    "mtm.data",
    "mtm.train_loop.recorder",
    "explorer.cli",
]
MEMORY = 3 * 2**30  # bytes that a command may take beyond what it has when it begins
TRACEBACK = "Traceback (most recent call last)"
CODES = (0, 1, 2, 130)


class Failure(Exception):
    """What should hold does not; the sentence says what was seen."""


def check(holds: object, sentence: str) -> None:
    """Raise Failure with the sentence unless it holds."""
    if not holds:
        raise Failure(sentence)


@contextlib.contextmanager
def told(story: str) -> Iterator[None]:
    """What fails in the block says what was done before."""
    try:
        yield
    except Exception as error:
        kind = "" if isinstance(error, Failure) else f"{type(error).__name__}: "
        raise Failure(f"{story}: {kind}{error}") from error


def _context() -> ForkServerContext | SpawnContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


class Commands:
    """Starts commands in `folder` and ends those that are left over."""

    def __init__(self, folder: Path, patience: float) -> None:
        self.folder, self.patience = folder, patience
        self.context = _context()
        self.begun: list[Command] = []

    def start(
        self, program: str, *arguments: object, where: Path | None = None, file_size: int | None = None
    ) -> Command:
        """Start `mtm ...` or `explorer ...`, in a folder; with `file_size` no file may grow beyond so many bytes."""
        argv = [program, *map(str, arguments)]
        out = self.folder / f"out-{len(self.begun)}"
        process = self.context.Process(target=_run, args=(argv, where or self.folder, out, file_size))
        process.start()
        until(lambda: out.with_suffix(".begun").exists() or not process.is_alive(), self.patience)
        self.begun.append(Command(argv, process, out, self.patience))
        return self.begun[-1]

    def run(self, program: str, *arguments: object) -> Command:
        """A command that has ended as a command should."""
        command = self.start(program, *arguments)
        command.wait()
        command.check_end()
        return command

    def close(self) -> None:
        for command in self.begun:
            command.kill()


class Command:
    """A command at work, or ended."""

    def __init__(
        self, argv: list[str], process: multiprocessing.process.BaseProcess, out: Path, patience: float
    ) -> None:
        self.argv, self.process, self.patience = argv, process, patience
        self.files = out.with_suffix(".out"), out.with_suffix(".err")

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self.process.exitcode

    @property
    def out(self) -> str:
        return self._read(0)

    @property
    def err(self) -> str:
        return self._read(1)

    def _read(self, which: int) -> str:
        path = self.files[which]
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def wait(self) -> int:
        """Its exit code. Raises Failure if it takes longer than is right."""
        self.process.join(self.patience)
        if self.code is None:
            self.kill()
            raise Failure(f"{self} hangs: it ran longer than {self.patience:g} s")
        return self.code

    def kill(self) -> None:
        """End it, and what it has started."""
        if self.process.is_alive() and self.process.pid:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    child.kill()
            self.process.kill()
            self.process.join()

    def check_end(self, codes: tuple[int, ...] = CODES) -> None:
        """One of the exit codes, no traceback, and one sentence where it was not done."""
        said = self.out + self.err
        check(TRACEBACK not in said, f"{self} printed a traceback: {said[said.find(TRACEBACK) :][-1500:]}")
        check(self.code in codes, f"{self} ended with {self.code}: {self.err[-500:]}")
        if self.code in (1, 2, 130):
            lines = [line for line in self.err.splitlines() if line.strip()]
            check(len(lines) == 1, f"{self} ended with {self.code} and said {len(lines)} lines: {self.err[-700:]!r}")
            most = 1000 + max(map(len, self.argv))  # what was given may be in it
            check(len(lines[0]) < most, f"{self} said a sentence of {len(lines[0]):,} letters")

    def __str__(self) -> str:
        return " ".join(argument if len(argument) < 80 else f"{argument[:60]}..." for argument in self.argv)


def _run(argv: list[str], folder: Path, out: Path, file_size: int | None) -> None:
    """In the new process: become the command."""
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, wherever the bench was started
    os.chdir(folder)
    for number, ending in ((1, ".out"), (2, ".err")):
        descriptor = os.open(out.with_suffix(ending), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = argv
    _limit(file_size)
    out.with_suffix(".begun").touch()  # a signal is the command's from now on
    os._exit(_exit_code(argv[0]))


def _exit_code(program: str) -> int:
    """The exit code that the command would have as a program of its own."""
    code: object = 1
    try:
        if program == "mtm":
            from mtm.cli import main
        else:
            from explorer.cli import main
        main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    return code if isinstance(code, int) else 0 if code is None else 1


def _limit(file_size: int | None) -> None:
    """Keep this process within the memory that the bench grants, and its files within a size."""
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):  # not every system counts address space
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if file_size is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)  # what it prints is a file too
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))


def until(holds: Callable[[], object], seconds: float, interval: float = 0.01) -> bool:
    """Whether something comes to hold within the time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True
