"""The commands that list, show, import and prune runs: `mtm runs`, `mtm show`, `mtm import` and `mtm prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtm.cli import output
from mtm.cli.options import Json, RunPath, RunsFolder, open_run
from mtm.errors import InputError
from mtm.run_folder.names import check_name
from mtm.run_folder.summary import summarise, summarise_runs


def list_runs(runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """List the runs, newest first, and why any cannot be opened."""
    rows = summarise_runs(runs)
    if as_json:
        for line in rows:
            output.print_json(line)
        return
    if not rows:
        output.say(f"No runs in {runs} yet. Make one with: mtm train")
        return
    output.runs_table(rows)


def show_run(run: RunPath, runs: RunsFolder = Path("runs"), as_json: Json = False) -> None:
    """Show one run: its config, its measures snapshot by snapshot, and anything that cannot be read."""
    opened = open_run(run, runs)
    if as_json:
        about = {name: opened.info.get(name) for name in ("config", "account")}
        output.print_json(summarise(opened) | about | {"metrics": opened.metrics})
        return
    output.run_page(summarise(opened), opened.info, opened.metrics)


def import_embeddings(
    file: Annotated[Path, typer.Argument(help=".npz, .npy or .parquet file of embeddings, or .zip or .tar of a run")],
    labels: Annotated[Path | None, typer.Option(help="Labels: .npy, or text, one a line or a column label")] = None,
    columns: Annotated[
        str | None, typer.Option(help="Dimensions in .parquet: a prefix (d for d0, d1), or a,b,c")
    ] = None,
    runs: RunsFolder = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run (the file's)")] = None,
    as_json: Json = False,
) -> None:
    """Make a run of embeddings that exist already, from any program.

    npz: embeddings (N, D) or (T, N, D) for T epochs, labels (N,); optional
    class_embeddings and reference_centres (C, D) or (T, C, D), epochs (T,),
    ids (N,) or (T, N), indices (N,), thumbnails (N, h, w[, 3]) uint8,
    class_names (C,), whose order is that of the classes.
    npy: the embeddings, with --labels.
    parquet: label (or labels, class, target, y); embedding, or a column a
    dimension (d0, d1, ...); optional epoch, and id (or image, file, filename,
    path, index), by which rows of the epochs are matched.

    Words are in natural order (2 before 10) where class_names give no other.
    It ends with an account of what was read and what was ignored; what can be
    read in two ways is refused. A file unpacks to at most 100 GB, 100 times
    its size and what the machine has free; an archive to 100,000 files.
    """
    from mtm.run_folder.imports import import_file

    run, account = import_file(file, runs / check_name(file.stem if name is None else name), labels, columns)
    if as_json:
        output.print_json(summarise(run) | {"account": account.as_dict()})
        return
    output.say(f"Imported {len(run.snapshots)} snapshots of {len(run.labels):,} images into {run.folder}")
    for line in account.lines():
        output.say(line)


def prune_run(run: RunPath, runs: RunsFolder = Path("runs")) -> None:
    """Remove the weights and checkpoints of a run; its snapshots and measures stay."""
    opened = open_run(run, runs)
    if opened.status.state == "training":
        raise InputError(f"{opened.folder} is being trained right now; stop it first")
    if opened.status.state in ("stopped", "interrupted"):
        raise InputError(f"{opened.folder} is not finished: without its checkpoint it could not be resumed")
    with opened.locked():
        freed = opened.prune()
    output.say(f"Freed {freed / 1e6:,.1f} MB of {opened.folder}")
