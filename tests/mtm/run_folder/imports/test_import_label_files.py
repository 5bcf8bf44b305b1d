"""Files of labels as programs and people write them; never a silent guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imported_files import WORDS, D, E, N, Y, import_table, import_with_labels, nothing_is_left

from mtm.errors import InputError
from mtm.run_folder.imports import import_file

LINES = [WORDS[k] for k in Y]
TEXT = "\n".join(LINES)
SORTED = tuple(sorted(WORDS))
FILES = [f"{k}.png" for k in range(N)]


def table(*columns: list[Any], header: str, between: str = ",") -> str:
    return "\n".join([header, *(between.join(map(str, row)) for row in zip(*columns, strict=True))])


WORDS_IN_FILES: dict[str, tuple[str, bytes]] = {
    "UTF-8 with a mark": ("y.txt", b"\xef\xbb\xbf" + TEXT.encode()),
    "UTF-16": ("y.txt", TEXT.encode("utf-16")),
    "UTF-16, big end first": ("y.txt", b"\xfe\xff" + TEXT.encode("utf-16-be")),
    "UTF-32": ("y.txt", TEXT.encode("utf-32")),
    "CRLF": ("y.txt", TEXT.replace("\n", "\r\n").encode()),
    "CR": ("y.txt", TEXT.replace("\n", "\r").encode()),
    "empty lines at the end": ("y.txt", (TEXT + "\n\n \n\r\n").encode()),
    "quotes": ("y.csv", "\n".join(f'"{word}"' for word in LINES).encode()),
    "a header": ("y.csv", f"label\n{TEXT}\n".encode()),
    "a header of NumPy": ("y.txt", f"# label\n{TEXT}\n".encode()),
    "TSV": ("y.tsv", table(LINES, FILES, header="label\tfile", between="\t").encode()),
    "CSV": ("y.csv", table(FILES, LINES, header="name,Class").encode()),
    "semicolons": ("y.csv", table(FILES, LINES, header="name;target", between=";").encode()),
    "label before class": ("y.csv", table(Y.tolist(), LINES, header="class,label").encode()),
    "ids in order": ("y.csv", table(list(range(N)), LINES, header="id,label").encode()),
    "an unknown ending": ("y.labels", TEXT.encode()),
}


@pytest.mark.parametrize("kind", WORDS_IN_FILES)
def test_words_are_read_from_every_kind_of_text(tmp_path: Path, kind: str) -> None:
    name, content = WORDS_IN_FILES[kind]
    run, account = import_with_labels(tmp_path, content, name)
    assert run.points.class_names == SORTED
    assert [SORTED[k] for k in run.labels] == LINES
    assert any(f"{name} were matched by their order" in note for note in account.notes)


NUMBERS_IN_FILES = {
    "numbers": "\n".join(map(str, Y)),
    "whole fractions": "\n".join(f"{k}.0" for k in Y),
    "NumPy's %.18e": "\n".join(f"{k:.18e}" for k in Y),
    "a header that is no number": "class_id\n" + "\n".join(map(str, Y)),
    "a column": table(FILES, [f"{k}.0" for k in Y], header="name,y"),
}


@pytest.mark.parametrize("kind", NUMBERS_IN_FILES)
def test_numbers_are_read_from_every_kind_of_text(tmp_path: Path, kind: str) -> None:
    run, _ = import_with_labels(tmp_path, NUMBERS_IN_FILES[kind])
    np.testing.assert_array_equal(run.labels, Y)
    assert run.points.class_names == ("0", "1", "2", "3")


def test_a_name_with_a_comma_stands_in_quotes(tmp_path: Path) -> None:
    run, _ = import_with_labels(tmp_path, "\n".join(f'"{word}, {word}us"' for word in LINES))
    assert run.points.class_names == tuple(f"{word}, {word}us" for word in SORTED)


def test_what_is_no_label_is_named(tmp_path: Path) -> None:
    _, account = import_with_labels(tmp_path, table(LINES, FILES, FILES, header="label,file,note"), "y.csv")
    assert "Labels are column 'label' of y.csv" in account.notes
    assert account.ignored == (
        "columns of y.csv that are no labels: note",
        "column file of y.csv: the embeddings have no ids",
    )
    header = import_with_labels(tmp_path / "runs", f"label\n{TEXT}", "y.csv")[1]
    assert header.ignored == ("the first line of y.csv, 'label': a header",)


def replaced(row: int, line: str) -> str:
    lines = list(LINES)
    lines[row] = line
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (replaced(5, ""), "the label in row 5 is missing .an empty line"),
        (replaced(5, "  "), "the label in row 5 is missing"),
        (replaced(5, "nan"), "the label in row 5 is missing .'nan'"),
        (replaced(5, "None"), "the label in row 5 is missing"),
        (replaced(5, "7"), "mix numbers .7. and names"),
        ("\n".join([*map(str, Y[:-1]), "nan"]), "the label in row 23 is missing"),
        ("\n".join([*map(str, Y[:-1]), "1.5"]), "the one in row 23 is 1.5"),
        ("\n".join([*map(str, Y[:-1]), "9" * 400]), "the one in row 23 is inf"),
        ("\n".join(map(str, Y - 1)), "labels go down to -1"),
        (f"kind\n{TEXT}", r"labels have shape \(25,\) for 24 embeddings.*if the first line is a header, call it label"),
        (TEXT + "\nant\nant", r"labels have shape \(26,\) for 24 embeddings"),
        ("label\n" + "\n".join(LINES[1:]), r"'label'|labels have shape|mix"),
        (table(LINES, FILES, header="\t".join(["zebra", "0.png"]), between="\t"), "has 2 columns, and its first line"),
        (table(LINES, FILES, header="one,other"), "'one', 'other'. calls none of them label"),
        (table(LINES, LINES, header="class,target"), "several columns may be the labels"),
        (table(LINES, FILES, header="label,file") + ",more", "row 23 has 3 cells, the first line has 2"),
        (table(replaced(5, "").split("\n"), FILES, header="label,file"), "the label in row 5 is missing"),
        (table(list(range(N))[::-1], LINES, header="id,label"), "numbers the rows in another order"),
        ("tench, Tinca tinca\n" * N, "in quotes"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        (b"caf\xe9\n" * N, "not text in UTF-8 .line 1."),
        (TEXT.encode("utf-16-le"), "not text in UTF-8"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        ('"zebra\n' * N, "cannot be read as lines of labels"),
    ],
)
def test_labels_that_are_not_clear_are_refused(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    if content == "label\n" + "\n".join(LINES[1:]):  # as many lines as images: then the first is a label like another
        assert "label" in import_with_labels(tmp_path, content)[0].points.class_names
        return
    with pytest.raises(InputError, match=sentence):
        import_with_labels(tmp_path, content)
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("name", ["y.json", "y.pkl", "y.npz", "y.xlsx"])
def test_other_kinds_of_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"use \.npy or text with one label a line"):
        import_with_labels(tmp_path, TEXT, name)


def test_labels_are_matched_by_ids_where_both_have_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, files = rng.permutation(N), np.array(FILES)
    (tmp_path / "y.csv").write_text(table(files[rows].tolist(), np.array(LINES)[rows].tolist(), header="file,label"))
    np.savez(tmp_path / "own.npz", embeddings=E, ids=files)
    run, account = import_file(tmp_path / "own.npz", tmp_path / "runs" / "own", tmp_path / "y.csv")
    assert [SORTED[k] for k in run.labels] == LINES
    assert "Labels of y.csv were matched by file" in account.notes
    (tmp_path / "y.csv").write_text(table([*FILES[:-1], "other.png"], LINES, header="file,label"))
    with pytest.raises(InputError, match=r"file (23|other)\.png has labels or embeddings, not both"):
        import_file(tmp_path / "own.npz", tmp_path / "runs" / "more", tmp_path / "y.csv")


def test_a_table_takes_labels_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "y.txt").write_text(TEXT)
    columns = {f"d{k}": E[:, k] for k in range(D)} | {"label": Y[::-1]}
    run, account = import_table(tmp_path, columns, labels=tmp_path / "y.txt")
    assert [SORTED[k] for k in run.labels] == LINES
    assert "column label: the labels come from --labels" in account.ignored
