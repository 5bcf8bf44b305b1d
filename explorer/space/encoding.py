"""What the browser gets of a run, as bytes: its frames, what colours its points, its regions, its thumbnails.

Responses have the binary format of `explorer.web.binary`. Positions cost four bytes a point and snapshot: 16 bits a
coordinate over the box of the whole run, so a point that does not move does not move on screen either.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from explorer.figures.colours import CLASS_COLOURS, RAMP, RIGHT, WRONG
from explorer.space.frames import Frames
from explorer.space.regions import Regions
from explorer.web.binary import encode

Array = NDArray[Any]

LARGEST = 65_534  # code of the largest coordinate; 65,535 stands for a point that has no position
ABSENT = 65_535
LEVELS = 254  # code of the largest value among margins and distances; 255 stands for a value that is not known
MAX_SHEET = 8_192  # pixels a side; larger images are refused by some browsers and graphics cards


def quantise_points(points: ArrayLike) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """Positions (T, N, 2) as 16-bit codes, and the box [xmin, ymin, xmax, ymax] onto which 0..65535 maps linearly.

    A coordinate is off by at most half of box / 65535. The box is a hair wider than the points, so that the last code
    stays free: a point with a coordinate that is not finite has it in both.
    """
    u = np.asarray(points)  # (T, N, 2)
    is_finite = np.isfinite(u).all(axis=-1)  # (T, N)
    finite = u[is_finite] if not is_finite.all() else u.reshape(-1, 2)
    low, high = (finite.min(axis=0), finite.max(axis=0)) if len(finite) else (np.zeros(2), np.ones(2))
    low, high = low.astype(np.float64), high.astype(np.float64)
    width = high - low
    width[width <= 0] = max(float(width.max()), 1e-6 * float(np.abs(low).max()), 1e-6)  # all on one line or one place
    width *= ABSENT / LARGEST
    codes = np.full(u.shape, ABSENT, np.uint16)
    for t in range(len(u)):  # a snapshot at a time: a run of 60,000 points needs no second copy in float64
        scaled = np.rint((u[t, is_finite[t]].astype(np.float64) - low) * (ABSENT / width))
        codes[t, is_finite[t]] = np.clip(scaled, 0, LARGEST)
    return codes, np.concatenate([low, low + width])


def quantise_values(values: ArrayLike) -> tuple[NDArray[np.uint8], list[list[float]], list[float]]:
    """Values (T, N) as bytes over each snapshot's own range, the ranges [[low, high], ...], and the range to colour by.

    That one leaves out the hundredth at either end over the whole run. A value that is not finite has the code 255.
    """
    x = np.asarray(values, dtype=np.float64)
    codes, scales = np.full(x.shape, 255, np.uint8), []
    for t, row in enumerate(x):
        is_finite = np.isfinite(row)
        finite_values = row[is_finite]
        low, high = (float(finite_values.min()), float(finite_values.max())) if len(finite_values) else (0.0, 0.0)
        codes[t, is_finite] = np.rint((finite_values - low) * (LEVELS / ((high - low) or 1.0)))
        scales.append([low, high])
    finite = x[np.isfinite(x)]
    colour_range = np.quantile(finite, [0.01, 0.99]).tolist() if len(finite) else [0.0, 1.0]
    return codes, scales, colour_range


def encode_frames(frames: Frames, *, class_names: Sequence[str], **meta: object) -> bytes:
    """The frames of a whole run: points, class targets, class centres, epochs and the box.

    `meta` is passed on as it is (`name` of the run, `total` of images it was sampled from, ...).
    """
    codes, box = quantise_points(frames.points)
    n_snapshots, n = codes.shape[:2]
    absent = np.full((n_snapshots, len(class_names), 2), np.nan, np.float32)
    arrays: dict[str, Array] = {
        "points": codes,
        "targets": absent if frames.targets is None else np.asarray(frames.targets, np.float32),
        "centres": np.asarray(frames.centres, np.float32),
    }
    header = {
        "box": box,
        "epochs": frames.epochs,
        "method": frames.method,
        "variance": frames.variance,
        "snapshots": list(frames.snapshots),
        "class_names": list(class_names),
        "n": n,
    }
    return encode(arrays, {**header, **meta})


def encode_attributes(
    labels: ArrayLike,
    *,
    class_names: Sequence[str],
    predictions: Mapping[str, ArrayLike],
    margins: Mapping[str, ArrayLike],
    target_distances: ArrayLike | None = None,
    centre_distances: ArrayLike | None = None,
    indices: ArrayLike | None = None,
    **meta: object,
) -> bytes:
    """What colours the points and what is shown on hover: labels (N,), and (T, N) everything else.

    `predictions` and `margins` are by classifier; `indices` (N,) are the images' positions in their data set.
    """
    classes = np.uint8 if len(class_names) <= 255 else np.uint16
    arrays: dict[str, Array] = {"labels": np.asarray(labels).astype(classes)}
    if indices is not None:
        arrays["indices"] = np.asarray(indices).astype(np.int32)
    for name, predicted in predictions.items():
        arrays[f"predictions.{name}"] = np.asarray(predicted).astype(classes)
    scales, colour_ranges = {}, {}
    values: dict[str, ArrayLike | None] = {f"margins.{name}": margin for name, margin in margins.items()}
    values |= {"distances.target": target_distances, "distances.centre": centre_distances}
    for name, value in values.items():
        if value is not None:
            arrays[name], scales[name], colour_ranges[name] = quantise_values(value)
    colours = {"palette": CLASS_COLOURS, "ramp": RAMP, "right": RIGHT, "wrong": WRONG}
    header = {
        "class_names": list(class_names),
        "classifiers": list(predictions),
        "scales": scales,
        "shown": colour_ranges,
    }
    return encode(arrays, {**header, **colours, **meta})


def encode_regions(regions: Regions, **meta: object) -> bytes:
    """The regions of a classifier over a whole run: C affine functions a snapshot and what blends them between two.

    Float64: the constants of far targets all but cancel, and 24 bytes a class and snapshot are nothing.
    """
    arrays = {"affine": regions.affine, "square": regions.square, "step": regions.step}
    doubles = {name: np.asarray(array, np.float64) for name, array in arrays.items()}
    return encode(doubles, {"kind": regions.kind, **meta})


def encode_vote(classes: ArrayLike, evidence: ArrayLike, box: ArrayLike, **meta: object) -> bytes:
    """A vote map: the class (T, H, W) and the evidence (T, H, W), 0..1, of H x W cells that tile `box`.

    The first row is the lowest. A class below 0 is no class.
    """
    winners = np.asarray(classes)
    kind = np.uint8 if winners.max(initial=0) < 255 else np.uint16
    codes = np.where(winners < 0, np.iinfo(kind).max, winners).astype(kind)
    shares = np.rint(np.clip(np.nan_to_num(np.asarray(evidence, np.float64)), 0, 1) * 255).astype(np.uint8)
    header = {"kind": "vote", "box": np.asarray(box, np.float64)}
    return encode({"classes": codes, "evidence": shares}, {**header, **meta})


def sprite_sheet(thumbnails: ArrayLike) -> bytes:
    """Thumbnails (N, h, w[, 3]) uint8 as one PNG: ceil(sqrt(N)) columns, in the order of the points, row by row.

    Where the sheet would be larger than browsers show, its cells are made smaller.
    """
    images = np.asarray(thumbnails)
    n, height, width = images.shape[:3]
    columns = max(1, math.ceil(math.sqrt(n)))
    rows = max(1, math.ceil(n / columns))
    scale = min(1.0, MAX_SHEET / (columns * max(width, height)))
    if scale < 1:
        width, height = max(1, int(width * scale)), max(1, int(height * scale))
        images = np.stack([np.asarray(Image.fromarray(image).resize((width, height))) for image in images])
    cells = np.zeros((rows * columns, height, width, *images.shape[3:]), np.uint8)
    cells[:n] = images
    sheet = cells.reshape(rows, columns, height, width, -1).swapaxes(1, 2).reshape(rows * height, columns * width, -1)
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet).save(file, "PNG", compress_level=1)
    return file.getvalue()
