"""What the commands print: sentences, the progress bar and tables (Rich).

Everything goes through here, since names of runs, classes and files are other people's text: it is printed as it is,
with control characters written out, also where a terminal cannot show a letter and where nobody reads any more.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn

from rich import box
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.style import StyleType
from rich.table import Table
from rich.text import Text

from mtm.classifiers import CLASSIFIERS
from mtm.run_folder.account import Account
from mtm.run_folder.files import jsonable
from mtm.run_folder.snapshots import MEASURES
from mtm.run_folder.summary import best_of
from mtm.text import printable


class _Console(Console):
    """Prints text as it is, and goes on silently when its reader has gone (`| head`): a training is not its output."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **settings)

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            if error.errno != errno.EIO:  # a terminal that was closed, before its signal has come
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())  # what is written later, and at the end, too


console = _Console()
notices = _Console(stderr=True)


def accept_any_text() -> None:
    """Let the output write out the letters that its encoding lacks (σ in ASCII) instead of failing at them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(sentence: str) -> None:
    console.print(printable(sentence), soft_wrap=True)


def warn(sentence: str) -> None:
    console.print(Text.assemble(("!", "yellow"), " ", printable(sentence)))


def note(sentence: str) -> None:
    """A sentence beside the output, which may be JSON."""
    notices.print(printable(sentence), soft_wrap=True)


def as_line(text: str) -> Text:
    """A text as it is, for where Rich would read markup: in a status line."""
    return Text(printable(text))


def print_json(row: dict[str, Any]) -> None:
    console.out(json.dumps(jsonable(row)))


def fail(code: int, sentence: str, name: str = "mtm") -> NoReturn:
    with contextlib.suppress(OSError):  # a terminal that was closed
        notices.print(printable(f"{name}: {sentence}"), soft_wrap=True)
    raise SystemExit(code)


class TrainingBar:
    """A progress bar with epoch, images/s, loss, accuracy and time left; redrawn only in a terminal."""

    def __init__(self, name: str) -> None:
        self.bar = Progress(
            BarColumn(bar_width=12),
            TextColumn("{task.fields[text]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        if console.is_terminal:
            console.print(printable(name), style="bold")
        self.task = self.bar.add_task(name, total=1.0, text="starting")

    def __enter__(self) -> TrainingBar:
        self.bar.start()
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.bar.stop()

    def progress(self, p: Any) -> None:
        best = f"  {max(p.accuracy.values()):.1%}" if p.accuracy else ""
        left = "evaluating" if p.evaluating else f"{duration(p.seconds_left)} left"
        speed = f"{p.images_per_second:,.0f} images/s"
        text = f"{p.epoch:.2f}/{p.epochs} epochs  {speed}  loss {p.loss:.4g}{best}  {left}"
        self.bar.update(self.task, completed=p.epoch / p.epochs, text=text)

    def snapshot(self, snapshot: Any) -> None:
        """A line a snapshot where there is no terminal to draw a bar in, for logs."""
        if not console.is_terminal:
            row = snapshot.metrics
            scores = "  ".join(f"{name} {value:.2%}" for name, value in row["accuracy"].items())
            say(f"epoch {snapshot.epoch:.3f}  loss {row['loss']:.5g}  {scores}")


class _Table(Table):
    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        texts = (printable(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*texts, style=style, end_section=end_section)


def new_table(title: str | None = None) -> Table:
    """An empty table; what stands in its rows and in its title is printed as it is."""
    title = None if title is None else printable(title)
    return _Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)


def closing_table(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Accuracies, sigma and rho of the first, the best and the last snapshot."""
    best = best_of(rows)
    if best is None:
        return
    table = new_table(name)
    for heading in ("", "epoch", *[f"{c} %" for c in CLASSIFIERS if c in best.row["accuracy"]], "sigma", "rho"):
        table.add_column(heading, justify="right" if heading else "left")
    first = "untrained" if rows[0]["epoch"] == 0 else "first"
    for title, row in ((first, rows[0]), ("best", best.row), ("last", rows[-1])):
        scores = [percent(row["accuracy"].get(c)) for c in CLASSIFIERS if c in best.row["accuracy"]]
        table.add_row(title, f"{row['epoch']:g}", *scores, number(row["cluster_size"]), number(row["centre_distance"]))
    console.print(table)
    say(
        f"Accuracy on {best.row['n']:,} {best.row['split']} images; best: the epoch of highest {best.by} accuracy. "
        "sigma: median distance to the own class centre; rho: mean distance of class centres to their mean."
    )


