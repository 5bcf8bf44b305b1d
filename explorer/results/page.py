"""The Results page: the paper's tables, figures and claims with the numbers of the runs beside them.

It is the report that `explorer report` writes, of the runs as they are now (`explorer.results`); the browser fetches it
and draws its figures when they come into view.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, html

from explorer.library import Library
from explorer.web import browser_page

PATH = "/results"
NAME = "Results"


def layout(library: Library, /, **query: str) -> Any:
    """An empty page, which the browser fills."""
    report = html.Div("Reading the runs …", id="results-report", className="results-report")
    return browser_page.lay_out("results", report, "message", data=query)


def register(app: Dash, library: Library) -> None:
    """One callback: it starts the browser code when the page appears."""
    browser_page.start(app, "results")
