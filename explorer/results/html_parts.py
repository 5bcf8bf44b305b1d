"""The parts of the report as HTML: an empty figure with its caption, a table, the claims. Every text is escaped."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from urllib.parse import quote

from explorer.results.claims.verdict import Verdict
from explorer.results.document import JudgedClaims
from explorer.results.figures.catalogue import Figure
from explorer.results.tables import Table, Text

KINDS = ("svg", "pdf", "html")
LEAST = 400  # pixels of height, so that a legend of 16 models fits
STRETCH = 1.25  # times as large as printed, at most
WIDE = 800  # pixels of a printed figure, from which on it has the page's width


def tag(name: str, content: str, **attributes: str) -> str:
    """An element; `content` is HTML, values of attributes are text, `class_` is class and `data_x` data-x."""
    attributes_text = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items() if value
    )
    return f"<{name}{attributes_text}>{content}</{name}>"


def figure_html(figure: Figure, base: str, files: bool = True) -> str:
    """An element that assets/results/draw.mjs draws in, with its caption and links to its files below `base`."""
    width, height = figure.size
    least = f"min-height: {LEAST}px; " if height > LEAST else ""
    plot = tag("div", "", class_="report-plot", data_figure=figure.key, role="img", aria_label=figure.name,
               style=f"{least}aspect-ratio: {width} / {height}; max-width: {STRETCH * width:.0f}px")  # fmt: skip
    caption = tag("b", f"{escape(figure.name.replace(': ', '. ', 1))}.") + f" {escape(figure.caption)}"
    caption += f" {escape(as_sentence(figure.about))}"
    caption += tag("span", escape(as_sentence(figure.lacks)), class_="report-lacks") if figure.lacks else ""
    if files:
        links = (tag("a", kind.upper(), href=f"{base}figures/{figure.key}.{kind}", target="_blank") for kind in KINDS)
        caption += " " + tag("span", "".join(links), class_="report-files")
    classes = "report-figure is-wide" if width > WIDE else "report-figure"
    return tag("figure", plot + tag("figcaption", caption), class_=classes, id=figure.key)


def table_html(table: Table, linked_runs: Collection[str] = ()) -> str:
    """A table under its title; runs in `linked_runs` are links to the Explore page."""
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
        cells = (_cell(text, i in starts, linked_runs) for i, text in enumerate(texts))
        rows.append(tag("tr", tag("th", escape(name), scope="row") + "".join(cells)))
    whole = tag("table", head + tag("tbody", "".join(rows)), class_="numbers" if table.groups else "wrap")
    title = f"{table.label}. {table.title}" if table.label else table.title
    notes = "".join(tag("p", escape(note), class_="report-note") for note in table.notes)
    return tag("h3", escape(title), id=table.key) + tag("div", whole, class_="report-scroll", tabindex="0") + notes


def claims_html(claims: JudgedClaims) -> str:
    """Every claim with both verdicts beside it."""
    heads = "".join(tag("span", text) for text in ("The paper", "Its own tables", "The runs"))
    rows = [tag("div", heads, class_="report-claim report-heads")]
    for claim, on_paper, on_runs in claims.verdicts:
        text_html = escape(claim.text) + tag("span", escape(claim.source), class_="report-where")
        verdicts = _verdict(on_paper, "its own tables") + _verdict(on_runs, "the runs")
        rows.append(tag("div", tag("div", text_html) + verdicts, class_="report-claim", id=claim.key))
    lead = tag("p", escape(claims.summary), class_="report-lead")
    return lead + tag("div", "".join(rows), class_="report-claims")


def as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _cell(text: Text, is_first: bool, linked_runs: Collection[str]) -> str:
    text_html = escape(text.text)
    if text.run in linked_runs:
        text_html = tag("a", text_html, href=f"/?run={quote(text.run, safe='')}")
    return tag("td", text_html, class_=f"{text.mark} {'first' if is_first else ''}".strip())


def _verdict(verdict: Verdict, whose: str) -> str:
    verdict_html = tag("b", verdict.word) + escape(verdict.numbers)
    return tag("div", verdict_html, class_="report-verdict", data_word=verdict.word, data_whose=whose)
