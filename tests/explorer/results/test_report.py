"""The report: its tables and figures are the runs' own numbers, and its verdicts follow from numbers alone."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from conftest import ROOT, open_tab, served_explorer, small

from explorer.export.print.plots import draw_plot
from explorer.figures.colours import class_colour
from explorer.results import tables
from explorer.results.chosen_runs import ChosenRuns, TrainedRun, choose_runs
from explorer.results.claims import on_curves
from explorer.results.claims.paper_claims import CLAIMS, IN_FIGURES, NOT_TESTED, judge_claims, paper_accuracies
from explorer.results.claims.verdict import ALL, FAILS, GENERALLY, HOLDS, UNKNOWN, Case, judge
from explorer.results.command import report, write_report
from explorer.results.document import build_document
from explorer.results.figures import catalogue as figures
from explorer.results.figures import curves, embedding, images
from explorer.results.figures.images import Sample
from explorer.results.reports import print_figure
from mtm.classifiers import CLASSIFIERS
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.paper.tables import LOSS_NAMES, Cell, Experiment, list_experiments
from mtm.run_folder.summary import Best
from mtm.runs import Run
from mtm.train_loop.recorder import record_training

EPOCHS = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up runs of the paper's models on F-MNIST but for RN101-PP, one twice, and one on MNIST; and real ones of the
    digits with every loss, the Euclidean one in two dimensions."""
    runs_folder = tmp_path_factory.mktemp("report") / "runs"
    fashion = [e for e in list_experiments() if e.dataset == "fashion-mnist" and e.cell.model != "RN101-PP"]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        import report as benchmark

        shape = {"epochs": EPOCHS, "images": 40, "dim": 8}
        benchmark.plausible_runs(
            runs_folder / "search", [*fashion, Experiment("mnist", "resnet18", "euclidean")], **shape
        )
        benchmark.plausible_runs(runs_folder / "again", fashion[:1], **shape)
    _lower_accuracies(runs_folder / "again" / "f-mnist-rn18-e" / "metrics.jsonl")
    for loss in LOSS_NAMES:
        head: dict[str, object] = {"head": "linear", "dim": 64} if loss == "pure" else {"loss": loss, "dim": 2}
        config = small(epochs=3, train_images=100, centre_images=50, record=50, **head)
        record_training(Run.create(runs_folder / f"digits-{loss}", config))
    Run.create(runs_folder / "empty", TrainConfig())
    Run.create(runs_folder / "foreign").log(np.eye(4), [0, 0, 1, 1])
    return runs_folder


@pytest.fixture(scope="module")
def runs(folder: Path) -> ChosenRuns:
    return choose_runs({"": folder})


