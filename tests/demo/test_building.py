"""Harbour Office as it is written down, and as its devices serve it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from pyoxigraph import NamedNode, RdfFormat, Store, parse

from connectors.simulator.physics import Office
from connectors.simulator.readings import LIMITS, NAMES, OPERATING_MODES, RUN_STATES
from connectors.simulator.vendor_a import VendorA
from connectors.simulator.vendor_b import VendorB
from connectors.simulator.writes import Writes
from tests.connectors.simulator.clients import MqttClient, eventually
from tests.graph.building import Building
from twin.contracts import Delta
from twin.demo import building
from twin.graph.storable import skolemised
from twin.graph.validation.gate import Gate, our_shapes
from twin.terms import Quad, read_file
from twin.units import conversion, unit
from twin.vocab import BRICK, OWL, QUDT, RDF, RDFS, S4BLDG, SAREF, TWIN, bindings_graph, site_graph
from twin.vocabularies import dtdl
from twin.vocabularies.brick import brick_file

OFFICE = "urn:twin:office:"
PREFIXES = f"""
PREFIX brick: <{BRICK}> PREFIX rec: <https://w3id.org/rec#> PREFIX saref: <{SAREF}> PREFIX s4bldg: <{S4BLDG}>
PREFIX rdfs: <{RDFS}> PREFIX qudt: <{QUDT}> PREFIX twin: <{TWIN}> PREFIX owl: <{OWL}> PREFIX : <{OFFICE}>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
"""
WORDS = {"operating": OPERATING_MODES, "run": RUN_STATES}


def model() -> list[Quad]:
    """The building as quads, read as an import would."""
    office, wing, interface, twins = building.model_files()
    graph = site_graph("office")
    known = dtdl.read_interfaces([interface.read_text()])
    return [
        *read_file(office, graph),
        *read_file(wing, graph),
        *dtdl.interface_quads(known),
        *dtdl.twin_quads(known, twins.read_text(), "office"),
    ]


def wiring(mqtt: str = "mqtt://127.0.0.1:1883", opcua: str = "opc.tcp://127.0.0.1:4840/twin/") -> list[Quad]:
    graph = bindings_graph("office")
    triples = parse(building.bindings(mqtt, opcua), format=RdfFormat.TURTLE)
    return [Quad(each.subject, each.predicate, each.object, graph) for each in triples]


@pytest.fixture(scope="module")
def store() -> Store:
    """The building, its wiring, and Brick."""
    store = Store()
    store.bulk_load(path=str(brick_file()), format=RdfFormat.TURTLE)
    store.extend(Quad(each.subject, each.predicate, each.object) for each in (*model(), *wiring()))
    return store


def rows(store: Store, text: str) -> list[tuple[str, ...]]:
    found: Any = store.query(PREFIXES + text)
    return [tuple("" if cell is None else cell.value for cell in row) for row in found]


def column(store: Store, text: str) -> list[str]:
    return [row[0] for row in rows(store, text)]


PROPERTIES = """{ ?owner brick:hasPoint ?property } UNION { ?owner saref:hasProperty ?property }
                UNION { ?owner twin:hasProperty ?property }"""


def test_it_has_the_equipment_and_rooms_of_a_two_storey_office(store: Store) -> None:
    def count(name: str) -> int:
        pattern = f"?twin a/rdfs:subClassOf* {name} . FILTER(STRSTARTS(STR(?twin), STR(:)))"
        return len(column(store, f"SELECT DISTINCT ?twin WHERE {{ {pattern} }}"))

    assert count("rec:Level") == 3  # two storeys and the roof
    assert count("rec:Room") == 14
    assert count("s4bldg:BuildingSpace") == 5  # the east wing and its rooms
    assert count("brick:Air_Handling_Unit") == 3  # the rooftop unit of the east wing is one, too
    assert count("brick:Variable_Air_Volume_Box_With_Reheat") == 12
    assert count("brick:Chiller") == count("brick:Boiler") == 1
    assert count("brick:Meter") == 3


def test_it_has_about_150_properties_each_with_one_owner_kind_and_unit(store: Store) -> None:
    said = f"{PROPERTIES} ?property qudt:hasQuantityKind ?kind ; qudt:hasUnit ?unit"
    found = rows(store, f"SELECT ?property ?owner ?kind ?unit WHERE {{ {said} }}")
    assert Counter(row[0] for row in found).most_common(1)[0][1] == 1
    assert {row[0].removeprefix(OFFICE) for row in found} == {*NAMES, "rtu-1:displayName"}
    assert 150 <= len(found) <= 180


def test_it_uses_brick_as_it_is_now(store: Store) -> None:
    vocabularies = (str(BRICK), "https://w3id.org/rec#")
    used = {
        name
        for name in column(
            store, "SELECT DISTINCT ?class WHERE { ?twin a ?class FILTER(STRSTARTS(STR(?twin), STR(:))) }"
        )
        if name.startswith(vocabularies)
    }
    assert len(used) > 30
    for name in used:
        assert store.query(f"{PREFIXES} ASK {{ <{name}> rdfs:subClassOf ?parent }}"), name
        assert not store.query(f"{PREFIXES} ASK {{ <{name}> owl:deprecated true }}"), name


def test_its_quantity_kinds_agree_with_those_of_their_classes(store: Store) -> None:
    stated = "?owner brick:hasPoint ?property . ?property qudt:hasQuantityKind ?kind"
    for name, kind in rows(store, f"SELECT ?property ?kind WHERE {{ {stated} }}"):
        pattern = f"<{name}> a ?class . ?class qudt:hasQuantityKind|brick:hasQuantity ?kind"
        said = column(store, f"SELECT ?kind WHERE {{ {pattern} }}")
        assert not said or kind in said, name


def test_its_places_are_a_tree_under_the_building(store: Store) -> None:
    in_place = "brick:isPartOf|brick:hasLocation|s4bldg:isSpaceOf|s4bldg:isContainedIn|twin:isLocatedIn"
    parents = rows(store, f"SELECT ?child ?parent WHERE {{ ?child {in_place} ?parent }}")
    place = dict(parents)
    assert len(place) == len(parents)
    twins = set(column(store, """SELECT DISTINCT ?twin WHERE { ?twin a ?class ; rdfs:label ?name
        FILTER(STRSTARTS(STR(?twin), STR(:))) FILTER NOT EXISTS { ?twin qudt:hasUnit ?unit }
        FILTER NOT EXISTS { ?twin a twin:StateSet } FILTER NOT EXISTS { ?twin a twin:Connection } }"""))  # fmt: skip
    for twin in twins:
        path = [twin]
        while path[-1] in place:
            path.append(place[path[-1]])
            assert len(path) < 10
        assert path[-1] == f"{OFFICE}building", twin


def test_its_devices_take_what_its_ranges_allow(store: Store) -> None:
    found = rows(store, """SELECT ?property ?low ?high ?kind WHERE { ?property twin:writable true
        OPTIONAL { ?property twin:minimum ?low ; twin:maximum ?high }
        OPTIONAL { ?property twin:valueKind ?kind } }""")  # fmt: skip
    assert {row[0].removeprefix(OFFICE) for row in found} == set(LIMITS)
    for name, low, high, kind in found:
        if kind in ("", "number"):
            assert (float(low), float(high)) == LIMITS[name.removeprefix(OFFICE)], name


def test_its_dtdl_is_without_a_problem() -> None:
    assert dtdl.check(building.model_files()[2].read_text()) == []


def test_its_saref_terms_are_saref_terms(store: Store) -> None:
    folder = Path(__file__).parents[3] / "shared" / "data" / "saref"
    if not folder.is_dir():
        pytest.skip("the reference files of SAREF are not here")
    upstream = Store()
    for path in folder.glob("*.ttl"):
        upstream.bulk_load(path=str(path), format=RdfFormat.TURTLE)
    defined = {
        quad.subject.value
        for quad in upstream.quads_for_pattern(None, RDF.type, None)
        if isinstance(quad.subject, NamedNode)
    }
    used = {
        term.value
        for quad in read_file(building.model_files()[1])
        for term in (quad.predicate, quad.object)
        if isinstance(term, NamedNode)
    }
    terms = {term for term in used if term.startswith((str(SAREF), str(S4BLDG)))}
    assert len(terms) > 10
    assert terms <= defined


def test_it_conforms_to_our_shapes() -> None:
    """Also when it moves into a server step by step: first the model, then the wiring."""
    core = Building()
    judgement = Gate(our_shapes()).judge(core.store, skolemised(Delta(added=(*model(), *wiring()))))
    assert [(each.focus, each.rule, each.value) for each in judgement.added] == []


def test_every_property_is_bound_once_at_the_endpoints_given() -> None:
    quads = wiring("mqtt://127.0.0.1:4711", "opc.tcp://127.0.0.1:4712/twin/")
    bound = Counter(quad.object.value for quad in quads if quad.predicate == TWIN.binds)
    assert set(bound.values()) == {1}
    assert {name.removeprefix(OFFICE) for name in bound} == {*NAMES, "rtu-1:displayName"}
    assert sorted(quad.object.value for quad in quads if quad.predicate == TWIN.endpoint) == [
        "mqtt://127.0.0.1:4711", "opc.tcp://127.0.0.1:4712/twin/",
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wire:
    """A binding, decoded and encoded as its text says and no cleverer."""

    property: str
    connection: str
    address: str
    write_address: str
    path: str
    write_path: str
    scale: float
    offset: float
    words: dict[str, str]

    def decode(self, raw: Any) -> float:
        if self.words:
            word = self.words[str(raw).lower() if isinstance(raw, bool) else str(raw)]
            return float(next(words.index(word) for words in (*WORDS.values(), ("false", "true")) if word in words))
        return float(raw) * self.scale + self.offset

    def encode(self, value: float) -> Any:
        if self.words:
            states = ("false", "true") if "true" in self.words.values() else OPERATING_MODES
            return next(code for code, word in self.words.items() if word == states[round(value)])
        return (value - self.offset) / self.scale


def wires(store: Store) -> list[Wire]:
    """The bindings of the store, with the conversion from what is sent to the property's unit."""
    found = rows(store, """SELECT ?property ?connection ?address ?writeAddress ?path ?writePath ?from ?to ?scale WHERE {
        ?binding twin:binds ?property ; twin:connection ?connection ; twin:address ?address
        OPTIONAL { ?binding twin:writeAddress ?writeAddress } OPTIONAL { ?binding twin:path ?path }
        OPTIONAL { ?binding twin:writePath ?writePath } OPTIONAL { ?binding twin:scale ?scale }
        OPTIONAL { ?binding twin:sourceUnit ?from } OPTIONAL { ?property qudt:hasUnit ?to } }""")  # fmt: skip
    result = []
    for name, connection, address, write_address, path, write_path, source, target, scale in found:
        words = dict(rows(store, f"""SELECT ?code ?word WHERE {{ ?binding twin:binds <{name}> ; twin:stateEntry ?entry .
            ?entry twin:code ?code ; twin:word ?word }}"""))  # fmt: skip
        factor, shift = conversion(unit(source), unit(target)) if source else (1.0, 0.0)
        result.append(
            Wire(
                name.removeprefix(OFFICE), connection.rpartition(":")[2], address, write_address, path, write_path,
                float(scale or 1) * factor, shift, words,
            )
        )  # fmt: skip
    return result


