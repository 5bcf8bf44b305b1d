"""Few shot: episodes against an independent computation, and classes that are recorded but never trained on."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Command, small
from sklearn.neighbors import NearestCentroid

from mtm.classifiers import Reference
from mtm.config import TrainConfig
from mtm.data import Dataset, load
from mtm.errors import InputError
from mtm.fewshot import NEAREST_CENTRE, Episodes, draw, episode_accuracies, few_shot, interval, unseen_classes
from mtm.losses import LOSSES
from mtm.model import make_model
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run
from mtm.train_loop.recorder import record_training
from mtm.training import train

HELD_OUT = [3, 7, 9]
TRAINED = [0, 1, 2, 4, 5, 6, 8]


def held(**changes: object) -> TrainConfig:
    return small(**{"held_out": "3,7,9", "train_images": 140, "epochs": 1} | changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = Run.create(tmp_path_factory.mktemp("held") / "out", held(record=0))
    record_training(made)
    return made


def some_space(seed: int = 0) -> tuple[Any, Any]:
    """Embeddings (120, 4) of six classes whose centres are a few spreads apart, and labels 0, 10, ..., 50."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(6) * 10, 20)
    return rng.normal(scale=2, size=(6, 4)).repeat(20, axis=0) + rng.normal(size=(120, 4)), y


# Episodes


def by_hand(e: Any, y: Any, shots: Sequence[Sequence[int]], queries: Sequence[Sequence[int]], classifier: str) -> float:
    """One episode in plain Python: the centre of each class's shots, then every query to the nearest one."""
    centres = {y[rows[0]]: [math.fsum(e[i][d] for i in rows) / len(rows) for d in range(len(e[0]))] for rows in shots}

    def distance(a: Sequence[float], b: Sequence[float]) -> float:
        if classifier == "euc":
            return math.dist(a, b)
        dot = math.fsum(p * q for p, q in zip(a, b, strict=True))
        return -dot / (math.hypot(*a) * math.hypot(*b))

    judged = [i for rows in queries for i in rows]
    right = [min(centres, key=lambda k: distance(e[i], centres[k])) == y[i] for i in judged]
    return sum(right) / len(right)


@pytest.mark.parametrize("shots", [1, 5])
@pytest.mark.parametrize("classifier", ["euc", "cos"])
def test_accuracies_equal_those_computed_by_hand_on_fixed_episodes(classifier: str, shots: int) -> None:
    e, y = some_space()
    episodes = draw(y, [0, 10, 20, 40], 3, shots, 6, episodes=12, seed=4)
    accuracies = episode_accuracies(e, episodes, classifier)
    expected = [
        by_hand(e.tolist(), y.tolist(), s.tolist(), q.tolist(), classifier)
        for s, q in zip(episodes.shots, episodes.queries, strict=True)
    ]
    assert accuracies.tolist() == expected
    assert 0.5 < np.mean(expected) < 0.95  # neither guessing nor trivial
    if classifier == "euc" and shots > 1:  # scikit-learn also takes the spread, which one shot does not have
        for episode, accuracy in zip(zip(episodes.shots, episodes.queries, strict=True), accuracies, strict=True):
            shot_rows, query_rows = (rows.ravel() for rows in episode)
            assert NearestCentroid().fit(e[shot_rows], y[shot_rows]).score(
                e[query_rows], y[query_rows]
            ) == pytest.approx(accuracy)


def test_a_known_episode() -> None:
    e = np.array([[0.0, 1], [0, 3], [9, 0], [1, 0], [2, 8], [1, 9]])  # centres (0, 1) and (9, 0)
    episodes = Episodes(np.array([[[0], [2]]]), np.array([[[1, 4], [3, 5]]]))
    assert episode_accuracies(e, episodes, "euc").tolist() == [0.5]  # (1, 0) and (1, 9) lie nearer to (0, 1)
    assert episode_accuracies(e, episodes, "cos").tolist() == [0.75]  # (1, 0) points to (9, 0)


