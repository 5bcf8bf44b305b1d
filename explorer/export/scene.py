"""What an export shows: run, view, classifier and time, read and computed as the Explore page does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.export.camera import default_camera
from explorer.figures.colours import CLASS_COLOURS, UNKNOWN, class_colour
from explorer.space import regions
from explorer.space.frames import Frames
from explorer.space.projections import PROJECTIONS, offered
from explorer.space.regions import RegionMap
from explorer.space.stack import load_snapshots
from explorer.space.views import Picture, Views
from explorer.words import CAMERAS, COLOURS, MARKS, MARKS_BY_DEFAULT, REGIONS, usual_classifier
from mtm.errors import InputError, choose_from
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run
from mtm.text import printable

FAINT = 0.35  # strength of classes outside the focus, as in the player

Progress = Callable[[float, str], None]  # called with the share done and what is being done


@dataclass(frozen=True)
class ExportRequest:
    """The run, view and options of an export; None stands for the default of the Explore page."""

    run: str  # id in the library
    view: str | None = None
    classifier: str | None = None
    regions: str = "best"
    colour: str = "label"
    epoch: float | None = None  # the last
    camera: str | None = None
    marks: tuple[str, ...] = MARKS_BY_DEFAULT
    options: Mapping[str, Any] = field(default_factory=dict)  # of the view
    hidden: tuple[int, ...] = ()  # classes that are not drawn
    solo: int | None = None  # the only class that is drawn
    focus: tuple[int, ...] = ()  # classes that stand out from the others

    def __post_init__(self) -> None:
        """Raises InputError for a choice that does not exist."""
        for name, value, choices in (
            *([("view", self.view, PROJECTIONS)] if self.view else []),
            ("regions", self.regions, ("best", *REGIONS, "off")),
            ("colour", self.colour, COLOURS),
            ("camera", self.camera or "fixed", CAMERAS),
            *(("mark", mark, MARKS) for mark in self.marks),
        ):
            if value not in choices:
                raise choose_from(name, value, choices)


@dataclass(frozen=True)
class Scene:
    """A run in one view with the regions of one classifier, over all of its time."""

    request: ExportRequest
    picture: Picture
    run: Run
    frames: Frames
    classifier: str
    mode: str  # of the regions: a key of REGIONS, or off
    regions: RegionMap | None
    agreement: float | None  # share of the images whose region is their decision, over the run
    decisions: NDArray[Any]  # (T, N)
    camera: str  # fixed, or scale: following the cloud

    @property
    def title(self) -> str:
        return printable(self.run.name)

    @cached_property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots of the T frames."""
        return load_snapshots(self.run, self.frames.snapshots, self.classifier)

    @cached_property
    def strength(self) -> NDArray[np.float64]:
        """(C,): how strongly each class is drawn: 0 not at all, FAINT outside the focus, 1 as usual."""
        request, classes = self.request, np.arange(len(self.run.points.class_names))
        is_drawn = ~np.isin(classes, request.hidden) if request.solo is None else classes == request.solo
        in_focus = np.isin(classes, request.focus or classes)
        return np.where(is_drawn, np.where(in_focus, 1.0, FAINT), 0.0)

    @property
    def colours(self) -> list[str]:
        """Of the classes, as the player has them: where they repeat, those in focus get different ones."""
        n, focus = len(self.run.points.class_names), self.request.focus
        if not focus or n <= len(CLASS_COLOURS):
            return [class_colour(k) for k in range(n)]
        return [class_colour(focus.index(k)) if k in focus else UNKNOWN for k in range(n)]

    @property
    def count(self) -> str:
        """How many images are shown, and of how many."""
        labels = np.asarray(self.run.labels)
        n = int((self.strength[labels] > 0).sum())
        total = max([len(labels), *(row["n"] for row in self.run.metrics if row.get("split") == "test")])
        return f"{n:,} images" if total == n else f"{n:,} of {total:,} test images"

    @property
    def about_regions(self) -> str:
        """A sentence about the regions and their agreement with the decisions over the run; empty without regions."""
        if self.agreement is None:
            return ""
        return f"{self._regions_text}; over the run they agree with {self.agreement:.0%} of its decisions."

    def about_regions_at(self, t: int) -> str:
        """The same of snapshot t alone."""
        if self.regions is None:
            return ""
        u, decisions = self.frames.points[t], self.decisions[t]  # (N, 2), (N,)
        if self.regions == "vote":
            decided, _ = regions.knn_vote(u, decisions, u)
        else:
            decided = regions.decide(regions.affine_scores(self.regions, t), u)
        return f"{self._regions_text}; here they agree with {(decided == decisions).mean():.0%} of its decisions."

    @property
    def _regions_text(self) -> str:
        return f"Regions: {REGIONS[self.mode].caption}, for {self.classifier}"

    @property
    def time(self) -> float:
        """The requested epoch as a time in snapshots; the last snapshot without one."""
        return time_at(self.frames.epochs, self.request.epoch)

    def time_label(self, time: float) -> str:
        """The epoch and the snapshot at a time, in words."""
        epochs, last = self.frames.epochs, len(self.frames.epochs) - 1
        epoch = float(np.interp(time, np.arange(last + 1), epochs))
        if time == int(time):
            return f"epoch {epoch:.2f}, snapshot {int(time) + 1} of {last + 1}"
        return f"epoch {epoch:.2f}, between snapshots {int(time) + 1} and {int(time) + 2} of {last + 1}"


