"""The renderers of a player: the graphics card, the processor in its place, and a lost context."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from conftest import eventually
from player_browser import BIG, NO_WEBGL2, Shown, assert_points, make_run, references_of_targets
from playwright.sync_api import Page

pytest_plugins = ["player_fixtures"]


def test_without_webgl2_everything_is_drawn_all_the_same_and_the_reason_told(
    new_page: Callable[..., Page], show: Callable[..., Shown]
) -> None:
    run = make_run(spacing=2.0)
    shown = show(run, on=new_page(NO_WEBGL2), **{**BIG, "renderer": "auto"})
    shown.seek(1.7)
    assert_points(shown, 1.7)
    (notice,) = shown.events("notice")
    assert notice["kind"] == "webgl"
    assert "no WebGL2" in notice["message"]
    assert shown.js("player.stage.renderer.kind") == "cpu"


def test_where_the_graphics_card_is_software_the_processor_draws_at_once(show: Callable[..., Shown]) -> None:
    shown = show(make_run(), renderer="auto")  # Chromium runs on SwiftShader here
    assert shown.js("player.stage.renderer.kind") == "cpu"
    assert shown.events("notice") == []
    for kind in ("gpu", "cpu", "gpu"):
        shown.set(renderer=kind)
        assert shown.js("player.stage.renderer.kind") == kind
    shown.page.wait_for_timeout(100)
    assert shown.events("notice") == []


def test_both_renderers_draw_the_same_picture(show: Callable[..., Shown]) -> None:
    run = make_run(n=400, spacing=0.1)
    shown = show(run, references_of_targets(run), pointSize=6.5, regionOpacity=0.4, boundaries=True)
    shown.seek(1.4)
    for options in (
        {"colour": "label"}, {"colour": "prediction", "hidden": [2]}, {"colour": "right"}, {"colour": "margin"},
        {"colour": "label", "focus": [1, 4], "hidden": []}, {"selection": [3, 4, 5], "focus": [], "pointSize": 3},
    ):  # fmt: skip
        shown.set(**options, renderer="gpu")
        by_gpu = shown.pixels()
        shown.set(renderer="cpu")
        difference = np.abs(shown.pixels() - by_gpu).max(axis=-1)[shown.inner(by_gpu)]
        assert difference.mean() < 1.5, options  # rounding
        assert (difference > 60).mean() < 0.002, options  # edges of discs differ by a part of a pixel


def test_a_lost_graphics_context_is_told_and_restored(show: Callable[..., Shown]) -> None:
    run = make_run(spacing=2.0)
    shown = show(run, references_of_targets(run), colour="prediction", pointSize=9)
    shown.seek(1.5)
    before = shown.pixels()
    shown.js("window.lost = player.stage.renderer.gl.getExtension('WEBGL_lose_context'); lost.loseContext(); return 0")
    shown.page.wait_for_function("aEvents.some(([event, notice]) => event === 'notice' && notice.kind === 'context')")
    shown.seek(2)
    shown.pixels()
    shown.page.evaluate("lost.restoreContext()")
    shown.page.wait_for_function("document.getElementById('a').player.state.notices.length === 0")
    shown.seek(1.5)
    eventually(shown.page, lambda: bool((shown.pixels() == before).all()))  # a new context's first picture comes late


def test_a_graphics_context_that_does_not_come_back_is_replaced(
    show: Callable[..., Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = show(make_run(spacing=2.0), **BIG)
    shown.js("player.stage.renderer.gl.getExtension('WEBGL_lose_context').loseContext(); return 0")
    shown.page.wait_for_function("document.getElementById('a').player.stage.renderer.kind === 'cpu'")
    shown.seek(1.4)
    assert_points(shown, 1.4)
    assert [notice["kind"] for notice in shown.js("player.state.notices")] == ["webgl"]
