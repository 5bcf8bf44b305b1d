"""Figures 14-19 and Appendix B: accuracies, sigma, rho, separation and cosine of the chosen runs of a data set."""

from __future__ import annotations

import math
from collections.abc import Callable

import plotly.graph_objects as go

from explorer.figures.colours import NEUTRAL, class_colour
from explorer.figures.text import to_plotly
from explorer.results.chosen_runs import LETTERS, NETWORKS, ORDER, ChosenRuns, TrainedRun
from explorer.results.figures.style import SIZES, WIDTHS, apply_style, colour, dash, symbol
from explorer.results.tables import WORDS
from mtm.classifiers import CLASSIFIERS
from mtm.paper.tables import Cell

BETWEEN, BETWEEN_LOSSES, BETWEEN_CLASSIFIERS = 0.12, 0.5, 1.6  # gaps of the bars, in widths of the widest


def draw_accuracy_bars(runs: ChosenRuns, dataset: str) -> go.Figure:
    """Accuracy at the best epoch by classifier, a bar per model, a dash for the paper's (Fig. 14, 20-24)."""
    figure, models = go.Figure(), runs.models(dataset)
    places, ticks = _bar_places(runs, models)
    heights: list[float] = []
    for loss in dict.fromkeys(cell.loss for cell in models):
        bars = [(name, c) for name, c in places if c.loss == loss and name in _ours(runs, c)]
        values = [_ours(runs, c)[name] for name, c in bars]
        heights += values
        if bars:
            figure.add_bar(
                x=[places[bar] for bar in bars],
                y=values,
                width=[_width(c) for _, c in bars],
                name=WORDS[loss],
                marker={"color": colour(bars[0][1]), "line": {"width": 0}},
                customdata=[[c.model, name] for name, c in bars],
                hovertemplate="%{customdata[0]}, %{customdata[1]}: %{y:.2f} %<extra></extra>",
            )
    paper_values = [(x, c.accuracy.get(name), c.model) for (name, c), x in places.items()]
    paper_dashes = [(x, value, model) for x, value, model in paper_values if value is not None]
    if paper_dashes:
        heights += [value for _, value, _ in paper_dashes]
        figure.add_scatter(
            x=[x for x, *_ in paper_dashes],
            y=[value for _, value, _ in paper_dashes],
            mode="markers",
            name="the paper's",
            marker={"symbol": "line-ew", "size": 9, "line": {"width": 2, "color": NEUTRAL}, "color": NEUTRAL},
            text=[model for *_, model in paper_dashes],
            hovertemplate="%{text} in the paper: %{y:.2f} %<extra></extra>",
        )
    low, high = min(heights), max(heights)
    margin = max(0.5, 0.06 * (high - low))
    figure.update_xaxes(
        tickvals=ticks, ticktext=[c.name_in_paper or name for name, c in CLASSIFIERS.items()], showgrid=False
    )
    figure.update_yaxes(title_text="accuracy, %", range=[math.floor(low - margin), min(100.0, high + margin)])
    return apply_style(figure, bargap=0)


def draw_accuracy_over_time(runs: ChosenRuns, dataset: str) -> go.Figure:
    """Accuracy of each model's best classifier at the end of every epoch (Fig. 25-29)."""

    def values(run: TrainedRun) -> tuple[list[float], list[float]]:
        rows = [(row["epoch"], row["accuracy"].get(run.best.classifier)) for row in run.epoch_rows]
        return [epoch for epoch, _ in rows], [math.nan if v is None else 100 * v for _, v in rows]

    return _over_epochs(runs, dataset, values, "accuracy, %", "%{y:.2f} %")


def draw_centre_distance(runs: ChosenRuns, dataset: str) -> go.Figure:
    """rho, the mean distance of class centres to the global centre (Fig. 16, 30-34)."""
    return _make_logarithmic(_over_epochs(runs, dataset, lambda run: run.curve("centre_distance"), "centre distance ρ"))


def draw_cluster_size(runs: ChosenRuns, dataset: str) -> go.Figure:
    """sigma, the median distance to the own class centre (Fig. 15, 45-49)."""
    return _make_logarithmic(_over_epochs(runs, dataset, lambda run: run.curve("cluster_size"), "cluster size σ"))


def draw_cosine(runs: ChosenRuns, dataset: str) -> go.Figure:
    """The median cosine to the own class centre (Fig. 40-44)."""
    return _over_epochs(runs, dataset, lambda run: run.curve("median_cosine_similarity"), "median cosine similarity")


