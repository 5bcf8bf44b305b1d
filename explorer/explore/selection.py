"""A selection is the steps that make it, not a list of images: a lasso at a snapshot of a view, a class, "wrong".

Each step has a shape and says what happens with the images in it: they replace the selection, are added to it, and so
on. Undo removes the last step. The same selection can be evaluated at any snapshot: a shape that names its snapshot
selects the same images at all times, one that does not is evaluated at the snapshot shown. The page, the address and
`selections.json` hold a selection as JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.space.history import History, Mask
from mtm.errors import InputError
from mtm.run_folder.snapshots import Array

Floats = NDArray[np.float64]
Place = tuple[float, float]
Class = Annotated[int, Field(ge=0)]

MOST_CORNERS = 10_000
MOST_STEPS = 200
MOST_IMAGES = 10_000  # of one step


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class View(BaseModel):
    """The view that a shape was drawn in: `explorer.space.views.Picture` without the run, options beside the method."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, int | tuple[int, ...] | None] = Field(init=False)

    method: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__)


class AtSnapshot(Part):
    """A shape that depends on the snapshot. `snapshot` is its number from 0; None is the snapshot shown."""

    snapshot: int | None = None


class InView(Part):
    """A shape drawn in a view. `snapshot` may lie between two: 3.5 is half-way from number 3 to number 4."""

    view: View
    snapshot: Annotated[float, Field(ge=0)] | None = None


class Polygon(InView):
    """The images inside a lasso by the even-odd rule, as the player draws it."""

    kind: Literal["polygon"] = "polygon"
    points: Annotated[tuple[Place, ...], Field(min_length=3, max_length=MOST_CORNERS)]


class Box(InView):
    """The images in a rectangle, between two of its corners."""

    kind: Literal["box"] = "box"
    corners: tuple[Place, Place]


class Images(Part):
    """Single images, by their position in the data set; one that the run does not record selects nothing."""

    kind: Literal["images"] = "images"
    indices: Annotated[tuple[int, ...], Field(max_length=MOST_IMAGES)]


class OfClass(Part):
    """The images of some classes."""

    kind: Literal["class"] = "class"
    classes: tuple[Class, ...]


class Wrong(AtSnapshot):
    """The images that a classifier decides wrongly."""

    kind: Literal["wrong"] = "wrong"
    classifier: str


class Decided(AtSnapshot):
    """A cell of the confusion matrix: images of class `label` that a classifier takes for class `decision`."""

    kind: Literal["decided"] = "decided"
    classifier: str
    label: Class
    decision: Class


class Within(AtSnapshot):
    """The images within a distance of the target (or the class centre) of a class, in D dimensions."""

    kind: Literal["within"] = "within"
    distance: Annotated[float, Field(ge=0)]
    of_class: Class
    to: Literal["target", "centre"] = "target"


AnyShape = Annotated[Polygon | Box | Images | OfClass | Wrong | Decided | Within, Field(discriminator="kind")]


class Step(Part):
    """The images in a shape replace the selection, are added, are taken away, or only those in both are kept."""

    do: Literal["replace", "add", "subtract", "keep"]
    shape: AnyShape


class Invert(Part):
    """The images that are not selected are selected instead."""

    do: Literal["invert"] = "invert"


AnyStep = Annotated[Step | Invert, Field(discriminator="do")]


class Selection(Part):
    """The steps in order; without steps nothing is selected."""

    steps: Annotated[tuple[AnyStep, ...], Field(max_length=MOST_STEPS)] = ()

    def simplified(self) -> Selection:
        """The selection without the steps that a later `replace` makes void."""
        replaced = [i for i, step in enumerate(self.steps) if step.do == "replace"]
        return Selection(steps=self.steps[replaced[-1] if replaced else 0 :])

    def to_json(self) -> dict[str, Any]:
        """As JSON types; `read_selection` is the inverse."""
        return self.model_dump(mode="json", exclude_none=True)


def read_selection(content: object) -> Selection:
    """A selection from its JSON. Raises InputError with one sentence that names the step and what is wrong with it."""
    try:
        return Selection.model_validate(content)
    except ValidationError as error:
        raise InputError(_sentence(error)) from None


# Evaluation


@dataclass(frozen=True)
class Context:
    """What evaluating a selection needs of a run."""

    history: History
    layout: Callable[[View], Array]  # where a view shows the images, (T, N, 2)
    distances: Callable[[int, str, int], Floats]  # (N,) at a snapshot to the "target" or "centre" of a class


def evaluate(selection: Selection, context: Context, at: int | None = None) -> Mask:
    """The selected images as a mask (N,), while snapshot `at` is shown, by default the last.

    Raises InputError for a class, classifier, snapshot or view that this run does not have.
    """
    current = context.history.snapshot_number(at)
    selected = np.zeros(len(context.history.labels), dtype=bool)
    for step in selection.steps:
        if isinstance(step, Invert):
            selected = ~selected
            continue
        inside = _inside(step.shape, context, current)
        if step.do == "replace":
            selected = inside
        elif step.do == "add":
            selected = selected | inside
        elif step.do == "subtract":
            selected = selected & ~inside
        else:
            selected = selected & inside
    return selected


