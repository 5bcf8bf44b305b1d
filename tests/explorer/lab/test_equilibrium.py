"""At an equilibrium there is no force, and no position near it has a lower loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lab_scenes import every_loss, every_way, loss_of, scene

from explorer.lab.descriptions import find_equilibrium
from explorer.lab.landscape import compute_forces, compute_values
from explorer.lab.release import release_points
from mtm.losses import PushPull


@every_loss
@every_way
@pytest.mark.parametrize("dim", [2, 5])
def test_at_an_equilibrium_there_is_no_force_and_nowhere_near_is_lower(name, vary, dim):
    loss, around = loss_of(name), scene(vary, dim=dim, y=[1, 1, 0])
    equilibrium = find_equilibrium(loss, around)
    assert equilibrium.words.endswith(".")
    point = equilibrium.point
    if point is None:
        return
    at = replace(around, e=np.vstack([point, around.e[1:]])) if vary == "e" else moved_target(around, point)
    own = compute_forces(loss, at).e[0] if vary == "e" else compute_forces(loss, at).c[1]
    np.testing.assert_allclose(own, 0, atol=1e-9)
    u = at.project(point) + 0.1 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
    assert (compute_values(loss, at, u) >= compute_values(loss, at, at.project(point)[None])[0] - 1e-12).all()


def moved_target(around, point):
    c = around.c.copy()
    c[around.label] = point
    return replace(around, c=c)


@pytest.mark.parametrize("r", [0.0, 0.5, 0.95])
def test_push_and_pull_rests_one_over_one_minus_r_times_as_far_out_as_the_target(r):
    around = scene("e")
    m, target = around.c.mean(axis=0), around.c[around.label]
    point = find_equilibrium(PushPull(r), around).point
    assert point is not None
    np.testing.assert_allclose(point, m + (target - m) / (1 - r))


@pytest.mark.parametrize("r", [1.0, 1.3])
def test_push_and_pull_has_no_rest_for_r_of_one_and_more(r):
    around = scene("e")
    assert find_equilibrium(PushPull(r), around).point is None
    paths = release_points(PushPull(r), around, 400, 0.5, move_c=False)
    out = np.linalg.norm(paths.e[:, 0] - around.c.mean(axis=0), axis=1)
    assert out[-1] > out[200] > out[0]
