"""The equilibrium of the moved point under the paper's losses: closed forms, and a sentence about each.

Here m = avg(C), and the counted embeddings are those whose losses are added up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.lab.landscape import Scene
from mtm.losses import ClassProximity, Comparison, Cosine, Euclidean, Loss, PushPull

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Equilibrium:
    """The point (D,) where the moved point's gradient vanishes and its loss is least, if known; and a sentence."""

    point: Floats | None
    words: str


def find_equilibrium(loss: Loss, scene: Scene) -> Equilibrium:
    """The equilibrium of the moved point while everything else stays."""
    solve = FORMS.get(type(loss))
    if solve is None:
        return Equilibrium(None, "No closed form is known for this loss: release it and see.")
    return solve(loss, scene)


def _euclidean(loss: Euclidean, scene: Scene) -> Equilibrium:
    if scene.vary == "e":
        return Equilibrium(scene.c[scene.label], "e comes to rest on its target c_e, wherever the other targets are.")
    mean = _own(scene).mean(axis=0)
    if scene.vary == "c":
        return Equilibrium(
            mean, "c_e comes to rest on e. Nothing keeps classes apart: the other targets do not matter."
        )
    return Equilibrium(
        mean,
        "c_e comes to rest on the mean of its embeddings. The other targets do not matter, so classes can collapse.",
    )


def _cosine(loss: Cosine, scene: Scene) -> Equilibrium:
    if scene.vary == "e":
        fixed, name, moved = scene.c[scene.label][None], "c_e", "e"
    else:
        fixed, name, moved = _own(scene), "e" if scene.vary == "c" else "its embeddings", "c_e"
    lengths = np.linalg.norm(fixed, axis=1, keepdims=True)
    direction = (fixed / np.where(lengths == 0, 1, lengths)).sum(axis=0)
    size = float(np.linalg.norm(direction))
    if not lengths.any():
        return Equilibrium(None, f"A point at the origin has no direction: the loss is 1 wherever {moved} is.")
    if size < 1e-12:
        return Equilibrium(
            None, f"The directions of {name} cancel: every direction of {moved} is as good as any other."
        )
    if float(np.linalg.norm(scene.moved_point)) == 0:
        return Equilibrium(
            None, f"{moved} is at the origin, has no direction, and feels no force; elsewhere it would turn."
        )
    on_ray = max(0.0, float(scene.moved_point @ direction) / size) * direction / size
    on_ray = on_ray if on_ray.any() else float(np.linalg.norm(scene.moved_point)) * direction / size
    turns = f"{moved} comes to rest anywhere on the ray from the origin in the direction of {name}"
    return Equilibrium(on_ray, f"{turns}: only the angle counts, so the force is across the ray and length is free.")


def _class_proximity(loss: ClassProximity, scene: Scene) -> Equilibrium:
    if scene.vary == "e":
        return Equilibrium(
            scene.c[scene.label],
            "e comes to rest on its target c_e: the penalty depends on the targets alone, and e only carries it.",
        )
    if len(scene.c) == 1 or loss.r == 0:
        return Equilibrium(
            _own(scene).mean(axis=0), "Without another target, or with r = 0, this is the Euclidean loss."
        )
    return Equilibrium(
        None,
        "c_e comes to rest beside e, on the side away from the other targets, where 2 (c_e − e) balances the push "
        "2 r (c_e − k) / (|c_e − k|² + eps)² of every other k; there is no closed form. Where e is free to follow, "
        "nothing balances the push: targets move apart for ever, ever more slowly.",
    )


def _push_pull(loss: PushPull, scene: Scene) -> Equilibrium:
    m = scene.c.mean(axis=0)
    if scene.vary == "e":
        target = scene.c[scene.label]
        if loss.r == 0:
            return Equilibrium(target, "With r = 0 nothing is pushed: e comes to rest on its target.")
        if loss.r == 1:
            return Equilibrium(
                None, "With r = 1 push and pull cancel but for a constant force along c_e − avg(C): no rest."
            )
        if loss.r > 1:
            return Equilibrium(
                None, "With r > 1 the push outgrows the pull: the loss has no minimum, e runs away for ever."
            )
        times = 1 / (1 - loss.r)
        return Equilibrium(
            m + (target - m) * times,
            f"e comes to rest at avg(C) + (c_e − avg(C)) / (1 − r): {times:.4g} times as far out as its target.",
        )
    own, counted, n = _own(scene), scene.e[scene.counted], len(scene.c)
    weight = len(own) - loss.r * len(counted) / n**2
    if weight <= 0:
        return Equilibrium(
            None, "The push on avg(C), which c_e moves too, outgrows the pull: c_e has no place of rest."
        )
    others = scene.c.sum(axis=0) - scene.c[scene.label]
    push = loss.r / n * (len(counted) * others / n - counted.sum(axis=0))
    return Equilibrium(
        (own.sum(axis=0) + push) / weight,
        "c_e comes to rest near the mean of its embeddings, moved a little because it is part of avg(C), from which "
        "embeddings are pushed. If embeddings and targets are all free, the loss has no minimum.",
    )


def _comparison(loss: Comparison, scene: Scene) -> Equilibrium:
    if len(scene.c) == 1:
        return Equilibrium(None, "With one class there is nothing to compare with: the loss is 0 everywhere.")
    if scene.vary == "e":
        target = scene.c[scene.label]
        others = np.delete(scene.c, scene.label, axis=0)
        if not np.abs(others - target).max(axis=1).all():
            return Equilibrium(
                None, "Another target lies on c_e: the two cannot be told apart, and that term is 1/2 there."
            )
        return Equilibrium(target, "e comes to rest on its target, where the loss is 0, its least value.")
    if scene.vary == "c":
        return Equilibrium(
            scene.e[scene.chosen], "c_e comes to rest on e, where the loss is 0, as under the Euclidean loss."
        )
    return Equilibrium(None, "c_e comes to rest among its embeddings; there is no closed form.")


def _own(scene: Scene) -> Floats:
    """The counted embeddings of the moved class (n_k, D)."""
    return scene.e[scene.counted][scene.y[scene.counted] == scene.label]


FORMS: dict[type, Callable[[Any, Scene], Equilibrium]] = {
    Euclidean: _euclidean,
    Cosine: _cosine,
    ClassProximity: _class_proximity,
    PushPull: _push_pull,
    Comparison: _comparison,
}
