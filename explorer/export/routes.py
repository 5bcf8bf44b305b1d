"""The Explore page's way to exports: a POST to `/api/export` answers with the file, made while it waits.

Its body names what and kind, and the parts of the picture as the page's URL does; `/api/export/progress` says how far
the newest export is.
"""

from __future__ import annotations

import shutil

from flask import Flask, Response, request, send_file

from explorer.export.entry import Options
from explorer.export.exporter import Exporter
from explorer.export.film.encoder import FilmError
from explorer.export.scene import ExportRequest
from explorer.export.writer import EXPORTS
from explorer.space.routes import read_options
from explorer.space.views import Views
from explorer.web.http import Arguments, add_route
from explorer.words import MARKS
from mtm.errors import InputError

TEXTS = ("view", "classifier", "regions", "colour", "camera")  # of ExportRequest


def register(server: Flask, views: Views) -> None:
    """Add the routes to the app's server."""
    exporter = Exporter(views)

    def export(arguments: Arguments) -> Response:
        """The file as an attachment; one export at a time, which ends when its client is gone."""
        what, kind = arguments.optional_text("what") or "", arguments.optional_text("kind") or ""
        is_abandoned = request.environ.get("waitress.client_disconnected", lambda: False)
        try:
            with exporter.take_turn() as folder:
                path = exporter.write(folder, _request(arguments), what, kind, _options(arguments), is_abandoned)
        except FilmError as error:
            raise InputError(str(error)) from error
        media_type = EXPORTS[what].kinds.get(path.suffix.lower().lstrip("."))
        response = send_file(path, media_type, as_attachment=True, download_name=path.name)
        response.direct_passthrough = False  # or the server would only close the file, and not call this:
        response.call_on_close(lambda: shutil.rmtree(folder, ignore_errors=True))
        return response

    def stop(arguments: Arguments) -> dict[str, str]:
        exporter.stop()
        return {}

    add_route(server, "/api/export", export, "POST")
    add_route(server, "/api/export/progress", lambda arguments: exporter.progress)
    add_route(server, "/api/export/stop", stop, "POST", needs_body=False)


def _request(arguments: Arguments) -> ExportRequest:
    """The export request in the body. Raises InputError for a value that cannot be read or does not exist."""
    marks = ExportRequest.marks
    if "shown" in arguments:
        marks = tuple(mark for mark in (arguments.optional_text("shown") or "").split(",") if mark in MARKS)
    return ExportRequest(
        arguments.optional_text("run") or "",
        **{name: text for name in TEXTS if (text := arguments.optional_text(name))},
        epoch=arguments.number("epoch"),
        marks=marks,
        options=read_options(arguments, arguments.optional_text("view")),
        hidden=arguments.integers("hidden") or (),
        solo=arguments.integer("solo"),
        focus=arguments.integers("focus") or (),
    )


def _options(arguments: Arguments) -> Options:
    return Options(
        arguments.optional_text("curve"),
        theme=arguments.optional_text("theme"),
        width=arguments.integer("width"),
        height=arguments.integer("height"),
        scale=arguments.number("scale"),
        fps=arguments.number("fps"),
        seconds=arguments.number("seconds"),
    )
