"""Landscapes: the values of any loss over a plane on which one point is moved, and the forces on all points.

A `Scene` is a few output embeddings, the class embeddings, and the plane on which one of these points is moved. The
values are the loss's own, computed for whole grids at a time (`explorer.lab.batch`), and the forces are torch's
gradients. Torch is imported when the first value is computed.

In D dimensions the landscape is exact: at position u of the plane the moved point is o + P u. A loss that is invariant
under rotations about the origin is computed in fewer dimensions; whether it is one is tested each time, at a few
positions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explorer.lab.batch import call_loss, evaluate_embeddings, evaluate_targets, values_agree
from mtm.errors import InputError, choose_from
from mtm.losses.loss import Vary

if TYPE_CHECKING:
    from torch import Tensor

    from mtm.losses import Loss

Floats = NDArray[np.float64]

VARY = ("e", "c", "sum")
TIME_LIMIT = 0.2  # for a whole landscape of a loss that must be called for one position at a time
LARGEST_ARRAY = 2**25  # numbers in the largest array of a whole grid
LEAST_SIDE = 16  # positions a side, for even the slowest loss


@dataclass(frozen=True)
class Scene:
    """Points in D dimensions and which of them is moved over which plane.

    `vary` is "e": the chosen embedding is moved; "c": its class embedding, and the loss is that of the chosen one; or
    "sum": its class embedding, and the loss is the sum over all embeddings. Raises InputError for arrays that do not
    fit together.
    """

    e: Floats  # (M, D) output embeddings
    c: Floats  # (C, D) class embeddings
    y: NDArray[np.int64]  # (M,) the class of each embedding
    vary: Vary = "c"
    chosen: int = 0  # of the M embeddings
    origin: Floats = field(default_factory=lambda: np.zeros(2))  # (D,) where u = 0 is
    basis: Floats = field(default_factory=lambda: np.eye(2))  # (D, 2) orthonormal

    def __post_init__(self) -> None:
        if self.vary not in VARY:
            raise choose_from("point to move", str(self.vary), VARY)
        if self.c.ndim != 2 or not len(self.c):
            raise InputError("there is no class embedding; add one")
        if self.e.ndim != 2 or not len(self.e):
            raise InputError("there is no output embedding; add one")
        if self.e.shape[1] != self.c.shape[1] or self.basis.shape != (self.c.shape[1], 2):
            raise InputError(
                f"output embeddings have {self.e.shape[1]} dimensions, class embeddings {self.c.shape[1]}, the plane "
                f"{len(self.basis)}; they must be as many"
            )
        if not (np.isfinite(self.e).all() and np.isfinite(self.c).all() and np.isfinite(self.origin).all()):
            raise InputError("a point of the scene is not at a finite place")
        if self.y.shape != (len(self.e),) or self.y.min() < 0 or self.y.max() >= len(self.c):
            raise InputError(f"every output embedding needs a class from 0 to {len(self.c) - 1}")
        if not 0 <= self.chosen < len(self.e):
            raise InputError(f"there is no output embedding {self.chosen}; there are {len(self.e)}")

    @property
    def label(self) -> int:
        """The class of the chosen embedding."""
        return int(self.y[self.chosen])

    @property
    def moved_point(self) -> Floats:
        """(D,): the point that is moved, where it is in the scene."""
        return self.e[self.chosen] if self.vary == "e" else self.c[self.label]

    @property
    def counted(self) -> slice:
        """The embeddings whose losses are added up."""
        return slice(self.chosen, self.chosen + 1) if self.vary == "c" else slice(None)

    def project(self, x: Floats) -> Floats:
        """Positions (..., 2) on the plane of points x (..., D)."""
        return (x - self.origin) @ self.basis

    def points_at(self, u: Floats) -> Floats:
        """Points (P, D) at positions u (P, 2), in the slice parallel to the plane that goes through the moved point."""
        return self.moved_point + (u - self.project(self.moved_point)) @ self.basis.T

    def in_coordinates(self, q: Floats) -> Scene:
        """This scene in the coordinates of the orthonormal columns of q (D, d)."""
        return replace(self, e=self.e @ q, c=self.c @ q, origin=self.origin @ q, basis=q.T @ self.basis)


@dataclass(frozen=True)
class Landscape:
    """The loss over a grid; rows go up, columns to the right."""

    x: Floats  # (n,)
    y: Floats  # (n,)
    values: Floats  # (n, n)
    dimensions: int  # in which it was computed
    in_one_call: bool  # or one position at a time


def compute_landscape(loss: Loss, scene: Scene, box: tuple[float, float, float, float], n: int = 128) -> Landscape:
    """The loss at n x n positions of the box (left, bottom, right, top) of the scene's plane.

    Fewer where that would take long: a loss that cannot be called for many positions at once gets as many as it manages
    in `TIME_LIMIT`, and moving one of many class embeddings, which needs all pairs of them at every position, gets as
    many as need `LARGEST_ARRAY` numbers.
    """
    left, bottom, right, top = box
    if not (np.isfinite(box).all() and left < right and bottom < top):
        raise InputError("the box of a landscape needs left < right and bottom < top")
    probes = _probes(scene, box)
    truth, seconds = _call_one_by_one(loss, scene, probes)
    scene = _reduce(loss, scene, probes, truth)
    batched = _agrees(partial(compute_values, loss, scene, probes), truth)
    most = np.sqrt(LARGEST_ARRAY / _array_size(scene) if batched else TIME_LIMIT / seconds)
    n = int(np.clip(most, LEAST_SIDE, n))
    x, y = np.linspace(left, right, n), np.linspace(bottom, top, n)
    u = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # (n * n, 2)
    losses = compute_values(loss, scene, u, batched).reshape(n, n)
    return Landscape(x, y, losses, scene.c.shape[1], batched)


def compute_values(loss: Loss, scene: Scene, u: Floats, batched: bool = True) -> Floats:
    """(P,): the loss with the moved point at positions u (P, 2)."""
    import torch

    with torch.no_grad():
        return _call_at(loss, scene, torch.from_numpy(scene.points_at(u)), batched).numpy()


def compute_slopes(loss: Loss, scene: Scene, u: Floats) -> Floats:
    """(P, 2): the negative gradient of the landscape at positions u (P, 2), by torch."""
    import torch

    x = torch.from_numpy(scene.points_at(u)).requires_grad_()
    probe = u[:: max(1, len(u) // 4)]
    with torch.no_grad():
        batched = _agrees(
            partial(compute_values, loss, scene, probe), compute_values(loss, scene, probe, batched=False)
        )
    total = _call_at(loss, scene, x, batched).sum()
    return -_compute_gradients(total, [x])[0] @ scene.basis


@dataclass(frozen=True)
class Forces:
    """The force on each point, the negative gradient of the sum of the counted losses; and all losses."""

    e: Floats  # (M, D)
    c: Floats  # (C, D)
    losses: Floats  # (M,) of every embedding, counted or not


def compute_forces(loss: Loss, scene: Scene) -> Forces:
    """The forces in the scene as it is, by torch's gradient. Raises InputError for a loss that has none."""
    import torch

    e, c, y = to_tensors(scene)
    each = call_loss(loss, e.requires_grad_(), c.requires_grad_(), y)  # (M,)
    gradients = _compute_gradients(each[scene.counted].sum(), [e, c])
    return Forces(-gradients[0], -gradients[1], each.detach().to(torch.float64).numpy())


