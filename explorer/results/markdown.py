"""The report as Markdown, with its figures as SVG beside it."""

from __future__ import annotations

from explorer.results.chosen_runs import ChosenRuns
from explorer.results.claims.verdict import Verdict
from explorer.results.document import TITLE, JudgedClaims, Section, introduction
from explorer.results.figures.catalogue import Figure
from explorer.results.html_parts import as_sentence
from explorer.results.tables import Table


def to_markdown(runs: ChosenRuns, sections: list[Section]) -> str:
    """The report as Markdown; figures are files in `figures/`."""
    parts = [f"# {TITLE}", introduction(runs)]
    for section in sections:
        parts += [f"## {section.title}", *(_part(part) for part in section.parts)]
    return "\n\n".join(parts) + "\n"


def _part(part: Figure | Table | JudgedClaims) -> str:
    if isinstance(part, Figure):
        return _figure(part)
    if isinstance(part, Table):
        return _table(part)
    return _claims(part)


def _figure(figure: Figure) -> str:
    if figure.draw is None:
        return f"**{figure.name}** is not drawn: {figure.lacks}."
    caption_parts = [f"**{figure.name}.**", figure.caption, as_sentence(figure.about), as_sentence(figure.lacks)]
    return f"![{figure.name}](figures/{figure.key}.svg)\n\n" + " ".join(text for text in caption_parts if text)


def _table(table: Table) -> str:
    over = [name if i == 0 else "" for name, span in table.groups for i in range(span)]
    columns = [
        f"{group} {name}".strip() for group, name in zip(over or [""] * len(table.columns), table.columns, strict=True)
    ]
    rows = [[name, *(text.text for text in texts)] for name, texts in table.rows]
    label = f"{table.label}. " if table.label else ""
    return "\n\n".join([f"### {label}{table.title}", _grid([table.first, *columns], rows), *table.notes])


def _claims(claims: JudgedClaims) -> str:
    rows = [
        [f"{claim.text} ({claim.source})", _verdict(on_paper), _verdict(on_runs)]
        for claim, on_paper, on_runs in claims.verdicts
    ]
    return f"{claims.summary}\n\n" + _grid(["the paper", "its own tables", "the runs"], rows)


def _verdict(verdict: Verdict) -> str:
    return f"**{verdict.word}**" + (f": {verdict.numbers}" if verdict.numbers else "")


def _grid(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    escaped = (
        [cell.replace("|", "\\|").replace("*-", "\\*-").replace("-*", "-\\*") for cell in line] for line in lines
    )
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)
