"""The animation: the player itself, stepped frame by frame in a browser without a window, and encoded.

The page (`assets/export/film.mjs`) draws one frame after the other and sends its pixels back to a small server in this
process; so any browser will do, and no frame is dropped or repeated.
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from explorer.export.entry import PICTURE, Export, Options, Row
from explorer.export.film.browser import Browser, find_browser
from explorer.export.film.encoder import Encoder, FilmError, check_even
from explorer.export.html import embed_data, load_film_data, player_options, subtitle
from explorer.export.modules import build_import_map
from explorer.export.scene import ExportRequest, Progress, Scene, load_scene
from explorer.space.views import Views
from mtm.errors import InputError, choose_from
from mtm.run_folder.files import atomic_path

THEMES = ("light", "dark")
HOLD = 0.8  # seconds on the last picture, as in the player; at most a tenth of the film
LINES = 720  # pixels of height from which everything is drawn larger
MOST_DENSE = 2.0  # device pixels a CSS pixel; the player draws no finer
SMALLEST, LARGEST = 240, 4096  # pixels a side
MOST_FRAMES = 20_000
MOST_PIXELS = 5e10  # in all frames: 11 minutes of 1920 x 1080 at 36 frames a second
PATIENCE = 90.0  # seconds without a frame after which the browser counts as stuck

PAGE = """<!doctype html>
<meta charset="utf-8"><title>film</title>
<style>body {{ margin: 0; }} #stage {{ position: absolute; }}</style>
<script type="importmap">{modules}</script>
<div id="stage"></div>
{data}
<script type="module">import "export/film.mjs";</script>
"""


def write_film(
    views: Views,
    scene: Scene,
    path: Path,
    *,
    width: int = 1280,
    height: int = 720,
    fps: float = 30,
    seconds: float = 20,
    theme: str = "light",
    browser: Path | None = None,
    on_progress: Progress | None = None,
) -> int:
    """Write the film of a scene to `path` (.mp4, .webm or .gif), whole or not at all; returns its number of frames.

    `on_progress` gets the share done. InputError for an option out of range, FilmError if browser or encoder fail.
    """
    kind = path.suffix.lower().lstrip(".")
    check_options(kind, width, height, fps, seconds, theme)
    times = frame_times(len(scene.frames.epochs), fps, seconds)
    density = float(np.clip(height / LINES, 1, MOST_DENSE))
    program = find_browser(browser)
    page = _build_page(views, scene, width, height, density, theme, times)
    with atomic_path(path) as temporary, Encoder(temporary, kind, width, height, fps) as encoder:
        with _FrameServer(page, encoder) as server, Browser(program, server.address, density) as window:
            for i in range(len(times)):
                server.wait(window)
                if on_progress:
                    on_progress((i + 1) / len(times), f"frame {i + 1} of {len(times)}")
        if on_progress:
            on_progress(1.0, "encoding")
        encoder.finish()
    return len(times)


def check_options(
    kind: str, width: int = 1280, height: int = 720, fps: float = 30, seconds: float = 20, theme: str = "light"
) -> None:
    """Raises InputError for an option of a film that is out of range."""
    if theme not in THEMES:
        raise choose_from("theme of a film", theme, THEMES)
    for name, size in (("width", width), ("height", height)):
        if not SMALLEST <= size <= LARGEST:
            raise InputError(f"--{name} {size}: a film has {SMALLEST} to {LARGEST} pixels a side")
    check_even(kind, width, height)
    if not 1 <= fps <= 120 or (kind == "gif" and fps > 50):
        raise InputError(f"--fps {fps:g}: a film has 1 to 120 frames a second, a GIF at most 50")
    n = fps * seconds
    if not 0.5 <= n <= MOST_FRAMES:  # nor NaN
        raise InputError(f"--seconds {seconds:g} at --fps {fps:g} are {n:,.0f} frames; a film has 1 to {MOST_FRAMES:,}")
    if width * height * n > MOST_PIXELS:
        most = MOST_PIXELS / (width * height * fps)
        raise InputError(f"--seconds {seconds:g}: a film of {width} x {height} pixels has at most {most:.0f} seconds")


def frame_times(n_snapshots: int, fps: float, seconds: float) -> list[float]:
    """The time in snapshots of every frame: evenly from the first snapshot to the last, which is held at the end.

    Of options that `check_options` lets pass.
    """
    n = max(1, round(fps * seconds))
    n_still = int(min(HOLD, seconds / 10) * fps)
    moving = np.linspace(0, n_snapshots - 1, n - n_still)
    return [*moving.tolist(), *[float(n_snapshots - 1)] * n_still]


def _build_page(
    views: Views, scene: Scene, width: int, height: int, density: float, theme: str, times: Sequence[float]
) -> bytes:
    about: dict[str, Any] = {
        "title": scene.title,
        "subtitle": " · ".join(part for part in (subtitle(scene), scene.about_regions) if part),
        "width": width,
        "height": height,
        "density": density,
        "times": list(times),
        "options": player_options(scene) | {"theme": theme},
    }
    return PAGE.format(
        modules=build_import_map("export/film.mjs"), data=embed_data(about, load_film_data(views, scene))
    ).encode()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Print nothing when the browser ends in the middle of a frame: `_FrameServer.wait` raises for it."""


