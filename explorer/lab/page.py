"""The loss lab: any loss over a plane, with points to drag and to release.

Everything here moves, so `assets/lab/main.mjs` draws the page: it builds the controls from the catalogue of
`explorer.lab.panels` and keeps the state in the URL.
"""

from __future__ import annotations

from typing import Any

from dash import Dash

from explorer.library import Library
from explorer.web import browser_page

PATH = "/lab"
NAME = "Lab"


def layout(library: Library, /, **query: str) -> Any:
    """The page's regions, which the browser fills; `query` holds the parameters of the URL."""
    return browser_page.lay_out("lab", "controls", "stage", "side", "message", data=query)


def register(app: Dash, library: Library) -> None:
    """One callback: it starts the browser code when the page appears."""
    browser_page.start(app, "lab")
