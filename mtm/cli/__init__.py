"""The `mtm` command. Exit codes: 0 done, 1 failed while running, 2 refused input, 130 stopped by the user.

torch is imported by the commands that train, not by `mtm --help` or `mtm runs`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mtm.cli.options import Version, with_config_options
from mtm.cli.tune import Address, experiments, tune
from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.run_folder.files import jsonable
from mtm.run_folder.summary import summaries, summarise
from mtm.runs import Run

app = typer.Typer(
    name="mtm",
    help="Train Moving Targets models and record how their embedding space moves. Start with: mtm train",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder of the runs", show_default=True)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts: one object a line")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or its name inside --runs")]


@app.callback()
def default(version: Version = False) -> None:
    """What holds for every command."""


@app.command("train")
@with_config_options
def train(
    config: TrainConfig,
    runs: RunsFolder = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run (data set, backbone, loss and a number)")] = None,
    ray_address: Address = None,
    as_json: Json = False,
) -> None:
    """Train a model and record snapshots of its embedding space.

    Without options: a small network on the handwritten digits, in seconds.
    Every option is a field of the config that the run keeps; Ctrl-C stops at
    a checkpoint, and mtm resume goes on from there.
    """
    named = None if name is None else runs / _checked_name(name)
    if named and named.exists():
        raise InputError(f"{named} exists already; choose another --name, or continue it with: mtm resume {named}")
    from mtm.train_loop.locations import free_folder
    from mtm.train_loop.recorder import prepare, start_run

    if ray_address:
        config = config.model_copy(update={"data_root": str(Path(config.data_root).absolute())})
    dataset = prepare(config, here=not ray_address)
    where = f"Ray at {ray_address}" if ray_address else None
    run = start_run(named or free_folder(runs, config), config, dataset, where)
    if ray_address:
        _train_remotely(run, ray_address, as_json)
    else:
        train_run(run, dataset, as_json)


app.command()(tune)
app.command()(experiments)


@app.command()
def resume(
    run: RunPath,
    runs: RunsFolder = Path("runs"),
    dataset: Annotated[str | None, typer.Option(help="Where images of your own are now, if they have moved")] = None,
    data_root: Annotated[str | None, typer.Option(help="Folder of the downloaded data sets, if it has moved")] = None,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped, killed or failed, from its last checkpoint."""
    opened = _open(run, runs)
    status = opened.status
    if status.state == "finished":
        raise InputError(f"{opened.folder} is finished; there is nothing to resume")
    if status.state == "training":
        raise InputError(f"{opened.folder} is being trained right now by process {status.pid} on {status.host}")
    if opened.config is None:
        raise InputError(
            f"{opened.folder} has no config that can be read: {'; '.join(opened.problems) or 'imported run'}"
        )
    moved = {"dataset": dataset, "data_root": data_root}
    config = opened.config.model_copy(update={name: path for name, path in moved.items() if path is not None})
    from mtm.data import DATASETS

    if config.dataset not in DATASETS and not Path(config.dataset).exists():
        raise InputError(
            f"{opened.folder} was trained on {config.dataset}: there is no such file or folder; "
            "say with --dataset where it is now"
        )
    from mtm.train_loop.recorder import prepare

    train_run(opened, prepare(config), as_json)


