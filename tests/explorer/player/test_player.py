"""The player in a real Chromium, by its pixels: what is on the screen is what the arrays say."""

from __future__ import annotations

import io
import json
import math
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import plotly
import pytest
from conftest import ROOT, eventually
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page
from scipy import ndimage

from explorer.figures.colours import CLASS_COLOURS, RAMP, RIGHT, WRONG
from explorer.space import encoding
from explorer.web import binary

ASSETS = ROOT / "assets"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
NO_WEBGL2 = """
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind === "webgl2" ? null : original.call(this, kind, ...rest);
    };"""
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin: 0; background: white; color: black">
<div id="a" style="position: relative; width: 640px; height: 600px"></div>
<div id="b" style="position: relative; width: 640px; height: 0"></div><input id="typing">
<script src="/plotly.js"></script>
<script type="module">
  const before = new Set(Object.keys(window));
  const [{ mount }, data] = await Promise.all([import("/assets/player/main.mjs"), import("/assets/player/data.mjs")]);
  window.added = Object.keys(window).filter((name) => !before.has(name));
  Object.assign(window, { mount, data });
</script>"""

Array = NDArray[Any]
Colour = tuple[float, ...]


class Site:
    """A local server of the page, the browser code and whatever bytes a test puts into `files`."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | tuple[int, str]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content, kind = site.find(self.path.split("?")[0])
                if isinstance(content, tuple):
                    status, content = content[0], content[1].encode()
                else:
                    status = 200 if content is not None else 404
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, path: str) -> tuple[Any, str]:
        if path == "/":
            return PAGE.encode(), "text/html"
        if path == "/plotly.js":
            return PLOTLY.read_bytes(), "text/javascript"
        if path.startswith("/assets/"):
            return (ASSETS / path.removeprefix("/assets/")).read_bytes(), "text/javascript"
        return self.files.get(path.removeprefix("/")), "application/octet-stream"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def browser(chromium: Browser) -> Browser:
    return chromium


@pytest.fixture(scope="module")
def new_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """A page with the modules loaded; nothing in it may raise."""
    contexts, errors = [], []

    def make(script: str = "", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": 660, "height": 640}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        if script:
            page.add_init_script(script)
        page.goto(site.url)
        page.wait_for_function("window.mount && window.Plotly")
        return page

    yield make
    for context in contexts:
        context.close()
    assert not errors


@pytest.fixture(scope="module")
def shared_page(new_page: Callable[..., Page]) -> Page:
    """One page for all tests that need nothing special: each mounts its own player."""
    return new_page()


@pytest.fixture
def page(shared_page: Page) -> Iterator[Page]:
    yield shared_page
    shared_page.evaluate("""() => {
      for (const id of ["a", "b"]) document.getElementById(id).player?.remove();
      document.body.style.background = "white";
      document.body.style.color = "black";
      document.getElementById("b").style.height = "0";
      document.activeElement?.blur();
    }""")
    shared_page.mouse.move(0, 0)


# A run made by hand


def make_run(
    n: int = 40, t: int = 4, c: int = 10, seed: int = 0, spacing: float = 0.0, reach: float = 10.0
) -> SimpleNamespace:
    """Random walks; with `spacing` the points are apart from each other by that at every snapshot and half-way."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % c
    points = np.empty((t, n, 2), np.float32)
    kept = rng.uniform(-reach, reach, (n, 2))
    while spacing and len(close := np.argwhere(np.triu(np.hypot(*(kept[:, None] - kept).T) < spacing, 1))):
        kept[close[:, 1]] = rng.uniform(-reach, reach, (len(close), 2))
    steps = rng.normal(0, 0.02 * reach, (t, 1, 2)) + rng.normal(0, 0.004 * reach, (t, n, 2))
    points[:] = kept + np.cumsum(steps, axis=0)
    targets = rng.uniform(-reach, reach, (c, 2)) + np.cumsum(rng.normal(0, 0.05 * reach, (t, c, 2)), axis=0)
    centres = np.stack([[points[s][labels == k].mean(axis=0) for k in range(c)] for s in range(t)])
    return SimpleNamespace(
        labels=labels,
        class_names=[f"class {k}" for k in range(c)],
        predictions={"euc_ce": np.where(rng.random((t, n)) < 0.3, (labels + 1) % c, labels)},
        margins={"euc_ce": rng.exponential(size=(t, n))},
        frames=SimpleNamespace(
            method="pca", points=points, targets=targets.astype(np.float32), centres=centres.astype(np.float32),
            epochs=np.array([0.0, 0.1, 0.3, 1.0, 2.0, 3.0, 4.0, 5.0])[:t], variance=None, snapshots=["x"] * t,
        ),
    )  # fmt: skip


QUIET = {
    **{"targets": False, "centres": False, "trails": False, "labels": False, "still": True},
    "renderer": "gpu",  # also where the processor does its work, as here
}
BIG = {"pointSize": 13, "pointOpacity": 1, **QUIET}


class Shown:
    """A mounted player with a run."""

    def __init__(
        self, page: Page, site: Site, run: Any, options: dict[str, Any], regions: bytes | None, at: str
    ) -> None:
        self.page, self.site, self.run, self.at = page, site, run, at
        site.files["frames"] = encoding.encode_frames(run.frames, class_names=run.class_names)
        site.files["attributes"] = encoding.encode_attributes(
            run.labels,
            class_names=run.class_names,
            predictions=run.predictions,
            margins=run.margins,
            target_distances=getattr(run, "distances", None),
        )
        site.files["regions"] = regions or b""
        page.evaluate(
            """async ([id, options, regions]) => {
              const player = mount(document.getElementById(id), options);
              window[id + "Events"] = [];
              for (const event of ["time", "hover", "mark", "click", "select", "notice", "legend"])
                player.on(event, (value) => window[id + "Events"].push([event, value]));
              await player.load({ frames: "/frames", attributes: "/attributes", sprite: "/sprite.png" });
              if (regions) player.setRegions(await data.fetchArrays("/regions", "the regions"));
              await player.ready;
              player.draw();
            }""",
            [at, options, regions is not None],
        )

    def js(self, expression: str, argument: object = None) -> Any:
        """Evaluate with `player` and `arg`."""
        body = expression if "return " in expression else f"return {expression}"
        return self.page.evaluate(
            f"async (arg) => {{ const player = document.getElementById('{self.at}').player; {body}; }}", argument
        )

    def set(self, **options: object) -> None:
        for name, value in options.items():
            self.js("player.set(arg[0], arg[1])", [name, value])

    def seek(self, time: float) -> None:
        self.js("player.seek(arg)", time)

    def pixels(self) -> Array:
        """The element as it is on the screen (height, width, 3), after everything asked for is drawn."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        picture = self.page.locator(f"#{self.at}").screenshot(animations="disabled")  # Plotly's buttons fade in
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)

    def events(self, kind: str) -> list[Any]:
        return [value for event, value in self.page.evaluate(f"{self.at}Events") if event == kind]

    def axes(self) -> dict[str, Any]:
        """What Plotly's axes show, read without the player."""
        return self.js("""
            const { xaxis, yaxis } = player.root.querySelector('.js-plotly-plot')._fullLayout;
            return { left: xaxis._offset, width: xaxis._length, x: xaxis.range.map(Number),
                     top: yaxis._offset, height: yaxis._length, y: yaxis.range.map(Number) }""")

    def screen(self, u: Array) -> Array:
        """Positions of the data (..., 2) -> CSS pixels of the element, by Plotly's axes."""
        a = self.axes()
        x = a["left"] + a["width"] * (u[..., 0] - a["x"][0]) / (a["x"][1] - a["x"][0])
        y = a["top"] + a["height"] * (1 - (u[..., 1] - a["y"][0]) / (a["y"][1] - a["y"][0]))
        return np.stack([x, y], axis=-1)

    def data(self, pixels: Array) -> Array:
        """The middles of pixels (..., 2) of the element -> positions of the data."""
        a = self.axes()
        x = a["x"][0] + (pixels[..., 0] + 0.5 - a["left"]) / a["width"] * (a["x"][1] - a["x"][0])
        y = a["y"][1] - (pixels[..., 1] + 0.5 - a["top"]) / a["height"] * (a["y"][1] - a["y"][0])
        return np.stack([x, y], axis=-1)

    def inner(self, picture: Array) -> Array:
        """Which pixels lie well within the axes."""
        a = self.axes()
        y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
        return (
            (x > a["left"] + 3)
            & (x < a["left"] + a["width"] - 4)
            & (y > a["top"] + 3)
            & (y < a["top"] + a["height"] - 4)
        )


