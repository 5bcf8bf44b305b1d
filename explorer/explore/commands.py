"""`explorer events RUN` lists the events of a run, `explorer certainty RUN` how certainty is related to being right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtm.classifiers import CLASSIFIERS
from mtm.cli.options import Json, RunsFolder
from mtm.errors import InputError
from mtm.run_folder.snapshots import Array
from mtm.runs import Run

if TYPE_CHECKING:
    from explorer.explore.certainty import Certainty
    from explorer.explore.events import Event

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run folder, its name inside --runs, or demo/NAME")]
SHORT = {
    "target_distance": "to the own target",
    "centre_distance": "to the own centre",
    "decided_distance": "to the decided point",
    "margin": "margin",
}
*OTHERS, LAST = CLASSIFIERS
Classifier = Annotated[
    str | None, typer.Option(help=f"{', '.join(OTHERS)} or {LAST} [events: the best at the end; certainty: all]")
]


def events(
    run: RunName,
    runs: RunsFolder = Path("runs"),
    classifier: Classifier = None,
    top: Annotated[int | None, typer.Option(help="So many of the ranked list [20; with --json all]", min=1)] = None,
    as_json: Json = False,
) -> None:
    """List what happened to images and targets: learned late, forgotten, never right, moved far, new neighbours."""
    from explorer.explore.events import find_events
    from explorer.space.history import load_history
    from mtm.cli import output

    history = load_history(find_run(run, runs))
    ranking = find_events(history, classifier)
    if as_json:
        for event in ranking[:top]:
            output.print_json(_row_of(event, history.indices))
        return
    listed = ranking[: top or 20]
    table = output.new_table(history.name)
    for heading in ("epoch", "kind", "score", "what happened"):
        right = heading in ("epoch", "score")
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "what happened")
    for event in listed:
        table.add_row(f"{event.epoch:.3g}", event.kind, f"{event.score:.2f}", event.text, style=None)
    output.console.print(table)
    name = history.classifier(classifier)
    output.say(
        f"{len(listed):,} of {len(ranking):,} events; the strongest of each kind first. Decisions are those of {name}."
    )


def certainty(
    run: RunName,
    runs: RunsFolder = Path("runs"),
    classifier: Classifier = None,
    snapshot: Annotated[
        int | None, typer.Option(help="Which of the snapshots, from 0; negative from the end [the last]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Is the place of an image in the space related to being right? With margins, distances, risk and reliability."""
    from explorer.explore.certainty import measure_certainty
    from explorer.space.history import load_history
    from mtm.cli import output

    history = load_history(find_run(run, runs))
    certainties = measure_certainty(history, snapshot, classifier)
    if as_json:
        for each in certainties:
            output.print_json(asdict(each))
        return
    _print_certainty(history.name, certainties)


def find_run(run: str, runs: Path) -> Run:
    """The run named on the command line. Raises InputError, which says where it was looked for, if there is none."""
    from explorer.library import DEMO, Library, open_run
    from explorer.web.paths import demo_folder

    if Path(run).is_dir():
        return open_run(Path(run))
    library = Library(runs, demo_folder())
    if run not in library.ids():
        raise InputError(f"there is no run '{run}': give a folder, the name of one in {runs}, or {DEMO}/NAME")
    return library.run(run)


def _row_of(event: Event, indices: Array) -> dict[str, Any]:
    """An event as a row, with the image's position in its data set."""
    return asdict(event) | {"index": None if event.image is None else int(indices[event.image])}


def _print_certainty(name: str, certainties: Sequence[Certainty]) -> None:
    from explorer.explore.certainty import describe
    from mtm.cli import output

    first = certainties[0]
    table = output.new_table(f"{name}, snapshot {first.snapshot}, epoch {first.epoch:.3g}, {first.n:,} images")
    for heading in ("", "surest %", "least %", "AURC", "interval", "pairs %"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for each in certainties:
        table.add_row(each.classifier, style="bold")
        for relation in each.relations:
            groups = relation.groups
            ends = [output.percent(groups[i].accuracy) if groups else "" for i in (0, -1)]
            interval = f"{relation.risk.aurc_low:.4f} to {relation.risk.aurc_high:.4f}"
            title = SHORT[relation.place] + (" *" if relation.knows_the_label else "")
            table.add_row(f"  {title}", *ends, f"{relation.risk.aurc:.4f}", interval, output.percent(relation.pairs))
    output.console.print(table)
    output.say(
        "surest, least: accuracy of the nearest tenth (by margin, the widest) and the farthest. AURC: area under the "
        "risk-coverage curve, less is better. pairs: of a right and a wrong image, how often the right one is surer; "
        "50 says nothing. * measured to the class of the label, so it has to be related."
    )
    for each in certainties:
        low, high = 100 * each.accuracy_low, 100 * each.accuracy_high
        risk, fit = each.relations[-1].risk, each.reliability
        output.say(
            f"{each.classifier}: accuracy {100 * each.accuracy:.1f} % ({low:.1f} to {high:.1f}); AURC {risk.best:.4f} "
            f"at best, {risk.random:.4f} by chance; probabilities at temperature {fit.temperature:.3g} are off by "
            f"{100 * fit.error:.1f} % on average"
        )
    output.say(describe(max(certainties, key=lambda each: each.accuracy)))
