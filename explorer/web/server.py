"""The HTTP server: waitress, with bounds on what strangers and slow clients can take from everybody else.

One thread reads and writes all connections; a request takes one of THREADS only when it has come in whole, and leaves
it before its answer has gone out. So neither half-sent requests nor slow readers hold up others. What they do take,
memory, files and descriptors, is bounded: when all places are taken, a new connection takes the place of the one whose
client has kept the server waiting longest.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import json
import logging
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import RequestEntityTooLarge
from werkzeug.datastructures import EnvironHeaders, Headers

from explorer.web.http import BODY_LIMIT, describe_limit

THREADS = 8  # requests at work at the same time
MOST_CONNECTIONS = 400 if sys.platform == "win32" else 1000  # there, select() takes 512 sockets
ACCEPTED = 50  # new connections in a round
DESCRIPTORS = 3  # of a connection at most: its socket, and files for a large body and a large answer
OTHER_DESCRIPTORS = 200  # for everything else that the program opens, at least
MAPPED_FILES = 50_000  # beyond them, where the system allows: snapshots and images of runs in memory keep one each
MOST_DROPPED = 1 << 30  # bytes of a body that is refused; the connection of a larger one is closed at once
MOST_UNREAD = 1 << 30  # bytes of answers that wait for slow readers, all together
SETTINGS: dict[str, Any] = {
    "asyncore_use_poll": True,  # select() knows no descriptor above 1023
    "channel_timeout": 60,  # seconds that a connection may do nothing
    "cleanup_interval": 5,
    "max_request_header_size": 1 << 16,
    "recv_bytes": 1 << 16,
    "inbuf_overflow": 1 << 17,  # bytes of a body in memory; the rest goes to a file
    "outbuf_high_watermark": 1 << 32,  # an answer is handed over whole: its thread never waits for a slow reader
    "channel_request_lookahead": 1,  # notices that a client has gone while its request is at work
    "log_socket_errors": False,  # that a client went away is no error
}

log = logging.getLogger(__name__)


class RequestParser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it comes in. A body above the limit of its path is read to its end, dropped, and refused.

    If the connection were closed while it comes in, its client would see that instead of the refusal.
    """

    adj: Any
    error: Any
    expect_continue: bool
    _surplus = 0  # bytes of a refused body that are still to come

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # a length of 5,000 digits, an address that is none
            raise ParsingError(str(error)) from None
        self.adj = copy.copy(self.adj)
        headers = EnvironHeaders({f"HTTP_{name}": value for name, value in self.headers.items()})
        limit = self.adj.body_limit(self.path, headers)
        self.adj.max_request_body_size = limit + 1  # waitress refuses from this size on

    def received(self, data: bytes) -> int:
        if self._surplus:
            consumed = min(len(data), self._surplus)
            self._surplus -= consumed
            self.completed = not self._surplus
            return consumed
        consumed = int(super().received(data))
        if isinstance(self.error, RequestEntityTooLarge) and not isinstance(self.error, TooLarge):
            self.error = TooLarge(describe_limit(self.adj.max_request_body_size - 1))
            if self.content_length <= MOST_DROPPED and not (self.chunked or self.expect_continue):
                self._surplus = self.content_length
                self.completed = False
            self.expect_continue = False
        return consumed


class TooLarge(RequestEntityTooLarge):  # type: ignore[misc]
    """The refusal of a body, in the form of all others."""

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        body = json.dumps({"error": self.body}).encode()
        return f"{self.code} {self.reason}", [("Content-Type", "application/json")], body


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection."""

    parser_class = RequestParser

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.waiting_since = time.monotonic()  # since when it is its client's turn: to send a request, or to read

    def readable(self) -> bool:
        return self.connected and bool(super().readable())

    def writable(self) -> bool:
        return self.connected and bool(super().writable())

    def service(self) -> None:
        super().service()
        self.waiting_since = time.monotonic()

    def handle_error(self) -> None:
        """Close the connection, for example when the disk is too full for what is being sent."""
        log.error("a connection was closed: %s", sys.exc_info()[1])
        self.handle_close()


class Server(TcpWSGIServer):  # type: ignore[misc]
    """The server on one socket."""

    channel_class = Channel

    def accept(self) -> Any:
        """The next connection; None if there are no descriptors left, and then an old one is closed."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            if not self._close_longest_waiting():
                time.sleep(0.05)  # rather than trying again at once, and again
            return None

    def handle_accept(self) -> None:
        """Take the new connections, some at a time."""
        for _ in range(ACCEPTED):
            before = len(self.active_channels)
            super().handle_accept()
            if len(self.active_channels) == before:
                break

    def readable(self) -> bool:
        """Asked before each round of reading and writing: where there is too much of something, an old one goes."""
        channels = self.active_channels
        while len(channels) > self.adj.most_connections and self._close_longest_waiting():
            pass
        while sum(each.total_outbufs_len for each in channels.values()) > MOST_UNREAD:
            if not self._close_longest_waiting(among_readers=True):
                break
        return bool(super().readable())

    def maintenance(self, now: float) -> None:
        """Close connections that have done nothing for long; waitress would wait until a slow reader reads again."""
        for each in list(self.active_channels.values()):
            if not each.requests and each.last_activity < now - self.adj.channel_timeout:
                each.handle_close()

    def _close_longest_waiting(self, among_readers: bool = False) -> bool:
        """Close the connection whose client has kept us waiting longest; whether there is one."""
        waiting = [
            each
            for each in self.active_channels.values()
            if not each.requests and (each.total_outbufs_len or not among_readers)
        ]
        if waiting:
            min(waiting, key=lambda each: each.waiting_since).handle_close()
        return bool(waiting)


def make_server(
    application: Any,
    listener: socket.socket,
    body_limit: Callable[[str, Headers], int] = lambda path, headers: BODY_LIMIT,
) -> Server:
    """A server of a WSGI application on a socket that is bound; `run()` serves until it is interrupted.

    `body_limit` says how many bytes a body may have, by the path and headers of its request.
    """
    adjustments = Adjustments(sockets=[listener], threads=THREADS, **SETTINGS)
    adjustments.body_limit = body_limit
    adjustments.most_connections = most_connections()
    adjustments.connection_limit = adjustments.most_connections + 100  # where waitress stops accepting
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(THREADS)
    where = (listener.family, listener.type, listener.proto, listener.getsockname())
    return Server(
        application, {}, True, listener, dispatcher=dispatcher, adj=adjustments, sockinfo=where, bind_socket=False
    )


def most_connections() -> int:
    """How many connections fit into the descriptors that this process may have."""
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_CONNECTIONS if soft < 0 else max(16, min(MOST_CONNECTIONS, (soft - OTHER_DESCRIPTORS) // DESCRIPTORS))


def raise_descriptor_limit() -> None:
    """Let this process have as many descriptors as connections and runs need, or as the system allows."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS * DESCRIPTORS + OTHER_DESCRIPTORS + MAPPED_FILES
    if 0 <= soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
