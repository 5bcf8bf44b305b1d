"""Curves of several runs in one figure, one line a run: rows of metrics in, figure out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from explorer.figures.curves import apply_style
from explorer.figures.text import to_plotly

Row = dict[str, Any]

# Of the first to the fourth run; readable on light and dark, and in grey by their dashes
COLOURS = ("#0d9488", "#ea580c", "#8b5cf6", "#3b82f6")
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Line:
    """A run, as one line of every figure."""

    name: str
    place: int  # among the compared runs: gives colour and dash
    rows: Sequence[Row]
    classifier: str  # the accuracy curve shows this one's


@dataclass(frozen=True)
class Measure:
    """A quantity drawn over the epochs."""

    title: str
    value: Callable[[Row, str], float | None]  # of a row of metrics, for a classifier
    log: bool = False
    tickformat: str = ".3~g"


def _metric(key: str) -> Callable[[Row, str], float | None]:
    return lambda row, _: row.get(key)


def _ratio(row: Row, _: str) -> float | None:
    rho, sigma = row.get("centre_distance"), row.get("cluster_size")
    return rho / sigma if rho is not None and sigma else None


MEASURES = {
    "accuracy": Measure("Accuracy", lambda row, name: (row.get("accuracy") or {}).get(name), tickformat=".0%"),
    "ratio": Measure("Centre distance over cluster size, ρ / σ", _ratio, log=True),
    "sigma": Measure("Cluster size σ", _metric("cluster_size"), log=True),
    "rho": Measure("Centre distance ρ", _metric("centre_distance"), log=True),
    "separation": Measure("Mean distance between classes", _metric("mean_centre_separation"), log=True),
    "cosine": Measure("Median cosine to the own centre", _metric("median_cosine_similarity")),
}


def overlay_runs(lines: Sequence[Line], measure: Measure) -> go.Figure:
    """Figure of one measure of all runs over the epochs; a run without any value has no line."""
    figure = go.Figure()
    for line in lines:
        name = to_plotly(line.name)
        values = [measure.value(row, line.classifier) for row in line.rows]
        if all(value is None for value in values):
            continue
        hover = f"%{{y:{'.2%' if measure.tickformat == '.0%' else '.4g'}}}<extra>{name}</extra>"
        style = {"color": COLOURS[line.place], "dash": DASHES[line.place], "width": 2}
        x = [row["epoch"] for row in line.rows]
        figure.add_scatter(x=x, y=values, name=name, mode="lines", line=style, hovertemplate=hover)
    figure.update_xaxes(title_text="epoch", rangemode="tozero")
    figure.update_yaxes(type="log" if measure.log else "linear", tickformat=measure.tickformat)
    return apply_style(figure).update_layout(showlegend=False)  # the letters above the pictures name the lines
