"""Repairs: for a violation that can be mended mechanically, the change that mends it and a sentence about it.

Three kinds are mechanical: a unit that is missing and can only be one, a relation that runs the wrong way by the
classes of its ends, and a class whose vocabulary names its replacement.  What needs a person's judgement has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin import units
from twin.contracts import Delta
from twin.graph.derivation import local_name
from twin.graph.hierarchy import EQUIPMENT_ROOTS, PROPERTY_ROOTS, SPACE_ROOTS
from twin.graph.overlay import QuadView
from twin.graph.validation.facts import Facts
from twin.graph.violation import Violation
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import BRICK, OWL, QUANTITYKIND, QUDT, RDF, TWIN, site_of_graph

__all__ = ["Repair", "repair"]

_ONE_UNIT = "urn:twin:shapes:property#one-unit"
_PLAIN = frozenset(QUANTITYKIND[name].value for name in ("Dimensionless", "Count"))
_NO_DIMENSION = "D1"
_OWNERS = (*EQUIPMENT_ROOTS, *SPACE_ROOTS, BRICK.Zone, BRICK.Collection)
_OF_PROPERTIES = "urn:twin:shapes:property#"
_INVERSES = {
    one: (other,)
    for pair in (("hasPoint", "isPointOf"), ("feeds", "isFedBy"), ("hasLocation", "isLocationOf"))
    for one, other in (pair, pair[::-1])
}
_DIRECTIONS: tuple[tuple[NamedNode, tuple[NamedNode, ...], tuple[NamedNode, ...]], ...] = (
    (BRICK.hasPoint, _OWNERS, PROPERTY_ROOTS),
    (BRICK.isPointOf, PROPERTY_ROOTS, _OWNERS),
    (BRICK.feeds, EQUIPMENT_ROOTS, SPACE_ROOTS),
    (BRICK.isFedBy, SPACE_ROOTS, EQUIPMENT_ROOTS),
    (BRICK.hasLocation, EQUIPMENT_ROOTS, SPACE_ROOTS),
    (BRICK.isLocationOf, SPACE_ROOTS, EQUIPMENT_ROOTS),
)
"""Relations that run from one kind of thing to another, and never the other way round."""


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that mends a violation, and what it does in words."""

    delta: Delta
    sentence: str


def repair(view: QuadView, violation: Violation) -> Repair | None:
    """The mechanical repair of a violation in this state of the graph; None where it takes a person."""
    facts = Facts(view)
    focus = NamedNode(violation.focus)
    if violation.shape == _ONE_UNIT:
        return _unit(facts, focus)
    if violation.source != "twin" and (found := _replacement(facts, focus)) is not None:
        return found
    return _direction(facts, focus, violation)


def _unit(facts: Facts, node: NamedNode) -> Repair | None:
    """The unit that is missing: that in which its binding's device reports, else the one of its quantity kind."""
    if any(facts.objects(node, QUDT.hasUnit, BRICK.hasUnit)):
        return None  # there is more than one, and which of them is right is not for us to say
    graph = _home(facts, node)
    known, kinds = units.units(), facts.quantity_kinds(node)
    if graph is None or len(kinds) != 1:
        return None
    (kind,) = kinds
    measuring = [each for each in known.values() if kind in each.quantity_kinds]
    reported = {
        unit.value for binding in facts.subjects(node, TWIN.binds) for unit in facts.nodes(binding, TWIN.sourceUnit)
    }
    said = [each for each in measuring if each.iri in reported]
    if len(said) == 1:
        chosen, why = said[0], "its device reports in it"
    elif len(measuring) == 1:
        chosen, why = measuring[0], "it is the only one of its quantity kind"
    else:
        default = _default_unit(kind, measuring)
        if default is None:
            return None
        chosen, why = default, "it is the usual one of its quantity kind; correct it if the values are in another"
    added = Quad(node, QUDT.hasUnit, NamedNode(chosen.iri), graph)
    return Repair(Delta(added=(added,)), f"State the unit {chosen.name} for {local_name(node.value)}: {why}.")


def _default_unit(kind: str, measuring: list[units.Unit]) -> units.Unit | None:
    """The unit that the facts list first for a kind, where all its units say the same thing in other numbers."""
    if not measuring or any(not units.converts(each, measuring[0]) for each in measuring):
        return None
    if measuring[0].dimension.endswith(_NO_DIMENSION) and kind not in _PLAIN:
        return None  # a ratio may be a number, per cent or per mille: nobody can tell
    return measuring[0]


