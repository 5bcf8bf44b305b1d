"""Projections: D dimensions on one pair of axes for a whole run, so that what moves on screen moves in the data.

    pca      the plane of the most variance of all snapshots pooled
    centres  the plane of the most variance of the class centres of all snapshots
    targets  the plane through the targets of three classes at one snapshot: first to the right, third above
    plane    D = 2 (or 1): the space itself
    umap     no plane: neighbours stay neighbours, laid out over time (explorer.space.aligned_umap)

A plane is x = origin + basis u, with basis orthonormal. Its axes do not depend on how the space is turned: signs are
fixed by where the class centres lie. A run with a linear head has no targets: `targets` then is the plane along the
rows of its weight, through the middle of the images. Either way the plane holds the differences of the three, so which
of these classes beats which is seen exactly, for every image, whatever lies at right angles to the screen.
Results are kept by content (`cache_key`). Neither umap nor numba is imported here.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.space.planes import FLAT, completed, main_axes, on_plane, through
from explorer.space.stack import SnapshotStack, load_stack, sampled_rows
from mtm.errors import InputError, choose_from
from mtm.geometry import class_centres
from mtm.run_folder.files import read_arrays, write_arrays, write_bytes
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

CODE_VERSION = 2  # of what a projection computes: a new one makes every cached file a miss
METHODS = ("pca", "centres", "targets", "plane", "umap")

Floats = NDArray[np.float64]
Progress = Callable[[float, str], None]  # share done, what is being done


class Cancelled(Exception):
    """The user no longer wants the projection."""


@dataclass(frozen=True)
class Frames:
    """Where everything lies on screen at each of T snapshots; NaN is what does not exist at that moment."""

    method: str
    points: NDArray[np.float32]  # (T, N, 2) output embeddings
    targets: NDArray[np.float32] | None  # (T, C, 2) class embeddings; None with a linear head
    centres: NDArray[np.float32]  # (T, C, 2) class centres of the recorded images
    epochs: Floats  # (T,)
    origin: Floats | None  # (D,); None if the view is no plane
    basis: Floats | None  # (D, 2) orthonormal; for D = 1 the second axis is empty
    variance: Floats | None  # (T,) share of each snapshot's variance that the plane shows; None if it is no plane
    params: dict[str, Any]  # what the projection depended on besides the data
    snapshots: list[str]  # the names of the T snapshot files
    twice: NDArray[np.float32] | None = None  # (2, n, 2) where the method puts a sample of one snapshot given twice


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
    plane of `targets`; a plane found from the `first` so many snapshots alone stays where it is while a run grows;
    `seed` is UMAP's; `snapshots` are the names of the files to show, by default all there are; `before` is a UMAP of
    all of them but the last, which stays where it is.
    `progress(share, what)` is called now and then; raises Cancelled soon after `cancelled()` is true, and InputError
    if the run or the choice does not allow the view.
    """
    chosen = settings(run, method, classes=classes, at=at, first=first, seed=seed)
    tell = progress or (lambda share, what: None)
    stop = cancelled or (lambda: False)

    def told(share: float, what: str) -> None:
        if stop():
            raise Cancelled
        tell(share, what)

    told(0.0, "reading the snapshots")
    recording = load_stack(run, snapshots)
    if method == "umap":
        return _umap(recording, chosen, before, told)
    return _on_plane(recording, method, chosen, *_plane(recording, method, chosen, told), told)


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
    if method not in METHODS:
        raise choose_from("projection", method, METHODS)
    if first is not None and _whole(first, "first") < 1:
        raise InputError(f"first = {first}: a plane needs one snapshot or more")
    if method == "targets":
        moment = first - 1 if at is None and first is not None else at
        return {"classes": _three_classes(run, classes), "at": None if moment is None else _whole(moment, "at")}
    if method in ("pca", "centres"):
        return {} if first is None else {"first": int(first)}
    if method == "umap":
        if _whole(seed, "seed") < 0:
            raise InputError(f"seed = {seed}: a seed is 0 or more")
        config = run.config
        metric = "cosine" if config is not None and config.loss == "cosine" else "euclidean"
        return {"seed": int(seed), "metric": metric} | ({} if first is None else {"first": int(first)})
    return {}


def _three_classes(run: Run, classes: Sequence[int] | None) -> list[int]:
    n = run.points.n_classes
    if n < 3:
        raise InputError(f"a plane through three targets needs three classes, {run.name} has {n}")
    chosen = [_whole(k, "classes") for k in ((0, 1, 2) if classes is None else classes)]
    if len(chosen) != 3 or len(set(chosen)) != 3 or not all(0 <= k < n for k in chosen):
        raise InputError(f"a plane goes through three different classes between 0 and {n - 1}, not {_listed(chosen)}")
    return chosen


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"{name} = {value!r}: it has to be a whole number")
    return int(value)


# Planes


