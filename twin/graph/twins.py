"""Reading twins back: records by IRI, ordered pages, the tree by place, and relationships - always in a scope."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Literal as Word

from twin.contracts import Revision
from twin.errors import InvalidInput
from twin.graph.derivation import OWNED_BY, OWNS, local_name
from twin.graph.hierarchy import EQUIPMENT_ROOTS, SPACE_ROOTS, Hierarchy
from twin.graph.membership import Membership, name_of, natural
from twin.graph.oxigraph import OxigraphStore
from twin.graph.property_records import read_property
from twin.graph.records import (
    BindingRecord,
    ClassRecord,
    ConnectionRecord,
    Kind,
    Page,
    PropertyRecord,
    RelationshipRecord,
    TwinRecord,
)
from twin.graph.wiring import read_binding, read_bindings, read_connections
from twin.scope import Scope
from twin.terms import Literal, NamedNode
from twin.vocab import BRICK, OWL, RDF, RDFS, REC, S4BLDG, SAREF, TWIN, site_of_graph

__all__ = ["BindingRecord", "ClassRecord", "ConnectionRecord", "Kind", "Page", "PropertyRecord", "RelationshipRecord",
           "TwinReader", "TwinRecord"]  # fmt: skip

PARENT = (BRICK.hasLocation, S4BLDG.isContainedIn, TWIN.isLocatedIn, BRICK.isPartOf, S4BLDG.isSpaceOf)
"""Predicates from a twin to the place it is in, most telling first."""
CHILD = (BRICK.isLocationOf, S4BLDG.contains, TWIN.isLocationOf, BRICK.hasPart, S4BLDG.hasSpace, SAREF.consistsOf)
"""Predicates from a place to what is in it."""
_NO_RELATIONSHIP = frozenset((RDF.type, RDFS.label, *OWNS, *OWNED_BY, OWL.sameAs))


class TwinReader:
    """The read model over one store.  Cheap per record (tens of microseconds), never behind the store's revision."""

    def __init__(
        self, store: OxigraphStore, hierarchy: Callable[[], Hierarchy], series: Callable[[], dict[str, int]]
    ) -> None:
        self._store = store
        self._hierarchy = hierarchy
        self._known_series = series
        self._learn_series()
        self._members = Membership(store, lambda: self.sites(Scope()))
        self._twin_records: dict[str, TwinRecord] = {}
        self._property_records: dict[str, PropertyRecord] = {}

    def refresh(self, revision: Revision) -> None:
        """Brings the read model to a revision just committed; called before it is announced."""
        if revision.delta:
            self._members.update(revision.delta)
        else:
            self._members.rebuild()
        self._twin_records.clear()
        self._property_records.clear()
        if not revision.delta or any(quad.object == TWIN.Property for quad in revision.delta.added):
            self._learn_series()

    def _learn_series(self) -> None:
        self._series = self._known_series()
        self._by_series = {number: iri for iri, number in self._series.items()}

    def sites(self, scope: Scope) -> list[str]:
        """The sites in the scope, by id."""
        found = (site_of_graph(graph) for graph in self._store.graphs(scope))
        return sorted(site for site in found if site is not None)

    def site_name(self, site: str) -> str:
        """What people call the site: its own label, else its building's, else its id."""
        graph = NamedNode(f"urn:twin:site:{site}")
        for quad in self._store.quads(graph, RDFS.label, None, None):
            return quad.object.value if isinstance(quad.object, Literal) else site
        for kind in (BRICK.Building, REC.Building, S4BLDG.Building, BRICK.Site, REC.Site):
            names = [
                name_of(self._store, quad.subject)
                for quad in self._store.quads(None, RDF.type, kind, graph)
                if isinstance(quad.subject, NamedNode)
            ]
            if names:
                return min(names)
        return site

    def twin(self, scope: Scope, iri: str) -> TwinRecord | None:
        """The twin, or None when there is none in the scope."""
        if not self._members.is_twin(iri) or not scope.sees(self._members.site_of[iri]):
            return None
        record = self._twin_records.get(iri)
        if record is None:
            record = self._twin_records[iri] = self._read_twin(iri)
        return record

    def _read_twin(self, iri: str) -> TwinRecord:
        node = NamedNode(iri)
        classes = [
            quad.object
            for quad in self._store.quads(node, RDF.type, None, None)
            if isinstance(quad.object, NamedNode) and quad.object != OWL.NamedIndividual
        ]
        hierarchy = self._hierarchy()
        if hierarchy.is_any(classes, SPACE_ROOTS):
            family: Word["space", "equipment", "other"] = "space"
        else:
            family = "equipment" if hierarchy.is_any(classes, EQUIPMENT_ROOTS) else "other"
        description = ""
        for quad in self._store.quads(node, RDFS.comment, None, None):
            description = quad.object.value if isinstance(quad.object, Literal) else ""
        return TwinRecord(
            iri,
            name_of(self._store, node),
            self._members.site_of[iri],
            tuple(self.class_record(cls) for cls in sorted(set(classes), key=lambda cls: cls.value)),
            family,
            self.place(iri),
            description,
        )

    def class_record(self, cls: NamedNode) -> ClassRecord:
        """A class by name."""
        iri = cls.value
        vocabulary = (
            "brick"
            if iri.startswith(str(BRICK))
            else "saref"
            if iri.startswith((str(SAREF), str(S4BLDG)))
            else "rec"
            if iri.startswith(str(REC))
            else "dtdl"
            if iri.startswith("dtmi:")
            else "twin"
            if iri.startswith(str(TWIN))
            else "other"
        )
        name = local_name(iri)
        label = name_of(self._store, cls)
        return ClassRecord(iri, name, label if label != name else name.replace("_", " "), vocabulary)

    def property(self, scope: Scope, iri: str) -> PropertyRecord | None:
        """The property, or None when there is none in the scope."""
        if not self._members.is_property(iri) or not scope.sees(self._members.site_of[iri]):
            return None
        record = self._property_records.get(iri)
        if record is None:
            if iri not in self._series:
                self._learn_series()
            record = read_property(self._store, iri, self._members.site_of[iri], self._series[iri], self.class_record)
            self._property_records[iri] = record
        return record

    def property_by_series(self, series: int) -> PropertyRecord | None:
        """The property a series number stands for, as long as the graph has it."""
        iri = self._by_series.get(series)
        return self.property(Scope(), iri) if iri is not None else None

    def twins(
        self,
        scope: Scope,
        *,
        site: str | None = None,
        type: str | None = None,
        family: str | None = None,
        text: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of twins by name.  ``type`` is a class (IRI, ``brick:AHU`` or local name), subclasses included."""
        classes = self.classes_below(type) if type else None

        def wanted(iri: str) -> bool:
            if classes is not None and not self._is_a(iri, classes):
                return False
            if text and text.casefold() not in f"{self._members.name(iri)} {iri}".casefold():
                return False
            if family is None:
                return True
            record = self.twin(scope, iri)
            return record is not None and record.family == family

        return self._page(scope, site, self._members.twins, wanted, after, limit)

    def properties(
        self,
        scope: Scope,
        *,
        site: str | None = None,
        owner: str | None = None,
        role: str | None = None,
        type: str | None = None,
        text: str | None = None,
        writable: bool | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of properties by name, all those of ``owner`` or of the sites in scope."""
        classes = self.classes_below(type) if type else None

        def wanted(iri: str) -> bool:
            if classes is not None and not self._is_a(iri, classes):
                return False
            if text and text.casefold() not in f"{self._members.name(iri)} {iri}".casefold():
                return False
            if role is None and writable is None:
                return True
            record = self.property(scope, iri)
            return (
                record is not None
                and (role is None or record.role == role)
                and (writable is None or record.writable == writable)
            )

        if owner is None:
            return self._page(scope, site, self._members.properties, wanted, after, limit)
        owned = {
            quad.object.value
            for quad in self._store.quads(NamedNode(owner), TWIN.hasProperty, None, None)
            if isinstance(quad.object, NamedNode) and self._members.is_property(quad.object.value)
        }
        listed = sorted(owned, key=lambda iri: (natural(self._members.name(iri)), iri))
        return self._page(scope, site, lambda _site: listed, wanted, after, limit, once=True)

    def _is_a(self, iri: str, classes: frozenset[NamedNode]) -> bool:
        return any(quad.object in classes for quad in self._store.quads(NamedNode(iri), RDF.type, None, None))

    def _page(
        self,
        scope: Scope,
        site: str | None,
        listing: Callable[[str], list[str]],
        wanted: Callable[[str], bool],
        after: str | None,
        limit: int,
        once: bool = False,
    ) -> Page:
        sites = [candidate for candidate in self.sites(scope) if site in (None, candidate)]
        candidates: Iterator[str] = (iri for one in (sites[:1] if once else sites) for iri in listing(one))
        visible = [iri for iri in candidates if scope.sees(self._members.site_of.get(iri, "")) and wanted(iri)]
        start = 0
        if after is not None:
            position = {iri: index for index, iri in enumerate(visible)}.get(after)
            if position is None:  # what the cursor stood on is gone: go on where it would be
                key = natural(self._members.name(after))
                start = bisect_right(visible, key, key=lambda iri: natural(self._members.name(iri)))
            else:
                start = position + 1
        return Page(visible[start : start + limit], len(visible), start + limit < len(visible))

    def classes_below(self, name: str) -> frozenset[NamedNode]:
        """The class named (IRI, ``prefix:Name`` or local name) and all below it; raises `InvalidInput`."""
        prefixes = {"brick": BRICK, "rec": REC, "saref": SAREF, "s4bldg": S4BLDG, "twin": TWIN}
        head, _, tail = name.partition(":")
        candidates = [prefixes[head][tail]] if head in prefixes else []
        if not candidates:
            candidates = [NamedNode(name)] if ":" in name else [space[name] for space in prefixes.values()]
        hierarchy = self._hierarchy()
        found = frozenset(cls for candidate in candidates for cls in hierarchy.below(candidate))
        if len(found) == len(candidates) and not any(self._in_use(cls) for cls in found):
            raise InvalidInput(
                f"No vocabulary here has a class {name!r}.",
                remedy="Use a class's IRI, a prefixed name such as brick:AHU, or its local name.",
            )
        return found

    def _in_use(self, cls: NamedNode) -> bool:
        used = self._store.quads(None, RDF.type, cls, None), self._store.quads(cls, None, None, None)
        return any(True for quads in used for _ in quads)

    def place(self, iri: str) -> str | None:
        """The twin this one is in or part of, by whichever relation says so; None at the root."""
        node = NamedNode(iri)
        for predicate in PARENT:
            for quad in self._store.quads(node, predicate, None, None):
                if isinstance(quad.object, NamedNode) and self._members.is_twin(quad.object.value):
                    return quad.object.value
        for predicate in CHILD:
            for quad in self._store.quads(None, predicate, node, None):
                if isinstance(quad.subject, NamedNode) and self._members.is_twin(quad.subject.value):
                    return quad.subject.value
        return None

    def contents(self, scope: Scope, iri: str) -> list[str]:
        """The twins directly in this one, by name: exactly those whose `place` it is."""
        node = NamedNode(iri)
        children: dict[str, None] = {}
        for predicate in CHILD:
            for quad in self._store.quads(node, predicate, None, None):
                if isinstance(quad.object, NamedNode):
                    children[quad.object.value] = None
        for predicate in PARENT:
            for quad in self._store.quads(None, predicate, node, None):
                if isinstance(quad.subject, NamedNode):
                    children[quad.subject.value] = None
        records = (self.twin(scope, child) for child in children)
        return self._by_family(record for record in records if record is not None and record.place == iri)

    def roots(self, scope: Scope, site: str) -> list[str]:
        """The twins of a site that are in no other: its places first, then what has no place."""
        records = (self.twin(scope, iri) for iri in self._members.twins(site))
        return self._by_family(record for record in records if record is not None and record.place is None)

    @staticmethod
    def _by_family(records: Iterable[TwinRecord]) -> list[str]:
        order = {"space": 0, "equipment": 1, "other": 2}
        return [r.iri for r in sorted(records, key=lambda r: (order[r.family], natural(r.name), r.iri))]

    def path(self, scope: Scope, iri: str) -> list[str]:
        """From the root of the tree by place to the parent of this twin."""
        path: list[str] = []
        record = self.twin(scope, iri)
        while record is not None and record.place is not None and record.place not in path and record.place != iri:
            path.append(record.place)
            record = self.twin(scope, record.place)
        return path[::-1]

    def relationships(self, scope: Scope, iri: str) -> list[RelationshipRecord]:
        """The edges between this twin and others in the scope, in both directions as they are asserted."""
        node = NamedNode(iri)
        found: dict[RelationshipRecord, None] = {}
        for quad in self._store.quads(node, None, None, None):
            if isinstance(quad.object, NamedNode) and quad.predicate not in _NO_RELATIONSHIP:
                found[self._edge(quad.predicate, "out", quad.object.value)] = None
        for quad in self._store.quads(None, None, node, None):
            if isinstance(quad.subject, NamedNode) and quad.predicate not in _NO_RELATIONSHIP:
                found[self._edge(quad.predicate, "in", quad.subject.value)] = None
        return [edge for edge in found if self.twin(scope, edge.other) is not None]

    @staticmethod
    def _edge(predicate: NamedNode, direction: Word["out", "in"], other: str) -> RelationshipRecord:
        return RelationshipRecord(local_name(predicate.value), predicate.value, direction, other)

    def related(self, scope: Scope, iri: str, name: str, direction: str = "out") -> list[str]:
        """The twins at the other end of a relationship named by IRI or local name, by name.

        A relationship asserted only by its inverse (`feeds` / `isFedBy`) is found as well.
        """
        inverse = self._inverses(name)
        other_way = "in" if direction == "out" else "out"
        found = {
            edge.other: None
            for edge in self.relationships(scope, iri)
            if (edge.direction == direction and name in (edge.name, edge.iri))
            or (edge.direction == other_way and edge.iri in inverse)
        }
        return sorted(found, key=lambda other: (natural(self._members.name(other)), other))

    def _inverses(self, name: str) -> frozenset[str]:
        found = set()
        for quad in self._store.quads(None, OWL.inverseOf, None, None):
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
                for one, other in ((quad.subject, quad.object), (quad.object, quad.subject)):
                    if name in (one.value, local_name(one.value)):
                        found.add(other.value)
        return frozenset(found)

    def binding(self, scope: Scope, property_iri: str) -> BindingRecord | None:
        """How a property is bound, or None; also None when the scope may not see bindings."""
        site = self._members.site_of.get(property_iri)
        if site is None or not scope.sees(site) or not scope.principal.may_see_bindings():
            return None
        return read_binding(self._store, property_iri)

    def is_bound(self, property_iri: str) -> bool:
        """Whether the property has a binding; says nothing about which."""
        return any(True for _ in self._store.quads(None, TWIN.binds, NamedNode(property_iri), None))

    def bindings(self, scope: Scope, site: str | None = None) -> list[BindingRecord]:
        """The bindings of the sites in the scope."""
        return read_bindings(self._store, [s for s in self.sites(scope) if site in (None, s)])

    def connections(self, scope: Scope) -> list[ConnectionRecord]:
        """The connections of the sites in the scope."""
        return read_connections(self._store, self.sites(scope)) if scope.principal.may_see_bindings() else []

    def counts(self, scope: Scope, site: str | None = None) -> tuple[int, int]:
        """How many twins and how many properties there are."""
        counted = [self._members.counts(one) for one in self.sites(scope) if site in (None, one)]
        return sum(twins for twins, _ in counted), sum(properties for _, properties in counted)
