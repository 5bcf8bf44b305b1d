"""Pages that the browser draws: empty regions, the data to begin with, and one callback that starts the page's module.

The module is `main.mjs` in the assets of that name; its `show(data)` fills the regions `#NAME-...`.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html


def lay_out(name: str, *regions: Any, data: Any) -> html.Div:
    """The page: a region for each name, and what is no name as it is. One of them is "message"."""
    parts = [_region(name, region) if isinstance(region, str) else region for region in regions]
    return html.Div([dcc.Store(id=f"{name}-query", data=data), *parts], className=name, id=f"{name}-page")


def start(app: Dash, name: str) -> None:
    """Start the browser code when the page appears, if there is data to begin with."""
    module = f"/assets/{name}/main.mjs"
    app.clientside_callback(  # type: ignore[no-untyped-call]
        f"async (data) => (data && (await (await import('{module}')).show(data))) || ''",
        Output(f"{name}-message", "title"),
        Input(f"{name}-query", "data"),
        State(f"{name}-page", "id"),
    )


def _region(page: str, name: str) -> html.Div:
    role: dict[str, Any] = {"role": "status"} if name == "message" else {}
    return html.Div(id=f"{page}-{name}", className=f"{page}-{name}", **role)
