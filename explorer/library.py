"""The runs that the app can show: the only module of the explorer that opens run folders.

A run's id is its folder's name; bundled demo runs are `demo/NAME` and cannot be changed.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from explorer.web.cache import Cache
from mtm.classifiers import CLASSIFIERS
from mtm.errors import InputError, NotFoundError
from mtm.run_folder.account import Account
from mtm.run_folder.files import stamp_of
from mtm.run_folder.imports import import_file
from mtm.run_folder.listing import looks_like_run, run_folders
from mtm.run_folder.names import check_name, show_name
from mtm.run_folder.snapshots import Array, Snapshot
from mtm.run_folder.summary import summarise, unreadable
from mtm.runs import Run

DEMO = "demo"
CACHED = 1000  # runs in memory, and their summaries
WATCHED = ("config.json", "status.json", "metrics.jsonl", "snapshots")


class Library:
    """The runs in a folder that may be changed, and the bundled ones."""

    def __init__(self, runs_folder: Path, demo_folder: Path | None = None) -> None:
        self.runs_folder = runs_folder
        self.demo_folder = demo_folder
        self._runs, self._summaries = Cache(CACHED), Cache(CACHED)

    def ids(self) -> list[str]:
        """The ids of all runs, bundled ones last; none of a folder that cannot be read (any more)."""
        own = _run_names(self.runs_folder)
        return own + [f"{DEMO}/{name}" for name in _run_names(self.demo_folder)]

    def folder(self, run_id: str) -> Path:
        """The folder of a run. Raises InputError for an id that is not one of `ids()`."""
        parent = self.demo_folder if run_id.startswith(f"{DEMO}/") else self.runs_folder
        name = run_id.removeprefix(f"{DEMO}/")
        is_name = name not in ("", "..") and Path(name).name == name  # what keeps '..' and absolute paths out
        if parent is not None and is_name:
            if looks_like_run(parent / name):
                return parent / name
            for path in _folders(parent):  # one whose name cannot be sent as it is
                if path.name != name and show_name(path.name) == name:
                    return path
        raise NotFoundError(f"there is no run '{show_name(run_id)}' here (any more)")

    def run(self, run_id: str) -> Run:
        """A run, which stays open and reads only what is new. Raises InputError if it is gone or of a newer format."""
        folder = self.folder(run_id)
        return self._runs.get((run_id, stamp_of(folder / "config.json")), lambda: open_run(folder))

    def summary(self, run_id: str) -> dict[str, Any]:
        """One line about a run, read again only when its files have changed."""
        folder = self.folder(run_id)
        key = (run_id, *(stamp_of(folder / name) for name in WATCHED))

        def read() -> dict[str, Any]:
            run = self.run(run_id)
            row = summarise(run) | {"id": run_id, "is_demo": run_id.startswith(f"{DEMO}/")}
            accuracies = [max(r["accuracy"].values(), default=None) for r in run.metrics if r.get("accuracy")]
            return row | {"accuracies": accuracies}

        row = self._summaries.get(key, read)
        if row["state"] == "training":  # its process may end without a change of the files
            self._summaries.forget(lambda other: other == key)
        return row

    def summaries(self) -> list[dict[str, Any]]:
        """A line for every run, newest first, bundled ones last; what cannot be opened says why in `error`."""
        rows = []
        for run_id in self.ids():
            try:
                rows.append(self.summary(run_id))
            except NotFoundError:
                continue  # it went away meanwhile
            except Exception as error:  # one bad run is one bad row
                about = {"id": run_id, "is_demo": run_id.startswith(f"{DEMO}/")}
                rows.append(unreadable(self.runs_folder / run_id, error) | about)
        rows.sort(key=lambda row: str(row.get("created") or ""), reverse=True)
        return sorted(rows, key=lambda row: bool(row["is_demo"]))

    def rename(self, run_id: str, name: str) -> str:
        """Rename a run; returns its new id. Raises InputError for a name that cannot be or is taken."""
        folder = self._own(run_id)
        name = check_name(name.strip())
        if (self.runs_folder / name).exists():
            raise InputError(f"there is already a run '{name}'")
        if open_run(folder).status.state == "training":
            raise InputError(f"'{run_id}' is being trained right now; stop it first")
        self._close(run_id)
        folder.rename(self.runs_folder / name)
        return name

    def delete(self, run_id: str) -> None:
        """Delete a run for good, readable or not. Raises InputError for a bundled run or one in training."""
        folder = self._own(run_id)
        if Run(folder, {}).status.state == "training":  # not opened: that refuses what cannot be read
            raise InputError(f"'{run_id}' is being trained right now; stop it first")
        self._close(run_id)
        if folder.is_symlink():  # what it leads to is somebody else's
            folder.unlink()
        else:
            shutil.rmtree(folder, onerror=_unless_it_is_gone)

    def import_file(self, path: Path) -> str:
        """Make a run of a file of embeddings and return its id. Raises InputError as `mtm import` does."""
        return self.import_with_account(path)[0]

    def import_with_account(self, path: Path) -> tuple[str, Account]:
        """As `import_file`; and what was taken of the file."""
        run, account = import_file(path, self.runs_folder / path.stem)
        return run.name, account

    def _close(self, run_id: str) -> None:
        """Let go of a run's files: Windows moves and deletes none that is open."""
        self._runs.forget(lambda key: key[0] == run_id)

    def _own(self, run_id: str) -> Path:
        folder = self.folder(run_id)
        if run_id.startswith(f"{DEMO}/"):
            raise InputError(f"'{run_id}' comes with the program and cannot be changed")
        return folder


def open_run(folder: Path) -> Run:
    """The run in a folder, whether a library lists it or not. Raises InputError if it is none or of a newer format."""
    return Run.open(folder)


def references_over_time(snapshots: Sequence[Snapshot], classifier: str) -> Array | tuple[Array, Array]:
    """What a classifier compares embeddings with at each of T snapshots: class centres or class embeddings (T, C, D).

    Of a linear head they are (weight (T, C, D), bias (T, C)). Raises InputError if the model has no such classifier.
    """
    by_snapshot = [snapshot.references for snapshot in snapshots]
    if not by_snapshot or any(classifier not in references for references in by_snapshot):
        raise InputError(f"this model has no classifier '{classifier}'")
    if CLASSIFIERS[classifier].reference == "head":
        weights, biases = zip(*(references[classifier] for references in by_snapshot), strict=True)
        return np.stack(weights).astype(np.float32), np.stack(biases).astype(np.float32)
    return np.stack([np.asarray(references[classifier]) for references in by_snapshot]).astype(np.float32)


def _run_names(folder: Path | None) -> list[str]:
    """The names of the folders that look like runs, as they can be sent and shown."""
    return [show_name(path.name) for path in _folders(folder)]


def _unless_it_is_gone(_: object, __: object, error: tuple[type, BaseException, object]) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]


def _folders(folder: Path | None) -> list[Path]:
    try:
        return [] if folder is None else run_folders(folder)
    except InputError as error:
        logging.getLogger(__name__).warning("%s", error)
        return []
