"""The clock of a player: keys, playing, steps, and pictures only when something changed."""

from __future__ import annotations

import numpy as np
import pytest
from player_browser import Show, make_run

pytest_plugins = ["player_fixtures"]


def test_keys_play_step_and_jump_but_not_while_typing(show: Show) -> None:
    player = show(make_run(t=8), speed=0.25)  # 17 seconds to the end
    press, state = player.page.keyboard.press, lambda: player.js("[player.state.time, player.state.playing]")
    press("ArrowRight")
    press("ArrowRight")
    assert state() == [2, False]
    press("ArrowLeft")
    assert state() == [1, False]
    press("End")
    assert state() == [7, False]
    press("Home")
    assert state() == [0, False]
    press("ArrowLeft")
    assert state() == [0, False]
    press(" ")
    assert state()[1] is True
    player.page.wait_for_function("document.getElementById('a').player.state.time > 0")
    press(" ")
    paused = state()
    assert paused[1] is False
    assert 0 < paused[0] < 7
    player.seek(1)
    player.page.focus("#typing")
    for key in ("ArrowRight", " ", "End"):
        press(key)
    assert state() == [1, False]
    assert player.page.input_value("#typing") == " "
    player.page.fill("#typing", "")
    player.page.evaluate("document.activeElement.blur()")
    press("Control+ArrowRight")
    assert state() == [1, False]


def test_playing_moves_pictures_and_stops_at_the_end(show: Show) -> None:
    player = show(make_run(), speed=2)
    before = player.pixels()
    player.js("player.play()")
    player.page.wait_for_function("!document.getElementById('a').player.state.playing")
    times = player.events("time")
    assert len(times) > 3  # no frame counts for more than a quarter of a second, five sixths of a snapshot here
    assert times == sorted(times)
    assert times[-1] == 3
    assert (player.pixels() != before).any()
    assert player.js("player.play(); return player.state.time") < 1  # from the start again


def test_a_loop_starts_again(show: Show) -> None:
    player = show(make_run(t=2), speed=8, loop=True)
    player.js("player.play()")
    player.page.wait_for_function("aEvents.filter(([e, v], i) => e === 'time' && v === 0).length >= 2")
    assert player.js("player.state.playing")


def test_time_runs_over_snapshots_or_over_epochs(show: Show) -> None:
    player = show(make_run())  # epochs 0, 0.1, 0.3, 1
    run_for = """
        const clock = player.timeline; let now = 1000;
        clock.seek(0); clock.play(); clock.tick(now);
        const times = [];
        for (let i = 0; i < 9; i++) { clock.tick(now += 100); times.push(player.state.time); }
        clock.pause();
        return times"""
    even = np.diff([0, *player.js(run_for)])
    assert even == pytest.approx(np.full(9, 0.1 / 0.6))
    player.set(pace="epochs")
    times = player.js(run_for)
    epochs = np.interp(times, range(4), player.run.frames.epochs)
    assert np.diff([0, *epochs]) == pytest.approx(np.full(9, 1 / 3 * 0.1 / 0.6))
    player.seek(2.5)
    assert player.js("player.epoch") == pytest.approx(0.65)


def test_a_step_glides_to_exactly_the_next_snapshot(show: Show) -> None:
    player = show(make_run(), still=False)
    player.seek(0.4)
    times = player.js("""
        const clock = player.timeline; let now = 1000;
        player.step(1); clock.tick(now);
        const times = [];
        for (let i = 0; i < 8; i++) { clock.tick(now += 40); times.push(player.state.time); }
        return times""")
    assert times[-2:] == [1, 1]  # after 0.28 s
    assert (np.diff([0.4, *times[:-1]]) > 0).all()
    player.js("player.step(1); player.step(1); return 0")  # the second before the first has arrived
    player.page.wait_for_function("document.getElementById('a').player.state.time === 3")


def test_nothing_is_drawn_unless_something_changed(show: Show) -> None:
    player = show(make_run())
    player.pixels()
    before = player.js("player.stage.frameCount")
    player.wait_until_drawn(frames=20)  # in which it could have drawn
    assert player.js("player.stage.frameCount") == before
    player.seek(1)
    player.pixels()
    assert player.js("player.stage.frameCount") == before + 1
