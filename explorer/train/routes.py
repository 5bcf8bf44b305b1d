"""What the Train page fetches and asks for: its form, what would happen, and the jobs. Errors are JSON, one sentence.

Whatever changes something is a POST with a body of JSON, which no other site's page can send here
(`explorer.web.security`); a run is only ever named by an id that the library lists.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from explorer.train import form, log, presets
from explorer.train.devices import Devices
from explorer.train.preview import Preview
from explorer.train.queue import JobQueue
from explorer.train.trainings import Trainings, Values
from mtm.errors import InputError
from mtm.run_folder.files import jsonable

LONGEST_TEXT = 500  # characters of a value that is typed into a field


def register(server: Flask, jobs: JobQueue, machine: Devices, outlook: Preview, data_root: Path) -> None:
    """Add the page's routes to the app's server."""
    trainings = Trainings(jobs, machine, outlook, data_root)

    def route(path: str, answer: Callable[[Mapping[str, Any]], Any], method: str = "GET") -> None:
        def respond() -> Response:
            try:
                return jsonify(jsonable(answer(request.args if method == "GET" else _body())))
            except InputError as error:
                return _problem(400, str(error))
            except OSError as error:  # a full disk, a folder that may not be changed
                return _problem(500, f"the system refused: {error.strerror or error}")
            except Exception as error:  # a defect of ours: the page gets a sentence, the terminal the traceback
                logging.getLogger(__name__).exception("%s failed", request.full_path)
                return _problem(500, f"{type(error).__name__}: {error}")

        server.add_url_rule(path, endpoint=path, view_func=respond, methods=[method])

    route("/api/train", lambda asked: trainings.form())
    row = ("dataset", "backbone", "loss")
    route("/api/train/preset", lambda asked: presets.paper(*(_text(asked, name) for name in row)))
    route("/api/train/check", lambda asked: trainings.check(_values(asked)), "POST")
    route("/api/train/start", lambda asked: trainings.start(_values(asked), _text(asked, "name")), "POST")
    route("/api/jobs", lambda asked: trainings.jobs_now())
    route("/api/jobs/rows", lambda asked: trainings.rows(_text(asked, "run")))
    route("/api/jobs/log", lambda asked: log.read(jobs.get(_text(asked, "run")).run.folder))
    route("/api/jobs/settings", lambda asked: form.from_run(jobs.get(_text(asked, "run")).run.info["config"]))
    route("/api/jobs/stop", lambda asked: trainings.act(jobs.stop, _text(asked, "run")), "POST")
    route("/api/jobs/resume", lambda asked: trainings.act(jobs.resume, _text(asked, "run")), "POST")
    route("/api/jobs/remove", lambda asked: trainings.act(jobs.remove, _text(asked, "run")), "POST")


def _body() -> Mapping[str, Any]:
    body = request.get_json(silent=True)  # only as application/json, which a form of another site cannot send
    if not isinstance(body, dict):
        raise InputError("the request is no JSON object")
    return body


def _values(asked: Mapping[str, Any]) -> Values:
    values = asked.get("values")
    if not isinstance(values, dict) or len(values) > 100:
        raise InputError("the request lacks 'values', the form's")
    if not all(isinstance(v, str | int | float | None) and len(str(v)) <= LONGEST_TEXT for v in values.values()):
        raise InputError("a value of the form is text or a number")
    return values


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str) or (not value and name != "name"):
        raise InputError(f"the request lacks '{name}'")
    return value


def _problem(status: int, sentence: str) -> Response:
    response = jsonify({"error": sentence})
    response.status_code = status
    return response
