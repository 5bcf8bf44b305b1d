"""Other people's text: printable on a terminal and in a file, and no formula in a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest

from mtm.text import defuse, printable, shorten

NAMES = ("zebra", "Straße 5", "é", "$x$ <b> & \\", "猫", "👩\u200d🔬", "שלום", "می\u200cخواهم")


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_read_stays_as_it_is(name: str) -> None:
    assert printable(name) == name


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("caf\udce9", "caf\\udce9"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ufeffzebra", "\\ufeffzebra"),
        ("\ufffe", "\\ufffe"),
    ],
)
def test_what_nobody_sees_or_can_encode_is_written_out(name: str, printed: str) -> None:
    assert printable(name) == printed
    assert printable(printed) == printed


def test_every_control_character_and_half_of_a_pair_is_written_out() -> None:
    every = "".join(chr(code) for code in range(0x11000) if unicodedata.category(chr(code)) in ("Cc", "Cs", "Zl", "Zp"))
    assert len(every) > 2000
    assert printable(every).isascii()


def test_a_long_text_keeps_its_two_ends() -> None:
    assert shorten("short") == "short"
    assert shorten("a" * 100 + "b" * 100, 12) == "aaaaaaa…bbbb"


@pytest.mark.parametrize("cell", ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1"])
def test_a_formula_is_defused(cell: str) -> None:
    assert defuse(cell).lstrip() == f"{cell[: len(cell) - len(cell.lstrip())]}'{cell.lstrip()}".lstrip()


@pytest.mark.parametrize("cell", ["-1.5", "+3", "-2e-9", ".5", "zebra", "a-b", "a = b", "1+1", "cat, dog", ""])
def test_numbers_and_words_are_no_formulas(cell: str) -> None:
    assert defuse(cell) == cell


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_formula_behind_another_separator_is_defused_too(separator: str) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_NONE, escapechar="\\").writerow([defuse(f"a{separator}=1+1")])
    cells = [cell for row in csv.reader([out.getvalue()], delimiter=separator) for cell in row]
    assert not any(cell.lstrip().startswith("=") for cell in cells)
