"""Exports that cannot be: one sentence, before anything is computed, with the least or the most that can be."""

from __future__ import annotations

import io
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from flask import Flask
from PIL import Image

from explorer.export import routes
from explorer.export.entry import Options
from explorer.export.film.film import SMALLEST, check_options, write_film
from explorer.export.print import MEDIA_TYPES, style
from explorer.export.scene import ExportRequest, load_scene
from explorer.export.writer import EXPORTS, write_export
from explorer.library import Library
from explorer.space.views import Views
from mtm.errors import InputError
from mtm.runs import Run

RUN = "finished"


@pytest.fixture(scope="module")
def views(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Views:
    return Views(Library(finished_run.parent), tmp_path_factory.mktemp("cache"))


def write(views: Views, path: Path, what: str = "figure", run: str = RUN, **options: Any) -> Path:
    write_export(views, ExportRequest(run, regions="off"), what, path, Options(**options))
    return path


def smallest_said(views: Views, path: Path, side: str, **options: Any) -> int:
    """The smallest size of a side that a refusal names."""
    with pytest.raises(InputError, match=rf"^--{side} 201: this figure has \d+ to 10,000 pixels a side$") as refusal:
        write(views, path, **{side: 201, **options})
    found = re.search(r"has (\d+) to", str(refusal.value))
    assert found
    return int(found[1])


@pytest.mark.parametrize("kind", MEDIA_TYPES)
@pytest.mark.parametrize("curve", [None, "accuracy"])
def test_the_smallest_size_that_a_refusal_names_can_be_drawn(
    views: Views, tmp_path: Path, kind: str, curve: str | None
) -> None:
    path = tmp_path / f"a.{kind}"
    least = smallest_said(views, path, "width", curve=curve)
    assert not path.exists()
    write(views, path, curve=curve, width=least, height=200)
    with pytest.raises(InputError, match=f"this figure has {least} to"):
        write(views, path, curve=curve, width=least - 1)


def test_the_smallest_figure_holds_a_colour_bar_and_a_legend(views: Views, tmp_path: Path) -> None:
    request = ExportRequest(RUN, colour="margin", marks=("targets", "centres", "trails", "gaps", "labels"))
    write_export(views, request, "figure", tmp_path / "a.png", Options(width=292, height=200, scale=1))
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (292, 200)


@pytest.mark.parametrize("value", [-1, 0, 1, 199, 10_001, 10**9])
@pytest.mark.parametrize("side", ["width", "height"])
@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_a_figure_of_an_impossible_size_is_refused_before_it_is_computed(
    tmp_path: Path, side: str, value: int, kind: str
) -> None:
    nobody = Views(Library(tmp_path / "no runs"), tmp_path / "cache")  # would say that there is no run
    sizes: Any = {side: value}
    with pytest.raises(InputError, match=f"^--{side} {value}: this figure has 200 to 10,000 pixels a side$"):
        write_export(nobody, ExportRequest(RUN), "figure", tmp_path / f"a.{kind}", replace(Options(), **sizes))


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), -1.0, 0.0, 0.99, 4.01, 1e9])
def test_a_scale_out_of_range_is_refused(tmp_path: Path, scale: float) -> None:
    nobody = Views(Library(tmp_path / "no runs"), tmp_path / "cache")
    with pytest.raises(InputError, match=r"^--scale \S+: a PNG is made 1 to 4 times as large$"):
        write(nobody, tmp_path / "a.png", scale=scale)


def test_a_png_that_memory_would_not_hold_is_refused(tmp_path: Path) -> None:
    nobody = Views(Library(tmp_path / "no runs"), tmp_path / "cache")
    with pytest.raises(InputError, match=r"a PNG has at most 50 million pixels, this one would have 1,600 million$"):
        write(nobody, tmp_path / "a.png", width=10_000, height=10_000, scale=4)


def test_what_is_rasterised_in_a_large_pdf_stays_small() -> None:
    with style.use_style():
        figure = style.new_figure(6000, 6000)
        axes = style.add_axes(figure, 0, 0, 6000, 6000)
        axes.scatter(*np.random.default_rng(0).normal(size=(2, 50)), rasterized=True)
    svg = style.render(figure, "svg").decode()
    sizes = [int(side) for side in re.findall(r"<image [^>]*(?:width|height)=\"(\d+)", svg)]
    assert "<image" in svg
    assert all(side <= 10_000 for side in sizes)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"width": 238}, "--width 238: a film has 240 to 4096 pixels a side"),
        ({"height": -2}, "--height -2: a film has 240 to 4096 pixels a side"),
        ({"width": 10**9}, "--width 1000000000: a film has 240 to 4096"),
        ({"fps": float("nan")}, "--fps nan: a film has 1 to 120 frames a second"),
        ({"fps": 0.0}, "--fps 0: a film has 1 to 120"),
        ({"seconds": float("nan")}, "--seconds nan at --fps 30 are nan frames; a film has 1 to 20,000"),
        ({"seconds": float("inf")}, "--seconds inf at --fps 30 are inf frames"),
        ({"seconds": -3.0}, "--seconds -3 at --fps 30 are -90 frames"),
        ({"seconds": 0.0}, "are 0 frames"),
        ({"seconds": 1e9}, "a film has 1 to 20,000"),
        (
            {"width": 4096, "height": 4096, "seconds": 600.0},
            "--seconds 600: a film of 4096 x 4096 pixels has at most 99",
        ),
        ({"theme": "auto"}, "unknown theme of a film 'auto'"),
    ],
)
@pytest.mark.parametrize("kind", ["mp4", "webm", "gif"])
def test_a_film_that_cannot_be_is_refused_before_it_is_computed(
    tmp_path: Path, kind: str, options: dict[str, Any], sentence: str
) -> None:
    nobody = Views(Library(tmp_path / "no runs"), tmp_path / "cache")
    with pytest.raises(InputError) as refusal:
        write(nobody, tmp_path / f"a.{kind}", "animation", **{"fps": 30.0, "seconds": 20.0, **options})
    assert sentence in str(refusal.value)


