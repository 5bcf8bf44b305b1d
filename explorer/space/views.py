"""Pictures of runs, computed once each: frames, regions, and how far they can be trusted.

Most are computed in the server when a request needs them, what takes long (UMAP) in the worker process. Everything is
cached by content, in memory and in the cache folder, so that a picture is never computed twice and never goes stale.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.library import Library, references_over_time
from explorer.space import quality, regions
from explorer.space.digests import FileDigests
from explorer.space.frames import Frames, load_cached, store
from explorer.space.projections import PROJECTIONS, cache_key, find, project
from explorer.space.quality import Measure
from explorer.space.regions import RegionMap
from explorer.space.stack import load_snapshots
from explorer.space.worker import Worker
from explorer.web.cache import Cache
from mtm.errors import InputError, NotFoundError
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

CACHED = 16  # results cached in memory, of each kind


@dataclass(frozen=True)
class RegionModes:
    """The regions of one classifier in one view, mode by mode, and how much of them is true."""

    modes: dict[str, RegionMap]
    agreements: dict[str, float]
    best: str
    decisions: Array  # (T, N) the real ones
    n_classes: int

    def why_left_out(self, mode: str) -> str:
        """Why a mode is not there, a sentence without its end; empty if its being left out has another reason."""
        return "" if mode in self.modes or mode not in regions.MODES else regions.why_left_out(mode, self.n_classes)

    def choose(self, mode: str) -> str:
        """`mode` itself, or the one that "best" stands for. Raises InputError if there is no such mode in this view."""
        if mode == "best":
            return self.best
        if mode not in self.modes:
            why = self.why_left_out(mode) or f"regions '{mode}' cannot be drawn in this view"
            raise InputError(f"{why}; choose from {', '.join(self.modes)}")
        return mode


@dataclass(frozen=True)
class Picture:
    """Which picture of which run: its id, the projection and the options chosen of it.

    `n` is how many of the run's snapshots it shows, the first ones; None for all there are. A run that grows between
    two requests of a page would else be another picture in the second.
    """

    run: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    n: int | None = None


class Views:
    """Everything that can be seen of the runs of a library."""

    def __init__(self, library: Library, cache: Path) -> None:
        self.library, self.cache = library, cache
        self.digests = FileDigests(cache)
        self._frames, self._regions, self._quality = Cache(CACHED), Cache(CACHED), Cache(CACHED)
        self._lock = threading.Lock()
        self._worker: Worker | None = None

    @property
    def worker(self) -> Worker:
        """The process that computes what takes long; started when first needed."""
        with self._lock:
            if self._worker is None:
                self._worker = Worker(self.cache, self.digests)
            return self._worker

    def progress(self, picture: Picture) -> dict[str, Any]:
        """The state of the job that computes a projection, "none" without one; `n` is the number of its snapshots."""
        run = self.library.run(picture.run)
        names, key = _snapshot_names(run, picture), self._key(run, picture)
        if load_cached(self.cache, key) is not None:
            return {"state": "done", "progress": 1.0, "message": "", "n": len(names)}
        with contextlib.suppress(NotFoundError):
            status = self.worker.status(key)
            if status["state"] != "done":  # else its file has been deleted since
                return status | {"n": len(names)}
        return {"state": "none", "progress": 0.0, "message": "not computed yet", "n": len(names)}

    def lay_out(self, picture: Picture, again: bool = False) -> dict[str, Any]:
        """Submit the job that computes a projection if need be, after a failure only if `again`; its state."""
        state = self.progress(picture)
        if state["state"] in ("done", "queued", "running"):
            return state
        run = self.library.run(picture.run)
        names = _snapshot_names(run, picture)
        return self.worker.submit(run.folder, picture.method, picture.options, again, names) | {"n": len(names)}

    def cancel(self, picture: Picture) -> dict[str, Any]:
        """End the job that computes a projection. Raises InputError if there is none."""
        return self.worker.cancel(self._key(self.library.run(picture.run), picture))

    def frames(self, picture: Picture) -> tuple[Run, Frames]:
        """A run and its frames in one view. Raises InputError if there is no such view, or it is not computed yet."""
        run = self.library.run(picture.run)
        key = self._key(run, picture)

        def compute() -> Frames:
            cached = load_cached(self.cache, key)
            if cached is not None:
                return cached
            projection = PROJECTIONS[picture.method]
            if projection.needs_worker:
                raise InputError(f"{projection.short} is not computed yet")
            frames = project(run, picture.method, **picture.options, snapshots=_snapshot_names(run, picture))
            with contextlib.suppress(OSError):  # a full disk: it is computed again next time
                store(self.cache, key, frames)
            return frames

        return run, self._frames.get(key, compute)

    def newest(self, picture: Picture) -> Frames:
        """The frames of as many snapshots as are laid out by now, while a run grows. Raises InputError if none are."""
        if find(picture.method).grows:
            run, first = self.library.run(picture.run), picture.options.get("first")
            for n in range(len(run.snapshots), (first or 1) - 1, -1):
                shorter = replace(picture, n=n, options={**picture.options, "first": None if n == first else first})
                if load_cached(self.cache, self._key(run, shorter)) is not None:
                    return self.frames(shorter)[1]
        return self.frames(picture)[1]

    def regions(self, picture: Picture, classifier: str) -> tuple[Run, Frames, RegionModes]:
        """What every mode draws for a classifier, and its agreement with the real decisions."""
        run, frames = self.frames(picture)
        key = (self._key(run, picture), classifier)

        def compute() -> RegionModes:
            snapshots = load_snapshots(run, frames.snapshots, classifier)
            decisions = np.stack([s.predictions[classifier] for s in snapshots])
            modes = regions.region_modes(frames, classifier, references_over_time(snapshots, classifier), decisions)
            agreements = regions.agreements(modes, frames.points, decisions)
            means = {mode: float(np.mean(values)) for mode, values in agreements.items()}
            # in a vote every image is one of its own voters, which flatters it: the default is one with edges
            best = regions.best_mode({mode: values for mode, values in agreements.items() if mode != "vote"})
            if best == "off" and "vote" in modes:  # so many classes that nothing else is drawn
                best = "vote"
            return RegionModes(modes, means, best, decisions, frames.centres.shape[1])

        return run, frames, self._regions.get(key, compute)

    def trust(self, picture: Picture, classifier: str, mode: str) -> list[Measure]:
        """The measures of a picture, the agreement of its regions first."""
        run, frames, by_mode = self.regions(picture, classifier)
        of_view = self._quality.get(self._key(run, picture), lambda: quality.view_quality(run, frames))
        regions_on_screen = None if mode == "off" else by_mode.modes[by_mode.choose(mode)]
        of_decisions = quality.decision_quality(run, frames, classifier, regions_on_screen)
        measures = of_decisions | of_view
        return [measures[name] for name in quality.MEASURES if name in measures]

    def close(self) -> None:
        """End the worker process, if there is one."""
        if self._worker is not None:
            self._worker.close()

    def _key(self, run: Run, picture: Picture) -> str:
        return cache_key(run, picture.method, picture.options, self.digests, _snapshot_names(run, picture))


def _snapshot_names(run: Run, picture: Picture) -> list[str]:
    """The snapshots that a picture shows."""
    return [path.name for path in run.snapshots][: picture.n]
