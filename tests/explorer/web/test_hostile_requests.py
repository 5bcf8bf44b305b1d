"""Whatever is sent to any route, the answer is one sentence and never a defect: requests drawn from a seed."""

from __future__ import annotations

import json
import logging
import random
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from explorer import app as explorer_app
from explorer.app import create_app
from explorer.space.projections import OPTIONS
from explorer.space.views import Picture
from explorer.web.callbacks import REFUSAL

SEED, REQUESTS = 1, 400
SLOW = ("/svg", "/pdf", "/export")  # files that take long to draw: what is sent for them is always spoilt
NUMBERS = (
    "0", "-1", "1", "2.5", "9", "1e400", "nan", "-inf", "0x10", "1_0", "9" * 400, "9" * 5000, "9223372036854775808",
    "-9223372036854775808", "1000000000000000000000000000000", "١٢",
)  # fmt: skip
TEXTS = (
    "", " ", "\0", "a\0b", "..", "../..", "/etc/passwd", "C:\\x", "%00", "<script>alert(1)</script>", "\r\nX-Evil: 1",
    "[]", "{}", "true", ",", ",,,", "0,1", "0,0,0", "0,1,2,3", "1," * 3000 + "1", "x" * 9000, "𝕏", "e\u0301", "\u202e",
    "\x1b[31m", "one", "demo/x", "pca", "umap ", "cos", "best", "__class__", "{0.__class__}", "%s%n",
)  # fmt: skip
DEEP: list[Any] = []
for _ in range(300):
    DEEP = [DEEP]
VALUES: tuple[Any, ...] = (
    None, True, False, [], {}, [[]], [None], [1, "a", None], {"a": 1}, {"": {}}, -1, 0, 1, 2.5, 1e308, -1e308, 5e-324,
    2**53, 2**63, 10**30, float("nan"), float("inf"), [0.0] * 500, "\ud800", {"\ud800": "\udfff"}, DEEP,
)  # fmt: skip
RAW = (
    b"", b"null", b"[]", b"{", b"[" * 100_000, b'{"a":' * 20_000, b"\xff\xfe\x00", b'"\\ud800"', b"NaN", b"1e999",
    b"9" * 5000, b'{"run": "one"' + b" " * 100, b"\xef\xbb\xbf{}", b"{" + b'"a":1,' * 9000 + b'"a":1}',
)  # fmt: skip
KINDS = (
    "application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data",
    "application/octet-stream", "application/x-www-form-urlencoded", "", "\xe9",
)  # fmt: skip
GOOD = {"run": "one", "with": "one", "view": "pca", "classifier": "cos", "mode": "best", "row": "3", "k": "5"}
PARTS = {"output", "outputs", "inputs", "state", "changedPropIds"}  # of what the page sends to a callback


