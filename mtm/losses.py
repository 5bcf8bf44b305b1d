"""The five losses of the Moving Targets Model (section III-C of the paper).

A loss is a frozen dataclass whose fields are its hyperparameters, called as `loss(e, c, y) -> (B,)`: one value per
image, from output embeddings `e (B, D)`, class embeddings `c (C, D)` and labels `y (B,)`. Training sums over the batch.
To add one, write such a class, enter it in `LOSSES`, and add a row to `tests/mtm/test_losses.py`.

Everything is computed in float64 where the device has it (all but Apple's mps) and returned in the type of `e`:
squared distances taken from a matrix product lose all their digits in float32 when two points are close and far from
the origin, and no mixed precision reaches float64 tensors. Values and gradients are finite where points coincide.
This module uses only methods of the tensors it is given, so it can be read (names, fields, help) without torch.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from mtm.errors import InputError, choose_from

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Protocol):
    """Output embeddings (B, D), class embeddings (C, D) and labels (B,) to one loss per image (B,)."""

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor: ...


def hyperparameter(default: float, help: str, low: float, high: float, log: bool = False) -> Any:
    """A dataclass field with a help text and the range that a slider or a search would use."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "log": log})


@dataclass(frozen=True)
class Euclidean:
    """Squared distance to the own class embedding, |e - c_e|^2 (equation 1)."""

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = _wide(e), _wide(c)
        return _own_distance(x, k, y).to(e.dtype)  # (B,)


@dataclass(frozen=True)
class Cosine:
    """1 - cos(e, c_e), in [0, 2] (equations 2-3); a vector of length 0 has cosine 0 with everything.

    Computed as half the squared chord between the two unit vectors, which keeps its digits at small angles.
    """

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, x_is_zero = _unit(_wide(e))  # (B, D), (B,)
        k, k_is_zero = _unit(_wide(c).index_select(0, y))  # (B, D), (B,)
        half_chord = (x - k).square().sum(-1) / 2
        return half_chord.masked_fill(x_is_zero | k_is_zero, 1.0).to(e.dtype)  # (B,)


@dataclass(frozen=True)
class ClassProximity:
    """|e - c_e|^2 + r * sum over the other targets k of 1 / (|c_e - k|^2 + eps) (equations 4-5)."""

    r: float = hyperparameter(1e5, "weight of the proximity penalty", 1e3, 1e6, log=True)
    eps: float = hyperparameter(1e-6, "added to squared distances between targets", 1e-9, 1.0, log=True)

    def __post_init__(self) -> None:
        _require_finite("r", self.r)
        if not (math.isfinite(self.eps) and self.eps > 0):
            raise InputError(f"eps must be a positive number, not {self.eps}")

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = _wide(e), _wide(c)
        inverse = 1 / (_squared_distances(k, k, origin=k.mean(0)) + self.eps)  # (C, C)
        # the diagonal is about 1/eps and would swallow the rest of the sum: it is taken out before adding up
        proximity = (inverse - inverse.diagonal().diag_embed()).sum(-1)  # (C,), one value for all images of a class
        return (_own_distance(x, k, y) + self.r * proximity.index_select(0, y)).to(e.dtype)  # (B,)


@dataclass(frozen=True)
class PushPull:
    """|e - c_e|^2 - r * |e - avg(C)|^2 (equations 6-7); negative values are normal, for r >= 1 it has no minimum."""

    r: float = hyperparameter(0.95, "how strongly embeddings are pushed away from avg(C)", 0.0, 1.5)

    def __post_init__(self) -> None:
        _require_finite("r", self.r)

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = _wide(e), _wide(c)
        push = (x - k.mean(0)).square().sum(-1)  # (B,)
        return (_own_distance(x, k, y) - self.r * push).to(e.dtype)  # (B,)


@dataclass(frozen=True)
class Comparison:
    """Sum over the other targets k of |e - c_e|^2 / (|e - c_e|^2 + |e - k|^2) (equation 8), in [0, C - 1].

    One matrix product instead of the paper's loop over classes. Where e, c_e and k are one point the term is 1/2, its
    value all along c_e = k.
    """

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
        x, k = _wide(e), _wide(c)
        own = _own_distance(x, k, y)[:, None]  # (B, 1)
        total = own + _squared_distances(x, k, origin=k.mean(0))  # (B, C)
        is_zero = total == 0
        terms = (own / total.masked_fill(is_zero, 1.0)).masked_fill(is_zero, 0.5)  # (B, C)
        return terms.scatter(1, y[:, None], 0.0).sum(-1).to(e.dtype)  # (B,)


