"""Reads a property path from a graph of shapes (SHACL, 2.3.1)."""

from __future__ import annotations

from twin.graph.shacl.paths import Alternative, Inverse, Path, Predicate, Repeat, Sequence
from twin.graph.shacl.shape_graph import IllFormed, ShapeGraph
from twin.terms import Literal, NamedNode, Object
from twin.vocab import RDF, SH

__all__ = ["read_path"]

_DEEPEST = 50
_REPEATS = {SH.zeroOrMorePath: (0, True), SH.oneOrMorePath: (1, True), SH.zeroOrOnePath: (0, False)}
_REMEDY = "Write the path as in SHACL, 2.3.1."


def read_path(graph: ShapeGraph, node: Object, depth: int = 0) -> Path:
    """The path of a node; raises `IllFormed` when it is none."""
    if depth > _DEEPEST:
        raise IllFormed("has a path that is nested too deep, or within itself", _REMEDY)
    if isinstance(node, Literal):
        raise IllFormed("has a text as its path", _REMEDY)
    parts = {predicate: value for predicate, value in graph.about(node) if predicate in _KINDS}
    # A nested path may have been given an IRI in the place of its blank node, so the parts tell first.
    if not parts and isinstance(node, NamedNode) and node != RDF.nil:
        return Predicate(node)
    if RDF.first in parts:
        return Sequence(_several(graph, node, "sequence", depth))
    if len(parts) != 1:
        raise IllFormed("has a path that is not well-formed", _REMEDY)
    ((kind, value),) = parts.items()
    if kind == SH.inversePath:
        return Inverse(read_path(graph, value, depth + 1))
    if kind == SH.alternativePath:
        return Alternative(_several(graph, value, "choice", depth))
    minimum, unbounded = _REPEATS[kind]
    return Repeat(read_path(graph, value, depth + 1), minimum, unbounded)


_KINDS = frozenset((SH.inversePath, SH.alternativePath, RDF.first, *_REPEATS))


def _several(graph: ShapeGraph, head: Object, what: str, depth: int) -> tuple[Path, ...]:
    members = graph.members(head)
    if len(members) < 2:
        raise IllFormed(f"has a path that is a {what} of fewer than two", _REMEDY)
    return tuple(read_path(graph, member, depth + 1) for member in members)
