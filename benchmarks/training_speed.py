"""Claims: training with mtm costs no more than its network, and less than what one would write by hand.

(a) mtm's own loop trains at least 0.95 times as many images/s as a bare forward-backward-step loop over the same
    network, loss and optimiser with one batch that lies in memory.
(b) It trains at least 1.5 times as many as the usual loop: torchvision's data set with the paper's transforms on PIL
    images, a DataLoader with two workers, torchvision's resnet18 on the grey image repeated three times, plain Adam.
(c) Inside mtm's loop the convnet, the default backbone, trains at least 10 times as many as resnet18.

ResNet-18, 36x36 grey images, D = 1,351 (Table 9, Euclidean), batch 128, without pre-trained weights. Source of the
transforms: section IV-A and Table 2 of the paper; the targets are the project's own. Snapshots and checkpoints are not
in (a)-(c): see snapshots.py. The DataLoader's start and mtm's one transform of all images (its time is printed) are not
timed either: both come once, the one an epoch, the other a training.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from common import (
    BATCH,
    GREY,
    Claim,
    TrainingLoop,
    grey_dataset,
    interleave,
    parser,
    random_split,
    ratios,
    report,
    side_row,
)
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms

from mtm.data import Dataset, Split, transform
from mtm.train_loop.batches import Batches
from mtm.training import make_optimiser

DIM, LR = 1351, 4.453946e-4  # Table 9
CONVNET_STEPS = 8  # chunks of the convnet have this many times the steps, to be long enough to time


class RandomImages(torch.utils.data.Dataset):
    """What torchvision's MNIST readers give, with random pixels, where there is no data folder."""

    def __init__(self, transform: Callable[[Image.Image], Tensor]) -> None:
        split = random_split(60_000, size=28)
        self.data, self.targets, self.transform = split.images[..., 0], split.labels, transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.data[i])), int(self.targets[i])


def usual_data(root: str) -> Any:  # a torch data set with `data` and `targets`
    mean, std = ([v / 255 for v in GREY[name]] for name in ("mean", "std"))
    steps = [transforms.Resize(44), transforms.CenterCrop(36), transforms.ToTensor(), transforms.Normalize(mean, std)]
    with contextlib.suppress(RuntimeError):  # it is not there
        return torchvision.datasets.FashionMNIST(root, train=True, transform=transforms.Compose(steps))
    return RandomImages(transforms.Compose(steps))


def contiguous_copy(x: Tensor) -> Tensor:
    """x in PyTorch's default memory format; one with a single channel or pixel passes for both and `.to` leaves it."""
    return torch.empty(x.shape).copy_(x)


class BareLoop:
    """The network, loss and optimiser of mtm's loop, one batch in memory, and nothing else.

    With `contiguous` the network and its images are in PyTorch's default memory format instead of mtm's.
    """

    def __init__(self, loop: TrainingLoop, dataset: Dataset, contiguous: bool = False) -> None:
        self.model = copy.deepcopy(loop.training.model)
        self.x, self.y = Batches(dataset.train, dataset, torch.device("cpu")).take(torch.arange(BATCH))
        if contiguous:
            self.x = contiguous_copy(self.x)
            for parameter in self.model.parameters():
                parameter.data = contiguous_copy(parameter.data)
        self.optimiser = make_optimiser(loop.config, self.model)
        self.loss = loop.config.make_loss()
        self.amp = loop.training.amp

    def __call__(self, steps: int) -> None:
        for _ in range(steps):
            with torch.autocast("cpu", dtype=self.amp, enabled=self.amp is not None):
                e = self.model(self.x)
            total = self.loss(e, self.model.class_embeddings, self.y).sum()
            self.optimiser.zero_grad()
            total.backward()
            self.optimiser.step()


