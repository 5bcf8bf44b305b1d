"""What cannot be measured says so: of images at one place no neighbours are kept, and trust in them is never 1."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.space.neighbours import compare_samples, find_nearest
from explorer.space.quality import (
    Measure,
    decision_quality,
    jitter,
    neighbours_kept,
    temporal_neighbours,
    temporal_preserving,
    trustworthiness,
    variance_shown,
    view_quality,
)
from mtm.runs import Run

ONE_PLACE = "Not defined: all images are at one place."
ONE = np.full((40, 6), 0.1)
CLOUD = np.random.default_rng(0).normal(size=(40, 6))


def recorded(folder: Path, snapshots: list[Any], y: Any = None) -> tuple[Run, Any]:
    """A run of these embeddings, and its first two dimensions as frames."""
    y = np.arange(len(snapshots[0])) % 2 if y is None else y
    run = Run.create(folder)
    for t, e in enumerate(snapshots):
        run.log(e, y, np.ones((int(y.max()) + 1, e.shape[1])) + t, epoch=t)
    basis = np.eye(snapshots[0].shape[1], 2)
    points = np.stack([run.snapshot(t).embeddings.astype(np.float64) @ basis for t in range(len(snapshots))])
    names = [path.name for path in run.snapshots]
    return run, SimpleNamespace(
        points=points, targets=None, centres=None, origin=np.zeros(len(basis)), basis=basis, snapshots=names, twice=None
    )


def measures(run: Run, frames: Any) -> dict[str, Measure]:
    return view_quality(run, frames) | decision_quality(run, frames, "euc_ce")


def test_of_images_at_one_place_nothing_is_measured(tmp_path: Path) -> None:
    for name, m in measures(*recorded(tmp_path / "run", [ONE] * 6)).items():
        if name != "boundary_kept":  # a tenth of 40 is too few
            assert m.shown == "-", name
            assert math.isnan(m.value), name
    many = recorded(tmp_path / "many", [np.full((400, 6), 0.1)] * 6)
    assert {m.text for m in measures(*many).values()} == {ONE_PLACE}


def test_the_measures_themselves_are_nan_there() -> None:
    x, u = np.stack([ONE] * 6), np.zeros((6, 40, 2))
    assert math.isnan(neighbours_kept(ONE, u[0], 5))
    assert math.isnan(trustworthiness(ONE, u[0], 5))
    assert math.isnan(trustworthiness(CLOUD, u[0], 5))  # a picture that shows them at one place
    assert math.isnan(temporal_preserving(list(x), u, 5))
    assert math.isnan(temporal_neighbours(list(x), u, 3))
    assert math.isnan(jitter(u[0], u[0]))
    assert math.isnan(variance_shown(ONE, u[0]))


def test_one_snapshot_of_no_extent_leaves_the_others_measured(tmp_path: Path) -> None:
    measured = measures(*recorded(tmp_path / "run", [ONE, *(CLOUD + t for t in range(4))]))
    kept = measured["neighbours_kept"]
    assert math.isnan(kept.over_time[0])
    assert kept.value == pytest.approx(np.mean(kept.over_time[1:]))
    assert kept.definition.endswith("Mean over 4 of the 5 snapshots at which it is defined.")
    assert measured["temporal_preserving"].text == "Not defined: at some snapshot no image has 15 nearest others."


@pytest.mark.parametrize("copies", [17, 40])
def test_classes_that_have_collapsed_have_no_nearest_images(copies: int) -> None:
    x = np.repeat(CLOUD[:10], copies, axis=0)
    comparison = compare_samples(x, x[:, :2], 15)
    assert math.isnan(comparison.kept)
    assert math.isnan(comparison.trust)
    assert comparison.why_undefined == "Not defined: every image has more than 15 others at its very place."
    assert compare_samples(x, x, copies - 1).kept == copies - 1  # these are the nearest


def test_duplicates_fewer_than_the_neighbours_are_measured_and_the_others_left_out() -> None:
    apart = np.random.default_rng(1).normal(size=(60, 6))
    x = np.concatenate([np.repeat(CLOUD[:1] + 9, 30, axis=0), apart])
    comparison = compare_samples(x, x[:, :2], 15)
    assert comparison.is_defined.tolist() == [False] * 30 + [True] * 60
    assert 0 < comparison.kept < 15
    whole = compare_samples(x, x, 15)  # a picture of all dimensions
    assert whole.kept == 15
    assert whole.trust == 1


def test_a_cloud_far_from_the_origin_is_no_single_place() -> None:
    assert find_nearest(1e6 + CLOUD, 5).is_defined.all()
    assert find_nearest(1e-6 * CLOUD, 5).is_defined.all()
    assert not find_nearest(1e6 + ONE, 5).is_defined.any()
    assert not find_nearest(ONE, 5, "cosine").is_defined.any()
    assert find_nearest(CLOUD, 5, "cosine").is_defined.all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_images_are_too_few(tmp_path: Path, n: int) -> None:
    measured = measures(*recorded(tmp_path / "run", [CLOUD[:n] + t for t in range(5)], np.arange(n)))
    for name in ("neighbours_kept", "trustworthiness", "temporal_preserving"):
        assert measured[name].text == "There are too few images to measure this."


def test_places_that_are_no_numbers_are_not_measured() -> None:
    u = CLOUD[:, :2].copy()
    u[3] = np.nan
    comparison = compare_samples(CLOUD, u, 5)
    assert math.isnan(comparison.trust)
    assert comparison.why_undefined == "Not defined: some places are no numbers."


def test_one_class_is_measured(tmp_path: Path) -> None:
    measured = measures(*recorded(tmp_path / "run", [CLOUD + t for t in range(5)], np.zeros(40, np.int64)))
    assert 0.5 < measured["trustworthiness"].value < 1
    assert measured["boundary_kept"].text == "There are too few images near the boundary to measure this."
