"""Claim: the server's memory does not grow with use: after the first ten minutes it stays what it is.

A real Chromium uses every page of a real server without a pause: at each visit it presses buttons, opens menus, chooses
from lists, moves sliders, draws lassos and types keys, drawn by `--seed`, and now and then trains, exports and deletes.
Nobody clicks that fast: an hour of it stands for eight of a person.

Measured every few seconds: memory (resident), open files and threads of the server, memory of the processes that it
has started and keeps (the projections' worker), and after each visit the heap of the page's scripts. The slope is a
straight line through ten means of what comes after the first ten minutes, with its 95 % interval; "grows" is said where
the interval lies above 0 and an hour of it would be more than 2 % of the memory.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from common import machine, table
from player import CHROMIUM, FLAGS
from playwright.sync_api import Error, Page, sync_playwright
from scipy.stats import linregress, t
from start import free_port

from explorer.web.paths import demo_folder
from mtm.config import TrainConfig
from mtm.runs import Run
from mtm.train_loop.recorder import record_training

MB = 2**20
WARM_MINUTES = 10.0  # may fill the caches; of a short trial a third
BLOCKS = 10  # means through which the line goes
ACTS = 8  # on a page at each visit
SECONDS_BETWEEN_SAMPLES = 3.0
PATIENCE = 60.0  # seconds until a page that shows nothing counts as an error

# Pages by what has to stand on them before they are used.
PAGES = {
    "/": "#explore-stage",
    "/runs": "#runs-open",
    "/compare": ".compare-pane",
    "/train": "#train-start",
    "/tune": "#shell-page h3, #shell-page p, #shell-page canvas, #shell-page svg",
    "/lab": "#lab-reset",
    "/results": "#shell-page a",
}
VIEWS = ("pca", "centres", "targets", "tour", "umap", "umap-learn")
# Pressed on purpose only: what fills the folder of runs, takes it away, or leads out of the program.
SPARED = "#train-start, #runs-delete-do, #runs-rename-do, a[href^='http'], a[download], input[type=file]"
# One thing of the page that can be used: the elements that are seen and not disabled, one drawn by a number in [0, 1).
USE = """
([drawn, second, spared]) => {
  const root = document.querySelector("#shell-page") ?? document.body;
  const kinds = "button, summary, select, input[type=range], input[type=checkbox], input[type=number], [role=tab]";
  const all = [...root.querySelectorAll(kinds), ...document.querySelectorAll(".mantine-Combobox-option")].filter(
    (each) => !each.disabled && !each.closest(spared) && each.checkVisibility() && each.getClientRects().length,
  );
  const one = all[Math.floor(drawn * all.length)];
  if (!one) return "nothing";
  const say = (type) => one.dispatchEvent(new Event(type, { bubbles: true }));
  if (one.tagName === "SELECT") one.selectedIndex = Math.floor(second * one.options.length);
  else if (one.type === "range") one.value = +one.min + second * (one.max - one.min);
  else if (one.type === "number") one.value = Math.round(1 + second * 20);
  else {
    one.click();
    return "press";
  }
  say("input");
  say("change");
  return one.type;
}
"""
COLLECT = "() => performance.memory?.usedJSHeapSize ?? 0"


class Sample(NamedTuple):
    """The server at one time."""

    seconds: float
    server: float  # MB resident
    children: float  # MB, of the processes that it keeps
    files: int
    threads: int


class Watch(threading.Thread):
    """Samples a process until told to stop."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.began, self.over = process, time.monotonic(), threading.Event()
        self.samples: list[Sample] = []

    def run(self) -> None:
        while not self.over.wait(SECONDS_BETWEEN_SAMPLES):
            with contextlib.suppress(psutil.Error):
                self.samples.append(self.look())

    def look(self) -> Sample:
        kept = 0.0
        for child in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it may have ended
                if "mtm" not in child.cmdline() and "chrom" not in child.name():
                    kept += child.memory_info().rss / MB
        memory = self.process.memory_info().rss / MB
        now = time.monotonic() - self.began
        return Sample(now, memory, kept, self.process.num_fds(), self.process.num_threads())