@pytest.fixture
def show(page: Page, site: Site) -> Callable[..., Shown]:
    def shown(run: Any, regions: bytes | None = None, at: str = "a", on: Page | None = None, **options: Any) -> Shown:
        return Shown(on or page, site, run, {**QUIET, **options}, regions, at)

    return shown


@pytest.fixture(params=["gpu", "cpu"])
def show_by(request: pytest.FixtureRequest, show: Callable[..., Shown]) -> Callable[..., Shown]:
    """`show`, drawn by the graphics card and by the processor."""
    return lambda run, regions=None, **options: show(run, regions, **{**options, "renderer": request.param})


def rgb(colour: str) -> Colour:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def blend(array: Array, time: float) -> Array:
    """An array (T, ...) at a time in snapshots."""
    before = min(int(time), len(array) - 1)
    after = min(before + 1, len(array) - 1)
    return np.asarray(array[before] + (time - before) * (array[after].astype(float) - array[before]))


def near(picture: Array, colour: Colour, tolerance: float = 12) -> Array:
    return np.abs(picture - np.array(colour)).max(axis=-1) <= tolerance


def blobs(picture: Array, colour: Colour) -> Array:
    """The centres (n, 2) in x, y of what has a colour, from the upper left corner of the first pixel."""
    marks, n = ndimage.label(near(picture, colour))
    sizes = ndimage.sum_labels(marks > 0, marks, range(1, n + 1))
    large = [i + 1 for i, size in enumerate(sizes) if size > 15]
    return np.array([centre[::-1] for centre in ndimage.center_of_mass(marks > 0, marks, large)]).reshape(-1, 2) + 0.5


def distances_to_nearest(found: Array, expected: Array) -> Array:
    return np.linalg.norm(found[:, None] - expected, axis=-1).min(axis=1)


def assert_points(shown: Shown, time: float, tolerance: float = 0.7) -> None:
    """As many discs of every class's colour as it has images, where the arrays say."""
    picture = shown.pixels()
    expected = shown.screen(blend(shown.run.frames.points, time))
    for k in range(len(shown.run.class_names)):
        found = blobs(picture, rgb(CLASS_COLOURS[k % 10]))
        own = expected[shown.run.labels == k]
        assert len(found) == len(own), f"class {k}"
        assert distances_to_nearest(found, own).max() < tolerance, f"class {k}"


# Points


@pytest.mark.parametrize("time", [0, 2, 0.5, 1.5, 2.25, 3])
def test_points_are_where_the_arrays_say_at_snapshots_and_between(show_by: Callable[..., Shown], time: float) -> None:
    shown = show_by(make_run(spacing=2.0), **BIG)
    shown.seek(time)
    assert_points(shown, time)


def test_without_tween_the_nearest_snapshot_is_shown(show: Callable[..., Shown]) -> None:
    shown = show(make_run(spacing=2.0), **BIG, tween=False)
    shown.seek(1.6)
    assert_points(shown, 2)


def test_points_follow_the_axes_when_one_zooms_drags_and_resizes(show_by: Callable[..., Shown]) -> None:
    shown = show_by(make_run(n=10, spacing=6.0), **BIG)
    start = shown.axes()
    shown.page.mouse.move(320, 300)
    shown.js("player.root.querySelector('.js-plotly-plot').once('plotly_relayout', () => (window.rested = true))")
    shown.page.mouse.wheel(0, 80)  # zooms out
    shown.page.wait_for_function("window.rested")  # Plotly waits for more of the wheel
    assert np.ptp(shown.axes()["x"]) > 1.02 * np.ptp(start["x"])
    assert_points(shown, 0)
    shown.page.mouse.down()
    shown.page.mouse.move(340, 280, steps=3)
    assert_points(shown, 0)  # while the button is down
    shown.page.mouse.move(350, 260, steps=3)
    shown.page.mouse.up()
    assert shown.axes()["x"][0] != start["x"][0]
    assert_points(shown, 0)
    shown.page.evaluate("document.getElementById('a').style.width = '520px'")
    eventually(shown.page, lambda: shown.axes()["width"] < start["width"] - 100)
    assert_points(shown, 0)
    shown.page.evaluate("document.getElementById('a').style.width = '640px'")
    shown.page.mouse.dblclick(320, 300)
    shown.page.wait_for_timeout(300)


def test_the_axes_have_equal_scale_and_hold_everything(show: Callable[..., Shown]) -> None:
    shown = show(make_run())
    a = shown.axes()
    assert a["width"] / np.ptp(a["x"]) == pytest.approx(a["height"] / np.ptp(a["y"]), rel=1e-6)
    frames = shown.run.frames
    for moving in (frames.points, frames.targets, frames.centres):
        assert (moving > [a["x"][0], a["y"][0]]).all()
        assert (moving < [a["x"][1], a["y"][1]]).all()


