"""Exports, each opened again by something else: Pillow, pdfium, ffmpeg, pyarrow, Chromium without a network, mtm."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import imageio_ffmpeg
import numpy as np
import plotly.graph_objects as go
import psutil
import pypdfium2
import pytest
from conftest import PATIENCE, eventually, open_tab, served_explorer, until
from flask import Flask
from matplotlib.colors import to_rgb
from matplotlib.path import Path as Outline
from PIL import Image
from pyarrow import parquet

from explorer.export import routes
from explorer.export.archive import write_archive
from explorer.export.camera import box_at, fit_aspect, whole_box
from explorer.export.film.film import frame_times, write_film
from explorer.export.html import build_page as html_page
from explorer.export.modules import build_import_map
from explorer.export.print import cells, style
from explorer.export.print.curve import draw_curve
from explorer.export.print.embedding import draw_embedding
from explorer.export.print.plots import draw_plot
from explorer.export.scene import FAINT, ExportRequest, Scene, load_scene
from explorer.export.tables import COLUMNS, describe_column, write_table
from explorer.figures.colours import class_colour
from explorer.figures.curves import CURVES
from explorer.library import Library
from explorer.space import regions
from explorer.space.views import Views
from mtm.classifiers import CLASSIFIERS
from mtm.errors import InputError
from mtm.run_folder.imports import import_run
from mtm.runs import Run

RUN = "finished"  # of conftest: 60 digits, 10 classes, D = 8, three snapshots


@pytest.fixture(scope="module")
def views(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Views:
    return Views(Library(finished_run.parent), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def scene(views: Views) -> Scene:
    return load_scene(views, ExportRequest(RUN, regions="targets"))


@pytest.fixture(scope="module")
def large_library(tmp_path_factory: pytest.TempPathFactory) -> Views:
    """6,000 images of 100 classes in two dimensions: more points than a vector file should hold."""
    rng = np.random.default_rng(0)
    run = Run.create(tmp_path_factory.mktemp("many") / "many", class_names=[f"kind {k}" for k in range(100)])
    labels, places = np.arange(6000) % 100, rng.normal(0, 9, (100, 2))
    for epoch in (0, 1):
        e = places[labels] + rng.normal(0, 2 - epoch, (6000, 2))
        run.log(embeddings=e, labels=labels, class_embeddings=places, epoch=epoch)
    run.finish()
    return Views(Library(run.folder.parent), tmp_path_factory.mktemp("cache"))


# Regions


@pytest.mark.parametrize("n_classes", [1, 2, 10, 100])
def test_polygons_tile_the_box_and_hold_the_class_that_is_decided_there(n_classes: int) -> None:
    rng = np.random.default_rng(n_classes)
    scores, box = rng.normal(size=(n_classes, 3)) * (1, 1, 0.3), (-1.5, -1.0, 2.0, 1.0)
    scores[n_classes // 2, 2] += 0.5
    polygons = cells.clip_polygons(scores, box)
    assert sum(cells.area(outline) for _, outline in polygons) == pytest.approx(3.5 * 2.0)
    where = rng.uniform(box[:2], box[2:], (2000, 2))
    decided = np.full(2000, -1)
    for k, outline in polygons:
        decided[Outline(outline).contains_points(where)] = k
    assert (decided == regions.decide(scores, where)).mean() > 0.999  # but on the edges themselves


def test_among_equal_classes_the_lower_has_the_polygon_and_an_absent_one_has_none() -> None:
    scores = np.array([[np.nan, 0, 0], [1, 0, 0], [1, 0, 0], [-1, 0, 0]])
    assert [k for k, _ in cells.clip_polygons(scores, (-1, -1, 1, 1))] == [1, 3]
    assert cells.clip_polygons(scores[:1], (-1, -1, 1, 1)) == []


def test_polygons_are_exact_far_from_the_origin() -> None:
    where = np.array([1e7, -3e6])
    targets = where + np.array([[0, 0], [1, 0], [0, 1]])
    voronoi = regions.voronoi_regions(targets[None])
    outlines = dict(cells.clip_polygons(regions.affine_scores(voronoi, 0), (*(where - 1), *(where + 2))))
    assert cells.area(outlines[1]) == pytest.approx(1.5 * 1.5 + 1.5 * 1.5 / 2, rel=1e-6)


# Figures


def image_difference(a: Any, b: Any) -> float:
    """Mean difference of two pictures, 0..1; the second is brought to the size of the first."""
    first = a.convert("RGB")
    return float(np.abs(np.asarray(first, float) - np.asarray(b.convert("RGB").resize(first.size), float)).mean() / 255)


def share_of_tinted_places(
    picture: Any, scene: Scene, time: float, inner: tuple[float, float, float, float], page: str
) -> float:
    """The share of places within the axes (pixels: left, top, width, height) that have their region's tint."""
    left, top, width, height = inner
    box = fit_aspect(whole_box(scene.frames), width, height)
    where = np.random.default_rng(0).uniform(0.02, 0.98, (400, 2))
    u = np.array(box[:2]) + where * (np.array(box[2:]) - box[:2])
    assert isinstance(scene.regions, regions.Regions)
    decided = regions.decide(regions.affine_scores(scene.regions, time), u)
    expected = 0.25 * np.array([to_rgb(class_colour(k)) for k in decided]) + 0.75 * np.array(to_rgb(page))
    pixels = np.asarray(picture.convert("RGB"), float) / 255
    actual = pixels[(top + (1 - where[:, 1]) * height).astype(int), (left + where[:, 0] * width).astype(int)]
    return float((np.abs(actual - expected).max(axis=1) < 0.035).mean())


