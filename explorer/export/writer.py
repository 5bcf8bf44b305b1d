"""One way to every export: from a request, its options and a file name; and which options go with which export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.export.scene import ExportRequest, Progress, load_scene
from explorer.space.views import Views
from mtm.errors import InputError, choose_from

EXPORTS = ("figure", "animation", "html", "data", "archive")
FILE_KINDS = "figure .png .svg .pdf, animation .mp4 .webm .gif, html .html, data .csv .parquet .npz, archive .zip .tar"
PICTURE_EXPORTS = ("figure", "animation", "html")
EXPORTS_OF_OPTION = {  # which exports an option is for
    "view": (*PICTURE_EXPORTS, "data"),
    "classifier": PICTURE_EXPORTS,
    "regions": PICTURE_EXPORTS,
    "colour": PICTURE_EXPORTS,
    "camera": PICTURE_EXPORTS,
    "hidden": PICTURE_EXPORTS,
    "solo": PICTURE_EXPORTS,
    "focus": PICTURE_EXPORTS,
    "epoch": ("figure", "html"),
    "curve": ("figure",),
    "scale": ("figure",),
    "width": ("figure", "animation"),
    "height": ("figure", "animation"),
    "fps": ("animation",),
    "seconds": ("animation",),
    "browser": ("animation",),
    "theme": ("animation", "html"),
    "weights": ("archive",),
}


@dataclass(frozen=True)
class Options:
    """How an export is made; None stands for the default of its kind."""

    curve: str | None = None
    width: int | None = None
    height: int | None = None
    scale: float | None = None
    fps: float | None = None
    seconds: float | None = None
    theme: str | None = None
    browser: Path | None = None
    weights: bool | None = None

    def arguments(self, *names: str) -> dict[str, Any]:
        """The named options that are set, as keyword arguments."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


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
    if not path.parent.is_dir() or path.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise InputError(f"{path} cannot be written: {why}")
    if what == "archive":
        from explorer.export.archive import write_archive

        write_archive(views.library.run(request.run), path, bool(options.weights), on_progress)
        return
    if on_progress:
        on_progress(0.0, "reading the run")
    scene = load_scene(views, request, on_progress)
    if what == "data":
        from explorer.export.tables import write_table

        write_table(scene, path, on_progress)
    elif what == "figure":
        from explorer.export.print import style  # only here: matplotlib takes a second to import
        from explorer.export.print.curve import draw_curve
        from explorer.export.print.embedding import draw_embedding

        size = options.arguments("width", "height")
        figure = draw_curve(scene, options.curve, **size) if options.curve else draw_embedding(scene, **size)
        style.save(figure, path, 2.0 if options.scale is None else options.scale, scene.title)
    elif what == "html":
        from explorer.export.html import build_page
        from mtm.run_folder.files import write_bytes

        if path.suffix.lower() not in (".html", ".htm"):
            raise choose_from("kind of page", path.suffix.lstrip(".") or path.name, ("html",))
        write_bytes(path, build_page(views, scene, **options.arguments("theme")))
    else:
        from explorer.export.film.film import write_film

        defaults = {"fps": 15.0, "seconds": 8.0} if path.suffix.lower() == ".gif" else {}
        film_options = options.arguments("width", "height", "fps", "seconds", "theme", "browser")
        write_film(views, scene, path, **(defaults | film_options), on_progress=on_progress)
