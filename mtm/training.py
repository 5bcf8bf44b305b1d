"""Training as a generator (Algorithm 1 of the paper): `for snapshot in train(config): run.record(snapshot)`.

Everything that is random follows from the seed and the position (epoch, step), so a checkpoint holds no random state:
a training that was cut goes on, on a CPU, with the same bits as one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtm import geometry
from mtm.config import TrainConfig
from mtm.data import Dataset, load, thumbnails
from mtm.data.sampling import balanced_sample
from mtm.errors import Diverged, InputError, Stopped
from mtm.model import Model, make_model
from mtm.run_folder.snapshots import Array, Points, Snapshot, accuracies, classify, make_snapshot, measure, references
from mtm.train_loop.batches import Batches
from mtm.train_loop.checkpoint import Checkpoint, Position
from mtm.train_loop.devices import choose_device, choose_precision
from mtm.train_loop.randomness import seeded

EVALUATION_BATCH = 500
CHECK_EVERY = 20  # steps between looks at the loss on a GPU, where looking waits for the device
CHECKPOINT_SHARE = 0.01  # of the time may go into checkpoints within an epoch


@dataclass(frozen=True)
class Progress:
    """Where a training is, for a progress bar."""

    epoch: float
    epochs: int
    loss: float  # mean over the images since the last snapshot
    images_per_second: float
    seconds_left: float
    accuracy: dict[str, float]  # of the last snapshot
    evaluating: bool = False


def train(
    config: TrainConfig,
    *,
    checkpoints: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    dataset: Dataset | None = None,
) -> Iterator[Snapshot]:
    """Train the model of `config`; yields a snapshot of the untrained model, then those of `config.snapshot_steps`.

    With a folder for `checkpoints`, the training goes on from what is there, beginning with the snapshot after the last
    checkpoint, and the weights of the best and of the last epoch are left in it. `report` is called at every step.
    When `stop()` is true the training checkpoints and raises Stopped. Raises InputError before the first snapshot for a
    config that cannot be, Diverged when the loss is no longer finite. `dataset` avoids loading the data twice.
    """
    if checkpoints is not None:
        checkpoints.mkdir(parents=True, exist_ok=True)  # now only: what is removed later does not come back
    return _Training(config, checkpoints, report, stop, dataset).snapshots()


class _Training:
    def __init__(
        self,
        config: TrainConfig,
        checkpoints: Path | None,
        report: Callable[[Progress], None] | None,
        stop: Callable[[], bool] | None,
        dataset: Dataset | None,
    ) -> None:
        self.config = config
        self.device = choose_device(config.device)
        self.amp = choose_precision(config.precision, self.device)
        self.loss = config.make_loss() if config.head == "targets" else None
        self.data = load(config) if dataset is None else dataset
        self.model = make_model(config, self.data).to(self.device).to(memory_format=torch.channels_last)
        self.optimiser = make_optimiser(config, self.model)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.amp is torch.float16)
        self.batches = Batches(self.data.train, self.data, self.device)
        self.test_batches = Batches(self.data.test, self.data, self.device)
        validation = self.data.validation
        self.validation_batches = None if validation is None else Batches(validation, self.data, self.device)
        self.centre_rows = balanced_sample(self.data.train.labels, config.centre_images, config.seed)
        self.recorded = balanced_sample(self.data.test.labels, config.record, config.seed)
        self.points = Points(
            self.data.test.labels[self.recorded],
            self.recorded,
            self.data.class_names,
            thumbnails(self.data.test.images[self.recorded]),
        )
        self.checkpoint = Checkpoint(checkpoints, self.model, self.optimiser, self.scaler)
        self.report, self.stop = report or (lambda progress: None), stop or (lambda: False)
        self.position = Position()
        self.accuracy: dict[str, float] = {}
        self.sum_dtype = torch.float32 if self.device.type == "mps" else torch.float64  # mps has no float64
        self.loss_sum, self.loss_images = torch.zeros((), dtype=self.sum_dtype), 0
        self.clock = _Clock(len(self.data.train) * config.epochs)
        self.bounds = batch_bounds(len(self.data.train), config.batch_size)
        self.steps = len(self.bounds)

    def snapshots(self) -> Iterator[Snapshot]:
        if self.checkpoint.is_finished():
            self.checkpoint.remove_state()
            return
        self.position = self.checkpoint.load(self.position)
        self.loss_sum = torch.tensor(self.position.loss_sum, dtype=self.sum_dtype, device=self.device)
        self.loss_images = self.position.loss_images
        images = self.bounds[self.position.step - 1][1] if self.position.step else 0
        self.clock.start(self.position.epoch * len(self.data.train) + images, self.position.seconds)
        if self.position.snapshots == 0 or self.position.is_due:
            yield from self.take_snapshot()
        while self.position.epoch < self.config.epochs and not self.position.plateau:
            yield from self.train_epoch()
        self.checkpoint.finish()

    def train_epoch(self) -> Iterator[Snapshot]:
        generator = np.random.default_rng((self.config.seed, self.position.epoch))
        order = torch.from_numpy(generator.permutation(len(self.data.train))).to(self.batches.labels.device)
        due = set(self.config.snapshot_steps(self.position.epoch, self.steps))
        for step in range(self.position.step, self.steps):
            self.stop_if_requested()
            begin, end = self.bounds[step]
            self.train_step(order[begin:end], step)
            self.position.step = step + 1
            self.position.is_due = self.position.step in due
            if self.position.is_due:
                yield from self.take_snapshot()
            elif self.checkpoint.is_due(CHECKPOINT_SHARE):
                self.save()

    def train_step(self, rows: Tensor, step: int) -> None:
        x, y = self.batches.take(rows)
        with self.random_numbers(step):  # of dropout, where there is any
            with torch.autocast(self.device.type, dtype=self.amp, enabled=self.amp is not None):
                e = self.model(x)
            total = self.model.losses(e, y, self.loss).sum()
            self.optimiser.zero_grad(set_to_none=True)
            self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.loss_sum += total.detach()
        self.loss_images += len(rows)
        self.clock.tick(len(rows))
        if self.device.type == "cpu" or step % CHECK_EVERY == 0:
            self.report_progress()

    def random_numbers(self, *place: int) -> AbstractContextManager[None]:
        """A block whose random numbers follow from seed, epoch and a place in it, and leave the caller's alone."""
        return seeded(hash((self.config.seed, self.position.epoch, *place)) % 2**63, self.device)

    def report_progress(self, evaluating: bool = False) -> None:
        """Call `report` with the position; the one place that reads the loss. Raises Diverged if it is not finite."""
        loss = float(self.loss_sum) / max(1, self.loss_images)
        epoch = self.position.epoch + self.position.step / self.steps
        if not math.isfinite(loss):
            raise Diverged(f"the loss became {loss} in epoch {epoch:.2f}; lower lr ({self.config.lr:g}){self.advice()}")
        self.report(
            Progress(
                epoch,
                self.config.epochs,
                loss,
                self.clock.images_per_second(),
                self.clock.seconds_left(),
                self.accuracy,
                evaluating,
            )
        )

    def advice(self) -> str:
        warning = getattr(self.loss, "warning", "")
        return "" if self.config.r is None else f" or r ({self.config.r:g})" + (f": {warning}" if warning else "")

    def take_snapshot(self) -> Iterator[Snapshot]:
        """Measure, yield, and then checkpoint: a kill in between only repeats a snapshot that is recorded already."""
        self.report_progress(evaluating=True)
        ends_epoch = self.position.step == self.steps
        started = time.monotonic()
        snapshot = self.measure(ends_epoch or self.position.snapshots == 0)
        self.accuracy = snapshot.metrics["accuracy"]
        if ends_epoch:
            self.position.epoch, self.position.step = self.position.epoch + 1, 0
            self.judge(snapshot)
        self.position.is_due = False
        self.loss_sum, self.loss_images = torch.zeros_like(self.loss_sum), 0
        self.position.snapshots += 1
        self.clock.pause(time.monotonic() - started)
        yield snapshot
        if ends_epoch or self.checkpoint.is_due(CHECKPOINT_SHARE):
            self.save()

    def judge(self, snapshot: Snapshot) -> None:
        """Keep the weights of the best epoch, and stop on a plateau as Ray's TrialPlateauStopper does."""
        scores = snapshot.metrics.get("validation_accuracy") or snapshot.metrics["accuracy"]
        score = max(scores.values())
        if score > max(self.position.scores, default=-1.0):
            self.checkpoint.keep("best")
        self.position.scores.append(score)
        window = self.config.plateau_epochs
        if window and len(self.position.scores) >= window:
            self.position.plateau = float(np.std(self.position.scores[-window:])) <= self.config.plateau_std

    def stop_if_requested(self) -> None:
        if self.stop():
            self.save()
            raise Stopped

    def save(self) -> None:
        self.position.loss_sum, self.position.loss_images = float(self.loss_sum), self.loss_images
        self.position.seconds = self.clock.total()
        self.checkpoint.save(self.position)

    @torch.no_grad()
    def measure(self, whole: bool) -> Snapshot:
        """A snapshot of the model as it is now: measures of the whole test split, or of the recorded images only.

        Images of classes held out are recorded and counted in none of them; such a class has NaN for its references.
        """
        self.model.eval()
        y_centres = self.data.train.labels[self.centre_rows]
        e_train, train_losses = self.embed(self.batches, self.centre_rows)
        centres = geometry.class_centres(e_train, y_centres, self.data.n_classes).astype(np.float32)
        rows = np.arange(len(self.data.test)) if whole else self.recorded
        e, losses = self.embed(self.test_batches, rows)  # (N_test or N, D)
        recorded = e[self.recorded] if whole else e
        y = self.data.test.labels[rows]
        is_trained = ~np.isin(y, self.data.held_out)
        e, losses, y = e[is_trained], losses[is_trained], y[is_trained]
        class_embeddings, head = self.references()
        classifiers = references(centres, class_embeddings, head)
        metrics: dict[str, Any] = {
            "loss": float(self.loss_sum) / self.loss_images if self.loss_images else _mean(train_losses),
            "test_loss": _mean(losses),
            "n": len(y),
            "split": "test" if whole else "recorded",
            "accuracy": accuracies(classify(e, classifiers)[0], y),
        }
        if whole and self.validation_batches is not None and self.data.validation is not None:
            e_validation, _ = self.embed(self.validation_batches, np.arange(len(self.data.validation)))
            predictions = classify(e_validation, classifiers)[0]
            metrics["validation_accuracy"] = accuracies(predictions, self.data.validation.labels)
        metrics |= measure(e, y, class_embeddings, self.data.n_classes)
        metrics |= {"seconds": self.clock.total(), "images_per_second": self.clock.images_per_second()}
        self.model.train()
        epoch = self.position.epoch + self.position.step / self.steps
        return make_snapshot(
            self.position.snapshots, epoch, self.points, recorded, class_embeddings, head, centres, metrics
        )

    def references(self) -> tuple[Array | None, tuple[Array, Array] | None]:
        """The class embeddings (C, D) or None, the head's (weight, bias) or None; NaN for classes held out."""
        targets, head = self.model.targets()
        if head is not None:
            return None, (self.data.by_class(head[0]), self.data.by_class(head[1]))
        assert targets is not None
        return self.data.by_class(targets), None

    def embed(self, batches: Batches, rows: Array) -> tuple[Array, Array]:
        """Output embeddings (len(rows), D) and losses (len(rows),); raises Diverged if embeddings are not finite.

        The loss of an image of a class held out means nothing.
        """
        blocks, losses = [], []
        for start in range(0, len(rows), EVALUATION_BATCH):
            self.stop_if_requested()
            x, y = batches.take(torch.from_numpy(rows[start : start + EVALUATION_BATCH]))
            with self.random_numbers(self.position.step, start):  # of a loss that draws some
                with torch.autocast(self.device.type, dtype=self.amp, enabled=self.amp is not None):
                    e = self.model(x)
                losses.append(self.model.losses(e, y, self.loss).to(self.sum_dtype).cpu().numpy())
            blocks.append(e.cpu().numpy())
            self.report_progress(evaluating=True)
        embeddings = np.concatenate(blocks)
        if not np.isfinite(embeddings).all():
            epoch = self.position.epoch + self.position.step / self.steps
            raise Diverged(f"the embeddings are no longer finite in epoch {epoch:.2f}; lower lr ({self.config.lr:g})")
        return embeddings, np.concatenate(losses)


