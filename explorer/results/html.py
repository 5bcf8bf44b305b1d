"""The report as HTML: the body that the Results page shows, and a whole page that opens from disk without a network."""

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
from explorer.results.html_parts import claims_html, figure_html, table_html, tag
from explorer.results.tables import Table
from explorer.web.paths import assets_folder
from explorer.web.standalone import fill_page

PLOTLY = "plotly.min.js"  # beside the figures
STYLE = """
:root { color-scheme: light dark; --report-page: light-dark(#ffffff, #1f2023); }
body { margin: 0; background: var(--report-page); color: light-dark(#1f2329, #e4e6ea);
  font-family: Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
"""
BODY = """{body}
{data}
<script type="module">
{script}
const load = async (key) => JSON.parse(document.getElementById(`data-${{key}}`).textContent);
drawFigures(document, load, globalThis.Plotly);
</script>"""


def build_page(runs: ChosenRuns, sections: list[Section], plots: dict[str, go.Figure]) -> str:
    """One HTML page with the report and Plotly in it; `plots` has the figures by key."""
    return _fill_page(TITLE, build_body(runs, sections), tag("script", get_plotlyjs()), plots)


def build_figure_page(figure: Figure, plot: go.Figure) -> str:
    """A page of one figure; it loads PLOTLY from beside it."""
    body = tag("div", tag("main", figure_html(figure, "", files=False), class_="report-body"), class_="report is-alone")
    return _fill_page(figure.name, body, tag("script", "", src=PLOTLY), {figure.key: plot}, "'self' file:")


def build_body(runs: ChosenRuns, sections: list[Section], base: str = "", linked_runs: Collection[str] = ()) -> str:
    """The report as an HTML element; files are below `base`. Runs in `linked_runs` are links to the Explore page."""
    links = "".join(
        tag("a", escape(section.title.removeprefix("Appendix ")), href=f"#{section.key}") for section in sections
    )
    contents = tag("nav", links, class_="report-contents", aria_label="Contents")
    lead = tag("h1", TITLE) + tag("p", escape(introduction(runs)), class_="report-lead")
    sections_html = "".join(_section(section, base, linked_runs) for section in sections)
    return tag("div", contents + tag("main", lead + sections_html, class_="report-body"), class_="report")


def figure_json(figure: go.Figure) -> str:
    """A figure for the browser, without Plotly's template; safe within a page."""
    description: dict[str, Any] = figure.to_plotly_json()
    description["layout"].pop("template", None)
    return str(to_json_plotly(description)).replace("<", "\\u003c")


def _section(section: Section, base: str, linked_runs: Collection[str]) -> str:
    parts, figures = [tag("h2", escape(section.title), id=section.key)], list[str]()
    for part in section.parts:
        if isinstance(part, Figure):
            figures += [figure_html(part, base)] if part.draw else []
            continue
        parts += [*_figure_row(figures)]
        figures = []
        parts.append(table_html(part, linked_runs) if isinstance(part, Table) else claims_html(part))
    parts += _figure_row(figures)
    missing = [f"{figure.name} ({figure.lacks})" for figure in section.figures if figure.draw is None]
    parts += [tag("p", f"Not drawn: {escape('; '.join(missing))}.", class_="report-none")] if missing else []
    return tag("section", "".join(parts))


def _figure_row(figures: list[str]) -> list[str]:
    return [tag("div", "".join(figures), class_="report-figures")] if figures else []


def _fill_page(title: str, body: str, library: str, plots: dict[str, go.Figure], scripts: str = "") -> str:
    assets = assets_folder()
    data = "\n".join(
        tag("script", figure_json(figure), type="application/json", id=f"data-{key}") for key, figure in plots.items()
    )
    script = (assets / "results" / "draw.mjs").read_text(encoding="utf-8")
    style = (assets / "results" / "results.css").read_text(encoding="utf-8") + STYLE
    return fill_page(title, style, library, BODY.format(body=body, data=data, script=script), scripts)
