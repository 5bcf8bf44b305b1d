"""A selection is what was done to make it, never a list of images: a lasso at a snapshot of a view, a class, "wrong".

It is a tuple of steps, each with a shape and what it does to what was selected before. Undo is to leave the last one
out. The same selection can be evaluated at any snapshot: a shape that names its snapshot holds on to its images while
the run plays, one that does not follows the moment. Its JSON is what the page, the address and `selections.json` hold.
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


class View(Part):
    """The picture that something was drawn in, as `explorer.space.views.Picture` has it, without the run."""

    method: str
    classes: tuple[int, int, int] | None = None
    at: int | None = None
    first: int | None = None


class AtMoment(Part):
    """Something that changes. `snapshot` is a place among those shown; None is the moment that is looked at."""

    snapshot: int | None = None


class InPicture(Part):
    """Something drawn in a view. `snapshot` may lie between two: 3.5 is half-way from number 3 to number 4."""

    view: View
    snapshot: Annotated[float, Field(ge=0)] | None = None


class Polygon(InPicture):
    """The images inside a lasso, by the player's rule: where it crosses itself, inside and outside change places."""

    kind: Literal["polygon"] = "polygon"
    points: Annotated[tuple[Place, ...], Field(min_length=3, max_length=MOST_CORNERS)]


class Box(InPicture):
    """The images in a rectangle, between two of its corners."""

    kind: Literal["box"] = "box"
    corners: tuple[Place, Place]


class Images(Part):
    """Single images, by their position in the data set; one that is not recorded (any more) selects nothing."""

    kind: Literal["images"] = "images"
    indices: Annotated[tuple[int, ...], Field(max_length=MOST_IMAGES)]


class OfClass(Part):
    """The images of some classes."""

    kind: Literal["class"] = "class"
    classes: tuple[Class, ...]


class Wrong(AtMoment):
    """The images that a classifier decides wrongly."""

    kind: Literal["wrong"] = "wrong"
    classifier: str


class Decided(AtMoment):
    """A cell of the confusion matrix: images of one class that a classifier takes for one class."""

    kind: Literal["decided"] = "decided"
    classifier: str
    label: Class
    decision: Class


class Within(AtMoment):
    """The images within a distance of the target (or the class centre) of a class, in D dimensions."""

    kind: Literal["within"] = "within"
    distance: Annotated[float, Field(ge=0)]
    of_class: Class
    to: Literal["target", "centre"] = "target"


AnyShape = Annotated[Polygon | Box | Images | OfClass | Wrong | Decided | Within, Field(discriminator="kind")]


class Step(Part):
    """What is done with a shape: it replaces what was selected, is added, taken away, or what is in both is kept."""

    do: Literal["replace", "add", "subtract", "keep"]
    shape: AnyShape


class Invert(Part):
    """What was selected is not, and the rest is."""

    do: Literal["invert"] = "invert"


AnyStep = Annotated[Step | Invert, Field(discriminator="do")]


class Selection(Part):
    """All that was done, in order; nothing done selects nothing."""

    steps: Annotated[tuple[AnyStep, ...], Field(max_length=MOST_STEPS)] = ()

    def then(self, *steps: Step | Invert) -> Selection:
        """With more done to it."""
        return Selection(steps=(*self.steps, *steps))

    def undone(self) -> Selection:
        """Without the last step; the empty selection stays empty."""
        return Selection(steps=self.steps[:-1])

    def settled(self) -> Selection:
        """Without the steps that a later `replace` has made void: what is worth saving."""
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


# What a selection is evaluated on, and how


@dataclass(frozen=True)
class Scene:
    """A run as a selection meets it."""

    history: History
    layout: Callable[[View], Array]  # the picture (T, N, 2) of a view
    distances: Callable[[int, str, int], Floats]  # (N,) at a snapshot to the "target" or "centre" of a class


def evaluate(selection: Selection, scene: Scene, at: int | None = None) -> Mask:
    """The selected images as a mask (N,), looked at from snapshot `at`, by default the last.

    Raises InputError for a class, classifier, snapshot or view that this run does not have.
    """
    now = scene.history.moment(at)
    selected = np.zeros(len(scene.history.labels), dtype=bool)
    for step in selection.steps:
        if isinstance(step, Invert):
            selected = ~selected
            continue
        inside = _inside(step.shape, scene, now)
        if step.do == "replace":
            selected = inside
        elif step.do == "add":
            selected = selected | inside
        elif step.do == "subtract":
            selected = selected & ~inside
        else:
            selected = selected & inside
    return selected


def _inside(shape: AnyShape, scene: Scene, now: int) -> Mask:
    history = scene.history
    if isinstance(shape, Polygon | Box):
        u = _picture(scene, shape.view, float(now) if shape.snapshot is None else shape.snapshot)
        return inside_polygon(u, shape.points) if isinstance(shape, Polygon) else inside_box(u, *shape.corners)
    if isinstance(shape, Images):
        return np.isin(history.indices, shape.indices)
    if isinstance(shape, OfClass):
        for k in shape.classes:
            _check_class(history, k)
        return np.isin(history.labels, shape.classes)
    t = now if shape.snapshot is None else history.moment(shape.snapshot)
    if isinstance(shape, Within):
        return np.asarray(scene.distances(t, shape.to, shape.of_class) <= shape.distance)
    decided = history.predictions[history.classifier(shape.classifier)][t]
    if isinstance(shape, Wrong):
        return np.asarray(decided != history.labels)
    for k in (shape.label, shape.decision):
        _check_class(history, k)
    return np.asarray((history.labels == shape.label) & (decided == shape.decision))


def _picture(scene: Scene, view: View, time: float) -> Floats:
    """(N, 2): where the images are in a view at a time, between two snapshots where the player shows them then."""
    frames, before = scene.layout(view), int(time)
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
