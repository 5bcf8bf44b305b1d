"""Training: which snapshots it takes, the same bits twice, going on where it was cut, and ending when it cannot."""

from __future__ import annotations

import math
import random
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import small

from explorer.lab.own_losses import OwnLosses
from mtm import geometry
from mtm.backbones import make_backbone, read_state
from mtm.classifiers import classifiers_of
from mtm.config import TrainConfig
from mtm.data import load
from mtm.data.sampling import balanced_sample
from mtm.errors import Diverged, InputError, Stopped
from mtm.losses import LOSSES
from mtm.model import make_model
from mtm.run_folder.snapshots import Snapshot
from mtm.run_folder.summary import best_of
from mtm.runs import Run
from mtm.train_loop.recorder import explain_failure, prepare_training, record_training, start_run
from mtm.training import Progress, train


def same(a: Snapshot, b: Snapshot) -> bool:
    return (
        a.epoch == b.epoch
        and np.array_equal(a.embeddings, b.embeddings)
        and np.array_equal(a.reference_centres, b.reference_centres)
        and (
            a.class_embeddings is None
            or (b.class_embeddings is not None and np.array_equal(a.class_embeddings, b.class_embeddings))
        )
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_the_digits(loss: str) -> None:
    untrained, *_, last = train(TrainConfig(loss=loss, epochs=6, dim=32, lr=3e-3))
    assert list(last.metrics["accuracy"]) == classifiers_of("targets")
    for name in ("cos", "euc"):  # push and pull 89 to 93 %, the others over 97 %; untrained centres already 75 to 82 %
        learned = last.metrics["accuracy"][name]
        assert learned > 0.8
        assert 1 - learned < 0.8 * (1 - untrained.metrics["accuracy"][name])


def test_the_pure_baseline_learns_the_digits() -> None:
    *_, last = train(TrainConfig(head="linear", epochs=6, lr=3e-3))
    assert list(last.metrics["accuracy"]) == classifiers_of("linear")
    assert last.metrics["accuracy"]["argmax"] > 0.95
    assert last.class_embeddings is None
    assert last.embeddings.shape[1] == 128  # the pooled features of convnet


def test_epoch_0_is_the_untrained_model() -> None:
    a, b = (next(train(small(lr=lr))) for lr in (1e-3, 1.0))
    assert a.epoch == 0
    assert same(a, b)
    assert a.metrics["n"] == 359  # the whole test split


def test_snapshots_come_when_asked_for() -> None:
    config = small(snapshots_per_epoch=2, first_epoch_snapshots=4)  # 6 steps an epoch
    epochs = [snapshot.epoch for snapshot in train(config)]
    assert epochs == [0, 1 / 6, 2 / 6, 4 / 6, 1, 1.5, 2]
    rows = [snapshot.metrics for snapshot in train(config)]
    assert [row["split"] for row in rows] == ["test", "recorded", "recorded", "recorded", "test", "recorded", "test"]
    assert [row["n"] for row in rows] == [359, 60, 60, 60, 359, 60, 359]


def test_more_snapshots_than_steps_gives_one_a_step() -> None:
    assert len(list(train(small(epochs=1, snapshots_per_epoch=100)))) == 1 + 6


def test_measures_within_an_epoch_are_those_of_the_recorded_images() -> None:
    within = list(train(small(epochs=1, snapshots_per_epoch=2)))[1]
    y, g = within.points.labels, geometry.class_centres(within.embeddings, within.points.labels, 10)
    assert within.metrics["cluster_size"] == pytest.approx(geometry.cluster_size(within.embeddings, y, g))
    assert within.metrics["centre_distance"] == pytest.approx(geometry.centre_distance(g))
    assert within.metrics["accuracy"]["euc"] == pytest.approx((within.predictions["euc"] == y).mean())


def test_recording_is_balanced_and_all_on_request() -> None:
    first = next(train(small(record=50)))
    assert np.bincount(first.points.labels).tolist() == [5] * 10
    assert len(next(train(small(record=0))).embeddings) == 359
    test = load(small()).test
    np.testing.assert_array_equal(test.labels[first.points.indices], first.points.labels)
    np.testing.assert_array_equal(test.images[first.points.indices, ..., 0], first.points.thumbnails)


def test_one_seed_gives_the_same_bits_twice_and_another_does_not() -> None:
    config = small(snapshots_per_epoch=2)
    first = list(train(config))
    torch.manual_seed(123)  # the state of the world outside must not matter
    again = list(train(config))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert [a.metrics["loss"] for a in first] == [b.metrics["loss"] for b in again]
    assert not same(first[-1], list(train(small(snapshots_per_epoch=2, seed=1)))[-1])


def test_the_centres_that_classify_come_from_training_images() -> None:
    config = small(epochs=1)
    *_, last = train(config)
    own = geometry.class_centres(last.embeddings, last.points.labels, 10)
    assert not np.allclose(last.reference_centres, own)
    *_, more = train(small(epochs=1, centre_images=20))
    assert same_weights(more, last)
    assert not np.array_equal(more.reference_centres, last.reference_centres)


def same_weights(a: Snapshot, b: Snapshot) -> bool:
    return np.array_equal(a.embeddings, b.embeddings)


def test_the_mean_training_loss_of_an_epoch_is_reported() -> None:
    seen: list[Progress] = []
    first, last = train(small(epochs=1, lr=1e-12, class_init_scale=1e3), report=seen.append)
    c = np.asarray(
        first.class_embeddings, np.float64
    )  # so far out that |e - c|^2 is |c|^2, and all classes have 30 images
    assert last.metrics["loss"] == pytest.approx(np.square(c).sum(1).mean(), rel=0.01)
    assert first.metrics["loss"] == pytest.approx(last.metrics["loss"], rel=0.01)
    assert [p.epoch for p in seen if not p.evaluating] == pytest.approx([k / 6 for k in range(6)])
    assert all(p.images_per_second > 0 for p in seen if p.epoch > 0 and not p.evaluating)


def test_a_plateau_stops_as_ray_does() -> None:
    config = small(epochs=30, lr=1e-9, plateau_epochs=3, plateau_std=0.5)
    assert [snapshot.epoch for snapshot in train(config)] == [0, 1, 2, 3]
    never = small(epochs=4, lr=1e-9, plateau_epochs=3, plateau_std=0.0, batch_size=7)
    assert len(list(train(never))) >= 4


def test_a_validation_fraction_is_kept_out_of_training_and_measured() -> None:
    config = small(validation=0.25, train_images=0)
    data = load(config)
    assert data.validation is not None
    assert len(data.validation) == pytest.approx(0.25 * 1438, abs=10)
    assert len(data.train) + len(data.validation) == 1438
    *_, last = train(config)
    assert list(last.metrics["validation_accuracy"]) == classifiers_of("targets")


@pytest.mark.parametrize("changes", [{"optimiser": "sgd", "lr": 1e-4}, {"optimiser": "adamw", "weight_decay": 0.1}])
def test_other_optimisers_learn(changes: dict[str, object]) -> None:
    *_, last = train(TrainConfig(epochs=5, dim=16, **changes))
    assert last.metrics["accuracy"]["euc"] > 0.8


@pytest.fixture(scope="module")
def in_float32() -> list[Snapshot]:
    """80 steps: with float16 the first eight or so are skipped, until the scale of the gradients fits the type."""
    return list(train(TrainConfig(epochs=4, dim=16, precision="float32", lr=3e-3, train_images=500, batch_size=25)))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_learns_as_float32_does_and_embeds_in_float32(
    precision: str, in_float32: list[Snapshot]
) -> None:
    config = TrainConfig(epochs=4, dim=16, precision=precision, lr=3e-3, train_images=500, batch_size=25)
    untrained, *_, last = train(config)
    for name in ("cos", "euc"):
        reference = in_float32[-1].metrics["accuracy"][name]
        learned = last.metrics["accuracy"][name]
        assert learned == pytest.approx(reference, abs=0.05)
        assert learned > untrained.metrics["accuracy"][name] + 0.1
    assert last.embeddings.dtype == np.float32
    assert not np.array_equal(last.embeddings, in_float32[-1].embeddings)  # it was another arithmetic


def test_class_embeddings_have_their_own_learning_rate() -> None:
    first, *_, last = train(small(class_lr_factor=0))
    np.testing.assert_array_equal(first.class_embeddings, last.class_embeddings)
    first, *_, last = train(small(class_lr_factor=100))
    assert first.class_embeddings is not None
    assert last.class_embeddings is not None
    assert np.abs(last.class_embeddings - first.class_embeddings).max() > 0.1


def test_class_embeddings_start_from_a_normal_distribution() -> None:
    c = next(train(small(dim=500, class_init_scale=3.0))).class_embeddings
    assert c is not None
    assert c.std() == pytest.approx(3, rel=0.05)
    assert abs(c.mean()) < 0.2


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_a_training_that_needs_too_much_memory_says_what_to_lower(error: BaseException) -> None:
    assert explain_failure(error, small()) == "out of memory; lower batch_size (50) or record (60)"


def test_a_loss_of_ones_own_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_loss.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\n"
        "class Scaled:\n"
        "    factor: float = 1.0\n"
        "    def __call__(self, e, c, y):\n"
        "        return self.factor * (e - c[y]).square().sum(-1)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own = list(train(small(loss="own_loss:Scaled", loss_args={"factor": 1.0})))
    ours = list(train(small(loss="euclidean")))
    assert own[-1].metrics["loss"] == pytest.approx(ours[-1].metrics["loss"], rel=1e-3)
    (in_the_lab,) = OwnLosses([str(tmp_path / "own_loss.py")]).all()
    assert in_the_lab.name == "own_loss:Scaled"
    twice = list(train(small(loss=in_the_lab.name, loss_args={"factor": 2.0})))
    assert twice[0].metrics["loss"] == pytest.approx(2 * own[0].metrics["loss"], rel=1e-5)


# Going on


def collect(training: Iterator[Snapshot], snapshots: list[Snapshot]) -> None:
    for snapshot in training:
        snapshots.append(snapshot)


def stop_after(n: int) -> Iterator[bool]:
    yield from [False] * n
    while True:
        yield True


@pytest.mark.parametrize("changes", [{}, {"head": "linear", "dim": 64}, {"optimiser": "sgd", "lr": 1e-4}])
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 16, 20])  # also within evaluations
def test_a_stopped_training_goes_on_with_the_same_bits(tmp_path: Path, steps: int, changes: dict[str, object]) -> None:
    config = small(snapshots_per_epoch=2, **changes)
    whole = list(train(config))
    stops = stop_after(steps)
    snapshots: list[Snapshot] = []
    training = train(config, checkpoints=tmp_path / "c", stop=lambda: next(stops))
    with pytest.raises(Stopped):
        collect(training, snapshots)
    assert len(snapshots) < len(whole)
    snapshots += train(config, checkpoints=tmp_path / "c")
    assert [s.index for s in snapshots] == list(range(len(whole)))
    assert all(same(a, b) for a, b in zip(snapshots, whole, strict=True))
    assert [a.metrics["loss"] for a in snapshots] == [b.metrics["loss"] for b in whole]