def test_a_png_has_its_size_and_the_regions_where_the_classifier_decides(scene: Scene, tmp_path: Path) -> None:
    for scale in (1, 4):
        style.save(draw_embedding(scene, 700, 600), tmp_path / "a.png", scale, "title")
        with Image.open(tmp_path / "a.png") as picture:
            assert picture.size == (700 * scale, 600 * scale)
            assert picture.text["Title"] == "title"  # type: ignore[attr-defined]
            inner = tuple(scale * v for v in (58, 62, 700 - 58 - 16 - 168, 600 - 62 - 66))
            assert share_of_tinted_places(picture, scene, 2, inner, "white") > 0.8  # type: ignore[arg-type]


def test_an_svg_has_text_polygons_and_points_and_chromium_draws_it(scene: Scene, new_page: Any, tmp_path: Path) -> None:
    figure = draw_embedding(scene)
    for kind in ("svg", "png"):
        style.save(figure, tmp_path / f"a.{kind}")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    words = {"".join(text.itertext()).strip() for text in root.findall(".//{*}text")}
    assert {scene.title, "target (class embedding)", *scene.run.points.class_names} <= words
    assert any("epoch 2.00, snapshot 3 of 3" in line for line in words)
    assert any(line.startswith("principal axis 1 (") for line in words)
    box = fit_aspect(whole_box(scene.frames), 900 - 58 - 16 - 168, 720 - 62 - 66)
    assert isinstance(scene.regions, regions.Regions)
    outlines = cells.clip_polygons(regions.affine_scores(scene.regions, 2), box)
    assert len(root.find(".//*[@id='regions']").findall("{*}path")) == len(outlines)  # type: ignore[union-attr]
    points = [group for group in root.findall(".//{*}g") if group.get("id") == "points"]
    assert sum(len(group.findall(".//{*}use")) for group in points) == len(scene.run.labels)
    assert root.find(".//{*}image") is None
    page = new_page(900, 720)
    page.goto((tmp_path / "a.svg").as_uri())
    screenshot = Image.open(io.BytesIO(page.screenshot()))
    with Image.open(tmp_path / "a.png") as png:
        assert image_difference(png, screenshot) < 0.02


