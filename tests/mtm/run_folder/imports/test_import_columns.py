"""Which columns of a table are dimensions: by a rule that can be foreseen. What is open is refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from imported_files import WORDS, D, E, N, Y, dimensions, import_table, nothing_is_left

from mtm.errors import InputError
from mtm.runs import Run

pd: Any = pytest.importorskip("pandas")  # comes with Ray

LABEL = {"label": Y}
OTHERS: dict[str, Any] = {
    "prediction": Y,
    "prediction_euc": Y.astype(float),
    "confidence": np.linspace(0, 1, N),
    "prob_0": np.linspace(0, 1, N),
    "prob_1": np.linspace(0, 1, N),
    "is_right": Y > 0,
    "name": [f"{k}.png" for k in range(N)],
    "seen": [datetime.datetime(2026, 1, 1)] * N,
    "thumbnail": [b"png"] * N,
    "about": [{"width": 3}] * N,
}


def assert_is_e(run: Run, d: int = D) -> None:
    assert run.snapshot(0).embeddings.shape == (N, d)
    np.testing.assert_allclose(run.snapshot(0).embeddings, E[:, :d], atol=2e-3)


def test_what_is_no_dimension_is_named(tmp_path: Path) -> None:
    run, account = import_table(tmp_path, {**LABEL, **dimensions(), **OTHERS})
    assert_is_e(run)
    assert account.dim == D
    assert account.notes[0] == "Embeddings are columns d0, d1, d2, d3"
    ignored = "\n".join(account.ignored)
    for name in list(OTHERS)[:2] + list(OTHERS)[-1:]:
        assert name in ignored


def test_a_column_of_vectors_wins_over_numbers(tmp_path: Path) -> None:
    run, account = import_table(tmp_path, {**LABEL, "embedding": E.tolist(), **dimensions("old_")})
    assert_is_e(run)
    assert "old_0, old_1, old_2, old_3: no dimensions" in account.ignored[0]


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float16(), D)])
def test_every_kind_of_vectors_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    vectors = pa.array(E.astype(np.float16).tolist() if kind.value_type == pa.float16() else E.tolist(), kind)
    run, account = import_table(tmp_path, pa.table({**LABEL, "features": vectors}))
    assert_is_e(run)
    assert account.notes[0] == "Embeddings are column features"


def test_a_column_of_tensors_is_read(tmp_path: Path) -> None:
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(E))
    assert_is_e(import_table(tmp_path, pa.table({**LABEL, "embedding": tensors}))[0])


def test_numbered_columns_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    e = np.random.default_rng(0).normal(size=(N, 12))
    shuffled = {f"x{k}": e[:, k] for k in (10, 2, 0, 1, 11, 3, 9, 4, 8, 5, 7, 6)}
    run, _ = import_table(tmp_path, {**shuffled, **LABEL})
    np.testing.assert_allclose(run.snapshot(0).embeddings, e, atol=5e-3)


def test_columns_that_have_numbers_for_names_are_dimensions(tmp_path: Path) -> None:
    frame = pd.DataFrame(E)
    frame["label"] = Y
    frame.columns = frame.columns.map(str)
    assert_is_e(import_table(tmp_path, pa.Table.from_pandas(frame))[0])


@pytest.mark.parametrize(
    "index",
    [
        pd.Index(np.arange(N) * 7),
        pd.Index(np.arange(N) * 7.0, name="weight_of_row"),
        pd.Index(np.arange(N) / 3, name="d9"),
        pd.MultiIndex.from_arrays([np.arange(N), np.arange(N) % 2], names=["first", None]),
    ],
)
def test_the_index_of_pandas_is_no_dimension(tmp_path: Path, index: Any) -> None:
    run, account = import_table(tmp_path, pa.Table.from_pandas(pd.DataFrame({**LABEL, **dimensions()}, index=index)))
    assert_is_e(run)
    assert account.dim == D
    assert any("the table's index" in line for line in account.ignored)


def test_fractions_alone_are_dimensions_and_are_named(tmp_path: Path) -> None:
    columns = dict(zip(["width", "height", "a", "b"], E.T, strict=True))
    run, account = import_table(tmp_path, {**LABEL, **columns, "loss": np.ones(N), "image": np.arange(N)})
    assert_is_e(run)
    assert account.notes[0] == "Embeddings are columns width, height, a, b"
    assert account.ignored == ("column loss: no dimensions",)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (dimensions("d") | dimensions("e"), "several groups of columns are numbered; .* --columns d, --columns e"),
        (
            {"width": E[:, 0], "count": Y},
            "not clear which columns are dimensions .'width', 'count'.*--columns width,count",
        ),
        ({"count": Y}, "not clear which columns are dimensions"),
        ({"name": [*"ab"] * (N // 2), "is_right": Y > 1}, "there are no embeddings.*'name', 'is_right'"),
        ({"a": E.tolist(), "b": E.tolist()}, "several columns hold vectors .columns a, b.; choose one with --columns"),
        ({"d0": E[:, 0], "d1": E[:, 1], "d3": E[:, 3]}, "columns d0 to d3 are numbered, but d2 is missing"),
        ({"d2": E[:, 0], "d3": E[:, 1]}, "columns d2 to d3 are numbered, but d0 is missing"),
        ({"embedding": [*E.tolist()[:-1], None]}, "no vector in row 23"),
        ({"embedding": [*E.tolist()[:-1], [1.0]]}, "another length in row 23"),
        ({"embedding": [*E.tolist()[:-1], [1.0, None, 1.0, 1.0]]}, "NaN .*first in row 23"),
        (
            dimensions() | {"target": Y, "class": Y, "label": None},
            "'target' and 'class' may both be the column 'label'",
        ),
    ],
)
def test_what_is_ambiguous_or_lacking_is_refused_with_the_choices(
    tmp_path: Path, columns: dict[str, Any], sentence: str
) -> None:
    table = {name: column for name, column in (LABEL | columns).items() if column is not None}
    with pytest.raises(InputError, match=sentence) as refusal:
        import_table(tmp_path, table)
    assert "own.parquet" in str(refusal.value)
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize(
    ("chosen", "note"),
    [("d", "columns d0, d1, d2, d3"), ("e3,d0", "columns e3, d0"), ("count", "column count"), ("v", "column v")],
)
def test_the_dimensions_can_be_chosen(tmp_path: Path, chosen: str, note: str) -> None:
    table = {**LABEL, **dimensions("d"), **dimensions("e"), "count": Y, "v": E.tolist(), "w": E.tolist()}
    assert import_table(tmp_path, table, columns=chosen)[1].notes[0] == f"Embeddings are {note}"


def test_a_choice_that_is_none_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="--columns name: there is no such column of numbers; there are columns d0, d1"
    ):
        import_table(tmp_path, {**LABEL, **dimensions(), "name": [*"ab"] * (N // 2)}, columns="name")


@pytest.mark.parametrize("name", ["labels", "Class", "target", "y", "Label"])
def test_labels_may_have_other_names(tmp_path: Path, name: str) -> None:
    run, _ = import_table(tmp_path, {name: [WORDS[k] for k in Y], **dimensions()})
    assert run.points.class_names == tuple(sorted(WORDS))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array(Y), *map(pa.array, E.T)], names=["label", "d0", "d1", "d1", "d2"])
    with pytest.raises(InputError, match="two columns are called 'd1'"):
        import_table(tmp_path, table)