def test_seconds_go_on_after_a_stop(tmp_path: Path) -> None:
    stops = stop_after(16)
    snapshots: list[Snapshot] = []
    with pytest.raises(Stopped):
        collect(train(small(), checkpoints=tmp_path / "c", stop=lambda: next(stops)), snapshots)
    before = snapshots[-1].metrics["seconds"]
    snapshots += train(small(), checkpoints=tmp_path / "c")
    seconds = [snapshot.metrics["seconds"] for snapshot in snapshots]
    assert before > 0
    assert seconds == sorted(seconds)
    assert [s.epoch for s in snapshots] == [0, 1, 2]


@pytest.mark.parametrize("validation", ["test", 0.2])
def test_the_best_epoch_of_the_table_is_the_one_whose_weights_are_kept(tmp_path: Path, validation: object) -> None:
    run = Run.create(tmp_path / "a", small(epochs=4, lr=0.05, optimiser="sgd", loss="cosine", validation=validation))
    kept: dict[float, bytes] = {}

    def look(snapshot: Snapshot) -> None:
        if snapshot.epoch:
            kept[snapshot.epoch] = (run.checkpoints / "best.safetensors").read_bytes()

    record_training(run, on_snapshot=look)
    best = best_of(run.metrics)
    assert best is not None
    assert best.row["epoch"] == next(epoch for epoch, weights in kept.items() if weights == kept[4])
    assert best.by == ("test" if validation == "test" else "validation")


