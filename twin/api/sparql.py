"""The SPARQL endpoint: queries by the SPARQL 1.1 Protocol (section 2.1), answered as the client accepts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from twin.api.problems import problem, status_of
from twin.api.revisions import shown
from twin.errors import InvalidInput, TwinError
from twin.graph.reader import SparqlAnswer, SparqlService
from twin.graph.reader_pool import Busy
from twin.graph.results import NotAcceptable
from twin.graph.sparql_gate import QueryTooLarge
from twin.scope import Scope

_log = logging.getLogger("twin.api")

_FORM = "application/x-www-form-urlencoded"
_QUERY = "application/sparql-query"
_UPDATE = "application/sparql-update"


class UnsupportedMediaType(InvalidInput):
    """The request's body is of a type that this endpoint does not read."""

    code = "unsupported-media-type"


_STATUS: tuple[tuple[type[TwinError], int, str], ...] = (
    (NotAcceptable, 406, "Not acceptable"),
    (QueryTooLarge, 413, "Too large"),
    (UnsupportedMediaType, 415, "Unsupported media type"),
    (Busy, 429, "Too many queries"),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as the protocol carries it."""

    text: str
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]


def sparql_routes(service: SparqlService, scope_of: Callable[[Request], Scope]) -> list[Route]:
    """The routes of ``/sparql``: GET with ``query``, POST of a form, POST of ``application/sparql-query``.

    ``scope_of`` says what the caller may see.  An error is a problem document (RFC 9457) with ``code``, ``detail`` and
    ``remedy``.
    """

    async def sparql(request: Request) -> Response:
        try:
            asked = await _asked(request, service.text_limits.text_bytes)
            answer = await _unless_gone(
                request,
                service.query(
                    asked.text,
                    scope_of(request),
                    request.headers.get("accept", "*/*"),
                    default_graphs=asked.default_graphs,
                    named_graphs=asked.named_graphs,
                ),
            )
        except TwinError as error:
            return _problem(error)
        return Response(status_code=499) if answer is None else _Streamed(answer)

    return [Route("/sparql", sparql, methods=["GET", "POST"])]


def _problem(error: TwinError) -> Response:
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), status_of(error)
    )
    response = problem(status, title, error.message, code=error.code, remedy=error.remedy, details=error.details)
    if isinstance(error, Busy):
        response.headers["retry-after"] = str(error.retry_after)
    return response


async def _asked(request: Request, text_bytes: int) -> _Asked:
    if request.method != "POST":
        return _from_parameters(request.url.query)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _UPDATE:
        raise _updates_elsewhere()
    if media_type not in (_FORM, _QUERY):
        raise UnsupportedMediaType(
            f"A query cannot be read from {media_type or 'a body without a content type'!r}.",
            remedy=f"Send it as {_QUERY}, or as the field 'query' of a form.",
        )
    body = await _body(request, text_bytes if media_type == _QUERY else 4 * text_bytes)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The query is not UTF-8 (byte {error.start}).", remedy="Send it as UTF-8.") from error
    if media_type == _FORM:
        return _from_parameters(text)
    graphs = _parameters(request.url.query)
    return _Asked(text, tuple(graphs.get("default-graph-uri", ())), tuple(graphs.get("named-graph-uri", ())))


def _from_parameters(text: str) -> _Asked:
    parameters = _parameters(text)
    if "update" in parameters:
        raise _updates_elsewhere()
    queries = parameters.get("query", [])
    if len(queries) != 1:
        raise InvalidInput(
            "There is no query." if not queries else f"There are {len(queries)} queries in one request.",
            remedy="Give one query, as the parameter 'query'.",
        )
    return _Asked(
        queries[0], tuple(parameters.get("default-graph-uri", ())), tuple(parameters.get("named-graph-uri", ()))
    )


def _parameters(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=256)
    except ValueError as error:
        raise InvalidInput(f"The parameters cannot be read: {error}.", remedy="Encode them as a form does.") from error


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise QueryTooLarge(
                f"The request is longer than {limit:,} bytes.",
                remedy="Shorten the query, for example by asking for a class instead of listing its members.",
            )
    return bytes(body)


def _updates_elsewhere() -> InvalidInput:
    return InvalidInput(
        "This endpoint answers queries; it takes no updates.",
        remedy="Updates belong to /sparql/update, which a later version brings; until then use applyChange.",
    )


async def _unless_gone(request: Request, work: Any) -> SparqlAnswer | None:
    """The answer, or None after its work was stopped because the client left."""
    query: asyncio.Task[SparqlAnswer] = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((query, gone), return_when=asyncio.FIRST_COMPLETED)
        if query.done():
            return query.result()
        return None
    finally:
        gone.cancel()
        query.cancel()
        await asyncio.gather(gone, query, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Streamed(Response):
    """An answer sent as it comes.  When the client leaves, or the query fails half-way, the connection is cut: a part
    is never taken for the whole."""

    def __init__(self, answer: SparqlAnswer) -> None:
        self._answer = answer
        headers = {"cache-control": "no-store", "vary": "Accept", "twin-revision": shown(answer.revision)}
        super().__init__(None, headers=headers)
        del self.headers["content-length"]
        text = answer.media_type.startswith("text/")
        self.headers["content-type"] = answer.media_type + ("; charset=utf-8" if text else "")

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        async def stream() -> None:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                async for piece in self._answer:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TwinError as error:
                # Its status is sent already; an answer that is not completed makes the server cut the connection.
                _log.warning("The answer of a SPARQL query was cut half-way: %s", error)
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        sending = asyncio.ensure_future(stream())
        leaving = asyncio.ensure_future(_disconnected(Request(scope, receive)))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._answer.aclose()
