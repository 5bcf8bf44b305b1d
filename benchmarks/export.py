"""How long a film takes and how large a page is: MP4, WebM and GIF of a run of 30 snapshots, and its HTML file.

    python benchmarks/export.py

The films are 1280 x 720, of 2,000 images in 64 dimensions that wander around ten targets; MP4 and WebM last 20 s
at 30 frames a second, the GIF what it lasts by default. Their time includes the start of the browser and of the
encoder; beside the MP4's stands the time that it plays.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import matplotlib
import numpy as np
from common import Claim, parser, ratios, report, side_row

from explorer.export.film.browser import find_browser
from explorer.export.film.film import write_film
from explorer.export.html import build_page
from explorer.export.scene import ExportRequest, load_scene
from explorer.library import Library
from explorer.space.views import Views
from explorer.web.paths import demo_folder
from mtm.runs import Run

IMAGES, CLASSES, DIM, SNAPSHOTS = 2_000, 10, 64, 30
WIDTH, HEIGHT = 1280, 720
LENGTHS = {"mp4": (20.0, 30.0), "webm": (20.0, 30.0), "gif": (8.0, 15.0)}  # seconds, frames a second


def walk(folder: Path) -> Run:
    """A run whose targets wander and whose images come nearer to them."""
    rng = np.random.default_rng(0)
    run = Run.create(folder, class_names=[f"class {k}" for k in range(CLASSES)])
    labels, targets = np.arange(IMAGES) % CLASSES, rng.normal(0, 4, (CLASSES, DIM))
    noise = rng.normal(0, 1, (IMAGES, DIM))
    for t in range(SNAPSHOTS):
        targets = targets + rng.normal(0, 0.3, targets.shape)
        embeddings = targets[labels] + (3 - 2 * t / SNAPSHOTS) * noise
        run.log(embeddings=embeddings, labels=labels, class_embeddings=targets, epoch=t / 6)
    run.finish()
    return run


def measure(options: argparse.Namespace, folder: Path) -> None:
    walk(folder / "runs" / "walk")
    views = Views(Library(folder / "runs", demo_folder()), folder / "cache")
    scene = load_scene(views, ExportRequest("walk"))
    rows, spent = [], dict[str, list[float]]()
    for kind, (seconds, fps) in LENGTHS.items():
        spent[kind], length = [], 1.0 if options.quick else seconds
        for _ in range(1 if options.quick else options.repetitions):
            began = time.perf_counter()
            write_film(views, scene, folder / f"film.{kind}", width=WIDTH, height=HEIGHT, fps=fps, seconds=length)
            spent[kind].append(time.perf_counter() - began)
        size = (folder / f"film.{kind}").stat().st_size / 1e6
        rows.append(side_row(f"{kind}, {length:g} s at {fps:g} frames/s, {size:.1f} MB", spent[kind], "s"))
    pages = {"walk": len(build_page(views, scene)) / 1e6}
    for run_id in views.library.ids():
        if run_id != "walk":
            pages[run_id] = len(build_page(views, load_scene(views, ExportRequest(run_id)))) / 1e6
    largest = max(pages, key=lambda run_id: pages[run_id])
    plays = [1.0 if options.quick else LENGTHS["mp4"][0]] * len(spent["mp4"])
    claims = [
        Claim("s to make the MP4", spent["mp4"], at_most=60),
        Claim("time to make the MP4 over the time it plays", ratios(spent["mp4"], plays)),
        Claim(f"MB of the largest HTML page ({largest})", [pages[largest]], at_most=8),
    ]
    version = subprocess.run([find_browser(), "--version"], capture_output=True, text=True, check=False).stdout.strip()
    report("export.py", rows, claims, options, f"{version}, matplotlib {matplotlib.__version__}.")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        measure(parser(__doc__, 3).parse_args(), Path(temporary))
