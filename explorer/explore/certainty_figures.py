"""Whether the place of an embedding says that it is right, as Plotly figures."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from explorer.explore.certainty import Certainty, Group, Relation
from explorer.figures.curves import LINES, apply_style

OTHER = "#64748b"
BESIDE = 0.16  # widths of a group by which classifiers are set apart
GUIDE = {"color": "#94a3b8", "dash": "dot", "width": 1}


def draw_groups(certainties: Sequence[Certainty], place: str) -> go.Figure:
    """Accuracy of groups of equal size, from surest to least sure by one place, with Wilson's intervals."""
    figure = go.Figure()
    pairs = _of_place(certainties, place)
    for beside, (certainty, relation) in enumerate(pairs):
        aside = 0.5 + BESIDE * (beside - (len(pairs) - 1) / 2)  # so that intervals do not cover each other
        x = [(i + aside) / len(relation.groups) for i in range(len(relation.groups))]
        hover = "%{y:.1%} of %{customdata[0]} images, %{customdata[1]:.4g} to %{customdata[2]:.4g}"
        figure.add_trace(_groups(x, relation.groups, certainty.classifier, hover))
    figure.update_yaxes(title_text="accuracy", tickformat=".0%", range=[0, 1.02])
    return _over_shares(figure, "images, from surest to least sure")


def draw_risk_coverage(certainties: Sequence[Certainty], place: str) -> go.Figure:
    """Share of wrong images among the surest share, for every share; less is better, the end is the error rate."""
    figure = go.Figure()
    for certainty, relation in _of_place(certainties, place):
        risk = relation.risk
        name = certainty.classifier
        figure.add_trace(
            go.Scatter(
                x=list(risk.coverage),
                y=list(risk.risk),
                name=name,
                mode="lines",
                line={"color": LINES.get(name, OTHER), "width": 2},
                hovertemplate=f"of the surest %{{x:.0%}}, %{{y:.2%}} are wrong<extra>{name}</extra>",
                meta={"aurc": risk.aurc},
            )
        )
    figure.update_yaxes(title_text="share that is wrong", tickformat=".3~p", rangemode="tozero")
    return _over_shares(figure, "share of the images, surest first")


def draw_reliability(certainties: Sequence[Certainty]) -> go.Figure:
    """Accuracy against the probability of the decided class, and the line where they are equal."""
    figure = go.Figure()
    for certainty in certainties:
        groups = certainty.reliability.groups
        hover = "given %{x:.1%}, right %{y:.1%} of %{customdata[0]} images"
        figure.add_trace(_groups([group.mean for group in groups], groups, certainty.classifier, hover))
    figure.update_yaxes(title_text="accuracy", tickformat=".0%", range=[0, 1.02])
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=GUIDE, layer="below")
    return _over_shares(figure, "probability of the decided class")


def _over_shares(figure: go.Figure, title: str) -> go.Figure:
    figure.update_xaxes(title_text=title, tickformat=".0%", range=[0, 1], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return apply_style(figure).update_layout(margin_r=18)


def _groups(x: Sequence[float], groups: Sequence[Group], name: str, hover: str) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=[group.accuracy for group in groups],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [group.accuracy_high - group.accuracy for group in groups],
            "arrayminus": [group.accuracy - group.accuracy_low for group in groups],
            "thickness": 1,
            "width": 0,
        },
        customdata=[[group.n, group.low, group.high] for group in groups],
        name=name,
        mode="lines+markers",
        line={"color": LINES.get(name, OTHER), "width": 2},
        marker={"size": 4},
        hovertemplate=f"{hover}<extra>{name}</extra>",
    )


def _of_place(certainties: Sequence[Certainty], place: str) -> list[tuple[Certainty, Relation]]:
    return [
        (certainty, relation)
        for certainty in certainties
        for relation in certainty.relations
        if relation.place == place
    ]
