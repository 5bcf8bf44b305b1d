"""The one way to print: threads that draw at once, signs of many scripts, and what stands in the files."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import plotly.graph_objects as go
import pypdfium2
import pytest

from explorer.export.print import MEDIA_TYPES, style
from explorer.export.print.curve import draw_curve
from explorer.export.print.embedding import draw_embedding
from explorer.export.print.landscape import Panel, draw_landscapes
from explorer.export.print.plots import draw_plot
from explorer.export.scene import ExportRequest, load_scene
from explorer.library import Library
from explorer.space.views import Views


def text_of(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as document:
        return str(document[0].get_textpage().get_text_range())


def words_of(svg: bytes) -> set[str]:
    return {"".join(text.itertext()).strip() for text in ElementTree.fromstring(svg).findall(".//{*}text")}


def landscape_panel(title: str) -> Panel:
    """Of a bowl, with one target and one embedding."""
    x = np.linspace(-1, 1, 8)
    points = {"e": np.array([[0.5, 0.5]]), "c": np.array([[-0.5, 0.2]]), "off_e": np.zeros(1), "off_c": np.zeros(1)}
    forces = {"force_e": np.array([[1.0, 0.0]]), "force_c": np.array([[0.0, 1.0]])}
    shades = {"positions": (x[:, None] ** 2 + x**2) / 2, "levels": np.array([0.2, 0.5]), "ticks": np.array([0.5])}
    about = {"rest": {"at": [0, 0]}, "ticks": ["half"], "scale": {"kind": "linear"}}
    return Panel(title, "r = 1", shades | points | forces, about)


META = {"box": (-1, -1, 1, 1), "names": ["c_e"], "label": 0, "y": [0]}


def test_threads_that_draw_at_once_draw_what_each_draws_alone_and_leave_matplotlib_as_it_is(
    finished_run: Path, tmp_path: Path
) -> None:
    scene = load_scene(Views(Library(finished_run.parent), tmp_path), ExportRequest(finished_run.name, marks=()))
    bars = go.Figure(go.Bar(x=[0, 1], y=[2, 3], width=[1, 1], name="bars"))
    bars.add_annotation(x=0, y=1, text="a <b>note</b>", showarrow=False)
    drawings: list[Callable[[], bytes]] = [
        lambda: style.render(draw_embedding(scene, 400, 250), "png", 1),
        lambda: style.render(draw_curve(scene, "accuracy", 400, 300), "svg"),
        lambda: style.render(draw_plot(bars, (300, 200), "title", "about"), "pdf"),
        lambda: style.render(draw_landscapes([landscape_panel("bowl")], META, {"forces"}, 0), "png"),
    ]
    drawings += [lambda: style.render(draw_plot(go.Figure(), (200, 200), "", ""), "png")] * 12  # quickly drawn
    alone = [draw() for draw in drawings]
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(16) as threads:
        together = list(threads.map(lambda draw: draw(), drawings * 7))
    assert dict(matplotlib.rcParams) == before
    assert together == alone * 7


def test_signs_of_many_scripts_are_text_in_svg_and_pdf() -> None:
    name = "σ ρ Ελληνικά Кириллица c₀ $5 $6 <&>"
    figure = draw_landscapes([landscape_panel(name)], META, {"contours"}, 0)
    assert name in words_of(style.render(figure, "svg"))
    assert {"cₑ", "e", "r = 1", "half", "loss"} <= words_of(style.render(figure, "svg"))
    assert name in text_of(style.render(figure, "pdf"))


def test_what_the_usual_font_lacks_comes_from_another_that_is_installed() -> None:
    lacking = "𝛔"  # of mathematics, in the fonts that come with matplotlib
    pdf = style.render(draw_plot(go.Figure(go.Scatter(x=[0], y=[1])), (300, 200), f"name {lacking}", ""), "pdf")
    assert f"name {lacking}" in text_of(pdf)


def test_a_sign_that_no_font_has_is_named_on_the_picture_and_stays_text_in_svg() -> None:
    figure = draw_plot(go.Figure(go.Scatter(x=[0], y=[1])), (300, 200), "name \U0001fadf", "")  # of Unicode 16
    svg, pdf, again = (style.render(figure, kind) for kind in ("svg", "pdf", "svg"))  # and without a warning
    assert again == svg
    assert "name \U0001fadf" in words_of(svg)
    assert "no font here has U+1FADF" in text_of(pdf)


def test_contours_and_forces_are_drawn_where_they_are_shown() -> None:
    def paths(*shown: str) -> int:
        svg = style.render(draw_landscapes([landscape_panel("bowl")], META, shown, 0), "svg")
        return len(re.findall(rb"<path ", svg))

    assert paths("contours") > paths()
    assert paths("forces") > paths()


def test_a_panel_that_failed_says_why_and_the_others_are_drawn() -> None:
    panels = [Panel("broken", "", {}, {"error": "line 12 is wrong"}), landscape_panel("bowl")]
    words = words_of(style.render(draw_landscapes(panels, META, {"forces"}, 0), "svg"))
    assert {"broken", "line 12 is wrong", "bowl", "loss"} <= words


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_the_same_figure_gives_the_same_file(kind: str) -> None:
    files = {
        style.render(draw_landscapes([landscape_panel("bowl")] * 3, META, {"contours"}, 0), kind) for _ in range(2)
    }
    assert len(files) == 1
