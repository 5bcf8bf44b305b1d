"""Plotly figures for print: from their description to matplotlib, in the style of all exported figures.

It knows what the explorer's figures consist of: lines, points, bars, filled outlines, images, texts and arrows on one
or several pairs of axes. Everything else is refused, so that nothing is left out in silence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from explorer.export.print import style
from explorer.export.print.names import place_names
from explorer.export.print.style import POINTS
from explorer.figures.colours import NEUTRAL
from explorer.figures.text import from_plotly
from mtm.errors import InputError
from mtm.text import shorten

KINDS = ("scatter", "bar", "image")
MARKS = style.SHAPES | {"circle-open": "o", "x-thin": "x", "line-ew": "_"}
HEAD, FOOT, RIGHT = 58, 50, 16  # pixels above, beneath and beside the axes
LEFT, BENEATH = 62, 18  # left of the axes, and of a legend beneath them
ENTRY, LETTER = 46, 6  # of a line in a legend beside them, and of each of its letters
MOST_MARKS = 25  # on a line


def draw_plot(plot: go.Figure, size: tuple[int, int], title: str, about: str, foot: str = "") -> Figure:
    """A Plotly figure on paper of a size in pixels, of which HEAD are for its title.

    Raises InputError for a figure with traces of another kind, and for a size that cannot be drawn.
    """
    for trace in plot.data:
        if trace.type not in KINDS:
            raise InputError(f"a figure with traces of kind '{trace.type}' cannot be printed")
    names = sorted({trace.xaxis or "x" for trace in plot.data} | {"x"})
    labels = [_label(trace.name) for trace in plot.data if _is_named(trace)]
    has_legend = plot.layout.showlegend is not False and len(labels) > (0 if plot.layout.showlegend else 1)
    is_beside = plot.layout.legend.orientation != "h"
    with style.use_style():
        has_scale = any(plot.layout[_axis(name)].visible is not False for name in names)
        left, bottom, right = (LEFT, FOOT, RIGHT) if has_scale else (RIGHT, 28, RIGHT)
        if has_legend and is_beside:
            right += ENTRY + LETTER * max(len(line) for label in labels for line in label.split("\n"))
        elif has_legend and has_scale:
            bottom += BENEATH
        figure = style.new_figure(*size, (left + right, HEAD + bottom))
        style.add_heading(figure, title, about, foot)
        axes = {name: _add_axes(figure, plot.layout, name, (left, bottom, right)) for name in names}
        artists = [_draw(axes[trace.xaxis or "x"], trace, order) for order, trace in enumerate(plot.data)]
        for name, one in axes.items():
            _limit(one, plot.layout[_axis(name)], plot.layout[_axis(name.replace("x", "y"))])
        for note in plot.layout.annotations:
            _annotate(axes[note.xref or "x"], note)
        for trace in plot.data:
            if trace.type == "scatter" and trace.mode == "text":
                where = np.column_stack([_numbers(trace.x), _numbers(trace.y)])
                place_names(figure, axes[trace.xaxis or "x"], [from_plotly(text).strip() for text in trace.text], where)
        if has_legend:
            named = [artist for artist, trace in zip(artists, plot.data, strict=True) if _is_named(trace)]
            _legend(figure, axes["x"], named, labels, is_beside)
        return figure


def _add_axes(figure: Figure, layout: Any, name: str, around: tuple[int, int, int]) -> Axes:
    """Axes in their part of what is left within so many pixels at the left, beneath and at the right."""
    (width, height), (left, bottom, right) = figure.get_size_inches() * style.PIXELS, around
    x, y = layout[_axis(name)], layout[_axis(name.replace("x", "y"))]
    (x0, x1), (y0, y1) = x.domain or (0, 1), y.domain or (0, 1)
    w, h = width - left - right, height - HEAD - bottom
    axes = style.add_axes(figure, left + x0 * w, bottom + y0 * h, (x1 - x0) * w, (y1 - y0) * h)
    if x.visible is False:
        axes.set_axis_off()
        return axes
    axes.grid(True)
    axes.spines[["top", "right"]].set_visible(False)
    for which, described in (("x", x), ("y", y)):
        getattr(axes, f"set_{which}label")(described.title.text or "")
        axis = getattr(axes, f"{which}axis")
        if described.type == "log":
            getattr(axes, f"set_{which}scale")("log")
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
            axis.set_minor_formatter(NullFormatter())
        elif "%" in (described.tickformat or ""):
            axis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        if described.showgrid is False:
            axis.grid(False)
    return axes


def _limit(axes: Axes, x: Any, y: Any) -> None:
    """Ranges and ticks, set after everything is drawn; what has no positive value has no log axis."""
    for which in "xy":
        if getattr(axes, f"get_{which}scale")() == "log" and np.isinf(getattr(axes.dataLim, f"minpos{which}")):
            getattr(axes, f"set_{which}scale")("linear")
    if x.range:
        axes.set_xlim(*x.range)
    elif x.rangemode == "tozero":
        axes.set_xlim(left=0)
    if y.range:
        axes.set_ylim(*y.range)
    if x.tickvals is not None:
        axes.set_xticks(list(x.tickvals), list(x.ticktext), fontsize=8.5)
        axes.tick_params(axis="x", length=0)
    if y.scaleanchor:
        axes.set_aspect("equal", adjustable="box")


def _draw(axes: Axes, trace: Any, order: int) -> Any:
    """Draw a trace; returns what stands for it in the legend."""
    if trace.type == "bar":
        return axes.bar(_numbers(trace.x), _numbers(trace.y), _numbers(trace.width), color=trace.marker.color)
    if trace.type == "image":
        return axes.imshow(np.asarray(trace.z, np.uint8), interpolation="nearest")
    if trace.fill == "toself":
        edge = _ink(trace.line.color)
        x, y = _numbers(trace.x), _numbers(trace.y)
        axes.plot(x, y, color=edge, linewidth=(trace.line.width or 0) * POINTS, alpha=0.5, zorder=order / 100)
        return axes.fill(x, y, facecolor=trace.fillcolor, alpha=trace.opacity, linewidth=0, zorder=order / 100)[0]
    return None if trace.mode == "text" else _scatter(axes, trace, order)  # texts find their places at the end


def _scatter(axes: Axes, trace: Any, order: int) -> Line2D:
    mode, marker = trace.mode or "lines", trace.marker
    has_lines, has_marks = "lines" in mode, "markers" in mode
    symbol = marker.symbol or "circle"
    colour = _ink(marker.color if has_marks and marker.color else trace.line.color)
    edge = _ink(marker.line.color) if marker.line.width else None
    is_open = symbol == "circle-open"
    x = _numbers(trace.x)
    return axes.plot(
        x,
        _numbers(trace.y),
        color=colour,
        alpha=trace.opacity or marker.opacity,
        linestyle=style.DASHES[trace.line.dash or "solid"] if has_lines else "",
        linewidth=(trace.line.width or 1.6) * POINTS,
        marker=MARKS[symbol] if has_marks else "",
        markersize=(marker.size or 6) * POINTS,
        markerfacecolor="none" if is_open else colour,
        markeredgecolor=edge or colour,
        markeredgewidth=(marker.line.width or (1 if is_open else 0)) * POINTS,
        markevery=max(1, len(x) // MOST_MARKS) if has_lines else None,
        zorder=2 + order / 100,
    )[0]


def _annotate(axes: Axes, note: Any) -> None:
    text = from_plotly(note.text or "")
    text_style: dict[str, Any] = {
        "fontsize": (note.font.size or 12) * POINTS,
        "color": _ink(note.font.color or NEUTRAL),
        "ha": note.xanchor or "center",
        "va": {"middle": "center", None: "center"}.get(note.yanchor, note.yanchor),
        "zorder": 6,
    }
    if note.showarrow:
        arrow = {"arrowstyle": "-|>", "color": _ink(note.arrowcolor), "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
        axes.annotate(text, (note.x, note.y), (note.ax, note.ay), arrowprops=arrow, **text_style)
    else:
        axes.text(note.x, note.y, text, **text_style)


def _legend(figure: Figure, axes: Axes, handles: list[Any], labels: list[str], is_beside: bool) -> None:
    if not is_beside:
        figure.legend(handles, labels, loc="lower center", ncols=len(labels))
        return
    box, width = axes.get_position(), figure.get_size_inches()[0] * style.PIXELS
    beside = (box.x1 + 8 / width, box.y1 + 0.015)
    figure.legend(handles, labels, loc="upper left", bbox_to_anchor=beside, handlelength=2.4, labelspacing=0.4)


def _is_named(trace: Any) -> bool:
    return trace.type != "image" and trace.showlegend is not False and bool(trace.name)


def _label(name: str) -> str:
    return "\n".join(shorten(line) for line in from_plotly(name).split("\n"))


def _ink(colour: Any) -> Any:
    """The colour on paper: the neutral grey of the pages becomes ink."""
    return style.INK if colour in (NEUTRAL, None) else colour


def _axis(name: str) -> str:
    return f"{name[0]}axis{name[1:]}"


def _numbers(values: Any) -> Any:
    return np.array([np.nan if value is None else value for value in (() if values is None else values)], np.float64)
