"""A loss at many places in one call, whichever of its points is moved.

A loss takes one `c` for a whole batch. Moving an embedding is therefore one call as it is; moving a class embedding is
the same call under `torch.vmap`, over copies of `c` in which one row is another. Losses that look up where something
is the case (`mask.nonzero(as_tuple=True)`) have no fixed shape there: they get the places where it is the case in any
of the copies, which is right for a loss that mends single entries. Whether that, and batching at all, is right for the
loss at hand is tried out on a few places; where it is not, the loss is called for one place at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from mtm.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from mtm.losses import Loss

CACHED = 2**17  # numbers in the largest array of one call: they stay in the processor's cache
AGREE = 1e-9  # relative difference up to which two ways of calling a loss are the same


def at_embeddings(loss: Loss, x: Tensor, c: Tensor, label: int, batched: bool = True) -> Tensor:
    """(P,): the loss of an embedding of class `label` at each of x (P, D), given class embeddings c (C, D)."""
    size = _share(len(c), c.shape[1]) if batched else 1
    parts = [called(loss, part, c, _full(part, label)) for part in _pieces(x, size)]
    return _joined(parts, x)  # (P,)


def at_targets(loss: Loss, x: Tensor, e: Tensor, c: Tensor, y: Tensor, k: int, batched: bool = True) -> Tensor:
    """(P,): the sum of the losses of e (M, D) with labels y (M,), with the class embedding of k at each of x (P, D)."""
    import torch

    def total(moved: Tensor) -> Tensor:
        return called(loss, e, moved, y).sum()

    if not batched:
        return _joined([total(_with_row(c, k, place)) for place in x], x)
    n_classes, dim = c.shape
    size = _share(n_classes * max(n_classes, dim), len(e) * max(n_classes, dim))
    parts = []
    for part in _pieces(x, size):
        copies = c[:, :, None].expand(n_classes, dim, len(part)).clone()  # (C, D, p): sums run along the places
        copies[k] = part.T
        with _nonzero_anywhere()():
            parts.append(torch.vmap(total, in_dims=2)(copies))
    return _joined(parts, x)  # (P,)


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two ways of calling a loss gave the same values, infinite and undefined ones included."""
    import torch

    scale = float(a[a.isfinite()].abs().max()) if bool(a.isfinite().any()) else 0.0
    return torch.allclose(a, b, rtol=AGREE, atol=1e-12 * scale, equal_nan=True)


def called(loss: Loss, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
    """loss(e, c, y), one value per embedding (B,). Raises InputError if it gives anything else."""
    values = loss(e, c, y)
    shape = getattr(values, "shape", None)
    if shape is None or tuple(shape) != (len(e),):
        told = f"shape {tuple(shape)}" if shape is not None else f"a {type(values).__name__}"
        raise InputError(f"the loss gives {told} for {len(e)} embeddings; it must be one value each, shape ({len(e)},)")
    return values


def _share(*sizes: int) -> int:
    """How many places one call takes, if each needs arrays of these sizes."""
    return max(16, CACHED // max(1, *sizes))


def _pieces(x: Tensor, size: int) -> list[Tensor]:
    return [x[at : at + size] for at in range(0, len(x), size)]


def _full(x: Tensor, label: int) -> Tensor:
    import torch

    return torch.full((len(x),), label, dtype=torch.int64)


def _with_row(c: Tensor, k: int, row: Tensor) -> Tensor:
    import torch

    return torch.cat([c[:k], row[None], c[k + 1 :]])


def _joined(parts: list[Tensor], x: Tensor) -> Tensor:
    """One (P,) of parts that are (p,) or single numbers; empty for no places."""
    import torch

    return torch.cat([part.reshape(-1) for part in parts]) if parts else x.new_zeros(0)


@cache
def _nonzero_anywhere() -> Callable[[], Any]:
    """The mode in which `nonzero` works under vmap; made when first needed, for torch is imported late."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Anywhere(torch.autograd.Function):
        @staticmethod
        def forward(mask: Tensor) -> tuple[Tensor, ...]:
            return mask.nonzero(as_tuple=True)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
            ctx.mark_non_differentiable(*output)

        @staticmethod
        def vmap(info: Any, in_dims: tuple[int | None], mask: Tensor) -> tuple[tuple[Tensor, ...], tuple[None, ...]]:
            anywhere = mask if in_dims[0] is None else mask.movedim(in_dims[0], 0).any(0)
            found = anywhere.nonzero(as_tuple=True)
            return found, (None,) * len(found)

    class NonzeroAnywhere(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            if func in (torch.Tensor.nonzero, torch.nonzero) and (kwargs or {}).get("as_tuple"):
                return Anywhere.apply(args[0])
            return func(*args, **(kwargs or {}))

    return NonzeroAnywhere
