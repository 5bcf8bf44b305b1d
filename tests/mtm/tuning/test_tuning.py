"""The search, by one story told once: it is begun from the command line and killed with its Ray, it goes on here, and
there one trial cannot work and the worker of another is killed."""

from __future__ import annotations

import ast
import contextlib
import json
import math
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import ROOT, Command, until
from ray_processes import kill_with_ray

from mtm.config import TrainConfig
from mtm.errors import InputError
from mtm.paper import experiments, tables
from mtm.runs import Run
from mtm.tuning import Choice, Range, Search, list_searches, new_search, open_search, space_of
from mtm.tuning.record import has_plateaued
from mtm.tuning.space import from_json, to_json, trial_config

ray = pytest.importorskip("ray")
EPOCHS, WANTED = 4, 5
CONFIG = {
    "loss": "waiting_loss:Waiting", "train_images": 200, "record": 60, "centre_images": 100, "epochs": EPOCHS,
    "device": "cpu", "plateau_std": 1e-4,
}  # fmt: skip


@dataclass
class Story:
    search: Search
    first: dict[str, dict[str, Any]]  # trials that were done when all was killed, by run
    files: dict[str, bytes]  # their metrics then
    tuner: Any = None  # Ray's, of the second session
    workers: list[int] = field(default_factory=list)  # that were in a training at the same moment
    killed: str | None = None  # the run whose worker was killed then


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("search")
    barrier = tmp_path_factory.mktemp("barrier")
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setenv("RAY_worker_niceness", "0")  # or they starve on a busy machine
        patch.setenv("MTM_TEST_BARRIER", str(tmp_path_factory.mktemp("closed")))
        patch.setenv("MTM_TEST_FREE", "1")  # training a worker, so that it cannot come to its end
        process = stack.enter_context(_tuner(folder))
        patch.setenv("MTM_TEST_BARRIER", str(barrier))
        patch.setenv("MTM_TEST_FREE", "0")
        ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            until(lambda: any(t.is_done for search in list_searches(folder / "runs") for t in search.trials), process)
            kill_with_ray(process)
            yield _go_on(open_search(folder / "runs", "search"), barrier, patch)
        finally:
            ray.shutdown()


