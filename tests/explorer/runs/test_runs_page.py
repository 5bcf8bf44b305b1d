"""The runs page in a real browser: a notebook that follows its folder, and thumbnails that show what was recorded."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import eventually, served, small

from explorer.app import create_app
from explorer.figures.colours import class_colour
from explorer.library import Library
from explorer.runs import thumbnails
from explorer.runs.table import HELP, age, rows
from explorer.runs.thumbnails import SIDE, Thumbnails, draw, flat
from explorer.runs.uploads import import_upload
from mtm.classifiers import CLASSIFIERS
from mtm.errors import InputError
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run


@pytest.fixture
def runs(finished_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    return tmp_path / "runs"


@pytest.fixture
def address(runs: Path, tmp_path: Path) -> Iterator[str]:
    with served(create_app(runs, tmp_path / "demo", tmp_path / "cache").server) as address:
        yield address


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    opened = []

    def make(width: int = 1440, scheme: str = "light") -> Any:
        page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.set_default_timeout(60_000)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
        opened.append(page)
        return page

    yield make
    for page in opened:
        page.close()


@pytest.fixture
def page(new_page: Callable[..., Any], address: str) -> Any:
    """The page of runs, open."""
    page = new_page()
    page.goto(f"{address}/runs")
    page.wait_for_selector(".ag-row")
    return page


@pytest.fixture
def recorded(finished_run: Path) -> list[Snapshot]:
    run = Run.open(finished_run)
    return [run.snapshot(i) for i in range(len(run.snapshots))]


def cell(page: Any, run: str, column: str) -> Any:
    return page.locator(f'.ag-row[row-id="{run}"] [col-id="{column}"]')


def select(page: Any, run: str) -> None:
    cell(page, run, "age").click()
    page.wait_for_selector(f'.ag-row-selected[row-id="{run}"]')


def order(page: Any) -> list[str]:
    """The ids of the rows from top to bottom."""
    return page.evaluate(
        "[...document.querySelectorAll('.ag-row')].sort((a, b) => a.getAttribute('row-index') - b.getAttribute("
        "'row-index')).map((row) => row.getAttribute('row-id'))"
    )


def backdate(folder: Path, **ago: float) -> None:
    """Make a run look as if it had been made some time ago."""
    path = folder / "config.json"
    info = json.loads(path.read_text())
    info["created"] = (datetime.now(UTC) - timedelta(**ago)).isoformat()
    path.write_text(json.dumps(info))


# Rows


def test_a_row_says_what_the_run_folder_says(page: Any, runs: Path) -> None:
    run = Run.open(runs / "one")
    best = max(run.metrics[1:], key=lambda row: max(row["accuracy"].values()))["accuracy"]
    for name in ("cos", "cos_ce", "euc", "euc_ce"):
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


@pytest.mark.parametrize(
    ("ago", "shown"),
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
def test_an_age_is_in_the_largest_unit_that_fits(ago: timedelta, shown: str) -> None:
    now = datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert age((now - ago).isoformat(), now) == shown
    assert age((now - ago).replace(tzinfo=None).isoformat(), now) == shown  # without a zone it is UTC


@pytest.mark.parametrize("created", [None, "", "yesterday"])
def test_an_unknown_age_is_empty(created: str | None) -> None:
    assert age(created, datetime.now(UTC)) == ""


def test_what_is_not_a_number_is_no_accuracy(runs: Path) -> None:
    path = runs / "one" / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["accuracy"] |= {"euc": None}
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    row = rows(Library(runs))[0]
    assert row["euc"] is None
    assert row["best"] == max(row[name] for name in ("cos", "cos_ce", "euc_ce"))
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_a_long_training_has_a_short_sparkline_that_ends_now(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "long")
    for t in range(150):
        run.log(embeddings=np.eye(4), labels=[0, 0, 1, 1], class_embeddings=np.eye(2, 4) * (t < 149))
    values = rows(Library(tmp_path))[0]["accuracies"]
    assert 30 <= len(values) <= 60
    assert values[-1] == max(run.metrics[-1]["accuracy"].values())


def test_every_classifier_is_explained() -> None:
    assert list(HELP) == list(CLASSIFIERS)


# What can be done with a run


@pytest.mark.parametrize("way", ["link", "button", "double click", "enter"])
def test_a_run_is_opened(page: Any, way: str) -> None:
    if way == "link":
        page.click(".run-link")
    elif way == "double click":
        cell(page, "one", "state").dblclick()
    else:
        select(page, "one")
        page.keyboard.press("Enter") if way == "enter" else page.click("#runs-open")
    page.wait_for_url(re.compile(r"/\?run=one"))
    page.wait_for_selector("#explore-stage")


def test_two_to_four_runs_can_be_compared(page: Any, runs: Path) -> None:
    for name in ("two", "three", "four", "five"):
        shutil.copytree(runs / "one", runs / name)
    Run.create(runs / "empty", small())
    for name in ("two", "three", "four", "five", "empty"):
        page.wait_for_selector(f'[row-id="{name}"]')

    def tick(run: str) -> None:
        page.click(f'[row-id="{run}"] .ag-checkbox-input')

    def wait_for(*enabled: str) -> None:
        all_four = "['open', 'compare', 'rename', 'delete']"
        now = f"{all_four}.filter((name) => !document.querySelector('#runs-' + name).disabled).join(' ')"
        page.wait_for_function(f"(names) => {now} === names", arg=" ".join(enabled))

    tick("one")
    wait_for("open", "rename", "delete")  # one run: what can be done to one
    for name in ("two", "three", "four"):
        tick(name)
        wait_for("compare")
    tick("five")
    wait_for()
    for name in ("five", "three", "four"):
        tick(name)
    tick("empty")  # nothing to see of it
    wait_for()
    tick("empty")
    wait_for("compare")
    page.click("#runs-compare")
    page.wait_for_url(re.compile(r"/compare\?run=(one&run=two|two&run=one)"))


def wait_for_dialog(page: Any, button: str) -> None:
    """Wait until the dialog with this button has come to rest: then it hears keys and leaves the focus alone.

    Before it begins to move it has asked for the focus, in timers, and for the keys.
    """
    page.wait_for_function(
        """(button) => {
            const dialog = document.getElementById(button)?.closest('[role=dialog]');
            return dialog && getComputedStyle(dialog).opacity === '1' && !dialog.getAnimations().length;
        }""",
        arg=button,
    )
    page.evaluate("new Promise((done) => setTimeout(done))")  # after the timers that were set before


def test_everything_can_be_reached_with_the_keyboard(new_page: Callable[..., Any], address: str) -> None:
    page = new_page()
    asked: list[Any] = []
    # before the page is there: nothing says when the browser has begun to tell of choosers instead of showing them
    page.on("filechooser", lambda chooser: asked.append(chooser))
    page.goto(f"{address}/runs")
    page.wait_for_selector(".ag-row")
    focused = "document.activeElement.id || document.activeElement.getAttribute('col-id')"

    def press(key: str, *path: str) -> None:
        """Press a key once for every place of the path, and wait until the focus is there."""
        for place in path:
            page.keyboard.press(key)
            page.wait_for_function(f"(place) => ({focused}) === place", arg=place)

    page.wait_for_selector("#runs-import input", state="attached")
    page.wait_for_selector("#runs-table[data-room]")  # the header is not drawn anew any more
    page.focus("#runs-import-button")
    page.keyboard.press("Enter")
    eventually(page, lambda: bool(asked))
    press("Tab", "ag-Grid-SelectionColumn", "name")  # the header, then the rows
    page.keyboard.press("Space")
    page.wait_for_selector(".ag-row-selected")
    page.wait_for_selector("#runs-delete:enabled")
    press("Shift+Tab", "runs-import-button")
    page.focus("#runs-delete")
    press("Enter", "runs-delete-keep")
    wait_for_dialog(page, "runs-delete-keep")
    press("Tab", "runs-delete-ask")
    press("Enter", "runs-delete-keep-again")
    wait_for_dialog(page, "runs-delete-keep-again")
    page.wait_for_selector("#runs-delete-keep", state="detached")
    page.keyboard.press("Escape")
    page.wait_for_selector("#runs-delete-do", state="hidden")


def test_a_run_is_renamed_and_stays_selected(page: Any, runs: Path) -> None:
    shutil.copytree(runs / "one", runs / "taken")
    select(page, "one")
    page.click("#runs-rename")
    for name, refusal in {"..": "cannot be the name of a run", "taken": "there is already a run 'taken'"}.items():
        page.fill("#runs-rename-name", name)
        page.click("#runs-rename-do")
        page.wait_for_selector(f"[role=dialog] >> text={refusal}")
    page.fill("#runs-rename-name", "two")
    page.keyboard.press("Enter")
    page.wait_for_selector('.ag-row-selected[row-id="two"]')
    page.wait_for_selector("[role=dialog]", state="hidden")
    assert (runs / "two").is_dir()
    assert not (runs / "one").exists()
    page.click("#runs-open")
    page.wait_for_url(re.compile(r"/\?run=two"))


def test_a_run_is_deleted_when_asked_twice(page: Any, runs: Path) -> None:
    select(page, "one")
    page.click("#runs-delete")
    page.wait_for_selector("text=Delete 'one' with its 3 snapshots")
    page.click("#runs-delete-keep")
    page.wait_for_selector("#runs-delete-keep", state="hidden")
    page.click("#runs-delete")
    page.click("#runs-delete-ask")
    page.wait_for_selector("text=cannot be brought back")
    page.click("#runs-delete-keep-again")
    page.wait_for_selector("#runs-delete-keep-again", state="hidden")
    assert (runs / "one").is_dir()
    page.click("#runs-delete")
    page.click("#runs-delete-ask")
    assert (runs / "one").is_dir()
    page.click("#runs-delete-do")
    page.wait_for_selector("text=No runs yet")
    assert not (runs / "one").exists()
    assert page.is_disabled("#runs-delete")


def test_a_run_in_training_is_not_deleted_and_the_dialog_says_why(page: Any, runs: Path) -> None:
    Run.open(runs / "one").set_status(state="training")
    select(page, "one")
    page.click("#runs-delete")
    page.click("#runs-delete-ask")
    page.click("#runs-delete-do")
    page.wait_for_selector("#runs-delete-problem >> text=is being trained right now")
    assert (runs / "one").is_dir()


def test_a_double_click_on_delete_deletes_nothing(page: Any, runs: Path) -> None:
    select(page, "one")
    page.click("#runs-delete")
    wait_for_dialog(page, "runs-delete-ask")  # where it comes to rest
    box = page.locator("#runs-delete-ask").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    there = f"document.elementFromPoint({x}, {y}).closest('button')?.id"
    page.wait_for_function(f"{there} === 'runs-delete-keep-again'")  # where the first question went on
    page.mouse.click(x, y)
    page.wait_for_selector("#runs-delete-do", state="hidden")
    assert (runs / "one").is_dir()


def test_embeddings_are_imported_and_a_bad_file_says_why(page: Any, runs: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", embeddings=np.eye(6), labels=[0, 0, 1, 1, 2, 2])
    (tmp_path / "bad.npz").write_bytes(b"no zip")
    (tmp_path / "notes.txt").write_text("notes")
    with (tmp_path / "large.npz").open("wb") as file:
        file.truncate(300 * 2**20)
    refusals = {
        "bad.npz": "bad.npz is damaged or not an .npz file",
        "notes.txt": "notes.txt: '.txt' files cannot be imported here; use .npz or .parquet",
        "large.npz": "mtm import large.npz",
    }
    for name, refusal in refusals.items():
        page.set_input_files("#runs-import input", tmp_path / name)
        page.wait_for_selector(f"#runs-import-problem >> text={refusal}")
    assert sorted(path.name for path in runs.iterdir()) == ["one"]
    page.set_input_files("#runs-import input", tmp_path / "mine.npz")
    page.wait_for_selector('.ag-row-selected[row-id="mine"]')
    page.wait_for_selector("#runs-import-problem", state="hidden")
    assert Run.open(runs / "mine").snapshot(0).embeddings.shape == (6, 6)
    with page.expect_file_chooser() as chooser:
        page.click("#runs-import-button")
    chooser.value.set_files(tmp_path / "mine.npz")  # the same file once more is a new import
    page.wait_for_selector("#runs-import-problem >> text=there is already a run 'mine'")


@pytest.mark.parametrize("name", ["../../mine.npz", "..\\..\\mine.npz", "/mine.npz"])
def test_no_file_name_leads_out_of_the_runs(runs: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^mine\.npz is damaged"):
        import_upload(Library(runs), name, "data:,bm8gemlw")


def test_bundled_runs_are_tagged_and_stay(page: Any, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "one", tmp_path / "demo" / "shown")
    page.wait_for_selector('[row-id="demo/shown"] .run-tag >> text=bundled')
    assert order(page) == ["one", "demo/shown"]
    select(page, "demo/shown")
    page.wait_for_selector("#runs-open:not([disabled])")
    assert page.is_disabled("#runs-rename")
    assert page.is_disabled("#runs-delete")
    page.click("#runs-open")
    page.wait_for_url(re.compile(r"/\?run=demo%2Fshown"))


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
    shown = []
    for snapshot in recorded[:2]:
        live.record(snapshot)
        progress = f"epoch {snapshot.epoch:g} / 2"
        page.wait_for_selector(f'[row-id="live"] >> text={progress}')
        shown.append(
            [
                cell(page, "live", "euc").inner_text(),
                cell(page, "live", "thumbnail").locator("img").get_attribute("src"),
            ]
        )
        assert order(page) == ["old", "one", "live"]
        assert page.locator(".ag-row-selected").get_attribute("row-id") == "one"
    assert shown[0][0] != shown[1][0]
    assert shown[0][1] != shown[1][1]
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
    sent, drawn = [], []
    page.on("response", lambda response: sent.append(response) if "_dash-update" in response.url else None)
    page.on("request", lambda request: drawn.append(request.url) if "thumbnail" in request.url else None)
    while len(sent) < 2:
        page.wait_for_timeout(200)
    assert all('"rowData"' not in response.text() for response in sent[:2])
    shutil.copytree(runs / "one", runs / "two")
    page.wait_for_selector('[row-id="two"] img')
    page.wait_for_timeout(500)
    assert [url.partition("run=")[2] for url in drawn] == ["two&n=3"]  # pictures that are there are not fetched again


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
    page.keyboard.press("Enter")
    cell(page, "newer", "state").dblclick()
    page.wait_for_timeout(500)
    assert page.url.endswith("/runs")


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
    told = page.locator('[row-id="one"] [col-id="best"] span').first.get_attribute("title")
    assert [line.split()[0] for line in told.split("\n")] == ["cos", "cos_ce", "euc", "euc_ce"]
    page.click(".ag-header-group-cell-with-group .ag-header-expand-icon-collapsed")
    page.wait_for_selector('[row-id="one"] [col-id="euc_ce"]')


def test_it_is_dark_in_the_dark(new_page: Callable[..., Any], address: str) -> None:
    def light(selector: str, style: str) -> int:
        """The sum of red, green and blue."""
        colour = page.locator(selector).first.evaluate(f"(e) => getComputedStyle(e).{style}")
        return sum(int(part) for part in re.findall(r"\d+", colour)[:3])

    for scheme, is_dark in (("light", False), ("dark", True)):
        page = new_page(800, scheme)
        page.goto(f"{address}/runs")
        page.wait_for_selector(".run-link")
        assert (light("body", "backgroundColor") < 200) == is_dark
        for text in ("[col-id=age].ag-cell", ".ag-header-cell-text", ".run-link", ".run-about", ".run-progress"):
            assert abs(light(text, "color") - light("body", "backgroundColor")) > 200, text


# Thumbnails


def drawn_points(picture: str) -> dict[str, list[tuple[float, float]]]:
    """The images of a thumbnail, by colour."""
    paths = re.findall(r'stroke="(#\w+)" d="([^"]+)"', picture)
    return {colour: [(float(x), float(y)) for x, y in re.findall(r"M(\S+) (\S+?)h0", d)] for colour, d in paths}


def drawn_targets(picture: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'cx="(\S+)" cy="(\S+)"', picture)]


def logged(folder: Path, e: Any, y: Any, **more: Any) -> Run:
    run = Run.create(folder)
    run.log(embeddings=np.asarray(e, np.float32), labels=y, **more)
    return run


def test_two_dimensions_are_drawn_as_they_are(tmp_path: Path) -> None:
    e = np.array([[0, 0], [4, 0], [0, 2], [4, 2]]) * 1.0
    c = np.array([[1, 1], [3, 1]]) * 1.0
    picture = draw(logged(tmp_path / "flat", e, [0, 1, 0, 1], class_embeddings=c))
    points = drawn_points(picture)
    assert list(points) == [class_colour(0), class_colour(1)]
    (a, b), (left, right) = points[class_colour(0)], drawn_targets(picture)
    assert b[1] < a[1]  # up is up
    assert b[0] == a[0]
    across = points[class_colour(1)][0][0] - a[0]
    assert across == pytest.approx(2 * (a[1] - b[1]), abs=0.2)  # one scale for both axes
    assert right[0] - left[0] == pytest.approx(across / 2, abs=0.2)
    everything = [place for places in points.values() for point in places for place in point]
    assert min(everything) >= 0
    assert max(everything) <= SIDE


def test_main_axes_do_not_depend_on_how_the_space_is_turned() -> None:
    rng = np.random.default_rng(0)
    e, c = rng.normal(size=(60, 9)) * np.arange(1, 10), rng.normal(size=(3, 9))
    y = np.arange(60) % 3
    turn = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    u, targets = flat(e, y, c)
    turned, turned_targets = flat(e @ turn, y, c @ turn)
    np.testing.assert_allclose(turned, u, atol=1e-9)
    np.testing.assert_allclose(turned_targets, targets, atol=1e-9)
    variances = np.sort(np.linalg.eigvalsh(np.cov(e.T)))[::-1][:2]
    np.testing.assert_allclose(u.var(axis=0, ddof=1), variances)


@pytest.mark.parametrize("shape", [(1, 5), (6, 1), (6, 3)])
def test_small_and_still_spaces_are_drawn(tmp_path: Path, shape: tuple[int, int]) -> None:
    points = drawn_points(draw(logged(tmp_path / "small", np.zeros(shape), np.arange(shape[0]) % 2)))
    assert {point for places in points.values() for point in places} == {(SIDE / 2, SIDE / 2)}


def test_an_outlier_does_not_crowd_the_others(tmp_path: Path) -> None:
    e = np.random.default_rng(0).normal(size=(200, 2))
    e[0] = 1e4
    x = [
        x for places in drawn_points(draw(logged(tmp_path / "far", e, np.arange(200) % 4))).values() for x, _ in places
    ]
    assert np.quantile(x, 0.9) - np.quantile(x, 0.1) > SIDE / 3


def test_a_thumbnail_is_small_however_large_the_run(tmp_path: Path) -> None:
    e = np.random.default_rng(0).normal(size=(20_000, 16))
    picture = draw(logged(tmp_path / "large", e, np.arange(20_000) % 100, class_embeddings=e[:100]))
    assert len(picture) < 16_000
    assert len(drawn_points(picture)) == 10  # colours; a hundred classes
    assert len(drawn_targets(picture)) == 100


def test_a_linear_head_has_no_targets(tmp_path: Path) -> None:
    run = logged(tmp_path / "pure", np.eye(4), [0, 0, 1, 1], weight=np.ones((2, 4)), bias=np.ones(2))
    assert drawn_targets(draw(run)) == []


def test_only_the_newest_snapshot_is_drawn_and_only_once(
    runs: Path, recorded: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(thumbnails, "draw", lambda run: opened.append(run.name) or draw(run))
    pictures = Thumbnails(Library(runs))
    before = pictures.svg("one")
    assert pictures.svg("one") == before
    assert opened == ["one"]
    assert before == draw(Run.open(runs / "one"))
    moved = replace(recorded[2], index=3, embeddings=recorded[2].embeddings[::-1].copy())
    Run.open(runs / "one").record(moved)
    assert pictures.svg("one") != before
    assert opened == ["one", "one"]


def test_the_browser_keeps_a_thumbnail_and_asks(runs: Path, tmp_path: Path) -> None:
    client = create_app(runs, tmp_path / "demo", tmp_path / "cache").server.test_client()
    first = client.get("/api/thumbnail?run=one&n=3")
    assert first.mimetype == "image/svg+xml"
    assert first.text == draw(Run.open(runs / "one"))
    again = client.get("/api/thumbnail?run=one&n=3", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    Run.create(runs / "empty", small())
    for name, refusal in {"empty": "has no snapshots", "..": "there is no run", "nowhere": "there is no run"}.items():
        answer = client.get(f"/api/thumbnail?run={name}")
        assert answer.status_code == 404
        assert refusal in answer.json["error"]
