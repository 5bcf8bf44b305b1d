"""What the lab page shows: its catalogue, and per loss a panel with landscape, forces, values, and release paths."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.figures.colours import CLASS_COLOURS, RAMP
from explorer.lab.descriptions import compute_terms, find_equilibrium, write_remarks
from explorer.lab.landscape import Landscape, Scene, compute_forces, compute_landscape, compute_slopes
from explorer.lab.own_losses import OwnLosses
from explorer.lab.presets import PRESETS
from explorer.lab.release import MOST_STEPS, Paths, release_points
from explorer.lab.requests import LabRequest, LossChoice, Release
from explorer.lab.run_scene import RunScene, check_classes, displace, load_run_scene
from explorer.lab.scales import KINDS, choose_scale
from explorer.library import Library
from explorer.web import binary
from explorer.web.cache import Cache
from mtm.errors import InputError
from mtm.losses import LOSSES, BaseLoss, Loss, describe_loss, loss_label, make_loss
from mtm.losses.loss import sliders_of, summary_of
from mtm.run_folder.files import stamp_of

CACHED = 32  # scenes of runs, and releases
CONTOURS = 24
Box = tuple[float, float, float, float]


class Panels:
    """Computes the lab's answers from the losses and runs of one server; caches scenes of runs, and releases."""

    def __init__(self, library: Library, own: OwnLosses) -> None:
        self.library, self.own = library, own
        self._cache = Cache(CACHED)

    def catalogue(self) -> dict[str, Any]:
        """Everything the page builds its controls from."""
        losses = [
            {"name": name, "label": loss_label(name), "formula": _formula(about), "equation": _place(about),
             "about": summary_of(cls), "fields": sliders_of(cls), "own": False, "problem": ""}
            for name, cls in LOSSES.items()
            for about in [describe_loss(name)]
        ] + [
            {"name": loss.name, "label": loss.name, "formula": "", "equation": f"in {loss.source}",
             "about": summary_of(loss.cls) if loss.cls else "", "fields": sliders_of(loss.cls) if loss.cls else [],
             "own": True, "problem": loss.problem}
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
        return {"losses": losses, "presets": presets, "runs": runs, **colours, **limits}

    def describe_run(self, run_id: str) -> dict[str, Any]:
        """What the controls need of a run: epochs, classes, labels, and the loss it was trained with."""
        run = self.library.run(run_id)
        check_classes(run)
        epochs = [run.snapshot(path).epoch for path in run.snapshots]
        config = run.config
        trained = {"name": config.loss, "params": config.loss_hyperparameters()} if config and config.loss else None
        about = {"epochs": epochs, "class_names": run.points.class_names, "labels": run.labels}
        shape = None if run.points.thumbnails is None else list(run.points.thumbnails.shape[:3])
        return {**about, "loss": trained, "indices": run.points.indices, "thumbnails": shape}

    def compute_landscapes(self, request: LabRequest) -> bytes:
        """The landscape, forces and points of every loss of the request."""
        started = time.perf_counter()
        panels, about = self._compute_panels(request)
        arrays = {f"{i}.{name}": array for i, (own, _) in enumerate(panels) for name, array in own.items()}
        seconds = time.perf_counter() - started
        return binary.encode(arrays, {**about, "panels": [panel for _, panel in panels], "ms": 1e3 * seconds})

    def print_landscapes(self, request: LabRequest, kind: str) -> bytes:
        """The same as a picture: SVG or PDF."""
        from explorer.export.print import landscape, style  # only here: matplotlib takes a second to import

        computed, about = self._compute_panels(request)
        start, _ = self._load_scene(request)
        panels = []
        for i, ((arrays, said), choice) in enumerate(zip(computed, request.losses, strict=True)):
            name = choice.name.replace("_", " ")
            title = f"{'ABCD'[i]} · {name}" if len(computed) > 1 else name
            subtitle = ", ".join(f"{key} = {value:.10g}" for key, value in choice.params.items())
            trails = () if "error" in said else self._trails(request, choice, start)
            panels.append(landscape.Panel(title, subtitle, arrays, said, trails))
        foot = ""
        if request.in_run is not None:
            n, images = about["dimensions"], len(about["images"])
            foot = f"{request.in_run.run} · epoch {about['epoch']:.2f} · D = {n}, a slice"
            foot += f" · {images} images" if images > 1 else ""
        figure = landscape.draw_landscapes(panels, about, request.shown, request.chosen, foot)
        about_file = f"Landscape: {', '.join(panel.title for panel in panels)}"
        return style.render(figure, kind, about=about_file, dots=150)  # a heat map is smooth, and large

    def compute_values(self, request: LabRequest) -> dict[str, Any]:
        """Per loss its value at the pointer, and the terms that it is the sum of."""
        if request.at is None:
            raise InputError("the request lacks 'at', the place of the pointer")
        start, run_scene = self._load_scene(request)
        panels: list[dict[str, Any]] = []
        for choice in request.losses:
            try:
                loss = self._make_loss(choice)
                scene = self._released_scene(request, choice, loss, start)
                panels.append({"terms": compute_terms(loss, scene, request.at, _target_names(scene, run_scene))})
            except InputError as error:
                panels.append({"error": str(error)})
        return {"panels": panels}

    def compute_release(self, request: LabRequest) -> bytes:
        """Per loss the paths of all points on the plane, and the sum of the losses along them."""
        start, _ = self._load_scene(request)
        arrays: dict[str, Any] = {}
        panels: list[dict[str, Any]] = []
        for i, choice in enumerate(request.losses):
            try:
                paths = self._release_paths(request, choice, self._make_loss(choice), start)
                arrays |= {f"{i}.e": start.project(paths.e), f"{i}.c": start.project(paths.c)}
                arrays[f"{i}.losses"] = paths.losses
                panels.append({"problem": paths.problem, "steps": len(paths.losses) - 1})
            except InputError as error:
                panels.append({"error": str(error)})
        return binary.encode(arrays, {"panels": panels})

    def write_csv(self, request: LabRequest) -> str:
        """The first loss's grid as CSV: x, y, loss."""
        _, _, landscape = self._first_landscape(request)
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(["x", "y", "loss"])
        for y, row in zip(landscape.y.tolist(), landscape.values.tolist(), strict=True):
            writer.writerows([x, y, value] for x, value in zip(landscape.x.tolist(), row, strict=True))
        return out.getvalue()

    def write_npz(self, request: LabRequest) -> bytes:
        """The first loss's grid, points and forces as NPZ."""
        loss, scene, landscape = self._first_landscape(request)
        on_points = compute_forces(loss, scene)
        file = io.BytesIO()
        grid = {"x": landscape.x, "y": landscape.y, "loss": landscape.values}
        arrays = {**grid, "e": scene.e, "c": scene.c, "labels": scene.y}
        more = {"force_e": on_points.e, "force_c": on_points.c, "origin": scene.origin, "basis": scene.basis}
        np.savez_compressed(file, **arrays, **more)  # type: ignore[arg-type]
        return file.getvalue()

    def _compute_panels(
        self, request: LabRequest
    ) -> tuple[list[tuple[dict[str, Any], dict[str, Any]]], dict[str, Any]]:
        """Per loss the arrays of its panel and what is said of them; and what is said of all."""
        start, run_scene = self._load_scene(request)
        panels: list[tuple[dict[str, Any], dict[str, Any]]] = []
        box = request.box or _fitting_box(start)
        for choice in request.losses:
            try:
                panels.append(self._compute_panel(request, choice, start, box, run_scene))
            except InputError as error:  # one loss that fails leaves the others alone
                panels.append(({}, {"error": str(error)}))
        names = _target_names(start, run_scene)
        about: dict[str, Any] = {"box": box, "names": names, "label": start.label, "y": start.y}
        if run_scene:
            about |= {
                "images": run_scene.images,
                "epoch": run_scene.epoch,
                "dimensions": start.c.shape[1],
                "rival": run_scene.rival,
            }
        return panels, about

    def _compute_panel(
        self, request: LabRequest, choice: LossChoice, start: Scene, box: Box, run_scene: RunScene | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays of one loss's panel, and its meta data."""
        loss = self._make_loss(choice)
        scene = self._released_scene(request, choice, loss, start)
        landscape = compute_landscape(loss, scene, box, request.n)
        shades = choose_scale(landscape.values, request.scale, request.clip)
        levels = shades.levels(CONTOURS)
        ticks = shades.ticks()
        arrays = {
            "values": landscape.values,
            "positions": shades.positions(landscape.values).astype(np.float32),
            "levels": shades.positions(np.array(levels)),
            "ticks": shades.positions(np.array([value for value, _ in ticks])),
            **_points(scene),
        }
        about: dict[str, Any] = {"ticks": [label for _, label in ticks], "scale": asdict(shades), "problem": ""}
        try:
            on_points = compute_forces(loss, scene)
            arrays |= {"force_e": on_points.e @ scene.basis, "force_c": on_points.c @ scene.basis}
            arrays["losses"] = on_points.losses
            if request.arrows:
                arrays["arrows_at"] = _cell_centres(box, request.arrows)
                arrays["arrows"] = compute_slopes(loss, scene, arrays["arrows_at"])
        except InputError as error:
            about["problem"] = str(error)
        equilibrium = find_equilibrium(loss, scene)
        at = None if equilibrium.point is None else scene.project(equilibrium.point)
        computed = {"dimensions": landscape.dimensions, "in_one_call": landscape.in_one_call, "n": len(landscape.x)}
        return arrays, {
            **about,
            "rest": {"at": at, "words": equilibrium.words},
            "remarks": write_remarks(loss, scene, landscape, _target_names(scene, run_scene)),
            "computed": computed,
        }

    def _first_landscape(self, request: LabRequest) -> tuple[Loss, Scene, Landscape]:
        start, _ = self._load_scene(request)
        choice = request.losses[0]
        loss = self._make_loss(choice)
        scene = self._released_scene(request, choice, loss, start)
        return loss, scene, compute_landscape(loss, scene, request.box or _fitting_box(start), request.n)

    def _load_scene(self, request: LabRequest) -> tuple[Scene, RunScene | None]:
        """The scene before any release; also as one of a run, if it is from a run."""
        if request.points is not None:
            return request.points.scene(request.vary, request.chosen), None
        assert request.in_run is not None
        place = request.in_run
        run = self.library.run(place.run)
        paths = run.snapshots
        stamp = tuple(stamp_of(p) for p in (*paths[place.snapshot : place.snapshot + 1], *paths[-1:]))
        key = (str(run.folder), stamp, request.vary, place.snapshot, place.image, place.label, place.plane)
        run_scene = self._cache.get(
            key,
            lambda: load_run_scene(
                run, place.snapshot, request.vary, image=place.image, label=place.label, plane=place.plane
            ),
        )  # fmt: skip
        return displace(run_scene.scene, place.moved_e, place.moved_c), run_scene

    def _released_scene(self, request: LabRequest, choice: LossChoice, loss: Loss, start: Scene) -> Scene:
        """The scene after the step of the release that the request names; without one, `start`."""
        if request.release is None or request.release.at is None:
            return start
        return self._release_paths(request, choice, loss, start).scene(start, request.release.at)

    def _release_paths(self, request: LabRequest, choice: LossChoice, loss: Loss, start: Scene) -> Paths:
        settings = (request.release or Release()).model_dump(exclude={"at"})
        place = request.points or request.in_run
        assert place is not None
        code = getattr(loss, "cls", type(loss))  # a new class whenever the file of the user's own loss has changed
        scene_key = (place.model_dump_json(), request.vary, request.chosen)
        key = (*scene_key, choice.model_dump_json(), code, *settings.values())
        return self._cache.get(key, lambda: release_points(loss, start, **settings))

    def _trails(self, request: LabRequest, choice: LossChoice, start: Scene) -> Sequence[NDArray[np.float64]]:
        """Where the points of a release came from on the plane: (T, M, 2) and (T, C, 2); nothing without one."""
        if request.release is None or request.release.at is None:
            return ()
        paths, end = self._release_paths(request, choice, self._make_loss(choice), start), request.release.at + 1
        return start.project(paths.e[:end]), start.project(paths.c[:end])

    def _make_loss(self, choice: LossChoice) -> Loss:
        own_loss = self.own.find(choice.name)
        if own_loss is not None:
            return own_loss.make(choice.params)
        if choice.name not in LOSSES:
            names = [*LOSSES, *(loss.name for loss in self.own.all())]
            raise InputError(f"unknown loss '{choice.name}'; choose from {', '.join(names)}, or name it with --loss")
        return make_loss(choice.name, **choice.params)


def _points(scene: Scene) -> dict[str, Any]:
    """The positions of the points on the plane, and how far each is from the slice that is drawn."""
    arrays = {}
    for name, x in (("e", scene.e), ("c", scene.c)):
        apart = x - scene.moved_point
        arrays[name] = scene.project(x)
        arrays[f"off_{name}"] = np.linalg.norm(apart - apart @ scene.basis @ scene.basis.T, axis=1)
    return arrays


def _fitting_box(scene: Scene) -> Box:
    """A square box around everything, with a margin."""
    positions = np.concatenate([scene.project(scene.e), scene.project(scene.c)])
    low, high = positions.min(axis=0), positions.max(axis=0)
    half = 0.65 * float((high - low).max()) or 1.0
    (x, y) = (low + high) / 2
    return float(x - half), float(y - half), float(x + half), float(y + half)


def _cell_centres(box: Box, side: int) -> NDArray[np.float64]:
    """The centres (side * side, 2) of the cells that tile a box."""
    x, y = (np.linspace(box[i], box[i + 2], 2 * side + 1)[1::2] for i in (0, 1))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _target_names(scene: Scene, run_scene: RunScene | None) -> list[str]:
    """The names of the targets: those of a run's classes, else c_e and, as in the paper, c_0, c_1, ..."""
    if run_scene is not None:
        return list(run_scene.class_names)
    others = (f"c_{i}" for i in range(len(scene.c)))
    return ["c_e" if k == scene.label else next(others) for k in range(len(scene.c))]


def _formula(about: type[BaseLoss]) -> str:
    return f"<math display='block'><mrow>{about.formula}</mrow></math>" if about.formula else ""


def _place(about: type[BaseLoss]) -> str:
    """Which equation of the paper it is, and between which numbers its values lie."""
    parts = (about.equation and f"eq. {about.equation}", about.range and f"values in {about.range}")
    return ", ".join(part for part in parts if part)
