"""The losses: the five of the Moving Targets Model (section III-C of the paper), and others that were added.

A loss is a frozen dataclass whose fields are its hyperparameters, called as `loss(e, c, y) -> (B,)`: one value per
image, from output embeddings `e (B, D)`, class embeddings `c (C, D)` and labels `y (B,)`. Training sums over the batch.
What else is said of a loss are attributes of its class (`mtm.losses.loss.BaseLoss`). To add one, write a file like
those here, enter its class in `LOSSES`, and add a row to `tests/mtm/test_losses.py`.
"""

from __future__ import annotations

from dataclasses import MISSING
from importlib import import_module

from mtm.errors import InputError, choose_from
from mtm.losses.class_proximity import ClassProximity
from mtm.losses.comparison import Comparison
from mtm.losses.cosine import Cosine
from mtm.losses.euclidean import Euclidean
from mtm.losses.loss import BaseLoss, Loss, hyperparameter, hyperparameters_of
from mtm.losses.push_pull import PushPull

__all__ = [
    "DEFAULT_LOSS", "LOSSES", "BaseLoss", "ClassProximity", "Comparison", "Cosine", "Euclidean", "Loss", "PushPull",
    "describe_loss", "hyperparameter", "hyperparameters_of", "loss_class", "loss_label", "make_loss",
]  # fmt: skip

LOSSES: dict[str, type] = {
    "euclidean": Euclidean,
    "cosine": Cosine,
    "class_proximity": ClassProximity,
    "push_pull": PushPull,
    "comparison": Comparison,
}
DEFAULT_LOSS = "euclidean"


def describe_loss(name: str | None) -> type[BaseLoss]:
    """What the loss registered under a name says of itself; plain defaults for any other, whose code is not run."""
    cls = LOSSES.get(name or "", BaseLoss)
    return cls if issubclass(cls, BaseLoss) else BaseLoss


def loss_label(name: str) -> str:
    """The name of a loss as people read it; of one that has no other the name itself."""
    return describe_loss(name).label or name


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
