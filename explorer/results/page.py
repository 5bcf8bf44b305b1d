"""The Results page: the paper's tables, figures and claims with the numbers of the runs beside them.

It is the report that `explorer report` writes, of the runs as they are now (`explorer.results`); the browser fetches it
and draws its figures when they come into view.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from explorer.library import Library

PATH = "/results"
NAME = "Results"


def layout(library: Library, **query: str) -> Any:
    """An empty page, which the browser fills."""
    return html.Div(
        [
            dcc.Store(id="results-query", data=query),
            html.Div("Reading the runs …", id="results-report", className="results-report"),
            html.Div(id="results-message", hidden=True),
        ],
        className="results",
        id="results-page",
    )


def register(app: Dash, library: Library) -> None:
    """One callback: when the page is laid out, the browser fetches the report."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "async () => { (await import('/assets/results/main.mjs')).show(); return ''; }",
        Output("results-message", "title"),
        Input("results-query", "data"),
        State("results-page", "id"),
    )