def test_the_weights_of_a_run_give_another_its_backbone(finished_run: Path, tmp_path: Path) -> None:
    path = finished_run / "checkpoint" / "best.safetensors"
    weights = read_state(path)
    config = small(weights=str(path), dim=5)
    model = make_model(config, load(config))
    assert model.embedding.weight.shape == (5, 128)
    for name, value in model.backbone.state_dict().items():
        torch.testing.assert_close(value, weights[f"backbone.{name}"], rtol=0, atol=0)
    stops = stop_after(8)
    with pytest.raises(Stopped):
        list(train(small(), checkpoints=tmp_path, stop=lambda: next(stops)))
    make_backbone("convnet", 1, (16, 16), str(tmp_path / "state.safetensors"))
    with pytest.raises(InputError, match=r"do not fit the backbone: \d+ differ, first 'conv1.weight' is not there"):
        make_backbone("resnet18", 1, (36, 36), str(path))
    with pytest.raises(InputError, match=r"'0.weight' is \(32, 1, 3, 3\), not \(32, 3, 3, 3\)"):
        make_backbone("convnet", 3, (16, 16), str(path))


@pytest.mark.parametrize(("name", "channels"), [("resnet18", 1), ("resnet18", 3), ("vgg11", 1)])
def test_the_weights_of_a_run_fit_a_backbone_of_torchvision_without_its_last_layer(
    name: str, channels: int, tmp_path: Path
) -> None:
    first, _ = make_backbone(name, channels, (36, 36))
    torch.save({f"backbone.{key}": value for key, value in first.state_dict().items()}, tmp_path / "own.pt")
    second, _ = make_backbone(name, channels, (36, 36), str(tmp_path / "own.pt"))
    for key, value in second.state_dict().items():
        torch.testing.assert_close(value, first.state_dict()[key], rtol=0, atol=0)


