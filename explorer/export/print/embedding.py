"""The embedding space at one time as a figure for print: regions as polygons, points, targets, centres, trails."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from explorer.export.camera import Box, box_at, fit_aspect, interpolate, whole_box
from explorer.export.print import cells, style
from explorer.export.print.names import place_names
from explorer.export.scene import Scene
from explorer.figures.colours import RIGHT, UNKNOWN, WRONG
from explorer.space import regions
from explorer.space.projections import PROJECTIONS
from explorer.words import COLOURS
from mtm.text import shorten

RASTERISED_FROM = 5_000  # points: as vectors they would make files that open slowly
FAINT_POINT = 0.2  # opacity of an image outside the focus, which would be lost at a mark's
LAYERS = 12  # parts in which the points are drawn, so that no class lies over all others
MOST_IN_LEGEND = 20  # classes
MOST_NAMED = 500  # classes whose names look for room
VOTE_CELLS = 240  # a side of the vote map
MARGIN = {"left": 58, "right": 16, "top": 62, "bottom": 66}  # pixels
LEGEND = 168  # pixels of its column
LETTERS = 24  # of a name that fit in it
SHAPES = tuple(style.SHAPES.values())

Floats = NDArray[np.float64]


def draw_embedding(scene: Scene, width: int = 900, height: int = 720) -> Figure:
    """The figure of a scene at its time. Raises InputError for a size that cannot be drawn."""
    with style.use_style():
        beside = MARGIN["left"] + MARGIN["right"] + LEGEND, MARGIN["top"] + MARGIN["bottom"]
        figure = style.new_figure(width, height, beside)
        about = f"{PROJECTIONS[scene.frames.method].caption} · {scene.time_label(scene.time)} · {scene.count}"
        style.add_heading(figure, scene.title, about, scene.about_regions_at(round(scene.time)))
        inner = (width - beside[0], height - beside[1])
        axes = style.add_axes(figure, MARGIN["left"], MARGIN["bottom"], *inner)
        box = whole_box(scene.frames) if scene.camera == "fixed" else box_at(scene.frames, scene.time)
        _Drawing(scene, figure, axes, fit_aspect(box, *inner)).draw()
        return figure


class _Drawing:
    """One figure while it is drawn."""

    def __init__(self, scene: Scene, figure: Figure, axes: Axes, box: Box) -> None:
        self.scene, self.figure, self.axes, self.box = scene, figure, axes, box
        self.marks = set(scene.request.marks)
        self.colours, self.strength = scene.colours, scene.strength  # (C,) each
        self.is_drawn = self.strength > 0
        self.points = interpolate(scene.frames.points, scene.time)  # (N, 2)
        self.targets = None if scene.frames.targets is None else interpolate(scene.frames.targets, scene.time)  # (C, 2)
        self.centres = interpolate(scene.frames.centres, scene.time)  # (C, 2)
        self.nearest = round(scene.time)  # the snapshot whose decisions and distances are used

    def draw(self) -> None:
        axes, (left, low, right, high) = self.axes, self.box
        axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
        axis, share = PROJECTIONS[self.scene.frames.method].axis, self.scene.frames.variance
        variance_text, basis = "", self.scene.frames.basis
        if share is not None and basis is not None and len(basis) > 2:  # of fewer dimensions nothing is hidden
            here = share[self.nearest]
            variance_text = f" ({here:.0%} of the variance in both)" if here >= 0 else " (all images at one place)"
        axes.set(xlabel=f"{axis} 1{variance_text}", ylabel=f"{axis} 2")
        self._regions()
        legend = self._points()
        if "trails" in self.marks:
            self._trails(self.scene.frames.centres, 0.7)
            if self.scene.frames.targets is not None:
                self._trails(self.scene.frames.targets, 1.4)
        if "gaps" in self.marks and self.targets is not None:
            ends = np.stack([self.targets, self.centres], axis=1)[self.is_drawn]  # (K, 2, 2)
            axes.add_collection(LineCollection(list(ends), colors=self._shades(), linewidths=1, linestyles="dashed"))
        self._marks()
        if "labels" in self.marks:
            places = [self.targets] if self.targets is not None and "targets" in self.marks else []
            named = np.flatnonzero(self.strength == 1)
            named = named[: len(named) if len(named) <= MOST_NAMED else 0]
            names = [shorten(self.scene.run.points.class_names[k]) for k in named]
            place_names(self.figure, axes, names, *(place[named] for place in [*places, self.centres]))
        self._legend(legend)

    def _shades(self, colour: str | None = None) -> list[Any]:
        """The colours of the classes that are drawn, or `colour` for each of them, fainter outside the focus."""
        return [to_rgba(colour or self.colours[k], self.strength[k]) for k in np.flatnonzero(self.is_drawn)]

    def _regions(self) -> None:
        scene = self.scene
        if scene.regions is None:
            return
        if scene.regions == "vote":
            self._vote()
            return
        polygons = cells.clip_polygons(regions.affine_scores(scene.regions, scene.time), self.box)
        edges = style.INK if "boundaries" in self.marks else "none"
        outlines = PolyCollection(
            [outline for _, outline in polygons],
            facecolors=[self._paled(k) for k, _ in polygons],
            edgecolors=[to_rgba(edges, 0.4) if edges != "none" else self._paled(k) for k, _ in polygons],
            linewidths=0.6,
            zorder=0,
        )
        outlines.set_gid("regions")
        self.axes.add_collection(outlines)

    def _paled(self, k: int) -> tuple[float, float, float]:
        """A class's colour as its region has it: an opaque tint, so that neighbouring polygons leave no seam."""
        red, green, blue = to_rgb(self.colours[k])
        share = 0.25 * self.strength[k] ** 2
        return 1 - share * (1 - red), 1 - share * (1 - green), 1 - share * (1 - blue)

    def _vote(self) -> None:
        """The vote map of the nearest snapshot, as an image: it has no edges."""
        left, low, right, high = self.box
        rows = max(1, round(VOTE_CELLS * (high - low) / (right - left)))
        x = left + (np.arange(VOTE_CELLS) + 0.5) / VOTE_CELLS * (right - left)
        y = low + (np.arange(rows) + 0.5) / rows * (high - low)
        where = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        decisions = self.scene.decisions[self.nearest]
        classes, evidence = regions.knn_vote(self.scene.frames.points[self.nearest], decisions, where)
        colours = np.array([to_rgb(colour) for colour in self.colours])[classes]  # (M, 3)
        pixels = 1 - 0.3 * (evidence * self.strength[classes] ** 2)[:, None] * (1 - colours)
        self.axes.imshow(
            pixels.reshape(rows, VOTE_CELLS, 3), extent=(left, right, low, high), origin="lower", zorder=0,
            interpolation="nearest", aspect="equal",
        )  # fmt: skip

    def _points(self) -> list[Line2D]:
        """The images; returns their entries in the legend."""
        scene, colour, labels = self.scene, self.scene.request.colour, np.asarray(self.scene.run.labels)
        size = _point_size(len(labels))
        if colour in ("label", "prediction"):
            classes = labels if colour == "label" else scene.decisions[self.nearest]
            self._in_layers(classes, [(c, _shape(k)) for k, c in enumerate(self.colours)], size)
            return self._class_entries(size)
        if colour == "right":
            wrong = (scene.decisions[self.nearest] != labels).astype(int)
            counted = wrong[self.is_drawn[labels]]
            for k, styling in enumerate(((RIGHT, "o"), (WRONG, "X"))):
                self._in_layers(np.where(wrong == k, k, -1), [(RIGHT, "o"), styling], size * (1 if k == 0 else 1.5))
            rows = ((RIGHT, "o", f"right ({(counted == 0).sum():,})"), (WRONG, "X", f"wrong ({counted.sum():,})"))
            return [_entry(c, shape, text, 5) for c, shape, text in rows]
        self._ramp(_values(scene, self.nearest), size)
        return []

    def _in_layers(self, classes: NDArray[Any], styles: list[tuple[str, str]], size: float) -> None:
        """Points of class k in styles[k], those of class -1 not at all; mixed, so that none lies over all others."""
        distinct = {styling: i for i, styling in enumerate(dict.fromkeys(styles))}  # of thousands of classes a few
        classes = np.where(classes < 0, -1, np.array([distinct[styling] for styling in styles])[classes])
        styles = list(distinct)
        layers = min(LAYERS, max(1, 240 // len(styles)))
        layer = np.random.default_rng(0).integers(0, layers, len(classes))
        strength = self.strength[np.asarray(self.scene.run.labels)]  # (N,)
        for alpha, among in ((FAINT_POINT, (strength > 0) & (strength < 1)), (0.85, strength == 1)):
            for part in range(layers):
                for k, (colour, shape) in enumerate(styles):
                    mine = self.points[(classes == k) & (layer == part) & among]
                    if len(mine):
                        self._scatter(mine, size, color=colour, marker=shape, alpha=alpha)

    def _scatter(self, where: Floats, size: float, **options: Any) -> Any:
        artist = self.axes.scatter(
            where[:, 0], where[:, 1], s=size**2, linewidths=0.25 if size > 2.5 else 0,
            edgecolors=style.PAGE, zorder=2, rasterized=len(self.points) > RASTERISED_FROM, **options,
        )  # fmt: skip
        artist.set_gid("points")
        return artist

    def _ramp(self, values: Floats, size: float) -> None:
        """Numbers as colours: the larger lie over the smaller, those in focus over the others."""
        strength, is_finite = self.strength[np.asarray(self.scene.run.labels)], np.isfinite(values)  # (N,) each
        finite_values = values[is_finite & (strength > 0)]
        low, high = np.quantile(finite_values, [0.01, 0.99]) if len(finite_values) else (0.0, 1.0)
        ramp = ScalarMappable(Normalize(low, high), style.SHADES)
        colours = np.where(is_finite[:, None], ramp.to_rgba(np.nan_to_num(values)), to_rgba(UNKNOWN))  # (N, 4)
        colours[:, 3] = np.where(strength < 1, FAINT_POINT, 0.9)
        order = np.lexsort((np.where(is_finite, values, -np.inf), strength == 1))
        order = order[strength[order] > 0]
        self._scatter(self.points[order], size, color=colours[order])
        box = self.axes.get_position()
        width, height = self.figure.get_size_inches() * style.PIXELS
        bar = self.figure.add_axes((box.x1 + 20 / width, box.y1 - 190 / height, 12 / width, 170 / height))
        self.figure.colorbar(ramp, cax=bar).outline.set_visible(False)
        bar.set_title(COLOURS[self.scene.request.colour].caption, fontsize=8, loc="left", pad=6)

    def _trails(self, positions: NDArray[np.float32], width: float) -> None:
        """The paths from the first snapshot to this time, older parts fainter."""
        time = self.scene.time
        past = np.concatenate(
            [positions[: int(time) + 1].astype(np.float64), interpolate(positions, time)[None]]
        )  # (P, C, 2)
        age = np.linspace(0.25, 0.9, max(1, len(past) - 1)) ** 1.5
        drawn = np.flatnonzero(self.is_drawn)
        steps = np.stack([past[:-1, drawn], past[1:, drawn]], axis=2)  # (P-1, K, 2, 2)
        shades = [to_rgba(self.colours[k], share * self.strength[k]) for k in drawn for share in age]
        lines = steps.swapaxes(0, 1).reshape(-1, 2, 2)
        self.axes.add_collection(
            LineCollection(list(lines), colors=shades, linewidths=width, capstyle="round", zorder=3)
        )

    def _marks(self) -> None:
        axes, colours = self.axes, self._shades()
        page, ink = self._shades(style.PAGE), self._shades(style.INK)
        if "centres" in self.marks:
            x, y = self.centres[self.is_drawn].T
            axes.scatter(x, y, marker="x", s=34, color=page, linewidths=3.6, zorder=4)
            axes.scatter(x, y, marker="x", s=28, color=ink, linewidths=2.2, zorder=4)
            axes.scatter(x, y, marker="x", s=24, color=colours, linewidths=1.2, zorder=4)
        if "targets" in self.marks and self.targets is not None:
            x, y = self.targets[self.is_drawn].T
            axes.scatter(x, y, s=96, color=page, linewidths=0, zorder=5)
            axes.scatter(x, y, s=62, color=colours, edgecolors=ink, linewidths=0.8, zorder=5)
            axes.scatter(x, y, s=24, color=page, linewidths=0, zorder=5)
            artist = axes.scatter(x, y, s=9, color=colours, edgecolors=ink, linewidths=0.4, zorder=5)
            artist.set_gid("targets")

    def _class_entries(self, size: float) -> list[Line2D]:
        names = self.scene.run.points.class_names
        if (self.strength == 1).sum() > MOST_IN_LEGEND:
            return []
        classes = np.flatnonzero(self.strength == 1).tolist()
        return [_entry(self.colours[k], _shape(k), shorten(names[k], LETTERS), max(4.5, size)) for k in classes]

    def _legend(self, entries: list[Line2D]) -> None:
        figure, box = self.figure, self.axes.get_position()
        beside = box.x1 + 8 / (figure.get_size_inches()[0] * style.PIXELS)
        if entries:
            title = COLOURS[self.scene.request.colour].caption
            if title == "decision":
                title += f" of {self.scene.classifier}"
            legend = figure.legend(
                handles=entries, title=title, loc="upper left", bbox_to_anchor=(beside, box.y1 + 0.01),
                alignment="left", title_fontsize=8, handletextpad=0.2, labelspacing=0.45,
            )  # fmt: skip
            legend.get_title().set_color(style.QUIET)
        marks = []
        if "targets" in self.marks and self.targets is not None:
            marks.append(_entry(style.QUIET, "o", "target (class embedding)", 6.5, markeredgecolor=style.INK))
        if "centres" in self.marks:
            marks.append(_entry(style.INK, "x", "class centre", 5))
        if "trails" in self.marks:
            marks.append(Line2D([], [], color=style.QUIET, linewidth=1.4, label="trail since epoch 0"))
        if "gaps" in self.marks and self.targets is not None:
            marks.append(Line2D([], [], color=style.QUIET, linewidth=1, linestyle="--", label="gap to the centre"))
        if marks:
            figure.legend(
                handles=marks, loc="lower left", bbox_to_anchor=(beside, box.y0 - 0.01), alignment="left",
                handletextpad=0.4, handlelength=1.4, labelspacing=0.45,
            )  # fmt: skip


def _entry(colour: str, shape: str, text: str, size: float, **options: Any) -> Line2D:
    return Line2D([], [], color=colour, marker=shape, linestyle="", markersize=size, label=text, **options)


def _shape(k: int) -> str:
    return SHAPES[k % len(SHAPES)]


def _values(scene: Scene, t: int) -> Floats:
    """The numbers (N,) that colour the images: margins, or distances to the own target, else to the own centre."""
    snapshot = scene.snapshots[t]
    if scene.request.colour == "margin":
        return np.asarray(snapshot.margins[scene.classifier], np.float64)
    to_target = snapshot.target_distances
    return np.asarray(snapshot.centre_distances if to_target is None else to_target, np.float64)


def _point_size(n: int) -> float:
    """Diameter in points of a picture of n images, as the player has it."""
    return style.POINTS * float(np.clip(6.5 * (1500 / max(1, n)) ** 0.25, 1.5, 7))
