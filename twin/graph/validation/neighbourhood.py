"""The small graph that the shapes are checked on: the triples around the nodes a change can affect, and no more.

Each vocabulary's way of saying something is said once here - ownership as ``twin:hasProperty``, units as
``qudt:hasUnit``, places as ``twin:isWithin`` - so that a shape is written once and holds for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from twin import units
from twin.graph.validation.facts import UNIT, Facts
from twin.terms import Literal, NamedNode, Object
from twin.vocab import BRICK, OWL, QUDT, RDF, RDFS, TWIN

_CAPTURE = re.compile(r"\{(\w+)\}")
Statement = tuple[NamedNode, NamedNode, Object]

_OF_BINDINGS = (
    TWIN.binds,
    TWIN.connection,
    TWIN.address,
    TWIN.writeAddress,
    TWIN.sourceUnit,
    TWIN.scale,
    TWIN.offset,
    TWIN.format,
    TWIN.packing,
    TWIN.bits,
    TWIN.step,
    TWIN.start,
    TWIN.stateEntry,
)
"""Predicates that only a binding has."""
_OF_CHECKS = (
    QUDT.hasUnit,
    *(TWIN[name] for name in ("minimum", "maximum", "maximumRate", "spikeDeviations", "spikeFloor", "flatlineAfter",
                              "flatlineBand", "restsBelow", "restsAbove", "expectedPeriod", "gapAfter",
                              "driftTolerance", "whenMissing", "withoutCheck", "freshness", "responsible",
                              "schemaVersion", "severity")),
)  # fmt: skip
"""Predicates of check sets and data contracts."""


def neighbourhood(facts: Facts, foci: Iterable[NamedNode]) -> frozenset[Statement]:
    """The statements that decide whether the shapes hold for these nodes, in one state of the graph."""
    around = _Neighbourhood(facts)
    for focus in foci:
        around.describe(focus)
    return frozenset(around.found)


class _Neighbourhood:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.found: set[Statement] = set()
        self._classified: set[NamedNode] = set()
        self._parts: set[tuple[str, NamedNode]] = set()

    def describe(self, node: NamedNode) -> None:
        """Adds what matters for a node as the focus of shapes."""
        facts = self.facts
        self._classify(node)
        self._copy(node, RDFS.label)
        if facts.is_property(node):
            self._property(node)
        elif facts.is_twin(node):
            self._twin(node)
        self._place(node)
        self._flows(node)
        self._wiring(node)
        self._states(node)
        self._capability(node)
        self._checks(node)

    def _add(self, subject: NamedNode, predicate: NamedNode, *values: Object) -> None:
        for value in values:
            self.found.add((subject, predicate, value))

    def _copy(self, node: NamedNode, *predicates: NamedNode) -> None:
        for predicate in predicates:
            self._add(node, predicate, *self.facts.objects(node, predicate))

    def _once(self, part: str, node: NamedNode) -> bool:
        if (part, node) in self._parts:
            return False
        self._parts.add((part, node))
        return True

    def _classify(self, node: NamedNode) -> None:
        """The classes of a node, which of them are defined, and whether it is a twin or a property."""
        if node in self._classified:
            return
        self._classified.add(node)
        facts = self.facts
        for cls in facts.types(node):
            self._add(node, RDF.type, cls)
            if facts.is_known(cls):
                self._add(cls, RDF.type, OWL.Class)
        kind = TWIN.Property if facts.is_property(node) else TWIN.Twin if facts.is_twin(node) else None
        if kind is not None:
            self._add(node, RDF.type, kind)
            self._add(kind, RDF.type, OWL.Class)

    def _property(self, node: NamedNode) -> None:
        if not self._once("property", node):
            return
        facts = self.facts
        for owner in facts.owners(node):
            self._add(owner, TWIN.hasProperty, node)
            self._classify(owner)
        self._quantity(node)
        self._add(node, TWIN.role, *facts.stated_roles(node))
        self._copy(node, TWIN.valueKind, TWIN.states, TWIN.writable, TWIN.freshness, TWIN.minimum, TWIN.maximum)
        for states in facts.nodes(node, TWIN.states):
            self._classify(states)
        for capability in facts.nodes(node, TWIN.ofCapability):
            self._add(node, TWIN.ofCapability, capability)
            self._classify(capability)

    def _quantity(self, node: NamedNode) -> None:
        """The unit and quantity kind of a property, and whether the one measures the other."""
        if not self._once("quantity", node):
            return
        known_units, known_kinds = units.units(), units.quantity_kinds()
        kinds = self.facts.quantity_kinds(node)
        for kind in kinds:
            self._add(node, QUDT.hasQuantityKind, NamedNode(kind))
            if kind in known_kinds:
                self._add(NamedNode(kind), RDF.type, QUDT.QuantityKind)
        for unit in self.facts.objects(node, *UNIT):
            self._add(node, QUDT.hasUnit, unit)
            self._unit(unit)
            measured = known_units[unit.value].quantity_kinds if unit.value in known_units else frozenset()
            for kind in kinds & measured:
                self._add(NamedNode(kind), QUDT.applicableUnit, unit)

    def _unit(self, unit: Object) -> None:
        if isinstance(unit, NamedNode) and unit.value in units.units():
            self._add(unit, RDF.type, QUDT.Unit)

    def _conversion(self, source: Object, target: Object) -> None:
        """Whether values of one unit convert to another: said by the code that converts them."""
        known = units.units()
        one, other = known.get(source.value), known.get(target.value)
        if isinstance(source, NamedNode) and one and other and units.converts(one, other):
            self._add(source, TWIN.convertsTo, target)

    def _twin(self, node: NamedNode) -> None:
        facts = self.facts
        capabilities = facts.capabilities(node)
        for capability in capabilities:
            self._add(node, TWIN.hasCapability, capability)
            self._requirements(capability)
        if capabilities:
            for cls in facts.types(node):
                self._add(cls, RDFS.subClassOf, *facts.above(cls)[1:])
            self._offers(node, capabilities)

    def _place(self, node: NamedNode) -> None:
        for parent, is_place in self.facts.within(node).items():
            self._add(node, TWIN.isWithin, parent)
            self._classify(parent)
            if is_place:
                self._add(node, TWIN.isLocatedIn, parent)
            self._ancestry(parent)

    def _ancestry(self, node: NamedNode) -> None:
        ahead = [node]
        while ahead:
            here = ahead.pop()
            if self._once("ancestry", here):
                for parent in self.facts.within(here):
                    self._add(here, TWIN.isWithin, parent)
                    ahead.append(parent)

    def _requirements(self, capability: NamedNode) -> None:
        self._copy(capability, TWIN.appliesTo, TWIN.input)
        for needed in self.facts.nodes(capability, TWIN.input):
            self._copy(needed, TWIN.role, QUDT.hasUnit)
            for unit in self.facts.objects(needed, QUDT.hasUnit):
                self._unit(unit)

    def _offers(self, node: NamedNode, capabilities: Iterable[NamedNode]) -> None:
        """What a twin has for the inputs of its capabilities."""
        facts = self.facts
        needed = [each for capability in capabilities for each in facts.nodes(capability, TWIN.input)]
        wanted = {role for each in needed for role in facts.texts(each, TWIN.role)}
        for owned in facts.properties(node):
            roles = facts.roles(owned) & wanted
            if not roles:
                continue
            self._add(node, TWIN.hasProperty, owned)
            self._add(owned, TWIN.role, *(Literal(role) for role in roles))
            self._quantity(owned)
            for unit in facts.objects(owned, *UNIT):
                for each in needed:
                    for target in facts.objects(each, QUDT.hasUnit):
                        self._conversion(unit, target)

    def _flows(self, node: NamedNode) -> None:
        """One edge each way is enough to make the node a target; an edge to itself is a violation."""
        facts = self.facts
        for sink in (*facts.nodes(node, BRICK.feeds), *facts.subjects(node, BRICK.isFedBy)):
            if sink == node or self._once("feeds", node):
                self._add(node, BRICK.feeds, sink)
        for source in (*facts.subjects(node, BRICK.feeds), *facts.nodes(node, BRICK.isFedBy)):
            if self._once("fed", node):
                self._add(source, BRICK.feeds, node)

    def _wiring(self, node: NamedNode) -> None:
        facts = self.facts
        types = facts.types(node)
        for binding in facts.subjects(node, TWIN.binds):
            self._add(binding, TWIN.binds, node)
        # By any of its words: whether a rule holds for a node may not depend on which other nodes are looked at.
        if TWIN.Binding in types or any(facts.objects(node, *_OF_BINDINGS)):
            self._binding(node, list(facts.nodes(node, TWIN.binds)))
        if TWIN.BindingTemplate in types or any(facts.objects(node, TWIN.bindsEach)):
            self._template(node)
        if TWIN.Connection in types:
            self._copy(node, TWIN.protocol, TWIN.endpoint, TWIN.option)
        for binding in facts.subjects(node, TWIN.stateEntry):
            self._add(binding, TWIN.stateEntry, node)
            self._copy(node, TWIN.code, TWIN.word)

    def _template(self, node: NamedNode) -> None:
        facts = self.facts
        self._copy(node, TWIN.bindsEach)
        addresses = [*facts.texts(node, TWIN.address), *facts.texts(node, TWIN.writeAddress)]
        for predicate, texts in (
            (TWIN.addressCapture, addresses),
            (TWIN.propertyCapture, facts.texts(node, TWIN.bindsEach)),
        ):
            self._add(node, predicate, *(Literal(name) for text in texts for name in _CAPTURE.findall(text)))

    def _binding(self, node: NamedNode, bound: list[NamedNode]) -> None:
        facts = self.facts
        self._copy(node, *_OF_BINDINGS)
        for entry in facts.nodes(node, TWIN.stateEntry):
            self._copy(entry, TWIN.code, TWIN.word)
        for connection in facts.nodes(node, TWIN.connection):
            self._classify(connection)
            self._copy(connection, TWIN.protocol)
        for source in facts.objects(node, TWIN.sourceUnit):
            self._unit(source)
        for each in bound:
            self._classify(each)
            self._quantity(each)
            mapped = any(facts.objects(node, TWIN.stateEntry))
            if mapped or "state" in facts.texts(each, TWIN.valueKind):
                self._add(node, TWIN.mustMap, *(Literal(word) for word in facts.words(each)))
            for source in facts.objects(node, TWIN.sourceUnit):
                for target in facts.objects(each, *UNIT):
                    self._conversion(source, target)
        for writer in (node, *facts.fellow_writers(node)):
            self._add(writer, TWIN.writesTo, *(Literal(address) for address in facts.writes_to(writer)))
            self._copy(writer, TWIN.connection)

    def _states(self, node: NamedNode) -> None:
        facts = self.facts
        users = facts.subjects(node, TWIN.states)
        if users or TWIN.StateSet in facts.types(node):
            for user in users[:1]:  # one is enough to make the set a target
                self._add(user, TWIN.states, node)
            self._copy(node, TWIN.state)
            for state in facts.nodes(node, TWIN.state):
                self._copy(state, TWIN["index"], TWIN.word)
        for states in facts.subjects(node, TWIN.state):
            self._add(states, TWIN.state, node)
            self._copy(node, TWIN["index"], TWIN.word)

    def _checks(self, node: NamedNode) -> None:
        facts = self.facts
        for predicate in (TWIN.checkedBy, TWIN.contract):
            for target in facts.nodes(node, predicate):
                self._add(node, predicate, target)
                self._classify(target)
        types = facts.types(node)
        if TWIN.CheckSet in types or TWIN.DataContract in types:
            self._copy(node, *_OF_CHECKS)
            for each in facts.objects(node, QUDT.hasUnit):
                self._unit(each)

    def _capability(self, node: NamedNode) -> None:
        facts = self.facts
        if TWIN.Capability in facts.types(node):
            self._requirements(node)
        for capability in facts.subjects(node, TWIN.input):
            self._requirements(capability)
