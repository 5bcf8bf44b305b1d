"""What the lab page fetches: its catalogue, landscapes, values, releases, and grids to keep. Errors are one sentence.

Requests are JSON bodies (`explorer.lab.requests`); landscapes and paths are answered in `explorer.web.binary`'s binary
form.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, jsonify, request

from explorer.lab.own_losses import OwnLosses
from explorer.lab.panels import Panels
from explorer.lab.requests import LabRequest, read_request
from explorer.library import Library
from mtm.errors import InputError


def register(server: Flask, library: Library, own: OwnLosses | None = None) -> None:
    """Add the lab's routes to the app's server; `own` are the losses named on the command line."""
    panels = Panels(library, own or OwnLosses())

    def route(path: str, answer: Callable[[LabRequest], Response]) -> None:
        def respond() -> Response:
            return _answered(lambda: answer(read_request(request.get_json(force=True, silent=True))))

        server.add_url_rule(path, endpoint=path, view_func=respond, methods=["POST"])

    server.add_url_rule("/api/lab", "/api/lab", lambda: _answered(lambda: jsonify(panels.catalogue())))
    server.add_url_rule("/api/lab/run", "/api/lab/run", lambda: _answered(lambda: jsonify(panels.run(request.args))))
    route("/api/landscape", lambda asked: _binary(panels.landscapes(asked)))
    route("/api/landscape/value", lambda asked: jsonify(panels.values(asked)))
    route("/api/landscape/release", lambda asked: _binary(panels.released(asked)))
    route("/api/landscape/csv", lambda asked: Response(panels.table(asked), mimetype="text/csv"))
    route("/api/landscape/npz", lambda asked: _binary(panels.archive(asked)))


def _answered(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except InputError as error:
        return _problem(400, str(error))
    except Exception as error:  # a defect of ours: the page gets a sentence, the terminal the traceback
        logging.getLogger(__name__).exception("%s failed", request.path)
        return _problem(500, f"{type(error).__name__}: {error}")


def _problem(status: int, sentence: str) -> Response:
    response = jsonify({"error": sentence})
    response.status_code = status
    return response


def _binary(content: bytes) -> Response:
    return Response(content, mimetype="application/octet-stream")