def load_scene(views: Views, request: ExportRequest, on_progress: Progress | None = None) -> Scene:
    """Read and compute the scene of a request. Raises InputError if the run has no such view, classifier or regions."""
    if on_progress:
        on_progress(0.0, "reading the run")
    run = views.library.run(request.run)
    try:
        newest = run.snapshot(-1)
    except IndexError:
        raise InputError(f"{run.name} has no snapshots to export yet") from None
    for k in (*request.hidden, *request.focus, *([] if request.solo is None else [request.solo])):
        if not 0 <= k < len(run.points.class_names):
            raise InputError(f"there is no class {k}; {run.name} has classes 0 to {len(run.points.class_names) - 1}")
    view = request.view or offered(len(run.labels), newest.embeddings.shape[1], run.points.n_classes)[0]
    classifier = request.classifier or usual_classifier(newest.predictions, run.config.loss if run.config else None)
    assert classifier is not None, "a snapshot has decisions of one classifier or more"
    picture = Picture(request.run, view, request.options)
    if PROJECTIONS[view].needs_worker:
        _wait_for_projection(views, picture, on_progress)
    run, frames, options = views.regions(picture, classifier)
    mode = "off" if request.regions == "off" else options.choose(request.regions)
    drawn_regions, agreement = options.modes.get(mode), options.agreements.get(mode)
    camera = request.camera or default_camera(frames)
    return Scene(request, picture, run, frames, classifier, mode, drawn_regions, agreement, options.decisions, camera)


def time_at(epochs: NDArray[np.float64], epoch: float | None) -> float:
    """The time in snapshots at an epoch; the last for None. Raises InputError for one outside the run."""
    last = len(epochs) - 1
    if epoch is None:
        return float(last)
    if not epochs[0] <= epoch <= epochs[-1]:
        raise InputError(f"epoch {epoch:g} is not in this run; it goes from {epochs[0]:g} to {epochs[-1]:g}")
    time = float(np.interp(epoch, epochs, np.arange(last + 1)))
    return float(round(time)) if abs(time - round(time)) < 1e-6 else time


def _wait_for_projection(views: Views, picture: Picture, on_progress: Progress | None) -> None:
    """Wait until the worker process has computed a projection. Raises InputError if it cannot."""
    retry = True
    while True:
        job = views.lay_out(picture, retry)
        retry = False
        if job["state"] == "done":
            return
        if job["state"] in ("failed", "cancelled"):
            raise InputError(job["error"] or "the projection was cancelled")
        if on_progress:
            on_progress(job["progress"], job["message"])
        time.sleep(0.2)