def test_a_point_without_position_is_not_drawn_nor_found(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    place = run.frames.points[1, 3].copy()
    run.frames.points[1, 3] = np.nan
    shown = show_by(run, **BIG)
    for time, there in ((0, 1), (0.5, 0), (1, 0), (1.5, 0), (2, 1)):
        shown.seek(time)
        assert len(blobs(shown.pixels(), rgb(CLASS_COLOURS[3]))) == there, time
    shown.seek(1)
    x, y = shown.screen(place).tolist()
    assert shown.js("player.pick(arg)", {"x": x, "y": y}) == -1


def test_more_classes_than_a_byte_can_tell_and_a_single_snapshot(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=300, c=300, t=1)
    run.frames.points[0] = np.stack(np.meshgrid(np.arange(20), np.arange(15)), axis=-1).reshape(-1, 2)
    shown = show_by(run, **BIG, colour="prediction")
    shown.js("player.play()")
    expected = np.array([rgb(CLASS_COLOURS[k % 10]) for k in run.predictions["euc_ce"][0]])
    assert np.abs(colours_at_points(shown) - expected).max() <= 4
    shown.set(hidden=[299, 42], colour="label")
    expected = np.array([rgb(CLASS_COLOURS[k % 10]) if k not in (299, 42) else (255, 255, 255) for k in range(300)])
    assert np.abs(colours_at_points(shown) - expected).max() <= 4
    assert not shown.js("player.state.playing")


def test_images_sorted_by_class_do_not_hide_each_other(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=4000, c=2)
    run.labels = np.repeat([0, 1], 2000)
    run.predictions = {"euc_ce": np.tile(run.labels, (4, 1))}
    run.frames.points[:] = np.random.default_rng(1).normal(size=(4000, 2))
    shown = show_by(run, pointSize=8, pointOpacity=1)
    picture = shown.pixels()
    first, second = (near(picture, rgb(CLASS_COLOURS[k])).sum() for k in (0, 1))
    assert 0.7 < first / second < 1.4


def test_device_pixels_are_used_and_nothing_shifts(new_page: Callable[..., Page], show: Callable[..., Shown]) -> None:
    shown = show(make_run(n=10, spacing=6.0), on=new_page(device_scale_factor=2), **BIG)
    shown.seek(0.5)
    picture = shown.pixels()
    assert picture.shape == (1200, 1280, 3)
    expected = 2 * shown.screen(blend(shown.run.frames.points, 0.5))
    for k in range(10):
        found = blobs(picture, rgb(CLASS_COLOURS[k]))
        assert distances_to_nearest(found, expected[shown.run.labels == k]).max() < 1
    assert shown.js("player.stage.canvas.width") == round(2 * shown.axes()["width"])


# Regions


def references(kind: str, c: int, seed: int = 3) -> Any:
    """Random references in D = 5 over three snapshots, an oblique plane, its regions by the plan's formulas."""
    rng = np.random.default_rng(seed)
    t, d = 3, 5
    origin = rng.normal(size=d)
    basis = np.linalg.qr(rng.normal(size=(d, 2)))[0]
    # near the plane, so that many classes have a region; they move by about their distance
    near_plane = origin + rng.uniform(-9, 9, (t, c, 2)) @ basis.T
    x = near_plane.mean(0) + 0.7 * (near_plane - near_plane.mean(0)) + rng.normal(0, 0.5, (t, c, d))
    square, step = np.zeros((t, c)), (np.diff(x, axis=0) ** 2).sum(-1)
    bias = rng.normal(size=(t, c))
    if kind == "power":
        constant = -((x - origin) ** 2).sum(-1)
        gradient = 2 * (x - origin) @ basis
    elif kind == "cosine":
        constant, gradient, square = x @ origin, x @ basis, (x**2).sum(-1)
    else:
        constant, gradient, step = x @ origin + bias, x @ basis, np.zeros((t - 1, c))
    affine = np.concatenate([gradient, constant[..., None]], axis=-1)
    return SimpleNamespace(
        kind=kind, affine=affine, square=square, step=step, x=x, bias=bias, origin=origin, basis=basis
    )


def decide_in_d_dimensions(r: Any, time: float, u: Array) -> Array:
    """The classes that the interpolated references decide at positions u (M, 2) of the plane: brute force."""
    place = r.origin + u @ r.basis.T  # (M, D)
    x, bias = blend(r.x, time), blend(r.bias, time)
    if r.kind == "power":
        scores = -((place[:, None] - x) ** 2).sum(-1)
    elif r.kind == "cosine":
        scores = place @ x.T / np.linalg.norm(x, axis=1)
    else:
        scores = place @ x.T + bias
    return np.asarray(np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1))


def still_run(t: int, c: int) -> Any:
    """A run whose points are out of the way: hidden in one corner."""
    run = make_run(n=c, t=t, c=c)
    run.frames.points[:] = [[-10, -10]]
    run.frames.points[:, 1] = [10, 10]
    run.frames.targets[:] = run.frames.centres[:] = 0
    return run


def sample(shown: Shown, picture: Array, n: int, decide: Callable[[Array], Array]) -> tuple[Array, Array]:
    """Pixels (n, 2) within the axes that lie at least two pixels from every boundary, and their classes."""
    rng = np.random.default_rng(5)
    y, x = np.nonzero(shown.inner(picture))
    chosen = rng.choice(len(x), n, replace=False)
    pixels = np.stack([x[chosen], y[chosen]], axis=-1)
    around = [decide(shown.data(pixels + offset)) for offset in ([0, 0], [2, 0], [-2, 0], [0, 2], [0, -2])]
    clear = np.all([other == around[0] for other in around], axis=0)
    return pixels[clear], around[0][clear]


def over_white(colour: Colour, alpha: float) -> Array:
    return 255 + alpha * (np.array(colour) - 255)


@pytest.mark.parametrize("kind", ["power", "cosine", "linear"])
@pytest.mark.parametrize("c", [3, 10, 100])
def test_every_pixel_has_the_region_that_is_decided_in_d_dimensions(
    show_by: Callable[..., Shown], kind: str, c: int
) -> None:
    r = references(kind, c)
    shown = show_by(still_run(3, c), encoding.encode_regions(r), pointSize=1, regionOpacity=0.6, boundaries=True)
    for time in (0, 0.5, 1.3, 2):
        shown.seek(time)
        picture = shown.pixels()
        pixels, classes = sample(shown, picture, 1500, partial(decide_in_d_dimensions, r, time))
        assert len(pixels) > 700
        assert len(np.unique(classes)) > 2
        expected = np.array([over_white(rgb(CLASS_COLOURS[k % 10]), 0.6) for k in classes])
        off = np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1)
        assert (off <= 3).mean() > 0.998, time  # a narrow region may end within two pixels


def test_regions_stay_exact_when_one_zooms_far_in(show_by: Callable[..., Shown]) -> None:
    r = references("power", 10)
    shown = show_by(still_run(3, 10), encoding.encode_regions(r), pointSize=1, regionOpacity=0.6, boundaries=False)
    shown.seek(0.7)
    grid = np.stack(np.meshgrid(np.linspace(-8, 8, 400), np.linspace(-8, 8, 400)), -1).reshape(-1, 2)
    classes = decide_in_d_dimensions(r, 0.7, grid).reshape(400, 400)
    y, x = np.argwhere(classes[:, 1:] != classes[:, :-1])[100]
    middle = grid.reshape(400, 400, 2)[y, x]
    shown.js(
        """const ranges = { 'xaxis.range': arg[0], 'yaxis.range': arg[1] };
        await Plotly.relayout(player.root.querySelector('.js-plotly-plot'), ranges);
        return 0""",
        [[middle[0] - 0.05, middle[0] + 0.05], [middle[1] - 0.05, middle[1] + 0.05]],
    )
    picture = shown.pixels()
    pixels, found = sample(shown, picture, 1500, lambda u: decide_in_d_dimensions(r, 0.7, u))
    assert len(np.unique(found)) >= 2
    expected = np.array([over_white(rgb(CLASS_COLOURS[k]), 0.6) for k in found])
    assert (np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1) <= 3).all()


def test_a_class_that_does_not_exist_has_no_region(show_by: Callable[..., Shown]) -> None:
    r = references("power", 4)
    r.affine[:, 2] = np.nan
    r.x[:, 2] = np.nan
    shown = show_by(still_run(3, 4), encoding.encode_regions(r), pointSize=1, regionOpacity=1, boundaries=False)
    shown.seek(0.5)
    picture = shown.pixels()
    assert not near(picture, rgb(CLASS_COLOURS[2])).any()
    pixels, classes = sample(shown, picture, 500, lambda u: decide_in_d_dimensions(r, 0.5, u))
    expected = np.array([rgb(CLASS_COLOURS[k]) for k in classes])
    assert (np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1) <= 3).all()


def test_a_reference_of_length_zero_scores_zero_for_the_cosine(show_by: Callable[..., Shown]) -> None:
    r = references("cosine", 3)
    r.x[:, 0] = 0
    r.affine[:, 0] = r.square[:, 0] = r.step[:, 0] = 0
    shown = show_by(still_run(3, 3), encoding.encode_regions(r), pointSize=1, regionOpacity=1, boundaries=False)
    shown.seek(1)

    def decide(u: Array) -> Array:
        scores = (r.origin + u @ r.basis.T) @ (r.x[1] / np.maximum(np.linalg.norm(r.x[1], axis=1), 1e-9)[:, None]).T
        return np.asarray(scores.argmax(axis=1))

    picture = shown.pixels()
    pixels, classes = sample(shown, picture, 500, decide)
    expected = np.array([rgb(CLASS_COLOURS[k]) for k in classes])
    assert (np.abs(picture[pixels[:, 1], pixels[:, 0]] - expected).max(axis=1) <= 3).all()


