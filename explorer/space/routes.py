"""What the player fetches about one run, on any page: frames, attributes, regions, trust, and the state of a layout."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from flask import Flask, Response

from explorer.space import encoding, regions
from explorer.space.frames import Frames
from explorer.space.projections import PROJECTIONS
from explorer.space.stack import load_stack
from explorer.space.views import Picture, Views
from explorer.web.http import Answer, Arguments, add_route
from explorer.words import REGIONS
from mtm.errors import InputError
from mtm.fewshot import unseen_classes
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

VOTE_CELLS = 96  # a side of the vote map
MOST_PROBLEMS = 3  # of a run, that are named


def register(server: Flask, views: Views) -> None:
    """Add the routes to the app's server."""

    def run_named(arguments: Arguments) -> Run:
        return views.library.run(arguments.text("run"))

    add_route(server, "/api/frames", partial(_frames, views), cached=True)
    add_route(server, "/api/attributes", lambda arguments: _attributes(run_named(arguments), arguments), cached=True)
    add_route(server, "/api/regions", partial(_regions, views), cached=True)
    add_route(server, "/api/trust", partial(_trust, views))
    add_route(server, "/api/news", lambda arguments: _news(run_named(arguments)))
    add_route(server, "/api/progress", lambda arguments: views.progress(_picture(arguments)))
    add_route(server, "/api/layout", partial(_lay_out, views), "POST")
    add_route(server, "/api/cancel", lambda arguments: views.cancel(_picture(arguments)), "POST", needs_body=False)
    add_route(server, "/api/sprite", lambda arguments: _sprite(run_named(arguments)), cached=True)


def _frames(views: Views, arguments: Arguments) -> Answer:
    """run view [options of the view] [n]: where everything lies at every snapshot."""
    run, frames = views.frames(_picture(arguments))
    best_by_number = {int(row["snapshot"]): max(row["accuracy"].values(), default=None) for row in run.metrics}
    numbers = [int(name.split(".")[0]) for name in frames.snapshots]
    test_counts = [row["n"] for row in run.metrics if row.get("split") == "test"]
    return encoding.encode_frames(
        frames,
        class_names=run.points.class_names,
        name=run.name,
        total=max([*test_counts, len(run.labels)]),
        accuracies=[best_by_number.get(number) for number in numbers],
        sprite=run.points.thumbnails is not None,
        problems=_name_problems(run),
    )


def _name_problems(run: Run) -> list[str]:
    """The first problems of a run, without the path of its folder, and how many more there are."""
    problems = [problem.replace(f"{run.folder}{os.sep}", "") for problem in run.problems]
    more = len(problems) - MOST_PROBLEMS
    return problems[:MOST_PROBLEMS] + ([f"{more} further problems: mtm show lists them"] if more > 0 else [])


def _news(run: Run) -> Answer:
    """run: whether it is growing, and how far it is."""
    status = run.status
    return {
        "state": status.state,
        "epoch": status.epoch,
        "progress": status.progress,
        "error": status.error,
        "snapshots": len(run.snapshots),
    }


def _attributes(run: Run, arguments: Arguments) -> Answer:
    """run [n]: what can colour the points: labels, predictions, margins and distances at every snapshot."""
    stack = load_stack(run).first(arguments.integer("n") or None)  # those of the frames: one more may have come since
    return encoding.encode_attributes(
        stack.labels,
        class_names=run.points.class_names,
        predictions=stack.predictions,
        margins=stack.margins,
        target_distances=stack.target_distances,
        centre_distances=stack.centre_distances,
        indices=run.points.indices,
        unseen=unseen_classes(stack.snapshots[-1]),
    )


def _regions(views: Views, arguments: Arguments) -> Answer:
    """run view classifier mode [options of the view] [n]: the regions of every snapshot, and how many images agree."""
    classifier = arguments.text("classifier")
    _, frames, regions_by_mode = views.regions(_picture(arguments), classifier)
    wanted, note = arguments.text("mode"), ""
    if why := regions_by_mode.why_left_out("exact" if wanted == "best" else wanted):
        wanted, note = "best", f"{why}: showing {REGIONS[regions_by_mode.best].name}."
    mode = regions_by_mode.choose(wanted)
    about = {"mode": mode, "agreements": regions_by_mode.agreements, "classifier": classifier, "note": note}
    mode_regions = regions_by_mode.modes[mode]
    if mode_regions == "vote":
        return _vote_map(frames, regions_by_mode.decisions, about)
    return encoding.encode_regions(mode_regions, **about)


def _vote_map(frames: Frames, decisions: Array, about: dict[str, Any]) -> bytes:
    """The vote at the middle of every cell of a grid over the whole run's box, a tenth wider on each side."""
    low, high = frames.points.min(axis=(0, 1)), frames.points.max(axis=(0, 1))
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    x, y = (np.linspace(low[i], high[i], 2 * VOTE_CELLS + 1)[1::2] for i in (0, 1))
    cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    votes = [regions.knn_vote(u, decisions_at, cells) for u, decisions_at in zip(frames.points, decisions, strict=True)]
    shape = (len(votes), VOTE_CELLS, VOTE_CELLS)
    classes, evidence = (np.stack(part).reshape(shape) for part in zip(*votes, strict=True))
    return encoding.encode_vote(classes, evidence, [*low, *high], **about)


def _trust(views: Views, arguments: Arguments) -> Answer:
    """run view classifier mode [options of the view] [n]: the measures of a picture, in numbers and words."""
    picture, classifier = _picture(arguments), arguments.text("classifier")
    measures = views.trust(picture, classifier, arguments.text("mode"))
    *_, regions_by_mode = views.regions(picture, classifier)
    agreements = ", ".join(f"{name} {value:.0%}" for name, value in regions_by_mode.agreements.items())
    return {"measures": [asdict(measure) for measure in measures], "note": f"Agreement by mode: {agreements}."}


def _lay_out(views: Views, arguments: Arguments) -> Answer:
    """run view [options of the view] [n] [again]: have it computed; its state, as of `/api/progress`.

    One that failed or was cancelled stays so, unless `again` is true.
    """
    return views.lay_out(_picture(arguments), again=bool(arguments.values.get("again")))


def _sprite(run: Run) -> Answer:
    """run: all thumbnails on one sheet, a PNG."""
    if run.points.thumbnails is None:
        raise InputError(f"'{run.name}' has no thumbnails")
    return Response(encoding.sprite_sheet(run.points.thumbnails), mimetype="image/png")


def _picture(arguments: Arguments) -> Picture:
    method = arguments.text("view")
    return Picture(arguments.text("run"), method, read_options(arguments, method), arguments.integer("n"))


def read_options(arguments: Arguments, method: str | None) -> dict[str, Any]:
    """What a request chooses of the options of a projection; of one that there is not it chooses nothing."""
    options = PROJECTIONS[method].options if method in PROJECTIONS else ()
    values = {
        option.name: (
            arguments.integers(option.name, "three numbers") if option.is_list else arguments.integer(option.name)
        )
        for option in options
    }
    return {name: value for name, value in values.items() if value is not None}
