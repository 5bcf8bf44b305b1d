"""The regions of a player, by its pixels: every one is that of the class decided there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from player_browser import Array, MountedPlayer, Show, blend, make_run, near, over_white, references, rgb
from scipy import ndimage

from explorer.figures.colours import CLASS_COLOURS
from explorer.space import encoding

pytest_plugins = ["player_fixtures"]


def decide_in_d_dimensions(r: Any, time: float, u: Array) -> Array:
    """The classes that the interpolated references decide at positions u (M, 2) of the plane: brute force."""
    place = r.origin + u @ r.basis.T  # (M, D)
    x, bias = blend(r.x, time), blend(r.bias, time)
    if r.kind == "power":
        scores = -((place[:, None] - x) ** 2).sum(-1)
    elif r.kind == "cosine":
        scores = place @ x.T / np.linalg.norm(x, axis=1)
    else:
        scores = place @ x.T + bias
    return np.asarray(np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1))


def still_run(t: int, c: int) -> Any:
    """A run whose points are out of the way: hidden in one corner."""
    run = make_run(n=c, t=t, c=c)
    run.frames.points[:] = [[-10, -10]]
    run.frames.points[:, 1] = [10, 10]
    run.frames.targets[:] = run.frames.centres[:] = 0
    return run


def sample(player: MountedPlayer, picture: Array, n: int, decide: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Pixels (n, 2) within the axes that lie at least two pixels from every boundary, and their classes."""
    rng = np.random.default_rng(5)
    y, x = np.nonzero(player.inner(picture))
    sampled = rng.choice(len(x), n, replace=False)
    pixels = np.stack([x[sampled], y[sampled]], axis=-1)
    around = [decide(player.data(pixels + offset)) for offset in ([0, 0], [2, 0], [-2, 0], [0, 2], [0, -2])]
    clear = np.all([other == around[0] for other in around], axis=0)
    return pixels[clear], around[0][clear]


@pytest.mark.parametrize("kind", ["power", "cosine", "linear"])
@pytest.mark.parametrize("c", [3, 10, 100])
def test_every_pixel_has_the_region_that_is_decided_in_d_dimensions(show_by: Show, kind: str, c: int) -> None:
    r = references(kind, c)
    player = show_by(still_run(3, c), encoding.encode_regions(r), pointSize=1, regionOpacity=0.6, boundaries=True)
    for time in (0, 0.5, 1.3, 2):
        player.seek(time)
        picture = player.pixels()
        pixels, classes = sample(player, picture, 1500, partial(decide_in_d_dimensions, r, time))
        assert len(pixels) > 700
        assert len(np.unique(classes)) > 2
        expected = np.array([over_white(rgb(CLASS_COLOURS[k % 10]), 0.6) for k in classes])
        off = np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1)
        assert (off <= 3).mean() > 0.998, time  # a narrow region may end within two pixels


def test_regions_stay_exact_when_one_zooms_far_in(show_by: Show) -> None:
    r = references("power", 10)
    player = show_by(still_run(3, 10), encoding.encode_regions(r), pointSize=1, regionOpacity=0.6, boundaries=False)
    player.seek(0.7)
    grid = np.stack(np.meshgrid(np.linspace(-8, 8, 400), np.linspace(-8, 8, 400)), -1).reshape(-1, 2)
    classes = decide_in_d_dimensions(r, 0.7, grid).reshape(400, 400)
    y, x = np.argwhere(classes[:, 1:] != classes[:, :-1])[100]
    middle = grid.reshape(400, 400, 2)[y, x]
    player.js(
        """const ranges = { 'xaxis.range': arg[0], 'yaxis.range': arg[1] };
        await Plotly.relayout(player.root.querySelector('.js-plotly-plot'), ranges);
        return 0""",
        [[middle[0] - 0.05, middle[0] + 0.05], [middle[1] - 0.05, middle[1] + 0.05]],
    )
    picture = player.pixels()
    pixels, classes_at = sample(player, picture, 1500, lambda u: decide_in_d_dimensions(r, 0.7, u))
    assert len(np.unique(classes_at)) >= 2
    expected = np.array([over_white(rgb(CLASS_COLOURS[k]), 0.6) for k in classes_at])
    assert (np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1) <= 3).all()


def test_a_class_that_does_not_exist_has_no_region(show_by: Show) -> None:
    r = references("power", 4)
    r.affine[:, 2] = np.nan
    r.x[:, 2] = np.nan
    player = show_by(still_run(3, 4), encoding.encode_regions(r), pointSize=1, regionOpacity=1, boundaries=False)
    player.seek(0.5)
    picture = player.pixels()
    assert not near(picture, rgb(CLASS_COLOURS[2])).any()
    pixels, classes = sample(player, picture, 500, lambda u: decide_in_d_dimensions(r, 0.5, u))
    expected = np.array([rgb(CLASS_COLOURS[k]) for k in classes])
    assert (np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1) <= 3).all()


