"""Capabilities as they stand in the graph: which twins have what one asks for, and in words what the others lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from twin import units
from twin.contracts import GraphStore
from twin.errors import InvalidInput
from twin.graph.twins.reader import PropertyRecord, TwinReader
from twin.scope import Scope
from twin.terms import Literal, NamedNode
from twin.vocab import QUDT, RDF, RDFS, TWIN

_EVERYTHING = 10_000_000


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The model that serves a capability: ``digest`` is the SHA-256 of its file, ``metrics`` what training measured."""

    digest: str
    name: str
    version: str
    description: str
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CapabilityRecord:
    """What twins of the classes ``applies_to`` can tell, from ``inputs`` of (role, unit IRI)."""

    iri: str
    name: str
    description: str
    applies_to: tuple[str, ...]
    inputs: tuple[tuple[str, str | None], ...]
    model: ModelRecord | None = None

    @property
    def local_name(self) -> str:
        """The last part of the IRI, which names the score property."""
        return self.iri.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class TwinCapabilityRecord:
    """Whether a twin has what a capability asks for: ``missing`` tells what it lacks, ``state`` what happens."""

    capability: str
    twin: str
    qualifies: bool
    missing: tuple[str, ...]
    score_property: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A twin of a class that a capability applies to.

    ``inputs`` maps each role it has to the property that gives it; ``missing`` says the rest in words.
    """

    twin: str
    name: str
    site: str
    inputs: Mapping[str, PropertyRecord]
    missing: tuple[str, ...]

    @property
    def qualifies(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def read_capabilities(store: GraphStore) -> list[CapabilityRecord]:
    """All capabilities of the graph, by name, without their models."""
    found = []
    for quad in store.quads(None, RDF.type, TWIN.Capability, None):
        if not isinstance(quad.subject, NamedNode):
            continue
        node = quad.subject
        inputs = [
            (role, next((unit.value for unit in _nodes(store, asked, QUDT.hasUnit)), None))
            for asked in _nodes(store, node, TWIN.input)
            for role in _texts(store, asked, TWIN.role)
        ]
        found.append(
            CapabilityRecord(
                iri=node.value,
                name=next(_texts(store, node, RDFS.label), node.value.rpartition(":")[2]),
                description=next(_texts(store, node, RDFS.comment), ""),
                applies_to=tuple(sorted(cls.value for cls in _nodes(store, node, TWIN.appliesTo))),
                inputs=tuple(sorted(inputs)),
            )
        )
    return sorted(found, key=lambda record: (record.name, record.iri))


def candidates(capability: CapabilityRecord, twins: TwinReader, scope: Scope) -> list[Candidate]:
    """Every twin of a class that the capability applies to (subclasses included), each once, by name."""
    found: dict[str, None] = {}
    for cls in capability.applies_to:
        try:
            found |= dict.fromkeys(twins.twins(scope, type=cls, limit=_EVERYTHING).items)
        except InvalidInput:  # no vocabulary here has the class, so no twin is of it
            continue
    return [_candidate(capability, twins, scope, iri) for iri in found]


def _candidate(capability: CapabilityRecord, twins: TwinReader, scope: Scope, iri: str) -> Candidate:
    record = twins.twin(scope, iri)
    name, site = (record.name, record.site) if record is not None else (iri, "")
    by_role: dict[str, list[PropertyRecord]] = {}
    for owned in twins.properties(scope, owner=iri, limit=_EVERYTHING).items:
        prop = twins.property(scope, owned)
        if prop is not None:
            by_role.setdefault(prop.role, []).append(prop)
    inputs: dict[str, PropertyRecord] = {}
    missing = []
    for role, unit in capability.inputs:
        having = by_role.get(role, [])
        fitting = [prop for prop in having if converts(prop.unit, unit)]
        if fitting:
            inputs[role] = fitting[0]
        elif having:
            missing.append(f"{name} gives {words(role)} in {_symbol(having[0].unit)}, not in {_symbol(unit)}")
        else:
            missing.append(f"{name} lacks {words(role)}")
    return Candidate(iri, name, site, inputs, tuple(missing))


def words(role: str) -> str:
    """A role as people say it: ``mixed_air_temperature`` is "mixed air temperature"."""
    return role.replace("_", " ")


def converts(source: str | None, target: str | None) -> bool:
    """Whether values of the one unit can be given in the other; without a unit asked for, any will do."""
    return target is None or (source is not None and conversion(source, target) is not None)


def conversion(source: str, target: str) -> tuple[float, float] | None:
    """Scale and offset between two units by IRI, or None when there is no way from one to the other."""
    try:
        return units.conversion(units.unit(source), units.unit(target))
    except InvalidInput:
        return None


def _symbol(unit: str | None) -> str:
    if unit is None:
        return "no unit"
    try:
        return units.unit(unit).symbol or "plain numbers"
    except InvalidInput:
        return unit


def _nodes(store: GraphStore, subject: NamedNode, predicate: NamedNode) -> Iterator[NamedNode]:
    for quad in store.quads(subject, predicate, None, None):
        if isinstance(quad.object, NamedNode):
            yield quad.object


def _texts(store: GraphStore, subject: NamedNode, predicate: NamedNode) -> Iterator[str]:
    for quad in store.quads(subject, predicate, None, None):
        if isinstance(quad.object, Literal):
            yield quad.object.value
