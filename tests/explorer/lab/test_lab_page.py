"""The lab in a real browser: points are dragged and released, sliders moved; pixels and values are the losses'."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
from conftest import served_explorer, visit
from lab_browser import LAB, colour_at, drag, on_screen, open_lab, pixel, scene_of, settle, shown_values
from lab_scenes import OWN_LOSS
from PIL import Image

from explorer.lab.landscape import Scene, compute_landscape, compute_values
from explorer.lab.own_losses import OwnLosses
from explorer.lab.presets import PRESETS
from explorer.lab.scales import choose_scale
from mtm.losses import make_loss
from mtm.runs import Run


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(OWN_LOSS)
    return path


@pytest.fixture
def address(runs: Path, own: Path, tmp_path: Path) -> Iterator[str]:
    with served_explorer(runs, tmp_path, losses=[str(own)]) as address:
        yield address


@pytest.fixture
def page(page: Any) -> Iterator[Any]:
    """A page about which the browser does not complain."""
    yield page
    assert page.errors == []


@pytest.mark.parametrize("key", PRESETS)
def test_a_figure_is_one_click_and_its_pixels_and_values_are_the_loss_s(page: Any, address: str, key: str) -> None:
    open_lab(page, address, "?preset=6" if key == "5" else "")
    page.click(f"#lab-preset-{key}")
    page.wait_for_function(f"{LAB}.state.preset === '{key}' && {LAB}.answer.meta.panels.length === 1")
    page.uncheck("text=contours")
    page.uncheck("text=forces")
    settle(page)
    preset = PRESETS[key]
    around = Scene(np.array([preset.e]), np.array(preset.c), np.zeros(1, int), preset.vary)
    loss = make_loss(preset.loss, **preset.params)
    landscape = compute_landscape(loss, around, preset.box, 192)
    np.testing.assert_allclose(shown_values(page), landscape.values, rtol=1e-9, atol=1e-9)
    shades = choose_scale(landscape.values, preset.scale)
    left, bottom, right, top = preset.box
    for share_x, share_y in ((0.08, 0.07), (0.93, 0.31), (0.12, 0.95), (0.66, 0.9)):
        x, y = left + share_x * (right - left), bottom + share_y * (top - bottom)
        expected = colour_at(float(shades.positions(compute_values(loss, around, np.array([[x, y]])))[0]))
        assert np.abs(np.array(pixel(page, x, y)) - expected).max() < 14
    assert preset.says[:20].split(" c_e")[0] in page.inner_text(".lab-says")


def test_a_dragged_point_takes_the_landscape_with_it(page: Any, address: str) -> None:
    open_lab(page, address, "?preset=7")
    before = shown_values(page)
    drag(page, (-8.0, 6.0), (-12.0, -3.0))
    around, _ = scene_of(page)
    np.testing.assert_allclose(around.c[1], [-12, -3], atol=0.1)
    expected = compute_landscape(make_loss("class_proximity", r=500.0), around, PRESETS["7"].box, 192).values
    np.testing.assert_allclose(shown_values(page), expected, rtol=1e-9)
    assert not np.allclose(before, expected)
    assert page.evaluate(f"{LAB}.state.preset") is None
    page.wait_for_function("location.search.includes('-12')")


def test_fast_dragging_builds_no_queue(page: Any, address: str) -> None:
    open_lab(page, address, "?preset=7")
    most = page.evaluate(
        f"""async () => {{
            const lab = {LAB};
            let most = 0;
            for (let i = 0; i < 80; i++) {{
                lab.movePoint("c", 1, [-8 + i / 10, 6 - i / 10], i === 79);
                most = Math.max(most, (lab.landscapes.inFlight ? 1 : 0) + (lab.landscapes.waiting ? 1 : 0));
            }}
            return most;
        }}"""
    )
    assert most <= 2
    settle(page)
    assert page.evaluate(f"{LAB}.landscapes.dropped") >= 70
    around, _ = scene_of(page)
    np.testing.assert_allclose(around.c[1], [-0.1, -1.9])
    expected = compute_landscape(make_loss("class_proximity", r=500.0), around, PRESETS["7"].box, 192).values
    np.testing.assert_allclose(shown_values(page), expected, rtol=1e-9)


def test_a_slider_of_the_loss_changes_the_landscape_and_the_words(page: Any, address: str) -> None:
    open_lab(page, address, "?preset=9")
    assert "2 times as far out" in page.inner_text("#lab-rest-0")
    page.fill("#lab-r-0-number", "0.95")
    page.press("#lab-r-0-number", "Enter")
    page.wait_for_function("document.querySelector('#lab-rest-0').textContent.includes('20 times as far out')")
    settle(page)
    around, state = scene_of(page)
    assert state["losses"] == [{"name": "push_pull", "params": {"r": 0.95}}]
    expected = compute_landscape(make_loss("push_pull", r=0.95), around, PRESETS["9"].box, 192).values
    np.testing.assert_allclose(shown_values(page), expected, rtol=1e-9)
    page.evaluate("(() => { const r = document.querySelector('#lab-r-0'); r.value = r.max; })()")
    page.dispatch_event("#lab-r-0", "input")
    page.wait_for_function("document.querySelector('#lab-rest-0').textContent.includes('no minimum')")


def test_the_value_under_the_pointer_is_the_loss_and_its_parts(page: Any, address: str) -> None:
    open_lab(page, address, "?preset=7")
    page.mouse.move(*on_screen(page, -3.0, 12.0))
    page.wait_for_selector("#lab-value-0 [data-exact]")
    x, y = page.evaluate(f"{LAB}.pointed")
    around, _ = scene_of(page)
    exact = float(compute_values(make_loss("class_proximity", r=500.0), around, np.array([[x, y]]))[0])
    assert float(page.get_attribute("#lab-value-0 [data-exact]", "data-exact")) == pytest.approx(exact)
    assert "r · proximity" in page.inner_text("#lab-side")
    between = page.evaluate(f"{LAB}.panels[0].valueAt([{x}, {y}])")
    assert between == pytest.approx(exact, rel=1e-2)


def test_release_follows_the_gradient_and_reset_undoes_it(page: Any, address: str) -> None:
    open_lab(page, address, "?preset=5")
    start = page.evaluate(f"{LAB}.state.points")
    page.click("#lab-step")
    page.wait_for_function("document.querySelector('#lab-steps-now').textContent.startsWith('step 1 /')")
    own = f"{LAB}.panels[0].picture.points.filter((p) => p.main || p.name === 'c_e')"
    c, e = (np.array(place) for place in page.evaluate(f"{own}.map((p) => p.place)"))
    apart = np.array(start["e"][0]) - np.array(start["c"][0])
    np.testing.assert_allclose(e, start["e"][0] - 0.02 * 2 * apart)
    np.testing.assert_allclose(c, start["c"][0] + 0.02 * 2 * apart)
    page.click("#lab-release")
    page.wait_for_function("document.querySelector('#lab-steps-now').textContent === 'step 300 / 300'")
    settle(page)
    together = page.evaluate(
        f"{LAB}.panels[0].picture.points.filter((p) => p.main || p.name === 'c_e').map((p) => p.place)"
    )
    np.testing.assert_allclose(together[0], together[1], atol=1e-3)
    assert page.evaluate(f"{LAB}.panels[0].picture.trails.some((t) => t.places.length > 200)")
    page.click("#lab-reset")
    settle(page)
    assert page.evaluate(f"{LAB}.state.points") == start
    assert page.evaluate(f"{LAB}.panels[0].picture.trails") == []


def test_losses_are_compared_on_the_same_points(page: Any, address: str) -> None:
    open_lab(page, address, "?preset=9")
    page.click("#lab-compare")
    page.wait_for_function(f"{LAB}.panels.length === 2 && {LAB}.answer.panels.length === 2")
    settle(page)
    assert page.inner_text("#lab-forces-1").count("differs from A") == 2
    drag(page, (4.0, 2.0), (6.0, 6.0))
    around, _ = scene_of(page)
    second = np.array(page.evaluate(f"[...{LAB}.panels[1].picture.values]")).reshape(192, 192)
    np.testing.assert_allclose(second, compute_landscape(make_loss("euclidean"), around, PRESETS["9"].box, 192).values)
    page.click(".lab-remove >> nth=0")
    page.wait_for_function(f"{LAB}.panels.length === 1")
    assert page.evaluate(f"{LAB}.state.losses[0].name") == "euclidean"


def test_a_loss_of_one_s_own_is_drawn_and_its_errors_name_the_line(page: Any, address: str, own: Path) -> None:
    open_lab(page, address, "?preset=5")
    page.select_option("#lab-loss-0", "mine:Squeezed")
    settle(page)
    page.fill("#lab-weight-0-number", "4")
    page.press("#lab-weight-0-number", "Enter")
    settle(page)
    around, _ = scene_of(page)
    own_loss = OwnLosses([str(own)]).find("mine:Squeezed")
    assert own_loss is not None
    expected = compute_landscape(own_loss.make({"weight": 4.0}), around, PRESETS["5"].box, 192).values
    np.testing.assert_allclose(shown_values(page), expected, rtol=1e-9)
    own.write_text(OWN_LOSS.replace("apart.square()", "apart.squared()"))
    page.click("#lab-fit")
    page.wait_for_function("document.querySelector('.lab-problem').textContent.includes('mine.py, line 12')")
    page.select_option("#lab-loss-0", "cosine")
    settle(page)
    assert page.inner_text(".lab-problem") == ""


def test_a_run_s_landscape_is_the_loss_of_its_vectors_and_its_epochs_play(page: Any, address: str, runs: Path) -> None:
    open_lab(page, address)
    page.select_option("#lab-source", "one")
    page.wait_for_function(f"{LAB}.answer?.meta.epoch !== undefined")
    settle(page)
    assert "snapshot 3 / 3 · epoch 2.00" in page.inner_text("#lab-now")
    assert "D = 8, a slice" in page.inner_text("#lab-about")
    run = Run.open(runs / "one")
    snapshot, label = run.snapshot(2), int(run.labels[0])
    c = np.asarray(snapshot.class_embeddings, float)
    own = float(np.square(np.asarray(snapshot.embeddings[0], float) - c[label]).sum())
    at = page.evaluate(f"{LAB}.answer.c[{label}]")
    assert page.evaluate(f"{LAB}.panels[0].valueAt({json.dumps(at)})") == pytest.approx(own, rel=1e-3, abs=1e-3)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Home")
    page.wait_for_function(f"{LAB}.answer.meta.epoch === 0")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{LAB}.answer.meta.epoch === 1")
    page.keyboard.press("Space")
    page.wait_for_function(f"{LAB}.answer.meta.epoch === 2")
    settle(page)
    page.select_option("#lab-around", "class")
    settle(page)
    assert page.evaluate(f"{LAB}.state.vary") == "sum"
    assert "images" in page.inner_text("#lab-about")
    page.click("#lab-release")
    page.wait_for_function("document.querySelector('#lab-steps-now').textContent === 'step 300 / 300'")


def test_in_a_run_a_dragged_point_moves_along_the_slice(page: Any, address: str) -> None:
    open_lab(page, address, "?run=one&vary=e&image=0&losses=euclidean")
    e = page.evaluate(f"{LAB}.answer.e[0]")
    box = page.evaluate(f"{LAB}.answer.box")
    end = (e[0], e[1] + (box[3] - e[1]) / 2)
    drag(page, tuple(e), end)
    moved = page.evaluate(f"{LAB}.state.inRun.moved_e[0]")
    np.testing.assert_allclose(moved, [end[0] - e[0], end[1] - e[1]], atol=(box[2] - box[0]) / 200)
    np.testing.assert_allclose(page.evaluate(f"{LAB}.answer.e[0]"), end, atol=(box[2] - box[0]) / 200)
    page.click("text=put back")
    settle(page)
    np.testing.assert_allclose(page.evaluate(f"{LAB}.answer.e[0]"), e)


def test_the_keyboard_moves_points_and_the_url_restores_them(page: Any, address: str, new_page: Any) -> None:
    open_lab(page, address, "?preset=10")
    page.focus("[data-point=c1]")
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowUp"):
        page.keyboard.press(key)
    settle(page)
    around, state = scene_of(page)
    np.testing.assert_allclose(around.c[1], [-4.8, 4.24])
    page.click("#lab-add-class")
    page.click("#lab-add-e")
    page.select_option("#lab-vary", "sum")
    settle(page)
    page.wait_for_function("location.search.includes('vary=sum')")
    _, state = scene_of(page)
    other = new_page()
    open_lab(other, address, page.evaluate("location.search"))
    again = other.evaluate(f"(() => {{ const s = {LAB}.state; return {{ ...s, shown: [...s.shown] }}; }})()")
    assert again == state


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF-1.4")])
def test_the_picture_can_be_saved(page: Any, address: str, tmp_path: Path, kind: str, begins: bytes) -> None:
    open_lab(page, address, "?preset=7")
    with page.expect_download() as download:
        page.click(f"#lab-export-{kind}")
    download.value.save_as(tmp_path / kind)
    content = (tmp_path / kind).read_bytes()
    assert content.startswith(begins)
    if kind == "svg":
        assert b">class proximity</text>" in content
        assert b">r = 500</text>" in content


def test_the_three_kinds_of_picture_look_alike_in_other_programs(page: Any, address: str, tmp_path: Path) -> None:
    open_lab(page, address, "?preset=7")
    for kind in ("png", "svg", "pdf"):
        with page.expect_download() as download:
            page.click(f"#lab-export-{kind}")
        download.value.save_as(tmp_path / f"a.{kind}")
    with Image.open(tmp_path / "a.png") as png:
        size = (png.width // 4, png.height // 4)
        pictures = [png.convert("RGB").resize(size, Image.Resampling.BOX)]
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    reader = page.context.browser.new_page(device_scale_factor=2)
    reader.goto((tmp_path / "a.svg").as_uri())
    shot = Image.open(io.BytesIO(reader.locator("svg").first.screenshot())).convert("RGB")
    reader.close()
    document = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    assert len(document) == 1
    assert "class proximity" in document[0].get_textpage().get_text_range()
    printed = document[0].render(scale=2).to_pil().convert("RGB")
    document.close()
    pictures += [picture.resize(size, Image.Resampling.BOX) for picture in (shot, printed)]
    pixels = [np.asarray(picture, np.float64) for picture in pictures]
    assert all(picture.std() > 20 for picture in pixels)
    for other in pixels[1:]:
        assert np.abs(other - pixels[0]).mean() < 6


def test_the_grid_can_be_saved(page: Any, address: str, tmp_path: Path) -> None:
    open_lab(page, address, "?preset=9")
    files = {}
    for kind in ("csv", "npz"):
        with page.expect_download() as download:
            page.click(f"#lab-export-{kind}")
        download.value.save_as(tmp_path / f"grid.{kind}")
        files[kind] = tmp_path / f"grid.{kind}"
    with np.load(files["npz"]) as arrays:
        np.testing.assert_allclose(arrays["loss"], shown_values(page))
        table = np.loadtxt(files["csv"], delimiter=",", skiprows=1)
        np.testing.assert_allclose(table[:, 2], arrays["loss"].ravel())
        np.testing.assert_allclose(table[:192, 0], arrays["x"])


@pytest.mark.parametrize("query", [
    "?preset=77", "?losses=nothing", "?losses=push_pull(r=2,x=1)", "?e=1,2&c=a", "?run=gone", "?box=1,1,0,0&scale=odd",
    "?run=one&snapshot=999&image=0", "?c=0,0;0,0&e=0,0,0&losses=cosine|comparison|class_proximity",
])  # fmt: skip
def test_an_invalid_url_is_explained_and_never_blank(page: Any, address: str, query: str) -> None:
    visit(page, f"{address}/lab{query}")
    is_explained = "document.querySelector('#lab-message')?.textContent.length > 20"
    page.wait_for_function(f"{LAB}?.responseCount > 0 || {is_explained}")
    assert page.inner_text("#lab-controls")
    page.errors[:] = [error for error in page.errors if not re.search(r"40[04] \((BAD REQUEST|NOT FOUND)\)", error)]
