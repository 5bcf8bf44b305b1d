"""The numbers of a run and one view of it: CSV and Parquet with a row an image and snapshot, NPZ with arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from explorer.export.entry import Export, Options, Row
from explorer.export.scene import ExportRequest, Progress, Scene, load_scene
from explorer.space.views import Views
from mtm.run_folder.files import atomic_path
from mtm.text import defuse

COLUMNS = {
    "snapshot": "number of the snapshot's file",
    "epoch": "epoch at which it was taken; 0 is the untrained model",
    "image": "row of the image among the recorded ones, from 0",
    "index": "its position in the data set's test split",
    "label": "its class, from 0",
    "label_name": "the name of that class; in CSV with an apostrophe before what a spreadsheet would run",
    "x": "first coordinate of its output embedding in the view",
    "y": "second coordinate",
    "distance_to_target": "distance in D dimensions to the class embedding of its label; absent with a linear head",
    "distance_to_centre": "distance in D dimensions to the mean of the recorded images of its label",
    "decision_*": "the class that this classifier decides, from 0",
    "margin_*": "by how much it decides so: the score of the class ahead of the next",
}
ARRAYS = {
    "epochs": "(T,) epoch of each snapshot; 0 is the untrained model",
    "snapshots": "(T,) numbers of the snapshots' files",
    "labels": "(N,) class of each image, from 0",
    "indices": "(N,) position of each image in the data set's test split",
    "class_names": "(C,)",
    "positions": "(T, N, 2) output embeddings in the view",
    "target_positions": "(T, C, 2) class embeddings in the view; absent with a linear head",
    "centre_positions": "(T, C, 2) class centres of the recorded images in the view",
    "distance_to_target": "(T, N) in D dimensions to the class embedding of the label; absent with a linear head",
    "distance_to_centre": "(T, N) in D dimensions to the mean of the recorded images of the label",
    "decision_*": "(T, N) the class that this classifier decides, from 0",
    "margin_*": "(T, N) by how much: the score of the class ahead of the next",
    "origin": "(D,) and",
    "basis": "(D, 2): a view that is a plane shows x at basis' (x - origin)",
    "about": "this list, the run, the view and the classifiers, as JSON",
}


def write_table(scene: Scene, path: Path, on_progress: Progress | None = None) -> None:
    """Write the numbers of a scene to `path` (.csv, .parquet, .npz), whole or not at all.

    Columns are those of COLUMNS, arrays those of ARRAYS.
    """
    writers: dict[str, Callable[[Scene, Path, Progress], None]] = {".csv": _csv, ".parquet": _parquet, ".npz": _npz}
    with atomic_path(path) as temporary:
        writers[path.suffix.lower()](scene, temporary, on_progress or (lambda share, what: None))


def iterate_columns(scene: Scene) -> Iterator[dict[str, Any]]:
    """The columns (N,) of each snapshot in turn."""
    points = scene.run.points
    names = np.array(points.class_names)[points.labels]
    for t, snapshot in enumerate(scene.snapshots):
        n = len(points.labels)
        u = scene.frames.points[t]  # (N, 2)
        columns: dict[str, Any] = {
            "snapshot": np.full(n, snapshot.index, np.int32),
            "epoch": np.full(n, snapshot.epoch),
            "image": np.arange(n, dtype=np.int32),
            "index": np.asarray(points.indices, np.int64),
            "label": np.asarray(points.labels, np.int32),
            "label_name": names,
            "x": np.ascontiguousarray(u[:, 0]),
            "y": np.ascontiguousarray(u[:, 1]),
        }
        if snapshot.target_distances is not None:
            columns["distance_to_target"] = np.asarray(snapshot.target_distances)
        columns["distance_to_centre"] = np.asarray(snapshot.centre_distances)
        for name, decisions in snapshot.predictions.items():
            columns[f"decision_{name}"] = np.asarray(decisions)
            columns[f"margin_{name}"] = np.asarray(snapshot.margins[name])
        yield columns


def describe_column(column: str) -> str:
    """What a column of `iterate_columns` means."""
    kind, _, classifier = column.partition("_")
    return COLUMNS[column] if column in COLUMNS else f"{COLUMNS[f'{kind}_*']} ({classifier})"


def _csv(scene: Scene, path: Path, on_progress: Progress) -> None:
    import pyarrow as pa
    from pyarrow import csv

    writer = None
    for t, columns in enumerate(iterate_columns(scene)):
        part = pa.table(columns | {"label_name": np.array([defuse(name) for name in columns["label_name"]])})
        if writer is None:
            writer = csv.CSVWriter(path, part.schema)
        writer.write_table(part)
        on_progress((t + 1) / len(scene.frames.epochs), "writing")
    if writer is not None:
        writer.close()


def _parquet(scene: Scene, path: Path, on_progress: Progress) -> None:
    """A group of rows a snapshot; the meaning of a column is in its field's metadata, `about` in the schema's."""
    import pyarrow as pa
    from pyarrow import parquet

    writer = None
    for t, columns in enumerate(iterate_columns(scene)):
        fields = [
            pa.field(name, pa.array(values[:0]).type, metadata={"meaning": describe_column(name)})
            for name, values in columns.items()
        ]
        schema = pa.schema(fields, metadata={"about": json.dumps(_about(scene))})
        if writer is None:
            writer = parquet.ParquetWriter(path, schema)
        writer.write_table(pa.table(columns, schema=schema))
        on_progress((t + 1) / len(scene.frames.epochs), "writing")
    if writer is not None:
        writer.close()


def _npz(scene: Scene, path: Path, on_progress: Progress) -> None:
    frames, points, snapshots = scene.frames, scene.run.points, scene.snapshots
    arrays: dict[str, Any] = {
        "epochs": frames.epochs,
        "snapshots": np.array([s.index for s in snapshots]),
        "labels": np.asarray(points.labels),
        "indices": np.asarray(points.indices),
        "class_names": np.array(points.class_names),
        "positions": frames.points,
        "target_positions": frames.targets,
        "centre_positions": frames.centres,
        "distance_to_centre": np.stack([s.centre_distances for s in snapshots]),
        "origin": frames.origin,
        "basis": frames.basis,
    }
    target_distances = [s.target_distances for s in snapshots if s.target_distances is not None]
    if len(target_distances) == len(snapshots):
        arrays["distance_to_target"] = np.stack(target_distances)
    for name in snapshots[0].predictions:
        arrays[f"decision_{name}"] = np.stack([s.predictions[name] for s in snapshots])
        arrays[f"margin_{name}"] = np.stack([s.margins[name] for s in snapshots])
    arrays["about"] = np.array(json.dumps(_about(scene) | {"arrays": ARRAYS}))
    with path.open("wb") as file:
        np.savez_compressed(file, **{name: array for name, array in arrays.items() if array is not None})
    on_progress(1.0, "writing")


def _about(scene: Scene) -> dict[str, Any]:
    return {
        "run": scene.title,
        "view": scene.frames.method,
        "classifiers": list(scene.snapshots[0].predictions),
        "class_names": list(scene.run.points.class_names),
    }


def _write(views: Views, request: ExportRequest, path: Path, options: Options, on_progress: Progress) -> None:
    write_table(load_scene(views, request, on_progress), path, on_progress)


EXPORT = Export(
    noun="table",
    help="CSV or Parquet (a row an image and snapshot) or NPZ. In CSV an apostrophe stands before a name that a "
    "spreadsheet would run as a formula, such as =1+1.",
    menu=(Row("Numbers of every image"),),
    kinds={"csv": "text/csv", "parquet": "application/octet-stream", "npz": "application/octet-stream"},
    options=("view",),
    write=_write,
)
