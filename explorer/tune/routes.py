"""What the Tune page fetches: the searches of the runs folder, and one of them with its trials. Never asks Ray."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from explorer.library import Library
from explorer.web.http import Answer, Arguments, add_route
from mtm.errors import InputError, NotFoundError
from mtm.run_folder.listing import has_snapshots as any_snapshots
from mtm.tuning.record import Search, Trial, read_searches
from mtm.tuning.space import to_json


def register(server: Flask, library: Library) -> None:
    """Add the routes to the app's server."""

    def searches(arguments: Arguments) -> Answer:
        """Every search of the runs folder, a line each."""
        readable, problems = read_searches(library.runs_folder)
        unreadable = [_unreadable(name, problem) for name, problem in problems.items()]
        return [_summary(search) for search in readable] + unreadable

    def search(arguments: Arguments) -> Answer:
        """name: one search with its trials."""
        name = arguments.optional_text("name") or ""
        readable, problems = read_searches(library.runs_folder)
        for search in readable:
            if search.name == name:
                return describe_search(search, library)
        if name in problems:
            raise InputError(problems[name])
        raise NotFoundError(f"there is no search '{name}' here (any more)")

    add_route(server, "/api/searches", searches)
    add_route(server, "/api/search", search)


def describe_search(search: Search, library: Library) -> dict[str, Any]:
    """A search and its trials, in JSON's types."""
    config = search.config
    return _summary(search) | {
        "dataset": config.dataset,
        "backbone": config.backbone,
        "loss": config.loss or "pure",
        "epochs": config.epochs,
        "split": search.split,
        "keep": search.keep,
        "space": list(to_json(search.space).items()),  # in order: JSON objects have none
        "seconds_left": search.seconds_left() if search.status.state == "training" else None,
        "trials": [_trial(trial, search, library) for trial in search.trials],
    }


def _summary(search: Search) -> dict[str, Any]:
    best = search.best
    return {
        "name": search.name,
        "state": search.status.state,
        "done": sum(trial.is_done for trial in search.trials),
        "wanted": search.wanted,
        "best": best.best if best else None,
        "best_run": best.run if best else None,
        "problem": None,
    }


def _unreadable(name: str, problem: str) -> dict[str, Any]:
    nothing = {"done": 0, "wanted": 0, "best": None, "best_run": None}
    return {"name": name, "state": "unreadable", **nothing, "problem": problem}


def _trial(trial: Trial, search: Search, library: Library) -> dict[str, Any]:
    """A trial; `epoch` is how far it is, `href` leads to its run while that has something to show."""
    is_cut = trial.state == "training" and search.status.state != "training"
    epoch = float(len(trial.accuracies))
    has_snapshots = any_snapshots(search.runs / trial.run / "snapshots")
    if trial.state == "training" and not is_cut and has_snapshots:
        try:
            epoch = library.run(trial.run).status.epoch
        except InputError:  # it is just being made
            epoch = 0.0
    return {
        "number": trial.number,
        "run": trial.run,
        "params": trial.params,
        "state": "interrupted" if is_cut else trial.state,
        "reason": trial.reason,
        "accuracies": trial.accuracies,
        "best": None if math.isnan(trial.best) else trial.best,
        "epoch": epoch,
        "ended": trial.ended,
        "href": f"/?{urlencode({'run': trial.run})}" if has_snapshots else None,
    }
