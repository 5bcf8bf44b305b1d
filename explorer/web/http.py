"""The one way to make a route: one reader of arguments, answers sent by their type, errors by one table.

    add_route(server, "/api/events", answer_events)              # a function from Arguments to an answer
    add_route(server, "/api/jobs/stop", stop_job, "POST")

A GET names things in its address. A POST names them in a body of JSON, which no other site's page can send here
(`explorer.web.security`); only what does no harm may do without one. A route that takes a file reads it from
`Arguments.stream`, up to a limit of its own, and names things in its address.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable, Mapping
from typing import IO, Any, Literal

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from mtm.errors import InputError, NotFoundError
from mtm.run_folder.files import jsonable

BINARY = "application/octet-stream"
BODY_LIMIT = 1 << 20  # bytes of a body that is no file
LARGEST_WHOLE = 2**53  # in JSON
LONGEST_QUOTE = 60  # characters
LONGEST_SENTENCE = 2000
Answer = Response | bytes | dict[str, Any] | list[Any]


def describe_limit(limit: int) -> str:
    """The refusal of a body of more than so many bytes."""
    return f"the request is larger than the {limit / 1e6:,.0f} MB that are read here"


class BusyError(InputError):
    """What is asked for can only be done once at a time, and is being done; the message says what to wait for."""


# The first that an error is an instance of: the status that its one sentence is sent with.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NotFoundError, 404),
    (BusyError, 409),
    (InputError, 400),
    (OSError, 500),  # a full disk, a folder that may not be changed
    (Exception, 500),  # a defect of ours: the page gets a sentence, the terminal the traceback
)


def add_route(
    server: Flask,
    path: str,
    answer: Callable[[Arguments], Answer],
    method: Literal["GET", "POST"] = "GET",
    *,
    cached: bool = False,
    needs_body: bool = True,
    file_limit: int | None = None,
) -> None:
    """Answer requests for `path`: a dict or list as JSON, bytes as they are, a Response untouched.

    Whatever `answer` raises becomes `{"error": sentence}` with the status of STATUSES. With `cached` the browser keeps
    the answer and asks whether it is still the same. Without `needs_body` a POST may name things in its address. With
    `file_limit` the body of a POST is a file of at most so many bytes, which `answer` reads from `Arguments.stream`;
    every other body has at most BODY_LIMIT.
    """
    if file_limit is not None:
        server.extensions.setdefault("file_limits", {})[path] = file_limit  # `explorer.web.server` refuses more unread

    def respond(**in_path: str) -> Response:
        try:
            request.max_content_length = BODY_LIMIT if file_limit is None else file_limit
            response = _to_response(answer(_arguments(in_path, needs_body, file_limit is not None)))
            return _revalidated(response) if cached else response
        except Exception as error:
            return answer_error(error)

    server.add_url_rule(path, endpoint=f"{method} {path}", view_func=respond, methods=[method])


def register_errors(server: Flask) -> None:
    """Refuse in one sentence, too, what reaches no route of ours: an unknown address, a wrong method, Dash's routes.

    No body of any of them has more than BODY_LIMIT.
    """
    server.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    server.register_error_handler(Exception, answer_error)

    @server.before_request
    def refuse_unknown() -> None:
        """Dash answers any GET with the page; what begins as our routes do and is none of them is no page."""
        if request.path.startswith("/api/") and request.endpoint and request.endpoint.partition(" ")[2] == "":
            raise NotFoundError(f"there is no {request.method} of {shorten(request.path)}")


class Arguments:
    """What a request names, read by name; every refusal is one sentence (InputError)."""

    def __init__(self, values: Mapping[str, Any], stream: IO[bytes] | None = None) -> None:
        self.values = values
        self._stream = stream

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def stream(self) -> IO[bytes]:
        """The file that is the body of the request."""
        assert self._stream is not None, "a route that takes a file says so to add_route"
        return self._stream

    def text(self, name: str) -> str:
        """A text that has to be there."""
        value = self.optional_text(name)
        if value is None:
            raise InputError(f"the request lacks '{name}'")
        return value

    def optional_text(self, name: str) -> str | None:
        """A text; None where it is missing or empty."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise InputError(f"'{name}' has to be text")
        try:
            (value or "").encode("utf-8", "surrogateescape")  # as names of files that are not UTF-8 are read
        except UnicodeEncodeError:
            raise InputError(f"'{name}' is no text: it holds half a character") from None
        return value or None

    def integer(self, name: str) -> int | None:
        """A whole number; None where it is missing or empty."""
        value = self.values.get(name)
        try:
            return None if value is None or value == "" else _whole(value)
        except ValueError:
            raise InputError(f"{name}={shorten(value)}: a whole number is meant") from None

    def number(self, name: str) -> float | None:
        """A number; None where it is missing or empty."""
        value = self.values.get(name)
        try:
            number = None if value is None or value == "" else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if number is None or math.isfinite(number):
            return number
        raise InputError(f"{name}={shorten(value)}: a number is meant")

    def count(self, name: str, default: int) -> int:
        """A whole number with a default."""
        number = self.integer(name)
        return default if number is None else number

    def integers(self, name: str, meaning: str = "numbers of classes") -> tuple[int, ...] | None:
        """Whole numbers with commas between them; None where there are none."""
        text = self.optional_text(name)
        try:
            return tuple(_whole(part) for part in text.split(",")) if text else None
        except ValueError:
            raise InputError(f"{name}={shorten(text)}: {meaning} are meant, as in 0,3,6") from None


