"""What the Runs page fetches, a picture of each run, and where it sends a file to import."""

from __future__ import annotations

from threading import Lock

from flask import Flask, Response

from explorer.library import Library
from explorer.runs.thumbnails import Thumbnails
from explorer.runs.uploads import import_upload
from explorer.web.http import Answer, Arguments, BusyError, add_route
from mtm.run_folder.imports.limits import LARGEST_UPLOAD


def register(server: Flask, library: Library) -> None:
    """Add the routes to the app's server."""
    thumbnails, importing = Thumbnails(library), Lock()

    def thumbnail(arguments: Arguments) -> Answer:
        """run [n]: its newest snapshot as a small SVG; `n` only makes the browser ask again when there are more."""
        return Response(thumbnails.svg(arguments.text("run")), mimetype="image/svg+xml")

    def import_file(arguments: Arguments) -> Answer:
        """name, and the file as the body: makes a run of it; its id, and the account of what was taken."""
        name = arguments.text("name")
        if not importing.acquire(blocking=False):  # each takes memory
            raise BusyError("another file is being imported; try again when that is done")
        try:
            return import_upload(library, name, arguments.stream)
        finally:
            importing.release()

    add_route(server, "/api/thumbnail", thumbnail, cached=True)
    add_route(server, "/api/import", import_file, "POST", file_limit=LARGEST_UPLOAD)
