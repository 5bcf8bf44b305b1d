"""Projections: D dimensions on one pair of axes for a whole run, so that what moves on screen moves in the data.

    plane    D = 2 (or 1): the space itself
    pca      the plane of the most variance of all snapshots pooled
    centres  the plane of the most variance of the class centres of all snapshots
    targets  the plane through the targets of three classes at one snapshot: first to the right, third above
    umap     no plane: neighbours stay neighbours, laid out over time

A plane is x = origin + basis u, with basis orthonormal. Its axes do not depend on how the space is turned: signs are
fixed by where the class centres lie. To add a projection, write a module here and its name in PROJECTIONS: pages,
addresses, exports and tests take everything from there. Neither umap nor numba is imported by this package, only by
`aligned_umap`, which the worker loads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from explorer.space.digests import FileDigests
from explorer.space.frames import Frames, content_key
from explorer.space.projections.centres import Centres
from explorer.space.projections.pca import PCA
from explorer.space.projections.plane import Plane
from explorer.space.projections.projection import Cancelled, Option, Progress, Projection
from explorer.space.projections.targets import Targets
from explorer.space.projections.umap import UMAP
from explorer.space.stack import load_stack
from mtm.errors import InputError, choose_from
from mtm.runs import Run

__all__ = [
    "OPTIONS", "PROJECTIONS", "Cancelled", "Option", "Progress", "Projection", "cache_key", "describe_for_browser",
    "find", "offered", "project", "settings",
]  # fmt: skip

# In the order of menus: the first that a run allows is what it is shown by at first
PROJECTIONS: dict[str, Projection] = {
    projection.name: projection
    for projection in (
        Plane(),
        PCA(),
        Centres(),
        Targets(),
        UMAP(),
    )
}
OPTIONS = {option.name: option for projection in PROJECTIONS.values() for option in projection.options}
MEANWHILE = PCA.name  # what is shown until the worker is done


def find(method: str) -> Projection:
    """The projection of this name. Raises InputError if there is none."""
    if method not in PROJECTIONS:
        raise choose_from("projection", method, PROJECTIONS)
    return PROJECTIONS[method]


def offered(n: int, dim: int, n_classes: int) -> list[str]:
    """The projections that a run of n images in `dim` dimensions can be shown by; the first is the usual one."""
    return [name for name, projection in PROJECTIONS.items() if projection.refusal(n, dim, n_classes) is None]


def describe_for_browser() -> dict[str, Any]:
    """What browser code needs to know of every projection, in JSON's types (`assets/common/words.mjs`)."""
    return {
        name: {
            "short": projection.short,
            "options": [option.name for option in projection.options],
            "meanwhile": MEANWHILE if projection.needs_worker else None,
        }
        for name, projection in PROJECTIONS.items()
    }


def project(
    run: Run,
    method: str,
    *,
    snapshots: Sequence[str] | None = None,
    before: Frames | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **chosen: Any,
) -> Frames:
    """Project every readable snapshot of a run by one of PROJECTIONS; `chosen` are its options.

    `snapshots` are the names of the files to show, by default all there are; `before` are the frames of all of them but
    the last, which stay where they are.
    `progress(share, what)` is called now and then; raises Cancelled soon after `cancelled()` is true, and InputError
    if the run or the choice does not allow the view.
    """
    method_settings = settings(run, method, chosen)

    def report(share: float, what: str) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled
        if progress is not None:
            progress(share, what)

    report(0.0, "reading the snapshots")
    stack, projection = load_stack(run, snapshots), PROJECTIONS[method]
    shape = len(stack.labels), stack.dim, stack.n_classes
    refusal = projection.refusal(*shape)
    if refusal is not None:
        *others, last = offered(*shape)
        raise InputError(f"{refusal}; choose {', '.join(others)}{' or ' if others else ''}{last}")
    return projection.frames(stack, method_settings, before, report)


def settings(run: Run, method: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What the projection's result depends on beside the data, with defaults filled in; options of others are left out.

    Raises InputError for an unknown projection or option, or a choice that cannot be.
    """
    projection = find(method)
    for name in chosen:
        if name not in OPTIONS:
            raise choose_from("parameter", name, OPTIONS)
    return projection.settings(
        run, {option.name: option.check(chosen.get(option.name)) for option in projection.options}
    )


def cache_key(
    run: Run,
    method: str,
    chosen: Mapping[str, Any],
    digests: FileDigests | None = None,
    snapshots: Sequence[str] | None = None,
) -> str:
    """What a projection is cached under: everything its result depends on, by content.

    `chosen` are its options and `snapshots` the names of the files shown, as of `project`; `digests` remembers those of
    files. Raises InputError for a choice that cannot be.
    """
    return content_key(run, method, settings(run, method, chosen), digests or FileDigests(), snapshots)
