"""Claims: the explorer starts about as fast as an empty Dash app, and shows a bundled run at once.

(a) From starting the process to the first answer: at most 1 s more than a Dash app with an empty page behind the same
    server.
(b) From opening the page of a bundled run to its first picture, nothing kept from before: within 3 s.
(c) The same when the run has been seen before.

Both sides of (a) are new processes, in turn. The browser of (b) and (c) is Chromium without a graphics card; a picture
counts when the player has drawn points, and for the second figure when their regions are drawn too.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from common import Claim, interleave, parser, report, side_row
from player import CHROMIUM, FLAGS
from playwright.sync_api import Page, sync_playwright

BARE = """
import sys, dash, waitress
app = dash.Dash(); app.layout = dash.html.Div('empty')
waitress.serve(app.server, host='127.0.0.1', port=int(sys.argv[1]))
"""
RUN = "demo/fashion-euclidean"
DRAWN = "document.querySelector('#explore-stage')?.player?.stage.frameCount > 0"
REGIONS = "document.querySelector('#explore-stage')?.player?.data.regions"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: list[str], port: int) -> Iterator[None]:
    """A server's process, from its first answer on."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                break
            except OSError:
                time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def explorer(port: int, runs: str) -> list[str]:
    return [sys.executable, "-m", "explorer", "--no-browser", "--port", str(port), "--runs", runs]


def time_start(command: Callable[[int], list[str]]) -> None:
    port = free_port()
    with served(command(port), port):
        pass


def first_pictures(page: Page, port: int) -> tuple[float, float]:
    """Seconds from opening a page to its first picture, and to its first regions."""
    began = time.perf_counter()
    page.goto(f"http://127.0.0.1:{port}/?run={RUN}&epoch=3", wait_until="commit")
    page.wait_for_function(DRAWN, timeout=60_000)
    drawn = time.perf_counter() - began
    page.wait_for_function(REGIONS, timeout=60_000)
    return drawn, time.perf_counter() - began


def measure(options: argparse.Namespace, folder: Path) -> None:
    sides = {
        "a bare Dash app": lambda: time_start(lambda port: [sys.executable, "-c", BARE, str(port)]),
        "explorer": lambda: time_start(lambda port: explorer(port, str(folder / "none"))),
    }
    seconds = interleave(sides, options.repetitions)
    cold: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    with sync_playwright() as playwright:
        for repetition in range(options.repetitions):
            port = free_port()
            command = ["env", f"XDG_CACHE_HOME={folder / str(repetition)}", *explorer(port, str(folder / "none"))]
            with served(command, port):
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--headless"]
                )
                for results in (cold, again):
                    page = browser.new_page(viewport={"width": 1440, "height": 900})
                    results.append(first_pictures(page, port))
                    page.close()
                browser.close()
    more = [app - bare for bare, app in zip(*seconds.values(), strict=True)]
    claims = [Claim("(a) seconds to the first answer, more than a bare Dash app", more, at_most=1)]
    for letter, name, pictures in (("b", "never seen before", cold), ("c", "seen before", again)):
        drawn, regions = zip(*pictures, strict=True)
        claims.append(Claim(f"({letter}) s to the first picture, {name}", drawn, at_most=3))
        claims.append(Claim(f"({letter}) s until its regions are drawn, {name}", regions))
    report("start.py", [side_row(name, values, "s") for name, values in seconds.items()], claims, options, RUN)


if __name__ == "__main__":
    given = parser(__doc__, 5).parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(given, Path(name))
