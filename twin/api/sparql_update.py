"""The SPARQL update endpoint: updates by the SPARQL 1.1 Protocol (section 2.2)."""

from __future__ import annotations

import orjson
from starlette.requests import HTTPConnection
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from twin.api.revisions import parsed_or_none, shown
from twin.api.sparql import Endpoint
from twin.api.sparql_protocol import (
    FORM,
    Request,
    ScopeOf,
    UnsupportedMediaType,
    WhileHere,
    WrongMethod,
    answered,
    decoded,
    reply,
    told_methods,
)
from twin.contracts import Revision
from twin.errors import InvalidInput
from twin.flows.updates import Change, Updates

_UPDATE = "application/sparql-update"
_QUERY = "application/sparql-query"
_METHODS = ("POST", "OPTIONS")
_DERIVED = "urn:twin:inferred:"


def update_endpoint(updates: Updates, scope_of: ScopeOf, update_bytes: int) -> Endpoint:
    """What answers ``/sparql/update``: POST of a form with ``update``, POST of ``application/sparql-update``.

    Besides the protocol's parameters, ``reason`` is kept with the change, and ``expected-revision`` refuses it when
    the graph has moved on.  The answer says the revision, and how many triples were added and removed.
    """

    async def respond(request: Request, send: Send) -> None:
        if request.method == "OPTIONS":
            await told_methods(send, _METHODS)
            return
        if request.method not in _METHODS:
            raise WrongMethod(request.method, _METHODS)
        text = await _update(request, update_bytes)
        scope = scope_of(HTTPConnection(request.connection), None)
        change = Change(
            scope,
            (request.one("reason") or "SPARQL update").strip()[:1000],
            parsed_or_none(request.one("expected-revision")),
            f"{scope.principal.name}@{request.client}",
        )
        async with WhileHere(request.receive):
            committed = await updates.update(
                text,
                change,
                using=request.all("using-graph-uri"),
                using_named=request.all("using-named-graph-uri"),
            )
        await reply(send, 200, headers_of(committed), orjson.dumps(_counted(committed)))

    async def endpoint(connection: Connection, receive: Receive, send: Send) -> None:
        await answered(connection, receive, send, respond)

    return endpoint


def headers_of(committed: Revision) -> list[tuple[bytes, bytes]]:
    """The headers that every answer to a change has."""
    revision = shown(committed.token).encode()
    return [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"twin-revision", revision)]


def _counted(committed: Revision) -> dict[str, object]:
    added = sum(not str(quad.graph_name).startswith(f"<{_DERIVED}") for quad in committed.delta.added)
    removed = sum(not str(quad.graph_name).startswith(f"<{_DERIVED}") for quad in committed.delta.removed)
    return {"revision": shown(committed.token), "added": added, "removed": removed}


async def _update(request: Request, update_bytes: int) -> str:
    if request.content_type not in (FORM, _UPDATE):
        elsewhere = " Queries belong to /sparql." if request.content_type == _QUERY else ""
        raise UnsupportedMediaType(
            f"An update cannot be read from {request.content_type or 'a body without a content type'!r}.",
            remedy=f"Send it as {_UPDATE}, or as the field 'update' of a form.{elsewhere}",
        )
    text = await request.text(update_bytes if request.content_type == _UPDATE else 4 * update_bytes, "update")
    if request.content_type == _UPDATE:
        if "update" in request.parameters:
            raise InvalidInput("There is an update in the address and one in the body.", remedy="Give one update.")
        return text
    request.parameters.update(decoded(text))
    if "query" in request.parameters:
        raise InvalidInput("This endpoint takes updates; it answers no queries.", remedy="Send it to /sparql.")
    updates = request.parameters.get("update", [])
    if len(updates) != 1:
        raise InvalidInput(
            "There is no update." if not updates else f"There are {len(updates)} updates in one request.",
            remedy="Give one update, as the field 'update'; it may hold several operations.",
        )
    return updates[0]
