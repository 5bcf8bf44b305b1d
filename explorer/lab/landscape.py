"""The loss lab's numbers: any loss over a plane, the forces in it, and the view of it that a run's snapshot gives.

A `Scene` is a handful of output embeddings, the class embeddings, and the plane on which one of these points is moved.
The values are those of the loss itself, called for whole grids at a time (`explorer.lab.batch`), and the forces are
torch's gradients. Torch is imported when the first value is asked for.

In D dimensions the landscape is exact: at u on the plane the moved point is at o + P u. A loss that does not change
when everything is turned about the origin is computed in fewer dimensions; whether it is one is tried out, on a few
places of the plane, each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.lab.batch import at_embeddings, at_targets, called, same
from mtm.errors import InputError, choose_from

if TYPE_CHECKING:
    from torch import Tensor

    from mtm.losses import Loss

Floats = NDArray[np.float64]
Vary = Literal["e", "c", "sum"]

VARY = ("e", "c", "sum")
SECONDS = 0.2  # that a loss which must be called place by place may take for one picture
MOST = 2**25  # numbers in the largest array of a whole grid
LEAST = 16  # places a side that even the slowest loss is called for


@dataclass(frozen=True)
class Scene:
    """Points in D dimensions and which of them is moved over which plane.

    `vary` is "e": the chosen embedding is moved; "c": its class embedding, and the loss is that of the chosen one; or
    "sum": its class embedding, and the loss is the sum over all embeddings. Raises InputError for what cannot be.
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
    def moved(self) -> Floats:
        """(D,): the point that is moved, where it is now."""
        return self.e[self.chosen] if self.vary == "e" else self.c[self.label]

    @property
    def counted(self) -> slice:
        """The embeddings whose losses are added up."""
        return slice(self.chosen, self.chosen + 1) if self.vary == "c" else slice(None)

    def seen(self, x: Floats) -> Floats:
        """Positions (..., 2) on the plane of points x (..., D)."""
        return (x - self.origin) @ self.basis

    def places(self, u: Floats) -> Floats:
        """Points (P, D) at positions u (P, 2), in the slice parallel to the plane that goes through the moved point."""
        return self.moved + (u - self.seen(self.moved)) @ self.basis.T

    def turned(self, q: Floats) -> Scene:
        """The same scene in the coordinates of the orthonormal columns of q (D, d)."""
        return replace(self, e=self.e @ q, c=self.c @ q, origin=self.origin @ q, basis=q.T @ self.basis)


@dataclass(frozen=True)
class Landscape:
    """The loss over a grid; rows go up, columns to the right."""

    x: Floats  # (n,)
    y: Floats  # (n,)
    values: Floats  # (n, n)
    dimensions: int  # in which it was computed
    in_one_call: bool  # or place by place


def compute_landscape(loss: Loss, scene: Scene, box: tuple[float, float, float, float], n: int = 128) -> Landscape:
    """The loss at n x n places of the box (left, bottom, right, top) of the scene's plane.

    Fewer where that would take long: a loss that cannot be called for many places at once gets as many as it manages in
    `SECONDS`, and moving one of many class embeddings, which takes all pairs of them anew at every place, `MOST` pairs.
    """
    left, bottom, right, top = box
    if not (np.isfinite(box).all() and left < right and bottom < top):
        raise InputError("the box of a landscape needs left < right and bottom < top")
    probes = _probes(scene, box)
    truth, seconds = _one_by_one(loss, scene, probes)
    scene = _smaller(loss, scene, probes, truth)
    batched = _is(partial(values, loss, scene, probes), truth)
    most = np.sqrt(MOST / _numbers(scene) if batched else SECONDS / seconds)
    n = int(np.clip(most, LEAST, n))
    x, y = np.linspace(left, right, n), np.linspace(bottom, top, n)
    u = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)  # (n * n, 2)
    found = values(loss, scene, u, batched).reshape(n, n)
    return Landscape(x, y, found, scene.c.shape[1], batched)


def values(loss: Loss, scene: Scene, u: Floats, batched: bool = True) -> Floats:
    """(P,): the loss with the moved point at positions u (P, 2)."""
    import torch

    with torch.no_grad():
        return _values(loss, scene, torch.from_numpy(scene.places(u)), batched).numpy()


