"""What the page fetches to find things: events, certainty, selections, one image, comparisons. Errors are one sentence.

Small answers are JSON; a mask or an array of all images is `explorer.web.binary`'s binary with the rest in its header.
What is selected, and whatever is saved, comes as a POST with a body of JSON, which no other site's page can send here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request
from pydantic import ValidationError

from explorer.compare.comparisons import Comparisons
from explorer.explore.panels import SHOWN_EVENTS, Panels
from explorer.explore.selection import View, read_selection
from explorer.explore.selection_numbers import PAGE
from explorer.space.histories import Histories
from explorer.space.neighbours import METRICS, NEIGHBOURS
from explorer.space.views import Views
from explorer.web import binary
from mtm.errors import InputError
from mtm.run_folder.files import jsonable

Asked = Mapping[str, Any]
Answered = Response | dict[str, Any]


def register(server: Flask, views: Views) -> None:
    """Add the routes to the app's server."""
    histories = Histories(views.library)
    finding, comparisons = Panels(views, histories), Comparisons(histories)

    def route(path: str, answer: Callable[[Panels, Asked], Answered], method: str = "GET") -> None:
        def respond() -> Response:
            try:
                found = answer(finding, request.args if method == "GET" else _body())
                return found if isinstance(found, Response) else jsonify(jsonable(found))
            except InputError as error:
                return _problem(400, str(error))
            except Exception as error:  # a defect of ours: the page gets a sentence, the terminal the traceback
                logging.getLogger(__name__).exception("%s failed", request.full_path)
                return _problem(500, f"{type(error).__name__}: {error}")

        server.add_url_rule(path, endpoint=f"{method} {path}", view_func=respond, methods=[method])

    route("/api/events", _events)
    route("/api/certainty", _certainty)
    route("/api/image", _image)
    route("/api/compare", lambda _, asked: _compare(comparisons, asked))
    route("/api/selection", _selection, "POST")
    route("/api/selection/grid", _grid, "POST")
    route("/api/selections", _saved)
    route("/api/selections/save", _save, "POST")
    route("/api/selections/delete", _delete, "POST")


def _events(finding: Panels, asked: Asked) -> Answered:
    """run [classifier] [kind] [top]: the ranked list, and how many of each kind lie at each snapshot."""
    top = _count(asked, "top", SHOWN_EVENTS)
    return finding.events(_text(asked, "run"), _perhaps(asked, "classifier"), _perhaps(asked, "kind"), top)


def _certainty(finding: Panels, asked: Asked) -> Answered:
    """run [snapshot] [classifier]: numbers, words and Plotly figures."""
    return finding.certainty(_text(asked, "run"), _whole(asked, "snapshot"), _perhaps(asked, "classifier"))


def _image(finding: Panels, asked: Asked) -> Answered:
    """run row [snapshot] [view classes at first] [k] [metric]: the life of one image, its neighbours, its trail."""
    row = _whole(asked, "row")
    if row is None:
        raise InputError("the request lacks 'row', the image's")
    metric, k = _perhaps(asked, "metric") or METRICS[0], _count(asked, "k", NEIGHBOURS)
    return finding.image(_text(asked, "run"), row, _whole(asked, "snapshot"), _view(asked), k, metric)


def _compare(comparisons: Comparisons, asked: Asked) -> Answered:
    """run [snapshot] [classifier] with [with_snapshot] [with_classifier] [k] [metric]: drift, neighbours, decisions."""
    arrays, told = comparisons.compare(
        (_text(asked, "run"), _text(asked, "with")),
        (_whole(asked, "snapshot"), _whole(asked, "with_snapshot")),
        (_perhaps(asked, "classifier"), _perhaps(asked, "with_classifier")),
        _count(asked, "k", NEIGHBOURS),
        _perhaps(asked, "metric") or METRICS[0],
    )
    return _binary(arrays, told)


def _selection(finding: Panels, asked: Asked) -> Answered:
    """run selection [snapshot] [classifier]: the mask (N,) and every number of it, in one answer."""
    mask, told = finding.select(*_selected(asked), _perhaps(asked, "classifier"))
    return _binary({"mask": mask.astype(np.uint8)}, told)


def _grid(finding: Panels, asked: Asked) -> Answered:
    """run selection [snapshot] [classifier] [by] [falling] [start] [size]: a page of the selected images, in order."""
    return finding.grid(
        *_selected(asked),
        _perhaps(asked, "classifier"),
        by=_perhaps(asked, "by") or "margin",
        falling=bool(asked.get("falling")),
        start=_count(asked, "start", 0),
        size=_count(asked, "size", PAGE),
    )


def _saved(finding: Panels, asked: Asked) -> Answered:
    """run: its named selections."""
    return {"selections": {name: s.to_json() for name, s in finding.saved.all(_text(asked, "run")).items()}}


def _save(finding: Panels, asked: Asked) -> Answered:
    """run name selection: keep it, then all there are."""
    finding.saved.save(_text(asked, "run"), _text(asked, "name"), read_selection(asked.get("selection")))
    return _saved(finding, asked)


def _delete(finding: Panels, asked: Asked) -> Answered:
    """run name: forget it, then all that are left."""
    finding.saved.delete(_text(asked, "run"), _text(asked, "name"))
    return _saved(finding, asked)


def _selected(asked: Asked) -> tuple[str, Any, int | None]:
    return _text(asked, "run"), read_selection(asked.get("selection")), _whole(asked, "snapshot")


def _view(asked: Asked) -> View | None:
    """The view that is meant by view, classes, at and first, as in the address of the frames; None if none is."""
    method, classes = _perhaps(asked, "view"), _perhaps(asked, "classes")
    if method is None:
        return None
    try:
        chosen = tuple(int(k) for k in classes.split(",")) if classes else None
        return View.model_validate(
            {"method": method, "classes": chosen, "at": _whole(asked, "at"), "first": _whole(asked, "first")}
        )
    except (ValueError, ValidationError):
        raise InputError(f"classes={classes}: three numbers are meant, as in 0,3,6") from None


def _text(asked: Asked, name: str) -> str:
    value = _perhaps(asked, name)
    if value is None:
        raise InputError(f"the request lacks '{name}'")
    return value


def _perhaps(asked: Asked, name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"'{name}' has to be text")
    return value or None


def _whole(asked: Asked, name: str) -> int | None:
    value = asked.get(name)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name}={value}: a whole number is meant") from None


def _count(asked: Asked, name: str, default: int) -> int:
    number = _whole(asked, name)
    return default if number is None else number


def _body() -> Asked:
    body = request.get_json(silent=True)  # only as application/json, which a form of another site cannot send
    if not isinstance(body, dict):
        raise InputError("the request is no JSON object")
    return body


def _binary(arrays: Mapping[str, Any], told: Mapping[str, object]) -> Response:
    return Response(binary.encode(arrays, told), mimetype="application/octet-stream")


def _problem(status: int, sentence: str) -> Response:
    response = jsonify({"error": sentence})
    response.status_code = status
    return response
