"""The Train page: settings, a preview, the running training as it learns, and the queue.

The form is built from the fields of TrainConfig (`explorer.train.form`). `assets/train/main.mjs` fetches everything
from `explorer.train.routes` and draws it, so that no Dash callback runs every second.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, html

from explorer.library import Library
from explorer.web import browser_page

PATH = "/train"
NAME = "Train"


def layout(library: Library, /, **query: str) -> Any:
    """The page's regions, which the browser fills; `query` may name the run whose settings the form begins with."""
    side = [
        html.Div(id="train-preview", className="train-preview"),
        html.Div(id="train-active"),
        html.Div(id="train-queue"),
    ]
    return browser_page.lay_out("train", "form", html.Div(side, className="train-side"), "message", data=query)


def register(app: Dash, library: Library) -> None:
    """One callback: it starts the browser code when the page appears."""
    browser_page.start(app, "train")
