"""The run folder: the only thing that passes between training and the explorer (the format is in the README).

run = Run.create("runs/mine", class_names=["cat", "dog"])            # your own training loop
run.log(embeddings=e, labels=y, class_embeddings=c, epoch=1)         # as often as you like
run.finish()

run = Run.open("runs/mine")                                          # reading needs no torch
run.snapshot(3).embeddings, run.metrics[3]["accuracy"]["euc"]
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mtm.config import TrainConfig
from mtm.errors import FolderGone, InputError, NotFoundError
from mtm.run_folder.class_names import check_class_names
from mtm.run_folder.external import Arrays, external_snapshot
from mtm.run_folder.files import Stamp, read_arrays, remove, stamp_of, write_arrays, write_json
from mtm.run_folder.listing import Listing, has_snapshots, is_free, leave_out, read_listing, run_folders
from mtm.run_folder.lock import Lock, lock_folder
from mtm.run_folder.names import show_name
from mtm.run_folder.readers import check_header, check_info, check_points, nulls_to_nan, read_header, read_json
from mtm.run_folder.rows import Rows, append_row, read_rows
from mtm.run_folder.snapshots import Array, Points, Snapshot, from_arrays, to_arrays
from mtm.run_folder.status import ENDED, Status, read_status

FORMAT = 1  # of the run folder; a run with a larger number is refused


class Run:
    """One run folder. Reading is always from the files, so an open run sees what a training adds to it."""

    def __init__(self, folder: Path, info: dict[str, Any], problems: Sequence[str] = ()) -> None:
        self.folder = folder
        self.info, self._config, more_problems = check_info(info)  # config.json
        self._problems = (*problems, *more_problems)
        # what was read last, with what tells whether that has changed
        self._points: tuple[Stamp | None, Points] | None = None
        self._listing, self._rows = Listing(), Rows()
        self._metrics: tuple[Listing, Rows, list[dict[str, Any]]] | None = None
        self._status_read: tuple[Stamp | None, Status, str | None] | None = None
        # what this process writes
        self._status = Status()
        self._lock: Lock | None = None
        self._next: tuple[int, int, float] | None = None  # number of the snapshot to log next, D, the last epoch

    # Making and opening

    @classmethod
    def create(
        cls,
        folder: str | Path,
        config: TrainConfig | None = None,
        *,
        class_names: Sequence[str] | None = None,
        notes: Mapping[str, object] | None = None,
    ) -> Run:
        """Make a new run folder. Raises InputError if the folder is there already and not empty.

        `config` is None for runs recorded by other programs; `notes` (JSON types) are kept in `config.json`.
        """
        folder = Path(folder)
        if not is_free(folder):
            raise InputError(f"{folder} exists already; choose another name, or continue it with: mtm resume {folder}")
        info = {
            "format": FORMAT,
            "config": None if config is None else config.model_dump(),
            "class_names": None if class_names is None else check_class_names(class_names),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": sys.argv[1:] if Path(sys.argv[0]).stem in ("mtm", "__main__") else None,
            "versions": _versions(),
            **(notes or {}),
        }
        run = cls(folder, info)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / "config.json", info)  # first: from then on the folder is a run
            run.set_status(state="queued")
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError(f"cannot make the run folder {folder}: {error.strerror}") from error
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open a run folder with whatever in it is whole; `problems` says what is not.

        Raises InputError if the folder is not a run, or a run of a newer format.
        """
        folder = Path(folder)
        if not os.path.isdir(folder):
            raise NotFoundError(f"there is no run at {folder}; `mtm runs` lists those there are")
        stored, problem = read_json(folder / "config.json")
        if problem and not has_snapshots(folder / "snapshots"):
            raise InputError(f"{folder} is not a run: {problem}")
        version = stored.get("format", FORMAT)
        if type(version) is not int or version < 1:
            raise InputError(f"{folder} is not a run: its format is {show_name(str(version))!r}, a number is meant")
        if version > FORMAT:
            raise InputError(f"{folder} has run format {version}, this mtm reads up to {FORMAT}: update mtm")
        return cls(folder, stored, [problem] if problem else [])

    # What does not change

    @property
    def name(self) -> str:
        """The folder's name, as it can be shown."""
        return show_name(self.folder.name)

    @property
    def config(self) -> TrainConfig | None:
        """The config it was trained with; None for runs of other programs, or if it cannot be read."""
        return self._config

    @property
    def points(self) -> Points:
        """The recorded images. Raises InputError if nothing was recorded yet or the file is damaged."""
        path = self.folder / "points.safetensors"
        stamp, known = stamp_of(path), self._points
        if known is None or stamp is None or known[0] != stamp:
            self._points = known = stamp, check_points(path)
        return known[1]

    @property
    def labels(self) -> Array:
        """The labels (N,) of the recorded images."""
        return self.points.labels

    # What grows

    @property
    def snapshots(self) -> list[Path]:
        """The snapshot files that are whole, in order; damaged ones are named in `problems`."""
        return list(self._look().headers)

    def snapshot(self, i: int | Path) -> Snapshot:
        """Snapshot i of `snapshots` (negative from the end), or the one in a file of them; its arrays are views of the
        file, nothing is copied. Who reads several names the files: numbers change when one is found to be damaged."""
        if isinstance(i, Path):
            return self._read_snapshot(i)
        paths = self.snapshots
        if not -len(paths) <= i < len(paths):
            raise IndexError(f"{self.folder} has {len(paths)} snapshots, there is no number {i}")
        return self._read_snapshot(paths[i])

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """One dict a snapshot, in order, also of snapshots whose file is gone or damaged."""
        listing, log = self._look(), self._read_rows()
        known = self._metrics
        if known is None or known[0] is not listing or known[1] is not log:
            rows = {int(path.stem): header["metrics"] for path, header in listing.headers.items()} | log.rows
            self._metrics = known = listing, log, [nulls_to_nan(rows[index]) for index in sorted(rows)]
        return [dict(row) for row in known[2]]

    @property
    def status(self) -> Status:
        """What the run is doing now; one without a config cannot be resumed: once its writer is gone it is finished."""
        status = self._stored_status()[0].as_seen_now()
        if status.state == "interrupted" and self.info.get("config") is None and self.snapshots:
            return replace(status, state="finished")
        return status

    @property
    def problems(self) -> list[str]:
        """What in the folder could not be read, one sentence each; looks at every file."""
        listing = self._look(at_every_file=True)
        found = [*self._problems, *listing.problems, *self._read_rows().problems]
        if self.name != self.folder.name:
            found.append(f"the name of its folder cannot be shown as it is ({self.name}): rename the folder")
        if problem := self._stored_status()[1]:
            found.append(problem)
        if listing.headers:
            try:
                _ = self.points
            except InputError as error:
                found.append(str(error))
        return list(dict.fromkeys(found))

    # Writing

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A block in which nobody else trains into this run; begins without a request to stop. Raises InputError."""
        refusal = f"{self.folder} is being trained right now by another process"
        if self._stored_status()[0].is_written_elsewhere():  # some file systems lock for one machine only
            raise InputError(refusal)
        with lock_folder(self.folder, refusal) as self._lock:
            remove(self.folder / "stop")
            (self.folder / "snapshots").mkdir(exist_ok=True)
            try:
                yield
            finally:
                self._lock = None

    def check_place(self) -> None:
        """Raises FolderGone when the folder was removed, renamed or made anew since it was locked."""
        if not (self.folder.is_dir() if self._lock is None else self._lock.is_in_place()):
            raise FolderGone(
                f"the folder {self.folder} was removed, renamed or replaced; nothing more is written there"
            )

    def record(self, snapshot: Snapshot) -> None:
        """Write one snapshot and its row of metrics; a snapshot that is there already stays as it is.

        Raises InputError for a snapshot of other images than those recorded before, FolderGone without a folder.
        """
        self.check_place()
        points_file, p = self.folder / "points.safetensors", snapshot.points
        path = self._snapshot_path(snapshot.index)
        if not points_file.exists():
            path.parent.mkdir(exist_ok=True)  # at the beginning only: what is removed later does not come back
            fixed = {"labels": p.labels, "indices": p.indices}
            images = {} if p.thumbnails is None else {"thumbnails": p.thumbnails}
            write_arrays(points_file, fixed | images, {"class_names": p.class_names})
        elif not p.are_the_images_of(self.points):
            raise InputError(f"{self.folder} has snapshots of other images; it goes on with the data it began with")
        stored = read_header(path, (len(p.labels), p.n_classes)) if path.exists() else None
        if isinstance(stored, dict):
            is_in_rows = snapshot.index in self._read_rows().rows
            row = stored["metrics"]
        else:
            arrays, header = to_arrays(snapshot)
            write_arrays(path, arrays, header)
            is_in_rows, row = False, header["metrics"]
        if not is_in_rows:
            append_row(self.folder / "metrics.jsonl", row)
        if self._status.state != "training":
            self.set_status(state="training", epoch=snapshot.epoch)

    def log(
        self,
        embeddings: Any,
        labels: Any,
        class_embeddings: Any = None,
        epoch: float | None = None,
        *,
        reference_centres: Any = None,
        weight: Any = None,
        bias: Any = None,
        indices: Any = None,
        thumbnails: Any = None,
        **metrics: object,
    ) -> Snapshot:
        """Record one snapshot of somebody else's training: embeddings (N, D), labels (N,), perhaps targets (C, D).

        The same N images in the same order each time. `reference_centres (C, D)`, the class centres of *training*
        images, are what `cos` and `euc` classify with; without them they come from a fixed half of the given images and
        accuracies are those of the other half. `weight (C, D)` and `bias (C,)` are a linear head's. Further keywords
        (loss=...) go into the row of metrics. Epochs go up, by 1 where none is given; several snapshots within one are
        fractions, such as epoch + step / steps. Raises InputError for arrays that do not fit or hold NaN, and for an
        epoch that is not after the last one; FolderGone.
        """
        self.check_place()
        arrays = Arrays(embeddings, labels, class_embeddings, reference_centres, weight, bias, indices, thumbnails)
        index, dim, last = self._find_next()
        points = None if dim is None else self.points
        epoch = (0 if last is None else last + 1) if epoch is None else epoch
        snapshot = external_snapshot(points, self.info.get("class_names"), index, epoch, arrays, metrics, dim)
        if last is not None and snapshot.epoch <= last:
            raise InputError(
                f"epoch {snapshot.epoch:g} is not after epoch {last:g}, the last of {self.folder}; epochs go up, and "
                "several snapshots within one are fractions, such as epoch + step / steps"
            )
        self.record(snapshot)
        self._next = index + 1, snapshot.embeddings.shape[1], snapshot.epoch
        return snapshot

    def set_status(self, **changes: Any) -> None:
        """Update status.json; every write is a heartbeat and says which process this is.

        A run that has ended has no use for a request to stop: one that came too late goes. Raises FolderGone.
        """
        self.check_place()
        self._status = replace(self._status, **changes).signed()
        write_json(self.folder / "status.json", asdict(self._status))
        if self._status.state in ENDED:
            remove(self.folder / "stop")

    def finish(self, state: str = "finished", error: str | None = None, **more: Any) -> None:
        """Say how the run ended: finished, stopped or failed (with the reason)."""
        progress = {"progress": 1.0, "seconds_left": 0.0} if state == "finished" else {"seconds_left": None}
        self.set_status(state=state, error=error, **progress, **more)

    def request_stop(self) -> None:
        """Ask the training to stop at its next step; it checkpoints first. A run that has ended keeps no request."""
        (self.folder / "stop").touch()
        if self.status.state in (*ENDED, "interrupted"):  # after the touch: who ends in between sees it, or is seen
            remove(self.folder / "stop")

    def stop_requested(self) -> bool:
        return (self.folder / "stop").exists()

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoint"

    def size(self) -> int:
        """Bytes on disk of what is there (what goes away meanwhile counts as nothing)."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total

    def prune(self) -> int:
        """Remove the checkpoints (what resuming and reloading the network need); returns the bytes freed."""
        before = self.size()
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        return before - self.size()

    # Private

    def _find_next(self) -> tuple[int, int | None, float | None]:
        """The number of the snapshot to log next; D and the last epoch, if there is one already. The folder is read
        once only, and again when another process has logged."""
        if self._next is not None and not self._snapshot_path(self._next[0]).exists():
            return self._next
        headers = self._look().headers
        if not headers:
            return 0, None, None
        index = max(int(path.stem) for path in headers) + 1
        return index, self.snapshot(0).embeddings.shape[1], max(float(header["epoch"]) for header in headers.values())

    def _snapshot_path(self, index: int) -> Path:
        return self.folder / "snapshots" / f"{index:06d}.safetensors"

    def _read_snapshot(self, path: Path) -> Snapshot:
        points = self.points
        try:
            arrays, stored = read_arrays(path)
            kinds = {name: (array.dtype, array.shape) for name, array in arrays.items()}
            header = check_header(path, kinds, stored, (len(points.labels), points.n_classes))
        except InputError:
            self._look(at_every_file=True)
            raise
        try:
            snapshot = from_arrays(int(path.stem), points, arrays, header)
        except InputError as error:
            problem = f"{path} is damaged: {error}"
            self._listing = leave_out(self._look(), path, problem)
            raise InputError(problem) from None
        return replace(snapshot, metrics=nulls_to_nan(snapshot.metrics))

    def _look(self, at_every_file: bool = False) -> Listing:
        """The snapshot files as they are now. Several threads may look: each replaces what is known as a whole."""
        try:
            sizes = len(self.points.labels), self.points.n_classes
        except InputError:  # what would say so cannot be read
            sizes = None
        self._listing = listing = read_listing(self.folder / "snapshots", self._listing, sizes, at_every_file)
        return listing

    def _read_rows(self) -> Rows:
        """The rows of metrics.jsonl as they are now."""
        self._rows = rows = read_rows(self.folder / "metrics.jsonl", self._rows)
        return rows

    def _stored_status(self) -> tuple[Status, str | None]:
        """What status.json says, and what is wrong with it."""
        path = self.folder / "status.json"
        stamp = stamp_of(path)
        known = self._status_read
        if known is None or stamp is None or known[0] != stamp:
            settled = stamp if stamp is not None and stamp.is_settled() else None
            self._status_read = known = settled, *read_status(path)
        return known[1:]


def list_runs(folder: str | Path) -> list[Run]:
    """The runs directly inside `folder`, newest first; what is no run is passed over."""
    runs = []
    for path in run_folders(Path(folder)):
        with contextlib.suppress(InputError):
            runs.append(Run.open(path))
    return sorted(runs, key=lambda run: (str(run.info.get("created") or ""), run.name), reverse=True)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("moving-targets", "torch", "torchvision", "numpy"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
