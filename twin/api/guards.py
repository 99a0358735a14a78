"""Who may talk to a server that trusts loopback: the right Host, and no page of another origin.

A page elsewhere can make a browser send requests here.  Reading the answers is prevented by the browser (no CORS
header is ever sent); what remains is refused here: a Host that is not ours (DNS rebinding), and any request or
websocket of a page of another origin, because even an image's address could start an expensive query.  Links may
lead here.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from twin.api.problems import TooLarge, problem

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_KNOWN = 64  # hosts, as they are written, that are remembered
_LARGE = ("/api/v1/imports", "/api/v1/history/import", "/api/v1/models", "/rdf-graphs")
"""Where files come in, which may be larger than a request."""


class Guard:
    """Refuses requests to another host (421) and from another origin (403), and bodies that are too large (413).

    ``hosts`` are accepted beside the loopback names: a name alone means with the port the server listens on, or the
    usual one of http or https, said or not, as behind a proxy; ``name:port`` is taken as it is, and without its port
    when that is a usual one.  ``file_bytes`` bounds a body that is a file, ``body_bytes`` any other.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], body_bytes: int, file_bytes: int) -> None:
        self._app = app
        self._hosts = LOOPBACK_NAMES | (named := frozenset(host.lower() for host in hosts))
        # A browser leaves out the usual port of its scheme, and the scheme before a proxy is not known here.
        self._bare = frozenset(_without_usual_port(host) for host in named)
        self._named = named
        self._body_bytes = body_bytes
        self._file_bytes = file_bytes
        self._known: set[tuple[bytes, str, int | None]] = set()

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = None if self._is_known(scope) else self._refused(scope, headers)
        if refused is not None:
            status, sentence, remedy = refused
            title = "Misdirected request" if status == 421 else "Forbidden"
            response = problem(status, title, sentence, code="forbidden", remedy=remedy)
            if scope["type"] == "websocket":
                await _refuse_handshake(receive, send, sentence)
            else:
                await response(scope, receive, send)
            return
        if scope["type"] == "http":
            limit = self._file_bytes if scope["path"].startswith(_LARGE) else self._body_bytes
            receive = _bounded(receive, headers, limit)
        await self._app(scope, receive, send)

    def _is_known(self, scope: AsgiScope) -> bool:
        """Whether it comes from a program, to a host that was found to be ours: most requests do."""
        hosts = []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin" or name.startswith(b"sec-fetch-"):
                return False
        if len(hosts) != 1:
            return False
        server = scope.get("server")
        asked = hosts[0], scope["scheme"], server[1] if server else None
        if asked in self._known:
            return True
        if not self._is_ours(scope, hosts[0].decode("latin-1").lower()):
            return False
        if len(self._known) < _KNOWN:
            self._known.add(asked)
        return True

    def _refused(self, scope: AsgiScope, headers: Headers) -> tuple[int, str, str] | None:
        hosts = headers.getlist("host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if not self._is_ours(scope, host):
            return (
                421,
                f"This server does not answer to the host {host[:100]!r}.",
                "Use the address the server printed, or add the host to allowed_hosts under [server] in twin.toml.",
            )
        if scope["type"] == "http" and scope["method"] in _SAFE and _is_visit(headers):
            return None
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site", "none")
        if origin is not None and not _same_origin(origin, scope["scheme"], host):
            return 403, f"A page of {origin[:100]!r} may not act on this server.", "Use a page of this server."
        if origin is None and site not in ("none", "same-origin"):
            return 403, "A page of another origin may not act on this server.", "Use a page of this server."
        return None

    def _is_ours(self, scope: AsgiScope, host: str) -> bool:
        if host in self._bare or (host in self._hosts and ":" in host.rpartition("]")[2]):
            return True  # without a port as behind a proxy, or named with its port
        name, port = _split(host, scope["scheme"])
        if name not in self._hosts:
            return False
        if name in self._named and port in _DEFAULT_PORTS.values():
            return True
        server = scope.get("server")
        return server is None or server[1] is None or port == server[1]


def _is_visit(headers: Headers) -> bool:
    """Whether a request comes from a program, or from a person who opens a page or follows a link: not from a page."""
    site = headers.get("sec-fetch-site")
    if site is None:
        return "origin" not in headers
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest", "document") == "document"


def _without_usual_port(host: str) -> str:
    name, port = _split(host, "")
    return name if port in _DEFAULT_PORTS.values() else host


def _split(host: str, scheme: str) -> tuple[str, int | None]:
    name, colon, port = host.rpartition(":")
    if not colon or (name.startswith("[") and not name.endswith("]")):
        return host, _DEFAULT_PORTS.get(scheme)
    return name, int(port) if port.isascii() and port.isdecimal() else None


def _same_origin(origin: str, scheme: str, host: str) -> bool:
    try:
        parts = urlsplit(origin.lower())
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    wire = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    # A proxy that ends TLS in front of the server makes https of what arrives as http.
    if parts.scheme != wire and not (parts.scheme == "https" and wire == "http"):
        return False
    name = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    asked = port if port is not None else _DEFAULT_PORTS[parts.scheme]
    return (name, asked) == _split(host, parts.scheme)


def _bounded(receive: Receive, headers: Headers, limit: int) -> Receive:
    announced = headers.get("content-length", "0")
    total = 0

    async def bounded() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > limit or (announced.isdecimal() and int(announced) > limit):
                raise TooLarge(
                    f"The request has more than {limit:,} bytes.", remedy="Send less in one request.", limit=limit
                )
        return message

    return bounded


async def _refuse_handshake(receive: Receive, send: Send, sentence: str) -> None:
    # A plain 403: with a response of our own (``websocket.http.response``), uvicorn logs an error for each refusal.
    await receive()  # the handshake's connect event
    await send({"type": "websocket.close", "code": 1008, "reason": sentence[:120]})