def shorten(value: object) -> str:
    """What a request has sent, as a sentence quotes it."""
    text = str(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def _whole(value: Any) -> int:
    """A whole number that arrays can be asked for; ValueError for all else, 2.5 and true too."""
    if not isinstance(value, str | int) or isinstance(value, bool) or abs(number := int(value)) > LARGEST_WHOLE:
        raise ValueError
    return number


def _arguments(in_path: Mapping[str, str], needs_body: bool, takes_file: bool) -> Arguments:
    """The JSON object of a POST, or what the address names; and what its path names."""
    values: dict[str, Any] = request.args.to_dict()
    for name, given in request.args.lists():
        if len(given) > 1:
            raise InputError(f"'{shorten(name)}' is named {len(given)} times")
    if takes_file:
        if request.mimetype != BINARY:  # which a form of another site cannot send
            raise InputError(f"a file is meant, sent as {BINARY}")
        return Arguments({**values, **in_path}, request.stream)
    if request.method == "POST" and (needs_body or request.get_data()):
        values = read_json_object()
    return Arguments({**values, **in_path})


def read_json_object() -> dict[str, Any]:
    """The body of the request. Raises InputError for all else than a JSON object."""
    try:
        values = request.get_json(silent=True)  # only as application/json, which a form of another site cannot send
    except RecursionError:
        values = None
    if not isinstance(values, dict):
        raise InputError("the request is no JSON object")
    return values


def _to_response(answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, bytes):
        return Response(answer, mimetype=BINARY)
    return jsonify(jsonable(answer))


def answer_error(error: Exception) -> Response:
    """An error as one sentence, with the status of STATUSES."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    if isinstance(error, InputError):
        sentence = str(error)
    elif isinstance(error, HTTPException):
        status, sentence = error.code or 400, _http_sentence(error)
    elif isinstance(error, OSError):
        sentence = f"the system refused: {error.strerror or error}"
    else:
        logging.getLogger(__name__).error("%r failed", request.full_path, exc_info=error)
        sentence = f"{type(error).__name__}: {error}"
    response = jsonify({"error": " ".join(sentence.split())[:LONGEST_SENTENCE]})  # names of others may hold lines
    response.status_code = status
    return response


def _http_sentence(error: HTTPException) -> str:
    """What is wrong with a request that could not even be read."""
    if error.code == 413:
        return describe_limit(request.max_content_length or BODY_LIMIT)
    return error.description or error.name


def _revalidated(response: Response) -> Response:
    """The browser keeps it and asks whether it is still the same."""
    response.set_etag(hashlib.blake2b(response.get_data(), digest_size=16).hexdigest())
    response.cache_control.private = True
    response.cache_control.no_cache = True  # keep, but ask
    response.make_conditional(request)
    return response
