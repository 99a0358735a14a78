"""Which individuals of which site are twins and which are properties, kept up with every change."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from twin.contracts import Delta
from twin.graph.derivation import local_name
from twin.graph.overlay import QuadView
from twin.scope import Scope
from twin.terms import Literal as LiteralTerm
from twin.terms import NamedNode
from twin.vocab import OWL, RDF, RDFS, SH, TWIN, bindings_graph, inferred_graph, models_graph, site_graph

_NOT_TWINS = tuple(str(namespace) for namespace in (OWL, RDFS, SH, TWIN, RDF))
"""Individuals of these namespaces' classes are the model's furniture (ontology headers, state sets), not twins."""


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

    def __init__(self, view: QuadView, sites: Callable[[], list[str]]) -> None:
        self._view = view
        self._sites = sites
        self._members: dict[str, dict[str, Kind]] = {}
        self._homes: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._ordered: dict[tuple[str, Kind], _Ordered] = {}
        self.shared: dict[str, tuple[str, ...]] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Reads every site anew; names are read when they are first asked for."""
        for known in (self._members, self._homes, self._names, self._ordered, self.shared):
            known.clear()
        for site in self._sites():
            members = self._members[site] = self._read(site)
            twice = self._homes.keys() & members.keys()
            self._homes.update((iri, site) for iri in members if iri not in self._homes)
            for iri in twice:
                self.shared[iri] = (*self.shared.get(iri, (self._homes[iri],)), site)

    def _read(self, site: str) -> dict[str, Kind]:
        graphs = (inferred_graph(site), site_graph(site), models_graph(site))
        members: dict[str, Kind] = {
            quad.subject.value: "property"
            for graph in graphs
            for quad in self._view.quads(None, RDF.type, TWIN.Property, graph)
            if isinstance(quad.subject, NamedNode)
        }
        furniture: dict[object, bool] = {}
        for graph in graphs[1:]:
            for quad in self._view.quads(None, RDF.type, None, graph):
                cls = quad.object
                if cls not in furniture:
                    furniture[cls] = not isinstance(cls, NamedNode) or cls.value.startswith(_NOT_TWINS)
                if not furniture[cls] and isinstance(quad.subject, NamedNode):
                    members.setdefault(quad.subject.value, "twin")
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

    def _place(self, subject: NamedNode, site: str) -> None:
        """Brings one IRI up to date; the order of the others stays."""
        iri = subject.value
        members = self._members.setdefault(site, {})
        before, now = members.get(iri), self._kind(subject, site)
        if before is None and now is None:
            return
        homes = [*self.shared.get(iri, (self._homes[iri],) if iri in self._homes else ())]
        self._take_out(iri, homes)
        if now is None:
            del members[iri]
            homes.remove(site)
        else:
            members[iri] = now
            homes = sorted({*homes, site})
        self._put_in(iri, homes)

    def _kind(self, subject: NamedNode, site: str) -> Kind | None:
        graphs = {site_graph(site), inferred_graph(site), models_graph(site)}
        classes = [
            quad.object
            for quad in self._view.quads(subject, RDF.type, None, None)
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
            name = name_of(self._view, NamedNode(iri))
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


def natural(name: str) -> Natural:
    """A sort key under which ``VAV 2`` comes before ``VAV 10``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in re.split(r"(\d+)", name) if part
    )


def name_of(view: QuadView, subject: NamedNode, languages: Iterable[str] = ("", "en")) -> str:
    """The label of a node - one without a language or in English before any other - or its local name."""
    labels = [
        quad.object
        for predicate in (RDFS.label, TWIN.label)
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
