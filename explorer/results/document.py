"""What is in the report and in which order; `page` and `markdown` write it down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.results import tables
from explorer.results.chosen_runs import ORDER, ChosenRuns
from explorer.results.claims.paper_claims import judge_claims
from explorer.results.claims.verdict import FAILS, HOLDS, UNKNOWN, Claim, Verdict
from explorer.results.figures import catalogue as figures
from explorer.results.figures.catalogue import Figure
from explorer.results.tables import Table
from mtm.paper.tables import load

TITLE = "The paper's experiments"
NOTHING = "No run has finished an epoch yet. mtm experiments trains the paper's models, mtm train any of them."


@dataclass(frozen=True)
class Judged:
    """All statements with their verdicts on the paper's own tables and on the runs."""

    verdicts: list[tuple[Claim, Verdict, Verdict]]

    @property
    def summary(self) -> str:
        """How many hold, in two sentences."""
        sentences = []
        for i, whose in ((1, "the paper's own tables"), (2, "the runs")):
            words = [judged[i].word for judged in self.verdicts]  # type: ignore[union-attr]
            counts = [(words.count(word), said) for word, said in ((HOLDS, "hold"), (FAILS, "do not"))]
            told = ", ".join(f"{count} {said}" for count, said in counts)
            missing = words.count(UNKNOWN)
            sentences.append(f"On {whose} {told}" + (f", {missing} need more runs." if missing else "."))
        return " ".join(sentences)


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    parts: Sequence[Figure | Table | Judged]

    @property
    def figures(self) -> list[Figure]:
        return [part for part in self.parts if isinstance(part, Figure)]


def build_document(found: ChosenRuns, data_root: Path | None) -> list[Section]:
    """All of the report, its figures not drawn yet."""
    others = [dataset for dataset in found.datasets if dataset not in ORDER]
    one, two, three, four = tables.references(found)
    accuracies = {dataset: tables.accuracy(found, dataset) for dataset in found.datasets}
    first, middle = (figures.of_the_model(found), figures.of_the_data(found, data_root))
    appendix = [
        Section(f"appendix-b{i}", f"Appendix B. {title}", drawn)
        for i, (title, drawn) in enumerate(figures.of_appendix(found), start=1)
    ]
    return [
        Section("statements", "What the paper says", [Judged(judge_claims(found))]),
        Section("model", "III. Moving Targets Model", [*first[:4], one, *first[4:]]),
        Section("setup", "IV-A to D. Experiments", [*middle, two, three, four]),
        Section("performance", "IV-E. Performance results",
                [tables.state_of_the_art(found), figures.of_accuracy(found), *accuracies.values()]),
        Section("attributes", "IV-F. Attributes of the loss functions", figures.of_the_attributes(found)),
        Section("appendix-a", "Appendix A. Hyperparameters",
                [tables.hyperparameters(found, dataset) for dataset in (*ORDER[3:], *ORDER[:3], *others)]),
        *appendix,
        Section("runs", "The runs", [tables.used(found)]),
    ]  # fmt: skip


def introduction(found: ChosenRuns) -> str:
    """What the report is of, in a few sentences."""
    n = len(found.runs)
    count = sum(cell.accuracy != {} for cell in found.chosen)
    told = f"{n} run{'s' * (n != 1)}, {count} of the paper's 75 experiments. "
    rule = "Where several runs are of the same experiment the one with the best validation accuracy stands for it. "
    return f"{told}{rule}Paper: {load()['source']}." if n else f"{NOTHING} Paper: {load()['source']}."


def drawn(sections: list[Section]) -> Iterator[Figure]:
    """The figures that there is something to draw of."""
    return (figure for section in sections for figure in section.figures if figure.draw)
