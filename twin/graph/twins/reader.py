"""Reading twins back: records by IRI, ordered pages, the tree by place, and relationships - always in a scope."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from twin.contracts import Delta, Revision
from twin.graph.hierarchy import Hierarchy
from twin.graph.overlay import QuadView, of_site
from twin.graph.oxigraph import OxigraphStore
from twin.graph.twins.filters import Filters, Test, with_text
from twin.graph.twins.membership import Key, Membership, name_of, natural
from twin.graph.twins.membership import Kind as MemberKind
from twin.graph.twins.places import CHILD, PARENT, Places
from twin.graph.twins.property_records import read_property
from twin.graph.twins.records import (
    BindingRecord,
    ClassRecord,
    ConnectionRecord,
    Kind,
    Page,
    PropertyRecord,
    RelationshipRecord,
    TwinRecord,
)
from twin.graph.twins.stale import stale_records
from twin.graph.twins.templates import expanded, read_templates
from twin.graph.twins.twin_records import read_class, read_twin
from twin.graph.twins.wiring import read_binding, read_bindings, read_connections
from twin.scope import Scope
from twin.terms import Literal, NamedNode
from twin.vocab import BRICK, RDF, RDFS, REC, S4BLDG, TWIN, site_graph, site_of_graph

__all__ = ["CHILD", "PARENT", "BindingRecord", "ClassRecord", "ConnectionRecord", "Kind", "Page", "PropertyRecord",
           "RelationshipRecord", "TwinReader", "TwinRecord"]  # fmt: skip


class TwinReader:
    """The read model over one store.  Cheap per record (tens of microseconds), never behind the store's revision."""

    def __init__(
        self,
        store: OxigraphStore,
        hierarchy: Callable[[], Hierarchy],
        series: Callable[[int], dict[str, int]],
        members: Membership | None = None,
    ) -> None:
        self._store = store
        self._hierarchy = hierarchy
        self._known_series = series
        self._series: dict[str, int] = {}
        self._by_series: dict[int, str] = {}
        self._learn_series()
        self._sites = self._present_sites()
        self._members = Membership(store, lambda: self._sites) if members is None else members
        self.revision = store.revision()
        self._places = Places(store, self._members.is_twin)
        self._filters = Filters(store, hierarchy)
        self._twin_records: dict[tuple[str, str], TwinRecord] = {}
        self._property_records: dict[tuple[str, str], PropertyRecord] = {}

    def expect(self, site: str, members: dict[str, MemberKind] | None) -> None:
        """Takes from an import what its new site will hold; see `Membership.expect`."""
        self._members.expect(site, members)

    def refresh(self, revision: Revision) -> None:
        """Brings the read model to a revision just committed; called before it is announced."""
        delta = revision.delta
        self.revision = revision.token
        self._sites = self._present_sites() if not delta else self._sites_after(delta)
        if delta:
            self._members.update(delta)
        else:  # an import, whose quads do not travel with it
            self._members.rebuild()
        self._forget(delta)
        if not delta or any(quad.object == TWIN.Property for quad in delta.added):
            self._learn_series()

    def _forget(self, delta: Delta) -> None:
        stale = stale_records(self._store, delta) if delta else None
        if stale is None:
            self._places.forget()
            self._twin_records.clear()
            self._property_records.clear()
            return
        for iri in stale:
            for site in self._sites if iri in self._members.shared else (self._members.home(iri) or "",):
                self._twin_records.pop((site, iri), None)
                self._property_records.pop((site, iri), None)

    def _learn_series(self) -> None:
        new = self._known_series(max(self._by_series, default=0))
        self._series.update(new)
        self._by_series.update((number, iri) for iri, number in new.items())

    def members(self) -> Membership:
        """A copy of the members as they are at `revision`; to be taken where the reader is refreshed."""
        return self._members.copy()

    def hierarchy(self) -> Hierarchy:
        """The class tree at `revision`; as `members`."""
        return self._hierarchy()

    def in_state(
        self,
        store: OxigraphStore,
        hierarchy: Hierarchy,
        members: Membership | None = None,
        retyped: Iterable[str] = (),
        renamed: Iterable[str] = (),
        emptied: Iterable[str] = (),
    ) -> TwinReader:
        """The read model of another state of the graph.  ``members`` are those of a state that differs in the classes
        and names of these nodes alone, once some sites were emptied, and are moved; without them they are read anew."""
        series = dict(self._series)
        if members is not None:
            members.move(store, lambda: [], retyped, renamed, emptied)
        return TwinReader(store, lambda: hierarchy, lambda after: {} if after else series, members)

    def _present_sites(self) -> list[str]:
        graphs = ((site_of_graph(graph), graph) for graph in self._store.graphs())
        return sorted(site for site, graph in graphs if site is not None and self._holds(graph))

    def _sites_after(self, delta: Delta) -> list[str]:
        graphs = {quad.graph_name for quads in (delta.removed, delta.added) for quad in quads}
        touched = {site: g for g in graphs if isinstance(g, NamedNode) and (site := site_of_graph(g)) is not None}
        kept = {site for site in self._sites if site not in touched}
        return sorted(kept | {site for site, graph in touched.items() if self._holds(graph)})

    def _holds(self, graph: NamedNode) -> bool:
        # A graph keeps its name in the store after its last quad went.
        return any(True for _ in self._store.quads(None, None, None, graph))

    def sites(self, scope: Scope) -> list[str]:
        """The sites in the scope, by id."""
        return [site for site in self._sites if scope.sees(site)]

    def site_name(self, site: str) -> str:
        """What people call the site: its own label, else its building's, else its id."""
        graph = site_graph(site)
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
        site = self._members.home(iri, scope)
        if site is None or not self._members.is_twin(iri, site):
            return None
        record = self._twin_records.get((site, iri))
        if record is None:
            place = self._places.place(iri)
            record = read_twin(self._view(iri, site), iri, site, place, self._hierarchy(), self.class_record)
            self._twin_records[site, iri] = record
        return record

    def _view(self, iri: str, site: str) -> QuadView:
        # What another site says of the same IRI is not this site's to show.
        return of_site(self._store, site) if iri in self._members.shared else self._store

    def class_record(self, cls: NamedNode) -> ClassRecord:
        """A class by name."""
        return read_class(self._store, cls)

    def property(self, scope: Scope, iri: str) -> PropertyRecord | None:
        """The property, or None when there is none in the scope."""
        site = self._members.home(iri, scope)
        if site is None or not self._members.is_property(iri, site):
            return None
        record = self._property_records.get((site, iri))
        if record is None:
            if iri not in self._series:
                self._learn_series()
            record = read_property(self._view(iri, site), iri, site, self._series[iri], self.class_record)
            self._property_records[site, iri] = record
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
        find = self._filters
        wanted = [*find.of_type(type), *with_text(text, self._members.name), *find.of_family(family)]
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
        if owner is not None:
            listed = self._owned(scope, site, owner)
            wanted = [*self._filters.one_by_one(type, role, writable), *with_text(text, self._members.name)]
            visible = [iri for iri in listed if all(test(iri) for test in wanted)]
            return _cut(visible, self._members.key, after, limit)
        find = self._filters
        wanted = [*find.of_type(type), *find.of_role(role), *find.writable(writable)]
        wanted += with_text(text, self._members.name)
        return self._page(scope, site, self._members.properties, wanted, after, limit)

    def _owned(self, scope: Scope, site: str | None, owner: str) -> list[str]:
        members, found = self._members, set()
        if site is not None and not scope.sees(site):
            return []
        for quad in self._store.quads(NamedNode(owner), TWIN.hasProperty, None, None):
            iri = quad.object.value if isinstance(quad.object, NamedNode) else ""
            home = site or members.home(iri, scope)
            if home is not None and members.is_property(iri, home):
                found.add(iri)
        return sorted(found, key=members.key)

    def _page(
        self,
        scope: Scope,
        site: str | None,
        listing: Callable[[str], list[str]],
        wanted: list[Test],
        after: str | None,
        limit: int,
    ) -> Page:
        sites = [candidate for candidate in self.sites(scope) if site in (None, candidate)]
        members, rank = self._members, {one: place for place, one in enumerate(sites)}
        visible: list[str] = []
        for one in sites:
            listed = listing(one)
            if len(sites) > 1 and members.shared:  # an IRI of several sites stands with the first
                listed = [iri for iri in listed if iri not in members.shared or members.home(iri, scope) == one]
            visible += [iri for iri in listed if all(test(iri) for test in wanted)] if wanted else listed

        def key(iri: str) -> tuple[int, Key]:
            home = site or members.home(iri, scope) or iri.removeprefix("urn:twin:").partition(":")[0]
            return rank.get(home, 0), members.key(iri)

        return _cut(visible, key, after, limit)

    def classes_below(self, name: str) -> frozenset[NamedNode]:
        """The class named (IRI, ``prefix:Name`` or local name) and all below it; raises `InvalidInput`."""
        return self._filters.classes_below(name)

    def contents(self, scope: Scope, iri: str) -> list[str]:
        """The twins directly in this one, by name: exactly those whose place it is."""
        records = (self.twin(scope, child) for child in self._places.inside(iri))
        return self._by_family(record for record in records if record is not None and record.place == iri)

    def roots(self, scope: Scope, site: str) -> list[str]:
        """The twins of a site that are in no other: its places first, then what has no place."""
        if not scope.sees(site):
            return []
        records = (self.twin(scope, iri) for iri in self._places.unplaced(site, self._members.twins(site)))
        return self._by_family(record for record in records if record is not None)

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
        return [edge for edge in self._places.edges(iri) if self.twin(scope, edge.other) is not None]

    def related(self, scope: Scope, iri: str, name: str, direction: str = "out") -> list[str]:
        """The twins at the other end of a relationship named by IRI or local name, by name.

        A relationship asserted only by its inverse (`feeds` / `isFedBy`) is found as well.
        """
        inverse = self._places.inverses(name)
        other_way = "in" if direction == "out" else "out"
        found = {
            edge.other: None
            for edge in self.relationships(scope, iri)
            if (edge.direction == direction and name in (edge.name, edge.iri))
            or (edge.direction == other_way and edge.iri in inverse)
        }
        return sorted(found, key=self._members.key)

    def binding(self, scope: Scope, property_iri: str) -> BindingRecord | None:
        """How a property is bound, or None; also None when the scope may not see bindings."""
        site = self._members.home(property_iri, scope)
        if site is None or not scope.principal.may_see_bindings():
            return None
        view = self._view(property_iri, site)
        return read_binding(view, property_iri) or expanded(read_templates(view, [site]), property_iri)

    def is_bound(self, property_iri: str) -> bool:
        """Whether the property has a binding; says nothing about which."""
        if any(True for _ in self._store.quads(None, TWIN.binds, NamedNode(property_iri), None)):
            return True
        return self._by_template(property_iri) is not None

    def bound_by_template(self, scope: Scope) -> set[str]:
        """The properties in the scope that a template fits, whether or not they have a binding of their own."""
        found = set()
        for site in self.sites(scope):
            if templates := read_templates(self._store, [site]):
                found |= {iri for iri in self._members.properties(site) if expanded(templates, iri) is not None}
        return found

    def _by_template(self, property_iri: str) -> BindingRecord | None:
        site = self._members.home(property_iri)
        return None if site is None else expanded(read_templates(self._store, [site]), property_iri)

    def connection_of(self, property_iri: str) -> str | None:
        """The connection that a property is bound in, whoever asks; to be used, and not to be shown."""
        found = [
            wire.object.value
            for bound in self._store.quads(None, TWIN.binds, NamedNode(property_iri), None)
            if isinstance(bound.subject, NamedNode)
            for wire in self._store.quads(bound.subject, TWIN.connection, None, None)
            if isinstance(wire.object, NamedNode)
        ]
        if not found and (record := self._by_template(property_iri)) is not None:
            return record.connection
        return min(found, default=None)

    def bindings(self, scope: Scope, site: str | None = None) -> list[BindingRecord]:
        """The bindings of the sites in the scope: those of a property's own, and after them those of templates for the
        properties that have none."""
        sites = [s for s in self.sites(scope) if site in (None, s)]
        stated = read_bindings(self._store, sites)
        bound = {record.property for record in stated}
        for one in sites:
            if templates := read_templates(self._store, [one]):
                for iri in self._members.properties(one):
                    if iri not in bound and (record := expanded(templates, iri)) is not None:
                        stated.append(record)
        return stated

    def connections(self, scope: Scope) -> list[ConnectionRecord]:
        """The connections of the sites in the scope."""
        return read_connections(self._store, self.sites(scope)) if scope.principal.may_see_bindings() else []

    def counts(self, scope: Scope, site: str | None = None) -> tuple[int, int]:
        """How many twins and how many properties there are."""
        counted = [self._members.counts(one) for one in self.sites(scope) if site in (None, one)]
        return sum(twins for twins, _ in counted), sum(properties for _, properties in counted)


def _cut(visible: list[str], key: Callable[[str], Any], after: str | None, limit: int) -> Page:
    # What the cursor stood on may be gone: the page goes on where it would be.
    start = 0 if after is None else bisect_right(visible, key(after), key=key)
    return Page(visible[start : start + limit], len(visible), start + limit < len(visible))
