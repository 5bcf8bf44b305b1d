"""The requests that the lab accepts, validated: a scene of points or in a run, the losses, and what to draw."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from explorer.lab.landscape import Scene
from mtm.errors import InputError
from mtm.losses.loss import Vary

Place = tuple[float, float]
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]  # as in JSON: larger ones fit no array
Shifts = dict[Whole, Place]

MOST_POINTS = 100


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Points(Part):
    """A scene in the plane itself."""

    e: Annotated[list[Place], Field(max_length=MOST_POINTS)]
    y: list[Whole]
    c: Annotated[list[Place], Field(max_length=MOST_POINTS)]

    def scene(self, vary: Vary, chosen: int) -> Scene:
        e, c = (np.array(places, np.float64).reshape(-1, 2) for places in (self.e, self.c))
        return Scene(e, c, np.array(self.y, np.int64), vary, chosen)


class PlaceInRun(Part):
    """A scene in a run: a snapshot, an image or a class, a plane, and by how much points were dragged."""

    run: str
    snapshot: Whole
    image: Whole | None = None
    label: Whole | None = None
    plane: str = "points"
    moved_e: Shifts = {}
    moved_c: Shifts = {}


class LossChoice(Part):
    """A loss by name, with its hyperparameters."""

    name: str
    params: dict[str, float] = {}


class Release(Part):
    """The settings of a release, and the step whose landscape is shown."""

    steps: Whole = 300
    step_size: float = 0.01
    momentum: float = 0.0
    move_e: bool = True
    move_c: bool = True
    at: Whole | None = None


class LabRequest(Part):
    """One request of the page."""

    losses: Annotated[list[LossChoice], Field(min_length=1, max_length=4)]
    vary: Literal["e", "c", "sum"] = "c"
    chosen: Whole = 0
    points: Points | None = None
    in_run: PlaceInRun | None = None
    release: Release | None = None
    box: tuple[float, float, float, float] | None = None  # left, bottom, right, top; None for one that fits
    n: Annotated[int, Field(ge=2, le=512)] = 128
    scale: str = "auto"
    clip: Annotated[float, Field(ge=0, le=45)] = 2.0
    arrows: Annotated[int, Field(ge=0, le=40)] = 0  # of the force field, a side
    shown: list[Literal["contours", "forces", "field", "follow"]] = ["contours", "forces"]
    at: Place | None = None  # of the pointer


def read_request(body: Any) -> LabRequest:
    """The request in a body of JSON. Raises InputError, naming the field, if it is not valid."""
    try:
        request = LabRequest.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the request"
        raise InputError(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
    if (request.points is None) == (request.in_run is None):
        raise InputError("a request names either points or a place in a run")
    return request
