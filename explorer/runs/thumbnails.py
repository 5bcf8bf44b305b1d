"""Thumbnails: the newest snapshot of a run as a tiny picture, for its row in the table of runs.

It shows a few of the images in the colours of their classes, and the class embeddings as ringed discs, on the plane in
which these images vary most. Only the images that are drawn are read from the file, whatever the size of the run.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.figures.colours import class_colour
from explorer.library import Library
from explorer.web.cache import Cache
from mtm.data.sampling import balanced_sample
from mtm.errors import InputError
from mtm.run_folder.files import stamp_of
from mtm.run_folder.listing import snapshot_files
from mtm.runs import Run

CACHED = 1000  # pictures in memory, of some kilobytes each
IMAGES = 240  # drawn
SIDE = 64  # pixels
MARGIN = 4  # pixels, so that a disc at the edge is whole
DOT, DISC = 2.2, 2.6  # diameter of an image, radius of a target, in pixels
MANY = 20  # number of classes above which targets are smaller
OUTER = 0.02  # share of the images, at either end of each axis, that may lie outside

Array = NDArray[np.float64]


class Thumbnails:
    """The thumbnails of a library's runs; each is drawn once, and again when the run has a newer snapshot."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._cache = Cache(CACHED)

    def svg(self, run_id: str) -> str:
        """The thumbnail of a run as SVG. Raises InputError if there is no such run, or nothing to draw."""
        key = run_id, _newest_version(self.library.folder(run_id))
        return self._cache.get(key, lambda: draw(self.library.run(run_id)))


def draw(run: Run) -> str:
    """The newest snapshot of a run as SVG. Raises InputError if there is none, or it cannot be drawn."""
    try:
        snapshot = run.snapshot(-1)
    except IndexError:
        raise InputError(f"'{run.name}' has no snapshots to show yet") from None
    y, e, c = np.asarray(run.labels), snapshot.embeddings, snapshot.class_embeddings
    if e.ndim != 2 or len(e) != len(y) or e.size == 0:
        raise InputError(f"the newest snapshot of '{run.name}' does not fit its labels")
    rows = balanced_sample(y, IMAGES, seed=0)
    e, y = e[rows].astype(np.float64), y[rows]  # (N, D), (N,)
    c = np.empty((0, e.shape[1])) if c is None else np.asarray(c, np.float64)  # (C, D), NaN for classes held out
    if not (np.isfinite(e).all() and np.isfinite(c[~np.isnan(c).all(axis=1)]).all()):
        raise InputError(f"the newest snapshot of '{run.name}' holds embeddings that are not numbers")
    u, targets = flatten(e, y, c)
    return write_svg({int(k): u[y == k] for k in np.unique(y)}, targets)


def flatten(e: Array, y: NDArray[np.int64], c: Array) -> tuple[Array, Array]:
    """Positions (N, 2) of embeddings e (N, D) and (C, 2) of targets c (C, D), on the first two principal axes of e.

    The signs put the class of the first image to the right and above. D = 2 stays as it is, D = 1 lies on a line.
    """
    if e.shape[1] <= 2:
        padding = ((0, 0), (0, 2 - e.shape[1]))
        return np.pad(e, padding), np.pad(c, padding)
    mean = e.mean(axis=0)
    axes = np.zeros((e.shape[1], 2))
    # not `explorer.space.planes.main_axes`, which is for many images: of IMAGES it would form a matrix of D x D
    leading = np.linalg.svd(e - mean, full_matrices=False)[2][:2].T  # (D, 2), or (D, 1) of a single image
    axes[:, : leading.shape[1]] = leading
    axes *= np.where((e[y == y[0]].mean(axis=0) - mean) @ axes < 0, -1, 1)
    return (e - mean) @ axes, (c - mean) @ axes


def write_svg(classes: Mapping[int, ArrayLike], targets: Array) -> str:
    """Draw positions (n, 2) of the images of each class and of all targets (C, 2) on SIDE x SIDE pixels.

    One scale for both axes. A few outlying images may be cut off to leave room for the others; targets never are. The
    target of a class held out of training is NaN and is not drawn.
    """
    u = np.concatenate([np.asarray(points) for points in classes.values()])
    ends = np.concatenate([np.quantile(u, [OUTER, 1 - OUTER], axis=0), targets[~np.isnan(targets[:, 0])]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    scale = (SIDE - 2 * MARGIN) / (float((high - low).max()) or 1.0)

    def to_pixels(points: ArrayLike) -> list[list[float]]:
        pixels = (np.asarray(points) - (low + high) / 2) * scale * (1, -1) + SIDE / 2  # y points down
        return [[float(x) for x in point] for point in pixels.round(1)]

    dots = [
        f'<path stroke="{class_colour(k)}" d="{"".join(f"M{x:g} {y:g}h0" for x, y in to_pixels(points))}"/>'
        for k, points in classes.items()
    ]
    radius = DISC if len(targets) <= MANY else DISC / 2
    discs = [
        f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{class_colour(k)}"/>'
        for k, (x, y) in enumerate(to_pixels(targets))
        if not math.isnan(x)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">'
        f'<g fill="none" stroke-width="{DOT}" stroke-linecap="round" opacity=".7">{"".join(dots)}</g>'
        f'<g stroke="#fff" stroke-width=".9">{"".join(discs)}</g></svg>'
    )


def _newest_version(folder: Path) -> Hashable:
    """The last snapshot file of a run and its stamp, which change with every new snapshot; None if it has none."""
    try:
        paths, _ = snapshot_files(folder / "snapshots")
    except OSError:  # deleted since, or no folder
        return None
    return (paths[-1].name, stamp_of(paths[-1])) if paths else None
