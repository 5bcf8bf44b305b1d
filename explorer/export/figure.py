"""The figure: the embedding space at one time, or a curve, for print."""

from __future__ import annotations

from pathlib import Path

from explorer import words
from explorer.export.entry import PICTURE, Export, Options, Row
from explorer.export.print import MEDIA_TYPES
from explorer.export.scene import ExportRequest, Progress, load_scene
from explorer.space.views import Views


def write_figure(
    views: Views, request: ExportRequest, path: Path, options: Options, on_progress: Progress | None = None
) -> None:
    """Write the figure of a request, or of one of its run's curves."""
    from explorer.export.print import style  # only here: matplotlib takes a second to import
    from explorer.export.print.curve import draw_curve
    from explorer.export.print.embedding import draw_embedding

    size, scale = options.arguments("width", "height"), 2.0 if options.scale is None else options.scale
    shape = size.get("width", 900), size.get("height", 720)
    style.check_size(*shape)  # before a layout is computed
    if path.suffix.lower() == ".png":
        style.check_scale(scale, *shape)
    scene = load_scene(views, request, on_progress)
    figure = draw_curve(scene, options.curve, **size) if options.curve else draw_embedding(scene, **size)
    style.save(figure, path, scale, scene.title)


EXPORT = Export(
    noun="figure",
    help="PNG, SVG or PDF of the embedding space at an epoch, or of a curve.",
    menu=(Row("This picture"), Row("Curve", "curve", words.names(words.CURVES))),
    kinds=MEDIA_TYPES,
    options=(*PICTURE, "epoch", "curve", "scale", "width", "height"),
    write=write_figure,
)
