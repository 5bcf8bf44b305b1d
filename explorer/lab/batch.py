"""The values of a loss at many positions of the moved point in one call.

A loss takes one `c` for a whole batch. Moving an embedding is therefore a plain call with a batch of embeddings; moving
a class embedding is a call under `torch.vmap` over copies of `c` that differ in one row. A loss that indexes with
`mask.nonzero(as_tuple=True)` gives no fixed shape under vmap: it gets the indices at which the mask is true in any of
the copies, which is right for a loss that corrects single entries. The caller compares a few positions with single
calls; where they differ, or vmap fails, the loss is called for one position at a time (`batched=False`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from mtm.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from mtm.losses import Loss

LARGEST_ARRAY = 2**17  # numbers in one call's largest array, so that it stays in the processor's cache
LARGEST_BATCH = 2**21  # and at most, where one position alone needs more
TOLERANCE = 1e-9  # relative difference up to which the values of two ways of calling a loss count as equal


def evaluate_embeddings(loss: Loss, x: Tensor, c: Tensor, label: int, batched: bool = True) -> Tensor:
    """(P,): the loss of an embedding of class `label` at each of x (P, D), given class embeddings c (C, D)."""
    size = _batch_size(len(c), c.shape[1]) if batched else 1
    parts = [call_loss(loss, part, c, _labels(part, label)) for part in _batches(x, size)]
    return _concatenate(parts, x)  # (P,)


def evaluate_targets(loss: Loss, x: Tensor, e: Tensor, c: Tensor, y: Tensor, k: int, batched: bool = True) -> Tensor:
    """(P,): the sum of the losses of e (M, D) with labels y (M,), with the class embedding of k at each of x (P, D)."""
    import torch

    def total(targets: Tensor) -> Tensor:
        return call_loss(loss, e, targets, y).sum()

    if not batched:
        return _concatenate([total(_with_row(c, k, row)) for row in x], x)
    n_classes, dim = c.shape
    size = _batch_size(n_classes * max(n_classes, dim), len(e) * max(n_classes, dim))
    parts = []
    for part in _batches(x, size):
        copies = c[:, :, None].expand(n_classes, dim, len(part)).clone()  # (C, D, p): sums run along the positions
        copies[k] = part.T
        with _nonzero_mode()():
            parts.append(torch.vmap(total, in_dims=2)(copies))
    return _concatenate(parts, x)  # (P,)


def values_agree(a: Tensor, b: Tensor) -> bool:
    """Whether two ways of calling a loss gave equal values, infinite and undefined ones included."""
    import torch

    scale = float(a[a.isfinite()].abs().max()) if bool(a.isfinite().any()) else 0.0
    return torch.allclose(a, b, rtol=TOLERANCE, atol=1e-12 * scale, equal_nan=True)


def call_loss(loss: Loss, e: Tensor, c: Tensor, y: Tensor) -> Tensor:
    """loss(e, c, y), one value per embedding (B,). Raises InputError if it gives anything else."""
    values = loss(e, c, y)
    shape = getattr(values, "shape", None)
    if shape is None or tuple(shape) != (len(e),):
        kind = f"shape {tuple(shape)}" if shape is not None else f"a {type(values).__name__}"
        raise InputError(f"the loss gives {kind} for {len(e)} embeddings; it must be one value each, shape ({len(e)},)")
    return values


def _batch_size(*sizes: int) -> int:
    """How many positions one call takes, if each needs arrays of these sizes."""
    largest = max(1, *sizes)
    return max(1, min(16, LARGEST_BATCH // largest), LARGEST_ARRAY // largest)


def _batches(x: Tensor, size: int) -> list[Tensor]:
    return [x[at : at + size] for at in range(0, len(x), size)]


def _labels(x: Tensor, label: int) -> Tensor:
    import torch

    return torch.full((len(x),), label, dtype=torch.int64)


def _with_row(c: Tensor, k: int, row: Tensor) -> Tensor:
    import torch

    return torch.cat([c[:k], row[None], c[k + 1 :]])


def _concatenate(parts: list[Tensor], x: Tensor) -> Tensor:
    """One (P,) of parts that are (p,) or single numbers; empty for no positions."""
    import torch

    return torch.cat([part.reshape(-1) for part in parts]) if parts else x.new_zeros(0)


@cache
def _nonzero_mode() -> Callable[[], Any]:
    """The torch function mode in which `nonzero` works under vmap; defined on first use: torch is imported late."""
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
            indices = anywhere.nonzero(as_tuple=True)
            return indices, (None,) * len(indices)

    class NonzeroAnywhere(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
        ) -> Any:
            if func in (torch.Tensor.nonzero, torch.nonzero) and (kwargs or {}).get("as_tuple"):
                return Anywhere.apply(args[0])
            return func(*args, **(kwargs or {}))

    return NonzeroAnywhere
