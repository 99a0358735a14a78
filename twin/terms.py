"""RDF terms, and reading and writing RDF text.

The one module outside ``twin.graph`` that knows which RDF library is underneath.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pyoxigraph import (
    BlankNode,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

__all__ = [
    "BlankNode",
    "DefaultGraph",
    "Literal",
    "NamedNode",
    "Object",
    "Quad",
    "RdfFormat",
    "Subject",
    "Triple",
    "n_quads",
    "parse",
    "parse_n_quads",
    "read_file",
    "serialize",
]

Subject = NamedNode | BlankNode
"""What may stand first in a quad of ours (no quoted triples)."""
Object = NamedNode | BlankNode | Literal
"""What may stand third in a quad of ours."""


def n_quads(quads: Iterable[Quad]) -> bytes:
    """The quads as N-Quads text (RDF 1.1 N-Quads), one a line, in the order given."""
    return serialize(quads, format=RdfFormat.N_QUADS) or b""


def parse_n_quads(text: bytes | str) -> Iterator[Quad]:
    """The quads of an N-Quads text; raises ``SyntaxError`` with line and column."""
    return parse(text, format=RdfFormat.N_QUADS)


def read_file(path: Path, graph: NamedNode | None = None) -> Iterator[Quad]:
    """The quads of one of our own RDF files, its format told by its suffix; default-graph quads go to ``graph``."""
    target = graph if graph is not None else DefaultGraph()
    for quad in parse(path=str(path), base_iri="urn:twin:base:"):
        if isinstance(quad.graph_name, DefaultGraph):
            yield Quad(quad.subject, quad.predicate, quad.object, target)
        else:
            yield quad
