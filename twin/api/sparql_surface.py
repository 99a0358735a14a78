"""The SPARQL surface of a server: which path is answered by what."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection

from twin.api.as_of import scope_as_of
from twin.api.graph_store import graph_store_endpoint
from twin.api.services import Services
from twin.api.sparql import sparql_endpoint
from twin.api.sparql_protocol import Endpoint
from twin.api.sparql_update import update_endpoint
from twin.flows.updates import Updates
from twin.scope import Scope
from twin.terms import NamedNode


def sparql_endpoints(services: Services) -> Mapping[str, Endpoint]:
    """The endpoints by path; none for a server without readers."""
    service = services.sparql
    if service is None:
        return {}
    updates = Updates(services.door, service)

    def scope_of(connection: HTTPConnection, moment: str | None) -> Scope:
        return scope_as_of(services.pasts, Scope(services.principal_of(connection)), moment)

    def holds(graph: NamedNode) -> bool:
        return any(True for _ in services.store.quads(None, None, None, graph))

    return {
        "/sparql": sparql_endpoint(service, scope_of),
        "/sparql/update": update_endpoint(updates, scope_of, services.settings.sparql.update_bytes),
        "/rdf-graphs": graph_store_endpoint(service, updates, scope_of, holds),
    }