def test_an_episode_uses_an_image_once_and_only_of_its_classes() -> None:
    _, y = some_space()
    classes = [10, 20, 30, 50]
    episodes = draw(y, classes, 3, 5, 15, episodes=50)
    assert (episodes.shots.shape, episodes.queries.shape) == ((50, 3, 5), (50, 3, 15))
    for shots, queries in zip(episodes.shots, episodes.queries, strict=True):
        rows = np.concatenate([shots, queries], axis=1)  # (ways, 20)
        assert len(np.unique(rows)) == rows.size
        assert (y[rows] == y[rows[:, :1]]).all()
        assert len(set(y[rows[:, 0]])) == 3
    assert set(y[episodes.shots].ravel()) == set(classes)


def test_more_shots_are_judged_on_the_same_queries() -> None:
    _, y = some_space()
    one, five = (draw(y, [0, 10, 20], 2, n, 8, 20, seed=3) for n in (1, 5))
    assert np.array_equal(one.queries, five.queries)
    assert np.array_equal(one.shots[..., 0], five.shots[..., 0])
    assert not np.array_equal(one.queries, draw(y, [0, 10, 20], 2, 1, 8, 20, seed=4).queries)


def test_noise_scores_one_in_ways_and_turning_the_space_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    e, (_, y) = rng.normal(size=(120, 300)), some_space()
    episodes = draw(y, np.unique(y).tolist(), 5, 5, 15, 300)
    turn = np.linalg.qr(rng.normal(size=(300, 300)))[0]
    for classifier in ("euc", "cos"):
        accuracies = episode_accuracies(e, episodes, classifier)
        mean, reach = interval(accuracies)
        assert abs(mean - 0.2) < max(0.02, 3 * reach)
        np.testing.assert_allclose(
            episode_accuracies(e @ turn, episodes, classifier), accuracies, atol=0.014
        )  # a tie or so


def test_the_interval_holds_at_95_per_cent() -> None:
    mean, reach = interval([0.2, 0.4, 0.6, 0.8])
    assert mean == pytest.approx(0.5)
    assert reach == pytest.approx(1.96 * math.sqrt(0.2 / 3) / 2)
    draws = np.random.default_rng(1).binomial(15, 0.7, size=(1000, 100)) / 15
    inside = [abs(m - 0.7) <= r for m, r in map(interval, draws)]
    assert 0.92 < np.mean(inside) < 0.98


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ways": 4}, "ways = 4: there are 3 classes to draw from"),
        ({"ways": 1}, "ways = 1: it takes 2 or more"),
        ({"shots": 0}, "shots = 0: it takes 1 or more"),
        ({"queries": 0}, "queries = 0: it takes 1 or more"),
        ({"episodes": 1}, "episodes = 1: it takes 2 or more"),
        ({"seed": -1}, "seed = -1: it takes 0 or more"),
        ({"shots": 6}, "class 0 has 20 recorded images, 6 shots and 15 queries take 21"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes: dict[str, int], sentence: str) -> None:
    settings = {"ways": 3, "shots": 1, "queries": 15, "episodes": 10} | changes
    with pytest.raises(InputError, match=sentence):
        draw(some_space()[1], [0, 10, 20], **settings)


# Held out of training


@pytest.mark.parametrize("given", ["3,7,9", " 9, 3,7,7 ", [3, 7, 9], ("3", 7, 9)])
def test_held_out_classes_are_given_as_text_or_as_numbers(given: object) -> None:
    assert load(held(held_out=given)).held_out == (3, 7, 9)


def test_a_config_with_held_out_classes_goes_through_json() -> None:
    config = held(held_out=[3, 7])
    assert TrainConfig(**json.loads(json.dumps(config.model_dump()))) == config
    assert small(held_out="") == small(held_out=[]) == small()


def test_classes_of_ones_own_images_are_held_out_by_name(tmp_path: Path) -> None:
    x, y = np.zeros((12, 8, 8), np.uint8), np.arange(12) % 4
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x, y_test=y, class_names=["2", "bee", "cat", "0"])
    config = TrainConfig(dataset=str(tmp_path / "own.npz"), centre_images=4)
    assert load(config.model_copy(update={"held_out": "bee,0"})).held_out == (1, 3)  # a name goes before a number
    with pytest.raises(InputError, match=r"has no class 'dog'; give names or numbers of 0 to 3: 2, bee, cat, 0"):
        load(config.model_copy(update={"held_out": "dog"}))
    with pytest.raises(InputError, match="leaves 1 of 4 classes; training takes two or more"):
        load(config.model_copy(update={"held_out": "1,2,3"}))


