"""The `mtm` command. Exit codes: 0 done, 1 failed while running, 2 refused input, 130 stopped by the user.

torch is imported by the commands that train, not by `mtm --help` or `mtm runs`.
"""

from __future__ import annotations

import errno
import os
import sys

import typer

from mtm.cli.data import list_datasets
from mtm.cli.experiments import run_experiments
from mtm.cli.fewshot import measure_few_shot
from mtm.cli.options import Version, make_app
from mtm.cli.output import accept_any_text, fail
from mtm.cli.runs import import_embeddings, list_runs, prune_run, show_run
from mtm.cli.train import resume_run, train_model
from mtm.cli.tune import tune_hyperparameters
from mtm.errors import InputError

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
    """Run a Typer app as the command `name`; refused input is one line and exit code 2, never a traceback."""
    accept_any_text()
    sys.path.append(os.getcwd())  # where `--loss module:Class` looks, as it does under `python -m mtm`
    try:
        code = app(standalone_mode=False)  # Typer turns Ctrl-C into 130
    except InputError as error:
        fail(2, str(error), name)
    except typer.Exit as error:
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, typer.Abort):
        fail(130, "stopped", name)
    except Exception as error:
        if _is_usage_error(error):
            sentence = error.format_message().rstrip(".")  # type: ignore[attr-defined]
            if not sentence:  # the name alone has printed its help
                raise SystemExit(2) from None
            fail(2, sentence, name)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            fail(1, f"cannot write {error.filename or ''}: {error.strerror}; free some space", name)
        raise
    if isinstance(code, int) and code:
        fail(code, "stopped", name) if code == 130 else sys.exit(code)


def _is_usage_error(error: Exception) -> bool:
    """Typer's own errors (an unknown option, a missing argument, a number that is none)."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")
