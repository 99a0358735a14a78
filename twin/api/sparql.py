"""The SPARQL endpoint: queries by the SPARQL 1.1 Protocol (section 2.1), answered as the client accepts."""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache

from starlette.datastructures import URL
from starlette.requests import HTTPConnection
from starlette.types import Send

from twin.api.revisions import shown
from twin.api.service_description import describe
from twin.api.sparql_protocol import (
    QUERY,
    UPDATE,
    ClientGone,
    Endpoint,
    Request,
    ScopeOf,
    WhileHere,
    endpoint,
    reply,
)
from twin.errors import InvalidInput, TwinError
from twin.graph.readers.service import SparqlService
from twin.graph.readers.streamed import SparqlAnswer
from twin.graph.sparql.negotiation import TRIPLES, negotiate

_log = logging.getLogger("twin.api")
_STALL = 30.0  # seconds for which a client may take nothing of a long answer before it is cut


def sparql_endpoint(service: SparqlService, scope_of: ScopeOf) -> Endpoint:
    """What answers ``/sparql``: GET or HEAD with ``query``, POST of a form, POST of ``application/sparql-query``; and
    without a query the description of the service.

    ``scope_of`` says what the caller may see.  An error is a problem document (RFC 9457) with ``code``, ``detail`` and
    ``remedy``.
    """

    async def respond(request: Request, send: Send) -> None:
        if request.method != "POST" and not request.parameters.keys() & {"query", "update"}:
            await _describe(service, scope_of, request, send)
            return
        text = await _query(request, service.text_limits.text_bytes)
        scope = scope_of(HTTPConnection(request.connection), request.one("as-of"))
        async with WhileHere(request.receive) as here:
            answer = await service.query(
                text,
                scope,
                request.headers.get("accept", "*/*"),
                default_graphs=request.all("default-graph-uri"),
                named_graphs=request.all("named-graph-uri"),
                client=f"{scope.principal.name}@{request.client}",
                entailment=_entails(request),
                explain=request.one("explain") is not None,
            )
            await send_answer(answer, request, send, here)

    return endpoint(("GET", "HEAD", "POST"), respond)


async def send_answer(
    answer: SparqlAnswer,
    request: Request,
    send: Send,
    here: WhileHere,
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """Sends an answer as it comes, a small one whole.  When the client leaves, or the query fails half-way, the
    connection is cut: a part is never taken for the whole."""
    headers = [*_headers(answer.media_type), (b"twin-revision", shown(answer.revision).encode()), *extra]
    if answer.complete:
        await reply(send, 200, headers, answer.first)
        return
    try:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if request.method != "HEAD":
            here.watch()
            async for piece in answer:
                async with asyncio.timeout(_STALL):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TwinError as error:
        # Its status is sent already; an answer that is not completed makes the server cut the connection.
        _log.warning("The answer of a SPARQL query was cut half-way: %s", error)
        raise ClientGone from error
    except TimeoutError as error:
        _log.warning("The answer of a SPARQL query was cut: its client took nothing for %g s.", _STALL)
        raise ClientGone from error
    finally:
        await answer.aclose()


@lru_cache(64)
def _headers(media_type: str) -> tuple[tuple[bytes, bytes], ...]:
    charset = "; charset=utf-8" if media_type.startswith("text/") else ""
    return (
        (b"content-type", (media_type + charset).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Accept"),
    )


def _entails(request: Request) -> bool:
    """Whether the answer holds what follows (``entailment=twin``, or nothing said) or what is stated (``none``)."""
    regime = request.one("entailment") or "twin"
    if regime not in ("twin", "none"):
        raise InvalidInput(
            f"There is no entailment {regime!r} here.", remedy="Say 'twin' for what follows, 'none' for what is stated."
        )
    return regime == "twin"


async def _query(request: Request, text_bytes: int) -> str:
    """The text of the query, wherever the protocol lets it stand."""
    if request.method == "POST":
        if request.content_type == UPDATE.media_type:
            raise _updates_elsewhere()
        remedy = f"Send it as {QUERY.media_type}, or as the field 'query' of a form."
        text = await request.posted(QUERY, text_bytes, remedy)
        if text is not None:
            return text
    if UPDATE.name in request.parameters:
        raise _updates_elsewhere()
    return request.only(QUERY, "Give one query, as the parameter 'query'.")


def _updates_elsewhere() -> InvalidInput:
    return InvalidInput("This endpoint answers queries; it takes no updates.", remedy="Send it to /sparql/update.")


async def _describe(service: SparqlService, scope_of: ScopeOf, request: Request, send: Send) -> None:
    # A browser that comes here gets Turtle, which it shows as text.
    accept = request.headers.get("accept", "*/*")
    choice = negotiate(TRIPLES, "*/*" if "text/html" in accept else accept, "The description of this service")
    scope = scope_of(HTTPConnection(request.connection), None)
    address = str(URL(scope=request.connection).replace(query=""))
    body = describe(address, service.visible_graphs(scope), choice.name)
    await reply(send, 200, _headers(choice.media_type), body)
