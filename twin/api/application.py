"""Putting the surfaces together."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from twin.api.census import Census
from twin.api.direct import CrossOrigin, Direct
from twin.api.explorer import Explorer
from twin.api.graphql import GraphQLEndpoint
from twin.api.graphql.limits import Limits
from twin.api.guards import Guard
from twin.api.ops import Operations, product_version
from twin.api.problems import Internals, on_http_error, on_invalid_parameters, on_twin_error
from twin.api.rest import Rest
from twin.api.services import Services
from twin.api.sparql_surface import sparql_endpoints
from twin.data import explorer_directory
from twin.errors import TwinError

FILE_BYTES = 256 * 1024 * 1024


def create(services: Services, lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None) -> ASGIApp:
    """The ASGI application over these services.

    The guard stands before everything, and the SPARQL endpoints before the web framework, whose layers would cost a
    small query as much as its answer.  The framework documents the REST routes at ``/openapi.json``; there are no
    documentation pages, which would load scripts from elsewhere.  ``lifespan`` runs around it, as in FastAPI.
    """
    app = FastAPI(
        title="Twin",
        version=product_version(),
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={
            TwinError: on_twin_error,
            HTTPException: on_http_error,
            RequestValidationError: on_invalid_parameters,
        },
    )
    census = Census(services)
    operations = Operations(services, census)
    graphql = GraphQLEndpoint(services, census)
    app.router.routes.extend(
        [
            Route("/livez", operations.livez),
            Route("/readyz", operations.readyz),
            Route("/metrics", operations.metrics),
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
        ]
    )
    app.include_router(Rest(services).router)
    app.router.routes.append(Route("/{path:path}", Explorer(explorer_directory()).__call__))
    app.add_middleware(Internals)
    endpoints = sparql_endpoints(services)
    guarded = Guard(
        Direct(app, endpoints={path: Internals(endpoint) for path, endpoint in endpoints.items()}),
        hosts=services.settings.server.allowed_hosts,
        body_bytes=Limits().body_bytes,
        file_bytes=FILE_BYTES,
    )
    return CrossOrigin(guarded, origins=services.settings.server.sparql_origins, paths=endpoints)
