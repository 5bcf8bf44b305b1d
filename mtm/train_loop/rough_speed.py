"""How fast a network would train here, by its arithmetic: known at once, without torch, within a factor of about three.

A training step on an image takes three times the multiplications of its forward pass, two operations each. What a
processor does in a second is measured for a tenth of one; a graphics card is not asked, and taken for a middling one.
"""

from __future__ import annotations

import platform
import shutil
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from mtm.config import TrainConfig
from mtm.train_loop.cost import Sizes, Speed

COARSENESS = 3.0  # a real training may take that many times as long, or as little
EFFICIENCY = 0.8  # of a processor's rate of matrix products; measured: 0.8 for convnet and for ResNet-18 at 36x36
MATRIX, MEASURED_SECONDS = 384, 0.1  # that rate is of products of this size, the fastest of so long
AMX = 3.0  # times as fast in bfloat16 on processors that multiply it in hardware
GPU_RATE, MPS_RATE = 5e12, 5e11  # operations a second that a training gets out of a middling card; of Apple silicon


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
    return EFFICIENCY * _matrix_rate() * (AMX if config.precision == "auto" and _has_amx() else 1.0)


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


@cache
def _matrix_rate() -> float:
    """Operations a second of a product of matrices in float32, of the fastest one in a moment: others work here too."""
    a = np.ones((MATRIX, MATRIX), np.float32)
    end, fastest = time.perf_counter() + MEASURED_SECONDS, float("inf")
    while time.perf_counter() < end or fastest == float("inf"):
        began = time.perf_counter()
        a @ a
        fastest = min(fastest, time.perf_counter() - began)
    return float(2 * MATRIX**3 / fastest)


def _has_amx() -> bool:
    try:
        return "amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
