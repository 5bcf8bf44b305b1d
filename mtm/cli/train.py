"""The commands `mtm train` and `mtm resume`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from mtm.cli import output
from mtm.cli.options import Address, Json, RunPath, RunsFolder, open_run, with_config_options
from mtm.config import TrainConfig
from mtm.errors import Failed, FolderGone, InputError
from mtm.run_folder.listing import is_free
from mtm.run_folder.names import check_name
from mtm.run_folder.summary import summarise
from mtm.runs import Run


@with_config_options
def train_model(
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
    from mtm.train_loop.locations import check_folder, make_free_folder

    check_folder(runs)
    named = None if name is None else runs / check_name(name)
    if named and not is_free(named):
        raise InputError(f"{named} exists already; choose another --name, or continue it with: mtm resume {named}")
    from mtm.train_loop.recorder import prepare_training, start_run

    if ray_address:
        config = config.model_copy(update={"data_root": str(Path(config.data_root).absolute())})
    dataset = prepare_training(config, is_local=not ray_address)
    where = f"Ray at {ray_address}" if ray_address else None
    run = start_run(named or make_free_folder(runs, config), config, dataset, where)
    if ray_address:
        output.account_lines(dataset.account)
        _train_remotely(run, ray_address, as_json)
    else:
        train_run(run, dataset, as_json)


def resume_run(
    run: RunPath,
    runs: RunsFolder = Path("runs"),
    dataset: Annotated[str | None, typer.Option(help="Where images of your own are now, if they have moved")] = None,
    data_root: Annotated[str | None, typer.Option(help="Folder of the downloaded data sets, if it has moved")] = None,
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped, killed or failed, from its last checkpoint."""
    opened = open_run(run, runs)
    status = opened.status
    if status.state == "finished":
        raise InputError(f"{opened.folder} is finished; there is nothing to resume")
    if status.state == "training":
        raise InputError(f"{opened.folder} is being trained right now by process {status.pid} on {status.host}")
    if opened.config is None:
        raise InputError(
            f"{opened.folder} has no config that can be read: {'; '.join(opened.problems) or 'imported run'}"
        )
    paths = {"dataset": dataset, "data_root": data_root}
    config = opened.config.model_copy(update={name: path for name, path in paths.items() if path is not None})
    from mtm.data import DATASETS

    if config.dataset not in DATASETS and not Path(config.dataset).exists():
        raise InputError(
            f"{opened.folder} was trained on {config.dataset}: there is no such file or folder; "
            "say with --dataset where it is now"
        )
    from mtm.train_loop.recorder import prepare_training

    train_run(opened, prepare_training(config, class_names=opened.info.get("class_names") or ()), as_json)


def train_run(run: Run, dataset: Any, as_json: bool) -> None:
    """Train into `run` with a progress bar, or with a JSON object a snapshot, and say how it ended."""
    from mtm.train_loop.recorder import explain_failure, record_training

    output.account_lines(dataset.account)
    try:
        if as_json:
            state = record_training(run, dataset, on_snapshot=lambda s: output.print_json(_json_row(s)))
            output.print_json(summarise(run) | {"account": run.info.get("account")})
        else:
            with output.TrainingBar(run.name) as bar:
                state = record_training(run, dataset, bar.progress, bar.snapshot)
            output.closing_table(run.name, run.metrics)
    except (InputError, FolderGone):
        raise
    except KeyboardInterrupt:  # a second Ctrl-C
        output.fail(130, f"interrupted; go on from the checkpoint before with: mtm resume {run.folder}")
    except Exception as error:
        assert run.config is not None
        output.fail(1, f"{run.folder} failed: {explain_failure(error, run.config)}")
    if state == "stopped":
        output.fail(130, f"stopped; go on with: mtm resume {run.folder}")
    if not as_json:
        output.say(f"Recorded in {run.folder}")


def _train_remotely(run: Run, address: str, as_json: bool) -> None:
    """Train into `run` on a Ray cluster; this process only watches."""
    from mtm.tuning.remote import train_remotely
    from mtm.tuning.search import Resources

    with output.console.status(output.as_line(f"{run.name}: waiting for a place on {address}")) as line:
        try:
            state = train_remotely(
                run,
                Resources(address=address),
                lambda s: line.update(output.as_line(f"{run.name}: {s.state}, epoch {s.epoch:.2f}")),
            )
        except (InputError, Failed):
            if not run.snapshots:
                shutil.rmtree(run.folder, ignore_errors=True)  # nothing was begun
            raise
        except Exception as error:
            output.fail(1, f"{run.folder} failed: {run.status.error or error}")
    if as_json:
        output.print_json(summarise(run) | {"account": run.info.get("account")})
    else:
        output.closing_table(run.name, run.metrics)
    if state == "stopped":
        output.fail(130, f"stopped; go on with: mtm resume {run.folder}")


def _json_row(snapshot: Any) -> dict[str, Any]:
    return {"snapshot": snapshot.index, "epoch": snapshot.epoch} | snapshot.metrics