def test_boundaries_run_between_regions_and_can_be_switched_off(show_by: Callable[..., Shown]) -> None:
    r = references("power", 10)
    shown = show_by(still_run(3, 10), encoding.encode_regions(r), pointSize=1, regionOpacity=0.3, boundaries=True)
    shown.seek(0.5)
    lined = shown.pixels()
    shown.set(boundaries=False)
    plain = shown.pixels()
    inner = shown.inner(plain)
    y, x = np.nonzero(inner)
    classes = np.full(plain.shape[:2], -1)
    classes[inner] = decide_in_d_dimensions(r, 0.5, shown.data(np.stack([x, y], axis=-1)))
    change = inner[:, 1:] & inner[:, :-1] & (classes[:, 1:] != classes[:, :-1])
    rows, columns = np.nonzero(change)
    assert len(rows) > 300
    darker = (plain - lined).mean(axis=-1)
    at_boundary = np.maximum(darker[rows, columns], darker[rows, columns + 1])
    assert (at_boundary > 25).mean() > 0.98
    away = ndimage.distance_transform_edt(~ndimage.binary_dilation(np.pad(change, ((0, 0), (0, 1))), iterations=1)) > 3
    vertical = inner[1:] & inner[:-1] & (classes[1:] != classes[:-1])
    away &= ndimage.distance_transform_edt(~np.pad(vertical, ((0, 1), (0, 0)))) > 3
    assert (np.abs(darker[inner & away]) <= 1).mean() > 0.999


def test_regions_can_be_taken_off_and_their_opacity_changed(show_by: Callable[..., Shown]) -> None:
    r = references("linear", 3)
    shown = show_by(still_run(3, 3), encoding.encode_regions(r), pointSize=1, boundaries=False)
    middle = shown.screen(np.zeros(2)).astype(int)
    k = int(decide_in_d_dimensions(r, 0, shown.data(middle[None]))[0])
    for opacity in (0.1, 0.5, 1):
        shown.set(regionOpacity=opacity)
        found = shown.pixels()[middle[1], middle[0]]
        assert np.abs(found - over_white(rgb(CLASS_COLOURS[k]), opacity)).max() <= 3
    shown.js("player.setRegions(null)")
    assert (shown.pixels()[middle[1], middle[0]] == 255).all()


def test_the_vote_map_fades_with_evidence_and_from_snapshot_to_snapshot(show_by: Callable[..., Shown]) -> None:
    classes = np.zeros((3, 20, 20), int)
    classes[:, :, 10:] = 1  # the right half
    classes[1] = 2  # everywhere at snapshot 1
    evidence = np.ones((3, 20, 20))
    evidence[:, 15:] = 0  # the upper quarter knows nothing
    shown = show_by(
        still_run(3, 3), encoding.encode_vote(classes, evidence, [-10, -10, 10, 10]), pointSize=1, regionOpacity=0.8,
        boundaries=False,
    )  # fmt: skip
    left, right, top = (shown.screen(np.array(u)).astype(int) for u in ([-5.0, -4.0], [5.0, -4.0], [-5.0, 8.0]))
    fills = [over_white(rgb(CLASS_COLOURS[k]), 0.8) for k in range(3)]
    for time, at_left, at_right in (
        (0, fills[0], fills[1]),
        (1, fills[2], fills[2]),
        (0.5, (fills[0] + fills[2]) / 2, (fills[1] + fills[2]) / 2),
    ):
        shown.seek(time)
        picture = shown.pixels()
        assert np.abs(picture[left[1], left[0]] - at_left).max() <= 4
        assert np.abs(picture[right[1], right[0]] - at_right).max() <= 4
        assert (picture[top[1], top[0]] == 255).all()


# Classes, colours


def test_a_hidden_class_disappears_and_solo_shows_one(show_by: Callable[..., Shown]) -> None:
    options = {**BIG, "targets": True, "centres": True, "trails": True, "gaps": True}
    shown = show_by(make_run(spacing=2.0), references_of_targets(make_run(spacing=2.0)), **options)
    shown.seek(1)
    shown.set(hidden=[3])
    picture = shown.pixels()
    assert not near(picture, rgb(CLASS_COLOURS[3])).any()
    assert near(picture, rgb(CLASS_COLOURS[4])).any()
    shown.js("player.setRegions(null)")
    shown.set(targets=False, centres=False, trails=False, gaps=False)
    assert (colours_at_points(shown)[shown.run.labels == 3] == 255).all()
    assert (colours_at_points(shown)[shown.run.labels != 3] < 250).any(axis=1).all()
    shown.set(targets=True, centres=True, trails=True, gaps=True)
    shown.set(solo=3)
    picture = shown.pixels()
    assert len(blobs(picture, rgb(CLASS_COLOURS[3]))) >= 4
    assert not any(near(picture, rgb(CLASS_COLOURS[k])).any() for k in range(10) if k != 3)
    shown.set(solo=None, hidden=[])
    assert all(near(shown.pixels(), rgb(CLASS_COLOURS[k])).any() for k in range(10))


def references_of_targets(run: Any) -> bytes:
    """The Voronoi diagram of the drawn targets."""
    c = run.frames.targets.astype(float)
    affine = np.concatenate([2 * c, -(c**2).sum(-1, keepdims=True)], axis=-1)
    step = (np.diff(c, axis=0) ** 2).sum(-1)
    return encoding.encode_regions(
        SimpleNamespace(kind="power", affine=affine, square=np.zeros(c.shape[:2]), step=step)
    )


def test_a_focus_makes_the_others_faint_and_recolours_beyond_ten(show_by: Callable[..., Shown]) -> None:
    shown = show_by(make_run(n=24, c=12, spacing=3.0), **BIG)
    assert len(blobs(shown.pixels(), rgb(CLASS_COLOURS[0]))) == 4  # classes 0 and 10 share a colour
    shown.set(focus=[11, 10])
    picture = shown.pixels()
    expected = shown.screen(shown.run.frames.points[0])
    for k, colour in ((11, CLASS_COLOURS[0]), (10, CLASS_COLOURS[1])):
        found = blobs(picture, rgb(colour))
        assert len(found) == 2
        assert distances_to_nearest(found, expected[shown.run.labels == k]).max() < 0.7
    x, y = expected[2].astype(int)
    assert (picture[y, x] > 225).all()
    assert (picture[y, x] < 255).any()


def colours_at_points(shown: Shown) -> Array:
    picture = shown.pixels()
    x, y = shown.screen(blend(shown.run.frames.points, shown.js("player.stage.time"))).astype(int).T
    return np.asarray(picture[y, x])


def test_points_are_coloured_by_prediction_and_by_right_and_wrong(show_by: Callable[..., Shown]) -> None:
    shown = show_by(make_run(spacing=2.0), **BIG, colour="prediction", classifier="euc_ce")
    predicted, labels = shown.run.predictions["euc_ce"], shown.run.labels
    palette = np.array([rgb(colour) for colour in CLASS_COLOURS])
    right_wrong = np.array([rgb(RIGHT), rgb(WRONG)])
    assert (predicted[1] != predicted[2]).any()
    for time in (1, 1.5, 2):
        shown.seek(time)
        shown.set(colour="prediction")
        expected = blend(palette[predicted], time)
        assert np.abs(colours_at_points(shown) - expected).max() <= 4
        shown.set(colour="right")
        expected = blend(right_wrong[(predicted != labels).astype(int)], time)
        assert np.abs(colours_at_points(shown) - expected).max() <= 4