@contextlib.contextmanager
def _tuner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`mtm tune` as a process with a Ray of its own."""
    options = {"trials": WANTED, "name": "search", "range": "dim=4:16", "max-concurrent": 2} | CONFIG
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    shutil.copy(Path(__file__).parent / "waiting_loss.py", folder)
    command = [sys.executable, "-m", "mtm", "tune", *words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            kill_with_ray(process)


def _go_on(search: Search, barrier: Path, patch: pytest.MonkeyPatch) -> Story:
    from mtm.tuning import search as module

    done = {trial.run: vars(trial).copy() for trial in search.trials if trial.is_done}
    story = Story(search, done, {run: (search.runs / run / "metrics.jsonl").read_bytes() for run in done})
    search.begin(search.trials[0].params | {"lr": 1e18})  # cannot work
    make = module.make_tuner

    def caught(*arguments: Any) -> Any:
        story.tuner = make(*arguments)
        return story.tuner

    patch.setattr(module, "make_tuner", caught)
    killer = threading.Thread(target=_kill_a_worker, args=(story, barrier))
    killer.start()
    try:
        assert module.run_search(search, module.Resources(at_once=2)) == "finished"
    finally:
        (barrier / "go").touch()
        killer.join()
    return story


def _kill_a_worker(story: Story, barrier: Path) -> None:
    """When two workers are in their trainings, kill one and let the others go."""
    until(lambda: len(list(barrier.iterdir())) == 2 or (barrier / "go").exists())
    if (barrier / "go").exists():
        return  # the search has ended before
    pids = [int(path.name) for path in barrier.iterdir()]
    runs = {Run.open(path.parent).status.pid: path.parent.name for path in story.search.runs.glob("*/config.json")}
    story.workers, story.killed = pids, runs[pids[0]]
    psutil.Process(pids[0]).kill()
    (barrier / "go").touch()


def test_what_was_done_is_neither_lost_nor_repeated(story: Story) -> None:
    assert story.first
    for run, before in story.first.items():
        after = story.search.of_run(run)
        assert (after.params, after.accuracies, after.ended) == (
            before["params"],
            before["accuracies"],
            before["ended"],
        )
        assert (story.search.runs / run / "metrics.jsonl").read_bytes() == story.files[run]
    assert [trial.number for trial in story.search.trials] == list(range(1, WANTED + 1))
    assert open_search(story.search.runs, "search") == story.search


def test_every_trial_is_an_ordinary_run_of_its_hyperparameters(story: Story) -> None:
    for trial in story.search.trials:
        run = Run.open(story.search.runs / trial.run)
        assert run.status.state == trial.state
        assert run.config == trial_config(story.search.config, trial.params)
        rows = [row for row in run.metrics if row["epoch"] > 0]
        assert [max(row["validation_accuracy"].values()) for row in rows] == trial.accuracies
        assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))
        assert 4 <= trial.params["dim"] <= 16


def test_a_trial_that_cannot_work_says_why_and_the_search_goes_on(story: Story) -> None:
    failed = [trial for trial in story.search.trials if trial.params["lr"] == 1e18]
    assert [trial.state for trial in failed] == ["failed"]
    assert "lower lr (1e+18)" in str(failed[0].reason)
    assert Run.open(story.search.runs / failed[0].run).status.error == failed[0].reason
    assert all(trial.is_done for trial in story.search.trials)


def test_two_workers_train_at_the_same_time_and_a_trial_survives_its_worker(story: Story) -> None:
    assert len(set(story.workers)) == 2
    trial = story.search.of_run(str(story.killed))
    assert trial.is_done
    assert Run.open(story.search.runs / trial.run).status.pid not in (0, story.workers[0])


def test_the_search_is_the_paper_s_algorithms(story: Story) -> None:
    from ray.tune.schedulers import ASHAScheduler
    from ray.tune.search.hyperopt import HyperOptSearch
    from ray.tune.stopper import TrialPlateauStopper

    tuner = story.tuner._local_tuner
    tuned, run = tuner._tune_config, tuner._run_config
    assert (type(tuned.search_alg), type(tuned.scheduler)) == (HyperOptSearch, ASHAScheduler)
    assert type(run.stop) is TrialPlateauStopper
    assert (tuned.mode, tuned.num_samples) == ("max", WANTED)
    told = tuned.search_alg._hpopt_trials.trials  # those from before all was killed too
    assert [doc["result"]["status"] for doc in told] == ["ok"] * WANTED
    rungs = [len(recorded) for bracket in tuned.scheduler._brackets for _, recorded in bracket._rungs]
    assert max(rungs) == sum(bool(trial.accuracies) for trial in story.search.trials)  # ASHA compared them


def test_the_best_three_keep_snapshots_and_weights_and_all_keep_their_measures(story: Story) -> None:
    best = [trial.run for trial in story.search.ranked()[:3]]
    for trial in story.search.trials:
        run = Run.open(story.search.runs / trial.run)
        assert bool(run.snapshots) == (trial.run in best)
        assert (run.checkpoints / "best.safetensors").exists() == (trial.run in best)
        assert run.metrics


# The record and the space, without Ray


def test_the_space_covers_every_row_of_the_paper(tmp_path: Path) -> None:
    for experiment in tables.list_experiments():
        head = {"head": "linear"} if experiment.loss == "pure" else {"loss": experiment.loss}
        space = space_of(TrainConfig(**head))
        row = experiment.hyperparameters()
        assert set(space) == set(row) | {"batch_size"}
        for name, value in row.items():
            kind = space[name]
            assert isinstance(kind, Range)
            assert kind.low <= value <= kind.high


def test_what_has_a_value_is_not_searched_unless_a_range_says_so() -> None:
    assert set(space_of(TrainConfig(dim=8, lr=1e-3))) == {"batch_size"}
    space = space_of(TrainConfig(dim=8), ("dim=4:16", "batch-size=32,64"))
    assert space["dim"] == Range(4, 16, whole=True)
    assert space["batch_size"] == Choice((32, 64))
    assert from_json(json.loads(json.dumps(to_json(space)))) == space
    with pytest.raises(InputError, match="nothing to search for"):
        space_of(TrainConfig(dim=8, lr=1e-3, batch_size=8))
    for wrong in ("lr=1:0.5", "lr=0:1", "lr=a:b", "width=1:2"):
        with pytest.raises(InputError):
            space_of(TrainConfig(), (wrong,))


def test_a_search_never_looks_at_the_test_images_unasked(tmp_path: Path) -> None:
    assert new_search(tmp_path, TrainConfig()).split == "validation"
    assert new_search(tmp_path, TrainConfig(validation=0.2)).config.validation == 0.2
    assert new_search(tmp_path, TrainConfig(validation="test")).split == "test"
    assert len(list_searches(tmp_path)) == 3


def test_a_plateau_is_one_that_ray_s_stopper_sees() -> None:
    from ray.tune.stopper import TrialPlateauStopper

    config = TrainConfig(plateau_epochs=4)
    for curve in ([0.1, 0.5, 0.9, 0.91, 0.92, 0.92], [0.3, 0.3, 0.3, 0.3], [0.1, 0.9] * 4):
        stopper = TrialPlateauStopper("accuracy", config.plateau_std, 4, 4)
        for n in range(1, len(curve) + 1):
            assert stopper("trial", {"accuracy": curve[n - 1]}) == has_plateaued(curve[:n], config)


def test_a_record_that_is_damaged_or_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no search 'a'"):
        open_search(tmp_path, "a")
    search = new_search(tmp_path, TrainConfig(), name="a")
    (search.folder / "search.json").write_text('{"format": 1, "trials": 3}')
    with pytest.raises(InputError, match="damaged"):
        open_search(tmp_path, "a")
    with pytest.raises(InputError, match="already"):
        new_search(tmp_path, TrainConfig(), name="a")


def test_only_who_searches_imports_ray() -> None:
    root = ROOT
    needs_ray = {root / "mtm" / "tuning" / name for name in ("search.py", "trial.py", "remote.py")}
    for path in {*(root / "mtm").rglob("*.py"), *(root / "explorer").rglob("*.py")} - needs_ray:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        lines = {ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)}
        assert not [line for line in lines if re.search(r"\b(ray|hyperopt|tuning\.(search|trial|remote))\b", line)], (
            path
        )
    code = "import sys, mtm, mtm.cli, mtm.tuning; assert not {'ray', 'hyperopt', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# The paper's experiments


def names(*patterns: str, **given: Any) -> list[str]:
    loss = given.pop("loss", None)
    return [e.name for e in experiments.select_experiments(TrainConfig(**given), list(patterns), once=False, loss=loss)]


def test_the_grid_is_the_paper_s_75_and_can_be_picked_from_by_name() -> None:
    assert names() == [experiment.cell.name for experiment in tables.list_experiments()]
    assert len(set(names())) == 75
    assert len(names("RN18-*")) == 25
    assert names("f-mnist/RN50-P") == ["F-MNIST/RN50-P"]
    assert len(names("F-MNIST/*", "*/RN18-PP")) == 15 + 4
    assert names("*-E", "*-P", dataset="digits", backbone="convnet") == ["digits/convnet-E", "digits/convnet-P"]
    assert names(dataset="digits", backbone="convnet", loss="comparison") == ["digits/convnet-comparison"]
    with pytest.raises(InputError, match="no experiment fits"):
        names("RN34-*")


def test_one_training_has_the_row_of_the_paper_s_table() -> None:
    chosen = experiments.select_experiments(TrainConfig(epochs=2), ["F-MNIST/RN18-PP"], once=True, loss=None)
    assert [(e.config.lr, e.config.dim, e.config.r, e.config.epochs) for e in chosen] == [(0.0004659248, 1285, 0.95, 2)]
    with pytest.raises(InputError, match="data set of the paper"):
        experiments.select_experiments(TrainConfig(dataset="digits"), [], once=True, loss=None)


def test_what_is_finished_is_not_estimated_again(tmp_path: Path) -> None:
    config = TrainConfig(dataset="digits", backbone="convnet", epochs=1)
    planned = experiments.select_experiments(config, ["*-E", "*-C"], once=False, loss=None)
    search = new_search(tmp_path, planned[0].config, 3, name=planned[0].folder)
    search.set_status(state="finished")
    first, second = experiments.estimate_experiments(planned, tmp_path, 3, 3)
    assert (first["state"], first["seconds"]) == ("finished", 0)
    assert second["state"] == "to do"
    assert 0 < second["seconds"] < math.inf
    assert second["bytes"] > 0


def test_experiments_are_listed_then_run_then_skipped(mtm: Command, tmp_path: Path) -> None:
    few = ["--dataset", "digits", "--backbone", "convnet", "--loss", "cosine", "--epochs", 1, "--train-images", 200]
    few += ["--record", 60, "--device", "cpu", "--trials", 1]
    listed = mtm("experiments", *few, "--dry-run")
    assert listed.returncode == 0, listed.stderr
    assert "digits/convnet-C" in listed.stdout
    assert re.search(r"1 of 1 to run: about [\d.]+ s .* here between 1/3 and 3 times that", listed.stdout)
    assert not (tmp_path / "runs").exists()
    done = mtm("experiments", *few)
    assert done.returncode == 0, done.stderr
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    again = mtm("experiments", *few)
    assert again.stdout.splitlines() == ["digits/convnet-C: finished already"]
    assert {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()} == before
    refused = mtm("experiments", *few, "--table-hyperparameters")
    assert refused.returncode == 2
    assert refused.stderr.startswith("mtm: --trials is for searches")
