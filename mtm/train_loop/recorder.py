"""Training into a run folder: status and heartbeat, stopping on request, and how a run ends.

`mtm train`, `mtm resume`, a search and the browser's queue all go through `record_training`.
"""

from __future__ import annotations

import contextlib
import errno
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import torch

from mtm.config import TrainConfig
from mtm.data import Dataset, balanced_sample, load
from mtm.errors import Diverged, FolderGone, InputError, Stopped
from mtm.interrupts import handled_by
from mtm.losses import LOSSES, Loss
from mtm.model import make_model
from mtm.run_folder.snapshots import Points, Snapshot
from mtm.runs import Run
from mtm.train_loop.devices import choose_device, choose_precision, describe_device
from mtm.train_loop.feasibility import check_batches, check_memory
from mtm.train_loop.locations import with_absolute_paths
from mtm.training import Progress, train

HEARTBEAT_SECONDS = 1.0


def prepare_training(config: TrainConfig, is_local: bool = True, class_names: Sequence[str] = ()) -> Dataset:
    """Load the data, build the model and try the loss, so that errors come before anything is written.

    With `is_local` false (a training on a cluster) the device need not be in this machine. `class_names` are those of
    a run that goes on. Raises InputError.
    """
    if is_local:
        choose_device(config.device)
    loss = config.make_loss() if config.head == "targets" else None
    dataset = load(config, class_names)
    if is_local:
        check_memory(config, dataset)
    check_batches(config, make_model(config, dataset), dataset)
    if loss is not None and config.loss not in LOSSES:
        try_loss(loss, str(config.loss), len(dataset.trained), config.dim)
    return dataset


def try_loss(loss: Loss, name: str, n_classes: int, dim: int) -> None:
    """Call a loss of the user's own on two made-up embeddings; raises InputError if it fails or has the wrong shape."""
    e, c, y = torch.ones(2, dim, requires_grad=True), torch.zeros(n_classes, dim), torch.tensor([0, 1])
    try:
        values = loss(e, c, y)
        if isinstance(values, torch.Tensor):
            values.sum().backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # it is the user's code: anything may go wrong in it
        line = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{line.filename}, line {line.lineno}"
        raise InputError(f"loss '{name}' fails: {type(error).__name__}: {error} ({where})") from error
    if not isinstance(values, torch.Tensor) or values.shape != (2,):
        shape = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise InputError(f"loss '{name}' gives {shape} for two images; it must give one value an image, shape (2,)")


def start_run(folder: Path, config: TrainConfig, dataset: Dataset, where: str | None = None) -> Run:
    """A new run folder for `config`, with the class names and the device in its `config.json`.

    `where` stands for the device of a training on another machine.
    """
    if where is None:
        device = choose_device(config.device)
        where = describe_device(device, choose_precision(config.precision, device))
    notes = {"device": where, "account": dataset.account and dataset.account.as_dict()}
    return Run.create(folder, with_absolute_paths(config), class_names=dataset.class_names, notes=notes)


def record_training(
    run: Run,
    dataset: Dataset | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_snapshot: Callable[[Snapshot], None] | None = None,
) -> str:
    """Train the config of `run`, from its checkpoint if it has one, record every snapshot, return the state.

    `stopped` after Ctrl-C, SIGTERM, a closed terminal or a `stop` file; the checkpoint is then up to date. A second
    Ctrl-C raises at once: `stopped` too, from the checkpoint before. A loss that is not finite, a full disk or running
    out of memory marks the run `failed` with the reason and raises; what was recorded stays. Raises InputError for
    other images than before or while another process trains it, FolderGone when the folder is taken away.
    """
    config = run.config
    if config is None:
        raise InputError(f"{run.folder} was recorded by another program; there is no config to train it with")
    if dataset is not None:
        check_images(run, config, dataset)
    with run.locked():
        return _record(run, config, dataset, on_progress, on_snapshot)


def _record(
    run: Run,
    config: TrainConfig,
    dataset: Dataset | None,
    on_progress: Callable[[Progress], None] | None,
    on_snapshot: Callable[[Snapshot], None] | None,
) -> str:
    """`record_training` once this is the only process to do it."""
    run.set_status(state="training", error=None)
    heartbeat = _Heartbeat(run, on_progress)

    def stop() -> bool:
        run.check_place()
        return stopped() or run.stop_requested()

    with _stop_signals() as stopped:
        try:
            dataset = dataset or load(config, run.info.get("class_names") or ())
            for snapshot in train(config, checkpoints=run.checkpoints, report=heartbeat, stop=stop, dataset=dataset):
                run.record(snapshot)
                if on_snapshot:
                    on_snapshot(snapshot)
        except Stopped:
            run.finish("stopped")
            return "stopped"
        except BaseException as error:
            run.check_place()  # or this failed for want of a folder
            state = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            with contextlib.suppress(OSError):  # the disk may be what failed; the sentence still reaches the user
                run.finish(state, explain_failure(error, config))
            raise
        run.finish(epoch=max((row["epoch"] for row in run.metrics), default=0.0))
    return "finished"


def check_images(run: Run, config: TrainConfig, dataset: Dataset) -> None:
    """Make sure that the images a run goes on with are those it has snapshots of. Raises InputError."""
    if not run.snapshots:
        return
    rows = balanced_sample(dataset.test.labels, config.record, config.seed)
    if not Points(dataset.test.labels[rows], rows, dataset.class_names).are_the_images_of(run.points):
        raise InputError(
            f"{run.folder} has snapshots of other images than {dataset.name} has now; it needs the same data"
        )


def explain_failure(error: BaseException, config: TrainConfig) -> str:
    """Why a training ended, in one sentence that says what to do."""
    if isinstance(error, Diverged | FolderGone | InputError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted before a checkpoint could be written; resuming goes on from the one before"
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return f"out of memory; lower batch_size ({config.batch_size}) or record ({config.record})"
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
        advice = "free some space and continue" if full else "when it can be written, continue"
        return f"cannot write{where}: {error.strerror or error}; {advice} with mtm resume"
    return f"{type(error).__name__}: {error}"


class _Heartbeat:
    """Passes progress on, and writes it to status.json at most once a second."""

    def __init__(self, run: Run, on_progress: Callable[[Progress], None] | None) -> None:
        self.run, self.on_progress, self.last = run, on_progress, 0.0

    def __call__(self, progress: Progress) -> None:
        if self.on_progress:
            self.on_progress(progress)
        now = time.monotonic()
        if now - self.last >= HEARTBEAT_SECONDS:
            self.last = now
            with contextlib.suppress(OSError):  # a beat that is missed does no harm
                self.run.set_status(
                    epoch=progress.epoch,
                    progress=progress.epoch / progress.epochs,
                    images_per_second=progress.images_per_second,
                    seconds_left=progress.seconds_left,
                    loss=progress.loss,
                )


@contextlib.contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Within the block the first Ctrl-C, SIGTERM or SIGHUP asks to stop; a second one interrupts at once."""
    stop = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with handled_by(request_stop):
        yield stop.is_set
