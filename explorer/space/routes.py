"""What the browser fetches: binary responses about one run, and JSON. Errors are JSON with one sentence."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from flask import Flask, Response, jsonify, request

from explorer.runs.thumbnails import Thumbnails
from explorer.space import regions
from explorer.space.projection import Frames
from explorer.space.views import Picture, Views
from explorer.web import binary
from mtm.errors import InputError
from mtm.fewshot import unseen_classes
from mtm.run_folder.files import jsonable
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

VOTE_CELLS = 96  # a side of the vote map


def register(server: Flask, views: Views) -> None:
    """Add the routes to the app's server."""

    def route(path: str, answer: Callable[..., Response], method: str = "GET") -> None:
        def respond() -> Response:
            try:
                return answer(request.args)
            except InputError as error:
                return _problem(404, str(error))
            except Exception as error:  # a defect of ours: the page gets a sentence, the terminal the traceback
                logging.getLogger(__name__).exception("%s failed", request.full_path)
                return _problem(500, f"{type(error).__name__}: {error}")

        server.add_url_rule(path, endpoint=path, view_func=respond, methods=[method])

    route("/api/frames", lambda asked: _frames(views, asked))
    route("/api/attributes", lambda asked: _attributes(views, asked))
    route("/api/regions", lambda asked: _regions(views, asked))
    route("/api/trust", lambda asked: _trust(views, asked))
    route("/api/news", lambda asked: jsonify(_news(views.library.run(_get(asked, "run")))))
    route("/api/progress", lambda asked: jsonify(views.progress(_picture(asked), again="again" in asked)))
    route("/api/cancel", lambda asked: jsonify(views.cancel(_picture(asked))), "POST")
    route("/api/sprite", lambda asked: _sprite(views, asked))
    thumbnails = Thumbnails(views.library)
    route("/api/thumbnail", lambda asked: _svg(thumbnails.svg(_get(asked, "run"))))


def _problem(status: int, sentence: str) -> Response:
    response = jsonify({"error": sentence})
    response.status_code = status
    return response


def _frames(views: Views, asked: Any) -> Response:
    run, frames = views.frames(_picture(asked))
    best = {int(row["snapshot"]): max(row["accuracy"].values(), default=None) for row in run.metrics}
    numbers = [int(name.split(".")[0]) for name in frames.snapshots]
    whole = [row["n"] for row in run.metrics if row.get("split") == "test"]
    return _binary(
        binary.encode_frames(
            frames,
            class_names=run.points.class_names,
            name=run.name,
            total=max([*whole, len(run.labels)]),
            accuracies=[best.get(number) for number in numbers],
            sprite=run.points.thumbnails is not None,
            problems=run.problems,
        )
    )


def _news(run: Run) -> dict[str, Any]:
    """Whether a run is growing, and how far it is."""
    status = run.status
    told = {"state": status.state, "epoch": status.epoch, "progress": status.progress, "error": status.error}
    return told | {"snapshots": len(run.snapshots)}


def _attributes(views: Views, asked: Any) -> Response:
    run = views.library.run(_get(asked, "run"))
    n = min(_whole(asked, "n") or len(run.snapshots), len(run.snapshots))
    snapshots = [run.snapshot(i) for i in range(n)]  # those of the frames: one more may have come since
    names = list(snapshots[0].predictions) if snapshots else []

    def over_time(values: list[Any]) -> Array | None:
        return None if any(value is None for value in values) else np.stack(values)

    return _binary(
        binary.encode_attributes(
            run.labels,
            class_names=run.points.class_names,
            predictions={name: np.stack([s.predictions[name] for s in snapshots]) for name in names},
            margins={name: np.stack([s.margins[name] for s in snapshots]) for name in names},
            target_distances=over_time([s.target_distances for s in snapshots]),
            centre_distances=over_time([s.centre_distances for s in snapshots]),
            indices=run.points.indices,
            unseen=unseen_classes(snapshots[-1]) if snapshots else [],
        )
    )


def _regions(views: Views, asked: Any) -> Response:
    classifier = _get(asked, "classifier")
    _, frames, drawn = views.regions(_picture(asked), classifier)
    mode = drawn.choose(_get(asked, "mode"))
    about = {"mode": mode, "agreements": drawn.agreements, "classifier": classifier}
    shown = drawn.modes[mode]
    if shown == "vote":
        return _binary(_vote_map(frames, drawn.decisions, about))
    return _binary(binary.encode_regions(shown, **about))


def _vote_map(frames: Frames, decisions: Array, about: dict[str, Any]) -> bytes:
    """The vote at the middle of every cell of a grid over the whole run's box, a tenth wider on each side."""
    low, high = frames.points.min(axis=(0, 1)), frames.points.max(axis=(0, 1))
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    x, y = (np.linspace(low[i], high[i], 2 * VOTE_CELLS + 1)[1::2] for i in (0, 1))
    where = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    voted = [regions.vote(u, decided, where) for u, decided in zip(frames.points, decisions, strict=True)]
    shape = (len(voted), VOTE_CELLS, VOTE_CELLS)
    classes, evidence = (np.stack(part).reshape(shape) for part in zip(*voted, strict=True))
    return binary.encode_vote(classes, evidence, [*low, *high], **about)


def _trust(views: Views, asked: Any) -> Response:
    picture, classifier, mode = _picture(asked), _get(asked, "classifier"), _get(asked, "mode")
    measures = views.trust(picture, classifier, mode)
    *_, drawn = views.regions(picture, classifier)
    modes = ", ".join(f"{name} {value:.0%}" for name, value in drawn.agreements.items())
    return jsonify(
        {"measures": [jsonable(asdict(measure)) for measure in measures], "note": f"Agreement by mode: {modes}."}
    )


def _sprite(views: Views, asked: Any) -> Response:
    run = views.library.run(_get(asked, "run"))
    if run.points.thumbnails is None:
        raise InputError(f"'{run.name}' has no thumbnails")
    return _cached(Response(binary.sprite_sheet(run.points.thumbnails), mimetype="image/png"))


def _picture(asked: Any) -> Picture:
    at, first, n = (_whole(asked, name) for name in ("at", "first", "n"))
    return Picture(_get(asked, "run"), _get(asked, "view"), _classes(asked), at, first, n)


def _classes(asked: Any) -> tuple[int, ...] | None:
    text = asked.get("classes")
    try:
        return tuple(int(k) for k in text.split(",")) if text else None
    except ValueError:
        raise InputError(f"classes={text}: three numbers are meant, as in 0,3,6") from None


def _whole(asked: Any, name: str) -> int | None:
    text = asked.get(name)
    try:
        return int(text) if text else None
    except ValueError:
        raise InputError(f"{name}={text}: a whole number is meant") from None


def _svg(drawn: str) -> Response:
    return _cached(Response(drawn, mimetype="image/svg+xml"))


def _get(asked: Any, name: str) -> str:
    value = asked.get(name)
    if not value:
        raise InputError(f"the address lacks '{name}'")
    return str(value)


def _binary(content: bytes) -> Response:
    return _cached(Response(content, mimetype="application/octet-stream"))


def _cached(response: Response) -> Response:
    """The browser keeps it and asks whether it is still the same."""
    response.set_etag(hashlib.blake2b(response.get_data(), digest_size=16).hexdigest())
    response.cache_control.private = True
    response.cache_control.no_cache = True  # keep, but ask
    response.make_conditional(request)
    return response
