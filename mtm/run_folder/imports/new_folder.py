"""A run folder that appears whole or not at all, whatever ends the import."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mtm.errors import InputError
from mtm.run_folder.lock import exclusive_lock

PREFIX, SUFFIX, LOCK = ".importing.", ".tmp", ".lock.tmp"  # temporary by the one rule of `files.is_temporary`
YOUNG = 60  # seconds in which a folder may not have its lock yet


def check_is_free(folder: Path) -> None:
    """Raise InputError if there is something at `folder`."""
    if folder.exists() or folder.is_symlink():
        raise InputError(f"{folder} exists already; choose another --name")


@contextlib.contextmanager
def make_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder beside `folder`, renamed to it when the block ends well and removed when it does not.

    What an import left there that was killed is removed first. Raises InputError where no folder can be made.
    """
    check_is_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder.parent)
        hidden = Path(tempfile.mkdtemp(dir=folder.parent, prefix=PREFIX, suffix=SUFFIX))
    except OSError as error:
        raise InputError(f"cannot make the run folder {folder}: {error.strerror}") from error
    try:
        with exclusive_lock(hidden / LOCK):
            yield hidden
        hidden.chmod(0o755)
        check_is_free(folder)  # nobody has taken the name meanwhile
        hidden.rename(folder)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _remove_leftovers(parent: Path) -> None:
    for hidden in parent.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - hidden.stat().st_mtime > YOUNG:
                with exclusive_lock(hidden / LOCK):  # refused while its import is at work
                    shutil.rmtree(hidden, ignore_errors=True)
