"""The points of a player, by its pixels: they are where the arrays say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from conftest import eventually
from player_browser import (
    BIG,
    Show,
    assert_points,
    blend,
    blobs,
    colours_at_points,
    distances_to_nearest,
    make_run,
    near,
    rgb,
)
from playwright.sync_api import Page

from explorer.figures.colours import CLASS_COLOURS

pytest_plugins = ["player_fixtures"]


@pytest.mark.parametrize("time", [0, 2, 0.5, 1.5, 2.25, 3])
def test_points_are_where_the_arrays_say_at_snapshots_and_between(show_by: Show, time: float) -> None:
    player = show_by(make_run(spacing=2.0), **BIG)
    player.seek(time)
    assert_points(player, time)


def test_without_tween_the_nearest_snapshot_is_shown(show: Show) -> None:
    player = show(make_run(spacing=2.0), **BIG, tween=False)
    player.seek(1.6)
    assert_points(player, 2)


def test_points_follow_the_axes_when_one_zooms_drags_and_resizes(show_by: Show) -> None:
    player = show_by(make_run(n=10, spacing=6.0), **BIG)
    start = player.axes()
    player.page.mouse.move(320, 300)
    plot = "player.root.querySelector('.js-plotly-plot')"
    player.js(f"window.rested = false; {plot}.once('plotly_relayout', () => (window.rested = true)); return 0")
    player.page.mouse.wheel(0, 80)  # zooms out
    player.page.wait_for_function("window.rested")  # Plotly waits for more of the wheel
    assert np.ptp(player.axes()["x"]) > 1.02 * np.ptp(start["x"])
    assert_points(player, 0)
    player.page.mouse.down()
    player.page.mouse.move(340, 280, steps=3)
    assert_points(player, 0)  # while the button is down
    player.page.mouse.move(350, 260, steps=3)
    player.page.mouse.up()
    assert player.axes()["x"][0] != start["x"][0]
    assert_points(player, 0)
    player.page.evaluate("document.getElementById('a').style.width = '520px'")
    eventually(player.page, lambda: player.axes()["width"] < start["width"] - 100)
    assert_points(player, 0)
    player.page.evaluate("document.getElementById('a').style.width = '640px'")
    eventually(player.page, lambda: player.axes()["width"] == start["width"])
    player.page.mouse.dblclick(320, 300)  # back to the whole run
    whole = pytest.approx([*start["x"], *start["y"]])
    eventually(player.page, lambda: [*player.axes()["x"], *player.axes()["y"]] == whole)


def test_the_axes_have_equal_scale_and_hold_everything(show: Show) -> None:
    player = show(make_run())
    a = player.axes()
    assert a["width"] / np.ptp(a["x"]) == pytest.approx(a["height"] / np.ptp(a["y"]), rel=1e-6)
    frames = player.run.frames
    for positions in (frames.points, frames.targets, frames.centres):
        assert (positions > [a["x"][0], a["y"][0]]).all()
        assert (positions < [a["x"][1], a["y"][1]]).all()


def test_a_point_without_position_is_not_drawn_nor_found(show_by: Show) -> None:
    run = make_run(n=10, spacing=6.0)
    place = run.frames.points[1, 3].copy()
    run.frames.points[1, 3] = np.nan
    player = show_by(run, **BIG)
    for time, count in ((0, 1), (0.5, 0), (1, 0), (1.5, 0), (2, 1)):
        player.seek(time)
        assert len(blobs(player.pixels(), rgb(CLASS_COLOURS[3]))) == count, time
    player.seek(1)
    x, y = player.screen(place).tolist()
    assert player.js("player.pick(arg)", {"x": x, "y": y}) == -1


def test_more_classes_than_a_byte_can_tell_and_a_single_snapshot(show_by: Show) -> None:
    run = make_run(n=300, c=300, t=1)
    run.frames.points[0] = np.stack(np.meshgrid(np.arange(20), np.arange(15)), axis=-1).reshape(-1, 2)
    player = show_by(run, **BIG, colour="prediction")
    player.js("player.play()")
    expected = np.array([rgb(CLASS_COLOURS[k % 10]) for k in run.predictions["euc_ce"][0]])
    assert np.abs(colours_at_points(player) - expected).max() <= 4
    player.set(hidden=[299, 42], colour="label")
    expected = np.array([rgb(CLASS_COLOURS[k % 10]) if k not in (299, 42) else (255, 255, 255) for k in range(300)])
    assert np.abs(colours_at_points(player) - expected).max() <= 4
    assert not player.js("player.state.playing")


def test_images_sorted_by_class_do_not_hide_each_other(show_by: Show) -> None:
    run = make_run(n=4000, c=2)
    run.labels = np.repeat([0, 1], 2000)
    run.predictions = {"euc_ce": np.tile(run.labels, (4, 1))}
    run.frames.points[:] = np.random.default_rng(1).normal(size=(4000, 2))
    player = show_by(run, pointSize=8, pointOpacity=1)
    picture = player.pixels()
    first, second = (near(picture, rgb(CLASS_COLOURS[k])).sum() for k in (0, 1))
    assert 0.7 < first / second < 1.4


def test_device_pixels_are_used_and_nothing_shifts(new_player_page: Callable[..., Page], show: Show) -> None:
    player = show(make_run(n=10, spacing=6.0), on=new_player_page(device_scale_factor=2), **BIG)
    player.seek(0.5)
    picture = player.pixels()
    assert picture.shape == (1200, 1280, 3)
    expected = 2 * player.screen(blend(player.run.frames.points, 0.5))
    for k in range(10):
        discs = blobs(picture, rgb(CLASS_COLOURS[k]))
        assert distances_to_nearest(discs, expected[player.run.labels == k]).max() < 1
    assert player.js("player.stage.canvas.width") == round(2 * player.axes()["width"])
