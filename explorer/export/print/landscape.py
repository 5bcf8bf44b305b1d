"""Landscapes of losses for print, side by side as on the lab page, from the answer that the page draws."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from explorer.export.print import style
from explorer.export.print.names import place_names
from explorer.export.print.style import POINTS
from explorer.figures.colours import class_colour
from mtm.text import shorten

PANEL, LEFT, TOP, SIDE = 600, 44, 32, 480  # pixels of a panel, at the left of its axes, above them, and of their side
LONGEST, LEAST = 70, 16  # pixels of the arrows
GHOST = 1e-6  # share of the largest force below which there is no arrow
NEAR = 1e-6  # share of the box within which a point counts as on the slice
MOST_NAMES = 24  # targets that have their names written beside them
WHITE, DARK = "#ffffff", to_rgba("#14161e", 0.75)
SUBSCRIPTS = str.maketrans("0123456789e", "₀₁₂₃₄₅₆₇₈₉ₑ")

Floats = NDArray[np.float64]
Strokes = tuple[tuple[Any, float], ...]  # colour and pixels of lines drawn over each other


@dataclass(frozen=True)
class Panel:
    """One landscape: the `arrays` and what is said `about` them, as the page gets them."""

    title: str
    subtitle: str
    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, Any]
    trails: Sequence[Floats] = ()  # (T, M, 2) and (T, C, 2): where released points came from


def draw_landscapes(
    panels: Sequence[Panel], meta: Mapping[str, Any], shown: Container[str], chosen: int, foot: str = ""
) -> Figure:
    """One figure of all panels. `meta` is that of the page's answer, `shown` holds contours, forces and field."""
    columns = 2 if len(panels) == 4 else len(panels)
    with style.use_style():
        figure = style.new_figure(columns * PANEL, -(-len(panels) // columns) * PANEL)
        for i, panel in enumerate(panels):
            drawing = _Drawing(figure, (i % columns * PANEL, i // columns * PANEL), panel, meta)
            if "positions" in panel.arrays:
                drawing.draw(shown, chosen, panels[0] if i else None)
        if foot:
            width, height = figure.get_size_inches() * style.PIXELS
            figure.text(LEFT / width, 16 / height, foot, va="bottom", fontsize=8, color=style.QUIET)
        return figure


class _Drawing:
    """One panel while it is drawn."""

    def __init__(self, figure: Figure, corner: tuple[int, int], panel: Panel, meta: Mapping[str, Any]) -> None:
        self.figure, self.corner, self.panel, self.meta = figure, corner, panel, meta
        left, low, right, high = self.box = meta["box"]
        self.pixel = np.array([right - left, high - low]) / SIDE  # (2,) of the plane
        self.axes = self._add_axes(LEFT, SIDE)
        self.axes.set(xlim=(left, right), ylim=(low, high), autoscale_on=False)
        self.axes.tick_params(length=3)
        for axis in (self.axes.xaxis, self.axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        beside: Any = {"textcoords": "offset points", "annotation_clip": False}
        title = self.axes.annotate(
            panel.title, (0, 1), (0, 9), xycoords="axes fraction", fontsize=9.75, fontweight="bold", **beside
        )
        self.axes.annotate(
            panel.subtitle, (1, 0), (8, 0), xycoords=title, va="bottom", fontsize=9, color=style.QUIET, **beside
        )
        self.clear = list[Floats]()  # what names stay off
        if "error" in panel.about:
            words = textwrap.fill(panel.about["error"], 60)
            self.axes.text(0.5, 0.5, words, transform=self.axes.transAxes, ha="center", va="center")

    def draw(self, shown: Container[str], chosen: int, first: Panel | None) -> None:
        """Everything within the axes, and the colour bar; of the first of several panels the forces, dashed."""
        arrays, about = self.panel.arrays, self.panel.about
        self._map(contours="contours" in shown)
        if "field" in shown and "arrows" in arrays:
            self._field(arrays["arrows_at"], arrays["arrows"])
        in_plane = "images" not in self.meta
        if in_plane:
            self._crosses(np.zeros(2), np.array([[6, 0], [0, 6]]), ((to_rgba(WHITE, 0.8), 1),))
        self._trails()
        if about["rest"]["at"] is not None:
            at = np.asarray(about["rest"]["at"], np.float64)
            self._crosses(at, np.array([[5, 5], [5, -5]]), ((DARK, 4), (WHITE, 1.8)))
        if "forces" in shown:
            if first is not None and "force_e" in first.arrays:
                self._forces(first.arrays, ((DARK, 3), (to_rgba(WHITE, 0.7), 1.2)), 6, "dashed")
            if "force_e" in arrays:
                self._forces(arrays, ((DARK, 5), (WHITE, 2.4)), 8)
        self._points(chosen)
        self._names(chosen, in_plane)
        self._colour_bar()

    def _add_axes(self, left: float, width: float) -> Axes:
        """Axes within the panel, as high as the landscape."""
        x, y = self.corner
        bottom = self.figure.get_size_inches()[1] * style.PIXELS - (y + TOP + SIDE)
        return style.add_axes(self.figure, x + left, bottom, width, SIDE)

    def _map(self, contours: bool) -> None:
        """The heat map, grey and hatched where the loss is no number, and lines of equal loss."""
        positions = self.panel.arrays["positions"]  # (n, n)
        n, (left, low, right, high) = len(positions), self.box
        colours = style.SHADES(np.clip(np.nan_to_num(positions), 0, 1))  # (n, n, 4)
        rows, columns = np.indices(positions.shape)
        hatching = np.where((n - 1 - rows + columns) % 6 < 2, 90, 170)[..., None] / 255
        colours = np.where(np.isnan(positions)[..., None], np.append(hatching.repeat(3, -1), hatching**0, -1), colours)
        half = np.array([right - left, high - low]) / (n - 1) / 2  # values are of the pixels' middles
        self.axes.imshow(
            colours, extent=(left - half[0], right + half[0], low - half[1], high + half[1]),
            origin="lower", interpolation="bilinear", aspect="auto", zorder=0,
        )  # fmt: skip
        levels = np.unique(self.panel.arrays["levels"])
        finite = positions[np.isfinite(positions)]
        levels = levels[(levels > finite.min(initial=np.inf)) & (levels < finite.max(initial=-np.inf))]
        if contours and len(levels):
            x, y = np.linspace(left, right, n), np.linspace(low, high, n)
            self.axes.contour(
                x, y, positions, levels, colors=[to_rgba(WHITE, 0.45)], linewidths=0.8 * POINTS, linestyles="solid",
                zorder=1,
            )  # fmt: skip

    def _lines(self, lines: Sequence[Floats], strokes: Strokes, dashes: str = "solid") -> None:
        """Lines (P, 2) of the plane, once for each stroke."""
        for colour, width in strokes:
            self.axes.add_collection(
                LineCollection(
                    list(lines),
                    colors=[colour],
                    linewidths=width * POINTS,
                    linestyles=dashes,
                    capstyle="round",
                    zorder=2,
                )
            )

    def _crosses(self, at: Floats, arms: NDArray[np.int64], strokes: Strokes) -> None:
        """Two lines through a place, from the pixels `arms` (2, 2) on one side to as many on the other."""
        self._lines([at + np.stack([-arm, arm]) * self.pixel for arm in arms], strokes)

    def _arrows(self, start: Floats, by: Floats, head: float, strokes: Strokes, dashes: str = "solid") -> None:
        """Arrows from places (K, 2) of the plane, `by` (K, 2) pixels."""
        tips = start + by * self.pixel
        angle = np.arctan2(by[:, 1], by[:, 0])
        wings = [
            tips - head * np.stack([np.cos(angle + side), np.sin(angle + side)], axis=1) * self.pixel
            for side in (-0.5, 0.5)
        ]
        lines = [*np.stack([start, tips], axis=1), *np.stack([wings[0], tips, wings[1]], axis=1)]
        self._lines(lines, strokes, dashes)

    def _field(self, at: Floats, force: Floats) -> None:
        """The force on the moved point, were it elsewhere; lengths by orders of magnitude."""
        size = np.linalg.norm(force, axis=1)
        largest, cell = size[np.isfinite(size)].max(initial=0.0), SIDE / np.sqrt(len(size))
        is_drawn = (size > 1e-9 * largest) & np.isfinite(size)
        at, force, size = at[is_drawn], force[is_drawn], size[is_drawn, None]
        by = force / size * cell * (0.25 + 0.55 * np.maximum(0, 1 + np.log10(size / largest) / 3))
        self._arrows(at - by / 2 * self.pixel, by, 3.5, ((to_rgba(WHITE, 0.75), 1.1),))

    def _forces(self, of: Mapping[str, NDArray[Any]], strokes: Strokes, head: float, dashes: str = "solid") -> None:
        """Arrows for the forces on all points, lengths by their square root."""
        force = np.concatenate([of["force_c"], of["force_e"]])
        start = np.concatenate([self.panel.arrays["c"], self.panel.arrays["e"]])
        size = np.linalg.norm(force, axis=1)
        most = size[np.isfinite(size)].max(initial=0.0)
        is_drawn = (size > GHOST * most) & np.isfinite(size)
        size = size[is_drawn, None]
        by = force[is_drawn] / size * np.maximum(LEAST, LONGEST * np.sqrt(size / most))
        self._arrows(start[is_drawn], by, head, strokes, dashes)
        self.clear += [start[is_drawn] + share * by * self.pixel for share in (0.3, 0.6, 0.9)]

    def _trails(self) -> None:
        for places, classes in zip(self.panel.trails, (self.meta["y"], range(len(self.meta["names"]))), strict=False):
            for line, label in zip(places.swapaxes(0, 1), classes, strict=True):
                self._lines([line], ((to_rgba(WHITE, 0.85), 3.4), (class_colour(label), 1.8)))

    def _points(self, chosen: int) -> None:
        """Targets as rings and embeddings as discs over them; faint where they are off the slice."""
        arrays, own = self.panel.arrays, self.meta["label"]
        where, pixels, colours = list[Floats](), list[float](), list[Any]()
        for kind, size, main, classes in (("c", 7, own, range(len(arrays["c"]))), ("e", 5.5, chosen, self.meta["y"])):
            for i, (place, label) in enumerate(zip(arrays[kind], classes, strict=True)):
                is_off = arrays[f"off_{kind}"][i] > NEAR * (self.box[2] - self.box[0])
                radius, alpha = size * (1.15 if i == main else 1), 0.55 if is_off else 1
                discs = [(radius + 1.6, WHITE), (radius, class_colour(label))]
                for reach, colour in [*discs, (radius / 2, WHITE)] if kind == "c" else discs:
                    where.append(place)
                    pixels.append(2 * reach)
                    colours.append(to_rgba(colour, alpha))
        x, y = np.array(where).T
        self.axes.scatter(x, y, s=(np.array(pixels) * POINTS) ** 2, color=colours, linewidths=0, zorder=3)

    def _names(self, chosen: int, in_plane: bool) -> None:
        """The names of targets and embeddings, c_e and e_0 with a subscript."""
        c, e, names, own = self.panel.arrays["c"], self.panel.arrays["e"], self.meta["names"], self.meta["label"]
        named = [k for k in range(len(c)) if len(c) <= MOST_NAMES or k in (own, self.meta.get("rival"))]
        texts = [f"{names[k]} (cₑ)" if k == own and not in_plane else _subscripted(shorten(names[k])) for k in named]
        if in_plane or len(e) == 1:
            texts += ["e" if len(e) == 1 else _subscripted(f"e_{m}") for m in range(len(e))]
        places = np.concatenate([c[named], e])[: len(texts)]
        clear = np.concatenate([np.empty((0, 2)), *self.clear])
        place_names(self.figure, self.axes, texts, places, clear=clear, size=10, ink=WHITE, page="#14161e")

    def _colour_bar(self) -> None:
        about, bar = self.panel.about, self._add_axes(LEFT + SIDE + 12, 12)
        self.figure.colorbar(ScalarMappable(Normalize(0, 1), style.SHADES), cax=bar).outline.set_edgecolor(style.FRAME)
        ticks = [
            (at, label)
            for at, label in zip(self.panel.arrays["ticks"], about["ticks"], strict=True)
            if -0.001 <= at <= 1.001
        ]
        bar.set_yticks([at for at, _ in ticks], [label for _, label in ticks])
        bar.tick_params(length=3)
        kind = about["scale"]["kind"]
        bar.text(0, -0.014, "loss" if kind == "linear" else f"loss ({kind})", va="top", fontsize=8, color=style.QUIET)


def _subscripted(name: str) -> str:
    """c_e and e_12 as they are written: cₑ, e₁₂."""
    return re.sub(r"^([ce])_([0-9]+|e)$", lambda parts: parts[1] + parts[2].translate(SUBSCRIPTS), name)
