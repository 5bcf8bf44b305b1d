"""How a statement is judged: case by case, and how many of the cases have to hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from explorer.results.chosen_runs import Cell, ChosenRuns

ALL, CONSISTENTLY, GENERALLY = 1.0, 0.75, 0.5  # share of the cases that have to hold; of GENERALLY more than that
ASKED = {ALL: "all", CONSISTENTLY: "three in four", GENERALLY: "more than half"}
HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "not enough runs"
SHOWN = 3  # cases that are named

Accuracies = dict[Cell, dict[str, float]]  # percent by classifier
OnTables = Callable[[Accuracies], "list[Case]"]
OnRuns = Callable[[ChosenRuns], "list[Case]"]


@dataclass(frozen=True)
class Case:
    """One place where a statement can be looked at: a model, a data set."""

    name: str
    holds: bool
    numbers: str
    value: float | None = None  # of which a median over the cases makes sense


@dataclass(frozen=True)
class Verdict:
    word: str  # HOLDS, FAILS or UNKNOWN
    numbers: str  # how many cases, and the numbers of some
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True)
class Claim:
    """Something the paper says that numbers can contradict."""

    key: str
    said: str
    where: str  # in the paper
    share: float  # of the cases
    on_tables: OnTables | None = None  # what accuracies decide, the paper's and ours alike
    on_runs: OnRuns | None = None  # what only curves decide
    unit: str = ""  # of the cases' values


def judge(cases: Sequence[Case], share: float, unit: str = "", lacking: str = UNKNOWN) -> Verdict:
    """The verdict over some cases; `lacking` is what to say without any."""
    if not cases:
        return Verdict(lacking, "")
    good = sum(case.holds for case in cases)
    holds = good > share * len(cases) if share == GENERALLY else good >= share * len(cases)
    telling = [case for case in cases if not case.holds] or list(cases)
    values = [case.value for case in cases if case.value is not None]
    said = [f"{good} of {len(cases)} (asked: {ASKED[share]})" if len(cases) > 1 else ""]
    said.append(f"median {median(values):.3g}{unit}".replace("-", "−") if len(values) > 1 else "")
    named = ", ".join(f"{case.name} {case.numbers}" for case in telling[:SHOWN])
    more = f" and {len(telling) - SHOWN} more" if len(telling) > SHOWN else ""
    said.append(f"{'not: ' if good < len(cases) else ''}{named}{more}")
    return Verdict(HOLDS if holds else FAILS, "; ".join(part for part in said if part), tuple(cases))
