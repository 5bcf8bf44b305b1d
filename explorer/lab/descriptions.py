"""The texts beside a landscape: where the moved point comes to rest, the terms of a value, remarks on what looks odd.

The terms of a value are computed by the loss itself, with r = 0 or with fewer targets, never by a second formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from explorer.lab.landscape import Landscape, Scene, compute_values
from mtm.losses import BaseLoss, Loss
from mtm.losses.loss import Equilibrium

Terms = list[tuple[str, float]]

LISTED_TERMS = 6  # listed one by one; the others are added up


def find_equilibrium(loss: Loss, scene: Scene) -> Equilibrium:
    """The equilibrium of the moved point while everything else stays, as the loss has it."""
    counted = scene.counted if scene.vary == "sum" else slice(scene.chosen, scene.chosen + 1)
    return _described(loss).equilibrium(scene.vary, scene.e[counted], scene.c, scene.y[counted], scene.label)


def compute_terms(loss: Loss, scene: Scene, u: Sequence[float], names: Sequence[str]) -> Terms:
    """The value with the moved point at u (2,), and its terms where it is a sum. `names` (C,) are the targets'."""
    at = np.array([u], np.float64)
    total = float(compute_values(loss, scene, at, batched=False)[0])
    about = _described(loss)
    if about.terms:
        first = float(compute_values(replace(cast(Any, loss), r=0.0), scene, at, batched=False)[0])
        return [("loss", total), *zip(about.terms, (first, total - first), strict=True)]
    return [("loss", total), *(_split_by_target(loss, scene, at, names) if about.compares_targets else [])]


def _split_by_target(loss: Loss, scene: Scene, at: Any, names: Sequence[str]) -> Terms:
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
    remarks += _described(loss).remarks(scene.vary, len(scene.c))
    remarks += _twins(scene, names)
    if not landscape.in_one_call:
        side = len(landscape.x)
        remarks.append(f"This loss has to be called place by place, so there are only {side} × {side} places.")
    return remarks


def _why_flat(loss: Loss, scene: Scene) -> str:
    about = _described(loss)
    is_alone = about.compares_targets and len(scene.c) == 1
    return "with one class there is nothing to compare with" if is_alone else about.flat


def _described(loss: Loss) -> BaseLoss:
    """The loss, for what it says of itself; one of the user's own says nothing."""
    return loss if isinstance(loss, BaseLoss) else BaseLoss()


def _twins(scene: Scene, names: Sequence[str]) -> list[str]:
    """A sentence on the first targets that coincide, if any do."""
    _, spot, count = np.unique(scene.c, axis=0, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(count[spot.ravel()] > 1)
    if not len(shared):
        return []
    first = shared[0]
    twins = [names[int(k)] for k in shared if (scene.c[k] == scene.c[first]).all()]
    return [f"{' and '.join(twins[:3])} lie on one spot: nothing tells them apart, and no force parts them."]
