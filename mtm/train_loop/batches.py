"""A split on the device, as uint8, and normalised batches of it: no worker processes, nothing is sent twice."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mtm.data import Dataset, Split
from mtm.train_loop.devices import free_bytes


class Batches:
    """Images (N, h, w, c) uint8 on the device, in host memory where they do not fit there, with labels (N,).

    A label is the number of the class's target in the model; images of a held-out class, which has none, have label 0.
    """

    def __init__(self, split: Split, dataset: Dataset, device: torch.device) -> None:
        free = free_bytes(device)
        self.device = device
        self.on_device = free is None or split.images.nbytes < free / 2
        home = device if self.on_device else torch.device("cpu")
        targets = np.zeros(dataset.n_classes, np.int64)  # (C,)
        targets[dataset.trained] = np.arange(len(dataset.trained))
        self.images = torch.from_numpy(split.images).to(home)
        self.labels = torch.from_numpy(targets[split.labels]).to(home)
        scale = 1 / torch.tensor(dataset.std, dtype=torch.float64)
        shift = -torch.tensor(dataset.mean, dtype=torch.float64) * scale
        self.scale, self.shift = (v.float().to(device).view(1, -1, 1, 1) for v in (scale, shift))

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised images (B, c, h, w), channels last, and labels (B,)."""
        rows = rows.to(self.labels.device)
        x, y = self.images.index_select(0, rows), self.labels.index_select(0, rows)
        if not self.on_device:
            x, y = x.to(self.device, non_blocking=True), y.to(self.device, non_blocking=True)
        x = x.permute(0, 3, 1, 2).to(torch.float32)
        return torch.addcmul(self.shift, x, self.scale), y
