"""How much a file of somebody else may unpack to: generous, and such that a laptop survives the worst that is sent.

What is in a file says itself how large it is, in a few bytes: it is asked before memory or disk is taken for it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

from mtm.errors import InputError

GB = 10**9
MOST_FILES = 100_000  # in an archive
LARGEST_UNPACKED = 100 * GB  # all files of an archive, or all arrays, together
LARGEST_RATIO = 100  # of unpacked to packed bytes; embeddings do not shrink to a tenth
UNPACKED_AT_ANY_RATIO = GB // 4
LARGEST_TEXT = GB // 4  # a file of labels, or of JSON
LARGEST_UPLOAD = 2**30  # bytes that the explorer's page takes; the command takes any
MEMORY_NEEDED = 2  # times the arrays, while they are made into snapshots


def check_fits_memory(path: Path, packed: int, unpacked: int) -> None:
    """Raise InputError if arrays of `unpacked` bytes, in a file of `packed`, are more than the limits or the memory."""
    free = psutil.virtual_memory().available // MEMORY_NEEDED
    _check(path, packed, unpacked, free, "what fits into the memory that is free")


def check_fits_disk(path: Path, packed: int, unpacked: int, folder: Path) -> None:
    """Raise InputError if files of `unpacked` bytes are more than the limits or the disk of `folder` has."""
    _check(path, packed, unpacked, shutil.disk_usage(folder).free, "what is free on the disk")


def _check(path: Path, packed: int, unpacked: int, free: int, of_the_machine: str) -> None:
    limits = (
        (LARGEST_UNPACKED, "the most that is imported"),
        (max(UNPACKED_AT_ANY_RATIO, LARGEST_RATIO * packed), f"{LARGEST_RATIO} times the file"),
        (free, of_the_machine),
    )
    limit, meaning = min(limits)
    if unpacked > limit:
        raise InputError(
            f"{path} has {in_words(packed)} and unpacks to {in_words(unpacked)}; the limit is {in_words(limit)}, "
            f"{meaning}"
        )


def in_words(n_bytes: int) -> str:
    """12 MB, 1.5 GB."""
    return f"{n_bytes / 1e6:,.3g} MB" if n_bytes < 1e9 else f"{n_bytes / 1e9:,.2f} GB"