@app.command("runs")
def list_all(runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """List the runs, newest first, and why any cannot be opened."""
    found = summaries(runs)
    if as_json:
        for line in found:
            _print_json(line)
        return
    from mtm.cli import output

    if not found:
        output.say(f"No runs in {runs} yet. Make one with: mtm train")
        return
    output.runs_table(found)


@app.command()
def show(run: RunPath, runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """Show one run: its config, its measures snapshot by snapshot, and anything that cannot be read."""
    opened = _open(run, runs)
    if as_json:
        _print_json(summarise(opened) | {"config": opened.info.get("config"), "metrics": opened.metrics})
        return
    from mtm.cli import output

    output.run_page(summarise(opened), opened.info, opened.metrics)


@app.command("data")
def list_data(
    data_root: Annotated[Path, typer.Option(help="Folder of the downloaded data sets")] = Path("data"),
    as_json: Json = False,
) -> None:
    """List the data sets, which of them are on disk, and how to use your own."""
    from mtm.data import DATASETS

    rows = [
        {
            "name": name,
            "title": source.title,
            "images": source.size,
            "transform": f"{source.resize or 'no resize'} / {source.crop or 'no crop'}",
            "on_disk": not source.where or any((data_root / source.where).glob("*")),
            "where": str(data_root / source.where) if source.where else "inside scikit-learn",
        }
        for name, source in DATASETS.items()
    ]
    if as_json:
        for row in rows:
            _print_json(row)
        return
    from mtm.cli import output

    output.data_table(rows)


@app.command("import")
def import_embeddings(
    file: Annotated[Path, typer.Argument(help=".npz, .npy or .parquet file of embeddings")],
    labels: Annotated[Path | None, typer.Option(help="Labels for .npy: another .npy, or text, one a line")] = None,
    runs: RunsFolder = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run (the file's)")] = None,
    as_json: Json = False,
) -> None:
    """Make a run of embeddings that exist already, from any program.

    npz: embeddings (N, D) or (T, N, D) for T epochs, labels (N,); optional
    class_embeddings and reference_centres (C, D) or (T, C, D), epochs (T,),
    indices (N,), thumbnails (N, h, w[, 3]) uint8, class_names (C,).
    npy: the embeddings, with --labels.
    parquet: columns label, and embedding or one a dimension; optional epoch.
    """
    from mtm.run_folder.imports import import_run

    run = import_run(file, runs / _checked_name(file.stem if name is None else name), labels)
    if as_json:
        _print_json(summarise(run))
        return
    from mtm.cli import output

    output.say(f"Imported {len(run.snapshots)} snapshots of {len(run.labels):,} images into {run.folder}")


@app.command()
def fewshot(
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
    rows = [row for path in run for row in few_shot(_open(path, runs), ways, counts, queries, episodes, epoch, seed)]
    if as_json:
        for row in rows:
            _print_json(row)
        return
    from mtm.cli import output

    output.few_shot_table(rows)


@app.command()
def prune(run: RunPath, runs: RunsFolder = Path("runs")) -> None:
    """Remove the weights and checkpoints of a run; its snapshots and measures stay."""
    from mtm.cli import output

    opened = _open(run, runs)
    if opened.status.state == "training":
        raise InputError(f"{opened.folder} is being trained right now; stop it first")
    if opened.status.state in ("stopped", "interrupted"):
        raise InputError(f"{opened.folder} is not finished: without its checkpoint it could not be resumed")
    output.say(f"Freed {opened.prune() / 1e6:,.1f} MB of {opened.folder}")


def main() -> None:
    """Run the command; refused input is one line on standard error and exit code 2."""
    run_app(app, "mtm")


def run_app(app: typer.Typer, name: str) -> None:
    """Run a Typer app as the command `name`; refused input is one line and exit code 2, never a traceback."""
    sys.path.append(os.getcwd())  # where `--loss module:Class` looks, as it does under `python -m mtm`
    try:
        code = app(standalone_mode=False)  # Typer turns Ctrl-C into 130
    except InputError as error:
        _fail(2, str(error), name)
    except typer.Exit as error:
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        _fail(130, "stopped", name)
    except Exception as error:
        if _is_usage_error(error):
            sentence = error.format_message().rstrip(".")  # type: ignore[attr-defined]
            if not sentence:  # the name alone has printed its help
                raise SystemExit(2) from None
            _fail(2, sentence, name)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            _fail(1, f"cannot write {error.filename or ''}: {error.strerror}; free some space", name)
        raise
    if isinstance(code, int) and code:
        _fail(code, "stopped", name) if code == 130 else sys.exit(code)


def _is_usage_error(error: Exception) -> bool:
    """Typer's own errors (an unknown option, a missing argument, a number that is none)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def train_run(run: Run, dataset: Any, as_json: bool) -> None:
    """Train into `run` with a progress bar, or with a JSON object a snapshot, and say how it ended."""
    from mtm.cli import output
    from mtm.train_loop.recorder import reason, record_training

    for note in dataset.notes:
        output.notices.print(note, markup=False, highlight=False)  # standard output belongs to --json
    try:
        if as_json:
            state = record_training(run, dataset, on_snapshot=lambda s: _print_json(_json_row(s)))
            _print_json(summarise(run))
        else:
            with output.TrainingBar(run.name) as bar:
                state = record_training(run, dataset, bar.progress, bar.snapshot)
            output.closing_table(run.name, run.metrics)
    except InputError:
        raise
    except KeyboardInterrupt:  # a second Ctrl-C
        _fail(130, f"interrupted; go on from the checkpoint before with: mtm resume {run.folder}")
    except Exception as error:
        assert run.config is not None
        _fail(1, f"{run.folder} failed: {reason(error, run.config)}")
    if state == "stopped":
        _fail(130, f"stopped; go on with: mtm resume {run.folder}")
    if not as_json:
        output.say(f"Recorded in {run.folder}")


def _train_remotely(run: Run, address: str, as_json: bool) -> None:
    """Train into `run` on a Ray cluster; this process only watches."""
    from mtm.cli import output
    from mtm.tuning.remote import train_remotely
    from mtm.tuning.search import Resources

    with output.console.status(f"{run.name}: waiting for a place on {address}") as line:
        try:
            state = train_remotely(
                run, Resources(address=address), lambda s: line.update(f"{run.name}: {s.state}, epoch {s.epoch:.2f}")
            )
        except InputError:
            if not run.snapshots:
                shutil.rmtree(run.folder)  # nothing was begun
            raise
        except Exception as error:
            _fail(1, f"{run.folder} failed: {run.status.error or error}")
    if as_json:
        _print_json(summarise(run))
    else:
        output.closing_table(run.name, run.metrics)
    if state == "stopped":
        _fail(130, f"stopped; go on with: mtm resume {run.folder}")


def _open(run: Path, runs: Path) -> Run:
    return Run.open(run if run.is_dir() or not (runs / run).is_dir() else runs / run)


def _checked_name(name: str) -> str:
    if not name.strip() or name in (".", "..") or any(c in name for c in "/\\\0"):
        raise InputError(f"'{name}' cannot be the name of a run; use letters, digits, '-' and '_'")
    return name


def _whole_numbers(name: str, text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--{name} takes whole numbers, as in 1,5, not '{text}'") from None


def _json_row(snapshot: Any) -> dict[str, Any]:
    return {"snapshot": snapshot.index, "epoch": snapshot.epoch} | snapshot.metrics


def _print_json(row: dict[str, Any]) -> None:
    print(json.dumps(jsonable(row)), flush=True)


def _fail(code: int, sentence: str, name: str = "mtm") -> None:
    print(f"{name}: {sentence}", file=sys.stderr)
    raise SystemExit(code)
