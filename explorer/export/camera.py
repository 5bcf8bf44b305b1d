"""What part of the plane an export looks at: the box of the whole run, or that of one moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.projection import Frames

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax

OUTSIDE = 0.005  # share of the images of a moment, at either end of each axis, that may lie outside its box
PADDING = 0.05
SHRUNK = 4  # a cloud that ends so much smaller than the whole run's box is followed, as in Explore


def at(places: NDArray[np.float32], time: float) -> Floats:
    """Places (T, M, 2) at a time in snapshots, on straight lines between two: (M, 2)."""
    s = min(int(time), len(places) - 1)
    here = places[s].astype(np.float64)
    return here if time == s else here + (time - s) * (places[s + 1] - here)


def whole_box(frames: Frames) -> Box:
    """The box of everything that ever moves, with a margin."""
    marks = [frames.centres, *([] if frames.targets is None else [frames.targets])]
    return _around([frames.points.reshape(-1, 2), *(places.reshape(-1, 2) for places in marks)])


def box_at(frames: Frames, time: float) -> Box:
    """The box of nearly all images and of every mark at a time, with a margin."""
    points = at(frames.points, time)
    points = points[np.isfinite(points).all(axis=1)]
    ends = np.quantile(points, [OUTSIDE, 1 - OUTSIDE], axis=0) if len(points) else points
    marks = [frames.centres, *([] if frames.targets is None else [frames.targets])]
    return _around([ends, *(at(places, time) for places in marks)])


def usual_camera(frames: Frames) -> str:
    """`scale` for a run whose cloud shrinks so much that a fixed picture would be empty at the end, else `fixed`."""
    whole, last = (_side(box) for box in (whole_box(frames), box_at(frames, len(frames.epochs) - 1)))
    return "scale" if SHRUNK * last < whole else "fixed"


def filling(box: Box, width: float, height: float) -> Box:
    """The smallest box of the shape `width` : `height` around another, with the same middle."""
    left, low, right, high = box
    scale = max((right - left) / width, (high - low) / height)
    x, y, half = (left + right) / 2, (low + high) / 2, (scale * width / 2, scale * height / 2)
    return x - half[0], y - half[1], x + half[0], y + half[1]


def _around(parts: list[NDArray[np.floating]]) -> Box:
    every = np.concatenate([np.asarray(part, np.float64) for part in parts])
    every = every[np.isfinite(every).all(axis=1)]
    low, high = (every.min(axis=0), every.max(axis=0)) if len(every) else (np.zeros(2), np.ones(2))
    margin = PADDING * (float((high - low).max()) or 1.0)
    return float(low[0] - margin), float(low[1] - margin), float(high[0] + margin), float(high[1] + margin)


def _side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])
