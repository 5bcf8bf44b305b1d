"""Looking at a run again reads what was added and nothing else, and logging to it costs the same however long it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from mtm.errors import InputError
from mtm.run_folder.rows import Rows, append_row, read_rows
from mtm.runs import Run

LONG_AGO = 10**18  # ns since 1970: further back than any clock of a file system is coarse

# what a process opens and lists, and how many bytes it reads, by Python's own account and the system's
COUNTING = """
import json, os, sys
from pathlib import Path
import numpy as np, psutil
from mtm.runs import Run

events = []
sys.addaudithook(lambda event, _: events.append(event) if event in ("open", "os.scandir", "os.listdir") else None)
process = psutil.Process()

def count(work):
    read = process.io_counters().read_chars if hasattr(process, "io_counters") else 0
    events.clear()
    work()
    counted = {event: events.count(event) for event in sorted(set(events))}
    return counted, (process.io_counters().read_chars if hasattr(process, "io_counters") else 0) - read
"""
LOGGING = """
folder = Path(sys.argv[1])
e, y, c = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 2, np.eye(2, 4)
run = Run.create(folder)
print(json.dumps([count(lambda: run.log(e, y, c, loss=1.0)) for _ in range(300)]))
"""
LOOKING = """
run = Run.open(sys.argv[1])
look = lambda: (run.metrics, run.snapshots, run.status)
print(json.dumps([count(look), count(look), count(lambda: run.snapshot(-1))]))
"""


def counted(script: str, folder: Path) -> list[tuple[dict[str, int], int]]:
    done = subprocess.run([sys.executable, "-c", COUNTING + script, str(folder)], capture_output=True, check=True)
    counts: list[tuple[dict[str, int], int]] = json.loads(done.stdout)
    return counts


def log(run: Run, epoch: float) -> None:
    e = np.random.default_rng(int(10 * epoch)).normal(size=(20, 4))
    run.log(e, np.arange(20) % 2, np.eye(2, 4), epoch=epoch, loss=1.0)


def age(folder: Path) -> None:
    """Make everything in a folder old: no clock is too coarse then to tell a change."""
    for path in (*folder.rglob("*"), folder):
        os.utime(path, ns=(LONG_AGO, LONG_AGO))


def test_the_300th_log_opens_and_reads_as_much_as_the_10th(tmp_path: Path) -> None:
    counts = counted(LOGGING, tmp_path / "mine")
    assert len(Run.open(tmp_path / "mine").snapshots) == 300
    tenth, last = counts[9], counts[299]
    assert last[0] == tenth[0]
    assert last[0].get("os.scandir", 0) == last[0].get("os.listdir", 0) == 0
    assert abs(last[1] - tenth[1]) < 200  # bytes: the numbers in the files have more digits


def test_a_look_at_a_run_that_has_not_changed_opens_nothing(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    for epoch in range(30):
        log(run, epoch)
    run.finish()
    age(tmp_path / "mine")
    first, again, snapshot = counted(LOOKING, tmp_path / "mine")
    assert first[0]["open"] > 30
    assert again[0] == {}
    assert snapshot[0] == {"open": 2}  # its header and its arrays


def test_every_look_at_a_growing_run_sees_what_was_added(tmp_path: Path) -> None:
    writer = Run.create(tmp_path / "mine")
    reader = Run.open(tmp_path / "mine")
    assert (reader.snapshots, reader.metrics, reader.status.state) == ([], [], "queued")
    for epoch in range(20):
        log(writer, epoch)
        assert len(reader.snapshots) == len(reader.metrics) == epoch + 1
        assert reader.metrics[-1]["epoch"] == reader.snapshot(-1).epoch == epoch
        assert reader.status.state == "training"
        if epoch % 3 == 0:
            age(tmp_path / "mine")
    writer.finish()
    assert reader.status.state == "finished"
    assert reader.problems == []
    assert reader.metrics == Run.open(tmp_path / "mine").metrics


def test_rows_given_out_are_the_caller_s_own(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    log(run, 0)
    run.metrics[0]["epoch"] = 7
    run.metrics.clear()
    assert [row["epoch"] for row in run.metrics] == [0]


def test_two_that_log_to_one_run_do_not_write_over_each_other(tmp_path: Path) -> None:
    first = Run.create(tmp_path / "mine")
    second = Run.open(tmp_path / "mine")
    for epoch, run in enumerate((first, second, second, first, second)):
        log(run, epoch)
    assert [row["epoch"] for row in Run.open(tmp_path / "mine").metrics] == [0, 1, 2, 3, 4]


def test_many_threads_may_look_while_a_run_grows(tmp_path: Path) -> None:
    writer = Run.create(tmp_path / "mine")
    reader = Run.open(tmp_path / "mine")
    is_over, wrong = threading.Event(), list[str]()

    def look() -> None:
        seen = 0
        while not is_over.is_set():
            epochs = [row["epoch"] for row in reader.metrics]
            if epochs != list(range(len(epochs))) or len(epochs) < seen:
                wrong.append(f"{epochs} after {seen}")
            seen = len(epochs)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for epoch in range(60):
        log(writer, epoch)
    is_over.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(reader.metrics) == 60


def test_a_snapshot_that_comes_late_or_is_mended_is_seen(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    for epoch in range(3):
        log(run, epoch)
    path = run.snapshots[1]
    content = path.read_bytes()
    path.write_bytes(content[:100])
    age(tmp_path / "mine")
    reader = Run.open(tmp_path / "mine")
    assert [p.stem for p in reader.snapshots] == ["000000", "000002"]
    assert len(reader.problems) == 1
    path.write_bytes(content)  # in place: the folder's time stays
    assert len(reader.snapshots) == 3
    assert reader.problems == []


@pytest.mark.parametrize("look", ["problems", "snapshot"])
def test_a_snapshot_that_is_damaged_in_its_place_is_left_out_once_somebody_looks(tmp_path: Path, look: str) -> None:
    run = Run.create(tmp_path / "mine")
    for epoch in range(3):
        log(run, epoch)
    age(tmp_path / "mine")
    reader = Run.open(tmp_path / "mine")
    assert len(reader.snapshots) == 3
    path = reader.snapshots[1]
    path.write_bytes(path.read_bytes()[:-50])  # the folder's time stays
    if look == "problems":
        assert "cut short" in reader.problems[0]
    else:
        with pytest.raises(InputError, match="cut short"):
            reader.snapshot(1)
    assert [p.stem for p in reader.snapshots] == ["000000", "000002"]
    assert "cut short" in reader.problems[0]


# Rows


def row(snapshot: int, epoch: float = 1) -> dict[str, object]:
    return {"snapshot": snapshot, "epoch": epoch, "accuracy": {}}


def test_half_a_line_is_a_problem_until_its_other_half_is_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_row(path, row(0))
    line = (json.dumps(row(1)) + "\n").encode()
    with path.open("ab") as file:
        file.write(line[:10])
    half = read_rows(path, Rows())
    assert (set(half.rows), half.problems) == ({0}, ("metrics.jsonl: line 2 is damaged",))
    with path.open("ab") as file:
        file.write(line[10:] + b"{}\n")
    whole = read_rows(path, half)
    assert (set(whole.rows), whole.problems) == ({0, 1}, ("metrics.jsonl: line 3 is damaged",))
    assert read_rows(path, whole) is whole
    assert read_rows(path, Rows()) == whole


@pytest.mark.parametrize("epochs", [(5, 6), (5, 6, 7), (5,), (0.25, 0.5, 0.75, 1)])
def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path, epochs: tuple[float, ...]) -> None:
    path = tmp_path / "metrics.jsonl"
    for i in range(2):
        append_row(path, row(i, i))
    known = read_rows(path, Rows())
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    path.write_text("".join(json.dumps(row(i, epoch)) + "\n" for i, epoch in enumerate(epochs)))
    assert [row["epoch"] for row in read_rows(path, known).rows.values()] == list(epochs)


def test_only_what_was_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for i in range(3):
        append_row(path, row(i))
    known = read_rows(path, Rows())
    with path.open("r+b") as file:
        file.write(b"#")  # a line that a look from the start would find damaged
    append_row(path, row(3))
    assert set(read_rows(path, known).rows) == {0, 1, 2, 3}
    assert set(read_rows(path, Rows()).rows) == {1, 2, 3}
