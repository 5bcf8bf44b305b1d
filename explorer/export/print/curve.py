"""Any of the explorer's curves for print: a Plotly figure of lines in, the same as a figure with vector text out.

Lines differ in dashes and marks as well as in colour, so that greyscale tells them apart.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from explorer.export.print import style
from explorer.export.scene import Scene
from explorer.figures import curves
from explorer.figures.colours import CLASS_COLOURS
from explorer.words import CURVES
from mtm.errors import InputError, choose_from

MOST_IN_LEGEND = 20
LETTERS = {"sigma": "σ", "rho": "ρ"}  # spelled out in the page's small type


def draw_curve(scene: Scene, name: str, width: int = 720, height: int = 460) -> Figure:
    """One of the curves of a scene's run (explorer.figures.curves.CURVES), with a mark at the requested epoch."""
    if name not in curves.CURVES:
        raise choose_from("curve", name, curves.CURVES)
    rows, classes = scene.run.metrics, scene.run.points.class_names
    draw = getattr(curves, name)
    plot = draw(rows, classes, CLASS_COLOURS) if name.endswith("_class") else draw(rows)
    span_text = (
        f"epochs {rows[0]['epoch']:g} to {rows[-1]['epoch']:g}, {len(rows)} snapshots" if rows else "no snapshots"
    )
    epoch = scene.request.epoch
    about = (
        f"{scene.run.name} · {span_text}"
        if epoch is None
        else f"{scene.run.name} · {span_text} · epoch {epoch:g} marked"
    )
    marked_epoch = epoch if plot.layout.xaxis.title.text == "epoch" else None
    return from_plotly(plot, CURVES[name].caption, about, width, height, marked_epoch)


def from_plotly(
    plot: go.Figure, title: str, about: str, width: int = 720, height: int = 460, marked_epoch: float | None = None
) -> Figure:
    """A figure of lines and points, titled, with axes and legend; a line at x = `marked_epoch`.

    Raises InputError for a figure with traces of another kind.
    """
    with style.use_style():
        figure = style.new_figure(width, height)
        style.add_heading(figure, title, about)
        has_legend = len(plot.data) > 1 and all(trace.name for trace in plot.data)
        has_legend = has_legend and len(plot.data) <= MOST_IN_LEGEND
        left, bottom, right, top = 66, 52, 176 if has_legend else 24, 66  # pixels
        axes = figure.add_axes(
            (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
        )
        axes.grid(True)
        axes.spines[["top", "right"]].set_visible(False)
        for i, trace in enumerate(plot.data):
            _line(axes, trace, i)
        if marked_epoch is not None:
            axes.axvline(marked_epoch, color=style.QUIET, linewidth=0.8, linestyle=":")
        _axis(axes, "x", plot.layout.xaxis)
        _axis(axes, "y", plot.layout.yaxis)
        if has_legend:
            axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), handlelength=2.6)
        return figure


def _line(axes: Any, trace: Any, i: int) -> None:
    if trace.type not in ("scatter", "scattergl"):
        raise InputError(f"a figure with traces of kind '{trace.type}' cannot be exported; lines and points can")
    mode = trace.mode or "lines"
    has_lines, has_marks = "lines" in mode, "markers" in mode
    is_reference = trace.line.dash is not None  # a line of reference
    x, y = _numbers(trace.x), _numbers(trace.y)
    axes.plot(
        x,
        y,
        color=trace.line.color if isinstance(trace.line.color, str) else style.INK,
        linewidth=0.9 if is_reference else 1.4,
        linestyle=":" if is_reference else style.DASHES[i % len(style.DASHES)] if has_lines else "",
        marker=style.SHAPES[i % len(style.SHAPES)] if has_marks else "",
        markersize=3.4,
        markevery=max(1, len(x) // 25),
        label=_with_greek_letters(trace.name),
    )


def _axis(axes: Any, which: str, layout: Any) -> None:
    getattr(axes, f"set_{which}label")(_with_greek_letters(layout.title.text) or "")
    axis = getattr(axes, f"{which}axis")
    if layout.type == "log":
        make_logarithmic(axes, which)
    elif layout.tickformat and "%" in layout.tickformat:
        axis.set_major_formatter(PercentFormatter(1.0, decimals=None))


def make_logarithmic(axes: Any, which: str) -> None:
    """Let the x or the y axis be logarithmic, with numbers as people write them."""
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axis.set_minor_formatter(NullFormatter())


def _with_greek_letters(text: str | None) -> str | None:
    return re.sub(r"\b(sigma|rho)\b", lambda word: LETTERS[word[0]], text) if text else None


def _numbers(values: Any) -> Any:
    return np.array([np.nan if value is None else value for value in (() if values is None else values)], np.float64)
