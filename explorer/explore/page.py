"""The Explore page: the embedding space of one run, played over its training.

The layout and the curves are made here; everything that moves is drawn by `assets/explore/main.mjs`, which fetches its
data from `explorer.space.routes` and keeps run, view, classifier, regions and epoch in the URL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from pydantic import validate_call

from explorer import words
from explorer.explore.export_menu import build_export_menu
from explorer.figures import curves
from explorer.figures.colours import CLASS_COLOURS
from explorer.library import Library
from explorer.space.projections import OPTIONS, PROJECTIONS, offered
from mtm.errors import InputError
from mtm.fewshot import unseen_classes

PATH = "/"
NAME = "Explore"
FIRST = "demo/fashion-euclidean"


def layout(library: Library, /, **query: str) -> Any:
    """The page for the run named in the URL, or for the first run if the URL names none."""
    rows = library.summaries()
    summaries = [row for row in rows if row.get("snapshots")]
    ids = [row["id"] for row in summaries]
    name = query.get("run")
    run_id = name if name in ids else (_first(summaries) if name is None else None)
    options = [{"value": row["id"], "label": _title(row)} for row in summaries]
    return html.Div(
        [
            dcc.Store(id="explore-query", data=query),
            _top(options, run_id, _why_nothing(rows, name) if run_id is None else None),
            html.Div(
                [
                    _controls(_choices(library, run_id), query),
                    html.Div(
                        [
                            html.Div(id="explore-stage", className="explore-stage"),
                            html.Div(id="explore-selection", className="selection-bar", hidden=True),
                            html.Div(id="explore-message"),
                            html.Div(id="explore-waiting", hidden=True),
                            html.Div(id="explore-notices"),
                        ],
                        className="explore-middle",
                    ),
                    _side(),
                ],
                className="explore-body",
            ),
            html.Div(id="explore-timeline", className="explore-timeline"),
        ],
        className="explore",
        id="explore-page",
    )


def register(app: Dash, library: Library) -> None:
    """The page's callbacks: curves are drawn in Python, everything that moves in the browser."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("explorer", "update"),
        Output("explore-message", "children"),
        Input("explore-run", "value"),
        Input("explore-view", "value"),
        Input("explore-classifier", "value"),
        Input("explore-regions", "value"),
        Input("explore-colour", "value"),
        Input("explore-shown", "value"),
        Input("explore-point-size", "value"),
        Input("explore-point-opacity", "value"),
        Input("explore-region-opacity", "value"),
        Input("explore-camera", "value"),
        Input("explore-classes", "value"),
        State("explore-query", "data"),
    )

    @app.callback(
        *(Output(f"explore-{name}", part) for name in ("view", "classifier", "classes") for part in ("data", "value")),
        Input("explore-run", "value"),
        State("explore-view", "value"),
        State("explore-classifier", "value"),
        prevent_initial_call=True,
    )
    @validate_call
    def set_choices(run_id: str | None, view: str | None, classifier: str | None) -> Any:
        choices = _choices(library, run_id)
        new_view = no_update if view in choices.views else next(iter(choices.views))
        new_classifier = no_update if classifier in choices.classifiers else next(iter(choices.classifiers))
        return _options(choices.views), new_view, _options(choices.classifiers), new_classifier, *choices.classes

    @app.callback(
        Output("explore-curves", "children"),
        Input("explore-curves-due", "n_clicks"),
        State("explore-run", "value"),
        prevent_initial_call=True,
    )
    @validate_call
    def draw_curves(_: int | None, run_id: str | None) -> Any:
        try:
            run = library.run(run_id or "")
            rows, names = run.metrics, run.points.class_names
        except InputError:
            return no_update  # the message over the picture says why
        figures = {
            "sigma_rho": curves.sigma_rho(rows),
            "accuracy": curves.accuracy(rows),
            "separation": curves.separation(rows),
            "cosine": curves.cosine(rows),
            "rho_sigma": curves.rho_sigma(rows),
            "sigma_class": curves.sigma_class(rows, names, CLASS_COLOURS),
            "rho_class": curves.rho_class(rows, names, CLASS_COLOURS),
        }
        return [_curve(name, figure) for name, figure in figures.items()]


