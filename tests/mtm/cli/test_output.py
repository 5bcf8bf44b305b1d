"""What the commands print: other people's names as text, in any encoding, and to a reader that goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Command

from mtm.cli import output
from mtm.runs import Run

EVIL = "\x1b[31mred\x1b[0m [bold]a[red]\x07 :cat:"
SHOWN = "\\x1b[31mred\\x1b[0m [bold]a[red]\\x07 :cat:"


def make_run(folder: Path) -> Run:
    run = Run.create(folder, class_names=[EVIL, "b"])
    run.log(np.eye(4, 3), labels=[0, 0, 1, 1], epoch=0)
    return run


def test_the_names_of_runs_and_classes_are_printed_as_text(
    mtm: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output.console, "width", 200)  # nothing is folded
    make_run(tmp_path / "runs" / EVIL)
    for arguments in (["runs"], ["show", f"runs/{EVIL}"], ["show", f"nothing {EVIL}"], ["prune", f"runs/{EVIL}"]):
        done = mtm(*arguments)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout + done.stderr
        assert SHOWN in done.stdout + done.stderr


def test_a_table_a_status_and_a_warning_print_names_as_text(capfd: pytest.CaptureFixture[str]) -> None:
    table = output.new_table(EVIL)
    table.add_column("name")
    table.add_row(EVIL, style="bold")
    output.console.print(table)
    output.warn(EVIL)
    output.note(EVIL)
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err
    assert (out.count(SHOWN), err.count(SHOWN)) == (3, 1)
    assert output.as_line(EVIL).plain == SHOWN


@pytest.mark.parametrize("command", ["mtm", "explorer"])
def test_an_output_that_cannot_show_a_letter_gets_its_number(command: str, tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "σ 猫")
    arguments = {"mtm": ["runs"], "explorer": ["export", "σ 猫", "--what", "data", "--out", "σ.csv"]}[command]
    done = _run(command, arguments, tmp_path, PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 0, done.stderr
    assert b"\\u03c3" in done.stdout


def test_a_reader_that_has_gone_ends_nothing(tmp_path: Path) -> None:
    for i in range(3):
        make_run(tmp_path / "runs" / f"run-{i}")
    read, write = os.pipe()
    os.close(read)
    for arguments in (["runs"], ["runs", "--json"], ["--help"]):
        done = _run("mtm", arguments, tmp_path, stdout=write)
        assert done.stderr == b""
        assert done.returncode == (1 if arguments == ["--help"] else 0)  # Rich's own
    os.close(write)


def _run(
    module: str, arguments: list[str], folder: Path, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="terminals as on Linux and macOS")
def test_a_terminal_that_was_closed_is_no_error_of_printing() -> None:
    import pty

    ours, its = pty.openpty()
    with os.fdopen(its, "w") as terminal:
        console = output._Console(file=terminal)
        os.close(ours)  # what is written now is an error, EIO
        console.print("a line")
        console.print("another")
        assert os.fstat(its).st_rdev == os.stat(os.devnull).st_rdev