def ramp_at(share: Array) -> Array:
    stops = np.array([rgb(colour) for colour in RAMP])
    at = np.clip(share, 0, 1) * (len(stops) - 1)
    low = np.minimum(at.astype(int), len(stops) - 2)
    return np.asarray(stops[low] + (stops[low + 1] - stops[low]) * (at - low)[..., None])


@pytest.mark.parametrize("ramp", ["run", "snapshot"])
@pytest.mark.parametrize("colour", ["margin", "distance"])
def test_points_are_coloured_by_margin_and_distance(show_by: Callable[..., Shown], colour: str, ramp: str) -> None:
    run = make_run(spacing=2.0)
    run.distances = np.random.default_rng(8).uniform(2, 7, run.margins["euc_ce"].shape)
    values = run.margins["euc_ce"] if colour == "margin" else run.distances
    shown = show_by(run, **BIG, colour=colour, ramp=ramp)
    for time in (0, 0.5, 2):
        shown.seek(time)
        now = blend(values, time)
        ends = values.min(axis=1), values.max(axis=1)
        low, high = (
            (float(blend(end, time)) for end in ends) if ramp == "snapshot" else np.quantile(values, [0.01, 0.99])
        )
        legend = shown.js("player.legend()")
        assert (legend["low"], legend["high"]) == pytest.approx((low, high))
        assert legend["ramp"] == list(RAMP)
        assert np.abs(colours_at_points(shown) - ramp_at((now - low) / (high - low))).max() <= 9  # one code in 254


def test_an_unknown_margin_is_grey_and_a_missing_classifier_is_told(show_by: Callable[..., Shown]) -> None:
    run = make_run(spacing=2.0)
    run.margins["euc_ce"][:, 5] = np.nan
    shown = show_by(run, **BIG, colour="margin")
    grey = colours_at_points(shown)[5]
    assert np.ptp(grey) < 25
    shown.set(classifier="argmax")
    assert_points(shown, 0)  # by class
    assert any("argmax" in notice["message"] for notice in shown.events("notice"))
    shown.set(classifier="euc_ce")
    assert shown.js("player.state.notices") == []


