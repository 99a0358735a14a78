"""Which individuals of which site are twins and which are properties, kept up with every change."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from twin.contracts import Delta
from twin.graph.derivation import local_name
from twin.graph.overlay import QuadView
from twin.terms import Literal, NamedNode
from twin.vocab import OWL, RDF, RDFS, SH, TWIN, bindings_graph, inferred_graph, models_graph, site_graph

_NOT_TWINS = tuple(str(namespace) for namespace in (OWL, RDFS, SH, TWIN, RDF))
"""Individuals of these namespaces' classes are the model's furniture (ontology headers, state sets), not twins."""


class Membership:
    """The twins and the properties of each site, each in a stable order by name (numbers in names count as numbers)."""

    def __init__(self, view: QuadView, sites: Callable[[], list[str]]) -> None:
        self._view = view
        self._sites = sites
        self._twins: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._properties: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._names: dict[str, str] = {}
        self._ordered: dict[tuple[str, str], list[str]] = {}
        self.site_of: dict[str, str] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Reads every site anew; names are read when they are first asked for."""
        for known in (self._twins, self._properties, self._names, self._ordered, self.site_of):
            known.clear()
        for site in self._sites():
            graphs = (inferred_graph(site), site_graph(site), models_graph(site))
            properties = self._properties[site] = {
                quad.subject.value: None
                for graph in graphs
                for quad in self._view.quads(None, RDF.type, TWIN.Property, graph)
                if isinstance(quad.subject, NamedNode)
            }
            furniture: dict[object, bool] = {}
            twins = self._twins[site]
            for graph in graphs[1:]:
                for quad in self._view.quads(None, RDF.type, None, graph):
                    cls = quad.object
                    if cls not in furniture:
                        furniture[cls] = not isinstance(cls, NamedNode) or cls.value.startswith(_NOT_TWINS)
                    if not furniture[cls] and isinstance(quad.subject, NamedNode):
                        iri = quad.subject.value
                        if iri not in properties:
                            twins[iri] = None
            self.site_of.update(dict.fromkeys(twins, site))
            self.site_of.update(dict.fromkeys(properties, site))

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
        for subject, site in touched:
            self._place(subject, site)

    def _place(self, subject: NamedNode, site: str) -> None:
        iri = subject.value
        for known in (self._twins[site], self._properties[site]):
            known.pop(iri, None)
        self._names.pop(iri, None)
        self._ordered.pop((site, "twin"), None)
        self._ordered.pop((site, "property"), None)
        self.site_of.pop(iri, None)
        graphs = {site_graph(site), inferred_graph(site), models_graph(site)}
        classes = [
            quad.object
            for quad in self._view.quads(subject, RDF.type, None, None)
            if quad.graph_name in graphs and isinstance(quad.object, NamedNode)
        ]
        if TWIN.Property in classes:
            self._properties[site][iri] = None
        elif any(not cls.value.startswith(_NOT_TWINS) for cls in classes):
            self._twins[site][iri] = None
        else:
            return
        self.site_of[iri] = site

    def twins(self, site: str) -> list[str]:
        """The IRIs of the site's twins by name."""
        return self._order(site, "twin", self._twins)

    def properties(self, site: str) -> list[str]:
        """The IRIs of the site's properties by name."""
        return self._order(site, "property", self._properties)

    def is_property(self, iri: str) -> bool:
        """Whether the IRI is a property of a site."""
        return iri in self._properties.get(self.site_of.get(iri, ""), ())

    def is_twin(self, iri: str) -> bool:
        """Whether the IRI is a twin of a site."""
        return iri in self._twins.get(self.site_of.get(iri, ""), ())

    def counts(self, site: str) -> tuple[int, int]:
        """How many twins and how many properties the site has."""
        return len(self._twins.get(site, ())), len(self._properties.get(site, ()))

    def name(self, iri: str) -> str:
        """The name that a member is ordered by."""
        name = self._names.get(iri)
        if name is None:
            name = name_of(self._view, NamedNode(iri))
            if iri in self.site_of:
                self._names[iri] = name
        return name

    def _order(self, site: str, kind: str, members: defaultdict[str, dict[str, None]]) -> list[str]:
        ordered = self._ordered.get((site, kind))
        if ordered is None:
            ordered = sorted(members[site], key=lambda iri: (natural(self.name(iri)), iri))
            self._ordered[site, kind] = ordered
        return ordered


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
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
        if isinstance(quad.object, Literal)
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
