"""Fixtures of the player's tests: a server and a page for each module, and players mounted in the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from player_browser import QUIET, MountedPlayer, Show, Site
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    local = Site()
    yield local
    local.server.shutdown()
    local.server.server_close()


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    return chromium


@pytest.fixture(scope="module")
def new_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """A page with the modules loaded; nothing in it may raise."""
    contexts, errors = [], []

    def make(script: str = "", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": 660, "height": 640}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(site.url)
        page.wait_for_function("window.mount && window.Plotly")
        return page

    yield make
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="module")
def shared_page(new_page: Callable[..., Page]) -> Page:
    """One page for all tests that need nothing special: each mounts its own player."""
    return new_page()


@pytest.fixture
def page(shared_page: Page) -> Iterator[Page]:
    yield shared_page
    shared_page.evaluate("""() => {
      for (const id of ["a", "b"]) document.getElementById(id).player?.remove();
      document.body.style.background = "white";
      document.body.style.color = "black";
      document.getElementById("b").style.height = "0";
      document.activeElement?.blur();
    }""")
    shared_page.mouse.move(0, 0)


@pytest.fixture
def show(page: Page, site: Site) -> Show:
    def mount(
        run: Any, regions: bytes | None = None, at: str = "a", on: Page | None = None, **options: Any
    ) -> MountedPlayer:
        return MountedPlayer(on or page, site, run, {**QUIET, **options}, regions, at)

    return mount


@pytest.fixture(params=["gpu", "cpu"])
def show_by(request: pytest.FixtureRequest, show: Show) -> Show:
    """`show`, drawn by the graphics card and by the processor."""
    return lambda run, regions=None, **options: show(run, regions, **{**options, "renderer": request.param})