def _plane(recording: SnapshotStack, method: str, chosen: Mapping[str, Any], told: Progress) -> tuple[Floats, Floats]:
    """Origin (D,) and basis (D, 2) of a plane, up to the sign of its axes."""

    def found(share: float) -> None:
        told(0.5 * share, "finding the plane")

    if method == "plane":
        if recording.dim > 2:
            raise InputError(
                f"the space itself can be shown in two dimensions, this run has {recording.dim:,}; choose pca, "
                "centres, targets or umap"
            )
        return np.zeros(recording.dim), np.eye(recording.dim, 2)
    if method == "targets":
        return _through_targets(recording, chosen["classes"], chosen["at"])
    names = recording.names[: chosen.get("first")]
    embeddings = recording.embeddings[: len(names)]
    if method == "pca":
        return main_axes(embeddings, names, found)
    centres = np.concatenate([recording.centres(t) for t in range(len(names))])
    centres = centres[~np.isnan(centres).any(axis=1)]  # (P, D) of the classes that have images
    origin, axes = main_axes([centres], ["one of the snapshots"])
    spread = (centres - origin) @ axes
    if recording.dim > 1 and not spread[:, 1].std() > FLAT * spread[:, 0].std():  # on a line: the images choose
        axes = completed(axes, centres - origin, main_axes(embeddings, names, found)[1])
    return origin, axes


def _through_targets(recording: SnapshotStack, classes: Sequence[int], at: int | None) -> tuple[Floats, Floats]:
    n_snapshots, moment = len(recording.names), -1 if at is None else at
    if not -n_snapshots <= moment < n_snapshots:
        raise InputError(f"there is no snapshot {at}; choose one between 0 and {n_snapshots - 1}")
    rows = recording.targets or recording.weights
    if rows is None:
        raise InputError("this run has neither class embeddings nor a linear head to lay a plane through; choose pca")
    three = np.asarray(rows[moment], np.float64)[list(classes)]  # (3, D)
    basis = through(*three) if np.isfinite(three).all() else None
    if basis is None:
        why = "they lie on one line there" if np.isfinite(three).all() else "one of them is missing there"
        raise InputError(f"there is no plane through the targets of classes {_listed(classes)}: {why}")
    if recording.targets:
        return three.mean(axis=0), basis
    return np.nanmean(recording.centres(moment), axis=0), basis


def _on_plane(
    recording: SnapshotStack, method: str, chosen: dict[str, Any], origin: Floats, basis: Floats, told: Progress
) -> Frames:
    n_snapshots = len(recording.names)
    points, variance = np.empty((n_snapshots, len(recording.labels), 2), np.float32), np.empty(n_snapshots)
    for t, (e, name) in enumerate(zip(recording.embeddings, recording.names, strict=True)):
        told(0.5 + 0.5 * t / n_snapshots, f"snapshot {t + 1} of {n_snapshots}")
        points[t], variance[t] = on_plane(e, origin, basis, name)
    centres = np.stack([class_centres(u, recording.labels, recording.n_classes) for u in points])  # (T, C, 2)
    if method in ("pca", "centres"):
        signs = _signs(centres[: chosen.get("first")])
        points, centres, basis = points * signs.astype(np.float32), centres * signs, basis * signs
    targets = None
    if recording.targets is not None:
        targets = np.stack([(np.asarray(c, np.float64) - origin) @ basis for c in recording.targets]).astype(np.float32)
    return Frames(
        method,
        points,
        targets,
        centres.astype(np.float32),
        recording.epochs,
        origin,
        basis,
        variance,
        chosen,
        recording.names,
    )


def _signs(centres: Floats) -> Floats:
    """Per axis 1 or -1, such that the class farthest out along it, by the mean of centres (T, C, 2), is positive.

    Where the classes lie does not depend on how the space is turned, so neither does the picture.
    """
    present = ~np.isnan(centres)
    mean = np.where(present, centres, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)  # (C, 2)
    return np.where(mean[np.abs(mean).argmax(axis=0), np.arange(2)] < 0, -1.0, 1.0)


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values)) or "none"


# UMAP