def _inside(shape: AnyShape, context: Context, current: int) -> Mask:
    """The mask (N,) of the images in a shape, while snapshot `current` is shown."""
    history = context.history
    if isinstance(shape, Polygon | Box):
        u = _positions(context, shape.view, float(current) if shape.snapshot is None else shape.snapshot)
        return inside_polygon(u, shape.points) if isinstance(shape, Polygon) else inside_box(u, *shape.corners)
    if isinstance(shape, Images):
        return np.isin(history.indices, shape.indices)
    if isinstance(shape, OfClass):
        for k in shape.classes:
            _check_class(history, k)
        return np.isin(history.labels, shape.classes)
    t = current if shape.snapshot is None else history.snapshot_number(shape.snapshot)
    if isinstance(shape, Within):
        return np.asarray(context.distances(t, shape.to, shape.of_class) <= shape.distance)
    decided = history.predictions[history.classifier(shape.classifier)][t]
    if isinstance(shape, Wrong):
        return np.asarray(decided != history.labels)
    for k in (shape.label, shape.decision):
        _check_class(history, k)
    return np.asarray((history.labels == shape.label) & (decided == shape.decision))


def _positions(context: Context, view: View, time: float) -> Floats:
    """(N, 2): where a view shows the images at a time; between two snapshots they move in a straight line."""
    frames, before = context.layout(view), int(time)
    last, blend = before + (time > before), time - before
    if last >= len(frames):
        raise InputError(f"the view '{view.method}' shows snapshots 0 to {len(frames) - 1}, there is no number {last}")
    u = np.asarray(frames[before], np.float64)
    return u if last == before else (1 - blend) * u + blend * np.asarray(frames[last], np.float64)


def _check_class(history: History, k: int) -> None:
    if k >= history.n_classes:
        raise InputError(f"'{history.name}' has classes 0 to {history.n_classes - 1}, there is no number {k}")


def inside_box(u: ArrayLike, a: Place, b: Place) -> Mask:
    """(N,): which of the places u (N, 2) lie in the rectangle with opposite corners a and b, edges included."""
    u = np.asarray(u, np.float64)
    return np.asarray(((u >= np.minimum(a, b)) & (u <= np.maximum(a, b))).all(axis=1))


def inside_polygon(u: ArrayLike, corners: ArrayLike) -> Mask:
    """(N,): which of the places u (N, 2) lie inside a closed polygon (P, 2), by the even-odd rule; NaN lies nowhere.

    Inside is where an odd number of edges lie to the right. Places are sorted by height once, so that an edge only
    meets those beside it.
    """
    u, p = np.asarray(u, np.float64), np.asarray(corners, np.float64)
    inside = np.zeros(len(u), dtype=bool)
    near = np.flatnonzero(inside_box(u, p.min(axis=0), p.max(axis=0)))
    near = near[np.argsort(u[near, 1], kind="stable")]
    x, y = u[near].T
    q = np.roll(p, -1, axis=0)
    rises = (p[:, 1] < q[:, 1])[:, None]
    lower, upper = np.where(rises, p, q), np.where(rises, q, p)
    first, last = np.searchsorted(y, lower[:, 1]), np.searchsorted(y, upper[:, 1])  # lower <= y < upper
    is_odd = np.zeros(len(near), dtype=bool)
    for i in np.flatnonzero(last > first):
        beside = slice(first[i], last[i])
        slope = (upper[i, 0] - lower[i, 0]) / (upper[i, 1] - lower[i, 1])
        is_odd[beside] ^= x[beside] < lower[i, 0] + slope * (y[beside] - lower[i, 1])
    inside[near] = is_odd
    return inside


def _sentence(error: ValidationError) -> str:
    """The first problem, with the step counted from 1 and the field named."""
    problem = error.errors()[0]
    place, about = problem["loc"], problem.get("ctx", {})
    step = f", step {place[1] + 1}" if len(place) > 1 and isinstance(place[1], int) else ""
    name = next((part for part in reversed(place) if isinstance(part, str)), "")
    kinds = {
        "union_tag_invalid": "unknown {discriminator} '{tag}'; choose from {expected_tags}",
        "union_tag_not_found": "it has no {discriminator}",
        "missing": f"it has no '{name}'",
        "extra_forbidden": f"it cannot have '{name}'",
        "too_short": f"{name} are {{actual_length}}, {{min_length}} or more are needed",
        "too_long": f"{name} are {{actual_length}}, at most {{max_length}} are possible",
    }
    kinds |= dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "it has to be an object")
    message = problem["msg"].replace("Input should", "it has to").removeprefix("Value error, ")
    other = f"{name}: {message[0].lower()}{message[1:]}" if name and step else message
    text = kinds[problem["type"]].format(**about) if problem["type"] in kinds else other
    return f"selection{step}: {text}"
