"""What can be found in the runs of a library: events, certainty, selections, one image, comparisons; kept by content.

The routes and nothing else stand between this and the page.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from explorer.compare import comparison
from explorer.explore import certainty, events
from explorer.explore import certainty_figures as figures
from explorer.explore.saved_selections import SavedSelections
from explorer.explore.selection import Scene, Selection, View, evaluate
from explorer.explore.selection_numbers import PAGE, Numbers, confusion, curves, numbers, ordered
from explorer.space.history import History, Mask, load_history
from explorer.space.neighbours import Spaces, compare_with_layout
from explorer.space.views import Picture, Views
from explorer.web.cache import Cache
from mtm.errors import InputError, choose_from
from mtm.run_folder.files import jsonable
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

HISTORIES, RESULTS, DISTANCES = 4, 32, 16  # kept of each kind; distances are (N,) each
MOST_NEIGHBOURS = 200
SHOWN_EVENTS = 200
MOST_ON_PAGE = 600
Answer = dict[str, Any]


class Panels:
    """Everything that can be found, for one server."""

    def __init__(self, views: Views) -> None:
        self.views, self.library = views, views.library
        self.saved = SavedSelections(views.library, views.cache)
        self._histories, self._results, self._distances = Cache(HISTORIES), Cache(RESULTS), Cache(DISTANCES)
        self._spaces = Spaces()

    def history(self, run_id: str) -> tuple[Hashable, History]:
        """A run's history, and what stands for its content: it changes when a snapshot is added or replaced."""
        run = self.library.run(run_id)
        key = (run_id, _content(run))
        return key, self._histories.once(key, lambda: load_history(run))

    # Events and certainty

    def events(self, run_id: str, classifier: str | None, kind: str | None, top: int = SHOWN_EVENTS) -> Answer:
        """The ranked list of events, of one kind if asked, and how many of each kind lie at each snapshot."""
        key, read = self.history(run_id)
        if kind is not None and kind not in events.KINDS:
            raise choose_from("kind of event", kind, events.KINDS)
        name = read.classifier(classifier)
        moved = self._results.once((key, "moves"), lambda: events.run_moves(read))
        found = self._results.once((key, "events", name), lambda: events.find_events(read, name, moved=moved))
        asked = [event for event in found if kind in (None, event.kind)][: max(0, top)]
        told = [asdict(e) | {"index": None if e.image is None else int(read.indices[e.image])} for e in asked]
        strip = self._results.once((key, "strip", name), lambda: events.strip(found, len(read)))
        return {"classifier": name, "events": told, "total": len(found), "strip": strip, "epochs": read.epochs}

    def certainty(self, run_id: str, at: int | None, classifier: str | None) -> Answer:
        """Certainty of every classifier (or one) at a snapshot, in numbers, words and figures."""
        key, read = self.history(run_id)
        t = read.moment(at)
        names = read.classifiers if classifier is None else [read.classifier(classifier)]
        found = [
            self._results.once((key, "certainty", t, name), partial(certainty.measure_certainty, read, t, name))[0]
            for name in names
        ]
        places = [relation.place for relation in found[0].relations] if found else []
        drawn = {
            "by_group": {place: figures.by_group(found, place).to_dict() for place in places},
            "risk_coverage": {place: figures.risk_coverage(found, place).to_dict() for place in places},
            "reliability": figures.reliability(found).to_dict(),
        }
        words = {each.classifier: certainty.in_words(each) for each in found}
        return {"certainty": [asdict(each) for each in found], "words": words, "figures": drawn}

    # Selections

    def select(self, run_id: str, selection: Selection, at: int | None, classifier: str | None) -> tuple[Mask, Answer]:
        """The mask (N,) of a selection seen from a snapshot, and its numbers beside those of all images."""
        key, read, mask = self._selected(run_id, selection, at)
        name = read.classifier(classifier)
        everything = np.ones(len(mask), dtype=bool)
        whole = self._results.once((key, "all", name), lambda: curves(read, everything, name))
        found, t = numbers(read, mask, at, name), read.moment(at)
        about = {
            "classifier": name,
            "snapshot": t,
            "total": len(mask),
            "label_totals": np.bincount(read.labels, minlength=read.n_classes),
            "all_confusion": confusion(read, everything, t, name),
            "all": whole,
            "epochs": read.epochs,
            "class_names": read.class_names,
        }
        return mask, about | _plain(found)

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
        _, read, mask = self._selected(run_id, selection, at)
        rows, values = ordered(read, mask, by, at, classifier, falling)
        start, size = max(0, start), min(max(1, size), MOST_ON_PAGE)
        page = slice(start, start + size)
        found = {"rows": rows[page], "indices": read.indices[rows[page]], "labels": read.labels[rows[page]]}
        return {**found, "values": values[page], "by": by, "start": start, "total": len(rows)}

    def _selected(self, run_id: str, selection: Selection, at: int | None) -> tuple[Hashable, History, Mask]:
        key, read = self.history(run_id)

        def distances(t: int, kind: str, k: int) -> Array:
            return self._distances.once((key, t, kind, k), lambda: read.distances_to(t, kind, k))

        def layout(view: View) -> Array:
            return self.views.newest(Picture(run_id, view.method, view.classes, view.at, view.first)).points

        return key, read, evaluate(selection, Scene(read, layout, distances), at)

    # One image

    def image(self, run_id: str, row: int, at: int | None, view: View | None, k: int, metric: str) -> Answer:
        """One image: its life, its neighbours in D dimensions, and, in a view, its trail and what the view mistakes."""
        key, read = self.history(run_id)
        life, t = read.life(row, at), read.moment(at)
        if not 1 <= k <= MOST_NEIGHBOURS:
            raise InputError(f"k = {k}: 1 to {MOST_NEIGHBOURS} neighbours can be shown")
        space = self._spaces.get((key, t), lambda: read.recording.embeddings[t])
        near = space.nearest(row, k, metric)
        found: Answer = {"rows": near.rows, "distances": near.distances, "metric": metric}
        found |= {"indices": read.indices[near.rows], "labels": read.labels[near.rows]}
        answer = life | {"neighbours": found, "class_names": read.class_names}
        if view is None:
            return answer
        points = self.views.newest(Picture(run_id, view.method, view.classes, view.at, view.first)).points
        if t < len(points):
            found |= asdict(compare_with_layout(row, near.rows, points[t]))
        return answer | {"trail": points[:, row]}

    # Comparisons

    def compare(
        self,
        runs: tuple[str, str],
        at: tuple[int | None, int | None],
        classifiers: tuple[str | None, str | None],
        k: int,
        metric: str,
    ) -> tuple[dict[str, Array], Answer]:
        """Two moments: arrays of the shared images, and what is told of all of them together."""
        (first, a), (second, b) = (self.history(run_id) for run_id in runs)
        if not 1 <= k <= MOST_NEIGHBOURS:
            raise InputError(f"k = {k}: 1 to {MOST_NEIGHBOURS} neighbours can be compared")
        moments = (a.moment(at[0]), b.moment(at[1]))
        names = (a.classifier(classifiers[0]), b.classifier(classifiers[1]))
        key = ("compare", first, second, moments, names, k, metric)
        found = self._results.once(key, lambda: comparison.compare(a, b, moments, names, k=k, metric=metric))
        rows = [each.astype(np.int32) for each in found.rows]
        arrays = {
            "first": rows[0],
            "second": rows[1],
            "drift": found.drift.distances.astype(np.float32),
            "measured": found.measured.astype(np.int32),
            "kept": found.neighbours_kept.astype(np.int32),
        }
        agreed = None if found.agreement is None else asdict(found.agreement)
        about = {"k": found.k, "sigma": found.drift.sigma, "scale": found.drift.scale, "left": found.drift.left}
        kept = float(found.neighbours_kept.mean())
        told = {"snapshots": moments, "classifiers": names, "class_names": b.class_names, "neighbours_kept": kept}
        return arrays, {**about, **told, "agreement": agreed, "n": len(rows[0])}


def _plain(found: Numbers) -> Answer:
    row: Answer = jsonable(asdict(found))
    return row


def _content(run: Run) -> Hashable:
    """What changes when a run's snapshots do: their names, times and sizes."""
    stats = [(path.name, path.stat()) for path in run.snapshots]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
