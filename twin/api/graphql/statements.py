"""Quads as clients see them in changes and differences."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from twin.scope import Scope
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import XSD


@strawberry.type(description="one statement of the graph")
class Statement:
    subject: strawberry.ID
    predicate: str
    object: str = strawberry.field(description="an IRI, or the text of a literal")
    datatype: str | None = strawberry.field(description="of a literal; null: the object is an IRI")
    language: str | None
    graph: str


def statement_of(quad: Quad) -> Statement:
    """The quad as the schema shows it."""
    value = quad.object
    return Statement(
        subject=strawberry.ID(quad.subject.value if isinstance(quad.subject, NamedNode) else str(quad.subject)),
        predicate=quad.predicate.value,
        object=value.value if isinstance(value, Literal | NamedNode) else str(value),
        datatype=(value.datatype.value if value.datatype else XSD.string.value) if isinstance(value, Literal) else None,
        language=value.language if isinstance(value, Literal) else None,
        graph=quad.graph_name.value if isinstance(quad.graph_name, NamedNode) else "",
    )


def is_derived(quad: Quad) -> bool:
    """Whether the quad follows from others."""
    graph = quad.graph_name
    return isinstance(graph, NamedNode) and graph.value.startswith("urn:twin:inferred:")


def visible(scope: Scope, quads: Iterable[Quad]) -> list[Quad]:
    """Those that were said and not derived, in graphs that the scope sees."""
    return [
        quad
        for quad in quads
        if not is_derived(quad) and isinstance(quad.graph_name, NamedNode) and scope.sees_graph(quad.graph_name)
    ]
