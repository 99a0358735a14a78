"""The surfaces: GraphQL, SPARQL, REST, operations and the web explorer, as one ASGI application."""

from __future__ import annotations

from twin.api.application import create
from twin.api.services import Services

__all__ = ["Services", "create"]
