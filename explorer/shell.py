"""The shell around every page: header, theme, and the help that explains marks and keys."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from explorer import words

MARKS = {  # how each looks in the help
    "point": html.Span(className="help-mark is-point"),
    "target": html.Span(className="help-mark is-target"),
    "centre": html.Span("×", className="help-mark is-centre"),
    "region": html.Span(className="help-mark is-region"),
    "trail": html.Span(className="help-mark is-trail"),
}
THEME = {
    "primaryColor": "indigo",
    "fontFamily": "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
    "defaultRadius": "sm",
    "cursorType": "pointer",
}


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
    marks = [
        dmc.Group([MARKS[name], dmc.Text(meaning, size="sm", flex=1)], wrap="nowrap")
        for name, meaning in words.MARKS_EXPLAINED.items()
    ]
    keys = [
        dmc.Group([dmc.Kbd(key), dmc.Text(action, size="sm")], justify="space-between") for key, action in words.KEYS
    ]
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
