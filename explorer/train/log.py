"""The output of a training, in its run folder as log.txt: its end, with warnings and errors marked.

The output of each process that was started for the run begins with a line `$ mtm ...`.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import Any

from mtm.run_folder.files import open_regular, open_to_append

LOG = "log.txt"
PROMPT = "$ "
SHOWN_BYTES = 64 * 1024  # of a long log only the end is sent
SIGNS = ("warning", "error", "traceback", "mtm: ", "explorer: ")  # in a line that counts as amiss


def read(folder: Path) -> list[dict[str, Any]]:
    """The last lines of a run's log: `text`, and whether it is `amiss`; none if it was trained from a terminal."""
    return [{"text": line, "amiss": is_problem_line(line)} for line in _lines(folder)]


def is_problem_line(line: str) -> bool:
    """Whether a line is a warning or the reason of a failure; a stop on purpose does not count."""
    return any(sign in line.lower() for sign in SIGNS) and "mtm: stopped" not in line


def last_problem_line(folder: Path) -> str | None:
    """The last line of the newest process that is amiss, None if there is none."""
    return next((line for line in reversed(_newest_lines(folder)) if is_problem_line(line)), None)


def find_failure(folder: Path) -> str:
    """Why a training failed before it began: mtm's own sentence, or the last line that it printed."""
    lines = [line.strip() for line in _newest_lines(folder) if line.strip()]
    sentences = [line.removeprefix("mtm: ") for line in lines if line.startswith("mtm: ")]
    if sentences:
        return sentences[-1]
    return f"it ended before it began to train: {lines[-1]}" if lines else "it ended before it began to train"


def append_header(folder: Path, command: str) -> None:
    """Append the line with which the output of a process begins. Raises OSError if the file cannot be written."""
    _append(folder, f"{PROMPT}{command}   {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}")


def append_line(folder: Path, line: str) -> None:
    """Append a line of the explorer's own; nothing happens if the folder is gone."""
    with contextlib.suppress(OSError):
        _append(folder, line)


def _append(folder: Path, line: str) -> None:
    with open_to_append(folder / LOG) as file:
        file.write(line.encode(errors="backslashreplace") + b"\n")


def _newest_lines(folder: Path) -> list[str]:
    """The output of the newest process."""
    lines = _lines(folder)
    begins = [i for i, line in enumerate(lines) if line.startswith(PROMPT)]
    return lines[begins[-1] + 1 :] if begins else lines


def _lines(folder: Path) -> list[str]:
    try:
        with open_regular(folder / LOG) as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - SHOWN_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = text.splitlines()
    return lines[1:] if size > SHOWN_BYTES else lines
