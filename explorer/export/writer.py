"""The registry of exports, and one way to all of them: from a request, its options and a file name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from explorer.export import archive, figure, html, tables
from explorer.export.entry import Export, Options
from explorer.export.film import film
from explorer.export.scene import ExportRequest, Progress
from explorer.space.views import Views
from mtm.errors import InputError, choose_from
from mtm.run_folder.files import ABANDONED_SECONDS, remove_leftovers

EXPORTS: dict[str, Export] = {
    "figure": figure.EXPORT,
    "animation": film.EXPORT,
    "html": html.EXPORT,
    "data": tables.EXPORT,
    "archive": archive.EXPORT,
}


def write_export(
    views: Views,
    request: ExportRequest,
    what: str,
    path: Path,
    options: Options | None = None,
    on_progress: Progress | None = None,
) -> None:
    """Write one of EXPORTS to `path`, whole or not at all; `on_progress` gets the share done and what is being done.

    Raises InputError for a choice that does not exist, and explorer.export.film.encoder.FilmError if a film fails.
    """
    options = options or Options()
    if what not in EXPORTS:
        raise choose_from("export", what, EXPORTS)
    export, kind = EXPORTS[what], path.suffix.lower().lstrip(".")
    if not path.parent.is_dir() or path.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise InputError(f"{path} cannot be written: {why}")
    if {"htm": "html"}.get(kind, kind) not in export.kinds:
        raise choose_from(f"kind of {export.noun}", kind or path.name, export.kinds)
    remove_leftovers(path.parent, ABANDONED_SECONDS, of=path.name)
    defaults = {name: value for name, value in export.defaults.get(kind, {}).items() if getattr(options, name) is None}
    export.write(views, request, path, replace(options, **defaults), on_progress or (lambda share, what: None))