class User:
    """Somebody who uses the explorer through a browser, faster than a person can."""

    def __init__(self, browser: Any, address: str, runs: Path, chance: random.Random) -> None:
        self.browser, self.address, self.runs, self.chance = browser, address, runs, chance
        self.done: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.heaps: list[tuple[float, float]] = []  # seconds, MB
        self.open_page()

    def open_page(self) -> None:
        self.page: Page = self.browser.new_page(viewport={"width": 1440, "height": 900}, accept_downloads=True)
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("pageerror", lambda error: self.errors.update([str(error).splitlines()[0][:150]]))
        self.page.on("response", lambda answer: self._note(answer.status, answer.url))
        self.page.on("dialog", lambda dialog: dialog.dismiss())
        self.page.on("download", lambda download: self.done.update(["download"]))

    def visit(self) -> None:
        """Show a page in one of its states and use it."""
        path = self.chance.choices(list(PAGES), [6, 2, 3, 1, 1, 3, 1])[0]
        url = self.address + path + self._query(path)
        if self.chance.random() < 0.2:
            self.page.goto(url)
        else:
            self._follow(url)
        try:
            self.page.wait_for_selector(PAGES[path], state="attached")
            self.done[f"visit of {path}"] += 1
            for _ in range(ACTS):
                self._act(path)
        except Error as error:  # by its first line
            self.errors[f"{path}: {str(error).splitlines()[0][:150]}"] += 1
            self.page.close()
            self.open_page()
            self.page.goto(self.address)

    def train(self) -> None:
        """Train a short run from the page's own route, watch it, and take it away."""
        values = {"epochs": 4, "train_images": 300, "record": 60}
        name = f"made-{self.done['training']}"
        self.page.goto(f"{self.address}/train")
        self._post("/api/train/start", {"values": values, "name": name})
        self._follow(f"{self.address}/?run={name}")
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not (self.runs / name / "checkpoint" / "last.safetensors").exists():
            self._act("/")
        time.sleep(1.5)  # the process ends
        self._post("/api/jobs/remove", {"run": name})
        self.done["training"] += 1

    def export(self) -> None:
        """Have a file made of what the page shows."""
        what, kind = self.chance.choice([("figure", "png"), ("figure", "svg"), ("data", "csv"), ("page", "html")])
        self._follow(f"{self.address}/?run={self._run()}")
        with contextlib.suppress(Error):
            self.page.click("#explore-export summary", timeout=5000)
            self.page.click(f"#explore-export [data-kind={kind}]", timeout=5000)
            self.page.wait_for_timeout(2000)
        self.done[f"export {what}.{kind}"] += 1

    def measure_heap(self, seconds: float) -> None:
        session = self.page.context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        session.detach()
        self.heaps.append((seconds, self.page.evaluate(COLLECT) / MB))

    def _query(self, path: str) -> str:
        run, other = self._run(), self._run()
        if path == "/":
            view = self.chance.choices(VIEWS, [5, 4, 4, 3, 3, 1])[0]
            return f"?run={run}&view={view}&epoch={self.chance.randint(0, 5)}"
        if path == "/compare":
            return f"?run={run}&with={other}"
        return f"?run={run}" if path == "/lab" and self.chance.random() < 0.5 else ""

    def _run(self) -> str:
        demos = [f"demo/{path.name}" for path in demo_folder().iterdir() if path.is_dir()]
        return self.chance.choice([*sorted(demos), "one", "two"])

    def _follow(self, url: str) -> None:
        follow = "(u) => { history.pushState({}, '', u); dispatchEvent(new CustomEvent('_dashprivate_pushstate')); }"
        if self.page.url.startswith(self.address):
            self.page.evaluate(follow, url)
        else:
            self.page.goto(url)

    def _act(self, path: str) -> None:
        """Use one thing of the page, or the picture on it."""
        if self.chance.random() < 0.3:
            act = self._use_picture(path)
        else:
            act = self.page.evaluate(USE, [self.chance.random(), self.chance.random(), SPARED])
        self.done[act] += 1
        self.page.wait_for_timeout(self.chance.choice([20, 100, 300]))

    def _use_picture(self, path: str) -> str:
        x, y = self.chance.randint(250, 900), self.chance.randint(200, 750)
        if self.chance.random() < 0.3:
            key = self.chance.choice([" ", "ArrowRight", "ArrowLeft", "l", "r", "Escape", "Home", "End"])
            self.page.keyboard.press(key)
            return "key"
        self.page.mouse.move(x, y)
        if self.chance.random() < 0.3:
            self.page.mouse.wheel(0, self.chance.choice([-200, 200]))
            return "wheel"
        self.page.mouse.down()
        for _ in range(4):
            self.page.mouse.move(x + self.chance.randint(-150, 150), y + self.chance.randint(-150, 150), steps=2)
        self.page.mouse.up()
        return "drag"

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=PATIENCE).read()
        except OSError as error:
            self.errors[f"{path}: {error}"] += 1

    def _note(self, status: int, url: str) -> None:
        if status >= 500:
            self.errors[f"{status} {url.removeprefix(self.address).split('?')[0]}"] += 1


