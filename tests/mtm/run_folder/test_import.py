"""Embeddings of other programs: `mtm import` and `run.log` give back what went in, and judge it honestly."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray

from mtm import cli, geometry
from mtm.classifiers import CLASSIFIERS, classifiers_of, predict
from mtm.errors import InputError
from mtm.runs import Run

Array = NDArray[Any]
Import = Callable[..., Run]

N, D, C, T = 60, 5, 3, 4
Y = np.arange(N) % C


def clusters(*axes: int, seed: int = 0) -> Array:
    """Embeddings (*axes, N, D) float32 of images that lie around 4 times the first C unit vectors."""
    noise = np.random.default_rng(seed).normal(size=(*axes, N, D))
    return (noise + 4 * np.eye(C, D)[Y]).astype(np.float32)


def targets(*axes: int) -> Array:
    return np.random.default_rng(9).normal(size=(*axes, C, D)).astype(np.float32)


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Runs `mtm import FILE ...` in `tmp_path` and opens the run that it made."""
    monkeypatch.chdir(tmp_path)

    def run(file: str, *options: str) -> Run:
        monkeypatch.setattr(sys, "argv", ["mtm", "import", file, *options])
        cli.main()
        return Run.open(tmp_path / "runs" / Path(file).stem)

    return run


def assert_holds(run: Run, steps: Array, y: Array = Y) -> None:
    """The run is finished and whole, and holds the embeddings (T, N, D) to float16's rounding, and the labels."""
    assert run.status.state == "finished"
    assert run.problems == []
    np.testing.assert_array_equal(run.labels, y)
    assert len(run.snapshots) == len(steps)
    for t, step in enumerate(steps):
        np.testing.assert_array_equal(run.snapshot(t).embeddings, step.astype(np.float16))


# npz


def test_an_npz_of_one_moment_comes_back(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(), labels=Y)
    run = imported("mine.npz")
    assert_holds(run, clusters()[None])
    assert run.name == "mine"
    assert run.snapshot(0).epoch == 0
    assert run.snapshot(0).class_embeddings is None
    assert run.points.class_names == ("0", "1", "2")
    assert set(run.snapshot(0).predictions) == set(classifiers_of("targets")) & set(classifiers_of("linear"))


def test_an_npz_of_many_epochs_comes_back_in_order(imported: Import) -> None:
    steps, c = clusters(T), targets(T)
    np.savez("mine.npz", embeddings=steps, labels=Y, class_embeddings=c, epochs=[0, 0.5, 2, 10])
    run = imported("mine.npz")
    assert_holds(run, steps)
    assert [run.snapshot(t).epoch for t in range(T)] == [0, 0.5, 2, 10]
    assert [row["epoch"] for row in run.metrics] == [0, 0.5, 2, 10]
    for t in range(T):
        np.testing.assert_array_equal(run.snapshot(t).class_embeddings, c[t])


def test_without_epochs_they_are_counted_from_0(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(T), labels=Y)
    assert [row["epoch"] for row in imported("mine.npz").metrics] == [0, 1, 2, 3]


def test_class_embeddings_of_two_axes_are_those_of_every_epoch(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(2), labels=Y, class_embeddings=targets())
    run = imported("mine.npz")
    for t in range(2):
        np.testing.assert_array_equal(run.snapshot(t).class_embeddings, targets())
        assert list(run.snapshot(t).predictions) == classifiers_of("targets")


def test_class_names_indices_and_thumbnails_come_back(imported: Import) -> None:
    images = np.random.default_rng(0).integers(0, 256, (N, 6, 7, 3), dtype=np.uint8)
    names, indices = ["cat", "ankle boot", "zebra"], np.arange(N) * 3 + 1
    np.savez("mine.npz", embeddings=clusters(2), labels=Y, class_names=names, indices=indices, thumbnails=images)
    points = imported("mine.npz").points
    assert points.class_names == tuple(names)
    np.testing.assert_array_equal(points.indices, indices)
    np.testing.assert_array_equal(points.thumbnails, images)


@pytest.mark.parametrize("kind", ["f8", ">f4", "f2", "i4"])
def test_other_number_types_are_read(imported: Import, kind: str) -> None:
    e = np.asfortranarray((10 * clusters()).astype(kind))
    np.savez("mine.npz", embeddings=e, labels=Y.astype("u1"))
    assert_holds(imported("mine.npz"), e.astype(np.float32)[None])


