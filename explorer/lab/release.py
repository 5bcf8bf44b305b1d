"""Release: every point of a scene follows its own negative gradient.

Gradient descent with momentum on the counted losses. Unlike in training, embeddings move freely instead of being a
network's output.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.lab.batch import call_loss
from explorer.lab.landscape import Scene, to_tensors
from mtm.errors import InputError
from mtm.losses import Loss

Floats = NDArray[np.float64]

MOST_STEPS = 2000
FAR = 1e150  # a coordinate beyond which squares overflow


@dataclass(frozen=True)
class Paths:
    """The positions of all points before the first step and after each of T - 1 steps."""

    e: Floats  # (T, M, D)
    c: Floats  # (T, C, D)
    losses: Floats  # (T,) the sum of the counted losses there
    problem: str = ""  # why it ended early

    def scene(self, start: Scene, step: int) -> Scene:
        """The scene after `step` steps, or after the last one if there are fewer."""
        at = min(step, len(self.losses) - 1)
        return replace(start, e=self.e[at], c=self.c[at])


def release_points(
    loss: Loss,
    scene: Scene,
    steps: int = 300,
    step_size: float = 0.01,
    momentum: float = 0.0,
    move_e: bool = True,
    move_c: bool = True,
) -> Paths:
    """The paths of all points. They end early, with a `problem`, where a coordinate or the loss overflows.

    Raises InputError for settings out of range, or a loss without a gradient.
    """
    import torch

    if not 1 <= steps <= MOST_STEPS:
        raise InputError(f"steps must be from 1 to {MOST_STEPS}, not {steps}")
    if not (np.isfinite(step_size) and step_size > 0):
        raise InputError(f"the step size must be a positive number, not {step_size}")
    if not 0 <= momentum < 1:
        raise InputError(f"momentum must be from 0 to below 1, not {momentum}")
    e, c, y = to_tensors(scene)
    free = [point.requires_grad_() for point, moves in ((e, move_e), (c, move_c)) if moves]
    velocities = [torch.zeros_like(point) for point in free]
    all_e, all_c, losses, problem = [], [], [], ""
    for step in range(steps + 1):
        total = call_loss(loss, e, c, y)[scene.counted].sum()
        if not (np.isfinite(float(total.detach())) and all(float(p.detach().abs().max()) < FAR for p in (e, c))):
            problem = f"after {step} steps the loss is {float(total.detach()):g}: no number can follow it further"
            break
        all_e.append(e.detach().numpy().copy())
        all_c.append(c.detach().numpy().copy())
        losses.append(float(total.detach()))
        if step == steps or not free:
            break
        if not total.requires_grad:
            raise InputError("the loss has no gradient: it must be computed from e and c with torch's operations")
        pulls = torch.autograd.grad(total, free, allow_unused=True)
        with torch.no_grad():
            for point, velocity, pull in zip(free, velocities, pulls, strict=True):
                velocity.mul_(momentum)
                if pull is not None:
                    velocity.sub_(pull, alpha=step_size)
                point.add_(velocity)
    if not losses:
        raise InputError(f"the loss is {float(total.detach()):g} here, so it has no gradient to follow; move a point")
    return Paths(np.stack(all_e), np.stack(all_c), np.array(losses), problem)
