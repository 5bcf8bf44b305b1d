"""The Runs page in a real browser: a notebook that follows its folder."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually, small
from runs_grid import backdate, cell, open_runs, order, select

from mtm.classifiers import classifiers_of
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run


@pytest.fixture
def page(page: Any, address: str) -> Any:
    """The page of runs, open."""
    return open_runs(page, address)


# Rows


def test_a_row_says_what_the_run_folder_says(page: Any, runs: Path) -> None:
    run = Run.open(runs / "one")
    best = max(run.metrics[1:], key=lambda row: max(row["accuracy"].values()))["accuracy"]
    for name in classifiers_of("targets"):
        assert float(cell(page, "one", name).inner_text()) == pytest.approx(100 * best[name], abs=0.006)
        assert ("run-best" in cell(page, "one", name).get_attribute("class")) == (best[name] == max(best.values()))
    assert cell(page, "one", "argmax").inner_text() == ""
    assert [cell(page, "one", name).inner_text() for name in ("dataset", "loss", "dim")] == ["digits", "euclidean", "8"]
    assert cell(page, "one", "state").inner_text().split("\n") == ["finished", "2 epochs"]
    assert cell(page, "one", "accuracies").locator("svg").get_attribute("aria-label").startswith("accuracy from")
    assert cell(page, "one", "age").inner_text().endswith(("now", "min"))
    assert page.errors == []


def test_the_newest_is_first_and_age_sorts_by_time(page: Any, runs: Path) -> None:
    for name, ago in {"nine-hours": {"hours": 9}, "ten-days": {"days": 10}, "minutes": {"minutes": 50}}.items():
        shutil.copytree(runs / "one", runs / name)
        backdate(runs / name, **ago)
    newest_first = ["one", "minutes", "nine-hours", "ten-days"]
    page.wait_for_selector('[row-id="ten-days"]')
    assert order(page) == newest_first
    header = page.locator('.ag-header-cell[col-id="age"]')
    header.click()
    assert order(page) == newest_first
    header.click()
    assert order(page) == newest_first[::-1]
    assert cell(page, "ten-days", "age").inner_text() == "10 d"


# Runs that change


def test_rows_follow_a_training_and_keep_selection_and_sort(page: Any, runs: Path, recorded: list[Snapshot]) -> None:
    shutil.copytree(runs / "one", runs / "old")
    backdate(runs / "old", days=1)
    live = Run.create(runs / "live", small(epochs=2))
    live.set_status(state="training")
    page.wait_for_selector('[row-id="live"] >> text=training')
    assert order(page) == ["live", "one", "old"]
    assert cell(page, "live", "name").locator("a").count() == 0  # nothing to see yet
    page.click('.ag-header-cell[col-id="age"]')
    page.click('.ag-header-cell[col-id="age"]')
    select(page, "one")
    cells = []
    for snapshot in recorded[:2]:
        live.record(snapshot)
        progress = f"epoch {snapshot.epoch:g} / 2"
        page.wait_for_selector(f'[row-id="live"] >> text={progress}')
        cells.append(
            [
                cell(page, "live", "euc").inner_text(),
                cell(page, "live", "thumbnail").locator("img").get_attribute("src"),
            ]
        )
        assert order(page) == ["old", "one", "live"]
        assert page.locator(".ag-row-selected").get_attribute("row-id") == "one"
    assert cells[0][0] != cells[1][0]
    assert cells[0][1] != cells[1][1]
    live.finish()
    page.wait_for_selector('[row-id="live"] >> text=finished')
    assert page.errors == []


def test_a_training_that_was_killed_is_interrupted(page: Any, runs: Path) -> None:
    run = Run.open(runs / "one")
    run.set_status(state="training", epoch=1.0)
    page.wait_for_selector('[row-id="one"] .run-state.training')
    status = json.loads((run.folder / "status.json").read_text())
    (run.folder / "status.json").write_text(json.dumps(status | {"pid_started": 1.0}))  # another process has its number
    page.wait_for_selector('[row-id="one"] .run-state.interrupted')


def test_nothing_is_sent_while_nothing_changes(page: Any, runs: Path) -> None:
    backdate(runs / "one", days=3)  # an age that stays
    page.wait_for_selector('[row-id="one"] >> text=3 d')
    responses, pictures = [], []
    page.on("response", lambda response: responses.append(response) if "_dash-update" in response.url else None)
    page.on("request", lambda request: pictures.append(request.url) if "thumbnail" in request.url else None)
    eventually(page, lambda: len(responses) >= 2)
    assert all('"rowData"' not in response.text() for response in responses[:2])
    shutil.copytree(runs / "one", runs / "two")
    page.wait_for_selector('[row-id="two"] img')
    n = len(responses)
    eventually(page, lambda: len(responses) >= n + 2)  # it has looked at the folder again since
    assert [url.partition("run=")[2] for url in pictures] == ["two&n=3"]  # the others are not fetched again


def test_an_empty_folder_says_what_to_do_next(new_page: Callable[..., Any], address: str, runs: Path) -> None:
    shutil.rmtree(runs / "one")
    page = new_page()
    page.goto(f"{address}/runs")
    page.wait_for_selector("text=No runs yet")
    assert f"mtm train --dataset digits --runs {runs}" in page.inner_text(".runs-none")
    assert page.is_enabled("#runs-import-button")
    assert [page.is_disabled(f"#runs-{name}") for name in ("open", "rename", "delete")] == [True] * 3
    Run.create(runs / "first", small())
    page.wait_for_selector('[row-id="first"] >> text=queued')
    page.wait_for_selector(".runs-none", state="hidden")


# Damaged runs


def test_what_is_wrong_with_a_run_is_in_its_row(page: Any, runs: Path) -> None:
    shutil.copytree(runs / "one", runs / "newer")
    (runs / "newer" / "config.json").write_text('{"format": 99}')
    path = runs / "one" / "snapshots" / "000002.safetensors"
    (runs / "half").write_bytes(path.read_bytes()[:-50])
    (runs / "half").replace(path)
    page.wait_for_selector('[row-id="one"] .run-problem >> text=snapshots/000002.safetensors is cut short')
    assert page.evaluate("document.querySelector('[row-id=one] img').naturalWidth") > 0  # of the one before
    assert cell(page, "newer", "state").inner_text() == "unreadable"
    assert "update mtm" in cell(page, "newer", "name").inner_text()
    assert str(runs) not in page.inner_text("#runs-table")
    assert cell(page, "newer", "name").locator("a").count() == 0
    select(page, "newer")
    page.wait_for_selector("#runs-delete:not([disabled])")
    assert page.is_disabled("#runs-open")
    opened = []
    page.on("framenavigated", lambda frame: opened.append(frame.url))
    page.keyboard.press("Enter")
    cell(page, "newer", "state").dblclick()
    cell(page, "one", "state").dblclick()  # after the ones above, which open nothing
    page.wait_for_url(re.compile(r"/\?run=one"))
    assert not [url for url in opened if "newer" in url]


def test_a_run_that_failed_says_why(page: Any, runs: Path) -> None:
    Run.open(runs / "one").set_status(state="failed", error="the disk is full")
    page.wait_for_selector('[row-id="one"] .run-problem >> text=the disk is full')


# What it looks like


@pytest.mark.parametrize("width", [800, 1024, 1440, 2560])
def test_every_width_shows_the_name_and_needs_no_scrolling(
    new_page: Callable[..., Any], address: str, runs: Path, width: int
) -> None:
    name = "fashion-class-proximity-1"
    for i in range(20):  # so many that the table scrolls down
        shutil.copytree(runs / "one", runs / (name if i == 0 else f"copy-{i}"))
    page = new_page(width)
    page.goto(f"{address}/runs")
    page.wait_for_selector(f'[row-id="{name}"]')
    page.wait_for_function("document.querySelector('#runs-table').dataset.room")
    hidden = "(e) => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight]"
    assert page.locator(".ag-center-cols-viewport").evaluate(hidden)[0] == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    across, down = cell(page, name, "name").locator(".run-title").evaluate(hidden)
    assert across <= 0
    assert down <= 1
    about = page.locator(f'[row-id="{name}"] .run-about')
    columns = page.locator('.ag-header-cell[col-id="loss"]').count()
    assert about.is_visible() == (columns == 0)  # said in one place or the other
    assert page.locator('.ag-header-cell[col-id="euc_ce"]').count() == (width > 1100)


def test_the_accuracies_unfold_where_there_is_no_room(new_page: Callable[..., Any], address: str) -> None:
    page = new_page(800)
    page.goto(f"{address}/runs")
    page.wait_for_selector('[row-id="one"] [col-id="best"]')
    tooltip = page.locator('[row-id="one"] [col-id="best"] span').first.get_attribute("title")
    assert [line.split()[0] for line in tooltip.split("\n")] == classifiers_of("targets")
    page.click(".ag-header-group-cell-with-group .ag-header-expand-icon-collapsed")
    page.wait_for_selector('[row-id="one"] [col-id="euc_ce"]')


def test_it_is_dark_in_the_dark(new_page: Callable[..., Any], address: str) -> None:
    def light(page: Any, selector: str, style: str) -> int:
        """The sum of red, green and blue."""
        colour = page.locator(selector).first.evaluate(f"(e) => getComputedStyle(e).{style}")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    for scheme, is_dark in (("light", False), ("dark", True)):
        page = new_page(800, scheme=scheme)
        page.goto(f"{address}/runs")
        page.wait_for_selector(".run-link")
        assert (light(page, "body", "backgroundColor") < 200) == is_dark
        for text in ("[col-id=age].ag-cell", ".ag-header-cell-text", ".run-link", ".run-about", ".run-progress"):
            assert abs(light(page, text, "color") - light(page, "body", "backgroundColor")) > 200, text
