"""The paper's curves of one run as Plotly figures (Fig. 14-19 and Appendix B): rows of metrics in, figure out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from explorer.figures.text import to_plotly
from mtm.classifiers import CLASSIFIERS
from mtm.classifiers.classifier import NEUTRAL

Row = dict[str, Any]

# Lines, not classes: a quiet set of its own, readable on light and dark
CURVES = ("sigma_rho", "accuracy", "separation", "cosine", "rho_sigma", "sigma_class", "rho_class")
MOST_CLASSES = 500  # that have a line each
LINES = {
    "sigma": "#0f766e",
    "rho": "#c2410c",
    "targets": "#7c3aed",
    **{name: classifier.colour for name, classifier in CLASSIFIERS.items()},
}


def sigma_rho(rows: Sequence[Row]) -> go.Figure:
    """Cluster size sigma and centre distance rho of class centres and of class embeddings, log scale (Fig. 15, 16)."""
    figure = go.Figure()
    series = (("cluster_size", "sigma", "sigma"), ("centre_distance", "rho of centres", "rho"),
              ("target_distance", "rho of targets", "targets"))  # fmt: skip
    for key, name, colour in series:
        values = [row.get(key) for row in rows]
        if any(value is not None for value in values):
            figure.add_trace(_line(_epochs(rows), values, name, LINES[colour]))
    return _over_epochs(figure, "distance", log=True)


def accuracy(rows: Sequence[Row]) -> go.Figure:
    """Accuracy of every classifier (Fig. 25-29)."""
    figure = go.Figure()
    names = list(dict.fromkeys(name for row in rows for name in row.get("accuracy") or {}))
    for name in names:
        values = [(row.get("accuracy") or {}).get(name) for row in rows]
        figure.add_trace(_line(_epochs(rows), values, name, LINES.get(name, NEUTRAL), "%{y:.2%}"))
    return _over_epochs(figure, "accuracy", tickformat=".0%")


def separation(rows: Sequence[Row]) -> go.Figure:
    """Mean distance between two class centres, and between two class embeddings (Fig. 18, 19)."""
    figure = go.Figure(
        _line(_epochs(rows), [r.get("mean_centre_separation") for r in rows], "class centres", LINES["rho"])
    )
    targets = [row.get("target_separation") for row in rows]
    if any(value is not None for value in targets):
        figure.add_trace(_line(_epochs(rows), targets, "class embeddings", LINES["targets"]))
    return _over_epochs(figure, "mean distance")


def cosine(rows: Sequence[Row]) -> go.Figure:
    """Median cosine between output embeddings and their class centre (Fig. 40-44)."""
    values = [row.get("median_cosine_similarity") for row in rows]
    return _over_epochs(go.Figure(_line(_epochs(rows), values, "median cosine", LINES["cos"])), "cosine to own centre")


def rho_sigma(rows: Sequence[Row]) -> go.Figure:
    """rho against sigma, and the line where they are equal (Fig. 17): above it clusters are apart."""
    sigma, rho = [row.get("cluster_size") for row in rows], [row.get("centre_distance") for row in rows]
    figure = go.Figure(_line(sigma, rho, "snapshots", LINES["rho"], "sigma %{x:.4g}, rho %{y:.4g}"))
    positive = [v for v in (*sigma, *rho) if v]
    if positive:
        ends = [min(positive), max(positive)]
        figure.add_trace(
            go.Scatter(
                x=ends, y=ends, mode="lines", line={"color": "#94a3b8", "dash": "dot", "width": 1}, hoverinfo="skip"
            )
        )
    figure.update_xaxes(title_text="sigma", type="log", tickformat=".3~g").update_yaxes(
        title_text="rho", type="log", tickformat=".3~g"
    )
    figure.data[0].meta = {"epochs": _epochs(rows)}  # where a click goes, and where the cursor is
    return apply_style(figure)


def sigma_class(rows: Sequence[Row], names: Sequence[str], colours: Sequence[str]) -> go.Figure:
    """sigma of each class (Fig. 4)."""
    return _per_class(rows, "cluster_size_per_class", names, colours, "sigma of each class")


def rho_class(rows: Sequence[Row], names: Sequence[str], colours: Sequence[str]) -> go.Figure:
    """rho of each class (Fig. 4)."""
    return _per_class(rows, "centre_distance_per_class", names, colours, "rho of each class")


def _per_class(rows: Sequence[Row], key: str, names: Sequence[str], colours: Sequence[str], title: str) -> go.Figure:
    figure = go.Figure()
    if len(names) > MOST_CLASSES:
        text = f"{title} is not drawn<br>for more than {MOST_CLASSES} classes; this run has {len(names):,}"
        figure.add_annotation(text=text, showarrow=False, x=0.5, y=0.5)
        hidden = {"visible": False, "range": [0, 1]}
        return apply_style(figure.update_xaxes(**hidden).update_yaxes(**hidden))
    for k, name in enumerate(names):
        each = [row.get(key) or () for row in rows]
        values = [of_classes[k] if k < len(of_classes) else None for of_classes in each]
        figure.add_trace(_line(_epochs(rows), values, to_plotly(name), colours[k % len(colours)]))
    return _over_epochs(figure, title, log=True).update_layout(showlegend=False)  # the colours are the points'


def _epochs(rows: Sequence[Row]) -> list[float]:
    return [row["epoch"] for row in rows]


def _line(x: Sequence[Any], y: Sequence[Any], name: str, colour: str, hover: str = "%{y:.4g}") -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(y),
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 4},
        hovertemplate=f"{hover}<extra>{name}</extra>",
    )


def _over_epochs(figure: go.Figure, title: str, log: bool = False, tickformat: str | None = None) -> go.Figure:
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    figure.update_yaxes(title_text=title, type="log" if log else "linear", tickformat=tickformat or ".3~g")
    return apply_style(figure)


def apply_style(figure: go.Figure) -> go.Figure:
    """Transparent, small margins, greys that read on light and dark; the browser adds the cursor."""
    axis = {
        "gridcolor": "rgba(128,128,128,0.18)",
        "zeroline": False,
        "linecolor": "rgba(128,128,128,0.5)",
        "title_font_size": 10,
        "title_standoff": 4,
        "automargin": True,
    }
    figure.update_xaxes(**axis).update_yaxes(**axis)
    is_named = len(figure.data) > 1 and all(trace.name for trace in figure.data)
    figure.update_layout(
        height=190,
        margin={"l": 44, "r": 8, "t": 24 if is_named else 8, "b": 28},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 11, "color": "#808896"},
        showlegend=is_named,
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 1.0,
            "yanchor": "top",
            "xref": "container",
            "x": 0,
            "xanchor": "left",
            "font": {"size": 10},
            "itemwidth": 30,
        },
        hovermode="x unified" if figure.layout.xaxis.title.text == "epoch" else "closest",
        uirevision="keep",
    )
    return figure
