"""The Export menu of the Explore page, as Dash components; `assets/export/menu.mjs` fetches the files."""

from __future__ import annotations

from typing import Any

from dash import html

from explorer.export.writer import EXPORTS


def build_export_menu() -> html.Details:
    """The menu: a row for each entry of EXPORTS, with a button for each kind of file."""
    rows: list[Any] = []
    for what, export in EXPORTS.items():
        for row in export.menu:
            choices = [html.Option(title, value=value) for value, title in row.choices.items()]
            chosen = {"data-option": row.option} if row.option else {}
            select = html.Select(choices, **{"aria-label": row.title}, **chosen)  # type: ignore[arg-type]
            title: Any = [row.title, select] if choices else row.title
            rows.append(html.Div(title, className="export-what", title=export.help))
            buttons = [_button(kind.upper(), what, kind, **chosen) for kind in export.kinds]
            rows.append(html.Div(buttons, className="export-kinds"))
    why = "The page's own picture in real time: for machines without Chrome, Chromium or Edge"
    recording = _button("Record this page, 20 s", "recording", "webm", title=why)
    progress = [
        html.Progress(max="1", hidden=True),
        html.Span(className="export-told", role="status"),
        html.Button("Stop", type="button", className="export-stop", hidden=True),
    ]
    menu = html.Div(
        [*rows, html.Div(), recording, html.Div(progress, className="export-foot")], className="export-menu"
    )
    return html.Details([html.Summary("Export"), menu], id="explore-export", className="export")


def _button(text: str, what: str, kind: str, **more: Any) -> html.Button:
    data: dict[str, Any] = {"data-what": what, "data-kind": kind}
    return html.Button(text, type="button", **data, **more)
