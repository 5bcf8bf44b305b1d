"""Claims: the player draws a frame several times as fast as Plotly restyles its fastest trace, and starts at once.

(a) A frame of the player, with regions, targets, centres, trails and names, over `Plotly.restyle` of one `scattergl`
    trace that has the same points and nothing else: at most 1/4, for 10,000 and for 60,000 points.
(b) The bytes of everything positional that the browser gets, over points and snapshots: at most 5.
(c) From opening a page to the first picture of 60,000 points x 30 snapshots, encoded and sent with labels, decisions
    and margins of four classifiers and two distances: under 5 s.
(d) Pictures a second while playing.

A frame is everything that a browser does until the next one can begin: a new time between two snapshots, the scripts,
the drawing, putting it on the screen; at the end of each timing a pixel is read back from every WebGL canvas, so that
no work is left over. Positions of Plotly's frames are interpolated before the clock starts. Chromium without a graphics
card (ANGLE on SwiftShader), as in a virtual machine or with blocked drivers: there the player draws with the processor;
its WebGL2 renderer, which a graphics card would run, is shown beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import plotly
from common import Claim, interleave, parser, ratios, report, side_row
from playwright.sync_api import Page, sync_playwright

from explorer.space import encoding

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"),
    "--disable-quic",
]
ASSETS = Path(__file__).parent.parent / "assets"
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
CLASSES, SNAPSHOTS = 10, 30
FRAMES, STEP = 20, 0.04  # frames in one timing, snapshots between two of them
PAGE = """<!doctype html><meta charset="utf-8"><body style="margin: 0">
<div id="player" style="position: relative; width: 760px; height: 700px"></div>
<div id="plotly" style="width: 760px; height: 700px"></div>
<script src="/plotly.js"></script>
<script type="module">
  import { fetchArrays } from "/assets/common/http.mjs";
  import { mount } from "/assets/player/main.mjs";
  const player = mount(document.getElementById("player"));
  const load = async () => {
    await player.load({ frames: "/frames", attributes: "/attributes" });
    player.setRegions(await fetchArrays("/regions", "the regions"));
    await player.ready;
    player.seek(0.5);
    player.draw();
    window.readyAfter = performance.now() / 1000; // since the page was opened
  };
  const nextFrame = () => new Promise(requestAnimationFrame);
  const finish = (gl) => gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  const element = document.getElementById("player");
  const gd = document.getElementById("plotly");
  const show = async (shown) => {
    element.style.display = shown === element ? "block" : "none";
    gd.style.display = shown === gd ? "block" : "none";
    await new Promise((done) => setTimeout(done, 300));
  };
  window.playerFrames = async (renderer, times) => {
    player.set("renderer", renderer);
    await show(element);
    const began = performance.now();
    for (const time of times) {
      player.seek(time);
      await nextFrame(); // the player has drawn in it
    }
    finish(player.stage.renderer.gl);
    return (performance.now() - began) / 1000;
  };

  const { floor } = Math;
  const between = (time, axis) => {
    const { points, N, box, T } = player.data.frames;
    const [before, blend] = [Math.min(floor(time), T - 2), time - Math.min(floor(time), T - 2)];
    return Float32Array.from({ length: N }, (_, i) => {
      const [a, b] = [points[2 * (before * N + i) + axis], points[2 * ((before + 1) * N + i) + axis]];
      return box[axis] + ((a + blend * (b - a)) / 65535) * (box[axis + 2] - box[axis]);
    });
  };
  window.plot = async () => {
    const { palette } = player.data.attributes.meta;
    const color = Array.from(player.data.attributes.labels, (k) => palette[k % palette.length]);
    const marker = { size: player.stage.view.css, color, line: { width: 0 } };
    const trace = { type: "scattergl", mode: "markers", x: between(0, 0), y: between(0, 1), marker };
    const axis = { showgrid: false, zeroline: false };
    const margin = { l: 44, r: 12, t: 28, b: 30 };
    const layout = { xaxis: axis, yaxis: { ...axis, scaleanchor: "x" }, hovermode: false, margin };
    await Plotly.newPlot(gd, [trace], layout);
  };
  window.plotlyFrames = async (times) => {
    const frames = times.map((time) => ({ x: [between(time, 0)], y: [between(time, 1)] }));
    await show(gd);
    const began = performance.now();
    for (const frame of frames) {
      await Plotly.restyle(gd, frame);
      await nextFrame();
    }
    for (const canvas of gd.querySelectorAll(".gl-canvas")) {
      finish(canvas.getContext("webgl2") ?? canvas.getContext("webgl"));
    }
    return (performance.now() - began) / 1000;
  };
  window.framesASecond = async (renderer, seconds) => {
    player.set("renderer", renderer);
    await show(element);
    player.set("loop", true);
    player.play();
    await new Promise((done) => setTimeout(done, 500));
    const [began, drawn] = [performance.now(), player.stage.frameCount];
    await new Promise((done) => setTimeout(done, 1000 * seconds));
    const rate = (1000 * (player.stage.frameCount - drawn)) / (performance.now() - began);
    player.pause();
    return rate;
  };
  await load();
