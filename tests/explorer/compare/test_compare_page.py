"""The Compare page in a real browser: one clock, one selection, and the numbers of `comparison`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import open_tab, served_explorer, visit, without_refusals

from explorer.compare.comparison import compare
from explorer.compare.curves import COLOURS, MEASURES, Line, overlay_runs
from explorer.space.history import load_history
from mtm.runs import Run

READY = """(n) => {
    const players = [...document.querySelectorAll('.compare-stage')].map((stage) => stage.player);
    const drawn = players.filter((player) => player?.data.frames && player.stage.axes?.ready);
    return drawn.length >= n && document.querySelectorAll('.compare-pane.is-waiting').length === 0;
}"""
STILL = "document.querySelectorAll('.compare-alike.is-waiting').length === 0"


@pytest.fixture(scope="module")
def runs(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run; two thirds of its images in another order, turned and stretched; a run of other images; a broken one."""
    folder = tmp_path_factory.mktemp("compare")
    shutil.copytree(finished_run, folder / "one")
    one, rng = Run.open(finished_run), np.random.default_rng(0)
    names, order = one.points.class_names, rng.permutation(60)[:40]
    rotated, other = (
        Run.create(folder / name, class_names=names[:size]) for name, size in (("turned", 10), ("other", 5))
    )
    q = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    for t in range(3):
        s = one.snapshot(t)
        e, c = (2 * np.asarray(x, np.float64) @ q + 1 for x in (s.embeddings, s.class_embeddings))
        about: dict[str, Any] = {
            "epoch": s.epoch,
            "indices": one.points.indices[order],
            "reference_centres": np.asarray(c),
        }
        rotated.log(e[order], one.labels[order], c, **about)
        other.log(rng.normal(size=(50, 4)) + t, np.arange(50) % 5, rng.normal(size=(5, 4)), epoch=t)
    for run in (rotated, other):
        run.finish()
    shutil.copytree(finished_run, folder / "broken")
    for path in (folder / "broken" / "snapshots").iterdir():
        path.write_bytes(path.read_bytes()[:-50])
    return folder


