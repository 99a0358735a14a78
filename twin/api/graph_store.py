"""Whole graphs over HTTP: the SPARQL 1.1 Graph Store HTTP Protocol, with indirect graph names (section 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import HTTPConnection
from starlette.types import Send

from twin.api.revisions import parsed, shown
from twin.api.sparql import send_answer
from twin.api.sparql_protocol import (
    Changed,
    Endpoint,
    Request,
    ScopeOf,
    UnsupportedMediaType,
    WhileHere,
    endpoint,
    reply,
)
from twin.api.sparql_update import headers_of
from twin.errors import Conflict, Forbidden, InvalidInput, NotFound
from twin.flows.updates import Change, Updates
from twin.graph.readers.service import SparqlService
from twin.graph.sparql.negotiation import TRIPLES, negotiate
from twin.scope import Scope
from twin.terms import NamedNode

CONTENT_BYTES = 32 * 1024 * 1024
"""Bytes of a graph that is sent."""
_EVERYTHING = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"
_FORMATS = tuple(each for each in TRIPLES if each.name != "n-quads")
_SYNTAXES = {kind: each.name for each in _FORMATS for kind in each.media_types if kind != "application/json"}


def graph_store_endpoint(
    service: SparqlService, updates: Updates, scope_of: ScopeOf, holds: Callable[[NamedNode], bool]
) -> Endpoint:
    """What answers ``/rdf-graphs``: GET, HEAD, PUT, POST and DELETE of ``?graph=IRI``, and GET and HEAD of
    ``?default``, the union of what the caller sees.

    ``holds`` says whether a graph has anything in it.  An ETag stands for a revision of all graphs.
    """

    async def respond(request: Request, send: Send) -> None:
        graph = _graph(request)
        scope = scope_of(HTTPConnection(request.connection), request.one("as-of"))
        if request.method in ("GET", "HEAD"):
            await _read(service, request, send, graph, scope)
            return
        if graph is None:
            raise Forbidden(
                "The default graph is the union of all graphs and is not changed as one.",
                remedy="Name a site's graph, e.g. ?graph=urn:twin:site:office.",
            )
        there = graph.value in service.visible_graphs(scope) and holds(graph)
        change = Change(
            scope,
            (request.one("reason") or f"{request.method} of {graph.value}").strip()[:1000],
            _precondition(request, there),
            f"{scope.principal.name}@{request.client}",
        )
        try:
            await _write(updates, request, send, graph, change, there)
        except Conflict as conflict:
            if change.expected is None:
                raise
            raise Changed(conflict.message, remedy=conflict.remedy) from conflict

    return endpoint(("GET", "HEAD", "PUT", "POST", "DELETE"), respond)


def _graph(request: Request) -> NamedNode | None:
    """The graph that the address names, None for the default graph; raises `InvalidInput`."""
    named, default = request.one("graph"), request.one("default")
    if (named is None) == (default is None):
        raise InvalidInput(
            "The address names no graph." if named is None else "The address names two graphs.",
            remedy="Write ?graph=IRI, or ?default.",
        )
    if named is None:
        return None
    try:
        return NamedNode(named)
    except ValueError as error:
        raise InvalidInput(
            f"{named[:200]!r} is no IRI ({error}).", remedy="Give an absolute IRI, e.g. urn:twin:site:office."
        ) from error


async def _read(service: SparqlService, request: Request, send: Send, graph: NamedNode | None, scope: Scope) -> None:
    choice = negotiate(_FORMATS, request.headers.get("accept", "*/*"), "A graph")
    async with WhileHere(request.receive) as here:
        answer = await service.query(
            _EVERYTHING,
            scope,
            choice.media_type,
            default_graphs=() if graph is None else (graph.value,),
            client=f"{scope.principal.name}@{request.client}",
        )
        if graph is not None and answer.complete and not answer.rows:
            raise NotFound(f"There is no graph <{graph.value}>.", remedy="GET ?default, or ask GRAPH ?g {} of /sparql.")
        tag = f'"{shown(answer.revision)}-{choice.name}"'
        if tag in _tags(request, "if-none-match"):
            await answer.aclose()
            await send({"type": "http.response.start", "status": 304, "headers": [(b"etag", tag.encode())]})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send_answer(answer, request, send, here, ((b"etag", tag.encode()),))


async def _write(updates: Updates, request: Request, send: Send, graph: NamedNode, change: Change, there: bool) -> None:
    if request.method == "DELETE":
        async with WhileHere(request.receive):
            committed = await updates.clear(graph, change)
        await reply(send, 204, headers_of(committed)[1:])
        return
    syntax = _SYNTAXES.get(request.content_type)
    if syntax is None:
        raise UnsupportedMediaType(
            f"A graph cannot be read from {request.content_type or 'a body without a content type'!r}.",
            remedy=f"Send it as one of {', '.join(each.media_types[0] for each in _FORMATS)}.",
        )
    text = await request.body(CONTENT_BYTES)
    async with WhileHere(request.receive):
        committed = await updates.put(graph, syntax, text, change, base=graph.value, replace=request.method == "PUT")
    await reply(send, 204 if there else 201, headers_of(committed)[1:])


def _precondition(request: Request, there: bool) -> int | None:
    """The revision that If-Match asks for; raises `Changed` for what cannot hold."""
    if "*" in _tags(request, "if-none-match") and there:
        raise Changed("The graph is there already.", remedy="Leave If-None-Match out to replace or extend it.")
    tags = _tags(request, "if-match")
    if not tags:
        return None
    if "*" in tags:
        if there:
            return None
        raise Changed("The graph is not there.", remedy="Leave If-Match out to create it.")
    revisions = {tag.strip('"').partition("-")[0] for tag in tags if not tag.startswith("W/")}
    known = [revision for revision in revisions if revision.isascii() and revision.isdecimal()]
    if not known:
        raise Changed("If-Match names no ETag of this server.", remedy="Send the ETag of a GET, unchanged.")
    return max(parsed(revision) for revision in known)


def _tags(request: Request, header: str) -> list[str]:
    return [tag.strip() for tag in request.headers.get(header, "").split(",") if tag.strip()]
