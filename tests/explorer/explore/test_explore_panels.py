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
from conftest import served
from sklearn.neighbors import NearestNeighbors

from explorer.app import create_app
from explorer.explore.certainty import describe, measure_certainty
from explorer.explore.events import KINDS, find_events
from explorer.explore.selection import inside_polygon
from explorer.space.history import load_history
from explorer.space.projection import project
from mtm.runs import Run

FIND = "document.querySelector('#explore-stage')?.finding"
TALKS = ("/api/selection", "/api/selections", "/api/events", "/api/certainty", "/api/image")


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
    """With ten classes and with a hundred; of the module, so that tests of the same run follow each other."""
    return str(request.param)


@pytest.fixture(scope="module")
def address(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    flask = create_app(runs, folder / "demo", folder / "cache").server
    with served(flask) as address:
        yield address
    flask.extensions["views"].close()


@pytest.fixture(scope="module")
def opened(chromium: Any, address: str) -> Iterator[Any]:
    """One page for all tests; who wants no motion sees a run stand still."""
    page = chromium.new_page(viewport={"width": 1120, "height": 640}, reduced_motion="reduce")
    page.set_default_timeout(120_000)
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(urlsplit(request.url).path))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    load(page, f"{address}/?run=one&classifier=euc&epoch=2&image=60&select=%5B%7B")
    yield page
    page.close()


@pytest.fixture
def page(opened: Any) -> Iterator[Any]:
    opened.errors.clear()
    yield opened
    assert opened.errors == []


