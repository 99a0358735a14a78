"""Which individuals of which site are twins and which are properties, kept up with every change."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Literal

from twin.contracts import Delta
from twin.graph.derivation import local_name
from twin.graph.overlay import MemoryQuads, QuadView
from twin.graph.oxigraph import OxigraphStore
from twin.scope import Scope
from twin.terms import Literal as LiteralTerm
from twin.terms import NamedNode
from twin.vocab import (
    OWL,
    RDF,
    RDFS,
    SH,
    TWIN,
    bindings_graph,
    inferred_graph,
    models_graph,
    site_graph,
    site_of_any_graph,
)

_NOT_TWINS = tuple(str(namespace) for namespace in (OWL, RDFS, SH, TWIN, RDF))
"""Individuals of these namespaces' classes are the model's furniture (ontology headers, state sets), not twins."""


LABELS = (RDFS.label, TWIN.label)
"""Predicates that say how a node is called."""
_ONE_BY_ONE = 1000  # a change that touches more of them has the order made anew
Natural = tuple[tuple[int, int, str], ...]
Key = tuple[Natural, str]
Kind = Literal["twin", "property"]


@dataclass(slots=True)
class _Ordered:
    """A site's members of one kind in order: the keys they are ordered by, and their IRIs, in step."""

    keys: list[Key]
    iris: list[str]

    def insert(self, key: Key) -> None:
        at = bisect_left(self.keys, key)
        self.keys.insert(at, key)
        self.iris.insert(at, key[1])

    def remove(self, key: Key) -> None:
        at = bisect_left(self.keys, key)
        del self.keys[at], self.iris[at]


