"""What a loss is, what it says of itself, and its hyperparameters."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Vary = Literal["e", "c", "sum"]


class Loss(Protocol):
    """Output embeddings (B, D), class embeddings (C, D) and labels (B,) to one loss per image (B,)."""

    def __call__(self, e: Tensor, c: Tensor, y: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Equilibrium:
    """The point (D,) where the moved point's gradient vanishes and its loss is least, if known; and a sentence."""

    point: Floats | None
    words: str


class BaseLoss:
    """What a loss says of itself besides its docstring and its fields; what it does not say is as here.

    A loss of the user's own need not be one.
    """

    label: ClassVar[str] = ""  # its name as people read it
    formula: ClassVar[str] = ""  # in MathML (`mtm.losses.formula`)
    range: ClassVar[str] = ""  # of its values
    equation: ClassVar[str] = ""  # the number in the paper; empty for a loss that is not the paper's
    metric: ClassVar[str] = "euclidean"  # which points are near each other where it has trained: or "cosine"
    classifier: ClassVar[str] = ""  # that goes with it, where another one than the usual does
    terms: ClassVar[tuple[str, ...]] = ()  # of a loss with a weight r: its value with r = 0, and what r adds to that
    compares_targets: ClassVar[bool] = False  # whether it is a sum over the targets of the other classes
    flat: ClassVar[str] = "it does not depend on that point"  # why its value may be the same everywhere

    @property
    def warning(self) -> str:
        """What its hyperparameters lead to, where training may diverge for it; empty where nothing speaks against."""
        return ""

    def equilibrium(self, vary: Vary, e: Floats, c: Floats, y: Labels, k: int) -> Equilibrium:
        """Where a point comes to rest while all others stay: e[0], of class k, if `vary` is "e", else c[k].

        Embeddings e (M, D) of the classes y (M,) are those whose losses add up, a single one of class k but for "sum";
        c (C, D) are the class embeddings.
        """
        return Equilibrium(None, "No closed form is known for this loss: release it and see.")

    def remarks(self, vary: Vary, n_classes: int) -> list[str]:
        """A sentence for everything about its landscape that a viewer could take for a defect."""
        return []


def hyperparameter(
    default: float, help: str, low: float, high: float, log: bool = False, search: tuple[float, float] | bool = True
) -> Any:
    """A dataclass field with a help text, the range of its slider, and that of a search: the slider's, or its own."""
    return field(default=default, metadata={"help": help, "low": low, "high": high, "log": log, "search": search})


def hyperparameters_of(cls: type) -> dict[str, Any]:
    """Name -> dataclass field, for each hyperparameter of a loss class (none if it is not a dataclass)."""
    return {f.name: f for f in fields(cls)} if hasattr(cls, "__dataclass_fields__") else {}


def sliders_of(cls: type) -> list[dict[str, Any]]:
    """The hyperparameters of a loss for sliders: `name`, `default`, `low`, `high`, `help`, `log`.

    A field without a range gets one around its default.
    """
    sliders = []
    for name, f in hyperparameters_of(cls).items():
        default = 1.0 if f.default is MISSING else f.default
        if isinstance(default, int | float) and not isinstance(default, bool):
            reach = 4 * abs(default) or 1.0
            low, high = f.metadata.get("low", min(0.0, -reach * (default < 0))), f.metadata.get("high", reach)
            about = {"help": f.metadata.get("help", ""), "log": bool(f.metadata.get("log")) and low > 0}
            sliders.append({"name": name, "default": default, "low": low, "high": high, **about})
    return sliders


def summary_of(cls: type) -> str:
    """The first line of its docstring; empty where it has none of its own."""
    text = (cls.__doc__ or "").strip()
    return "" if text.startswith(f"{cls.__name__}(") else text.partition("\n")[0]  # what `dataclass` writes by itself
