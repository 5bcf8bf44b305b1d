"""Scenes at random, and a loss called one position at a time, for the tests of the lab."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from explorer.lab.landscape import Scene, compute_landscape, compute_values
from explorer.lab.presets import PRESETS
from mtm.losses import LOSSES, ClassProximity, PushPull, make_loss

BOX = (-6.0, -5.0, 7.0, 8.0)
OWN_LOSS = '''
from dataclasses import dataclass, field

@dataclass(frozen=True)
class Squeezed:
    """Distances to the left count double."""
    weight: float = field(default=2.0, metadata={"help": "of the left", "low": 1.0, "high": 9.0})

    def __call__(self, e, c, y):
        apart = e - c[y]
        left = (-apart[:, 0]).clamp(min=0) * (self.weight - 1)
        return apart.square().sum(-1) + left
'''

every_loss = pytest.mark.parametrize("name", LOSSES)
every_way = pytest.mark.parametrize("vary", ["e", "c", "sum"])
LOSS_OF = {"class_proximity": ClassProximity(r=30.0), "push_pull": PushPull(r=0.7)}


def loss_of(name):
    return LOSS_OF.get(name) or make_loss(name)


def scene(vary="c", n_classes=4, m=3, dim=2, seed=0, y=None):
    """Embeddings and targets at random; the plane is at random too where there are more than two dimensions."""
    rng = np.random.default_rng(seed)
    e, c = 3 * rng.standard_normal((m, dim)), 4 * rng.standard_normal((n_classes, dim))
    y = rng.integers(0, n_classes, m) if y is None else np.array(y)
    if dim == 2:
        return Scene(e, c, y, vary)
    basis = np.linalg.qr(rng.standard_normal((dim, 2)))[0]
    return Scene(e, c, y, vary, 0, rng.standard_normal(dim), basis)


def point_by_point(loss, scene, u):
    """The reference: the loss called for one position at a time, on the whole D-dimensional scene."""
    losses = []
    for position in u:
        x = scene.moved_point + scene.basis @ (position - scene.project(scene.moved_point))
        e, c, y = scene.e.copy(), scene.c.copy(), scene.y
        if scene.vary == "e":
            e[scene.chosen] = x
        else:
            c[scene.label] = x
        each = loss(torch.tensor(e), torch.tensor(c), torch.tensor(y))
        losses.append(float(each.sum() if scene.vary == "sum" else each[scene.chosen]))
    return np.array(losses)


def positions_of(landscape):
    return np.stack(np.meshgrid(landscape.x, landscape.y), axis=-1).reshape(-1, 2)


def value(loss, scene, *at):
    return float(compute_values(loss, scene, np.array([at], float))[0])


def load_preset(key):
    """The loss, the scene and the landscape of a figure."""
    figure = PRESETS[key]
    around = Scene(np.array([figure.e]), np.array(figure.c), np.zeros(1, int), figure.vary)
    loss = make_loss(figure.loss, **figure.params)
    return loss, around, compute_landscape(loss, around, figure.box)