def _lower_accuracies(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["accuracy"] = {name: 0.9 * value for name, value in row["accuracy"].items()}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def stored_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows at the ends of epochs, from the file."""
    rows = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["split"] == "test" and row["epoch"] > 0]


def texts_by_name(table: tables.Table) -> dict[str, list[str]]:
    return {name: [text.text for text in texts] for name, texts in table.rows}


# Which runs


def test_runs_are_found_at_any_depth_and_what_cannot_be_used_says_why(runs: ChosenRuns) -> None:
    assert len(runs.usable) == 14 + 1 + 1 + 6
    assert {cell.dataset for cell in runs.by_cell} == {"F-MNIST", "MNIST", "digits"}
    assert set(runs.passed_over) == {"empty", "foreign"}
    assert "no epoch" in runs.passed_over["empty"]
    assert "another program" in runs.passed_over["foreign"]
    with pytest.raises(InputError, match="there is no folder"):
        choose_runs({"": Path("nowhere")})


def test_of_two_runs_the_better_one_stands_for_the_experiment_and_the_report_says_so(runs: ChosenRuns) -> None:
    cell = Cell("F-MNIST", "RN18", "E")
    assert runs.by_cell[cell].name == "search/f-mnist-rn18-e"
    assert [run.name for run in runs.rivals(cell)] == ["again/f-mnist-rn18-e"]
    row = texts_by_name(tables.runs_table(runs))[cell.name]
    assert row[0] == "search/f-mnist-rn18-e"
    assert "best of 2 runs by validation accuracy (not again/f-mnist-rn18-e)" in row[3]


def test_the_report_says_how_a_run_differs_from_the_paper_s(runs: ChosenRuns) -> None:
    differences = runs.by_cell[Cell("F-MNIST", "RN18", "E")].differences
    assert differences == ["4 epochs instead of up to 30", "D 8 instead of 1,351"]


def test_damaged_runs_give_what_is_whole(folder: Path, tmp_path: Path) -> None:
    names = {
        "e": "nothing measured",
        "c": "no snapshots",
        "cp": "no images",
        "p": "half a snapshot",
        "pp": "no such loss",
    }
    for name in names:
        shutil.copytree(folder / "search" / f"f-mnist-rn18-{name}", tmp_path / name)
    rows = [json.loads(line) for line in (tmp_path / "e" / "metrics.jsonl").read_text().splitlines()]
    rows = [
        {key: None if isinstance(value, float) and key != "epoch" else value for key, value in r.items()} for r in rows
    ]
    (tmp_path / "e" / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.rmtree(tmp_path / "c" / "snapshots")
    (tmp_path / "cp" / "points.safetensors").unlink()
    half = tmp_path / "p" / "snapshots" / "000002.safetensors"
    half.write_bytes(half.read_bytes()[:1000])
    config = tmp_path / "pp" / "config.json"
    config.write_text(config.read_text().replace("push_pull", "pull_push"))
    shutil.copytree(folder / "search" / "f-mnist-rn18-pp", tmp_path / "own")
    config = tmp_path / "own" / "config.json"
    config.write_text(config.read_text().replace("push_pull", "of_mine:Loss"))
    runs = choose_runs({"": tmp_path})
    assert list(runs.passed_over) == ["own", "pp"]
    assert runs.passed_over["own"] == "its loss, of_mine:Loss, is not one of the paper's"
    assert "pull_push" in runs.passed_over["pp"]
    assert len(runs.by_cell) == 4
    assert build_document(runs, None)
    for figure in figures.all_figures(runs, None):
        if figure.draw:
            figure.draw()
    assert np.isnan(runs.by_cell[Cell("F-MNIST", "RN18", "P")].rho_to_first_centre).tolist() == [
        False,
        True,
        False,
        False,
    ]


# Tables


def test_tables_have_the_paper_s_number_ours_and_the_difference(runs: ChosenRuns, folder: Path) -> None:
    table = texts_by_name(tables.accuracy_table(runs, "F-MNIST"))
    for experiment in (e for e in list_experiments() if e.dataset == "fashion-mnist" and e.cell.model != "RN101-PP"):
        rows = stored_rows(folder, f"search/{experiment.cell.name.lower().replace('/', '-')}")
        best = max(rows, key=lambda row: max(row["accuracy"].values()))["accuracy"]
        texts = table[experiment.cell.model]
        for i, name in enumerate(CLASSIFIERS):
            paper, ours, difference = texts[3 * i : 3 * i + 3]
            theirs = experiment.cell.accuracy.get(name)
            if theirs is None:
                assert (paper, ours, difference) == ("–", "–", "–")
                continue
            assert paper == f"{theirs:.2f}"
            assert ours == f"{100 * best[name]:.2f}"
            assert float(difference.replace("−", "-")) == pytest.approx(100 * best[name] - theirs, abs=0.0051)


def test_what_has_not_been_run_is_a_dash_and_is_named(runs: ChosenRuns) -> None:
    table = tables.accuracy_table(runs, "F-MNIST")
    assert texts_by_name(table)["RN101-PP"] == [
        "90.84",
        "–",
        "–",
        "90.89",
        "–",
        "–",
        "90.85",
        "–",
        "–",
        "90.87",
        "–",
        "–",
        *"–––" * (len(CLASSIFIERS) - 4),
    ]
    assert "No run of RN101-PP." in table.notes
    assert "No run of RN18-*, RN50-*, RN101-*." in tables.accuracy_table(runs, "CIFAR100").notes


def test_other_data_has_rows_without_a_number_of_the_paper(runs: ChosenRuns, folder: Path) -> None:
    table = texts_by_name(tables.accuracy_table(runs, "digits"))
    assert set(table) == {f"convnet-{letter}" for letter in ("E", "C", "CP", "PP", "P", "Comparison")}
    rows = stored_rows(folder, "digits-cosine")
    best = max(max(row["accuracy"].values()) for row in rows)
    assert f"{100 * best:.2f}" in table["convnet-C"]
    assert all(set(row[0::3]) == set(row[2::3]) == {"–"} for row in table.values())


def test_the_table_of_published_models_has_the_best_of_the_paper_and_of_ours(runs: ChosenRuns) -> None:
    table = texts_by_name(tables.published_table(runs))
    assert table["RN18-P"][9:12] == ["72.60", "–", "–"]  # CIFAR10: the best of its classifiers is cos
    ours = max(max(run.accuracy.values()) for run in runs.of("F-MNIST"))
    assert table["best model of each"][3:5] == ["91.36", f"{ours:.2f}"]


def test_hyperparameters_are_those_of_the_runs(runs: ChosenRuns) -> None:
    assert texts_by_name(tables.hyperparameter_table(runs, "F-MNIST"))["RN18-CP"] == [
        "8.486e-04", "8.486e-04", "=", "1,247", "8", "× 0.00642", "400,738", "400,738", "=",
    ]  # fmt: skip


# Curves


@pytest.mark.parametrize(
    ("draw", "measure"),
    [
        (curves.draw_cluster_size, "cluster_size"),
        (curves.draw_centre_distance, "centre_distance"),
        (curves.draw_cosine, "median_cosine_similarity"),
    ],
)
@pytest.mark.parametrize("dataset", ["F-MNIST", "digits"])
def test_curves_are_the_runs_own_rows(runs: ChosenRuns, folder: Path, draw: Any, measure: str, dataset: str) -> None:
    traces = {trace.name: trace for trace in draw(runs, dataset).data}
    assert set(traces) == {run.cell.model for run in runs.of(dataset)}
    for run in runs.of(dataset):
        rows = stored_rows(folder, run.name)
        assert list(traces[run.cell.model].x) == [row["epoch"] for row in rows]
        np.testing.assert_allclose(traces[run.cell.model].y, [row[measure] for row in rows])


def test_accuracy_over_time_is_that_of_the_best_classifier(runs: ChosenRuns, folder: Path) -> None:
    trace = next(t for t in curves.draw_accuracy_over_time(runs, "digits").data if t.name == "convnet-P")
    rows = stored_rows(folder, "digits-pure")
    best = max((value, name) for row in rows for name, value in row["accuracy"].items())[0]
    assert max(trace.y) == pytest.approx(100 * best)


def test_rho_against_sigma_is_measured_from_the_first_global_centre(runs: ChosenRuns) -> None:
    run = runs.by_cell[Cell("F-MNIST", "RN50", "C")]
    trace = next(t for t in curves.draw_rho_sigma(runs, "F-MNIST").data if t.name == "RN50-C")
    g = [np.asarray(run.run.snapshot(t).reference_centres, np.float64) for t in range(1, EPOCHS + 1)]
    origin = np.sum(g[0], axis=0) / len(g[0])
    expected = [sum(math.dist(point, origin) for point in now) / len(now) for now in g]
    np.testing.assert_allclose(trace.y, expected, rtol=1e-6)
    assert run.rho_to_first_centre[-1] != pytest.approx(run.rows[-1]["centre_distance"], rel=1e-6)


def test_bars_are_as_high_as_the_best_accuracy_and_as_wide_as_the_network(runs: ChosenRuns) -> None:
    plot = curves.draw_accuracy_bars(runs, "F-MNIST")
    bars = next(trace for trace in plot.data if trace.name == "Cosine")
    parts = zip(bars.customdata, bars.x, bars.y, bars.width, strict=True)
    of = {tuple(about): (x, y, width) for about, x, y, width in parts}
    for network in ("RN18", "RN50", "RN101"):
        assert of[f"{network}-C", "euc"][1] == runs.by_cell[Cell("F-MNIST", network, "C")].accuracy["euc"]
    assert of["RN18-C", "euc"][2] < of["RN50-C", "euc"][2] < of["RN101-C", "euc"][2]
    paper = next(trace for trace in plot.data if trace.name == "the paper's")
    theirs = dict(zip(paper.x, paper.y, strict=True))
    assert theirs[of["RN18-C", "euc"][0]] == 88.23  # on the same place as the bar
    every = [pair for trace in plot.data if trace.type == "bar" for pair in zip(trace.x, trace.width, strict=True)]
    every.sort()
    assert all(x + w / 2 <= y - v / 2 for (x, w), (y, v) in itertools.pairwise(every))  # none over another


def test_separation_has_a_line_for_every_data_set_of_its_smallest_network(runs: ChosenRuns, folder: Path) -> None:
    values = {trace.name: list(trace.y) for trace in curves.draw_separation(runs, "CP").data}
    assert set(values) == {"F-MNIST", "digits (convnet)"}
    assert values["digits (convnet)"] == [
        row["mean_centre_separation"] for row in stored_rows(folder, "digits-class_proximity")
    ]


def test_figures_have_the_paper_s_numbers_and_say_what_they_lack(runs: ChosenRuns) -> None:
    every = {figure.key: figure for figure in figures.all_figures(runs, None)}
    numbered = {figure.label for figure in every.values() if figure.label}
    assert numbered == {f"Figure {n}" for n in (1, 2, 3, 4, 8, *range(11, 50))}
    assert every["fig47"].title == "Cluster size σ over time, F-MNIST"
    assert every["fig36"].lacks == "no run on K-MNIST"
    assert every["fig36"].draw is None
    assert every["fig15"].lacks == "no run of RN101-PP"
    assert every["fig20"].lacks == "no run of RN50-*, RN101-*, *-C, *-CP, *-PP, *-P"
    assert every["digits-accuracy"].draw is not None
    assert every["fig13"].draw is None  # from the data alone


# The space


def test_figures_of_the_plane_show_the_snapshot(runs: ChosenRuns) -> None:
    run = runs.plane
    assert run is not None
    assert run.cell.name == "digits/convnet-E"
    plane = embedding.Plane.of(run)
    last = run.run.snapshot(-1)
    centres = np.stack([plane.e[plane.y == k].mean(axis=0) for k in range(10)])
    np.testing.assert_allclose(plane.g, centres)
    plot = embedding.draw_target_regions(plane)
    outlines = [trace for trace in plot.data if trace.fill == "toself"]
    assert last.class_embeddings is not None
    for trace in outlines:  # the middle of a region is nearest to the class that it has the colour of
        middle = np.mean([trace.x[:-1], trace.y[:-1]], axis=1)
        nearest = np.linalg.norm(last.class_embeddings.astype(np.float64) - middle, axis=1).argmin()
        assert trace.fillcolor == class_colour(int(nearest))
    rings = [
        trace
        for trace in embedding.draw_sizes(plane).data
        if trace.text and "σ" in str(trace.text) and len(trace.x) > 2
    ]
    for k, trace in enumerate(rings):
        radius = np.hypot(np.asarray(trace.x) - centres[k, 0], np.asarray(trace.y) - centres[k, 1])
        expected = np.median([math.dist(point, centres[k]) for point in plane.e[plane.y == k]])
        np.testing.assert_allclose(radius, expected)
    assert len(rings) == 10


def test_the_illustrated_image_is_nearer_to_another_class_embedding() -> None:
    c = np.array([[0.0, 0], [4, 0], [0, 4]])
    e = np.array([[0.5, 0], [3, 0], [0, 3.5], [1, 0]])
    plane = embedding.Plane(e, np.array([0, 1, 2, 1]), c, ("a", "b", "c"), None, "ResNet-18")
    names = [trace.name for trace in embedding.draw_wrong_image(plane).data if trace.name]
    assert names[:2] == ["nearest: a, 1 away", "own: b, 3 away"]
    inside = embedding.is_inside(np.array([[1.0, 1], [3, 3], [-1, 0]]), c)
    assert inside.tolist() == [True, False, False]
    names = [trace.name for trace in embedding.draw_between(plane).data if trace.name]
    assert names[-1] == "nearest to another: 25% of those inside"


def test_the_transforms_are_the_paper_s() -> None:
    image = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    plot = images.draw_transforms({"F-MNIST": Sample(image, True), "CIFAR100": Sample(image, False)})
    pixels = [np.asarray(trace.z) for trace in plot.data if trace.type == "image"]
    assert [z.shape for z in pixels] == [(28, 28, 3), (44, 44, 3), (36, 36, 3), (36, 36, 3)]
    np.testing.assert_array_equal(pixels[2], pixels[1][4:40, 4:40])
    z = np.clip((pixels[2] - 33.3149) / 78.5639 / images.MAX_DEVIATIONS, -1, 1)
    np.testing.assert_allclose(pixels[3], (z + 1) / 2 * 255, atol=1)


# Claims

ON_THE_PAPER = {
    "targets-as-centres": (HOLDS, "39 of 45"),
    "harder": (HOLDS, "45 of 45"),
    "chance": (HOLDS, "75 of 75"),
    "within-published": (HOLDS, "3 of 3"),
    "beats-none": (FAILS, "0 of 3"),
    "mlp": (HOLDS, "2 of 2"),
    "who-is-best": (HOLDS, "5 of 5"),
    "smallest": (HOLDS, "22 of 25"),
    "smallest-elsewhere": (HOLDS, "F-MNIST 3 of 5, elsewhere 19 of 20"),
    "exceptions": (HOLDS, "2 of 2"),
    "cosine-lowest": (FAILS, "4 of 15"),
    "cosine-euc-lowest": (HOLDS, "13 of 15"),
    "cos-equals-euc": (HOLDS, "12 of 15"),
    "cost": (HOLDS, "11 of 15"),
    "cost-each": (HOLDS, "31 of 60"),
}


def test_the_paper_s_own_tables_are_judged(runs: ChosenRuns) -> None:
    for claim, on_paper, _ in judge_claims(runs):
        if claim.key in ON_THE_PAPER:
            word, numbers = ON_THE_PAPER[claim.key]
            assert on_paper.word == word, claim.key
            assert numbers in on_paper.numbers, claim.key
        else:
            assert on_paper.word in (IN_FIGURES, NOT_TESTED), claim.key
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)


def test_tables_turned_round_are_judged_the_other_way() -> None:
    """ResNet-18 and ResNet-101 swapped; five points less for every model with moving targets."""
    of = {claim.key: claim for claim in CLAIMS}
    swapped = {"RN18": "RN101", "RN101": "RN18", "RN50": "RN50"}
    turned = {Cell(c.dataset, swapped[c.network], c.loss): values for c, values in paper_accuracies().items()}
    down = {"E", "C", "CP", "PP"}
    lowered = {c: {n: v - 5 * (c.loss in down) for n, v in values.items()} for c, values in paper_accuracies().items()}
    for key, table in (("smallest", turned), ("exceptions", turned), ("cost", lowered), ("who-is-best", lowered)):
        test = of[key].on_tables
        assert test is not None
        assert judge(test(table), of[key].share).word == FAILS, key


def test_a_verdict_counts_cases() -> None:
    cases = [Case(str(i), i < 3, "", float(i)) for i in range(4)]
    assert judge(cases, ALL).word == FAILS
    assert judge(cases, GENERALLY).word == HOLDS
    assert judge(cases[2:], GENERALLY).word == FAILS  # one of two is not more than half
    assert judge([], ALL).word == UNKNOWN
    assert "3 of 4" in judge(cases, ALL).numbers


def test_a_trend_is_the_factor_from_the_first_epoch_to_the_last() -> None:
    epochs = [1.0, 2.0, 3.0, 4.0]
    assert on_curves.trend(epochs, [2 * 0.5**epoch for epoch in epochs]) == pytest.approx(1 / 8)
    assert on_curves.trend(epochs[:2], [1, 2]) is None
    assert on_curves.trend(epochs, [1, 2, 0, 3]) is None


def make_run(loss: str, sigma: float, rho: float, apart: float, epochs: int = 4, r: float | None = None) -> TrainedRun:
    """A run whose measures change by the given factors."""
    rows = []
    for epoch in range(1, epochs + 1):
        share = (epoch - 1) / (epochs - 1)
        rows.append(
            {"epoch": float(epoch), "cluster_size": sigma**share, "centre_distance": 5 * rho**share, "snapshot": epoch,
             "mean_centre_separation": 8 * apart**share, "median_cosine_similarity": 0.9, "target_gap": 0.1,
             "target_separation": 8 * apart, "accuracy": {"euc": 0.9}, "split": "test"}
        )  # fmt: skip
    config = {"head": "targets", "dim": 8, "lr": 1e-3, "loss": "class_proximity", "r": r}
    run = Run(Path("nowhere"), {"config": config})
    return TrainedRun(f"{loss}-{r}", run, Cell("F-MNIST", "RN18", loss), rows, Best(rows[-1], "euc", "test"))


@pytest.mark.parametrize(
    ("key", "holds", "fails"),
    [
        ("sigma-falls", make_run("E", 0.5, 1, 1), make_run("E", 0.9, 1, 1)),
        ("rho-falls", make_run("E", 0.5, 0.9, 1), make_run("E", 0.5, 1.1, 1)),
        ("rho-slower", make_run("E", 0.5, 0.9, 1), make_run("E", 0.5, 0.4, 1)),
        ("apart", make_run("E", 1, 1, 1), make_run("E", 9, 1, 1)),
        ("cosine-out", make_run("C", 1.2, 1.4, 1), make_run("C", 0.9, 1.4, 1)),
        ("cosine-outgrows", make_run("C", 1.2, 1.4, 1), make_run("C", 1.5, 1.4, 1)),
        ("proximity-separates", make_run("CP", 1, 1, 1.3), make_run("CP", 1, 1, 0.9)),
        ("proximity-sigma", make_run("CP", 1.1, 1, 1.3), make_run("CP", 1.4, 1, 1.3)),
        ("push-pull-separates", make_run("PP", 1.1, 1, 1.5), make_run("PP", 1.1, 1, 0.9)),
        ("push-pull-sigma", make_run("PP", 1.1, 1, 1.5), make_run("PP", 1.6, 1, 1.5)),
        ("targets-in-clusters", make_run("E", 1, 1, 1), make_run("E", 0.01, 1, 1)),
    ],
)
def test_curves_are_judged(key: str, holds: TrainedRun, fails: TrainedRun) -> None:
    def word(*runs: TrainedRun) -> str:
        return next(verdict.word for claim, _, verdict in judge_claims(ChosenRuns(list(runs), {})) if claim.key == key)

    assert (word(holds), word(fails), word()) == (HOLDS, FAILS, UNKNOWN)
    if key not in ("apart", "targets-in-clusters"):
        short = TrainedRun(holds.name, holds.run, holds.cell, holds.rows[:2], holds.best)
        assert word(short) == UNKNOWN


def test_proximity_with_a_small_r_is_compared_with_euclidean() -> None:
    twin = make_run("E", 1, 1, 1)
    for r, apart, small_word, large_word in ((100, 1.02, HOLDS, UNKNOWN), (100, 1.5, FAILS, UNKNOWN),
                                             (1e5, 1.5, UNKNOWN, HOLDS), (1e5, 1.02, UNKNOWN, FAILS)):  # fmt: skip
        runs = ChosenRuns([twin, make_run("CP", 1, 1, apart, r=r)], {})
        words = {claim.key: verdict.word for claim, _, verdict in judge_claims(runs)}
        assert (words["small-r"], words["large-r"]) == (small_word, large_word)


# Files


def test_a_printed_figure_keeps_its_text_and_refuses_what_it_does_not_know(runs: ChosenRuns) -> None:
    every = {figure.key: figure for figure in figures.all_figures(runs, None)}
    for key in ("fig01", "fig08", "fig12", "fig14", "fig17", "fig19"):
        figure = every[key]
        assert figure.draw is not None
        assert figure.draw().layout.width == figure.size[0]
        (svg,) = print_figure(figure, figure.draw(), "svg")
        assert f"{figure.label}: {figure.title}".encode() in svg
        if key == "fig17":
            assert b"RN101-C" in svg
            assert b"no run of RN101-PP" in svg
    with pytest.raises(InputError, match="'pie'"):
        draw_plot(go.Figure(go.Pie(values=[1])), (400, 300), "", "")


@pytest.fixture(scope="module")
def report_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report over the digits alone."""
    digits_folder, out = tmp_path_factory.mktemp("digits"), tmp_path_factory.mktemp("out") / "report"
    for loss in ("cosine", "pure"):
        shutil.copytree(folder / f"digits-{loss}", digits_folder / loss)
    report(digits_folder, out)
    return out


def test_the_command_writes_one_page_markdown_and_every_figure_in_three_formats(report_folder: Path) -> None:
    page, text = ((report_folder / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    keys = set(re.findall(r'data-figure="([\w-]+)"', page))
    assert {"digits-accuracy", "digits-rho-sigma"} <= keys
    for key in keys:
        assert (report_folder / "figures" / f"{key}.svg").read_bytes()[:5] == b"<?xml"
        assert (report_folder / "figures" / f"{key}.pdf").read_bytes()[:5] == b"%PDF-"
        assert f'id="data-{key}"' in (report_folder / "figures" / f"{key}.html").read_text(encoding="utf-8")
        assert f"](figures/{key}.svg)" in text
    for label in [f"Table {n}" for n in range(1, 10)]:
        assert f">{label}. " in page
        assert f"### {label}. " in text
    assert "convnet-C" in text
    assert "not enough runs" in text
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'(?:src|href)="(?!figures/|#)', markup)  # all of it is in the page


def test_a_folder_without_runs_gives_the_paper_alone(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    runs = choose_runs({"": tmp_path / "runs"})
    write_report(runs, tmp_path / "out")
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "No run has finished an epoch yet." in text
    assert "| RN18-E | 99.46 | – | – |" in text
    assert all(figure.draw is None for section in build_document(runs, None) for figure in section.figures)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="it is a file"):
        report(tmp_path / "runs", tmp_path / "file")


# In the browser


@pytest.fixture(scope="module")
def page(tabs: Any, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The Results page of the runs."""
    with served_explorer(folder, tmp_path_factory.mktemp("served")) as address, open_tab(tabs) as opened:
        opened.goto(f"{address}/results")
        opened.wait_for_selector('#results-report[data-state="shown"]')
        yield opened


def test_the_results_page_shows_the_tables_and_draws_what_comes_into_view(page: Any, runs: ChosenRuns) -> None:
    row = page.locator("#accuracy-f-mnist + .report-scroll tbody tr").first
    row_texts = row.locator("th, td").all_inner_texts()
    texts = dict(tables.accuracy_table(runs, "F-MNIST").rows)["RN18-E"]
    assert row_texts == ["RN18-E", *(text.text for text in texts)]
    assert page.locator("#fig47 [data-drawn]").count() == 0
    page.locator("#fig47").scroll_into_view_if_needed()
    page.wait_for_selector('#fig47 [data-drawn="true"]')
    curve = page.evaluate("Array.from(document.querySelector('#fig47 .report-plot').data[0].y)")
    np.testing.assert_allclose(curve, runs.by_cell[Cell("F-MNIST", "RN18", "E")].curve("cluster_size")[1])
    words = page.locator("#smallest .report-verdict b").all_inner_texts()
    assert words[0] == "holds"
    assert page.locator('#used + .report-scroll a[href="/?run=digits-cosine"]').count() == 1
    assert page.errors == []


def test_figures_of_the_results_page_can_be_taken_along(page: Any) -> None:
    for kind, start in (("svg", b"<?xml"), ("pdf", b"%PDF-"), ("html", b"<!doc")):
        response = page.request.get(page.url.replace("/results", f"/api/report/figures/digits-cosine.{kind}"))
        assert response.ok
        assert response.body()[:5] == start
    response = page.request.get(page.url.replace("/results", "/api/report/figures/fig99.svg"))
    assert response.status == 404
    assert "there is no figure 'fig99'" in response.json()["error"]


def test_the_results_page_fits_a_narrow_window(page: Any) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    page.set_viewport_size({"width": 1440, "height": 900})


def test_the_written_page_opens_from_disk_and_asks_for_nothing(new_page: Any, report_folder: Path) -> None:
    opened = new_page(1280)
    urls: list[str] = []
    opened.on("request", lambda request: urls.append(request.url))
    address = (report_folder / "report.html").as_uri()
    opened.goto(address)
    opened.locator("#digits-accuracy").scroll_into_view_if_needed()
    opened.wait_for_selector('#digits-accuracy [data-drawn="true"]')
    assert [url for url in urls if not url.startswith(("data:", "blob:"))] == [address]
    opened.goto((report_folder / "figures" / "digits-accuracy.html").as_uri())
    opened.wait_for_selector('[data-drawn="true"]')
    assert opened.errors == []
