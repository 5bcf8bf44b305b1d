"""Reading embeddings of other programs from .npz, .npy and .parquet files, and whole runs from archives.

Every import ends with an account of what was taken and what was not; what could be read in two ways is refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.account import Account
from mtm.run_folder.class_names import spell
from mtm.run_folder.external import external_snapshot
from mtm.run_folder.files import decode_strings
from mtm.run_folder.imports import archive
from mtm.run_folder.imports.arrays import read_npy, read_npz
from mtm.run_folder.imports.contents import Contents, arrange
from mtm.run_folder.imports.identities import check_ids, find_rows
from mtm.run_folder.imports.label_files import LabelFile, read_labels
from mtm.run_folder.imports.new_folder import check_is_free, make_folder
from mtm.run_folder.imports.parquet import read_parquet
from mtm.run_folder.snapshots import Array, Points, Snapshot
from mtm.runs import Run

ENDINGS = (".npz", ".npy", ".parquet", *archive.ENDINGS)
PER_CLASS, PER_IMAGE = ("class_embeddings", "reference_centres"), ("indices", "thumbnails")


def import_run(path: Path, folder: Path, labels: Path | None = None, columns: str | None = None) -> Run:
    """Make the run `folder` of the embeddings in a file, as `import_file` does."""
    return import_file(path, folder, labels, columns)[0]


def import_file(
    path: Path, folder: Path, labels: Path | None = None, columns: str | None = None
) -> tuple[Run, Account]:
    """Make the run `folder` of the embeddings in a file, whole or not at all; and say what was taken of it.

    `labels` is a file of labels (`label_files`), `columns` names the dimensions of a table (`columns`). A .zip or .tar
    is a whole run that was exported (`archive`). Raises InputError for a file or a folder that cannot be used.
    """
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path}: cannot import '{path.suffix}' files; use {', '.join(ENDINGS)}")
    if columns is not None and path.suffix.lower() != ".parquet":
        raise InputError(f"{path} has no columns to choose from; --columns is for .parquet files")
    check_is_free(folder)
    if path.suffix.lower() in archive.ENDINGS:
        if labels is not None:
            raise InputError(f"{path} is a whole run and has its labels; leave out --labels")
        return archive.import_archive(path, folder)
    contents = read_contents(path, labels, columns)
    snapshots, names, account = make_snapshots(path, contents)
    with make_folder(folder) as hidden:
        notes = {"imported": account.source, "account": account.as_dict()}
        run = Run.create(hidden, class_names=names, notes=notes)
        for snapshot in snapshots:
            run.record(snapshot)
        run.finish()
    return Run.open(folder), account


def read_contents(path: Path, labels: Path | None = None, columns: str | None = None) -> Contents:
    """The arrays of an .npz, .npy or .parquet file, with the labels of another file, if any. Raises InputError."""
    if path.suffix.lower() == ".parquet":
        contents = read_parquet(path, columns, labels is not None)
    elif path.suffix.lower() == ".npy":
        contents = Contents(str(path), read_npy(path))
    else:
        contents = _from_npz(path, read_npz(path))
    if labels is not None:
        if contents.labels is not None:
            contents.ignored.append("labels of the file itself: they come from --labels")
        e = contents.embeddings
        contents.labels = _match_labels(contents, read_labels(labels, e.shape[-2] if e.ndim > 1 else 0), labels)
    return contents


def make_snapshots(path: Path, contents: Contents) -> tuple[list[Snapshot], list[str] | None, Account]:
    """Snapshots, class names and the account: all is checked and measured before anything is written."""
    arranged = arrange(contents)
    points: Points | None = None
    snapshots: list[Snapshot] = []
    for epoch, arrays in zip(arranged.epochs, arranged.arrays, strict=True):
        try:
            snapshot = external_snapshot(points, arranged.class_names, len(snapshots), epoch, arrays, {})
        except InputError as error:
            at = f" at epoch {epoch:g}" if len(arranged.epochs) > 1 else ""
            raise InputError(f"{path}{at}: {error}") from None
        points = snapshot.points
        snapshots.append(snapshot)
    assert points is not None
    counts = np.bincount(points.labels, minlength=points.n_classes)
    return (
        snapshots,
        arranged.class_names,
        Account(
            source=spell(path.name),
            class_names=points.class_names,
            counts={"recorded": tuple(map(int, counts))},
            dim=snapshots[0].embeddings.shape[1],
            epochs=tuple(arranged.epochs),
            rows=arranged.rows,
            notes=(*arranged.notes, *_doubts(counts)),
            ignored=tuple(contents.ignored),
        ),
    )


def _from_npz(path: Path, arrays: dict[str, Array]) -> Contents:
    """Raises InputError for arrays that are lacking, unknown, or names that are none."""
    if "embeddings" not in arrays:
        raise InputError(f"{path} has no array 'embeddings'; it has {', '.join(map(spell, arrays)) or 'none'}")
    contents = Contents(str(path), arrays.pop("embeddings"))
    contents.labels, contents.epochs, contents.ids = (arrays.pop(name, None) for name in ("labels", "epochs", "ids"))
    contents.per_class = {name: arrays.pop(name) for name in PER_CLASS if name in arrays}
    contents.per_image = {name: arrays.pop(name) for name in PER_IMAGE if name in arrays}
    names = arrays.pop("class_names", None)
    if names is not None:
        if names.ndim != 1 or names.dtype.kind not in "USiu":
            raise InputError(f"{path}: class_names is {names.dtype} of shape {names.shape}; it is (C,) text")
        contents.class_names = decode_strings(names)
    if arrays:
        raise InputError(f"{path}: unknown array '{spell(next(iter(arrays)))}'; `mtm import --help` lists what is read")
    return contents


def _match_labels(contents: Contents, file: LabelFile, path: Path) -> Array:
    """Labels of a file of their own, in the order of the embeddings: by ids where both have them."""
    contents.notes += file.notes
    contents.ignored += file.ignored
    if file.ids is None:
        contents.notes.append(f"Labels of {spell(path.name)} were matched by their order")
        return file.labels
    if contents.ids is not None:
        first = contents.ids if contents.ids.ndim == 1 else contents.ids[0]
        wanted = check_ids(contents.source, contents.ids_name, first)
        ids = check_ids(str(path), file.ids_name, file.ids)
        contents.notes.append(f"Labels of {spell(path.name)} were matched by {file.ids_name}")
        return file.labels[find_rows(wanted, ids, f"{path}: {file.ids_name}", "has labels or embeddings, not both")]
    n = len(file.ids)
    if file.ids.dtype.kind == "i" and any(
        np.array_equal(np.sort(file.ids), np.arange(start, start + n)) and (np.diff(file.ids) < 0).any()
        for start in (0, 1)
    ):
        raise InputError(
            f"{path}: column '{file.ids_name}' numbers the rows in another order, and the embeddings have no ids; sort "
            "the labels by it, or take it out"
        )
    contents.notes.append(f"Labels of {spell(path.name)} were matched by their order")
    contents.ignored.append(f"column {spell(file.ids_name)} of {spell(path.name)}: the embeddings have no ids")
    return file.labels


def _doubts(counts: Array) -> list[str]:
    """What may mean that the labels are others than meant."""
    notes = []
    if (counts == 0).any():
        empty = ", ".join(map(str, np.flatnonzero(counts == 0)[:8])) + (", ..." if (counts == 0).sum() > 8 else "")
        notes.append(f"Classes without an image, by number: {empty}")
    if len(counts) > 1 and (counts <= 1).all():
        notes.append("Every class has one image only: is this what the labels are?")
    return notes
