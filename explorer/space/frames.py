"""Frames: where everything lies on screen at each snapshot of a run, as arrays, as a file, and cached by content.

The key of a projection is made of the digests of the run's files, its settings and the version of the code
(`content_key`), so that a cached result is never stale. A file is written whole or not at all, and a damaged one counts
as missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.space.digests import FileDigests
from mtm.errors import InputError
from mtm.run_folder.files import read_arrays, write_arrays
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

CODE_VERSION = 2  # of what a projection computes: a new one makes every cached file a miss

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frames:
    """Where everything lies on screen at each of T snapshots; NaN is what does not exist at that snapshot."""

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


# Files


def save_frames(path: Path, frames: Frames) -> None:
    """Write frames as one file of arrays, with a digest of their bytes."""
    content = {field.name: getattr(frames, field.name) for field in fields(frames)}
    arrays = {name: value for name, value in content.items() if isinstance(value, np.ndarray)}
    rest = {name: content[name] for name in ("method", "params", "snapshots")}
    write_arrays(path, arrays, rest | {"digest": _digest_of_arrays(arrays)})


def load_frames(path: Path) -> Frames:
    """The inverse of `save_frames`. Raises InputError for a file that is missing or damaged."""
    arrays, header = read_arrays(path)
    try:
        if header.pop("digest") == _digest_of_arrays(arrays):
            absent: dict[str, Any] = dict.fromkeys(("targets", "origin", "basis", "variance", "twice"))
            return Frames(**(absent | arrays | header))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} is not a cached projection") from error
    raise InputError(f"{path} is damaged")


def _digest_of_arrays(arrays: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


# The cache


def load_cached(folder: Path, key: str) -> Frames | None:
    """The frames cached under a key; None if there are none or the file is damaged."""
    try:
        return load_frames(folder / f"{key}.safetensors")
    except InputError:
        return None


def store(folder: Path, key: str, frames: Frames) -> None:
    """Cache frames under a key, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    save_frames(folder / f"{key}.safetensors", frames)


def content_key(
    run: Run,
    method: str,
    settings: Mapping[str, Any],
    digests: FileDigests,
    snapshots: Sequence[str] | None = None,
) -> str:
    """The key of a projection, from the content of everything that its result depends on.

    `settings` are those that `method` depends on, `snapshots` the names of the files it shows, by default all there
    are. Raises InputError for a file that cannot be read.
    """
    _ = run.points  # what is damaged is not worth a digest
    paths = [path for path in run.snapshots if snapshots is None or path.name in snapshots]
    depends = {
        "code": CODE_VERSION,
        "method": method,
        "params": settings,
        "points": digests.of([run.folder / "points.safetensors"]),
        "snapshots": digests.of(paths),
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]
