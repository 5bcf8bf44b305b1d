"""The Compare page: two to four runs, or two epochs of one, over one time line; or one run as small pictures.

Layout and curves are made here. `assets/compare/main.mjs` draws the pictures and keeps the comparison in the URL: `run`
once for each picture, and in `at` the epoch at which each is held, if any.
"""

from __future__ import annotations

from typing import Annotated, Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html
from pydantic import BaseModel, Field, validate_call

from explorer import words
from explorer.compare import curves
from explorer.library import Library
from explorer.space.projections import PROJECTIONS
from explorer.web import browser_page
from mtm.errors import InputError

PATH = "/compare"
NAME = "Compare"
MAX_RUNS = len(curves.COLOURS)  # side by side
EXAMPLE = ("demo/fashion-euclidean", "demo/fashion-cosine")
COLOURS = ("label", "prediction", "right")
NO_RUNS = "There are no runs to compare yet. Train two in a terminal, with different losses for instance: "
SECTIONS = ("top", "message", "panes", "timeline", "details", "curves", "stills")
COMMAND = "mtm train --dataset digits --loss euclidean"


class DrawnRun(BaseModel):
    """A run whose curves are drawn, as the browser names it."""

    run: str
    name: str
    place: Annotated[int, Field(ge=0, lt=MAX_RUNS)]
    classifier: str


def layout(library: Library, /, **query: str) -> Any:
    """The page's empty sections. The browser fills them; it reads the URL, in which `run` may stand several times."""
    summaries = [row for row in library.summaries() if row.get("snapshots")]
    no_runs = html.Div([NO_RUNS, html.Code(COMMAND)], className="compare-nothing", id="compare-nothing")
    lines = dcc.Store(id="compare-lines")  # the runs whose curves are to be drawn, written by the browser
    options = _options(summaries) if summaries else None
    sections = [html.Div(id=f"compare-{name}") for name in SECTIONS]
    return browser_page.lay_out("compare", lines, *([] if summaries else [no_runs]), *sections, data=options)


def _options(summaries: list[dict[str, Any]]) -> dict[str, Any]:
    """Choices of every control, and the example that the empty page suggests."""
    ids = [row["id"] for row in summaries]
    regions = words.region_choices()
    return {
        "runs": [
            {"id": row["id"], "label": describe_run(row), "classifier": row.get("best_classifier")} for row in summaries
        ],
        "example": EXAMPLE if set(EXAMPLE) <= set(ids) else (ids * 2)[:2],
        "views": {name: view.label for name, view in PROJECTIONS.items() if view.is_compared},
        "classifiers": {"best": "each run's best", **words.names(words.CLASSIFIERS)},
        "regions": {key: name for key, name in regions.items() if key != "vote"},  # a grid cannot be turned
        "colours": {name: words.COLOURS[name].name for name in COLOURS},
        "cameras": {"fitting": words.CAMERA_THAT_FITS, **words.names(words.CAMERAS)},
        "tints": curves.COLOURS,
    }


def describe_run(row: dict[str, Any]) -> str:
    """A run in words, for a list of choices."""
    parts = [row["name"], row.get("loss"), row.get("dim") and f"D = {row['dim']}", row.get("dataset")]
    text = " · ".join(str(part) for part in parts if part)
    return f"{text} ({row['state']})" if row["state"] in ("training", "queued") else text


def register(app: Dash, library: Library) -> None:
    """Two callbacks: the browser code starts when the page has its layout; the curves are drawn when it names runs."""
    browser_page.start(app, "compare")

    @app.callback(Output("compare-curves", "children"), Input("compare-lines", "data"), prevent_initial_call=True)
    @validate_call
    def draw_curves(runs: list[DrawnRun] | None) -> list[Any]:
        lines = []
        for run in (runs or [])[:MAX_RUNS]:
            try:
                rows = library.run(run.run).metrics
            except InputError:
                continue  # the message over its picture says why
            lines.append(curves.Line(run.name, run.place, rows, run.classifier))
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
