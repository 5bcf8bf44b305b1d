"""What a training printed, kept in its run folder as log.txt: the end of it, with what is amiss marked.

Each process that was started for the run begins with a line `$ mtm ...` in it.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import Any

LOG = "log.txt"
PROMPT = "$ "
SHOWN_BYTES = 64 * 1024  # of a long log only the end is sent
SIGNS = ("warning", "error", "traceback", "mtm: ", "explorer: ")  # a line with one of them is shown as amiss


def read(folder: Path) -> list[dict[str, Any]]:
    """The last lines of a run's log: `text`, and whether it is `amiss`; none if it was trained from a terminal."""
    return [{"text": line, "amiss": is_amiss(line)} for line in _lines(folder)]


def is_amiss(line: str) -> bool:
    """Whether a line warns of something or says why it ended; ways to stop on purpose do not count."""
    return any(sign in line.lower() for sign in SIGNS) and "mtm: stopped" not in line


def last_amiss(folder: Path) -> str | None:
    """The last line of the newest process that is amiss, None if none is."""
    return next((line for line in reversed(_newest(folder)) if is_amiss(line)), None)


def refusal(folder: Path) -> str:
    """Why a training did not begin: mtm's own sentence, or the last line that it printed."""
    lines = [line.strip() for line in _newest(folder) if line.strip()]
    said = [line.removeprefix("mtm: ") for line in lines if line.startswith("mtm: ")]
    if said:
        return said[-1]
    return f"it ended before it began to train: {lines[-1]}" if lines else "it ended before it began to train"


def begin(folder: Path, command: str) -> None:
    """Say in the log that a process begins, and when. Raises OSError where nothing can be written."""
    with (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(f"{PROMPT}{command}   {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}\n")


def append(folder: Path, line: str) -> None:
    """Add a line of our own to the log; nothing happens if the folder is gone."""
    with contextlib.suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _newest(folder: Path) -> list[str]:
    """What the newest process has printed."""
    lines = _lines(folder)
    begins = [i for i, line in enumerate(lines) if line.startswith(PROMPT)]
    return lines[begins[-1] + 1 :] if begins else lines


def _lines(folder: Path) -> list[str]:
    try:
        with (folder / LOG).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - SHOWN_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    lines = text.splitlines()
    return lines[1:] if size > SHOWN_BYTES else lines
