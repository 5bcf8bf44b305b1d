"""Claims: recording hardly slows a training, and reading a recording copies nothing.

(a) Writing snapshots (N = 2,000, D = 1,351) and checkpoints (ResNet-18 with Adam) takes at most 2 % of the time of the
    training steps of an epoch of 60,000 images, with 1 and with 4 snapshots an epoch. Evaluation is not counted.
(b) Opening a snapshot of 10,000 x 1,351 and reading every byte of its embeddings runs at 500 MB/s or more from the page
    cache, shown beside plainly reading the same file, and without a copy: the arrays are views of a memory map.

(a) is extrapolated from Run.record, Checkpoint.save, Checkpoint.keep and training steps, all timed in turn. An epoch is
taken to have as many checkpoints as the training's own rule allows at most: one at its end, the best weights kept, and
one whenever that costs no more than CHECKPOINT_SHARE of the time since the last. The targets are the project's own.
"""

from __future__ import annotations

import argparse
import gc
import math
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import BATCH, Claim, TrainingLoop, grey_dataset, interleave, parser, random_split, ratios, report, side_row

from mtm.run_folder.snapshots import Points, Snapshot, accuracies, classify, make_snapshot, measure, references
from mtm.runs import Run
from mtm.train_loop.checkpoint import Checkpoint
from mtm.training import CHECKPOINT_SHARE

DIM, EPOCH_IMAGES = 1351, 60_000


def some_snapshot(n: int, n_classes: int = 10) -> Snapshot:
    """Clusters of random embeddings (n, DIM), measured as a training measures them."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    c = rng.standard_normal((n_classes, DIM)).astype(np.float32)
    e = c[y] + 0.3 * rng.standard_normal((n, DIM)).astype(np.float32)  # (n, DIM)
    thumbnails = rng.integers(0, 256, (n, 36, 36), dtype=np.uint8)
    points = Points(y, np.arange(n), tuple(map(str, range(n_classes))), thumbnails)
    predictions, _ = classify(e, references(c, c))
    metrics = {"loss": 1.0, "n": n, "split": "recorded", "accuracy": accuracies(predictions, y)}
    return make_snapshot(0, 1.0, points, e, c, None, c, metrics | measure(e, y, c, n_classes))


def writing(options: argparse.Namespace, folder: Path) -> None:
    training = TrainingLoop(
        grey_dataset(random_split(4_000), random_split(2_000)),
        folder / "training",
        backbone="resnet18",
        dim=DIM,
        precision=options.precision,
    )
    inner = training.training
    checkpoint = Checkpoint(folder / "checkpoint", inner.model, inner.optimiser, inner.scaler)
    run = Run.create(folder / "recording")
    template = some_snapshot(500 if options.quick else 2_000)

    def record() -> None:
        """One more snapshot; what the training finds there already is written by the round that is not timed."""
        run.record(replace(template, index=len(list(run.folder.glob("snapshots/*")))))

    seconds = interleave(
        {
            "steps": lambda: training(options.steps),
            "record": record,
            "save": lambda: checkpoint.save(inner.position),
            "keep": lambda: checkpoint.keep("best"),
        },
        options.repetitions,
    )
    rounds = [dict(zip(seconds, values, strict=True)) for values in zip(*seconds.values(), strict=True)]
    epochs = [EPOCH_IMAGES / BATCH * times["steps"] / options.steps for times in rounds]
    saves = [
        1 + math.floor(epoch / max(2.0, times["save"] / CHECKPOINT_SHARE))
        for times, epoch in zip(rounds, epochs, strict=True)
    ]
    report(
        "Writing snapshots and checkpoints",
        [
            side_row("training step, per image", [s / options.steps / BATCH * 1e3 for s in seconds["steps"]], "ms"),
            side_row("the steps of an epoch of 60,000 images", epochs, "s"),
            side_row("Run.record", [1e3 * s for s in seconds["record"]], "ms"),
            side_row("Checkpoint.save", [1e3 * s for s in seconds["save"]], "ms"),
            side_row("Checkpoint.keep", [1e3 * s for s in seconds["keep"]], "ms"),
            side_row("checkpoints an epoch, at most", saves, ""),
        ],
        claims_of_writing(rounds, epochs, saves),
        options,
        f"Snapshots of {len(template.embeddings):,} x {DIM:,}; {options.precision} on the CPU.",
    )


def claims_of_writing(rounds: list[dict[str, float]], epochs: list[float], saves: list[int]) -> list[Claim]:
    """What snapshots and checkpoints take of an epoch, from the seconds of each round, of an epoch, and checkpoints."""

    def share(cost: Callable[[dict[str, float], int], float]) -> list[float]:
        """Of the epoch, the seconds that `cost` makes of a round's times and its number of checkpoints."""
        return [cost(t, n) / epoch for t, n, epoch in zip(rounds, saves, epochs, strict=True)]

    def claim(snapshots: int) -> Claim:
        def cost(t: dict[str, float], n: int) -> float:
            return snapshots * t["record"] + n * t["save"] + t["keep"]

        text = f"(a) snapshots and checkpoints over an epoch, {snapshots} snapshot{'s' * (snapshots > 1)} an epoch"
        return Claim(text, share(cost), at_most=0.02, style=".2%")

    return [
        claim(1),
        claim(4),
        Claim("of it: one snapshot", share(lambda t, n: t["record"]), style=".3%"),
        Claim("of it: checkpoint and best weights at the end", share(lambda t, n: t["save"] + t["keep"]), style=".3%"),
        Claim("of it: checkpoints within the epoch", share(lambda t, n: (n - 1) * t["save"]), style=".3%"),
    ]


