"""What the Runs page fetches: a picture of each run."""

from __future__ import annotations

from flask import Flask, Response

from explorer.library import Library
from explorer.runs.thumbnails import Thumbnails
from explorer.web.http import Answer, Arguments, add_route


def register(server: Flask, library: Library) -> None:
    """Add the routes to the app's server."""
    thumbnails = Thumbnails(library)

    def thumbnail(arguments: Arguments) -> Answer:
        """run [n]: its newest snapshot as a small SVG; `n` only makes the browser ask again when there are more."""
        return Response(thumbnails.svg(arguments.text("run")), mimetype="image/svg+xml")

    add_route(server, "/api/thumbnail", thumbnail, cached=True)
