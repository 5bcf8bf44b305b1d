"""Random numbers of a training: they follow from a seed, and the caller's go on as if it had drawn none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Within the block, what torch draws on the CPU and on `device` follows from `seed`; then its state is as before.

    Dropout and random depth draw from the global generators, whatever a training may own: so these are lent.
    """
    generators = [torch.default_generator, *_generators_of(device)]
    states = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(seed)
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def _generators_of(device: torch.device) -> list[torch.Generator]:
    """The global generator of a device other than the CPU."""
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        return [torch.cuda.default_generators[torch.cuda.current_device() if device.index is None else device.index]]
    if device.type == "mps":
        return [torch.mps._get_default_mps_generator()]
    return []