def make_optimiser(config: TrainConfig, model: Model) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD over the network, and over the class embeddings with their own learning rate and no decay."""
    targets = [model.class_embeddings] if model.class_embeddings is not None else []
    network = [p for p in model.parameters() if not any(p is target for target in targets)]
    groups: list[dict[str, Any]] = [{"params": network, "weight_decay": config.weight_decay}]
    if targets:
        groups.append({"params": targets, "lr": config.lr * config.class_lr_factor, "weight_decay": 0.0})
    fused = next(model.parameters()).device.type in ("cpu", "cuda")
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=fused)
    kind = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.lr, fused=fused)


def batch_bounds(n: int, size: int) -> list[tuple[int, int]]:
    """Where each batch of n images begins and ends; a last batch of one image joins the one before it.

    Batch normalisation cannot train on a single image.
    """
    begins = list(range(0, n, size))
    if size > 1 and n % size == 1 and len(begins) > 1:
        begins.pop()
    return list(zip(begins, [*begins[1:], n], strict=True))


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else math.nan


class _Clock:
    """Seconds spent on training steps, and what they say of the speed and of the time left."""

    def __init__(self, images: int) -> None:
        self.images, self.images_done, self.images_timed = images, 0, 0
        self.seconds, self.paused, self.last = 0.0, 0.0, time.monotonic()
        self.seconds_before = 0.0  # up to the checkpoint that this training goes on from

    def start(self, images_done: int, seconds_before: float) -> None:
        self.images_done, self.seconds_before, self.last = images_done, seconds_before, time.monotonic()

    def tick(self, images: int) -> None:
        now = time.monotonic()
        self.seconds, self.last = self.seconds + now - self.last, now
        self.images_done, self.images_timed = self.images_done + images, self.images_timed + images

    def pause(self, seconds: float) -> None:
        """An evaluation took that long: no training time, but it counts for the time left."""
        self.last += seconds
        self.paused += seconds

    def total(self) -> float:
        """Seconds of training since epoch 0, over all resumes."""
        return self.seconds_before + self.seconds

    def images_per_second(self) -> float:
        return self.images_timed / self.seconds if self.seconds else 0.0

    def seconds_left(self) -> float:
        if not self.images_timed:
            return math.nan
        return (self.images - self.images_done) * (self.seconds + self.paused) / self.images_timed


__all__ = ["InputError", "Progress", "train"]