def _umap(recording: SnapshotStack, chosen: dict[str, Any], before: Frames | None, told: Progress) -> Frames:
    """All snapshots laid out together; class centres and class embeddings are rows of the same layout."""
    n, n_classes, n_snapshots = len(recording.labels), recording.n_classes, len(recording.names)
    if n < 4:
        raise InputError(f"umap shows who is near whom and needs four images or more, this run has {n}")
    start = _start(recording, told) if before is None else np.asarray(before.points[-1], np.float64)
    extras = np.stack([recording.centres(t) for t in range(n_snapshots)])  # (T, C, D)
    if recording.targets is not None:
        extras = np.concatenate([extras, np.stack(recording.targets)], axis=1)  # (T, 2C, D)
    told(0.05, "loading numba, which compiles for some seconds the first time")
    aligned = importlib.import_module("explorer.space.aligned_umap")  # brings numba: only the worker gets here

    def laid_out(
        embeddings: Sequence[Array], extras: Array, start: Array, low: float, high: float, held: Array | None = None
    ) -> Array:
        def heard(share: float, what: str) -> None:
            told(low + (high - low) * share, what)

        how = {"metric": chosen["metric"], "seed": chosen["seed"]}
        return np.asarray(aligned.umap_over_time(embeddings, extras, start, held=held, **how, told=heard))

    if before is None:
        u = laid_out(recording.embeddings, extras, start, 0.05, 0.95)
    else:
        known = (before.points, before.centres, before.targets)
        held = np.concatenate([part for part in known if part is not None], axis=1)  # (T - 1, N + E, 2)
        newest = laid_out(recording.embeddings[-2:], extras[-2:], start, 0.05, 0.95, held[-1:])[1:]
        u = np.concatenate([held, newest])
    rows = sampled_rows(recording.labels)
    last = recording.embeddings[-1][rows]
    shown_twice = laid_out([last, last], extras[-1:].repeat(2, axis=0), start[rows], 0.95, 1.0)[:, : len(rows)]
    centres, targets = u[:, n : n + n_classes].copy(), u[:, n + n_classes :].copy()
    return Frames(
        "umap",
        u[:, :n].copy(),
        targets if recording.targets is not None else None,
        centres,
        recording.epochs,
        None,
        None,
        None,
        chosen,
        recording.names,
        shown_twice.copy(),
    )


def _start(recording: SnapshotStack, told: Progress) -> Floats:
    """Where a layout starts (N, 2): on the main plane, the mean over the snapshots, each at the same size."""
    plane = main_axes(recording.embeddings, recording.names, lambda share: told(0.05 * share, "where to start"))
    start = np.zeros((len(recording.labels), 2))
    for e, name in zip(recording.embeddings, recording.names, strict=True):
        u, _ = on_plane(e, *plane, name)
        start += u / (np.sqrt(u.var(axis=0, dtype=np.float64).sum()) or 1)
    return start


# Kept results


def cache_key(
    run: Run,
    method: str,
    params: Mapping[str, Any],
    folder: Path | None = None,
    snapshots: Sequence[str] | None = None,
) -> str:
    """What a projection is kept under: everything its result depends on, by content.

    `params` are `classes`, `at`, `first` and `seed` of `project`, and `snapshots` is its own. `folder`, where there is
    one, remembers the digests of files that have not changed, so that they are read once. Raises InputError for
    parameters that cannot be.
    """
    paths = [path for path in run.snapshots if snapshots is None or path.name in snapshots]
    for name in params:
        if name not in ("classes", "at", "first", "seed"):
            raise choose_from("parameter", name, ("classes", "at", "first", "seed"))
    depends = {
        "code": CODE_VERSION,
        "method": method,
        "params": settings(run, method, **params),
        "points": _digests([run.folder / "points.safetensors"], folder),
        "snapshots": _digests(paths, folder),
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]


def load_cached(folder: Path, key: str) -> Frames | None:
    """The frames kept under a key; None if there are none or the file is damaged."""
    try:
        return load_frames(folder / f"{key}.safetensors")
    except InputError:
        return None


def store(folder: Path, key: str, frames: Frames) -> None:
    """Keep frames under a key, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    save_frames(folder / f"{key}.safetensors", frames)


def save_frames(path: Path, frames: Frames) -> None:
    """Write frames as one file of arrays, with a digest of their bytes."""
    content = {field.name: getattr(frames, field.name) for field in fields(frames)}
    arrays = {name: value for name, value in content.items() if isinstance(value, np.ndarray)}
    rest = {name: content[name] for name in ("method", "params", "snapshots")}
    write_arrays(path, arrays, rest | {"digest": _digest_of(arrays)})


def load_frames(path: Path) -> Frames:
    """The inverse of `save_frames`. Raises InputError for a file that is missing or damaged."""
    arrays, header = read_arrays(path)
    try:
        if header.pop("digest") == _digest_of(arrays):
            absent: dict[str, Any] = dict.fromkeys(("targets", "origin", "basis", "variance", "twice"))
            return Frames(**(absent | arrays | header))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is not a kept projection") from error
    raise InputError(f"{path} is damaged")


def _digest_of(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


_known: dict[str, tuple[int, int, str]] = {}  # path -> size, time of change, digest of the content


def _digests(paths: Sequence[Path], folder: Path | None) -> list[tuple[str, str]]:
    """Name and digest of each file; a file of the same size and time is not read again."""
    memory = folder / "digests.json" if folder else None
    if memory and any(str(path) not in _known for path in paths):
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            stored = json.loads(memory.read_text(encoding="utf-8"))
            _known.update({str(k): (int(a), int(b), str(c)) for k, (a, b, c) in stored.items() if k not in _known})
    found, is_new = [], False
    for path in paths:
        try:
            stat = path.stat()
            known = _known.get(str(path))
            if known is None or known[:2] != (stat.st_size, stat.st_mtime_ns):
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                known, is_new = (stat.st_size, stat.st_mtime_ns, digest), True
                _known[str(path)] = known
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        found.append((path.name, known[2]))
    if memory and is_new:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(memory, json.dumps(dict(_known)).encode())  # a copy: other requests go on adding
    return found
