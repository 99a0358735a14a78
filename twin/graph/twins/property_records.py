"""Reading one property from the graph, in whichever vocabulary it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from twin.graph.overlay import QuadView
from twin.graph.twins.membership import name_of
from twin.graph.twins.records import ClassRecord, Kind, PropertyRecord
from twin.terms import Literal, NamedNode, Object
from twin.units import narrowest
from twin.vocab import BRICK, QUDT, RDF, SAREF, TWIN

_UNIT = (QUDT.hasUnit, BRICK.hasUnit, SAREF.isMeasuredIn, QUDT.unit)
_QUANTITY_KIND = (QUDT.hasQuantityKind, BRICK.hasQuantity)
DEFAULT_FRESHNESS = 60.0


def read_property(
    view: QuadView, iri: str, site: str, series: int, describe: Callable[[NamedNode], ClassRecord]
) -> PropertyRecord:
    """The record of a property that is known to be one."""
    node = NamedNode(iri)
    facts: dict[NamedNode, list[Object]] = {}
    for quad in view.quads(node, None, None, None):
        if isinstance(quad.object, NamedNode | Literal):
            facts.setdefault(quad.predicate, []).append(quad.object)
    classes = sorted(
        {cls for cls in facts.get(RDF.type, []) if isinstance(cls, NamedNode) and cls != TWIN.Property},
        key=lambda cls: cls.value,
    )
    owners = [quad.subject for quad in view.quads(None, TWIN.hasProperty, node, None)]
    owner = min((owner.value for owner in owners if isinstance(owner, NamedNode)), default=None)
    stated = _text(facts, TWIN.valueKind)
    kind: Kind = stated if stated in get_args(Kind) else "number"  # type: ignore[assignment]  # narrowed by membership
    return PropertyRecord(
        iri=iri,
        name=name_of(view, node),
        site=site,
        owner=owner,
        role=_text(facts, TWIN.role) or "",
        classes=tuple(describe(cls) for cls in classes),
        kind=kind,
        quantity_kind=_first(facts, _QUANTITY_KIND) or _of_class(view, classes),
        unit=_first(facts, _UNIT),
        series=series,
        writable=_text(facts, TWIN.writable) in ("true", "1"),
        minimum=_number(facts, TWIN.minimum),
        maximum=_number(facts, TWIN.maximum),
        states=_states(view, facts) if kind == "state" else (),
        freshness=_number(facts, TWIN.freshness) or DEFAULT_FRESHNESS,
    )


def _text(facts: dict[NamedNode, list[Object]], predicate: NamedNode) -> str | None:
    values = sorted(value.value for value in facts.get(predicate, []) if isinstance(value, Literal))
    return values[0] if values else None


def _number(facts: dict[NamedNode, list[Object]], predicate: NamedNode) -> float | None:
    text = _text(facts, predicate)
    try:
        return float(text) if text is not None else None
    except ValueError:  # the shapes report it; a reader goes on
        return None


def _first(facts: dict[NamedNode, list[Object]], predicates: tuple[NamedNode, ...]) -> str | None:
    for predicate in predicates:
        named = sorted(value.value for value in facts.get(predicate, []) if isinstance(value, NamedNode))
        if named:
            return named[0]
    return None


def _of_class(view: QuadView, classes: list[NamedNode]) -> str | None:
    """The narrowest kind that the classes state: a difference rather than the temperature it is one of."""
    stated = {
        quad.object.value
        for cls in classes
        for predicate in _QUANTITY_KIND
        for quad in view.quads(cls, predicate, None, None)
        if isinstance(quad.object, NamedNode)
    }
    return min(narrowest(stated), default=None)


def _states(view: QuadView, facts: dict[NamedNode, list[Object]]) -> tuple[str, ...]:
    words: dict[int, str] = {}
    for state_set in facts.get(TWIN.states, []):
        if not isinstance(state_set, NamedNode):
            continue
        for quad in view.quads(state_set, TWIN.state, None, None):
            if isinstance(quad.object, NamedNode):
                entry: dict[NamedNode, str] = {
                    fact.predicate: fact.object.value
                    for fact in view.quads(quad.object, None, None, None)
                    if isinstance(fact.object, Literal)
                }
                if TWIN.word in entry and entry.get(TWIN.index, "").isdecimal():
                    words[int(entry[TWIN.index])] = entry[TWIN.word]
    return tuple(words[index] for index in sorted(words))
