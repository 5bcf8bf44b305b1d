"""The colours of a player: classes that are hidden, alone or in focus, decisions, margins and distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from player_browser import (
    BIG,
    Array,
    Show,
    assert_points,
    blend,
    blobs,
    colours_at_points,
    distances_to_nearest,
    encode_target_regions,
    make_run,
    near,
    over_white,
    rgb,
)

from explorer.figures.colours import CLASS_COLOURS, RAMP, RIGHT, WRONG

pytest_plugins = ["player_fixtures"]


def test_a_hidden_class_disappears_and_solo_shows_one(show_by: Show) -> None:
    options = {**BIG, "targets": True, "centres": True, "trails": True, "gaps": True}
    player = show_by(make_run(spacing=2.0), encode_target_regions(make_run(spacing=2.0)), **options)
    player.seek(1)
    player.set(hidden=[3])
    picture = player.pixels()
    assert not near(picture, rgb(CLASS_COLOURS[3])).any()
    assert near(picture, rgb(CLASS_COLOURS[4])).any()
    player.js("player.setRegions(null)")
    player.set(targets=False, centres=False, trails=False, gaps=False)
    assert (colours_at_points(player)[player.run.labels == 3] == 255).all()
    assert (colours_at_points(player)[player.run.labels != 3] < 250).any(axis=1).all()
    player.set(targets=True, centres=True, trails=True, gaps=True)
    player.set(solo=3)
    picture = player.pixels()
    assert len(blobs(picture, rgb(CLASS_COLOURS[3]))) >= 4
    assert not any(near(picture, rgb(CLASS_COLOURS[k])).any() for k in range(10) if k != 3)
    player.set(solo=None, hidden=[])
    assert all(near(player.pixels(), rgb(CLASS_COLOURS[k])).any() for k in range(10))


def test_a_focus_makes_the_others_faint_and_recolours_beyond_ten(show_by: Show) -> None:
    player = show_by(make_run(n=24, c=12, spacing=3.0), **BIG)
    assert len(blobs(player.pixels(), rgb(CLASS_COLOURS[0]))) == 4  # classes 0 and 10 share a colour
    player.set(focus=[11, 10])
    picture = player.pixels()
    expected = player.screen(player.run.frames.points[0])
    for k, colour in ((11, CLASS_COLOURS[0]), (10, CLASS_COLOURS[1])):
        discs = blobs(picture, rgb(colour))
        assert len(discs) == 2
        assert distances_to_nearest(discs, expected[player.run.labels == k]).max() < 0.7
    x, y = expected[2].astype(int)
    assert (picture[y, x] > 225).all()
    assert (picture[y, x] < 255).any()


def test_points_are_coloured_by_prediction_and_by_right_and_wrong(show_by: Show) -> None:
    player = show_by(make_run(spacing=2.0), **BIG, colour="prediction", classifier="euc_ce")
    predicted, labels = player.run.predictions["euc_ce"], player.run.labels
    palette = np.array([rgb(colour) for colour in CLASS_COLOURS])
    right_wrong = np.array([rgb(RIGHT), rgb(WRONG)])
    assert (predicted[1] != predicted[2]).any()
    for time in (1, 1.5, 2):
        player.seek(time)
        player.set(colour="prediction")
        expected = blend(palette[predicted], time)
        assert np.abs(colours_at_points(player) - expected).max() <= 4
        player.set(colour="right")
        expected = blend(right_wrong[(predicted != labels).astype(int)], time)
        assert np.abs(colours_at_points(player) - expected).max() <= 4


def ramp_at(share: Array) -> Array:
    stops = np.array([rgb(colour) for colour in RAMP])
    at = np.clip(share, 0, 1) * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    return np.asarray(stops[low] + (stops[low + 1] - stops[low]) * (at - low)[..., None])


@pytest.mark.parametrize("ramp", ["run", "snapshot"])
@pytest.mark.parametrize("colour", ["margin", "distance"])
def test_points_are_coloured_by_margin_and_distance(show_by: Show, colour: str, ramp: str) -> None:
    run = make_run(spacing=2.0)
    run.distances = np.random.default_rng(8).uniform(2, 7, run.margins["euc_ce"].shape)
    values = run.margins["euc_ce"] if colour == "margin" else run.distances
    player = show_by(run, **BIG, colour=colour, ramp=ramp)
    for time in (0, 0.5, 2):
        player.seek(time)
        now = blend(values, time)
        ends = values.min(axis=1), values.max(axis=1)
        low, high = (
            (float(blend(end, time)) for end in ends) if ramp == "snapshot" else np.quantile(values, [0.01, 0.99])
        )
        legend = player.js("player.legend()")
        assert (legend["low"], legend["high"]) == pytest.approx((low, high))
        assert legend["ramp"] == list(RAMP)
        assert np.abs(colours_at_points(player) - ramp_at((now - low) / (high - low))).max() <= 9  # one code in 254


def test_an_unknown_margin_is_grey_and_a_missing_classifier_is_told(show_by: Show) -> None:
    run = make_run(spacing=2.0)
    run.margins["euc_ce"][:, 5] = np.nan
    player = show_by(run, **BIG, colour="margin")
    grey = colours_at_points(player)[5]
    assert np.ptp(grey) < 25
    player.set(classifier="argmax")
    assert_points(player, 0)  # by class
    assert any("argmax" in notice["message"] for notice in player.events("notice"))
    player.set(classifier="euc_ce")
    player.wait_until_drawn()  # what a frame could not show is said as it is drawn
    assert player.js("player.state.notices") == []


def test_point_size_and_opacity(show_by: Show) -> None:
    run = make_run(n=10, spacing=6.0)
    player = show_by(run, **BIG)
    for size in (6, 20):
        player.set(pointSize=size)
        area = (player.pixels() < 250).any(axis=-1) & player.inner(player.pixels())
        assert area.sum() == pytest.approx(10 * math.pi * (size / 2 + 0.4) ** 2, rel=0.12)
    player.set(pointOpacity=0.5)
    x, y = player.screen(run.frames.points[0, 0]).astype(int)
    assert np.abs(player.pixels()[y, x] - over_white(rgb(CLASS_COLOURS[0]), 0.5)).max() <= 3
