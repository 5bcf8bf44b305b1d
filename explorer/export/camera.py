"""The part of the plane that an export shows: the box of the whole run, or that of one time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.space.frames import Frames

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]  # xmin, ymin, xmax, ymax

OUTSIDE = 0.005  # share of the images, at either end of each axis, that may lie outside the box of one time
PADDING = 0.05
SHRUNK = 4  # the camera follows a cloud that ends this many times smaller than the whole run's box, as in Explore


def interpolate(positions: NDArray[np.float32], time: float) -> Floats:
    """Positions (T, M, 2) at a time in snapshots, linear between two snapshots: (M, 2)."""
    s = min(int(time), len(positions) - 1)
    before = positions[s].astype(np.float64)
    return before if time == s else before + (time - s) * (positions[s + 1] - before)


def whole_box(frames: Frames) -> Box:
    """The box of all images and marks over the whole run, with a margin."""
    marks = [frames.centres, *([] if frames.targets is None else [frames.targets])]
    return _around([frames.points.reshape(-1, 2), *(positions.reshape(-1, 2) for positions in marks)])


def box_at(frames: Frames, time: float) -> Box:
    """The box of nearly all images and of every mark at a time, with a margin."""
    points = interpolate(frames.points, time)
    points = points[np.isfinite(points).all(axis=1)]
    ends = np.quantile(points, [OUTSIDE, 1 - OUTSIDE], axis=0) if len(points) else points
    marks = [frames.centres, *([] if frames.targets is None else [frames.targets])]
    return _around([ends, *(interpolate(positions, time) for positions in marks)])


def default_camera(frames: Frames) -> str:
    """`scale` for a run whose cloud shrinks so much that a fixed picture would be empty at the end, else `fixed`."""
    whole, last = (_side(box) for box in (whole_box(frames), box_at(frames, len(frames.epochs) - 1)))
    return "scale" if SHRUNK * last < whole else "fixed"


def fit_aspect(box: Box, width: float, height: float) -> Box:
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
