"""The texts beside a landscape: the formula of its loss, the terms of a value, and remarks on what looks odd.

The terms of a value are computed by the loss itself, with r = 0 or with fewer targets, never by a second formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.lab.landscape import Landscape, Scene, compute_values
from mtm.losses import ClassProximity, Comparison, Cosine, Euclidean, Loss, PushPull

E, CE, K = "<mi>e</mi>", "<msub><mi>c</mi><mi>e</mi></msub>", "<mi>k</mi>"
AVG = "<mi>avg</mi><mo>(</mo><mi>C</mi><mo>)</mo>"
OTHERS = "<munder><mo>∑</mo><mrow><mi>k</mi><mo>≠</mo><msub><mi>c</mi><mi>e</mi></msub></mrow></munder>"

Terms = list[tuple[str, float]]

LISTED_TERMS = 6  # listed one by one; the others are added up


def _square(a: str, b: str) -> str:
    return f"<msup><mrow><mo>|</mo>{a}<mo>−</mo>{b}<mo>|</mo></mrow><mn>2</mn></msup>"


FORMULAS: dict[type, str] = {
    Euclidean: _square(E, CE),
    Cosine: f"<mn>1</mn><mo>−</mo><mfrac><mrow>{E}<mo>·</mo>{CE}</mrow>"
    f"<mrow><mo>|</mo>{E}<mo>|</mo><mo>|</mo>{CE}<mo>|</mo></mrow></mfrac>",
    ClassProximity: f"{_square(E, CE)}<mo>+</mo><mi>r</mi>{OTHERS}<mfrac><mn>1</mn>"
    f"<mrow>{_square(CE, K)}<mo>+</mo><mi>ε</mi></mrow></mfrac>",
    PushPull: f"{_square(E, CE)}<mo>−</mo><mi>r</mi>{_square(E, AVG)}",
    Comparison: f"{OTHERS}<mfrac>{_square(E, CE)}<mrow>{_square(E, CE)}<mo>+</mo>{_square(E, K)}</mrow></mfrac>",
}
EQUATIONS: dict[type, str] = {
    Euclidean: "eq. 1",
    Cosine: "eq. 2-3",
    ClassProximity: "eq. 4-5",
    PushPull: "eq. 6-7",
    Comparison: "eq. 8",
}


def formula(cls: type) -> str:
    """The loss in MathML; empty for a loss of the user's own."""
    return f"<math display='block'><mrow>{FORMULAS[cls]}</mrow></math>" if cls in FORMULAS else ""


def equation(cls: type) -> str:
    """Which equation of the paper it is; empty for a loss of the user's own."""
    return EQUATIONS.get(cls, "")


def compute_terms(loss: Loss, scene: Scene, u: Sequence[float], names: Sequence[str]) -> Terms:
    """The value with the moved point at u (2,), and its terms where it is a sum. `names` (C,) are the targets'."""
    at = np.array([u], np.float64)
    total = float(compute_values(loss, scene, at, batched=False)[0])
    split = SPLITS.get(type(loss))
    return [("loss", total), *(split(loss, scene, at, names, total) if split else [])]


def _split_by_r(loss: Any, scene: Scene, at: Any, names: Sequence[str], total: float) -> Terms:
    pull = float(compute_values(replace(loss, r=0.0), scene, at, batched=False)[0])
    other = "+ r · proximity" if isinstance(loss, ClassProximity) else "− r |e − avg(C)|²"
    return [("|e − c_e|²", pull), (other, total - pull)]


def _split_by_target(loss: Any, scene: Scene, at: Any, names: Sequence[str], total: float) -> Terms:
    if scene.vary == "sum":
        return []
    own, terms = scene.label, []
    for k in range(len(scene.c)):
        if k != own:
            pair = replace(scene, e=scene.e[[scene.chosen]], c=scene.c[[own, k]], y=np.zeros(1, np.int64), chosen=0)
            terms.append((f"against {names[k]}", float(compute_values(loss, pair, at, batched=False)[0])))
    terms.sort(key=lambda term: -term[1])
    rest = terms[LISTED_TERMS:]
    return terms[:LISTED_TERMS] + ([(f"{len(rest)} more", sum(value for _, value in rest))] if rest else [])


SPLITS: dict[type, Callable[[Any, Scene, Any, Sequence[str], float], Terms]] = {
    ClassProximity: _split_by_r,
    PushPull: _split_by_r,
    Comparison: _split_by_target,
}


def write_remarks(loss: Loss, scene: Scene, landscape: Landscape, names: Sequence[str]) -> list[str]:
    """One sentence for everything about a landscape that a viewer could take for a defect."""
    remarks = []
    losses, moved = landscape.values, "e" if scene.vary == "e" else "c_e"
    undefined, infinite = np.isnan(losses).mean(), np.isinf(losses).mean()
    if undefined:
        remarks.append(f"The loss is not a number at {undefined:.1%} of the places; they are hatched.")
    if infinite:
        remarks.append(f"The loss is infinite at {infinite:.1%} of the places; they have the end colour of the scale.")
    if np.isfinite(losses).all() and np.ptp(losses) <= 1e-12 * float(np.abs(losses).max()):
        remarks.append(f"The loss is {losses.flat[0]:.4g} wherever {moved} is: {_why_flat(loss, scene)}.")
    if isinstance(loss, ClassProximity) and scene.vary != "e" and loss.r > 0 and len(scene.c) > 1:
        remarks.append(
            f"Every other target is a pole, r / eps = {loss.r / loss.eps:.3g} high; the scale leaves it out."
        )
    if isinstance(loss, ClassProximity) and loss.r < 0:
        remarks.append("With r < 0 targets attract each other without bound.")
    remarks += _twins(scene, names)
    if not landscape.in_one_call:
        side = len(landscape.x)
        remarks.append(f"This loss has to be called place by place, so there are only {side} × {side} places.")
    return remarks


def _why_flat(loss: Loss, scene: Scene) -> str:
    if isinstance(loss, Comparison) and len(scene.c) == 1:
        return "with one class there is nothing to compare with"
    if isinstance(loss, Cosine):
        return "a vector of length 0 has no direction, its cosine with everything counts as 0"
    return "it does not depend on that point"


def _twins(scene: Scene, names: Sequence[str]) -> list[str]:
    """A sentence on the first targets that coincide, if any do."""
    _, spot, count = np.unique(scene.c, axis=0, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(count[spot.ravel()] > 1)
    if not len(shared):
        return []
    first = shared[0]
    twins = [names[int(k)] for k in shared if (scene.c[k] == scene.c[first]).all()]
    return [f"{' and '.join(twins[:3])} lie on one spot: nothing tells them apart, and no force parts them."]