def test_a_pdf_has_text_and_pdfium_draws_it(scene: Scene, tmp_path: Path) -> None:
    figure = draw_embedding(scene)
    for kind in ("pdf", "png"):
        style.save(figure, tmp_path / f"a.{kind}")
    with pypdfium2.PdfDocument(tmp_path / "a.pdf") as document:
        page = document[0]
        assert page.get_size() == (900 * 0.75, 720 * 0.75)
        words = page.get_textpage().get_text_range()
        rendered = page.render(scale=96 / 72).to_pil()
        page.close()
    assert all(name in words for name in (scene.title, "epoch 2.00", *scene.run.points.class_names))
    with Image.open(tmp_path / "a.png") as png:
        assert image_difference(png, rendered) < 0.02


def test_many_points_are_pixels_within_vector_files_and_many_classes_fit(large_library: Views, tmp_path: Path) -> None:
    figure = draw_embedding(load_scene(large_library, ExportRequest("many", epoch=0.5, colour="prediction")))
    style.save(figure, tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.find(".//{*}image") is not None
    assert len(root.findall(".//{*}use")) < 2000
    words = ["".join(text.itertext()) for text in root.findall(".//{*}text")]
    assert any("between snapshots 1 and 2 of 2" in line for line in words)
    assert (tmp_path / "a.svg").stat().st_size < 3e6


@pytest.mark.parametrize("colour", ["label", "prediction", "right", "distance", "margin"])
@pytest.mark.parametrize("mode", ["exact", "vote", "off"])
def test_every_colouring_and_mode_of_regions_is_drawn(views: Views, colour: str, mode: str, tmp_path: Path) -> None:
    marks = ("targets", "centres", "trails", "gaps", "labels")
    request = ExportRequest(RUN, colour=colour, regions=mode, epoch=1, camera="scale", marks=marks)
    style.save(draw_embedding(load_scene(views, request), 500, 400), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert len(picture.convert("RGB").getcolors(maxcolors=1 << 20)) > 50  # type: ignore[arg-type]


def test_the_camera_on_the_scale_shows_what_is_there(scene: Scene) -> None:
    low_x, low_y, high_x, high_y = box_at(scene.frames, 0)
    marks = np.concatenate([scene.frames.targets[0], scene.frames.centres[0]])  # type: ignore[index]
    assert ((marks > (low_x, low_y)) & (marks < (high_x, high_y))).all()


def test_ten_classes_have_ten_shapes_for_who_sees_no_colours(scene: Scene) -> None:
    collections = draw_embedding(scene).axes[0].collections
    shapes = [np.asarray(part.get_paths()[0].vertices).tobytes() for part in collections if part.get_gid() == "points"]
    assert len(set(shapes)) == 10


@pytest.mark.parametrize("colour", ["label", "prediction", "right", "distance"])
def test_classes_are_left_out_or_faint_as_on_the_page(views: Views, colour: str) -> None:
    scene = load_scene(views, ExportRequest(RUN, colour=colour, hidden=(0, 1), focus=(2, 3)))
    assert scene.strength.tolist() == [0, 0, 1, 1] + [FAINT] * 6
    labels = np.asarray(scene.run.labels)
    assert scene.count.startswith(f"{(labels > 1).sum()} of ")
    (axes, *_) = draw_embedding(scene).axes
    points = [part for part in axes.collections if part.get_gid() == "points"]
    offsets = [np.asarray(part.get_offsets()) for part in points]
    places = np.concatenate(offsets)
    for rows, is_there in ((labels > 1, True), (labels <= 1, False)):
        is_drawn = [np.isclose(places, u, atol=1e-6).all(axis=1).any() for u in scene.frames.points[-1][rows]]
        assert is_drawn == [is_there] * rows.sum()
    colours = [np.asarray(part.get_facecolor()) for part in points]
    alphas = np.concatenate([np.resize(c[:, 3], len(u)) for c, u in zip(colours, offsets, strict=True)])
    assert (alphas > 0.5).sum() == np.isin(labels, [2, 3]).sum()
    (targets,) = (part for part in axes.collections if part.get_gid() == "targets")
    assert len(np.asarray(targets.get_offsets())) == 8
    assert {text.get_text() for text in axes.texts} == {"2", "3"}
    alone = load_scene(views, ExportRequest(RUN, hidden=(5,), solo=5))
    assert alone.strength.tolist() == [0] * 5 + [1] + [0] * 4


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_has_the_numbers_of_the_metrics_and_differs_without_colour(scene: Scene, name: str) -> None:
    figure = draw_curve(scene, name)
    lines = figure.axes[0].get_lines()
    styles = {(str(line.get_linestyle()), str(line._dash_pattern), str(line.get_marker())) for line in lines}  # type: ignore[attr-defined]
    assert len(styles) == len(lines)
    assert figure.axes[0].get_xlabel()
    assert figure.axes[0].get_ylabel()
    if name == "accuracy":
        expected = [row["accuracy"]["euc"] for row in scene.run.metrics]
        assert any(np.allclose(line.get_ydata(), expected) for line in lines)


def test_a_heat_map_is_refused_as_a_curve() -> None:
    with pytest.raises(InputError, match="heatmap"):
        draw_plot(go.Figure(go.Heatmap(z=[[1]])), (400, 300), "title", "about")


# Films


def frames_of(path: Path, width: int, height: int) -> np.ndarray:
    """Every frame of a film as ffmpeg decodes it: (F, h, w, 3)."""
    decode = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-fps_mode", "passthrough"]
    raw = subprocess.run([*decode, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


@pytest.mark.parametrize(("kind", "theme"), [("mp4", "light"), ("webm", "dark"), ("gif", "light")])
def test_a_film_has_its_frames_and_the_player_s_picture(
    chromium: Any, views: Views, scene: Scene, kind: str, theme: str, tmp_path: Path
) -> None:
    shares: list[float] = []
    path = tmp_path / f"a.{kind}"
    sizes = {"width": 480, "height": 400, "fps": 10, "seconds": 1.2}
    n = write_film(views, scene, path, **sizes, theme=theme, on_progress=lambda share, what: shares.append(share))  # type: ignore[arg-type]
    frames = frames_of(path, 480, 400)
    assert n == len(frames) == len(shares) - 1 == 12
    assert shares[-1] == 1
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    inner = (56, 72, 480 - 56 - 24, 400 - 72 - 86)  # of film_frame.mjs and the player's margins
    times = frame_times(3, 10, 1.2)
    page = {"light": "white", "dark": "#1a1b1e"}[theme]
    for i in (0, 5, 11):
        assert share_of_tinted_places(Image.fromarray(frames[i]), scene, times[i], inner, page) > 0.7
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1


def test_a_film_runs_evenly_from_the_first_snapshot_to_the_last_and_stays_there() -> None:
    times = frame_times(31, 30, 20)
    assert len(times) == 600
    assert times[0] == 0
    assert times[-24:] == [30.0] * 24  # 0.8 seconds
    assert np.allclose(np.diff(times[:576]), 30 / 575)
    assert frame_times(1, 30, 1) == [0.0] * 30


def test_a_stopped_film_leaves_nothing(chromium: Any, finished_run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "explorer", "export", str(finished_run), "--what", "animation", "--seconds", "600"]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "a.mp4")], stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: any(path.stat().st_size for path in tmp_path.iterdir()), process)  # frames have been encoded
        helpers = psutil.Process(process.pid).children(recursive=True)
        assert len(helpers) >= 4  # the encoder and the several processes of the browser
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, stderr) == (130, "explorer: stopped\n")
    assert list(tmp_path.iterdir()) == []
    assert not psutil.wait_procs(helpers, timeout=PATIENCE)[1]