@dataclass(frozen=True, slots=True)
class Plant:
    """The office and clients of both its vendors."""

    office: Office
    a: VendorA
    b: VendorB
    mqtt: MqttClient
    opcua: Client

    async def read(self, wire: Wire) -> Any:
        """The raw value at a binding's address."""
        if wire.connection == "vendor-b":
            return await self.opcua.get_node(wire.address).read_value()
        value = self.mqtt.last[wire.address]
        for step in wire.path.split("."):
            value = value[step]
        return value

    async def write(self, wire: Wire, raw: Any) -> None:
        """Sends a raw value to a binding's write address."""
        if wire.connection == "vendor-a":
            assert wire.write_path == "v"
            before = len(self.mqtt.received)
            self.mqtt.send(wire.write_address, json.dumps({wire.write_path: raw}))
            await eventually(lambda: len(self.mqtt.received) > before)
            return
        node = self.opcua.get_node(wire.write_address)
        held = await node.read_value()
        await node.write_value(type(held)(json.loads(raw) if isinstance(raw, str) else raw), await _type(node))


async def _type(node: Any) -> ua.VariantType:
    kind: ua.VariantType = await node.read_data_type_as_variant_type()
    return kind


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    office, writes = Office(1), Writes()
    a, b = VendorA(office, writes), VendorB(office, writes)
    await asyncio.gather(a.start(), b.start())
    async with MqttClient(a.endpoint) as mqtt, Client(b.endpoint) as opcua:
        office.step(60)
        await a.publish()
        await b.refresh()
        await eventually(lambda: len(mqtt.last) == 8)
        yield Plant(office, a, b, mqtt, opcua)
    await a.stop()
    await b.stop()


