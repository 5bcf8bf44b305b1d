"""The one table of words: every key that addresses and registries know has a name, and the browser gets the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from explorer import words
from explorer.app import create_app
from explorer.compare import page as compare
from explorer.explore.events import KINDS
from explorer.figures.curves import CURVES
from explorer.space.projections import describe_for_browser
from explorer.space.regions import MODES
from mtm.classifiers import CLASSIFIERS

TABLES: dict[str, tuple[Iterable[str], Iterable[str]]] = {
    "regions": (words.REGIONS, [mode for mode in MODES if mode != "off"]),
    "curves": (words.CURVES, CURVES),
    "classifiers": (words.CLASSIFIERS, CLASSIFIERS),
    "events": (words.EVENTS, KINDS),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_entry_of_a_registry_has_words_and_the_other_way_round(table: str) -> None:
    keys, registry = TABLES[table]
    assert set(keys) == set(registry)


def test_every_term_that_is_printed_has_a_caption() -> None:
    assert all(term.caption for table in (words.REGIONS, words.COLOURS, words.CURVES) for term in table.values())
    assert all(term.help for table in (words.MARKS, words.CLASSIFIERS) for term in table.values())


def test_a_page_offers_nothing_that_has_no_words() -> None:
    assert set(compare.COLOURS) <= set(words.COLOURS)


@pytest.mark.parametrize(
    ("available", "loss", "usual"),
    [
        (("cos", "cos_ce", "euc", "euc_ce"), "cosine", "cos_ce"),
        (("cos", "cos_ce", "euc", "euc_ce"), "push_pull", "euc_ce"),
        (("cos", "euc", "argmax"), None, "argmax"),
        (("cos", "euc"), "cosine", "euc"),
        ((), "cosine", None),
    ],
)
def test_the_usual_classifier_goes_with_the_loss(available: tuple[str, ...], loss: str | None, usual: str) -> None:
    assert words.usual_classifier(available, loss) == usual


def test_the_browser_gets_the_table_with_every_page(tmp_path: Path) -> None:
    app = create_app(tmp_path / "runs", tmp_path / "demos", tmp_path / "cache")
    html = app.server.test_client().get("/runs").get_data(as_text=True)
    (content,) = re.findall(r'<script type="application/json" id="words">(.*?)</script>', html)
    assert json.loads(content) == json.loads(json.dumps({**words.for_browser(), "views": describe_for_browser()}))
    assert html.index('id="words"') < html.index("explorer.js")
