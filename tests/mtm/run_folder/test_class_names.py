"""The one rule for names of classes: their spelling, their order, and which are refused."""

from __future__ import annotations

import random
import unicodedata

import pytest

from mtm.errors import InputError
from mtm.run_folder.class_names import check_class_names, natural_order, number_labels, spell


@pytest.mark.parametrize(
    "order",
    [
        [str(k) for k in range(12)],
        ["0", "1a", "a", "a 1"],
        ["class 2", "class 10", "class 10b", "class 11"],
        ["a1b2", "a1b10", "a2b1"],
        ["B", "a", "b"],
        ["ant", "bee", "cat"],
        ["n01440764", "n01443537", "n02102040"],
    ],
)
def test_names_are_in_the_order_people_count_in(order: list[str]) -> None:
    shuffled = order * 2
    random.Random(0).shuffle(shuffled)
    assert natural_order(shuffled) == order


def test_names_that_are_equal_numbers_still_have_one_order() -> None:
    assert natural_order(["1", "01", "001"]) == natural_order(["001", "1", "01"])


@pytest.mark.parametrize("name", ["\ufeffzebra", " zebra ", "zebra\r\n", "ze\u200bbra", "zebra\u2028"])
def test_what_nobody_sees_makes_no_other_class(name: str) -> None:
    assert spell(name) == "zebra"


def test_two_spellings_of_one_letter_are_one_class() -> None:
    both = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    assert number_labels(both) == (["café"], [0, 0])


def test_labels_are_numbers_into_the_names_that_are_given() -> None:
    assert number_labels(["ant", "bee", "ant"], ["bee", "ant"]) == (["bee", "ant"], [1, 0, 1])


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a", "b", "a"], "classes 0 and 2 are both called 'a'"),
        (["a", " a\u200b"], "classes 0 and 1 are both called 'a'"),
        (["a", "\ufeff"], "class 1 has an empty name"),
        (["a", "x" * 201], "201 characters"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(names: list[str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_class_names(names)


def test_a_label_that_is_no_class_is_named_with_its_row() -> None:
    with pytest.raises(InputError, match="the label 'cow' in row 1 is none of the class names: ant, bee"):
        number_labels(["ant", "cow"], ["ant", "bee"])
