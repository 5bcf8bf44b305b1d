"""What a training will cost: a second of it on made-up images tells its speed, its config the rest."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from mtm.classifiers import classifiers_of
from mtm.config import TrainConfig
from mtm.errors import Stopped
from mtm.run_folder.snapshots import Array

START_SECONDS = 5.0  # to import torch and to load the data, about
EVALUATION_COST = 1 / 3  # of an image, over that of training on it: the forward pass only
WARM_UP_SECONDS, TIMED_SECONDS = 0.5, 1.0
LONGEST_SECONDS = 20.0  # of a measurement whose single steps take seconds
MOST_BATCHES, MOST_BYTES = 400, 2**26  # of made-up images


@dataclass(frozen=True)
class Sizes:
    """Of a data set after the transform."""

    train: int
    test: int
    n_classes: int
    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Speed:
    """Of a network on this machine: images a second in training, its parameters, and D."""

    images_per_second: float
    parameters: int
    dim: int


def estimate_cost(config: TrainConfig, sizes: Sizes, speed: Speed) -> dict[str, float]:
    """`seconds`, `snapshots` and `bytes` on disk of a training that runs to its last epoch."""
    n_train = min(config.train_images or sizes.train, sizes.train)
    n_validation = 0 if config.validation == "test" else round(float(config.validation) * n_train)
    n_train -= n_validation
    recorded = min(config.record or sizes.test, sizes.test)
    centres = min(config.centre_images, n_train)
    has_single = config.batch_size > 1 and n_train > config.batch_size and n_train % config.batch_size == 1
    steps = math.ceil(n_train / config.batch_size) - has_single  # a last batch of one image joins the one before it
    partial = sum(len(config.snapshot_steps(epoch, steps)) - 1 for epoch in range(config.epochs))
    full = config.epochs + 1
    evaluated = full * (centres + sizes.test + n_validation) + partial * (centres + recorded)
    images = config.epochs * n_train + EVALUATION_COST * evaluated
    n_classifiers = len(classifiers_of(config.head))
    snapshot_bytes = recorded * (2 * speed.dim + 8 * n_classifiers + 8) + 8 * sizes.n_classes * speed.dim
    thumbnails = recorded * min(sizes.height, 36) * min(sizes.width, 36) * sizes.channels
    checkpoints = 4 * speed.parameters * 4  # weights, two moments of each, and the best weights
    return {
        "seconds": START_SECONDS + images / speed.images_per_second,
        "snapshots": full + partial,
        "bytes": (full + partial) * snapshot_bytes + thumbnails + checkpoints,
    }


def measure_speed(config: TrainConfig, shape: tuple[int, int, int], n_classes: int) -> Speed:
    """The speed of `config` on images of `shape` (height, width, channels), from a second of training."""
    from mtm.data import Dataset, Split
    from mtm.model import make_model
    from mtm.training import Progress, train

    def split(images: Array) -> Split:
        return Split(images, np.arange(len(images)) % n_classes)

    fixed = {"weights": "none", "epochs": 1000, "record": n_classes, "centre_images": n_classes, "validation": "test"}
    config = TrainConfig(**config.model_dump() | fixed)
    few: Array = np.random.default_rng(0).integers(0, 256, (config.batch_size, *shape), dtype=np.uint8)
    images = np.concatenate([few] * max(4, min(MOST_BATCHES, MOST_BYTES // few.nbytes)))
    dataset = Dataset("trial", split(images), None, split(images[: 2 * n_classes]),
                      tuple(map(str, range(n_classes))), (128.0,) * shape[2], (64.0,) * shape[2])  # fmt: skip
    model = make_model(config, dataset)
    samples: list[tuple[float, float]] = []  # seconds, images
    began = time.monotonic()

    def report(progress: Progress) -> None:
        if not progress.evaluating:
            samples.append((time.monotonic(), progress.epoch * len(images)))

    def is_over() -> bool:
        now = time.monotonic()
        timed = len(samples) > 3 and now - samples[0][0] > WARM_UP_SECONDS + TIMED_SECONDS
        return timed or (len(samples) > 1 and now - began > LONGEST_SECONDS)

    try:
        for _ in train(config, dataset=dataset, report=report, stop=is_over):
            pass
    except Stopped:
        pass
    first = next((i for i, (at, _) in enumerate(samples) if at - samples[0][0] > WARM_UP_SECONDS), 0)
    (t0, n0), (t1, n1) = samples[min(first, len(samples) - 2)], samples[-1]
    dim = config.dim if model.classifier is None else model.classifier.in_features
    return Speed((n1 - n0) / (t1 - t0), sum(p.numel() for p in model.parameters()), dim)
