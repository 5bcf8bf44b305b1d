"""The Dash app: a factory with no global state, and a small router over the list of pages.

Dash's own `use_pages` keeps its registry per process, so a second app would serve the first one's pages.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html
from platformdirs import user_cache_path
from pydantic import validate_call

from explorer import shell, words
from explorer.compare import page as compare
from explorer.compare import routes as compare_routes
from explorer.compare.comparisons import Comparisons
from explorer.explore import page as explore
from explorer.explore import routes as explore_routes
from explorer.explore.panels import Panels
from explorer.export import routes as export_routes
from explorer.lab import page as lab
from explorer.lab import routes as lab_routes
from explorer.lab.own_losses import OwnLosses
from explorer.library import Library
from explorer.results import page as results
from explorer.results import routes as results_routes
from explorer.runs import page as runs
from explorer.runs import routes as runs_routes
from explorer.space import routes as space_routes
from explorer.space.histories import Histories
from explorer.space.projections import describe_for_browser
from explorer.space.views import Views
from explorer.train import page as train
from explorer.train import routes as train_routes
from explorer.train.devices import Devices
from explorer.train.preview import Preview
from explorer.train.queue import JobQueue
from explorer.tune import page as tune
from explorer.tune import routes as tune_routes
from explorer.web import http, security
from explorer.web.callbacks import guard_callbacks
from explorer.web.paths import assets_folder, demo_folder
from mtm.run_folder.files import ABANDONED_SECONDS, remove_leftovers

PAGES: tuple[ModuleType, ...] = (explore, runs, compare, train, tune, lab, results)  # in the order of the header


def create_app(
    runs_folder: Path,
    demos: Path | None = None,
    cache: Path | None = None,
    losses: Sequence[str] = (),
    data_root: Path = Path("data"),
    token: str | None = None,
    host: str = "127.0.0.1",
) -> Dash:
    """An app that shows the runs in `runs_folder` and the bundled ones (in `demos`, by default the package's).

    Results of long computations are stored in `cache`, by default the user's cache folder. `losses` are the user's own
    for the lab, each a file or module:Class. Trainings started from the page read their data from `data_root`.
    `host` is the address at which it will be served, `token` the secret that a browser has to send, if any
    (`explorer.web.security`).
    """
    mimetypes.add_type("text/javascript", ".mjs")  # Windows may know it as plain text, which browsers refuse to run
    mimetypes.add_type("text/javascript", ".js")
    app = Dash(
        __name__,
        assets_folder=str(assets_folder()),
        assets_ignore=r".*\.mjs|page\.css",  # modules are imported by their pages; page.css is exported pages' own
        title="Moving targets",
        update_title="",
    )
    library = Library(runs_folder, demo_folder() if demos is None else demos)
    cache = user_cache_path("moving-targets") if cache is None else cache
    for folder in (cache, cache / "preview"):
        remove_leftovers(folder, ABANDONED_SECONDS)
    views, devices = Views(library, cache), Devices()
    queue = JobQueue(library, devices.device_of)
    preview = Preview(cache, queue.busy)
    security.register(app.server, token, host, [page.PATH for page in PAGES])
    http.register_errors(app.server)
    guard_callbacks(app)
    space_routes.register(app.server, views)
    histories = Histories(library)
    explore_routes.register(app.server, Panels(views, histories))
    compare_routes.register(app.server, Comparisons(histories))
    runs_routes.register(app.server, library)
    export_routes.register(app.server, views)
    lab_routes.register(app.server, library, OwnLosses(losses))
    train_routes.register(app.server, queue, devices, preview, data_root)
    tune_routes.register(app.server, library)
    results_routes.register(app.server, library)
    app.server.extensions |= {"views": views, "queue": queue, "preview": preview}  # the server begins and closes them
    app.index_string = app.index_string.replace("{%css%}", f"{words.as_script(views=describe_for_browser())}{{%css%}}")
    app.layout = shell.layout(PAGES)
    app.validation_layout = html.Div(  # type: ignore[assignment]
        [shell.layout(PAGES), *(page.layout(library) for page in PAGES)]
    )
    for page in PAGES:
        page.register(app, library)
    _register_router(app, library)
    return app


def _register_router(app: Dash, library: Library) -> None:
    """Show the page of the address; and open and close the help."""

    @app.callback(
        Output("shell-page", "children"),
        Output("shell-links", "children"),
        Input("shell-url", "pathname"),
        State("shell-url", "search"),
    )
    @validate_call
    def show_page(pathname: str, search: str | None) -> Any:
        query = dict(parse_qsl((search or "").lstrip("?"), errors="replace"))
        for page in PAGES:
            if pathname == page.PATH:
                return page.layout(library, **query), shell.links(PAGES, pathname)
        no_page = [dmc.Title("There is no such page", order=3), dmc.Anchor("Go to Explore", href="/")]
        return dmc.Container(no_page, py="xl", size="sm"), shell.links(PAGES, None)

    app.clientside_callback(  # type: ignore[no-untyped-call]
        "(clicks, opened) => clicks ? !opened : dash_clientside.no_update",
        Output("shell-keys", "opened"),
        Input("shell-help", "n_clicks"),
        Input("shell-keys", "opened"),
    )