def to_tensors(scene: Scene) -> tuple[Tensor, Tensor, Tensor]:
    """Copies of e (M, D), c (C, D) and y (M,) for torch."""
    import torch

    return torch.tensor(scene.e), torch.tensor(scene.c), torch.tensor(scene.y)


def _call_at(loss: Loss, scene: Scene, x: Tensor, batched: bool) -> Tensor:
    """(P,): the loss with the moved point at x (P, D), which may carry gradients."""
    e, c, y = to_tensors(scene)
    if scene.vary != "e":
        return evaluate_targets(loss, x, e[scene.counted], c, y[scene.counted], scene.label, batched)
    return evaluate_embeddings(loss, x, c, scene.label, batched)


def _compute_gradients(total: Tensor, of: list[Tensor]) -> list[Floats]:
    import torch

    if not total.requires_grad:
        raise InputError("the loss has no gradient: it must be computed from e and c with torch's operations")
    gradients = torch.autograd.grad(total, of, allow_unused=True)
    return [np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(gradients, of, strict=True)]


def _probes(scene: Scene, box: tuple[float, float, float, float]) -> Floats:
    """(p, 2): a few positions in the box, some of them where losses are special: at other points and at the origin."""
    left, bottom, right, top = box
    spread = np.array([[0.03, 0.11], [0.71, 0.29], [0.37, 0.83]]) * [right - left, top - bottom] + [left, bottom]
    other = scene.c[(scene.label + 1) % len(scene.c)]
    special = scene.project(np.stack([scene.moved_point, scene.e[scene.chosen], other, np.zeros_like(other)]))
    return np.concatenate([spread, special])


