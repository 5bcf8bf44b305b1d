"""`metrics.jsonl`: one row a snapshot, appended whole, and read on from where the look before ended."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtm.run_folder.files import Stamp, jsonable, stamp_of
from mtm.run_folder.readers import checked_row

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """The rows of the file as it was at one time, by number of snapshot, and what could not be read."""

    rows: dict[int, Row] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    stamp: Stamp | None = None
    # to read on from there: what the whole lines held, where they end, and the last of them
    whole: dict[int, Row] = field(default_factory=dict)
    damaged: tuple[int, ...] = ()
    n_lines: int = 0
    end: int = 0
    last: bytes = b""


def read_rows(path: Path, known: Rows) -> Rows:
    """The rows now; of a file that has grown since `known` only what was added is read. `known` itself if unchanged."""
    stamp = stamp_of(path)
    if stamp == known.stamp:
        return known
    if stamp is None:
        return Rows()
    if known.stamp is None or stamp.size <= known.stamp.size:
        known = Rows()
    try:
        with path.open("rb") as file:
            file.seek(known.end - len(known.last))
            if file.read(len(known.last)) != known.last:  # another file than before
                known = Rows()
                file.seek(0)
            added = file.read()
    except OSError:
        return Rows()
    whole, damaged, number, last = dict(known.whole), list(known.damaged), known.n_lines, known.last
    *lines, rest = added.split(b"\n")  # the rest is empty, or a line that is being written or never was to its end
    for number, line in enumerate(lines, start=known.n_lines + 1):
        last = line + b"\n"
        if row := _parse(line):
            whole |= row
        else:
            damaged.append(number)
    row_of_rest = _parse(rest) if rest else {}
    problems = [*damaged, *([number + 1] if row_of_rest is None else [])]
    return Rows(
        rows=whole | (row_of_rest or {}),
        problems=tuple(f"metrics.jsonl: line {n} is damaged" for n in problems),
        stamp=stamp,
        whole=whole,
        damaged=tuple(damaged),
        n_lines=number,
        end=known.end + len(added) - len(rest),
        last=last,
    )


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add one line; half a line that a kill left behind is cut off first."""
    with path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                file.truncate(path.read_bytes().rfind(b"\n") + 1)
        file.write((json.dumps(jsonable(row)) + "\n").encode())


def _parse(line: bytes) -> dict[int, Row] | None:
    """The row of a line by its snapshot; None if it is damaged."""
    try:
        row = json.loads(line.decode(errors="replace"))
        return {int(row["snapshot"]): checked_row(row)}
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
