"""The one place where exports are made: taken by a POST, given back when the export ends, is stopped or abandoned."""

from __future__ import annotations

import json
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from conftest import PATIENCE, until

from explorer.export.entry import Export, Options
from explorer.export.scene import ExportRequest, Progress
from explorer.export.writer import EXPORTS
from explorer.space.views import Views

BODY = {"run": "one", "what": "lasting", "kind": "txt"}


def write_lasting(views: Views, request: ExportRequest, path: Path, options: Options, on_progress: Progress) -> None:
    """An export that takes as long as it may."""
    while True:
        on_progress(0.5, "lasting")
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where exports are written; one kind of them never ends by itself."""
    lasting = Export("lasting", "", (), {"txt": "text/plain"}, (), write_lasting)
    monkeypatch.setitem(EXPORTS, "lasting", lasting)
    folder = tmp_path / "exports"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@contextmanager
def asked_for(address: str) -> Iterator[socket.socket]:
    """The connection of a client that has sent for the lasting export, which has begun."""
    body = json.dumps(BODY).encode()
    head = f"POST /api/export HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\nContent-Type: application/json\r\n"
    with closing(socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), PATIENCE)) as client:
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        until(lambda: ask(address, "/api/export/progress")[1]["what"] == "lasting")
        yield client


def ask(address: str, path: str, body: object = None) -> tuple[int, Any]:
    """The status and the JSON of an answer, or its bytes."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as response:
            content = response.read()
            return response.status, json.loads(content) if "json" in response.headers["Content-Type"] else content
    except HTTPError as error:
        return error.code, json.loads(error.read())


def test_an_abandoned_export_ends_and_leaves_nothing(address: str, folder: Path) -> None:
    with asked_for(address):
        assert ask(address, "/api/export", BODY) == (
            409,
            {"error": "another export is being made; wait until it is done"},
        )
    until(lambda: not list(folder.iterdir()))
    status, table = ask(address, "/api/export", {"run": "one", "what": "data", "kind": "csv", "view": "pca"})
    assert status == 200
    assert b"epoch" in table.splitlines()[0]
    until(lambda: not list(folder.iterdir()))


def test_a_stopped_export_says_so_and_leaves_nothing(address: str, folder: Path) -> None:
    with asked_for(address) as client:
        assert ask(address, "/api/export/stop", {}) == (200, {})
        with client.makefile("rb") as answer:
            assert any(
                b"the export was stopped" in line for line in answer
            )  # the last line: head and body may come apart
    until(lambda: not list(folder.iterdir()))


def test_a_get_makes_no_export(address: str, folder: Path) -> None:
    assert ask(address, "/api/export?run=one&what=lasting&kind=txt") == (
        404,
        {"error": "there is no GET of /api/export"},
    )
    assert ask(address, "/api/export/progress")[1] == {"share": 0.0, "what": ""}