def test_the_smallest_film_can_be_drawn(chromium: Any, views: Views, tmp_path: Path) -> None:
    check_options("mp4", SMALLEST, SMALLEST, 1, 1)
    scene = load_scene(views, ExportRequest(RUN))
    assert write_film(views, scene, tmp_path / "a.mp4", width=SMALLEST, height=SMALLEST, fps=1, seconds=1) == 1
    assert (tmp_path / "a.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("kind=png&width=240", "--width 240: this figure has 292 to"),
        ("kind=png&width=1e9", "width=1e9: a whole number is meant"),
        ("kind=png&height=-5", "--height -5: this figure has"),
        ("kind=png&scale=nan", "scale"),
        ("kind=svg&curve=accuracy&width=201", "--width 201: this figure has"),
    ],
)
def test_the_page_s_route_says_the_same(views: Views, query: str, sentence: str) -> None:
    server = Flask(__name__)
    routes.register(server, views)
    request = {"run": RUN, "what": "figure", **dict(parse_qsl(query))}
    response = server.test_client().post("/api/export", json=request)
    assert response.status_code == 400
    assert sentence in response.get_json()["error"]


DAMAGES = {
    "no points": lambda folder: (folder / "points.safetensors").unlink(),
    "points that are a folder": lambda folder: ((folder / "points.safetensors").unlink(),
                                                (folder / "points.safetensors").mkdir()),
    "points cut off": lambda folder: (folder / "points.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}"),
    "no snapshots": lambda folder: shutil.rmtree(folder / "snapshots"),
    "snapshots cut off": lambda folder: [path.write_bytes(path.read_bytes()[:100])
                                         for path in (folder / "snapshots").iterdir()],
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("what", [what for what in EXPORTS if what != "animation"])
def test_a_damaged_run_is_exported_or_refused_in_a_sentence(
    finished_run: Path, tmp_path: Path, what: str, damage: str
) -> None:
    shutil.copytree(finished_run, tmp_path / "runs" / "broken")
    DAMAGES[damage](tmp_path / "runs" / "broken")
    views = Views(Library(tmp_path / "runs"), tmp_path / "cache")
    out = tmp_path / f"a.{next(iter(EXPORTS[what].kinds))}"
    with pytest.raises(InputError) as refusal:
        write(views, out, what, "broken")
    assert "\n" not in str(refusal.value)
    assert not out.exists()


def test_a_run_with_one_damaged_snapshot_is_exported_without_it(finished_run: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_run, tmp_path / "runs" / "broken")
    (tmp_path / "runs" / "broken" / "snapshots" / "000001.safetensors").write_bytes(b"no")
    views = Views(Library(tmp_path / "runs"), tmp_path / "cache")
    text = write(views, tmp_path / "a.csv", "data", "broken").read_text(encoding="utf-8")
    assert {line.split(",")[0] for line in io.StringIO(text)} == {'"snapshot"', "0", "2"}


def test_a_curve_without_any_value_is_an_empty_figure(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "runs" / "still")
    run.log(np.zeros((8, 3)), labels=np.arange(8) % 2, epoch=0)  # sigma and rho are 0, which a log axis has not
    views = Views(Library(tmp_path / "runs"), tmp_path / "cache")
    for curve in ("sigma_rho", "rho_sigma", "sigma_class"):
        assert write(views, tmp_path / "a.svg", run="still", curve=curve).stat().st_size > 1000


def test_what_a_killed_export_left_is_gone_with_the_next_one_of_that_name(views: Views, tmp_path: Path) -> None:
    left, younger, another = (tmp_path / f".{name}.tmp" for name in ("a.csv.x1", "a.csv.x2", "b.csv.x1"))
    for path in (left, younger, another):
        path.write_text("half")
    for path in (left, another):
        os.utime(path, (0, 0))
    write(views, tmp_path / "a.csv", "data")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.csv.x2.tmp", ".b.csv.x1.tmp", "a.csv"]
