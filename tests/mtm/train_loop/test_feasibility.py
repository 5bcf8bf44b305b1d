"""What cannot be trained is found before a run is made."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from conftest import small

from mtm.config import TrainConfig
from mtm.data import Dataset, Split
from mtm.errors import InputError
from mtm.model import make_model
from mtm.train_loop.feasibility import check_batches, check_memory
from mtm.tuning.space import Choice, Range, Space, most_demanding


def made_up(n: int, side: int = 16, n_test: int = 4) -> Dataset:
    def split(n: int, side: int) -> Split:
        return Split(np.zeros((n, side, side, 1), np.uint8), np.arange(n) % 2)

    return Dataset("trial", split(n, side), None, split(n_test, 1), ("a", "b"), (128.0,), (64.0,))


@pytest.mark.parametrize(
    ("n", "batch_size", "side", "is_refused"),
    [
        (20, 1, 16, True),
        (20, 1, 36, False),  # the last map has 2x2 pixels: normalisation has four values
        (21, 20, 16, False),  # the last batch of one joins the one before it
        (20, 2, 16, False),
    ],
)
def test_a_single_image_is_refused_where_batch_normalisation_cannot_take_it(
    n: int, batch_size: int, side: int, is_refused: bool
) -> None:
    config, dataset = small(backbone="resnet18", weights="none", batch_size=batch_size), made_up(n, side)
    model = make_model(config, dataset)
    before = torch.random.get_rng_state()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    if is_refused:
        with pytest.raises(InputError, match=f"batch_size 1: backbone 'resnet18' .* single image of {side}x{side}"):
            check_batches(config, model, dataset)
    else:
        check_batches(config, model, dataset)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_more_dimensions_than_memory_are_refused() -> None:
    dataset = made_up(20, n_test=1_000_000)
    check_memory(small(dim=8), dataset)
    with pytest.raises(InputError, match=r"dim 1,000,000: the embeddings of 1,000,000 images .* use a lower dim"):
        check_memory(small(dim=1_000_000), dataset)
    check_memory(TrainConfig(head="linear"), dataset)


def test_a_search_is_tried_with_its_smallest_batch_and_its_most_dimensions() -> None:
    space: Space = {"batch_size": Choice((64, 1)), "dim": Range(4, 99, whole=True), "lr": Range(1e-4, 1e-2, log=True)}
    config = most_demanding(small(dim=8, lr=0.5), space)
    assert (config.batch_size, config.dim, config.lr) == (1, 99, 0.5)
    assert most_demanding(small(), {"lr": space["lr"]}) == small()


def test_more_snapshots_than_steps_are_one_a_step_and_take_no_memory() -> None:
    for n in range(1, 40):
        for steps in range(1, 12):
            even = sorted({math.ceil(k / n * steps) for k in range(1, n + 1)})
            denser = sorted({max(1, math.ceil((k / n) ** 2 * steps)) for k in range(1, n + 1)})
            config = TrainConfig(snapshots_per_epoch=n, first_epoch_snapshots=n)
            assert (config.snapshot_steps(1, steps), config.snapshot_steps(0, steps)) == (even, denser)
    assert TrainConfig(snapshots_per_epoch=10**12).snapshot_steps(1, 3) == [1, 2, 3]
