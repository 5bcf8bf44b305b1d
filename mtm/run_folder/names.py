"""Names of runs, which are folders on every system, arguments of commands and parts of addresses: one rule for all."""

from __future__ import annotations

import re

from mtm.errors import InputError
from mtm.text import printable

LONGEST = 100  # characters
LONGEST_IN_BYTES = 240  # of UTF-8; a file system takes 255, and names grow by a number
NOT_IN_A_NAME = '/\\:*?"<>|%'
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)\s*(\..*)?", re.IGNORECASE)  # by Windows


def check_name(name: str, kind: str = "run") -> str:
    """The name, if a run (or what `kind` says) can have it. Raises InputError, and says what is wrong, if not."""
    problem = _problem(name)
    if problem is None:
        return name
    raise InputError(
        f"'{printable(name[:LONGEST])}' cannot be the name of a {kind}: {problem}; use letters, digits, '-' and '_'"
    )


def show_name(name: str) -> str:
    """The name of a folder as it can be printed, sent and named in an address: of one that is not UTF-8, which Python
    has in halves of characters, the bytes that are not are escaped, as in caf\\udce9."""
    return "".join(ascii(c)[1:-1] if "\ud800" <= c <= "\udfff" else c for c in name)


def make_name(text: str) -> str:
    """A name that can be, as near to `text` as there is; it has room for a number behind it."""
    text = "".join("-" if c in NOT_IN_A_NAME or not c.isprintable() else c for c in text)
    text = text.lstrip(".- ").encode()[: LONGEST - 10].decode(errors="ignore").rstrip(". ")
    return "run" + text if not text or RESERVED.fullmatch(text) else text


def _problem(name: str) -> str | None:
    if not name.strip():
        return "it is empty"
    bad = next((c for c in name if c in NOT_IN_A_NAME), None)
    if bad:
        return f"it holds {bad}"
    if not name.isprintable():
        return "it holds a line break or another character that cannot be printed"
    if name[0] in ".- ":
        return "it begins with a dot, a dash or a space"
    if name[-1] in ". ":
        return "it ends with a dot or a space"
    if RESERVED.fullmatch(name):
        return "Windows keeps it for a device"
    if len(name) > LONGEST or len(name.encode()) > LONGEST_IN_BYTES:
        return "it is too long"
    return None
