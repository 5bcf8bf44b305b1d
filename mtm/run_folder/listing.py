"""What lies in folders: the runs in one, and the snapshot files of a run, read again only when they have changed."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtm.errors import InputError
from mtm.run_folder.files import Stamp, is_temporary, stamp_of
from mtm.run_folder.readers import Header, Sizes, read_header

NAME = re.compile(r"(\d{6}|[1-9]\d{6,17})\.safetensors", re.ASCII)
BEFORE_A_RUN = ("lock",)  # what may be in a folder before its config.json
NAMES_LIKE = "000010.safetensors"
MOST_NAMED = 8  # files of other names


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
    try:
        paths, others = snapshot_files(folder)
    except OSError as error:
        return Listing(problems=() if stamp is None else (f"{folder} cannot be read ({error.strerror})",))
    for path in paths:
        file_stamp = stamp_of(path)
        if file_stamp is not None:
            before = known.files.get(path)
            is_same = before is not None and before[:2] == (file_stamp, sizes)
            files[path] = before if is_same and before else (file_stamp, sizes, read_header(path, sizes))
    headers = {path: header for path, (_, _, header) in files.items() if isinstance(header, dict)}
    problems = tuple(problem for _, _, problem in files.values() if isinstance(problem, str))
    settled = (stamp, sizes) if stamp is not None and may_settle and not problems else None
    problems += tuple(f"{path} is left out: a snapshot's file is called {NAMES_LIKE}" for path in others[:MOST_NAMED])
    if (files, settled, problems) == (known.files, known.settled, known.problems):
        return known
    return Listing(headers, problems, files, settled)


def snapshot_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The snapshot files in a folder, in order, and others that could be meant as such, a sync tool's copies for
    instance. Raises OSError if there is no such folder or it cannot be read."""
    names = [name for name in os.listdir(folder) if name.endswith(".safetensors") and not name.startswith(".")]
    paths = [folder / name for name in sorted(filter(NAME.fullmatch, names), key=lambda name: (len(name), name))]
    return paths, [folder / name for name in sorted(names) if not NAME.fullmatch(name)]


def leave_out(listing: Listing, path: Path, problem: str) -> Listing:
    """The listing without a snapshot whose arrays were found to be damaged, until its file is another one."""
    if path not in listing.headers:
        return listing
    stamp, sizes, _ = listing.files[path]
    return replace(
        listing,
        headers={other: header for other, header in listing.headers.items() if other != path},
        problems=(*listing.problems, problem),
        files=listing.files | {path: (stamp, sizes, problem)},
        settled=None,
    )


def run_folders(folder: Path) -> list[Path]:
    """The folders directly inside `folder` that look like runs, by name; none if there is no such folder.

    Raises InputError for one that cannot be read.
    """
    try:
        return [path for path in sorted(folder.iterdir()) if looks_like_run(path)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"cannot read the folder of runs {folder}: {error.strerror}") from error


def looks_like_run(folder: Path) -> bool:
    """Whether a folder looks like a run, whatever state it is in; no name, however odd, raises."""
    with contextlib.suppress(ValueError):  # a name that no file can have
        return any(os.path.lexists(folder / name) for name in ("config.json", "snapshots")) and os.path.isdir(folder)
    return False


def is_free(folder: Path) -> bool:
    """Whether a run can be made at `folder`: nothing is there, or what one left that was killed before it had begun."""
    try:
        return all(is_temporary(name) or name in BEFORE_A_RUN for name in os.listdir(folder))
    except FileNotFoundError:
        return not os.path.lexists(folder)
    except OSError:
        return False


def has_snapshots(folder: Path) -> bool:
    """Whether a folder holds a snapshot file, whole or not."""
    with contextlib.suppress(OSError):
        return bool(snapshot_files(folder)[0])
    return False
