"""GraphQL: the schema of twins, properties, histories, commands and changes, and its endpoint."""

from __future__ import annotations

from twin.api.graphql.endpoint import GraphQLEndpoint
from twin.api.graphql.schema import schema_hash, schema_text

__all__ = ["GraphQLEndpoint", "schema_hash", "schema_text"]
