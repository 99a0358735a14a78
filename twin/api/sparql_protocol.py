"""What the SPARQL routes share: reading a request, saying what is wrong with it, and noticing that its client left.

They are plain ASGI, before routing: for a small answer the way through a web framework would cost more than the query.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import unquote_to_bytes

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from twin.api.problems import problem, status_of
from twin.errors import InvalidInput, TwinError
from twin.graph.readers.pool import Busy
from twin.graph.sparql.gate import QueryTooLarge
from twin.graph.sparql.negotiation import NotAcceptable
from twin.scope import Scope

Endpoint = Callable[[Connection, Receive, Send], Awaitable[None]]
"""What answers a path, as plain ASGI."""
_FORM = "application/x-www-form-urlencoded"
ScopeOf = Callable[[HTTPConnection, str | None], Scope]
"""Who asks, what they may see, and as of which moment (None: now)."""
_FIELDS = 256  # parameters that are read
_PATIENCE = 0.05  # seconds after which it is worth watching whether the client is still there


class UnsupportedMediaType(InvalidInput):
    """The request's body is of a type that this endpoint does not read."""

    code = "unsupported-media-type"


class WrongMethod(InvalidInput):
    """The path does not take this method; ``allowed`` are those that it takes."""

    code = "method-not-allowed"

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        self.allowed = ", ".join(allowed)
        super().__init__(f"This path does not take {method}.", remedy=f"Use {self.allowed}.")


class Changed(InvalidInput):
    """What an If-Match header names is not what is there."""

    code = "precondition-failed"


_STATUS: tuple[tuple[type[TwinError], int, str], ...] = (
    (NotAcceptable, 406, "Not acceptable"),
    (QueryTooLarge, 413, "Too large"),
    (UnsupportedMediaType, 415, "Unsupported media type"),
    (WrongMethod, 405, "Method not allowed"),
    (Changed, 412, "Precondition failed"),
    (Busy, 429, "Too many queries"),
)


@dataclass(frozen=True, slots=True)
class Operation:
    """What the protocol lets stand in a parameter, a field of a form, or a body of its own: its ``name``, which is the
    parameter's, in words (``a``, ``many``), and the media type of such a body."""

    name: str
    a: str
    many: str
    media_type: str


QUERY = Operation("query", "a query", "queries", "application/sparql-query")
UPDATE = Operation("update", "an update", "updates", "application/sparql-update")


@dataclass(slots=True)
class Request:
    """A request of these routes: its method, headers (the last of a name, in small letters) and parameters."""

    connection: Connection
    receive: Receive
    method: str
    headers: Mapping[str, str]
    parameters: dict[str, list[str]]
    content_type: str = ""

    @staticmethod
    def of(connection: Connection, receive: Receive) -> Request:
        """Reads all but the body; raises `InvalidInput` for parameters that cannot be read."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in connection["headers"]}
        return Request(
            connection,
            receive,
            connection["method"],
            headers,
            decoded(connection["query_string"]),
            headers.get("content-type", "").partition(";")[0].strip().lower(),
        )

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a parameter."""
        return tuple(self.parameters.get(name, ()))

    def one(self, name: str) -> str | None:
        """The value of a parameter, None without one; raises `InvalidInput` for several."""
        values = self.parameters.get(name, ())
        if len(values) > 1:
            raise InvalidInput(f"There are {len(values)} values for {name!r}.", remedy="Give one.")
        return values[0] if values else None

    @property
    def client(self) -> str:
        """From where it comes, for turns in the line."""
        client = self.connection.get("client")
        return client[0] if client else ""

    async def posted(self, kind: Operation, limit: int, remedy: str) -> str | None:
        """The operation that is the body; None for a form, whose fields are parameters from now on.

        A body has at most ``limit`` bytes, a form four times as many.  Raises `InvalidInput`, with the ``remedy`` for
        a body of another type.
        """
        if self.content_type not in (_FORM, kind.media_type):
            raise UnsupportedMediaType(
                f"{kind.a.capitalize()} cannot be read from {self.content_type or 'a body without a content type'!r}.",
                remedy=remedy,
            )
        direct = self.content_type == kind.media_type
        text = await self._text(limit if direct else 4 * limit, kind.name)
        if not direct:
            self.parameters.update(decoded(text))
            return None
        if kind.name in self.parameters:
            raise InvalidInput(
                f"There is {kind.a} in the address and one in the body.", remedy=f"Give one {kind.name}."
            )
        return text

    def only(self, kind: Operation, remedy: str) -> str:
        """The one operation among the parameters; raises `InvalidInput` for none and for several."""
        given = self.parameters.get(kind.name, [])
        if len(given) != 1:
            raise InvalidInput(
                f"There are {len(given)} {kind.many} in one request." if given else f"There is no {kind.name}.",
                remedy=remedy,
            )
        return given[0]

    async def body(self, limit: int) -> bytes:
        """The whole body; raises `QueryTooLarge` beyond ``limit`` bytes."""
        parts, size = [], 0
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ClientGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise QueryTooLarge(
                    f"The request is longer than {limit:,} bytes.",
                    remedy="Send less at once; a query is shorter when it asks for a class instead of its members.",
                )
            if not message.get("more_body", False):
                return b"".join(parts)

    async def _text(self, limit: int, what: str) -> str:
        body = await self.body(limit)
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The {what} is not UTF-8 (byte {error.start}).", remedy="Send it as UTF-8.") from error