def test_point_size_and_opacity(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    shown = show_by(run, **BIG)
    for size in (6, 20):
        shown.set(pointSize=size)
        area = (shown.pixels() < 250).any(axis=-1) & shown.inner(shown.pixels())
        assert area.sum() == pytest.approx(10 * math.pi * (size / 2 + 0.4) ** 2, rel=0.12)
    shown.set(pointOpacity=0.5)
    x, y = shown.screen(run.frames.points[0, 0]).astype(int)
    assert np.abs(shown.pixels()[y, x] - over_white(rgb(CLASS_COLOURS[0]), 0.5)).max() <= 3


# What lies on top


def test_targets_centres_trails_and_gaps_are_where_the_arrays_say(show: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets[:] = np.random.default_rng(4).uniform(-10, 10, run.frames.targets.shape)  # long ways
    shown = show(run, pointSize=0.5, pointOpacity=0)
    shown.seek(2.5)
    empty = shown.pixels()
    assert (empty[shown.inner(empty)] == 255).all()
    frames = run.frames
    targets, centres = shown.screen(blend(frames.targets, 2.5)), shown.screen(blend(frames.centres, 2.5))

    def colour_near(picture: Array, place: Array, k: int) -> bool:
        x, y = np.floor(place).astype(int)
        around = picture[y - 1 : y + 2, x - 1 : x + 2]
        return bool(near(around, rgb(CLASS_COLOURS[k]), 40).any())

    for option, places in (("targets", targets), ("centres", centres)):
        shown.set(**{option: True})
        picture = shown.pixels()
        assert all(colour_near(picture, place, k) for k, place in enumerate(places)), option
        shown.set(**{option: False})
    shown.set(gaps=True)
    picture = shown.pixels()
    for k in range(10):
        places = targets[k] + np.linspace(0.05, 0.95, 60)[:, None] * (centres[k] - targets[k])
        x, y = np.floor(places).astype(int).T
        assert (picture[y, x] < 252).any(axis=-1).mean() > 0.3, k  # a dashed line
    shown.set(gaps=False, targets=True, trails=True)
    picture = shown.pixels()
    way = [shown.screen(blend(frames.targets, time)) for time in np.arange(0, 2.5, 0.02)]
    x, y = np.floor(np.array(way)).astype(int).reshape(-1, 2).T
    assert (picture[y, x] < 252).any(axis=-1).mean() > 0.97
    ahead = shown.screen(blend(frames.targets, 3))
    shown.set(targets=False)
    x, y = np.floor(ahead).astype(int).T
    assert (shown.pixels()[y, x] == 255).all(axis=-1).mean() > 0.7  # no trail into the future
    shown.set(trails=False)
    assert (shown.pixels()[shown.inner(picture)] == 255).all()


def test_the_older_a_trail_the_fainter(show: Callable[..., Shown]) -> None:
    run = make_run(n=10, t=8)
    run.frames.targets[:] = np.linspace(-9, 9, 10)[None, :, None] * [0, 1] + np.linspace(-9, 9, 8)[:, None, None] * [
        1,
        0,
    ]
    shown = show(run, pointOpacity=0, targets=True, trails=True)
    shown.seek(7)
    picture = shown.pixels()
    strength = []
    for time in (0.5, 3.5, 6.3):
        x, y = np.floor(shown.screen(blend(run.frames.targets, time))[3]).astype(int)
        strength.append(255 - picture[y - 1 : y + 2, x].mean(axis=-1).min())
    assert strength[0] < strength[1] < strength[2]


def test_names_stand_beside_their_targets_and_do_not_cover_one_another(show: Callable[..., Shown]) -> None:
    run = make_run(n=10)
    angle = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    run.frames.targets[:] = np.stack([5 * np.cos(angle), 2.5 * np.sin(angle)], axis=-1)  # close together, on a ring
    shown = show(run, pointOpacity=0, targets=True, labels=True)
    dark = near(shown.pixels(), (31, 35, 41), 60)
    for place in shown.screen(run.frames.targets[0]):
        x, y = place.astype(int)
        assert dark[max(0, y - 30) : y + 30, max(0, x - 75) : x + 75].sum() > 20
    rects = np.array(shown.js("[...player.stage.overlay.names.rects]")).reshape(-1, 4)  # ten marks, ten names
    assert len(rects) == 20
    for i in range(10, 20):
        (l1, t1, r1, b1) = rects[i]
        assert all(r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1 for l2, t2, r2, b2 in np.delete(rects, i, axis=0))


def test_of_many_names_those_that_fit_are_drawn_and_those_in_focus_always(show: Callable[..., Shown]) -> None:
    run = make_run(n=100, c=50)
    run.frames.targets[:] = run.frames.targets[0] * 0.3
    shown = show(run, pointOpacity=0, targets=True, labels=True)
    drawn = "player.stage.overlay.names.rectCount"
    assert 55 < shown.js(drawn) < 95  # all marks, some names
    shown.set(focus=[4, 5, 6])
    shown.pixels()
    assert shown.js(drawn) == 6


# Pointer


def test_hover_tells_the_image_within_a_frame_and_draws_it_on_top(show: Callable[..., Shown]) -> None:
    shown = show(make_run(n=300, spacing=0.2, reach=10), pointSize=4)
    shown.seek(1.5)
    places = shown.screen(blend(shown.run.frames.points, 1.5))
    for index in (0, 17, 150, 299):
        x, y = places[index]
        told, frames = shown.js(
            """const target = player.root.querySelector('.nsewdrag'), seen = [];
            const off = player.on('hover', (hovered) => hovered && seen.push(hovered));
            const { left, top } = player.root.getBoundingClientRect();
            const place = { clientX: left + arg[0], clientY: top + arg[1] };
            target.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, ...place }));
            let frames = 0;
            while (!seen.length && frames < 30) { await new Promise(requestAnimationFrame); frames++; }
            off();
            return [seen[0], frames]""",
            [x + 0.4, y - 0.4],
        )
        assert told["index"] == index
        assert (told["x"], told["y"]) == pytest.approx((x, y), abs=0.6)
        assert frames <= 1
        column, row = int(x), int(y)
        picture = shown.pixels()
        assert near(picture[row - 1 : row + 2, column - 1 : column + 2], rgb(CLASS_COLOURS[index % 10])).any()
        ring = picture[row - 8 : row + 9, column - 8 : column + 9]
        assert near(ring, (31, 35, 41), 70).sum() > 10


def test_hover_needs_a_point_within_a_few_pixels_and_ends(show: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    shown = show(run, pointSize=6)
    x, y = shown.screen(run.frames.points[0, 4]).tolist()
    shown.page.mouse.move(x + 5, y)
    shown.pixels()
    assert shown.events("hover")[-1]["index"] == 4
    shown.page.mouse.move(x + 8, y)
    shown.pixels()
    assert shown.events("hover")[-1] is None
    shown.page.mouse.move(x, y)
    shown.pixels()
    assert shown.events("hover")[-1]["index"] == 4
    shown.page.mouse.click(x, y, delay=150)
    assert shown.events("click")[-1]["index"] == 4
    shown.page.mouse.down()
    shown.page.mouse.move(x + 9, y, steps=3)
    shown.page.mouse.up()
    assert len(shown.events("click")) == 1  # that was a drag
    shown.page.mouse.move(x, y)
    x, y = shown.screen(run.frames.points[0, 4]).tolist()
    shown.page.mouse.move(x, y)
    shown.seek(2)  # the point goes away from under the pointer
    shown.pixels()
    moved = shown.screen(run.frames.points[2, 4])
    expected = 4 if math.dist(moved, (x, y)) < 7 else None
    last = shown.events("hover")[-1]
    assert (last and last["index"]) == expected
    shown.page.mouse.move(x, 630)
    shown.pixels()
    assert shown.events("hover")[-1] is None


def test_a_hidden_image_is_not_hovered_and_a_target_is_told_first(show: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets[:, 2] = run.frames.points[:, 2]
    shown = show(run, targets=True)
    x, y = shown.screen(run.frames.points[0, 2]).tolist()
    shown.page.mouse.move(x, y)
    shown.pixels()
    mark = shown.events("mark")[-1]
    assert (mark["kind"], mark["class"]) == ("target", 2)
    shown.set(targets=False)
    shown.pixels()
    assert shown.events("mark")[-1] is None
    assert shown.events("hover")[-1]["index"] == 2
    shown.set(hidden=[2])
    shown.pixels()
    assert shown.events("hover")[-1] is None


def test_what_is_known_of_an_image(show: Callable[..., Shown]) -> None:
    run = make_run()
    shown = show(run)
    shown.seek(2)
    told = shown.js("player.describe(7)")
    assert (told["label"], told["labelName"], told["snapshot"]) == (7, "class 7", 2)
    assert told["prediction"] == run.predictions["euc_ce"][2, 7]
    assert told["right"] == (run.predictions["euc_ce"][2, 7] == 7)
    margins = run.margins["euc_ce"][2]
    assert told["margin"] == pytest.approx(margins[7], abs=np.ptp(margins) / 254)
    assert told["thumbnail"] == {"url": "/sprite.png", "columns": 7, "rows": 6, "column": 0, "row": 1}
    assert told["targetDistance"] is None


def test_a_lasso_chooses_the_images_inside_and_escape_lets_go(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=60, spacing=1.0)
    shown = show_by(run, pointSize=8, pointOpacity=1)
    shown.seek(0.5)
    shown.js("await Plotly.relayout(player.root.querySelector('.js-plotly-plot'), {dragmode: 'lasso'}); return 0")
    corners = [(150, 150), (450, 150), (450, 420), (150, 420), (150, 152)]
    shown.page.mouse.move(*corners[0])
    shown.page.mouse.down()
    for corner in corners[1:]:
        shown.page.mouse.move(*corner, steps=5)
    shown.page.mouse.up()
    shown.page.wait_for_function("aEvents.some(([event]) => event === 'select')")
    places = shown.screen(blend(run.frames.points, 0.5))
    inside = ((places > [150, 150]) & (places < [450, 420])).all(axis=1)
    chosen = shown.events("select")[-1]["indices"]
    assert set(chosen) ^ set(np.flatnonzero(inside)) <= set(np.flatnonzero((np.abs(places - 150) < 4).any(axis=1)))
    assert 5 < len(chosen) < 55
    brightness = colours_at_points(shown).min(axis=1)
    assert brightness[~inside].min() > brightness[inside].max()
    shown.page.keyboard.press("Escape")
    assert shown.events("select")[-1] is None
    assert shown.js("player.state.selection") is None


# Time


def test_keys_play_step_and_jump_but_not_while_typing(show: Callable[..., Shown]) -> None:
    shown = show(make_run(t=8), speed=0.25)  # 17 seconds to the end
    press, state = shown.page.keyboard.press, lambda: shown.js("[player.state.time, player.state.playing]")
    press("ArrowRight")
    press("ArrowRight")
    assert state() == [2, False]
    press("ArrowLeft")
    assert state() == [1, False]
    press("End")
    assert state() == [7, False]
    press("Home")
    assert state() == [0, False]
    press("ArrowLeft")
    assert state() == [0, False]
    press(" ")
    assert state()[1] is True
    shown.page.wait_for_function("document.getElementById('a').player.state.time > 0")
    press(" ")
    paused = state()
    assert paused[1] is False
    assert 0 < paused[0] < 7
    shown.seek(1)
    shown.page.focus("#typing")
    for key in ("ArrowRight", " ", "End"):
        press(key)
    assert state() == [1, False]
    assert shown.page.input_value("#typing") == " "
    shown.page.fill("#typing", "")
    shown.page.evaluate("document.activeElement.blur()")
    press("Control+ArrowRight")
    assert state() == [1, False]


def test_playing_moves_pictures_and_stops_at_the_end(show: Callable[..., Shown]) -> None:
    shown = show(make_run(), speed=2)
    before = shown.pixels()
    shown.js("player.play()")
    shown.page.wait_for_function("!document.getElementById('a').player.state.playing")
    times = shown.events("time")
    assert len(times) > 3  # no frame counts for more than a quarter of a second, five sixths of a snapshot here
    assert times == sorted(times)
    assert times[-1] == 3
    assert (shown.pixels() != before).any()
    assert shown.js("player.play(); return player.state.time") < 1  # from the start again


def test_a_loop_starts_again(show: Callable[..., Shown]) -> None:
    shown = show(make_run(t=2), speed=8, loop=True)
    shown.js("player.play()")
    shown.page.wait_for_function("aEvents.filter(([e, v], i) => e === 'time' && v === 0).length >= 2")
    assert shown.js("player.state.playing")


def test_time_runs_over_snapshots_or_over_epochs(show: Callable[..., Shown]) -> None:
    shown = show(make_run())  # epochs 0, 0.1, 0.3, 1
    run_for = """
        const clock = player.timeline; let now = 1000;
        clock.seek(0); clock.play(); clock.tick(now);
        const times = [];
        for (let i = 0; i < 9; i++) { clock.tick(now += 100); times.push(player.state.time); }
        clock.pause();
        return times"""
    even = np.diff([0, *shown.js(run_for)])
    assert even == pytest.approx(np.full(9, 0.1 / 0.6))
    shown.set(pace="epochs")
    times = shown.js(run_for)
    epochs = np.interp(times, range(4), shown.run.frames.epochs)
    assert np.diff([0, *epochs]) == pytest.approx(np.full(9, 1 / 3 * 0.1 / 0.6))
    shown.seek(2.5)
    assert shown.js("player.epoch") == pytest.approx(0.65)


def test_a_step_glides_to_exactly_the_next_snapshot(show: Callable[..., Shown]) -> None:
    shown = show(make_run(), still=False)
    shown.seek(0.4)
    times = shown.js("""
        const clock = player.timeline; let now = 1000;
        player.step(1); clock.tick(now);
        const times = [];
        for (let i = 0; i < 8; i++) { clock.tick(now += 40); times.push(player.state.time); }
        return times""")
    assert times[-2:] == [1, 1]  # after 0.28 s
    assert (np.diff([0.4, *times[:-1]]) > 0).all()
    shown.js("player.step(1); player.step(1); return 0")  # the second before the first has arrived
    shown.page.wait_for_function("document.getElementById('a').player.state.time === 3")


def test_nothing_is_drawn_unless_something_changed(show: Callable[..., Shown]) -> None:
    shown = show(make_run())
    shown.pixels()
    before = shown.js("player.stage.drawn")
    shown.page.wait_for_timeout(300)
    assert shown.js("player.stage.drawn") == before
    shown.seek(1)
    shown.pixels()
    assert shown.js("player.stage.drawn") == before + 1


# Camera and page


def test_the_camera_follows_a_space_that_grows(show: Callable[..., Shown]) -> None:
    run = make_run(n=40, spacing=2.0)
    factors = np.array([1, 4, 20, 50], np.float32)[:, None, None]
    run.frames.points = run.frames.points[:1] * factors + 100 * factors * np.float32([1, 0])
    run.frames.targets = run.frames.targets[:1] * factors + 100 * factors * np.float32([1, 0])
    run.frames.centres = run.frames.centres[:1] * factors + 100 * factors * np.float32([1, 0])
    shown = show(run, **{**BIG, "pointSize": 9}, camera="scale")
    first = shown.pixels()
    shown.seek(2)
    third = shown.pixels()
    assert shown.js("player.scale") == pytest.approx(20, rel=0.02)
    for k in range(10):  # the same picture, twenty times as large a space
        a, b = (blobs(picture, rgb(CLASS_COLOURS[k])) for picture in (first, third))
        assert len(a) == len(b) == 4
        assert distances_to_nearest(a, b).max() < 2.5
    x, y = shown.js("(({x, y}) => [x, y])(player.screenOf(12))")
    assert distances_to_nearest(blobs(third, rgb(CLASS_COLOURS[2])), np.array([[x, y]])).min() < 1
    place = shown.js("(({x, y}) => [x, y])(player.dataAt(player.screenOf(12)))")
    assert place == pytest.approx(run.frames.points[2, 12].tolist(), abs=0.1)
    shown.set(camera="fixed")
    eventually(shown.page, lambda: bool(np.ptp(shown.axes()["x"]) > 100))  # the whole run, no longer a few radii
    assert_points_once_far(shown)


def assert_points_once_far(shown: Shown) -> None:
    """With a fixed camera a small cloud is small."""
    shown.seek(0)
    picture = shown.pixels()
    coloured = np.argwhere((picture < 250).any(axis=-1) & shown.inner(picture))
    assert np.ptp(coloured, axis=0).max() < 60


def test_the_theme_is_the_page_s(show_by: Callable[..., Shown]) -> None:
    run = make_run(n=10, spacing=6.0)
    shown = show_by(run, targets=True, labels=True, **{k: v for k, v in BIG.items() if k not in ("targets", "labels")})
    light = shown.pixels()
    shown.page.evaluate("document.body.style.background = '#1a1b1e'; document.body.style.color = '#ddd'")
    inner = shown.inner(light)
    eventually(shown.page, lambda: np.median(shown.pixels()[inner], axis=0).max() < 31)
    dark = shown.pixels()
    assert (light[300, 60] == 255).all()
    assert np.median(dark[inner], axis=0).tolist() == [26, 27, 30]
    assert near(dark[inner], (230, 232, 235), 30).sum() > 100  # names
    assert not near(dark[inner], (255, 255, 255), 10).any()  # no halo of the other theme
    assert_points_of_dark(shown, run)


def assert_points_of_dark(shown: Shown, run: Any) -> None:
    x, y = shown.screen(run.frames.points[0, 0]).astype(int)
    assert near(shown.pixels()[y, x], rgb(CLASS_COLOURS[0]))


def test_reading_a_pixel_and_painting_agree_with_the_screen(show_by: Callable[..., Shown]) -> None:
    run = make_run()
    shown = show_by(run, references_of_targets(run), targets=True, centres=True, labels=True, trails=True, pointSize=9)
    shown.seek(1.5)
    picture = shown.pixels()
    rng = np.random.default_rng(0)
    places = rng.uniform([60, 40], [600, 550], (60, 2)).astype(int)
    read = np.array(shown.js("arg.map(([x, y]) => player.readPixel(x + 0.5, y + 0.5))", places.tolist()))
    assert (np.abs(read - picture[places[:, 1], places[:, 0]]).max(axis=1) <= 4).all()
    painted = shown.js("""
        const canvas = document.createElement('canvas'); const { width, height } = player.stage.canvas;
        Object.assign(canvas, { width, height });
        player.paint(canvas.getContext('2d'));
        return [...canvas.getContext('2d').getImageData(200, 300, 1, 1).data].slice(0, 3)""")
    left, top = shown.js("[player.stage.view.left, player.stage.view.top]")
    assert np.abs(np.array(painted) - picture[int(top) + 300, int(left) + 200]).max() <= 4


def test_two_players_on_a_page_do_not_disturb_each_other(show: Callable[..., Shown]) -> None:
    run = make_run(spacing=2.0)
    other = make_run(seed=5, t=6, spacing=2.0)
    shown = show(run, **{**BIG, "pointSize": 9})
    shown.page.evaluate("document.getElementById('b').style.height = '600px'")
    shown.page.set_viewport_size({"width": 660, "height": 1260})
    second = show(other, at="b", colour="prediction", hidden=[1], **{**BIG, "pointSize": 9})
    shown.seek(1.5)
    second.seek(4)
    assert_points(shown, 1.5)
    assert not shown.js("player.state.hidden.size")
    assert near(second.pixels(), rgb(CLASS_COLOURS[0])).any()
    shown.page.keyboard.press("Home")  # nobody has the focus: the first answers
    assert (shown.js("player.state.time"), second.js("player.state.time")) == (0, 4)
    second.js("player.root.focus()")
    shown.page.keyboard.press("ArrowRight")
    assert (shown.js("player.state.time"), second.js("player.state.time")) == (0, 5)
    second.js("player.remove()")
    shown.seek(2)
    assert_points(shown, 2)
    shown.page.set_viewport_size({"width": 660, "height": 640})


def test_there_is_no_global_and_an_end(new_page: Callable[..., Page], show: Callable[..., Shown]) -> None:
    page = new_page()
    assert page.evaluate("added") == []
    shown = show(make_run(), on=page)
    shown.js("player.remove()")
    assert page.evaluate("document.getElementById('a').children.length") == 0
    assert page.evaluate("document.getElementById('a').player === undefined")
    for _ in range(20):  # contexts are given back: a browser has sixteen
        shown = show(make_run(n=10), on=page)
    assert shown.events("notice") == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("color", "label", "unknown option 'color'; choose from colour"), ("colour", "hue", "unknown colour 'hue'"),
     ("speed", "fast", "speed is a number from 0.25 to 8")],
)  # fmt: skip
def test_a_wrong_option_is_refused(show: Callable[..., Shown], name: str, value: str, told: str) -> None:
    shown = show(make_run())
    message = shown.js("try { player.set(...arg); return '' } catch (error) { return error.message }", [name, value])
    assert told in message


# When something is wrong


def test_without_webgl2_everything_is_drawn_all_the_same_and_the_reason_told(
    new_page: Callable[..., Page], show: Callable[..., Shown]
) -> None:
    run = make_run(spacing=2.0)
    shown = show(run, on=new_page(NO_WEBGL2), **{**BIG, "renderer": "auto"})
    shown.seek(1.7)
    assert_points(shown, 1.7)
    (notice,) = shown.events("notice")
    assert notice["kind"] == "webgl"
    assert "no WebGL2" in notice["message"]
    assert shown.js("player.stage.renderer.kind") == "cpu"


def test_where_the_graphics_card_is_software_the_processor_draws_at_once(show: Callable[..., Shown]) -> None:
    shown = show(make_run(), renderer="auto")  # Chromium runs on SwiftShader here
    assert shown.js("player.stage.renderer.kind") == "cpu"
    assert shown.events("notice") == []
    for kind in ("gpu", "cpu", "gpu"):
        shown.set(renderer=kind)
        assert shown.js("player.stage.renderer.kind") == kind
    shown.page.wait_for_timeout(100)
    assert shown.events("notice") == []


def test_both_renderers_draw_the_same_picture(show: Callable[..., Shown]) -> None:
    run = make_run(n=400, spacing=0.1)
    shown = show(run, references_of_targets(run), pointSize=6.5, regionOpacity=0.4, boundaries=True)
    shown.seek(1.4)
    for options in (
        {"colour": "label"}, {"colour": "prediction", "hidden": [2]}, {"colour": "right"}, {"colour": "margin"},
        {"colour": "label", "focus": [1, 4], "hidden": []}, {"selection": [3, 4, 5], "focus": [], "pointSize": 3},
    ):  # fmt: skip
        shown.set(**options, renderer="gpu")
        by_gpu = shown.pixels()
        shown.set(renderer="cpu")
        difference = np.abs(shown.pixels() - by_gpu).max(axis=-1)[shown.inner(by_gpu)]
        assert difference.mean() < 1.5, options  # rounding
        assert (difference > 60).mean() < 0.002, options  # edges of discs differ by a part of a pixel


def test_a_lost_graphics_context_is_told_and_restored(show: Callable[..., Shown]) -> None:
    run = make_run(spacing=2.0)
    shown = show(run, references_of_targets(run), colour="prediction", pointSize=9)
    shown.seek(1.5)
    before = shown.pixels()
    shown.js("window.lost = player.stage.renderer.gl.getExtension('WEBGL_lose_context'); lost.loseContext(); return 0")
    shown.page.wait_for_function("aEvents.some(([event, notice]) => event === 'notice' && notice.kind === 'context')")
    shown.seek(2)
    shown.pixels()
    shown.page.evaluate("lost.restoreContext()")
    shown.page.wait_for_function("document.getElementById('a').player.state.notices.length === 0")
    shown.seek(1.5)
    eventually(shown.page, lambda: bool((shown.pixels() == before).all()))  # a new context's first picture comes late


def test_a_graphics_context_that_does_not_come_back_is_replaced(
    show: Callable[..., Shown], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = show(make_run(spacing=2.0), **BIG)
    shown.js("player.stage.renderer.gl.getExtension('WEBGL_lose_context').loseContext(); return 0")
    shown.page.wait_for_function("document.getElementById('a').player.stage.renderer.kind === 'cpu'")
    shown.seek(1.4)
    assert_points(shown, 1.4)
    assert [notice["kind"] for notice in shown.js("player.state.notices")] == ["webgl"]


DAMAGE: dict[str, tuple[Callable[[bytes], bytes | tuple[int, str] | None], str]] = {
    "empty": (lambda data: b"", "empty or cut short"),
    "cut": (lambda data: data[: len(data) // 2], "bytes of arrays came instead of"),
    "too long": (lambda data: data + b"12345678", "bytes of arrays came instead of"),
    "another kind": (lambda data: b"<!doctype html><title>nothing</title>", "of another kind"),
    "header": (lambda data: data[:20] + b"\xff\xff" + data[22:], "header is damaged"),
    "no such run": (lambda data: (404, json.dumps({"error": "there is no run 'x' here"})), "there is no run 'x' here"),
    "broken server": (lambda data: (500, "oops"), "the server answered 500"),
    "missing": (lambda data: binary.encode({}, {}), "'points' is missing"),
    "other shape": (
        lambda data: binary.encode({**binary.decode(data)[0], "centres": np.zeros((1, 2, 2))}, binary.decode(data)[1]),
        "'centres' is 1 x 2 x 2",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_response_is_a_clear_error_and_the_picture_stays(
    show: Callable[..., Shown], site: Site, damage: str
) -> None:
    shown = show(make_run(spacing=2.0), **BIG)
    change, told = DAMAGE[damage]
    site.files["damaged"] = change(site.files["frames"]) or b""  # type: ignore[arg-type]
    name, message = shown.js("""
        try { await player.load({ frames: '/damaged', attributes: '/attributes' }); return ['', ''] }
        catch (error) { return [error.name, error.message] }""")
    assert name == "DataError"
    assert message.startswith("the frames can")
    assert told in message
    assert shown.events("notice")[-1] == {"kind": "data", "message": message}
    assert_points(shown, 0)


def test_parts_that_do_not_fit_together_are_refused(show: Callable[..., Shown], site: Site) -> None:
    shown = show(make_run())
    tell = """
        try { {}; return '' } catch (error) { return error.message }"""
    r = references("power", 10)
    site.files["regions"] = encoding.encode_regions(r)  # three snapshots, not four
    message = shown.js(tell.replace("{}", "player.setRegions(await data.fetchArrays('/regions', 'x'))", 1))
    assert "3 snapshots, the points 4" in message
    site.files["attributes"] = encoding.encode_attributes(
        np.arange(7), class_names=["a"] * 7, predictions={}, margins={}
    )
    message = shown.js(tell.replace("{}", "await player.load({frames: '/frames', attributes: '/attributes'})", 1))
    assert "40 points but labels of 7 images" in message


def test_of_two_loads_the_later_one_counts(show: Callable[..., Shown], site: Site) -> None:
    shown = show(make_run())
    site.files["later"] = encoding.encode_frames(make_run(n=20).frames, class_names=[f"class {k}" for k in range(10)])
    shown.js("""
        const first = player.load({ frames: '/frames', attributes: '/attributes' });
        await Promise.all([first, player.load({ frames: '/later' })]);
        return 0""")
    assert shown.js("player.data.frames.N") == 20
    assert shown.events("notice") == []


def test_a_server_that_is_gone_is_told(show: Callable[..., Shown]) -> None:
    shown = show(make_run())
    message = shown.js(
        "try { await player.load({ frames: 'http://127.0.0.1:1/' }); return '' } catch (error) { return error.message }"
    )
    assert "the server does not answer" in message


def test_a_run_without_labels_or_targets_is_shown(show_by: Callable[..., Shown], site: Site) -> None:
    run = make_run(n=10, spacing=6.0)
    run.frames.targets = None
    run.frames.centres[:, 3] = np.nan
    shown = show_by(run, targets=True, centres=True, trails=True, labels=True, gaps=True)
    shown.js("await player.load({ frames: '/frames' }); return 0")
    shown.set(colour="margin")
    shown.seek(0.5)
    picture = shown.pixels()
    assert (picture[shown.inner(picture)] < 250).any()
    assert shown.js("player.describe(3).label") is None
