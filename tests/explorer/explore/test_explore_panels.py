"""Selection and panels in a real browser: what they show is what the snapshot files say, with 10 and 100 classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from conftest import open_tab, served_explorer, without_refusals
from sklearn.neighbors import NearestNeighbors

from explorer.explore.certainty import describe, measure_certainty
from explorer.explore.events import KINDS, find_events
from explorer.explore.selection import inside_polygon
from explorer.space.history import load_history
from explorer.space.projections import project
from mtm.runs import Run

PANELS = "document.querySelector('#explore-stage')?.panels"
PATHS = ("/api/selection", "/api/selections", "/api/events", "/api/certainty", "/api/image")


@pytest.fixture(scope="module")
def runs(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the digits, one of a hundred classes, one with a linear head that still trains."""
    folder = tmp_path_factory.mktemp("panels") / "runs"
    shutil.copytree(finished_run, folder / "one")
    random = np.random.default_rng(0)
    targets, labels = 3 * random.normal(size=(100, 20)), np.arange(300) % 100
    hundred = Run.create(folder / "hundred")
    for t in range(3):
        hundred.log(targets[labels] * t / 4 + random.normal(size=(300, 20)), labels, targets, epoch=t)
    hundred.finish()
    growing = Run.create(folder / "growing")
    growing.log(random.normal(size=(60, 12)), labels[:60] % 3, weight=random.normal(size=(3, 12)), epoch=0)
    return folder


@pytest.fixture(scope="module", params=["one", "hundred"])
def name(request: pytest.FixtureRequest) -> str:
    """The run with ten classes, then the one with a hundred; module scope keeps the tests of a run together."""
    return str(request.param)


