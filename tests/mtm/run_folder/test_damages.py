"""One bad run is one bad row: whatever lies in its folder, the run beside it, every list, page and command work."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from conftest import Command, small, until
from damages import (
    DEEP,
    Damage,
    copy_snapshot,
    damages,
    fill_array,
    link,
    make_fifo,
    set_entry,
    set_header,
    set_value,
    write,
)

from explorer.app import PAGES, create_app
from explorer.library import Library
from explorer.runs.table import list_rows
from explorer.train.queue import JobQueue, terminate
from mtm.errors import InputError
from mtm.run_folder.summary import summarise_runs
from mtm.runs import Run
from mtm.tuning import new_search

SHARE = 50  # one of so many damages is tried here on lists, one of SHARE * RARER on all of the server
RARER = 12
GOOD, BAD = "good", "bad"
LOOKS = (  # at a run, of the server
    *("frames?view=pca", "frames?view=targets", "attributes?", "news?", "sprite?", "thumbnail?", "events?"),
    *("certainty?", "image?row=3", "selections?", "compare?with=good", "jobs/rows?", "jobs/log?", "jobs/settings?"),
    *("lab/run?", "regions?view=pca&classifier=euc&mode=best", "trust?view=pca&classifier=euc&mode=best"),
)
LISTS = ("jobs", "lab", "searches", "report", "train")


@pytest.fixture
def runs(finished_run: Path, tmp_path: Path) -> Path:
    """A folder with a good run, and one to be damaged."""
    for name in (GOOD, BAD):
        shutil.copytree(finished_run, tmp_path / "runs" / name)
    return tmp_path / "runs"


def lines(runs: Path) -> dict[str, dict[str, Any]]:
    return {str(line["name"]): line for line in summarise_runs(runs)}


def problems_of(line: dict[str, Any]) -> list[str]:
    return [sentence for sentence in (line.get("error"), *line.get("problems", ())) if sentence]


NAMED: dict[str, tuple[Damage, str]] = {
    "a sync tool's copy": (
        partial(copy_snapshot, name="000002 (1).safetensors"),
        r"snapshots/000002 \(1\).safetensors is left out: a snapshot's file is called 000010.safetensors",
    ),
    "a digit that is none": (partial(copy_snapshot, name="٣.safetensors"), "٣.safetensors is left out"),
    "a number of 200 digits": (partial(copy_snapshot, name="9" * 200 + ".safetensors"), "is left out"),
    "1e400": (
        partial(set_value, file="metrics.jsonl", key="snapshot", value="1e400"),
        "^metrics.jsonl: line 2 is damaged$",
    ),
    "400 digits": (
        partial(set_value, file="metrics.jsonl", key="epoch", value="1" * 400),
        "^metrics.jsonl: line 2 is damaged$",
    ),
    "config.json is deep": (
        partial(write, file="config.json", content=DEEP.encode()),
        "^config.json is damaged: it is more than 64 lists and objects deep$",
    ),
    "config is a list": (
        partial(set_value, file="config.json", key="config", value="[]"),
        "^config.json: config is a list, not an object$",
    ),
    "class_names is a number": (
        partial(set_value, file="config.json", key="class_names", value="7"),
        "^config.json: class_names is 7, not a list$",
    ),
    "class_names are numbers": (
        partial(set_value, file="config.json", key="class_names", value="[7]"),
        "^config.json: class_names is a list of other things than texts$",
    ),
    "dim is a list": (partial(set_value, file="config.json", key="config.dim", value="[1]"), r"^config.json: dim = "),
    "a field called self": (partial(set_value, file="config.json", key="config.self", value="1"), "option 'self'"),
    "heartbeat": (
        partial(set_value, file="status.json", key="heartbeat", value='"x"'),
        "^status.json: heartbeat is 'x', not a number$",
    ),
    "an unknown state": (
        partial(set_value, file="status.json", key="state", value='"asleep"'),
        "^status.json: unknown state 'asleep'$",
    ),
    "a pipe": (partial(make_fifo, file="status.json"), r"^status.json cannot be read \(it is not a regular file\)$"),
    "a device": (
        partial(link, file="metrics.jsonl", to="/dev/zero"),
        r"^metrics.jsonl cannot be read \(it is not a regular file\)$",
    ),
    "a pipe in place of a snapshot": (
        partial(make_fifo, file="snapshots/000001.safetensors"),
        "cannot read .*000001.safetensors: it is not a regular file",
    ),
    "a shape of 10^30": (
        partial(set_entry, file="snapshots/000001.safetensors", name="embeddings", key="shape", value=[10**30]),
        "000001.safetensors is damaged or not a safetensors file: it holds a whole number of 31 digits",
    ),
    "a shape whose product has more than 64 bits": (
        partial(set_entry, file="snapshots/000001.safetensors", name="embeddings", key="shape", value=[2**62, 4]),
        "the size of 'embeddings' does not fit its shape",
    ),
    "arrays on each other": (
        partial(set_entry, file="points.safetensors", name="labels", key="data_offsets", value=[0, 480]),
        "is damaged: '.*' lies where another array is",
    ),
    "labels that are no numbers": (
        partial(set_entry, file="points.safetensors", name="labels", key="dtype", value="F64"),
        "labels are float64 of shape .60,., not whole numbers",
    ),
    "too few class names": (
        partial(set_header, file="points.safetensors", key="class_names", value='["0", "1"]'),
        "labels go from 0 to 9, there are 2 classes",
    ),
    "an epoch of 5,000 digits": (
        partial(set_header, file="snapshots/000001.safetensors", key="epoch", value="1" * 5000),
        "000001.safetensors is damaged or not a safetensors file: it holds a whole number of 5000 digits",
    ),
}


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and devices in folders there")
@pytest.mark.parametrize("case", NAMED)
def test_a_damage_is_said_in_a_sentence_and_the_run_beside_it_is_listed_whole(case: str, runs: Path) -> None:
    damage, sentence = NAMED[case]
    good = lines(runs)[GOOD]
    damage(runs / BAD)
    assert lines(runs)[GOOD] == good
    said = problems_of(lines(runs)[BAD])
    assert len(said) == 1
    assert re.search(sentence, said[0]), said[0]
    assert "\n" not in said[0]
    rows = {row["id"]: row for row in list_rows(Library(runs))}
    assert rows[GOOD]["problem"] == ""
    assert rows[BAD]["problem"] == said[0].replace(f"{runs / BAD}{os.sep}", "")
    json.dumps(list(rows.values()), allow_nan=False)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and devices in folders there")
def test_whatever_is_in_a_folder_leaves_the_lists_as_they_were(
    runs: Path, finished_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library, good = Library(runs), lines(runs)[GOOD]
    queue = JobQueue(library, lambda name: name)
    row = next(row for row in list_rows(library) if row["id"] == GOOD)
    for _ in each_damage(runs, finished_run, SHARE):
        assert lines(runs)[GOOD] == good
        for sentence in problems_of(lines(runs).get(BAD, {})):
            assert re.fullmatch(r"[^\n]{10,400}", sentence)
            assert "Error" not in sentence
        rows = list_rows(library)
        assert {**row, "age": ""} in [{**each, "age": ""} for each in rows]
        json.dumps(rows, allow_nan=False)
        queue.advance()
        assert GOOD in [job.id for job in queue.all()]
    assert not caplog.records


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes and devices in folders there")
def test_whatever_is_in_a_folder_the_server_answers(
    runs: Path, finished_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(runs, tmp_path / "demo", tmp_path / "cache")
    client, library = app.server.test_client(), app.server.extensions["queue"].library
    for _ in each_damage(runs, finished_run, SHARE * RARER):
        for look in LOOKS:
            response = client.get(f"/api/{look}&run={BAD}")
            assert response.status_code in (200, 400, 404), look
            if response.status_code != 200:
                assert list(response.get_json()) == ["error"]
        for path in LISTS:
            assert client.get(f"/api/{path}").status_code == 200, path
        for page in PAGES:
            page.layout(library, run=BAD)
    assert not caplog.records


def each_damage(runs: Path, finished_run: Path, step: int) -> Iterator[str]:
    """One of `step` damages after the other, each to a new copy of the run; their names, for what fails."""
    for name, damage in list(damages().items())[step // 2 :: step]:
        shutil.rmtree(runs / BAD)
        shutil.copytree(finished_run, runs / BAD)
        damage(runs / BAD)
        yield name


def test_a_byte_order_mark_does_no_harm(runs: Path) -> None:
    for name in ("config.json", "status.json", "metrics.jsonl"):
        path = runs / BAD / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    good, bad = lines(runs)[GOOD], lines(runs)[BAD]
    assert good == bad | {"run": good["run"], "name": GOOD}


def test_a_snapshot_that_decides_for_classes_that_are_none_is_left_out_once_it_is_read(runs: Path) -> None:
    fill_array(runs / BAD, file="snapshots/000001.safetensors", name="predictions.euc", fill="ones")
    run = Run.open(runs / BAD)
    assert len(run.snapshots) == 3
    with pytest.raises(InputError, match="euc decides for classes -1 to -1, there are 10"):
        run.snapshot(1)
    assert [path.stem for path in run.snapshots] == ["000000", "000002"]
    assert "euc decides for classes -1 to -1" in run.problems[0]


def test_points_that_are_damaged_or_mended_in_their_place_are_seen(runs: Path) -> None:
    run, path = Run.open(runs / BAD), runs / BAD / "points.safetensors"
    content = path.read_bytes()
    assert run.problems == []
    path.write_bytes(content[:100])
    assert len(run.problems) == 1
    path.write_bytes(content)
    assert run.problems == []


# The folder of runs


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there every name is Unicode")
def test_a_run_whose_folder_s_name_is_not_utf_8_says_so_and_is_renamed_or_deleted(
    runs: Path, mtm: Command, tmp_path: Path
) -> None:
    for name in ("caf\udce9", "th\udce9"):
        shutil.copytree(runs / BAD, runs / name)
    shown = "caf\\udce9"
    library = Library(runs)
    assert set(library.ids()) == {GOOD, BAD, shown, "th\\udce9"}
    row = next(row for row in list_rows(library) if row["id"] == shown)
    assert row["problem"] == f"the name of its folder cannot be shown as it is ({shown}): rename the folder"
    client = create_app(runs, tmp_path / "demo", tmp_path / "cache").server.test_client()
    for look in LOOKS:
        assert client.get(f"/api/{look}&run={quote(shown)}").status_code in (200, 400), look
    for path in LISTS:
        assert client.get(f"/api/{path}").status_code == 200, path
    listed = mtm("runs", "--json")
    assert shown in [json.loads(line)["name"] for line in listed.stdout.splitlines()]
    assert shown in mtm("runs").stdout
    assert library.rename(shown, "cafe") == "cafe"
    assert library.run("cafe").problems == []
    library.delete("th\\udce9")
    assert set(library.ids()) == {GOOD, BAD, "cafe"}


def test_the_queue_lives_through_a_folder_that_goes_is_a_file_and_comes_back(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.train.queue.INTERVAL_SECONDS", 0.01)
    advanced, advance = threading.Event(), JobQueue.advance

    def watched(queue: JobQueue) -> None:
        advance(queue)
        advanced.set()

    monkeypatch.setattr(JobQueue, "advance", watched)
    queue = JobQueue(Library(runs), lambda name: name)
    queue.begin()
    away = tmp_path / "away"
    changes: list[Callable[[], object]] = [
        lambda: runs.rename(away), lambda: runs.write_text("a file"), runs.unlink, lambda: runs.symlink_to(runs.name),
        runs.unlink, lambda: away.rename(runs),
    ]  # fmt: skip
    for change in changes:
        change()
        advanced.clear()
        until(advanced.is_set)
    queue.close()
    assert {job.id for job in queue.all()} == {GOOD, BAD}


def test_a_job_that_cannot_be_written_to_is_failed_and_keeps_no_other_waiting(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.train.queue.COMMAND", (sys.executable, "-c", "import time; time.sleep(100)"))
    for name in ("a", "b"):
        Run.create(runs / name, small())
    (runs / "a" / "log.txt").mkdir()
    (runs / "a" / "status.json").unlink()
    (runs / "a" / "status.json").mkdir()  # nothing can be recorded
    queue = JobQueue(Library(runs), lambda name: name)
    try:
        queue.advance()
        until(lambda: queue.get("b").state == "starting")
    finally:
        if process := queue.get("b").process:
            terminate(process)
        queue.close()


def test_a_runs_folder_that_is_none_is_refused_in_a_sentence(tmp_path: Path, mtm: Command) -> None:
    (tmp_path / "runs").write_text("a file")
    done = mtm("runs")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "cannot read the folder of runs" in done.stderr
    assert Library(tmp_path / "runs").summaries() == []


def test_a_run_that_vanishes_while_it_is_looked_at_is_gone(runs: Path, tmp_path: Path) -> None:
    app = create_app(runs, tmp_path / "demo", tmp_path / "cache")
    client = app.server.test_client()
    assert client.get(f"/api/frames?view=pca&run={BAD}").status_code == 200
    run = Run.open(runs / BAD)
    (runs / BAD / "points.safetensors").unlink()
    assert client.get(f"/api/frames?view=pca&run={BAD}").status_code == 404
    shutil.rmtree(runs / BAD)
    for look in LOOKS:
        response = client.get(f"/api/{look}&run={BAD}")
        assert (response.status_code, list(response.get_json())) == (404, ["error"]), look
    assert [row["id"] for row in list_rows(Library(runs))] == [GOOD]
    assert (run.snapshots, run.metrics, run.size()) == ([], [], 0)
    with pytest.raises(InputError, match=r"cannot read .*points"):
        _ = run.labels


def test_a_damaged_search_is_one_bad_line(tmp_path: Path) -> None:
    values = {"config": "[]", "space": '"x"', "wanted": "1e400", "status": "7", "trials": '[{"a": 1}]', "format": '"x"'}
    for name in ("whole", "pipe", *values):
        new_search(tmp_path, small(), trials=2, name=name)
    for key, value in values.items():
        set_value(tmp_path, file=f"searches/{key}/search.json", key=key, value=value)
    make_fifo(tmp_path, file="searches/pipe/search.json")
    client = create_app(tmp_path, tmp_path / "demo", tmp_path / "cache").server.test_client()
    listed = {search["name"]: search for search in client.get("/api/searches").get_json()}
    assert (listed["whole"]["state"], listed["whole"]["problem"]) == ("queued", None)
    for name in ("pipe", *values):
        assert listed[name]["state"] == "unreadable"
        assert name == "pipe" or name in listed[name]["problem"]
        response = client.get(f"/api/search?name={name}")
        assert (response.status_code, response.get_json()["error"]) == (400, listed[name]["problem"])
    assert client.get("/api/search?name=whole").status_code == 200


def test_explore_says_what_is_wrong_with_a_run_that_it_shows_and_with_one_that_it_cannot(
    runs: Path, tmp_path: Path
) -> None:
    copy_snapshot(runs / BAD, name="000002 (1).safetensors")
    app = create_app(runs, tmp_path / "demo", tmp_path / "cache")
    client, library = app.server.test_client(), app.server.extensions["queue"].library
    assert b'"snapshots/000002 (1).safetensors is left out' in client.get(f"/api/frames?view=pca&run={BAD}").data
    for path in (runs / BAD / "snapshots").glob("000*.safetensors"):
        path.unlink()  # what is damaged in its place is seen by who reads it, in lists once its folder has changed
        path.write_bytes(b"no arrays")
    explore = next(page for page in PAGES if page.NAME == "Explore")
    sentence = "000000.safetensors is cut short or not a safetensors file"
    assert sentence in str(explore.layout(library, run=BAD))
    assert sentence in client.get(f"/api/frames?view=pca&run={BAD}").get_json()["error"]
    assert "there is no run 'gone' here (any more)" in str(explore.layout(library, run="gone"))
