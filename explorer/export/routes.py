"""The Explore page's way to exports: `/api/export?what=...&kind=...` answers with the file, made while it waits.

The parts of the picture have the names of the page's URL; `/api/export/progress` says how far the newest export is.
"""

from __future__ import annotations

import shutil
from typing import Any

from flask import Flask, Response, jsonify, request, send_file

from explorer.export.exporter import BusyError, Exporter
from explorer.export.film.encoder import FilmError
from explorer.export.scene import MARKS, ExportRequest
from explorer.export.writer import Options
from explorer.space.views import Views
from mtm.errors import InputError

TEXTS = ("view", "classifier", "regions", "colour", "camera")  # of ExportRequest
NUMBERS = {"width": int, "height": int, "scale": float, "fps": float, "seconds": float}  # of Options


def register(server: Flask, views: Views) -> None:
    """Add the routes to the app's server."""
    exporter = Exporter(views)

    @server.get("/api/export", endpoint="export")
    def export() -> Response:
        """The file as an attachment, or 400 and a sentence; 409 while another export is being made."""
        try:
            with exporter.take_turn() as folder:
                what, kind = request.args.get("what", ""), request.args.get("kind", "")
                path = exporter.write(folder, _request(), what, kind, _options())
        except BusyError as error:
            return _problem(409, str(error))
        except (InputError, FilmError) as error:
            return _problem(400, str(error))
        response = send_file(path, as_attachment=True, download_name=path.name)
        response.direct_passthrough = False  # or the server would only close the file, and not call this:
        response.call_on_close(lambda: shutil.rmtree(folder, ignore_errors=True))
        return response

    @server.get("/api/export/progress", endpoint="export-progress")
    def progress() -> Response:
        return jsonify(exporter.progress)

    @server.post("/api/export/stop", endpoint="export-stop")
    def stop() -> Response:
        exporter.stop()
        return jsonify({})


def _request() -> ExportRequest:
    """What the address asks for. Raises InputError for what cannot be read and for a choice that does not exist."""
    args = request.args
    marks = (
        tuple(mark for mark in args["shown"].split(",") if mark in MARKS) if "shown" in args else ExportRequest.shown
    )
    return ExportRequest(
        args.get("run", ""),
        **{name: args[name] for name in TEXTS if args.get(name)},
        epoch=_number("epoch", float),
        shown=marks,
        classes=_classes("classes") or None,
        at=_number("at", int),
        hidden=_classes("hidden"),
        solo=_number("solo", int),
        focus=_classes("focus"),
    )


def _options() -> Options:
    args = request.args
    numbers = {name: _number(name, kind) for name, kind in NUMBERS.items()}
    return Options(args.get("curve"), theme=args.get("theme"), **numbers)


def _number(name: str, kind: type[int] | type[float]) -> Any:
    text = request.args.get(name)
    try:
        return kind(text) if text else None
    except ValueError:
        raise InputError(f"{name}={text}: a number is meant") from None


def _classes(name: str) -> tuple[int, ...]:
    text = request.args.get(name, "")
    try:
        return tuple(int(k) for k in text.split(",")) if text else ()
    except ValueError:
        raise InputError(f"{name}={text}: numbers of classes are meant, as in 0,3,6") from None


def _problem(status: int, sentence: str) -> Response:
    response = jsonify({"error": sentence})
    response.status_code = status
    return response
