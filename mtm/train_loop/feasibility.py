"""What can be known of a training before it begins: whether its batches and the memory here will do."""

from __future__ import annotations

import copy

import psutil
import torch

from mtm.config import TrainConfig
from mtm.data import Dataset
from mtm.errors import InputError
from mtm.model import Model
from mtm.train_loop.rough_speed import NETWORKS
from mtm.training import batch_bounds

WEIGHT_BYTES = 16  # a weight in float32, its gradient and the two moments of Adam
EVALUATION_BYTES = 8  # a coordinate of an embedding in float32, and once more when batches are joined
LARGEST_FEATURES = 2048  # of the backbones whose features are not known here


def check_batches(config: TrainConfig, model: Model, dataset: Dataset) -> None:
    """Send one image through the network in training mode where a batch has only one. Raises InputError if it fails.

    Batch normalisation takes the spread of a channel over the batch and the map: of one image and one pixel there is
    none. A last batch of one joins the batch before it, so this is so for `batch_size` 1 alone.
    """
    bounds = batch_bounds(len(dataset.train), config.batch_size)
    if min(end - begin for begin, end in bounds) > 1:
        return
    height, width, channels = dataset.train.images.shape[1:]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            copy.deepcopy(model).train()(torch.zeros(1, channels, height, width))
    except ValueError as error:
        raise InputError(
            f"batch_size {config.batch_size}: backbone '{config.backbone}' normalises over its batch and cannot train "
            f"on a single image of {height}x{width}; use 2 or more, or larger images"
        ) from error


def check_memory(config: TrainConfig, dataset: Dataset) -> None:
    """Raises InputError where D dimensions of all that is embedded at once, and the weights to them, cannot fit."""
    if config.head == "linear":
        return
    known = NETWORKS.get(config.backbone)
    weights = ((known.features if known else LARGEST_FEATURES) + len(dataset.trained)) * WEIGHT_BYTES
    images = max(len(dataset.test), min(config.centre_images, len(dataset.train)), len(dataset.validation or ()))
    needed = config.dim * (weights + images * EVALUATION_BYTES)
    free = psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"dim {config.dim:,}: the embeddings of {images:,} images and the weights need about "
            f"{needed / 1e9:,.1f} GB and {free / 1e9:,.1f} GB are free here; use a lower dim"
        )
