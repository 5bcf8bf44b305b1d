"""What the Results page fetches: the report of the runs that there are, its figures, and their files."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from flask import Flask, Response, jsonify

from explorer.library import DEMO, Library
from explorer.results.chosen_runs import ChosenRuns, choose_runs, stamp
from explorer.results.document import build_document
from explorer.results.figures import catalogue as figures
from explorer.results.figures.catalogue import Figure
from mtm.errors import InputError

BASE = "/api/report/"
_printing = threading.Lock()  # matplotlib's style is one for all threads
TYPES = {"svg": "image/svg+xml", "pdf": "application/pdf"}


class Reports:
    """The runs of a library, read again when one of them has changed. Data sets are not looked for."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._lock = threading.Lock()
        self._known: tuple[object, ChosenRuns] | None = None

    def found(self) -> ChosenRuns:
        given = {"": self.library.runs_folder, f"{DEMO}/": self.library.demo_folder}
        folders = {before: folder for before, folder in given.items() if folder and folder.is_dir()}
        with self._lock:  # a page asks for many figures at once
            now = stamp(folders)
            if self._known is None or self._known[0] != now:
                self._known = now, choose_runs(folders)
            return self._known[1]

    def figure(self, key: str) -> Figure:
        """Raises InputError for a figure that is not drawn."""
        for figure in figures.all_figures(self.found(), None):
            if figure.key == key and figure.draw:
                return figure
        raise InputError(f"there is no figure '{key}' of these runs")


def register(server: Flask, library: Library) -> None:
    """Add the routes to the app's server."""
    reports = Reports(library)

    @server.get(BASE.rstrip("/"), endpoint="report")
    def report() -> Response:
        from explorer.results.html import body

        found = reports.found()
        return Response(body(found, build_document(found, None), BASE, known=library.ids()), mimetype="text/html")

    @server.get(f"{BASE}figures/<name>", endpoint="report-figure")
    def figure(name: str) -> Response:
        try:
            return _file(reports, name)
        except InputError as error:
            response = jsonify({"error": str(error)})
            response.status_code = 404
            return response


def _file(reports: Reports, name: str) -> Response:
    """A figure as .json, .html, .svg or .pdf, or Plotly itself."""
    from plotly.offline import get_plotlyjs

    from explorer.results.html import PLOTLY, as_json, figure_page

    if name == PLOTLY:
        return Response(get_plotlyjs(), mimetype="text/javascript", headers={"Cache-Control": "max-age=86400"})
    key, _, kind = name.rpartition(".")
    figure = reports.figure(key)
    assert figure.draw is not None
    made = figure.draw()
    if kind == "json":
        return Response(as_json(made), mimetype="application/json")
    if kind == "html":
        return Response(figure_page(figure, made), mimetype="text/html")
    if kind not in TYPES:
        raise InputError(f"a figure is .html, .svg or .pdf, not .{kind}")
    from explorer.results.figures.printing import print_figure

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        with _printing:
            print_figure(figure, made, path)
        return Response(path.read_bytes(), mimetype=TYPES[kind])
