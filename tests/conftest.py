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
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from waitress import create_server, wasyncore

from mtm.config import TrainConfig
from mtm.runs import Run
from mtm.train_loop.recorder import record_training

# two workers on two cores: a core each, for what they start too
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(1)

logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # as in the command: a page opens with many requests

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background: what is started here would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent  # of the checkout
Command = Callable[..., subprocess.CompletedProcess[str]]


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


CHROMIUM_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
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


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(page: Any, holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something of a page holds, as it does within some pictures; a busy machine takes its time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        page.wait_for_timeout(50)


@contextmanager
def served(flask: Any) -> Iterator[str]:
    """Serve an app as the command does; its address. The end waits for requests that a closed page has made."""
    connections: dict[int, Any] = {}
    server = create_server(flask, map=connections, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(lambda: wasyncore.close_all(connections))
        thread.join()


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
def mtm(start: Callable[..., subprocess.Popen[str]]) -> Command:
    """Run `mtm ...` to its end."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        process = start(*arguments)
        try:
            out, err = process.communicate(timeout=600)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
