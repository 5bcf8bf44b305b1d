"""What the lab page shows: its catalogue, and per loss a landscape, forces, values, the paths of a release, a table."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import MISSING, asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.colours import CLASS_COLOURS, RAMP
from explorer.lab import requests as asking
from explorer.lab.descriptions import equation, formula, remarks, terms
from explorer.lab.equilibrium import find_equilibrium
from explorer.lab.landscape import Landscape, Scene, compute_landscape, forces, slopes
from explorer.lab.own_losses import OwnLosses
from explorer.lab.presets import PRESETS
from explorer.lab.release import MOST_STEPS, Paths, release_points
from explorer.lab.requests import LabRequest, LossChoice, PlaceInRun
from explorer.lab.run_scene import SceneOfRun, displaced, scene_of_run
from explorer.lab.scales import KINDS, scale
from explorer.library import Library
from explorer.web import binary
from explorer.web.cache import Cache
from mtm.errors import InputError
from mtm.losses import LOSSES, Loss, hyperparameters_of, make_loss
from mtm.run_folder.files import jsonable

CACHED = 32  # scenes of runs, and releases
CONTOURS = 24
Box = tuple[float, float, float, float]


class Panels:
    """The losses and runs of one server, and what was computed of late."""

    def __init__(self, library: Library, own: OwnLosses) -> None:
        self.library, self.own = library, own
        self._cache = Cache(CACHED)

    def catalogue(self) -> dict[str, Any]:
        """Everything the page builds its controls from."""
        losses = [
            {"name": name, "formula": formula(cls), "equation": equation(cls), "about": _first_line(cls),
             "fields": _fields(cls), "own": False, "problem": ""}
            for name, cls in LOSSES.items()
        ] + [
            {"name": loss.name, "formula": "", "equation": f"in {loss.source}", "about": _first_line(loss.cls),
             "fields": _fields(loss.cls), "own": True, "problem": loss.problem}
            for loss in self.own.all()
        ]  # fmt: skip
        runs = [
            {"id": row["id"], "name": row["name"], "loss": row.get("loss"), "dim": row.get("dim")}
            for row in self.library.summaries()
            if row.get("snapshots") and row.get("dim")
        ]
        presets = {key: asdict(preset) for key, preset in PRESETS.items()}
        colours = {"ramp": RAMP, "palette": CLASS_COLOURS}
        limits = {"scales": KINDS, "steps": MOST_STEPS}
        return jsonable({"losses": losses, "presets": presets, "runs": runs, **colours, **limits})

    def run(self, asked: Any) -> dict[str, Any]:
        """What the controls need to know of a run: epochs, classes, labels, and the loss it was trained with."""
        run = self.library.run(asked.get("run") or "")
        epochs = [run.snapshot(i).epoch for i in range(len(run.snapshots))]
        config = run.config
        trained = {"name": config.loss, "params": config.loss_hyperparameters()} if config and config.loss else None
        about = {"epochs": epochs, "class_names": run.points.class_names, "labels": run.labels.tolist()}
        shape = None if run.points.thumbnails is None else list(run.points.thumbnails.shape[:3])
        return jsonable({**about, "loss": trained, "indices": run.points.indices.tolist(), "thumbnails": shape})

    def landscapes(self, asked: LabRequest) -> bytes:
        """The landscape, forces and points of every loss that is asked for."""
        started = time.perf_counter()
        start, found = self._scene(asked)
        arrays: dict[str, Any] = {}
        panels, boxes = [], asked.box or _fitting(start)
        for i, wanted in enumerate(asked.losses):
            try:
                drawn, about = self._panel(asked, wanted, start, boxes, found)
                arrays |= {f"{i}.{name}": array for name, array in drawn.items()}
                panels.append(about)
            except InputError as error:  # one loss that fails leaves the others alone
                panels.append({"error": str(error)})
        about = {"panels": panels, "box": boxes, "names": _names(start, found), "label": start.label, "y": start.y}
        if found:
            about |= {
                "images": found.images,
                "epoch": found.epoch,
                "dimensions": start.c.shape[1],
                "rival": found.rival,
            }
        return binary.encode(arrays, {**about, "ms": 1e3 * (time.perf_counter() - started)})

    def values(self, asked: LabRequest) -> dict[str, Any]:
        """Per loss its value at the pointer, and what it is made of."""
        if asked.at is None:
            raise InputError("the request lacks 'at', the place of the pointer")
        start, found = self._scene(asked)
        told: list[dict[str, Any]] = []
        for wanted in asked.losses:
            try:
                loss = self._loss(wanted)
                scene = self._after(asked, wanted, loss, start)
                told.append({"terms": terms(loss, scene, asked.at, _names(scene, found))})
            except InputError as error:
                told.append({"error": str(error)})
        return jsonable({"panels": told})

    def released(self, asked: LabRequest) -> bytes:
        """Per loss the paths of all points on the plane, and the sum of the losses along them."""
        start, _ = self._scene(asked)
        arrays: dict[str, Any] = {}
        panels: list[dict[str, Any]] = []
        for i, wanted in enumerate(asked.losses):
            try:
                paths = self._paths(asked, wanted, self._loss(wanted), start)
                arrays |= {f"{i}.e": start.seen(paths.e), f"{i}.c": start.seen(paths.c), f"{i}.losses": paths.losses}
                panels.append({"problem": paths.problem, "steps": len(paths.losses) - 1})
            except InputError as error:
                panels.append({"error": str(error)})
        return binary.encode(arrays, {"panels": panels})

    def table(self, asked: LabRequest) -> str:
        """The first loss's grid as CSV: x, y, loss."""
        _, _, found = self._one(asked)
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["x", "y", "loss"])
        for y, row in zip(found.y.tolist(), found.values.tolist(), strict=True):
            writer.writerows([x, y, value] for x, value in zip(found.x.tolist(), row, strict=True))
        return out.getvalue()

    def archive(self, asked: LabRequest) -> bytes:
        """The first loss's grid, points and forces as NPZ."""
        loss, scene, found = self._one(asked)
        pulls = forces(loss, scene)
        file = io.BytesIO()
        arrays = {"x": found.x, "y": found.y, "loss": found.values, "e": scene.e, "c": scene.c, "labels": scene.y}
        more = {"force_e": pulls.e, "force_c": pulls.c, "origin": scene.origin, "basis": scene.basis}
        np.savez_compressed(file, **arrays, **more)  # type: ignore[arg-type]
        return file.getvalue()

    def _panel(
        self, asked: LabRequest, wanted: LossChoice, start: Scene, box: Box, found: SceneOfRun | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        loss = self._loss(wanted)
        scene = self._after(asked, wanted, loss, start)
        seen = compute_landscape(loss, scene, box, asked.n)
        shades = scale(seen.values, asked.scale, asked.clip)
        levels = shades.levels(CONTOURS)
        ticks = shades.ticks()
        arrays = {
            "values": seen.values,
            "positions": shades.positions(seen.values).astype(np.float32),
            "levels": shades.positions(np.array(levels)),
            "ticks": shades.positions(np.array([value for value, _ in ticks])),
            **_points(scene),
        }
        about: dict[str, Any] = {"ticks": [label for _, label in ticks], "scale": asdict(shades), "problem": ""}
        try:
            pulls = forces(loss, scene)
            arrays |= {"force_e": pulls.e @ scene.basis, "force_c": pulls.c @ scene.basis, "losses": pulls.losses}
            if asked.arrows:
                arrays["arrows_at"] = _middles(box, asked.arrows)
                arrays["arrows"] = slopes(loss, scene, arrays["arrows_at"])
        except InputError as error:
            about["problem"] = str(error)
        resting = find_equilibrium(loss, scene)
        place = None if resting.point is None else scene.seen(resting.point)
        said = remarks(loss, scene, seen, _names(scene, found))
        computed = {"dimensions": seen.dimensions, "in_one_call": seen.in_one_call, "n": len(seen.x)}
        return arrays, {**about, "rest": {"at": place, "words": resting.words}, "remarks": said, "computed": computed}

    def _one(self, asked: LabRequest) -> tuple[Loss, Scene, Landscape]:
        start, _ = self._scene(asked)
        wanted = asked.losses[0]
        loss = self._loss(wanted)
        scene = self._after(asked, wanted, loss, start)
        return loss, scene, compute_landscape(loss, scene, asked.box or _fitting(start), asked.n)

    def _scene(self, asked: LabRequest) -> tuple[Scene, SceneOfRun | None]:
        """The scene before any release, and where in a run it is."""
        if asked.points is not None:
            return asked.points.scene(asked.vary, asked.chosen), None
        assert asked.in_run is not None
        place: PlaceInRun = asked.in_run
        run = self.library.run(place.run)
        paths = run.snapshots
        stamp = tuple(p.stat().st_mtime_ns for p in (*paths[place.snapshot : place.snapshot + 1], *paths[-1:]))
        key = (str(run.folder), stamp, asked.vary, place.snapshot, place.image, place.label, place.plane)
        found = self._cache.once(
            key,
            lambda: scene_of_run(
                run, place.snapshot, asked.vary, image=place.image, label=place.label, plane=place.plane
            ),
        )  # fmt: skip
        return displaced(found.scene, place.moved_e, place.moved_c), found

    def _after(self, asked: LabRequest, wanted: LossChoice, loss: Loss, start: Scene) -> Scene:
        """The scene after the steps of a release that one looks at, if any."""
        if asked.release is None or asked.release.at is None:
            return start
        return self._paths(asked, wanted, loss, start).scene(start, asked.release.at)

    def _paths(self, asked: LabRequest, wanted: LossChoice, loss: Loss, start: Scene) -> Paths:
        settings = (asked.release or asking.Release()).model_dump(exclude={"at"})
        place = asked.points or asked.in_run
        assert place is not None
        code = getattr(loss, "cls", type(loss))  # of a loss of the user's own: another one when its file has changed
        key = (place.model_dump_json(), wanted.model_dump_json(), code, asked.vary, asked.chosen, *settings.values())
        return self._cache.once(key, lambda: release_points(loss, start, **settings))

    def _loss(self, wanted: LossChoice) -> Loss:
        found = self.own.find(wanted.name)
        if found is not None:
            return found.make(wanted.params)
        if wanted.name not in LOSSES:
            known = [*LOSSES, *(loss.name for loss in self.own.all())]
            raise InputError(f"unknown loss '{wanted.name}'; choose from {', '.join(known)}, or name it with --loss")
        return make_loss(wanted.name, **wanted.params)


def _points(scene: Scene) -> dict[str, Any]:
    """Where the points are seen, and how far each is from the slice that is drawn."""
    arrays = {}
    for name, x in (("e", scene.e), ("c", scene.c)):
        apart = x - scene.moved
        arrays[name] = scene.seen(x)
        arrays[f"off_{name}"] = np.linalg.norm(apart - apart @ scene.basis @ scene.basis.T, axis=1)
    return arrays


def _fitting(scene: Scene) -> Box:
    """A square box around everything, with a margin."""
    seen = np.concatenate([scene.seen(scene.e), scene.seen(scene.c)])
    low, high = seen.min(axis=0), seen.max(axis=0)
    half = 0.65 * float((high - low).max()) or 1.0
    (x, y) = (low + high) / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


def _middles(box: Box, side: int) -> NDArray[np.float64]:
    """The middles (side * side, 2) of the cells that tile a box."""
    x, y = (np.linspace(box[i], box[i + 2], 2 * side + 1)[1::2] for i in (0, 1))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _names(scene: Scene, found: SceneOfRun | None) -> list[str]:
    """What the targets are called: in a run as its classes are, else c_e and, as in the paper, c_0, c_1, ..."""
    if found is not None:
        return list(found.class_names)
    others = (f"c_{i}" for i in range(len(scene.c)))
    return ["c_e" if k == scene.label else next(others) for k in range(len(scene.c))]


def _fields(cls: type | None) -> list[dict[str, Any]]:
    """The hyperparameters of a loss, for sliders; a field without a range gets one around its default."""
    found = []
    for name, field in (hyperparameters_of(cls) if cls else {}).items():
        default = 1.0 if field.default is MISSING else field.default
        if isinstance(default, (int, float)) and not isinstance(default, bool):
            reach = 4 * abs(default) or 1.0
            low, high = field.metadata.get("low", min(0.0, -reach * (default < 0))), field.metadata.get("high", reach)
            about = {"help": field.metadata.get("help", ""), "log": bool(field.metadata.get("log")) and low > 0}
            found.append({"name": name, "default": default, "low": low, "high": high, **about})
    return found


def _first_line(cls: type | None) -> str:
    text = (cls.__doc__ or "").strip() if cls else ""
    return "" if cls is None or text.startswith(f"{cls.__name__}(") else text.partition("\n")[0]
