"""The page people come for: the embedding space of one run, played over its training.

The layout and the curves are made here; what moves is drawn by `assets/explore.mjs`, which fetches its data from
`explorer.views` and keeps run, view, classifier, regions and epoch in the URL.
"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from explorer.figures import curves
from explorer.figures.colours import CLASS_COLOURS
from explorer.library import Library
from mtm.errors import InputError

PATH = "/"
NAME = "Explore"
VIEWS = {
    "pca": "PCA of all snapshots",
    "centres": "PCA of the class centres",
    "targets": "Plane through three targets",
    "umap": "UMAP, aligned over time",
    "plane": "The plane itself (D = 2)",
}
CLASSIFIERS = {
    "euc_ce": "nearest target (euc_ce)",
    "cos_ce": "target of least angle (cos_ce)",
    "euc": "nearest class centre (euc)",
    "cos": "class centre of least angle (cos)",
    "argmax": "linear head (argmax)",
}
REGIONS = {
    "best": "whichever agrees most",
    "exact": "exact slice of this plane",
    "fitted": "fitted straight edges",
    "targets": "nearest drawn target",
    "centres": "nearest drawn centre",
    "vote": "vote of near images",
    "off": "none",
}
COLOURS = {
    "label": "class",
    "prediction": "decision",
    "right": "right or wrong",
    "distance": "distance to own target",
    "margin": "margin",
}
SHOWN = {
    "targets": ("targets", "The learned class embeddings, as ringed marks"),
    "centres": ("centres", "The mean of each class's images, as crosses"),
    "trails": ("trails", "Where targets and centres came from"),
    "gaps": ("gaps", "A line from each target to its class centre"),
    "labels": ("names", "Class names beside their targets"),
}
TITLES = {
    "sigma_rho": "Cluster size σ and centre distance ρ",
    "accuracy": "Accuracy of the classifiers",
    "separation": "Mean distance between classes",
    "cosine": "Median cosine to the own centre",
    "rho_sigma": "ρ against σ",
    "sigma_class": "σ of each class",
    "rho_class": "ρ of each class",
}


def layout(library: Library, **query: str) -> Any:
    """The page for the run named in the URL, or for the first there is."""
    summaries = [row for row in library.summaries() if row.get("snapshots")]
    ids = [row["id"] for row in summaries]
    wanted = query.get("run")
    run_id = wanted if wanted in ids else (_first(summaries) if wanted is None else None)
    options = [{"value": row["id"], "label": _title(row)} for row in summaries]
    return html.Div(
        [
            dcc.Store(id="explore-query", data=query),
            _top(options, run_id, wanted),
            html.Div(
                [
                    _controls({"classifier": _classifier(summaries, run_id)} | query),
                    html.Div(
                        [
                            html.Div(id="explore-stage", className="explore-stage"),
                            html.Div(id="explore-message"),
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
    """The page's callbacks: curves from Python, everything that moves in the browser."""
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
        State("explore-query", "data"),
    )

    @app.callback([Output(f"explore-curve-{name}", "figure") for name in curves.CURVES], Input("explore-run", "value"))
    def draw_curves(run_id: str | None) -> list[Any]:
        try:
            run = library.run(run_id or "")
            rows, names = run.metrics, run.points.class_names
        except InputError:
            rows, names = [], ()
        drawn = [curves.sigma_rho(rows), curves.accuracy(rows), curves.separation(rows), curves.cosine(rows)]
        drawn.append(curves.rho_sigma(rows))
        return [
            *drawn,
            curves.sigma_class(rows, names, CLASS_COLOURS),
            curves.rho_class(rows, names, CLASS_COLOURS),
        ]


def _first(summaries: list[dict[str, Any]]) -> str | None:
    """The newest run; among bundled ones the first by name."""
    own = [row["id"] for row in summaries if not row["is_demo"]]
    return (own or sorted(row["id"] for row in summaries) or [None])[0]


def _classifier(summaries: list[dict[str, Any]], run_id: str | None) -> str:
    """The classifier that goes with the loss: by angle after the cosine loss, else by distance."""
    loss = next((row.get("loss") for row in summaries if row["id"] == run_id), None)
    return {"cosine": "cos_ce", "pure": "argmax"}.get(str(loss), "euc_ce")


