"""The exports of an app, made one at a time (each takes a core, a film two), with their progress and a way to stop."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer.export.entry import Options
from explorer.export.scene import ExportRequest
from explorer.export.writer import write_export
from explorer.space.views import Views
from explorer.web.http import BusyError
from mtm.errors import InputError

LONGEST_NAME = 100  # characters of a file's name without its ending


class Exporter:
    """Makes one export at a time; `progress` is that of the newest: the share done, and what is being done."""

    def __init__(self, views: Views) -> None:
        self.views = views
        self.progress: dict[str, Any] = {"share": 0.0, "what": ""}
        self._turn = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Have the export that is being made end as soon as it reports its progress."""
        self._stopped.set()

    @contextmanager
    def take_turn(self) -> Iterator[Path]:
        """A new folder for the file of one export; removed if the export fails, else left to the caller.

        Raises BusyError while another export is being made.
        """
        if not self._turn.acquire(blocking=False):
            raise BusyError("another export is being made; wait until it is done")
        try:
            folder = Path(tempfile.mkdtemp(prefix="moving-targets-"))
            self._stopped.clear()
            self.progress = {"share": 0.0, "what": ""}
            try:
                yield folder
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        finally:
            self._turn.release()

    def write(
        self,
        folder: Path,
        request: ExportRequest,
        what: str,
        kind: str,
        options: Options,
        is_abandoned: Callable[[], bool] = lambda: False,
    ) -> Path:
        """Write an export to a folder and return its file, named after run and view, or curve, or kind of export.

        Raises InputError for a choice that does not exist and when it is stopped or abandoned, FilmError if a film
        fails.
        """

        def report(share: float, what: str) -> None:
            self.progress = {"share": share, "what": what}
            if self._stopped.is_set() or is_abandoned():
                raise InputError("the export was stopped")

        if not kind.isalnum():
            raise InputError(f"kind={kind}: the ending of a file is meant, as in png")
        label = options.curve or request.view or what
        name = re.sub(r"[^\w.-]+", "-", f"{request.run}-{label}")[:LONGEST_NAME]  # nothing that is a folder
        path = folder / f"{name}.{kind}"
        write_export(self.views, request, what, path, options, report)
        return path
