"""The command `mtm experiments`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mtm.cli import output
from mtm.cli.options import Json, with_config_options
from mtm.cli.train import train_run
from mtm.cli.tune import KEEP, STOPPED, TRIALS, Runs, SearchOptions, begin, follow
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.paper.experiments import PlannedExperiment, estimate_experiments, select_experiments
from mtm.runs import Run
from mtm.train_loop.locations import check_folder
from mtm.train_loop.rough_speed import COARSENESS
from mtm.tuning.record import open_search


@with_config_options
def run_experiments(
    config: TrainConfig,
    context: typer.Context,
    options: SearchOptions,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Which, as in RN18-* or F-MNIST/* or CIFAR10/RN50-PP"),
    ] = None,
    table_hyperparameters: Annotated[
        bool, typer.Option("--table-hyperparameters", help="Train each once with its row of Tables 8-9, no search")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would run, with about its time and disk; run nothing")
    ] = False,
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Run the paper's experiments: five data sets, three networks, five losses, a search each.

    What is finished is skipped and what was cut goes on, so the command can
    be given again. --dataset, --backbone and --loss take the place of the
    paper's; other options hold for all.
    """
    if table_hyperparameters and (given := options.given()):
        raise InputError(f"{given[0]} is for searches; with --table-hyperparameters each experiment is one training")
    check_folder(runs)
    trials, keep = options.trials or TRIALS, KEEP if options.keep is None else options.keep
    planned = select_experiments(config, names or [], table_hyperparameters, context.params["loss"])
    if dry_run:
        rows = estimate_experiments(planned, runs, 1 if table_hyperparameters else trials, keep)
        _print_estimates(rows, table_hyperparameters, as_json)
        return
    for experiment in planned:
        if experiment.state(runs) == "finished":
            output.say(f"{experiment.name}: finished already")
            continue
        output.say(f"{experiment.name}")
        if table_hyperparameters:
            ended = train_once(experiment, runs, as_json)
        else:
            settings = {"name": experiment.folder, "ranges": tuple(options.range or ()), "keep": keep}
            ended = search_once(experiment, runs, trials, settings, options, as_json)
        if ended == "stopped":
            raise typer.Exit(STOPPED)


def _print_estimates(rows: list[dict[str, Any]], once: bool, as_json: bool) -> None:
    if as_json:
        for row in rows:
            output.print_json(row)
        return
    for row in rows:
        cost = f"{_about(row['seconds']):>12}  {row['bytes'] / 1e9:7.2f} GB"
        output.say(f"{row['name']:22} {row['state']:12} {'' if row['state'] == 'finished' else cost}")
    open_ = [row for row in rows if row["state"] != "finished"]
    needed = _about(sum(row["seconds"] for row in open_))
    size = sum(row["bytes"] for row in open_) / 1e9
    most = "" if once else " at most (a search ends most of its trials early), one trial at a time"
    output.say(
        f"{len(open_)} of {len(rows)} to run: about {needed}{most}, {size:,.1f} GB. By the arithmetic of the networks, "
        f"on a middling processor or graphics card: here between 1/{COARSENESS:g} and {COARSENESS:g} times that."
    )


def _about(seconds: float) -> str:
    """A duration in two digits."""
    unit, size = next(((u, s) for u, s in (("days", 86_400), ("h", 3600), ("min", 60)) if seconds >= 2 * s), ("s", 1))
    return f"{float(f'{seconds / size:.2g}'):,.10g} {unit}"


def search_once(
    experiment: PlannedExperiment,
    runs: Path,
    trials: int,
    settings: dict[str, Any],
    options: SearchOptions,
    as_json: bool,
) -> str:
    """Begin the search of an experiment, or go on with it; how it ended, as `follow` says it."""
    if experiment.state(runs) == "to do":
        return begin(runs, experiment.config, trials, settings, options.resources(), as_json)
    return follow(open_search(runs, experiment.folder), options.resources(), as_json)


def train_once(experiment: PlannedExperiment, runs: Path, as_json: bool) -> str:
    """Train an experiment, or go on with it; `finished` or `failed`. Raises SystemExit when the user stops it."""
    from mtm.train_loop.recorder import prepare_training, start_run

    folder, dataset = runs / experiment.folder, prepare_training(experiment.config)
    run = Run.open(folder) if folder.exists() else start_run(folder, experiment.config, dataset)
    try:
        train_run(run, dataset, as_json)
    except SystemExit as ended:
        if ended.code == 130:
            raise
    return run.status.state