def test_without_a_browser_the_command_says_what_to_install(
    views: Views, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.export.film.browser.PROGRAM_NAMES", ())
    monkeypatch.setattr("explorer.export.film.browser.PROGRAM_PATHS", ())
    with pytest.raises(InputError, match="install Chrome, Chromium or Edge"):
        write_film(views, scene, tmp_path / "a.mp4")


# The page


def test_the_page_plays_from_disk_without_a_network(chromium: Any, views: Views, tmp_path: Path) -> None:
    scene = load_scene(views, ExportRequest(RUN, regions="targets", hidden=(4,), focus=(2, 3)))
    (tmp_path / "a.html").write_bytes(html_page(views, scene))
    assert (tmp_path / "a.html").stat().st_size < 8e6
    context = chromium.new_context(offline=True, viewport={"width": 1000, "height": 800})
    page = context.new_page()
    messages: list[str] = []
    urls: list[str] = []
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: urls.append(request.url))
    page.goto((tmp_path / "a.html").as_uri())

    def wait(condition: str) -> None:
        """Look from here: the policy of the page forbids a script within it that looks again and again."""
        eventually(page, lambda: page.evaluate(condition))

    def player(expression: str) -> Any:
        return page.evaluate(f"(() => {{ const p = document.querySelector('#stage').player; return {expression}; }})()")

    wait("document.querySelector('#stage')?.player?.state.time > 0.5")  # it plays by itself
    assert page.title() == scene.title
    player("(p.pause(), p.seek(2))")
    assert player("[[...p.state.hidden], p.state.solo, [...p.state.focus]]") == [[4], None, [2, 3]]
    assert page.inner_text("#now") == "snapshot 3 / 3 · epoch 2.00"
    assert player("[...Array(60).keys()].map((i) => p.describe(i).label)") == scene.run.labels.tolist()
    for name in ("euc_ce", "cos"):
        page.select_option("#classifier", name)
        predictions = player("[...Array(60).keys()].map((i) => p.describe(i).prediction)")
        assert predictions == scene.snapshots[2].predictions[name].tolist()
        assert "agree with" in page.inner_text("#regions")
    where = np.array([[v["x"], v["y"]] for v in player("[...Array(60).keys()].map((i) => p.screenOf(i))")])
    u = scene.frames.points[2]  # the same picture but for place and scale, one scale for both axes
    slopes = [np.polyfit(u[:, i], where[:, i], 1)[0] for i in (0, 1)]
    assert slopes[0] == pytest.approx(-slopes[1], rel=1e-3)
    assert np.corrcoef(u[:, 0], where[:, 0])[0, 1] > 0.99999
    moved = f"Math.abs(document.querySelector('#stage').player.screenOf(0).x - {where[0, 0]})"
    page.hover("#stage", position={"x": 100, "y": 100})
    page.mouse.wheel(0, -400)
    wait(f"{moved} > 5")
    page.dblclick("#stage .player-plot")
    wait(f"{moved} < 1")
    assert all(re.match(r"file:|data:", url) for url in urls)
    assert messages == []
    before = player("p.readPixel(60, 60)")
    page.click("#theme")
    wait("document.querySelector('#stage').player.stage.theme.name === 'dark'")
    assert sum(player("p.readPixel(60, 60)")) < sum(before) - 150
    context.close()


