"""Which row is which image at every epoch, and epochs in their order; in the tables and the arrays alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imported_files import STEPS, WORDS, D, N, T, Y, import_npz, import_table, nothing_is_left

from mtm.errors import InputError
from mtm.runs import Run

SHUFFLES = np.stack([np.random.default_rng(t).permutation(N) for t in range(T)])  # (T, N)
EPOCHS = [2.0, 0.0, 1.0]  # of the snapshots as they lie in the file
NAMES = np.array([f"images/{k:03d}.png" for k in np.random.default_rng(9).permutation(N)])  # (N,)


def shuffled(array: Any) -> Any:
    """(T, N, ...) with the rows of each epoch in another order."""
    return np.stack([each[rows] for each, rows in zip(array, SHUFFLES, strict=True)])


def everywhere(array: Any) -> Any:
    """(N,) at every epoch: (T, N)."""
    return np.broadcast_to(array, (T, N))


def assert_no_image_moves_alone(run: Run, order: list[int] | None = None) -> None:
    """The steps come back: all images move by (1, ..., 1) an epoch."""
    places = np.stack([run.snapshot(t).embeddings.astype(float) for t in range(T)])
    expected = STEPS[np.argsort(EPOCHS) if order is None else order]
    np.testing.assert_allclose(np.diff(places, axis=0), np.diff(expected[:, :1], axis=0).repeat(N, 1), atol=0.01)
    assert [row["epoch"] for row in run.metrics] == sorted(EPOCHS)


@pytest.mark.parametrize("ids", [np.arange(N) * 3 + 1, NAMES, (np.arange(N) * 2.0), np.arange(N).astype("S4")])
def test_ids_in_arrays_match_the_rows(tmp_path: Path, ids: Any) -> None:
    run, account = import_npz(
        tmp_path,
        embeddings=shuffled(STEPS),
        labels=shuffled(everywhere(np.array(WORDS)[Y])),
        ids=shuffled(everywhere(ids)),
        epochs=EPOCHS,
    )
    assert_no_image_moves_alone(run)
    np.testing.assert_array_equal(np.array(run.points.class_names)[run.labels], np.array(WORDS)[Y][SHUFFLES[0]])
    assert account.rows == "matched over the epochs by ids"
    assert "Epochs were not in order in the file; snapshots are sorted by epoch" in account.notes


@pytest.mark.parametrize("name", ["id", "Image", "file", "filename", "path", "index"])
def test_a_column_of_ids_matches_the_rows(tmp_path: Path, name: str) -> None:
    ids = np.arange(N) * 5 if name in ("id", "index") else NAMES
    table = {
        name: shuffled(everywhere(ids)).ravel(),
        "epoch": np.repeat(EPOCHS, N),
        "label": shuffled(everywhere(Y)).ravel(),
        "embedding": shuffled(STEPS).reshape(T * N, D).tolist(),
    }
    run, account = import_table(tmp_path, table)
    assert_no_image_moves_alone(run)
    assert account.rows == f"matched over the epochs by '{name}'"


def test_without_ids_the_order_counts_and_that_is_said(tmp_path: Path) -> None:
    run, account = import_npz(tmp_path, embeddings=STEPS, epochs=EPOCHS)
    assert_no_image_moves_alone(run)
    assert account.rows == "matched over the epochs by their order"
    assert account.epochs == tuple(sorted(EPOCHS))


def test_class_embeddings_of_each_epoch_go_with_it(tmp_path: Path) -> None:
    targets = np.arange(T)[:, None, None] * np.ones((T, 4, D))
    run, _ = import_npz(tmp_path, embeddings=STEPS, class_embeddings=targets, epochs=EPOCHS)
    found = [run.snapshot(t).class_embeddings for t in range(T)]
    assert [float(c[0, 0]) for c in found if c is not None] == [1, 2, 0]


def test_tables_and_arrays_are_read_by_one_rule(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    table = {"epoch": np.repeat(EPOCHS, N), "label": np.tile(Y, T), "embedding": STEPS.reshape(-1, D).tolist()}
    one, of_one = import_npz(tmp_path / "a", embeddings=STEPS, epochs=EPOCHS)
    other, of_other = import_table(tmp_path / "b", table)
    for t in range(T):
        np.testing.assert_array_equal(one.snapshot(t).embeddings, other.snapshot(t).embeddings)
    assert of_one.epochs == of_other.epochs
    assert of_one.rows == of_other.rows
    assert {*of_one.notes} <= {*of_other.notes}


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"epochs": [0, 1, 1]}, "has epoch 1 twice"),
        ({"epochs": [0, 1, np.inf]}, "epochs must be finite numbers"),
        ({"epochs": [0, 1, 1j]}, "epochs must be finite numbers"),
        ({"epochs": [0, 1]}, "2 epochs for 3 snapshots"),
        ({"ids": everywhere(np.r_[0, 0, np.arange(2, N)])}, "ids 0 stands in rows 0 and 1 of one epoch"),
        ({"ids": np.r_[0, 0, np.arange(2, N)]}, "ids 0 stands in rows 0 and 1"),
        ({"ids": everywhere(np.r_[np.arange(N - 1), np.nan])}, "ids is missing in row 23"),
        ({"ids": everywhere(np.r_[NAMES[:-1], [""]])}, "ids is missing in row 23"),
        ({"ids": np.stack([np.arange(N), np.arange(N), np.arange(N) + 1])}, "ids 0 is not there at every epoch"),
        ({"ids": np.arange(N - 1)}, r"ids has shape \(23,\); it is \(24,\) or \(3, 24\)"),
        ({"ids": np.arange(N) + 0.5}, "ids must be whole numbers or text"),
        ({"labels": np.stack([Y, Y, Y[::-1]])}, "row 0 has label '0' at epoch 0 and '3' at epoch 2.*or ids"),
        (
            {"labels": np.stack([Y, Y, Y[::-1]]), "ids": np.arange(N) + 7},
            "the image with ids 7 has label '0' at epoch 0",
        ),
        ({"labels": np.stack([Y, Y])}, r"labels have shape \(2, 24\)"),
    ],
)
def test_rows_that_cannot_be_matched_are_refused(tmp_path: Path, arrays: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        import_npz(tmp_path, embeddings=STEPS, **arrays)
    assert "own.npz" in str(refusal.value)
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"epoch": [*np.repeat([0.0, 1.0, 2.0], N)[:-1], None]}, "the epoch in row 71 is missing"),
        ({"epoch": np.repeat([0, 1, 1], N)}, "epoch 1 has 48 rows and epoch 0 has 24; every epoch"),
        ({"epoch": ["first"] * (T * N)}, "column 'epoch' must hold numbers"),
        ({"id": np.zeros(T * N, int)}, "'id' 0 stands in rows 0 and 1 of one epoch"),
        ({"id": [*np.tile(np.arange(N), T)[:-1], None]}, "'id' is missing in row 23"),
        ({"label": np.r_[np.tile(Y, T - 1), Y[::-1]]}, "row 0 has label '0' at epoch 0 and '3' at epoch 2"),
    ],
)
def test_rows_of_a_table_that_cannot_be_matched_are_refused(
    tmp_path: Path, columns: dict[str, Any], sentence: str
) -> None:
    table = {"epoch": np.repeat([0, 1, 2], N), "label": np.tile(Y, T), "embedding": STEPS.reshape(-1, D).tolist()}
    with pytest.raises(InputError, match=sentence):
        import_table(tmp_path, table | columns)
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_order_and_the_types_the_same_run_comes(tmp_path: Path, seed: int) -> None:
    """Images, epochs and columns in a random order, in one of the kinds of file: image by image the same places."""
    rng = np.random.default_rng(seed)
    epochs, ids = rng.permutation(T).astype(float), rng.permutation(N)  # as they lie in the file, of the images
    rows = np.stack([rng.permutation(N) for _ in range(T)])
    steps = np.stack([STEPS[int(epoch)][each] for epoch, each in zip(epochs, rows, strict=True)])
    steps = steps.astype(rng.choice(["<f8", ">f8", "<f4", ">f4"]))
    names = np.array(WORDS)[rng.permutation(4)]
    labels = names[Y][rows]
    if seed % 2:
        e = np.asfortranarray(steps) if seed % 4 == 1 else steps
        run, _ = import_npz(tmp_path, embeddings=e, labels=labels, ids=ids[rows], epochs=epochs)
    else:
        order = rng.permutation(T * N)
        flat = steps.reshape(-1, D).astype(float)
        columns: dict[str, Any] = {"epoch": np.repeat(epochs, N), "id": ids[rows].ravel(), "label": labels.ravel()}
        columns |= {"embedding": flat} if seed % 4 else {f"x{k}": flat[:, k] for k in rng.permutation(D)}
        columns = {name: column[order] for name, column in columns.items()}
        columns = {name: columns[name].tolist() for name in rng.permutation([*columns])}
        run, _ = import_table(tmp_path, columns)
    first = run.snapshot(0).embeddings
    image = np.array([np.abs(STEPS[0] - place).sum(axis=1).argmin() for place in first])  # which one each row is
    assert sorted(image) == list(range(N))
    np.testing.assert_array_equal(np.array(run.points.class_names)[run.labels], names[Y][image])
    for t in range(T):
        np.testing.assert_allclose(run.snapshot(t).embeddings, STEPS[t][image], atol=5e-3)
