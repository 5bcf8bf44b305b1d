"""A player and its data: damaged, ill-fitting, late or incomplete responses."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from player_browser import BIG, Show, Site, assert_points, make_run, references

from explorer.space import encoding
from explorer.web import binary

pytest_plugins = ["player_fixtures"]


DAMAGE: dict[str, tuple[Callable[[bytes], bytes | tuple[int, str] | None], str]] = {
    "empty": (lambda data: b"", "empty or cut short"),
    "cut": (lambda data: data[: len(data) // 2], "bytes of arrays came instead of"),
    "too long": (lambda data: data + b"12345678", "bytes of arrays came instead of"),
    "another kind": (lambda data: b"<!doctype html><title>nothing</title>", "of another kind"),
    "header": (lambda data: data[:20] + b"\xff\xff" + data[22:], "header is damaged"),
    "no such run": (lambda data: (404, json.dumps({"error": "there is no run 'x' here"})), "there is no run 'x' here"),
    "broken server": (lambda data: (500, "oops"), "the server answered 500"),
    "missing": (lambda data: binary.encode({}, {}), "'points' is missing"),
    "other shape": (
        lambda data: binary.encode({**binary.decode(data)[0], "centres": np.zeros((1, 2, 2))}, binary.decode(data)[1]),
        "'centres' is 1 x 2 x 2",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_response_is_a_clear_error_and_the_picture_stays(show: Show, site: Site, damage: str) -> None:
    player = show(make_run(spacing=2.0), **BIG)
    change, reason = DAMAGE[damage]
    site.files["damaged"] = change(site.files["frames"]) or b""  # type: ignore[arg-type]
    name, message = player.js("""
        try { await player.load({ frames: '/damaged', attributes: '/attributes' }); return ['', ''] }
        catch (error) { return [error.name, error.message] }""")
    assert name == "DataError"
    assert message.startswith("the frames can")
    assert reason in message
    assert player.events("notice")[-1] == {"kind": "data", "message": message}
    assert_points(player, 0)


def test_parts_that_do_not_fit_together_are_refused(show: Show, site: Site) -> None:
    player = show(make_run())
    tell = """
        try { {}; return '' } catch (error) { return error.message }"""
    r = references("power", 10)
    site.files["regions"] = encoding.encode_regions(r)  # three snapshots, not four
    message = player.js(tell.replace("{}", "player.setRegions(await http.fetchArrays('/regions', 'x'))", 1))
    assert "3 snapshots, the points 4" in message
    site.files["attributes"] = encoding.encode_attributes(
        np.arange(7), class_names=["a"] * 7, predictions={}, margins={}
    )
    message = player.js(tell.replace("{}", "await player.load({frames: '/frames', attributes: '/attributes'})", 1))
    assert "40 points but labels of 7 images" in message


def test_of_two_loads_the_later_one_counts(show: Show, site: Site) -> None:
    player = show(make_run())
    site.files["later"] = encoding.encode_frames(make_run(n=20).frames, class_names=[f"class {k}" for k in range(10)])
    player.js("""
        const first = player.load({ frames: '/frames', attributes: '/attributes' });
        await Promise.all([first, player.load({ frames: '/later' })]);
        return 0""")
    assert player.js("player.data.frames.N") == 20
    assert player.events("notice") == []


def test_a_server_that_is_gone_is_told(show: Show) -> None:
    player = show(make_run())
    message = player.js(
        "try { await player.load({ frames: 'http://127.0.0.1:1/' }); return '' } catch (error) { return error.message }"
    )
    assert "the server does not answer" in message


def test_a_run_without_labels_or_targets_is_shown(show_by: Show, site: Site) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets = None
    run.frames.centres[:, 3] = np.nan
    player = show_by(run, targets=True, centres=True, trails=True, labels=True, gaps=True)
    player.js("await player.load({ frames: '/frames' }); return 0")
    player.set(colour="margin")
    player.seek(0.5)
    picture = player.pixels()
    assert (picture[player.inner(picture)] < 250).any()
    assert player.js("player.describe(3).label") is None
