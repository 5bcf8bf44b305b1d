"""How far a picture can be trusted: measures of a projection against the space it shows, in words for its reader.

The functions are the definitions, on arrays: x (N, D) or T of them, and the picture u (N, 2) or (T, N, 2).
`view_quality` and `decision_quality` take them for a run, on the sample that `explorer.space.stack.sampled_rows` takes.
Sources: trustworthiness as scikit-learn has it; neighbours kept, temporal preserving and boundary preserving of Deep
Visual Insight (Yang et al., AAAI 2022); temporal neighbours of TimeVis (Yang et al., IJCAI 2022). Distances are
Euclidean, also for a run with a cosine loss, so that every projection of every run is measured alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.space.neighbours import (
    NEIGHBOURS,
    ONE_PLACE,
    SampleComparison,
    compare_samples,
    count_shared,
    find_nearest,
)
from explorer.space.regions import RegionMap, View, agreement_over_time
from explorer.space.stack import load_snapshots, sampled_rows
from mtm.errors import choose_from
from mtm.geometry import mean
from mtm.runs import Run

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

NEAR_SNAPSHOTS = 5  # of the same image, that temporal neighbours counts
FEWEST = 4  # images that anything is measured on
BORDER = 0.1  # share of images, those with the smallest margins, that stand for the boundary
ROUNDING = 1e-24  # of the mean square: a smaller variance is that of the mean's own rounding
CHUNK = 1 << 22  # numbers of a run's trajectories that are held at once


class Layout(View, Protocol):
    """What is needed of the frames of a projection (explorer.space.frames.Frames)."""

    @property
    def snapshots(self) -> list[str]: ...  # the names of the T snapshot files
    @property
    def twice(self) -> ArrayLike | None: ...  # (2, n, 2) where it puts the measured images of one snapshot given twice


# The measures


def neighbours_kept(x: ArrayLike, u: ArrayLike, k: int = NEIGHBOURS) -> float:
    """How many of the k nearest neighbours of an image in D dimensions are among its k nearest in the picture, mean.

    Over the images that have k nearest: those with more than k others at their very place have not. NaN without any.
    """
    return compare_samples(x, u, k).kept


def trustworthiness(x: ArrayLike, u: ArrayLike, k: int = NEIGHBOURS) -> float:
    """1 if all neighbours in the picture are neighbours in D dimensions, about 0.5 for a random picture; k < N/2.

    1 - 2 / (N k (2N - 3k - 1)) sum over images and their k neighbours in the picture of max(0, rank - k), where rank is
    that of the neighbour in D dimensions: `sklearn.manifold.trustworthiness`. That takes 0.8 of the time alone, but not
    with the distances that neighbours kept needs too, and a second to import (benchmarks/libraries.py). Over the images
    that have k nearest, as `neighbours_kept`.
    """
    if 2 * k >= len(np.asarray(x)):
        raise ValueError(
            f"trustworthiness of {k} neighbours needs more than {2 * k} points, there are {len(np.asarray(x))}"
        )
    return compare_samples(x, u, k).trust


def boundary_kept(x: ArrayLike, u: ArrayLike, margins: ArrayLike, k: int = NEIGHBOURS) -> float:
    """`neighbours_kept` among the border images: the tenth with the smallest margins (N,); a margin NaN is none."""
    rows = _border(margins)
    return neighbours_kept(np.asarray(x)[rows], np.asarray(u)[rows], k)


def temporal_preserving(x: Sequence[ArrayLike], u: ArrayLike, k: int = NEIGHBOURS) -> float:
    """DVI: whether the picture moves what really moves; -1 is best, 0 no connection.

    Per image the Pearson correlation over the steps from one snapshot to the next of two things: the share of its k
    nearest neighbours in D dimensions that are still so after the step, and the length of its step in the picture;
    0 where one of them never changes, as its authors have it; averaged. NaN for fewer than three steps, and where no
    image has k nearest at every snapshot.
    """
    u = np.asarray(u, np.float64)
    return _temporal_preserving([compare_samples(*pair, k) for pair in zip(x, u, strict=True)], u)


def temporal_neighbours(x: Sequence[ArrayLike], u: ArrayLike, k: int = NEAR_SNAPSHOTS) -> float:
    """TimeVis: the share of the k snapshots in which an image is nearest to where it is now that the picture keeps.

    Nearest in D dimensions against nearest in the picture, averaged over images and snapshots; chance is k / (T - 1).
    Left out are images at snapshots that are no others' equals by less: more than k are at the very same place.
    """
    snapshots, u = [np.asarray(e) for e in x], np.asarray(u, np.float64)
    if not 0 < k < len(u) - 1:
        raise ValueError(f"{k} neighbours need at least {k + 2} snapshots, there are {len(u)}")
    n_shared = []
    size = max(1, CHUNK // max(1, len(snapshots) * snapshots[0].shape[1]))
    for first in range(0, u.shape[1], size):
        rows = slice(first, first + size)
        space = np.stack([e[rows].astype(np.float64) for e in snapshots], axis=1)  # (n, T, D)
        plane = u[:, rows].swapaxes(0, 1)  # (n, T, 2)
        near, near_in_picture = find_nearest(space, k), find_nearest(plane, k)
        shared = count_shared(near.rows, near_in_picture.rows)
        n_shared.append(shared[near.is_defined & near_in_picture.is_defined])
    return mean(np.concatenate(n_shared).astype(np.float64)) / k


def jitter(first: ArrayLike, second: ArrayLike) -> float:
    """How far images move from one layout (N, 2) to another, mean, over the first one's radius (root mean square).

    NaN for a layout with all images at one place.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    moved = float(np.linalg.norm(second - first, axis=1).mean())
    radius = math.sqrt(np.square(first - first.mean(axis=0)).sum(axis=1).mean())
    return moved / radius if radius else math.nan


