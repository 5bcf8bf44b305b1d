"""Backbones: networks without their last linear layer, from images (B, 1 or 3, h, w) to features (B, F).

`convnet` is ours; everything else is torchvision's, by its name there. Grey images go into a first layer of one channel
whose weights are the sums over the three colour channels: exactly what the network would make of the grey image
repeated three times, for a third of the work. To add a backbone, enter a function in `BACKBONES`.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision import models

from mtm.config import WEIGHTS
from mtm.errors import InputError, choose_from


class ConvNet(nn.Sequential):
    """Three 3x3 convolutions of stride 2 with batch normalisation, then the mean over the image: 128 features."""

    def __init__(self, channels: int = 1) -> None:
        widths = (channels, 32, 64, 128)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Conv2d(n_in, n_out, 3, 2, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class TinyMapConv2d(nn.Conv2d):
    """A convolution that is one matrix product on a CPU when its output map is tiny.

    At the paper's 36x36 pixels a ResNet ends in maps of 2x2, for which the convolution kernels of CPUs are not made:
    three of ResNet-18's twenty convolutions take half of a training step. Same parameters, same values.
    """

    LARGEST = 4  # pixels of the output map; measured: of 4, 9, 25 and 81 the fastest in float32 and bfloat16

    def forward(self, x: Tensor) -> Tensor:
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        ph, pw = (int(p) for p in self.padding)
        h, w = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1
        if x.device.type != "cpu" or h * w > self.LARGEST:
            return super().forward(x)
        padded = nn.functional.pad(x.permute(0, 2, 3, 1), (0, 0, pw, pw, ph, ph))
        windows = padded.unfold(1, kh, sh).unfold(2, kw, sw).permute(0, 1, 2, 4, 5, 3)  # (B, h, w, kh, kw, C_in)
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)  # (C_out, kh kw C_in), no copy for channels-last weights
        out = nn.functional.linear(windows.reshape(-1, weight.shape[1]), weight, self.bias)  # (B h w, C_out)
        return out.view(len(x), h, w, -1).permute(0, 3, 1, 2)


BACKBONES: dict[str, Callable[[int], nn.Module]] = {"convnet": ConvNet}  # of our own: from channels to a module
PAPER_BACKBONES = ("resnet18", "resnet50", "resnet101")
# of a backbone's weights in our checkpoints: those that are kept, and those for resuming
CHECKPOINT_PREFIXES = ("backbone.", "model.backbone.")


def make_backbone(name: str, channels: int, size: tuple[int, int], weights: str = "none") -> tuple[nn.Module, int]:
    """A backbone for images of `channels` x `size`, and its number of features F.

    weights: `imagenet`, `none`, `auto` (ImageNet where the backbone has it) or a state-dict file (.pt, .pth or
    .safetensors), which may be a checkpoint of a run with this backbone. Raises InputError for a name, weights or an
    image size that cannot be.
    """
    state = {} if weights in WEIGHTS else read_state(Path(weights))
    ours = _checkpoint_backbone(state)
    if name in BACKBONES:
        if weights == "imagenet":
            raise InputError(f"there are no ImageNet weights for backbone '{name}'; use --weights none")
        network = BACKBONES[name](channels)
        if weights not in WEIGHTS and not ours:
            _load(network, state, weights)
    else:
        network = _torchvision(name, "none" if ours else weights, state)
        _remove_last_linear(network, name)
        if channels == 1:
            _take_grey(network, name)
        _make_tiny_maps_fast(network)
    if ours:
        _load(network, ours, weights)
    return network, _count_features(network, name, channels, size)


def _torchvision(name: str, weights: str, file: dict[str, Tensor]) -> nn.Module:
    """torchvision's network `name` with its weights; `file` is the state dict where `weights` names one."""
    names = models.list_models(module=models)
    if name not in names:
        raise choose_from("backbone", name, [*BACKBONES, *PAPER_BACKBONES, f"any of torchvision's {len(names)}"])
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # googlenet, of its own future defaults
        network = models.get_model(name, weights=None)
    if weights in ("auto", "imagenet"):
        offered = models.get_model_weights(name).__members__
        entry = offered.get("IMAGENET1K_V1") or next(iter(offered.values()))  # V1 is of the paper's time
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # belongs to --json; the bar goes to standard error
                state = entry.get_state_dict(progress=True, check_hash=True)
        except (URLError, OSError, RuntimeError) as error:
            folder = Path(torch.hub.get_dir()) / "checkpoints"
            raise InputError(
                f"the ImageNet weights of {name} are not in {folder} and could not be downloaded; start from random "
                "weights with --weights none, or name a state-dict file with --weights FILE"
            ) from error
        network.load_state_dict(state)
    elif weights != "none":
        _load(network, file, weights, replaced=_last_linear(network))
    return network