def test_random_layers_go_on_with_the_same_bits(tmp_path: Path) -> None:
    config = small(backbone="mobilenet_v3_small", weights="none", resize=32, train_images=100, epochs=1)  # has dropout
    whole = list(train(config))
    stops = stop_after(1)
    with pytest.raises(Stopped):
        list(train(config, checkpoints=tmp_path / "c", stop=lambda: next(stops)))
    *_, last = train(config, checkpoints=tmp_path / "c")
    assert same(last, whole[-1])


class Noisy:
    """A loss that draws random numbers, as dropout does."""

    def __call__(self, e: torch.Tensor, c: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (e - c[y] + 0.1 * torch.randn_like(e)).square().sum(-1)


def test_the_random_numbers_of_the_caller_stay_as_they_were() -> None:
    """At every snapshot and every step, for layers and losses that draw some."""
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    before = torch.random.get_rng_state(), np.random.get_state(), random.getstate()

    def check(progress: Progress | None = None) -> None:
        assert torch.equal(torch.random.get_rng_state(), before[0])
        np.testing.assert_equal(np.random.get_state(), before[1])
        assert random.getstate() == before[2]

    dropout = small(backbone="mobilenet_v3_small", weights="none", resize=32, train_images=100, epochs=1)
    for config in (dropout, small(loss=f"{__name__}:Noisy", epochs=1, snapshots_per_epoch=2)):
        for _ in train(config, report=check):
            check()


def test_random_losses_go_on_with_the_same_bits(tmp_path: Path) -> None:
    config = small(loss=f"{__name__}:Noisy")
    whole = list(train(config))
    stops = stop_after(8)
    with pytest.raises(Stopped):
        list(train(config, checkpoints=tmp_path / "c", stop=lambda: next(stops)))
    torch.rand(7)
    *_, last = train(config, checkpoints=tmp_path / "c")
    assert same(last, whole[-1])
    assert last.metrics["loss"] == whole[-1].metrics["loss"]
    assert last.metrics["test_loss"] == whole[-1].metrics["test_loss"]


def test_only_the_weights_of_the_best_and_last_epoch_stay(finished_run: Path) -> None:
    assert sorted(p.name for p in (finished_run / "checkpoint").iterdir()) == ["best.safetensors", "last.safetensors"]
    assert list(train(small(), checkpoints=finished_run / "checkpoint")) == []


def test_a_damaged_checkpoint_is_refused_with_what_to_do(tmp_path: Path) -> None:
    stops = stop_after(2)
    with pytest.raises(Stopped):
        list(train(small(), checkpoints=tmp_path, stop=lambda: next(stops)))
    path = tmp_path / "state.safetensors"
    with pytest.raises(InputError, match="of another model"):
        list(train(small(dim=9), checkpoints=tmp_path))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="remove it to train again from the start"):
        list(train(small(), checkpoints=tmp_path))