def decoded(text: bytes | str) -> dict[str, list[str]]:
    """The parameters of a query string or form, empty ones too; raises `InvalidInput`."""
    found: dict[str, list[str]] = {}
    try:
        fields = (text.decode("ascii") if isinstance(text, bytes) else text).split("&")
        if len(fields) > _FIELDS:
            raise ValueError(f"there are more than {_FIELDS}")
        for field in fields:
            if field:
                name, _, value = field.partition("=")
                found.setdefault(_unquoted(name), []).append(_unquoted(value))
    except ValueError as error:
        raise InvalidInput(f"The parameters cannot be read: {error}.", remedy="Encode them as a form does.") from error
    return found


def _unquoted(text: str) -> str:
    plain = text.replace("+", " ")
    return unquote_to_bytes(plain).decode() if "%" in plain else plain


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class WhileHere:
    """Within it the work stops when the client leaves, and `ClientGone` is raised; the body must have been read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self._gone = False

    async def __aenter__(self) -> Self:
        # Most answers are there before it would be worth a task to watch.
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self.watch)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self._gone and isinstance(error, asyncio.CancelledError) and self._task is not None:
            self._task.uncancel()
            raise ClientGone from None

    def watch(self) -> None:
        """Watches from now on."""
        if self._watching is None:
            self._watching = asyncio.ensure_future(self._leave())

    async def _leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()


def told(error: TwinError) -> Response:
    """The problem document (RFC 9457) for an error of these routes."""
    known = next(((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), None)
    status, title = known or status_of(error)
    response = problem(status, title, error.message, code=error.code, remedy=error.remedy, details=error.details)
    if isinstance(error, Busy):
        response.headers["retry-after"] = str(error.retry_after)
    if isinstance(error, WrongMethod):
        response.headers["allow"] = error.allowed
    return response


def endpoint(methods: Sequence[str], respond: Callable[[Request, Send], Awaitable[None]]) -> Endpoint:
    """What answers a path that takes these methods beside OPTIONS, which it answers by itself; what ``respond`` raises
    is told to the client, if it is still there."""
    allowed = (*methods, "OPTIONS")

    async def answer(connection: Connection, receive: Receive, send: Send) -> None:
        try:
            request = Request.of(connection, receive)
            if request.method == "OPTIONS":
                await reply(send, 204, [(b"allow", ", ".join(allowed).encode())])
                return
            if request.method not in allowed:
                raise WrongMethod(request.method, allowed)
            await respond(request, send)
        except TwinError as error:
            await told(error)(connection, receive, send)
        except ClientGone:
            return

    return answer


async def reply(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes = b"") -> None:
    """A whole response."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