class Membership:
    """The twins and the properties of each site, each in a stable order by name (numbers in names count as numbers).

    An IRI may be a member of several sites; ``shared`` are those that are.
    """

    def __init__(self, store: OxigraphStore, sites: Callable[[], list[str]]) -> None:
        self._store = store
        self._sites = sites
        self._members: dict[str, dict[str, Kind]] = {}
        self._read_already: set[str] = set()
        self._expected: dict[str, dict[str, Kind]] = {}
        self._homes: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._ordered: dict[tuple[str, Kind], _Ordered] = {}
        self.shared: dict[str, tuple[str, ...]] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Reads the sites that are new, or all when one is gone; names are read when they are first asked for."""
        sites = self._sites()
        if not self._read_already <= set(sites):
            for known in (self._members, self._homes, self.shared, self._read_already):
                known.clear()
        self._names.clear()  # what a new site says of a node may be its name elsewhere, too
        self._ordered.clear()
        for site in sites:
            if site in self._read_already:
                continue
            self._read_already.add(site)
            expected = self._expected.pop(site, None)
            if expected is None or any(True for _ in self._store.quads(None, None, None, models_graph(site))):
                expected = self._read(site)
            members = self._members[site] = expected
            for iri in self._homes.keys() & members.keys():
                homes = sorted({*self.shared.get(iri, (self._homes[iri],)), site})
                if len(homes) > 1:
                    self._homes[iri], self.shared[iri] = homes[0], tuple(homes)
            self._homes = dict.fromkeys(members, site) | self._homes

    def expect(self, site: str, members: dict[str, Kind] | None) -> None:
        """Takes from an import what its new site will hold, so that it is not read back; None: it has to be."""
        if members is None:
            self._expected.pop(site, None)
        else:
            self._expected[site] = members

    def _read(self, site: str) -> dict[str, Kind]:
        own = (site_graph(site), models_graph(site))
        members: dict[str, Kind] = {}
        furniture: dict[str, bool] = {}
        for graph in own:
            for node, cls in self._store.pairs(RDF.type, graph):
                if cls not in furniture:
                    furniture[cls] = cls[1:-1].startswith(_NOT_TWINS)
                if not furniture[cls]:
                    members[node[1:-1]] = "twin"
        for graph in (inferred_graph(site), *own):
            members.update((node[1:-1], "property") for node in self._store.instances(TWIN.Property, graph))
        return members

    def update(self, delta: Delta) -> None:
        """Re-reads what a committed change touched."""
        touched: dict[tuple[NamedNode, str], None] = {}
        for quad in (*delta.removed, *delta.added):
            if isinstance(quad.graph_name, NamedNode) and isinstance(quad.subject, NamedNode):
                kind, _, site = quad.graph_name.value.removeprefix("urn:twin:").partition(":")
                if kind in ("site", "inferred", "models"):
                    touched[quad.subject, site] = None
                    if isinstance(quad.object, NamedNode):
                        touched[quad.object, site] = None
        if len(touched) > _ONE_BY_ONE:
            self._ordered.clear()
        for subject, site in touched:
            self._place(subject, site)
        self._read_already = set(self._sites())

    def copy(self) -> Membership:
        """The same members, to be changed apart from these."""
        copied = copy(self)
        copied._members = {site: dict(members) for site, members in self._members.items()}
        copied._homes, copied._names, copied.shared = dict(self._homes), dict(self._names), dict(self.shared)
        copied._ordered = {
            place: _Ordered(list(order.keys), list(order.iris)) for place, order in self._ordered.items()
        }
        return copied

    def move(
        self,
        store: OxigraphStore,
        sites: Callable[[], list[str]],
        retyped: Iterable[str],
        renamed: Iterable[str],
        emptied: Iterable[str] = (),
    ) -> None:
        """Becomes the members of another state of the graph, which differs from this one in what is said of the classes
        of some nodes and of the names of some, and in that some sites were emptied before that is said."""
        self._store, self._sites = store, sites
        gone = set(emptied)
        retyped, renamed = set(retyped), {*renamed, *self._leave(gone)}
        for site in gone:  # scores and deployments come by changes, and not with what is imported
            retyped |= {node[1:-1] for node, _ in store.pairs(RDF.type, models_graph(site))}
        orders, self._ordered = self._ordered, {}
        moved = retyped | renamed
        for iri in moved:
            self._names.pop(iri, None)
        called = MemoryQuads(
            quad
            for predicate in LABELS
            if any(True for _ in store.quads(None, predicate, None, None))  # asked once rather than of each
            for iri in moved
            for quad in store.quads(NamedNode(iri), predicate, None, None)
        )
        for iri in retyped:
            node = NamedNode(iri)
            homes = {*self.shared.get(iri, ()), *((self._homes[iri],) if iri in self._homes else ())}
            graphs = (quad.graph_name for quad in store.quads(node, RDF.type, None, None))
            found = (site_of_any_graph(graph) for graph in graphs if isinstance(graph, NamedNode))
            for site in homes | {site for site in found if site is not None}:
                self._place(node, site)
        self._names.update((iri, name_of(called, NamedNode(iri))) for iri in moved if iri in self._homes)
        for (site, kind), order in orders.items():
            members = self._members.get(site, {})
            # Two ordered runs, which sorting merges.
            keys = [key for key in order.keys if key[1] not in moved]
            keys += sorted(self.key(iri) for iri in moved if members.get(iri) == kind)
            keys.sort()
            self._ordered[site, kind] = _Ordered(keys, [iri for _, iri in keys])

    def _leave(self, sites: set[str]) -> set[str]:
        """Takes whole sites out; the members that they shared with others, whose names may be other ones now."""
        if not sites:
            return set()
        shared = {iri: homes for iri, homes in self.shared.items() if not sites.isdisjoint(homes)}
        for site in sites:
            self._members.pop(site, None)
        self._ordered = {place: order for place, order in self._ordered.items() if place[0] not in sites}
        homes = {iri: home for iri, home in self._homes.items() if home not in sites}
        for iri, several in shared.items():
            left = tuple(home for home in several if home not in sites)
            self.shared.pop(iri)
            homes.pop(iri, None)
            if left:
                homes[iri] = left[0]
            if len(left) > 1:
                self.shared[iri] = left
        self._homes = homes
        self._names = {iri: name for iri, name in self._names.items() if iri in homes}
        return set(shared)

    def _place(self, subject: NamedNode, site: str) -> None:
        """Brings one IRI up to date; the order of the others stays."""
        iri = subject.value
        members = self._members.setdefault(site, {})
        before, now = members.get(iri), self._kind(subject, site)
        homes = [*self.shared.get(iri, (self._homes[iri],) if iri in self._homes else ())]
        self._take_out(iri, homes)
        if before is not None and now is None:
            del members[iri]
            homes.remove(site)
        elif now is not None:  # else a member of other sites at most, which may have got another name
            members[iri] = now
            homes = sorted({*homes, site})
        self._put_in(iri, homes)

    def _kind(self, subject: NamedNode, site: str) -> Kind | None:
        graphs = {site_graph(site), inferred_graph(site), models_graph(site)}
        classes = [
            quad.object
            for quad in self._store.quads(subject, RDF.type, None, None)
            if quad.graph_name in graphs and isinstance(quad.object, NamedNode)
        ]
        if TWIN.Property in classes:
            return "property"
        return "twin" if any(not cls.value.startswith(_NOT_TWINS) for cls in classes) else None

    def _take_out(self, iri: str, sites: Iterable[str]) -> None:
        for site in sites:
            ordered = self._ordered.get((site, self._members[site][iri])) if iri in self._members[site] else None
            if ordered is not None:
                ordered.remove(self.key(iri))
        for known in (self._names, self._homes, self.shared):
            known.pop(iri, None)

    def _put_in(self, iri: str, sites: list[str]) -> None:
        if not sites:
            return
        self._homes[iri] = sites[0]
        if len(sites) > 1:
            self.shared[iri] = tuple(sites)
        for site in sites:
            ordered = self._ordered.get((site, self._members[site][iri]))
            if ordered is not None:
                ordered.insert(self.key(iri))

    def twins(self, site: str) -> list[str]:
        """The IRIs of the site's twins by name; not to be changed."""
        return self._order(site, "twin").iris

    def properties(self, site: str) -> list[str]:
        """The IRIs of the site's properties by name; not to be changed."""
        return self._order(site, "property").iris

    def home(self, iri: str, scope: Scope | None = None) -> str | None:
        """The site that the IRI is a member of - the first by id, when they are several - among those of the scope."""
        if scope is None or scope.sites is None:
            return self._homes.get(iri)
        sites = self.shared.get(iri) or ((self._homes[iri],) if iri in self._homes else ())
        return next((site for site in sites if scope.sees(site)), None)

    def is_property(self, iri: str, site: str | None = None) -> bool:
        """Whether the IRI is a property of the site (of its home, when none is named)."""
        return self._members.get(site or self._homes.get(iri, ""), {}).get(iri) == "property"

    def is_twin(self, iri: str, site: str | None = None) -> bool:
        """Whether the IRI is a twin of the site (of its home, when none is named)."""
        return self._members.get(site or self._homes.get(iri, ""), {}).get(iri) == "twin"

    def counts(self, site: str) -> tuple[int, int]:
        """How many twins and how many properties the site has."""
        kinds = list(self._members.get(site, {}).values())
        twins = kinds.count("twin")
        return twins, len(kinds) - twins

    def name(self, iri: str) -> str:
        """The name that a member is ordered by."""
        name = self._names.get(iri)
        if name is None:
            name = name_of(self._store, NamedNode(iri))
            if iri in self._homes:
                self._names[iri] = name
        return name

    def key(self, iri: str) -> Key:
        """What a member is ordered by: its name, and its IRI among those of one name."""
        return natural(self.name(iri)), iri

    def _order(self, site: str, kind: Kind) -> _Ordered:
        ordered = self._ordered.get((site, kind))
        if ordered is None:
            keys = sorted(self.key(iri) for iri, is_a in self._members.get(site, {}).items() if is_a == kind)
            ordered = self._ordered[site, kind] = _Ordered(keys, [iri for _, iri in keys])
        return ordered


