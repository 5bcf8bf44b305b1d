"""The Explore page's way to exports: `/api/export?what=...&kind=...` answers with the file, made while it waits.

What is shown is named as in the page's URL; `/api/export/progress` says how far the newest export has come.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request, send_file

from explorer.export.film.encoder import FilmError
from explorer.export.scene import MARKS, ExportRequest
from explorer.export.writer import Options, write_export
from explorer.space.views import Views
from mtm.errors import InputError

TEXTS = ("view", "classifier", "regions", "colour", "camera")  # of Asked
NUMBERS = {"width": int, "height": int, "scale": float, "fps": float, "seconds": float}  # of Options


def register(server: Flask, views: Views) -> None:
    """Add the routes to the app's server."""
    exports = _Exports(views)
    server.add_url_rule("/api/export", view_func=exports.answer)
    server.add_url_rule("/api/export/progress", view_func=exports.progress)
    server.add_url_rule("/api/export/stop", view_func=exports.stop, methods=["POST"])


class _Exports:
    """Exports of an app, one at a time: each takes a core, and a film two."""

    def __init__(self, views: Views) -> None:
        self.views = views
        self.turn = threading.Lock()
        self.told: dict[str, Any] = {"share": 0.0, "what": ""}
        self.stopped = threading.Event()

    def progress(self) -> Response:
        return jsonify(self.told)

    def stop(self) -> Response:
        """Have the export that is being made end as soon as it says how far it is."""
        self.stopped.set()
        return jsonify({})

    def answer(self) -> Response:
        """The file as an attachment, or 400 and a sentence."""
        if not self.turn.acquire(blocking=False):
            return _problem(409, "another export is being made; wait until it is done")
        folder = Path(tempfile.mkdtemp(prefix="moving-targets-"))
        self.stopped.clear()
        self.told = {"share": 0.0, "what": ""}
        try:
            path = self._make(folder)
        except (InputError, FilmError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            return _problem(400, str(error))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self.turn.release()
        response = send_file(path, as_attachment=True, download_name=path.name)
        response.direct_passthrough = False  # or the server would only close the file, and not call this:
        response.call_on_close(lambda: shutil.rmtree(folder, ignore_errors=True))
        return response

    def _make(self, folder: Path) -> Path:
        asked = request.args
        what, kind, run = (asked.get(name, "") for name in ("what", "kind", "run"))
        marks = (
            tuple(mark for mark in asked["shown"].split(",") if mark in MARKS)
            if "shown" in asked
            else ExportRequest.shown
        )
        seen = ExportRequest(
            run,
            **{name: asked[name] for name in TEXTS if asked.get(name)},
            epoch=_number("epoch", float),
            shown=marks,
            classes=_classes("classes") or None,
            at=_number("at", int),
            hidden=_classes("hidden"),
            solo=_number("solo", int),
            focus=_classes("focus"),
        )
        numbers = {name: _number(name, kind) for name, kind in NUMBERS.items()}
        options = Options(asked.get("curve"), theme=asked.get("theme"), **numbers)
        if not kind.isalnum():
            raise InputError(f"kind={kind}: the ending of a file is meant, as in png")
        name = re.sub(r"[^\w.-]+", "-", f"{run}-{options.curve or seen.view or what}")  # nothing that is a folder
        path = folder / f"{name}.{kind}"
        write_export(self.views, seen, what, path, options, self._tell)
        return path

    def _tell(self, share: float, what: str) -> None:
        self.told = {"share": share, "what": what}
        if self.stopped.is_set():
            raise InputError("the export was stopped")


def _number(name: str, kind: type[int] | type[float]) -> Any:
    text = request.args.get(name)
    try:
        return kind(text) if text else None
    except ValueError:
        raise InputError(f"{name}={text}: a number is meant") from None


def _classes(name: str) -> tuple[int, ...]:
    text = request.args.get(name, "")
    try:
        return tuple(int(k) for k in text.split(",")) if text else ()
    except ValueError:
        raise InputError(f"{name}={text}: numbers of classes are meant, as in 0,3,6") from None


def _problem(status: int, sentence: str) -> Response:
    response = jsonify({"error": sentence})
    response.status_code = status
    return response
