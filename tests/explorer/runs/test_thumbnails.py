"""Thumbnails show what was recorded, are small, and are drawn only once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import small

from explorer.app import create_app
from explorer.figures.colours import class_colour
from explorer.library import Library
from explorer.runs import thumbnails
from explorer.runs.thumbnails import SIDE, Thumbnails, draw, flatten
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run


def read_points(picture: str) -> dict[str, list[tuple[float, float]]]:
    """The images of a thumbnail, by colour."""
    paths = re.findall(r'stroke="(#\w+)" d="([^"]+)"', picture)
    return {colour: [(float(x), float(y)) for x, y in re.findall(r"M(\S+) (\S+?)h0", d)] for colour, d in paths}


def read_targets(picture: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'cx="(\S+)" cy="(\S+)"', picture)]


def log_run(folder: Path, e: Any, y: Any, **more: Any) -> Run:
    run = Run.create(folder)
    run.log(embeddings=np.asarray(e, np.float32), labels=y, **more)
    return run


def test_two_dimensions_are_drawn_as_they_are(tmp_path: Path) -> None:
    e = np.array([[0, 0], [4, 0], [0, 2], [4, 2]]) * 1.0
    c = np.array([[1, 1], [3, 1]]) * 1.0
    picture = draw(log_run(tmp_path / "flat", e, [0, 1, 0, 1], class_embeddings=c))
    points = read_points(picture)
    assert list(points) == [class_colour(0), class_colour(1)]
    (a, b), (left, right) = points[class_colour(0)], read_targets(picture)
    assert b[1] < a[1]  # up is up
    assert b[0] == a[0]
    across = points[class_colour(1)][0][0] - a[0]
    assert across == pytest.approx(2 * (a[1] - b[1]), abs=0.2)  # one scale for both axes
    assert right[0] - left[0] == pytest.approx(across / 2, abs=0.2)
    everything = [place for places in points.values() for point in places for place in point]
    assert min(everything) >= 0
    assert max(everything) <= SIDE


def test_main_axes_do_not_depend_on_how_the_space_is_turned() -> None:
    rng = np.random.default_rng(0)
    e, c = rng.normal(size=(60, 9)) * np.arange(1, 10), rng.normal(size=(3, 9))
    y = np.arange(60) % 3
    rotation = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    u, targets = flatten(e, y, c)
    rotated, rotated_targets = flatten(e @ rotation, y, c @ rotation)
    np.testing.assert_allclose(rotated, u, atol=1e-9)
    np.testing.assert_allclose(rotated_targets, targets, atol=1e-9)
    variances = np.sort(np.linalg.eigvalsh(np.cov(e.T)))[::-1][:2]
    np.testing.assert_allclose(u.var(axis=0, ddof=1), variances)


@pytest.mark.parametrize("shape", [(1, 5), (6, 1), (6, 3)])
def test_small_and_still_spaces_are_drawn(tmp_path: Path, shape: tuple[int, int]) -> None:
    points = read_points(draw(log_run(tmp_path / "small", np.zeros(shape), np.arange(shape[0]) % 2)))
    assert {point for places in points.values() for point in places} == {(SIDE / 2, SIDE / 2)}


def test_an_outlier_does_not_crowd_the_others(tmp_path: Path) -> None:
    e = np.random.default_rng(0).normal(size=(200, 2))
    e[0] = 1e4
    x = [
        x for places in read_points(draw(log_run(tmp_path / "far", e, np.arange(200) % 4))).values() for x, _ in places
    ]
    assert np.quantile(x, 0.9) - np.quantile(x, 0.1) > SIDE / 3


def test_a_thumbnail_is_small_however_large_the_run(tmp_path: Path) -> None:
    e = np.random.default_rng(0).normal(size=(20_000, 16))
    picture = draw(log_run(tmp_path / "large", e, np.arange(20_000) % 100, class_embeddings=e[:100]))
    assert len(picture) < 16_000
    assert len(read_points(picture)) == 10  # colours; a hundred classes
    assert len(read_targets(picture)) == 100


def test_a_linear_head_has_no_targets(tmp_path: Path) -> None:
    run = log_run(tmp_path / "pure", np.eye(4), [0, 0, 1, 1], weight=np.ones((2, 4)), bias=np.ones(2))
    assert read_targets(draw(run)) == []


def test_only_the_newest_snapshot_is_drawn_and_only_once(
    runs: Path, recorded: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings: list[str] = []

    def draw_and_note(run: Run) -> str:
        drawings.append(run.name)
        return draw(run)

    monkeypatch.setattr(thumbnails, "draw", draw_and_note)
    pictures = Thumbnails(Library(runs))
    before = pictures.svg("one")
    assert pictures.svg("one") == before
    assert drawings == ["one"]
    assert before == draw(Run.open(runs / "one"))
    newer = replace(recorded[2], index=3, embeddings=recorded[2].embeddings[::-1].copy())
    Run.open(runs / "one").record(newer)
    assert pictures.svg("one") != before
    assert drawings == ["one", "one"]


def test_the_browser_keeps_a_thumbnail_and_asks(runs: Path, tmp_path: Path) -> None:
    client = create_app(runs, tmp_path / "demo", tmp_path / "cache").server.test_client()
    first = client.get("/api/thumbnail?run=one&n=3")
    assert first.mimetype == "image/svg+xml"
    assert first.text == draw(Run.open(runs / "one"))
    again = client.get("/api/thumbnail?run=one&n=3", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    Run.create(runs / "empty", small())
    for name, refusal in {"empty": "has no snapshots", "..": "there is no run", "nowhere": "there is no run"}.items():
        response = client.get(f"/api/thumbnail?run={name}")
        assert response.status_code == (400 if name == "empty" else 404)
        assert refusal in response.json["error"]
