"""Pictures of a run that grows between two requests of a page: the second is of the same snapshots as the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import until

from explorer.library import Library
from explorer.space.views import Picture, Views
from mtm.errors import InputError
from mtm.runs import Run


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    views = Views(Library(tmp_path / "runs", tmp_path / "demo"), tmp_path / "cache")
    yield views
    views.close()


@pytest.fixture
def growing(tmp_path: Path) -> Run:
    run = Run.create(tmp_path / "runs" / "growing")
    for t in range(3):
        grow(run, t)
    return run


def grow(run: Run, t: int) -> None:
    e = np.random.default_rng(t).standard_normal((60, 6)) + 3 * np.eye(3, 6)[np.arange(60) % 3]
    run.log(e, np.arange(60) % 3, np.eye(3, 6), epoch=t)


def laid_out(views: Views, picture: Picture) -> None:
    def is_done() -> bool:
        job = views.lay_out(picture)
        assert job["state"] in ("queued", "running", "done"), job
        return bool(job["state"] == "done")

    until(is_done)


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_picture_of_so_many_snapshots_stays_the_same_when_more_come(views: Views, growing: Run, method: str) -> None:
    whole = Picture("growing", method)
    assert views.progress(whole)["state"] == "none"  # to look starts nothing
    laid_out(views, whole)
    before = views.frames(whole)[1]
    n = views.progress(whole)["n"]
    assert n == len(before.snapshots) == 3
    grow(growing, 3)
    pinned = Picture("growing", method, n=n)
    np.testing.assert_array_equal(views.frames(pinned)[1].points, before.points)
    assert views.regions(pinned, "euc")[2].decisions.shape == (3, 60)
    assert views.trust(pinned, "euc", "best")
    laid_out(views, Picture("growing", method, {"first": 3}, 4))
    more = views.frames(Picture("growing", method, {"first": 3}, 4))[1]
    assert len(more.snapshots) == 4
    np.testing.assert_allclose(more.points[:3], before.points, rtol=1e-5)


def test_a_picture_is_shown_where_nothing_can_be_stored(growing: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where the cache folder should be")
    views = Views(Library(tmp_path / "runs", tmp_path / "demo"), tmp_path / "file")
    assert views.frames(Picture("growing", "pca"))[1].points.shape == (3, 60, 2)


def test_a_lasso_in_umap_means_the_newest_layout_there_is(views: Views, growing: Run) -> None:
    whole, joined = Picture("growing", "umap"), Picture("growing", "umap", {"first": 3})
    with pytest.raises(InputError, match="not computed yet"):
        views.newest(whole)
    laid_out(views, whole)
    before = views.newest(whole).points
    grow(growing, 3)
    np.testing.assert_array_equal(views.newest(whole).points, before)
    np.testing.assert_array_equal(views.newest(joined).points, before)
    laid_out(views, joined)
    assert len(views.newest(joined).points) == 4
    assert len(views.newest(Picture("growing", "pca")).points) == 4
