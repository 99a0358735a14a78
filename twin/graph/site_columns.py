"""What follows from a whole site at once, from columns of its nodes as they are written.

Equal to `Derivation.derived` of every property, at a tenth of the time.  The columns come from the store, or from the
text of an import while the store still loads it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from twin.graph.derivation import OWNED_BY, OWNS, Derivation
from twin.graph.hierarchy import PROPERTY_ROOTS
from twin.graph.oxigraph import OxigraphStore
from twin.terms import BlankNode, Literal, NamedNode, Quad
from twin.vocab import OWL, RDF, RDFS, SH, TWIN, models_graph, site_graph

DEFINITIONS = (
    OWL.Class,
    RDFS.Class,
    OWL.ObjectProperty,
    OWL.DatatypeProperty,
    RDF.Property,
    OWL.AnnotationProperty,
    SH.NodeShape,
    SH.PropertyShape,
)
WIRING = (TWIN.Connection, TWIN.Binding)
HAS_TREE = (RDFS.subClassOf, OWL.equivalentClass)
_PIECE = 25_000  # nodes whose derived triples are written as one piece of text, so that no building is one string


@dataclass(slots=True)
class SiteColumns:
    """What a site says that something follows from; nodes are spelled ``<IRI>``.

    ``owners`` has the owners of each node, ``asserted`` those (node and owner) of whom `twin:hasProperty` itself is
    asserted; ``stated`` are the nodes with a role of their own.  ``plain`` says that every node has a name and is an
    asset of the site, and that nothing about classes is said.
    """

    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asserted: set[tuple[str, str]] = field(default_factory=set)
    stated: set[str] = field(default_factory=set)
    plain: bool = True

    def owned(self, owner: str, node: str, *, asserted: bool) -> None:
        """Notes that the node is a property of the owner."""
        # Tuples: a building has hundreds of thousands of properties, most with one owner.
        known = self.owners.get(node, ())
        if owner not in known:
            self.owners[node] = (*known, owner)
        if asserted:
            self.asserted.add((node, owner))

    def typed(self, node: str, cls: str) -> None:
        """Notes a class of the node."""
        known = self.classes.get(node, ())
        if cls not in known:
            self.classes[node] = (*known, cls)


def columns_of_store(store: OxigraphStore, site: str) -> SiteColumns:
    """The columns of a site's assets and models."""
    columns = SiteColumns()
    for graph in (site_graph(site), models_graph(site)):
        for node, cls in store.pairs(RDF.type, graph):
            columns.typed(node, cls)
        for predicate in OWNS:
            for owner, node in store.pairs(predicate, graph):
                columns.owned(owner, node, asserted=predicate == TWIN.hasProperty)
        for predicate in OWNED_BY:
            for node, owner in store.pairs(predicate, graph):
                columns.owned(owner, node, asserted=False)
        columns.stated.update(str(quad.subject) for quad in store.quads(None, TWIN.role, None, graph))
    return columns


def columns_of_quads(quads: Iterable[Quad], columns: SiteColumns) -> None:
    """Adds what an import's quads say, as they are parsed; reads them to the end in any case."""
    # Looked up by text: most predicates are none of these, and comparing terms costs more than all the rest.
    kinds = {
        **dict.fromkeys((predicate.value for predicate in OWNS), "owns"),
        **dict.fromkeys((predicate.value for predicate in OWNED_BY), "owned by"),
        TWIN.hasProperty.value: "asserted",
        RDF.type.value: "type",
        TWIN.role.value: "role",
        # A role's classes and its word decide what others are called; state sets have words, too, and pay for it.
        **dict.fromkeys((predicate.value for predicate in (*HAS_TREE, TWIN.roleClass, TWIN.word)), "classes"),
    }
    elsewhere = frozenset(str(cls) for cls in (*DEFINITIONS, *WIRING))
    for quad in quads:
        subject, target = quad.subject, quad.object
        kind = kinds.get(quad.predicate.value)
        if kind == "classes" or isinstance(subject, BlankNode) or isinstance(target, BlankNode):
            columns.plain = False
        if kind is None or not columns.plain:  # the rest is read for its mistakes alone
            continue
        if kind == "role":
            columns.stated.add(str(subject))
        elif isinstance(target, NamedNode):
            if kind == "type":
                cls = sys.intern(str(target))
                columns.plain = columns.plain and cls not in elsewhere
                columns.typed(str(subject), cls)
            elif kind == "owned by":
                columns.owned(str(target), str(subject), asserted=False)
            else:
                columns.owned(str(subject), str(target), asserted=kind == "asserted")


def properties_of(columns: SiteColumns, derivation: Derivation) -> list[str]:
    """The properties among the nodes: what has an owner, and what is of a class of points."""
    points = {cls for found in columns.classes.values() for cls in found}
    points = {cls for cls in points if derivation.hierarchy.is_any((_node(cls),), PROPERTY_ROOTS)}
    found = dict.fromkeys(columns.owners)
    found.update((node, None) for node, classes in columns.classes.items() if not points.isdisjoint(classes))
    return list(found)


def derived_text(columns: SiteColumns, properties: list[str], derivation: Derivation) -> Iterator[bytes]:
    """What follows for the properties as N-Triples text, in pieces."""
    has, kind, role = f" {TWIN.hasProperty} ", f" {RDF.type} {TWIN.Property} .\n", f" {TWIN.role} "
    property_class = str(TWIN.Property)
    roles: dict[tuple[str, ...], str] = {}
    for start in range(0, len(properties), _PIECE):
        lines: list[str] = []
        for node in properties[start : start + _PIECE]:
            own = columns.classes.get(node, ())
            owners = columns.owners.get(node, ())
            lines += [f"{owner}{has}{node} .\n" for owner in owners if (node, owner) not in columns.asserted]
            if property_class not in own:
                lines.append(node + kind)
            if node not in columns.stated:
                if own not in roles:
                    word = derivation.role(_node(cls) for cls in own)
                    roles[own] = f"{role}{Literal(word)} .\n" if word else ""
                if roles[own]:
                    lines.append(node + roles[own])
        if lines:
            yield "".join(lines).encode()


def _node(spelled: str) -> NamedNode:
    return NamedNode(spelled[1:-1])