@pytest.mark.parametrize("kind", ["U", "S"])
def test_labels_in_words_become_class_names(imported: Import, kind: str) -> None:
    words = np.array(["dog", "ankle boot", "cat"]).astype(kind)
    np.savez("mine.npz", embeddings=clusters(), labels=words[Y])
    run = imported("mine.npz")
    assert run.points.class_names == ("ankle boot", "cat", "dog")
    np.testing.assert_array_equal(run.labels, np.array([2, 0, 1])[Y])


# Precision


def test_ordinary_embeddings_are_stored_as_float16(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(), labels=Y)
    assert imported("mine.npz").snapshot(0).embeddings.dtype == np.float16


def test_embeddings_far_from_the_origin_stay_float32(imported: Import) -> None:
    far = 0.01 * clusters() + 100  # float16 has steps of 1/16 there, the spread is 0.02
    np.savez("mine.npz", embeddings=far, labels=Y)
    stored = imported("mine.npz").snapshot(0).embeddings
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, far)


def test_embeddings_beyond_float16_stay_float32(imported: Import) -> None:
    large = 1e5 * clusters()
    np.savez("mine.npz", embeddings=large, labels=Y)
    np.testing.assert_array_equal(imported("mine.npz").snapshot(0).embeddings, large)


def test_tiny_embeddings_do_not_vanish(imported: Import) -> None:
    tiny = 1e-9 * clusters()
    np.savez("mine.npz", embeddings=tiny, labels=Y)
    np.testing.assert_array_equal(imported("mine.npz").snapshot(0).embeddings, tiny)


def test_measures_are_taken_before_rounding(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(), labels=Y)
    run = imported("mine.npz")
    g = geometry.class_centres(clusters(), Y, C)
    assert run.metrics[0]["cluster_size"] == pytest.approx(geometry.cluster_size(clusters(), Y, g), rel=1e-12)
    assert run.metrics[0]["centre_distance"] == pytest.approx(geometry.centre_distance(g), rel=1e-12)


# npy


def test_npy_takes_its_labels_from_another_npy(imported: Import) -> None:
    np.save("mine.npy", clusters())
    np.save("y.npy", Y)
    assert_holds(imported("mine.npy", "--labels", "y.npy"), clusters()[None])


def test_npy_of_many_epochs_takes_labels_from_text(imported: Import) -> None:
    np.save("mine.npy", clusters(T))
    Path("y.txt").write_text("".join(f"{k}\n" for k in Y))
    assert_holds(imported("mine.npy", "--labels", "y.txt"), clusters(T))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_labels_are_one_a_line_and_may_have_spaces(imported: Import, end: str) -> None:
    np.save("mine.npy", clusters())
    Path("y.txt").write_bytes(end.join(["dog", "ankle boot", "Käse"][k] for k in Y).encode() + end.encode())
    run = imported("mine.npy", "--labels", "y.txt")
    assert run.points.class_names == ("Käse", "ankle boot", "dog")
    np.testing.assert_array_equal(run.labels, np.array([2, 1, 0])[Y])


def test_numbers_in_text_are_sorted_as_numbers(imported: Import) -> None:
    y = np.arange(N) % 12
    np.save("mine.npy", clusters())
    Path("y.txt").write_text("\n".join(map(str, y)))
    run = imported("mine.npy", "--labels", "y.txt")
    np.testing.assert_array_equal(run.labels, y)
    assert run.points.class_names == tuple(map(str, range(12)))


# parquet


@pytest.mark.parametrize("fixed", [False, True])
def test_parquet_with_a_list_column_comes_back(imported: Import, fixed: bool) -> None:
    flat = pa.array(clusters().reshape(-1))
    lists = pa.FixedSizeListArray.from_arrays(flat, D) if fixed else pa.array(clusters().tolist())
    pq.write_table(pa.table({"label": Y, "embedding": lists}), "mine.parquet")
    assert_holds(imported("mine.parquet"), clusters()[None])


def test_parquet_with_a_column_a_dimension_comes_back(imported: Import) -> None:
    columns = {f"x{i}": clusters()[:, i] for i in range(D)}
    pq.write_table(pa.table(columns | {"label": Y}), "mine.parquet")
    assert_holds(imported("mine.parquet"), clusters()[None])


