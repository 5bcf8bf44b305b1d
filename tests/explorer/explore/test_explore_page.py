"""The Explore page in a real browser: it shows what the arrays hold, and says why it cannot show something."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import eventually, visit

from explorer.app import create_app
from mtm.runs import Run

NewPage = Callable[..., Any]
READY = "document.querySelector('#explore-stage')?.player?.data.frames && !!document.querySelector('.trust-row')"


def explore(page: Any, address: str, query: str = "") -> None:
    visit(page, f"{address}/{query}")
    page.wait_for_function(READY)


def state(page: Any, expression: str) -> Any:
    return page.evaluate(
        f"(() => {{ const p = document.querySelector('#explore-stage').player; return {expression}; }})()"
    )


def wait_for_time(page: Any, text: str) -> None:
    """Wait until the line over the picture contains a text."""
    page.wait_for_function("(text) => document.querySelector('#explore-now').textContent.includes(text)", arg=text)


def test_a_run_is_drawn_with_its_points_where_the_arrays_say(page: Any, address: str, runs: Path) -> None:
    explore(page, address)
    wait_for_time(page, "snapshot 3 / 3 · epoch 2.00")
    assert "showing 60 of 359 test images" in page.inner_text("#explore-count")
    assert state(page, "[p.data.frames.N, p.data.frames.T, p.data.frames.C]") == [60, 3, 10]
    labels = Run.open(runs / "one").labels.tolist()
    assert state(page, "[...Array(60).keys()].map((i) => p.describe(i).label)") == labels
    predictions = Run.open(runs / "one").snapshot(-1).predictions["euc_ce"].tolist()
    assert state(page, "[...Array(60).keys()].map((i) => p.describe(i).prediction)") == predictions
    assert page.errors == []


def test_points_move_between_snapshots_and_regions_are_drawn(page: Any, address: str) -> None:
    explore(page, address)
    places = [state(page, f"(p.pause(), p.seek({t}), p.screenOf(5))") for t in (0, 1, 2)]
    assert len({(round(place["x"]), round(place["y"])) for place in places}) > 1
    assert state(page, "p.data.regions !== null")
    page.keyboard.press("Home")
    wait_for_time(page, "snapshot 1 / 3")


def test_a_run_plays_from_its_start_when_it_is_opened(page: Any, address: str, new_page: NewPage) -> None:
    explore(page, address)
    wait_for_time(page, "epoch 2.00")
    page.wait_for_function("document.querySelector('#explore-stage').player.state.playing === false")
    calm = new_page(motion="reduce")
    explore(calm, address)
    assert state(calm, "[p.state.playing, p.state.time]") == [False, 2]  # with reduced motion the end is shown


def test_the_player_s_keys_and_buttons_work(new_page: NewPage, address: str) -> None:
    page = new_page()
    explore(page, address, "?epoch=0")
    page.keyboard.press("ArrowRight")
    wait_for_time(page, "epoch 1.00")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    wait_for_time(page, "epoch 2.00")
    page.click("[aria-label^='First snapshot']")
    wait_for_time(page, "epoch 0.00")
    page.keyboard.press("?")
    page.wait_for_selector("text=play or pause")


def test_the_url_restores_the_view(page: Any, address: str, new_page: NewPage) -> None:
    query = "?run=one&view=centres&classifier=cos&regions=fitted&colour=right&shown=targets,gaps&epoch=1.5"
    explore(page, address, query)
    page.wait_for_function("location.search.includes('epoch=1.5')")
    other = new_page()
    explore(other, address, page.evaluate("location.search"))
    assert state(other, "[p.data.frames.meta.method, p.data.regions.meta.mode]") == ["centres", "fitted"]
    options = "[p.state.classifier, p.state.colour, p.state.gaps, p.state.trails]"
    assert state(other, options) == ["cos", "right", True, False]
    assert state(other, "p.epoch") == pytest.approx(1.5, abs=0.01)


def test_hover_shows_the_image_and_the_decision(page: Any, address: str, runs: Path) -> None:
    explore(page, address, "?shown=gaps&epoch=2")  # no targets or centres over the points
    target = state(
        page, "[...Array(60).keys()].map((i) => ({i, ...p.screenOf(i)})).find(({i, x, y}) => p.pick({x, y}) === i)"
    )
    box = page.locator("#explore-stage").bounding_box()
    page.mouse.move(box["x"] + target["x"] + 1, box["y"] + target["y"])
    page.mouse.move(box["x"] + target["x"], box["y"] + target["y"])
    page.wait_for_selector(".card:not([hidden]) .card-title")
    row = state(page, "p.pointer.hovered.index")
    run = Run.open(runs / "one")
    assert page.inner_text(".card-title") == run.points.class_names[run.labels[row]]
    assert f"image {run.points.indices[row]}" in page.inner_text(".card")


def test_the_legend_hides_shows_alone_and_lets_stand_out(page: Any, address: str) -> None:
    explore(page, address)
    assert page.is_hidden(".legend-find")
    page.click(".legend-chip >> nth=3")
    assert state(page, "[...p.state.hidden]") == [3]
    page.click(".legend-all")
    page.hover(".legend-row >> nth=4")
    page.click(".legend-row >> nth=4 >> text=only")
    assert state(page, "[p.state.hidden.size, p.state.solo]") == [0, 4]
    page.click(".legend-row >> nth=4 >> text=only")
    page.click(".legend-row >> nth=5 >> text=focus")
    assert state(page, "[p.state.solo, [...p.state.focus]]") == [None, [5]]
    page.wait_for_function("location.search.includes('focus=5')")
    page.reload()
    page.wait_for_function(READY)
    assert state(page, "[...p.state.focus]") == [5]


def test_a_plane_goes_through_three_targets_of_one_s_choice(page: Any, address: str, runs: Path) -> None:
    explore(page, address, "?view=targets&classes=1,4,7&at=1&epoch=1")
    targets = Run.open(runs / "one").snapshot(1).class_embeddings.astype(float)  # type: ignore[union-attr]
    three = targets[[1, 4, 7]]
    positions = state(
        page, "[1, 4, 7].map((k) => [...p.data.frames.targets.slice(2 * (10 + k), 2 * (10 + k) + 2)].map(Number))"
    )
    across = [[math.dist(a, b) for a in three] for b in three]
    np.testing.assert_allclose([[math.dist(a, b) for a in positions] for b in positions], across, rtol=1e-3, atol=1e-4)
    page.click("#explore-at")  # away from snapshot 1: through those of the last
    page.wait_for_function("!location.search.includes('at=')")


def test_a_hundred_classes(page: Any, address: str, runs: Path) -> None:
    random = np.random.default_rng(0)
    run = Run.create(runs / "hundred")
    targets = random.normal(size=(100, 20)) * 3
    labels = np.arange(600) % 100
    for t in range(3):
        run.log(targets[labels] * t + random.normal(size=(600, 20)), labels, targets, epoch=t)
    explore(page, address, "?run=hundred&epoch=2")
    assert page.locator(".legend-row").count() == 100
    page.fill(".legend-find", "99")
    assert page.locator(".legend-row:visible").count() == 1
    page.hover(".legend-row:visible")
    page.click(".legend-row:visible >> text=focus")
    assert state(page, "[...p.state.focus]") == [99]
    assert state(page, "p.data.regions.C") == 100
    assert page.errors == []


def test_a_run_that_is_deleted_while_it_is_shown_plays_on_and_says_so(page: Any, address: str, runs: Path) -> None:
    explore(page, address, "?epoch=2")
    shutil.rmtree(runs / "one")
    page.keyboard.press("Home")
    wait_for_time(page, "epoch 0.00")
    page.locator("#explore-regions").click()
    page.get_by_role("option", name="nearest drawn centre").click()
    page.wait_for_function("document.querySelector('#explore-message').textContent.includes(\"there is no run 'one'\")")
    assert state(page, "p.data.frames.N") == 60


def test_two_tabs_do_not_disturb_each_other(page: Any, address: str, new_page: NewPage) -> None:
    other = new_page()
    explore(page, address, "?epoch=1&view=pca")
    explore(other, address, "?epoch=2&view=centres&colour=right")
    page.keyboard.press("Home")
    wait_for_time(page, "epoch 0.00")
    assert "epoch 2.00" in other.inner_text("#explore-now")
    assert state(page, "[p.data.frames.meta.method, p.state.colour]") == ["pca", "label"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_the_system_s_until_they_are_chosen(new_page: NewPage, address: str, scheme: str) -> None:
    page = new_page(scheme=scheme)
    explore(page, address, "?epoch=2&regions=off&shown=gaps")

    def corner() -> float:
        place = state(page, "(() => { const b = p.stage.view; return p.readPixel(b.left + 4, b.top + 4); })()")
        return float(np.mean(place))

    assert (corner() > 200) == (scheme == "light")
    page.click("#shell-theme")
    eventually(page, lambda: (corner() > 200) == (scheme == "dark"))


def test_on_a_narrow_page_curves_are_in_a_drawer_and_nothing_is_cut_off(page: Any, address: str) -> None:
    page.set_viewport_size({"width": 800, "height": 700})
    explore(page, address, "?epoch=2")
    assert page.evaluate("document.documentElement.scrollWidth") == 800
    assert not page.locator("#explore-side").is_visible()
    page.click("#explore-drawer")
    side = page.locator("#explore-side")
    eventually(page, lambda: side.bounding_box()["x"] + side.bounding_box()["width"] == pytest.approx(800, abs=1))
    page.click("#explore-drawer")
    page.wait_for_selector("#explore-side", state="hidden")


def test_umap_shows_pca_while_it_is_computed_and_can_be_cancelled(page: Any, address: str) -> None:
    explore(page, address, "?view=umap&epoch=2")
    assert state(page, "p.data.frames.meta.method") == "pca"
    assert "PCA meanwhile" in page.inner_text("#explore-waiting")
    page.click(".waiting-button")
    page.wait_for_function("document.querySelector('#explore-waiting').textContent.includes('UMAP was cancelled')")
    page.click(".waiting-button >> text=again")
    page.wait_for_function("document.querySelector('#explore-stage').player.data.frames.meta.method === 'umap'")
    page.wait_for_function("document.querySelector('#explore-trust').textContent.includes('Stands still')")
    assert page.is_hidden("#explore-waiting")
    assert page.inner_text("#explore-message") == ""


def test_a_run_that_grows_is_followed_and_its_past_stays_where_it_is(page: Any, address: str, runs: Path) -> None:
    random = np.random.default_rng(0)
    targets, labels = random.normal(size=(5, 12)) * 4, np.arange(100) % 5
    run = Run.create(runs / "growing")

    def grow(t: int) -> None:
        turned = np.roll(targets, t, axis=1) * (1 + t)
        run.log(turned[labels] + random.normal(size=(100, 12)), labels, turned, epoch=t)

    for t in range(3):
        grow(t)
    explore(page, address, "?run=growing&epoch=2")
    assert "training" in page.inner_text("#explore-live")
    before = state(page, "[p.data.frames.T, p.screenOf(7).x, p.data.frames.meta.variance.length]")
    past = "[...p.data.frames.targets.slice(0, 30)].map(Number)"
    where = state(page, past)
    grow(3)
    page.wait_for_function("document.querySelector('#explore-stage').player.data.frames.T === 4")
    wait_for_time(page, "snapshot 4 / 4 · epoch 3.00")  # it follows
    assert before[0] == 3
    np.testing.assert_allclose(state(page, past), where, rtol=1e-5)
    page.wait_for_function("document.querySelector('#explore-curve-sigma_rho .js-plotly-plot').data[0].x.length === 4")
    page.uncheck("#explore-live input")
    grow(4)
    page.wait_for_function("document.querySelector('#explore-stage').player.data.frames.T === 5")
    # curves are drawn anew after the picture has followed, if it does
    page.wait_for_function("document.querySelector('#explore-curve-sigma_rho .js-plotly-plot').data[0].x.length === 5")
    assert "snapshot 4 / 5" in page.inner_text("#explore-now")
    page.click(".live-newer")
    page.wait_for_function(
        f"Math.abs(document.querySelector('#explore-stage').player.data.frames.targets[0] - {where[0]}) > 1e-3"
    )
    explore(page, address, "?run=growing&epoch=0&view=umap")
    frames = "document.querySelector('#explore-stage').player.data.frames"
    shows = f"(T) => {frames}.meta.method === 'umap' && {frames}.T === T"
    page.wait_for_function(shows, arg=5)
    where = state(page, past)
    grow(5)
    page.wait_for_function(shows, arg=6)
    np.testing.assert_allclose(state(page, past), where, rtol=1e-5)
    page.click(".live-newer")
    run.finish()
    page.wait_for_selector("#explore-live", state="hidden")
    assert page.errors == []


def test_a_click_on_a_curve_goes_to_its_epoch_and_the_cursor_is_where_the_player_is(page: Any, address: str) -> None:
    explore(page, address, "?epoch=0")
    for name, over_epochs in (("sigma_rho", True), ("rho_sigma", False)):
        graph = f"document.querySelector('#explore-curve-{name} .js-plotly-plot')"
        page.wait_for_selector(f"#explore-curve-{name} .js-plotly-plot[data-listens]")
        page.wait_for_function(f"{graph}._fullLayout?.xaxis?._length")
        page.evaluate(f"{graph}.scrollIntoView({{ block: 'center' }})")
        place = f"""(i) => {{
            const {{ xaxis, yaxis }} = {graph}._fullLayout, [trace] = {graph}.data;
            const {{ x, y }} = {graph}.getBoundingClientRect();
            return {{ x: x + xaxis._offset + xaxis.d2p(trace.x[i]), y: y + yaxis._offset + yaxis.d2p(trace.y[i]) }};
        }}"""
        for i in (2, 1):
            # Plotly takes two clicks within so many milliseconds for a double one
            page.wait_for_function(f"Date.now() - ({graph}._mouseDownTime ?? 0) > {graph}._context.doubleClickDelay")
            where = page.evaluate(place, i)
            page.mouse.move(where["x"], where["y"])
            # what is under the mouse is looked for up to 50 ms later; a button pressed before that is no click on it
            page.wait_for_function(f"{graph}._hoverdata?.[0].pointNumber === {i}")
            page.mouse.down()
            page.mouse.up()
            wait_for_time(page, f"epoch {i}.00")
            cursor = page.locator(f"#explore-curve-{name} .curve-cursor")

            def middle(side: str, length: str, cursor: Any = cursor) -> float:
                box = cursor.bounding_box()
                return float(box[side] + box[length] / 2)

            def is_there(middle: Callable[[str, str], float] = middle, x: float = where["x"]) -> bool:
                return middle("x", "width") == pytest.approx(x, abs=2)

            eventually(page, is_there)
            if not over_epochs:
                assert middle("y", "height") == pytest.approx(where["y"], abs=2)


def test_a_view_with_wrong_parameters_is_an_error(runs: Path, tmp_path: Path) -> None:
    client = create_app(runs, tmp_path / "none", tmp_path / "cache").server.test_client()

    def error(query: str) -> str:
        return str(json.loads(client.get(f"/api/frames?run=one&view={query}").data)["error"])

    assert "three numbers are meant, as in 0,3,6" in error("targets&classes=one,two,three")
    assert "three different classes between 0 and 9, not 0, 0, 1" in error("targets&classes=0,0,1")
    assert "there is no snapshot 9; choose one between 0 and 2" in error("targets&at=9")
    assert client.post("/api/cancel?run=one&view=umap").status_code == 404


@pytest.mark.parametrize("view", ["pca", "centres", "targets"])
def test_every_plane_can_be_chosen(page: Any, address: str, view: str) -> None:
    explore(page, address, f"?view={view}")
    assert state(page, "p.data.frames.meta.method") == view


def test_a_view_that_cannot_be_says_why(page: Any, address: str) -> None:
    visit(page, f"{address}/?view=plane")
    page.wait_for_selector("#explore-message:not(:empty)")
    assert "D = 8" in page.inner_text("#explore-message") or "dimensions" in page.inner_text("#explore-message")


def test_a_run_that_is_gone_says_so(page: Any, address: str, runs: Path) -> None:
    explore(page, address)
    shutil.rmtree(runs / "one")
    visit(page, f"{address}/?run=one")
    page.wait_for_selector("text=there is no run 'one' here")


def test_a_damaged_snapshot_is_named_and_the_rest_plays(page: Any, address: str, runs: Path) -> None:
    path = runs / "one" / "snapshots" / "000001.safetensors"
    path.write_bytes(path.read_bytes()[:-50])
    explore(page, address)
    assert state(page, "p.data.frames.T") == 2
    assert "000001.safetensors is cut short" in page.inner_text("#explore-notices")


def test_without_webgl2_points_are_shown_with_a_notice(new_page: NewPage, address: str) -> None:
    page = new_page()
    page.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        " return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };"
    )
    explore(page, address)
    page.wait_for_function("document.querySelector('#explore-notices').textContent.includes('no WebGL2')")


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
    assert answer.status_code == (404 if name else 400)
    assert set(json.loads(answer.data)) == {"error"}