@pytest.fixture(scope="module")
def app(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("hostile")
    shutil.copytree(finished_run, home / "runs" / "one")
    app = create_app(home / "runs", home / "demo", home / "cache", data_root=home / "data")
    app.server.extensions["queue"].close()  # nothing is trained
    yield app
    for name in ("queue", "preview", "views"):
        app.server.extensions[name].close()


def names_of_arguments() -> list[str]:
    """What any route reads of a request."""
    folder = Path(explorer_app.__file__).parent
    code = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    names = set(re.findall(r"""(?:arguments|args)\.\w+\(\s*"(\w+)""", code)) | set(OPTIONS)
    assert {"run", "snapshot", "seed", "width", "top"} <= names
    return sorted(names)


def bodies() -> dict[str, dict[str, Any]]:
    """A body that is accepted, by path: what is sent is one of them, changed."""
    losses = [{"name": "euclidean"}]
    points = {"e": [[0.0, 1.0], [2.0, 1.0]], "y": [0, 1], "c": [[0.0, 0.0], [1.0, 1.0]]}
    scene = {"losses": losses, "points": points, "n": 8, "box": [-1, -1, 1, 1], "at": [0.0, 0.0]}
    in_run = {"losses": losses, "in_run": {"run": "one", "snapshot": 1, "label": 1}, "n": 8}
    selection = {"steps": [{"do": "replace", "shape": {"kind": "class", "classes": [1]}}]}
    selected = {
        "run": "one",
        "selection": selection,
        "snapshot": 1,
        "classifier": "cos",
        "name": "mine",
        "by": "margin",
    }
    landscapes = ("", "/value", "/release", "/svg", "/pdf", "/csv", "/npz")
    return {
        **{f"/api/landscape{kind}": scene for kind in landscapes},
        "/api/landscape": in_run,
        "/api/selection": selected,
        "/api/selection/grid": {**selected, "start": 0, "size": 5, "falling": True},
        "/api/selections/save": selected,
        "/api/train/check": {"values": {"dataset": "nowhere", "dim": "4"}},
        "/api/train/start": {"values": {"dataset": "nowhere", "dim": "4"}, "name": "x"},
        "/api/export": {"run": "one", "what": "data", "kind": "csv", "view": "pca"},
        **{f"/api/jobs/{what}": {"run": "two"} for what in ("stop", "resume", "remove")},
        "/api/layout": {"run": "one", "view": "nothing"},
    }


def spoil(value: Any, rng: random.Random) -> Any:
    """A value of JSON with something in it replaced by what does not belong there."""
    if rng.random() < 0.3 or not isinstance(value, dict | list) or not value:
        return rng.choice([*VALUES, *TEXTS, *NUMBERS])
    if isinstance(value, list):
        i = rng.randrange(len(value))
        return [*value[:i], spoil(value[i], rng), *value[i + 1 :]] if rng.random() < 0.8 else [*value, *value, None]
    key = rng.choice(list(value))
    if rng.random() < 0.1:
        return {name: each for name, each in value.items() if name != key}
    return value | {key: spoil(value[key], rng)}


def callback_bodies(app: Any) -> list[dict[str, Any]]:
    """What the page sends to each callback, for each of its inputs."""
    app.server.test_client().get("/_dash-layout")
    shown = {
        "runs-table.selectedRows": [{"id": "two", "name": "two"}],
        "runs-rename-name.value": "three",
        "compare-lines.data": [{"run": "one", "name": "A", "place": 0, "classifier": "cos"}],
        "explore-run.value": "one",
        "shell-url.pathname": "/runs",
        "shell-url.search": "?run=one&library=x",
    }
    sent = []
    for output, callback in app.callback_map.items():
        if "callback" not in callback:  # it runs in the browser
            continue
        names = [name.rsplit(".", 1) for name in output.strip(".").split("...")]
        places = [{"id": name, "property": part} for name, part in names]
        inputs, state = (
            [{**part, "value": shown.get(f"{part['id']}.{part['property']}")} for part in callback[name]]
            for name in ("inputs", "state")
        )
        outputs = places if output.startswith("..") else places[0]
        body = {"output": output, "outputs": outputs, "inputs": inputs, "state": state}
        sent += [body | {"changedPropIds": [f"{part['id']}.{part['property']}"]} for part in inputs]
    return sent


def draw(
    rng: random.Random, app: Any, names: list[str], callbacks: list[dict[str, Any]]
) -> tuple[str, str, dict[str, Any]]:
    """A request: method, path and what `open` of Flask's client takes besides."""
    rule = rng.choice(
        [rule for rule in app.server.url_map.iter_rules() if "<" not in rule.rule or "figures" in rule.rule]
    )
    path = re.sub("<.*?>", lambda _: quote(rng.choice(TEXTS), safe=""), rule.rule)
    if rng.random() < 0.05:
        return rng.choice(["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]), path, {}
    if "POST" not in (rule.methods or ()):
        given = dict(GOOD) | {rng.choice(names): rng.choice([*TEXTS, *NUMBERS]) for _ in range(rng.randrange(4))}
        query = "&".join(f"{name}={quote(value)}" for name, value in given.items())
        query += rng.choice(["", "", "", "&run=one", "&%ff=%fe", "&" * 500, "&a" * 2000, "&=&=", ";"])
        return "GET", path, {"query_string": query}
    if rng.random() < 0.15:
        return "POST", path, {"data": rng.choice(RAW), "content_type": rng.choice(KINDS)}
    body = rng.choice(callbacks) if path == "/_dash-update-component" else bodies().get(path, dict(GOOD))
    for _ in range(rng.randrange(path.endswith(SLOW), 3)):
        body = spoil(body, rng)
    return "POST", path, {"data": json.dumps(body), "content_type": "application/json"}


def test_no_get_starts_what_outlives_its_answer(app: Any) -> None:
    client, this, views = app.server.test_client(), psutil.Process(), app.server.extensions["views"]
    rules = [
        rule.rule for rule in app.server.url_map.iter_rules() if "GET" in (rule.methods or ()) and "<" not in rule.rule
    ]
    assert {"/api/frames", "/api/progress", "/api/train", "/api/jobs"} <= set(rules)
    children, threads = set(this.children(recursive=True)), set(threading.enumerate())
    for path in rules:
        for view in ("umap", "umap-learn", "pca"):
            client.get(path, query_string=GOOD | {"view": view, "again": "1", "what": "figure", "kind": "png"}).close()
    assert set(this.children(recursive=True)) <= children  # those of other tests may end meanwhile
    assert set(threading.enumerate()) <= threads
    assert views.progress(Picture("one", "umap"))["state"] == "none"
    assert client.get("/api/export/progress").get_json() == {"share": 0.0, "what": ""}


def test_the_page_s_callbacks_answer(app: Any) -> None:
    for body in callback_bodies(app):
        answer = app.server.test_client().post("/_dash-update-component", json=body)
        assert answer.status_code in (200, 204), (body, answer.text)
        for part in ("output", "outputs", "inputs"):
            refused = app.server.test_client().post("/_dash-update-component", json=body | {part: "x"})
            assert (refused.status_code, refused.get_json()) == (400, {"error": REFUSAL})


def test_no_request_is_a_defect(app: Any, caplog: pytest.LogCaptureFixture) -> None:
    rng, names, callbacks = random.Random(SEED), names_of_arguments(), callback_bodies(app)
    answered = set()
    for _ in range(REQUESTS):
        method, path, sent = draw(rng, app, names, callbacks)
        with caplog.at_level(logging.ERROR):
            answer = app.server.test_client().open(path, method=method, **sent)
        told = f"{method} {path} {str(sent)[:600]}: {answer.status_code} {answer.data[:300]!r}"
        assert answer.status_code < 500, told
        assert not caplog.records, told
        if answer.status_code >= 400 and method != "HEAD":
            assert "\n" not in answer.get_json()["error"], told
        answered.add((path, answer.status_code < 400))
        answer.close()
    good = [path for path, is_good in answered if is_good and path.startswith("/api/")]
    assert len(good) > 25  # what is drawn is no nonsense altogether
