"""How a claim is judged: case by case, and how many of the cases have to hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from explorer.results.chosen_runs import ChosenRuns
from mtm.paper.tables import Cell

ALL, CONSISTENTLY, GENERALLY = 1.0, 0.75, 0.5  # share of the cases that have to hold; of GENERALLY more than that
REQUIRED = {ALL: "all", CONSISTENTLY: "three in four", GENERALLY: "more than half"}
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not enough runs"
MAX_NAMED = 3  # cases that are named

Accuracies = dict[Cell, dict[str, float]]  # percent by classifier
OnTables = Callable[[Accuracies], "list[Case]"]
OnRuns = Callable[[ChosenRuns], "list[Case]"]


@dataclass(frozen=True)
class Case:
    """One model or data set on which a claim is tested."""

    name: str
    holds: bool
    numbers: str
    value: float | None = None  # for a median over the cases, where one makes sense


@dataclass(frozen=True)
class Verdict:
    word: str  # HOLDS, FAILS or UNKNOWN
    numbers: str  # how many cases, and the numbers of some
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper that numbers can contradict."""

    key: str
    text: str
    source: str  # section, figure or table of the paper
    share: float  # of the cases that has to hold
    on_tables: OnTables | None = None  # decided by accuracies, the paper's and ours alike
    on_runs: OnRuns | None = None  # decided by curves, which only runs have
    unit: str = ""  # of the cases' values


def judge(cases: Sequence[Case], share: float, unit: str = "", lacking: str = UNKNOWN) -> Verdict:
    """The verdict over some cases; `lacking` is the word without any."""
    if not cases:
        return Verdict(lacking, "")
    n_holding = sum(case.holds for case in cases)
    holds = n_holding > share * len(cases) if share == GENERALLY else n_holding >= share * len(cases)
    deciding = [case for case in cases if not case.holds] or list(cases)
    values = [case.value for case in cases if case.value is not None]
    parts = [f"{n_holding} of {len(cases)} (asked: {REQUIRED[share]})" if len(cases) > 1 else ""]
    parts.append(f"median {median(values):.3g}{unit}".replace("-", "−") if len(values) > 1 else "")
    examples = ", ".join(f"{case.name} {case.numbers}" for case in deciding[:MAX_NAMED])
    more = f" and {len(deciding) - MAX_NAMED} more" if len(deciding) > MAX_NAMED else ""
    parts.append(f"{'not: ' if n_holding < len(cases) else ''}{examples}{more}")
    return Verdict(HOLDS if holds else FAILS, "; ".join(part for part in parts if part), tuple(cases))
