"""Comparisons of two snapshots as the Compare page fetches them, computed once for each pair of contents."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from explorer.compare import comparison
from explorer.space.histories import Histories
from explorer.space.neighbours import MOST_NEIGHBOURS
from explorer.web.cache import Cache
from mtm.errors import InputError
from mtm.geometry import mean
from mtm.run_folder.snapshots import Array

CACHED = 32  # comparisons in memory


class Comparisons:
    """The comparisons of one server, of runs whose histories are cached."""

    def __init__(self, histories: Histories) -> None:
        self.histories = histories
        self._cache = Cache(CACHED)

    def compare(
        self,
        runs: tuple[str, str],
        at: tuple[int | None, int | None],
        classifiers: tuple[str | None, str | None],
        k: int,
        metric: str,
    ) -> tuple[dict[str, Array], dict[str, Any]]:
        """Two snapshots, of two runs or of one: arrays of the images that both have, and the numbers of all of them.

        Raises InputError for a run, snapshot, classifier, k or metric that cannot be compared.
        """
        (first, a), (second, b) = (self.histories.load(run_id) for run_id in runs)
        if not 1 <= k <= MOST_NEIGHBOURS:
            raise InputError(f"k = {k}: 1 to {MOST_NEIGHBOURS} neighbours can be compared")
        snapshots = (a.snapshot_number(at[0]), b.snapshot_number(at[1]))
        names = (a.classifier(classifiers[0]), b.classifier(classifiers[1]))
        key = (first, second, snapshots, names, k, metric)
        result = self._cache.get(key, lambda: comparison.compare(a, b, snapshots, names, k=k, metric=metric))
        rows = [each.astype(np.int32) for each in result.rows]
        arrays = {
            "first": rows[0],
            "second": rows[1],
            "drift": result.drift.distances.astype(np.float32),
            "measured": result.measured.astype(np.int32),
            "kept": result.neighbours_kept.astype(np.int32),
        }
        summary = {
            "k": result.k,
            "sigma": result.drift.sigma,
            "scale": result.drift.scale,
            "left": result.drift.unexplained,
            "snapshots": snapshots,
            "classifiers": names,
            "class_names": b.class_names,
            "neighbours_kept": mean(result.neighbours_kept.astype(np.float64)),
            "agreement": None if result.agreement is None else asdict(result.agreement),
            "n": len(rows[0]),
        }
        return arrays, summary
