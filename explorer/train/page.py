"""The Train page: settings, what will happen, the running training as it learns, and the queue.

The form is built from the fields of TrainConfig (`explorer.train.form`). Everything here is fetched from
`explorer.train.routes` and drawn by `assets/train/main.mjs`, so that what grows every second costs no Dash callback.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html

from explorer.library import Library

PATH = "/train"
NAME = "Train"


def layout(library: Library, **query: str) -> Any:
    """The page's places, which the browser fills; `query` may name a run whose settings to begin with."""
    return html.Div(
        [
            dcc.Store(id="train-query", data=query),
            html.Div(id="train-form", className="train-form"),
            html.Div(
                [
                    html.Div(id="train-outlook", className="train-outlook"),
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
    """One callback: when the page is there, the browser takes over."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "async (query) => (await import('/assets/train/main.mjs')).show(query)",
        Output("train-message", "title"),
        Input("train-query", "data"),
        State("train-page", "id"),
    )