def test_the_page_exports_what_it_shows_and_can_record_itself(tabs: Any, views: Views, tmp_path: Path) -> None:
    with served_explorer(views.library.runs_folder, tmp_path) as address, open_tab(tabs, 900, 600) as page:
        page.goto(f"{address}/?epoch=1")
        page.wait_for_function("document.querySelector('#explore-stage')?.player?.stage.frameCount > 0")
        size, film = page.evaluate(
            """async () => {
              const { record } = await import("/assets/export/record.mjs");
              const { player } = document.querySelector("#explore-stage");
              const blob = await record(player, { seconds: 4, fps: 10 });
              if (player.epoch !== 1) throw new Error("the player is not where it was");
              const bytes = [...new Uint8Array(await blob.arrayBuffer())];
              return [[player.stage.canvas.width, player.stage.canvas.height], bytes];
            }"""
        )
        page.click("#explore-export summary")
        with page.expect_download() as download:
            page.click("[data-option=curve][data-kind=png]")
        assert download.value.suggested_filename == "finished-sigma_rho.png"
        with Image.open(download.value.path()) as picture:
            assert picture.size == (1440, 920)
        page.click("[data-what=animation][data-kind=mp4]")
        page.wait_for_selector(".export-told >> text=/frame|browser/")
        page.click(".export-stop")
        page.wait_for_selector(".export-told >> text=Stopped.")
    (tmp_path / "a.webm").write_bytes(bytes(film))
    frames = frames_of(tmp_path / "a.webm", *size)
    assert len(frames) >= 5
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 0.5


