"""Events on small histories whose answer is known, against slow twins, and on a real run."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from explorer.explore.events import (
    KINDS,
    changes,
    count_by_snapshot,
    find_events,
    find_moves,
    find_run_moves,
    find_turns,
    first_right,
    nearest_targets,
    rank_events,
    speeds,
    streaks,
    suddenness,
)
from explorer.space.history import load_history
from mtm.classifiers import classifiers_of
from mtm.errors import InputError
from mtm.runs import Run

R = np.array([[0, 1, 0, 0], [1, 1, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]], dtype=bool)  # (T, N)


def test_first_right_streaks_and_changes_by_hand() -> None:
    assert first_right(R).tolist() == [1, 0, 4, 1]
    assert streaks(R).T.tolist() == [[0, 1, 2, 0], [1, 2, 0, 1], [0, 0, 0, 0], [0, 1, 2, 3]]
    assert changes([[1, 2], [1, 3], [0, 3]]).tolist() == [[False, False], [False, True], [True, False]]


def test_moves_are_steps_in_sigma() -> None:
    rng = np.random.default_rng(0)
    e, sigma = [x.astype(np.float16) for x in rng.normal(size=(4, 30, 5))], [1.0, 3.0, 2.0, 0.0]
    moves = find_moves(e, sigma)
    for t in range(1, 4):
        for i in range(30):
            expected = math.dist(e[t][i].astype(float), e[t - 1][i].astype(float)) / ((sigma[t - 1] + sigma[t]) / 2)
            assert moves[t, i] == pytest.approx(expected, rel=1e-5)
    assert not moves[0].any()
    assert not find_moves(e[:2], [0.0, 0.0]).any()  # nothing to measure by


def test_moves_do_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    e = np.random.default_rng(1).normal(size=(3, 50, 7)).astype(np.float32)
    whole = find_moves(list(e), [1.0, 1.0, 1.0])
    monkeypatch.setattr("explorer.explore.events.CHUNK", 20)
    assert np.array_equal(find_moves(list(e), [1.0, 1.0, 1.0]), whole)


def test_targets_by_hand() -> None:
    # class 2 wanders from class 1 to class 0, through the origin
    c = np.array([[[0, 1], [4, 0], [3, 0]], [[0, 1], [4, 0], [1, 0]], [[0, 1], [4, 0], [-3, 0]]], float)  # (T, C, 2)
    assert nearest_targets(c).tolist() == [[2, 2, 1], [2, 2, 0], [2, 0, 0]]
    cosines = find_turns(c, np.zeros((3, 2)))
    assert cosines[:, 2] == pytest.approx([1, 1, -1])
    assert cosines[:, 1] == pytest.approx([1, 1, 1])
    assert speeds(c, [0, 0.5, 1.5])[1:, 2] == pytest.approx([4, 4])
    assert np.isnan(speeds(c, [0, 0, 1])[1]).all()  # no time has passed
    assert np.isnan(speeds(c[:1], [0])).all()


def test_turning_the_space_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    c, origins = rng.normal(size=(5, 4, 6)), rng.normal(size=(5, 6))
    q, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    assert np.array_equal(nearest_targets(c), nearest_targets(c @ q + 3))
    assert find_turns(c @ q, origins @ q) == pytest.approx(find_turns(c, origins))
    assert speeds(c @ q + 3, range(5))[1:] == pytest.approx(speeds(c, range(5))[1:])


def test_suddenness_compares_with_the_steps_before() -> None:
    speed = np.array([[np.nan], [1.0], [1.0], [2.0], [8.0], [0.0]])
    ratios = suddenness(speed)[:, 0]
    assert np.isnan(ratios[:2]).all()
    assert ratios[2:] == pytest.approx([1, 2, 8, 0])
    assert np.isnan(suddenness(np.zeros((4, 1)))).all()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two classes in the plane; image 0 is learned late, 1 forgotten, 2 never right, 3 flips, 4 jumps, 5 to 11 rest.

    The target of class 1 crosses to the other side of the global centre, suddenly, in the last step.
    """
    run = Run.create(tmp_path / "small", class_names=["left", "right"])
    y = np.array([0, 1] * 6)
    home = np.where(y[:, None] == 0, [-4.0, 0.0], [4.0, 0.0])  # (N, 2)
    away = -home
    c = np.array([[-4.0, 0.0], [4.0, 0.0]])
    for t in range(6):
        e = home + np.array([0.0, 0.1 * t])
        e[0] = home[0] if t == 5 else away[0]
        e[1] = home[1] if t < 4 else away[1]
        e[2] = away[2]
        e[3] = home[3] if t % 2 else away[3]
        e[4] = home[4] + ([0.0, 30.0] if t >= 3 else [0.0, 0.0])
        moved = np.array([[0, 0], [-8.0 if t == 5 else 0.05 * t, 1.0 if t == 5 else 0.0]])
        run.log(e, y, c + moved, epoch=t / 2, reference_centres=c)
    run.finish()
    return run