</script>"""


def walk(n: int, t: int) -> SimpleNamespace:
    """Blobs of points around targets that wander: frames, decisions, margins, distances and the targets' regions."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, n)
    targets = rng.normal(0, 4, (CLASSES, 2)) + np.cumsum(rng.normal(0, 0.3, (t, CLASSES, 2)), axis=0)
    noise = rng.normal(0, 0.8, (n, 2)).astype(np.float32)
    points = np.stack([at_time[labels].astype(np.float32) + noise for at_time in targets])
    values = rng.random((t, n), dtype=np.float32)
    centres = np.stack([[at_time[labels == k].mean(axis=0) for k in range(CLASSES)] for at_time in points])
    affine = np.concatenate([2 * targets, -(targets**2).sum(-1, keepdims=True)], axis=-1)
    step = (np.diff(targets, axis=0) ** 2).sum(-1)
    frames = SimpleNamespace(
        method="pca", points=points, targets=targets.astype(np.float32), centres=centres.astype(np.float32),
        epochs=np.arange(t), variance=None, snapshots=[f"{i:06}.safetensors" for i in range(t)],
    )  # fmt: skip
    regions = SimpleNamespace(kind="power", affine=affine, square=np.zeros((t, CLASSES)), step=step)
    return SimpleNamespace(labels=labels, frames=frames, regions=regions, values=values)


class Site:
    """A local server that encodes what is asked for when it is asked for."""

    def __init__(self) -> None:
        self.run: Any = None
        self.full = False  # with everything that colours points, or labels only
        self.sent: dict[str, int] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = site.answer(self.path)
                site.sent[self.path] = len(content)
                self.send_response(200)
                kind = (
                    "text/html" if self.path == "/" else "text/javascript" if "js" in self.path else "application/octet"
                )
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str) -> bytes:
        names = [f"class {k}" for k in range(CLASSES)]
        if path == "/":
            return PAGE.encode()
        if path == "/plotly.js":
            return PLOTLY.read_bytes()
        if path.startswith("/assets/"):
            return (ASSETS / path.removeprefix("/assets/")).read_bytes()
        if path == "/frames":
            return encoding.encode_frames(self.run.frames, class_names=names)
        if path == "/regions":
            return encoding.encode_regions(self.run.regions)
        if path != "/attributes":
            return b""
        predicted = np.tile(self.run.labels, (len(self.run.values), 1))
        four = ("cos", "cos_ce", "euc", "euc_ce") if self.full else ()
        return encoding.encode_attributes(
            self.run.labels,
            class_names=names,
            predictions=dict.fromkeys(four, predicted),
            margins=dict.fromkeys(four, self.run.values),
            target_distances=self.run.values if self.full else None,
            centre_distances=self.run.values if self.full else None,
        )

    def open(self, page: Page, n: int, snapshots: int, full: bool = False) -> float:
        """Open the page with a run of n points; seconds until the first picture, as the page measured them."""
        self.run, self.full = walk(n, snapshots), full
        page.goto(self.url)
        page.wait_for_function("window.readyAfter", timeout=300_000)
        return float(page.evaluate("readyAfter"))


SIDES = {  # what the page is asked for
    "player": "(times) => playerFrames('auto', times)",
    "player, WebGL2 in software": "(times) => playerFrames('gpu', times)",
    "scattergl restyle": "(times) => plotlyFrames(times)",
}


def time_frames(page: Page, repetitions: int) -> dict[str, list[float]]:
    """Milliseconds a frame of each side, in each repetition."""
    rng = np.random.default_rng(0)
    spent: dict[str, list[float]] = {name: [] for name in SIDES}

    def side(name: str) -> Callable[[], object]:
        def run() -> None:
            times = rng.uniform(0, SNAPSHOTS - 2) + STEP * np.arange(FRAMES)
            spent[name].append(1e3 * float(page.evaluate(SIDES[name], times.tolist())) / FRAMES)

        return run

    interleave({name: side(name) for name in SIDES}, repetitions)
    return {name: values[1:] for name, values in spent.items()}  # the first round is to warm up


def measure(options: argparse.Namespace, profile: str) -> None:
    sizes = (1_000, 2_000) if options.quick else (10_000, 60_000)
    most = 5_000 if options.quick else 1_000_000
    site = Site()
    rows: list[tuple[str, ...]] = []
    claims: list[Claim] = []
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--headless"],
            viewport={"width": 800, "height": 760},
        )  # fmt: skip
        page = context.new_page()
        for n in sizes:
            site.open(page, n, SNAPSHOTS)
            page.evaluate("plot()")
            spent = time_frames(page, options.repetitions)
            rows += [side_row(f"{name}, {n:,} points", values, "ms a frame") for name, values in spent.items()]
            player, by_webgl, scattergl = spent.values()
            over = ratios(player, scattergl)
            claims.append(Claim(f"(a) frame of the player over scattergl, {n:,} points", over, at_most=0.25))
            claims.append(Claim(f"(a) the same by WebGL2 in software, {n:,} points", ratios(by_webgl, scattergl)))
        per_point = site.sent["/frames"] / (sizes[-1] * SNAPSHOTS)
        claims.append(Claim("(b) bytes per point and snapshot", [per_point], at_most=5))
        ready = [site.open(page, sizes[-1], SNAPSHOTS, full=True) for _ in range(max(2, options.repetitions // 3))]
        megabytes = (site.sent["/frames"] + site.sent["/attributes"]) / 1e6
        text = f"(c) s from opening the page to the first picture, {sizes[-1]:,} x {SNAPSHOTS} ({megabytes:.0f} MB)"
        claims.append(Claim(text, ready, at_most=5))
        for n in (*sizes, most):
            site.open(page, n, 4)
            for renderer, name in (("auto", ""), ("gpu", " by WebGL2 in software")):
                seconds = 1 if options.quick else 4
                rates = [page.evaluate("(asked) => framesASecond(...asked)", [renderer, seconds]) for _ in range(3)]
                claims.append(Claim(f"(d) pictures a second, playing {n:,} points{name}", rates))
        context.close()
    chromium = subprocess.run([CHROMIUM, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    note = f"{chromium}, plotly {plotly.__version__}; {FRAMES} frames in each timing."
    report("player.py", rows, claims, options, note)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        measure(parser(__doc__, 9).parse_args(), folder)
