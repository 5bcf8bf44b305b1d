"""Reading a whole run back from the .zip or .tar that `explorer export --what archive` writes, for `mtm import`.

Only the files of a run folder are taken, under their own names: what else an archive holds, or where it would like to
put it, does not matter; it is named as ignored.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.account import Account
from mtm.run_folder.class_names import spell
from mtm.run_folder.files import write_json
from mtm.run_folder.imports.arrays import open_file
from mtm.run_folder.imports.limits import LARGEST_TEXT, MOST_FILES, check_fits_disk, in_words
from mtm.run_folder.imports.new_folder import make_folder
from mtm.run_folder.readers import read_json
from mtm.runs import Run

ENDINGS = (".zip", ".tar")
RUN_FILE = re.compile(
    r"(?:([^/]+)/)?(config\.json|status\.json|metrics\.jsonl|points\.safetensors|snapshots/[0-9]+\.safetensors"
    r"|checkpoint/[\w-]+\.safetensors)"
)
CHUNK = 2**20  # bytes
SHOWN = 5  # files that are named as ignored


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    size: int
    is_plain: bool  # neither a link nor a device
    handle: zipfile.ZipInfo | tarfile.TarInfo


def import_archive(path: Path, folder: Path) -> tuple[Run, Account]:
    """Make the run `folder` of an archive, whole or not at all; and say what was taken.

    Raises InputError for a file that is no archive of a run or unpacks to more than the limits, and a folder that is
    there already.
    """
    with open_file(path) as file, make_folder(folder) as hidden, _refusing_damage(path):
        with _open_archive(path, file) as archive:
            wanted, ignored = _choose(path, archive, os.fstat(file.fileno()).st_size, hidden)
            for place, member in wanted.items():
                _unpack(archive, member, hidden / place)
        if not wanted:
            raise InputError(f"{path} is not the archive of a run: it has none of its files")
        _settle(path, hidden)
        account = _account(path, hidden, ignored)
    problems = (problem.replace(str(hidden), str(folder)) for problem in account.notes)
    return Run.open(folder), replace(account, notes=tuple(problems))


@contextlib.contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    """Whatever is wrong with an archive is one sentence; a full disk stays what it is."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # zipfile, tarfile and what they stand on each have their own
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"{path} is damaged or not a {path.suffix} archive: {error}") from error


def _open_archive(path: Path, file: IO[bytes]) -> zipfile.ZipFile | tarfile.TarFile:
    """A .tar is not compressed: so none of it, not even a name, is longer than the file."""
    return zipfile.ZipFile(file) if path.suffix.lower() == ".zip" else tarfile.open(fileobj=file, mode="r:")


def _members(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[Member]:
    if isinstance(archive, zipfile.ZipFile):
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            if not entry.is_dir():
                is_plain = stat.S_IFMT(mode) in (0, stat.S_IFREG)
                yield Member(entry.filename, entry.file_size, is_plain, entry)
    else:
        for member in archive:
            if not member.isdir():
                yield Member(member.name, member.size, member.isreg(), member)


def _choose(
    path: Path, archive: zipfile.ZipFile | tarfile.TarFile, packed: int, hidden: Path
) -> tuple[dict[str, Member], list[str]]:
    """The files of the run by their place in its folder, and what is ignored. Raises InputError beyond the limits."""
    wanted: dict[str, Member] = {}
    ignored, tops, total = list[str](), set[str | None](), 0
    for n, member in enumerate(_members(archive), 1):
        total += member.size
        if n > MOST_FILES:
            raise InputError(f"{path} has more than {MOST_FILES:,} files, the most that is unpacked")
        match = RUN_FILE.fullmatch(member.name) if member.is_plain else None
        if match is None or match[1] in (".", ".."):
            ignored.append(spell(member.name))
            continue
        tops.add(match[1])
        if match[2] in wanted and len(tops) == 1:
            raise InputError(f"{path} has {match[2]} twice; which of them is meant is not known")
        if match[2].endswith((".json", ".jsonl")) and member.size > LARGEST_TEXT:
            raise InputError(f"{path}: {match[2]} has {in_words(member.size)}; {in_words(LARGEST_TEXT)} is the most")
        wanted[match[2]] = member
    if len(tops) > 1:
        folders = ", ".join(sorted(map(str, tops))[:SHOWN])
        raise InputError(f"{path} has the files of several runs ({folders}); pack one")
    check_fits_disk(path, packed, total, hidden)
    return wanted, ignored


def _unpack(archive: zipfile.ZipFile | tarfile.TarFile, member: Member, target: Path) -> None:
    """Write a file of an archive, of the size that the archive says and no more."""
    target.parent.mkdir(exist_ok=True)
    if isinstance(archive, zipfile.ZipFile):
        assert isinstance(member.handle, zipfile.ZipInfo)
        content: IO[bytes] | None = archive.open(member.handle)
    else:
        assert isinstance(member.handle, tarfile.TarInfo)
        content = archive.extractfile(member.handle)
    assert content is not None, "a regular file has content"
    left = member.size
    with content, target.open("wb") as file:
        while left and (part := content.read(min(CHUNK, left))):
            file.write(part)
            left -= len(part)
        content.read(1)  # at the end of a packed file its checksum is looked at
    if left:
        raise EOFError(f"{member.name} is cut short")


def _settle(path: Path, folder: Path) -> None:
    """A run that was being trained where it was packed has stopped here; with its checkpoint it can be resumed."""
    for name in ("config.json", "status.json"):
        content, problem = read_json(folder / name)
        if problem is not None and (folder / name).exists():
            raise InputError(f"{path} is not the archive of a run: {problem}")
    if content.get("state") in ("training", "queued"):
        write_json(folder / "status.json", content | {"state": "stopped"})


def _account(path: Path, folder: Path, ignored: list[str]) -> Account:
    """What is in the run; and what was in the archive and is not in it. Raises InputError if there are no snapshots."""
    run = Run.open(folder)
    if not run.snapshots:
        raise InputError(f"{path} is not the archive of a run: it has no snapshots that can be read")
    points, rows = run.points, run.metrics
    counts = np.bincount(points.labels, minlength=points.n_classes)
    more = f" and {len(ignored) - SHOWN} more" if len(ignored) > SHOWN else ""
    return Account(
        source=spell(path.name),
        class_names=tuple(map(spell, points.class_names)),
        counts={"recorded": tuple(map(int, counts))},
        dim=run.snapshot(0).embeddings.shape[1],
        epochs=tuple(row["epoch"] for row in rows),
        rows="as in the run that was exported",
        notes=tuple(run.problems),
        ignored=(f"{', '.join(ignored[:SHOWN])}{more}: no files of a run",) if ignored else (),
    )
