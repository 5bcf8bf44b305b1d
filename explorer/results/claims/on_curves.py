"""The paper's claims about curves (section IV-F): judged on runs alone, since the paper has figures without numbers.

A trend is the factor by which a measure changes from the first finished epoch to the last on the straight line through
the logarithms of its values, so that one odd epoch decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from explorer.results.chosen_runs import ChosenRuns, Row, TrainedRun
from explorer.results.claims.verdict import Case

FEWEST = 3  # finished epochs, for a trend
LEVEL = 1.25  # a factor of less than this, up or down, is level
EQUIVALENT = 1.1  # a factor within which two runs are almost equivalent
SMALL_R, LARGE_R = (10, 1_000), (1_000, 1_000_000)  # intervals of r of class proximity in IV-F3
NEAR = 0.1  # share of rho that counts as no distance
FEWEST_MODELS = 4  # for a rank correlation


def trend(epochs: Sequence[float], values: Sequence[float]) -> float | None:
    """The factor; None of fewer than FEWEST epochs or of values that are not positive."""
    if len(epochs) < FEWEST or min(values) <= 0:
        return None
    slope = np.polyfit(epochs, np.log(values), 1)[0]
    return float(np.exp(slope * (epochs[-1] - epochs[0])))


def sigma_falls(runs: ChosenRuns) -> list[Case]:
    """Euclidean: the cluster size decreases significantly."""
    return _trends(runs, "E", "cluster_size", lambda factor: factor < 1 / LEVEL)


def rho_falls(runs: ChosenRuns) -> list[Case]:
    """Euclidean: the centre distance decreases."""
    return _trends(runs, "E", "centre_distance", lambda factor: factor < 1)


def rho_falls_slower(runs: ChosenRuns) -> list[Case]:
    """Euclidean: it decreases slower than the cluster size."""
    return _compare_trends(runs, "E", "centre_distance", "cluster_size")


def clusters_apart(runs: ChosenRuns) -> list[Case]:
    """Euclidean: the centre distance is greater than the cluster size, at every epoch."""
    cases = []
    for run in _of_loss(runs, "E"):
        ratios = [ratio for row in run.epoch_rows if (ratio := _rho_over_sigma(row)) is not None]
        if ratios:
            numbers = f"ρ/σ {ratios[0]:.3g} at first, least {min(ratios):.3g}"
            cases.append(Case(run.cell.name, min(ratios) > 1, numbers, min(ratios)))
    return cases


def cosine_moves_out(runs: ChosenRuns) -> list[Case]:
    """Cosine: images move away from the global centre and from their class centre."""
    cases = []
    for run in _of_loss(runs, "C"):
        sigma, rho = trend(*run.curve("cluster_size")), trend(*run.curve("centre_distance"))
        if sigma and rho:
            cases.append(Case(run.cell.name, sigma > 1 and rho > 1, f"σ × {sigma:.3g}, ρ × {rho:.3g}"))
    return cases


def cosine_rho_outgrows(runs: ChosenRuns) -> list[Case]:
    """Cosine: the centre distance grows more than the cluster size."""
    return _compare_trends(runs, "C", "centre_distance", "cluster_size")


def cosine_aligns(runs: ChosenRuns) -> list[Case]:
    """Cosine: images of a class come to point in one direction."""
    return _trends(runs, "C", "median_cosine_similarity", lambda factor: factor > 1)


def proximity_separates(runs: ChosenRuns) -> list[Case]:
    """Class proximity: the distance between class centres increases."""
    return _trends(runs, "CP", "mean_centre_separation", lambda factor: factor > 1)


def proximity_keeps_sigma(runs: ChosenRuns) -> list[Case]:
    """Class proximity: the cluster size neither increases nor decreases."""
    return _trends(runs, "CP", "cluster_size", lambda factor: 1 / LEVEL < factor < LEVEL)


def push_pull_separates(runs: ChosenRuns) -> list[Case]:
    """Push and pull: the distance between class centres increases."""
    return _trends(runs, "PP", "mean_centre_separation", lambda factor: factor > 1)


def push_pull_grows_little(runs: ChosenRuns) -> list[Case]:
    """Push and pull: the cluster size increases, but less than the distance between class centres."""
    cases = []
    for run in _of_loss(runs, "PP"):
        sigma, apart = trend(*run.curve("cluster_size")), trend(*run.curve("mean_centre_separation"))
        if sigma and apart:
            cases.append(Case(run.cell.name, 1 < sigma < apart, f"σ × {sigma:.3g}, separation × {apart:.3g}", sigma))
    return cases


def small_r_is_euclidean(runs: ChosenRuns) -> list[Case]:
    """Class proximity with r from 10 to 1,000 is almost equivalent to Euclidean."""
    cases = []
    for run, twin in _beside_euclidean(runs, SMALL_R):
        apart = _separation_of(run) / _separation_of(twin)
        points = max(run.accuracy.values()) - max(twin.accuracy.values())
        numbers = f"r {run.hyperparameters['r']:,.0f}: separation × {apart:.3g}, {points:+.2f} points".replace("-", "−")
        cases.append(Case(run.name, 1 / EQUIVALENT < apart < EQUIVALENT and abs(points) <= 1, numbers, apart))
    return cases


def large_r_separates(runs: ChosenRuns) -> list[Case]:
    """Class proximity with r from 1,000 to 1,000,000 changes the distances between class embeddings at once."""
    cases = []
    for run, twin in _beside_euclidean(runs, LARGE_R):
        first, other = (r.curve("target_separation")[1][:1] for r in (run, twin))
        if first and other:
            apart = first[0] / other[0]
            numbers = f"r {run.hyperparameters['r']:,.0f}: targets × {apart:.3g} as far apart after one epoch"
            cases.append(Case(run.name, apart > EQUIVALENT, numbers, apart))
    return cases


def targets_in_their_clusters(runs: ChosenRuns) -> list[Case]:
    """Euclidean: class embeddings move to the centre of their cluster, nearer to it than half of the images."""
    cases = []
    for run in _of_loss(runs, "E"):
        last_row = run.rows[-1]
        if math.isfinite(last_row.get("target_gap", math.nan)):
            numbers = f"gap {last_row['target_gap']:.3g}, σ {last_row['cluster_size']:.3g}"
            cases.append(Case(run.cell.name, last_row["target_gap"] < last_row["cluster_size"], numbers))
    return cases


def mean_target_is_global_centre(runs: ChosenRuns) -> list[Case]:
    """The average class embedding approximates the global centre."""
    cases = []
    for run in runs.by_cell.values():
        snapshot = run.last_snapshot
        if run.cell.loss not in ("E", "C", "CP", "PP") or snapshot is None or snapshot.class_embeddings is None:
            continue
        centre = np.nanmean(np.asarray(snapshot.reference_centres, np.float64), axis=0)  # (D,)
        distance = float(np.linalg.norm(np.mean(snapshot.class_embeddings, axis=0, dtype=np.float64) - centre))
        share = distance / run.rows[-1]["centre_distance"]
        if math.isfinite(share):
            cases.append(Case(run.cell.name, share < NEAR, f"{share:.2g} ρ apart", share))
    return cases


def overlap_decides(runs: ChosenRuns) -> list[Case]:
    """The greater the cluster size against the centre distance, the lower the accuracy: ranks over the models."""
    cases = []
    for dataset in runs.datasets:
        pairs = [(_rho_over_sigma(run.best.row), max(run.accuracy.values())) for run in runs.of(dataset)]
        finite_pairs = [(ratio, accuracy) for ratio, accuracy in pairs if ratio is not None]
        if len(finite_pairs) >= FEWEST_MODELS:
            r = _rank_correlation(*zip(*finite_pairs, strict=True))
            cases.append(
                Case(dataset, r > 0, f"rank correlation {r:.2f} of {len(finite_pairs)} models".replace("-", "−"), r)
            )
    return cases


def _of_loss(runs: ChosenRuns, loss: str) -> list[TrainedRun]:
    return [run for cell, run in runs.by_cell.items() if cell.loss == loss]


def _trends(runs: ChosenRuns, loss: str, measure: str, holds: Callable[[float], bool]) -> list[Case]:
    trends = [(run.cell.name, trend(*run.curve(measure))) for run in _of_loss(runs, loss)]
    return [Case(name, holds(factor), f"× {factor:.4g}", factor) for name, factor in trends if factor is not None]


def _compare_trends(runs: ChosenRuns, loss: str, more: str, less: str) -> list[Case]:
    """Whether one measure changes by the larger factor."""
    cases = []
    for run in _of_loss(runs, loss):
        a, b = trend(*run.curve(more)), trend(*run.curve(less))
        if a and b:
            cases.append(Case(run.cell.name, a > b, f"ρ × {a:.3g}, σ × {b:.3g}", a / b))
    return cases


def _beside_euclidean(runs: ChosenRuns, interval: tuple[float, float]) -> list[tuple[TrainedRun, TrainedRun]]:
    """Runs of class proximity with r in an interval, each with a Euclidean one of the same network, data and D."""
    pairs = []
    for run in runs.usable:
        r = run.hyperparameters["r"]
        if run.cell.loss != "CP" or r is None or not interval[0] <= r <= interval[1]:
            continue
        twins = [
            other for other in runs.usable
            if other.cell.loss == "E" and other.hyperparameters["d"] == run.hyperparameters["d"]
            and (other.cell.dataset, other.cell.network) == (run.cell.dataset, run.cell.network)
        ]  # fmt: skip
        pairs += [(run, max(twins, key=lambda twin: twin.score))] if twins else []
    return pairs


def _rho_over_sigma(row: Row) -> float | None:
    """None where one of them is missing."""
    sigma, rho = row["cluster_size"], row["centre_distance"]
    return rho / sigma if sigma and math.isfinite(rho / sigma) else None


def _separation_of(run: TrainedRun) -> float:
    return float(run.best.row["mean_centre_separation"])


def _rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's."""
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic)