def test_a_reference_of_length_zero_scores_zero_for_the_cosine(show_by: Show) -> None:
    r = references("cosine", 3)
    r.x[:, 0] = 0
    r.affine[:, 0] = r.square[:, 0] = r.step[:, 0] = 0
    player = show_by(still_run(3, 3), encoding.encode_regions(r), pointSize=1, regionOpacity=1, boundaries=False)
    player.seek(1)

    def decide(u: Array) -> Array:
        scores = (r.origin + u @ r.basis.T) @ (r.x[1] / np.maximum(np.linalg.norm(r.x[1], axis=1), 1e-9)[:, None]).T
        return np.asarray(scores.argmax(axis=1))

    picture = player.pixels()
    pixels, classes = sample(player, picture, 500, decide)
    expected = np.array([rgb(CLASS_COLOURS[k]) for k in classes])
    assert (np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1) <= 3).all()


def test_boundaries_run_between_regions_and_can_be_switched_off(show_by: Show) -> None:
    r = references("power", 10)
    player = show_by(still_run(3, 10), encoding.encode_regions(r), pointSize=1, regionOpacity=0.3, boundaries=True)
    player.seek(0.5)
    lined = player.pixels()
    player.set(boundaries=False)
    plain = player.pixels()
    inner = player.inner(plain)
    y, x = np.nonzero(inner)
    classes = np.full(plain.shape[:2], -1)
    classes[inner] = decide_in_d_dimensions(r, 0.5, player.data(np.stack([x, y], axis=-1)))
    change = inner[:, 1:] & inner[:, :-1] & (classes[:, 1:] != classes[:, :-1])
    rows, columns = np.nonzero(change)
    assert len(rows) > 300
    darker = (plain - lined).mean(axis=-1)
    at_boundary = np.maximum(darker[rows, columns], darker[rows, columns + 1])
    assert (at_boundary > 25).mean() > 0.98
    away = ndimage.distance_transform_edt(~ndimage.binary_dilation(np.pad(change, ((0, 0), (0, 1))), iterations=1)) > 3
    vertical = inner[1:] & inner[:-1] & (classes[1:] != classes[:-1])
    away &= ndimage.distance_transform_edt(~np.pad(vertical, ((0, 1), (0, 0)))) > 3
    assert (np.abs(darker[inner & away]) <= 1).mean() > 0.999


def test_regions_can_be_taken_off_and_their_opacity_changed(show_by: Show) -> None:
    r = references("linear", 3)
    player = show_by(still_run(3, 3), encoding.encode_regions(r), pointSize=1, boundaries=False)
    middle = player.screen(np.zeros(2)).astype(int)
    k = int(decide_in_d_dimensions(r, 0, player.data(middle[None]))[0])
    for opacity in (0.1, 0.5, 1):
        player.set(regionOpacity=opacity)
        colour = player.pixels()[middle[1], middle[0]]
        assert np.abs(colour - over_white(rgb(CLASS_COLOURS[k]), opacity)).max() <= 3
    player.js("player.setRegions(null)")
    assert (player.pixels()[middle[1], middle[0]] == 255).all()


def test_the_vote_map_fades_with_evidence_and_from_snapshot_to_snapshot(show_by: Show) -> None:
    classes = np.zeros((3, 20, 20), int)
    classes[:, :, 10:] = 1  # the right half
    classes[1] = 2  # everywhere at snapshot 1
    evidence = np.ones((3, 20, 20))
    evidence[:, 15:] = 0  # the upper quarter knows nothing
    player = show_by(
        still_run(3, 3), encoding.encode_vote(classes, evidence, [-10, -10, 10, 10]), pointSize=1, regionOpacity=0.8,
        boundaries=False,
    )  # fmt: skip
    left, right, top = (player.screen(np.array(u)).astype(int) for u in ([-5.0, -4.0], [5.0, -4.0], [-5.0, 8.0]))
    fills = [over_white(rgb(CLASS_COLOURS[k]), 0.8) for k in range(3)]
    for time, at_left, at_right in (
        (0, fills[0], fills[1]),
        (1, fills[2], fills[2]),
        (0.5, (fills[0] + fills[2]) / 2, (fills[1] + fills[2]) / 2),
    ):
        player.seek(time)
        picture = player.pixels()
        assert np.abs(picture[left[1], left[0]] - at_left).max() <= 4
        assert np.abs(picture[right[1], right[0]] - at_right).max() <= 4
        assert (picture[top[1], top[0]] == 255).all()
