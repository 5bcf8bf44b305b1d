"""The Dash app: a factory with no global state, a shell, and a small router over the list of pages.

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
from dash import Dash, Input, Output, State, dcc, html
from platformdirs import user_cache_path

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
from explorer.runs import page as runs
from explorer.runs import routes as runs_routes
from explorer.space import routes
from explorer.space.histories import Histories
from explorer.space.views import Views
from explorer.train import page as train
from explorer.train import routes as train_routes
from explorer.train.devices import Devices
from explorer.train.preview import Preview
from explorer.train.queue import JobQueue
from explorer.tune import page as tune
from explorer.web import security
from explorer.web.paths import assets_folder, demo_folder

PAGES: tuple[ModuleType, ...] = (explore, runs, compare, train, tune, lab, results)  # in the order of the header
THEME = {
    "primaryColor": "indigo",
    "fontFamily": "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "defaultRadius": "sm",
    "cursorType": "pointer",
}
SEEN = [
    (html.Span(className="seen seen-point"), "a test image: its output embedding, brought from D dimensions to two"),
    (html.Span(className="seen seen-target"), "a target: the class embedding that pulls its images, and moves"),
    (html.Span("×", className="seen seen-centre"), "a class centre: the mean of the images of a class"),
    (html.Span(className="seen seen-region"), "a region: where the chosen classifier decides for a class"),
    (html.Span(className="seen seen-trail"), "a trail: where a target or a centre came from"),
]  # fmt: skip
KEYS = [
    ("space", "play or pause"),
    ("← →", "one snapshot back or on"),
    ("Home End", "first or last snapshot"),
    ("click", "one image; on a target: the images of its class"),
    ("shift click", "add an image to the selection, or take it off"),
    ("?", "this list"),
    ("r s esc", "in the lab: release, one step, reset"),
    ("f", "in the lab: fit the view"),
]


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

    What is computed is kept in `cache`, by default the user's cache folder. `losses` are the user's own for the lab, a
    file or module:Class each. Trainings started here read their data from `data_root`. `host` is the address it will
    be served at and `token` what a browser has to know, if anything (`explorer.web.security`).
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
    views, machine = Views(library, cache), Devices()
    jobs = JobQueue(library, machine.device_of)
    outlook = Preview(cache, jobs.busy)
    security.register(app.server, token, host)
    routes.register(app.server, views)
    histories = Histories(library)
    explore_routes.register(app.server, Panels(views, histories))
    compare_routes.register(app.server, Comparisons(histories))
    runs_routes.register(app.server, library)
    export_routes.register(app.server, views)
    lab_routes.register(app.server, library, OwnLosses(losses))
    train_routes.register(app.server, jobs, machine, outlook, data_root)
    app.server.extensions |= {"views": views, "jobs": jobs, "outlook": outlook}  # for who serves it: to begin and end
    app.layout = _shell()
    app.validation_layout = html.Div(  # type: ignore[assignment]
        [_shell(), *(page.layout(library) for page in PAGES)]
    )
    for page in PAGES:
        page.register(app, library)
    _register_shell(app, library)
    return app


def _shell() -> dmc.MantineProvider:
    name = dmc.Anchor(
        [html.Span(className="shell-mark"), "Moving targets"], href="/", underline="never", className="shell-name"
    )
    keys_button = dmc.ActionIcon(
        "?", id="shell-help", variant="subtle", color="gray", **{"aria-label": "What you see, and keys"}
    )
    theme_switch = dmc.ColorSchemeToggle(
        id="shell-theme",
        lightIcon=html.Span("☀"),
        darkIcon=html.Span("☾"),
        variant="subtle",
        color="gray",
        **{"aria-label": "Light or dark"},
    )
    tools = [
        dmc.Tooltip(keys_button, label="What you see, and keys"),
        dmc.Tooltip(theme_switch, label="Light or dark"),
    ]
    parts = [name, dmc.Group(_links(None), gap="lg", id="shell-links"), dmc.Group(tools, gap="xs", ml="auto")]
    header = dmc.Group(parts, h="100%", px="md", gap="xl", wrap="nowrap")
    seen = [dmc.Group([mark, dmc.Text(what, size="sm", flex=1)], wrap="nowrap") for mark, what in SEEN]
    keys = [dmc.Group([dmc.Kbd(key), dmc.Text(does, size="sm")], justify="space-between") for key, does in KEYS]
    help = [*seen, dmc.Divider(label="Keys", my="xs"), *keys]
    return dmc.MantineProvider(
        id="shell-provider",
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            dcc.Location(id="shell-url", refresh="callback-nav"),
            dmc.NotificationContainer(id="shell-notices", position="bottom-right"),
            dmc.Modal(dmc.Stack(help, gap="xs"), id="shell-keys", title="What you see", size="md"),
            dmc.AppShell(
                [dmc.AppShellHeader(header), dmc.AppShellMain(html.Div(id="shell-page"))],
                header={"height": 48},
                padding=0,
            ),
        ],
    )


def _links(here: str | None) -> list[Any]:
    """Links to all pages; the one that is open stands out."""
    return [
        dmc.Anchor(
            page.NAME,
            href=page.PATH,
            underline="never",
            size="sm",
            className="shell-link is-here" if here == page.PATH else "shell-link",
        )
        for page in PAGES
    ]


def _register_shell(app: Dash, library: Library) -> None:
    @app.callback(
        Output("shell-page", "children"),
        Output("shell-links", "children"),
        Input("shell-url", "pathname"),
        State("shell-url", "search"),
    )
    def show_page(pathname: str, search: str | None) -> Any:
        query = dict(parse_qsl((search or "").lstrip("?")))
        for page in PAGES:
            if pathname == page.PATH:
                return page.layout(library, **query), _links(pathname)
        nowhere = [dmc.Title("There is no such page", order=3), dmc.Anchor("Go to Explore", href="/")]
        return dmc.Container(nowhere, py="xl", size="sm"), _links(None)

    app.clientside_callback(  # type: ignore[no-untyped-call]
        "(clicks, opened) => clicks ? !opened : dash_clientside.no_update",
        Output("shell-keys", "opened"),
        Input("shell-help", "n_clicks"),
        Input("shell-keys", "opened"),
    )
