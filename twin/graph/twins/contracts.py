"""The data contract of a property as the graph states it, in the property's unit."""

from __future__ import annotations

from dataclasses import dataclass

from twin.graph.overlay import QuadView
from twin.graph.twins.checks import number_of, scale_to
from twin.graph.twins.records import PropertyRecord
from twin.terms import Literal, NamedNode
from twin.vocab import QUDT, RDFS, TWIN

__all__ = ["CONTRACT_TERMS", "ContractRecord", "read_contract"]

CONTRACT_TERMS = frozenset((TWIN.contract, TWIN.responsible, TWIN.schemaVersion, TWIN.severity, TWIN.freshness))
"""The predicates of a contract that nothing else has, and those that lead to it."""


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """What is promised of a property.  ``freshness`` and ``period`` are seconds, ``minimum`` and ``maximum`` in the
    property's unit, ``unit`` the IRI that is promised.  ``delivered_version`` is the schema version that the binding or
    the property states.  None: no such clause."""

    iri: str
    name: str
    freshness: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    period: float | None = None
    responsible: str = ""
    schema_version: str | None = None
    delivered_version: str | None = None
    severity: str = "warning"


def read_contract(view: QuadView, record: PropertyRecord) -> ContractRecord | None:
    """The contract of a property, None when it has none."""
    node = NamedNode(record.iri)
    named = [q.object for q in view.quads(node, TWIN.contract, None, None) if isinstance(q.object, NamedNode)]
    if not named:
        return None
    contract = min(named, key=lambda each: each.value)
    said: dict[str, str] = {}
    for quad in view.quads(contract, None, None, None):
        if isinstance(quad.object, NamedNode | Literal):
            value = quad.object.value
            said[quad.predicate.value] = min(said.get(quad.predicate.value, value), value)

    def number(name: str) -> float | None:
        return number_of(said.get(TWIN[name].value, ""))

    scale = scale_to(said.get(QUDT.hasUnit.value), record)

    def level(name: str) -> float | None:
        found = number(name)
        return None if found is None or scale is None else found * scale[0] + scale[1]

    severity = said.get(TWIN.severity.value, "warning")
    return ContractRecord(
        iri=contract.value,
        name=said.get(RDFS.label.value, ""),
        freshness=number("freshness"),
        minimum=level("minimum"),
        maximum=level("maximum"),
        unit=said.get(QUDT.hasUnit.value),
        period=number("expectedPeriod"),
        responsible=said.get(TWIN.responsible.value, ""),
        schema_version=said.get(TWIN.schemaVersion.value),
        delivered_version=_version(view, node),
        severity=severity if severity in ("notice", "warning", "critical") else "warning",
    )


def _version(view: QuadView, node: NamedNode) -> str | None:
    """The schema version that the binding states, else that of the property."""
    bindings = [q.subject for q in view.quads(None, TWIN.binds, node, None) if isinstance(q.subject, NamedNode)]
    for subject in (*sorted(bindings, key=lambda each: each.value), node):
        versions = [q.object.value for q in view.quads(subject, TWIN.schemaVersion, None, None)
                    if isinstance(q.object, Literal)]  # fmt: skip
        if versions:
            return min(versions)
    return None