def members_of(classes: Mapping[str, Iterable[str]], properties: Iterable[str]) -> dict[str, Kind]:
    """What each node is, given the classes of all and which are properties; all are spelled ``<IRI>``."""
    furniture = {cls: cls[1:-1].startswith(_NOT_TWINS) for found in classes.values() for cls in found}
    members: dict[str, Kind] = {
        node[1:-1]: "twin" for node, found in classes.items() if not all(furniture[cls] for cls in found)
    }
    members.update((node[1:-1], "property") for node in properties)
    return members


def natural(name: str) -> Natural:
    """A sort key under which ``VAV 2`` comes before ``VAV 10``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in re.split(r"(\d+)", name) if part
    )


def name_of(view: QuadView, subject: NamedNode, languages: Iterable[str] = ("", "en")) -> str:
    """The label of a node - one without a language or in English before any other - or its local name."""
    labels = [
        quad.object
        for predicate in LABELS
        for quad in view.quads(subject, predicate, None, None)
        if isinstance(quad.object, LiteralTerm)
    ]
    wanted = list(languages)
    labels.sort(
        key=lambda label: (
            wanted.index(label.language or "") if (label.language or "") in wanted else len(wanted),
            label.value,
        )
    )
    return labels[0].value if labels else local_name(subject.value)


def bindings_site(graph: NamedNode) -> str | None:
    """The site whose bindings graph this is, or None."""
    prefix = bindings_graph("").value
    return graph.value[len(prefix) :] if graph.value.startswith(prefix) else None