@pytest.mark.parametrize("lists", [False, True])
def test_parquet_with_epochs_comes_back(imported: Import, lists: bool) -> None:
    flat = clusters(T).reshape(T * N, D)
    columns = {"embedding": flat.tolist()} if lists else {f"x{i}": flat[:, i] for i in range(D)}
    epochs = np.repeat([0.0, 0.5, 2.0, 10.0], N)
    pq.write_table(pa.table({"epoch": epochs, "label": np.tile(Y, T)} | columns), "mine.parquet")
    run = imported("mine.parquet")
    assert_holds(run, clusters(T))
    assert [row["epoch"] for row in run.metrics] == [0, 0.5, 2, 10]


def test_parquet_rows_may_come_image_by_image(imported: Import) -> None:
    flat = clusters(T).transpose(1, 0, 2).reshape(N * T, D)
    table = {"label": np.repeat(Y, T), "epoch": np.tile(np.arange(T), N), "embedding": flat.tolist()}
    pq.write_table(pa.table(table), "mine.parquet")
    assert_holds(imported("mine.parquet"), clusters(T))


def test_parquet_labels_in_words_become_class_names(imported: Import) -> None:
    words = np.array(["dog", "ankle boot", "cat"])[Y]
    pq.write_table(pa.table({"label": words, "embedding": clusters().tolist()}), "mine.parquet")
    run = imported("mine.parquet")
    assert run.points.class_names == ("ankle boot", "cat", "dog")
    np.testing.assert_array_equal(run.labels, np.array([2, 0, 1])[Y])


# Decisions and accuracies


def nearest(e: Array, reference: Array, cosine: bool) -> list[int]:
    """Equations 10-11 with loops."""
    classes: list[int] = []
    for x in e.astype(float):
        scores: list[float] = []
        for k in reference.astype(float):
            cos = float(x @ k) / (np.linalg.norm(x) * np.linalg.norm(k))
            scores.append(float(cos) if cosine else -float(np.linalg.norm(x - k)))
        classes.append(int(np.argmax(scores)))
    return classes


def test_given_centres_and_targets_decide(imported: Import) -> None:
    centres, c = targets() + 1, targets()
    np.savez("mine.npz", embeddings=clusters(), labels=Y, class_embeddings=c, reference_centres=centres)
    run = imported("mine.npz")
    predictions, accuracy = run.snapshot(0).predictions, run.metrics[0]["accuracy"]
    assert list(predictions) == list(accuracy) == classifiers_of("targets")
    for name in ("cos", "cos_ce", "euc", "euc_ce"):
        expected = nearest(clusters(), c if name.endswith("_ce") else centres, name.startswith("cos"))
        assert predictions[name].tolist() == expected
        assert accuracy[name] == pytest.approx(np.mean(np.array(expected) == Y))


def test_clusters_are_told_apart_without_training_images(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(), labels=Y)
    accuracy = imported("mine.npz").metrics[0]["accuracy"]
    assert accuracy["euc"] > 0.9
    assert accuracy["cos"] > 0.9


@pytest.mark.parametrize("classes", [2, 10])
def test_random_labels_score_about_one_in_c(imported: Import, classes: int) -> None:
    rng = np.random.default_rng(1)
    e, y = rng.normal(size=(1000, 1351)), rng.integers(0, classes, 1000)
    naive = predict("euc", e, geometry.class_centres(e, y, classes))
    assert (naive == y).mean() > 0.8, "with the centres of the judged images themselves, noise looks learned"
    np.savez("mine.npz", embeddings=e, labels=y, class_embeddings=rng.normal(size=(classes, 1351)))
    accuracy = imported("mine.npz").metrics[0]["accuracy"]
    assert list(accuracy) == classifiers_of("targets")
    chance, spread = 1 / classes, np.sqrt(1 / classes * (1 - 1 / classes) / 500)
    for name, share in accuracy.items():
        assert abs(share - chance) < 4 * spread, name


def test_a_class_of_one_image_is_no_error(imported: Import) -> None:
    e, y = np.r_[clusters()[:-1], np.full((1, D), -20, np.float32)], np.r_[Y[:-1], C]
    np.savez("mine.npz", embeddings=e, labels=y)
    run = imported("mine.npz")
    assert_holds(run, e[None], y)
    assert 0.9 < run.metrics[0]["accuracy"]["euc"] <= 1


def test_a_class_without_images_is_no_error(imported: Import) -> None:
    np.savez("mine.npz", embeddings=clusters(), labels=Y, class_names=["a", "b", "c", "emu"])
    run = imported("mine.npz")
    assert_holds(run, clusters()[None])
    assert run.points.class_names == ("a", "b", "c", "emu")
    assert run.metrics[0]["accuracy"]["euc"] > 0.9
    assert np.isfinite(run.metrics[0]["centre_distance"])


