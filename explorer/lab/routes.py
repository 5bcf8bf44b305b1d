"""What the lab page fetches: its catalogue, landscapes, values, releases, and pictures and grids to save.

A body of JSON says what is drawn (`explorer.lab.requests`); landscapes and paths come as `explorer.web.binary`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask, Response

from explorer.export.print import MEDIA_TYPES
from explorer.lab.own_losses import OwnLosses
from explorer.lab.panels import Panels
from explorer.lab.requests import LabRequest, read_request
from explorer.library import Library
from explorer.web.http import Answer, add_route


def register(server: Flask, library: Library, own: OwnLosses | None = None) -> None:
    """Add the lab's routes to the app's server; `own` are the losses named on the command line."""
    panels = Panels(library, own or OwnLosses())
    add_route(server, "/api/lab", lambda arguments: panels.catalogue())
    add_route(server, "/api/lab/run", lambda arguments: panels.describe_run(arguments.text("run")))

    def add(path: str, answer: Callable[[LabRequest], Answer]) -> None:
        add_route(server, path, lambda arguments: answer(read_request(arguments.values)), "POST")

    add("/api/landscape", panels.compute_landscapes)
    add("/api/landscape/value", panels.compute_values)
    add("/api/landscape/release", panels.compute_release)
    for kind in ("svg", "pdf"):
        add(f"/api/landscape/{kind}", partial(_print, panels, kind))
    add("/api/landscape/csv", lambda request: Response(panels.write_csv(request), mimetype="text/csv"))
    add("/api/landscape/npz", panels.write_npz)


def _print(panels: Panels, kind: str, request: LabRequest) -> Response:
    return Response(panels.print_landscapes(request, kind), mimetype=MEDIA_TYPES[kind])
