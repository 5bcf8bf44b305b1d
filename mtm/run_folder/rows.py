"""`metrics.jsonl`: one row a snapshot, appended whole, and read on from where the look before ended."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtm.run_folder.files import LARGEST_TEXT, Stamp, jsonable, open_regular, open_to_append, parse_json, stamp_of
from mtm.run_folder.readers import checked_row

Row = dict[str, Any]
MOST_NAMED = 8  # damaged lines


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
    if stamp is None:
        return known if known == Rows() else Rows()
    if stamp == known.stamp:
        return known
    if known.stamp is None or stamp.size <= known.stamp.size:
        known = Rows()
    whole, damaged, number, end, last = dict(known.whole), list(known.damaged), known.n_lines, known.end, known.last
    try:
        with open_regular(path) as file:
            file.seek(end - len(last))
            if file.read(len(last)) != last:  # another file than before
                return read_rows(path, Rows())
            while (line := file.readline(LARGEST_TEXT)).endswith(b"\n"):
                number, end, last = number + 1, end + len(line), line
                if row := _parse(line):
                    whole |= row
                else:
                    damaged.append(number)
    except OSError as error:
        return Rows(problems=(f"metrics.jsonl cannot be read ({error.strerror})",))
    row_of_rest = _parse(line) if line else {}  # a line that is being written or never was to its end
    problems = [*damaged, *([number + 1] if row_of_rest is None else [])]
    return Rows(
        rows=whole | (row_of_rest or {}),
        problems=_name_lines(problems),
        stamp=stamp,
        whole=whole,
        damaged=tuple(damaged),
        n_lines=number,
        end=end,
        last=last,
    )


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add one line; half a line that a kill left behind is cut off first."""
    with open_to_append(path) as file:
        end = file.seek(0, os.SEEK_END)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                file.truncate(path.read_bytes().rfind(b"\n") + 1)
        file.write((json.dumps(jsonable(row)) + "\n").encode())


def _parse(line: bytes) -> dict[int, Row] | None:
    """The row of a line by its snapshot; None if it is damaged."""
    try:
        row = checked_row(parse_json(line))
    except ValueError:
        return None
    return {row["snapshot"]: row}


def _name_lines(numbers: list[int]) -> tuple[str, ...]:
    """A sentence for each of the first damaged lines, and one for the others."""
    rest = len(numbers) - MOST_NAMED
    more = (f"metrics.jsonl: {rest} further lines are damaged",) if rest > 0 else ()
    return (*(f"metrics.jsonl: line {n} is damaged" for n in numbers[:MOST_NAMED]), *more)
