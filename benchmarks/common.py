"""What the benchmarks share: interleaved timing, the machine, Markdown tables, mtm's own training loop in chunks."""

from __future__ import annotations

import argparse
import contextlib
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
import torch

from mtm.config import TrainConfig
from mtm.data import Dataset, Split
from mtm.errors import Stopped
from mtm.runs import Run
from mtm.train_loop.recorder import _Heartbeat
from mtm.training import _Training

BATCH = 128
LOAD_BEFORE = psutil.getloadavg()[0]  # other work on the machine: near 0, or the numbers mean little
GREY = {"mean": (33.3149,), "std": (78.5639,)}  # Table 2, on pixel values 0..255


def parser(docstring: str | None, repetitions: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    options = argparse.ArgumentParser(description=docstring, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="only see that it works; the numbers mean nothing")
    options.add_argument("--repetitions", type=int, default=repetitions, help="of each side (%(default)s)")
    return options


def interleave(
    sides: Mapping[str, Callable[[], object]], repetitions: int, rest: float = 0.0
) -> dict[str, list[float]]:
    """Seconds of every side in each repetition, taken in turn (A B A B ...) after one round that is not timed.

    `rest` is how long to sleep before each timing, for what a side leaves running in the background.
    """
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for repetition in range(repetitions):
        for name, side in sides.items():
            time.sleep(rest)
            started = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - started)
        print(f"\rrepetition {repetition + 1} of {repetitions}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return seconds


@dataclass(frozen=True)
class Claim:
    """A ratio, one value a repetition, and what it has to be; with neither bound it is only shown."""

    text: str
    values: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None
    style: str = ".3g"

    def row(self) -> tuple[str, ...]:
        median = statistics.median(self.values)
        bound, sign = (self.at_most, "≤") if self.at_least is None else (self.at_least, "≥")
        if bound is None:
            target, verdict = "-", "-"
        else:
            target = f"{sign} {bound:{self.style}}"
            verdict = "met" if (median <= bound if sign == "≤" else median >= bound) else "missed"
        return self.text, target, f"{median:{self.style}}", spread(self.values, self.style), verdict


def ratios(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """a / b, repetition by repetition: what slows both down for a while cancels."""
    return [x / y for x, y in zip(a, b, strict=True)]


def spread(values: Sequence[float], style: str) -> str:
    return f"{min(values):{style}} to {max(values):{style}}"


def side_row(name: str, values: Sequence[float], unit: str, style: str = ".4g") -> tuple[str, ...]:
    """A row for one side of a ratio, beside which the other one stands."""
    return name, f"{statistics.median(values):{style}} {unit}", spread(values, style)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(
    title: str, sides: Sequence[Sequence[str]], claims: Sequence[Claim], options: argparse.Namespace, note: str = ""
) -> None:
    """Print the sides, the claims and the machine."""
    print(f"\n## {title}\n")
    if options.quick:
        print("**--quick: these numbers mean nothing.**\n")
    print(table(("side", "median", "min to max"), sides), end="\n\n")
    print(table(("claim", "target", "measured", "spread", ""), [claim.row() for claim in claims]))
    print(f"\nMedians and min to max of {options.repetitions} interleaved repetitions. {note}".rstrip())
    print(f"\n{machine()}\n")


def machine() -> str:
    """One line: hardware, load, versions."""
    memory = psutil.virtual_memory().total / 2**30
    hardware = (
        f"{_cpu_name()}, {psutil.cpu_count()} cores, {torch.get_num_threads()} torch threads, "
        f"{torch.backends.cpu.get_cpu_capability()}, {memory:.0f} GiB, load {LOAD_BEFORE:.1f} before"
    )
    packages = " ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "numpy", "moving-targets"))
    return f"{hardware}; {platform.platform(terse=True)}, Python {platform.python_version()}, {packages}."


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def grey_dataset(train: Split, test: Split, n_classes: int = 10) -> Dataset:
    """Grey images normalised with Table 2."""
    return Dataset("benchmark", train, None, test, tuple(map(str, range(n_classes))), GREY["mean"], GREY["std"])


def random_split(n: int, size: int = 36, n_classes: int = 10, seed: int = 0) -> Split:
    """Grey images of random pixels: the speed of a training does not depend on what they show."""
    rng = np.random.default_rng(seed)
    return Split(rng.integers(0, 256, (n, size, size, 1), dtype=np.uint8), rng.integers(0, n_classes, n))


class TrainingLoop:
    """The training that `mtm train` runs, `steps` steps a call, with everything that a step costs there.

    Sampling, normalisation, the look at the loss, the heartbeat in status.json and the question whether to stop are in;
    snapshots and checkpoints are not, they have a benchmark of their own.
    """

    def __init__(self, dataset: Dataset, folder: Path, **options: object) -> None:
        fixed = {"weights": "none", "loss": "euclidean", "batch_size": BATCH, "device": "cpu", "epochs": 1000}
        self.config = TrainConfig(**fixed | options)
        self.run = Run.create(folder, self.config, class_names=dataset.class_names)
        self.training = _Training(self.config, None, _Heartbeat(self.run, None), self._is_over, dataset)
        self.left = 0

    def __call__(self, steps: int) -> None:
        position = self.training.position
        if position.step + steps >= self.training.steps:  # the last step of an epoch would take a snapshot
            position.epoch, position.step = position.epoch + 1, 0
        assert steps < self.training.steps, "more steps than an epoch has"
        self.left = steps
        with contextlib.suppress(Stopped):
            for _ in self.training.train_epoch():
                raise AssertionError("a snapshot was taken while steps were timed")

    def _is_over(self) -> bool:
        if self.left == 0:
            return True
        self.left -= 1
        return self.run.stop_requested()
