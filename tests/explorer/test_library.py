"""The library: which runs there are, what may be done to them, and that no name leads out of their folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from explorer.library import Library, open_run, references_over_time
from mtm.errors import InputError
from mtm.runs import Run


@pytest.fixture
def library(finished_run: Path, tmp_path: Path) -> Library:
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    shutil.copytree(finished_run, tmp_path / "demo" / "bundled")
    (tmp_path / "runs" / "no-run").mkdir()
    return Library(tmp_path / "runs", tmp_path / "demo")


def test_own_and_bundled_runs_are_listed(library: Library) -> None:
    assert library.ids() == ["one", "demo/bundled"]
    rows = library.summaries()
    assert [(row["id"], row["is_demo"], row["state"]) for row in rows] == [
        ("one", False, "finished"),
        ("demo/bundled", True, "finished"),
    ]
    assert rows[0]["accuracies"][-1] == max(library.run("one").metrics[-1]["accuracy"].values())


@pytest.mark.parametrize(
    "name",
    [
        *("..", ".", "../demo/bundled", "/etc", "demo/../runs/one", "demo/..", "one/", "one/snapshots", "", "nowhere"),
        *("demo", "demo/", "one\0", "x" * 300, "\ud800"),
    ],
)
def test_no_other_name_opens_anything(library: Library, name: str) -> None:
    with pytest.raises(InputError, match="there is no run"):
        library.run(name)
    with pytest.raises(InputError):
        library.delete(name)


def test_a_run_is_renamed_and_deleted(library: Library, tmp_path: Path) -> None:
    assert library.rename("one", " two ") == "two"
    assert library.ids() == ["two", "demo/bundled"]
    library.delete("two")
    assert library.ids() == ["demo/bundled"]
    assert (tmp_path / "runs" / "no-run").is_dir()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", ".hidden", "no-run"])
def test_bad_or_taken_names_are_refused(library: Library, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be the name|there is already"):
        library.rename("one", name)
    assert "one" in library.ids()


def test_a_folder_is_opened_wherever_it_is(finished_run: Path, tmp_path: Path) -> None:
    assert open_run(finished_run).labels.tolist() == Run.open(finished_run).labels.tolist()
    with pytest.raises(InputError, match="there is no run at"):
        open_run(tmp_path / "nowhere")


def test_bundled_runs_and_runs_in_training_cannot_be_changed(library: Library) -> None:
    with pytest.raises(InputError, match="comes with the program"):
        library.delete("demo/bundled")
    library.run("one").set_status(state="training")
    for change in (library.delete, lambda run_id: library.rename(run_id, "other")):
        with pytest.raises(InputError, match="being trained right now"):
            change("one")


def test_one_run_is_found_without_looking_at_all(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Library, "ids", lambda self: pytest.fail("all runs were listed"))
    assert library.folder("one") == library.runs_folder / "one"
    assert library.run("demo/bundled").name == "bundled"
    with pytest.raises(InputError, match="there is no run 'demo/one' here"):
        library.folder("demo/one")
    with pytest.raises(InputError, match="there is no run 'demo/bundled' here"):
        Library(library.runs_folder).folder("demo/bundled")


@pytest.mark.parametrize("config", ['{"format": 99}', "not json"])
def test_a_run_that_cannot_be_read_can_be_deleted_unless_it_is_trained(library: Library, config: str) -> None:
    library.run("one").set_status(state="training")
    (library.runs_folder / "one" / "config.json").write_text(config)
    with pytest.raises(InputError, match="being trained right now"):
        library.delete("one")
    (library.runs_folder / "one" / "status.json").unlink()
    library.delete("one")
    assert library.ids() == ["demo/bundled"]


def test_summaries_follow_the_files(library: Library) -> None:
    assert library.summary("one")["state"] == "finished"
    library.run("one").set_status(state="failed", error="the disk is full")
    assert library.summary("one")["error"] == "the disk is full"


def test_a_run_of_a_newer_format_says_so_in_its_row(library: Library, tmp_path: Path) -> None:
    (tmp_path / "runs" / "one" / "config.json").write_text('{"format": 99}')
    row = next(row for row in library.summaries() if row["id"] == "one")
    assert row["state"] == "unreadable"
    assert "update mtm" in row["error"]


def test_a_file_of_embeddings_is_imported(library: Library, tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", embeddings=np.eye(6), labels=[0, 0, 1, 1, 2, 2])
    assert library.import_file(tmp_path / "mine.npz") == "mine"
    assert library.run("mine").snapshot(0).embeddings.shape == (6, 6)
    with pytest.raises(InputError, match="exists already"):
        library.import_file(tmp_path / "mine.npz")


def test_references_are_stacked_over_time(library: Library) -> None:
    run = library.run("one")
    snapshots = [run.snapshot(i) for i in range(3)]
    for name in ("euc", "cos", "euc_ce", "cos_ce"):
        references = references_over_time(snapshots, name)
        assert isinstance(references, np.ndarray)
        assert references.shape == (3, 10, 8)
    np.testing.assert_array_equal(references_over_time(snapshots, "euc_ce")[1], run.snapshot(1).class_embeddings)
    with pytest.raises(InputError, match="has no classifier 'argmax'"):
        references_over_time(snapshots, "argmax")


def test_a_linear_head_is_a_pair_over_time(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "linear")
    for t in range(2):
        run.log(embeddings=np.eye(4) + t, labels=[0, 0, 1, 1], weight=np.ones((2, 4)) * t, bias=np.ones(2) * t)
    weight, bias = references_over_time([run.snapshot(0), run.snapshot(1)], "argmax")
    assert weight.shape == (2, 2, 4)
    assert bias.tolist() == [[0, 0], [1, 1]]
