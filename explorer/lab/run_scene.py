"""A scene from a run: one snapshot's vectors in all dimensions, and a plane through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.lab.landscape import Scene
from explorer.space.planes import main_axes, plane_through_points
from mtm.errors import InputError, choose_from
from mtm.fewshot import unseen_classes
from mtm.losses.loss import Vary
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run

Floats = NDArray[np.float64]

PLANES = ("points", "targets", "images")  # through three points; where targets, or images, vary most
MOST_CLASSES = 400  # of 1,000 the pairs of targets take 2 GB
IMAGES_PER_CLASS = 12  # that represent a class


@dataclass(frozen=True)
class RunScene:
    """A scene in a run, with the images and the classes of its points."""

    scene: Scene
    images: NDArray[np.int64]  # (M,) the recorded images whose embeddings these are
    class_names: tuple[str, ...]  # C
    epoch: float
    index: int  # of the snapshot
    rival: int | None  # the class whose target is the third point of the plane


def load_run_scene(
    run: Run, index: int, vary: Vary, *, image: int | None = None, label: int | None = None, plane: str = "points"
) -> RunScene:
    """Snapshot `index` of a run around one recorded image, or around a class and some of its images.

    Raises InputError for a run without class embeddings, or if there is no such snapshot, image, class or plane.
    """
    if plane not in PLANES:
        raise choose_from("plane", plane, PLANES)
    check_classes(run)
    images = _choose_images(run, image, label)
    snapshot = _load_snapshot(run, index)
    if unseen := [run.points.class_names[k] for k in unseen_classes(snapshot)]:
        raise InputError(f"'{run.name}' was not trained on {', '.join(unseen)}: a loss takes a target for every class")
    c = _targets_of(run, snapshot)
    e, y = np.asarray(snapshot.embeddings[images], np.float64), run.labels[images].astype(np.int64)
    _require_finite(run, snapshot.index, e, c)
    own = int(y[0])
    rival = _find_rival(run, images, own)
    origin, basis = _choose_plane(plane, snapshot, e, c, own, rival)
    scene = Scene(e, c, y, vary, 0, origin, basis)
    return RunScene(scene, images, run.points.class_names, snapshot.epoch, snapshot.index, rival)


def check_classes(run: Run) -> None:
    """Raises InputError for a run of more classes than the lab draws: some losses compare all pairs of them."""
    n_classes = len(run.points.class_names)
    if n_classes > MOST_CLASSES:
        raise InputError(f"the lab draws runs of at most {MOST_CLASSES:,} classes; '{run.name}' has {n_classes:,}")


def displace(scene: Scene, e: Mapping[int, Sequence[float]], c: Mapping[int, Sequence[float]]) -> Scene:
    """The scene with some points shifted along the plane: shifts (2,) by index in e and in c."""
    points = {"e": scene.e.copy(), "c": scene.c.copy()}
    for name, shifts in (("e", e), ("c", c)):
        for i, shift in shifts.items():
            if not 0 <= i < len(points[name]):
                raise InputError(f"there is no point {name}[{i}] to move; there are {len(points[name])}")
            points[name][i] += scene.basis @ np.asarray(shift, np.float64)
    return replace(scene, e=points["e"], c=points["c"])


def _choose_images(run: Run, image: int | None, label: int | None) -> NDArray[np.int64]:
    """The one image, or `IMAGES_PER_CLASS` of the class, evenly spaced."""
    labels = run.labels
    if image is not None:
        if not 0 <= image < len(labels):
            raise InputError(f"'{run.name}' recorded {len(labels)} images; there is no number {image}")
        return np.array([image])
    own = np.flatnonzero(labels == label)
    if not len(own):
        raise InputError(f"'{run.name}' recorded no image of class {label}")
    return own[np.unique(np.linspace(0, len(own) - 1, IMAGES_PER_CLASS).astype(int))]


def _load_snapshot(run: Run, index: int) -> Snapshot:
    try:
        return run.snapshot(index)
    except IndexError:
        raise InputError(f"'{run.name}' has {len(run.snapshots)} snapshots; there is no number {index}") from None


def _targets_of(run: Run, snapshot: Snapshot) -> Floats:
    if snapshot.class_embeddings is None:
        raise InputError(f"'{run.name}' was trained with a linear head: it has no class embeddings and no such loss")
    return np.asarray(snapshot.class_embeddings, np.float64)


def _require_finite(run: Run, index: int, *arrays: Floats) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise InputError(f"snapshot {index} of '{run.name}' holds embeddings that are not numbers: it diverged")


def _find_rival(run: Run, images: NDArray[np.int64], own: int) -> int | None:
    """The class, other than the own one, whose target is nearest at the end: the same for all snapshots of the run."""
    last = _load_snapshot(run, -1)
    c = _targets_of(run, last)
    if len(c) < 2:
        return None
    distances = np.linalg.norm(c - np.asarray(last.embeddings[images], np.float64).mean(axis=0), axis=1)
    distances[own] = np.inf
    return int(np.nanargmin(distances))


def _choose_plane(
    kind: str, snapshot: Snapshot, e: Floats, c: Floats, own: int, rival: int | None
) -> tuple[Floats, Floats]:
    """Origin (D,) and orthonormal basis (D, 2)."""
    if c.shape[1] <= 2:
        return np.zeros(c.shape[1]), np.eye(c.shape[1], 2)
    if kind == "points" and rival is not None:
        basis = plane_through_points(c[own], e.mean(axis=0), c[rival])
        if basis is not None:
            return c[own], basis
    if kind == "images":
        return main_axes([snapshot.embeddings], [f"snapshot {snapshot.index}"])
    middle = c.mean(axis=0)
    _, sizes, axes = np.linalg.svd(np.concatenate([c, e]) - middle, full_matrices=False)
    spanned = axes[:2][sizes[:2] > 1e-9 * sizes[0]]  # with fewer than three points apart, any axis will do
    basis = np.linalg.qr(np.concatenate([spanned, np.eye(2, c.shape[1])]).T)[0][:, :2]
    return middle, basis * np.where(basis[np.abs(basis).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)  # a fixed sign