@pytest.fixture(scope="module")
def address(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_explorer(runs, tmp_path_factory.mktemp("served")) as address:
        yield address


@pytest.fixture(scope="module")
def opened(tabs: Any, address: str) -> Iterator[Any]:
    """One page for all tests, with reduced motion, so that runs are not played."""
    with open_tab(tabs, 1120, 640, motion="reduce") as page:
        page.paths = []
        page.on("request", lambda request: page.paths.append(urlsplit(request.url).path))
        load(page, f"{address}/?run=one&classifier=euc&epoch=2&image=60&select=%5B%7B")
        yield page


@pytest.fixture
def page(opened: Any) -> Iterator[Any]:
    opened.errors.clear()
    yield opened
    assert without_refusals(opened.errors) == []


def load(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_function(f"{PANELS}?.run && document.querySelector('#explore-stage').player.stage.axes.ready")


def show(page: Any, run: str, panel: str, t: int = 2) -> None:
    """Show a run at a snapshot, with nothing selected and one panel open."""
    page.evaluate("run => dash_clientside.set_props('explore-run', { value: run })", run)
    page.wait_for_function(f"run => {PANELS}.run === run && {PANELS}.current().run === run", arg=run)
    page.evaluate(
        f"""([panel, t]) => {{ const panels = {PANELS};
        panels.openPanel("curves"); panels.byName.image.choose(null); panels.selector.reset([]);
        panels.player.set("selection", null);
        panels.selector.setMode("replace"); panels.player.seek(t); panels.openPanel(panel); }}""",
        [panel, t],
    )


def evaluate(page: Any, expression: str) -> Any:
    return page.evaluate(f"(() => {{ const panels = {PANELS}; return {expression}; }})()")


def wait(page: Any, expression: str, value: object = None) -> None:
    page.wait_for_function(f"value => {{ const panels = {PANELS}; return {expression}; }}", arg=value)


def select(page: Any, *steps: dict[str, Any]) -> None:
    page.evaluate(f"steps => {PANELS}.selector.setSteps(steps)", list(steps))


def selected_rows(page: Any, n: int) -> list[int]:
    """The rows of the selected images, once there are n of them."""
    wait(page, "(panels.player.state.selection ?? []).length === value && panels.selector.numbers?.n === value", n)
    return evaluate(page, "[...(panels.player.state.selection ?? [])].sort((a, b) => a - b)")


def values(page: Any, where: str) -> list[float]:
    """The numbers of an element, with all their digits."""
    texts = page.eval_on_selector_all(f"{where} data", "all => all.map((one) => one.getAttribute('value'))")
    return [float(text) if text else float("nan") for text in texts]


def wait_for_text(page: Any, where: str, text: str) -> None:
    """Wait until one of the elements contains a text."""
    page.wait_for_function(
        "([where, text]) => [...document.querySelectorAll(where)].some((one) => one.textContent.includes(text))",
        arg=[where, text],
    )


def replace(kind: str, **shape: object) -> dict[str, Any]:
    return {"do": "replace", "shape": {"kind": kind, **shape}}


# Loading


def test_a_damaged_address_is_said_and_nothing_is_loaded_until_a_panel_is_opened(page: Any) -> None:
    wait_for_text(page, ".explore-notice", "The selection in the address is damaged")
    assert not set(PATHS) & set(page.paths)
    for panel, path in (("select", "selection"), ("events", "events"), ("certainty", "certainty")):
        assert f"/api/{path}" not in page.paths
        page.click(f"#explore-tabs >> text={panel.title()}")
        wait(page, "panels.openName === value", panel)
        page.wait_for_selector({"select": ".image-button", "events": ".events-row", "certainty": "td data"}[panel])
        assert f"/api/{path}" in page.paths
        assert page.locator(".explore-panel:visible").count() == 1
    assert "/api/image" not in page.paths
    page.click("#explore-tabs >> text=Image")
    wait_for_text(page, "#explore-panel-image .panel-problem", "shows 60 images, number 60 is not among them.")
    page.keyboard.press("ArrowLeft")
    wait(page, "panels.openName === 'select'")


def test_every_panel_has_a_tab_that_says_what_it_is_for(page: Any) -> None:
    tabs = page.locator("#explore-tabs [role=tab]")
    names = tabs.evaluate_all("all => all.map((tab) => tab.dataset.panel)")
    assert names == evaluate(page, "Object.keys(panels.byName)")
    assert len(names) >= 5
    for tab in tabs.all():
        assert tab.inner_text()
        assert tab.get_attribute("title")
        assert page.locator(f"#{tab.get_attribute('aria-controls')}[role=tabpanel]").count() == 1


# Selecting


def test_a_lasso_is_kept_across_epochs_and_views_and_in_the_address(page: Any, address: str, runs: Path) -> None:
    show(page, "one", "curves", 1)
    page.click("button[name=lasso]")
    page.wait_for_selector("button[name=lasso][aria-pressed=true]")
    plot = page.locator("#explore-stage .nsewdrag").bounding_box()
    corners = [(0.02, 0.02), (0.55, 0.02), (0.5, 0.5), (0.5, 0.98), (0.02, 0.98), (0.02, 0.3)]
    places = [(plot["x"] + plot["width"] * x, plot["y"] + plot["height"] * y) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=2)
    page.mouse.up()
    wait(page, "panels.selector.numbers?.n > 0")
    (step,) = evaluate(page, "panels.selector.steps")
    expected = inside_polygon(project(Run.open(runs / "one"), "pca").points[1], step["shape"]["points"])
    assert 0 < expected.sum() < 60
    rows = selected_rows(page, int(expected.sum()))
    assert rows == np.flatnonzero(expected).tolist()
    assert page.inner_text(".selection-count") == f"{expected.sum()} of 60"
    page.evaluate("dash_clientside.set_props('explore-view', { value: 'centres' })")
    wait(page, "panels.current().view.method === 'centres'")
    page.evaluate(f"{PANELS}.player.seek(0)")
    wait(page, "panels.selector.numbers.snapshot === 0")
    assert selected_rows(page, len(rows)) == rows
    page.wait_for_function("location.search.includes('select=') && location.search.includes('epoch=0')")
    assert json.loads(parse_qs(urlsplit(page.url).query)["select"][0]) == [step]
    load(page, page.url)
    assert selected_rows(page, len(rows)) == rows
    page.evaluate("dash_clientside.set_props('explore-view', { value: 'pca' })")
    wait(page, "panels.current().view.method === 'pca'")


def test_what_is_hidden_is_not_in_a_lasso_and_undo_takes_it_back_at_once(page: Any, runs: Path) -> None:
    show(page, "one", "curves")
    y = Run.open(runs / "one").labels
    select(page, replace("class", classes=[3]))
    selected_rows(page, int((y == 3).sum()))
    page.evaluate(
        f"""() => {{ const {{ player }} = {PANELS}; player.set("hidden", new Set([0, 1, 2]));
        const [left, low, right, high] = player.data.frames.box;
        player.stage.look(); player.events.emit("select", {{ polygon: {{ x: [left - 1, right + 1, right + 1, left - 1],
        y: [low - 1, low - 1, high + 1, high + 1] }} }}); }}"""
    )
    assert selected_rows(page, int((y > 2).sum())) == np.flatnonzero(y > 2).tolist()
    page.evaluate(f"{PANELS}.player.set('hidden', new Set())")
    page.click("button[name=undo]")
    assert selected_rows(page, int((y == 3).sum())) == np.flatnonzero(y == 3).tolist()


def test_the_bar_and_the_chooser_make_sets(page: Any, runs: Path) -> None:
    show(page, "one", "select")
    run = Run.open(runs / "one")
    y, snapshot = run.labels, run.snapshot(2)
    assert snapshot.class_embeddings is not None
    apart = np.linalg.norm(snapshot.embeddings.astype(float) - snapshot.class_embeddings[4].astype(float), axis=1)
    near, wrong = apart <= np.median(apart) + 1e-3, snapshot.predictions["cos"] != y
    act = page.locator(".chooser-row .panel-button")

    def assert_selected(mask: np.ndarray) -> None:
        assert selected_rows(page, int(mask.sum())) == np.flatnonzero(mask).tolist()

    page.select_option("[aria-label=Class]", "4")
    act.nth(0).click()
    assert_selected(y == 4)
    page.click("button[name=add]")
    page.fill("[aria-label=Distance]", str(np.median(apart) + 1e-3))
    page.select_option("[aria-label='Whose target']", "4")
    act.nth(2).click()
    assert_selected((y == 4) | near)
    page.click("button[name=subtract]")
    page.select_option("[aria-label=Classifier]", "cos")
    act.nth(1).click()
    both = ((y == 4) | near) & ~wrong
    assert_selected(both)
    page.fill("[aria-label=Name]", "near fours")
    page.click("text=save")
    page.wait_for_selector(".saved-chip")
    page.click("button[name=invert]")
    assert_selected(~both)
    page.click("button[name=keep]")
    act.nth(0).click()
    assert_selected(~both & (y == 4))
    words = page.inner_text("#explore-panel-select .panel-summary")
    assert words.startswith("4; also all within")
    assert words.endswith("; without what cos gets wrong at epoch 2; inverted; of these only 4.")
    page.click("button[name=undo]")
    page.click("button[name=undo]")
    assert_selected(both)
    page.click("button[name=clear]")
    page.wait_for_selector("button[name=clear]:disabled")
    page.click(".saved-select >> text=near fours")
    assert_selected(both)
    assert list(json.loads((runs / "one" / "selections.json").read_text())) == ["near fours"]
    page.click(".saved-delete")
    page.wait_for_selector(".saved-chip", state="detached")


# Numbers


def test_numbers_are_those_of_the_snapshot_files(page: Any, runs: Path, name: str) -> None:
    show(page, name, "select", 1)
    run = Run.open(runs / name)
    classifier = evaluate(page, "panels.current().classifier")
    y, C = run.labels, run.points.n_classes
    judged = load_history(run).judged
    mask = np.isin(y, (1, 2, 5))
    select(page, replace("class", classes=[1, 2, 5]))
    selected_rows(page, int(mask.sum()))
    snapshot = run.snapshot(1)
    decided = snapshot.predictions[classifier]
    if C > 10:
        page.click("text=all 100 classes")
    counts = dict(zip(page.locator("button.class-name").all_inner_texts(), values(page, ".class-counts"), strict=True))
    assert counts == {names: float((y[mask] == k).sum()) for k, names in enumerate(run.points.class_names)}
    confusion = np.array(evaluate(page, "panels.selector.numbers.confusion"))
    cells = np.zeros((C, C), int)
    np.add.at(cells, (y[mask & judged], decided[mask & judged]), 1)
    assert confusion.tolist() == cells.tolist()
    right = decided == y
    for (chart, measure), each in zip(
        {"accuracy": right[judged], "sigma": None, "target_distance": None, "margin": None}.items(),
        (None, snapshot.centre_distances, snapshot.target_distances, snapshot.margins[classifier]),
        strict=True,
    ):
        at = evaluate(
            page, f"[...panels.byName.select.charts.{chart}.values.querySelectorAll('data')].map((d) => +d.value)"
        )
        expected = (
            [measure.mean(), right[mask & judged].mean()] if each is None else [np.median(each), np.median(each[mask])]
        )
        assert at == pytest.approx(expected, rel=1e-6)


def test_a_cell_of_the_confusion_matrix_tells_its_number_and_selects_it(page: Any, runs: Path, name: str) -> None:
    show(page, name, "select", 0)
    page.wait_for_selector(".confusion-pair")
    run = Run.open(runs / name)
    classifier, judged = evaluate(page, "panels.current().classifier"), load_history(run).judged
    y, decided, names = run.labels, run.snapshot(0).predictions[classifier], run.points.class_names
    C = len(names)
    wait(page, "panels.selector.numbers?.snapshot === 0")
    cells = np.zeros((C, C), int)
    np.add.at(cells, (y[judged], decided[judged]), 1)
    label, decision = (int(k) for k in np.argwhere((cells > 0) & ~np.eye(C, dtype=bool))[-1])
    share = f"{100 * cells[label, decision] / cells[label].sum():.1f} %"
    canvas = page.locator(".confusion-matrix")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    side, edge = box["width"], 6 * box["width"] / 328
    place = [edge + (k + 0.5) * (side - edge) / C for k in (decision, label)]
    canvas.hover(position={"x": place[0], "y": place[1]})
    text = f"{names[label]} taken for {names[decision]}: {cells[label, decision]}, {share}"
    assert page.inner_text(".confusion-text") == text
    canvas.click(position={"x": place[0], "y": place[1]})
    assert selected_rows(page, int(((y == label) & (decided == decision)).sum()))
    first = page.locator(".confusion-pair").first
    most = (cells * ~np.eye(C, dtype=bool)).max()
    assert f" of {most}, " in first.inner_text()


def test_the_grid_comes_in_pages_in_the_order_of_a_measure(page: Any, runs: Path) -> None:
    show(page, "one", "select", 1)
    run = Run.open(runs / "one")
    margins = np.sort(run.snapshot(1).margins["euc"])
    page.wait_for_selector(".image-button")
    wait(page, "document.querySelector('#explore-panel-select .panel-row .panel-detail').textContent === '1–32 of 60'")
    assert values(page, "#explore-panel-select .image-grid") == pytest.approx(margins[:32].tolist())
    page.click("[title='The next page']")
    wait(page, "document.querySelector('#explore-panel-select .panel-row .panel-detail').textContent === '33–60 of 60'")
    assert values(page, "#explore-panel-select .image-grid") == pytest.approx(margins[32:].tolist())
    page.click("text=least first")
    first = "+document.querySelector('#explore-panel-select .image-button data').value === value"
    wait(page, first, float(margins[-1]))
    page.select_option("[aria-label='Sorted by']", "target_distance")
    largest = np.sort(run.snapshot(1).target_distances)[::-1]  # type: ignore[arg-type]
    wait(page, first, float(largest[0]))
    assert values(page, "#explore-panel-select .image-grid") == pytest.approx(largest[:32].tolist())


def test_an_empty_selection_says_so(page: Any) -> None:
    show(page, "one", "select")
    select(page, replace("within", distance=0, of_class=1, snapshot=2))
    wait_for_text(page, "#explore-panel-select .panel-problem", "No image is in this selection now")
    assert page.inner_text(".selection-count") == "0 of 60"
    assert not page.locator(".confusion-matrix").is_visible()
    select(page, {"do": "jump"})
    wait_for_text(page, "#explore-panel-select .panel-problem", "unknown 'do' 'jump'")
    page.evaluate(f"{PANELS}.byName.select.draw()")  # as for whatever else changes: the problem stays
    wait_for_text(page, "#explore-panel-select .panel-problem", "unknown 'do' 'jump'")
    page.evaluate(f"{PANELS}.byName.select.show()")
    wait_for_text(page, "#explore-panel-select .panel-problem", "unknown 'do' 'jump'")
    select(page, replace("class", classes=[99]))
    wait_for_text(page, "#explore-panel-select .panel-problem", "has classes 0 to 9, there is no number 99.")
    page.click("button[name=undo]")
    page.click("button[name=undo]")
    wait_for_text(page, "#explore-panel-select .panel-problem", "No image is in this selection now")


# One image


def test_without_an_image_the_panel_says_how_to_get_one(page: Any) -> None:
    show(page, "one", "image")
    wait_for_text(page, "#explore-panel-image .panel-problem", "Click an image in the picture")
    page.evaluate(f"{PANELS}.openImage(3)")
    page.wait_for_selector(".image-name:visible")
    page.evaluate(f"{PANELS}.openImage(999)")  # no such image
    wait_for_text(page, "#explore-panel-image .panel-problem", "number 999 is not among them.")
    assert not page.locator(".image-name").is_visible()
    assert page.locator("line.links-kept").count() == 0


def test_one_image_and_its_neighbours_are_those_of_the_files(page: Any, runs: Path, name: str) -> None:
    show(page, name, "image", 1)
    run = Run.open(runs / name)
    snapshot, names, row = run.snapshot(1), run.points.class_names, 7
    page.evaluate(f"row => {PANELS}.openImage(row)", row)
    page.wait_for_selector(".image-head")
    wait(page, "panels.byName.image.image?.row === value && panels.byName.image.image.snapshot === 1", row)
    label = int(run.labels[row])
    assert page.inner_text(".image-name") == names[label]
    decisions = dict(
        zip(
            *(page.locator(f".decision-row .{part}").all_inner_texts() for part in ("panel-name", "image-decision")),
            strict=True,
        )
    )
    assert decisions == {key: names[int(decided[row])] for key, decided in snapshot.predictions.items()}
    assert snapshot.class_embeddings is not None
    e, targets = snapshot.embeddings.astype(float), snapshot.class_embeddings.astype(float)
    apart = np.sort(np.linalg.norm(targets - e[row], axis=1))
    panel = "#explore-panel-image"
    bars = values(page, f"{panel} .class-row")
    assert bars[:10] == pytest.approx(apart[:10].tolist(), rel=1e-5)
    assert page.locator(f"{panel} .is-own").all_inner_texts() == [names[label]]
    near = NearestNeighbors(n_neighbors=16).fit(e)
    distances, rows = (each[0][1:] for each in near.kneighbors(e[row : row + 1]))
    assert evaluate(page, "panels.byName.image.image.neighbours.rows") == rows.tolist()
    assert values(page, f"{panel} .image-grid") == pytest.approx(distances.tolist(), rel=1e-5)
    u = project(run, "pca").points[1]
    near_in_view = NearestNeighbors(n_neighbors=16).fit(u).kneighbors(u[row : row + 1])[1][0][1:]
    missing, false = set(rows) - set(near_in_view), set(near_in_view) - set(rows)
    counts = {kind: page.locator(f"line.links-{kind}").count() for kind in ("kept", "missing", "false")}
    assert counts == {"kept": len(set(rows) & set(near_in_view)), "missing": len(missing), "false": len(false)}
    wait(page, "document.querySelector('line.links-false')?.x1.baseVal.value > 0")
    ends = page.eval_on_selector_all(
        "line.links-false", "all => all.map(({ x2, y2 }) => [x2.baseVal.value, y2.baseVal.value])"
    )
    order = [row for row in near_in_view if row in false]
    places = evaluate(page, f"{json.dumps([int(row) for row in order])}.map((row) => panels.player.screenOf(row))")
    assert np.allclose(ends, [[place["x"], place["y"]] for place in places], atol=1)
    page.click(f"{panel} >> text=add it to the selection")
    assert selected_rows(page, 1) == [row]
    page.click(f"{panel} >> text=take it off the selection")
    selected_rows(page, 0)


def test_a_click_on_a_point_shows_it_and_with_shift_selects_it(page: Any) -> None:
    show(page, "one", "curves")
    page.click("button[name=pan]")
    page.evaluate(f"['targets', 'centres'].forEach((name) => {PANELS}.player.set(name, false))")
    place = evaluate(
        page,
        "[...Array(60).keys()].map((i) => ({ i, ...panels.player.screenOf(i) }))"
        ".find(({ i, ...at }) => panels.player.pick(at) === i)",
    )
    box = page.locator("#explore-stage").bounding_box()
    at = (box["x"] + place["x"], box["y"] + place["y"])
    page.mouse.move(at[0] + 1, at[1])
    page.mouse.move(*at)
    wait(page, "panels.player.pointer.hovered?.index === value", place["i"])
    page.keyboard.down("Shift")
    page.mouse.click(*at)
    page.keyboard.up("Shift")
    assert selected_rows(page, 1) == [place["i"]]
    assert evaluate(page, "panels.openName") == "curves"
    wait(page, "panels.player.pointer.hovered?.index === value", place["i"])
    page.mouse.click(*at)
    wait(page, "panels.openName === 'image' && panels.byName.image.image?.row === value", place["i"])
    page.evaluate(f"['targets', 'centres'].forEach((name) => {PANELS}.player.set(name, true))")


# Events and certainty


def test_events_are_listed_and_lead_to_where_they_were(page: Any, runs: Path, name: str) -> None:
    show(page, name, "events")
    classifier = evaluate(page, "panels.current().classifier")
    expected = find_events(load_history(Run.open(runs / name)), classifier)
    rows = page.locator(".events-row")
    wait_for_text(page, ".events-note", f"of {len(expected):,}, ")
    wait_for_text(page, ".events-row:first-of-type .events-text", expected[0].text)
    assert page.locator(".events-text").all_inner_texts() == [event.text for event in expected[:200]]
    at = next(i for i, event in enumerate(expected) if event.image is not None)
    rows.nth(at).click()
    assert selected_rows(page, 1) == [expected[at].image]
    assert evaluate(page, "panels.player.state.time") == expected[at].snapshot
    first = next(kind for kind in KINDS if any(event.kind == kind for event in expected))
    page.locator(".events-chip").first.click()
    page.wait_for_selector(".events-chip[aria-pressed=true]")
    kind = [event.text for event in expected if event.kind == first][:200]
    assert page.locator(".events-text").all_inner_texts() == kind
    page.locator(".events-chip").first.click()
    page.wait_for_selector(".events-chip[aria-pressed=true]", state="detached")
    assert page.locator(".events-bar").count() == page.locator(".timebar-event").count() == 3
    page.locator(".events-bar").nth(1).click()
    assert evaluate(page, "panels.player.state.time") == 1


def test_certainty_is_that_of_the_run(page: Any, runs: Path, name: str) -> None:
    show(page, name, "certainty", 1)
    run = load_history(Run.open(runs / name))
    expected = measure_certainty(run, 1)
    wait(page, "panels.byName.certainty.answer?.certainty[0].snapshot === 1")
    page.wait_for_selector("#explore-panel-certainty td data")
    page.select_option("[aria-label='What is taken for certainty']", "margin")
    relations = [next(r for r in each.relations if r.place == "margin") for each in expected]
    table = [[r.risk.aurc, r.pairs, each.reliability.error] for r, each in zip(relations, expected, strict=True)]
    assert values(page, ".certainty-table") == pytest.approx(np.ravel(table).tolist(), nan_ok=True)
    classifier = evaluate(page, "panels.current().classifier")
    assert describe(next(each for each in expected if each.classifier == classifier)) in page.inner_text(
        ".panel-summary >> visible=true"
    )
    ends = evaluate(page, "panels.byName.certainty.graphs.risk_coverage.data.map((line) => [...line.y].at(-1))")
    assert ends == pytest.approx([1 - each.accuracy for each in expected])


# Other runs


def test_a_run_that_still_trains_says_so_and_its_numbers_grow(page: Any, runs: Path) -> None:
    show(page, "growing", "select", 0)
    wait_for_text(page, "#explore-still", "Still training")
    page.wait_for_selector("#explore-panel-select .image-button")
    assert page.locator("[aria-label='Target or centre'] option").all_inner_texts() == ["centre"]  # a linear head
    assert not evaluate(page, "panels.byName.select.charts.target_distance.element.checkVisibility()")
    select(page, replace("class", classes=[1]))
    selected_rows(page, 20)
    run, random = Run.open(runs / "growing"), np.random.default_rng(1)
    run.log(random.normal(size=(60, 12)), np.arange(60) % 3, weight=random.normal(size=(3, 12)), epoch=1)
    wait(page, "panels.selector.numbers?.epochs.length === 2")
    assert selected_rows(page, 20) == list(range(1, 60, 3))
    for panel, content in (("events", "panels.byName.events.shown"), ("certainty", "panels.byName.certainty.answer")):
        show(page, "growing", panel, 1)
        wait(page, f"{content} && !document.querySelector('#explore-panel-{panel}').textContent.includes('…')")
        wait_for_text(page, "#explore-still", "Still training")
    show(page, "growing", "select", 1)
    run.finish()
    page.wait_for_function("document.querySelector('#explore-still').textContent === ''")
    page.locator("#explore-panel-select .image-button").first.click()
    wait_for_text(page, "#explore-panel-image .panel-title", "Distance to every class centre")
