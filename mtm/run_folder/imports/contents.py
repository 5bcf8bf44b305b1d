"""What a file of embeddings holds, and how it becomes the snapshots of a run: epochs in order, each row the same image
at every epoch, labels as numbers of classes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mtm.errors import InputError
from mtm.run_folder.external import Arrays
from mtm.run_folder.imports.identities import match_rows
from mtm.run_folder.imports.labels import as_numbers_or_text, number_classes
from mtm.run_folder.snapshots import Array


@dataclass
class Contents:
    """The arrays of a file as they lie there, and what its reader has to say of them."""

    source: str  # the file, for messages
    embeddings: Array  # (N, D) or (T, N, D)
    labels: Array | None = None  # (N,) or (T, N), numbers or words
    epochs: Array | None = None  # (T,)
    ids: Array | None = None  # (N,) or (T, N)
    ids_name: str = "ids"  # as the file calls them
    class_names: Sequence[str] | None = None
    per_class: dict[str, Array] = field(default_factory=dict)  # (C, D) or (T, C, D), by the names of `Arrays`
    per_image: dict[str, Array] = field(default_factory=dict)  # (N, ...), by the names of `Arrays`
    notes: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Arranged:
    """The same for `Run.log`: one `Arrays` a snapshot, in the order of epochs."""

    epochs: list[float]
    arrays: list[Arrays]
    class_names: list[str] | None
    rows: str  # how rows were matched
    notes: list[str]


def arrange(contents: Contents) -> Arranged:
    """Put the snapshots in the order of their epochs and the rows of each in the order of the first one's.

    Raises InputError, a sentence that names the file, for what does not fit or could be read in two ways.
    """
    source, notes = contents.source, list(contents.notes)
    e, y = np.asarray(contents.embeddings), contents.labels
    if y is None:
        raise InputError(f"{source} has no array 'labels'; give their file with --labels")
    if e.ndim not in (2, 3):
        raise InputError(f"{source}: embeddings has shape {e.shape}; it needs 2 axes, (N, D), or 3, (T, N, D)")
    steps = e if e.ndim == 3 else e[None]
    if y.shape not in (steps.shape[1:2], steps.shape[:2]):
        raise InputError(
            f"{source}: labels have shape {y.shape} for {steps.shape[1]} embeddings; there is one for each"
        )
    if not len(steps):
        raise InputError(f"{source} has no snapshots: embeddings has shape {e.shape}")
    for name, array in contents.per_class.items():
        if array.ndim == 3 and len(array) != len(steps):
            raise InputError(
                f"{source}: {name} has shape {array.shape}, embeddings {e.shape}; the first axis is the same"
            )
    epochs, order = _sorted_epochs(source, contents.epochs, len(steps), notes)
    rows, sentence = match_rows(source, contents.ids, contents.ids_name, *steps.shape[:2])
    try:
        y = as_numbers_or_text(y.reshape(-1)).reshape(y.shape)
        labels = [y] if y.ndim < 2 else [each[row] for each, row in zip(y, rows, strict=True)]
        _check_same_labels(labels, contents, epochs)
        names, numbers, more = number_classes(labels[0], contents.class_names, list(contents.per_class))
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    arrays = []
    for place, t in enumerate(order):
        per_class = {name: array[t] if array.ndim == 3 else array for name, array in contents.per_class.items()}
        per_image = contents.per_image if place == 0 else {}
        arrays.append(Arrays(_in_order(steps[t], rows[t]), numbers, **per_class, **per_image))
    return Arranged([epochs[t] for t in order], arrays, names, sentence, notes + more)


def _in_order(step: Array, rows: Array) -> Array:
    """The rows of a step (N, D), which stay where they lie if they are in order already."""
    is_in_order = step.ndim != 2 or np.array_equal(rows, np.arange(len(step)))
    return step if is_in_order else step[rows]


def _sorted_epochs(source: str, values: Array | None, n: int, notes: list[str]) -> tuple[list[float], list[int]]:
    """The epoch of each of n snapshots as they lie in the file, and their order by epoch."""
    given = np.asarray(np.arange(n) if values is None else values)
    if given.dtype.kind not in "iuf" or not np.isfinite(given).all():
        raise InputError(f"{source}: epochs must be finite numbers")
    epochs = [float(epoch) for epoch in given.reshape(-1)]
    if len(epochs) != n:
        raise InputError(f"{source}: {len(epochs)} epochs for {n} snapshots; there is one for each")
    order = sorted(range(n), key=lambda t: epochs[t])
    for one, other in itertools.pairwise(order):
        if epochs[one] == epochs[other]:
            raise InputError(f"{source} has epoch {epochs[one]:g} twice; each snapshot has an epoch of its own")
    if order != list(range(n)):
        notes.append("Epochs were not in order in the file; snapshots are sorted by epoch")
    return epochs, order


def _check_same_labels(labels: list[Array], contents: Contents, epochs: list[float]) -> None:
    """An image has one label at all epochs."""
    first = labels[0]
    for t, others in enumerate(labels):
        if (differs := others != first).any():
            row = int(np.argmax(differs))
            at = f"'{first[row]}' at epoch {epochs[0]:g} and '{others[row]}' at epoch {epochs[t]:g}"
            if contents.ids is not None:
                ids = contents.ids if contents.ids.ndim == 1 else contents.ids[0]
                raise InputError(f"the image with {contents.ids_name} {ids[row]} has label {at}")
            raise InputError(
                f"row {row} has label {at}; every epoch needs the same images in the same order, or ids that "
                "say which image a row is (columns id, image, file, filename, path or index, in .npz an array ids)"
            )