def _call_one_by_one(loss: Loss, scene: Scene, u: Floats) -> tuple[Floats, float]:
    """The loss at positions u (P, 2), called for one at a time, and the seconds that one takes."""
    started = time.perf_counter()
    losses = compute_values(loss, scene, u, batched=False)
    return losses, (time.perf_counter() - started) / len(u)


def _array_size(scene: Scene) -> int:
    """How many numbers the largest array has that one position needs."""
    n_classes, dim = scene.c.shape
    return max(n_classes, dim) * (1 if scene.vary == "e" else max(n_classes, len(scene.e[scene.counted])))


def _reduce(loss: Loss, scene: Scene, probes: Floats, truth: Floats) -> Scene:
    """The scene in the fewest dimensions in which the loss has the same values at the probes."""
    dim, points = scene.c.shape[1], len(scene.c) + len(scene.e) + 3
    for size, reduce in ((4, _reduce_to_plane), (points, _reduce_to_span)):
        if size < dim:
            small = reduce(scene)
            if _agrees(partial(compute_values, loss, small, probes, batched=False), truth):
                return small
    return scene


def _reduce_to_plane(scene: Scene) -> Scene:
    """The scene in 4 dimensions: two of the plane, one from the origin to the plane, one for how far off a point is.

    The moved point's inner products with itself and with every other point are as they were, and so are all lengths;
    the inner products of the others with each other are not.
    """
    foot = scene.points_at(np.zeros((1, 2)))[0]
    foot = foot - scene.basis @ (scene.basis.T @ foot)  # (D,) of the origin on the slice
    height = float(np.linalg.norm(foot))
    axes = np.column_stack([scene.basis, foot / height if height > 0 else np.zeros_like(foot)])  # (D, 3)

    def reduce(x: Floats) -> Floats:
        along = x @ axes
        return np.concatenate([along, np.linalg.norm(x - along @ axes.T, axis=-1, keepdims=True)], axis=-1)

    return replace(scene, e=reduce(scene.e), c=reduce(scene.c), origin=reduce(scene.origin), basis=np.eye(4, 2))


def _reduce_to_span(scene: Scene) -> Scene:
    """The scene in an orthonormal basis of the span of its points and its plane."""
    everything = np.concatenate([scene.basis.T, scene.origin[None], scene.c, scene.e])
    return scene.in_coordinates(np.linalg.qr(everything.T)[0])


def _agrees(attempt: Callable[[], Floats], truth: Floats) -> bool:
    """Whether an attempt at the values gives `truth`; whatever it raises counts as no."""
    import torch

    try:
        return values_agree(torch.from_numpy(truth), torch.from_numpy(attempt()))
    except Exception:
        return False
