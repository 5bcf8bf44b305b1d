"""The command `mtm fewshot`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtm.cli import output
from mtm.cli.options import Json, RunsFolder, open_run
from mtm.errors import InputError


def measure_few_shot(
    run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, or their names inside --runs")],
    runs: RunsFolder = Path("runs"),
    ways: Annotated[int | None, typer.Option(help="Classes in an episode (5, or all held out if fewer)")] = None,
    shots: Annotated[str, typer.Option(help="Images a class centre is taken from")] = "1,5",
    queries: Annotated[int, typer.Option(help="Images of each class that are judged")] = 15,
    episodes: Annotated[int, typer.Option(help="How many episodes")] = 600,
    epoch: Annotated[float | None, typer.Option(help="The snapshot nearest to this epoch (the last)")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the episodes")] = 0,
    as_json: Json = False,
) -> None:
    """How well runs tell apart classes that they were never trained on.

    For runs trained with --held-out: accuracy of the nearest class centre on
    recorded images of these classes, the centres taken from a few of them,
    over many episodes.
    """
    from mtm.fewshot import few_shot

    counts = _whole_numbers("shots", shots)
    rows = [row for path in run for row in few_shot(open_run(path, runs), ways, counts, queries, episodes, epoch, seed)]
    if as_json:
        for row in rows:
            output.print_json(row)
        return
    output.few_shot_table(rows)


def _whole_numbers(name: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--{name} takes whole numbers, as in 1,5, not '{text}'") from None
