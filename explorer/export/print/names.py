"""Names beside marks, none over another: each takes the first free of eight places."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from explorer.export.print.style import complete_fonts

FEW = 12  # up to so many classes all names are drawn, if need be over something else
AWAY = 8.0  # points between a mark's middle and its name
PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
OUTSIDE = 1e6  # counts as covering so many square pixels

Rectangle = tuple[float, float, float, float]


def place_names(
    figure: Figure,
    axes: Axes,
    names: list[str],
    *marks: NDArray[np.float64],
    clear: ArrayLike = (),
    size: float = 8,
    ink: str = "#1f2329",
    page: str = "white",
) -> None:
    """Write each name beside its mark; where the first marks (C, 2) have no room left, beside one of the next.

    Names leave the places `clear` (K, 2) free too. Of many classes only those names are written that find room.
    """
    renderer: Any = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    frame = axes.get_window_extent(renderer)
    per_point = figure.dpi / 72
    away, reach = AWAY * per_point, 5 * per_point
    pixels = np.stack([axes.transData.transform(each) for each in marks])  # (M, C, 2) pixels
    avoided = np.concatenate([pixels[0], axes.transData.transform(np.reshape(clear, (-1, 2)))])
    occupied = [(x - reach, y - reach, x + reach, y + reach) for x, y in avoided if np.isfinite(x + y)]
    texts = [
        axes.annotate(
            name, (0, 0), (0, 0), textcoords="offset points", fontsize=size, fontweight="bold", zorder=6,
            color=ink, bbox={"boxstyle": "round,pad=0.1", "facecolor": page, "edgecolor": "none", "alpha": 0.75},
        )
        for name in names
    ]  # fmt: skip
    complete_fonts(texts)
    for k, text in enumerate(texts):
        extent = text.get_window_extent(renderer)
        best, best_place = np.inf, (0, PLACES[0], (0.0, 0.0, 0.0, 0.0))
        for m, (dx, dy) in ((m, place) for m in range(len(marks)) for place in PLACES):
            x, y = pixels[m, k]
            if not (np.isfinite(x + y) and frame.contains(x, y)):
                continue
            left = x + dx * away + (dx - 1) / 2 * extent.width
            low = y + dy * away + (dy - 1) / 2 * extent.height
            candidate = (left, low, left + extent.width, low + extent.height)
            covered = sum(_overlap(candidate, other) for other in occupied)
            covered += 0 if _is_inside(candidate, frame.extents) else OUTSIDE
            if covered < best:
                best, best_place = covered, (m, (dx, dy), candidate)
            if best == 0:
                break
        if np.isinf(best) or (best > 0 and len(names) > FEW):
            text.remove()
            continue
        m, (dx, dy), rectangle = best_place
        occupied.append(rectangle)
        text.xy = (float(marks[m][k, 0]), float(marks[m][k, 1]))
        text.set(
            horizontalalignment=("right", "center", "left")[dx + 1],
            verticalalignment=("top", "center", "bottom")[dy + 1],
            position=(dx * AWAY, dy * AWAY),
        )


def _is_inside(inner: Rectangle, outer: Rectangle) -> bool:
    return all(i >= o for i, o in zip(inner[:2], outer[:2], strict=True)) and all(
        i <= o for i, o in zip(inner[2:], outer[2:], strict=True)
    )


def _overlap(a: Rectangle, b: Rectangle) -> float:
    """Square pixels that two rectangles share."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0