def _replacement(facts: Facts, node: NamedNode) -> Repair | None:
    """The classes that replace the deprecated ones of a node."""
    removed: list[Quad] = []
    added: list[Quad] = []
    for quad in facts.view.quads(node, RDF.type, None, None):
        cls = quad.object
        if not isinstance(cls, NamedNode) or _site(quad) is None or not _is_deprecated(facts, cls):
            continue
        others = list(facts.nodes(cls, BRICK.isReplacedBy))
        if len(others) == 1:
            removed.append(quad)
            added.append(Quad(node, RDF.type, others[0], quad.graph_name))
    if not added:
        return None
    names = ", ".join(
        f"{local_name(str(old.object.value))} by {local_name(str(new.object.value))}"  # type: ignore[union-attr]  # both are classes
        for old, new in zip(removed, added, strict=True)
    )
    return Repair(Delta(tuple(removed), tuple(added)), f"Replace the deprecated class {names}.")


def _is_deprecated(facts: Facts, cls: NamedNode) -> bool:
    return any(isinstance(each, Literal) and each.value in ("true", "1") for each in facts.objects(cls, OWL.deprecated))


def _direction(facts: Facts, node: NamedNode, violation: Violation) -> Repair | None:
    """The relations between the node, or the value that breaks the rule, and others that run the wrong way."""
    ends = [node]
    if ":" in violation.value and " " not in violation.value:
        ends.append(NamedNode(violation.value))
    turned: dict[Quad, Quad] = {}
    for quad in _relations(facts, ends):
        if _concerns(violation, quad.predicate) and _is_reversed(facts, quad):
            turned[quad] = Quad(quad.object, quad.predicate, quad.subject, quad.graph_name)  # type: ignore[arg-type]  # both ends are nodes
    if not turned:
        return None
    quad = next(iter(turned))
    words = (
        f"Turn {local_name(quad.predicate.value)} round: from {local_name(quad.object.value)} "  # type: ignore[union-attr]  # both ends are nodes
        f"to {local_name(quad.subject.value)}"  # type: ignore[union-attr]  # both ends are nodes
    )
    more = f", and {len(turned) - 1} more" if len(turned) > 1 else ""
    return Repair(Delta(tuple(turned), tuple(turned.values())), f"{words}{more}.")


def _concerns(violation: Violation, predicate: NamedNode) -> bool:
    """Whether the rule is about the relation - or about properties, which owning makes of whatever is owned."""
    owning = predicate in (BRICK.hasPoint, BRICK.isPointOf)
    names = {local_name(predicate.value), *(_INVERSES.get(local_name(predicate.value), ()))}
    return (owning and violation.shape.startswith(_OF_PROPERTIES)) or any(
        f"{BRICK}{name}" in (violation.path, violation.path.strip("<>^")) for name in names
    )


def _relations(facts: Facts, nodes: list[NamedNode]) -> Iterator[Quad]:
    for node in nodes:
        for predicate, _, _ in _DIRECTIONS:
            yield from (q for q in facts.view.quads(node, predicate, None, None) if _site(q) is not None)
            yield from (q for q in facts.view.quads(None, predicate, node, None) if _site(q) is not None)


def _is_reversed(facts: Facts, quad: Quad) -> bool:
    """Whether both ends say by their classes that the relation runs the other way - and neither that it does not."""
    source, sink = quad.subject, quad.object
    if not isinstance(source, NamedNode) or not isinstance(sink, NamedNode):
        return False
    for predicate, sources, sinks in _DIRECTIONS:
        if predicate == quad.predicate:
            against = facts.is_any(source, sinks) and facts.is_any(sink, sources)
            return against and not facts.is_any(source, sources) and not facts.is_any(sink, sinks)
    return False


def _home(facts: Facts, node: NamedNode) -> NamedNode | None:
    """The graph of the one site that says what a node is."""
    graphs = {quad.graph_name for quad in facts.view.quads(node, RDF.type, None, None) if _site(quad) is not None}
    found = graphs.pop() if len(graphs) == 1 else None
    return found if isinstance(found, NamedNode) else None


def _site(quad: Quad) -> str | None:
    return site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None
