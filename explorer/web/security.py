"""Which requests are answered: only those of our own page, at an address that is ours; all others are refused.

The server can start processes, so a page of another site must not reach it through the user's browser: neither by
posting to localhost, nor by a link, nor by a host name of its own that it points at localhost (DNS rebinding). Beyond
loopback a token is required too, once, in the address; the browser then keeps it as a cookie.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Collection
from html import escape
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_cookie
from werkzeug.wrappers import Response as AnyResponse

from explorer.web.http import BODY_LIMIT

LOOPBACK = ("127.0.0.1", "localhost", "::1")
COOKIE_SECONDS = 30 * 86400
HEADERS = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
ASK = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Moving targets</title>
<style>:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 32rem; margin: 15vh auto; padding: 0 16px }}
input, button {{ font: inherit; padding: 8px 12px }}</style>
<h1>A token, please</h1><p>{why}</p>
<form><input name="token" aria-label="Token" autofocus autocomplete="off" size="36"> <button>Open</button></form>"""


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to a server that listens on `host`."""
    return host in LOOPBACK


def address(host: str, port: int, token: str | None = None) -> str:
    """The address to open in a browser for a server that listens on `host`; this machine's name if on all addresses."""
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}" + (f"/?{urlencode({'token': token})}" if token else "")


class Guard:
    """Whom a server answers. Without a token only loopback's names are ours; with one, also addresses in numbers, this
    machine's name and `host`. `pages` are the paths that a link on a page of another site may lead to."""

    def __init__(self, token: str | None = None, host: str = "127.0.0.1", pages: Collection[str] = ("/",)) -> None:
        self.token, self.pages = token, pages
        own = (socket.gethostname().lower(), socket.getfqdn().lower()) if token else ()
        self.names = {*LOOPBACK, host.lower(), *own}
        digest = hashlib.blake2b((token or "").encode(), digest_size=4).hexdigest()
        self.cookie = f"moving-targets-{digest}"

    def refusal(self, method: str, path: str, headers: Headers) -> str | None:
        """Why a request is not from our own page; None if it is, or comes from no browser at all.

        Browsers say where a request comes from by Sec-Fetch-Site; older ones by Origin, which every POST has, or
        Referer. From elsewhere only links are followed, and only to pages: a GET, not of a page that embeds or
        prefetches us, but for a document of its own (Sec-Fetch-Dest; older browsers do not say, and cannot embed us
        either, by X-Frame-Options).
        """
        host = headers.get("Host", "")
        name = _host_name(host)
        if name is None or not (name in self.names or (self.token is not None and _is_number(name))):
            return "the address is not this explorer's; open it as it was printed at the start"
        origin, referrer = headers.get("Origin"), headers.get("Referer")
        is_foreign = headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
        if origin is not None:
            is_foreign = is_foreign or _host_and_port(origin) != host.lower()
        elif referrer:
            is_foreign = is_foreign or _host_and_port(referrer) != host.lower()
        is_visit = method in ("GET", "HEAD") and headers.get("Sec-Fetch-Dest", "document") == "document"
        is_visit = is_visit and origin is None and not (headers.get("Sec-Purpose") or headers.get("Purpose"))
        if is_foreign and not is_visit:
            return "the request comes from a page of another site"
        if is_foreign and path not in self.pages:
            return f"a page of another site may lead to {', '.join(self.pages)}, and nowhere else"
        return None

    def knows(self, headers: Headers) -> bool:
        """Whether a browser has shown the token before, if there is one."""
        return self.token is None or _is_same(parse_cookie(headers.get("Cookie")).get(self.cookie, ""), self.token)

    def let_in(self, token: str) -> AnyResponse:
        """Keep the token as a cookie, and take it out of the address."""
        rest = urlencode([(key, value) for key, value in request.args.items(multi=True) if key != "token"])
        response = redirect(f"/{request.path.lstrip('/')}" + (f"?{rest}" if rest else ""))
        response.set_cookie(self.cookie, token, max_age=COOKIE_SECONDS, httponly=True, samesite="Lax")
        return response


def register(server: Flask, token: str | None = None, host: str = "127.0.0.1", pages: Collection[str] = ("/",)) -> None:
    """Guard every route of the app's server, Dash's own and its files too, as `Guard` says."""
    guard = server.extensions["guard"] = Guard(token, host, pages)

    def check() -> AnyResponse | None:
        reason = guard.refusal(request.method, request.path, request.headers)
        if reason:
            return _forbidden(reason)
        if token is None or guard.knows(request.headers):
            return None
        if _is_same(request.args.get("token", ""), token):
            return guard.let_in(token)
        has_token = "token" in request.args
        why = "That is not the one. " if has_token else ""
        why += "The address that the explorer printed when it was started ends with it: ?token=..."
        wants_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        return Response(ASK.format(why=escape(why)), 403, mimetype="text/html") if wants_page else _forbidden(why)

    def harden(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    server.before_request(check)
    server.after_request(harden)


def body_limit(server: Flask, path: str, headers: Headers) -> int:
    """How many bytes the body of a POST may have: a file's only where one is taken, and from our own page."""
    limit: int | None = server.extensions.get("file_limits", {}).get(path)
    guard: Guard = server.extensions["guard"]
    if limit is None or guard.refusal("POST", path, headers) or not guard.knows(headers):
        return BODY_LIMIT
    return limit


def _host_and_port(address: str) -> str | None:
    """Host and port of an address; None if it has none."""
    try:
        return urlsplit(address).netloc.lower() or None
    except ValueError:
        return None


def _host_name(host: str) -> str | None:
    """The name in a Host header, without its port; None if it is no such header."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and not parts.username and not parts.path else None


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same(candidate: str, token: str) -> bool:
    return hmac.compare_digest(candidate.encode(), token.encode())


def _forbidden(sentence: str) -> Response:
    return Response(sentence, 403, mimetype="text/plain")