@pytest.mark.parametrize("validation", ["test", 0.25])
def test_no_image_of_a_held_out_class_is_trained_on(validation: object) -> None:
    data = load(held(train_images=0, validation=validation))
    everything = load(small(train_images=0))
    assert np.unique(data.train.labels).tolist() == TRAINED
    assert np.array_equal(data.test.labels, everything.test.labels)
    kept = [len(data.train), 0 if data.validation is None else len(data.validation)]
    assert sum(kept) == np.isin(everything.train.labels, TRAINED).sum()
    if data.validation is not None:
        assert np.unique(data.validation.labels).tolist() == TRAINED
    own = {image.tobytes() for image in everything.train.images[np.isin(everything.train.labels, HELD_OUT)]}
    assert not own & {image.tobytes() for image in data.train.images}


@pytest.mark.parametrize("loss_name", [*LOSSES, "pure"])
def test_held_out_classes_have_no_target_and_are_recorded(loss_name: str) -> None:
    head = {"head": "linear", "dim": 64} if loss_name == "pure" else {"loss": loss_name}
    *_, last = train(held(**head))
    y = last.points.labels
    assert np.bincount(y).tolist() == [6] * 10  # recorded as if nothing were held out
    rows = last.class_embeddings if last.head is None else np.column_stack([last.head[0], last.head[1]])
    assert rows is not None
    for per_class in (rows, last.reference_centres):
        assert np.isnan(per_class[HELD_OUT]).all()
        assert np.isfinite(per_class[TRAINED]).all()
    assert np.isfinite(last.embeddings).all()
    for name, predicted in last.predictions.items():
        assert not set(predicted.tolist()) & set(HELD_OUT), name
        assert np.isfinite(last.margins[name]).all()
    assert last.metrics["n"] == np.isin(load(held()).test.labels, TRAINED).sum()
    assert last.metrics["accuracy"]["cos"] > 0.5  # of the classes trained on: the others would pull it below
    assert all(math.isfinite(last.metrics[name]) for name in ("loss", "test_loss", "cluster_size"))
    assert np.isnan(np.asarray(last.metrics["cluster_size_per_class"])[HELD_OUT]).all()
    if last.target_distances is not None:
        assert np.array_equal(np.isnan(last.target_distances), np.isin(y, HELD_OUT))


def test_every_trained_class_goes_to_its_own_target() -> None:
    """Class 4 is the fourth of the trained ones: a mix-up of numbers would pull it to the target of another."""
    *_, last = train(held(epochs=6, lr=3e-3, dim=16, train_images=400))
    seen = np.isin(last.points.labels, TRAINED)
    y = last.points.labels[seen]
    assert (last.predictions["euc_ce"][seen] == y).mean() > 0.7
    distances = np.linalg.norm(last.embeddings[seen][:, None] - last.class_embeddings, axis=2)  # (n, C)
    assert (np.nanargmin(distances, axis=1) == y).mean() > 0.7
    assert last.target_distances is not None
    np.testing.assert_allclose(last.target_distances[seen], distances[np.arange(len(y)), y], rtol=1e-3)


def arrays_of(reference: Reference) -> tuple[np.ndarray, ...]:
    """Weight and bias of a linear head, or the class centres or embeddings alone."""
    return tuple(map(np.asarray, reference)) if isinstance(reference, tuple) else (np.asarray(reference),)


