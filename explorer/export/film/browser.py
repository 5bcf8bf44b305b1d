"""A browser that draws without a window: any Chrome, Chromium or Edge that is installed, opened on an address of ours.

It is not driven by a protocol: the page draws its frames by itself and sends them back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

import psutil

from mtm.errors import InputError

PROGRAM_NAMES = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "chrome",
    "microsoft-edge",
    "msedge",
)
PROGRAM_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    *(
        rf"{os.environ.get(folder, '')}\{program}"
        for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        for program in (r"Google\Chrome\Application\chrome.exe", r"Microsoft\Edge\Application\msedge.exe")
    ),
)
FLAGS = (
    "--headless=new",
    "--hide-scrollbars",
    "--mute-audio",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
)
NO_BROWSER = (
    "the film is drawn by a browser and none was found; install Chrome, Chromium or Edge, or name one with "
    "--browser PATH (the Explore page can record itself instead)"
)


def find_browser(program: Path | None = None) -> Path:
    """The program of the browser: the given one, else the first that is installed; InputError if there is none."""
    if program is not None:
        if not program.is_file():
            raise InputError(f"--browser {program}: there is no such program")
        return program
    programs = [path for name in PROGRAM_NAMES if (path := shutil.which(name))]
    programs += [path for path in PROGRAM_PATHS if Path(path).is_file()]
    if not programs:
        raise InputError(NO_BROWSER)
    return Path(programs[0])


class Browser:
    """A browser with one page and a profile of its own; both are gone when the context is left."""

    def __init__(self, program: Path, address: str, density: float) -> None:
        self.profile = tempfile.mkdtemp(prefix="moving-targets-")
        flags = [*FLAGS, f"--force-device-scale-factor={density:g}", f"--user-data-dir={self.profile}"]
        if sys.platform.startswith("linux") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # as root it would not start otherwise; it opens nothing but our page
        try:
            self.process = subprocess.Popen(
                [str(program), *flags, address],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is ours: we end it
            )
        except OSError as error:
            shutil.rmtree(self.profile, ignore_errors=True)
            raise InputError(f"{program} cannot be started: {error.strerror}") from None

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            browser = psutil.Process(self.process.pid)
            family = [*browser.children(recursive=True), browser]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family, timeout=5)
        self.process.wait(5)
        shutil.rmtree(self.profile, ignore_errors=True)

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None