def test_every_module_of_the_page_finds_its_imports() -> None:
    modules = json.loads(build_import_map("export/page.mjs"))["imports"]
    assert {"player/main.mjs", "player/render/gpu.mjs", "player/controls/timebar.mjs"} <= set(modules)
    for url in modules.values():
        source = base64.b64decode(url.partition(",")[2]).decode()
        for specifier in re.findall(r"^(?:import|export)\b[^;\"]*?\bfrom \"([^\"]+)\"", source, re.MULTILINE):
            assert specifier in modules


# Tables, archives


def test_tables_hold_the_numbers_of_the_snapshots(scene: Scene, tmp_path: Path) -> None:
    for kind in ("csv", "parquet", "npz"):
        write_table(scene, tmp_path / f"a.{kind}")
    parquet_table = parquet.read_table(tmp_path / "a.parquet")
    snapshots = scene.snapshots
    assert parquet_table.num_rows == 3 * 60
    for field in parquet_table.schema:
        assert field.metadata[b"meaning"].decode() == describe_column(field.name)
    for name, arrays in (
        ("x", scene.frames.points[..., 0]),
        ("label", [scene.run.labels] * 3),
        ("distance_to_target", [s.target_distances for s in snapshots]),
        ("decision_cos_ce", [s.predictions["cos_ce"] for s in snapshots]),
        ("margin_euc", [s.margins["euc"] for s in snapshots]),
    ):
        np.testing.assert_array_equal(parquet_table[name].to_numpy(), np.concatenate(list(arrays)))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == parquet_table.column_names
    np.testing.assert_allclose(
        [float(row["margin_euc"]) for row in rows], parquet_table["margin_euc"].to_numpy(), rtol=1e-6
    )
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays_:
        np.testing.assert_array_equal(arrays_["positions"], scene.frames.points)
        np.testing.assert_array_equal(arrays_["decision_euc"], np.stack([s.predictions["euc"] for s in snapshots]))
        documented = json.loads(str(arrays_["about"]))["arrays"]
        assert {of_any_classifier(name) for name in arrays_.files} <= set(documented)
    assert {of_any_classifier(name) for name in parquet_table.column_names} == set(COLUMNS)


def of_any_classifier(name: str) -> str:
    """The name of a column or an array with `*` for its classifier."""
    return re.sub(rf"_({'|'.join(CLASSIFIERS)})$", "_*", name)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_is_read_back_by_mtm_import(finished_run: Path, kind: str, tmp_path: Path) -> None:
    write_archive(Run.open(finished_run), tmp_path / f"mine.{kind}")
    imported = import_run(tmp_path / f"mine.{kind}", tmp_path / "runs" / "back")
    assert imported.problems == []
    assert imported.status.state == "finished"
    files = {path.relative_to(imported.folder) for path in imported.folder.rglob("*") if path.is_file()}
    assert len(files) == 4 + 3
    assert all((imported.folder / name).read_bytes() == (finished_run / name).read_bytes() for name in files)
    with pytest.raises(InputError, match="exists already"):
        import_run(tmp_path / f"mine.{kind}", tmp_path / "runs" / "back")


