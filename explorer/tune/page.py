"""The Tune page: a search for hyperparameters while it runs: best so far, parallel coordinates, the trials.

Its data is fetched from `explorer.tune.routes` and drawn by `assets/tune/main.mjs`.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from explorer.library import Library

PATH = "/tune"
NAME = "Tune"


def layout(library: Library, **query: str) -> Any:
    """The empty page, which the browser fills; `query` may name the search that is shown first."""
    folder = str(library.runs_folder)
    return html.Div(
        [
            dcc.Store(id="tune-query", data={**query, "folder": folder}),
            html.Div(id="tune-body", className="tune-body"),
            html.Div(id="tune-message", className="tune-message", role="alert"),
        ],
        className="tune",
        id="tune-page",
    )


def register(app: Dash, library: Library) -> None:
    """Add the callback that starts the browser code when the page has its layout."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "async (query) => (await import('/assets/tune/main.mjs')).show(query)",
        Output("tune-message", "title"),
        Input("tune-query", "data"),
        State("tune-page", "id"),
    )
