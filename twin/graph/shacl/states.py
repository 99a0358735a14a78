"""The two states that a change lies between, as triples: what the change does not name is read once for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from twin.graph.overlay import QuadView
from twin.graph.shacl.asserted import BothWays
from twin.graph.shacl.classes import Classes
from twin.graph.shacl.triples import Statement, Term, Triples, TripleView
from twin.terms import BlankNode, NamedNode, Object, Quad, Subject, Triple
from twin.vocab import OWL, RDF, RDFS

__all__ = ["KnownClasses", "State"]

_FEW = 48
"""Statements; of a node with more, only what is asked for is read."""
_OF_CLASSES = frozenset((RDF.type, RDFS.subClassOf, OWL.equivalentClass))
"""Predicates that point at classes, which have thousands of others pointing at them."""
_Inverses = Mapping[NamedNode, tuple[NamedNode, ...]]


class State:
    """One state of a graph.  ``inverses`` are relations found whichever way they were said.

    With ``before``, this is the state after a change that names the nodes ``changed``.
    """

    def __init__(
        self,
        view: QuadView,
        inverses: _Inverses | None = None,
        *,
        before: State | None = None,
        changed: Iterable[Term] = (),
    ) -> None:
        self._view = view
        self._inverses: _Inverses = inverses or {}
        self._whole = Triples(BothWays(view, inverses) if inverses is not None else view)
        self._before = before
        self._changed = frozenset(changed)
        self._equivalents = inverses is not None
        self._outgoing: dict[Term, dict[NamedNode, dict[Object, None]] | None] = {}
        self._incoming: dict[Term, dict[NamedNode, dict[Subject, None]] | None] = {}
        self._objects: dict[tuple[Term, NamedNode], Iterable[Object]] = {}
        self._subjects: dict[tuple[NamedNode, Term], Iterable[Subject]] = {}
        self._values: dict[tuple[Subject, NamedNode], dict[Object, None]] = {}
        self._pointing: dict[tuple[NamedNode, Term], dict[Subject, None]] = {}

    def objects(self, subject: Term, predicate: NamedNode) -> Iterable[Object]:
        """What a node has by a predicate; nothing for a literal."""
        if self._before is not None and subject not in self._changed:
            return self._before.objects(subject, predicate)
        if not isinstance(subject, NamedNode | BlankNode):
            return ()
        others = self._inverses.get(predicate)
        if others is None and not (self._equivalents and predicate == RDFS.subClassOf):
            return self._out(subject, predicate)
        key = (subject, predicate)
        found = self._objects.get(key)
        if found is None:
            merged = dict.fromkeys(self._out(subject, predicate))
            for other in others or ():
                merged.update(dict.fromkeys(self._in(other, subject)))
            if predicate == RDFS.subClassOf:
                merged.update(dict.fromkeys(self.objects(subject, OWL.equivalentClass)))
            found = self._objects[key] = merged
        return found

    def subjects(self, predicate: NamedNode, object: Term) -> Iterable[Subject]:
        """What has a node by a predicate."""
        if self._before is not None and object not in self._changed:
            return self._before.subjects(predicate, object)
        others = self._inverses.get(predicate)
        if others is None and not (self._equivalents and predicate == RDFS.subClassOf):
            return self._in(predicate, object)
        key = (predicate, object)
        found = self._subjects.get(key)
        if found is None:
            merged = dict.fromkeys(self._in(predicate, object))
            for other in others or ():
                values = self._out(object, other) if isinstance(object, NamedNode) else ()
                merged.update({value: None for value in values if isinstance(value, NamedNode)})
            if predicate == RDFS.subClassOf:
                merged.update(dict.fromkeys(self.subjects(OWL.equivalentClass, object)))
            found = self._subjects[key] = merged
        return found

    def pairs(self, predicate: NamedNode) -> Iterable[tuple[Subject, Object]]:
        """Every subject and object of a predicate."""
        return self._whole.pairs(predicate)

    def about(self, subject: Term) -> Iterable[tuple[NamedNode, Object]]:
        """All that is said of a node."""
        return self._whole.about(subject)

    def pointing(self, object: Term) -> Iterable[tuple[Subject, NamedNode]]:
        """All that points at a node."""
        return self._whole.pointing(object)

    def everything(self) -> Iterable[Statement]:
        """Every triple."""
        return self._whole.everything()

    def _out(self, subject: Subject, predicate: NamedNode) -> Iterable[Object]:
        if subject not in self._outgoing:
            quads = list(islice(self._view.quads(subject, None, None, None), _FEW + 1))
            self._outgoing[subject] = _by_predicate(quads) if len(quads) <= _FEW else None
        known = self._outgoing[subject]
        if known is not None:
            return known.get(predicate, ())
        key = (subject, predicate)
        if key not in self._values:
            said = self._view.quads(subject, predicate, None, None)
            self._values[key] = {quad.object: None for quad in said if not isinstance(quad.object, Triple)}
        return self._values[key]

    def _in(self, predicate: NamedNode, object: Term) -> Iterable[Subject]:
        if predicate not in _OF_CLASSES:
            if object not in self._incoming:
                quads = list(islice(self._view.quads(None, None, object, None), _FEW + 1))
                self._incoming[object] = _pointing_by_predicate(quads) if len(quads) <= _FEW else None
            known = self._incoming[object]
            if known is not None:
                return known.get(predicate, ())
        key = (predicate, object)
        if key not in self._pointing:
            quads_of_it = self._view.quads(None, predicate, object, None)
            self._pointing[key] = {quad.subject: None for quad in quads_of_it if not isinstance(quad.subject, Triple)}
        return self._pointing[key]


class KnownClasses(Classes):
    """Class membership with what is known already of the classes above each; ``above`` is added to."""

    __slots__ = ()

    def __init__(self, view: TripleView, above: dict[Term, frozenset[Term]]) -> None:
        super().__init__(view)
        self._above = above


def _by_predicate(quads: Iterable[Quad]) -> dict[NamedNode, dict[Object, None]]:
    found: dict[NamedNode, dict[Object, None]] = {}
    for quad in quads:
        if not isinstance(quad.object, Triple):
            found.setdefault(quad.predicate, {})[quad.object] = None
    return found


def _pointing_by_predicate(quads: Iterable[Quad]) -> dict[NamedNode, dict[Subject, None]]:
    found: dict[NamedNode, dict[Subject, None]] = {}
    for quad in quads:
        if not isinstance(quad.subject, Triple):
            found.setdefault(quad.predicate, {})[quad.subject] = None
    return found
