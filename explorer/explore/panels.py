"""What the side panels of the Explore page show: events, certainty, selections and single images.

The routes ask this for everything. What takes long is computed once and cached under the content of the run.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from explorer.explore import certainty, events
from explorer.explore import certainty_figures as figures
from explorer.explore.saved_selections import SavedSelections
from explorer.explore.selection import Context, Selection, View, evaluate
from explorer.explore.selection_numbers import (
    PAGE,
    confusion_matrix,
    measure_curves,
    measure_selection,
    sort_images,
)
from explorer.space.histories import Histories
from explorer.space.history import History, Mask
from explorer.space.neighbours import MOST_NEIGHBOURS, RESIDENT_BYTES, cached_index, compare_with_layout
from explorer.space.views import Picture, Views
from explorer.web.cache import Cache
from mtm.errors import InputError, choose_from
from mtm.run_folder.snapshots import Array

RESULTS, DISTANCES = 32, 16  # cached of each kind; distances are (N,) each
SHOWN_EVENTS = 200
MOST_ON_PAGE = 600
Answer = dict[str, Any]


class Panels:
    """The contents of all panels, for one server."""

    def __init__(self, views: Views, histories: Histories) -> None:
        self.views, self.histories = views, histories
        self.saved = SavedSelections(views.library, views.cache)
        self._results, self._distances = Cache(RESULTS), Cache(DISTANCES)
        self._indexes = Cache(RESIDENT_BYTES)

    # Events and certainty

    def events(self, run_id: str, classifier: str | None, kind: str | None, top: int = SHOWN_EVENTS) -> Answer:
        """The `top` events of the ranked list, of one kind if one is named, and the counts of all by snapshot."""
        key, history = self.histories.load(run_id)
        if kind is not None and kind not in events.KINDS:
            raise choose_from("kind of event", kind, events.KINDS)
        name = history.classifier(classifier)
        steps = self._results.get((key, "moves"), lambda: events.find_run_moves(history))
        ranking = self._results.get((key, "events", name), lambda: events.find_events(history, name, moved=steps))
        listed = [event for event in ranking if kind in (None, event.kind)][: max(0, top)]
        rows = [asdict(e) | {"index": None if e.image is None else int(history.indices[e.image])} for e in listed]
        strip = self._results.get((key, "strip", name), lambda: events.count_by_snapshot(ranking, len(history)))
        return {"classifier": name, "events": rows, "total": len(ranking), "strip": strip, "epochs": history.epochs}

    def certainty(self, run_id: str, at: int | None, classifier: str | None) -> Answer:
        """The certainty of every classifier (or one) at a snapshot, in numbers, words and figures."""
        key, history = self.histories.load(run_id)
        t = history.snapshot_number(at)
        names = history.classifiers if classifier is None else [history.classifier(classifier)]
        measured = [
            self._results.get((key, "certainty", t, name), partial(certainty.measure_certainty, history, t, name))[0]
            for name in names
        ]
        places = [relation.place for relation in measured[0].relations] if measured else []
        drawings = {
            "by_group": {place: figures.draw_groups(measured, place).to_dict() for place in places},
            "risk_coverage": {place: figures.draw_risk_coverage(measured, place).to_dict() for place in places},
            "reliability": figures.draw_reliability(measured).to_dict(),
        }
        words = {each.classifier: certainty.describe(each) for each in measured}
        return {"certainty": [asdict(each) for each in measured], "words": words, "figures": drawings}

    # Selections

    def select(self, run_id: str, selection: Selection, at: int | None, classifier: str | None) -> tuple[Mask, Answer]:
        """The mask (N,) of a selection evaluated at a snapshot, and its numbers beside those of all images."""
        key, history, mask = self._evaluate(run_id, selection, at)
        name = history.classifier(classifier)
        everything = np.ones(len(mask), dtype=bool)
        whole = self._results.get((key, "all", name), lambda: measure_curves(history, everything, name))
        selected, t = measure_selection(history, mask, at, name), history.snapshot_number(at)
        about = {
            "classifier": name,
            "snapshot": t,
            "total": len(mask),
            "label_totals": np.bincount(history.labels, minlength=history.n_classes),
            "all_confusion": confusion_matrix(history, everything, t, name),
            "all": whole,
            "epochs": history.epochs,
            "class_names": history.class_names,
        }
        return mask, about | asdict(selected)

    def grid(
        self,
        run_id: str,
        selection: Selection,
        at: int | None,
        classifier: str | None,
        *,
        by: str = "margin",
        falling: bool = False,
        start: int = 0,
        size: int = PAGE,
    ) -> Answer:
        """A page of the selected images in the order of a measure: rows, positions in the data set, values."""
        _, history, mask = self._evaluate(run_id, selection, at)
        rows, values = sort_images(history, mask, by, at, classifier, falling)
        start, size = max(0, start), min(max(1, size), MOST_ON_PAGE)
        page = rows[start : start + size]
        return {
            "rows": page,
            "indices": history.indices[page],
            "labels": history.labels[page],
            "values": values[start : start + size],
            "by": by,
            "start": start,
            "total": len(rows),
        }

    def _evaluate(self, run_id: str, selection: Selection, at: int | None) -> tuple[Hashable, History, Mask]:
        key, history = self.histories.load(run_id)

        def distances(t: int, kind: str, k: int) -> Array:
            return self._distances.get((key, t, kind, k), lambda: history.distances_to(t, kind, k))

        def layout(view: View) -> Array:
            return self._layout(run_id, view)

        return key, history, evaluate(selection, Context(history, layout, distances), at)

    def _layout(self, run_id: str, view: View) -> Array:
        """(T, N, 2): where a view shows the images of a run."""
        return self.views.newest(Picture(run_id, view.method, view.options)).points

    # One image

    def image(self, run_id: str, row: int, at: int | None, view: View | None, k: int, metric: str) -> Answer:
        """One image over all snapshots, its k nearest neighbours in D dimensions, and, in a view, its trail and which
        of the neighbours the view misses or invents.
        """
        key, history = self.histories.load(run_id)
        image, t = history.image_history(row, at), history.snapshot_number(at)
        if not 1 <= k <= MOST_NEIGHBOURS:
            raise InputError(f"k = {k}: 1 to {MOST_NEIGHBOURS} neighbours can be shown")
        near = cached_index(self._indexes, (key, t), history.recording.embeddings[t]).nearest(row, k, metric)
        neighbours: Answer = {
            "rows": near.rows,
            "distances": near.distances,
            "metric": metric,
            "indices": history.indices[near.rows],
            "labels": history.labels[near.rows],
        }
        answer = image | {"neighbours": neighbours, "class_names": history.class_names}
        if view is None:
            return answer
        points = self._layout(run_id, view)
        if t < len(points):
            neighbours |= asdict(compare_with_layout(row, near.rows, points[t]))
        return answer | {"trail": points[:, row]}
