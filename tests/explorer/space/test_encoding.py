"""What the browser gets of a run: it comes back, positions are true to half a step, missing values stay missing."""

from __future__ import annotations

import io
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from explorer.figures.colours import CLASS_COLOURS, RAMP, RIGHT, WRONG
from explorer.space import encoding
from explorer.web import binary

RNG = np.random.default_rng(0)


def frames(t: int = 6, n: int = 200, c: int = 10) -> Any:
    """What `explorer.space.frames.Frames` has."""
    return SimpleNamespace(
        method="pca",
        points=RNG.normal(3, 20, (t, n, 2)).astype(np.float32),
        targets=RNG.normal(3, 20, (t, c, 2)).astype(np.float32),
        centres=RNG.normal(3, 20, (t, c, 2)).astype(np.float32),
        epochs=np.linspace(0, 2, t),
        variance=np.linspace(0.2, 0.5, t),
        snapshots=[f"{i:06}.safetensors" for i in range(t)],
    )


def restore_points(codes: NDArray[np.uint16], box: Any) -> NDArray[np.float64]:
    """Positions (T, N, 2) from their codes, as the player reads them; NaN where there is none."""
    low, high = np.asarray(box, dtype=np.float64).reshape(2, 2)
    return np.where(codes == 65535, np.nan, low + codes / 65535 * (high - low))


@pytest.mark.parametrize("spread", [1e-6, 1.0, 1e6])
def test_positions_are_true_to_half_a_step(spread: float) -> None:
    points = (RNG.normal(0, spread, (4, 500, 2)) * [1, 30] + 7 * spread).astype(np.float32)
    codes, box = encoding.quantise_points(points)
    assert codes.dtype == np.uint16
    step = (box[2:] - box[:2]) / 65535
    error = np.abs(restore_points(codes, box) - points)
    assert (error <= step / 2 * (1 + 1e-9)).all()
    np.testing.assert_allclose(box, [*points.min((0, 1)), *points.max((0, 1))], atol=float(1.001 * step.max()))


def test_what_does_not_move_has_the_same_code() -> None:
    points = RNG.normal(size=(3, 50, 2))
    points[:, :20] = points[0, :20]
    codes, _ = encoding.quantise_points(points)
    assert (codes[:, :20] == codes[0, :20]).all()


def test_a_point_without_position_stays_without() -> None:
    points = RNG.normal(size=(3, 50, 2))
    points[1, 4] = np.nan
    points[2, 7, 0] = np.inf
    restored = restore_points(*encoding.quantise_points(points))
    missing = np.zeros((3, 50), bool)
    missing[1, 4] = missing[2, 7] = True
    assert (np.isnan(restored).any(-1) == missing).all()
    assert (encoding.quantise_points(points)[0] != 65535).any(-1)[~missing].all()


@pytest.mark.parametrize("points", [np.zeros((2, 3, 2)), np.full((2, 3, 2), 1e9), np.zeros((2, 0, 2))])
def test_a_cloud_without_extent_can_be_sent(points: NDArray[np.float64]) -> None:
    codes, box = encoding.quantise_points(points)
    assert (box[2:] > box[:2]).all()
    np.testing.assert_allclose(restore_points(codes, box), points)


def test_a_line_can_be_sent() -> None:
    points = np.stack([np.linspace(0, 1, 20), np.full(20, 5.0)], -1)[None]
    np.testing.assert_allclose(restore_points(*encoding.quantise_points(points)), points, atol=1e-5)


@pytest.mark.parametrize(("n", "c"), [(500, 10), (1000, 10), (10_000, 100)])
def test_five_bytes_a_point_and_snapshot_at_most(n: int, c: int) -> None:
    t = 25
    data = encoding.encode_frames(frames(t, n, c), class_names=[f"class {k}" for k in range(c)])
    assert len(data) <= 5 * t * n  # everything that has to do with positions: targets, centres and header too


def test_frames_come_back() -> None:
    sent = frames()
    names = [f"class {k}" for k in range(10)]
    arrays, meta = binary.decode(encoding.encode_frames(sent, class_names=names, name="a run", total=10_000))
    restored = restore_points(arrays["points"], meta["box"])
    np.testing.assert_allclose(restored, sent.points, atol=float(np.ptp(sent.points)) / 65535)
    np.testing.assert_array_equal(arrays["targets"], sent.targets)
    np.testing.assert_array_equal(arrays["centres"], sent.centres)
    assert (meta["n"], meta["total"], meta["name"], meta["class_names"]) == (200, 10_000, "a run", names)
    np.testing.assert_allclose(meta["epochs"], sent.epochs)
    np.testing.assert_allclose(meta["variance"], sent.variance)


