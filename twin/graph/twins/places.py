"""The tree by place and the relationships between twins, by whichever vocabulary's relations say them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal as Word

from twin.graph.derivation import OWNED_BY, OWNS, local_name
from twin.graph.overlay import QuadView
from twin.graph.twins.records import RelationshipRecord
from twin.terms import NamedNode
from twin.vocab import BRICK, OWL, RDF, RDFS, S4BLDG, SAREF, TWIN, site_graph

PARENT = (BRICK.hasLocation, S4BLDG.isContainedIn, TWIN.isLocatedIn, BRICK.isPartOf, S4BLDG.isSpaceOf)
"""Predicates from a twin to the place it is in, most telling first."""
CHILD = (BRICK.isLocationOf, S4BLDG.contains, TWIN.isLocationOf, BRICK.hasPart, S4BLDG.hasSpace, SAREF.consistsOf)
"""Predicates from a place to what is in it."""
_NO_RELATIONSHIP = frozenset((RDF.type, RDFS.label, *OWNS, *OWNED_BY, OWL.sameAs))


class Places:
    """Where twins are, and what they are related to; ``is_twin`` says which IRIs are twins."""

    def __init__(self, view: QuadView, is_twin: Callable[[str], bool]) -> None:
        self._view = view
        self._is_twin = is_twin
        self._inverses: dict[str, frozenset[str]] = {}

    def forget(self) -> None:
        """Learns the inverses of relations anew, after vocabularies changed."""
        self._inverses.clear()

    def place(self, iri: str) -> str | None:
        """The twin this one is in or part of, by whichever relation says so; None at the root."""
        node = NamedNode(iri)
        for predicate in PARENT:
            for quad in self._view.quads(node, predicate, None, None):
                if isinstance(quad.object, NamedNode) and self._is_twin(quad.object.value):
                    return quad.object.value
        for predicate in CHILD:
            for quad in self._view.quads(None, predicate, node, None):
                if isinstance(quad.subject, NamedNode) and self._is_twin(quad.subject.value):
                    return quad.subject.value
        return None

    def inside(self, iri: str) -> list[str]:
        """What some relation says is in this twin, or part of it: twins and others."""
        node = NamedNode(iri)
        found: dict[str, None] = {}
        for predicate in CHILD:
            for quad in self._view.quads(node, predicate, None, None):
                if isinstance(quad.object, NamedNode):
                    found[quad.object.value] = None
        for predicate in PARENT:
            for quad in self._view.quads(None, predicate, node, None):
                if isinstance(quad.subject, NamedNode):
                    found[quad.subject.value] = None
        return list(found)

    def unplaced(self, site: str, twins: Iterable[str]) -> list[str]:
        """Those of a site's twins that are in no other, found in one pass over the relations of the site."""
        graph = site_graph(site)
        placed: set[str] = set()
        for predicates, outward in ((PARENT, True), (CHILD, False)):
            for predicate in predicates:
                for quad in self._view.quads(None, predicate, None, graph):
                    within, place = (quad.subject, quad.object) if outward else (quad.object, quad.subject)
                    if isinstance(within, NamedNode) and isinstance(place, NamedNode) and self._is_twin(place.value):
                        placed.add(within.value)
        return [iri for iri in twins if iri not in placed and self.place(iri) is None]

    def edges(self, iri: str) -> list[RelationshipRecord]:
        """The edges of a node in both directions as they are asserted, to whatever they lead."""
        node = NamedNode(iri)
        found: dict[RelationshipRecord, None] = {}
        for quad in self._view.quads(node, None, None, None):
            if isinstance(quad.object, NamedNode) and quad.predicate not in _NO_RELATIONSHIP:
                found[_edge(quad.predicate, "out", quad.object.value)] = None
        for quad in self._view.quads(None, None, node, None):
            if isinstance(quad.subject, NamedNode) and quad.predicate not in _NO_RELATIONSHIP:
                found[_edge(quad.predicate, "in", quad.subject.value)] = None
        return list(found)

    def inverses(self, name: str) -> frozenset[str]:
        """The relations that say the other way round what the named one (an IRI or a local name) says."""
        known = self._inverses.get(name)
        if known is None:
            found = set()
            for quad in self._view.quads(None, OWL.inverseOf, None, None):
                if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
                    for one, other in ((quad.subject, quad.object), (quad.object, quad.subject)):
                        if name in (one.value, local_name(one.value)):
                            found.add(other.value)
            known = self._inverses[name] = frozenset(found)
        return known


def _edge(predicate: NamedNode, direction: Word["out", "in"], other: str) -> RelationshipRecord:
    return RelationshipRecord(local_name(predicate.value), predicate.value, direction, other)
