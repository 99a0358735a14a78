"""Errors as a GraphQL client sees them: a sentence, a code and a remedy - never an internal."""

from __future__ import annotations

import logging
import uuid

from graphql import GraphQLError

from twin.errors import TwinError

_log = logging.getLogger("twin.api")


def shown(error: GraphQLError) -> GraphQLError:
    """The error as it may leave the server.

    A `TwinError` keeps its sentence, and its code, remedy and details become ``extensions``; what graphql-core says of
    a document or a variable is kept with the code ``invalid-input``; anything else is logged under a fresh id and
    only the id is told.
    """
    original = error.original_error
    while isinstance(original, GraphQLError) and original.original_error is not None:
        original = original.original_error
    if isinstance(original, TwinError):
        extensions = {"code": original.code, "remedy": original.remedy, **original.details}
        return _with(error, original.message, extensions)
    if original is None or isinstance(original, GraphQLError):
        return _with(error, error.message, {"code": "invalid-input", "remedy": "", **(error.extensions or {})})
    number = uuid.uuid4().hex[:12]
    place = "/".join(str(step) for step in error.path or ()) or "the document"
    _log.error("Internal error %s at %s", number, place, exc_info=original)
    return _with(
        error,
        f"Internal error {number}.",
        {"code": "internal", "remedy": f"Look for {number} in the server's log.", "id": number},
    )


def refusal(error: TwinError) -> GraphQLError:
    """A refusal before anything was executed, as it may leave the server."""
    return shown(GraphQLError(error.message, original_error=error))


def _with(error: GraphQLError, message: str, extensions: dict[str, object]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
