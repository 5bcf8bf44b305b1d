"""A curve of a run for print. Lines differ in dashes and marks as well as in colour, so that greyscale tells them
apart."""

from __future__ import annotations

import re

import plotly.graph_objects as go
from matplotlib.figure import Figure

from explorer.export.print import style
from explorer.export.print.plots import draw_plot
from explorer.export.scene import Scene
from explorer.figures import curves
from explorer.figures.colours import CLASS_COLOURS
from explorer.words import CURVES
from mtm.errors import choose_from
from mtm.text import shorten

MOST_IN_LEGEND = 20
MARK = 6  # pixels, so that its shape is seen
LETTERS = {"sigma": "σ", "rho": "ρ"}  # spelled out in the page's small type


def draw_curve(scene: Scene, name: str, width: int = 720, height: int = 460) -> Figure:
    """One of the curves of a scene's run (explorer.figures.curves.CURVES), with a line at the requested epoch."""
    if name not in curves.CURVES:
        raise choose_from("curve", name, curves.CURVES)
    rows, classes = scene.run.metrics, scene.run.points.class_names
    draw = getattr(curves, name)
    plot = draw(rows, classes, CLASS_COLOURS) if name.endswith("_class") else draw(rows)
    span = f"epochs {rows[0]['epoch']:g} to {rows[-1]['epoch']:g}, {len(rows)} snapshots" if rows else "no snapshots"
    epoch, about = scene.request.epoch, f"{shorten(scene.title, 60)} · {span}"
    about += "" if epoch is None else f" · epoch {epoch:g} marked"
    is_over_epochs = plot.layout.xaxis.title.text == "epoch"
    with style.use_style():
        figure = draw_plot(_for_print(plot), (width, height), CURVES[name].caption, about)
        if epoch is not None and is_over_epochs:
            figure.axes[0].axvline(epoch, color=style.QUIET, linewidth=0.8, linestyle=style.DASHES["dot"])
    return figure


def _for_print(plot: go.Figure) -> go.Figure:
    """The same figure of lines, distinct without colours, with Greek letters and the legend beside it."""
    dashes, symbols = list(style.DASHES), list(style.SHAPES)
    for i, trace in enumerate(plot.data):
        trace.name = _with_greek_letters(trace.name)
        if trace.line.dash is None:  # not a line of reference
            trace.line.dash = dashes[i % len(dashes)]
            trace.marker.update(symbol=symbols[i % len(symbols)], size=MARK)
    for axis in (plot.layout.xaxis, plot.layout.yaxis):
        axis.title.text = _with_greek_letters(axis.title.text)
    is_named = 1 < len(plot.data) <= MOST_IN_LEGEND and all(trace.name for trace in plot.data)
    return plot.update_layout(showlegend=is_named, legend_orientation="v", xaxis_rangemode="normal")


def _with_greek_letters(text: str | None) -> str | None:
    return re.sub(r"\b(sigma|rho)\b", lambda word: LETTERS[word[0]], text) if text else None
