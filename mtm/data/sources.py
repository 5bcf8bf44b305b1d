"""Where images come from, by name: a known data set, an image folder or an .npz file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mtm.data.archives import read_archive
from mtm.data.folders import read_folder
from mtm.data.known import DATASETS
from mtm.data.raw import Source
from mtm.errors import InputError, choose_from

__all__ = ["DATASETS", "find_source"]


def find_source(name: str, order: Sequence[str] = ()) -> Source:
    """The source called `name`: one of DATASETS, an image folder, its classes in an order, or an .npz file."""
    if name in DATASETS:
        return DATASETS[name]
    path = Path(name)
    if path.suffix.lower() == ".npz":
        return Source(path.stem, lambda _: read_archive(path), "own")
    if path.is_dir():
        return Source(path.name, lambda _: read_folder(path, order), "own")
    if any(separator in name for separator in ("/", os.sep)):
        raise InputError(f"{name}: there is no such image folder or .npz file")
    raise choose_from("data set", name, [*DATASETS, "an image folder", "an .npz file"])