class _FrameServer:
    """A local server at an address that nobody else knows: it serves one page and passes its frames to the encoder."""

    def __init__(self, page: bytes, encoder: Encoder) -> None:
        secret = f"/{secrets.token_urlsafe(24)}/"
        events = self.events = queue.Queue[FilmError | None]()  # None for an encoded frame, or the error

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # one connection for all frames

            def do_GET(self) -> None:
                self.answer(*((200, page) if self.path == secret else (404, b"")))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == f"{secret}failed":
                    events.put(FilmError(f"the player failed: {body.decode(errors='replace')}"))
                elif self.path == f"{secret}frame":
                    try:
                        encoder.write(body)
                        events.put(None)
                    except (FilmError, ValueError) as error:  # ValueError: the encoder is closed
                        events.put(error if isinstance(error, FilmError) else FilmError("the film was given up"))
                        self.answer(410, b"")
                        return
                self.answer(200 if self.path.startswith(secret) else 404, b"")

            def answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = _QuietServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}{secret}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> _FrameServer:
        self.thread.start()
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait(self, browser: Browser) -> None:
        """Wait until one more frame is encoded. Raises FilmError if the page, the browser or the encoder has failed."""
        waited = 0.0
        while True:
            try:
                event = self.events.get(timeout=0.5)
            except queue.Empty:
                waited += 0.5
                if browser.has_ended:
                    raise FilmError("the browser ended before the film did") from None
                if waited > PATIENCE:
                    raise FilmError(f"the browser has drawn nothing for {PATIENCE:.0f} seconds") from None
                continue
            if event is not None:
                raise event
            return


def _write(views: Views, request: ExportRequest, path: Path, options: Options, on_progress: Progress) -> None:
    how = options.arguments("width", "height", "fps", "seconds", "theme")
    check_options(path.suffix.lower().lstrip("."), **how)  # before a layout is computed
    how |= {"browser": find_browser(options.browser)}
    scene = load_scene(views, request, on_progress)
    write_film(views, scene, path, **how, on_progress=on_progress)


EXPORT = Export(
    noun="film",
    help="MP4, WebM or GIF; needs Chrome, Chromium or Edge.",
    menu=(Row("Film of the whole run"),),
    kinds={"mp4": "video/mp4", "webm": "video/webm", "gif": "image/gif"},
    options=(*PICTURE, "width", "height", "fps", "seconds", "theme", "browser"),
    write=_write,
    defaults={"gif": {"fps": 15.0, "seconds": 8.0}},
)
