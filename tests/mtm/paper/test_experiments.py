"""The paper's section IV in small: the digits with every loss and the pure baseline, each a search of its own, and the
report over what they left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import small

from explorer.results import tables
from explorer.results.chosen_runs import choose_runs
from explorer.results.command import write_report
from mtm.config import TrainConfig
from mtm.paper import experiments
from mtm.paper.tables import LOSS_NAMES
from mtm.tuning import Search, new_search

pytest.importorskip("ray")
TRIALS = 2


@pytest.fixture(scope="module")
def searches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Search]:
    """A finished search for every loss, by its name."""
    from mtm.tuning.search import Resources, run_search, started_ray

    folder, by_loss = tmp_path_factory.mktemp("experiments"), {}
    fields = ("epochs", "train_images", "record", "batch_size", "device")  # D is searched, where a model has it
    shape = {name: getattr(small(epochs=1), name) for name in fields}
    config = TrainConfig(dataset="digits", backbone="convnet", validation=0.2, **shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # or they starve on a busy machine
        with started_ray(None):
            for loss in LOSS_NAMES:
                (planned,) = experiments.select_experiments(config, [], once=False, loss=loss)
                ranges = ("lr=1e-3:1e-2", *(() if loss == "pure" else ("dim=4:16",)))
                search = new_search(folder, planned.config, TRIALS, name=planned.folder, ranges=ranges, keep=1)
                assert run_search(search, Resources(at_once=1)) == "finished"
                assert planned.state(folder) == "finished"
                by_loss[loss] = search
    return by_loss


def test_every_trial_is_a_run_judged_on_images_held_out_of_training(searches: dict[str, Search]) -> None:
    assert len(searches) == 6
    for loss, search in searches.items():
        assert [trial.state for trial in search.trials] == ["finished"] * TRIALS
        assert ("r" in search.space) == (loss in ("class_proximity", "push_pull"))
        for trial in search.trials:
            (row,) = [row for row in rows(search.runs / trial.run) if row["epoch"] == 1]
            assert trial.best == max(row["validation_accuracy"].values())
        kept = [trial.run for trial in search.trials if any((search.runs / trial.run / "snapshots").glob("*"))]
        assert search.best is not None
        assert kept == [search.best.run]


def test_the_report_has_the_best_trial_of_each(searches: dict[str, Search], tmp_path: Path) -> None:
    runs = next(iter(searches.values())).runs
    chosen_runs = choose_runs({"": runs})
    assert len(chosen_runs.usable) == TRIALS * len(searches)
    printed = {name: [text.text for text in texts] for name, texts in tables.accuracy_table(chosen_runs, "digits").rows}
    for letter, search in zip(LOSS_NAMES.values(), searches.values(), strict=True):
        assert search.best is not None
        (row,) = [row for row in rows(runs / search.best.run) if row["epoch"] == 1]
        for value in row["accuracy"].values():
            assert f"{100 * value:.2f}" in printed[f"convnet-{letter}"]
    write_report(chosen_runs, tmp_path / "report")
    assert (tmp_path / "report" / "report.html").stat().st_size > 1e5
    assert "convnet-CP" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
