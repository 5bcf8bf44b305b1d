"""The renderers of a player: the graphics card, the processor in its place, and a lost context."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from conftest import eventually
from player_browser import BIG, NO_WEBGL2, MountedPlayer, Show, assert_points, encode_target_regions, make_run
from playwright.sync_api import Page

from explorer.space.encoding import encode_vote

pytest_plugins = ["player_fixtures"]


def test_without_webgl2_everything_is_drawn_all_the_same_and_the_reason_told(
    new_player_page: Callable[..., Page], show: Show
) -> None:
    run = make_run(spacing=2.0)
    player = show(run, on=new_player_page(NO_WEBGL2), **{**BIG, "renderer": "auto"})
    player.seek(1.7)
    assert_points(player, 1.7)
    (notice,) = player.events("notice")
    assert notice["kind"] == "webgl"
    assert "no WebGL2" in notice["message"]
    assert player.js("player.stage.renderer.kind") == "cpu"


def test_where_the_graphics_card_is_software_the_processor_draws_at_once(show: Show) -> None:
    player = show(make_run(), renderer="auto")  # Chromium runs on SwiftShader here
    assert player.js("player.stage.renderer.kind") == "cpu"
    assert player.events("notice") == []
    for kind in ("gpu", "cpu", "gpu"):
        player.set(renderer=kind)
        assert player.js("player.stage.renderer.kind") == kind
    player.wait_until_drawn()
    assert player.events("notice") == []


def test_both_renderers_draw_the_same_picture(show: Show) -> None:
    run = make_run(n=400, spacing=0.1)
    player = show(run, encode_target_regions(run), pointSize=6.5, regionOpacity=0.4, boundaries=True)
    player.seek(1.4)
    for options in (
        {"colour": "label"}, {"colour": "prediction", "hidden": [2]}, {"colour": "right"}, {"colour": "margin"},
        {"colour": "label", "focus": [1, 4], "hidden": []}, {"selection": [3, 4, 5], "focus": [], "pointSize": 3},
    ):  # fmt: skip
        player.set(**options, renderer="gpu")
        by_gpu = player.pixels()
        player.set(renderer="cpu")
        difference = np.abs(player.pixels() - by_gpu).max(axis=-1)[player.inner(by_gpu)]
        assert difference.mean() < 1.5, options  # rounding
        assert (difference > 60).mean() < 0.002, options  # edges of discs differ by a part of a pixel


def test_a_lost_graphics_context_is_told_and_restored(show: Show) -> None:
    run = make_run(spacing=2.0)
    player = show(run, encode_target_regions(run), colour="prediction", pointSize=9)
    player.seek(1.5)
    before = player.pixels()
    player.js("window.lost = player.stage.renderer.gl.getExtension('WEBGL_lose_context'); lost.loseContext(); return 0")
    player.page.wait_for_function("aEvents.some(([event, notice]) => event === 'notice' && notice.kind === 'context')")
    player.seek(2)
    player.pixels()
    player.page.evaluate("lost.restoreContext()")
    player.page.wait_for_function("document.getElementById('a').player.state.notices.length === 0")
    player.seek(1.5)
    eventually(player.page, lambda: bool((player.pixels() == before).all()))  # a new context's first picture comes late


def lose(player: MountedPlayer) -> None:
    """Take the graphics context away, and wait until the player knows."""
    player.js("window.lost = player.stage.renderer.gl.getExtension('WEBGL_lose_context'); lost.loseContext(); return 0")
    player.page.wait_for_function("document.getElementById('a').player.state.notices.length === 1")


def give_back(player: MountedPlayer) -> None:
    player.page.evaluate("lost.restoreContext()")
    player.page.wait_for_function("document.getElementById('a').player.state.notices.length === 0")


@pytest.mark.parametrize("regions", ["power", "vote"])
def test_a_context_lost_while_playing_goes_on_with_the_same_picture(show: Show, regions: str) -> None:
    run = make_run(spacing=2.0)
    votes = np.arange(len(run.frames.points) * 6 * 6).reshape(-1, 6, 6) % len(run.class_names)
    encoded = encode_vote(votes, np.ones(votes.shape), [-4, -4, 4, 4]) if regions == "vote" else None
    player = show(run, encoded or encode_target_regions(run), colour="right", pointSize=9, focus=[1, 2])
    player.seek(1.5)
    before = player.pixels()
    for _ in range(2):  # a second time as well
        player.js("player.seek(0); player.play(); return 0")
        lose(player)
        moving = player.js("player.state.time")
        player.page.wait_for_function(f"document.getElementById('a').player.state.time !== {moving}")  # it plays on
        player.set(colour="label")  # what changes meanwhile is there afterwards
        give_back(player)
        player.js("player.pause(); return 0")
        player.set(colour="right")
        player.seek(1.5)
        eventually(player.page, lambda: bool((player.pixels() == before).all()))
    assert player.js("player.stage.renderer.kind") == "gpu"


def test_a_graphics_context_that_does_not_come_back_is_replaced(show: Show) -> None:
    player = show(make_run(spacing=2.0), **BIG)
    player.js("player.stage.renderer.gl.getExtension('WEBGL_lose_context').loseContext(); return 0")
    player.page.wait_for_function("document.getElementById('a').player.stage.renderer.kind === 'cpu'")
    player.seek(1.4)
    assert_points(player, 1.4)
    assert [notice["kind"] for notice in player.js("player.state.notices")] == ["webgl"]
