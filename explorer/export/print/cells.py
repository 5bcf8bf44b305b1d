"""The exact outlines of regions: where one affine function is the largest of C is a polygon, found by clipping."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NOTHING = 1e-12  # share of the box's area below which a polygon is a rounding error


def clip_polygons(scores: ArrayLike, box: Sequence[float]) -> list[tuple[int, Floats]]:
    """Class and corners (M, 2), counter-clockwise, of every region that `scores` (C, 3) have in a box.

    `scores` are what `explorer.space.regions.affine_scores` gives: gx x + gy y + g0, the largest wins, among equals
    the lower class; NaN never wins. The box is [xmin, ymin, xmax, ymax]. Regions are convex and tile the box.
    """
    left, low, right, high = box
    middle = np.array([(left + right) / 2, (low + high) / 2])
    g = np.asarray(scores, np.float64)  # (C, 3)
    candidates = np.flatnonzero(np.isfinite(g).all(axis=1))  # (K,) classes that can win
    if not len(candidates):
        return []
    g = _drop_duplicates(g[candidates])  # (K, 3)
    # around the middle of the box and relative to their mean: less cancellation
    g[:, 2] += g[:, :2] @ middle
    g = g - np.nanmean(g, axis=0)
    corners = np.array([[left, low], [right, low], [right, high], [left, high]]) - middle  # (4, 2)
    outlines = []
    for k in range(len(g)):
        outline = _cell(g, k, corners)
        if len(outline) >= 3 and area(outline) > NOTHING * area(corners):
            outlines.append((int(candidates[k]), outline + middle))
    return outlines


def area(outline: Floats) -> float:
    """The area of a polygon (M, 2), positive if it goes counter-clockwise."""
    x, y = outline[:, 0], outline[:, 1]
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _drop_duplicates(g: Floats) -> Floats:
    """The functions, with NaN in place of those that equal an earlier one, so that they never win."""
    _, first = np.unique(g, axis=0, return_index=True)
    unique = np.full_like(g, np.nan)
    unique[first] = g[first]
    return unique


def _cell(g: Floats, k: int, outline: Floats) -> Floats:
    """The part of a convex polygon where function k is the largest: cut by the worst rival until there is none."""
    if np.isnan(g[k]).any():
        return outline[:0]
    ahead = g - g[k]  # (K, 3): how far the others are ahead
    ahead[k] = np.nan
    while len(outline):
        over = outline @ ahead[:, :2].T + ahead[:, 2]  # (M, K)
        over[np.isnan(over)] = -np.inf
        worst = int(over.max(axis=0).argmax())
        if over[:, worst].max() <= 0:
            break
        outline = _cut(outline, over[:, worst])
        ahead[worst] = np.nan
    return outline


def _cut(outline: Floats, over: Floats) -> Floats:
    """The part of a convex polygon (M, 2) where a function with the values `over` (M,) at its corners is at most 0."""
    corners: list[Floats] = []
    for i in range(len(outline)):
        j = (i + 1) % len(outline)
        if over[i] <= 0:
            corners.append(outline[i])
        if (over[i] < 0 < over[j]) or (over[j] < 0 < over[i]):
            share = over[i] / (over[i] - over[j])
            corners.append(outline[i] + share * (outline[j] - outline[i]))
    return np.array(corners).reshape(-1, 2)
