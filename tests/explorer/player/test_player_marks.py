"""The marks of a player: targets, class centres, trails, gaps and names."""

from __future__ import annotations

import numpy as np
from player_browser import Array, Show, blend, make_run, near, rgb

from explorer.figures.colours import CLASS_COLOURS

pytest_plugins = ["player_fixtures"]


def test_targets_centres_trails_and_gaps_are_where_the_arrays_say(show: Show) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets[:] = np.random.default_rng(4).uniform(-10, 10, run.frames.targets.shape)  # long ways
    player = show(run, pointSize=0.5, pointOpacity=0)
    player.seek(2.5)
    empty = player.pixels()
    assert (empty[player.inner(empty)] == 255).all()
    frames = run.frames
    targets, centres = player.screen(blend(frames.targets, 2.5)), player.screen(blend(frames.centres, 2.5))

    def colour_near(picture: Array, place: Array, k: int) -> bool:
        x, y = np.floor(place).astype(int)
        around = picture[y - 1 : y + 2, x - 1 : x + 2]
        return bool(near(around, rgb(CLASS_COLOURS[k]), 40).any())

    for option, places in (("targets", targets), ("centres", centres)):
        player.set(**{option: True})
        picture = player.pixels()
        assert all(colour_near(picture, place, k) for k, place in enumerate(places)), option
        player.set(**{option: False})
    player.set(gaps=True)
    picture = player.pixels()
    for k in range(10):
        places = targets[k] + np.linspace(0.05, 0.95, 60)[:, None] * (centres[k] - targets[k])
        x, y = np.floor(places).astype(int).T
        assert (picture[y, x] < 252).any(axis=-1).mean() > 0.3, k  # a dashed line
    player.set(gaps=False, targets=True, trails=True)
    picture = player.pixels()
    path = [player.screen(blend(frames.targets, time)) for time in np.arange(0, 2.5, 0.02)]
    x, y = np.floor(np.array(path)).astype(int).reshape(-1, 2).T
    assert (picture[y, x] < 252).any(axis=-1).mean() > 0.97
    future = player.screen(blend(frames.targets, 3))
    player.set(targets=False)
    x, y = np.floor(future).astype(int).T
    assert (player.pixels()[y, x] == 255).all(axis=-1).mean() > 0.7  # no trail into the future
    player.set(trails=False)
    assert (player.pixels()[player.inner(picture)] == 255).all()


def test_the_older_a_trail_the_fainter(show: Show) -> None:
    run = make_run(n=10, t=8)
    run.frames.targets[:] = np.linspace(-9, 9, 10)[None, :, None] * [0, 1] + np.linspace(-9, 9, 8)[:, None, None] * [
        1,
        0,
    ]
    player = show(run, pointOpacity=0, targets=True, trails=True)
    player.seek(7)
    picture = player.pixels()
    strength = []
    for time in (0.5, 3.5, 6.3):
        x, y = np.floor(player.screen(blend(run.frames.targets, time))[3]).astype(int)
        strength.append(255 - picture[y - 1 : y + 2, x].mean(axis=-1).min())
    assert strength[0] < strength[1] < strength[2]


def test_names_stand_beside_their_targets_and_do_not_cover_one_another(show: Show) -> None:
    run = make_run(n=10)
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    run.frames.targets[:] = np.stack([5 * np.cos(angle), 2.5 * np.sin(angle)], axis=-1)  # close together, on a ring
    player = show(run, pointOpacity=0, targets=True, labels=True)
    dark = near(player.pixels(), (31, 35, 41), 60)
    for place in player.screen(run.frames.targets[0]):
        x, y = place.astype(int)
        assert dark[max(0, y - 30) : y + 30, max(0, x - 75) : x + 75].sum() > 20
    rects = np.array(player.js("[...player.stage.overlay.names.rects]")).reshape(-1, 4)  # ten marks, ten names
    assert len(rects) == 20
    for i in range(10, 20):
        (l1, t1, r1, b1) = rects[i]
        assert all(r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1 for l2, t2, r2, b2 in np.delete(rects, i, axis=0))


def test_of_many_names_those_that_fit_are_drawn_and_those_in_focus_always(show: Show) -> None:
    run = make_run(n=100, c=50)
    run.frames.targets[:] = run.frames.targets[0] * 0.3
    player = show(run, pointOpacity=0, targets=True, labels=True)
    rect_count = "player.stage.overlay.names.rectCount"
    assert 55 < player.js(rect_count) < 95  # all marks, some names
    player.set(focus=[4, 5, 6])
    player.pixels()
    assert player.js(rect_count) == 6
