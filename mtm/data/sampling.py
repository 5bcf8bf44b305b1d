"""Choosing images: class-balanced samples and stratified splits, fixed by a seed."""

from __future__ import annotations

import numpy as np

from mtm.run_folder.snapshots import Array


def balanced_sample(y: Array, n: int, seed: int) -> Array:
    """Sorted row numbers of a fixed class-balanced sample of n of the labels y; all of them for n = 0 or n >= len(y).

    Classes with fewer images than their share give all they have, the others make up for them.
    """
    if n == 0 or n >= len(y):
        return np.arange(len(y))
    order = np.random.default_rng(seed).permutation(len(y))
    rank = np.empty(len(y), dtype=np.int64)  # how many of the same class come before
    for k in np.unique(y):
        rows = order[y[order] == k]
        rank[rows] = np.arange(len(rows))
    position = np.empty(len(y), dtype=np.int64)
    position[order] = np.arange(len(y))
    return np.sort(np.lexsort((position, rank))[:n])


def stratified_rows(y: Array, share: float, seed: int) -> Array:
    """Sorted row numbers of a random `share` of each class, at least one image of a class that has two."""
    rng = np.random.default_rng(seed)
    samples = []
    for k in np.unique(y):
        rows = np.flatnonzero(y == k)
        n = min(len(rows) - 1, max(1, round(share * len(rows))))
        samples.append(rng.permutation(rows)[:n])
    return np.sort(np.concatenate(samples))
