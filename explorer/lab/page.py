"""The loss lab: any loss over a plane, with points to drag and to release.

Everything here moves, so `assets/lab/main.mjs` draws the page: it builds the controls from the catalogue of
`explorer.lab.panels` and keeps the state in the URL.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from explorer.library import Library

PATH = "/lab"
NAME = "Lab"


def layout(library: Library, **query: str) -> Any:
    """The page's regions, which the browser fills; `query` holds the parameters of the URL."""
    return html.Div(
        [
            dcc.Store(id="lab-query", data=query),
            html.Div(id="lab-controls", className="lab-controls"),
            html.Div(id="lab-stage", className="lab-stage"),
            html.Div(id="lab-side", className="lab-side"),
            html.Div(id="lab-message", className="lab-message", role="status"),
        ],
        className="lab",
        id="lab-page",
    )


def register(app: Dash, library: Library) -> None:
    """One callback: it starts the browser code when the page appears."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "async (query) => (await import('/assets/lab/main.mjs')).show(query)",
        Output("lab-message", "title"),
        Input("lab-query", "data"),
        State("lab-page", "id"),
    )