def _title(row: dict[str, Any]) -> str:
    parts = [row["name"], row.get("dataset"), row.get("backbone"), row.get("loss")]
    about = " · ".join(str(part) for part in parts if part)
    return f"{about} · D = {row['dim']}" if row.get("dim") else about


def _top(options: list[dict[str, str]], run_id: str | None, wanted: str | None) -> dmc.Group:
    problem = None
    if run_id is None:
        problem = f"there is no run '{wanted}' here (any more)" if wanted else "no runs yet; make one with: mtm train"
    return dmc.Group(
        [
            dmc.Select(
                id="explore-run",
                data=options,
                value=run_id,
                error=problem,
                placeholder="Choose a run",
                searchable=True,
                allowDeselect=False,
                w=520,
                size="sm",
                comboboxProps={"width": 620, "position": "bottom-start"},
                **{"aria-label": "Run"},
            ),
            html.Div(id="explore-now", className="explore-now"),
            html.Div(id="explore-count", className="explore-count"),
        ],
        className="explore-top",
        gap="lg",
        wrap="nowrap",
    )


def _controls(query: dict[str, str]) -> html.Div:
    def select(name: str, label: str, choices: dict[str, str], default: str, help: str) -> Any:
        chosen = query.get(name) if query.get(name) in choices else default
        return dmc.Select(
            id=f"explore-{name}",
            label=dmc.Tooltip(html.Span(label), label=help, multiline=True, w=240, position="right"),
            data=[{"value": value, "label": text} for value, text in choices.items()],
            value=chosen,
            allowDeselect=False,
            size="xs",
            comboboxProps={"width": 260, "position": "bottom-start"},
        )

    def slider(name: str, label: str, low: float, high: float, value: float) -> Any:
        return html.Div(
            [
                dmc.Text(label, size="xs", fw=500),
                dmc.Slider(id=f"explore-{name}", min=low, max=high, step=(high - low) / 40, value=value, size="sm",
                           label=None, updatemode="drag"),
            ]
        )  # fmt: skip

    return html.Div(
        [
            select("view", "View", VIEWS, "pca", "How D dimensions become two: one set of axes for the whole run"),
            select("classifier", "Decide by", CLASSIFIERS, "euc_ce", "Whose decisions colour regions and points"),
            select("regions", "Regions", REGIONS, "best", "Which class each place of the picture stands for"),
            select("colour", "Colour points by", COLOURS, "label", "What the colour of a point tells"),
            dmc.CheckboxGroup(
                dmc.Stack(
                    [
                        dmc.Tooltip(dmc.Checkbox(label=text, value=name, size="xs"), label=help, position="right")
                        for name, (text, help) in SHOWN.items()
                    ],
                    gap=6,
                ),
                id="explore-shown",
                label="Draw",
                size="xs",
                value=query["shown"].split(",") if "shown" in query else ["targets", "centres", "trails", "labels"],
            ),
            slider("point-size", "Point size", 1, 16, 5),
            slider("point-opacity", "Point opacity", 0.05, 1, 0.8),
            slider("region-opacity", "Region opacity", 0, 0.8, 0.25),
            select("camera", "Camera", {"fixed": "fixed", "scale": "follows the scale"}, "fixed",
                   "Fixed on the whole run, or zooming with the size of the cloud"),
            html.Div([dmc.Text("Classes", size="xs", fw=500), html.Div(id="explore-legend")]),
        ],
        className="explore-controls",
    )  # fmt: skip


def _side() -> html.Div:
    graphs = [
        html.Div(
            [
                dmc.Text(TITLES[name], size="xs", fw=500),
                dcc.Graph(id=f"explore-curve-{name}", config={"displayModeBar": False}, className="explore-curve"),
            ]
        )
        for name in curves.CURVES
    ]
    return html.Div(
        [
            html.Div(graphs, className="explore-curves"),
            html.Div([dmc.Text("How far to trust this picture", size="sm", fw=600), html.Div(id="explore-trust")],
                     className="explore-trust"),
        ],
        className="explore-side",
    )  # fmt: skip
