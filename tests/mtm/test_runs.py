"""The run folder: what is written comes back, and damage is named instead of raised."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import ROOT, small
from safetensors.numpy import load_file

from mtm import geometry
from mtm.classifiers import CLASSIFIERS, classifiers_of, predict
from mtm.errors import InputError
from mtm.run_folder.files import read_arrays, write_arrays
from mtm.run_folder.snapshots import compact
from mtm.run_folder.status import Status
from mtm.run_folder.summary import best_of, summarise_runs
from mtm.runs import FORMAT, Run, list_runs
from mtm.training import train


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Run:
    return Run.open(shutil.copytree(finished_run, tmp_path / "copy"))


def test_what_training_yields_is_what_the_run_gives_back(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", small())
    yielded = list(train(small()))
    for snapshot in yielded:
        run.record(snapshot)
    opened = Run.open(tmp_path / "a")
    assert opened.config == small()
    assert opened.problems == []
    assert len(opened.snapshots) == len(opened.metrics) == len(yielded) == 3
    for i, snapshot in enumerate(yielded):
        back = opened.snapshot(i)
        assert back.epoch == snapshot.epoch == opened.metrics[i]["epoch"] == i
        assert back.embeddings.dtype == np.float16
        np.testing.assert_array_equal(back.embeddings, snapshot.embeddings.astype(np.float16))
        np.testing.assert_array_equal(back.class_embeddings, snapshot.class_embeddings)
        np.testing.assert_array_equal(back.reference_centres, snapshot.reference_centres)
        np.testing.assert_array_equal(back.target_distances, snapshot.target_distances)
        np.testing.assert_array_equal(back.centre_distances, snapshot.centre_distances)
        for name in classifiers_of("targets"):
            np.testing.assert_array_equal(back.predictions[name], snapshot.predictions[name])
            np.testing.assert_array_equal(back.margins[name], snapshot.margins[name])
            kinds = {"centres": snapshot.reference_centres, "class_embeddings": snapshot.class_embeddings}
            reference = kinds[CLASSIFIERS[name].reference]
            assert reference is not None
            np.testing.assert_array_equal(back.predictions[name], predict(name, snapshot.embeddings, reference))
    np.testing.assert_array_equal(opened.labels, yielded[0].points.labels)
    assert opened.points.thumbnails is not None
    assert opened.points.thumbnails.shape == (60, 16, 16)
    assert opened.points.class_names == tuple("0123456789")


def test_a_linear_head_keeps_weight_and_bias(tmp_path: Path) -> None:
    config = small(head="linear", dim=64, epochs=1)
    run = Run.create(tmp_path / "a", config)
    for snapshot in train(config):
        run.record(snapshot)
    back = Run.open(tmp_path / "a").snapshot(-1)
    assert back.class_embeddings is None
    assert back.target_distances is None
    assert list(back.predictions) == classifiers_of("linear")
    assert back.head is not None
    np.testing.assert_array_equal(back.predictions["argmax"], predict("argmax", snapshot.embeddings, back.head))


def test_rows_hold_every_measure_and_what_they_were_taken_on(run: Run) -> None:
    row = run.metrics[-1]
    assert {"epoch", "loss", "accuracy", "cluster_size", "centre_distance", "mean_centre_separation"} <= set(row)
    assert {"median_cosine_similarity", "target_gap", "target_separation", "target_distance"} <= set(row)
    per_class = ("cluster_size", "centre_distance", "target_gap", "target_distance", "target_separation")
    assert all(len(row[f"{name}_per_class"]) == 10 for name in per_class)
    assert row["n"] == 359
    assert row["split"] == "test"
    assert list(row["accuracy"]) == classifiers_of("targets")


def test_distances_and_measures_agree_with_the_arrays(run: Run) -> None:
    snapshot, y = run.snapshot(-1), run.labels
    e = np.asarray(snapshot.embeddings, np.float64)
    assert snapshot.class_embeddings is not None
    assert snapshot.target_distances is not None
    own = np.linalg.norm(e - snapshot.class_embeddings[y], axis=1)
    np.testing.assert_allclose(snapshot.target_distances, own, rtol=5e-3)
    own = geometry.own_distances(e, y, geometry.class_centres(e, y, 10))
    np.testing.assert_allclose(snapshot.centre_distances, own, rtol=5e-3)


def test_arrays_are_views_of_the_file(run: Run) -> None:
    embeddings = run.snapshot(0).embeddings
    base = embeddings
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    assert not embeddings.flags.writeable


def test_other_programs_can_read_the_files(run: Run) -> None:
    arrays = load_file(run.snapshots[0])
    np.testing.assert_array_equal(arrays["embeddings"], run.snapshot(0).embeddings)
    assert len((run.folder / "metrics.jsonl").read_text().splitlines()) == 3
    assert json.loads((run.folder / "config.json").read_text())["config"]["dataset"] == "digits"


def test_recording_a_snapshot_twice_keeps_the_first(run: Run) -> None:
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    first = run.snapshot(1)
    run.record(replace(first, embeddings=np.asarray(first.embeddings) + 1))
    for path, content in before.items():
        assert path.name == "status.json" or path.read_bytes() == content


@pytest.mark.parametrize(
    ("scale", "offset", "dtype"),
    [(1, 0, np.float16), (1e5, 0, np.float32), (1, 1000, np.float32), (1e-9, 0, np.float32), (1, 10, np.float16)],
)
def test_float16_only_where_it_keeps_the_picture(scale: float, offset: float, dtype: type) -> None:
    rng = np.random.default_rng(0)
    e = (rng.normal(size=(200, 5)) * scale + offset).astype(np.float32)
    y = rng.integers(3, size=200)
    stored = compact(e, y)
    assert stored.dtype == dtype
    centres = geometry.class_centres(e, y, 3)
    spread = np.sqrt(np.square(e - centres[y]).sum())
    assert np.sqrt(np.square(stored.astype(np.float64) - e).sum()) <= 0.01 * spread


# Damage


def test_a_snapshot_that_is_cut_short_is_left_out_and_named(run: Run) -> None:
    path = run.snapshots[1]
    path.write_bytes(path.read_bytes()[:-100])
    opened = Run.open(run.folder)
    assert [p.name for p in opened.snapshots] == ["000000.safetensors", "000002.safetensors"]
    assert opened.snapshot(1).epoch == 2
    assert len(opened.metrics) == 3
    assert len(opened.problems) == 1
    assert "000001.safetensors is cut short" in opened.problems[0]


@pytest.mark.parametrize("content", [b"", b"\xff" * 400, b"hello", (10).to_bytes(8, "little") + b"{not json}"])
def test_a_foreign_file_among_the_snapshots_is_named(run: Run, content: bytes) -> None:
    (run.folder / "snapshots" / "000003.safetensors").write_bytes(content)
    opened = Run.open(run.folder)
    assert len(opened.snapshots) == 3
    assert "000003.safetensors" in opened.problems[0]


def test_every_cut_of_a_snapshot_is_noticed(run: Run, tmp_path: Path) -> None:
    whole = run.snapshots[0].read_bytes()
    path = tmp_path / "cut.safetensors"
    for length in [*range(0, 200, 7), *range(200, len(whole), 997), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.safetensors"):
            read_arrays(path)


def test_arrays_whose_size_does_not_fit_their_shape_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_arrays(path, {"x": np.zeros((4, 2), np.float32)}, {})
    path.write_bytes(path.read_bytes().replace(b"[4,2]", b"[9,2]"))
    with pytest.raises(InputError, match="does not fit its shape"):
        read_arrays(path)


def rewritten(path: Path, **changes: object) -> None:
    """Change arrays of a snapshot file; None takes one away."""
    arrays, header = read_arrays(path)
    kept = {
        name: np.array(changes.get(name, array)) for name, array in arrays.items() if changes.get(name, 0) is not None
    }
    write_arrays(path, kept, header)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"embeddings": np.zeros((59, 8), np.float16)}, r"embeddings has shape \(59, 8\), for 60 images"),
        ({"predictions.euc": np.zeros(61, np.int32)}, r"predictions\.euc has shape \(61,\)"),
        ({"target_distances": np.zeros(0, np.float32)}, "target_distances has shape"),
        ({"class_embeddings": np.zeros((9, 8), np.float32)}, r"class_embeddings has shape \(9, 8\).*10 classes"),
        ({"reference_centres": np.zeros((10, 7), np.float32)}, r"reference_centres has shape \(10, 7\)"),
        ({"margins.cos": None}, r"has no 'margins\.cos'"),
        ({"embeddings": None}, "has no 'embeddings'"),
    ],
)
def test_a_snapshot_that_does_not_fit_the_run_is_left_out_and_named(
    run: Run, changes: dict[str, object], said: str
) -> None:
    rewritten(run.snapshots[1], **changes)
    opened = Run.open(run.folder)
    assert [opened.snapshot(i).epoch for i in range(len(opened.snapshots))] == [0, 2]
    assert len(opened.metrics) == 3
    (problem,) = opened.problems
    assert "000001.safetensors is damaged" in problem
    assert re.search(said, problem)


def test_a_damaged_snapshot_is_written_anew_and_other_images_are_refused(run: Run) -> None:
    whole = run.snapshot(1)
    whole = replace(whole, embeddings=np.array(whole.embeddings), metrics=dict(whole.metrics))
    rewritten(run.snapshots[1], embeddings=np.zeros((59, 8), np.float16))
    opened = Run.open(run.folder)
    opened.record(whole)
    assert len(opened.snapshots) == 3
    others = replace(whole.points, labels=whole.points.labels[::-1])
    with pytest.raises(InputError, match="snapshots of other images"):
        opened.record(replace(whole, index=3, points=others))
    assert len(opened.snapshots) == 3


def test_margins_beyond_float32_are_its_largest_number(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a")
    run.log([[1e30, 0.0], [0.0, 1e30]] * 2, [0, 1] * 2, weight=[[1e30, 0.0], [0.0, 1e30]])
    assert Run.open(run.folder).snapshot(0).margins["argmax"].tolist() == [float(np.finfo(np.float32).max)] * 4


def test_half_a_line_of_metrics_is_named_and_mended_by_the_next(run: Run) -> None:
    path = run.folder / "metrics.jsonl"
    path.write_text(path.read_text()[:-40])
    opened = Run.open(run.folder)
    assert [row["epoch"] for row in opened.metrics] == [0, 1, 2]  # the row is in the snapshot's header as well
    assert opened.problems == ["metrics.jsonl: line 3 is damaged"]
    opened.record(replace(opened.snapshot(2), index=3, epoch=3.0))
    opened.record(opened.snapshot(2))
    assert sorted(json.loads(line)["snapshot"] for line in path.read_text().splitlines()) == [0, 1, 2, 3]
    assert Run.open(run.folder).problems == []


def test_rows_are_found_without_metrics_jsonl(run: Run) -> None:
    rows = run.metrics
    (run.folder / "metrics.jsonl").unlink()
    assert Run.open(run.folder).metrics == rows


def test_measures_that_do_not_exist_survive_as_nan(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", class_names=["a", "b", "c"])
    run.log(embeddings=np.eye(4), labels=[0, 0, 1, 1])
    per_class = Run.open(tmp_path / "a").metrics[0]["cluster_size_per_class"]
    assert np.isnan(per_class[2])
    assert np.isfinite(per_class[:2]).all()
    assert "NaN" not in (tmp_path / "a" / "metrics.jsonl").read_text()


def test_a_run_without_its_points_says_so(run: Run) -> None:
    (run.folder / "points.safetensors").unlink()
    opened = Run.open(run.folder)
    assert "points.safetensors" in opened.problems[0]
    assert len(opened.metrics) == 3
    with pytest.raises(InputError, match=r"points\.safetensors"):
        _ = opened.labels


@pytest.mark.parametrize("name", ["config.json", "status.json"])
@pytest.mark.parametrize("content", [None, "{half", "[]"])
def test_a_lost_or_damaged_json_file_is_named(run: Run, name: str, content: str | None) -> None:
    (run.folder / name).unlink()
    if content is not None:
        (run.folder / name).write_text(content)
    opened = Run.open(run.folder)
    assert len(opened.snapshots) == 3
    assert any(name in problem for problem in opened.problems)


def test_a_newer_format_is_refused(run: Run) -> None:
    info = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps(info | {"format": FORMAT + 1}))
    with pytest.raises(InputError, match="update mtm"):
        Run.open(run.folder)


def test_a_config_of_an_older_version_is_named(run: Run) -> None:
    info = json.loads((run.folder / "config.json").read_text())
    info["config"]["gone"] = 1
    (run.folder / "config.json").write_text(json.dumps(info))
    opened = Run.open(run.folder)
    assert opened.config is None
    assert "gone" in opened.problems[0]


def test_an_existing_folder_is_not_overwritten(run: Run) -> None:
    with pytest.raises(InputError, match="exists already"):
        Run.create(run.folder)
    assert Run.open(run.folder).problems == []


def test_folders_that_are_no_runs_are_passed_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "file.txt").write_text("x")
    assert [listed.name for listed in list_runs(tmp_path)] == ["copy"]
    assert list_runs(tmp_path / "nowhere") == []


def test_runs_that_cannot_be_opened_are_listed_with_the_reason(run: Run, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(run.folder, newer)
    info = json.loads((newer / "config.json").read_text())
    (newer / "config.json").write_text(json.dumps(info | {"format": FORMAT + 1}))
    (tmp_path / "other").mkdir()
    first, second = summarise_runs(tmp_path)
    assert (first["name"], first["state"]) == ("copy", "finished")
    assert (second["name"], second["state"]) == ("newer", "unreadable")
    assert "update mtm" in second["error"]


# The best epoch


def row(epoch: float, split: str = "test", validation: float | None = None, **accuracy: float) -> dict[str, object]:
    held = {} if validation is None else {"validation_accuracy": {"cos": 0.1, "euc": validation}}
    return {"epoch": epoch, "split": split, "accuracy": accuracy, **held}


def test_the_best_epoch_is_the_end_of_an_epoch() -> None:
    rows = [row(0, euc=0.95), row(0.5, "recorded", euc=0.99), row(1, euc=0.7, cos=0.8), row(2, euc=0.8, cos=0.6)]
    best = best_of(rows)
    assert best is not None
    assert (best.row["epoch"], best.classifier, best.accuracy, best.by) == (1, "cos", 0.8, "test")


def test_validation_images_choose_the_best_epoch_where_there_are_any() -> None:
    best = best_of([row(1, validation=0.9, euc=0.7, cos=0.8), row(2, validation=0.8, euc=0.99)])
    assert best is not None
    assert (best.row["epoch"], best.classifier, best.accuracy, best.by) == (1, "euc", 0.7, "validation")


def test_without_the_end_of_an_epoch_every_snapshot_counts() -> None:
    nan = float("nan")
    best = best_of([row(1, "recorded", euc=nan, cos=0.3), row(2, "recorded", euc=0.6)])
    assert best is not None
    assert (best.row["epoch"], best.classifier, best.by) == (2, "euc", "recorded")
    assert best_of([row(1, "recorded", euc=nan), row(2, "recorded")]) is None
    assert best_of([]) is None


# Status


def test_a_training_whose_process_is_gone_is_interrupted(tmp_path: Path) -> None:
    code = (
        "import sys; from mtm.config import TrainConfig; from mtm.runs import Run;"
        "Run.create(sys.argv[1], TrainConfig()).set_status(state='training')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True)
    assert json.loads((tmp_path / "a" / "status.json").read_text())["state"] == "training"
    assert Run.open(tmp_path / "a").status.state == "interrupted"


def test_a_reused_process_number_is_not_taken_for_the_training() -> None:
    mine = Status(state="training").signed()
    assert mine.as_seen_now().state == "training"
    assert replace(mine, pid_started=mine.pid_started - 60).as_seen_now().state == "interrupted"


def test_another_machine_is_judged_by_its_heartbeat() -> None:
    there = replace(Status(state="training").signed(), host="elsewhere", pid=psutil.Process().pid)
    assert there.as_seen_now().state == "training"
    assert replace(there, heartbeat=time.time() - 600).as_seen_now().state == "interrupted"


def test_prune_removes_weights_and_nothing_else(run: Run) -> None:
    assert (run.checkpoints / "last.safetensors").exists()
    before = run.size()
    freed = run.prune()
    assert freed > 10_000
    assert run.size() == before - freed
    assert not run.checkpoints.exists()
    assert Run.open(run.folder).problems == []


@pytest.mark.parametrize("name", ["accuracy", "cluster_size", "epoch_", "n"])
def test_a_measure_of_ones_own_cannot_take_the_name_of_another(tmp_path: Path, name: str) -> None:
    run = Run.create(tmp_path / "a")
    if name == "epoch_":
        run.log(embeddings=np.eye(4), labels=[0, 0, 1, 1], **{name: 3})
        assert run.metrics[0][name] == 3
        return
    with pytest.raises(InputError, match=f"{name} is measured by mtm"):
        run.log(embeddings=np.eye(4), labels=[0, 0, 1, 1], **{name: 0.5})


@pytest.mark.parametrize(
    "line",
    [
        '{"snapshot": 7}',
        '{"snapshot": 7, "epoch": 1, "accuracy": 0.5}',
        '{"snapshot": 7, "epoch": 1, "accuracy": {"euc": "much"}}',
        "[]",
        '"text"',
    ],
)
def test_a_line_of_metrics_that_is_none_is_named(run: Run, line: str) -> None:
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write(line + "\n")
    opened = Run.open(run.folder)
    assert len(opened.metrics) == 3
    assert opened.problems == ["metrics.jsonl: line 4 is damaged"]


@pytest.mark.parametrize("rest", ['"pid": "x"', '"pid": -5, "heartbeat": null'])
def test_a_status_that_makes_no_sense_is_interrupted(run: Run, rest: str) -> None:
    (run.folder / "status.json").write_text(f'{{"state": "training", {rest}}}')
    assert Run.open(run.folder).status.state == "interrupted"


def test_a_folder_that_was_left_before_it_became_a_run_is_free(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".config.json.x.tmp").write_text("half")
    assert Run.create(tmp_path / "a").status.state == "queued"


# A full disk: the limit on file size makes the operating system refuse to write further, as a full disk does.

LIMITED = """
import resource, sys
from conftest import small
from mtm.train_loop.recorder import explain_failure, record_training
from mtm.runs import Run

run = Run.create(sys.argv[1], small(dim=2000, record=0))
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))  # a snapshot has 1.5 MB
try:
    record_training(run)
except OSError as error:
    print(explain_failure(error, run.config))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits there")
def test_a_full_disk_ends_with_a_sentence_and_no_half_snapshot(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "a")],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert "cannot write" in done.stdout
    assert "mtm resume" in done.stdout
    run = Run.open(tmp_path / "a")
    assert run.status.state == "failed"
    assert "cannot write" in str(run.status.error)
    assert list((run.folder / "snapshots").iterdir()) == []
    assert not list(run.folder.rglob("*.tmp"))