def no_op_jitter(project: Callable[[NDArray[Any]], ArrayLike], x: ArrayLike) -> float:
    """`jitter` between the two frames (2, N, 2) that `project` makes of the same snapshot x (N, D) twice (2, N, D)."""
    x = np.asarray(x)
    first, second = np.asarray(project(np.stack([x, x])))
    return jitter(first, second)


def variance_shown(x: ArrayLike, u: ArrayLike) -> float:
    """The share of the variance of x that an orthogonal projection u of it shows; NaN where nothing varies."""
    e = np.asarray(x, np.float64)
    total, in_picture = (np.var(array, axis=0).sum() for array in (e, np.asarray(u, np.float64)))
    nothing = ROUNDING * np.square(e).mean(axis=0).sum() if len(e) else 0.0
    return float(in_picture / total) if total > nothing else math.nan


# In words


@dataclass(frozen=True)
class Measure:
    """One measure of a picture: a value over the whole run, what it means in a sentence, and how it is defined."""

    title: str
    value: float  # NaN if it cannot be measured; the text says why
    shown: str  # the value as it is printed: 3.1 / 15, 38 %, 0.91
    text: str  # for a student
    definition: str  # on hover
    n: int  # images measured
    over_time: tuple[float, ...] = ()  # at each snapshot, where there is such a value; `value` is their mean


@dataclass(frozen=True)
class Wording:
    """The words of a measure; in braces the facts that are filled in when it is taken."""

    title: str
    shown: str
    text: str
    definition: str


MEASURES = {
    "region_agreement": Wording(
        "Regions agree",
        "{value:.1%}",
        "{shown} of the images lie on the colour of the class that {classifier} really decides in {d} dimensions.",
        "Share of all {n} shown images whose drawn region is the real decision of {classifier}.",
    ),
    "neighbours_kept": Wording(
        "Neighbours kept",
        "{value:.1f} / {k}",
        "Of the {k} images most like an image, {value:.1f} are among the {k} nearest to it here; "
        "with images placed at random it would be {chance:.1f}.",
        "Mean overlap of the {k} nearest neighbours in {d} dimensions and in the picture; {n} images.",
    ),
    "trustworthiness": Wording(
        "Trustworthiness",
        "{value:.2f}",
        "Do images that lie together here belong together? {shown}, where 0.5 is a random picture and 1 is always.",
        "scikit-learn's: 1 - 2 / (n k (2n - 3k - 1)) times the sum, over the k = {k} neighbours of each image in the "
        "picture, of how far their rank in {d} dimensions lies beyond k; {n} images.",
    ),
    "boundary_kept": Wording(
        "Boundary kept",
        "{value:.1f} / {k}",
        "Among the images that {classifier} is least sure of, {value:.1f} of the {k} most like an image are among the "
        "{k} nearest to it here; at random it would be {chance:.1f}.",
        "Neighbours kept among the tenth of the images with the smallest margins of {classifier}; {n} images.",
    ),
    "variance_shown": Wording(
        "Variance shown",
        "{value:.0%}",
        "This plane shows {shown} of how much the images differ; the rest lies at right angles to the screen.",
        "Variance of the positions over the variance of the embeddings in {d} dimensions; {n} images.",
    ),
    "temporal_preserving": Wording(
        "Motion is real",
        "{value:+.2f}",
        "Do images move here when their real neighbours change? {shown}, where -1 is always, 0 is no connection, and "
        "above 0 the picture moves what stays.",
        "DVI's temporal preserving: per image the Pearson correlation, over the steps between snapshots, of the share "
        "of its {k} neighbours in {d} dimensions that it keeps and the length of its step here; mean of {n} images.",
    ),
    "temporal_neighbours": Wording(
        "Moments kept",
        "{value:.0%}",
        "Of the {k} moments at which an image was most like it is now, {shown} are among the {k} nearest on its path "
        "here; by chance it would be {chance:.0%}.",
        "TimeVis's temporal neighbours: overlap of the {k} snapshots nearest in {d} dimensions and in the picture, per "
        "image and snapshot; mean of {n} images.",
    ),
    "no_op_jitter": Wording(
        "Stands still",
        "{value:.2%}",
        "Shown the same snapshot twice, the picture moves images by {shown} of its radius; it should be nothing.",
        "Mean movement between the two frames of one snapshot given twice, over the root mean square distance to the "
        "middle of the layout; {n} images.",
    ),
}


