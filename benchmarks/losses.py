"""Claims: the comparison loss, which the paper dropped as too time-consuming (section III-C), costs next to nothing.

(a) What it adds to a training step over the Euclidean loss, forward and backward, is at most 3 % of a ResNet-18 step of
    batch 128, for C = 10, 100 and 1,000 classes, in float32 and in the precision that mtm chooses on this machine.
(b) Its time over that of the matrix product it is made of, e @ c.T in float64 as the loss computes it, forward and
    backward, does not grow with C: no loop over the classes is left. Shown beside it: over the product in float32.

D = 512. The losses are timed alone, from e and c to their gradients: inside a step their few milliseconds are less than
its noise. The targets are the project's own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from common import BATCH, Claim, TrainingLoop, grey_dataset, interleave, parser, random_split, ratios, report, side_row
from torch import Tensor

from mtm.losses import Comparison, Euclidean, Loss

CLASSES, DIM = (10, 100, 1000), 512
STEPS = {"float32": "ResNet-18 step, float32", "auto": "ResNet-18 step, mtm's own precision"}


def points(n_classes: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """e (B, D) around their class embeddings c (C, D), and their labels y (B,)."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(n_classes, (BATCH,), generator=generator)
    c = torch.randn(n_classes, DIM, generator=generator, dtype=dtype)
    e = c[y] + 0.3 * torch.randn(BATCH, DIM, generator=generator, dtype=dtype)
    return e.requires_grad_(), c.requires_grad_(), y


def loss_pass(loss: Loss, n_classes: int, calls: int) -> Callable[[], None]:
    e, c, y = points(n_classes, torch.float32)

    def run() -> None:
        for _ in range(calls):
            torch.autograd.grad(loss(e, c, y).sum(), (e, c))

    return run


def product_pass(dtype: torch.dtype, n_classes: int, calls: int) -> Callable[[], None]:
    e, c, _ = points(n_classes, dtype)
    gradient = torch.ones(BATCH, n_classes, dtype=dtype)

    def run() -> None:
        for _ in range(calls):
            torch.autograd.grad(e @ c.T, (e, c), gradient)

    return run


def main() -> None:
    options = parser(__doc__, repetitions=25)
    options.add_argument("--calls", type=int, default=20, help="of a loss in one timing (%(default)s)")
    options.add_argument("--steps", type=int, default=2, help="of the training in one timing (%(default)s)")
    arguments = options.parse_args()
    if arguments.quick:
        arguments.repetitions, arguments.calls, arguments.steps = 2, 3, 1
    dataset = grey_dataset(random_split(4_000), random_split(500))
    with tempfile.TemporaryDirectory() as folder:
        sides: dict[str, Callable[[], object]] = {}
        for precision, name in STEPS.items():
            loop = TrainingLoop(dataset, Path(folder) / precision, backbone="resnet18", dim=DIM, precision=precision)
            sides[name] = partial(loop, arguments.steps)
        for n in CLASSES:
            sides |= {
                f"Euclidean loss, C = {n}": loss_pass(Euclidean(), n, arguments.calls),
                f"comparison loss, C = {n}": loss_pass(Comparison(), n, arguments.calls),
                f"e @ c.T in float64, C = {n}": product_pass(torch.float64, n, arguments.calls),
                f"e @ c.T in float32, C = {n}": product_pass(torch.float32, n, arguments.calls),
            }
        seconds = interleave(sides, arguments.repetitions)
    calls = {name: arguments.steps if name in STEPS.values() else arguments.calls for name in sides}
    ms = {name: [1000 * s / calls[name] for s in values] for name, values in seconds.items()}
    claims, over_product = [], {}
    for n in CLASSES:
        pairs = zip(ms[f"comparison loss, C = {n}"], ms[f"Euclidean loss, C = {n}"], strict=True)
        added = [comparison - euclidean for comparison, euclidean in pairs]
        for name in STEPS.values():
            claims.append(Claim(f"(a) added to a {name}, C = {n}", ratios(added, ms[name]), at_most=0.03, style=".2%"))
        over_product[n] = ratios(ms[f"comparison loss, C = {n}"], ms[f"e @ c.T in float64, C = {n}"])
    for n in CLASSES:
        claims.append(Claim(f"(b) loss over its matrix product in float64, C = {n}", over_product[n]))
        in_float32 = ratios(ms[f"comparison loss, C = {n}"], ms[f"e @ c.T in float32, C = {n}"])
        claims.append(Claim(f"(b) loss over the product in float32, C = {n}", in_float32))
    for few, many in pairwise(CLASSES):
        growth = ratios(over_product[many], over_product[few])
        claims.append(Claim(f"(b) growth of loss over product (float64), C = {few} to {many}", growth, at_most=1.0))
    report(
        "The comparison loss",
        [side_row(name, values, "ms", ".3g") for name, values in ms.items()],
        claims,
        arguments,
        f"Batch {BATCH}, D = {DIM}, forward and backward.",
    )


if __name__ == "__main__":
    main()
