"""The command `mtm tune`, and the options and progress lines that `mtm experiments` shares with it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtm.cli import output
from mtm.cli.options import Address, Json, with_config_options
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.tuning.record import Search, Trial, new_search, open_search, plan_search
from mtm.tuning.space import most_demanding

if TYPE_CHECKING:
    from mtm.tuning.search import Resources

STOPPED = 130  # exit code
TRIALS, KEEP = 50, 3
Runs = Annotated[Path, typer.Option("--runs", help="Folder of the runs, on a path that all machines of a cluster see")]
Trials = Annotated[int | None, typer.Option(help=f"Trials of a search ({TRIALS})", min=1)]
Keep = Annotated[
    int | None,
    typer.Option(help=f"Best trials that keep snapshots and weights, the others their measures ({KEEP})", min=0),
]
KeepAll = Annotated[bool, typer.Option("--keep-all", help="Every trial keeps its snapshots and weights")]
Cpus = Annotated[float, typer.Option(help="CPU cores a trial", min=0.1)]
Gpus = Annotated[
    float | None, typer.Option(help="GPUs a trial, 0.5 for two trials on one (1 where there are any)", min=0)
]
AtOnce = Annotated[int | None, typer.Option("--max-concurrent", help="Trials at once (as many as fit)", min=1)]
Hours = Annotated[float | None, typer.Option("--hours", help="Stop after this time; --resume goes on", min=0)]
Range = Annotated[
    list[str] | None,
    typer.Option("--range", help="Search elsewhere: lr=1e-4:1e-3 or batch_size=32,64; repeatable", show_default=False),
]


@dataclass(frozen=True)
class SearchOptions:
    """The options of `mtm tune` and `mtm experiments` that say how to search."""

    trials: Trials = None
    range: Range = None
    keep: Keep = None
    cpus: Cpus = 1.0
    gpus: Gpus = None
    ray_address: Address = None
    max_concurrent: AtOnce = None

    def given(self) -> list[str]:
        """Those that have a value, as they are typed."""
        names = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        return [f"--{name.replace('_', '-')}" for name in names]

    def resources(self, seconds: float | None = None) -> Resources:
        """What a search may use, for so long."""
        from mtm.tuning.search import Resources

        return Resources(self.cpus, self.gpus, self.ray_address, self.max_concurrent, seconds)


@with_config_options
def tune_hyperparameters(
    config: TrainConfig,
    options: SearchOptions,
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the search (data set, backbone, loss, number)")] = None,
    resume: Annotated[str | None, typer.Option(metavar="NAME", help="Go on with a search that was cut")] = None,
    keep_all: KeepAll = False,
    hours: Hours = None,
    as_json: Json = False,
) -> None:
    """Search for the best hyperparameters, as the paper does: HyperOpt, ASHA, 50 trials.

    Learning rate, batch size, D and r are searched, but for those given a
    value here. Every trial is a run to explore; without --validation a tenth
    of the training images is held out to judge them. Ctrl-C ends the search,
    mtm tune --resume NAME goes on.
    """
    trials, keep = options.trials, 10**9 if keep_all else options.keep
    resources = options.resources(None if hours is None else 3600 * hours)
    if resume is None:
        settings = {"name": name, "ranges": tuple(options.range or ()), "keep": KEEP if keep is None else keep}
        state = begin(runs, config, trials or TRIALS, settings, resources, as_json)
    else:
        search = _reopen_search(runs, resume, config, name, options.range)
        search.wanted, search.keep = trials or search.wanted, search.keep if keep is None else keep
        state = follow(search, resources, as_json)
    if state == "stopped":
        raise typer.Exit(STOPPED)


def _reopen_search(
    runs: Path, name: str, config: TrainConfig, new_name: str | None, ranges: list[str] | None
) -> Search:
    fields = [field for field in config.model_fields_set if getattr(config, field) != TrainConfig().model_dump()[field]]
    if fields or new_name or ranges:
        option = [*fields, *(["name"] if new_name else []), *(["range"] if ranges else [])][0].replace("_", "-")
        raise InputError(f"--resume goes on with what the search began with; leave out --{option}")
    return open_search(runs, name)


def begin(
    runs: Path, config: TrainConfig, trials: int, settings: dict[str, Any], resources: Resources, as_json: bool
) -> str:
    """`follow` a new search. What can be wrong is found first: settings, data, model, loss, and whether Ray starts.

    So an error comes once and not with every trial, and a search that never began leaves no folder.
    """
    from mtm.train_loop.recorder import prepare_training
    from mtm.tuning.search import resolve_resources, started_ray

    plan = plan_search(runs, config, trials, **settings)
    dataset = prepare_training(most_demanding(plan.config, plan.space), is_local=resources.address is None)
    output.account_lines(dataset.account)
    with started_ray(resources.address):
        resources = resolve_resources(resources, config)
        search = new_search(runs, config, trials, **settings)
        try:
            _say_what_is_judged(search)
            return follow(search, resources, as_json)
        finally:
            if not search.trials:
                shutil.rmtree(search.folder, ignore_errors=True)


def _say_what_is_judged(search: Search) -> None:
    if search.split == "test":
        sentence = "The search looks at the test images, as the paper's did: its accuracies are too good."
    else:
        sentence = f"Trials are judged on {search.config.validation:.0%} of the training images, held out."
    output.note(sentence)


def follow(search: Search, resources: Resources, as_json: bool) -> str:
    """Run `search` with progress lines, print its best trials; returns finished, stopped or `time is up`."""
    from mtm.tuning.search import run_search

    began = time.monotonic()
    with _progress_lines(search, as_json) as report:
        state = run_search(search, resources, report)
    if state == "stopped" and resources.seconds is not None and time.monotonic() - began >= resources.seconds:
        state = "time is up"
    if not as_json:
        _print_best(search)
        if state != "finished":
            output.say(f"{state}; go on with: mtm tune --resume {search.name} --runs {search.runs}")
    return state


@contextmanager
def _progress_lines(search: Search, as_json: bool) -> Iterator[Callable[[Search], None]]:
    """A function that prints a line for every trial that has ended and, in a terminal, updates a status line."""
    reported = {trial.number for trial in search.trials if trial.is_done}
    with nullcontext() if as_json else output.console.status(output.as_line(f"{search.name}: Ray is starting")) as line:

        def report(search: Search) -> None:
            for trial in search.trials:
                if trial.is_done and trial.number not in reported:
                    reported.add(trial.number)
                    if as_json:
                        output.print_json(asdict(trial))
                    else:
                        output.say(f"{trial.run}  {_outcome(trial)}  {_params_text(trial)}")
            if line is not None:
                line.update(output.as_line(_progress(search)))

        yield report


def _progress(search: Search) -> str:
    done = sum(trial.is_done for trial in search.trials)
    at_work = sum(trial.state == "training" for trial in search.trials)
    best = f", best {search.best.best:.2%} ({search.best.run})" if search.best else ""
    return f"{done} of {search.wanted} trials, {at_work} training{best}, {output.duration(search.seconds_left())} left"


def _outcome(trial: Trial) -> str:
    accuracy = f"{trial.best:.2%} in {len(trial.accuracies)} epochs" if trial.accuracies else "no epoch"
    return f"{trial.state}  {accuracy}" + (f" ({trial.reason})" if trial.reason else "")


def _params_text(trial: Trial) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in trial.params.items())


def _print_best(search: Search) -> None:
    ranked = search.ranked()[:5]
    if not ranked:
        output.say("No trial came to the end of an epoch.")
        return
    output.say(f"Best of {len(search.trials)} trials, by accuracy on the {search.split} images:")
    for trial in ranked:
        output.say(f"  {trial.best:.2%}  {trial.run}  {_params_text(trial)}")