def test_training_is_that_of_a_data_set_without_these_classes(tmp_path: Path) -> None:
    """Targets and heads to the bit: nothing of a held-out class gets into the weights."""
    data = load(held())
    number = {k: i for i, k in enumerate(TRAINED)}
    seen = np.isin(data.test.labels, TRAINED)

    def only(split: Any, rows: Any) -> Any:
        return replace(split, images=split.images[rows], labels=np.array([number[k] for k in split.labels[rows]]))

    alone = Dataset(
        data.name,
        only(data.train, np.arange(len(data.train))),
        None,
        only(data.test, seen),
        tuple(map(str, TRAINED)),
        data.mean,
        data.std,
    )
    for kind in ({}, {"head": "linear", "dim": 64}):
        *_, with_all = train(held(record=0, **kind))
        *_, without = train(held(record=0, held_out=None, **kind), dataset=alone)
        reference: Any
        for name, reference in without.references.items():
            for a, b in zip(arrays_of(with_all.references[name]), arrays_of(reference), strict=True):
                assert np.array_equal(a[TRAINED], b), name
        np.testing.assert_allclose(with_all.embeddings[seen], without.embeddings, rtol=1e-3, atol=1e-5)
        assert with_all.metrics["loss"] == without.metrics["loss"]
        for name in ("n", "test_loss", "cluster_size", "centre_distance"):
            assert with_all.metrics[name] == pytest.approx(without.metrics[name], rel=1e-3), name
        for name, accuracy in without.metrics["accuracy"].items():
            assert with_all.metrics["accuracy"][name] == pytest.approx(accuracy, abs=0.01), name


def test_a_model_has_targets_for_the_trained_classes_only() -> None:
    config = held()
    model = make_model(config, load(config))
    assert model.class_embeddings is not None
    assert model.class_embeddings.shape == torch.Size([7, 8])


# A run


def test_a_run_says_which_classes_it_has_not_seen(run: Run, finished_run: Path) -> None:
    opened = Run.open(run.folder)
    assert opened.problems == []
    assert unseen_classes(opened.snapshot(0)) == unseen_classes(opened.snapshot(-1)) == HELD_OUT
    assert unseen_classes(Run.open(finished_run).snapshot(-1)) == []
    assert opened.config is not None
    assert opened.config.held_out == "3,7,9"
    assert math.isnan(opened.metrics[-1]["target_gap_per_class"][3])


def test_few_shot_of_a_run_is_that_of_its_snapshots(run: Run) -> None:
    few_shot_rows = few_shot(run, shots=[1, 5], episodes=40, seed=2)
    assert NEAREST_CENTRE[:2] == ["euc", "cos"]
    assert [(row["classifier"], row["shots"]) for row in few_shot_rows] == list(product(NEAREST_CENTRE, (1, 5)))
    first, last = run.snapshot(0), run.snapshot(-1)
    for row in few_shot_rows:
        episodes = draw(run.labels, HELD_OUT, 3, row["shots"], 15, 40, seed=2)

        def expected(snapshot: Snapshot, row: Any = row, episodes: Episodes = episodes) -> tuple[float, float]:
            e = np.asarray(snapshot.embeddings, np.float64)
            return interval(episode_accuracies(e, episodes, row["classifier"]))

        assert (row["accuracy"], row["interval"]) == expected(last)
        assert row["untrained"] == expected(first)[0]
        assert (row["ways"], row["classes"], row["epoch"], row["dim"]) == (3, ["3", "7", "9"], 1.0, 8)
    assert few_shot(run, episodes=40, epoch=0.2)[0]["epoch"] == 0.0
    by_shots = {(row["classifier"], row["shots"]): row["accuracy"] for row in few_shot_rows}
    assert by_shots["euc", 5] > by_shots["euc", 1] > 0.4


def test_the_command_prints_a_table_and_json(mtm: Command, run: Run) -> None:
    done = mtm("fewshot", run.folder, "--ways", 2, "--shots", "1,3", "--episodes", 30)
    assert done.returncode == 0, done.stderr
    rows = few_shot(run, 2, (1, 3), episodes=30)
    assert f"{100 * rows[0]['accuracy']:.2f} ± {100 * rows[0]['interval']:.2f}" in done.stdout
    assert "2 ways of the classes 3, 7, 9" in " ".join(done.stdout.split())
    done = mtm(
        "fewshot", run.name, "--runs", run.folder.parent, "--ways", 2, "--shots", "1,3", "--episodes", 30, "--json"
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == rows


def test_the_command_refuses_a_run_without_unseen_classes(mtm: Command, finished_run: Path) -> None:
    done = mtm("fewshot", finished_run)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has images of 0 classes that it was not trained on" in done.stderr
    assert len(done.stderr.splitlines()) == 1
