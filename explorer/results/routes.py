"""What the Results page fetches: the report of the runs that there are, its figures, and their files."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from explorer.library import Library
from explorer.results.document import build_document
from explorer.results.reports import Reports
from mtm.errors import InputError

BASE = "/api/report/"


def register(server: Flask, library: Library) -> None:
    """Add the routes to the app's server."""
    reports = Reports(library)

    @server.get(BASE.rstrip("/"), endpoint="report")
    def report() -> Response:
        from explorer.results.html import body

        runs = reports.choose_runs()
        return Response(body(runs, build_document(runs, None), BASE, known=library.ids()), mimetype="text/html")

    @server.get(f"{BASE}figures/<name>", endpoint="report-figure")
    def figure(name: str) -> Response:
        """A figure as .json, .html, .svg or .pdf, or Plotly itself."""
        from plotly.offline import get_plotlyjs

        from explorer.results.html import PLOTLY

        if name == PLOTLY:
            return Response(get_plotlyjs(), mimetype="text/javascript", headers={"Cache-Control": "max-age=86400"})
        try:
            content, media_type = reports.figure_file(name)
        except InputError as error:
            response = jsonify({"error": str(error)})
            response.status_code = 404
            return response
        return Response(content, mimetype=media_type)
