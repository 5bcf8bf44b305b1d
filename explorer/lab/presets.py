"""The paper's landscape figures, each as a scene with the paper's statement about it.

The paper gives no coordinates; these are ours, chosen so that its statements can be seen. Nor does it give the r of
Figure 9: 1/2 keeps the equilibrium, twice as far out as the target, within the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mtm.losses.loss import Vary

Place = tuple[float, float]


@dataclass(frozen=True)
class Preset:
    """A scene with one embedding of class 0, whose class embedding is the first of c."""

    name: str
    loss: str
    vary: Vary
    e: Place
    c: tuple[Place, ...]
    says: str
    box: tuple[float, float, float, float] = (-10.0, -10.0, 10.0, 10.0)
    params: dict[str, float] = field(default_factory=dict)
    scale: str = "linear"
    step_size: float = 0.02


PRESETS = {
    "5": Preset(
        "Figure 5",
        "euclidean",
        "c",
        e=(3.0, 2.0),
        c=((-1.0, -4.0), (-6.0, 5.0), (7.0, -3.0)),
        says="Euclidean distance loss as a function of c_e: the closer c_e is to e, the lower. Close to c_0 or c_1, "
        "which would not be ideal for a nearest neighbour classifier, the loss does not change.",
    ),
    "6": Preset(
        "Figure 6",
        "cosine",
        "c",
        e=(5.0, 3.0),
        c=((-2.0, 6.0), (-6.0, -2.0), (4.0, -6.0)),
        says="Cosine distance loss as a function of c_e: it falls with the angle between e and c_e, measured from the "
        "origin (0, 0), and peaks at 2 where they point in opposite directions. Length does not matter.",
        step_size=2.0,
    ),
    "7": Preset(
        "Figure 7",
        "class_proximity",
        "c",
        e=(5.0, 2.0),
        c=((-2.0, -9.0), (-8.0, 6.0), (9.0, -10.0)),
        box=(-20.0, -20.0, 20.0, 20.0),
        says="Class proximity loss with r = 500 as a function of c_e: it falls as c_e comes closer to e, but rises "
        "rapidly as c_e comes close to any other class embedding.",
        params={"r": 500.0},
    ),
    "9": Preset(
        "Figure 9",
        "push_pull",
        "e",
        e=(-7.0, -3.0),
        c=((4.0, 2.0), (-4.0, 3.0), (0.0, -5.0)),
        box=(-12.0, -12.0, 12.0, 12.0),
        says="Push and pull loss as a function of e: it pulls e towards c_e and pushes it away from avg(C). The lowest "
        "place is beyond c_e, seen from avg(C).",
        params={"r": 0.5},
    ),
    "10": Preset(
        "Figure 10",
        "comparison",
        "e",
        e=(-2.0, -1.0),
        c=((4.0, 2.0), (-5.0, 4.0), (-1.0, -6.0)),
        says="Comparison loss as a function of e: 0 at c_e, high near every other class embedding. As a function of "
        "c_e it would be largely indistinguishable from the Euclidean loss: it depends on |e − c_e| alone.",
        step_size=1.0,
    ),
}