def _first(summaries: list[dict[str, Any]]) -> str | None:
    """The newest run; among bundled ones the one with the simplest loss."""
    own = [row["id"] for row in summaries if not row["is_demo"]]
    bundled = sorted((row["id"] for row in summaries), key=lambda run_id: (run_id != FIRST, run_id))
    newest: str | None = (own or bundled or [None])[0]
    return newest


class _Choices(NamedTuple):
    """The views, classifiers and classes that a run can be shown with; the first of each is the default."""

    views: dict[str, str]
    classifiers: dict[str, str]
    names: tuple[str, ...]  # of the classes
    unseen: Sequence[int]  # classes held out of training, which have no target

    @property
    def classes(self) -> tuple[list[dict[str, str]], list[str]]:
        """Options and value of the control of three classes: by default the first three that have a target."""
        options = [{"value": str(k), "label": name} for k, name in enumerate(self.names)]
        return options, [str(k) for k in range(3 + len(self.unseen)) if k not in self.unseen][:3]


def _choices(library: Library, run_id: str | None) -> _Choices:
    """The choices for a run: its classifiers, the one that goes with its loss first."""
    try:
        run = library.run(run_id or "")
        snapshot = run.snapshot(-1)
        available, dim, names = set(snapshot.predictions), snapshot.embeddings.shape[1], tuple(run.points.class_names)
        loss, unseen = run.config.loss if run.config else None, unseen_classes(snapshot)
        views = offered(len(run.labels), dim, len(names))
    except (InputError, IndexError):
        available, names, loss, unseen = set(words.CLASSIFIERS), (), None, []
        views = offered(n=4, dim=3, n_classes=3)  # what most runs can be shown by
    first = words.usual_classifier(available, loss)
    order = sorted((name for name in words.CLASSIFIERS if name in available), key=lambda name: name != first)
    labels = {name: PROJECTIONS[name].label for name in views}
    return _Choices(labels, {name: words.CLASSIFIERS[name].name for name in order}, names, unseen)


