"""Claims: a training that is started from the page is on the screen at once, stays current, and is not slowed down.

(a) From "Start training" pressed to the first snapshot after an epoch on the screen, digits, `convnet`: at most 12 s.
(b) From a snapshot on disk to its being on the screen (curves and picture): at most 2 s, every snapshot of a training.
(c) The training, on one core, with the page watching on the other, over the training without a page: at least 0.9.

The same settings each time, a training in turn with the page and without. Speed is images over the time from the first
snapshot's file to the last one's, evaluation included. The browser is Chromium without a graphics card. In (c) the
training has core 0 to itself, and the server and the browser have core 1, unless `--unpinned` is said. A busy
other core alone costs something too, on a machine whose cores share what they compute with: the third kind of training
has core 1 kept busy by a loop, and no page.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from common import Claim, parser, ratios, report, side_row
from player import CHROMIUM, FLAGS
from playwright.sync_api import Page, sync_playwright
from start import explorer, free_port, served

IMAGES = 1438  # of the digits' training split
WATCH = """
window.drawnAt = {};
new MutationObserver(() => {
  const card = document.querySelector(".train-card");
  const n = Number(card?.dataset.drawn ?? 0);
  for (let i = 1; i <= n; i++) window.drawnAt[i] ??= (performance.timeOrigin + performance.now()) / 1000;
  if (Number(card?.dataset.epoch ?? 0) >= 1) window.epochAt ??= performance.now();
}).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-drawn", "data-epoch"] });
document.querySelector("#train-start").addEventListener("click", () => (window.startedAt = performance.now()));
"""


def post(address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    answer: dict[str, Any] = json.load(urllib.request.urlopen(request, timeout=60))
    return answer


def finish(folder: Path, pinned: bool) -> list[float]:
    """Wait until a training is over; when each of its snapshots was on disk, in seconds since 1970."""
    pinned_pids: set[int] = set()
    while json.loads((folder / "status.json").read_text())["state"] in ("queued", "training"):
        if pinned:
            place(pinned_pids)
        time.sleep(0.2)
    assert json.loads((folder / "status.json").read_text())["state"] == "finished", folder
    return [path.stat().st_mtime for path in sorted((folder / "snapshots").glob("*.safetensors"))]


def place(pinned_pids: set[int]) -> None:
    """Training on core 0, everything else that this benchmark has started on core 1, once each."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in pinned_pids:
                trains = "mtm" in process.cmdline()
                for thread in process.threads():
                    os.sched_setaffinity(thread.id, {0 if trains else 1})
                pinned_pids.add(process.pid)


def seconds_used(name: str) -> float:
    """Processor time so far of what this benchmark has started and whose command line has `name` in it."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if name in " ".join(process.cmdline()):
                used += sum(process.cpu_times()[:2])
    return used


def speed(on_disk: list[float], epochs: int) -> float:
    return IMAGES * epochs / (on_disk[-1] - on_disk[0])


def train_with_page(
    page: Page, address: str, runs: Path, name: str, epochs: int, pinned: bool
) -> tuple[float, list[float], float]:
    """A training from the page: seconds to its first epoch, each snapshot's seconds to the screen, images a second."""
    page.goto(f"{address}/train")
    page.wait_for_selector(".preview-figure", timeout=120_000)  # what is found out before a start is over
    page.fill("#train-epochs", str(epochs))
    page.fill("#train-name", name)
    page.wait_for_function(
        "(n) => document.querySelector('#train-command').textContent.includes(n)", arg=f"--epochs {epochs}"
    )
    page.evaluate(WATCH)
    page.click("#train-start")
    page.wait_for_function("window.epochAt !== undefined", timeout=120_000)
    first = page.evaluate("(window.epochAt - window.startedAt) / 1000")
    on_disk = finish(runs / name, pinned)
    drawn_at = {int(n): at for n, at in page.evaluate("window.drawnAt").items()}
    # the last one may find the training over, and its card gone
    lags = [drawn_at[n] - at for n, at in enumerate(on_disk, start=1) if n in drawn_at]
    assert len(lags) >= 0.9 * len(on_disk), (len(lags), len(on_disk))  # at its end the card is gone
    return first, lags, speed(on_disk, epochs)


def with_busy_core(address: str, runs: Path, name: str, epochs: int, pinned: bool) -> float:
    """The same training with no page open and the other core busy with nothing; images a second."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as loop:
        fast = train_without_page(address, runs, name, epochs, pinned)
        loop.kill()
    return fast


def train_without_page(address: str, runs: Path, name: str, epochs: int, pinned: bool) -> float:
    """The same training with no page open; images a second."""
    post(address, "/api/train/start", {"values": {"epochs": epochs}, "name": name})
    return speed(finish(runs / name, pinned), epochs)


def measure(options: argparse.Namespace, folder: Path) -> None:
    os.environ |= {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache")}
    runs, port = folder / "runs", free_port()
    runs.mkdir()
    address = f"http://127.0.0.1:{port}"
    epochs, pinned = 4 if options.quick else options.epochs, not options.unpinned
    firsts, worst, typical = [], [], []
    speeds: dict[str, list[float]] = {"with the page": [], "without": [], "without, beside a loop": []}
    used: dict[str, list[float]] = {"chrom": [], "explorer": []}
    with sync_playwright() as playwright, served(explorer(port, str(runs)), port):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--headless"])
        for repetition in range(options.repetitions + 1):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            before, began = {name: seconds_used(name) for name in used}, time.perf_counter()
            first, lags, fast = train_with_page(page, address, runs, f"watched-{repetition}", epochs, pinned)
            lasted = time.perf_counter() - began
            shares = {name: (seconds_used(name) - before[name]) / lasted for name in used}
            page.close()
            quiet = train_without_page(address, runs, f"alone-{repetition}", epochs, pinned)
            noisy = with_busy_core(address, runs, f"loop-{repetition}", epochs, pinned)
            if repetition == 0:
                continue  # files and compiled code are warm from here on
            firsts.append(first)
            worst.append(max(lags))
            typical.append(statistics.median(lags))
            speeds["with the page"].append(fast)
            speeds["without"].append(quiet)
            speeds["without, beside a loop"].append(noisy)
            for name, share in shares.items():
                used[name].append(share)
        browser.close()
    page_open, without_page, with_loop = speeds.values()
    claims = [
        Claim("(a) s from the start pressed to the first epoch on the screen", firsts, at_most=12),
        Claim("(b) s from a snapshot on disk to the screen, the slowest of a training", worst, at_most=2),
        Claim("the same, the median of a training", typical),
        Claim("(c) speed with the page over speed without", ratios(page_open, without_page), at_least=0.9),
        Claim("speed beside a loop over speed without", ratios(with_loop, without_page)),
        Claim("share of a core that the browser uses meanwhile", used["chrom"]),
        Claim("share of a core that the server uses meanwhile", used["explorer"]),
    ]
    sides = [side_row(f"training {name}", values, "images/s") for name, values in speeds.items()]
    report(
        "live.py",
        sides,
        claims,
        options,
        f"Digits, convnet, {epochs} epochs; one torch thread{'' if pinned else ', unpinned'}.",
    )


if __name__ == "__main__":
    made = parser(__doc__, 5)
    made.add_argument("--unpinned", action="store_true", help="the system says what runs on which core")
    made.add_argument("--epochs", type=int, default=160, help="of each training (%(default)s)")
    given = made.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(given, Path(name))
