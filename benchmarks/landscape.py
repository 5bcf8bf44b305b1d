"""What a landscape costs: all places in one call of the loss against one call a place, and the way of a drag.

    python benchmarks/landscape.py                # everything
    python benchmarks/landscape.py --only grid    # or: drag, run
    python benchmarks/landscape.py --quick        # only see that it works

- grid: 64 x 64 places of every loss, moving e and moving c_e, against the loss called place by place; the values agree.
- drag: the server's whole answer to a drag at 128 x 128 (values, scale, forces, words, encoding), for every figure of
  the paper.
- page: the whole way in Chromium, from a move of the dragged point to the landscape redrawn, as the browser's driver
  sees it.
- run: 256 x 256 places of the comparison loss with C = 100 and D = 512, in the few dimensions that give the same
  values, against all 512.
"""

from __future__ import annotations

import tempfile
import threading
import time
from argparse import Namespace
from functools import partial
from pathlib import Path

import numpy as np
from common import Claim, interleave, parser, ratios, report, side_row
from flask import Flask
from player import CHROMIUM, FLAGS
from playwright.sync_api import sync_playwright
from waitress import create_server

from explorer.app import create_app
from explorer.lab import routes as lab_routes
from explorer.lab.landscape import Scene, compute_landscape, compute_values
from explorer.lab.presets import PRESETS
from explorer.library import Library
from mtm.losses import LOSSES, Comparison

BOX = (-6.0, -6.0, 6.0, 6.0)
PARTS = ("grid", "drag", "run", "page")
MOVES = 100  # of the pointer, one after the other


def main() -> None:
    command_line = parser(__doc__, 10)
    command_line.add_argument("--only", choices=PARTS, help="one part")
    options = command_line.parse_args()
    for name, part in (("grid", grid), ("drag", drag), ("run", run), ("page", page)):
        if options.only in (None, name):
            part(options)


