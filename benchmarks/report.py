"""How long the report takes over the paper's 75 experiments of 30 epochs each.

    python benchmarks/report.py

The run folders are made up by `plausible_runs`: the paper's accuracies with a little noise, curves as it describes
them, embeddings of a few images about class centres in D = 64. Reading is what the report spends before it draws.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import plotly
from common import Claim, parser, report, side_row

from explorer.results.chosen_runs import ChosenRuns, choose_runs
from explorer.results.command import write_report
from mtm.config import TrainConfig
from mtm.paper.tables import Experiment, list_experiments
from mtm.run_folder.snapshots import Points, make_snapshot, measure
from mtm.runs import Run

IMAGES, DIM, EPOCHS = 200, 64, 30
CLASSES = {"cifar100": 100}
GROWTH = {  # of sigma and of the class centres' distances, from the first epoch to the last
    "euclidean": (0.4, 0.8), "cosine": (1.6, 2.2), "class_proximity": (1.02, 1.4), "push_pull": (1.15, 1.8),
    "pure": (1.2, 1.3),
}  # fmt: skip


def plausible_runs(
    folder: Path, experiments: Sequence[Experiment], epochs: int = EPOCHS, images: int = IMAGES, dim: int = DIM
) -> None:
    """Run folders as trainings of some experiments might have left them, one each."""
    for seed, experiment in enumerate(experiments):
        hyperparameters = experiment.hyperparameters() | ({"dim": dim} if experiment.loss != "pure" else {})
        config = TrainConfig(**experiment.setup() | {"epochs": epochs, "record": images} | hyperparameters)
        run = Run.create(folder / experiment.cell.name.lower().replace("/", "-"), config)
        _train(run, experiment, epochs, images, dim, np.random.default_rng(seed))
        run.finish()


def _train(run: Run, experiment: Experiment, epochs: int, images: int, dim: int, rng: np.random.Generator) -> None:
    n_classes = CLASSES.get(experiment.dataset, 10)
    names = tuple(f"class {k}" for k in range(n_classes))
    y = np.arange(images) % n_classes
    points = Points(y, np.arange(images), names, rng.integers(0, 256, (images, 36, 36), dtype=np.uint8))
    centres, noise = rng.normal(0, 1, (n_classes, dim)), rng.normal(0, 0.3, (images, dim))
    scale = rng.uniform(0.7, 1.4)
    final = {name: value for name, value in experiment.cell.accuracy.items() if value is not None}
    for epoch in range(epochs + 1):
        share = epoch / epochs
        tight, apart = (scale * factor**share * rng.normal(1, 0.01) for factor in GROWTH[experiment.loss])
        centres = centres + rng.normal(0, 0.01, centres.shape)
        e = ((apart * centres)[y] + tight * noise).astype(np.float32)  # (N, D)
        targets = (apart * centres + rng.normal(0, 0.02, centres.shape)).astype(np.float32)
        c = None if experiment.loss == "pure" else targets
        head = (centres.astype(np.float32), np.zeros(n_classes, np.float32)) if c is None else None
        learnt = 1 - 0.5 * np.exp(-8 * share) if epoch else 0.1
        accuracy = {name: min(1.0, value / 100 * learnt + rng.normal(0, 5e-4)) for name, value in final.items()}
        row = measure(e, y, c, n_classes) | {"loss": 1 - learnt, "n": 10_000, "split": "test", "accuracy": accuracy}
        reference = (apart * centres).astype(np.float32)
        run.record(make_snapshot(epoch, float(epoch), points, e, c, head, reference, row))


def in_two_dimensions(folder: Path, epochs: int = 3) -> None:
    """A run for the figures of a plane."""
    experiment = Experiment("fashion-mnist", "resnet18", "euclidean")
    config = TrainConfig(**experiment.setup() | {"epochs": epochs, "dim": 2, "record": 500})
    run = Run.create(folder / "plane", config)
    _train(run, experiment, epochs, 500, 2, np.random.default_rng(0))
    run.finish()


def measure_report(options: argparse.Namespace, folder: Path) -> None:
    every = list_experiments()
    epochs = 3 if options.quick else EPOCHS
    began = time.perf_counter()
    plausible_runs(folder / "runs", every, epochs)
    in_two_dimensions(folder / "runs")
    print(f"{len(every) + 1} run folders made in {time.perf_counter() - began:.0f} s")
    reading, writing, busy = list[float](), list[float](), list[float]()
    for repetition in range(1 if options.quick else options.repetitions):
        before = time.process_time()
        began = time.perf_counter()
        runs: ChosenRuns = choose_runs({"": folder / "runs"})
        reading.append(time.perf_counter() - began)
        began = time.perf_counter()
        write_report(runs, folder / f"report-{repetition}", Path("data"))
        writing.append(time.perf_counter() - began)
        busy.append(time.process_time() - before)
    total = [a + b for a, b in zip(reading, writing, strict=True)]
    files = [path for path in (folder / "report-0").rglob("*") if path.is_file()]
    sides = [
        side_row("reading the runs", reading, "s"),
        side_row("drawing and writing", writing, "s"),
        side_row("both, CPU", busy, "s"),
    ]
    claim = Claim(f"s for the report from 75 runs of {epochs} epochs", total, at_most=60)
    size = sum(path.stat().st_size for path in files) / 1e6
    note = f"{len(files)} files, {size:.0f} MB; matplotlib {matplotlib.__version__}, plotly {plotly.__version__}."
    report("report.py", sides, [claim], options, note)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        measure_report(parser(__doc__, 3).parse_args(), Path(temporary))