class UsualLoop:
    """What one would write: DataLoader, contiguous tensors, three channels, the optimiser's defaults, float32."""

    def __init__(self, data: torch.utils.data.Dataset) -> None:
        self.loader = DataLoader(data, batch_size=BATCH, shuffle=True, num_workers=2, drop_last=True)
        self.batches = self.endless()
        self.model = torchvision.models.resnet18(weights=None)
        self.model.fc = nn.Linear(512, DIM)
        self.c = nn.Parameter(torch.randn(10, DIM))
        self.optimiser = torch.optim.Adam([*self.model.parameters(), self.c], lr=LR)

    def endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self.loader

    def __call__(self, steps: int) -> None:
        for _ in range(steps):
            x, y = next(self.batches)
            e = self.model(x.repeat(1, 3, 1, 1))
            loss = ((e - self.c[y]) ** 2).sum()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            loss.item()  # to print it


def main() -> None:
    options = parser(__doc__, repetitions=15)
    options.add_argument("--data-root", default="data", help="where FashionMNIST/raw is; without it random pixels")
    options.add_argument("--steps", type=int, default=5, help="in a chunk of ResNet-18 (%(default)s)")
    options.add_argument("--precision", default="float32", help="of mtm's loops and the bare one (%(default)s)")
    arguments = options.parse_args()
    if arguments.quick:
        arguments.repetitions, arguments.steps = 2, 1
    data = usual_data(arguments.data_root)
    n = 4_000 if arguments.quick else 60_000
    started = time.perf_counter()
    images = transform(np.asarray(data.data[:n]), 44, 36, grey=True)
    once = (time.perf_counter() - started) * 60_000 / n
    train = Split(images, np.asarray(data.targets[:n], dtype=np.int64))
    dataset = grey_dataset(train, random_split(2_000))
    with tempfile.TemporaryDirectory() as folder:
        fixed = {"dim": DIM, "lr": LR, "precision": arguments.precision}
        resnet = TrainingLoop(dataset, Path(folder) / "resnet18", backbone="resnet18", **fixed)
        convnet = TrainingLoop(dataset, Path(folder) / "convnet", backbone="convnet", **fixed)
        bare, plain = BareLoop(resnet, dataset), BareLoop(resnet, dataset, contiguous=True)
        usual = UsualLoop(data)
        loops: dict[str, Callable[[int], None]]
        loops = {"mtm": resnet, "bare": bare, "plain": plain, "usual": usual, "convnet": convnet}
        steps = {name: arguments.steps * (CONVNET_STEPS if name == "convnet" else 1) for name in loops}
        chunks = {name: partial(loops[name], steps[name]) for name in loops}
        # the workers of the DataLoader fill their queue while we rest, so each of its chunks pays for what it takes
        seconds = interleave(chunks, arguments.repetitions, rest=0.5)
    rate = {name: [steps[name] * BATCH / s for s in taken] for name, taken in seconds.items()}
    titles = {
        "mtm": f"mtm's loop, resnet18, {arguments.precision}",
        "bare": f"bare loop, same network, {arguments.precision}",
        "plain": f"bare loop, same network in contiguous format, {arguments.precision}",
        "usual": "usual PyTorch loop, float32",
        "convnet": f"mtm's loop, convnet, {arguments.precision}",
    }
    report(
        "Training speed",
        [side_row(title, rate[name], "images/s") for name, title in titles.items()],
        [
            Claim("(a) mtm's loop over a bare loop", ratios(rate["mtm"], rate["bare"]), at_least=0.95),
            Claim("(b) mtm's loop over the usual PyTorch loop", ratios(rate["mtm"], rate["usual"]), at_least=1.5),
            Claim("of it: mtm's memory format over contiguous, bare loops", ratios(rate["bare"], rate["plain"])),
            Claim("(c) convnet over resnet18, mtm's loop", ratios(rate["convnet"], rate["mtm"]), at_least=10),
        ],
        arguments,
        f"Images: {type(data).__name__}. Not timed: mtm's one transform of 60,000 images, {once:.1f} s.",
    )


if __name__ == "__main__":
    main()
