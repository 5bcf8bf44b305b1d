"""The snapshot files of a run: which are whole, what their headers say, and looking again only at what has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtm.run_folder.files import Stamp, stamp_of
from mtm.run_folder.readers import read_header

Header = dict[str, Any]
Sizes = tuple[int, int] | None  # N and C of the run, which every snapshot has to fit; None if nothing says so


@dataclass(frozen=True)
class Listing:
    """The snapshot files as they were at one time: the headers of the whole ones, in order, and what is wrong else."""

    headers: dict[Path, Header] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    # to look again: what each file was read as, and the folder's stamp, None while more may come unseen
    files: dict[Path, tuple[Stamp, Sizes, Header | str]] = field(default_factory=dict)
    settled: tuple[Stamp, Sizes] | None = None


def read_listing(folder: Path, known: Listing, sizes: Sizes, at_every_file: bool = False) -> Listing:
    """The snapshot files now; only those that are not as they were in `known` are read. `known` if all are.

    A folder whose time and files are as they were costs one look at that time: files appear there by renaming. What
    was damaged in its place, without a trace in the folder, is seen `at_every_file`.
    """
    stamp = stamp_of(folder)
    if not at_every_file and stamp is not None and known.settled == (stamp, sizes):
        return known
    may_settle = stamp is not None and stamp.is_settled()
    files: dict[Path, tuple[Stamp, Sizes, Header | str]] = {}
    for path in sorted(folder.glob("[0-9]*.safetensors")):
        file_stamp = stamp_of(path)
        if file_stamp is not None:
            before = known.files.get(path)
            is_same = before is not None and before[:2] == (file_stamp, sizes)
            files[path] = before if is_same and before else (file_stamp, sizes, read_header(path, sizes))
    headers = {path: header for path, (_, _, header) in files.items() if isinstance(header, dict)}
    problems = tuple(problem for _, _, problem in files.values() if isinstance(problem, str))
    settled = (stamp, sizes) if stamp is not None and may_settle and not problems else None
    if (files, settled) == (known.files, known.settled):
        return known
    return Listing(headers, problems, files, settled)
