"""The Train page: settings, a preview, the running training as it learns, and the queue.

The form is built from the fields of TrainConfig (`explorer.train.form`). `assets/train/main.mjs` fetches everything
from `explorer.train.routes` and draws it, so that no Dash callback runs every second.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from explorer.library import Library

PATH = "/train"
NAME = "Train"


def layout(library: Library, **query: str) -> Any:
    """The page's regions, which the browser fills; `query` may name the run whose settings the form begins with."""
    return html.Div(
        [
            dcc.Store(id="train-query", data=query),
            html.Div(id="train-form", className="train-form"),
            html.Div(
                [
                    html.Div(id="train-preview", className="train-preview"),
                    html.Div(id="train-active"),
                    html.Div(id="train-queue"),
                ],
                className="train-side",
            ),
            html.Div(id="train-message", className="train-message", role="alert"),
        ],
        className="train",
        id="train-page",
    )


def register(app: Dash, library: Library) -> None:
    """One callback: it starts the browser code when the page appears."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "async (query) => (await import('/assets/train/main.mjs')).show(query)",
        Output("train-message", "title"),
        Input("train-query", "data"),
        State("train-page", "id"),
    )
