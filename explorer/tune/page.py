"""The Tune page: a search for hyperparameters while it runs: best so far, parallel coordinates, the trials.

Its data is fetched from `explorer.tune.routes` and drawn by `assets/tune/main.mjs`.
"""

from __future__ import annotations

from typing import Any

from dash import Dash

from explorer.library import Library
from explorer.web import browser_page

PATH = "/tune"
NAME = "Tune"


def layout(library: Library, /, **query: str) -> Any:
    """The empty page, which the browser fills; `query` may name the search that is shown first."""
    return browser_page.lay_out("tune", "body", "message", data={**query, "folder": str(library.runs_folder)})


def register(app: Dash, library: Library) -> None:
    """One callback: it starts the browser code when the page appears."""
    browser_page.start(app, "tune")
