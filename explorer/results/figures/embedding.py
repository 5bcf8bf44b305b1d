"""Figures 1-4, 8 and 11 from the last snapshot of a run in two dimensions: the paper's sketches with real data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from explorer.export.camera import Box, fit_aspect
from explorer.export.print.cells import clip_polygons
from explorer.figures.colours import NEUTRAL, class_colour
from explorer.figures.text import to_plotly
from explorer.results.chosen_runs import TrainedRun
from explorer.results.figures.style import apply_style, hide_axes
from explorer.space import regions
from mtm import geometry
from mtm.classifiers import predict

Floats = NDArray[np.float64]
WIDTH, HEIGHT = 640, 560  # pixels
SCHEME = (860, 330)  # of Figure 1
OUTSIDE = 0.005  # share of the images, at either end of an axis, that may lie outside the picture
MARGIN = 0.06
MANY = 20  # classes, beyond which names are left out
BESIDE = "\u2002\u2002"  # room between a mark and its name
BLUE, RED = "#3945c3", "#d13c6f"  # output embeddings and class embeddings in Figure 1


@dataclass(frozen=True)
class Plane:
    """One snapshot of a run in two dimensions."""

    e: Floats  # (N, 2)
    y: NDArray[np.int64]  # (N,)
    c: Floats  # (C, 2) class embeddings; NaN with a linear head
    names: tuple[str, ...]  # for Plotly
    image: NDArray[np.uint8] | None  # (h, w, 3) of the first recorded one
    network: str

    @classmethod
    def of(cls, run: TrainedRun) -> Plane:
        """The last snapshot of a run."""
        snapshot, points = run.last_snapshot, run.points
        assert snapshot is not None, "a plane is drawn of a run with snapshots"
        assert points is not None
        e, y = np.asarray(snapshot.embeddings, np.float64), np.asarray(points.labels, np.int64)
        none = np.full((points.n_classes, 2), np.nan)
        c = none if snapshot.class_embeddings is None else np.asarray(snapshot.class_embeddings, np.float64)
        image = None if points.thumbnails is None else rgb(points.thumbnails[0])
        return cls(e, y, c, tuple(map(to_plotly, points.class_names)), image, run.cell.network.replace("RN", "ResNet-"))

    @property
    def g(self) -> Floats:
        """The class centres (C, 2) of the recorded images."""
        return geometry.class_centres(self.e, self.y, len(self.names))

    def box(self, *marks: Floats) -> Box:
        """The box of nearly all images and of all marks, with a margin."""
        ends = np.quantile(self.e, [OUTSIDE, 1 - OUTSIDE], axis=0)
        every = np.concatenate([ends, *marks])
        every = every[np.isfinite(every).all(axis=1)]
        low, high = every.min(axis=0), every.max(axis=0)
        room = MARGIN * float((high - low).max())
        return fit_aspect((low[0] - room, low[1] - room, high[0] + room, high[1] + room), WIDTH, HEIGHT)


def draw_model(plane: Plane) -> go.Figure:
    """Figure 1: image, network, output embedding beside the class embeddings, classifier."""
    figure = go.Figure()
    for start, end, half, text in (
        (19, 38, 6, plane.network),
        (43, 73, 16, ""),
        (78, 98, 6, "nearest class<br>embedding"),
    ):
        y = [20 - half, 20 - half, 20 + half, 20 + half, 20 - half]
        corners = {"x": [start, end, end, start, start], "y": y}
        line = {"color": NEUTRAL, "width": 1.5}
        figure.add_scatter(**corners, mode="lines", line=line, hoverinfo="skip", showlegend=False)
        figure.add_annotation(x=(start + end) / 2, y=20, text=text, showarrow=False, font={"size": 13})
    for tail, tip in ((14.0, 19.0), (38.0, 43.0), (73.0, 78.0)):
        figure.add_annotation(
            x=tip, y=20, ax=tail, ay=20, axref="x", ayref="y", showarrow=True, arrowhead=2, arrowcolor=NEUTRAL, text=""
        )
    for at, text in ((7.0, "image"), (28.5, "neural network"), (58, "embedding space"), (88, "classifier")):
        figure.add_annotation(x=at, y=38.5, text=text, showarrow=False, font={"size": 13})
    if plane.image is not None:
        figure.add_trace(go.Image(z=plane.image, xaxis="x2", yaxis="y2", hoverinfo="skip"))
    _add_points(figure, plane, dict.fromkeys(range(len(plane.names)), BLUE), 3, xaxis="x3", yaxis="y3")
    marks = {"size": 11, "color": RED, "line": {"width": 1.5, "color": "#ffffff"}}
    common = {"mode": "markers", "xaxis": "x3", "yaxis": "y3", "hovertemplate": "%{text}<extra></extra>"}
    figure.add_scatter(
        x=plane.c[:, 0], y=plane.c[:, 1], marker=marks, name="class embeddings", text=list(plane.names), **common
    )
    blue = {"size": 6, "color": BLUE}
    figure.add_scatter(x=[None], y=[None], marker=blue, name="output embeddings", **common)
    left, low, right, high = plane.box(plane.c)
    figure.update_layout(
        xaxis={"range": [0, 100]},
        yaxis={"range": [0, 40]},
        xaxis2={"domain": [0.005, 0.135], "anchor": "y2"},
        yaxis2={"domain": [0.3, 0.7], "anchor": "x2"},
        xaxis3={"domain": [0.44, 0.72], "anchor": "y3", "range": [left, right]},
        yaxis3={"domain": [0.12, 0.88], "anchor": "x3", "range": [low, high]},
    )
    apply_style(
        figure, 860, 330, legend={"orientation": "h", "x": 0.58, "xanchor": "center", "y": 0.0, "yanchor": "bottom"}
    )
    return hide_axes(figure, "", "2", "3").update_layout(margin={"l": 8, "r": 8, "t": 8, "b": 8})


def draw_centre_regions(plane: Plane) -> go.Figure:
    """Figure 2: the space divided by which class centre is the closest."""
    return _draw_regions(plane, plane.g, "class centre", "x")


def draw_target_regions(plane: Plane) -> go.Figure:
    """Figure 3: the space divided by which class embedding is the closest."""
    return _draw_regions(plane, plane.c, "class embedding", "circle")


def draw_sizes(plane: Plane) -> go.Figure:
    """Figure 4: circles of the cluster sizes about the class centres, and the centre distances."""
    figure, g = go.Figure(), plane.g
    middle = geometry.global_centre(g)
    sigma, rho = geometry.cluster_sizes(plane.e, plane.y, g), geometry.centre_distances(g)
    _add_points(figure, plane, _colours(plane), 3, opacity=0.45)
    turn = np.linspace(0, 2 * np.pi, 73)
    for k, name in enumerate(plane.names):
        if np.isnan(sigma[k]):
            continue
        line = {"color": class_colour(k), "width": 2}
        about = f"{name}: σ {sigma[k]:.3g}, ρ {rho[k]:.3g}"
        hover = {"text": about, "hovertemplate": "%{text}<extra></extra>", "showlegend": False, "mode": "lines"}
        x, y = g[k, 0] + sigma[k] * np.cos(turn), g[k, 1] + sigma[k] * np.sin(turn)
        figure.add_scatter(x=x, y=y, line=line, **hover)
        spoke = {"color": NEUTRAL, "width": 1, "dash": "dash"}
        figure.add_scatter(x=[middle[0], g[k, 0]], y=[middle[1], g[k, 1]], line=spoke, **hover)
    _add_marks(figure, plane, g, "x")
    centre = {"size": 9, "color": NEUTRAL, "symbol": "diamond"}
    figure.add_scatter(x=middle[:1], y=middle[1:], mode="markers", marker=centre, name="global centre")
    return _frame(_add_names(figure, plane, g), plane, g)


def draw_between(plane: Plane) -> go.Figure:
    """Figure 8: the space between class embeddings, and how many of the images in it are nearest to another class."""
    from scipy.spatial import ConvexHull, QhullError

    figure = go.Figure()
    try:
        outline = plane.c[ConvexHull(plane.c).vertices]
    except (QhullError, ValueError):  # all on a line, or fewer than three
        outline = plane.c
    closed = np.concatenate([outline, outline[:1]])
    figure.add_scatter(
        x=closed[:, 0], y=closed[:, 1], fill="toself", fillcolor=NEUTRAL, opacity=0.2, hoverinfo="skip",
        line={"color": NEUTRAL, "width": 1}, mode="lines", name="between class embeddings",
    )  # fmt: skip
    wrong = predict("euc_ce", plane.e, plane.c) != plane.y
    inside = is_inside(plane.e, outline)
    _add_points(figure, plane, _colours(plane), 3, opacity=0.45)
    parts = (("inside", inside), ("outside", ~inside))
    shares = ", ".join(f"{wrong[part].mean():.0%} of those {where}" for where, part in parts if part.any())
    figure.add_scatter(
        x=plane.e[wrong, 0], y=plane.e[wrong, 1], mode="markers", hoverinfo="skip",
        marker={"size": 7, "color": NEUTRAL, "symbol": "circle-open", "line": {"width": 1.2}},
        name=f"nearest to another: {shares}",
    )  # fmt: skip
    _add_marks(figure, plane, plane.c, "circle")
    return _frame(_add_names(figure, plane, plane.c), plane, plane.c)


def draw_wrong_image(plane: Plane) -> go.Figure:
    """Figure 11: an image that is nearer to another class embedding than to its own."""
    figure = go.Figure()
    distances = np.linalg.norm(plane.e[:, None] - plane.c, axis=2)  # (N, C)
    own_distance, nearest_class = distances[np.arange(len(plane.y)), plane.y], distances.argmin(axis=1)
    least = distances.min(axis=1)
    i = int(
        np.argmax(np.where(nearest_class != plane.y, (own_distance - least) * least, -1.0))
    )  # the plainest of the wrong; or the first
    own_class, other = int(plane.y[i]), int(nearest_class[i])
    for k in range(len(plane.names)):
        line: dict[str, object] = {"color": NEUTRAL, "width": 0.6}
        legend = {
            own_class: f"own: {plane.names[k]}, {distances[i, k]:.3g} away",
            other: f"nearest: {plane.names[k]}, {distances[i, k]:.3g} away",
        }
        if k in legend:
            line = {"color": class_colour(k), "width": 2.4, "dash": "solid" if k == other else "dash"}
        figure.add_scatter(
            x=[plane.e[i, 0], plane.c[k, 0]], y=[plane.e[i, 1], plane.c[k, 1]], mode="lines", line=line,
            name=legend.get(k), showlegend=k in legend, hoverinfo="skip",
        )  # fmt: skip
    _add_marks(figure, plane, plane.c, "circle")
    dot = {"size": 10, "color": class_colour(own_class), "line": {"width": 2, "color": NEUTRAL}}
    figure.add_scatter(x=plane.e[i : i + 1, 0], y=plane.e[i : i + 1, 1], mode="markers", marker=dot, name="eᵢ")
    return _frame(_add_names(figure, plane, plane.c), plane, plane.c)


def is_inside(e: Floats, outline: Floats) -> NDArray[np.bool_]:
    """Which of e (N, 2) lie within a convex outline (M, 2) that goes counter-clockwise: (N,)."""
    if len(outline) < 3:
        return np.zeros(len(e), dtype=bool)
    edges, rest = np.roll(outline, -1, axis=0) - outline, e[:, None] - outline  # (M, 2), (N, M, 2)
    return np.all(edges[:, 0] * rest[..., 1] - edges[:, 1] * rest[..., 0] >= 0, axis=1)


def rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image (h, w) or (h, w, 1 or 3) with three channels."""
    image = image[..., None] if image.ndim == 2 else image
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def _draw_regions(plane: Plane, marks: Floats, what: str, symbol: str) -> go.Figure:
    figure = go.Figure()
    scores = regions.affine_scores(regions.voronoi_regions(marks[None]), 0)
    for k, outline in clip_polygons(scores, plane.box(marks)):
        closed = np.concatenate([outline, outline[:1]])
        figure.add_scatter(
            x=closed[:, 0], y=closed[:, 1], fill="toself", fillcolor=class_colour(k), opacity=0.25, mode="lines",
            line={"color": NEUTRAL, "width": 0.8}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    _add_points(figure, plane, _colours(plane), 4)
    _add_marks(figure, plane, marks, symbol, what)
    return _frame(_add_names(figure, plane, marks), plane, marks)


def _add_points(
    figure: go.Figure, plane: Plane, colours: dict[int, str], size: float, opacity: float = 0.8, **more: object
) -> None:
    """The images, a trace a class."""
    for k in range(len(plane.names)):
        mine = plane.e[plane.y == k]
        figure.add_scatter(
            x=mine[:, 0], y=mine[:, 1], mode="markers", name=plane.names[k],
            marker={"size": size, "color": colours[k], "opacity": opacity},
            hovertemplate=f"{plane.names[k]}<extra></extra>", showlegend=False, **more,
        )  # fmt: skip


def _add_marks(figure: go.Figure, plane: Plane, where: Floats, symbol: str, what: str = "") -> None:
    """Class centres as crosses or class embeddings as rings, all in their colours."""
    for k, name in enumerate(plane.names):
        marker = {"size": 12, "color": class_colour(k), "symbol": symbol, "line": {"width": 1.5, "color": NEUTRAL}}
        figure.add_scatter(
            x=where[k : k + 1, 0], y=where[k : k + 1, 1], mode="markers", marker=marker, showlegend=False,
            hovertemplate=f"{what} of {name}<extra></extra>".lstrip(),
        )  # fmt: skip


def _add_names(figure: go.Figure, plane: Plane, where: Floats) -> go.Figure:
    if len(plane.names) <= MANY:
        font = {"color": NEUTRAL, "size": 12, "weight": "bold"}
        figure.add_scatter(
            x=where[:, 0], y=where[:, 1], mode="text", text=[f"{BESIDE}{name}" for name in plane.names],
            textposition="middle right", textfont=font, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    return figure


def _frame(figure: go.Figure, plane: Plane, marks: Floats) -> go.Figure:
    left, low, right, high = plane.box(marks)
    figure.update_xaxes(range=[left, right], title_text="first dimension")
    figure.update_yaxes(range=[low, high], title_text="second dimension", scaleanchor="x")
    beneath = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": -0.12, "yanchor": "top"}
    return apply_style(figure, WIDTH, HEIGHT, legend=beneath, showlegend=True)


def _colours(plane: Plane) -> dict[int, str]:
    return {k: class_colour(k) for k in range(len(plane.names))}
