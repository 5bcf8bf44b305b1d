"""How fast a network would train here, by its arithmetic: known at once, without torch, within a factor of about three.

A training step on an image takes three times the multiplications of its forward pass, two operations each. What a
processor core or a graphics card does in a second is stated here, not measured: a busy machine would tell wrong.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from mtm.config import TrainConfig
from mtm.train_loop.cost import Sizes, Speed

COARSENESS = 3.0  # a real training may take that many times as long, or as little
# operations a second that a training gets out of a core (measured with AVX2, for convnet and for ResNet-18), so many
# times as many in bfloat16 where that is multiplied in hardware; out of a middling graphics card, and of Apple silicon
CORE_RATE, AMX = 3.5e10, 3.0
GPU_RATE, MPS_RATE = 5e12, 5e11


@dataclass(frozen=True)
class Network:
    """A backbone on grey images of SIDE x SIDE: `products` of one forward pass, and its `parameters`."""

    products: float
    parameters: int
    features: int


SIDE = 36  # pixels
NETWORKS = {
    "convnet": Network(3.43e6, 92_896, 128),
    "resnet18": Network(78.5e6, 11_170_240, 512),
    "resnet50": Network(178.6e6, 23_501_760, 2048),
    "resnet101": Network(349.1e6, 42_493_888, 2048),
}


def estimate_speed(config: TrainConfig, sizes: Sizes) -> Speed:
    """The speed of `config` here, about. Raises InputError for a backbone that there is not."""
    network = NETWORKS.get(config.backbone) or count_products(config.backbone)
    dim = config.dim if config.head == "targets" else network.features
    last_layer = network.features * (dim if config.head == "targets" else sizes.n_classes)
    products = network.products * sizes.height * sizes.width / SIDE**2 + last_layer
    return Speed(operations_per_second(config) / (6 * products), network.parameters + last_layer, dim)


def operations_per_second(config: TrainConfig) -> float:
    """What a training of `config` gets out of this machine, about."""
    if config.device != "cpu" and (config.device != "auto" or may_have_gpu()):
        return MPS_RATE if config.device == "mps" or sys.platform == "darwin" else GPU_RATE
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    return CORE_RATE * cores * (AMX if config.precision == "auto" and _has_amx() else 1.0)


def may_have_gpu() -> bool:
    """Whether importing torch to look for GPUs is worth its seconds: a driver of NVIDIA or AMD, or Apple silicon."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return shutil.which("nvidia-smi") is not None or any(Path(p).exists() for p in ("/dev/nvidiactl", "/dev/kfd"))


@cache
def count_products(backbone: str) -> Network:
    """What NETWORKS has, counted for any backbone; imports torch, and computes nothing."""
    import torch
    from torch import nn

    from mtm.backbones import make_backbone

    total = 0

    def count(module: nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal total
        pixels = out.shape[2] * out.shape[3] if isinstance(module, nn.Conv2d) else 1
        total += pixels * module.weight.numel() if isinstance(module, nn.Conv2d | nn.Linear) else 0

    side = SIDE if backbone in NETWORKS else 224  # which every network takes
    with torch.device("meta"):
        network, features = make_backbone(backbone, 1, (side, side))
        for module in network.modules():
            module.register_forward_hook(count)
        network.eval()(torch.zeros(1, 1, side, side))
    return Network(total * (SIDE / side) ** 2, sum(p.numel() for p in network.parameters()), features)


def _has_amx() -> bool:
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
