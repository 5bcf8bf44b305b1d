"""The `mtm` command. Exit codes: 0 done, 1 failed while running, 2 refused input, 130 stopped by the user.

torch is imported by the commands that train, not by `mtm --help` or `mtm runs`.
"""

from __future__ import annotations

import atexit
import errno
import os
import sys
import traceback
from pathlib import Path

import typer

from mtm import interrupts
from mtm.cli.data import list_datasets
from mtm.cli.experiments import run_experiments
from mtm.cli.fewshot import measure_few_shot
from mtm.cli.options import Version, make_app
from mtm.cli.output import accept_any_text, fail
from mtm.cli.runs import import_embeddings, list_runs, prune_run, show_run
from mtm.cli.train import resume_run, train_model
from mtm.cli.tune import tune_hyperparameters
from mtm.errors import Failed, FolderGone, InputError

REFUSED = (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)  # names that cannot be
PACKAGES = tuple(Path(__file__).parents[2] / name for name in ("mtm", "explorer"))

app = make_app(
    "mtm",
    "Train Moving Targets models and record how their embedding space moves. Start with: mtm train",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.callback()
def default(version: Version = False) -> None:
    """What holds for every command."""


# in the order of `mtm --help`
app.command("train")(train_model)
app.command("tune")(tune_hyperparameters)
app.command("experiments")(run_experiments)
app.command("resume")(resume_run)
app.command("runs")(list_runs)
app.command("show")(show_run)
app.command("data")(list_datasets)
app.command("import")(import_embeddings)
app.command("fewshot")(measure_few_shot)
app.command("prune")(prune_run)


def main() -> None:
    """Run the command; refused input is one line on standard error and exit code 2."""
    run_app(app, "mtm")


def run_app(app: typer.Typer, name: str) -> None:
    """Run a Typer app as the command `name`; however it ends, that is one line and an exit code, never a traceback."""
    accept_any_text()
    sys.path.append(os.getcwd())  # where `--loss module:Class` looks, as it does under `python -m mtm`
    atexit.register(interrupts.ignore)  # a second Ctrl-C while Python tidies up
    with interrupts.handled_by(interrupts.interrupt):
        code, sentence = _run(app)
    if sentence:
        fail(code, sentence, name)
    if code:
        raise SystemExit(code)


def _run(app: typer.Typer) -> tuple[int, str]:
    """The exit code of the command, and the sentence to end with; an empty one where it has said all itself."""
    try:
        code = app(standalone_mode=False)  # Typer turns Ctrl-C into 130
    except InputError as error:
        return 2, str(error)
    except (Failed, FolderGone) as error:
        return 1, str(error)
    except typer.Exit as error:
        return error.exit_code, ""
    except (KeyboardInterrupt, typer.Abort):
        return 130, "stopped"
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return 1, "nobody reads the output any more"
    except OSError as error:
        return 2 if error.errno in REFUSED else 1, explain(error)
    except Exception as error:
        if _is_usage_error(error):  # without a sentence: the name alone has printed its help
            return 2, error.format_message().rstrip(".")  # type: ignore[attr-defined]
        return 1, explain(error)
    return (code, "stopped" if code == 130 else "") if isinstance(code, int) else (0, "")


def explain(error: Exception) -> str:
    """One sentence for an error that nobody foresaw, or that the system has raised."""
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f" {error.filename}"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return f"cannot read or write{where}: {error.strerror}" + ("; free some space" if full else "")
    if isinstance(error, MemoryError):
        return "out of memory"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if {*PACKAGES} & {*Path(frame.filename).parents}] or frames
    text = " ".join(str(error).split())
    where = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
    return f"{type(error).__name__}: {text[:300]} ({where}); this is a fault of the program, please report it"


def _is_usage_error(error: Exception) -> bool:
    """Typer's own errors (an unknown option, a missing argument, a number that is none)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")