def measure(name: str, values: float | Floats | list[float], missing: str, **facts: Any) -> Measure:
    """Put a measure into words. `values` is one number, or one a snapshot; `facts` is what its words need (n, d, ...).

    `missing` is the sentence for a value that is NaN. Raises InputError for an unknown name.
    """
    if name not in MEASURES:
        raise choose_from("measure", name, MEASURES)
    wording, each = MEASURES[name], np.atleast_1d(np.asarray(values, np.float64))
    over_time = tuple(each.tolist()) if np.ndim(values) else ()
    n_defined = int((~np.isnan(each)).sum())
    over = "" if n_defined in (0, len(each)) else f" {n_defined} of the {len(each)}"
    over = f" Mean over{over or ' the'} snapshots{' at which it is defined' if over else ''}."
    definition = wording.definition.format(**facts) + (over if over_time else "")
    value = mean(each)
    if math.isnan(value):
        return Measure(wording.title, value, "-", missing, definition, facts["n"], over_time)
    printed = _spaced(wording.shown.format(value=value, **facts))
    text = _spaced(wording.text.format(value=value, shown=printed, **facts))
    return Measure(wording.title, value, printed, text, definition, facts["n"], over_time)


# Of a run


def view_quality(run: Run, frames: Layout) -> dict[str, Measure]:
    """The measures that depend on the view alone. They take seconds and are worth caching.

    Raises InputError if a snapshot of the frames is gone.
    """
    snapshots, rows = load_snapshots(run, frames.snapshots), sampled_rows(run.labels)
    x = [_take(s.embeddings, rows) for s in snapshots]  # T of (n, D), in the file's own numbers
    u = np.asarray(frames.points, np.float64)[:, rows]  # (T, n, 2)
    n, n_snapshots = len(rows), len(x)
    k = _most_neighbours(n)
    nearest = [compare_samples(*pair, k) for pair in zip(x, u, strict=True)] if k else []
    kept, trust = ([getattr(each, name) for each in nearest] or [math.nan] for name in ("kept", "trust"))
    preserving = _temporal_preserving(nearest, u)
    k_in_time = min(NEAR_SNAPSHOTS, (n_snapshots - 1) // 2)
    in_time = temporal_neighbours(x, u, k_in_time) if k_in_time and n else math.nan

    is_plane = frames.basis is not None and frames.origin is not None
    variance = [variance_shown(*pair) if is_plane else math.nan for pair in zip(x, u, strict=True)]
    moved = math.nan
    if frames.twice is not None:
        moved = jitter(*np.asarray(frames.twice))
    elif is_plane and n:
        moved = no_op_jitter(lambda e: (e - frames.origin) @ frames.basis, x[-1])  # type: ignore[operator]

    facts = {"n": n, "d": x[0].shape[1], "k": k, "chance": k * k / max(1, n - 1)}
    facts_in_time = facts | {"k": k_in_time, "chance": k_in_time / max(1, n_snapshots - 1)}
    few, early = (f"There are too few {what} to measure this." for what in ("images", "snapshots"))
    no_plane = ONE_PLACE if is_plane else "This view is not a plane through the space."
    why = nearest[-1].why_undefined if nearest else few
    not_in_time = early if n_snapshots < 4 else why or f"Not defined: at some snapshot no image has {k} nearest others."
    not_moved = ONE_PLACE if is_plane or frames.twice is not None else "This has not been measured for this view."
    return {
        "neighbours_kept": measure("neighbours_kept", kept, why, **facts),
        "trustworthiness": measure("trustworthiness", trust, why, **facts),
        "variance_shown": measure("variance_shown", variance, no_plane, **facts),
        "temporal_preserving": measure("temporal_preserving", preserving, not_in_time, **facts),
        "temporal_neighbours": measure("temporal_neighbours", in_time, not_in_time, **facts_in_time),
        "no_op_jitter": measure("no_op_jitter", moved, not_moved, **facts),
    }


def decision_quality(
    run: Run, frames: Layout, classifier: str, region_map: RegionMap | None = None
) -> dict[str, Measure]:
    """The measures that depend on a classifier and on its regions (without them the agreement is left out).

    Fast. Raises InputError if the model has no such classifier, or a snapshot of the frames is gone.
    """
    snapshots, rows = load_snapshots(run, frames.snapshots, classifier), sampled_rows(run.labels)
    d = snapshots[0].embeddings.shape[1]
    measures = {}
    if region_map is not None:
        decisions = np.stack([s.predictions[classifier] for s in snapshots])  # (T, N)
        values = agreement_over_time(region_map, frames.points, decisions)
        facts = {"n": decisions.shape[1], "d": d, "classifier": classifier}
        measures["region_agreement"] = measure("region_agreement", values, "There are no images.", **facts)

    borders = [rows[_border(s.margins[classifier][rows])] for s in snapshots]
    n = min(len(border) for border in borders)
    k = _most_neighbours(n)
    nearest = [
        compare_samples(snapshot.embeddings[border], u[border], k)
        for snapshot, u, border in zip(snapshots, frames.points, borders, strict=True)
        if k
    ]
    facts = {"n": n, "d": d, "k": k, "chance": k * k / max(1, n - 1), "classifier": classifier}
    why = nearest[-1].why_undefined if k else "There are too few images near the boundary to measure this."
    return measures | {
        "boundary_kept": measure("boundary_kept", [each.kept for each in nearest] or [math.nan], why, **facts)
    }


# Private


def _spaced(text: str) -> str:
    return re.sub(r"(?<=\d)%", " %", text)


def _take(x: NDArray[Any], rows: Rows) -> NDArray[Any]:
    return x if len(rows) == len(x) else x[rows]  # all of them stay a view of the file


def _most_neighbours(n: int) -> int:
    """How many neighbours are compared among n images: trustworthiness needs fewer than half; 0 where n is too few."""
    return min(NEIGHBOURS, (n - 1) // 2) if n >= FEWEST else 0


def _border(margins: ArrayLike) -> Rows:
    """Rows of the tenth with the smallest margins, in order."""
    margins = np.asarray(margins, np.float64)
    n_measured = int((~np.isnan(margins)).sum())
    return np.sort(np.argsort(margins, kind="stable")[: round(BORDER * n_measured)])  # NaN comes last


def _temporal_preserving(nearest: Sequence[SampleComparison], u: Floats) -> float:
    """DVI's measure from the neighbours at each snapshot and the picture u (T, N, 2)."""
    if len(nearest) < 4:
        return math.nan
    always = np.logical_and.reduce([each.is_defined for each in nearest])  # (N,)
    kept = np.stack([count_shared(a.near[always], b.near[always]) for a, b in pairwise(nearest)]).astype(np.float64)
    steps = np.linalg.norm(np.diff(u[:, always], axis=0), axis=-1)  # (T-1, n), as kept
    a, b = kept - kept.mean(axis=0), steps - steps.mean(axis=0)
    spread = np.sqrt(np.square(a).sum(axis=0) * np.square(b).sum(axis=0))  # (N,)
    # a step that is always the same is so up to rounding only
    varies = (np.ptp(kept, axis=0) > 0) & (np.ptp(steps, axis=0) > 1e-9 * steps.max(axis=0))
    correlation = np.zeros(len(spread))
    np.divide((a * b).sum(axis=0), spread, out=correlation, where=varies)
    return mean(correlation)