def slopes(loss: Loss, scene: Scene, u: Floats) -> Floats:
    """(P, 2): the negative gradient of the landscape at positions u (P, 2), by torch."""
    import torch

    x = torch.from_numpy(scene.places(u)).requires_grad_()
    probe = u[:: max(1, len(u) // 4)]
    with torch.no_grad():
        batched = _is(partial(values, loss, scene, probe), values(loss, scene, probe, batched=False))
    total = _values(loss, scene, x, batched).sum()
    return -_gradients(total, [x])[0] @ scene.basis


@dataclass(frozen=True)
class Forces:
    """What pulls at each point: the negative gradient of the counted losses, and these losses."""

    e: Floats  # (M, D)
    c: Floats  # (C, D)
    losses: Floats  # (M,) of every embedding, counted or not


def forces(loss: Loss, scene: Scene) -> Forces:
    """The forces in the scene as it is, by torch's gradient. Raises InputError for a loss that has none."""
    import torch

    e, c, y = tensors(scene)
    each = called(loss, e.requires_grad_(), c.requires_grad_(), y)  # (M,)
    pulls = _gradients(each[scene.counted].sum(), [e, c])
    return Forces(-pulls[0], -pulls[1], each.detach().to(torch.float64).numpy())


def tensors(scene: Scene) -> tuple[Tensor, Tensor, Tensor]:
    """Copies of e (M, D), c (C, D) and y (M,) for torch."""
    import torch

    return torch.tensor(scene.e), torch.tensor(scene.c), torch.tensor(scene.y)


def _values(loss: Loss, scene: Scene, x: Tensor, batched: bool) -> Tensor:
    """(P,): the loss with the moved point at x (P, D); the places may carry gradients."""
    e, c, y = tensors(scene)
    if scene.vary != "e":
        return at_targets(loss, x, e[scene.counted], c, y[scene.counted], scene.label, batched)
    return at_embeddings(loss, x, c, scene.label, batched)


def _gradients(total: Tensor, of: list[Tensor]) -> list[Floats]:
    import torch

    if not total.requires_grad:
        raise InputError("the loss has no gradient: it must be computed from e and c with torch's operations")
    found = torch.autograd.grad(total, of, allow_unused=True)
    return [np.zeros(x.shape) if g is None else g.numpy() for g, x in zip(found, of, strict=True)]


def _probes(scene: Scene, box: tuple[float, float, float, float]) -> Floats:
    """(p, 2): a few places of the box, some of them where losses are special: at other points and at the origin."""
    left, bottom, right, top = box
    spread = np.array([[0.03, 0.11], [0.71, 0.29], [0.37, 0.83]]) * [right - left, top - bottom] + [left, bottom]
    other = scene.c[(scene.label + 1) % len(scene.c)]
    special = scene.seen(np.stack([scene.moved, scene.e[scene.chosen], other, np.zeros_like(other)]))
    return np.concatenate([spread, special])


def _one_by_one(loss: Loss, scene: Scene, u: Floats) -> tuple[Floats, float]:
    """The loss at positions u (P, 2), called for one at a time, and the seconds that one takes."""
    started = time.perf_counter()
    found = values(loss, scene, u, batched=False)
    return found, (time.perf_counter() - started) / len(u)


def _numbers(scene: Scene) -> int:
    """How many numbers the largest array has that one place needs."""
    n_classes, dim = scene.c.shape
    return max(n_classes, dim) * (1 if scene.vary == "e" else max(n_classes, len(scene.e[scene.counted])))


def _smaller(loss: Loss, scene: Scene, probes: Floats, truth: Floats) -> Scene:
    """The scene in the fewest dimensions in which the loss has the same values at the probes."""
    dim, points = scene.c.shape[1], len(scene.c) + len(scene.e) + 3
    for size, reduced in ((4, _around_the_plane), (points, _in_its_span)):
        if size < dim:
            small = reduced(scene)
            if _is(partial(values, loss, small, probes, batched=False), truth):
                return small
    return scene


def _around_the_plane(scene: Scene) -> Scene:
    """The scene in 4 dimensions: two of the plane, one from the origin to the plane, one for how far off a point is.

    The moved point's inner products with itself and with every other point are as they were, and so are all lengths;
    the inner products of the others with each other are not.
    """
    foot = scene.places(np.zeros((1, 2)))[0]
    foot = foot - scene.basis @ (scene.basis.T @ foot)  # (D,) of the origin on the slice
    height = float(np.linalg.norm(foot))
    axes = np.column_stack([scene.basis, foot / height if height > 0 else np.zeros_like(foot)])  # (D, 3)

    def four(x: Floats) -> Floats:
        known = x @ axes
        return np.concatenate([known, np.linalg.norm(x - known @ axes.T, axis=-1, keepdims=True)], axis=-1)

    return replace(scene, e=four(scene.e), c=four(scene.c), origin=four(scene.origin), basis=np.eye(4, 2))


def _in_its_span(scene: Scene) -> Scene:
    """The scene in an orthonormal basis of the span of its points and its plane."""
    everything = np.concatenate([scene.basis.T, scene.origin[None], scene.c, scene.e])
    return scene.turned(np.linalg.qr(everything.T)[0])


def _is(attempt: Callable[[], Floats], truth: Floats) -> bool:
    """Whether an attempt at the values succeeds and is right; what goes wrong in it is the loss's own affair."""
    import torch

    try:
        return same(torch.from_numpy(truth), torch.from_numpy(attempt()))
    except Exception:
        return False