def test_an_archive_can_bring_the_weights(finished_run: Path, tmp_path: Path) -> None:
    write_archive(Run.open(finished_run), tmp_path / "a.zip", weights=True)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert f"{RUN}/checkpoint/last.safetensors" in archive.namelist()


def test_an_archive_of_a_stranger_puts_nothing_elsewhere(finished_run: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.add(finished_run / "config.json", "../../config.json")
        archive.add(finished_run / "config.json", "/etc/config.json")
        link = tarfile.TarInfo("run/config.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(InputError, match="not the archive of a run"):
        import_run(tmp_path / "evil.tar", tmp_path / "runs" / "back")
    assert list((tmp_path / "runs").iterdir()) == []


# The command and the page's route


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--what", "film", "--out", "a.mp4"], "unknown export 'film'"),
        (["--what", "figure", "--out", "a.gif"], "unknown kind of figure 'gif'"),
        (["--what", "figure", "--out", "no/a.png"], "there is no folder no"),
        (["--what", "figure", "--out", "a.png", "--epoch", "9"], "epoch 9 is not in this run; it goes from 0 to 2"),
        (["--what", "figure", "--out", "a.png", "--scale", "9"], "1 to 4 times"),
        (["--what", "figure", "--out", "a.png", "--width", "240"], "--width 240: this figure has 292 to 10,000"),
        (["--what", "figure", "--out", "a.png", "--fps", "9"], "--fps does not go with --what figure"),
        (["--what", "figure", "--out", "a.png", "--view", "tsne"], "unknown view 'tsne'"),
        (["--what", "figure", "--out", "a.png", "--classifier", "argmax"], "unknown classifier 'argmax'"),
        (["--what", "figure", "--out", "a.png", "--hidden", "3,10"], "there is no class 10; finished has classes 0 to"),
        (["--what", "figure", "--out", "a.png", "--focus", "Bag"], "--focus Bag: numbers of classes are meant"),
        (["--what", "data", "--out", "a.csv", "--solo", "3"], "--solo does not go with --what data"),
        (["--what", "figure", "--out", "a.png", "--curve", "loss"], "unknown curve 'loss'"),
        (["--what", "animation", "--out", "a.mp4", "--width", "481"], "even numbers"),
        (["--what", "animation", "--out", "a.mp4", "--browser", "none"], "--browser none: there is no such program"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    views: Views,
    arguments: list[str],
    sentence: str,
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from typer.testing import CliRunner

    from explorer.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("explorer.export.command.user_cache_path", lambda name: views.cache)
    result = CliRunner().invoke(app, ["export", str(finished_run), *arguments])
    assert isinstance(result.exception, InputError)
    assert sentence in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_the_route_answers_with_the_file_or_a_sentence(
    views: Views, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = Flask(__name__)
    routes.register(server, views)
    client = server.test_client()

    def ask(query: str) -> Any:
        return client.post("/api/export", json=dict(parse_qsl(query)))

    response = ask(f"run={RUN}&what=figure&kind=png&view=pca&shown=targets,labels&width=400&height=300")
    assert response.headers["Content-Disposition"] == f"attachment; filename={RUN}-pca.png"
    assert Image.open(io.BytesIO(response.data)).size == (800, 600)
    response.close()
    for query, sentence in (
        ("what=figure&kind=png&run=../finished", "there is no run"),
        (f"what=figure&kind=../x&run={RUN}", "the ending of a file"),
        (f"what=figure&kind=png&run={RUN}&epoch=soon", "a number is meant"),
        (f"what=figure&kind=png&run={RUN}&hidden=1,x", "numbers of classes are meant"),
        (f"what=figure&kind=png&run={RUN}&solo=77", "there is no class 77"),
    ):
        response = ask(query)
        assert response.status_code == (404 if sentence == "there is no run" else 400)
        assert sentence in response.get_json()["error"]
    assert list(tmp_path.iterdir()) == []
