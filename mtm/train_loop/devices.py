"""Choosing the device and the arithmetic of a training."""

from __future__ import annotations

from typing import Any

import torch

from mtm.errors import InputError


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` is the first of cuda, mps and cpu that is there."""
    available = ["cpu"]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if name == "auto":
        return torch.device(available[0])
    device = torch.device(name)
    if device.type not in available:
        raise InputError(f"device '{name}' is not available here; choose from auto, {', '.join(available)}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device '{name}' is not available here; there are {torch.cuda.device_count()} GPUs")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype | None:
    """The type of autocast, None for float32; `auto` is whatever half precision the device has units for.

    That is bfloat16 or float16 on a GPU, and bfloat16 on a CPU with AMX, where a ResNet trains several times as fast.
    """
    if name == "auto":
        if device.type == "cuda":
            return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return torch.bfloat16 if device.type == "cpu" and has_amx() else None
    return {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def has_amx() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware."""
    capabilities: Any = getattr(torch.cpu, "get_capabilities", dict)  # newer than the oldest torch we take
    return bool(capabilities().get("amx_bf16", False))


def describe_device(device: torch.device, precision: torch.dtype | None) -> str:
    """A name for people: the GPU's, or the number of threads; and the arithmetic."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"{name}{threads}, {str(precision or torch.float32).removeprefix('torch.')}"


def free_bytes(device: torch.device) -> int | None:
    """Bytes free on a GPU; None where the images are already as close as they can be."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
