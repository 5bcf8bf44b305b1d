"""The paper's landscape figures show what it says of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lab_scenes import load_preset, positions_of, value

from explorer.lab.landscape import compute_landscape
from explorer.lab.presets import PRESETS
from mtm.losses import Euclidean, describe_loss


def test_figure_5_closer_to_e_is_lower_and_the_other_targets_do_not_matter():
    loss, around, landscape = load_preset("5")
    far = np.linalg.norm(positions_of(landscape) - around.e[0], axis=1)
    assert (np.diff(landscape.values.ravel()[np.argsort(far)]) >= -1e-9).all()
    elsewhere = replace(around, c=np.array([around.c[0], [9.0, 9.0], [-9.0, 0.0]]))
    np.testing.assert_array_equal(compute_landscape(loss, elsewhere, PRESETS["5"].box).values, landscape.values)
    assert value(loss, around, *around.e[0]) == 0


def test_figure_6_falls_with_the_angle_from_the_origin_and_peaks_opposite_e():
    loss, around, landscape = load_preset("6")
    e = around.e[0]
    u = positions_of(landscape)
    cosines = u @ e / np.linalg.norm(u, axis=1) / np.linalg.norm(e)
    assert (np.diff(landscape.values.ravel()[np.argsort(cosines)]) <= 1e-9).all()
    assert value(loss, around, *(0.3 * e)) == pytest.approx(value(loss, around, *(2 * e))) == pytest.approx(0)
    assert value(loss, around, *(-e)) == pytest.approx(2)
    assert landscape.values.max() <= 2


def test_figure_7_falls_towards_e_and_rises_rapidly_at_every_other_target():
    loss, around, landscape = load_preset("7")
    assert loss.r == 500
    e, others = around.e[0], around.c[1:]
    towards = [value(loss, around, *(e + share * (np.array([-15.0, -15.0]) - e))) for share in (1, 0.7, 0.4, 0.2, 0)]
    assert (np.diff(towards) < 0).all()
    least = positions_of(landscape)[landscape.values.argmin()]
    assert np.linalg.norm(least - e) < 0.5
    for k in others:
        toward = (e - k) / np.linalg.norm(e - k)
        spike = [value(loss, around, *(k + distance * toward)) for distance in (4, 2, 1, 0.5, 0.1, 0)]
        assert (np.diff(spike) > 0).all()
        assert spike[-1] == pytest.approx(loss.r / loss.eps, rel=1e-3)
        ring = value(loss, around, *(k - 4 * toward))
        assert spike[3] > 3 * max(spike[0], ring)


def test_figure_9_pulls_to_the_target_and_pushes_away_from_the_mean():
    loss, around, landscape = load_preset("9")
    target, m = around.c[0], around.c.mean(axis=0)
    least = positions_of(landscape)[landscape.values.argmin()]
    np.testing.assert_allclose(least, m + 2 * (target - m), atol=0.1)
    closer = [value(loss, around, *(m + share * (target - m))) for share in (0, 0.5, 1)]
    assert (np.diff(closer) < 0).all()
    pull_alone = [value(Euclidean(), around, *(m + share * (target - m))) for share in (0, 1)]
    assert closer[0] - closer[1] > 0
    assert closer[0] - closer[2] > pull_alone[0] - pull_alone[1]
    assert landscape.values.min() < 0


def test_figure_10_is_zero_at_the_target_and_high_near_the_others():
    loss, around, landscape = load_preset("10")
    assert value(loss, around, *around.c[0]) == 0
    assert (landscape.values >= 0).all()
    for k in around.c[1:]:
        assert value(loss, around, *k) > np.quantile(landscape.values, 0.75)
    of_target = compute_landscape(loss, replace(around, vary="c"), PRESETS["10"].box)
    far = np.linalg.norm(positions_of(of_target) - around.e[0], axis=1)
    assert (np.diff(of_target.values.ravel()[np.argsort(far)]) >= -1e-12).all()  # the order of the Euclidean loss


def test_every_preset_says_what_its_figure_shows_and_has_a_formula():
    assert list(PRESETS) == ["5", "6", "7", "9", "10"]
    for figure in PRESETS.values():
        assert describe_loss(figure.loss).formula
