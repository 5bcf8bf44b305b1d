"""What can be done with the runs of the table, in a real browser: open, compare, rename, delete, import."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import eventually, small
from runs_grid import cell, open_runs, order, select

from mtm.runs import Run


@pytest.fixture
def page(page: Any, address: str) -> Any:
    """The page of runs, open."""
    return open_runs(page, address)


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
    page, choosers = new_page(), list[Any]()
    # before the page is there: nothing says when the browser has begun to tell of choosers instead of showing them
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    open_runs(page, address)
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
    eventually(page, lambda: bool(choosers))
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
    button_there = f"document.elementFromPoint({x}, {y}).closest('button')?.id"
    page.wait_for_function(f"{button_there} === 'runs-delete-keep-again'")  # where the first question went on
    page.mouse.click(x, y)
    page.wait_for_selector("#runs-delete-do", state="hidden")
    assert (runs / "one").is_dir()


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
