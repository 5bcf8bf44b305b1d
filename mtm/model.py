"""The Moving Targets Model: a backbone, a linear layer to D dimensions and C class embeddings (section III).

The pure baseline is the same module with `head="linear"`: the output embedding is the pooled feature and a linear layer
makes C logits of it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mtm.backbones import make_backbone
from mtm.config import TrainConfig
from mtm.data import Dataset
from mtm.run_folder.snapshots import Array
from mtm.train_loop.randomness import seeded


class Model(nn.Module):
    """`model(x)` gives output embeddings (B, D) in float32 from normalised images (B, 1 or 3, h, w)."""

    def __init__(self, backbone: nn.Module, n_features: int, n_classes: int, config: TrainConfig) -> None:
        super().__init__()
        self.backbone = backbone
        if config.head == "targets":
            self.embedding: nn.Module = nn.Linear(n_features, config.dim)
            self.class_embeddings: Tensor | None = nn.Parameter(
                torch.randn(n_classes, config.dim) * config.class_init_scale
            )  # (C, D)
            self.classifier: nn.Linear | None = None
        else:
            self.embedding = nn.Identity()
            self.class_embeddings = None
            self.classifier = nn.Linear(n_features, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.backbone(x)  # (B, F), perhaps in half precision
        with torch.autocast(x.device.type, enabled=False):
            e: Tensor = self.embedding(features.float())  # (B, D)
        return e

    def losses(self, e: Tensor, y: Tensor, loss: object) -> Tensor:
        """(B,): the loss of each image; cross-entropy of the logits with a linear head."""
        if self.classifier is not None:
            with torch.autocast(e.device.type, enabled=False):
                return nn.functional.cross_entropy(self.classifier(e), y, reduction="none")
        return loss(e, self.class_embeddings, y)  # type: ignore[operator]

    def targets(self) -> tuple[Array | None, tuple[Array, Array] | None]:
        """The class embeddings (C, D) or None, and the linear head's (weight, bias) or None, as NumPy copies."""
        if self.classifier is not None:
            return None, (_numpy(self.classifier.weight), _numpy(self.classifier.bias))
        assert self.class_embeddings is not None
        return _numpy(self.class_embeddings), None


def make_model(config: TrainConfig, dataset: Dataset) -> Model:
    """The model of a config, with weights drawn from its seed; leaves torch's global random state as it was."""
    height, width, channels = dataset.train.images.shape[1:]
    with seeded(config.seed, torch.device("cpu")):  # the weights are drawn there
        backbone, n_features = make_backbone(config.backbone, channels, (height, width), config.weights)
        return Model(backbone, n_features, len(dataset.trained), config)


def _numpy(tensor: Tensor) -> Array:
    return np.array(tensor.detach().float().cpu().numpy())
