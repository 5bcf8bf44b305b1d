"""What strangers and broken programs send to a server: half requests, wrong requests, wrong values.

What has to hold: a whole request beside them is answered within a second; nothing is a defect of ours (5xx), nothing
hangs, the server's terminal shows no traceback.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

from faults.clients import READS, routes
from faults.commands import check
from faults.server import Answer, Server, check_answer

LIMIT = 10.0  # seconds until a malformed request has an answer or is hung up on

HALVES: tuple[bytes, ...] = (
    b"",
    b"G",
    b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    b"POST /api/selection HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{",
    b"POST /api/train/check HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nab",
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
)
VALUES: tuple[str, ...] = (
    "", "-1", "0", "1e400", "nan", "inf", "9" * 400, "../../../etc/passwd", "demo/../..", "\x00", "\x1b[31m",
    "é" * 2000,
    "a" * 5000, "[]", "{}", "null", "1,2,3", "1,1,1", "-1,-2,-3", "99999,99999,99999", "<script>", "'", "%", "%00",
    "\ufffd", "true", "1.5", " ", "demo", "demo/", "/", "٣", "1_000",
)  # fmt: skip
BODIES: tuple[Any, ...] = (
    None, [], {}, 1, "x", True, {"run": None}, {"run": 1}, {"run": []}, {"values": []}, {"values": {"epochs": "x"}},
    {"values": {"epochs": 10**400}}, {"selection": {"kind": "x"}}, {"selection": [[]]}, {"run": "demo/fashion-cosine"},
)  # fmt: skip


def half_sent(server: Server, chance: Random, folder: Path) -> str:
    """Hundreds of connections that sent a part of a request, or nothing, and wait."""
    n, which = chance.choice([100, 150, 300, 500]), chance.choice([*HALVES, None])
    slowly = chance.random() < 0.3
    what = "of every kind" if which is None else repr(which[:40])
    quiet = max(server.get("/api/jobs").seconds for _ in range(3))
    with contextlib.ExitStack() as stack:
        open_ones = []
        for _ in range(n):
            half = chance.choice(HALVES) if which is None else which
            with contextlib.suppress(OSError):  # refused is an answer too
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
                connection.sendall(half)
                open_ones.append(connection)
        for _ in range(3):
            for connection in open_ones[:50] if slowly else ():
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
            answer = server.get("/api/jobs")
            check(answer.status == 200, f"beside {n} half-sent requests {what} a whole one is {answer.status}")
            check(
                answer.seconds < server.latest + 3 * quiet,
                f"beside {n} half-sent requests {what} a whole one took {answer.seconds:.1f} s (alone {quiet:.2f} s)",
            )
    server.check_alive()
    return f"{n} half-sent requests {what}"


def malformed(server: Server, chance: Random, folder: Path) -> str:
    """Bytes that are no request, or one that says of itself what is not true."""
    host = b"Host: 127.0.0.1:%d\r\n" % server.port
    lines: tuple[bytes, ...] = (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(100),  # the greeting of TLS
        chance.randbytes(chance.randint(1, 3000)) + b"\r\n\r\n",
        b"GET " + b"/" * chance.choice([10, 300_000]) + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / HTTP/9.9\r\n" + host + b"\r\n",
        b"GET /\x00\xff HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /%c0%ae%c0%ae/ HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /api/jobs HTTP/1.1\r\n" + host + b"X: " + b"a" * chance.choice([10_000, 400_000]) + b"\r\n\r\n",
        b"GET /api/jobs HTTP/1.1\r\n" + host + b"X: 1\r\n" * 5000 + b"\r\n",
        b"GET /api/jobs HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /api/jobs HTTP/1.1\r\n\r\n",
        b"GET /api/jobs HTTP/1.1\r\n" + host + host + b"\r\n",
        b"POST /api/train/start HTTP/1.1\r\n" + host + b"Content-Length: -5\r\n\r\nabc",
        b"POST /api/train/start HTTP/1.1\r\n" + host + b"Content-Length: 99999999999999999999\r\n\r\nabc",
        b"POST /api/train/start HTTP/1.1\r\n" + host + b"Content-Length: x\r\n\r\nabc",
        b"POST /api/train/start HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        b"POST /api/train/start HTTP/1.1\r\n"
        + host
        + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"BREW /api/jobs HTTP/1.1\r\n" + host + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + host + b"\r\n",
        b"HEAD /api/jobs HTTP/1.1\r\n" + host + b"\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /api/frames?" + b"run=x&" * 5000 + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"POST /_dash-update-component HTTP/1.1\r\n"
        + host
        + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    )
    sent = chance.choice(lines)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=LIMIT) as connection:
        with contextlib.suppress(OSError):  # it may hang up before it has read everything
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            check(False, f"{sent[:60]!r} has neither an answer nor an end after {time.monotonic() - began:.0f} s")
        except OSError:
            pass
    status = received.split(b" ", 2)[1:2]
    allowed = (
        (b"501", b"505") if not sent.startswith((b"GET", b"POST")) or b"HTTP/9" in sent or b"chunked" in sent else ()
    )
    check(not status or status[0] < b"500" or status[0] in allowed, f"{sent[:80]!r} is answered {received[:300]!r}")
    server.check_alive()
    return f"{sent[:40]!r} -> {status[0].decode() if status else 'hung up'}"


def wrong_values(server: Server, chance: Random, folder: Path) -> str:
    """A request for a real address with values of it replaced, left out or added."""
    rule, method = chance.choice(routes())
    headers = {
        "Content-Type": chance.choice(
            ["application/json"] * 4 + ["text/plain", "", "application/x-www-form-urlencoded"]
        )
    }
    path, values = (
        rule.replace("<name>", chance.choice(["x.svg", "..%2f..%2fx", "digits.json"])),
        dict(READS.get(rule, {})),
    )
    for _ in range(chance.randint(1, 3)):
        names = [
            *values,
            "run",
            "view",
            "classifier",
            "mode",
            "snapshot",
            "n",
            "k",
            "row",
            "seed",
            "kind",
            "what",
            "top",
        ]
        values[chance.choice(names)] = chance.choice(VALUES)
    if chance.random() < 0.3 and values:
        del values[chance.choice(list(values))]
    if method == "GET":
        answer = server.get(f"{path}?{urlencode(values)}")
    else:
        body = chance.choice(
            [*(to_bytes(body) for body in BODIES), to_bytes(values), to_bytes(values), chance.randbytes(300)]
        )
        body = chance.choice(
            [body] * 8 + [b"[" * 100_000, b'{"run":' * 20_000, b"\xff\xfe{}", b'"' + b"x" * 3_000_000 + b'"']
        )
        answer = _send(server, path, body, headers)
    what = f"{method} {path} {json.dumps(values)[:300]}"
    check_answer(what, answer)
    check(answer.seconds < LIMIT, f"{what} took {answer.seconds:.1f} s")
    server.check_alive()
    return f"{what[:120]} -> {answer.status}"


def _send(server: Server, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    """A POST that the server may hang up on before it has read everything: then it has refused it."""
    try:
        return server.ask("POST", path, body, headers)
    except (ConnectionError, OSError):
        return Answer(413, b"", 0.0, "")


def to_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def large_body(server: Server, chance: Random, folder: Path) -> str:
    """A body of many megabytes, sent to any address; memory stays what it was."""
    assert server.process is not None
    rule, _ = chance.choice([route for route in routes() if route[1] == "POST"])
    size = chance.choice([2, 20, 100]) * 2**20
    before = server.process.memory_info().rss
    answer = _send(
        server,
        rule,
        b'{"run": "' + os.urandom(64).hex().encode() * (size // 128) + b'"}',
        {"Content-Type": "application/json"},
    )
    check_answer(f"a body of {size >> 20} MB for {rule}", answer)
    check(answer.status >= 400, f"a body of {size >> 20} MB for {rule} is answered {answer.status}")
    grown = server.process.memory_info().rss - before
    check(grown < 64 * 2**20, f"a body of {size >> 20} MB for {rule} took {grown / 2**20:.0f} MB of memory")
    server.check_alive()
    return f"{size >> 20} MB for {rule} -> {answer.status}"


def foreign_page(server: Server, chance: Random, folder: Path) -> str:
    """A request as a browser sends it for a page of another site: by a link, a picture, a form, a script."""
    rule, method = chance.choice([route for route in routes() if route[0].startswith("/api/")])
    mode, target = chance.choice(
        [("navigate", "document"), ("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")]
    )
    headers = {
        "Origin": "http://evil.example", "Referer": "http://evil.example/", "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": target, "Content-Type": "text/plain",
    }  # fmt: skip
    if method == "GET" and mode == "navigate":
        del headers["Origin"]
    path = f"{rule.replace('<name>', 'x.svg')}?{urlencode(READS.get(rule, {}))}"
    answer = server.ask(method, path, b"{}" if method == "POST" else None, headers)
    check(
        400 <= answer.status < 500, f"{method} {rule} from another site ({mode}, {target}) is answered {answer.status}"
    )
    server.check_alive()
    return f"{method} {rule} ({mode}, {target}) -> {answer.status}"
