"""The pointer on a player: hover, click and lasso."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from player_browser import Shown, blend, colours_at_points, make_run, near, rgb

from explorer.figures.colours import CLASS_COLOURS

pytest_plugins = ["player_fixtures"]


def test_hover_tells_the_image_within_a_frame_and_draws_it_on_top(show: Callable[..., Shown]) -> None:
    shown = show(make_run(n=300, spacing=0.2, reach=10), pointSize=4)
    shown.seek(1.5)
    places = shown.screen(blend(shown.run.frames.points, 1.5))
    for index in (0, 17, 150, 299):
        x, y = places[index]
        told, frames = shown.js(
            """const target = player.root.querySelector('.nsewdrag'), seen = [];
            const off = player.on('hover', (hovered) => hovered && seen.push(hovered));
            const { left, top } = player.root.getBoundingClientRect();
            const place = { clientX: left + arg[0], clientY: top + arg[1] };
            target.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, ...place }));
            let frames = 0;
            while (!seen.length && frames < 30) { await new Promise(requestAnimationFrame); frames++; }
            off();
            return [seen[0], frames]""",
            [x + 0.4, y - 0.4],
        )
        assert told["index"] == index
        assert (told["x"], told["y"]) == pytest.approx((x, y), abs=0.6)
        assert frames <= 1
        column, row = int(x), int(y)
        picture = shown.pixels()
        assert near(picture[row - 1 : row + 2, column - 1 : column + 2], rgb(CLASS_COLOURS[index % 10])).any()
        ring = picture[row - 8 : row + 9, column - 8 : column + 9]
        assert near(ring, (31, 35, 41), 70).sum() > 10


def test_hover_needs_a_point_within_a_few_pixels_and_ends(show: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    shown = show(run, pointSize=6)
    x, y = shown.screen(run.frames.points[0, 4]).tolist()
    shown.page.mouse.move(x + 5, y)
    shown.pixels()
    assert shown.events("hover")[-1]["index"] == 4
    shown.page.mouse.move(x + 8, y)
    shown.pixels()
    assert shown.events("hover")[-1] is None
    shown.page.mouse.move(x, y)
    shown.pixels()
    assert shown.events("hover")[-1]["index"] == 4
    shown.page.mouse.click(x, y, delay=150)
    assert shown.events("click")[-1]["index"] == 4
    shown.page.mouse.down()
    shown.page.mouse.move(x + 9, y, steps=3)
    shown.page.mouse.up()
    assert len(shown.events("click")) == 1  # that was a drag
    shown.page.mouse.move(x, y)
    x, y = shown.screen(run.frames.points[0, 4]).tolist()
    shown.page.mouse.move(x, y)
    shown.seek(2)  # the point goes away from under the pointer
    shown.pixels()
    moved = shown.screen(run.frames.points[2, 4])
    expected = 4 if math.dist(moved, (x, y)) < 7 else None
    last = shown.events("hover")[-1]
    assert (last and last["index"]) == expected
    shown.page.mouse.move(x, 630)
    shown.pixels()
    assert shown.events("hover")[-1] is None


def test_a_hidden_image_is_not_hovered_and_a_target_is_told_first(show: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets[:, 2] = run.frames.points[:, 2]
    shown = show(run, targets=True)
    x, y = shown.screen(run.frames.points[0, 2]).tolist()
    shown.page.mouse.move(x, y)
    shown.pixels()
    mark = shown.events("mark")[-1]
    assert (mark["kind"], mark["class"]) == ("target", 2)
    shown.set(targets=False)
    shown.pixels()
    assert shown.events("mark")[-1] is None
    assert shown.events("hover")[-1]["index"] == 2
    shown.set(hidden=[2])
    shown.pixels()
    assert shown.events("hover")[-1] is None


def test_what_is_known_of_an_image(show: Callable[..., Shown]) -> None:
    run = make_run()
    shown = show(run)
    shown.seek(2)
    told = shown.js("player.describe(7)")
    assert (told["label"], told["labelName"], told["snapshot"]) == (7, "class 7", 2)
    assert told["prediction"] == run.predictions["euc_ce"][2, 7]
    assert told["right"] == (run.predictions["euc_ce"][2, 7] == 7)
    margins = run.margins["euc_ce"][2]
    assert told["margin"] == pytest.approx(margins[7], abs=np.ptp(margins) / 254)
    assert told["thumbnail"] == {"url": "/sprite.png", "columns": 7, "rows": 6, "column": 0, "row": 1}
    assert told["targetDistance"] is None


def test_a_lasso_chooses_the_images_inside_and_escape_lets_go(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=60, spacing=1.0)
    shown = show_by(run, pointSize=8, pointOpacity=1)
    shown.seek(0.5)
    shown.js("await Plotly.relayout(player.root.querySelector('.js-plotly-plot'), {dragmode: 'lasso'}); return 0")
    corners = [(150, 150), (450, 150), (450, 420), (150, 420), (150, 152)]
    shown.page.mouse.move(*corners[0])
    shown.page.mouse.down()
    for corner in corners[1:]:
        shown.page.mouse.move(*corner, steps=5)
    shown.page.mouse.up()
    shown.page.wait_for_function("aEvents.some(([event]) => event === 'select')")
    places = shown.screen(blend(run.frames.points, 0.5))
    inside = ((places > [150, 150]) & (places < [450, 420])).all(axis=1)
    chosen = shown.events("select")[-1]["indices"]
    assert set(chosen) ^ set(np.flatnonzero(inside)) <= set(np.flatnonzero((np.abs(places - 150) < 4).any(axis=1)))
    assert 5 < len(chosen) < 55
    brightness = colours_at_points(shown).min(axis=1)
    assert brightness[~inside].min() > brightness[inside].max()
    shown.page.keyboard.press("Escape")
    assert shown.events("select")[-1] is None
    assert shown.js("player.state.selection") is None