# The command


def test_import_prints_one_object_for_scripts(imported: Import, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("mine.npz", embeddings=clusters(T), labels=Y)
    imported("mine.npz", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["state"], said["snapshots"], said["problems"]) == ("mine", "finished", T, [])


def test_import_ends_with_an_account_which_the_run_keeps(imported: Import, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {f"x{i}": clusters()[:, i] for i in range(D)}
    pq.write_table(pa.table(columns | {"label": Y, "prediction": Y}), "mine.parquet")
    run = imported("mine.parquet")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Imported 1 snapshots of {N} images into runs/mine"
    lines = [
        f"mine.parquet: {N} recorded images of {C} classes in {D} dimensions at epoch 0",
        "Classes in order: 0 (20), 1 (20), 2 (20)",
        "Rows: in the order of the file",
        "Embeddings are columns x0, x1, x2, x3, x4",
        "Ignored: column prediction: no dimensions",
    ]
    assert said[1:] == run.info["account"]["lines"] == lines
    for command in (["show", "mine"], ["show", "mine", "--json"], ["import", "mine.parquet", "--name", "b", "--json"]):
        sys.argv = ["mtm", *command]
        cli.main()
        out = capsys.readouterr().out
        if command[-1] != "--json":
            assert set(lines) <= set(out.splitlines())
        else:
            account = json.loads(out)["account"]
            assert account == run.info["account"]
            assert (account["images"], account["dim"], account["counts"]) == (N, D, {"recorded": [20, 20, 20]})


def test_import_can_name_the_run_and_its_folder(imported: Import, tmp_path: Path) -> None:
    np.savez("mine.npz", embeddings=clusters(), labels=Y)
    with pytest.raises(InputError, match="no run at"):
        imported("mine.npz", "--name", "theirs", "--runs", "others")
    assert_holds(Run.open(tmp_path / "others" / "theirs"), clusters()[None])


# Run.log


def test_three_lines_record_a_training_of_ones_own(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine", class_names=["a", "b", "c"])
    for epoch in range(T):
        run.log(embeddings=clusters(T)[epoch], labels=Y, class_embeddings=targets(), epoch=epoch)
    run.finish()
    opened = Run.open(tmp_path / "mine")
    assert_holds(opened, clusters(T))
    assert opened.points.class_names == ("a", "b", "c")
    assert opened.config is None


def test_lists_and_further_measures_are_logged(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    run.log(clusters().tolist(), Y.tolist(), loss=0.25, teacher="resnet18")
    row = Run.open(tmp_path / "mine").metrics[0]
    assert (row["loss"], row["teacher"], row["epoch"]) == (0.25, "resnet18", 0)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_tensors_with_gradients_are_logged(tmp_path: Path, kind: torch.dtype) -> None:
    e, c, centres, weight = (
        torch.tensor(array, dtype=kind, requires_grad=True) for array in (clusters(), targets(), targets(), targets())
    )
    bias = torch.zeros(C, dtype=kind, requires_grad=True)
    run = Run.create(tmp_path / "mine")
    images = torch.zeros(N, 4, 4, dtype=torch.uint8)
    run.log(
        2 * e,
        torch.tensor(Y),
        2 * c,
        epoch=1,
        reference_centres=2 * centres,
        weight=2 * weight,
        bias=2 * bias,
        indices=torch.arange(N),
        thumbnails=images,
    )
    run.finish()
    opened = Run.open(tmp_path / "mine")
    assert_holds(opened, (2 * e.detach().float().numpy())[None])
    snapshot = opened.snapshot(0)
    assert list(snapshot.predictions) == list(CLASSIFIERS)
    np.testing.assert_array_equal(snapshot.class_embeddings, 2 * c.detach().float().numpy())
    assert opened.points.thumbnails is not None
    assert e.requires_grad


def test_a_loss_may_be_a_tensor(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    run.log(clusters(), Y, loss=torch.tensor(1.5, requires_grad=True) * 2)
    assert Run.open(tmp_path / "mine").metrics[0]["loss"] == 3.0


def test_a_measure_that_no_file_can_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    with pytest.raises(InputError, match="teacher"):
        run.log(clusters(), Y, teacher=object())
    assert run.snapshots == []
    assert not (tmp_path / "mine" / "points.safetensors").exists()


def test_a_linear_head_is_logged_with_weight_and_bias(tmp_path: Path) -> None:
    weight, bias = targets(), np.array([0.0, 1.0, -1.0])
    run = Run.create(tmp_path / "mine")
    run.log(clusters(), Y, weight=weight, bias=bias)
    snapshot = Run.open(tmp_path / "mine").snapshot(0)
    assert list(snapshot.predictions) == classifiers_of("linear")
    np.testing.assert_array_equal(snapshot.predictions["argmax"], (clusters() @ weight.T + bias).argmax(axis=1))


def test_logging_goes_on_where_a_reopened_run_was(tmp_path: Path) -> None:
    Run.create(tmp_path / "mine").log(clusters(T)[0], Y)
    Run.open(tmp_path / "mine").log(clusters(T)[1], Y)
    Run.open(tmp_path / "mine").finish()
    assert_holds(Run.open(tmp_path / "mine"), clusters(T)[:2])


@pytest.mark.parametrize("epoch", [1, 0.5, 2, -1])
def test_an_epoch_that_does_not_come_after_the_last_is_refused(tmp_path: Path, epoch: float) -> None:
    run = Run.create(tmp_path / "mine")
    run.log(clusters(), Y)
    run.log(clusters(), Y, epoch=2)
    for each in (run, Run.open(tmp_path / "mine")):
        with pytest.raises(InputError, match=rf"epoch {epoch:g} is not after epoch 2, .*epoch \+ step / steps"):
            each.log(clusters(), Y, epoch=epoch)
    run.log(clusters(), Y)
    assert [row["epoch"] for row in run.metrics] == [0, 2, 3], "without an epoch it is the one after the last"


@pytest.mark.parametrize("labels", [Y[::-1], Y[:-1], (Y + 1) % C])
def test_labels_that_change_between_logs_are_refused(tmp_path: Path, labels: Array) -> None:
    run = Run.create(tmp_path / "mine")
    run.log(clusters(), Y)
    with pytest.raises(InputError, match="labels differ from those of the first snapshot"):
        run.log(clusters()[: len(labels)], labels)
    assert len(Run.open(tmp_path / "mine").snapshots) == 1
    assert len(run.metrics) == 1


def test_dimensions_that_change_between_logs_are_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine")
    run.log(clusters(), Y)
    with pytest.raises(InputError, match="dimensions"):
        run.log(clusters()[:, :-1], Y)
    assert len(run.snapshots) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"embeddings": [[1.0], [1.0, 2.0]]}, "embeddings must be numbers"),
        ({"embeddings": np.full((N, D), np.nan)}, "embeddings holds NaN or infinity in 60 of 60 rows"),
        ({"labels": Y - 1}, "labels go down to -1; they count from 0"),
        ({"class_embeddings": targets()[:, :-1]}, r"class_embeddings has shape \(3, 4\).*\(3, 5\)"),
        ({"weight": targets(), "bias": np.zeros(2)}, "bias has 2 values, weight has 3 rows"),
        ({"weight": np.full((C, D), np.inf)}, "weight holds NaN or infinity"),
        ({"bias": np.zeros(C)}, "bias.*weight"),
        ({"thumbnails": np.zeros((N, 4, 4))}, "thumbnails are .* uint8"),
        ({"epoch": "first"}, "epoch"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_not_recorded(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    run = Run.create(tmp_path / "mine")
    with pytest.raises(InputError, match=sentence):
        run.log(**({"embeddings": clusters(), "labels": Y} | changes))
    assert run.snapshots == []
    assert not (tmp_path / "mine" / "points.safetensors").exists()
    run.log(clusters(), Y)  # and the run can go on
    assert len(run.snapshots) == 1


def test_more_labels_than_class_names_are_refused(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "mine", class_names=["a", "b"])
    with pytest.raises(InputError, match="labels go up to 2, there are 2 classes"):
        run.log(clusters(), Y)


LOGGING = """
import sys, numpy as np
from mtm.runs import Run
run = Run.create(sys.argv[1])
run.log(np.random.default_rng(0).normal(size=(10, 3)), np.arange(10) % 2)
print(Run.open(sys.argv[1]).status.state, "torch" in sys.modules)
"""


def test_a_logged_run_is_finished_once_its_process_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    done = subprocess.run(
        [sys.executable, "-c", LOGGING, str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.stdout.split() == ["training", "False"], "while the process lives; and torch was not needed"
    run = Run.open(folder)
    assert run.status.state == "finished"
    assert run.problems == []
