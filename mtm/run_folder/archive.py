"""Reading a whole run back from the .zip or .tar that `explorer export --what archive` writes, for `mtm import`.

Only the files of a run folder are taken, under their own names: what else an archive holds, or where it would like to
put it, does not matter.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mtm.errors import InputError
from mtm.run_folder.files import ABANDONED_SECONDS, remove_leftovers, write_json
from mtm.run_folder.readers import read_json
from mtm.runs import Run

ENDINGS = (".zip", ".tar")
RUN_FILE = re.compile(
    r"(?:[^/]+/)?(config\.json|status\.json|metrics\.jsonl|points\.safetensors|snapshots/\d+\.safetensors"
    r"|checkpoint/[\w-]+\.safetensors)"
)
UNREADABLE = (OSError, EOFError, RuntimeError, NotImplementedError, tarfile.TarError, zipfile.BadZipFile, zlib.error)


def import_archive(path: Path, folder: Path) -> Run:
    """Make the run `folder` of an archive; it appears there whole or not at all.

    Raises InputError for a file that is no archive of a run, and a folder that is there already.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if folder.exists():
        raise InputError(f"{folder} exists already; choose another --name")
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder.parent, ABANDONED_SECONDS)
    unpacked = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".tmp"))
    try:
        try:
            for name, content in _members(path):
                target = unpacked / name
                target.parent.mkdir(exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
        except UNREADABLE as error:
            raise InputError(f"{path} is damaged or not a {path.suffix} archive: {error}") from error
        run = Run.open(unpacked) if any(unpacked.iterdir()) else None
        if run is None or not run.snapshots:
            raise InputError(f"{path} is not the archive of a run: it has no snapshots that can be read")
        _settle(unpacked)
        unpacked.chmod(0o755)
        unpacked.rename(folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return Run.open(folder)


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of a run in an archive, by their place in the run's folder."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if match := RUN_FILE.fullmatch(entry.filename):
                    with archive.open(entry) as content:
                        yield match[1], content
        return
    with tarfile.open(path) as packed:
        for member in packed:
            stream = packed.extractfile(member) if member.isfile() else None
            if stream is not None and (match := RUN_FILE.fullmatch(member.name)):
                yield match[1], stream


def _settle(folder: Path) -> None:
    """A run that was being trained where it was packed has stopped here; with its checkpoint it can be resumed."""
    status, problem = read_json(folder / "status.json")
    if problem is None and status.get("state") in ("training", "queued"):
        write_json(folder / "status.json", status | {"state": "stopped"})
