"""What the panels of the Explore page fetch: events, certainty, selections and one image.

Small answers are JSON; the mask of a selection is `explorer.web.binary`'s with the numbers in its header. What is
selected, and whatever is saved, comes as a POST.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from flask import Flask

from explorer.explore.panels import SHOWN_EVENTS, Panels
from explorer.explore.selection import View, read_selection
from explorer.explore.selection_numbers import PAGE
from explorer.space.neighbours import METRICS, NEIGHBOURS
from explorer.space.routes import read_options
from explorer.web.binary import encode
from explorer.web.http import Answer, Arguments, add_route
from mtm.errors import InputError


def register(server: Flask, panels: Panels) -> None:
    """Add the routes to the app's server."""
    add_route(server, "/api/events", partial(_events, panels))
    add_route(server, "/api/certainty", partial(_certainty, panels))
    add_route(server, "/api/image", partial(_image, panels))
    add_route(server, "/api/selection", partial(_selection, panels), "POST")
    add_route(server, "/api/selection/grid", partial(_grid, panels), "POST")
    add_route(server, "/api/selections", partial(_saved, panels))
    add_route(server, "/api/selections/save", partial(_save, panels), "POST")
    add_route(server, "/api/selections/delete", partial(_delete, panels), "POST")


def _events(panels: Panels, arguments: Arguments) -> Answer:
    """run [classifier] [kind] [top]: the ranked list, and how many of each kind lie at each snapshot."""
    top = arguments.count("top", SHOWN_EVENTS)
    return panels.events(
        arguments.text("run"), arguments.optional_text("classifier"), arguments.optional_text("kind"), top
    )


def _certainty(panels: Panels, arguments: Arguments) -> Answer:
    """run [snapshot] [classifier]: numbers, words and Plotly figures."""
    return panels.certainty(arguments.text("run"), arguments.integer("snapshot"), arguments.optional_text("classifier"))


def _image(panels: Panels, arguments: Arguments) -> Answer:
    """run row [snapshot] [view and its options] [k] [metric]: the history of one image, its neighbours, its trail."""
    row = arguments.integer("row")
    if row is None:
        raise InputError("the request lacks 'row', the image's")
    metric, k = arguments.optional_text("metric") or METRICS[0], arguments.count("k", NEIGHBOURS)
    return panels.image(arguments.text("run"), row, arguments.integer("snapshot"), _view(arguments), k, metric)


def _selection(panels: Panels, arguments: Arguments) -> Answer:
    """run selection [snapshot] [classifier]: the mask (N,) and every number of it, in one answer."""
    mask, numbers = panels.select(*_selected(arguments), arguments.optional_text("classifier"))
    return encode({"mask": mask.astype(np.uint8)}, numbers)


def _grid(panels: Panels, arguments: Arguments) -> Answer:
    """run selection [snapshot] [classifier] [by] [falling] [start] [size]: a page of the selected images, in order."""
    return panels.grid(
        *_selected(arguments),
        arguments.optional_text("classifier"),
        by=arguments.optional_text("by") or "margin",
        falling=bool(arguments.values.get("falling")),
        start=arguments.count("start", 0),
        size=arguments.count("size", PAGE),
    )


def _saved(panels: Panels, arguments: Arguments) -> Answer:
    """run: its named selections."""
    selections = panels.saved.all(arguments.text("run"))
    return {"selections": {name: selection.to_json() for name, selection in selections.items()}}


def _save(panels: Panels, arguments: Arguments) -> Answer:
    """run name selection: save it, then answer with all there are."""
    run, name = arguments.text("run"), arguments.text("name")
    panels.saved.save(run, name, read_selection(arguments.values.get("selection")))
    return _saved(panels, arguments)


def _delete(panels: Panels, arguments: Arguments) -> Answer:
    """run name: delete it, then answer with all that are left."""
    panels.saved.delete(arguments.text("run"), arguments.text("name"))
    return _saved(panels, arguments)


def _selected(arguments: Arguments) -> tuple[str, Any, int | None]:
    run = arguments.text("run")
    return run, read_selection(arguments.values.get("selection")), arguments.integer("snapshot")


def _view(arguments: Arguments) -> View | None:
    """The view named by view and its options, as in the address of the frames; None if none is named."""
    method = arguments.optional_text("view")
    return None if method is None else View(method=method, **read_options(arguments, method))
