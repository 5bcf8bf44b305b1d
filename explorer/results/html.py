"""The report as HTML: a piece that the Results page shows, and one page that opens from disk with everything in it."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from explorer.results.chosen_runs import ChosenRuns
from explorer.results.document import TITLE, Section, introduction
from explorer.results.figures.catalogue import Figure
from explorer.results.html_parts import figure_html, statements_html, table_html, tag
from explorer.results.tables import Table
from explorer.web.paths import assets_folder

PLOTLY = "plotly.min.js"  # beside the figures
# The browser itself then refuses every connection: nothing is fetched, nothing is sent
ALONE = "default-src 'none'; script-src 'unsafe-inline'{more}; style-src 'unsafe-inline'; img-src data: blob:"
STYLE = """
:root { color-scheme: light dark; --report-page: light-dark(#ffffff, #1f2023); }
body { margin: 0; background: var(--report-page); color: light-dark(#1f2329, #e4e6ea);
  font-family: Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{alone}">
<title>{title}</title>
<style>{style}</style>
{library}
</head>
<body>
{body}
{data}
<script type="module">
{script}
const load = async (key) => JSON.parse(document.getElementById(`data-${{key}}`).textContent);
drawFigures(document, load, globalThis.Plotly);
</script>
</body>
</html>
"""


def page(found: ChosenRuns, sections: list[Section], drawn: dict[str, go.Figure]) -> str:
    """One HTML page with all of the report and Plotly in it; `drawn` has the figures by key."""
    return _whole(TITLE, body(found, sections), tag("script", get_plotlyjs()), drawn)


def figure_page(figure: Figure, drawn: go.Figure) -> str:
    """A page of one figure, beside which PLOTLY lies."""
    alone = tag(
        "div", tag("main", figure_html(figure, "", files=False), class_="report-body"), class_="report is-alone"
    )
    return _whole(figure.name, alone, tag("script", "", src=PLOTLY), {figure.key: drawn}, " 'self' file:")


def body(found: ChosenRuns, sections: list[Section], base: str = "", known: Collection[str] = ()) -> str:
    """The report as a piece of HTML; files lie below `base`. Runs in `known` are links to the Explore page."""
    links = "".join(
        tag("a", escape(section.title.removeprefix("Appendix ")), href=f"#{section.key}") for section in sections
    )
    contents = tag("nav", links, class_="report-contents", aria_label="Contents")
    lead = tag("h1", TITLE) + tag("p", escape(introduction(found)), class_="report-lead")
    written = "".join(_section(section, base, known) for section in sections)
    return tag("div", contents + tag("main", lead + written, class_="report-body"), class_="report")


def as_json(figure: go.Figure) -> str:
    """A figure for the browser, without Plotly's template; safe within a page."""
    told: dict[str, Any] = figure.to_plotly_json()
    told["layout"].pop("template", None)
    return str(to_json_plotly(told)).replace("<", "\\u003c")


def _section(section: Section, base: str, known: Collection[str]) -> str:
    written, row = [tag("h2", escape(section.title), id=section.key)], list[str]()
    for part in section.parts:
        if isinstance(part, Figure):
            row += [figure_html(part, base)] if part.draw else []
            continue
        written += [*_side_by_side(row)]
        row = []
        written.append(table_html(part, known) if isinstance(part, Table) else statements_html(part))
    written += _side_by_side(row)
    missing = [f"{figure.name} ({figure.lacks})" for figure in section.figures if figure.draw is None]
    written += [tag("p", f"Not drawn: {escape('; '.join(missing))}.", class_="report-none")] if missing else []
    return tag("section", "".join(written))


def _side_by_side(figures: list[str]) -> list[str]:
    return [tag("div", "".join(figures), class_="report-figures")] if figures else []


def _whole(title: str, body: str, library: str, drawn: dict[str, go.Figure], more: str = "") -> str:
    assets = assets_folder()
    data = "\n".join(
        tag("script", as_json(figure), type="application/json", id=f"data-{key}") for key, figure in drawn.items()
    )
    return PAGE.format(
        alone=ALONE.format(more=more),
        title=escape(title),
        style=(assets / "results" / "results.css").read_text(encoding="utf-8") + STYLE,
        library=library,
        body=body,
        data=data,
        script=(assets / "results" / "draw.mjs").read_text(encoding="utf-8"),
    )
