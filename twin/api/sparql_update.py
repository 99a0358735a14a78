"""The SPARQL update endpoint: updates by the SPARQL 1.1 Protocol (section 2.2)."""

from __future__ import annotations

import orjson
from starlette.requests import HTTPConnection
from starlette.types import Send

from twin.api.revisions import parsed_or_none, shown
from twin.api.sparql_protocol import (
    QUERY,
    UPDATE,
    Endpoint,
    Request,
    ScopeOf,
    WhileHere,
    endpoint,
    reply,
)
from twin.contracts import Revision
from twin.errors import InvalidInput
from twin.flows.updates import Change, Updates

_DERIVED = "urn:twin:inferred:"


def update_endpoint(updates: Updates, scope_of: ScopeOf, update_bytes: int) -> Endpoint:
    """What answers ``/sparql/update``: POST of a form with ``update``, POST of ``application/sparql-update``.

    Besides the protocol's parameters, ``reason`` is kept with the change, and ``expected-revision`` refuses it when
    the graph has moved on.  The answer says the revision, and how many triples were added and removed.
    """

    async def respond(request: Request, send: Send) -> None:
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

    return endpoint(("POST",), respond)


def headers_of(committed: Revision) -> list[tuple[bytes, bytes]]:
    """The headers that every answer to a change has."""
    revision = shown(committed.token).encode()
    return [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"twin-revision", revision)]


def _counted(committed: Revision) -> dict[str, object]:
    added = sum(not str(quad.graph_name).startswith(f"<{_DERIVED}") for quad in committed.delta.added)
    removed = sum(not str(quad.graph_name).startswith(f"<{_DERIVED}") for quad in committed.delta.removed)
    return {"revision": shown(committed.token), "added": added, "removed": removed}


async def _update(request: Request, update_bytes: int) -> str:
    """The text of the update, wherever the protocol lets it stand."""
    elsewhere = " Queries belong to /sparql." if request.content_type == QUERY.media_type else ""
    remedy = f"Send it as {UPDATE.media_type}, or as the field 'update' of a form.{elsewhere}"
    text = await request.posted(UPDATE, update_bytes, remedy)
    if text is not None:
        return text
    if QUERY.name in request.parameters:
        raise InvalidInput("This endpoint takes updates; it answers no queries.", remedy="Send it to /sparql.")
    return request.only(UPDATE, "Give one update, as the field 'update'; it may hold several operations.")
