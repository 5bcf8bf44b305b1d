"""A player in a browser: a local server for it, a synthetic run, and helpers that read its pixels."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import plotly
from conftest import ROOT
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from scipy import ndimage

from explorer.figures.colours import CLASS_COLOURS
from explorer.space import encoding

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
  const [{ mount }, http] = await Promise.all([import("/assets/player/main.mjs"), import("/assets/common/http.mjs")]);
  window.added = Object.keys(window).filter((name) => !before.has(name));
  Object.assign(window, { mount, http });
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


def make_run(
    n: int = 40, t: int = 4, c: int = 10, seed: int = 0, spacing: float = 0.0, reach: float = 10.0
) -> SimpleNamespace:
    """Random walks; with `spacing` the points keep that distance from each other at every snapshot and half-way."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % c
    points = np.empty((t, n, 2), np.float32)
    starts = rng.uniform(-reach, reach, (n, 2))
    while spacing and len(close := np.argwhere(np.triu(np.hypot(*(starts[:, None] - starts).T) < spacing, 1))):
        starts[close[:, 1]] = rng.uniform(-reach, reach, (len(close), 2))
    steps = rng.normal(0, 0.02 * reach, (t, 1, 2)) + rng.normal(0, 0.004 * reach, (t, n, 2))
    points[:] = starts + np.cumsum(steps, axis=0)
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


def references(kind: str, c: int, seed: int = 3) -> Any:
    """Random references in D = 5 over three snapshots, an oblique plane, and the regions by their formulas."""
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


def encode_target_regions(run: Any) -> bytes:
    """The regions of the Voronoi diagram of the targets, encoded."""
    c = run.frames.targets.astype(float)  # (T, C, 2)
    affine = np.concatenate([2 * c, -(c**2).sum(-1, keepdims=True)], axis=-1)
    step = (np.diff(c, axis=0) ** 2).sum(-1)
    regions: Any = SimpleNamespace(kind="power", affine=affine, square=np.zeros(c.shape[:2]), step=step)
    return encoding.encode_regions(regions)


QUIET = {
    **{"targets": False, "centres": False, "trails": False, "labels": False, "still": True},
    "renderer": "gpu",  # also where the processor does its work, as here
}
BIG = {"pointSize": 13, "pointOpacity": 1, **QUIET}


class MountedPlayer:
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
              if (regions) player.setRegions(await http.fetchArrays("/regions", "the regions"));
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

    def wait_until_drawn(self, frames: int = 2) -> None:
        """Wait until the changes made so far are drawn: that happens in the browser's next frame."""
        self.page.evaluate(
            "async (n) => { while (n--) await new Promise((done) => requestAnimationFrame(done)); }", frames
        )

    def pixels(self) -> Array:
        """The element as it is on the screen (height, width, 3), after all changes are drawn."""
        self.wait_until_drawn()
        picture = self.page.locator(f"#{self.at}").screenshot(animations="disabled")  # Plotly's buttons fade in
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)

    def events(self, kind: str) -> list[Any]:
        return [value for event, value in self.page.evaluate(f"{self.at}Events") if event == kind]

    def axes(self) -> dict[str, Any]:
        """Place and ranges of Plotly's axes, not by way of the player."""
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


Show = Callable[..., MountedPlayer]  # the fixture that mounts one: run, regions, options


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


def distances_to_nearest(points: Array, expected: Array) -> Array:
    return np.linalg.norm(points[:, None] - expected, axis=-1).min(axis=1)


def over_white(colour: Colour, alpha: float) -> Array:
    return 255 + alpha * (np.array(colour) - 255)


def colours_at_points(player: MountedPlayer) -> Array:
    picture = player.pixels()
    x, y = player.screen(blend(player.run.frames.points, player.js("player.stage.time"))).astype(int).T
    return np.asarray(picture[y, x])


def assert_points(player: MountedPlayer, time: float, tolerance: float = 0.7) -> None:
    """As many discs of every class's colour as it has images, where the arrays say."""
    picture = player.pixels()
    expected = player.screen(blend(player.run.frames.points, time))
    for k in range(len(player.run.class_names)):
        discs = blobs(picture, rgb(CLASS_COLOURS[k % 10]))
        own = expected[player.run.labels == k]
        assert len(discs) == len(own), f"class {k}"
        assert distances_to_nearest(discs, own).max() < tolerance, f"class {k}"