LOSSES: dict[str, type] = {
    "euclidean": Euclidean,
    "cosine": Cosine,
    "class_proximity": ClassProximity,
    "push_pull": PushPull,
    "comparison": Comparison,
}


def loss_class(name: str) -> type:
    """The class registered under `name`, or the class named `module:Class` (a loss of the user's own)."""
    if name in LOSSES:
        return LOSSES[name]
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute or module_name.startswith("."):
        raise choose_from("loss", name, [*LOSSES, "module:Class"])
    try:
        module = import_module(module_name)
    except Exception as error:  # it is the user's code: anything may go wrong in it
        problem = f"{type(error).__name__}: {error}"
        raise InputError(f"loss '{name}': cannot import module '{module_name}' ({problem})") from error
    if not hasattr(module, attribute):
        raise InputError(f"loss '{name}': module '{module_name}' has no '{attribute}'")
    cls = getattr(module, attribute)
    if not isinstance(cls, type):
        raise InputError(f"loss '{name}': '{attribute}' is not a class")
    return cls


def make_loss(name: str, **hyperparameters: float) -> Loss:
    """The loss `name` with its hyperparameters; raises InputError for a name or a hyperparameter it does not have."""
    cls = loss_class(name)
    own_fields = hyperparameters_of(cls)
    for key in hyperparameters:
        if key not in own_fields:
            has = f"it has {', '.join(own_fields)}" if own_fields else "it has none"
            raise InputError(f"loss '{name}' has no hyperparameter '{key}'; {has}")
    missing = [key for key, f in own_fields.items() if f.default is MISSING and key not in hyperparameters]
    if missing:
        raise InputError(f"loss '{name}' needs a value for '{missing[0]}'; give it one, or a default in the class")
    try:
        loss: Loss = cls(**hyperparameters)
    except InputError:
        raise
    except Exception as error:  # of the user's own
        raise InputError(f"loss '{name}' cannot be made: {type(error).__name__}: {error}") from error
    if not callable(loss):
        raise InputError(f"loss '{name}' cannot be called; it needs __call__(self, e, c, y) -> (B,)")
    return loss


def hyperparameters_of(cls: type) -> dict[str, Any]:
    """Name -> dataclass field, for each hyperparameter of a loss class (none if it is not a dataclass)."""
    return {f.name: f for f in fields(cls)} if hasattr(cls, "__dataclass_fields__") else {}


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.device.type == "mps" else x.double()


def _own_distance(x: Tensor, k: Tensor, y: Tensor) -> Tensor:
    """|e - c_e|^2 (B,), from the difference; index_select's gradient adds up in a fixed order on a CPU."""
    return (x - k.index_select(0, y)).square().sum(-1)


def _squared_distances(x: Tensor, k: Tensor, origin: Tensor) -> Tensor:
    """|x - k|^2 (B, C) by one matrix product, after moving both to `origin` so that little cancels.

    The few pairs of which half the digits cancel all the same (points that all but coincide) come from the difference.
    """
    origin = origin.detach()  # a distance does not depend on it
    x, k = x - origin, k - origin
    squares = x.square().sum(-1)[:, None] + k.square().sum(-1)  # (B, C)
    d2 = squares - 2 * x @ k.T
    half_the_digits = 2.0**-26 if d2.element_size() == 8 else 2.0**-12
    i, j = (d2 < half_the_digits * squares).nonzero(as_tuple=True)
    return d2.index_put((i, j), (x.index_select(0, i) - k.index_select(0, j)).square().sum(-1))


def _unit(x: Tensor) -> tuple[Tensor, Tensor]:
    """x / |x| (B, D) and where |x| = 0 (B,); such rows stay 0 and get no gradient."""
    square = x.square().sum(-1, keepdim=True)
    is_zero = square == 0
    return x * square.masked_fill(is_zero, 1.0).rsqrt(), is_zero.squeeze(-1)


def _require_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise InputError(f"{name} must be a finite number, not {value}")