def test_the_events_of_a_constructed_run_are_found(run: Run) -> None:
    history = load_history(run)
    events = find_events(history, "euc")
    kinds = {(e.kind, e.image if e.target is None else -1 - e.target, e.snapshot) for e in events}
    assert {("learned", 0, 5), ("forgotten", 1, 4), ("never", 2, 5), ("flips", 3, 5), ("moved", 4, 3)} <= kinds
    assert {("crossed", -2, 5), ("sudden", -2, 5)} <= kinds
    assert not [e for e in events if e.kind == "neighbour"]  # with two classes there is only one other
    assert all(0 <= e.score <= 1 and e.epoch == e.snapshot / 2 and e.kind in KINDS for e in events)
    by_kind = {e.kind: e for e in reversed(events)}
    assert by_kind["never"].text == "Image 2 (left) is never right; taken for right in 6 of 6 snapshots."
    assert by_kind["forgotten"].text == "Image 1 (right), right for 4 snapshots, is forgotten: now left."
    assert by_kind["learned"].text == "Image 0 (left) is right for the first time; 83 % of the images were before it."
    assert "the other side of the global centre" in by_kind["crossed"].text


def test_the_strongest_of_each_kind_come_first(finished_run: Path) -> None:
    history = load_history(Run.open(finished_run))
    events = find_events(history)
    present = {e.kind for e in events}
    assert {e.kind for e in events[: len(present)]} == present
    for kind in present:
        scores = [e.score for e in events if e.kind == kind]
        assert scores == sorted(scores, reverse=True)
    assert rank_events(events[::-1]) == events == find_events(history, moved=find_run_moves(history))
    counts = count_by_snapshot(events, len(history))
    assert sum(map(sum, counts.values())) == len(events)
    assert all(e.snapshot > 0 or e.kind == "never" for e in events)


def test_a_run_of_one_snapshot_and_one_without_targets(tmp_path: Path) -> None:
    y = np.arange(20) % 2
    e = np.random.default_rng(0).normal(size=(20, 3))
    one = Run.create(tmp_path / "one")
    one.log(e, y, weight=np.eye(2, 3))
    events = find_events(load_history(one))
    assert {event.kind for event in events} <= {"never"}
    with pytest.raises(
        InputError, match=f"unknown classifier 'euc_ce'; choose from {', '.join(classifiers_of('linear'))}"
    ):
        find_events(load_history(one), "euc_ce")
    empty = Run.create(tmp_path / "empty")
    with pytest.raises(InputError, match="has no snapshots"):
        load_history(empty)


def test_the_command_lists_the_events(run: Run) -> None:
    def explorer(*arguments: object) -> subprocess.CompletedProcess[str]:
        code = (
            "import typer; from mtm.cli import run_app; from explorer.explore import commands;"
            "app = typer.Typer(); app.command('events')(commands.events); app.callback()(lambda: None);"
            "run_app(app, 'explorer')"
        )
        line = [sys.executable, "-c", code, "events", *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, cwd=run.folder.parent, check=False)

    done = explorer(run.folder, "--json", "--classifier", "euc")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    expected = find_events(load_history(run), "euc")
    assert [{key: row[key] for key in asdict(expected[0])} for row in rows] == [asdict(e) for e in expected]
    named = explorer("small", "--runs", run.folder.parent, "--top", 3)
    assert named.returncode == 0
    assert "3 of" in named.stdout
    refused = explorer("nothing")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "there is no run 'nothing'" in refused.stderr
