"""A release is gradient descent on all points."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lab_scenes import every_loss, loss_of, scene

from explorer.lab.landscape import Scene
from explorer.lab.release import release_points
from mtm.errors import InputError
from mtm.losses import ClassProximity, Euclidean, PushPull


@every_loss
def test_a_release_is_gradient_descent_with_momentum(name):
    loss, around = loss_of(name), scene("sum")
    paths = release_points(loss, around, 20, 1e-3, 0.6)
    e, c = (torch.nn.Parameter(torch.tensor(x)) for x in (around.e, around.c))
    descent = torch.optim.SGD([e, c], lr=1e-3, momentum=0.6)
    for step in range(20):
        np.testing.assert_allclose(paths.e[step], e.detach(), rtol=1e-9)
        np.testing.assert_allclose(paths.c[step], c.detach(), rtol=1e-9)
        descent.zero_grad()
        total = loss(e, c, torch.tensor(around.y)).sum()
        assert paths.losses[step] == pytest.approx(float(total.detach()))
        total.backward()
        descent.step()


def test_released_classes_collapse_under_euclidean_and_keep_apart_under_proximity():
    e, c = np.array([[0, 1], [0.2, 0.8], [2, 2], [2, 2.5]]), np.array([[4, 0.0], [-4, 0]])
    around = Scene(e, c, np.array([0, 1, 0, 1]), "sum")
    together = release_points(Euclidean(), around, 300, 0.05, move_e=False).c[-1]
    apart = release_points(ClassProximity(r=50.0), around, 300, 0.05, move_e=False).c[-1]
    assert np.linalg.norm(together[0] - together[1]) < 0.3
    assert np.linalg.norm(apart[0] - apart[1]) > 3


def test_a_release_that_runs_away_ends_and_says_so():
    paths = release_points(PushPull(1.5), scene("e"), 2000, 5.0)
    assert len(paths.losses) < 2001
    assert "no number can follow" in paths.problem
    assert np.isfinite(paths.e).all()


def test_points_that_may_not_move_stay():
    around = scene("sum")
    assert (release_points(Euclidean(), around, 5, 0.1, move_e=False).e == around.e).all()
    assert (release_points(Euclidean(), around, 5, 0.1, move_c=False).c == around.c).all()


@pytest.mark.parametrize("settings", [{"steps": 0}, {"steps": 10**6}, {"step_size": 0.0}, {"momentum": 1.0}])
def test_invalid_settings_of_a_release_are_refused(settings):
    with pytest.raises(InputError):
        release_points(Euclidean(), scene(), **settings)
