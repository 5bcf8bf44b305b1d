"""Names of classes: one spelling, one order, and no two that look the same, whichever file they come from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from mtm.errors import InputError

LONGEST = 200  # characters
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")  # Unicode's kinds of control characters, marks without width and line ends
JOINERS = re.compile(r"(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")  # that join nothing
SURROGATES = re.compile(r"[\ud800-\udfff]")  # no characters: what Python makes of bytes that are not UTF-8


@lru_cache(maxsize=10_000)  # labels are the same few words again and again
def spell(name: str) -> str:
    r"""A name as it is compared and shown: composed (é is one character), without blanks around it and marks that
    nobody sees, such as a byte-order mark. A byte that is not UTF-8 is shown as \xe9: no page takes it as it is."""
    name = SURROGATES.sub(lambda match: _escape(ord(match[0])), name)
    visible = "".join(c for c in name if unicodedata.category(c) not in INVISIBLE or c in "\t\u200c\u200d")
    visible = JOINERS.sub("", visible)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def natural_order(names: Iterable[str]) -> list[str]:
    """The different names in the order people count in: 2 before 10, class 9 before class 10."""
    return sorted(set(names), key=_natural_key)


def number_labels(labels: Sequence[str], names: Sequence[str] | None = None) -> tuple[list[str], list[int]]:
    """The names of the classes, in natural order unless `names` gives another, and each label as a number into them.

    Raises InputError for a label that `names` lacks, and as `check_class_names` does.
    """
    spelt = [spell(label) for label in labels]
    names = check_class_names(natural_order(spelt) if names is None else names)
    numbers = {name: k for k, name in enumerate(names)}
    for row, label in enumerate(spelt):
        if label not in numbers:
            raise InputError(
                f"the label '{label}' in row {row} is none of the class names: {', '.join(names[:12])}"
                + (", ..." if len(names) > 12 else "")
            )
    return list(names), [numbers[label] for label in spelt]


def check_class_names(names: Sequence[str]) -> list[str]:
    """The names as they are shown. Raises InputError for one that is empty, too long or there twice."""
    spelt = [spell(str(name)) for name in names]
    first: dict[str, int] = {}
    for k, name in enumerate(spelt):
        if not name:
            raise InputError(f"class {k} has an empty name")
        if len(name) > LONGEST:
            raise InputError(f"the name of class {k} has {len(name)} characters; {LONGEST} is the most")
        if name in first:
            raise InputError(f"classes {first[name]} and {k} are both called '{name}'; give each a name of its own")
        first[name] = k
    return spelt


def _escape(code: int) -> str:
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _natural_key(name: str) -> tuple[list[tuple[int, str]], str]:
    """Numbers by their length, then their digits: text of any number of digits is no trouble, as `int` is."""
    digits = [part.lstrip("0") if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]
    return [(len(part), part) if i % 2 else (0, part) for i, part in enumerate(digits)], name