def runs_table(summaries: Sequence[dict[str, Any]]) -> None:
    table = new_table()
    for heading in ("run", "state", "loss", "D", "epoch", "best epoch's\naccuracy", "MB"):
        right = heading in ("D", "epoch", "MB")
        table.add_column(heading, justify="right" if right else "left", overflow="fold", no_wrap=heading != "run")
    unreadable = [s for s in summaries if s["state"] == "unreadable"]
    for s in summaries:
        if s in unreadable:
            table.add_row(s["name"], s["state"])
            continue
        epoch = "" if s["epoch"] is None else f"{s['epoch']:.3g}" + (f"/{s['epochs']}" if s["epochs"] else "")
        best = s["best_classifier"]
        score = f"{s['best_accuracy'].get(best, math.nan):.2%} {best}" if best else ""
        cells = (s["name"], s["state"], s["loss"], s["dim"], epoch, score, s["megabytes"])
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    console.print(table)
    for s in unreadable:
        warn(s["error"])
    if any(s.get("best_by") for s in summaries):
        say(
            "Best epoch: the one of highest accuracy on the validation split, or, where a run has none (as in the "
            "paper), on the test images themselves. The accuracy is always that on test images."
        )


def run_page(summary: dict[str, Any], info: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    say(f"{summary['run']}: {summary['state']}, {summary['snapshots']} snapshots, {summary['megabytes']} MB")
    for sentence in ([summary["error"]] if summary["error"] else []) + summary["problems"]:
        warn(sentence)
    account = info.get("account")
    for line in account.get("lines") or () if isinstance(account, dict) else ():
        say(str(line))
    if info.get("config"):
        changed = {name: value for name, value in info["config"].items() if value not in (None, {})}
        say("  ".join(f"{name}={value}" for name, value in changed.items()))
    if not rows:
        return
    table = new_table()
    names = [c for c in CLASSIFIERS if c in rows[-1]["accuracy"]]
    wide = console.width >= 100
    measures = MEASURES if wide else MEASURES[:2]
    headings = ("sigma", "rho", "separation", "cosine")[: len(measures)]
    for heading in ("epoch", "loss", *[f"{name} %" for name in names], *headings, "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        scores = [percent(row["accuracy"].get(name)) for name in names]
        cells = (f"{row['epoch']:.4g}", number(row["loss"]), *scores, *(number(row[m]) for m in measures))
        table.add_row(*cells, str(row["n"]))
    console.print(table)
    if best := best_of(rows):
        criterion = f"of highest {best.by} accuracy" + (", as in the paper" if best.by == "test" else "")
        say(
            f"Best epoch ({criterion}): {best.row['epoch']:.4g}, {best.classifier} {percent(best.accuracy)} % on "
            f"{best.row['n']:,} {best.row['split']} images."
        )


def few_shot_table(rows: Sequence[dict[str, Any]]) -> None:
    """A line a run and classifier; per number of shots the accuracy, its interval, and that before training."""
    lines: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for row in rows:
        lines.setdefault((row["run"], row["classifier"]), {})[row["shots"]] = row
    table = new_table()
    for heading in ("run", "loss", ""):
        table.add_column(heading, overflow="fold")
    for n in dict.fromkeys(row["shots"] for row in rows):
        table.add_column(f"{n}-shot %", no_wrap=True, justify="right")
        table.add_column("untrained", no_wrap=True, justify="right")
    for (_, classifier), scores in lines.items():
        one = next(iter(scores.values()))
        cells = [one["name"], one["loss"] or "", classifier]
        for row in scores.values():
            cells += [f"{percent(row['accuracy'])} ± {percent(row['interval'])}", percent(row["untrained"])]
        table.add_row(*cells)
    console.print(table)
    tasks = dict.fromkeys(f"{row['ways']} ways of the classes {', '.join(row['classes'])}" for row in rows)
    epochs = ", ".join(dict.fromkeys(f"{row['epoch']:.4g}" for row in rows))
    say(
        f"Nearest class centre on classes held out of training ({'; '.join(tasks)}), at epoch {epochs}: the mean of "
        f"{rows[0]['episodes']:,} episodes of {rows[0]['queries']} queries a class, and its 95 % confidence interval "
        "over episodes. Untrained: the same episodes at epoch 0."
    )


def account_lines(account: Account | None) -> None:
    """What was read of a data set of the user's own, and what was not; of a known one what there is to say of it."""
    from mtm.data import DATASETS  # loaded by now

    lines = account.lines() if account and account.source not in DATASETS else account.notes if account else ()
    for line in lines:
        note(line)  # standard output belongs to --json


def data_table(rows: Sequence[dict[str, Any]]) -> None:
    table = new_table()
    for heading in ("--dataset", "images", "resize / crop", "where"):
        table.add_column(heading, no_wrap=heading != "where")
    for row in rows:
        about = {"absent": " (downloaded at first use)", "incomplete": " (incomplete)", "whole": ""}
        where = row["where"] + about[row["state"]]
        table.add_row(row["name"], row["images"], row["transform"], where)
    console.print(table)
    for row in rows:
        for problem in row["problems"]:
            warn(f"{row['name']}: {problem}")
    say(
        "Your own: --dataset FOLDER with train/CLASS/*.png and perhaps test/ or val/ (or just CLASS/*.png), or "
        "--dataset FILE.npz with x_train, y_train, x_test, y_test (or x, y): images, and labels from 0 or names."
    )


def percent(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{100 * value:.2f}"


def number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.4g}"


def duration(seconds: float) -> str:
    """1:02:03 or 2:03; nothing known is '-'."""
    if not math.isfinite(seconds):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
