"""What follows from a site's assertions: who owns which property, and what the property is for.

Each vocabulary says it in its own way (Brick `hasPoint`, SAREF `hasProperty`, ...).  The derived triples say it once:
``owner twin:hasProperty p``, ``p a twin:Property``, ``p twin:role "supply_air_temperature"``.  They stand in the
site's inferred graph, are computed from the change, and go into the store in the same atomic step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from twin.contracts import Delta
from twin.graph.hierarchy import PROPERTY_ROOTS, Hierarchy
from twin.graph.overlay import Overlay, QuadView
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import (
    BRICK,
    OWL,
    RDF,
    RDFS,
    SAREF,
    TWIN,
    inferred_graph,
    models_graph,
    site_graph,
    site_of_graph,
)

OWNS = (BRICK.hasPoint, SAREF.hasProperty, TWIN.hasProperty)
OWNED_BY = (BRICK.isPointOf, SAREF.isPropertyOf)
_TOUCHES = frozenset((*OWNS, *OWNED_BY, RDF.type, TWIN.role))
_TREE = {RDFS.subClassOf: (True, False), OWL.equivalentClass: (True, True), TWIN.roleClass: (False, True)}
"""Predicates about classes, and whether what follows changes for their subject and their object."""

Progress = Callable[[int, int], None]
"""Who is told how many individuals are done, and of how many."""
_TOLD = 256  # individuals between two tellings


def _unseen(_done: int, _of: int) -> None:
    """Progress that nobody watches."""


class Derivation:
    """The derived triples of changes, under one state of the vocabularies."""

    def __init__(self, view: QuadView, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self._roles: dict[NamedNode, str] = {}
        for quad in view.quads(None, TWIN.roleClass, None, None):
            if isinstance(quad.object, NamedNode) and isinstance(quad.subject, NamedNode):
                for word in view.quads(quad.subject, TWIN.word, None, None):
                    if isinstance(word.object, Literal):
                        # Of several the first in the alphabet, so that it is the same however the quads come.
                        known = self._roles.get(quad.object, word.object.value)
                        self._roles[quad.object] = min(known, word.object.value)

    def role(self, classes: Iterable[NamedNode]) -> str:
        """The function a property of these classes has, nearest named class first."""
        ordered = sorted(classes, key=lambda cls: cls.value)
        for cls in ordered:
            if named := self._named_role(cls):
                return named
        return snake_case(local_name(ordered[0].value)).removesuffix("_sensor") if ordered else ""

    def _named_role(self, cls: NamedNode) -> str:
        for ancestor in self.hierarchy.above(cls):
            if ancestor in PROPERTY_ROOTS:
                break
            if ancestor in self._roles:
                return self._roles[ancestor]
        return ""

    def verdict(self, cls: NamedNode) -> tuple[bool, str]:
        """All that follows for an individual from its being of this class: whether it is a property, and its role."""
        return self.hierarchy.is_any((cls,), PROPERTY_ROOTS), self._named_role(cls)

    def extend(
        self, view: QuadView, delta: Delta, retyped: Iterable[NamedNode] = (), progress: Progress = _unseen
    ) -> Delta:
        """The delta with the derived quads it adds and removes.

        ``retyped`` are classes whose verdict changes with it: what follows for their individuals is derived anew, and
        ``progress`` is told how many of them are done, and of how many.
        """
        overlay = Overlay(view, delta)
        retyped = tuple(retyped)
        candidates: dict[tuple[NamedNode, str], None] = {}
        for cls in retyped:
            for quad in overlay.quads(None, RDF.type, cls, None):
                site = site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None
                if site is not None and isinstance(quad.subject, NamedNode):
                    candidates[quad.subject, site] = None
        for quad in (*delta.removed, *delta.added):
            site = site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None
            if site is None or quad.predicate not in _TOUCHES:
                continue
            if quad.predicate in OWNS:
                if isinstance(quad.object, NamedNode):
                    candidates[quad.object, site] = None
            elif isinstance(quad.subject, NamedNode):
                candidates[quad.subject, site] = None
        if not candidates:
            return delta
        removed, added = list(delta.removed), list(delta.added)
        for done, (prop, site) in enumerate(candidates):
            if retyped and done % _TOLD == 0:
                progress(done, len(candidates))
            graph = inferred_graph(site)
            wanted = set(self.derived(overlay, prop, site))
            # What it owns itself follows from those: an owner that is typed anew keeps its properties.
            own = (quad for quad in view.quads(prop, None, None, graph) if quad.predicate != TWIN.hasProperty)
            standing = {*own, *view.quads(None, TWIN.hasProperty, prop, graph)}
            removed.extend(standing - wanted)
            added.extend(wanted - standing)
        if retyped:
            progress(len(candidates), len(candidates))
        return Delta(tuple(removed), tuple(added))

    def derived(self, view: QuadView, prop: NamedNode, site: str) -> Iterator[Quad]:
        """The derived quads about one candidate; none when it is no property.  Each triple is in one graph only.

        They follow from this site's own graphs: another site may speak of the same IRI without a word in this one.
        """
        graph = inferred_graph(site)
        own = {site_graph(site), models_graph(site)}
        classes: list[NamedNode] = []
        role = ""
        owners: dict[NamedNode, None] = {}
        asserted_owners: set[NamedNode] = set()
        for quad in view.quads(prop, None, None, None):
            if quad.graph_name not in own or not isinstance(quad.object, NamedNode | Literal):
                continue
            if quad.predicate == RDF.type and isinstance(quad.object, NamedNode):
                classes.append(quad.object)
            elif quad.predicate in OWNED_BY and isinstance(quad.object, NamedNode):
                owners[quad.object] = None
            elif quad.predicate == TWIN.role:
                role = quad.object.value
        for quad in view.quads(None, None, prop, None):
            if quad.predicate in OWNS and quad.graph_name in own and isinstance(quad.subject, NamedNode):
                owners[quad.subject] = None
                if quad.predicate == TWIN.hasProperty:
                    asserted_owners.add(quad.subject)
        if not owners and not self.hierarchy.is_any(classes, PROPERTY_ROOTS):
            return
        for owner in owners:
            if owner not in asserted_owners:
                yield Quad(owner, TWIN.hasProperty, prop, graph)
        if TWIN.Property not in classes:
            yield Quad(prop, RDF.type, TWIN.Property, graph)
        if not role and (derived := self.role(classes)):
            yield Quad(prop, TWIN.role, Literal(derived), graph)


def changed_classes(delta: Delta) -> frozenset[NamedNode]:
    """The classes whose place in the class tree, or whose role, a change touches; it matters to all below them."""
    found: set[NamedNode] = set()
    for quad in (*delta.removed, *delta.added):
        if quad.predicate in _TREE:
            ends = [end for moves, end in zip(_TREE[quad.predicate], (quad.subject, quad.object), strict=True) if moves]
            found.update(end for end in ends if isinstance(end, NamedNode))
    return frozenset(found)


def retyped(before: Derivation, after: Derivation, classes: Iterable[NamedNode]) -> tuple[NamedNode, ...]:
    """The classes at and below these, before or after, whose individuals have something else follow now."""
    moved = dict.fromkeys(below for cls in classes for one in (before, after) for below in one.hierarchy.below(cls))
    return tuple(sorted((cls for cls in moved if before.verdict(cls) != after.verdict(cls)), key=lambda cls: cls.value))


def local_name(iri: str) -> str:
    """What stands behind the last ``#``, ``/`` or ``:`` of an IRI (a DTMI's version is left out)."""
    return re.split(r"[#/:]", iri.partition(";")[0] if iri.startswith("dtmi:") else iri)[-1].removeprefix("__")


def snake_case(name: str) -> str:
    """``Supply_Air_Temperature`` and ``supplyAirTemperature`` as ``supply_air_temperature``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(".", "_").lower()
