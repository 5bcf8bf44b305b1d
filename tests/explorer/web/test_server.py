"""What strangers and slow clients take from the server, others still get: over real connections."""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from conftest import PATIENCE, until
from flask import Flask

from explorer.web import security
from explorer.web import server as web_server
from explorer.web.http import BODY_LIMIT, Answer, Arguments, add_route
from explorer.web.server import Server, make_server, most_connections, raise_descriptor_limit

HALF_A_HEADER = b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "
HALF_A_BODY = b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n\r\n" + bytes(20_000)
LARGE = 40_000_000  # bytes of an answer that no socket's buffers hold
Connect = Callable[[bytes], socket.socket]


def measure(arguments: Arguments) -> Answer:
    return {"size": sum(len(part) for part in iter(lambda: arguments.stream.read(1 << 16), b""))}


@pytest.fixture(scope="module")
def server() -> Server:
    raise_descriptor_limit()
    flask = Flask("test")
    security.register(flask)
    add_route(flask, "/small", lambda arguments: {"answer": "small"})
    add_route(flask, "/large", lambda arguments: bytes(LARGE))
    add_route(flask, "/body", lambda arguments: dict(arguments.values), "POST")
    add_route(flask, "/file", measure, "POST", file_limit=4 * BODY_LIMIT)
    server = make_server(flask, socket.create_server(("127.0.0.1", 0)), partial(security.body_limit, flask))
    server.adj.channel_timeout = PATIENCE  # a busy machine is no reason to close what a test looks at
    threading.Thread(target=server.run, daemon=True).start()
    return server


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Open a connection and send something."""
    with ExitStack() as stack:

        def begin(sent: bytes) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", int(server.effective_port)), timeout=PATIENCE)
            stack.enter_context(connection)
            connection.sendall(sent)
            return connection

        yield begin


def ask(
    server: Server, method: str = "GET", path: str = "/small", body: object = None, **headers: str
) -> tuple[int, dict]:
    """The status and the JSON that a whole request is answered with."""
    connection = http.client.HTTPConnection("127.0.0.1", int(server.effective_port), timeout=PATIENCE)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, named)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def are_open(connections: list[socket.socket]) -> list[bool]:
    """Whether each has been left alone by the server so far."""
    poll = select.poll()
    for connection in connections:
        poll.register(connection, select.POLLIN)
    touched = {descriptor for descriptor, _ in poll.poll(0)}
    return [connection.fileno() not in touched for connection in connections]


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="select() takes 512 sockets there")
def test_a_whole_request_is_answered_while_hundreds_are_half_sent(server: Server, connect: Connect) -> None:
    n = min(250, (most_connections() - 20) // 2)
    half_sent = [connect(sent) for _ in range(n) for sent in (HALF_A_HEADER, HALF_A_BODY)]
    assert ask(server) == (200, {"answer": "small"})
    assert all(are_open(half_sent))


def test_slow_readers_hold_no_thread(server: Server, connect: Connect) -> None:
    readers = [connect(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") for _ in range(3 * web_server.THREADS)]
    assert all(reader.recv(4).startswith(b"HTTP") for reader in readers)  # nothing more of it is read
    assert ask(server) == (200, {"answer": "small"})


@pytest.mark.skipif(sys.platform == "win32", reason="there is no poll()")
def test_a_new_connection_takes_the_place_of_the_longest_waiting(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = len(server.active_channels) + 5
    monkeypatch.setattr(server.adj, "most_connections", places)
    half_sent = [connect(HALF_A_HEADER) for _ in range(places + 2)]
    assert ask(server) == (200, {"answer": "small"})
    assert is_closed(half_sent[0])
    assert all(are_open(half_sent[-4:]))


def test_answers_that_nobody_reads_do_not_pile_up(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "MOST_UNREAD", LARGE)
    readers = [connect(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") for _ in range(5)]
    assert all(reader.recv(4).startswith(b"HTTP") for reader in readers)
    until(lambda: len(server.active_channels) == 1)  # no two of them fit


def test_a_reader_that_stops_is_left_after_a_while(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = connect(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert reader.recv(4).startswith(b"HTTP")
    monkeypatch.setattr(server.adj, "channel_timeout", 0)
    monkeypatch.setattr(server.adj, "cleanup_interval", 0)
    monkeypatch.setattr(server, "next_channel_cleanup", 0)
    until(lambda: not server.active_channels)
    assert sum(len(part) for part in iter(lambda: reader.recv(1 << 20), b"")) < LARGE


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not limited there")
def test_without_descriptors_an_old_connection_makes_room(server: Server, connect: Connect) -> None:
    import resource

    ask(server)
    half_sent = [connect(HALF_A_HEADER) for _ in range(3)]
    assert ask(server)[0] == 200
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    client = socket.socket()
    client.settimeout(PATIENCE)
    taken: list[int] = []
    try:
        highest = max(half_sent[-1].fileno(), client.fileno(), *server.active_channels) + 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest, limits[1]))
        with suppress(OSError):  # until there are none left
            while True:
                taken.append(os.dup(client.fileno()))
        client.connect(("127.0.0.1", int(server.effective_port)))
        client.sendall(b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
        assert is_closed(half_sent[0])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for descriptor in [*taken, client.detach()]:
            os.close(descriptor)


# Bodies

REFUSED = (413, {"error": "the request is larger than the 1 MB that are read here"})


def test_a_large_body_is_refused_and_the_refusal_arrives(server: Server, connect: Connect) -> None:
    body = bytes(20 * BODY_LIMIT)
    assert ask(server, "POST", "/body", body, Content_Type="application/json") == REFUSED
    assert ask(server, "POST", "/small", body) == REFUSED  # whatever the route
    assert ask(server, "POST", "/body", iter([bytes(BODY_LIMIT)] * 2), Content_Type="application/json") == REFUSED
    polite = connect(
        b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    )
    assert polite.recv(12) == b"HTTP/1.1 413"


def test_a_file_may_be_larger_where_one_is_taken_from_our_own_page(server: Server) -> None:
    send = partial(ask, server, "POST", "/file", Content_Type="application/octet-stream")
    assert send(body=bytes(3 * BODY_LIMIT)) == (200, {"size": 3 * BODY_LIMIT})
    assert send(body=bytes(5 * BODY_LIMIT)) == (
        413,
        {"error": "the request is larger than the 4 MB that are read here"},
    )
    assert send(body=bytes(3 * BODY_LIMIT), Origin="https://evil.example") == REFUSED


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 70_000, 431),
        (b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1", 400),
        (b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + b"9" * 400, 413),
        (b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + b"9" * 5000, 400),
        (b"GET http://[::1 HTTP/1.1\r\nHost: 127.0.0.1", 400),
        (b"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip", 501),
        (b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nbad header", 400),
        (b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\nSet-Cookie: b", 400),
        (b"\x16\x03\x01\x02\x00 nonsense", 400),  # the beginning of TLS
        (b"GET /small HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example", 403),
    ],
)
def test_what_is_no_request_is_refused(server: Server, connect: Connect, request_line: bytes, status: int) -> None:
    connection = connect(request_line + b"\r\n\r\n")
    assert int(connection.recv(1 << 16).split()[1]) == status
    assert ask(server) == (200, {"answer": "small"})


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not limited there")
def test_files_of_runs_in_memory_have_descriptors_beside_the_connections() -> None:
    code = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (256, r.getrlimit(r.RLIMIT_NOFILE)[1]))\n"
    code += "from explorer.web import server; server.raise_descriptor_limit()\n"
    code += "soft, hard = r.getrlimit(r.RLIMIT_NOFILE)\n"
    code += "assert soft == hard or soft >= server.MOST_CONNECTIONS * server.DESCRIPTORS + 50_000, (soft, hard)"
    subprocess.run([sys.executable, "-c", code], check=True)
