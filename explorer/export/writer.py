"""One way to every export: what is asked for, a file to write, and which options go with what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.export.scene import ExportRequest, Progress, load_scene
from explorer.space.views import Views
from mtm.errors import InputError, choose_from

WHAT = ("figure", "animation", "html", "data", "archive")
KINDS = "figure .png .svg .pdf, animation .mp4 .webm .gif, html .html, data .csv .parquet .npz, archive .zip .tar"
PICTURES = ("figure", "animation", "html")
FOR = {  # which exports an option is for
    "view": (*PICTURES, "data"),
    "classifier": PICTURES,
    "regions": PICTURES,
    "colour": PICTURES,
    "camera": PICTURES,
    "hidden": PICTURES,
    "solo": PICTURES,
    "focus": PICTURES,
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
    """How an export is made; None is what suits it."""

    curve: str | None = None
    width: int | None = None
    height: int | None = None
    scale: float | None = None
    fps: float | None = None
    seconds: float | None = None
    theme: str | None = None
    browser: Path | None = None
    weights: bool | None = None

    def given(self, *names: str) -> dict[str, Any]:
        """Those of some names that were given."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}


def write_export(
    views: Views,
    asked: ExportRequest,
    what: str,
    path: Path,
    options: Options | None = None,
    told: Progress | None = None,
) -> None:
    """Write one of WHAT to `path`, whole or not at all; `told` hears the share done and what is being done.

    Raises InputError for a choice that cannot be, and explorer.export.film.encoder.FilmError if a film fails.
    """
    options = options or Options()
    if what not in WHAT:
        raise choose_from("export", what, WHAT)
    if not path.parent.is_dir() or path.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise InputError(f"{path} cannot be written: {why}")
    if what == "archive":
        from explorer.export.archive import write_archive

        write_archive(views.library.run(asked.run), path, bool(options.weights), told)
        return
    if told:
        told(0.0, "reading the run")
    seen = load_scene(views, asked, told)
    if what == "data":
        from explorer.export.tables import table

        table(seen, path, told)
    elif what == "figure":
        from explorer.export.print import style  # only here: matplotlib takes a second to import
        from explorer.export.print.curve import draw_curve
        from explorer.export.print.embedding import draw_embedding

        size = options.given("width", "height")
        drawn = draw_curve(seen, options.curve, **size) if options.curve else draw_embedding(seen, **size)
        style.save(drawn, path, 2.0 if options.scale is None else options.scale, seen.title)
    elif what == "html":
        from explorer.export.html import page
        from mtm.run_folder.files import write_bytes

        if path.suffix.lower() not in (".html", ".htm"):
            raise choose_from("kind of page", path.suffix.lstrip(".") or path.name, ("html",))
        write_bytes(path, page(views, seen, **options.given("theme")))
    else:
        from explorer.export.film.film import write_film

        usual = {"fps": 15.0, "seconds": 8.0} if path.suffix.lower() == ".gif" else {}
        chosen = options.given("width", "height", "fps", "seconds", "theme", "browser")
        write_film(views, seen, path, **(usual | chosen), told=told)
