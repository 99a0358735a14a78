"""Reading what is said of nodes and what points at them, a node at a time: most have few statements, and one pattern
that reads them all costs less than one for each predicate that is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from twin.contracts import Delta
from twin.graph.overlay import QuadView
from twin.terms import Literal, NamedNode, Object, Quad
from twin.vocab import OWL, RDF, RDFS

__all__ = ["NodeReads"]

_FEW = 48
"""Statements; of a node with more, only what is asked for is read."""
_OF_CLASSES = frozenset((RDF.type, RDFS.subClassOf, OWL.equivalentClass))
"""Predicates that point at classes, which have thousands of others pointing at them."""

_Outgoing = dict[NamedNode, dict[Object, None]]
_Incoming = dict[NamedNode, dict[NamedNode, None]]


class NodeReads:
    """One state of a graph, each of its nodes read once.

    With ``before``, the state is the one after ``delta``, and nodes that the delta does not name are not read again.
    """

    def __init__(self, view: QuadView, before: NodeReads | None = None, delta: Delta | None = None) -> None:
        self._view = view
        self._before = before
        changed = (*delta.removed, *delta.added) if delta is not None else ()
        self._subjects = {quad.subject for quad in changed}
        self._objects = {quad.object for quad in changed}
        self._outgoing: dict[NamedNode, _Outgoing | None] = {}
        self._incoming: dict[Object, _Incoming | None] = {}
        self._values: dict[tuple[NamedNode, NamedNode], Iterable[Object]] = {}
        self._pointing: dict[tuple[Object, NamedNode], Iterable[NamedNode]] = {}

    def stays(self, subject: NamedNode) -> bool:
        """Whether the state before says the same of a node."""
        return self._before is not None and subject not in self._subjects

    def objects(self, subject: NamedNode, predicate: NamedNode) -> Iterable[Object]:
        """The values of a node under a predicate, each once."""
        if self._before is not None and subject not in self._subjects:
            return self._before.objects(subject, predicate)
        if subject not in self._outgoing:
            self._outgoing[subject] = self._read_outgoing(subject)
        known = self._outgoing[subject]
        if known is not None:
            return known.get(predicate, ())
        key = (subject, predicate)
        if key not in self._values:
            self._values[key] = _values(self._view.quads(subject, predicate, None, None))
        return self._values[key]

    def subjects(self, predicate: NamedNode, object: Object) -> Iterable[NamedNode]:
        """The nodes that have this value under a predicate, each once."""
        if self._before is not None and object not in self._objects:
            return self._before.subjects(predicate, object)
        if predicate not in _OF_CLASSES:
            if object not in self._incoming:
                self._incoming[object] = self._read_incoming(object)
            known = self._incoming[object]
            if known is not None:
                return known.get(predicate, ())
        key = (object, predicate)
        if key not in self._pointing:
            quads = self._view.quads(None, predicate, object, None)
            self._pointing[key] = {quad.subject: None for quad in quads if isinstance(quad.subject, NamedNode)}
        return self._pointing[key]

    def _read_outgoing(self, subject: NamedNode) -> _Outgoing | None:
        quads = list(islice(self._view.quads(subject, None, None, None), _FEW + 1))
        if len(quads) > _FEW:
            return None
        found: _Outgoing = {}
        for quad in quads:
            value = quad.object
            if isinstance(value, NamedNode | Literal):
                found.setdefault(quad.predicate, {})[value] = None
        return found

    def _read_incoming(self, object: Object) -> _Incoming | None:
        quads = list(islice(self._view.quads(None, None, object, None), _FEW + 1))
        if len(quads) > _FEW:
            return None
        found: _Incoming = {}
        for quad in quads:
            subject = quad.subject
            if isinstance(subject, NamedNode):
                found.setdefault(quad.predicate, {})[subject] = None
        return found


def _values(quads: Iterable[Quad]) -> Iterable[Object]:
    return {quad.object: None for quad in quads if isinstance(quad.object, NamedNode | Literal)}
