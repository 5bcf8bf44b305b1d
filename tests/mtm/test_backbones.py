"""Backbones: grey images without waste, weights from files, and networks that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from mtm.backbones import TinyMapConv2d, make_backbone
from mtm.errors import InputError


@pytest.mark.parametrize(("name", "features"), [("resnet18", 512), ("resnet50", 2048), ("resnet101", 2048)])
def test_the_papers_resnets_give_their_pooled_features(name: str, features: int) -> None:
    network, n = make_backbone(name, 3, (36, 36))
    assert n == features
    assert sum(isinstance(m, nn.Conv2d) for m in network.modules()) > 17


def test_a_grey_image_gives_what_the_image_repeated_three_times_would(tmp_path: Path) -> None:
    torch.manual_seed(0)
    colour = models.resnet18().eval()
    save_file(colour.state_dict(), tmp_path / "w.safetensors")
    grey, _ = make_backbone("resnet18", 1, (36, 36), str(tmp_path / "w.safetensors"))
    colour.fc = nn.Identity()
    x = torch.randn(4, 1, 36, 36)
    with torch.no_grad():
        torch.testing.assert_close(grey.eval()(x), colour(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)
    first = next(m for m in grey.modules() if isinstance(m, nn.Conv2d))
    assert first.in_channels == 1


@pytest.mark.parametrize("kernel", [1, 3, (3, 2)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 3, (2, 4), 9])
def test_a_tiny_map_as_matrix_product_is_the_convolution(
    size: int | tuple[int, int], stride: int, kernel: int | tuple[int, int]
) -> None:
    torch.manual_seed(0)
    ours = TinyMapConv2d(5, 7, kernel, stride, 1 if kernel != 1 else 0).double()
    theirs = nn.Conv2d(5, 7, kernel, stride, 1 if kernel != 1 else 0).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 5, *(size if isinstance(size, tuple) else (size, size)), dtype=torch.float64)
    results = []
    for layer in (ours, theirs):
        image = x.clone().requires_grad_()
        out = layer(image)
        out.square().sum().backward()
        assert layer.bias is not None
        results.append([out, image.grad, layer.weight.grad, layer.bias.grad])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def test_the_papers_resnets_use_it_and_keep_torchvisions_names() -> None:
    network, _ = make_backbone("resnet18", 3, (36, 36))
    assert all(isinstance(m, TinyMapConv2d) for m in network.modules() if isinstance(m, nn.Conv2d))
    expected = [name for name in models.resnet18().state_dict() if not name.startswith("fc.")]
    assert list(network.state_dict()) == expected


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_b0", "densenet121", "regnet_y_400mf"])
def test_other_torchvision_classifiers_work_by_name(name: str) -> None:
    network, n = make_backbone(name, 1, (36, 36))
    with torch.no_grad():
        assert network.eval()(torch.zeros(2, 1, 36, 36)).shape == (2, n)


@pytest.mark.parametrize("suffix", ["pt", "pth", "safetensors"])
def test_weights_come_from_a_state_dict_file(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(1)
    state = models.resnet18(num_classes=7).state_dict()  # the last layer is replaced: its shape does not matter
    path = tmp_path / f"w.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    network, _ = make_backbone("resnet18", 3, (36, 36), str(path))
    torch.testing.assert_close(
        network.get_parameter("layer1.0.conv1.weight"), state["layer1.0.conv1.weight"], rtol=0, atol=0
    )


def test_imagenet_weights_come_from_torchvisions_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file name carries the first digits of the content's hash, so a made-up file must be refused, not loaded."""
    entry = models.ResNet18_Weights.IMAGENET1K_V1
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    state = models.resnet18().state_dict()
    torch.save(state, folder / Path(entry.url).name)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network, _ = make_backbone("resnet18", 3, (36, 36), "imagenet")
    weight = network.get_parameter("layer1.0.conv1.weight")
    torch.testing.assert_close(weight, state["layer1.0.conv1.weight"], rtol=0, atol=0)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file(models.resnet34().state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="do not fit the backbone"):
        make_backbone("resnet50", 3, (36, 36), str(tmp_path / "w.safetensors"))


def test_networks_that_cannot_be_used_say_why() -> None:
    with pytest.raises(InputError, match="does not end in a linear layer"):
        make_backbone("squeezenet1_0", 3, (64, 64))
    with pytest.raises(InputError, match="cannot take images of 36x36"):
        make_backbone("alexnet", 3, (36, 36))
    with pytest.raises(InputError, match=r"choose from convnet, resnet18, resnet50, resnet101"):
        make_backbone("resnet19", 3, (36, 36))