async def test_every_bound_address_is_served_and_means_what_its_binding_says(store: Store, plant: Plant) -> None:
    signals = plant.office.signals()
    for wire in wires(store):
        raw = await plant.read(wire)
        if wire.property == "rtu-1:displayName":
            assert raw == "Rooftop unit 1"
        else:
            assert wire.decode(raw) == pytest.approx(signals[wire.property], rel=1e-3, abs=0.01), wire.property


async def test_every_writable_property_is_set_through_its_binding(store: Store, plant: Plant) -> None:
    written = [wire for wire in wires(store) if wire.write_address]
    assert {wire.property for wire in written} == set(LIMITS)
    for wire in written:
        low, high = LIMITS[wire.property]
        target = high if plant.office.setting(wire.property) != high else low
        await plant.write(wire, wire.encode(target))
        assert plant.office.setting(wire.property) == pytest.approx(target, abs=1e-3), wire.property
        if wire.property.startswith("bench:"):
            plant.office.command(wire.property, 0)


async def test_the_swap_gives_every_property_of_ahu_1_the_same_meaning_at_vendor_b(store: Store, plant: Plant) -> None:
    now = {wire.property: wire for wire in wires(store) if wire.property.startswith("ahu-1:")}
    swaps = {swap["property"].removeprefix(OFFICE): swap["to"] for swap in building.swap_ahu_1()}
    assert set(swaps) == set(now)
    for name, to in swaps.items():
        target = column(store, f"SELECT ?unit WHERE {{ <{OFFICE}{name}> qudt:hasUnit ?unit }}")[0]
        factor, shift = conversion(unit(to.get("sourceUnit", target)), unit(target))
        wire = Wire(
            name, to["connection"].rpartition(":")[2], to["address"], to.get("writeAddress", ""), "", "",
            to.get("scale", 1.0) * factor, shift, {each["code"]: each["word"] for each in to.get("states", [])},
        )  # fmt: skip
        assert wire.connection == "vendor-b"
        assert bool(wire.write_address) == bool(now[name].write_address), name
        assert set(wire.words.values()) == set(now[name].words.values()), name
        before, after = now[name].decode(await plant.read(now[name])), wire.decode(await plant.read(wire))
        assert after == pytest.approx(before, rel=1e-3, abs=0.01), name


def test_its_names_are_for_people(store: Store) -> None:
    named = dict(
        rows(store, "SELECT ?twin ?name WHERE { ?twin rdfs:label ?name FILTER(STRSTARTS(STR(?twin), STR(:))) }")
    )
    assert named[f"{OFFICE}building"] == "Harbour Office"
    assert named[f"{OFFICE}rtu-1"] == "Rooftop unit 1"
    assert named[f"{OFFICE}room-1-04"] == "Room 1.04"
    assert named[f"{OFFICE}ahu-1:supply-air-temperature"] == "Supply air temperature"
    for name in NAMES:
        assert named[OFFICE + name][0].isupper(), name
