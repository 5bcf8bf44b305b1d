"""Two to four runs side by side, or two epochs of one, over one time line; and one run in small pictures over time.

The places are made here, and the curves; what moves is drawn by `assets/compare/main.mjs`, which keeps what is compared
in the URL: `run` once for each picture, `at` the epoch that each is held at, if it is.
"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html

from explorer.compare import curves
from explorer.explore.page import REGIONS
from explorer.library import Library
from mtm.classifiers import MEANINGS
from mtm.errors import InputError

PATH = "/compare"
NAME = "Compare"
MOST = len(curves.COLOURS)  # runs side by side
EXAMPLE = ("demo/fashion-euclidean", "demo/fashion-cosine")
VIEWS = {
    "pca": "PCA of all snapshots",
    "centres": "PCA of the class centres",
    "umap": "UMAP, aligned over time",
}
COLOURS = {"label": "class", "prediction": "decision", "right": "right or wrong"}
CAMERAS = {"fitting": "fixed, or follows what shrinks", "fixed": "fixed", "scale": "follows the scale"}
NOTHING = "There are no runs to compare yet. Train two in a terminal, with different losses for instance: "
PLACES = ("top", "message", "panes", "timeline", "details", "curves", "stills")
COMMAND = "mtm train --dataset digits --loss euclidean"


def layout(library: Library, **query: str) -> Any:
    """The page's places; the browser fills them and reads the URL, where a name may stand more than once."""
    summaries = [row for row in library.summaries() if row.get("snapshots")]
    nothing = html.Div([NOTHING, html.Code(COMMAND)], className="compare-nothing", id="compare-nothing")
    return html.Div(
        [
            dcc.Store(id="compare-offered", data=_offered(summaries) if summaries else None),
            dcc.Store(id="compare-shown"),  # the runs whose curves are due, written by the browser
            *([] if summaries else [nothing]),
            *(html.Div(id=f"compare-{name}") for name in PLACES),
        ],
        className="compare",
        id="compare-page",
    )


def _offered(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """What can be chosen, and what to begin with."""
    ids = [row["id"] for row in summaries]
    return {
        "runs": [{"id": row["id"], "label": label(row), "classifier": row.get("best_classifier")} for row in summaries],
        "example": EXAMPLE if set(EXAMPLE) <= set(ids) else (ids * 2)[:2],
        "views": VIEWS,
        "classifiers": {"best": "each run's best", **MEANINGS},
        "regions": {name: text for name, text in REGIONS.items() if name != "vote"},  # a grid cannot be turned
        "colours": COLOURS,
        "cameras": CAMERAS,
        "tints": curves.COLOURS,
    }


def label(row: dict[str, Any]) -> str:
    """A run in a list of choices."""
    parts = [row["name"], row.get("loss"), row.get("dim") and f"D = {row['dim']}", row.get("dataset")]
    about = " · ".join(str(part) for part in parts if part)
    return f"{about} ({row['state']})" if row["state"] in ("training", "queued") else about


def register(app: Dash, library: Library) -> None:
    """The page's callbacks: when the page is there the browser takes over, and asks for the curves of its runs."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        "async (offered) => offered ? (await import('/assets/compare/main.mjs')).show(offered) : ''",
        Output("compare-message", "title"),
        Input("compare-offered", "data"),
        State("compare-page", "id"),
    )

    @app.callback(Output("compare-curves", "children"), Input("compare-shown", "data"), prevent_initial_call=True)
    def draw_curves(shown: list[dict[str, Any]] | None) -> list[Any]:
        lines = []
        for run in (shown or [])[:MOST]:
            try:
                rows = library.run(run["run"]).metrics
            except InputError:
                continue  # its picture says why
            lines.append(curves.Line(run["name"], run["place"], rows, run["classifier"]))
        return [_curve(name, lines) for name in curves.MEASURES] if lines else []


def _curve(name: str, lines: list[curves.Line]) -> html.Div:
    measure = curves.MEASURES[name]
    graph = dcc.Graph(
        id=f"compare-curve-{name}",
        figure=curves.overlay_runs(lines, measure),
        config={"displayModeBar": False},
        className="explore-curve",
    )
    return html.Div([dmc.Text(measure.title, size="xs", fw=500), graph])