def read_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a .safetensors file, or in a .pt or .pth file read without running any code in it."""
    if not path.is_file():
        raise InputError(f"there is no weights file {path}; --weights takes imagenet, none or a state-dict file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's and safetensors' readers raise a dozen kinds for a bad file
        raise InputError(f"{path} is not a state dict that can be read safely") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path} holds no state dict (names and tensors)")
    return state


def _checkpoint_backbone(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The backbone in a checkpoint of a run, by the names it has in the network; {} for any other state dict."""
    for prefix in CHECKPOINT_PREFIXES:
        weights = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if weights:
            return weights
    return {}


def _load(network: nn.Module, state: dict[str, Tensor], where: str, replaced: str | None = None) -> None:
    """Load what a state dict says of the network; the layer `replaced`, which will be, may be of any shape."""
    own = network.state_dict()
    fitting = {name: value for name, value in state.items() if name in own and own[name].shape == value.shape}
    missing = [name for name in own if name not in fitting and not (replaced and name.startswith(f"{replaced}."))]
    if missing:
        first, needed = missing[0], tuple(own[missing[0]].shape)
        problem = f"is {tuple(state[first].shape)}, not {needed}" if first in state else "is not there"
        raise InputError(
            f"the weights in {where} do not fit the backbone: {len(missing)} differ, first '{first}' {problem}"
        )
    network.load_state_dict(own | fitting)


def _last_linear(network: nn.Module) -> str | None:
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    return names[-1] if names else None


def _remove_last_linear(network: nn.Module, backbone: str) -> None:
    name = _last_linear(network)
    if name is None:
        raise InputError(f"backbone '{backbone}' does not end in a linear layer; choose another, such as resnet18")
    network.set_submodule(name, nn.Identity())


def _take_grey(network: nn.Module, backbone: str) -> None:
    """Replace the first convolution (3 channels) by one of a single channel with the summed weights."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3 and module.groups == 1:
            grey = nn.Conv2d(
                1,
                module.out_channels,
                module.kernel_size,  # type: ignore[arg-type]
                module.stride,  # type: ignore[arg-type]
                module.padding,  # type: ignore[arg-type]
                module.dilation,  # type: ignore[arg-type]
                bias=module.bias is not None,
                padding_mode=module.padding_mode,
            )
            with torch.no_grad():
                grey.weight.copy_(module.weight.sum(dim=1, keepdim=True))
                if module.bias is not None and grey.bias is not None:
                    grey.bias.copy_(module.bias)
            network.set_submodule(name, grey)
            return
    raise InputError(f"backbone '{backbone}' has no first convolution of three channels; it cannot take grey images")


def _make_tiny_maps_fast(network: nn.Module) -> None:
    """Give every plain convolution the matrix product for tiny maps; parameters and their names stay as they are."""
    for module in network.modules():
        plain = type(module) is nn.Conv2d and module.groups == 1 and module.dilation == (1, 1)
        if plain and module.padding_mode == "zeros" and not isinstance(module.padding, str):
            module.__class__ = TinyMapConv2d


def _count_features(network: nn.Module, name: str, channels: int, size: tuple[int, int]) -> int:
    """F, found by sending two black images through a copy of the network, in training mode as well."""
    trial = copy.deepcopy(network)
    x = torch.zeros(2, channels, *size)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            outs = [trial.eval()(x), trial.train()(x)]
    except (RuntimeError, AssertionError, ValueError) as error:
        sentence = str(error).splitlines()[0]
        raise InputError(
            f"backbone '{name}' cannot take images of {size[0]}x{size[1]} ({sentence}); "
            "give another --resize and --crop, such as 224"
        ) from error
    if not all(isinstance(out, Tensor) and out.ndim == 2 for out in outs):
        raise InputError(f"backbone '{name}' does not give one vector an image; choose another, such as resnet18")
    return int(outs[0].shape[1])
