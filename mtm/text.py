"""Text that others wrote (names of runs, classes and files), made safe for a terminal, a file and a spreadsheet."""

from __future__ import annotations

import re

# Control characters, marks that turn the writing direction or have no width (but for the two joiners, which letters
# and emoji are made with), line ends, halves of surrogate pairs (names that are not UTF-8), and what XML refuses.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
FORMULA = re.compile("((?:^|[,;\t|])\\s*)(?=[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20])")  # also at full width
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def printable(text: str) -> str:
    """The text with what cannot be seen or encoded written out: an escape code becomes `\\x1b`, a line end `\\n`."""
    return UNPRINTABLE.sub(lambda character: ascii(character[0])[1:-1], text)


def shorten(text: str, most: int = 40) -> str:
    """A text of at most so many characters: of a longer one its beginning and its end."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def defuse(cell: str) -> str:
    """A cell of a CSV file that no spreadsheet runs: an apostrophe stands before what it would read as a formula.

    That is at the start of the cell, and after a separator, at which some spreadsheets split it again. Numbers stay.
    """
    return cell if NUMBER.fullmatch(cell) else FORMULA.sub(r"\1'", cell)
