"""What the browser may ask of the lab, checked: points or a place in a run, which losses, what to draw."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.lab.landscape import Scene, Vary
from mtm.errors import InputError

Place = tuple[float, float]
Shifts = dict[int, Place]

MOST_POINTS = 100


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Points(Part):
    """A scene in the plane itself."""

    e: Annotated[list[Place], Field(max_length=MOST_POINTS)]
    y: list[int]
    c: Annotated[list[Place], Field(max_length=MOST_POINTS)]

    def scene(self, vary: Vary, chosen: int) -> Scene:
        e, c = (np.array(places, np.float64).reshape(-1, 2) for places in (self.e, self.c))
        return Scene(e, c, np.array(self.y, np.int64), vary, chosen)


class PlaceInRun(Part):
    """A scene in a run: a snapshot, an image or a class of it, a plane, and what was dragged by how much."""

    run: str
    snapshot: int
    image: int | None = None
    label: int | None = None
    plane: str = "points"
    moved_e: Shifts = {}
    moved_c: Shifts = {}


class LossChoice(Part):
    """A loss by name, with its hyperparameters."""

    name: str
    params: dict[str, float] = {}


class Release(Part):
    """How everything follows its gradient, and after how many steps one looks."""

    steps: int = 300
    step_size: float = 0.01
    momentum: float = 0.0
    move_e: bool = True
    move_c: bool = True
    at: int | None = None


class LabRequest(Part):
    """One request of the page."""

    losses: Annotated[list[LossChoice], Field(min_length=1, max_length=4)]
    vary: Literal["e", "c", "sum"] = "c"
    chosen: int = 0
    points: Points | None = None
    in_run: PlaceInRun | None = None
    release: Release | None = None
    box: tuple[float, float, float, float] | None = None  # left, bottom, right, top; None for what fits
    n: Annotated[int, Field(ge=2, le=512)] = 128
    scale: str = "auto"
    clip: Annotated[float, Field(ge=0, le=45)] = 2.0
    arrows: Annotated[int, Field(ge=0, le=40)] = 0  # of the field of forces, a side
    at: Place | None = None  # of the pointer


def read_request(body: Any) -> LabRequest:
    """The request in a body of JSON. Raises InputError, naming the field, for what cannot be."""
    try:
        asked = LabRequest.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise InputError(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
    if (asked.points is None) == (asked.in_run is None):
        raise InputError("a request names either points or a place in a run")
    return asked
