"""The rows of the table of runs, and files that are uploaded to it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from explorer import words
from explorer.library import Library
from explorer.runs.table import describe_age, list_rows
from explorer.runs.uploads import import_upload
from mtm.classifiers import CLASSIFIERS, classifiers_of
from mtm.errors import InputError
from mtm.runs import Run


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "now"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=119), "1 h"),
        (timedelta(hours=23.9), "23 h"),
        (timedelta(days=364), "364 d"),
        (timedelta(days=800), "2 y"),
    ],
)
def test_an_age_is_in_the_largest_unit_that_fits(ago: timedelta, text: str) -> None:
    now = datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert describe_age((now - ago).isoformat(), now) == text
    assert describe_age((now - ago).replace(tzinfo=None).isoformat(), now) == text  # without a zone it is UTC


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_an_unknown_age_is_empty(created: str | None) -> None:
    assert describe_age(created, datetime.now(UTC)) == ""


def test_what_is_not_a_number_is_no_accuracy(runs: Path) -> None:
    path = runs / "one" / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["accuracy"] |= {"euc": None}
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    row = list_rows(Library(runs))[0]
    assert row["euc"] is None
    assert row["best"] == max(row[name] for name in classifiers_of("targets") if name != "euc")
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_a_long_training_has_a_short_sparkline_that_ends_now(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "long")
    for t in range(150):
        run.log(embeddings=np.eye(4), labels=[0, 0, 1, 1], class_embeddings=np.eye(2, 4) * (t < 149))
    values = list_rows(Library(tmp_path))[0]["accuracies"]
    assert 30 <= len(values) <= 60
    assert values[-1] == max(run.metrics[-1]["accuracy"].values())


def test_every_classifier_is_explained() -> None:
    assert set(words.CLASSIFIERS) == set(CLASSIFIERS)
    assert all(term.name and term.help for term in words.CLASSIFIERS.values())


@pytest.mark.parametrize("name", ["../../mine.npz", "..\\..\\mine.npz", "/mine.npz"])
def test_no_file_name_leads_out_of_the_runs(runs: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^mine\.npz is damaged"):
        import_upload(Library(runs), name, io.BytesIO(b"no zip"))
