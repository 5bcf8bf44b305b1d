"""Projections: what moves on screen moves in the data, the same picture each time, or a clear refusal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from projected_runs import FULL, broken, clusters, make_run, radius
from sklearn.decomposition import PCA

from explorer.space import planes
from explorer.space.projections import PROJECTIONS, Cancelled, Option, offered, project, settings
from mtm.classifiers import predict
from mtm.errors import InputError
from mtm.geometry import class_centres
from mtm.runs import Run

pytest_plugins = ["space_fixtures"]

# The registry


SHOWN = [name for name, projection in PROJECTIONS.items() if projection.refusal(120, 12, 5) is None]  # of `run`
LINEAR = [name for name in SHOWN if PROJECTIONS[name].is_linear]


@pytest.mark.parametrize("method", PROJECTIONS)
def test_every_projection_says_what_it_takes_and_is(tmp_path: Path, method: str) -> None:
    e, c, y = clusters(dim=2)
    run, projection = make_run(tmp_path / "run", e, y, c), PROJECTIONS[method]
    assert method == projection.name
    assert all((projection.label, projection.caption, projection.axis, projection.short))
    assert all(option.label and option.help for option in projection.options)
    frames = project(run, method)
    assert frames.method == method
    assert projection.is_linear == (frames.basis is not None)


@pytest.mark.parametrize(
    ("method", "option"), [(method, option) for method, each in PROJECTIONS.items() for option in each.options]
)
def test_options_are_checked_and_have_the_defaults_that_they_say(run: Run, method: str, option: Option) -> None:
    name = option.name
    assert settings(run, method, {name: option.default}) == settings(run, method, {})
    for wrong, sentence in ((option.low, "or more"), (option.high, "or less")):
        if wrong is not None:
            outside = wrong - 1 if sentence == "or more" else wrong + 1
            with pytest.raises(InputError, match=f"{name} = {outside}: it has to be {wrong} {sentence}"):
                settings(run, method, {name: outside})
    wrong_text = ["a"] if option.is_list else "a"
    with pytest.raises(InputError, match="it has to be a whole number"):
        settings(run, method, {name: wrong_text})


def test_what_a_run_can_be_shown_by_is_offered_the_usual_one_first() -> None:
    assert offered(120, 12, 5)[:3] == ["pca", "centres", "targets"]
    assert offered(120, 2, 5) == list(PROJECTIONS)
    assert next(iter(PROJECTIONS)) == "plane"
    assert not {"plane", "targets", "umap"} & set(offered(3, 12, 2))


# Planes


@pytest.mark.parametrize("method", LINEAR)
def test_a_plane_is_the_same_for_the_whole_run(run: Run, method: str) -> None:
    frames = project(run, method)
    assert frames.origin is not None
    assert frames.basis is not None
    np.testing.assert_allclose(frames.basis.T @ frames.basis, np.eye(2), atol=1e-12)
    for t in range(4):
        s = run.snapshot(t)
        g = class_centres(s.embeddings, run.labels, 5)
        for u, x in ((frames.points, s.embeddings), (frames.targets, s.class_embeddings), (frames.centres, g)):
            assert u is not None
            expected = (np.asarray(x, np.float64) - frames.origin) @ frames.basis
            np.testing.assert_allclose(u[t], expected, atol=1e-5 * FULL)
    assert frames.epochs.tolist() == [0, 1, 2, 3]
    assert frames.snapshots == [f"{t:06d}.safetensors" for t in range(4)]


@pytest.mark.parametrize("method", LINEAR)
def test_what_stands_still_in_the_data_stands_still_on_screen(tmp_path: Path, method: str) -> None:
    e, c, y = clusters()
    e[:, 7] = e[0, 7]
    frames = project(make_run(tmp_path / "run", e, y, c), method)
    assert (frames.points[:, 7] == frames.points[0, 7]).all()
    assert not (frames.points[:, 8] == frames.points[0, 8]).all()


def test_pca_is_that_of_all_snapshots_pooled(run: Run) -> None:
    pooled = np.concatenate([run.snapshot(t).embeddings for t in range(4)]).astype(np.float64)
    pca = PCA(2, svd_solver="full").fit(pooled)
    frames = project(run, "pca")
    assert frames.origin is not None
    assert frames.basis is not None
    np.testing.assert_allclose(np.abs(pca.components_ @ frames.basis), np.eye(2), atol=1e-5)
    np.testing.assert_allclose(frames.origin, pca.mean_, atol=1e-6 * FULL)


def test_centres_is_the_pca_of_the_class_centres(run: Run) -> None:
    centres = np.concatenate([class_centres(run.snapshot(t).embeddings, run.labels, 5) for t in range(4)])
    pca = PCA(2, svd_solver="full").fit(centres)
    np.testing.assert_allclose(np.abs(pca.components_ @ project(run, "centres").basis), np.eye(2), atol=1e-5)


@pytest.mark.parametrize("method", ["pca", "centres", "targets"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_turning_the_space_turns_nothing_on_screen(tmp_path: Path, method: str, seed: int) -> None:
    e, c, y = clusters(seed=seed)
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((12, 12)))[0]
    shift = np.random.default_rng(seed).standard_normal(12)
    one = project(make_run(tmp_path / "a", e * FULL, y, c * FULL), method)
    other = project(make_run(tmp_path / "b", (e @ turn + shift) * FULL, y, (c @ turn + shift) * FULL), method)
    assert np.abs(one.points - other.points).max() < 1e-4 * radius(one.points)
    assert one.targets is not None
    assert other.targets is not None
    assert one.variance is not None
    assert other.variance is not None
    assert np.abs(one.targets - other.targets).max() < 1e-4 * radius(one.points)
    np.testing.assert_allclose(one.variance, other.variance, atol=1e-4)


@pytest.mark.parametrize("method", SHOWN)
def test_the_same_run_gives_the_same_picture_bit_for_bit(run: Run, method: str) -> None:
    one, other = project(run, method), project(run, method)
    assert one.points.tobytes() == other.points.tobytes()
    assert one.targets is not None
    assert other.targets is not None
    assert one.targets.tobytes() == other.targets.tobytes()
    assert one.centres.tobytes() == other.centres.tobytes()


@pytest.mark.parametrize("method", LINEAR)
def test_the_share_of_variance_is_that_of_each_snapshot(run: Run, method: str) -> None:
    frames = project(run, method)
    assert frames.basis is not None
    assert frames.variance is not None
    for t in range(4):
        e = np.asarray(run.snapshot(t).embeddings, np.float64)
        assert frames.variance[t] == pytest.approx((e @ frames.basis).var(axis=0).sum() / e.var(axis=0).sum(), rel=1e-4)


def test_more_dimensions_than_a_covariance_matrix_can_have(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = project(run, "pca")
    monkeypatch.setattr(planes, "EXACT_DIMENSIONS", 3)
    np.testing.assert_allclose(project(run, "pca").points, exact.points, atol=1e-3 * radius(exact.points))


def test_all_axes_alike(tmp_path: Path) -> None:
    """No axis leads: the plane is any, but orthonormal and the same each time."""
    e = np.concatenate([np.eye(20), -np.eye(20)])[None] * FULL
    run = make_run(tmp_path / "run", e, np.arange(40) % 4)
    one, other = project(run, "pca"), project(run, "pca")
    assert one.basis is not None
    assert one.variance is not None
    np.testing.assert_allclose(one.basis.T @ one.basis, np.eye(2), atol=1e-12)
    assert (one.points == other.points).all()
    assert one.variance[0] == pytest.approx(2 / 20, rel=1e-3)


# The plane through three targets


@pytest.mark.parametrize(("classes", "at"), [(None, None), ([4, 0, 2], 1), ([1, 3, 2], -2)])
def test_three_targets_lie_on_their_plane(run: Run, classes: list[int] | None, at: int | None) -> None:
    frames = project(run, "targets", classes=classes, at=at)
    assert frames.origin is not None
    assert frames.basis is not None
    assert frames.targets is not None
    t, three = -1 if at is None else at, classes or [0, 1, 2]
    c = np.asarray(run.snapshot(t).class_embeddings, np.float64)[three]
    u = (c - frames.origin) @ frames.basis
    np.testing.assert_allclose(frames.origin + u @ frames.basis.T, c, atol=1e-9 * FULL)
    np.testing.assert_allclose(frames.targets[t, three], u, rtol=1e-6)
    assert u[1, 0] > u[0, 0]
    assert u[1, 1] == pytest.approx(u[0, 1], abs=1e-9 * FULL)
    assert u[2, 1] > u[0, 1]


def test_which_of_the_three_is_nearest_is_seen_for_every_image(run: Run) -> None:
    frames = project(run, "targets", classes=[3, 1, 4], at=2)
    s = run.snapshot(2)
    assert frames.targets is not None
    assert s.class_embeddings is not None
    three = s.class_embeddings[[3, 1, 4]]
    assert (
        predict("euc_ce", s.embeddings, three) == predict("euc", frames.points[2], frames.targets[2][[3, 1, 4]])
    ).all()


def test_a_linear_head_has_no_targets_but_a_plane_along_its_weight(pure: Run) -> None:
    frames = project(pure, "targets", classes=[2, 0, 4])
    assert frames.targets is None
    s = pure.snapshot(-1)
    assert s.head is not None
    assert frames.origin is not None
    assert frames.basis is not None
    e, (weight, bias) = np.asarray(s.embeddings, np.float64), s.head
    on_plane = frames.origin + frames.points[-1].astype(np.float64) @ frames.basis.T  # the images, moved onto the plane
    for i, j in ((2, 0), (2, 4), (0, 4)):
        expected = (e @ (weight[i] - weight[j])) + bias[i] - bias[j]
        np.testing.assert_allclose(on_plane @ (weight[i] - weight[j]) + bias[i] - bias[j], expected, atol=1e-4)
    g = class_centres(e, pure.labels, 5)
    np.testing.assert_allclose(frames.origin, g.mean(axis=0), atol=1e-6)
    assert project(pure, "pca").targets is None


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"classes": [0, 1]}, "three different classes"),
        ({"classes": [0, 1, 1]}, "three different classes"),
        ({"classes": [0, 1, 9]}, "between 0 and 4"),
        ({"classes": ["a", "b", "c"]}, "whole number"),
        ({"at": 4}, "no snapshot 4"),
        ({"at": "last"}, "whole number"),
    ],
)
def test_a_plane_that_cannot_be_is_refused(run: Run, choice: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        project(run, "targets", **choice)


def test_three_targets_on_a_line(tmp_path: Path) -> None:
    e, c, y = clusters()
    c[-1, 2] = 0.3 * c[-1, 0] + 0.7 * c[-1, 1]
    run = make_run(tmp_path / "run", e, y, c.astype(np.float64))
    with pytest.raises(InputError, match="on one line"):
        project(run, "targets")
    assert project(run, "targets", at=0).basis is not None


# Few dimensions, images, classes, snapshots


def test_two_dimensions_are_shown_as_they_are(tmp_path: Path) -> None:
    e, c, y = clusters(dim=2)
    run = make_run(tmp_path / "run", e, y, c)
    frames = project(run, "plane")
    assert frames.origin is not None
    assert frames.basis is not None
    assert frames.targets is not None
    assert frames.variance is not None
    for t in range(4):
        assert (frames.points[t] == run.snapshot(t).embeddings).all()
        assert (frames.targets[t] == run.snapshot(t).class_embeddings).all()
    assert (frames.basis == np.eye(2)).all()
    assert (frames.origin == 0).all()
    np.testing.assert_allclose(frames.variance, 1)


def test_more_than_two_dimensions_are_not_a_plane(run: Run) -> None:
    with pytest.raises(InputError, match=r"this run has 12; choose pca, centres, targets.* or umap"):
        project(run, "plane")


@pytest.mark.parametrize("method", PROJECTIONS)
@pytest.mark.parametrize(
    "kind", ["one snapshot", "D = 1", "D = 2", "a class missing", "two classes", "one class", "two images", "one place"]
)
def test_little_to_show_is_shown_or_refused_with_a_sentence(tmp_path: Path, method: str, kind: str) -> None:
    n_classes = {"two classes": 2, "one class": 1, "two images": 2}.get(kind, 4)
    dim = {"D = 1": 1, "D = 2": 2}.get(kind, 6)
    e, c, y = clusters(1 if kind == "one snapshot" else 3, 2 if kind == "two images" else 40, dim, n_classes)
    if kind == "a class missing":
        e, y = e[:, y != 1], y[y != 1]
    if kind == "one place":
        e[:] = 1.5
    run = make_run(tmp_path / "run", e, y, c)
    if PROJECTIONS[method].refusal(len(y), dim, n_classes) or (method == "targets" and dim == 1):
        with pytest.raises(InputError, match=" "):
            project(run, method)
        return
    frames = project(run, method)
    assert np.isfinite(frames.points).all()
    assert frames.targets is not None
    assert np.isfinite(frames.targets).all() or method == "umap"
    missing = np.isin(np.arange(n_classes), y, invert=True)
    assert (np.isnan(frames.centres).any(axis=2) == missing).all()
    if dim == 1 and method != "umap":
        assert frames.origin is not None
        assert frames.basis is not None
        assert (frames.points[..., 1] == 0).all()
        moved = frames.points[..., 0] * frames.basis[0, 0] + frames.origin[0]
        np.testing.assert_allclose(
            moved, np.stack([run.snapshot(t).embeddings[:, 0] for t in range(len(e))]), atol=0.01
        )


def test_one_snapshot_and_two_classes_still_fill_a_plane(tmp_path: Path) -> None:
    """Two class centres are on a line: the second axis is the one along which the images vary most beside it."""
    rng = np.random.default_rng(0)
    e, y = rng.standard_normal((200, 5)) * [1, 1, 8, 1, 1], np.arange(200) % 2
    e[y == 1, 0] += 30
    frames = project(make_run(tmp_path / "run", e[None], y), "centres")
    assert frames.basis is not None
    assert abs(frames.basis[0, 0]) > 0.95
    assert abs(frames.basis[2, 1]) > 0.95
    np.testing.assert_allclose(frames.basis.T @ frames.basis, np.eye(2), atol=1e-9)


def test_embeddings_of_any_size(tmp_path: Path) -> None:
    e, c, y = clusters()
    one = project(make_run(tmp_path / "a", e * FULL, y, c * FULL), "pca")
    for size in (1e15, 1e-20):
        other = project(make_run(tmp_path / f"{size}", e * FULL * size, y, c * FULL * size), "pca")
        scaled = one.points.astype(np.float64) * size
        np.testing.assert_allclose(other.points, scaled, atol=0.01 * radius(scaled))


def test_a_run_without_snapshots_and_an_unknown_method(tmp_path: Path, run: Run) -> None:
    with pytest.raises(InputError):
        project(Run.create(tmp_path / "empty"), "pca")
    with pytest.raises(InputError, match=f"unknown projection 'tsne'; choose from {', '.join(PROJECTIONS)}"):
        project(run, "tsne")


@pytest.mark.parametrize("method", ["pca", "umap", "centres"])
def test_a_diverged_snapshot_is_named(run: Run, method: str) -> None:
    e = np.array(run.snapshot(2).embeddings)
    e[5, 3] = np.nan
    broken(run, 2, embeddings=e)
    with pytest.raises(InputError, match="not numbers"):
        project(run, method)


def test_a_damaged_snapshot_is_left_out(run: Run) -> None:
    path = run.folder / "snapshots" / "000001.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    broken(run, 2, embeddings=np.zeros((120, 3), np.float32))
    frames = project(run, "pca")
    assert frames.snapshots == ["000000.safetensors", "000003.safetensors"]
    assert frames.epochs.tolist() == [0, 3]


def test_only_some_snapshots(run: Run) -> None:
    names = ["000001.safetensors", "000003.safetensors"]
    assert project(run, "pca", snapshots=names).snapshots == names


@pytest.mark.parametrize("method", SHOWN)
def test_progress_grows_and_a_cancel_ends_it(run: Run, method: str) -> None:
    shares: list[float] = []
    project(run, method, progress=lambda share, what: shares.append(share))
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1
    calls = iter([False, False, True])
    with pytest.raises(Cancelled):
        project(run, method, cancelled=lambda: next(calls))


# What the server imports


def test_projecting_needs_neither_umap_nor_numba_nor_torch() -> None:
    code = "import sys, explorer.space.projections, explorer.space.worker;"
    code += "assert not {'umap', 'numba', 'torch', 'sklearn', 'scipy'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
