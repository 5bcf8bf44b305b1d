"""The Explore page with classes held out of training: they stand apart in the legend and are never counted as wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from conftest import served_explorer, small

from explorer.explore.events import find_events
from explorer.runs.thumbnails import draw
from explorer.space.history import load_history
from mtm.runs import Run
from mtm.train_loop.recorder import record_training


def test_unseen_classes_have_a_legend_of_their_own_and_can_stand_out(tmp_path: Path, new_page: Any) -> None:
    run = Run.create(tmp_path / "runs" / "held", small(held_out="7,8,9"))
    record_training(run)
    last = run.snapshot(-1)
    with served_explorer(tmp_path / "runs", tmp_path) as address:
        page = new_page(height=1200)
        page.goto(f"{address}/?run=held&epoch=2&classifier=euc")
        page.wait_for_selector(".legend-unseen")
        rows = page.locator(".legend-name, .legend-unseen > span").all_inner_texts()
        assert rows == [*"0123456", "Never trained on", *"789"]
        image = int(np.flatnonzero(last.points.labels == 8)[0])
        player = "document.querySelector('#explore-stage').player"
        image_info = page.evaluate(f"{player}.describe({image})")
        assert (image_info["unseen"], image_info["labelName"], image_info["targetDistance"]) == (True, "8", None)
        assert image_info["prediction"] == last.predictions["euc"][image]
        targets = page.evaluate(f"[...{player}.data.frames.targets].slice(-20).map(Number.isNaN)")
        assert targets == [False] * 14 + [True] * 6  # of ten classes, two coordinates each
        page.click(".legend-unseen button")
        page.wait_for_function(f"[...{player}.state.focus].join() === '7,8,9'")
        page.click(".legend-unseen button")
        page.wait_for_function(f"{player}.state.focus.size === 0")
        page.close()
    history = load_history(run)
    assert not np.isin(last.points.labels[history.judged], [7, 8, 9]).any()
    assert not {e.image for e in find_events(history) if e.kind == "never"} & set(
        np.flatnonzero(last.points.labels >= 7)
    )
    assert draw(run).count("<circle") == 7


def test_the_plane_of_three_targets_goes_through_classes_that_have_one(tmp_path: Path, new_page: Any) -> None:
    record_training(Run.create(tmp_path / "runs" / "held", small(held_out="1", epochs=1)))
    with served_explorer(tmp_path / "runs", tmp_path) as address:
        page = new_page()
        page.goto(f"{address}/?run=held&epoch=1&view=targets")
        player = "document.querySelector('#explore-stage')?.player"
        page.wait_for_function(f"{player}?.data?.frames?.meta.method === 'targets'")
        page.wait_for_function("location.search.includes('classes=0%2C2%2C3')")
        assert page.inner_text("#explore-message") == ""
        page.close()