def slope_per_hour(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """MB an hour, and half of its 95 % interval, of a line through means of equal parts of the time."""
    parts = [part for part in np.array_split(np.array(samples), BLOCKS) if len(part)]
    if len(parts) < 3:
        return float("nan"), float("nan")
    seconds, memory = np.array([part.mean(axis=0) for part in parts]).T
    line = linregress(seconds / 3600, memory)
    return float(line.slope), float(line.stderr * t.ppf(0.975, len(parts) - 2))


def print_report(watch: Watch, user: User, minutes: float) -> bool:
    """The course, the slopes and what was done; whether nothing grows."""
    print("\n## long_use.py\n")
    end = watch.samples[-1].seconds
    step = max(len(watch.samples) // 16, 1)
    rows = [
        (f"{s.seconds / 60:.1f}", f"{s.server:.0f}", f"{s.children:.0f}", str(s.files), str(s.threads))
        for s in watch.samples[::step]
    ]
    print(table(("minute", "server, MB", "its processes, MB", "open files", "threads"), rows), end="\n\n")
    warm = min(60 * WARM_MINUTES, end / 3)
    late = [s for s in watch.samples if s.seconds > warm]
    series: dict[str, list[tuple[float, float]]] = {
        "server, MB": [(s.seconds, s.server) for s in late],
        "its processes, MB": [(s.seconds, s.children) for s in late],
        "open files": [(s.seconds, s.files) for s in late],
        "threads": [(s.seconds, s.threads) for s in late],
        "heap of the page, MB": [heap for heap in user.heaps if heap[0] > warm],
    }
    found, steady = [], True
    for name, values in series.items():
        slope, half = slope_per_hour(values)
        typical = statistics.median([value for _, value in values]) if values else 0.0
        grows = slope - half > 0 and slope > 0.02 * typical
        steady &= not (grows and "heap" not in name)
        found.append((name, f"{typical:.0f}", f"{slope:+.1f} ± {half:.1f}", "grows" if grows else "steady"))
    print(table((f"after {warm / 60:.0f} minutes", "median", "an hour", ""), found), end="\n\n")
    print(f"{minutes:g} minutes: " + ", ".join(f"{count} x {name}" for name, count in user.done.most_common()) + ".")
    for sentence, count in user.errors.most_common(20):
        print(f"error, {count} x: {sentence}")
    print(f"\n{machine()}\n")
    return steady


def use(options: argparse.Namespace, folder: Path) -> bool:
    runs, port = folder / "runs", free_port() if options.port is None else options.port
    config = TrainConfig(epochs=4, train_images=300, record=100, dim=8, device="cpu")
    record_training(Run.create(runs / "one", config))
    shutil.copytree(demo_folder() / "fashion-cosine", runs / "two")
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *options.wrap, "-m", "explorer", "--no-browser"]
    command += ["--port", str(port), "--runs", str(runs)]
    with (folder / "server.txt").open("wb") as log, sync_playwright() as playwright:
        server = psutil.Popen(command, stdout=log, stderr=log, env=environment)
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: urllib.request.urlopen(address, timeout=5).read())
        watch = Watch(psutil.Process(server.pid))
        watch.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--headless"])
        user = User(browser, address, runs, random.Random(options.seed))
        try:
            live(user, watch, options)
        finally:
            browser.close()
            watch.over.set()
            server.terminate()
            server.wait()
    tracebacks = (folder / "server.txt").read_text(encoding="utf-8").count("Traceback")
    if tracebacks:
        user.errors["traceback in the server's terminal"] = tracebacks
        print((folder / "server.txt").read_text(encoding="utf-8")[-6000:], file=sys.stderr)
    return print_report(watch, user, options.minutes)


def live(user: User, watch: Watch, options: argparse.Namespace) -> None:
    """Use the pages until the time is over."""
    rounds, last = 0, 0.0
    while (now := time.monotonic() - watch.began) < options.minutes * 60:
        rounds += 1
        user.visit()
        for every, act in ((12, user.export), (40, user.train)):
            if rounds % every == 0:
                try:
                    act()
                except Error as error:
                    user.errors[f"{act.__name__}: {str(error).splitlines()[0][:150]}"] += 1
        with contextlib.suppress(Error):
            user.measure_heap(now)
        if now - last > 60 and watch.samples:
            last, s = now, watch.samples[-1]
            told = f"{now / 60:.0f} min, {rounds} visits: {s.server:.0f} MB, its processes {s.children:.0f} MB"
            print(f"{told}, {s.files} files, {s.threads} threads, heap {user.heaps[-1][1]:.0f} MB", flush=True)


def wait_for(answers: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            answers()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


if __name__ == "__main__":
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--minutes", type=float, default=60.0, help="of use (%(default)s)")
    made.add_argument("--seed", type=int, default=0, help="what is pressed (%(default)s)")
    made.add_argument("--port", type=int, help="of the server (a free one)")
    made.add_argument("--wrap", nargs="*", default=[], help="options of Python, such as -X tracemalloc")
    given = made.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        sys.exit(0 if use(given, Path(name)) else 1)
