"""Fixtures of the player's tests: a server, a page, and players mounted in the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from player_browser import QUIET, MountedPlayer, Show, Site
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    local = Site()
    yield local
    local.server.shutdown()
    local.server.server_close()


@contextmanager
def open_player_page(browser: Browser, site: Site, script: str = "", **options: Any) -> Iterator[Page]:
    """A page with the modules loaded; what it raises is in its `errors`."""
    with browser.new_context(viewport={"width": 660, "height": 640}, **options) as context:
        page: Any = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(site.url)
        page.wait_for_function("window.mount && window.Plotly")
        yield page


@pytest.fixture
def new_player_page(chromium: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """A page for one test; nothing in it may raise."""
    with ExitStack() as stack:
        pages: list[Any] = []

        def make(script: str = "", **options: Any) -> Page:
            pages.append(stack.enter_context(open_player_page(chromium, site, script, **options)))
            return pages[-1]

        yield make
        assert not [error for page in pages for error in page.errors]


@pytest.fixture(scope="session")
def shared_player_page(chromium: Browser, site: Site) -> Iterator[Page]:
    """One page for all tests that need nothing special: each mounts its own player."""
    with open_player_page(chromium, site) as page:
        yield page


@pytest.fixture
def player_page(shared_player_page: Any) -> Iterator[Page]:
    shared_player_page.errors.clear()
    yield shared_player_page
    shared_player_page.evaluate("""() => {
      for (const id of ["a", "b"]) document.getElementById(id).player?.remove();
      document.body.style.background = "white";
      document.body.style.color = "black";
      document.getElementById("b").style.height = "0";
      document.activeElement?.blur();
    }""")
    shared_player_page.mouse.move(0, 0)
    assert not shared_player_page.errors


@pytest.fixture
def show(player_page: Page, site: Site) -> Show:
    def mount(
        run: Any, regions: bytes | None = None, at: str = "a", on: Page | None = None, **options: Any
    ) -> MountedPlayer:
        return MountedPlayer(on or player_page, site, run, {**QUIET, **options}, regions, at)

    return mount


@pytest.fixture(params=["gpu", "cpu"])
def show_by(request: pytest.FixtureRequest, show: Show) -> Show:
    """`show`, drawn by the graphics card and by the processor."""
    return lambda run, regions=None, **options: show(run, regions, **{**options, "renderer": request.param})
