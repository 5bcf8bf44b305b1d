"""Projections: D dimensions on one pair of axes for a whole run, so that what moves on screen moves in the data.

    pca      the plane of the most variance of all snapshots pooled
    centres  the plane of the most variance of the class centres of all snapshots
    targets  the plane through the targets of three classes at one snapshot: first to the right, third above
    plane    D = 2 (or 1): the space itself
    umap     no plane: neighbours stay neighbours, laid out over time

A plane is x = origin + basis u, with basis orthonormal. Its axes do not depend on how the space is turned: signs are
fixed by where the class centres lie. To add a projection, write a module here, its line in PROJECTIONS and its words
in `explorer.words.VIEWS`. Neither umap nor numba is imported by this package, only by `aligned_umap`, which the worker
loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from explorer.space.frames import Frames, content_key
from explorer.space.projections.centres import Centres
from explorer.space.projections.pca import PCA
from explorer.space.projections.plane import Plane
from explorer.space.projections.projection import Cancelled, Options, Progress, Projection, whole_number
from explorer.space.projections.targets import Targets
from explorer.space.projections.umap import UMAP
from explorer.space.stack import load_stack
from mtm.errors import InputError, choose_from
from mtm.runs import Run

__all__ = [
    "METHODS", "PROJECTIONS", "Cancelled", "Options", "Progress", "Projection", "cache_key", "project", "settings",
]  # fmt: skip

PROJECTIONS: dict[str, Projection] = {
    "pca": PCA(),
    "centres": Centres(),
    "targets": Targets(),
    "plane": Plane(),
    "umap": UMAP(),
}
METHODS = tuple(PROJECTIONS)


def project(
    run: Run,
    method: str,
    *,
    classes: Sequence[int] | None = None,
    at: int | None = None,
    first: int | None = None,
    seed: int = 0,
    snapshots: Sequence[str] | None = None,
    before: Frames | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Frames:
    """Project every readable snapshot of a run by one of METHODS.

    `classes` (three class numbers, by default the first three) and `at` (a snapshot, by default the last) choose the
    plane of `targets`; a plane computed from the `first` so many snapshots alone stays where it is while a run grows;
    `seed` is UMAP's; `snapshots` are the names of the files to show, by default all there are; `before` is a UMAP of
    all of them but the last, which stays where it is.
    `progress(share, what)` is called now and then; raises Cancelled soon after `cancelled()` is true, and InputError
    if the run or the choice does not allow the view.
    """
    method_settings = settings(run, method, classes=classes, at=at, first=first, seed=seed)

    def report(share: float, what: str) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled
        if progress is not None:
            progress(share, what)

    report(0.0, "reading the snapshots")
    return PROJECTIONS[method].frames(load_stack(run, snapshots), method_settings, before, report)


def settings(
    run: Run,
    method: str,
    *,
    classes: Sequence[int] | None = None,
    at: int | None = None,
    first: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Of the parameters of `project` those that the method depends on, with defaults filled in.

    Raises InputError for an unknown method or a parameter that cannot be.
    """
    if method not in PROJECTIONS:
        raise choose_from("projection", method, METHODS)
    if first is not None and whole_number(first, "first") < 1:
        raise InputError(f"first = {first}: a plane needs one snapshot or more")
    return PROJECTIONS[method].settings(run, Options(classes, at, first, seed))


def cache_key(
    run: Run,
    method: str,
    params: Mapping[str, Any],
    folder: Path | None = None,
    snapshots: Sequence[str] | None = None,
) -> str:
    """What a projection is cached under: everything its result depends on, by content.

    `params` are `classes`, `at`, `first` and `seed` of `project`, and `snapshots` is its own; `folder` remembers
    digests (`explorer.space.frames.content_key`). Raises InputError for parameters that cannot be.
    """
    names = tuple(field.name for field in fields(Options))
    for name in params:
        if name not in names:
            raise choose_from("parameter", name, names)
    return content_key(run, method, settings(run, method, **params), folder, snapshots)
