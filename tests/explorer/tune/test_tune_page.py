"""The Tune page in a real browser, over a search's record as the tuner writes it; no Ray anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import open_tab, served_explorer

from explorer.app import create_app
from explorer.library import Library
from explorer.tune.routes import describe_search
from mtm.config import TrainConfig
from mtm.tuning import Search, new_search, open_search
from mtm.tuning.record import Trial

LRS = (1e-4, 1e-3, 1e-2, 5e-3, 2e-3)
CURVES: tuple[list[float], ...] = ([0.5, 0.6], [0.7, 0.9, 0.8], [], [0.65], [0.3])
STATES = ("stopped", "finished", "failed", "training", "stopped")


@pytest.fixture(scope="module")
def search(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """Five trials; the second, the best, and the fourth, which runs, have something to show."""
    runs = tmp_path_factory.mktemp("tune") / "runs"
    search = new_search(runs, TrainConfig(epochs=3, dim=8), trials=6, name="first")
    for number, (lr, curve, state) in enumerate(zip(LRS, CURVES, STATES, strict=True), start=1):
        trial = Trial(number, f"first-{number:02d}", {"lr": lr, "batch_size": 64}, state, accuracies=list(curve))
        trial.started, trial.ended = 1000.0, None if state == "training" else 1000.0 + 10 * number
        trial.reason = "ASHA: among the worse at epoch 2" if state == "stopped" else None
        search.trials.append(trial)
    for run in ("first-02", "first-04"):
        shutil.copytree(finished_run, runs / run)
    search.set_status(state="training")
    return search


@pytest.fixture(scope="module")
def address(search: Search, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_explorer(search.runs, tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="module")
def page(tabs: Any, address: str) -> Iterator[Any]:
    with open_tab(tabs, 1280) as page:
        page.goto(f"{address}/tune")
        page.wait_for_selector(".tune-table tbody tr")
        yield page
        assert not page.errors


def column(page: Any, number: int) -> list[str]:
    return [row.locator("td").nth(number).inner_text() for row in page.locator(".tune-table tbody tr:visible").all()]


def test_the_page_says_how_the_search_stands(page: Any) -> None:
    head = page.locator(".tune-head").inner_text()
    for part in ("searching", "4 of 6", "90.00 %", "validation images"):
        assert part in head
    assert page.get_by_role("link", name="Open the best in Explore").get_attribute("href") == "/?run=first-02"


def test_the_table_has_every_trial_best_first_and_opens_those_that_have_something_to_show(page: Any) -> None:
    assert column(page, 0) == ["90.00 %", "65.00 %", "60.00 %", "30.00 %", "–"]
    assert column(page, 1) == [f"first-{number:02d}" for number in (2, 4, 1, 5, 3)]
    links = [link.get_attribute("href") for link in page.locator(".tune-table tbody a").all()]
    assert links == ["/?run=first-02", "/?run=first-04"]
    page.get_by_role("button", name="learning rate").click()
    assert column(page, 5) == ["1e-4", "0.001", "0.002", "0.005", "0.01"]
    page.get_by_role("button", name="accuracy", exact=True).click()
    assert column(page, 0)[0] == "90.00 %"


def test_the_curve_is_the_best_of_the_trials_that_ended_until_then(page: Any) -> None:
    assert page.locator(".is-best svg").get_attribute("aria-label") == "best accuracy 90.00 % after 3 of 6 trials"
    dots = [dot.bounding_box() for dot in page.locator(".tune-dot").all()]
    assert len(dots) == 3
    assert dots[1]["y"] < dots[0]["y"] < dots[2]["y"]


def test_a_line_of_the_parallel_coordinates_passes_its_values(page: Any) -> None:
    low, middle, high = (page.locator(f".tune-line[data-number='{n}']").get_attribute("d") for n in (1, 2, 3))
    heights = [float(path[1:].split("L")[0].split(" ")[1]) for path in (low, middle, high)]
    assert heights[1] == pytest.approx(
        (heights[0] + heights[2]) / 2, abs=0.2
    )  # the learning rate's axis is a logarithm
    assert heights[0] > heights[2]
    assert page.locator(".tune-name").all_text_contents() == ["learning rate", "batch", "accuracy"]
    assert high.count("L") == 1  # it failed: it has no accuracy


def test_brushing_an_axis_keeps_the_trials_that_pass_there_in_all_views(page: Any) -> None:
    axis = page.locator(".tune-reach").last.bounding_box()
    x = axis["x"] + axis["width"] / 2
    page.mouse.move(x, axis["y"])
    page.mouse.down()
    page.mouse.move(x, axis["y"] + axis["height"] * 0.3, steps=3)
    page.mouse.up()
    assert column(page, 1) == ["first-02"]
    assert page.locator(".tune-line:not(.is-out)").count() == 1
    assert page.locator(".tune-dot:not(.is-out)").count() == 1
    page.mouse.click(x, axis["y"] + axis["height"] * 0.5)
    assert len(column(page, 1)) == 5


def test_a_trial_that_is_pointed_at_stands_out_in_all_views(page: Any) -> None:
    page.locator(".tune-table tbody tr[data-number='1']").hover()
    assert page.locator(".tune-line.is-pointed").get_attribute("data-number") == "1"
    assert page.locator(".tune-dot.is-pointed").get_attribute("data-number") == "1"


def test_what_a_trial_does_meanwhile_appears(page: Any, search: Search) -> None:
    search.trials[3].accuracies.append(0.95)
    search.trials[3].end("finished")
    search.save()
    page.wait_for_function("document.querySelector('.tune-table tbody td').textContent === '95.00 %'")
    assert page.locator(".tune-dot").count() == 4


def test_a_search_whose_tuner_is_gone_says_how_to_go_on(search: Search, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(search.folder, runs / "searches" / "first")
    interrupted = open_search(runs, "first")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    interrupted.trials[0].state = "training"
    interrupted.set_status(state="training")
    status = interrupted.status
    interrupted.status = status.__class__(**{**vars(status), "pid": process.pid, "heartbeat": time.time()})
    interrupted.save()
    row = describe_search(open_search(runs, "first"), Library(runs))
    assert (row["state"], row["trials"][0]["state"], row["seconds_left"]) == ("interrupted", "interrupted", None)


def test_no_search_yet_and_a_name_that_is_none(tmp_path: Path) -> None:
    client = create_app(tmp_path / "runs", tmp_path / "demo", tmp_path / "cache").server.test_client()
    assert client.get("/api/searches").get_json() == []
    response = client.get("/api/search", query_string={"name": "../../secret"})
    assert (response.status_code, list(response.get_json())) == (404, ["error"])
