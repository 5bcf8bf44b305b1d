"""A scene in a run holds the run's real vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lab_scenes import every_way, point_by_point, positions_of, value

from explorer.lab.landscape import compute_landscape
from explorer.lab.run_scene import PLANES, displace, load_run_scene
from mtm.errors import InputError
from mtm.losses import Comparison
from mtm.runs import Run


@pytest.mark.parametrize("plane", PLANES)
@every_way
def test_a_landscape_in_a_run_is_the_loss_of_its_real_vectors(finished_run: Path, plane, vary):
    run = Run.open(finished_run)
    run_scene = load_run_scene(run, 1, vary, image=7, plane=plane)
    snapshot = run.snapshot(1)
    e, c = torch.tensor(snapshot.embeddings[7:8]).double(), torch.tensor(snapshot.class_embeddings).double()
    np.testing.assert_allclose(run_scene.scene.basis.T @ run_scene.scene.basis, np.eye(2), atol=1e-12)
    loss = Comparison()
    at = run_scene.scene.project(run_scene.scene.moved_point)
    assert value(loss, run_scene.scene, *at) == pytest.approx(float(loss(e, c, torch.tensor(run.labels[7:8]).long())))
    grid = compute_landscape(loss, run_scene.scene, (*(at - 3), *(at + 3)), 12)
    np.testing.assert_allclose(
        grid.values.ravel(), point_by_point(loss, run_scene.scene, positions_of(grid)), rtol=1e-9
    )


def test_the_plane_through_three_points_holds_them(finished_run: Path):
    run_scene = load_run_scene(Run.open(finished_run), 2, "e", image=3)
    around = run_scene.scene
    assert run_scene.rival is not None
    for x in (around.e[0], around.c[around.label], around.c[run_scene.rival]):
        np.testing.assert_allclose(around.origin + around.basis @ around.project(x), x, atol=1e-9)


def test_dragging_moves_the_real_vector_along_the_plane(finished_run: Path):
    around = load_run_scene(Run.open(finished_run), 2, "e", image=3).scene
    moved = displace(around, {0: (1.0, -2.0)}, {4: (0.5, 0.0)})
    np.testing.assert_allclose(moved.e[0] - around.e[0], around.basis @ [1.0, -2.0])
    np.testing.assert_allclose(moved.c[4] - around.c[4], around.basis @ [0.5, 0.0])
    with pytest.raises(InputError, match="no point c"):
        displace(around, {}, {99: (0, 0)})


def test_a_class_is_a_handful_of_its_images(finished_run: Path):
    run = Run.open(finished_run)
    run_scene = load_run_scene(run, 0, "sum", label=2)
    assert (run.labels[run_scene.images] == 2).all()
    assert 1 <= len(run_scene.images) <= 12


@pytest.mark.parametrize(("choice", "message"), [
    ({"image": 10**6}, "no number"), ({"label": 77}, "no image of class"), ({"image": 0, "plane": "x"}, "choose from"),
])  # fmt: skip
def test_what_a_run_does_not_have_is_refused(finished_run: Path, choice, message):
    with pytest.raises(InputError, match=message):
        load_run_scene(Run.open(finished_run), 0, "e", **choice)