# Ending badly


def test_a_loss_that_is_no_longer_finite_ends_with_epoch_and_reason(tmp_path: Path) -> None:
    config = small(loss="push_pull", r=1.5, optimiser="sgd", lr=1.0, epochs=5)
    run = Run.create(tmp_path / "a", config)
    with pytest.raises(Diverged, match=r"epoch 0\.\d+; lower lr \(1\) or r \(1\.5\)"):
        record_training(run)
    opened = Run.open(tmp_path / "a")
    assert opened.status.state == "failed"
    assert "lower lr" in str(opened.status.error)
    assert opened.problems == []
    assert len(opened.snapshots) == len(opened.metrics) == 1
    assert all(np.isfinite(np.asarray(opened.snapshot(0).embeddings)).ravel())


def test_a_stop_file_stops_and_is_taken_away(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", small(epochs=50))
    assert record_training(run, on_snapshot=lambda s: run.request_stop() if s.index == 2 else None) == "stopped"
    assert Run.open(run.folder).status.state == "stopped"
    assert len(run.snapshots) == 3
    assert not run.stop_requested()


def test_a_second_ctrl_c_leaves_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", small())

    def impatient(snapshot: Snapshot) -> None:
        if snapshot.index == 1:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        record_training(run, on_snapshot=impatient)
    status = Run.open(run.folder).status
    assert status.state == "stopped"
    assert "interrupted before a checkpoint" in str(status.error)
    assert record_training(Run.open(run.folder)) == "finished"
    assert Run.open(run.folder).status.error is None
    assert len(run.snapshots) == 3


def test_a_run_does_not_go_on_with_other_images(tmp_path: Path) -> None:
    config = small()
    run = start_run(tmp_path / "a", config, prepare_training(config))
    record_training(run, on_snapshot=lambda s: run.request_stop() if s.index == 1 else None)
    before = (run.folder / "status.json").read_bytes()
    with pytest.raises(InputError, match="snapshots of other images than digits has now"):
        record_training(run, replace(prepare_training(config), class_names=tuple("abcdefghij")))
    assert (run.folder / "status.json").read_bytes() == before


def test_progress_is_in_the_status_file(tmp_path: Path) -> None:
    seen = []
    run = Run.create(tmp_path / "a", small())
    record_training(run, on_progress=lambda p: seen.append(Run.open(run.folder).status))
    assert seen[1].state == "training"
    assert Run.open(run.folder).status.state == "finished"
    assert Run.open(run.folder).status.progress == 1
    assert math.isfinite(seen[-1].heartbeat)


def test_equal_configs_have_equal_hashes() -> None:
    assert hash(TrainConfig()) == hash(TrainConfig(lr=1e-3))
    own = [TrainConfig(loss="a:B", loss_args=args) for args in ({"p": 1.0, "q": 2.0}, {"q": 2.0, "p": 1.0})]
    assert own[0] == own[1]
    assert len({*own, TrainConfig(), TrainConfig(), TrainConfig(lr=1e-2)}) == 3


def test_balanced_sample_is_fixed_by_the_seed() -> None:
    y = np.repeat(np.arange(5), 20)
    assert balanced_sample(y, 10, 0).tolist() == balanced_sample(y, 10, 0).tolist()
    assert balanced_sample(y, 10, 0).tolist() != balanced_sample(y, 10, 1).tolist()
