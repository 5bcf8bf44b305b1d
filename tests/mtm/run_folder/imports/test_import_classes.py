"""Order and names of the classes of an import: own names win, else words and numerals are in natural order."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from imported_files import WORDS, C, D, E, N, Y, import_npz, import_table, import_with_labels, nothing_is_left

from mtm.errors import InputError

TWELVE = np.arange(60) % 12
SPREAD = (3 * np.eye(12)[TWELVE] + np.arange(60)[:, None] / 1000).astype(np.float32)  # (60, 12)


@pytest.mark.parametrize("kind", ["U", "S"])
def test_own_names_give_the_order_and_words_are_found_in_them(tmp_path: Path, kind: str) -> None:
    words = np.array(WORDS).astype(kind)
    run, account = import_npz(tmp_path, labels=words[Y], class_names=words, class_embeddings=4 * np.eye(C, D))
    assert run.points.class_names == account.class_names == WORDS
    np.testing.assert_array_equal(run.labels, Y)
    assert run.metrics[0]["accuracy"]["euc_ce"] == 1.0


def test_numbers_are_places_in_the_own_names(tmp_path: Path) -> None:
    run, _ = import_npz(tmp_path, labels=Y.astype(np.float64), class_names=WORDS)
    assert run.points.class_names == WORDS
    np.testing.assert_array_equal(run.labels, Y)


def test_numerals_as_text_are_in_the_order_of_numbers_in_every_reader(tmp_path: Path) -> None:
    text, order = TWELVE.astype(str), tuple(map(str, range(12)))
    npz, _ = import_npz(tmp_path / "a", embeddings=SPREAD, labels=text, class_embeddings=3 * np.eye(12))
    assert npz.metrics[0]["accuracy"]["euc_ce"] == 1.0
    table, _ = import_table(tmp_path / "b", {"label": text, "embedding": SPREAD.tolist()})
    categories = pa.array(text).dictionary_encode()
    coded, _ = import_table(tmp_path / "c", {"label": categories, "embedding": SPREAD.tolist()})
    for run in (npz, table, coded):
        assert run.points.class_names == order
        np.testing.assert_array_equal(run.labels, TWELVE)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()


def test_words_with_numbers_are_in_natural_order(tmp_path: Path) -> None:
    run, _ = import_npz(tmp_path, embeddings=SPREAD, labels=np.array([f"class {k}" for k in TWELVE]))
    assert run.points.class_names == tuple(f"class {k}" for k in range(12))


def test_words_beside_class_embeddings_need_names_that_give_their_order(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels are words, so nothing says .* row of class_embeddings.*class_names"):
        import_npz(tmp_path, labels=np.array(WORDS)[Y], class_embeddings=np.eye(C, D))
    assert nothing_is_left(tmp_path)


def test_spellings_of_one_word_are_one_class(tmp_path: Path) -> None:
    words = np.array(["café", unicodedata.normalize("NFD", "café"), " café ", "caf\u200bé"])
    run, _ = import_npz(tmp_path, labels=words[Y])
    assert run.points.class_names == ("café",)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("caf\udce9", r"caf\xe9"), (b"caf\xe9", r"caf\xe9"), ("caf\ud83d", r"caf\ud83d"), ("\x1b[31mred", "[31mred")],
)  # fmt: skip
def test_a_name_that_no_file_or_terminal_takes_is_spelt_out(tmp_path: Path, name: Any, shown: str) -> None:
    run, account = import_npz(tmp_path, class_names=np.array([*(w.encode() for w in WORDS[:3]), name])
                              if isinstance(name, bytes) else np.array([*WORDS[:3], name]))  # fmt: skip
    assert run.points.class_names[3] == account.class_names[3] == shown
    assert shown in "\n".join(account.lines()).encode().decode()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a", "b", "a", "c"], "classes 0 and 2 are both called 'a'"),
        (["café", unicodedata.normalize("NFD", "café"), "a", "b"], "classes 0 and 1 are both called"),
        (["a", "b", "", "c"], "class 2 has an empty name"),
        (["a", "b", "c", "x" * 300], "300 characters"),
        ([["a", "b"], ["c", "d"]], r"class_names is <U1 of shape \(2, 2\)"),
        ([0.5, 1.5, 2.5, 3.5], "class_names is float64"),
        (["a", "b", "c"], "labels go up to 3, there are 3 classes"),
    ],
)
def test_names_that_are_none_are_refused(tmp_path: Path, names: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        import_npz(tmp_path, class_names=names)
    assert "own.npz" in str(refusal.value)
    assert nothing_is_left(tmp_path)


def with_label(row: int, label: Any) -> list[Any]:
    labels: list[Any] = [WORDS[k] for k in Y]
    labels[row] = label
    return labels


@pytest.mark.parametrize("label", [None, "", "  ", "nan", "None"])
def test_a_label_that_is_missing_is_refused_with_its_row(tmp_path: Path, label: Any) -> None:
    with pytest.raises(InputError, match="the label in row 5 is missing"):
        import_table(tmp_path, {"label": with_label(5, label), "embedding": E.tolist()})
    assert nothing_is_left(tmp_path)


def test_a_class_may_be_called_none_if_the_names_say_so(tmp_path: Path) -> None:
    run, _ = import_npz(tmp_path, labels=np.array(with_label(5, "none")), class_names=["none", *WORDS])
    assert run.labels[5] == 0


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.where(np.arange(N) == 7, np.nan, Y), "the label in row 7 is missing"),
        (np.where(np.arange(N) == 7, 1.5, Y), "the one in row 7 is 1.5"),
        (np.where(np.arange(N) == 7, np.inf, Y), "the one in row 7 is inf"),
        (Y.astype(np.complex64), "labels must be whole numbers from 0 or words, not complex64"),
        (Y.astype("M8[D]"), "labels must be whole numbers from 0 or words, not datetime64"),
        (np.zeros(N, [("a", "i4")]), "labels must be whole numbers from 0 or words, not"),
        (np.full(N, 2**63, np.uint64), "labels go up to 9223372036854775808"),
        (np.where(np.arange(N) == 7, 1e300, Y), "labels go up to 1e.300"),
        (Y - 1, "labels go down to -1"),
        (np.int64(3), r"labels have shape \(\)"),
        (WORDS[0], r"labels have shape \(\)"),
    ],
)
def test_labels_that_are_none_are_refused(tmp_path: Path, labels: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        import_npz(tmp_path, labels=labels)
    assert "own.npz" in str(refusal.value)
    assert nothing_is_left(tmp_path)


def test_true_and_false_are_two_classes(tmp_path: Path) -> None:
    run, account = import_npz(tmp_path, labels=Y > 1)
    assert run.points.class_names == ("false", "true")
    np.testing.assert_array_equal(run.labels, Y > 1)
    assert "Labels are true and false: class 0 is false, class 1 is true" in account.notes


def test_labels_that_may_be_others_than_meant_are_said(tmp_path: Path) -> None:
    assert "Classes without an image, by number: 0" in import_npz(tmp_path / "a", labels=Y + 1)[1].notes
    assert any("one image only" in note for note in import_npz(tmp_path / "b", labels=np.arange(N))[1].notes)
    assert not any("only" in note or "without" in note for note in import_npz(tmp_path / "c")[1].notes)


def test_a_file_of_labels_wins_and_that_is_said(tmp_path: Path) -> None:
    from mtm.run_folder.imports import import_file

    np.savez(tmp_path / "own.npz", embeddings=E, labels=np.zeros(N, int), class_names=WORDS)
    (tmp_path / "y.txt").write_text("\n".join(WORDS[k] for k in Y))
    run, account = import_file(tmp_path / "own.npz", tmp_path / "runs" / "own", tmp_path / "y.txt")
    np.testing.assert_array_equal(run.labels, Y)
    assert any("they come from --labels" in line for line in account.ignored)
    assert import_with_labels(tmp_path / "a", "\n".join(WORDS[k] for k in Y))[1].counts == {"recorded": (6,) * C}