def draw_rho_sigma(runs: ChosenRuns, dataset: str) -> go.Figure:
    """rho against sigma, a point an epoch, and the line where they are equal (Fig. 17, 35-39).

    rho is measured to the global centre of the first epoch, of the class centres of training images.
    """
    figure, ends = go.Figure(), list[float]()
    for run in runs.of(dataset):
        sigma, rho = [row["cluster_size"] for row in run.epoch_rows], run.rho_to_first_centre
        ends += [value for value in (*sigma, *rho) if value and math.isfinite(value)]
        figure.add_scatter(
            x=sigma,
            y=rho,
            mode="lines+markers",
            name=run.cell.model,
            line={"color": colour(run.cell), "width": 0.8},
            marker={
                "symbol": symbol(run.cell),
                "size": SIZES.get(run.cell.network, SIZES[NETWORKS[0]]),
                "opacity": 0.7,
            },
            text=[f"epoch {row['epoch']:g}" for row in run.epoch_rows],
            hovertemplate="%{text}: σ %{x:.4g}, ρ %{y:.4g}<extra>" + run.cell.model + "</extra>",
        )
    low, high = (min(ends) / 1.2, max(ends) * 1.2) if ends else (1, 10)
    equal = {"color": NEUTRAL, "width": 1, "dash": "dot"}
    figure.add_scatter(x=[low, high], y=[low, high], mode="lines", name="ρ = σ", line=equal, hoverinfo="skip")
    figure.update_xaxes(title_text="cluster size σ", type="log").update_yaxes(
        title_text="centre distance ρ", type="log"
    )
    return _make_logarithmic(apply_style(figure), "xy")


def draw_separation(runs: ChosenRuns, loss: str) -> go.Figure:
    """The mean distance between class centres, a line a data set, for its smallest network (Fig. 18, 19)."""
    figure = go.Figure()
    for i, dataset in enumerate(runs.datasets):
        run = smallest_run(runs, dataset, loss)
        if run:
            epochs, values = run.curve("mean_centre_separation")
            name = to_plotly(dataset if run.cell.network == NETWORKS[0] else f"{dataset} ({run.cell.network})")
            line = {"color": class_colour(i), "width": 1.8}
            symbols = ("circle", "square", "triangle-up", "diamond", "cross", "x")
            figure.add_scatter(
                x=epochs, y=values, mode="lines+markers", name=name, line=line,
                marker={"size": 6, "symbol": symbols[i % len(symbols)]},
                hovertemplate="%{y:.4g}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    figure.update_xaxes(title_text="epoch", rangemode="tozero").update_yaxes(
        title_text="mean distance between class centres"
    )
    return apply_style(figure, showlegend=True)


def smallest_run(runs: ChosenRuns, dataset: str, loss: str) -> TrainedRun | None:
    """The run with a loss of the smallest of the paper's networks, else of another."""
    with_loss = [run for run in runs.of(dataset) if run.cell.loss == loss]
    first = [run for run in with_loss if run.cell.network == NETWORKS[0]]
    others = [run for run in with_loss if run.cell.network not in NETWORKS]
    return next(iter([*first, *others]), None)


def models_without_run(runs: ChosenRuns, dataset: str) -> list[str]:
    """The paper's models of a data set that have no run."""
    cells = [Cell(dataset, network, loss) for loss in LETTERS for network in NETWORKS] if dataset in ORDER else []
    return [cell.model for cell in cells if cell not in runs.by_cell]


def _over_epochs(
    runs: ChosenRuns,
    dataset: str,
    values: Callable[[TrainedRun], tuple[list[float], list[float]]],
    title: str,
    hover: str = "%{y:.4g}",
) -> go.Figure:
    figure = go.Figure()
    for run in runs.of(dataset):
        x, y = values(run)
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines+markers",
            name=run.cell.model,
            line={"color": colour(run.cell), "width": 1.6, "dash": dash(run.cell)},
            marker={"symbol": symbol(run.cell), "size": 5},
            hovertemplate=f"epoch %{{x:g}}: {hover}<extra>{run.cell.model}</extra>",
        )
    figure.update_xaxes(title_text="epoch", rangemode="tozero").update_yaxes(title_text=title)
    return apply_style(figure)


def _make_logarithmic(figure: go.Figure, axes: str = "y") -> go.Figure:
    for which in axes:
        figure.layout[f"{which}axis"].update(type="log", dtick="D2", exponentformat="none")
    return figure


def _bar_places(runs: ChosenRuns, models: list[Cell]) -> tuple[dict[tuple[str, Cell], float], list[float]]:
    """Positions of the bars by classifier and model, where we or the paper have one; the middle of each classifier."""
    places: dict[tuple[str, Cell], float] = {}
    x, ticks = 0.0, []
    for name in CLASSIFIERS:
        start, before = x, None
        for cell in models:
            if cell.accuracy.get(name) is None and name not in _ours(runs, cell):
                continue
            x += BETWEEN_LOSSES if before not in (None, cell.loss) else BETWEEN
            places[name, cell] = x + _width(cell) / 2
            x, before = x + _width(cell), cell.loss
        ticks.append((start + x) / 2)
        x += BETWEEN_CLASSIFIERS
    return places, ticks


def _ours(runs: ChosenRuns, cell: Cell) -> dict[str, float]:
    return runs.by_cell[cell].accuracy if cell in runs.by_cell else {}


def _width(cell: Cell) -> float:
    return WIDTHS.get(cell.network, WIDTHS[NETWORKS[0]])
