"""The style of the report's figures: colour and mark by loss, dash and size by network, readable on light and dark.

Figures are Plotly's; `explorer.export.print.plots` draws the same on paper.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from explorer.figures.colours import CLASS_COLOURS, NEUTRAL
from explorer.results.chosen_runs import NETWORKS
from mtm.paper.tables import COMPARISON, Cell

COLOURS = dict(zip(("E", "C", "PP", "CP", COMPARISON), CLASS_COLOURS, strict=False)) | {"P": NEUTRAL}
SYMBOLS = {"E": "circle", "C": "square", "CP": "triangle-up", "PP": "diamond", "P": "cross", COMPARISON: "x"}
DASHES = dict(zip(NETWORKS, ("solid", "dash", "dot"), strict=True))
SIZES = dict(zip(NETWORKS, (5, 8, 11), strict=True))  # pixels, the smallest network the smallest point (Fig. 17)
WIDTHS = dict(zip(NETWORKS, (0.5, 0.75, 1.0), strict=True))  # of bars, the smallest network the thinnest (Fig. 14)


def colour(cell: Cell) -> str:
    """The colour of its loss."""
    return COLOURS[cell.loss]


def symbol(cell: Cell) -> str:
    return SYMBOLS[cell.loss]


def dash(cell: Cell) -> str:
    return DASHES.get(cell.network, "solid")


def apply_style(figure: go.Figure, width: int = 720, height: int = 440, **layout: Any) -> go.Figure:
    """Transparent, small margins, a legend at the right; the size is that of the printed figure."""
    axis = {
        "gridcolor": "rgba(128,128,128,0.18)",
        "zeroline": False,
        "linecolor": "rgba(128,128,128,0.5)",
        "title_font_size": 12,
        "title_standoff": 6,
        "automargin": True,
    }
    figure.update_xaxes(**axis).update_yaxes(**axis)
    defaults: dict[str, Any] = {
        "width": width,
        "height": height,
        "margin": {"l": 56, "r": 8, "t": 12, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12, "color": NEUTRAL},
        "legend": {"font": {"size": 11}, "itemsizing": "trace", "tracegroupgap": 2, "itemwidth": 30},
        "hovermode": "closest",
    }
    return figure.update_layout(**defaults | layout)


def hide_axes(figure: go.Figure, *axes: str) -> go.Figure:
    """Hide ticks, lines and grid of the named axes ("", "2", ...), for images and sketches without a scale."""
    for name in axes:
        for which in "xy":
            figure.layout[f"{which}axis{name}"].update(visible=False, showgrid=False, zeroline=False)
    return figure
