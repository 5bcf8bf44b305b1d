"""Pictures of runs, computed once each: frames, regions, and how far they can be trusted.

Linear views are computed when they are asked for; UMAP is computed in the worker process. Everything is kept by
content, in memory and in the cache folder, so that a picture is never computed twice and never goes stale.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from explorer.library import Library, references_over_time
from explorer.space import projection, quality, regions
from explorer.space.projection import Frames
from explorer.space.quality import Measure
from explorer.space.regions import Drawn
from explorer.space.worker import Worker
from mtm.errors import InputError, choose_from
from mtm.run_folder.snapshots import Array, Snapshot
from mtm.runs import Run

KEPT = 16  # results kept in memory, of each kind
MODES = ("exact", "fitted", "targets", "centres", "vote")

Result = TypeVar("Result")


@dataclass(frozen=True)
class DrawnRegions:
    """What is drawn for one classifier in one view, mode by mode, and how much of it is true."""

    modes: dict[str, Drawn]
    agreements: dict[str, float]
    best: str
    decisions: Array  # (T, N) the real ones

    def choose(self, mode: str) -> str:
        """The mode that is meant by `mode`: itself, or the best. Raises InputError if there is no such mode here."""
        if mode == "best":
            return self.best
        if mode not in self.modes:
            raise InputError(f"regions '{mode}' cannot be drawn in this view; choose from {', '.join(self.modes)}")
        return mode


@dataclass(frozen=True)
class Picture:
    """Which picture of which run: its id, the projection, and what else `explorer.space.projection.project` asks for.

    `n` is how many of the run's snapshots it shows, the first ones; None for all there are. A run that grows between
    two requests of a page would else be another picture in the second.
    """

    run: str
    method: str
    classes: tuple[int, ...] | None = None
    at: int | None = None
    first: int | None = None
    n: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of `project` that count for the method."""
        if self.method == "umap":
            return {} if self.first is None else {"first": self.first}
        return {"classes": self.classes, "at": self.at, "first": self.first}


class Views:
    """Everything that can be seen of the runs of a library."""

    def __init__(self, library: Library, cache: Path) -> None:
        self.library, self.cache = library, cache
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    @property
    def worker(self) -> Worker:
        """The process that computes UMAP; started when first needed."""
        with self._lock:
            if self._worker is None:
                self._worker = Worker(self.cache)
            return self._worker

    def progress(self, asked: Picture, again: bool = False) -> dict[str, Any]:
        """The state of the job that computes a projection; submits it if need be, after a failure if asked `again`."""
        run = self.library.run(asked.run)
        names = _names(run, asked)
        if projection.load_cached(self.cache, self._key(run, asked)) is not None:
            status = {"state": "done", "progress": 1.0, "message": ""}
        else:
            status = self.worker.submit(run.folder, asked.method, asked.params, again, names)
        return status | {"n": len(names)}

    def cancel(self, asked: Picture) -> dict[str, Any]:
        """End the job that computes a projection. Raises InputError if there is none."""
        return self.worker.cancel(self._key(self.library.run(asked.run), asked))

    def frames(self, asked: Picture) -> tuple[Run, Frames]:
        """A run and its frames in one view. Raises InputError if there is no such view, or it is not computed yet."""
        run = self.library.run(asked.run)
        key = self._key(run, asked)

        def compute() -> Frames:
            found = projection.load_cached(self.cache, key)
            if found is not None:
                return found
            if asked.method == "umap":
                raise InputError("UMAP is not computed yet")
            found = projection.project(run, asked.method, **asked.params, snapshots=_names(run, asked))
            projection.store(self.cache, key, found)
            return found

        return run, self._once("frames", key, compute)

    def newest(self, asked: Picture) -> Frames:
        """The frames of as many snapshots as are laid out by now, while a run grows. Raises InputError if none are."""
        if asked.method == "umap":
            run = self.library.run(asked.run)
            for n in range(len(run.snapshots), (asked.first or 1) - 1, -1):
                known = replace(asked, n=n, first=None if n == asked.first else asked.first)
                if projection.load_cached(self.cache, self._key(run, known)) is not None:
                    return self.frames(known)[1]
        return self.frames(asked)[1]

    def regions(self, asked: Picture, classifier: str) -> tuple[Run, Frames, DrawnRegions]:
        """What every mode draws for a classifier, and its agreement with the real decisions."""
        run, frames = self.frames(asked)
        key = (self._key(run, asked), classifier)

        def compute() -> DrawnRegions:
            snapshots = snapshots_of(run, frames, classifier)
            decisions = np.stack([s.predictions[classifier] for s in snapshots])
            modes = regions.drawn_modes(frames, classifier, references_over_time(snapshots, classifier), decisions)
            each = regions.agreements(modes, frames.points, decisions)
            means = {mode: float(np.mean(values)) for mode, values in each.items()}
            # in a vote every image is one of its own voters, which flatters it: the default is one with edges
            best = regions.best_mode({mode: values for mode, values in each.items() if mode != "vote"})
            return DrawnRegions(modes, means, best, decisions)

        return run, frames, self._once("regions", key, compute)

    def trust(self, asked: Picture, classifier: str, mode: str) -> list[Measure]:
        """The measures of a picture, the agreement of its regions first."""
        run, frames, drawn = self.regions(asked, classifier)
        of_view = self._once("trust", self._key(run, asked), lambda: quality.view_quality(run, frames))
        shown = None if mode == "off" else drawn.modes[drawn.choose(mode)]
        decided = quality.decision_quality(run, frames, classifier, shown)
        found = decided | of_view
        return [found[name] for name in quality.MEASURES if name in found]

    def close(self) -> None:
        """End the worker process, if there is one."""
        if self._worker is not None:
            self._worker.close()

    def _key(self, run: Run, asked: Picture) -> str:
        return projection.cache_key(run, asked.method, asked.params, self.cache, _names(run, asked))

    def _once(self, kind: str, key: Hashable, compute: Callable[[], Result]) -> Result:
        """The kept result of `compute`; two requests at the same time may both compute it, the first one's is kept."""
        with self._lock:
            kept = self._kept.setdefault(kind, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key]
        result = compute()
        with self._lock:
            kept[key] = result
            while len(kept) > KEPT:
                kept.popitem(last=False)
        return result


def _names(run: Run, asked: Picture) -> list[str]:
    """The snapshots that a picture shows."""
    return [path.name for path in run.snapshots][: asked.n]


def snapshots_of(run: Run, frames: Frames, classifier: str | None = None) -> list[Snapshot]:
    """The snapshots that the frames show. Raises InputError if one is gone, or the model has no such classifier."""
    names = {path.name: i for i, path in enumerate(run.snapshots)}
    try:
        found = [run.snapshot(names[name]) for name in frames.snapshots]
    except KeyError as error:
        raise InputError(f"snapshot {error} of '{run.name}' is gone or damaged; choose the run again") from None
    if classifier is not None and any(classifier not in snapshot.predictions for snapshot in found):
        raise choose_from("classifier", classifier, found[0].predictions)
    return found
