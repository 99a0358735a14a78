"""What interfaces and twins become in the graph."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from twin.errors import InvalidInput
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import BRICK, OWL, QUANTITYKIND, QUDT, RDF, RDFS, TWIN, UNIT, site_graph, vocabulary_graph
from twin.vocabularies.dtdl import InterfaceSet, interface_quads, read_interfaces, twin_quads
from twin.vocabularies.dtdl.to_graph import role

UNIT_INTERFACE = {
    "@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"],
    "@id": "dtmi:com:example:RooftopUnit;1",
    "@type": "Interface",
    "displayName": {"de": "Dachgerät", "en": "Rooftop unit"},
    "extends": "dtmi:com:example:Equipment;1",
    "contents": [
        {
            "@type": ["Telemetry", "Temperature"], "name": "supplyAirTemperature", "schema": "double",
            "unit": "degreeCelsius", "displayName": "Supply air temperature",
        },
        {
            "@type": ["Property", "Temperature"], "name": "supplyAirTemperatureSetpoint", "schema": "double",
            "unit": "degreeCelsius", "writable": True,
        },
        {
            "@type": "Telemetry", "name": "operatingMode",
            "schema": {"@type": "Enum", "valueSchema": "integer", "enumValues": [
                {"name": "off", "enumValue": 10}, {"name": "automatic", "enumValue": 20},
            ]},
        },
        {"@type": "Telemetry", "name": "fanRunning", "schema": "boolean"},
        {"@type": "Property", "name": "tags", "schema": {
            "@type": "Map", "mapKey": {"name": "k", "schema": "string"}, "mapValue": {"name": "v", "schema": "string"},
        }},
        {"@type": "Relationship", "name": "feeds"},
        {"@type": "Relationship", "name": "servicedBy"},
        {"@type": "Component", "name": "filter", "schema": "dtmi:com:example:Filter;1"},
    ],
}  # fmt: skip
BASE = {
    "@context": "dtmi:dtdl:context;3", "@id": "dtmi:com:example:Equipment;1", "@type": "Interface",
    "contents": [{"@type": "Property", "name": "serialNumber", "schema": "string"}],
}  # fmt: skip
FILTER = {
    "@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"],
    "@id": "dtmi:com:example:Filter;1", "@type": "Interface",
    "contents": [{"@type": ["Telemetry", "Pressure"], "name": "drop", "schema": "double", "unit": "pascal"}],
}  # fmt: skip
ROOFTOP = {
    "$dtId": "rtu-1",
    "$metadata": {
        "$model": "dtmi:com:example:RooftopUnit;1",
        "supplyAirTemperatureSetpoint": {"minimum": 12, "maximum": 22.5},
    },
    "serialNumber": "X-1",
    "filter": {"$metadata": {}},
}
DTMI = "dtmi:com:example:RooftopUnit;1"
CONTENT = "dtmi:com:example:RooftopUnit:_contents:__{};1"


@pytest.fixture(scope="module")
def interfaces() -> InterfaceSet:
    return read_interfaces([json.dumps(document) for document in (UNIT_INTERFACE, BASE, FILTER)])


def triples(quads: Iterable[Quad]) -> set[tuple[Any, Any, Any]]:
    return {(quad.subject, quad.predicate, quad.object) for quad in quads}


def instances(interfaces: InterfaceSet, *twins: dict[str, Any], relationships: Any = ()) -> set[tuple[Any, Any, Any]]:
    document = {"digitalTwins": list(twins), "relationships": list(relationships)}
    return triples(twin_quads(interfaces, json.dumps(document), "office"))


def rooftop(**changes: Any) -> dict[str, Any]:
    return ROOFTOP | changes


def of(twin: str, *local: str) -> NamedNode:
    return NamedNode(":".join(["urn:twin:office", twin, *local]))


@pytest.mark.parametrize(("name", "expected"), [
    ("supplyAirTemperature", "supply_air_temperature"), ("CO2Level", "co2_level"), ("setpoint_1", "setpoint_1"),
    ("HVACMode", "hvac_mode"), ("temp", "temp"),
])  # fmt: skip
def test_a_role_is_the_content_name_in_snake_case(name: str, expected: str) -> None:
    assert role(name) == expected


def test_an_interface_becomes_a_class_under_its_own_identifier(interfaces: InterfaceSet) -> None:
    found = triples(interface_quads(interfaces))
    node = NamedNode(DTMI)
    assert {(node, RDF.type, OWL.Class), (node, RDF.type, TWIN.Interface)} <= found
    assert (node, RDFS.label, Literal("Rooftop unit")) in found
    assert (node, RDFS.subClassOf, NamedNode("dtmi:com:example:Equipment;1")) in found


def test_everything_of_the_vocabulary_lies_in_its_graph_once(interfaces: InterfaceSet) -> None:
    quads = list(interface_quads(interfaces))
    assert {quad.graph_name for quad in quads} == {vocabulary_graph("dtdl")}
    assert len(quads) == len(set(quads))


def test_a_telemetry_becomes_a_class_of_properties_with_quantity_unit_and_role(interfaces: InterfaceSet) -> None:
    found = triples(interface_quads(interfaces))
    node = NamedNode(CONTENT.format("supplyAirTemperature"))
    assert {
        (node, RDFS.subClassOf, TWIN.Property),
        (node, RDFS.label, Literal("Supply air temperature")),
        (node, TWIN.role, Literal("supply_air_temperature")),
        (node, QUDT.hasQuantityKind, QUANTITYKIND.Temperature),
        (node, QUDT.hasUnit, UNIT.DEG_C),
    } <= found


def test_an_enum_becomes_a_set_of_states_numbered_from_zero_and_said_once(interfaces: InterfaceSet) -> None:
    both = [rooftop(), rooftop(**{"$dtId": "rtu-2"})]
    quads = list(twin_quads(interfaces, {"digitalTwins": both}, "office"))
    assert len(quads) == len(set(quads))
    found = triples(quads)
    states = NamedNode("urn:twin:office:dtmi:com:example:RooftopUnit:_contents:__operatingMode:_schema;1")
    assert (states, RDF.type, TWIN.StateSet) in found
    words = {
        index.value: word.value
        for subject, predicate, state in found if subject == states and predicate == TWIN.state
        for s1, p1, index in found if s1 == state and p1 == TWIN["index"]
        for s2, p2, word in found if s2 == state and p2 == TWIN.word
    }  # fmt: skip
    assert words == {"0": "off", "1": "automatic"}


def test_a_twin_has_its_interface_as_class_and_a_property_for_each_simple_content(interfaces: InterfaceSet) -> None:
    found = instances(interfaces, rooftop())
    owned = {value.value.rpartition(":")[2] for s, p, value in found if p == TWIN.hasProperty and s == of("rtu-1")}
    assert (of("rtu-1"), RDF.type, NamedNode(DTMI)) in found
    assert owned == {
        "supplyAirTemperature", "supplyAirTemperatureSetpoint", "operatingMode", "fanRunning", "serialNumber",
    }  # fmt: skip


def test_a_property_carries_all_that_the_server_needs_of_it(interfaces: InterfaceSet) -> None:
    found = instances(interfaces, rooftop())
    setpoint = of("rtu-1", "supplyAirTemperatureSetpoint")
    assert {
        (setpoint, RDF.type, NamedNode(CONTENT.format("supplyAirTemperatureSetpoint"))),
        (setpoint, QUDT.hasQuantityKind, QUANTITYKIND.Temperature),
        (setpoint, QUDT.hasUnit, UNIT.DEG_C),
        (setpoint, TWIN.role, Literal("supply_air_temperature_setpoint")),
        (setpoint, TWIN.valueKind, Literal("number")),
        (setpoint, TWIN.writable, Literal(True)),
        (setpoint, TWIN.minimum, Literal(12.0)),
        (setpoint, TWIN.maximum, Literal(22.5)),
    } <= found


def test_states_booleans_and_texts_say_their_kind_and_are_dimensionless(interfaces: InterfaceSet) -> None:
    found = instances(interfaces, rooftop())
    kinds = {"operatingMode": "state", "fanRunning": "boolean", "serialNumber": "text"}
    for name, kind in kinds.items():
        assert (of("rtu-1", name), TWIN.valueKind, Literal(kind)) in found
        assert (of("rtu-1", name), QUDT.hasUnit, UNIT.UNITLESS) in found
    states = NamedNode("urn:twin:office:dtmi:com:example:RooftopUnit:_contents:__operatingMode:_schema;1")
    assert (of("rtu-1", "operatingMode"), TWIN.states, states) in found


def test_a_component_becomes_a_part_with_properties_of_its_own(interfaces: InterfaceSet) -> None:
    found = instances(interfaces, rooftop())
    assert (of("rtu-1"), BRICK.hasPart, of("rtu-1", "filter")) in found
    assert (of("rtu-1", "filter"), RDF.type, NamedNode("dtmi:com:example:Filter;1")) in found
    assert (of("rtu-1", "filter", "drop"), QUDT.hasUnit, UNIT.PA) in found


def test_known_relations_get_their_meaning_and_others_keep_their_identifier(interfaces: InterfaceSet) -> None:
    second = rooftop(**{"$dtId": "rtu-2"})
    edges = [
        {"$sourceId": "rtu-1", "$relationshipName": name, "$targetId": "rtu-2", "$relationshipId": name}
        for name in ("feeds", "servicedBy")
    ]
    found = instances(interfaces, rooftop(), second, relationships=edges)
    assert (of("rtu-1"), BRICK.feeds, of("rtu-2")) in found
    assert (of("rtu-1"), NamedNode(CONTENT.format("servicedBy")), of("rtu-2")) in found


def test_one_twin_object_alone_is_a_document(interfaces: InterfaceSet) -> None:
    quads = list(twin_quads(interfaces, rooftop(), "office"))
    assert {quad.graph_name for quad in quads} == {site_graph("office")}
    assert len(quads) == len(set(quads))


def test_an_identifier_that_is_no_iri_is_escaped(interfaces: InterfaceSet) -> None:
    found = triples(twin_quads(interfaces, rooftop(**{"$dtId": "roof 1"}), "office"))
    assert (NamedNode("urn:twin:office:roof%201"), RDFS.label, Literal("roof 1")) in found


@pytest.mark.parametrize(("twin", "rule"), [
    ({"$metadata": {"$model": DTMI}}, "instance.empty"),
    ({"$dtId": "x"}, "instance.model"),
    ({"$dtId": "x", "$metadata": {"$model": "dtmi:com:example:Gone;1"}}, "instance.model"),
    ({"$dtId": "x", "$metadata": {"$model": DTMI}, "colour": 1}, "instance.member"),
    (
        {"$dtId": "x", "$metadata": {"$model": DTMI, "supplyAirTemperature": {"minimum": "low"}}},
        "instance.range",
    ),
])  # fmt: skip
def test_a_wrong_twin_is_refused_before_the_first_quad(interfaces: InterfaceSet, twin: Any, rule: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        next(twin_quads(interfaces, twin, "office"))
    assert [problem["rule"] for problem in raised.value.details["problems"]] == [rule]


@pytest.mark.parametrize("edge", [
    {"$sourceId": "rtu-1", "$relationshipName": "heats", "$targetId": "room"},
    {"$sourceId": "nobody", "$relationshipName": "feeds", "$targetId": "room"},
    {"$sourceId": "rtu-1", "$relationshipName": "feeds"},
])  # fmt: skip
def test_a_wrong_relationship_is_refused(interfaces: InterfaceSet, edge: Any) -> None:
    with pytest.raises(InvalidInput):
        instances(interfaces, rooftop(), relationships=[edge])