def grid(options: Namespace) -> None:
    side = 16 if options.quick else 64
    rng = np.random.default_rng(0)
    e, c, y = rng.standard_normal((1, 2)), 3 * rng.standard_normal((4, 2)), np.zeros(1, np.int64)
    u = np.stack(np.meshgrid(*2 * [np.linspace(-6, 6, side)]), axis=-1).reshape(-1, 2)
    rows, claims = [], []
    for vary in ("e", "c"):
        scene = Scene(e, c, y, vary)
        for name, cls in LOSSES.items():
            loss = cls()
            np.testing.assert_allclose(
                compute_values(loss, scene, u), compute_values(loss, scene, u, batched=False), rtol=1e-9, atol=1e-9
            )
            sides = {
                "one call": partial(compute_values, loss, scene, u),
                "a call a place": partial(compute_values, loss, scene, u, batched=False),
            }
            seconds = interleave(sides, 2 if options.quick else max(3, options.repetitions // 3))
            for way, timings in seconds.items():
                rows.append(side_row(f"{name} over {vary}, {way}", [1e3 * s for s in timings], "ms"))
            faster = ratios(seconds["a call a place"], seconds["one call"])
            claims.append(Claim(f"{name} over {vary}: times as fast in one call", faster, at_least=5))
    report(f"{side} x {side} places", rows, claims, options)


def drag(options: Namespace) -> None:
    """Percentiles of the server's part: every answer is to another place of the dragged point."""
    server = Flask("benchmark")
    with tempfile.TemporaryDirectory() as folder:
        lab_routes.register(server, Library(Path(folder)))
        client = server.test_client()
        rows, claims = [], []
        for preset in PRESETS.values():
            loss = {"name": preset.loss, "params": preset.params}
            body = {"losses": [loss], "vary": preset.vary, "box": preset.box, "n": 128, "scale": preset.scale}
            milliseconds = []
            for step in range(5 + (10 if options.quick else 20 * options.repetitions)):
                points = {"e": [preset.e], "y": [0], "c": [*preset.c[:-1], (preset.c[-1][0] + 0.01 * step, 1.0)]}
                started = time.perf_counter()
                answer = client.post("/api/landscape", json={**body, "points": points})
                milliseconds.append(1e3 * (time.perf_counter() - started))
                assert answer.status_code == 200
            timings = milliseconds[5:]
            rows.append(side_row(preset.name, timings, "ms"))
            claims.append(Claim(f"{preset.name}: p95, ms", [float(np.percentile(timings, 95))], at_most=20))
        report("The server's part of a drag, 128 x 128", rows, claims, options)


def run(options: Namespace) -> None:
    n_classes, dim, side = (10, 64, 32) if options.quick else (100, 512, 256)
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((dim, 2)))[0]
    e, c = rng.standard_normal((1, dim)), rng.standard_normal((n_classes, dim))
    scene = Scene(e, c, np.zeros(1, np.int64), "e", 0, rng.standard_normal(dim), basis)
    loss = Comparison()
    u = np.stack(np.meshgrid(*2 * [np.linspace(-6, 6, side)]), axis=-1).reshape(-1, 2)
    few = compute_landscape(loss, scene, BOX, side)
    np.testing.assert_allclose(few.values.ravel(), compute_values(loss, scene, u), rtol=1e-9)
    sides = {
        f"in {few.dimensions} dimensions, found out anew": lambda: compute_landscape(loss, scene, BOX, side),
        f"in all {dim}": lambda: compute_values(loss, scene, u),
    }
    seconds = interleave(sides, 2 if options.quick else options.repetitions)
    rows = [side_row(name, [1e3 * s for s in timings], "ms") for name, timings in seconds.items()]
    fast, slow = seconds.values()
    claims = [
        Claim("times as fast in few dimensions", ratios(slow, fast), at_least=2),
        Claim("in few dimensions, ms", [1e3 * s for s in fast], at_most=150),
    ]
    report(f"Comparison loss, C = {n_classes}, D = {dim}, {side} x {side} places", rows, claims, options)


def page(options: Namespace) -> None:
    lab = "document.querySelector('#lab-page')?.lab"
    claims = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        server = create_server(create_app(Path(name), Path(name), Path(name)).server, port=0, threads=8)
        threading.Thread(target=server.run, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--headless"])
        tab = browser.new_page(viewport={"width": 1440, "height": 900})
        for key in PRESETS:
            tab.goto(f"http://127.0.0.1:{server.effective_port}/lab?preset={key}")
            is_idle = f"!({lab}).landscapes.inFlight && ({lab}).pending === null"
            tab.wait_for_function(f"{lab}?.responseCount > 0 && {is_idle}")
            vary = PRESETS[key].vary
            x, y = PRESETS[key].e if vary == "e" else PRESETS[key].c[0]
            left, top = tab.evaluate(
                f"""([x, y]) => {{
                    const {{ canvas, picture: {{ frame: f, box: b }} }} = {lab}.panels[0];
                    const r = canvas.getBoundingClientRect();
                    return [r.left + f.left + ((x - b[0]) / (b[2] - b[0])) * f.side,
                            r.top + f.top + f.side - ((y - b[1]) / (b[3] - b[1])) * f.side];
                }}""",
                [x, y],
            )
            tab.mouse.move(left, top)
            tab.mouse.down()
            spent = []
            for i in range(10 if options.quick else MOVES):
                before = tab.evaluate(f"{lab}.responseCount")
                began = time.perf_counter()
                tab.mouse.move(left + 30 * np.sin(i / 5) + 5, top + 30 * np.cos(i / 7) - 25)
                tab.wait_for_function(f"{lab}.responseCount > {before}", polling="raf")
                spent.append(1e3 * (time.perf_counter() - began))
            tab.mouse.up()
            text = f"Figure {key}: from a move to the landscape redrawn, p95, ms"
            claims.append(Claim(text, [float(np.percentile(spent[3:], 95))], at_most=120))
        browser.close()
        server.close()
    report("Dragging in the page, 128 x 128", [], claims, options)


if __name__ == "__main__":
    main()