@pytest.fixture(scope="module")
def address(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_explorer(runs, tmp_path_factory.mktemp("served")) as address:
        yield f"{address}/compare"


@pytest.fixture(scope="module")
def tab(tabs: Any) -> Iterator[Any]:
    with open_tab(tabs, 1200, 800) as page:
        yield page


@pytest.fixture
def page(tab: Any) -> Iterator[Any]:
    yield tab
    assert without_refusals(tab.errors) == []


def show(page: Any, address: str, query: str, n: int = 2) -> None:
    """Open the page and wait for n pictures and for the numbers."""
    visit(page, f"{address}?{query}")
    page.wait_for_function(READY, arg=n)
    page.wait_for_function(STILL)


def players(page: Any, expression: str) -> Any:
    """Of every player `p`."""
    stages = "[...document.querySelectorAll('.compare-stage')]"
    return page.evaluate(f"{stages}.map(({{ player: p }}) => p.data.frames ? {expression} : null)")


def wait_for_epochs(page: Any, *epochs: float) -> None:
    """Wait until the pictures show these epochs."""
    page.wait_for_function(
        "(epochs) => [...document.querySelectorAll('.compare-stage')].every("
        "({ player }, i) => Math.abs(player.epoch - epochs[i]) < 1e-6)",
        arg=epochs,
    )


def selected_images(page: Any) -> list[set[int] | None]:
    """The numbers in the data set of the images selected in each picture."""
    selections = players(
        page, "p.state.selection && [...p.state.selection].map((row) => p.data.attributes.indices[row])"
    )
    return [None if indices is None else set(indices) for indices in selections]


# One clock, one address


def test_one_clock_moves_all_pictures_and_one_can_be_held(page: Any, address: str) -> None:
    show(page, address, "run=one&run=turned&epoch=0&colour=right")
    assert players(page, "[p.data.frames.N, p.state.colour]") == [[60, "right"], [40, "right"]]
    page.keyboard.press("ArrowRight")
    wait_for_epochs(page, 1, 1)
    page.click(".compare-hold >> nth=1")
    page.focus(".compare-stage >> nth=1 >> .player")  # a picture that has the focus has no clock of its own
    page.keyboard.press("End")
    wait_for_epochs(page, 2, 1)
    page.wait_for_function("location.search.includes('at=%2C1')")
    page.reload()
    page.wait_for_function(READY, arg=2)
    wait_for_epochs(page, 2, 1)
    assert "held at 1" in page.inner_text(".compare-hold >> nth=1")
    page.click(".compare-hold >> nth=1")
    wait_for_epochs(page, 2, 2)


def test_one_run_twice_is_two_epochs_of_it_and_plays(page: Any, address: str) -> None:
    show(page, address, "run=one&run=one")
    wait_for_epochs(page, 0, 2)  # it plays to its end, where it began is held
    page.wait_for_selector(".compare-alike h3 >> text=B against A, epochs 2 and 0")
    assert "what really moved" in page.inner_text(".compare-alike")
    page.wait_for_selector("#compare-curve-accuracy .js-plotly-plot .scatterlayer .trace")
    lines = page.evaluate(
        "document.querySelector('#compare-curve-accuracy .js-plotly-plot').data.map(({ name }) => name)"
    )
    assert lines == ["A, B"]  # one run is one line


# Numbers


def test_the_numbers_are_those_of_the_snapshot_files(page: Any, address: str, runs: Path) -> None:
    show(page, address, "run=one&run=turned&epoch=2&classifier=euc_ce")
    one, turned = (load_history(Run.open(runs / name)) for name in ("one", "turned"))
    comparison = compare(one, turned, classifiers=("euc_ce", "euc_ce"))
    page.wait_for_selector("[data-cell=both_right]")
    text = page.inner_text(".compare-alike")
    assert comparison.agreement is not None
    assert f"Decisions alike\n{100 * comparison.agreement.same:.1f} %" in text
    assert f"{comparison.agreement.both_right} both right" in text
    assert f"Drift of an image\n{np.quantile(comparison.drift.distances, 0.5, method='nearest'):.2f} σ" in text
    assert f"stretched × {comparison.drift.scale:.2f} onto B" in text
    mean = comparison.neighbours_kept.mean()
    assert f"Neighbours kept\n{mean:.{3 - len(str(int(mean)))}f} of 15" in text
    assert page.locator(".compare-face").count() == 8
    curves = page.locator("#compare-curves .js-plotly-plot")
    page.wait_for_function(
        "(n) => document.querySelectorAll('#compare-curves .curve-cursor').length === n", arg=len(MEASURES)
    )
    assert curves.count() == len(MEASURES)


def test_curves_have_a_line_for_every_run_that_was_measured() -> None:
    rows = [{"epoch": t, "accuracy": {"euc": t / 4}, "cluster_size": 2.0, "centre_distance": 4.0 * t} for t in range(3)]
    lines = [Line("A", 0, rows, "euc"), Line("C", 2, rows, "argmax")]
    accuracy = overlay_runs(lines, MEASURES["accuracy"])
    assert [(line.name, line.line.color, list(line.y)) for line in accuracy.data] == [("A", COLOURS[0], [0, 0.25, 0.5])]
    assert [list(line.y) for line in overlay_runs(lines, MEASURES["ratio"]).data] == [[0, 2, 4]] * 2
    assert not overlay_runs(lines, MEASURES["cosine"]).data


# What is shared


def test_classes_and_selected_images_are_shared(page: Any, address: str, runs: Path) -> None:
    show(page, address, "run=one&run=turned&run=other&epoch=2&shown=", n=3)
    page.click(".legend-chip >> nth=3")
    assert players(page, "[...p.state.hidden]") == [[3], [3], [3]]
    page.wait_for_function("location.search.includes('hidden=3')")
    page.click(".legend-all")
    assert players(page, "p.state.hidden.size") == [0, 0, 0]
    page.click(".compare-alike >> nth=0 >> .compare-face >> nth=0")
    first, second, _ = selected_images(page)
    assert first == second
    assert len(first or ()) == 1
    page.evaluate(  # a rectangle around everything
        "(() => { const p = document.querySelector('.compare-stage').player;"
        " p._selected({ x: [-1e3, 1e3, 1e3, -1e3], y: [-1e3, -1e3, 1e3, 1e3] }); })()"
    )
    in_one, in_turned, in_other = selected_images(page)
    indices = [set(Run.open(runs / name).points.indices.tolist()) for name in ("one", "turned", "other")]
    assert (in_one, in_turned) == (indices[0], indices[1])
    assert in_other == indices[2]  # its five classes are among the ten
    assert "C has other images" in page.inner_text(".compare-selection")
    page.wait_for_selector(".compare-alike >> nth=1 >> text=curves can still be compared")
    page.click(".compare-selection button")
    assert selected_images(page) == [None] * 3


def test_an_image_that_is_pointed_at_is_ringed_in_the_other_picture(page: Any, address: str) -> None:
    show(page, address, "run=one&run=turned&epoch=2&regions=off")
    for name in ("targets", "centres"):
        page.evaluate(
            f"document.querySelectorAll('.compare-stage').forEach(({{ player }}) => player.set('{name}', false))"
        )
    row, twin = page.evaluate(
        "(() => { const [a, b] = [...document.querySelectorAll('.compare-stage')].map(({ player }) => player);"
        " const indices = [...b.data.attributes.indices];"
        " const row = [...Array(60).keys()].find((i) => indices.includes(a.data.attributes.indices[i])"
        "   && a.pick(a.screenOf(i)) === i);"
        " return [row, indices.indexOf(a.data.attributes.indices[row])]; })()"
    )
    box = page.locator(".compare-stage >> nth=0").bounding_box()
    place = players(page, f"p.screenOf({row})")[0]
    for offset in (1, 0):
        page.mouse.move(box["x"] + place["x"] + offset, box["y"] + place["y"])
    page.wait_for_selector(".compare-ring:not([hidden])")
    ring = page.evaluate(
        "(({ style }) => [style.left, style.top].map(parseFloat))(document.querySelectorAll('.compare-ring')[1])"
    )
    assert ring == pytest.approx(list(players(page, f"p.screenOf({twin})")[1].values()), abs=0.5)
    page.mouse.move(0, 0)
    page.wait_for_selector(".compare-ring:not([hidden])", state="detached")


TURN = """async () => {
    const { findTurn, turnFrames, turnRegions } = await import("/assets/compare/alignment.mjs");
    const { readRegions } = await import("/assets/player/data.mjs");
    const { fetchArrays } = await import("/assets/common/http.mjs");
    const [a, b] = [...document.querySelectorAll('.compare-stage')].map(({ player }) => player.data.frames);
    const mirrored = [0.6, 0.8, 0.8, -0.6];
    const away = turnFrames(a, mirrored);
    const back = turnFrames(away, findTurn(away, a));
    const value = ({ points, box }, i, k) => box[k] + (points[2 * i + k] / 65535) * (box[k + 2] - box[k]);
    const place = (frames, i) => [value(frames, i, 0), value(frames, i, 1)];
    const places = (frames) => Array.from({ length: frames.points.length / 2 }, (_, i) => place(frames, i));
    const regions = readRegions(await fetchArrays("/api/regions?run=one&view=pca&classifier=euc&mode=best", "them"));
    const score = ([a, b, c], x, y) => a * x + b * y + c;
    const scores = ({ affine: s }, x, y) => Array.from({ length: 9 }, (_, k) => score(s.slice(3 * k, 3 * k + 3), x, y));
    return {
        places: [a, away, back, b].map(places), centres: [a, away, back].map(({ centres }) => [...centres]),
        scores: [scores(regions, 2, 1), scores(turnRegions(regions, mirrored), 2, 1)], // 2, 1 is its own mirror image
        other: findTurn({ ...a, classNames: a.classNames.map((name) => `no ${name}`) }, a),
    };
}"""


def test_another_run_is_turned_so_that_its_classes_lie_the_same_way(page: Any, address: str) -> None:
    show(page, address, "run=one&run=turned&epoch=2")
    results = page.evaluate(TURN)
    original, away, back, b = (np.array(places) for places in results["places"])
    size = np.ptp(original)
    np.testing.assert_allclose(away, original @ np.array([[0.6, 0.8], [0.8, -0.6]]), atol=1e-4 * size)
    np.testing.assert_allclose(back, original, atol=1e-4 * size)
    np.testing.assert_allclose(results["centres"][2], results["centres"][0], atol=1e-4 * size)
    scores, turned_scores = results["scores"]
    np.testing.assert_allclose(scores, turned_scores, rtol=1e-9, atol=1e-9)
    assert results["other"] is None  # no class in common
    rows = players(page, "[...p.data.attributes.indices]")
    same = original[-60:][[rows[0].index(index) for index in rows[1]]]  # of the last snapshot
    across = np.corrcoef(np.concatenate([same, b[-40:]], axis=1).T)[:2, 2:]
    assert across.diagonal().min() > 0.9


# One run over time


def test_one_run_over_time_and_two_of_its_epochs(page: Any, address: str) -> None:
    page.goto(f"{address}?run=one&as=time")
    page.wait_for_selector(".compare-still >> nth=2")
    pictures = page.evaluate(
        "[...document.querySelectorAll('.compare-still canvas')].map((canvas) => canvas.toDataURL())"
    )
    assert len(set(pictures)) == 3
    assert [text.split()[1] for text in page.locator(".compare-still").all_inner_texts()] == ["0", "1", "2"]
    page.click(".compare-still >> nth=2")
    page.click(".compare-still >> nth=0")
    page.wait_for_function(READY, arg=2)
    wait_for_epochs(page, 0, 2)


# What grows, and what cannot be shown


def test_a_run_that_grows_is_followed(page: Any, address: str, runs: Path) -> None:
    rng = np.random.default_rng(0)
    run = Run.create(runs / "growing", class_names="abc")

    def grow(t: int) -> None:
        run.log(rng.normal(size=(30, 4)) + t, np.arange(30) % 3, rng.normal(size=(3, 4)), epoch=t)

    for t in range(2):
        grow(t)
    show(page, address, "run=growing&run=growing&at=0,&epoch=1")
    before = players(page, "[...p.data.frames.targets.slice(0, 6)].map(Number)")
    grow(2)
    wait_for_epochs(page, 0, 2)
    np.testing.assert_allclose(players(page, "[...p.data.frames.targets.slice(0, 6)].map(Number)"), before, rtol=1e-4)
    run.finish()


def test_what_cannot_be_shown_is_told_and_the_others_go_on(page: Any, address: str) -> None:
    show(page, address, "run=nowhere&run=one&run=broken&epoch=1", n=1)
    messages = page.locator(".compare-problem").all_inner_texts()
    assert "there is no run 'nowhere' here (any more)" in messages[0]
    assert messages[1] == ""
    assert "'broken' has no snapshots to show: " in messages[2]
    assert "is cut short" in messages[2]
    page.keyboard.press("End")
    page.wait_for_function("document.querySelectorAll('.compare-stage')[1].player.epoch === 2")
    page.select_option(".compare-run >> nth=0", "turned")  # the page goes on from there
    page.wait_for_function(READY, arg=2)
    page.wait_for_selector("[data-cell=both_right]")
    page.click(".compare-pane >> nth=2 >> text=×")
    assert page.locator(".compare-pane").count() == 2
    page.set_viewport_size({"width": 800, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 800
    page.set_viewport_size({"width": 1200, "height": 800})


def test_an_empty_page_says_what_to_do(page: Any, address: str, tmp_path: Path) -> None:
    page.goto(address)
    page.wait_for_selector("#compare-message >> text=Choose two to four runs")
    assert page.locator(".compare-problem").all_inner_texts() == ["Choose a run above"] * 2
    page.click("#compare-add")
    page.click("#compare-add")
    assert page.locator(".compare-pane").count() == 4
    assert page.is_hidden("#compare-add")
    page.wait_for_function("document.querySelectorAll('.compare-alike').length === 3")
    page.evaluate("document.querySelector('#compare-message a').click()")  # their numbers are due when there are two
    page.wait_for_function(READY, arg=2)
    with served_explorer(tmp_path / "none", tmp_path) as empty:
        page.goto(f"{empty}/compare")
        page.wait_for_selector("#compare-nothing >> text=mtm train --dataset digits")
        page.goto("about:blank")  # before the server goes: what the page still loads would fail
