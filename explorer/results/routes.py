"""What the Results page fetches: the report of the library's runs, its figures, and their files."""

from __future__ import annotations

from flask import Flask, Response

from explorer.library import Library
from explorer.results.document import build_document
from explorer.results.reports import Reports
from explorer.web.http import Arguments, add_route

BASE = "/api/report/"


def register(server: Flask, library: Library) -> None:
    """Add the routes to the app's server."""
    reports = Reports(library)

    def report(arguments: Arguments) -> Response:
        """The report as a piece of HTML."""
        from explorer.results.html import build_body

        runs = reports.runs()
        body = build_body(runs, build_document(runs, None), BASE, linked_runs=library.ids())
        return Response(body.encode(errors="replace"), mimetype="text/html")  # texts of runs may be of any program

    def figure(arguments: Arguments) -> Response:
        """name: a figure as .json, .html, .svg or .pdf, or Plotly itself."""
        from plotly.offline import get_plotlyjs

        from explorer.results.html import PLOTLY

        name = arguments.text("name")
        if name == PLOTLY:
            return Response(get_plotlyjs(), mimetype="text/javascript", headers={"Cache-Control": "max-age=86400"})
        content, media_type = reports.figure_file(name)
        return Response(content, mimetype=media_type)

    add_route(server, BASE.rstrip("/"), report)
    add_route(server, f"{BASE}figures/<name>", figure)