def load(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_function(f"{FIND}?.run && document.querySelector('#explore-stage').player.stage.axes.ready")


def show(page: Any, run: str, panel: str, t: int = 2) -> None:
    """Begin anew with a run at a snapshot, with nothing selected and one panel open."""
    page.evaluate("turn => dash_clientside.set_props('explore-run', { value: turn })", run)
    page.wait_for_function(f"run => {FIND}.run === run && {FIND}.asked().run === run", arg=run)
    page.evaluate(
        f"""([panel, t]) => {{ const find = {FIND};
        find.turnTo("curves"); find.panels.image.open(null); find.selector.begin([]);
        find.player.set("selection", null);
        find.selector.setMode("replace"); find.player.seek(t); find.turnTo(panel); }}""",
        [panel, t],
    )


def found(page: Any, expression: str) -> Any:
    return page.evaluate(f"(() => {{ const find = {FIND}; return {expression}; }})()")


def wait(page: Any, expression: str, value: object = None) -> None:
    page.wait_for_function(f"value => {{ const find = {FIND}; return {expression}; }}", arg=value)


def select(page: Any, *steps: dict[str, Any]) -> None:
    page.evaluate(f"steps => {FIND}.selector.become(steps)", list(steps))


def chosen(page: Any, n: int) -> list[int]:
    """The rows that are selected, once there are so many."""
    wait(page, "(find.player.state.selection ?? []).length === value && find.selector.latest?.n === value", n)
    return found(page, "[...(find.player.state.selection ?? [])].sort((a, b) => a - b)")


def values(page: Any, where: str) -> list[float]:
    """The numbers of an element, with all their digits."""
    texts = page.eval_on_selector_all(f"{where} data", "all => all.map((one) => one.getAttribute('value'))")
    return [float(text) if text else float("nan") for text in texts]


def sentence(page: Any, where: str, text: str) -> None:
    page.wait_for_function(
        "([where, text]) => [...document.querySelectorAll(where)].some((one) => one.textContent.includes(text))",
        arg=[where, text],
    )


def replace(kind: str, **shape: object) -> dict[str, Any]:
    return {"do": "replace", "shape": {"kind": kind, **shape}}


# Loading


def test_a_damaged_address_is_said_and_nothing_is_loaded_until_a_panel_is_opened(page: Any) -> None:
    sentence(page, ".explore-notice", "The selection in the address is damaged")
    assert not set(TALKS) & set(page.asked)
    for panel, path in (("select", "selection"), ("events", "events"), ("certainty", "certainty")):
        assert f"/api/{path}" not in page.asked
        page.click(f"#explore-tabs >> text={panel.title()}")
        wait(page, "find.open === value", panel)
        page.wait_for_selector({"select": ".find-image", "events": ".events-row", "certainty": "td data"}[panel])
        assert f"/api/{path}" in page.asked
        assert page.locator(".explore-panel:visible").count() == 1
    assert "/api/image" not in page.asked
    page.click("#explore-tabs >> text=Image")
    sentence(page, "#explore-panel-image .find-sentence", "shows 60 images, number 60 is not among them.")
    page.keyboard.press("ArrowLeft")
    wait(page, "find.open === 'select'")


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
    wait(page, "find.selector.latest?.n > 0")
    (step,) = found(page, "find.selector.steps")
    expected = inside_polygon(project(Run.open(runs / "one"), "pca").points[1], step["shape"]["points"])
    assert 0 < expected.sum() < 60
    rows = chosen(page, int(expected.sum()))
    assert rows == np.flatnonzero(expected).tolist()
    assert page.inner_text(".find-count") == f"{expected.sum()} of 60"
    page.evaluate("dash_clientside.set_props('explore-view', { value: 'centres' })")
    wait(page, "find.asked().view.method === 'centres'")
    page.evaluate(f"{FIND}.player.seek(0)")
    wait(page, "find.selector.latest.snapshot === 0")
    assert chosen(page, len(rows)) == rows
    page.wait_for_function("location.search.includes('select=') && location.search.includes('epoch=0')")
    assert json.loads(parse_qs(urlsplit(page.url).query)["select"][0]) == [step]
    load(page, page.url)
    assert chosen(page, len(rows)) == rows
    page.evaluate("dash_clientside.set_props('explore-view', { value: 'pca' })")
    wait(page, "find.asked().view.method === 'pca'")


def test_what_is_hidden_is_not_in_a_lasso_and_undo_takes_it_back_at_once(page: Any, runs: Path) -> None:
    show(page, "one", "curves")
    y = Run.open(runs / "one").labels
    select(page, replace("class", classes=[3]))
    chosen(page, int((y == 3).sum()))
    page.evaluate(
        f"""() => {{ const {{ player }} = {FIND}; player.set("hidden", new Set([0, 1, 2]));
        const [left, low, right, high] = player.data.frames.box;
        player.stage.look(); player._emit("select", {{ polygon: {{ x: [left - 1, right + 1, right + 1, left - 1],
        y: [low - 1, low - 1, high + 1, high + 1] }} }}); }}"""
    )
    assert chosen(page, int((y > 2).sum())) == np.flatnonzero(y > 2).tolist()
    page.evaluate(f"{FIND}.player.set('hidden', new Set())")
    page.click("button[name=undo]")
    assert chosen(page, int((y == 3).sum())) == np.flatnonzero(y == 3).tolist()


def test_the_bar_and_the_chooser_make_sets(page: Any, runs: Path) -> None:
    show(page, "one", "select")
    run = Run.open(runs / "one")
    y, snapshot = run.labels, run.snapshot(2)
    apart = np.linalg.norm(snapshot.embeddings.astype(float) - snapshot.class_embeddings[4].astype(float), axis=1)
    near, wrong = apart <= np.median(apart) + 1e-3, snapshot.predictions["cos"] != y
    act = page.locator(".find-choose .find-small")

    def becomes(mask: np.ndarray) -> None:
        assert chosen(page, int(mask.sum())) == np.flatnonzero(mask).tolist()

    page.select_option("[aria-label=Class]", "4")
    act.nth(0).click()
    becomes(y == 4)
    page.click("button[name=add]")
    page.fill("[aria-label=Distance]", str(np.median(apart) + 1e-3))
    page.select_option("[aria-label='Whose target']", "4")
    act.nth(2).click()
    becomes((y == 4) | near)
    page.click("button[name=subtract]")
    page.select_option("[aria-label=Classifier]", "cos")
    act.nth(1).click()
    both = ((y == 4) | near) & ~wrong
    becomes(both)
    page.fill("[aria-label=Name]", "near fours")
    page.click("text=save")
    page.wait_for_selector(".find-chip")
    page.click("button[name=invert]")
    becomes(~both)
    page.click("button[name=keep]")
    act.nth(0).click()
    becomes(~both & (y == 4))
    words = page.inner_text("#explore-panel-select .find-words")
    assert words.startswith("4; also all within")
    assert words.endswith("; without what cos gets wrong at epoch 2; inverted; of these only 4.")
    page.click("button[name=undo]")
    page.click("button[name=undo]")
    becomes(both)
    page.click("button[name=clear]")
    page.wait_for_selector("button[name=clear]:disabled")
    page.click(".find-recall >> text=near fours")
    becomes(both)
    assert list(json.loads((runs / "one" / "selections.json").read_text())) == ["near fours"]
    page.click(".find-forget")
    page.wait_for_selector(".find-chip", state="detached")


# Numbers


def test_numbers_are_those_of_the_snapshot_files(page: Any, runs: Path, name: str) -> None:
    show(page, name, "select", 1)
    run = Run.open(runs / name)
    classifier = found(page, "find.asked().classifier")
    y, C = run.labels, run.points.n_classes
    judged = load_history(run).judged
    mask = np.isin(y, (1, 2, 5))
    select(page, replace("class", classes=[1, 2, 5]))
    chosen(page, int(mask.sum()))
    snapshot = run.snapshot(1)
    decided = snapshot.predictions[classifier]
    if C > 10:
        page.click("text=all 100 classes")
    counts = dict(zip(page.locator("button.find-class").all_inner_texts(), values(page, ".find-counts"), strict=True))
    assert counts == {names: float((y[mask] == k).sum()) for k, names in enumerate(run.points.class_names)}
    shown = np.array(found(page, "find.selector.latest.confusion"))
    cells = np.zeros((C, C), int)
    np.add.at(cells, (y[mask & judged], decided[mask & judged]), 1)
    assert shown.tolist() == cells.tolist()
    right = decided == y
    for (chart, measure), each in zip(
        {"accuracy": right[judged], "sigma": None, "target_distance": None, "margin": None}.items(),
        (None, snapshot.centre_distances, snapshot.target_distances, snapshot.margins[classifier]),
        strict=True,
    ):
        at = found(page, f"[...find.panels.select.charts.{chart}.now.querySelectorAll('data')].map((d) => +d.value)")
        expected = (
            [measure.mean(), right[mask & judged].mean()] if each is None else [np.median(each), np.median(each[mask])]
        )
        assert at == pytest.approx(expected, rel=1e-6)


def test_a_cell_of_the_confusion_matrix_tells_its_number_and_selects_it(page: Any, runs: Path, name: str) -> None:
    show(page, name, "select", 0)
    page.wait_for_selector(".find-confused")
    run = Run.open(runs / name)
    classifier, judged = found(page, "find.asked().classifier"), load_history(run).judged
    y, decided, names = run.labels, run.snapshot(0).predictions[classifier], run.points.class_names
    C = len(names)
    wait(page, "find.selector.latest?.snapshot === 0")
    cells = np.zeros((C, C), int)
    np.add.at(cells, (y[judged], decided[judged]), 1)
    label, decision = (int(k) for k in np.argwhere((cells > 0) & ~np.eye(C, dtype=bool))[-1])
    share = f"{100 * cells[label, decision] / cells[label].sum():.1f} %"
    canvas = page.locator(".find-confusion")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    side, edge = box["width"], 6 * box["width"] / 328
    place = [edge + (k + 0.5) * (side - edge) / C for k in (decision, label)]
    canvas.hover(position={"x": place[0], "y": place[1]})
    told = f"{names[label]} taken for {names[decision]}: {cells[label, decision]}, {share}"
    assert page.inner_text(".find-told") == told
    canvas.click(position={"x": place[0], "y": place[1]})
    assert chosen(page, int(((y == label) & (decided == decision)).sum()))
    first = page.locator(".find-confused").first
    most = (cells * ~np.eye(C, dtype=bool)).max()
    assert f" of {most}, " in first.inner_text()


def test_the_grid_comes_in_pages_in_the_order_of_a_measure(page: Any, runs: Path) -> None:
    show(page, "one", "select", 1)
    run = Run.open(runs / "one")
    margins = np.sort(run.snapshot(1).margins["euc"])
    page.wait_for_selector(".find-image")
    wait(page, "document.querySelector('#explore-panel-select .find-row .find-dim').textContent === '1–32 of 60'")
    assert values(page, "#explore-panel-select .find-images") == pytest.approx(margins[:32].tolist())
    page.click("[title='The next page']")
    wait(page, "document.querySelector('#explore-panel-select .find-row .find-dim').textContent === '33–60 of 60'")
    assert values(page, "#explore-panel-select .find-images") == pytest.approx(margins[32:].tolist())
    page.click("text=least first")
    wait(page, "+document.querySelector('#explore-panel-select .find-image data').value === value", float(margins[-1]))
    page.select_option("[aria-label='Sorted by']", "target_distance")
    largest = np.sort(run.snapshot(1).target_distances)[::-1]  # type: ignore[arg-type]
    wait(page, "+document.querySelector('#explore-panel-select .find-image data').value === value", float(largest[0]))
    assert values(page, "#explore-panel-select .find-images") == pytest.approx(largest[:32].tolist())


def test_an_empty_selection_says_so(page: Any) -> None:
    show(page, "one", "select")
    select(page, replace("within", distance=0, of_class=1, snapshot=2))
    sentence(page, "#explore-panel-select .find-sentence", "No image is in this selection now")
    assert page.inner_text(".find-count") == "0 of 60"
    assert not page.locator(".find-confusion").is_visible()
    select(page, {"do": "jump"})
    sentence(page, "#explore-panel-select .find-sentence", "unknown 'do' 'jump'")
    select(page, replace("class", classes=[99]))
    sentence(page, "#explore-panel-select .find-sentence", "has classes 0 to 9, there is no number 99.")
    page.click("button[name=undo]")
    page.click("button[name=undo]")
    sentence(page, "#explore-panel-select .find-sentence", "No image is in this selection now")


# One image


def test_without_an_image_the_panel_says_how_to_get_one(page: Any) -> None:
    show(page, "one", "image")
    sentence(page, "#explore-panel-image .find-sentence", "Click an image in the picture")
    page.evaluate(f"{FIND}.openImage(3)")
    page.wait_for_selector(".life-name:visible")
    page.evaluate(f"{FIND}.openImage(999)")  # gone
    sentence(page, "#explore-panel-image .find-sentence", "number 999 is not among them.")
    assert not page.locator(".life-name").is_visible()
    assert page.locator("line.links-kept").count() == 0


def test_one_image_and_its_neighbours_are_those_of_the_files(page: Any, runs: Path, name: str) -> None:
    show(page, name, "image", 1)
    run = Run.open(runs / name)
    snapshot, names, row = run.snapshot(1), run.points.class_names, 7
    page.evaluate(f"row => {FIND}.openImage(row)", row)
    page.wait_for_selector(".life-head")
    wait(page, "find.panels.image.image?.row === value && find.panels.image.image.snapshot === 1", row)
    label = int(run.labels[row])
    assert page.inner_text(".life-name") == names[label]
    said = dict(
        zip(*(page.locator(f".life-row .{part}").all_inner_texts() for part in ("find-name", "life-says")), strict=True)
    )
    assert said == {key: names[int(decided[row])] for key, decided in snapshot.predictions.items()}
    e, targets = snapshot.embeddings.astype(float), snapshot.class_embeddings.astype(float)
    apart = np.sort(np.linalg.norm(targets - e[row], axis=1))
    panel = "#explore-panel-image"
    bars = values(page, f"{panel} .find-count-row")
    assert bars[:10] == pytest.approx(apart[:10].tolist(), rel=1e-5)
    assert page.locator(f"{panel} .is-own").all_inner_texts() == [names[label]]
    near = NearestNeighbors(n_neighbors=16).fit(e)
    distances, rows = (each[0][1:] for each in near.kneighbors(e[row : row + 1]))
    assert found(page, "find.panels.image.image.neighbours.rows") == rows.tolist()
    assert values(page, f"{panel} .find-images") == pytest.approx(distances.tolist(), rel=1e-5)
    u = project(run, "pca").points[1]
    here = NearestNeighbors(n_neighbors=16).fit(u).kneighbors(u[row : row + 1])[1][0][1:]
    missing, false = set(rows) - set(here), set(here) - set(rows)
    counts = {kind: page.locator(f"line.links-{kind}").count() for kind in ("kept", "missing", "false")}
    assert counts == {"kept": len(set(rows) & set(here)), "missing": len(missing), "false": len(false)}
    wait(page, "document.querySelector('line.links-false')?.x1.baseVal.value > 0")
    ends = page.eval_on_selector_all(
        "line.links-false", "all => all.map(({ x2, y2 }) => [x2.baseVal.value, y2.baseVal.value])"
    )
    order = [row for row in here if row in false]
    places = found(page, f"{json.dumps([int(row) for row in order])}.map((row) => find.player.screenOf(row))")
    assert np.allclose(ends, [[place["x"], place["y"]] for place in places], atol=1)
    page.click(f"{panel} >> text=add it to the selection")
    assert chosen(page, 1) == [row]
    page.click(f"{panel} >> text=take it off the selection")
    chosen(page, 0)


def test_a_click_on_a_point_shows_it_and_with_shift_selects_it(page: Any) -> None:
    show(page, "one", "curves")
    page.click("button[name=pan]")
    page.evaluate(f"['targets', 'centres'].forEach((name) => {FIND}.player.set(name, false))")
    place = found(
        page,
        "[...Array(60).keys()].map((i) => ({ i, ...find.player.screenOf(i) }))"
        ".find(({ i, ...at }) => find.player.pick(at) === i)",
    )
    box = page.locator("#explore-stage").bounding_box()
    at = (box["x"] + place["x"], box["y"] + place["y"])
    page.mouse.move(at[0] + 1, at[1])
    page.mouse.move(*at)
    wait(page, "find.player.pointer.hovered?.index === value", place["i"])
    page.keyboard.down("Shift")
    page.mouse.click(*at)
    page.keyboard.up("Shift")
    assert chosen(page, 1) == [place["i"]]
    assert found(page, "find.open") == "curves"
    wait(page, "find.player.pointer.hovered?.index === value", place["i"])
    page.mouse.click(*at)
    wait(page, "find.open === 'image' && find.panels.image.image?.row === value", place["i"])
    page.evaluate(f"['targets', 'centres'].forEach((name) => {FIND}.player.set(name, true))")


# Events and certainty


def test_events_are_listed_and_lead_to_where_they_were(page: Any, runs: Path, name: str) -> None:
    show(page, name, "events")
    classifier = found(page, "find.asked().classifier")
    expected = find_events(load_history(Run.open(runs / name)), classifier)
    rows = page.locator(".events-row")
    sentence(page, ".events-note", f"of {len(expected):,}, ")
    sentence(page, ".events-row:first-of-type .events-text", expected[0].text)
    assert page.locator(".events-text").all_inner_texts() == [event.text for event in expected[:200]]
    at = next(i for i, event in enumerate(expected) if event.image is not None)
    rows.nth(at).click()
    assert chosen(page, 1) == [expected[at].image]
    assert found(page, "find.player.state.time") == expected[at].snapshot
    first = next(kind for kind in KINDS if any(event.kind == kind for event in expected))
    page.locator(".events-chip").first.click()
    page.wait_for_selector(".events-chip[aria-pressed=true]")
    kind = [event.text for event in expected if event.kind == first][:200]
    assert page.locator(".events-text").all_inner_texts() == kind
    page.locator(".events-chip").first.click()
    page.wait_for_selector(".events-chip[aria-pressed=true]", state="detached")
    assert page.locator(".events-bar").count() == page.locator(".timebar-event").count() == 3
    page.locator(".events-bar").nth(1).click()
    assert found(page, "find.player.state.time") == 1


def test_certainty_is_that_of_the_run(page: Any, runs: Path, name: str) -> None:
    show(page, name, "certainty", 1)
    run = load_history(Run.open(runs / name))
    expected = measure_certainty(run, 1)
    wait(page, "find.panels.certainty.told?.certainty[0].snapshot === 1")
    page.wait_for_selector("#explore-panel-certainty td data")
    page.select_option("[aria-label='What is taken for certainty']", "margin")
    relations = [next(r for r in each.relations if r.place == "margin") for each in expected]
    table = [[r.risk.aurc, r.pairs, each.reliability.error] for r, each in zip(relations, expected, strict=True)]
    assert values(page, ".find-table") == pytest.approx(np.ravel(table).tolist(), nan_ok=True)
    shown = found(page, "find.asked().classifier")
    assert describe(next(each for each in expected if each.classifier == shown)) in page.inner_text(
        ".find-words >> visible=true"
    )
    drawn = found(page, "find.panels.certainty.graphs.risk_coverage.data.map((line) => [...line.y].at(-1))")
    assert drawn == pytest.approx([1 - each.accuracy for each in expected])


# Other runs


def test_a_run_that_still_trains_says_so_and_its_numbers_grow(page: Any, runs: Path) -> None:
    show(page, "growing", "select", 0)
    sentence(page, "#explore-still", "Still training")
    page.wait_for_selector("#explore-panel-select .find-image")
    assert page.locator("[aria-label='Target or centre'] option").all_inner_texts() == ["centre"]  # a linear head
    assert not found(page, "find.panels.select.charts.target_distance.element.checkVisibility()")
    select(page, replace("class", classes=[1]))
    chosen(page, 20)
    run, random = Run.open(runs / "growing"), np.random.default_rng(1)
    run.log(random.normal(size=(60, 12)), np.arange(60) % 3, weight=random.normal(size=(3, 12)), epoch=1)
    wait(page, "find.selector.latest?.epochs.length === 2")
    assert chosen(page, 20) == list(range(1, 60, 3))
    for panel, shown in (("events", "find.panels.events.shown"), ("certainty", "find.panels.certainty.told")):
        show(page, "growing", panel, 1)
        wait(page, f"{shown} && !document.querySelector('#explore-panel-{panel}').textContent.includes('…')")
        sentence(page, "#explore-still", "Still training")
    show(page, "growing", "select", 1)
    run.finish()
    page.wait_for_function("document.querySelector('#explore-still').textContent === ''")
    page.locator("#explore-panel-select .find-image").first.click()
    sentence(page, "#explore-panel-image .find-title", "Distance to every class centre")
