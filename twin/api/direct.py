"""Paths that are answered before routing: the SPARQL endpoints, and pages of other origins that may ask them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

_METHODS = b"GET, HEAD, POST, PUT, DELETE, OPTIONS"
_ASKED = frozenset((b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"))


class Direct:
    """Hands requests for exactly these paths to their endpoints, and everything else on."""

    def __init__(self, app: ASGIApp, *, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(connection["path"]) if connection["type"] == "http" else None
        await (endpoint or self._app)(connection, receive, send)


class CrossOrigin:
    """Lets pages of the named origins ask these paths (CORS, by the Fetch standard); `twin.api.guards.Guard`, which
    comes after it, refuses pages of every other origin.

    Cookies and passwords of the browser are never let through.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str], paths: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.rstrip("/").lower().encode() for origin in origins)
        self._paths = frozenset(paths)

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if not self._origins or connection["type"] != "http" or connection["path"] not in self._paths:
            await self._app(connection, receive, send)
            return
        given = {name: value for name, value in connection["headers"] if name in (b"origin", *_PREFLIGHT)}
        origin = given.get(b"origin")
        if origin is None or origin.lower() not in self._origins:
            await self._app(connection, receive, send)
            return
        allowed = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        if connection["method"] == "OPTIONS" and _PREFLIGHT[0] in given:
            headers = [
                *allowed,
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", given.get(_PREFLIGHT[1], b"content-type, accept")),
                (b"access-control-max-age", b"600"),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = (b"access-control-expose-headers", b"twin-revision, etag, retry-after")
                message = {**message, "headers": [*message.get("headers", ()), *allowed, exposed]}
            await send(message)

        kept = [(name, value) for name, value in connection["headers"] if name not in _ASKED]
        await self._app({**connection, "headers": kept}, receive, sending)


_PREFLIGHT = (b"access-control-request-method", b"access-control-request-headers")
