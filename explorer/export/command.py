"""`explorer export RUN`: figures, films, a page, tables and archives of a run from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from platformdirs import user_cache_path

from explorer.export.entry import Options
from explorer.export.film.encoder import FilmError
from explorer.export.scene import ExportRequest, Progress
from explorer.export.writer import EXPORTS, write_export
from explorer.library import DEMO, Library
from explorer.space.projections import PROJECTIONS
from explorer.space.views import Views
from explorer.web.paths import demo_folder
from explorer.words import CAMERAS, COLOURS, REGIONS
from mtm.cli import output
from mtm.errors import InputError
from mtm.text import printable

FILE_KINDS = ", ".join(f"{what} {' '.join(f'.{kind}' for kind in each.kinds)}" for what, each in EXPORTS.items())
HELP = "Write a figure, an animation, a page, a table or an archive of a run.\n\n" + " ".join(
    f"{what}: {each.help}" for what, each in EXPORTS.items()
)


def _option(help: str, choices: Any = ()) -> Any:
    return typer.Option(help=f"{help}: {', '.join(choices)}" if choices else help, show_default=False)


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, its name inside --runs, or demo/NAME")],
    what: Annotated[str, typer.Option(help=f"What to write: {', '.join(EXPORTS)}", show_default=False)],
    out: Annotated[Path, typer.Option(help=f"The file to write; its ending says the kind ({FILE_KINDS})")],
    runs: Annotated[Path, typer.Option("--runs", help="Folder of the runs")] = Path("runs"),
    view: Annotated[str | None, _option("How D dimensions become two (plane if D = 2, else pca)", PROJECTIONS)] = None,
    classifier: Annotated[str | None, _option("Whose decisions (the one that goes with the loss)")] = None,
    regions: Annotated[str | None, _option("What regions stand for (best)", ("best", *REGIONS, "off"))] = None,
    epoch: Annotated[float | None, _option("Moment of a figure; where an HTML page opens (the last; it plays)")] = None,
    colour: Annotated[str | None, _option("What the colour of a point tells (label)", COLOURS)] = None,
    camera: Annotated[str | None, _option("On the whole run, or following the cloud (as it fits)", CAMERAS)] = None,
    hidden: Annotated[str | None, _option("Classes that are not drawn, by number, as in 0,3")] = None,
    solo: Annotated[int | None, _option("The only class that is drawn")] = None,
    focus: Annotated[str | None, _option("Classes that stand out from the others, as in 0,3")] = None,
    curve: Annotated[str | None, _option("A figure of this curve instead: accuracy, sigma_rho, ...")] = None,
    width: Annotated[int | None, _option("Pixels (figure 900, curve 720, film 1280)")] = None,
    height: Annotated[int | None, _option("Pixels (figure 720, curve 460, film 720)")] = None,
    scale: Annotated[float | None, _option("A PNG so many times as large, 1 to 4 (2)")] = None,
    fps: Annotated[float | None, _option("Frames a second of a film (30; GIF 15)")] = None,
    seconds: Annotated[float | None, _option("Length of a film (20; GIF 8)")] = None,
    theme: Annotated[str | None, _option("light or dark; for HTML also auto (film light, HTML auto)")] = None,
    browser: Annotated[Path | None, _option("The Chrome, Chromium or Edge that draws a film (the first found)")] = None,
    weights: Annotated[bool | None, _option("Put the checkpoints into the archive too")] = None,
) -> None:
    """Write one of EXPORTS, whole or not at all; HELP is what the command says of them."""
    values: dict[str, Any] = {
        "view": view, "classifier": classifier, "regions": regions, "epoch": epoch, "colour": colour, "camera": camera,
        "hidden": _parse_classes("hidden", hidden), "solo": solo, "focus": _parse_classes("focus", focus),
        "curve": curve, "width": width, "height": height, "scale": scale, "fps": fps, "seconds": seconds,
        "theme": theme, "browser": browser, "weights": weights,
    }  # fmt: skip
    arguments = {name: value for name, value in values.items() if value is not None}
    for name in arguments if what in EXPORTS else ():
        takers = [key for key, each in EXPORTS.items() if name in each.options]
        if what not in takers:
            raise InputError(f"--{name} does not go with --what {what}; it is for {' and '.join(takers)}")
    library, run_id = _open_library(run, runs)
    request = ExportRequest(
        run_id, **{name: arguments.pop(name) for name in list(arguments) if name in ExportRequest.__dataclass_fields__}
    )
    views = Views(library, user_cache_path("moving-targets"))
    try:
        with progress_bar() as on_progress:
            write_export(views, request, what, out, Options(**arguments), on_progress)
    except FilmError as error:
        output.fail(1, str(error), "explorer")
    finally:
        views.close()
    output.say(f"Wrote {out} ({_format_size(out.stat().st_size)})")


def _parse_classes(name: str, text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(k) for k in text.split(",") if k.strip())
    except ValueError:
        raise InputError(f"--{name} {text}: numbers of classes are meant, as in 0,3,6") from None


def _open_library(run: str, runs: Path) -> tuple[Library, str]:
    """The library that has a run, and its id there. Raises InputError if there is none."""
    path = Path(run)
    library = Library(runs, demo_folder())
    if run in library.ids():
        return library, run
    if path.is_dir():
        resolved = path.resolve()
        return Library(resolved.parent), resolved.name
    raise InputError(f"there is no run {run}; name a run folder, one in {runs} (see mtm runs), or {DEMO}/NAME")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar in a terminal, silence elsewhere."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = output.notices
    columns = (BarColumn(bar_width=32), TextColumn("{task.description}", markup=False), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda share, what: progress.update(task, completed=share, description=printable(what))


def _format_size(n: int) -> str:
    return f"{n / 1e6:,.1f} MB" if n >= 1e5 else f"{n / 1e3:,.1f} kB"