def _options(choices: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": text} for value, text in choices.items()]


def _title(row: dict[str, Any]) -> str:
    parts = [row["name"], row.get("dataset"), row.get("backbone"), row.get("loss")]
    about = " · ".join(str(part) for part in parts if part)
    return f"{about} · D = {row['dim']}" if row.get("dim") else about


def _why_nothing(rows: list[dict[str, Any]], name: str | None) -> str:
    """Why the run of this name, or any without one, cannot be shown."""
    if not name:
        return "no runs yet; make one with: mtm train"
    for row in rows:
        if row["id"] == name:
            why = [sentence for sentence in (row.get("error"), *row.get("problems", ())) if sentence]
            more = f" (and {len(why) - 1} more)" if len(why) > 1 else ""
            return f"{why[0]}{more}" if why else f"'{name}' has no snapshots to show yet"
    return f"there is no run '{name}' here (any more)"


def _top(options: list[dict[str, str]], run_id: str | None, problem: str | None) -> html.Div:
    return html.Div(
        [
            dmc.Select(
                id="explore-run",
                data=options,
                value=run_id,
                error=problem,
                placeholder="Choose a run",
                searchable=True,
                allowDeselect=False,
                className="explore-run",
                size="sm",
                comboboxProps={"width": 620, "position": "bottom-start"},
                **{"aria-label": "Run"},
            ),
            html.Div(id="explore-now", className="explore-now"),
            html.Div(id="explore-live", className="explore-live", hidden=True),
            html.Button(id="explore-curves-due", hidden=True),  # pressed by the browser once there is a picture
            html.Div(id="explore-count", className="explore-count"),
            build_export_menu(),
            dmc.Tooltip(
                dmc.Button("Panels", id="explore-drawer", variant="default", size="xs"),
                label="Curves, selection, one image, events, certainty, and how far the picture can be trusted",
                boxWrapperProps={"className": "explore-drawer"},
            ),
        ],
        className="explore-top",
    )


def _controls(choices: _Choices, query: dict[str, str]) -> html.Div:
    def select(name: str, label: str, texts: dict[str, str], help: str) -> Any:
        value = query.get(name)
        is_known = value in (PROJECTIONS if name == "view" else texts)  # why a run lacks a view the browser says
        return dmc.Select(
            id=f"explore-{name}",
            label=_with_help(label, help),
            data=_options(texts),
            value=value if is_known else next(iter(texts), None),
            allowDeselect=False,
            size="xs",
            comboboxProps={"width": 260, "position": "bottom-start"},
        )

    checks = [
        dmc.Tooltip(dmc.Checkbox(label=mark.name, value=name, size="xs"), label=mark.help, position="right")
        for name, mark in words.MARKS.items()
    ]
    checked = query["shown"].split(",") if "shown" in query else list(words.MARKS_BY_DEFAULT)
    return html.Div(
        [
            select("view", "View", choices.views, "How D dimensions become two: one set of axes for the whole run"),
            _three_classes(choices, query),
            select("classifier", "Decide by", choices.classifiers, "Whose decisions colour regions and points"),
            select("regions", "Regions", words.region_choices(), "Which class each place of the picture stands for"),
            select("colour", "Colour points by", words.names(words.COLOURS), "What the colour of a point tells"),
            dmc.CheckboxGroup(dmc.Stack(checks, gap=6), id="explore-shown", label="Draw", size="xs", value=checked),
            _slider("point-size", "Point size", -2, 2, 0, "Larger or smaller than fits the number of images"),
            _slider("point-opacity", "Point opacity", 0.05, 1, 0.85, "Lower it where many images lie on each other"),
            _slider("region-opacity", "Region opacity", 0, 0.8, 0.25, "How strongly regions are coloured"),
            select("camera", "Camera", words.names(words.CAMERAS),
                   "Fixed on the whole run, or zooming with the size of the cloud"),
            html.Div(id="explore-legend"),
        ],
        className="explore-controls",
    )  # fmt: skip


def _three_classes(choices: _Choices, query: dict[str, str]) -> html.Div:
    """The options of a plane through three targets; the browser shows them for a view that has them."""
    options, default = choices.classes
    three = [k for k in query.get("classes", "").split(",") if k.isdigit() and int(k) < len(choices.names)]
    classes, at = OPTIONS["classes"], OPTIONS["at"]
    return html.Div(
        [
            dmc.MultiSelect(
                id="explore-classes",
                label=_with_help(classes.label, classes.help),
                data=options,
                value=three if len(three) == 3 else default,
                maxValues=3,
                size="xs",
                comboboxProps={"width": 260, "position": "bottom-start"},
            ),
            dmc.Tooltip(
                dmc.Button(at.label, id="explore-at", variant="light", size="compact-xs"),
                label=at.help,
                multiline=True,
                w=240,
                position="right",
            ),
        ],
        id="explore-through",
        hidden=True,
    )


def _slider(name: str, label: str, low: float, high: float, value: float, help: str) -> html.Div:
    return html.Div(
        [
            dmc.Text(_with_help(label, help), size="xs", fw=500),
            dmc.Slider(id=f"explore-{name}", min=low, max=high, step=(high - low) / 40, value=value, size="sm",
                       label=None, updatemode="drag"),
        ]
    )  # fmt: skip


def _with_help(label: str, help: str) -> Any:
    return dmc.Tooltip(html.Span(label), label=help, multiline=True, w=240, position="right")


def _curve(name: str, figure: go.Figure) -> html.Div:
    graph = dcc.Graph(
        id=f"explore-curve-{name}", figure=figure, config={"displayModeBar": False}, className="explore-curve"
    )
    return html.Div([dmc.Text(words.CURVES[name].name, size="xs", fw=500), graph])


def _side() -> html.Div:
    """The side panels, of which one is open; the browser makes all but the curves, and the tabs."""
    trust = [dmc.Text("How far to trust this picture", size="sm", fw=600), html.Div(id="explore-trust")]
    curves_panel = html.Div(
        html.Div(id="explore-curves", className="explore-curves"),
        id="explore-panel-curves",
        className="explore-panel",
        role="tabpanel",
    )
    return html.Div(
        [
            html.Div(id="explore-tabs", className="panel-tabs", role="tablist"),
            html.Div(id="explore-still", className="panel-note"),
            curves_panel,
            html.Div(trust, className="explore-trust"),
        ],
        className="explore-side",
        id="explore-side",
    )
