"""Certainty against independent computations: by naive loops, by scikit-learn, by cases whose answer is known."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import log_loss, roc_auc_score

from explorer.explore import certainty as module
from explorer.explore import certainty_figures as figures
from explorer.explore.certainty import (
    aurc,
    aurc_interval,
    concordance,
    describe,
    fit_temperature,
    group_images,
    measure_certainty,
    measure_risk,
    risks,
    wilson,
)
from explorer.space.history import History, load_history
from mtm.classifiers import classifiers_of
from mtm.errors import InputError
from mtm.geometry import own_distances
from mtm.runs import Run


def slow_risks(surety: list[float], right: list[bool]) -> list[float]:
    """Of images in the order from surest to least sure."""
    order = sorted(range(len(surety)), key=lambda i: -surety[i])
    return [sum(not right[i] for i in order[: n + 1]) / (n + 1) for n in range(len(order))]


def cases(n: int = 150, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    surety = rng.normal(size=n)
    return surety, rng.random(n) < 1 / (1 + np.exp(-2 * surety))


@pytest.mark.parametrize("seed", range(5))
def test_risk_coverage_and_its_area_equal_a_naive_computation(seed: int) -> None:
    surety, right = cases(seed=seed)
    naive = slow_risks(surety.tolist(), right.tolist())
    assert risks(surety, right) == pytest.approx(naive)
    assert aurc(surety, right) == pytest.approx(sum(naive) / len(naive))
    result = measure_risk(surety, right)
    assert (result.aurc, result.random) == pytest.approx((np.mean(naive), np.mean(~right)))
    assert result.aurc_low < result.aurc < result.aurc_high
    assert result.risk == pytest.approx(naive)  # so few points are not thinned
    perfect = sum(slow_risks([float(r) for r in right], right.tolist())) / len(right)
    assert result.best == pytest.approx(perfect)
    assert result.best <= result.aurc


def test_equals_are_taken_in_no_order() -> None:
    surety, right = [2, 1, 1, 1, 0], [True, False, True, False, True]
    orders = [[0, *middle, 4] for middle in itertools.permutations([1, 2, 3])]
    each = [slow_risks([5, 4, 3, 2, 1], [right[i] for i in order]) for order in orders]
    assert risks(surety, right) == pytest.approx(np.mean(each, axis=0))


def test_the_best_and_the_worst_order_by_hand() -> None:
    assert aurc([3, 2, 1], [True, True, False]) == pytest.approx(1 / 9)
    assert aurc([1, 2, 3], [True, True, False]) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert aurc([1, 2], [True, True]) == 0
    assert math.isnan(aurc([], []))


def test_the_interval_is_a_bootstrap() -> None:
    surety, right = cases(60)
    rng, areas = np.random.default_rng(7), []
    for _ in range(2000):
        rows = rng.integers(0, 60, 60)
        areas.append(np.mean(slow_risks(surety[rows].tolist(), right[rows].tolist())))
    low, high = aurc_interval(surety, right)
    assert (low, high) == pytest.approx(np.quantile(areas, [0.025, 0.975]), abs=0.03)


@pytest.mark.parametrize(("right", "n"), [(0, 10), (10, 10), (3, 7), (880, 1000), (1, 1)])
def test_wilson_equals_scipy(right: int, n: int) -> None:
    interval = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right, n) == pytest.approx((interval.low, interval.high), abs=1e-6)
    assert wilson(0, 0) == (0, 1)


def test_pairs_equal_scikit_learn_and_count_equals_half() -> None:
    surety, right = cases()
    assert concordance(surety, right) == pytest.approx(roc_auc_score(right, surety))
    tied = np.round(surety)
    assert concordance(tied, right) == pytest.approx(roc_auc_score(right, tied))
    assert math.isnan(concordance(surety, np.ones(len(surety))))


def test_groups_are_equal_in_size_and_hold_everyone() -> None:
    surety, right = cases(103)
    surety[:3] = np.nan
    for descending in (False, True):
        groups = group_images(surety, right, 7, descending=descending)
        assert [g.n for g in groups] == [15, 15, 14, 14, 14, 14, 14]
        assert sum(g.n * g.accuracy for g in groups) == pytest.approx(right[3:].sum())
        edges = [(g.low, g.high) for g in (groups[::-1] if descending else groups)]
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(edges))
        assert all(g.accuracy_low < g.accuracy < g.accuracy_high or g.accuracy in (0, 1) for g in groups)
    assert len(group_images(surety[:25], right[:25])) == 2
    assert group_images([], []) == []


def test_the_temperature_makes_the_labels_most_likely() -> None:
    rng = np.random.default_rng(0)
    z = 5 * rng.normal(size=(4000, 4))
    p = np.exp(z / 2.5) / np.exp(z / 2.5).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(4, p=row) for row in p])
    assert fit_temperature(z, y) == pytest.approx(2.5, rel=0.1)
    assert fit_temperature(1e-3 * z, y) == pytest.approx(2.5e-3, rel=0.1)  # whatever the unit

    def surprise(t: float) -> float:
        e = np.exp(z / t - (z / t).max(axis=1, keepdims=True))
        return float(log_loss(y, e / e.sum(axis=1, keepdims=True), labels=range(4)))

    t = fit_temperature(z, y)
    assert surprise(t) <= min(surprise(0.95 * t), surprise(1.05 * t))


# --- Of runs


@pytest.fixture
def history(finished_run: Path) -> History:
    return load_history(Run.open(finished_run))


def test_a_real_run_agrees_with_its_files(history: History, finished_run: Path) -> None:
    run = Run.open(finished_run)
    for t in (0, -1):
        snapshot = run.snapshot(t)
        for certainty in measure_certainty(history, t):
            right = snapshot.predictions[certainty.classifier] == run.labels
            assert certainty.accuracy == right.mean()
            assert certainty.n == len(run.labels)
            relations = {r.place: r for r in certainty.relations}
            assert relations["margin"].risk.aurc == pytest.approx(
                np.mean(slow_risks(snapshot.margins[certainty.classifier].tolist(), right.tolist())), abs=0.005
            )
            decided = snapshot.predictions[certainty.classifier]
            points = np.asarray(snapshot.references[certainty.classifier])
            near = own_distances(snapshot.embeddings, decided, points)
            assert relations["decided_distance"].risk.aurc == pytest.approx(aurc(-near, right), abs=0.01)
            assert relations["target_distance"].knows_the_label
            assert not relations["margin"].knows_the_label
            assert sum(g.n for g in certainty.reliability.groups) == certainty.reliability.n
            assert 0 <= certainty.reliability.error <= 1


def test_a_certain_space_is_certain_and_noise_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    c = 6 * np.eye(3, 5)
    unsure = rng.normal(size=600) ** 2
    run = Run.create(tmp_path / "run")
    run.log(c[y] + unsure[:, None] * rng.normal(size=(600, 5)), y, c, epoch=0, reference_centres=c)
    run.log(rng.normal(size=(600, 5)), y, c, epoch=1, reference_centres=c)
    sure, noise = (measure_certainty(load_history(run), t, "euc_ce")[0] for t in (0, 1))
    assert {r.place: r.pairs for r in sure.relations}["margin"] > 0.75
    assert {r.place: r.pairs for r in noise.relations}["margin"] == pytest.approx(0.5, abs=0.08)
    assert sure.reliability.error < 0.08
    assert noise.reliability.groups[-1].mean < 0.6  # the fitted temperature says that nothing is certain
    assert "in words" not in describe(sure)
    assert "% of the pairs" in describe(sure)


def test_images_that_gave_the_centres_are_not_judged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    run = Run.create(tmp_path / "run")
    run.log(rng.normal(size=(400, 300)), np.arange(400) % 4)  # pure noise, centres from half of it
    certainties = measure_certainty(load_history(run))
    assert {c.n for c in certainties} == {200}
    assert {c.classifier: c.accuracy for c in certainties} == pytest.approx(run.metrics[0]["accuracy"])
    assert all(c.accuracy < 0.4 for c in certainties)


def test_always_right_and_a_single_class(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run")
    c = np.array([[0.0, 1.0], [1.0, 0.0]])
    run.log(np.repeat(c, 11, axis=0) + 0.01, np.repeat([0, 1], 11), c, reference_centres=c)
    for certainty in measure_certainty(load_history(run)):
        assert certainty.accuracy == 1
        assert certainty.reliability.n == 10  # of 22: the temperature was fitted to six of each class
        assert all(r.risk.aurc == 0 and math.isnan(r.pairs) for r in certainty.relations)
        assert "always right" in describe(certainty)
        json.dumps(figures.draw_groups([certainty], "margin").to_dict())


def test_a_class_without_a_centre_and_a_linear_head(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2  # of three classes
    run = Run.create(tmp_path / "run", class_names=["a", "b", "c"])
    run.log(rng.normal(size=(60, 4)) + 3 * np.eye(3, 4)[y], y, weight=np.eye(3, 4))
    certainties = {c.classifier: c for c in measure_certainty(load_history(run))}
    assert list(certainties) == classifiers_of("linear")
    assert [r.place for r in certainties["argmax"].relations] == ["centre_distance", "margin"]
    assert all(math.isfinite(c.reliability.temperature) for c in certainties.values())


def test_an_unknown_snapshot_or_classifier_is_an_error(history: History) -> None:
    with pytest.raises(InputError, match="has snapshots 0 to"):
        measure_certainty(history, 99)
    with pytest.raises(InputError, match="unknown classifier 'argmax'; choose from cos, cos_ce, euc, euc_ce"):
        measure_certainty(history, None, "argmax")


def test_the_figures_show_every_classifier(history: History) -> None:
    certainties = measure_certainty(history)
    by_group = figures.draw_groups(certainties, "margin")
    for figure in (by_group, figures.draw_reliability(certainties)):
        assert [trace.name for trace in figure.data] == classifiers_of("targets")
        for trace in figure.data:
            assert (np.asarray(trace.y) + np.asarray(trace.error_y.array) <= 1).all()
    for trace, each in zip(by_group.data, certainties, strict=True):
        assert len(trace.y) == len(each.relations[0].groups)
    curve = figures.draw_risk_coverage(certainties, "margin").data[0]
    assert curve.y[-1] == pytest.approx(1 - certainties[0].accuracy)
    assert figures.draw_groups([], "margin").data == ()


def test_the_command_prints_a_line_a_classifier(finished_run: Path) -> None:
    code = (
        "import typer; from mtm.cli import run_app; from explorer.explore import commands;"
        "app = typer.Typer(); app.command('certainty')(commands.certainty); app.callback()(lambda: None);"
        "run_app(app, 'explorer')"
    )
    line = [sys.executable, "-c", code, "certainty", str(finished_run)]
    done = subprocess.run([*line, "--json", "--snapshot", "-2"], capture_output=True, text=True, check=True)
    rows = [json.loads(text) for text in done.stdout.splitlines()]
    assert [row["classifier"] for row in rows] == classifiers_of("targets")
    assert rows[0]["snapshot"] == 1
    assert rows[0]["relations"][0]["risk"]["aurc"] >= rows[0]["relations"][0]["risk"]["best"]
    table = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert "to the decided point" in table
    assert "pairs" in table
    refused = subprocess.run([*line, "--snapshot", "99"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_scores_do_not_depend_on_the_chunk(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measure_certainty(history)
    monkeypatch.setattr(module, "CHUNK", 40)
    assert [c.reliability.temperature for c in measure_certainty(history)] == pytest.approx(
        [c.reliability.temperature for c in whole]
    )
