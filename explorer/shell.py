"""The shell around every page: header, theme, and the help that explains marks and keys."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

THEME = {
    "primaryColor": "indigo",
    "fontFamily": "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "defaultRadius": "sm",
    "cursorType": "pointer",
}
MARKS = [
    (html.Span(className="help-mark is-point"), "a test image: its output embedding, brought from D dimensions to two"),
    (html.Span(className="help-mark is-target"), "a target: the class embedding that pulls its images, and moves"),
    (html.Span("×", className="help-mark is-centre"), "a class centre: the mean of the images of a class"),
    (html.Span(className="help-mark is-region"), "a region: where the chosen classifier decides for a class"),
    (html.Span(className="help-mark is-trail"), "a trail: where a target or a centre came from"),
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


def layout(pages: Sequence[ModuleType]) -> dmc.MantineProvider:
    """What stands around every page: header with a link to each of `pages`, the switch of the theme, the help."""
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
    parts = [name, dmc.Group(links(pages, None), gap="lg", id="shell-links"), dmc.Group(tools, gap="xs", ml="auto")]
    header = dmc.Group(parts, h="100%", px="md", gap="xl", wrap="nowrap")
    marks = [dmc.Group([mark, dmc.Text(meaning, size="sm", flex=1)], wrap="nowrap") for mark, meaning in MARKS]
    keys = [dmc.Group([dmc.Kbd(key), dmc.Text(action, size="sm")], justify="space-between") for key, action in KEYS]
    help = [*marks, dmc.Divider(label="Keys", my="xs"), *keys]
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


def links(pages: Sequence[ModuleType], open_path: str | None) -> list[Any]:
    """A link to each page; that of the open page stands out."""
    return [
        dmc.Anchor(
            page.NAME,
            href=page.PATH,
            underline="never",
            size="sm",
            className="shell-link is-here" if open_path == page.PATH else "shell-link",
        )
        for page in pages
    ]