def test_a_run_without_targets_has_none_in_its_frames() -> None:
    sent = frames()
    sent.targets = None
    arrays, _ = binary.decode(encoding.encode_frames(sent, class_names=["x"] * 10))
    assert arrays["targets"].shape == (6, 10, 2)
    assert np.isnan(arrays["targets"]).all()


@pytest.mark.parametrize(("n_classes", "dtype"), [(10, np.uint8), (255, np.uint8), (300, np.uint16)])
def test_attributes_come_back(n_classes: int, dtype: type) -> None:
    labels = RNG.integers(0, n_classes, 100)
    predictions = RNG.integers(0, n_classes, (4, 100))
    margins = RNG.exponential(size=(4, 100)) * np.array([1, 10, 100, 1000])[:, None]
    margins[2, 5] = np.nan
    data = encoding.encode_attributes(
        labels,
        class_names=[str(k) for k in range(n_classes)],
        predictions={"euc": predictions},
        margins={"euc": margins},
        centre_distances=margins,
        indices=np.arange(100) + 70_000,
    )
    arrays, meta = binary.decode(data)
    assert arrays["labels"].dtype == arrays["predictions.euc"].dtype == dtype
    np.testing.assert_array_equal(arrays["labels"], labels)
    np.testing.assert_array_equal(arrays["predictions.euc"], predictions)
    np.testing.assert_array_equal(arrays["indices"], np.arange(100) + 70_000)
    assert "distances.target" not in arrays
    for name in ("margins.euc", "distances.centre"):
        low, high = np.array(meta["scales"][name]).T[..., None]
        restored = np.where(arrays[name] == 255, np.nan, low + arrays[name] / 254 * (high - low))
        assert np.isnan(restored[2, 5])
        error = np.abs(restored - margins) / (high - low)
        assert np.nanmax(error) <= 0.5 / 254 * 1.001
        assert meta["shown"][name] == pytest.approx(np.nanquantile(margins, [0.01, 0.99]).tolist())
    assert (tuple(meta["palette"]), tuple(meta["ramp"]), meta["right"], meta["wrong"]) == (
        CLASS_COLOURS, RAMP, RIGHT, WRONG,
    )  # fmt: skip


def test_values_that_are_all_the_same_or_all_unknown_can_be_sent() -> None:
    codes, scales, _ = encoding.quantise_values(np.array([[2.0, 2.0], [np.nan, np.inf]]))
    assert codes.tolist() == [[0, 0], [255, 255]]
    assert scales[0] == [2.0, 2.0]


def test_regions_come_back_without_rounding() -> None:
    sent: Any = SimpleNamespace(
        kind="power", affine=RNG.normal(size=(5, 7, 3)), square=RNG.random((5, 7)), step=RNG.random((4, 7))
    )
    sent.affine[1, 2] = np.nan
    arrays, meta = binary.decode(encoding.encode_regions(sent, mode="exact"))
    for name in ("affine", "square", "step"):
        np.testing.assert_array_equal(arrays[name], getattr(sent, name))
    assert meta == {"kind": "power", "mode": "exact"}


def test_a_vote_map_comes_back() -> None:
    classes, evidence = RNG.integers(-1, 5, (3, 4, 6)), RNG.random((3, 4, 6))
    arrays, meta = binary.decode(encoding.encode_vote(classes, evidence, [0, 1, 2, 3]))
    np.testing.assert_array_equal(np.where(arrays["classes"] == 255, -1, arrays["classes"].astype(int)), classes)
    np.testing.assert_allclose(arrays["evidence"] / 255, evidence, atol=0.5 / 255)
    assert (meta["kind"], meta["box"]) == ("vote", [0, 1, 2, 3])


@pytest.mark.parametrize("shape", [(10, 6, 5), (9, 5, 5), (10, 4, 6, 3), (1, 3, 3)])
def test_the_sprite_sheet_has_every_thumbnail_in_its_cell(shape: tuple[int, ...]) -> None:
    images = RNG.integers(0, 256, shape, dtype=np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(encoding.sprite_sheet(images))))
    columns = math.ceil(math.sqrt(shape[0]))
    height, width = shape[1:3]
    assert sheet.shape[1] == columns * width
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        cell = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        np.testing.assert_array_equal(cell, image)


def test_a_large_sprite_sheet_gets_smaller_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "MAX_SHEET", 100)
    images = np.full((100, 20, 20), 90, np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(encoding.sprite_sheet(images))))
    assert sheet.shape == (100, 100)
    assert (sheet == 90).all()
