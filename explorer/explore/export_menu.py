"""The Export menu of the Explore page, as Dash components; `assets/export/menu.mjs` makes the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

EXPORTS = {  # what: title, kinds
    "figure": ("This picture", ("png", "svg", "pdf")),
    "curve": ("Curve", ("png", "svg", "pdf")),
    "animation": ("Film of the whole run", ("mp4", "webm", "gif")),
    "html": ("Page that plays by itself", ("html",)),
    "data": ("Numbers of every image", ("csv", "parquet", "npz")),
    "archive": ("The run, for mtm import", ("zip", "tar")),
}


def build_export_menu(curves: Mapping[str, str]) -> html.Details:
    """The menu; `curves` are the titles of the curves that can be exported, by name."""

    def button(what: str, kind: str, text: str | None = None, title: str | None = None) -> html.Button:
        data: dict[str, Any] = {"data-what": what, "data-kind": kind}
        return html.Button(text or kind.upper(), type="button", title=title, **data)

    label: dict[str, Any] = {"aria-label": "Curve"}
    curve = html.Select([html.Option(title, value=name) for name, title in curves.items()], **label)
    rows: list[Any] = []
    for what, (title, kinds) in EXPORTS.items():
        rows.append(html.Div([title, curve] if what == "curve" else title, className="export-what"))
        rows.append(html.Div([button(what, kind) for kind in kinds], className="export-kinds"))
    why = "The page's own picture in real time: for machines without Chrome, Chromium or Edge"
    recording = button("recording", "webm", "Record this page, 20 s", why)
    progress = [
        html.Progress(max="1", hidden=True),
        html.Span(className="export-told", role="status"),
        html.Button("Stop", type="button", className="export-stop", hidden=True),
    ]
    menu = html.Div(
        [*rows, html.Div(), recording, html.Div(progress, className="export-foot")], className="export-menu"
    )
    return html.Details([html.Summary("Export"), menu], id="explore-export", className="export")
