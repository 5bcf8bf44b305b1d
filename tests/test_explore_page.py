"""The app in a real browser: what is on screen is what the arrays say, and what cannot be shown says why."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waitress import create_server

from explorer.app import create_app
from mtm.runs import Run

READY = "document.querySelector('#explore-stage')?.player?.data.frames && !!document.querySelector('.trust-row')"


@pytest.fixture
def runs(finished_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    return tmp_path / "runs"


@pytest.fixture
def address(runs: Path, tmp_path: Path) -> Iterator[str]:
    server = create_server(create_app(runs, tmp_path / "no-demos", tmp_path / "cache").server, port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    yield page
    page.close()


def explore(page: Any, address: str, query: str = "") -> None:
    page.goto(f"{address}/{query}")
    page.wait_for_function(READY)


def state(page: Any, expression: str) -> Any:
    return page.evaluate(
        f"(() => {{ const p = document.querySelector('#explore-stage').player; return {expression}; }})()"
    )


def test_a_run_is_drawn_with_its_points_where_the_arrays_say(page: Any, address: str, runs: Path) -> None:
    explore(page, address)
    assert "snapshot 3 / 3 · epoch 2.00" in page.inner_text("#explore-now")
    assert "showing 60 of 359 test images" in page.inner_text("#explore-count")
    assert state(page, "[p.data.frames.N, p.data.frames.T, p.data.frames.C]") == [60, 3, 10]
    labels = Run.open(runs / "one").labels.tolist()
    drawn = state(page, "[...Array(60).keys()].map((i) => p.describe(i).label)")
    assert drawn == labels
    predictions = Run.open(runs / "one").snapshot(-1).predictions["euc_ce"].tolist()
    assert state(page, "[...Array(60).keys()].map((i) => p.describe(i).prediction)") == predictions
    assert page.errors == []


def test_points_move_between_snapshots_and_regions_are_drawn(page: Any, address: str) -> None:
    explore(page, address)
    places = [state(page, f"(p.pause(), p.seek({t}), p.screenOf(5))") for t in (0, 1, 2)]
    assert len({(round(place["x"]), round(place["y"])) for place in places}) > 1
    assert state(page, "p.data.regions !== null")
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('#explore-now').textContent.includes('snapshot 1 / 3')")


def test_the_player_s_keys_and_buttons_work(page: Any, address: str) -> None:
    explore(page, address, "?epoch=0")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('#explore-now').textContent.includes('epoch 1.00')")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('#explore-now').textContent.includes('epoch 2.00')")
    page.click("[aria-label^='First snapshot']")
    page.wait_for_function("document.querySelector('#explore-now').textContent.includes('epoch 0.00')")
    page.keyboard.press("?")
    page.wait_for_selector("text=play or pause")


def test_the_url_restores_the_view(page: Any, address: str, chromium: Any) -> None:
    asked = "?run=one&view=centres&classifier=cos&regions=fitted&colour=right&shown=targets,gaps&epoch=1.5"
    explore(page, address, asked)
    page.wait_for_function("location.search.includes('epoch=1.5')")
    other = chromium.new_page()
    explore(other, address, page.evaluate("location.search"))
    assert state(other, "[p.data.frames.meta.method, p.data.regions.meta.mode]") == ["centres", "fitted"]
    told = "[p.state.classifier, p.state.colour, p.state.gaps, p.state.trails]"
    assert state(other, told) == ["cos", "right", True, False]
    assert state(other, "p.epoch") == pytest.approx(1.5, abs=0.01)
    other.close()


def test_hover_shows_the_image_and_the_decision(page: Any, address: str, runs: Path) -> None:
    explore(page, address, "?shown=gaps")  # no targets or centres over the points
    target = state(
        page, "[...Array(60).keys()].map((i) => ({i, ...p.screenOf(i)})).find(({i, x, y}) => p.pick({x, y}) === i)"
    )
    box = page.locator("#explore-stage").bounding_box()
    page.mouse.move(box["x"] + target["x"] + 1, box["y"] + target["y"])
    page.mouse.move(box["x"] + target["x"], box["y"] + target["y"])
    page.wait_for_selector(".card:not([hidden]) .card-title")
    shown = state(page, "p.pointer.hovered.index")
    run = Run.open(runs / "one")
    assert page.inner_text(".card-title") == run.points.class_names[run.labels[shown]]
    assert f"image {run.points.indices[shown]}" in page.inner_text(".card")


def test_a_legend_chip_hides_its_class(page: Any, address: str) -> None:
    explore(page, address)
    page.click(".legend-chip >> nth=3")
    assert state(page, "[...p.state.hidden]") == [3]


@pytest.mark.parametrize("view", ["pca", "centres", "targets"])
def test_every_plane_can_be_chosen(page: Any, address: str, view: str) -> None:
    explore(page, address, f"?view={view}")
    assert state(page, "p.data.frames.meta.method") == view


def test_a_view_that_cannot_be_says_why(page: Any, address: str) -> None:
    page.goto(f"{address}/?view=plane")
    page.wait_for_selector("#explore-message:not(:empty)")
    assert "D = 8" in page.inner_text("#explore-message") or "dimensions" in page.inner_text("#explore-message")


def test_a_run_that_is_gone_says_so(page: Any, address: str, runs: Path) -> None:
    explore(page, address)
    shutil.rmtree(runs / "one")
    page.goto(f"{address}/?run=one")
    page.wait_for_selector("text=there is no run 'one' here")


def test_a_damaged_snapshot_is_named_and_the_rest_plays(page: Any, address: str, runs: Path) -> None:
    path = runs / "one" / "snapshots" / "000001.safetensors"
    path.write_bytes(path.read_bytes()[:-50])
    explore(page, address)
    assert state(page, "p.data.frames.T") == 2
    assert "000001.safetensors is cut short" in page.inner_text("#explore-notices")


def test_without_webgl2_points_are_shown_with_a_notice(chromium: Any, address: str) -> None:
    page = chromium.new_page()
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };"
    )
    explore(page, address)
    page.wait_for_function("document.querySelector('#explore-notices').textContent.includes('no WebGL2')")
    page.close()


def test_two_apps_in_one_process_show_their_own_runs(page: Any, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    first = create_app(runs, tmp_path / "none", tmp_path / "cache").server.test_client()
    second = create_app(tmp_path / "others", tmp_path / "none", tmp_path / "cache").server.test_client()
    assert first.get("/api/frames?run=one&view=pca").status_code == 200
    assert second.get("/api/frames?run=one&view=pca").status_code == 404


@pytest.mark.parametrize("name", ["..", "%2e%2e", "../one", "/etc/passwd", "one/../one", ""])
@pytest.mark.parametrize("route", ["frames", "attributes", "regions", "trust", "sprite", "progress"])
def test_no_name_leads_out_of_the_runs(runs: Path, tmp_path: Path, route: str, name: str) -> None:
    client = create_app(runs, tmp_path / "none", tmp_path / "cache").server.test_client()
    answer = client.get(f"/api/{route}?run={name}&view=pca&classifier=euc&mode=best")
    assert answer.status_code == 404
    assert set(json.loads(answer.data)) == {"error"}


def test_the_table_of_runs_renames_and_deletes(page: Any, address: str, runs: Path) -> None:
    page.goto(f"{address}/runs")
    page.click(".ag-row")
    page.click("#runs-rename")
    page.fill("#runs-rename-name", "..")
    page.click("#runs-rename-do")
    page.wait_for_selector("text=cannot be the name of a run")
    page.fill("#runs-rename-name", "two")
    page.click("#runs-rename-do")
    page.wait_for_selector(".run-link >> text=two")
    page.click(".ag-row")
    page.click("#runs-delete")
    page.wait_for_selector("text=for good? It cannot be brought back")
    assert (runs / "two").is_dir()
    page.click("#runs-delete-do")
    page.wait_for_selector("text=No runs yet")
    assert not (runs / "two").exists()
