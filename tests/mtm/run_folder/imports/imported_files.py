"""Files of embeddings whose right reading is known: each image lies at a place of its own, near its class's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mtm.run_folder.account import Account
from mtm.run_folder.imports import import_file
from mtm.runs import Run

Array = NDArray[Any]

N, D, C, T = 24, 4, 4, 3
Y = np.arange(N) % C
WORDS = ("zebra", "ant", "mule", "bee")
SPOTS = 4 * np.eye(C, D)  # (C, D) where the classes are
E = (SPOTS[Y] + np.arange(N)[:, None] / 100).astype(np.float32)  # (N, D), no two images at one place
STEPS = np.stack([E + t for t in range(T)])  # (T, N, D) every image moves in the same way

Import = Callable[..., tuple[Run, Account]]


def import_npz(folder: Path, **arrays: Any) -> tuple[Run, Account]:
    """Import `own.npz` with these arrays, by default E and Y; None leaves one out."""
    whole: dict[str, Any] = {"embeddings": E, "labels": Y} | arrays
    np.savez(folder / "own.npz", **{name: array for name, array in whole.items() if array is not None})
    return import_file(folder / "own.npz", folder / "runs" / "own")


def import_table(folder: Path, table: pa.Table | dict[str, Any], **options: Any) -> tuple[Run, Account]:
    """Import `own.parquet` with these columns."""
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), folder / "own.parquet")
    return import_file(folder / "own.parquet", folder / "runs" / "own", **options)


def import_with_labels(folder: Path, content: str | bytes, name: str = "y.txt") -> tuple[Run, Account]:
    """Import E as `own.npy` with a file of labels that has this content."""
    np.save(folder / "own.npy", E)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_file(folder / "own.npy", folder / "runs" / "own", folder / name)


def dimensions(prefix: str = "d", e: Array = E) -> dict[str, Array]:
    """A column a dimension."""
    return {f"{prefix}{k}": e[:, k] for k in range(e.shape[1])}


def nothing_is_left(folder: Path) -> bool:
    """Whether an import that was refused has made no run, and no hidden folder either."""
    return not (folder / "runs").exists() or not list((folder / "runs").iterdir())
