"""The parts of the report as HTML: a figure's place and caption, a table, the statements. Every text is escaped."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from urllib.parse import quote

from explorer.results.claims.verdict import Verdict
from explorer.results.document import Judged
from explorer.results.figures.catalogue import Figure
from explorer.results.tables import Table, Text

KINDS = ("svg", "pdf", "html")
LEAST = 400  # pixels of height, that a legend of 16 models fits
STRETCH = 1.25  # times as large as printed, at most
WIDE = 800  # pixels of a printed figure, from which on it has the page's width


def tag(name: str, content: str, **attributes: str) -> str:
    """An element; `content` is HTML, values of attributes are text, `class_` is class and `data_x` data-x."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value
    )
    return f"<{name}{given}>{content}</{name}>"


def figure_html(figure: Figure, base: str, files: bool = True) -> str:
    """A place that assets/results/draw.mjs draws in, with its caption and links to its files below `base`."""
    width, height = figure.size
    least = f"min-height: {LEAST}px; " if height > LEAST else ""
    plot = tag("div", "", class_="report-plot", data_figure=figure.key, role="img", aria_label=figure.name,
               style=f"{least}aspect-ratio: {width} / {height}; max-width: {STRETCH * width:.0f}px")  # fmt: skip
    caption = tag("b", f"{escape(figure.name.replace(': ', '. ', 1))}.") + f" {escape(figure.caption)}"
    caption += f" {escape(sentence(figure.about))}"
    caption += tag("span", escape(sentence(figure.lacks)), class_="report-lacks") if figure.lacks else ""
    if files:
        links = (tag("a", kind.upper(), href=f"{base}figures/{figure.key}.{kind}", target="_blank") for kind in KINDS)
        caption += " " + tag("span", "".join(links), class_="report-files")
    look = "report-figure is-wide" if width > WIDE else "report-figure"
    return tag("figure", plot + tag("figcaption", caption), class_=look, id=figure.key)


def table_html(table: Table, known: Collection[str] = ()) -> str:
    """A table under its title; runs in `known` are links to the Explore page."""
    starts = {sum(span for _, span in table.groups[:i]) for i in range(len(table.groups))}
    groups = (
        tag("th", escape(name), colspan=str(span), scope="colgroup", class_="first") for name, span in table.groups
    )
    over = tag("tr", tag("th", "") + "".join(groups)) if table.groups else ""
    columns = (
        tag("th", escape(name), scope="col", class_="first" if i in starts else "")
        for i, name in enumerate(table.columns)
    )
    head = tag("thead", over + tag("tr", tag("th", escape(table.first), scope="col") + "".join(columns)))
    rows = []
    for name, texts in table.rows:
        cells = (_cell(text, i in starts, known) for i, text in enumerate(texts))
        rows.append(tag("tr", tag("th", escape(name), scope="row") + "".join(cells)))
    whole = tag("table", head + tag("tbody", "".join(rows)), class_="numbers" if table.groups else "wrap")
    title = f"{table.label}. {table.title}" if table.label else table.title
    notes = "".join(tag("p", escape(note), class_="report-note") for note in table.notes)
    return tag("h3", escape(title), id=table.key) + tag("div", whole, class_="report-scroll", tabindex="0") + notes


def statements_html(judged: Judged) -> str:
    """Every statement with both verdicts beside it."""
    heads = "".join(tag("span", text) for text in ("The paper", "Its own tables", "The runs"))
    rows = [tag("div", heads, class_="report-statement report-heads")]
    for statement, on_paper, on_runs in judged.verdicts:
        said = escape(statement.said) + tag("span", escape(statement.where), class_="report-where")
        verdicts = _verdict(on_paper, "its own tables") + _verdict(on_runs, "the runs")
        rows.append(tag("div", tag("div", said) + verdicts, class_="report-statement", id=statement.key))
    lead = tag("p", escape(judged.summary), class_="report-lead")
    return lead + tag("div", "".join(rows), class_="report-statements")


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _cell(text: Text, is_first: bool, known: Collection[str]) -> str:
    said = escape(text.text)
    if text.run in known:
        said = tag("a", said, href=f"/?run={quote(text.run, safe='')}")
    return tag("td", said, class_=f"{text.mark} {'first' if is_first else ''}".strip())


def _verdict(verdict: Verdict, whose: str) -> str:
    said = tag("b", verdict.word) + escape(verdict.numbers)
    return tag("div", said, class_="report-verdict", data_word=verdict.word, data_whose=whose)
