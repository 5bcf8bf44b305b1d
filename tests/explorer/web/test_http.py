"""One way to make a route: what a request names, how an answer is sent, and which status an error has."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from explorer.app import create_app
from explorer.web.http import BODY_LIMIT, Answer, Arguments, BusyError, add_route
from mtm.errors import InputError, NotFoundError


def client_of(answer: Callable[[Arguments], Answer], method: Any = "GET", **how: Any) -> FlaskClient:
    server = Flask("test")
    add_route(server, "/answer", answer, method, **how)
    add_route(server, "/named/<name>", answer, method)
    return server.test_client()


def raising(error: Exception) -> Callable[[Arguments], Answer]:
    def answer(arguments: Arguments) -> Answer:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "content_type", "body"),
    [
        ({"a": float("nan")}, "application/json", b'{"a":null}'),
        ([1, 2], "application/json", b"[1,2]"),
        (b"\x00\x01", "application/octet-stream", b"\x00\x01"),
        (Response("x", mimetype="text/csv"), "text/csv; charset=utf-8", b"x"),
    ],
)
def test_an_answer_is_sent_by_its_type(answer: Any, content_type: str, body: bytes) -> None:
    response = client_of(lambda arguments: answer).get("/answer")
    assert (response.status_code, response.content_type) == (200, content_type)
    assert response.data.strip() == body or json.loads(response.data) == json.loads(body)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (NotFoundError("there is no run 'x'"), 404, "there is no run 'x'"),
        (BusyError("wait"), 409, "wait"),
        (InputError("k = 0: too few"), 400, "k = 0: too few"),
        (OSError(28, "No space left on device"), 500, "the system refused: No space left on device"),
        (ZeroDivisionError("by zero"), 500, "ZeroDivisionError: by zero"),
    ],
)
def test_every_error_is_one_sentence_with_its_status(
    error: Exception, status: int, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = client_of(raising(error)).get("/answer")
    assert (response.status_code, response.get_json()) == (status, {"error": sentence})
    assert bool(caplog.records) == isinstance(error, ZeroDivisionError)  # only a defect leaves a traceback


def test_a_get_names_things_in_its_address_and_a_post_in_its_body() -> None:
    def echo(arguments: Arguments) -> Answer:
        return dict(arguments.values)

    assert client_of(echo).get("/answer?run=a&k=3").get_json() == {"run": "a", "k": "3"}
    assert client_of(echo).get("/named/b?run=a").get_json() == {"run": "a", "name": "b"}
    client = client_of(echo, "POST")
    assert client.post("/answer?run=a", json={"k": 3}).get_json() == {"k": 3}
    assert client.get("/answer").status_code == 405
    deep = {"data": "[" * 100_000, "content_type": "application/json"}
    latin = {"data": b'{"run": "\xe9"}', "content_type": "application/json"}
    for how in ({"data": "{}"}, {"json": [1]}, {}, deep, latin):
        refused = client.post("/answer?run=a", **how)
        assert (refused.status_code, refused.get_json()) == (400, {"error": "the request is no JSON object"})
    client = client_of(echo, "POST", needs_body=False)
    assert client.post("/answer?run=a").get_json() == {"run": "a"}
    assert client.post("/answer?run=a", json={"k": 3}).get_json() == {"k": 3}


def test_a_body_has_a_limit() -> None:
    def echo(arguments: Arguments) -> Answer:
        return dict(arguments.values)

    client = client_of(echo, "POST")
    assert client.post("/answer", json={"a": "x" * (BODY_LIMIT - 100)}).status_code == 200
    refused = client.post("/answer", json={"a": "x" * BODY_LIMIT})
    assert (refused.status_code, refused.get_json()) == (
        413,
        {"error": "the request is larger than the 1 MB that are read here"},
    )


def test_a_file_is_read_as_a_stream_with_a_limit_of_its_own() -> None:
    def measure(arguments: Arguments) -> Answer:
        size = sum(len(part) for part in iter(lambda: arguments.stream.read(1 << 16), b""))
        return {"name": arguments.text("name"), "size": size}

    client = client_of(measure, "POST", file_limit=3 * BODY_LIMIT)
    body = bytes(2 * BODY_LIMIT)
    whole = client.post("/answer?name=a", data=body, content_type="application/octet-stream")
    assert whole.get_json() == {"name": "a", "size": len(body)}
    assert client.post("/answer?name=a", data=body).status_code == 400  # as a page of another site could send it
    refused = client.post("/answer?name=a", data=2 * body, content_type="application/octet-stream")
    assert (refused.status_code, refused.get_json()["error"]) == (
        413,
        "the request is larger than the 3 MB that are read here",
    )


ARGUMENTS = Arguments({"run": "a", "empty": "", "k": "3", "x": "0.5", "classes": "0,3,6", "body": {"a": 1}, "n": 7})


def test_arguments_are_read_by_kind() -> None:
    assert (ARGUMENTS.text("run"), ARGUMENTS.optional_text("empty"), ARGUMENTS.optional_text("no")) == ("a", None, None)
    assert (ARGUMENTS.integer("k"), ARGUMENTS.integer("n"), ARGUMENTS.integer("empty")) == (3, 7, None)
    assert (ARGUMENTS.count("k", 15), ARGUMENTS.count("no", 15)) == (3, 15)
    assert (ARGUMENTS.number("x"), ARGUMENTS.number("no")) == (0.5, None)
    assert (ARGUMENTS.integers("classes"), ARGUMENTS.integers("no")) == ((0, 3, 6), None)
    assert "k" in ARGUMENTS
    assert "no" not in ARGUMENTS


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda a: a.text("no"), "the request lacks 'no'"),
        (lambda a: a.text("empty"), "the request lacks 'empty'"),
        (lambda a: a.optional_text("n"), "'n' has to be text"),
        (lambda a: a.integer("x"), "x=0.5: a whole number is meant"),
        (lambda a: a.integer("body"), "a whole number is meant"),
        (lambda a: a.number("run"), "run=a: a number is meant"),
        (lambda a: a.integers("run"), "run=a: numbers of classes are meant, as in 0,3,6"),
        (lambda a: a.integers("run", "three numbers"), "run=a: three numbers are meant, as in 0,3,6"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(read: Callable[[Arguments], Any], sentence: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(ARGUMENTS)
    assert sentence in str(refusal.value)


def test_a_cached_answer_is_not_sent_twice() -> None:
    client = client_of(lambda arguments: b"frames", cached=True)
    first = client.get("/answer")
    assert "no-cache" in first.headers["Cache-Control"]
    again = client.get("/answer", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_run_that_is_not_there_is_404_wherever_it_is_named(tmp_path: Path) -> None:
    app = create_app(tmp_path / "runs", tmp_path / "demos", tmp_path / "cache")
    client = app.server.test_client()
    more = "run=gone&with=gone&view=pca&classifier=euc&mode=exact&row=0&n=1"
    paths = [rule.rule for rule in app.server.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert len(paths) > 30
    names_a_run = ("frames", "attributes", "regions", "trust", "news", "sprite", "thumbnail", "events", "certainty")
    for name in (*names_a_run, "image", "compare", "selections", "progress", "lab/run"):
        assert f"/api/{name}" in paths
        answer = client.get(f"/api/{name}?{more}")
        assert (answer.status_code, answer.get_json()) == (404, {"error": "there is no run 'gone' here (any more)"})
    for name in ("layout", "export", "selection", "jobs/stop"):
        body = {"run": "gone", "view": "pca", "what": "figure", "kind": "png", "selection": {"steps": []}}
        answer = client.post(f"/api/{name}", json=body)
        assert (answer.status_code, answer.get_json()) == (404, {"error": "there is no run 'gone' here (any more)"})
        assert client.get(f"/api/{name}").get_json() == {"error": f"there is no GET of /api/{name}"}
