"""The parts of the report in their order; `html` and `markdown` write them."""

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
from mtm.paper.tables import load_tables

TITLE = "The paper's experiments"
NOTHING = "No run has finished an epoch yet. mtm experiments trains the paper's models, mtm train any of them."


@dataclass(frozen=True)
class JudgedClaims:
    """All claims with their verdicts on the paper's own tables and on the runs."""

    verdicts: list[tuple[Claim, Verdict, Verdict]]

    @property
    def summary(self) -> str:
        """How many claims hold, in two sentences."""
        sentences = []
        for i, whose in ((1, "the paper's own tables"), (2, "the runs")):
            words = [verdict[i].word for verdict in self.verdicts]  # type: ignore[union-attr]
            counts = [(words.count(word), verb) for word, verb in ((HOLDS, "hold"), (FAILS, "do not"))]
            counts_text = ", ".join(f"{count} {verb}" for count, verb in counts)
            missing = words.count(UNKNOWN)
            sentences.append(f"On {whose} {counts_text}" + (f", {missing} need more runs." if missing else "."))
        return " ".join(sentences)


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    parts: Sequence[Figure | Table | JudgedClaims]

    @property
    def figures(self) -> list[Figure]:
        return [part for part in self.parts if isinstance(part, Figure)]


def build_document(runs: ChosenRuns, data_root: Path | None) -> list[Section]:
    """The sections of the report; its figures are not drawn yet."""
    others = [dataset for dataset in runs.datasets if dataset not in ORDER]
    one, two, three, four = tables.reference_tables(runs)
    accuracies = {dataset: tables.accuracy_table(runs, dataset) for dataset in runs.datasets}
    model_figures, data_figures = (figures.model_figures(runs), figures.data_figures(runs, data_root))
    appendix = [
        Section(f"appendix-b{i}", f"Appendix B. {title}", kind_figures)
        for i, (title, kind_figures) in enumerate(figures.appendix_figures(runs), start=1)
    ]
    return [
        Section("statements", "What the paper says", [JudgedClaims(judge_claims(runs))]),
        Section("model", "III. Moving Targets Model", [*model_figures[:4], one, *model_figures[4:]]),
        Section("setup", "IV-A to D. Experiments", [*data_figures, two, three, four]),
        Section("performance", "IV-E. Performance results",
                [tables.published_table(runs), figures.accuracy_figure(runs), *accuracies.values()]),
        Section("attributes", "IV-F. Attributes of the loss functions", figures.attribute_figures(runs)),
        Section("appendix-a", "Appendix A. Hyperparameters",
                [tables.hyperparameter_table(runs, dataset) for dataset in (*ORDER[3:], *ORDER[:3], *others)]),
        *appendix,
        Section("runs", "The runs", [tables.runs_table(runs)]),
    ]  # fmt: skip


def introduction(runs: ChosenRuns) -> str:
    """The number of runs and experiments, and how runs are chosen, in a few sentences."""
    n = len(runs.usable)
    count = sum(cell.accuracy != {} for cell in runs.by_cell)
    counts = f"{n} run{'s' * (n != 1)}, {count} of the paper's 75 experiments. "
    rule = "Where several runs are of the same experiment the one with the best validation accuracy stands for it. "
    return f"{counts}{rule}Paper: {load_tables()['source']}." if n else f"{NOTHING} Paper: {load_tables()['source']}."


def drawable_figures(sections: list[Section]) -> Iterator[Figure]:
    """The figures for which there are runs or images."""
    return (figure for section in sections for figure in section.figures if figure.draw)
