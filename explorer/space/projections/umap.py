"""`umap`: no plane; neighbours stay neighbours, and all snapshots are laid out together over time.

The layout itself is `explorer.space.projections.aligned_umap`, which brings numba and is imported in the worker only.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.space.frames import Frames
from explorer.space.planes import main_axes, project_onto_plane
from explorer.space.projections.projection import FIRST, SEED, Progress, Projection, Settings
from explorer.space.stack import SnapshotStack, sampled_rows
from mtm.losses import describe_loss
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

Floats = NDArray[np.float64]


class UMAP(Projection):
    """All snapshots laid out together; class centres and class embeddings are rows of the same layout.

    Distances are by the metric of the loss: by cosine for a run that was trained with the cosine loss.
    """

    name = "umap"
    label = caption = "UMAP, aligned over time"
    axis = short = "UMAP"
    options = (FIRST, SEED)
    is_linear = False
    needs_worker = True
    grows = True

    def refusal(self, n: int, dim: int, n_classes: int) -> str | None:
        if n < 4:
            return f"umap shows who is near whom and needs four images or more, this run has {n}"
        return None

    def settings(self, run: Run, chosen: Mapping[str, Any]) -> Settings:
        metric = describe_loss(run.config.loss if run.config else None).metric
        return super().settings(run, chosen) | {"metric": metric}

    def frames(self, stack: SnapshotStack, settings: Settings, before: Frames | None, progress: Progress) -> Frames:
        n, n_classes, n_snapshots = len(stack.labels), stack.n_classes, len(stack.names)
        start = starting_points(stack, progress) if before is None else np.asarray(before.points[-1], np.float64)
        extras = np.stack([stack.centres(t) for t in range(n_snapshots)])  # (T, C, D)
        if stack.targets is not None:
            extras = np.concatenate([extras, np.stack(stack.targets)], axis=1)  # (T, 2C, D)
        progress(0.05, "loading numba, which compiles for some seconds the first time")
        aligned = importlib.import_module("explorer.space.projections.aligned_umap")

        def lay_out(
            e: Sequence[Array], extras: Array, start: Array, low: float, high: float, fixed: Array | None = None
        ) -> Array:
            def progress_between(share: float, what: str) -> None:
                progress(low + (high - low) * share, what)

            options = {"metric": settings["metric"], "seed": settings["seed"]}
            return np.asarray(
                aligned.umap_over_time(e, extras, start, fixed=fixed, **options, progress=progress_between)
            )

        if before is None:
            u = lay_out(stack.embeddings, extras, start, 0.05, 0.95)
        else:
            parts = (before.points, before.centres, before.targets)
            fixed = np.concatenate([part for part in parts if part is not None], axis=1)  # (T - 1, N + E, 2)
            newest = lay_out(stack.embeddings[-2:], extras[-2:], start, 0.05, 0.95, fixed[-1:])[1:]
            u = np.concatenate([fixed, newest])
        rows = sampled_rows(stack.labels)
        last = stack.embeddings[-1][rows]
        twice = lay_out([last, last], extras[-1:].repeat(2, axis=0), start[rows], 0.95, 1.0)[:, : len(rows)]
        centres, targets = u[:, n : n + n_classes].copy(), u[:, n + n_classes :].copy()
        return Frames(
            self.name,
            u[:, :n].copy(),
            targets if stack.targets is not None else None,
            centres,
            stack.epochs,
            None,
            None,
            None,
            settings,
            stack.names,
            twice.copy(),
        )


def starting_points(stack: SnapshotStack, progress: Progress) -> Floats:
    """Where a layout starts (N, 2): on the main plane, the mean over the snapshots, each at the same size."""
    plane = main_axes(stack.embeddings, stack.names, lambda share: progress(0.05 * share, "where to start"))
    start = np.zeros((len(stack.labels), 2))
    for e, name in zip(stack.embeddings, stack.names, strict=True):
        u, _ = project_onto_plane(e, *plane, name)
        start += u / (np.sqrt(u.var(axis=0, dtype=np.float64).sum()) or 1)
    return start
