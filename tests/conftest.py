"""Shared by the tests: a small finished run, and the command line as a process."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from mtm.config import TrainConfig
from mtm.run_folder.snapshots import Snapshot
from mtm.runs import Run
from mtm.train_loop.recorder import record_training

# workers have a core each, for what they start too
os.environ.setdefault("OMP_NUM_THREADS", "1")

logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # as in the command: a page opens with many requests

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background: what is started here would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent  # of the checkout
PATIENCE = 200.0  # seconds until what a test waits for counts as never coming: a busy machine is no failure
Command = Callable[..., subprocess.CompletedProcess[str]]


# The files that take longest: they begin first, or one worker would be left alone with one of them.
LONGEST = (
    "test_kill.py", "test_explore_page.py", "test_tuning.py", "test_lab_page.py", "test_train_page.py", "test_queue.py",
    "test_cluster.py", "test_experiments.py", "test_runs_page.py", "test_runs_actions.py", "test_explore_panels.py",
    "test_compare_page.py", "test_export.py", "test_demo.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """One thread, so that two trainings in one process have the same bits: umap-learn's numba sets another number."""
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    last = len(LONGEST)
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else last)


def small(**changes: object) -> TrainConfig:
    """A config that trains in a second: 300 of the digits, two epochs, 60 images recorded."""
    values = {"epochs": 2, "train_images": 300, "record": 60, "dim": 8, "batch_size": 50, "device": "cpu"}
    return TrainConfig(**{**values, **changes})


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the digits, trained for real; tests that change it work on a copy."""
    run = Run.create(tmp_path_factory.mktemp("runs") / "finished", small())
    assert record_training(run) == "finished"
    return run.folder


@pytest.fixture
def recorded(finished_run: Path) -> list[Snapshot]:
    """The snapshots of the finished run."""
    run = Run.open(finished_run)
    return [run.snapshot(i) for i in range(len(run.snapshots))]


CHROMIUM_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-rasterization",  # there is no graphics card: only WebGL is drawn as if there were one
    "--disable-gpu-compositing",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser. Without one the browser tests are skipped, except in CI, where they fail."""
    from playwright.sync_api import sync_playwright

    browsers = [path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))]
    if not browsers and not os.environ.get("CI"):
        pytest.skip("no Chromium or Chrome on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browsers[0], args=CHROMIUM_FLAGS, ignore_default_args=["--headless"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tabs(chromium: Any) -> Iterator[Any]:
    """What all pages share: what one of them fetched and compiled is there for the next."""
    with chromium.new_context() as context:
        yield context


def make_tab(tabs: Any) -> Any:
    """A page whose `errors` collects what the browser complains about."""
    page = tabs.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    return page


def set_look(
    page: Any, width: int = 1440, height: int = 900, scheme: str = "light", motion: str = "no-preference"
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion=motion)


@contextmanager
def open_tab(tabs: Any, width: int = 1440, height: int = 900, **look: str) -> Iterator[Any]:
    """A page of this look (`set_look`). Nothing that it stores outlives it."""
    page = make_tab(tabs)
    set_look(page, width, height, **look)
    try:
        yield page
    finally:
        if page.url.startswith("http") and not page.is_closed():
            page.evaluate("localStorage.clear()")
        page.close()


@pytest.fixture
def new_page(tabs: Any) -> Iterator[Callable[..., Any]]:
    """Makes pages, by the arguments of `set_look`."""
    with ExitStack() as stack:
        yield lambda *size, **look: stack.enter_context(open_tab(tabs, *size, **look))


@pytest.fixture(scope="session")
def waiting_tabs(tabs: Any) -> list[Any]:
    """Pages on which the explorer is loaded and no test is at work."""
    return []


@pytest.fixture
def page(tabs: Any, waiting_tabs: list[Any], address: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of the explorer, maybe loaded by an earlier test: `visit` shows a part of it.

    A test that changes what is around the parts, such as light and dark, takes a `new_page`.
    """
    page = waiting_tabs.pop() if waiting_tabs else make_tab(tabs)
    set_look(page)
    page.errors.clear()
    failed = request.session.testsfailed
    yield page
    if request.session.testsfailed == failed and origin(page.url) == origin(address) and not page.is_closed():
        page.evaluate("localStorage.clear()")
        leave(page)
        waiting_tabs.append(page)
    else:
        page.close()


def without_refusals(errors: list[str]) -> list[str]:
    """Of a page's errors, those that are more than a request that was refused."""
    return [error for error in errors if "Failed to load resource" not in error]


def origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


def visit(page: Any, url: str) -> None:
    """Show a part of the explorer: by a link where it is loaded already, since to load all of it takes seconds."""
    if origin(page.url) == origin(url):
        leave(page)
        page.evaluate(FOLLOW_LINK, url)
    else:
        page.goto(url)


FOLLOW_LINK = "(url) => { history.pushState({}, '', url); dispatchEvent(new CustomEvent('_dashprivate_pushstate')); }"


def leave(page: Any) -> None:
    """Go where nothing of a part is left."""
    page.mouse.move(0, 0)
    page.evaluate(FOLLOW_LINK, "/nowhere")
    page.wait_for_selector("text=There is no such page")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Wait until something holds; not longer than `process`, which has to bring it about, lives."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.02)


def eventually(page: Any, holds: Callable[[], bool]) -> None:
    """Wait until something of a page holds that the page itself cannot say; its events are heard meanwhile."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        page.wait_for_timeout(20)


class Server:
    """Serves one app after another as the command does, at one address: a browser finds there what it has kept."""

    free: ClassVar[list[Server]] = []  # those whose app has been taken away

    def __init__(self) -> None:
        from explorer.web.security import body_limit
        from explorer.web.server import make_server

        self.app: Any = None
        listener = socket.create_server(("127.0.0.1", 0))
        self.server = make_server(self.answer, listener, lambda path, headers: body_limit(self.app, path, headers))
        self.address = f"http://127.0.0.1:{self.server.effective_port}"
        threading.Thread(target=self.server.run, daemon=True).start()

    def answer(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)

    def wait_until_idle(self) -> None:
        """Wait for the requests that a closed page has made."""
        at_work = self.server.task_dispatcher  # connections that were closed are no longer counted, their requests are
        until(lambda: not (at_work.queue or at_work.active_count))


@contextmanager
def served(flask: Any) -> Iterator[str]:
    """Serve an app; its address. Apps that are served at the same time have different ones."""
    server = Server.free.pop() if Server.free else Server()
    server.app = flask
    try:
        yield server.address
    finally:
        server.wait_until_idle()
        Server.free.append(server)


@pytest.fixture
def runs(finished_run: Path, tmp_path: Path) -> Path:
    """A folder with a copy of the finished run, by the name of `one`."""
    shutil.copytree(finished_run, tmp_path / "runs" / "one")
    return tmp_path / "runs"


@contextmanager
def served_explorer(runs: Path, home: Path, demos: Path | None = None, **options: Any) -> Iterator[str]:
    """Serve the explorer over a folder of runs, by default without bundled ones; nothing that it starts outlives it."""
    from explorer.app import create_app  # by those alone who need it: `mtm` is tested without

    flask = create_app(runs, demos or home / "demo", home / "cache", **options).server
    with served(flask) as address:
        yield address
    for name in ("queue", "preview", "views"):
        flask.extensions[name].close()


@pytest.fixture
def address(runs: Path, tmp_path: Path) -> Iterator[str]:
    """Where the explorer shows `runs`."""
    with served_explorer(runs, tmp_path) as address:
        yield address


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `mtm ...` as a process in `tmp_path`."""

    def popen(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "mtm", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return popen


@pytest.fixture
def mtm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `mtm ...` in `tmp_path`, within this process: a new one would take seconds to import torch."""
    from mtm import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command adds its folder

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["mtm", *map(str, arguments)])
        capfd.readouterr()
        code: object = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(sys.argv, code, *capfd.readouterr())

    return run


@pytest.fixture
def mtm_process(start: Callable[..., subprocess.Popen[str]]) -> Command:
    """Run `mtm ...` to its end in a process of its own."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        process = start(*arguments)
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
