"""The pointer on a player: hover, click and lasso."""

from __future__ import annotations

import math

import numpy as np
import pytest
from player_browser import Show, blend, colours_at_points, make_run, near, rgb

from explorer.figures.colours import CLASS_COLOURS

pytest_plugins = ["player_fixtures"]


def test_hover_tells_the_image_within_a_frame_and_draws_it_on_top(show: Show) -> None:
    player = show(make_run(n=300, spacing=0.2, reach=10), pointSize=4)
    player.seek(1.5)
    places = player.screen(blend(player.run.frames.points, 1.5))
    for index in (0, 17, 150, 299):
        x, y = places[index]
        hover, frames = player.js(
            """const target = player.root.querySelector('.nsewdrag'), events = [];
            const off = player.on('hover', (hovered) => hovered && events.push(hovered));
            const { left, top } = player.root.getBoundingClientRect();
            const place = { clientX: left + arg[0], clientY: top + arg[1] };
            target.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, ...place }));
            let frames = 0;
            while (!events.length && frames < 30) { await new Promise(requestAnimationFrame); frames++; }
            off();
            return [events[0], frames]""",
            [x + 0.4, y - 0.4],
        )
        assert hover["index"] == index
        assert (hover["x"], hover["y"]) == pytest.approx((x, y), abs=0.6)
        assert frames <= 1
        column, row = int(x), int(y)
        picture = player.pixels()
        assert near(picture[row - 1 : row + 2, column - 1 : column + 2], rgb(CLASS_COLOURS[index % 10])).any()
        ring = picture[row - 8 : row + 9, column - 8 : column + 9]
        assert near(ring, (31, 35, 41), 70).sum() > 10


def test_hover_needs_a_point_within_a_few_pixels_and_ends(show: Show) -> None:
    run = make_run(n=10, spacing=6.0)
    player = show(run, pointSize=6)
    x, y = player.screen(run.frames.points[0, 4]).tolist()
    player.page.mouse.move(x + 5, y)
    player.pixels()
    assert player.events("hover")[-1]["index"] == 4
    player.page.mouse.move(x + 8, y)
    player.pixels()
    assert player.events("hover")[-1] is None
    player.page.mouse.move(x, y)
    player.pixels()
    assert player.events("hover")[-1]["index"] == 4
    player.page.mouse.click(x, y, delay=150)
    assert player.events("click")[-1]["index"] == 4
    player.page.mouse.down()
    player.page.mouse.move(x + 9, y, steps=3)
    player.page.mouse.up()
    assert len(player.events("click")) == 1  # that was a drag
    player.page.mouse.move(x, y)
    x, y = player.screen(run.frames.points[0, 4]).tolist()
    player.page.mouse.move(x, y)
    player.seek(2)  # the point goes away from under the pointer
    player.pixels()
    moved = player.screen(run.frames.points[2, 4])
    expected = 4 if math.dist(moved, (x, y)) < 7 else None
    last = player.events("hover")[-1]
    assert (last and last["index"]) == expected
    player.page.mouse.move(x, 630)
    player.pixels()
    assert player.events("hover")[-1] is None


def test_a_hidden_image_is_not_hovered_and_a_target_is_told_first(show: Show) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets[:, 2] = run.frames.points[:, 2]
    player = show(run, targets=True)
    x, y = player.screen(run.frames.points[0, 2]).tolist()
    player.page.mouse.move(x, y)
    player.pixels()
    mark = player.events("mark")[-1]
    assert (mark["kind"], mark["class"]) == ("target", 2)
    player.set(targets=False)
    player.pixels()
    assert player.events("mark")[-1] is None
    assert player.events("hover")[-1]["index"] == 2
    player.set(hidden=[2])
    player.pixels()
    assert player.events("hover")[-1] is None


def test_what_is_known_of_an_image(show: Show) -> None:
    run = make_run()
    player = show(run)
    player.seek(2)
    description = player.js("player.describe(7)")
    assert (description["label"], description["labelName"], description["snapshot"]) == (7, "class 7", 2)
    assert description["prediction"] == run.predictions["euc_ce"][2, 7]
    assert description["right"] == (run.predictions["euc_ce"][2, 7] == 7)
    margins = run.margins["euc_ce"][2]
    assert description["margin"] == pytest.approx(margins[7], abs=np.ptp(margins) / 254)
    assert description["thumbnail"] == {"url": "/sprite.png", "columns": 7, "rows": 6, "column": 0, "row": 1}
    assert description["targetDistance"] is None


def test_a_lasso_chooses_the_images_inside_and_escape_lets_go(show_by: Show) -> None:
    run = make_run(n=60, spacing=1.0)
    player = show_by(run, pointSize=8, pointOpacity=1)
    player.seek(0.5)
    player.js("await Plotly.relayout(player.root.querySelector('.js-plotly-plot'), {dragmode: 'lasso'}); return 0")
    corners = [(150, 150), (450, 150), (450, 420), (150, 420), (150, 152)]
    player.page.mouse.move(*corners[0])
    player.page.mouse.down()
    for corner in corners[1:]:
        player.page.mouse.move(*corner, steps=5)
    player.page.mouse.up()
    player.page.wait_for_function("aEvents.some(([event]) => event === 'select')")
    places = player.screen(blend(run.frames.points, 0.5))
    inside = ((places > [150, 150]) & (places < [450, 420])).all(axis=1)
    selected = player.events("select")[-1]["indices"]
    assert set(selected) ^ set(np.flatnonzero(inside)) <= set(np.flatnonzero((np.abs(places - 150) < 4).any(axis=1)))
    assert 5 < len(selected) < 55
    brightness = colours_at_points(player).min(axis=1)
    assert brightness[~inside].min() > brightness[inside].max()
    player.page.keyboard.press("Escape")
    assert player.events("select")[-1] is None
    assert player.js("player.state.selection") is None