def reading(options: argparse.Namespace, folder: Path) -> None:
    run = Run.create(folder / "reading")
    run.record(some_snapshot(1_000 if options.quick else 10_000))
    path = run.snapshots[0]

    def opened() -> Snapshot:
        return Run.open(run.folder).snapshot(0)

    def read_all() -> np.uint64:
        return np.bitwise_xor.reduce(opened().embeddings.reshape(-1).view(np.uint64))

    def read_plainly() -> bytes:
        with path.open("rb") as file:
            return file.read()

    seconds = interleave({"mtm": read_all, "plain": read_plainly, "open": opened}, options.repetitions)
    embeddings = opened().embeddings
    megabytes = {"mtm": embeddings.nbytes / 1e6, "plain": path.stat().st_size / 1e6}
    speed = {name: [megabytes[name] / s for s in seconds[name]] for name in megabytes}
    report(
        "Reading a snapshot",
        [
            side_row("Run.open(...).snapshot(0) and every byte of its embeddings", speed["mtm"], "MB/s"),
            side_row("open(...).read() of the file", speed["plain"], "MB/s"),
            side_row("of it: Run.open(...).snapshot(0) alone", [1e3 * s for s in seconds["open"]], "ms"),
            ("memory allocated by mtm", f"{allocated(read_all) / 1e6:.2f} MB", "-"),
            ("memory allocated by open(...).read()", f"{allocated(read_plainly) / 1e6:.2f} MB", "-"),
            ("the arrays are views of a np.memmap", "yes" if is_view_of_map(embeddings) else "no", "-"),
        ],
        [
            Claim("(b) opening and reading every byte, MB/s", speed["mtm"], at_least=500),
            Claim("(b) the same over plain reading", ratios(speed["mtm"], speed["plain"])),
            Claim(
                "(b) memory allocated over the embeddings' size",
                [allocated(read_all) / embeddings.nbytes],
                at_most=0.05,
            ),
        ],
        options,
        f"Embeddings {embeddings.shape} {embeddings.dtype}, {embeddings.nbytes / 1e6:.1f} MB, page cache warm.",
    )


def allocated(action: Callable[[], object]) -> int:
    """Bytes that Python and NumPy allocate at most at once in `action`; a memory map counts for nothing."""
    gc.collect()
    tracemalloc.start()
    action()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def is_view_of_map(array: np.ndarray) -> bool:
    """Whether the array's memory lies inside a memory map: it then was not copied."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        if isinstance(owner, np.memmap) and np.shares_memory(array, owner):
            return True
        owner = owner.base
    return False


def main() -> None:
    options = parser(__doc__, repetitions=20)
    options.add_argument("--steps", type=int, default=3, help="of the training in one timing (%(default)s)")
    options.add_argument("--precision", default="float32", help="of the training (%(default)s)")
    options.add_argument("--folder", help="where to write, on the disk to be measured (the system's temporary folder)")
    arguments = options.parse_args()
    if arguments.quick:
        arguments.repetitions, arguments.steps = 2, 1
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        writing(arguments, Path(folder))
        reading(arguments, Path(folder))


if __name__ == "__main__":
    main()
