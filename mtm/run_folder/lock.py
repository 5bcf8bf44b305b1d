"""One process at a time: a lock on a file, which the system takes back when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mtm.errors import InputError
from mtm.run_folder.files import remove_leftovers

UNSUPPORTED = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)  # some network file systems have no locks

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from error

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True)
class Lock:
    """A lock that this process has."""

    path: Path
    file: IO[bytes]

    def is_in_place(self) -> bool:
        """Whether `path` is still the file that was locked: not when its folder was removed, renamed or made anew."""
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # a file system that does not answer just now: who writes there will hear of it
            return True


@contextlib.contextmanager
def exclusive_lock(path: Path) -> Iterator[Lock]:
    """A block that one process at a time can be in, by a lock on the file `path`, which is there meanwhile.

    Raises BlockingIOError at once while another is in it, and InputError where no such file can be. Where the file
    system has no locks nobody is kept out.
    """
    lock = _open_locked(path)
    try:
        yield lock
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            if lock.is_in_place():  # or it is another's
                path.unlink()
        lock.file.close()


@contextlib.contextmanager
def lock_folder(folder: Path, refusal: str) -> Iterator[Lock]:
    """A block in which this process alone writes a run or a search; what killed writers left in it is removed first.

    Raises InputError: with the sentence `refusal` while another process is in it, or because it is not there any more.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not there any more")
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(exclusive_lock(folder / "lock"))
        except BlockingIOError:
            raise InputError(refusal) from None
        for each in (folder, folder / "snapshots", folder / "checkpoint"):
            remove_leftovers(each)
        yield lock


def _open_locked(path: Path) -> Lock:
    while True:
        lock = Lock(path, _open(path))
        try:
            _lock(lock.file)
        except BlockingIOError:
            lock.file.close()
            raise
        except OSError as error:
            if error.errno in UNSUPPORTED:
                return lock
            lock.file.close()
            raise InputError(f"cannot lock {path}: {error.strerror}") from error
        if lock.is_in_place():
            return lock
        lock.file.close()  # whoever had it has taken the file away meanwhile


def _open(path: Path) -> IO[bytes]:
    """The file, made where there is none; never waits for the other end of a pipe."""
    try:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags, 0o644), "rb")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
