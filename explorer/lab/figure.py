"""A landscape as a Plotly figure, for reports and notebooks; the lab page draws its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.colours import RAMP, class_colour
from explorer.lab.landscape import Forces, Landscape, Scene
from explorer.lab.scales import scale

ARROW = 60  # pixels of the longest arrow
SIDE = 560


def landscape_figure(
    found: Landscape,
    scene: Scene,
    names: Sequence[str],
    pulls: Forces | None = None,
    kind: str = "auto",
    title: str = "",
) -> go.Figure:
    """Heat map and contours on the scale `kind`, the points with their `names` (C,), and the forces on them."""
    shades = scale(found.values, kind)
    ticks = shades.ticks()
    drawn = go.Figure(
        go.Contour(
            x=found.x,
            y=found.y,
            z=np.clip(shades.positions(found.values), 0, 1),
            customdata=found.values,
            contours={"start": 0, "end": 1, "size": 1 / 14, "coloring": "heatmap"},
            line={"width": 0.6, "color": "rgba(255,255,255,0.5)"},
            colorscale=list(RAMP),
            zmin=0,
            zmax=1,
            colorbar={
                "tickvals": shades.positions(np.array([value for value, _ in ticks])).tolist(),
                "ticktext": [label for _, label in ticks],
                "title": "loss",
            },
            hovertemplate="loss %{customdata:.5g}<extra></extra>",
        )
    )
    _add_points(drawn, scene.seen(scene.c), list(names), [class_colour(k) for k in range(len(names))], "circle-open")
    label = ["e" if len(scene.e) == 1 else f"e<sub>{i}</sub>" for i in range(len(scene.e))]
    _add_points(drawn, scene.seen(scene.e), label, [class_colour(int(k)) for k in scene.y], "circle")
    if pulls is not None:
        _add_arrows(drawn, scene, pulls)
    drawn.update_yaxes(scaleanchor="x", constrain="domain").update_xaxes(constrain="domain")
    return drawn.update_layout(width=SIDE + 120, height=SIDE + 40, title=title, showlegend=False, template="none")


def _add_points(
    drawn: go.Figure, places: np.ndarray, names: Sequence[str], colours: Sequence[str], symbol: str
) -> None:
    drawn.add_trace(
        go.Scatter(
            x=places[:, 0],
            y=places[:, 1],
            text=[name.replace("_", "<sub>", 1) + "</sub>" if "_" in name else name for name in names],
            mode="markers+text",
            textposition="top center",
            textfont={"color": "white"},
            marker={"size": 13, "symbol": symbol, "color": list(colours), "line": {"width": 3, "color": list(colours)}},
        )
    )


def _add_arrows(drawn: go.Figure, scene: Scene, pulls: Forces) -> None:
    """Lengths by the square root of the force, the longest `ARROW` pixels."""
    starts = np.concatenate([scene.seen(scene.e), scene.seen(scene.c)])
    steps = np.concatenate([pulls.e, pulls.c]) @ scene.basis  # (M + C, 2)
    sizes = np.linalg.norm(steps, axis=1)
    largest = float(sizes.max())
    for start, step, size in zip(starts, steps, sizes, strict=True):
        if size > 1e-9 * largest:
            tip = step / size * ARROW * np.sqrt(size / largest)  # pixels, to the right and up
            drawn.add_annotation(
                x=start[0], y=start[1], ax=tip[0], ay=-tip[1], axref="pixel", ayref="pixel", showarrow=True,
                arrowside="start", startarrowhead=2, startarrowsize=1, arrowwidth=2, arrowcolor="white",
            )  # fmt: skip
