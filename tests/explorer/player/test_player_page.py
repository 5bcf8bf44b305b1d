"""A player on its page: camera, theme, two players, options, and no trace after its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import eventually
from player_browser import (
    BIG,
    MountedPlayer,
    Show,
    assert_points,
    blobs,
    distances_to_nearest,
    encode_target_regions,
    make_run,
    near,
    rgb,
)
from playwright.sync_api import Page

from explorer.figures.colours import CLASS_COLOURS

pytest_plugins = ["player_fixtures"]


def test_the_camera_follows_a_space_that_grows(show: Show) -> None:
    run = make_run(n=40, spacing=2.0)
    factors = np.array([1, 4, 20, 50], np.float32)[:, None, None]
    run.frames.points = run.frames.points[:1] * factors + 100 * factors * np.array([1, 0], np.float32)
    run.frames.targets = run.frames.targets[:1] * factors + 100 * factors * np.array([1, 0], np.float32)
    run.frames.centres = run.frames.centres[:1] * factors + 100 * factors * np.array([1, 0], np.float32)
    player = show(run, **{**BIG, "pointSize": 9}, camera="scale")
    first = player.pixels()
    player.seek(2)
    third = player.pixels()
    assert player.js("player.scale") == pytest.approx(20, rel=0.02)
    for k in range(10):  # the same picture, twenty times as large a space
        a, b = (blobs(picture, rgb(CLASS_COLOURS[k])) for picture in (first, third))
        assert len(a) == len(b) == 4
        assert distances_to_nearest(a, b).max() < 2.5
    x, y = player.js("(({x, y}) => [x, y])(player.screenOf(12))")
    assert distances_to_nearest(blobs(third, rgb(CLASS_COLOURS[2])), np.array([[x, y]])).min() < 1
    place = player.js("(({x, y}) => [x, y])(player.dataAt(player.screenOf(12)))")
    assert place == pytest.approx(run.frames.points[2, 12].tolist(), abs=0.1)
    player.set(camera="fixed")
    eventually(player.page, lambda: bool(np.ptp(player.axes()["x"]) > 100))  # the whole run, no longer a few radii
    assert_points_once_far(player)


def assert_points_once_far(player: MountedPlayer) -> None:
    """With a fixed camera a small cloud is small."""
    player.seek(0)
    picture = player.pixels()
    coloured = np.argwhere((picture < 250).any(axis=-1) & player.inner(picture))
    assert np.ptp(coloured, axis=0).max() < 60


def test_the_theme_is_the_page_s(show_by: Show) -> None:
    run = make_run(n=10, spacing=6.0)
    player = show_by(run, targets=True, labels=True, **{k: v for k, v in BIG.items() if k not in ("targets", "labels")})
    light = player.pixels()
    player.page.evaluate("document.body.style.background = '#1a1b1e'; document.body.style.color = '#ddd'")
    inner = player.inner(light)
    eventually(player.page, lambda: np.median(player.pixels()[inner], axis=0).max() < 31)
    dark = player.pixels()
    assert (light[300, 60] == 255).all()
    assert np.median(dark[inner], axis=0).tolist() == [26, 27, 30]
    assert near(dark[inner], (230, 232, 235), 30).sum() > 100  # names
    assert not near(dark[inner], (255, 255, 255), 10).any()  # no halo of the other theme
    assert_points_of_dark(player, run)


def assert_points_of_dark(player: MountedPlayer, run: Any) -> None:
    x, y = player.screen(run.frames.points[0, 0]).astype(int)
    assert near(player.pixels()[y, x], rgb(CLASS_COLOURS[0]))


def test_reading_a_pixel_and_painting_agree_with_the_screen(show_by: Show) -> None:
    run = make_run()
    player = show_by(run, encode_target_regions(run), targets=True, centres=True, labels=True, trails=True, pointSize=9)
    player.seek(1.5)
    picture = player.pixels()
    rng = np.random.default_rng(0)
    places = rng.uniform([60, 40], [600, 550], (60, 2)).astype(int)
    read_pixels = np.array(player.js("arg.map(([x, y]) => player.readPixel(x + 0.5, y + 0.5))", places.tolist()))
    assert (np.abs(read_pixels - picture[places[:, 1], places[:, 0]]).max(axis=1) <= 4).all()
    painted_pixel = player.js("""
        const canvas = document.createElement('canvas'); const { width, height } = player.stage.canvas;
        Object.assign(canvas, { width, height });
        player.paint(canvas.getContext('2d'));
        return [...canvas.getContext('2d').getImageData(200, 300, 1, 1).data].slice(0, 3)""")
    left, top = player.js("[player.stage.view.left, player.stage.view.top]")
    assert np.abs(np.array(painted_pixel) - picture[int(top) + 300, int(left) + 200]).max() <= 4


def test_two_players_on_a_page_do_not_disturb_each_other(show: Show) -> None:
    run = make_run(spacing=2.0)
    other = make_run(seed=5, t=6, spacing=2.0)
    player = show(run, **{**BIG, "pointSize": 9})
    player.page.evaluate("document.getElementById('b').style.height = '600px'")
    player.page.set_viewport_size({"width": 660, "height": 1260})
    second = show(other, at="b", colour="prediction", hidden=[1], **{**BIG, "pointSize": 9})
    player.seek(1.5)
    second.seek(4)
    assert_points(player, 1.5)
    assert not player.js("player.state.hidden.size")
    assert near(second.pixels(), rgb(CLASS_COLOURS[0])).any()
    player.page.keyboard.press("Home")  # nobody has the focus: the first answers
    assert (player.js("player.state.time"), second.js("player.state.time")) == (0, 4)
    second.js("player.root.focus()")
    player.page.keyboard.press("ArrowRight")
    assert (player.js("player.state.time"), second.js("player.state.time")) == (0, 5)
    second.js("player.remove()")
    player.seek(2)
    assert_points(player, 2)
    player.page.set_viewport_size({"width": 660, "height": 640})


def test_there_is_no_global_and_an_end(new_player_page: Callable[..., Page], show: Show) -> None:
    page = new_player_page()
    assert page.evaluate("added") == []
    player = show(make_run(), on=page)
    player.js("player.remove()")
    assert page.evaluate("document.getElementById('a').children.length") == 0
    assert page.evaluate("document.getElementById('a').player === undefined")
    for _ in range(20):  # contexts are given back: a browser has sixteen
        player = show(make_run(n=10), on=page)
    assert player.events("notice") == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("color", "label", "unknown option 'color'; choose from colour"), ("colour", "hue", "unknown colour 'hue'"),
     ("speed", "fast", "speed is a number from 0.25 to 8")],
)  # fmt: skip
def test_a_wrong_option_is_refused(show: Show, name: str, value: str, reason: str) -> None:
    player = show(make_run())
    message = player.js("try { player.set(...arg); return '' } catch (error) { return error.message }", [name, value])
    assert reason in message
