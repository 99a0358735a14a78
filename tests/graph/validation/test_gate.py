"""The gate judges a change by the violations it adds, from the neighbourhood of what it touches."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pyshacl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyshacl.errors import ReportableRuntimeError
from rdflib import Graph
from rdflib.namespace import RDF as RDFLIB_RDF
from rdflib.namespace import SH as RDFLIB_SH

from tests.shapes.graphs import SITE, MemoryGraph, fixture, gate, turtle, with_vocabularies
from twin.contracts import Delta, Revision
from twin.errors import DeadlineExceeded
from twin.graph.validation.engine import Engine, shape_iris
from twin.graph.validation.facts import Facts
from twin.graph.validation.full import validate
from twin.graph.validation.gate import Gate, Violation, our_shapes
from twin.graph.validation.neighbourhood import neighbourhood
from twin.terms import Literal, NamedNode, Quad, n_quads, read_file
from twin.vocab import (
    BRICK,
    OWL,
    QUANTITYKIND,
    QUDT,
    RDF,
    RDFS,
    TWIN,
    UNIT,
    XSD,
    Namespace,
    bindings_graph,
    inferred_graph,
    shapes_graph,
    vocabulary_graph,
)
from twin.vocabularies.brick import brick_file

EX = Namespace("urn:twin:t:")
FIXTURES = Path(__file__).parents[2] / "shapes" / "fixtures"

BUILDING = """
ex:building a brick:Building .
ex:floor a brick:Floor ; brick:isPartOf ex:building .
ex:room a brick:Room ; brick:isPartOf ex:floor .
ex:ahu a brick:Air_Handling_Unit ; brick:hasLocation ex:floor ; brick:feeds ex:vav ; brick:hasPoint ex:sat , ex:fan .
ex:vav a brick:Variable_Air_Volume_Box ; brick:hasLocation ex:room ; brick:hasPoint ex:sp .
ex:sat a brick:Supply_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C .
ex:fan a brick:Fan_On_Off_Status ; qudt:hasQuantityKind quantitykind:Dimensionless ; qudt:hasUnit unit:UNITLESS ;
  twin:valueKind "state" ; twin:states ex:on-off .
ex:on-off a twin:StateSet ; twin:state ex:off , ex:on .
ex:off twin:index 0 ; twin:word "off" .
ex:on twin:index 1 ; twin:word "on" .
ex:sp a brick:Supply_Air_Temperature_Setpoint ; qudt:hasUnit unit:DEG_C ; twin:writable true ;
  twin:minimum 10 ; twin:maximum 30 .
ex:vendor a twin:Connection ; twin:protocol "mqtt" ; twin:endpoint "mqtt://127.0.0.1:1883" .
ex:sat-b a twin:Binding ; twin:binds ex:sat ; twin:connection ex:vendor ; twin:address "ahu/status" ;
  twin:sourceUnit unit:DEG_F .
ex:fan-b a twin:Binding ; twin:binds ex:fan ; twin:connection ex:vendor ; twin:address "ahu/status" ;
  twin:stateEntry ex:run , ex:stop .
ex:run twin:code "RUN" ; twin:word "on" .
ex:stop twin:code "STOP" ; twin:word "off" .
ex:sp-b a twin:Binding ; twin:binds ex:sp ; twin:connection ex:vendor ; twin:address "vav/status" ;
  twin:writeAddress "vav/set" .
ex:anomaly a twin:Capability ; rdfs:label "Anomaly" ; twin:appliesTo brick:AHU ; twin:input ex:input .
ex:input twin:role "supply_air_temperature" ; qudt:hasUnit unit:DEG_C .
ex:ahu twin:hasProperty ex:score .
ex:score a twin:Score ; twin:ofCapability ex:anomaly ; qudt:hasUnit unit:UNITLESS .
"""


def quad(subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal, graph: NamedNode = SITE) -> Quad:
    return Quad(subject, predicate, value, graph)


def rules(violations: Iterable[Violation]) -> set[tuple[str, str]]:
    """Which node breaks which rule."""
    return {(v.focus.removeprefix(str(EX)), v.shape.removeprefix("urn:twin:shapes:")) for v in violations}


@pytest.fixture
def office() -> MemoryGraph:
    return with_vocabularies(turtle(BUILDING))


def test_a_whole_building_that_keeps_the_rules_is_accepted() -> None:
    assert gate().judge(with_vocabularies(), Delta(added=turtle(BUILDING))).added == ()


def test_a_change_that_breaks_nothing_adds_nothing_beside_old_violations() -> None:
    broken = with_vocabularies(turtle(BUILDING + "ex:other a brick:AHU ; brick:hasPoint ex:sat ."))
    judgement = gate().judge(broken, Delta(added=(quad(EX.sat, RDFS.label, Literal("Supply")),)))
    assert judgement.added == judgement.resolved == ()


def test_a_removal_is_judged_like_an_addition(office: MemoryGraph) -> None:
    judgement = gate().judge(office, Delta(removed=(quad(EX.sat, QUDT.hasUnit, UNIT.DEG_C),)))
    assert rules(judgement.added) == {("sat", "property#one-unit"), ("ahu", "capability#inputs-present")}
    assert {violation.found for violation in judgement.added if violation.focus == EX.sat.value} == {"nothing"}


@pytest.mark.parametrize(
    ("removed", "broken"),
    [
        (quad(EX.vendor, RDF.type, TWIN.Connection), {(b, "binding#connection") for b in ("sat-b", "fan-b", "sp-b")}),
        (quad(EX.room, RDF.type, BRICK.Room), {("vav", "location#place-exists")}),
        (quad(EX.vav, RDF.type, BRICK.Variable_Air_Volume_Box),
         {("sp", "property#owner-exists"), ("vav", "flow#sink")}),
        (quad(EX.off, TWIN.word, Literal("off")), {("off", "state#word"), ("fan-b", "binding#every-word-is-a-state")}),
        (quad(EX.run, TWIN.word, Literal("on")),
         {("run", "binding#state-entry"), ("fan-b", "binding#every-state-has-a-code")}),
        (quad(EX.off, TWIN["index"], Literal(0)), {("off", "state#index"), ("on-off", "state#no-gaps")}),
        (quad(EX.ahu, BRICK.hasPoint, EX.sat), {("sat", "property#one-owner"), ("ahu", "capability#inputs-present")}),
    ],
)  # fmt: skip
def test_what_a_change_breaks_elsewhere_is_found(
    removed: Quad, broken: set[tuple[str, str]], office: MemoryGraph
) -> None:
    assert rules(gate().judge(office, Delta(removed=(removed,))).added) == broken


def test_both_writers_of_one_address_are_told(office: MemoryGraph) -> None:
    wires = turtle(
        """ex:vav brick:hasPoint ex:sp2 .
        ex:sp2 a brick:Zone_Air_Temperature_Setpoint ; qudt:hasUnit unit:DEG_C ; twin:writable true ;
          twin:minimum 1 ; twin:maximum 2 .
        ex:sp2-b a twin:Binding ; twin:binds ex:sp2 ; twin:connection ex:vendor ; twin:address "x" ;
          twin:writeAddress "vav/set" ."""
    )
    assert rules(gate().judge(office, Delta(added=wires)).added) == {
        ("sp-b", "binding#one-writer"),
        ("sp2-b", "binding#one-writer"),
    }


def test_a_property_that_becomes_writable_makes_its_address_a_writer() -> None:
    graph = with_vocabularies(
        turtle(
            BUILDING.replace('"mqtt"', '"opcua"').replace('twin:address "', 'twin:address "s=')
            .replace('twin:writeAddress "', 'twin:writeAddress "s=').replace('"s=vav/set"', '"s=ahu/status"')
        )
    )  # fmt: skip
    change = Delta(
        added=(
            quad(EX.sat, TWIN.writable, Literal(True)),
            quad(EX.sat, TWIN.minimum, Literal(1)),
            quad(EX.sat, TWIN.maximum, Literal(2)),
        )
    )
    assert rules(gate().judge(graph, change).added) == {
        ("sat-b", "binding#one-writer"),
        ("sp-b", "binding#one-writer"),
    }


def test_every_member_of_a_new_circle_of_places_is_told(office: MemoryGraph) -> None:
    judgement = gate().judge(office, Delta(added=(quad(EX.building, BRICK.isPartOf, EX.room),)))
    circle = {(node, "location#no-cycle") for node in ("building", "floor", "room")}
    assert rules(judgement.added) == circle


def test_a_change_of_protocol_is_judged_on_the_addresses(office: MemoryGraph) -> None:
    change = Delta(
        removed=(quad(EX.vendor, TWIN.protocol, Literal("mqtt")),),
        added=(quad(EX.vendor, TWIN.protocol, Literal("opcua")),),
    )
    assert rules(gate().judge(office, change).added) == {
        (b, "binding#opcua-address") for b in ("sat-b", "fan-b", "sp-b")
    }


def test_a_swap_in_one_change_is_accepted(office: MemoryGraph) -> None:
    change = Delta(
        removed=(
            quad(EX["sat-b"], TWIN.address, Literal("ahu/status")),
            quad(EX["sat-b"], TWIN.sourceUnit, UNIT.DEG_F),
        ),
        added=(quad(EX["sat-b"], TWIN.address, Literal("b/ahu")), quad(EX["sat-b"], TWIN.sourceUnit, UNIT.K)),
    )
    assert gate().judge(office, change).added == ()


def test_an_edit_of_the_class_tree_is_judged_on_the_individuals(office: MemoryGraph) -> None:
    tree = vocabulary_graph("brick")
    sensor = BRICK.Supply_Air_Temperature_Sensor
    cut = tuple(
        q
        for predicate in (QUDT.hasQuantityKind, BRICK.hasQuantity, RDFS.subClassOf)
        for q in office.quads(sensor, predicate, None, tree)
    ) + tuple(office.quads(sensor, OWL.equivalentClass, None, tree))
    cut += tuple(office.quads(None, OWL.equivalentClass, sensor, tree))
    assert rules(gate().judge(office, Delta(removed=cut)).added) == {("sat", "property#one-quantity-kind")}


def test_without_the_class_hierarchy_nothing_passes_unseen() -> None:
    judgement = gate().judge(MemoryGraph(), Delta(added=turtle(BUILDING)))
    unknown = {focus for focus, rule in rules(judgement.added) if rule == "twin#known-class"}
    assert unknown == {"building", "floor", "room", "ahu", "vav", "sat", "fan", "sp"}


def test_a_property_is_one_without_the_derived_triples_and_with_them() -> None:
    stated = turtle("ex:ahu a brick:AHU . ex:sat a brick:Supply_Air_Temperature_Sensor ; brick:isPointOf ex:ahu .")
    derived = (
        Quad(EX.ahu, TWIN.hasProperty, EX.sat, inferred_graph("t")),
        Quad(EX.sat, RDF.type, TWIN.Property, inferred_graph("t")),
        Quad(EX.sat, TWIN.role, Literal("supply_air_temperature"), inferred_graph("t")),
    )
    for quads in (stated, (*stated, *derived)):
        assert rules(gate().judge(with_vocabularies(), Delta(added=quads)).added) == {("sat", "property#one-unit")}


def test_a_sensor_that_nobody_owns_is_told() -> None:
    orphan = turtle("ex:sat a brick:Supply_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C .")
    assert rules(gate().judge(with_vocabularies(), Delta(added=orphan)).added) == {("sat", "property#one-owner")}


def test_saref_is_held_to_the_same_rules() -> None:
    wing = """
    ex:wing a s4bldg:Building ; s4bldg:hasSpace ex:lab .
    ex:lab a s4bldg:BuildingSpace ; s4bldg:contains ex:sensor .
    ex:sensor a saref:TemperatureSensor ; saref:hasProperty ex:t .
    ex:t a saref:Temperature ; twin:role "zone_air_temperature" ; qudt:hasUnit unit:{unit} .
    """
    assert gate().judge(with_vocabularies(), Delta(added=turtle(wing.format(unit="DEG_C")))).added == ()
    wrong = gate().judge(with_vocabularies(), Delta(added=turtle(wing.format(unit="PA")))).added
    assert rules(wrong) == {("t", "property#unit-of-its-kind")}
    split = turtle(wing.format(unit="DEG_C") + "ex:attic a s4bldg:BuildingSpace ; s4bldg:contains ex:sensor .")
    assert rules(gate().judge(with_vocabularies(), Delta(added=split)).added) == {("sensor", "location#one-place")}


def test_numbers_are_compared_as_the_store_spells_them(office: MemoryGraph) -> None:
    stated = quad(EX.sp, TWIN.minimum, Literal("10.0", datatype=XSD.decimal))
    office.apply(Delta(removed=(quad(EX.sp, TWIN.minimum, Literal(10)),), added=(stated,)))
    judgement = gate().judge(office, Delta(removed=(stated,)))
    assert rules(judgement.added) == {("sp", "property#range")}


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("ex:x a brick:Temprature_Sensor .", f"Did you mean {BRICK.Temperature_Sensor.value}?"),
        ("ex:ahu a brick:AHU ; brick:hasPoint ex:x . ex:x a brick:Temperature_Sensor ; qudt:hasUnit unit:DEG_CC .",
         "Did you mean DEG_C?"),
        ("ex:ahu a brick:AHU ; brick:hasPoint ex:x . ex:x a brick:Temperature_Sensor ; qudt:hasUnit unit:PA .",
         "Units of temperature are DEG_C, DEG_F, K, DEG_R."),
        ("ex:ahu a brick:AHU ; brick:hasPoint ex:x . ex:x a brick:Sensor ; qudt:hasUnit unit:PA ; "
         "qudt:hasQuantityKind quantitykind:Presure .", "Did you mean Pressure?"),
    ],
)  # fmt: skip
def test_the_remedy_names_what_to_write(text: str, remedy: str) -> None:
    added = gate().judge(with_vocabularies(), Delta(added=turtle(text))).added
    assert [violation.remedy for violation in added if violation.remedy.startswith(remedy)]


def test_bindings_in_their_own_graph_are_judged_with_the_properties_they_bind() -> None:
    graph = bindings_graph("t")
    text = """
    ex:c a twin:Connection ; twin:protocol "mqtt" ; twin:endpoint "e" .
    ex:b a twin:Binding ; twin:binds ex:sat ; twin:connection ex:c ; twin:address "a" .
    """
    wires = turtle(text, graph)
    assert rules(gate().judge(with_vocabularies(), Delta(added=wires)).added) == {("b", "binding#property")}


# ---- Against pyshacl's own entry, and against checking everything


def _official(statements: Iterable[tuple[NamedNode, NamedNode, NamedNode | Literal]]) -> set[tuple[str, str]]:
    data, shapes = Graph(), Graph()
    triples = [Quad(subject, predicate, value) for subject, predicate, value in statements]
    data.parse(data=n_quads(triples).decode(), format="nt")
    shapes.parse(data=n_quads(Quad(q.subject, q.predicate, q.object) for q in our_shapes()).decode(), format="nt")
    _conforms, report, _text = pyshacl.validate(data, shacl_graph=shapes)
    root = next(iter(report.subjects(RDFLIB_RDF.type, RDFLIB_SH.ValidationReport)))
    return {
        (str(report.value(result, RDFLIB_SH.focusNode)), str(report.value(result, RDFLIB_SH.sourceShape)))
        for result in report.objects(root, RDFLIB_SH.result)
    }


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.iterdir()))
def test_the_engine_finds_what_pyshacl_finds_by_its_own_entry(name: str) -> None:
    graph = with_vocabularies(fixture(FIXTURES / name, "fail").added)
    nodes = _nodes(graph)
    statements = neighbourhood(Facts(graph), nodes)
    ours = {(violation.focus, violation.shape) for violation in gate().check(statements, nodes)}
    try:
        theirs = _official(statements)
    except ReportableRuntimeError as error:
        pytest.fail(str(error))
    assert ours == {(focus, shape) for focus, shape in theirs if NamedNode(focus) in nodes}


def _nodes(graph: MemoryGraph) -> set[NamedNode]:
    of_site = [q for q in graph if not str(q.graph_name).startswith("<urn:twin:vocabulary:")]
    ends = [q.subject for q in of_site] + [q.object for q in of_site if q.predicate != RDF.type]
    return {end for end in ends if isinstance(end, NamedNode)}


def _all(graph: MemoryGraph, nodes: set[NamedNode]) -> set[tuple[str, ...]]:
    return {v.identity for v in gate().check(neighbourhood(Facts(graph), nodes), nodes)}


_BASE = turtle(BUILDING)
_NODES = sorted({q.subject for q in _BASE if isinstance(q.subject, NamedNode)}, key=str)
_THINGS = [EX.building, EX.floor, EX.room, EX.ahu, EX.vav, EX.sat, EX.fan, EX.sp]
_things = st.sampled_from(_THINGS)
_literals = st.sampled_from([Literal("on"), Literal("off"), Literal("ahu/status"), Literal("vav/set"), Literal("a/#")])
_new = st.one_of(
    st.builds(quad, _things, st.sampled_from([BRICK.hasPoint, TWIN.hasProperty, BRICK.isPointOf]), _things),
    st.builds(quad, _things, st.sampled_from([BRICK.isPartOf, BRICK.hasPart, BRICK.hasLocation]), _things),
    st.builds(quad, _things, st.sampled_from([BRICK.feeds, BRICK.isFedBy]), _things),
    st.builds(
        quad,
        st.sampled_from(_NODES),
        st.just(RDF.type),
        st.sampled_from(
            [BRICK.Room, BRICK.AHU, BRICK.Boiler, BRICK.Temperature_Sensor, TWIN.Connection, BRICK.Nothing]
        ),
    ),
    st.builds(quad, _things, st.just(QUDT.hasUnit), st.sampled_from([UNIT.DEG_C, UNIT.KiloW, UNIT.Nothing])),
    st.builds(quad, _things, st.just(BRICK.hasQuantity), st.sampled_from([QUANTITYKIND.Power, BRICK.Position])),
    st.builds(quad, _things, st.just(TWIN.valueKind), st.sampled_from([Literal("boolean"), Literal("state")])),
    st.builds(quad, _things, st.just(TWIN.writable), st.just(Literal(True))),
    st.builds(quad, _things, st.just(TWIN.minimum), st.sampled_from([Literal(5), Literal(50)])),
    st.builds(quad, st.sampled_from([EX.on, EX.off, EX.run, EX.stop]), st.just(TWIN.word), _literals),
    st.builds(quad, st.sampled_from([EX.on, EX.off]), st.just(TWIN["index"]), st.integers(0, 3).map(Literal)),
    st.builds(
        quad,
        st.sampled_from([EX["sat-b"], EX["sp-b"], EX["fan-b"]]),
        st.sampled_from([TWIN.writeAddress, TWIN.address]),
        _literals,
    ),
    st.builds(quad, st.sampled_from([EX["sat-b"], EX["sp-b"]]), st.just(TWIN.binds), _things),
    st.builds(quad, st.sampled_from([EX["sat-b"], EX["sp-b"]]), st.just(TWIN.stateEntry), st.just(EX.run)),
    st.builds(quad, st.just(EX.vendor), st.just(TWIN.protocol), st.sampled_from([Literal("opcua"), Literal("other")])),
    st.builds(quad, _things, st.just(TWIN.ofCapability), st.just(EX.anomaly)),
    st.builds(quad, st.just(EX.input), st.just(QUDT.hasUnit), st.sampled_from([UNIT.DEG_F, UNIT.PA])),
    st.builds(quad, st.just(EX.input), st.just(TWIN.role), st.sampled_from([Literal("x"), Literal("zone")])),
    st.builds(quad, st.just(EX.anomaly), st.just(TWIN.appliesTo), st.sampled_from([BRICK.Boiler, BRICK.Equipment])),
    st.builds(quad, st.just(EX.anomaly), st.just(TWIN.input), st.just(EX.second)),
    st.builds(quad, st.just(EX.second), st.just(TWIN.role), st.just(Literal("fan_status"))),
    st.builds(quad, _things, st.just(TWIN.states), st.just(EX["on-off"])),
    st.builds(quad, st.just(EX["on-off"]), st.just(TWIN.state), st.sampled_from([EX.run, EX.third])),
    st.builds(quad, _things, st.just(TWIN.role), st.sampled_from([Literal("supply_air_temperature"), Literal("x")])),
    st.builds(
        quad,
        st.sampled_from([BRICK.Room, BRICK.AHU, BRICK.Nothing]),
        st.just(RDFS.subClassOf),
        st.sampled_from([BRICK.Location, BRICK.Point, BRICK.HVAC_Zone]),
        st.just(vocabulary_graph("brick")),
    ),
    st.builds(quad, st.just(BRICK.Nothing), st.just(RDF.type), st.just(OWL.Class), st.just(vocabulary_graph("brick"))),
)
_edits = st.lists(
    st.tuples(st.lists(_new, max_size=3), st.lists(st.integers(0, 10_000), max_size=3)), min_size=1, max_size=4
)


def _judge_script(script: list[tuple[list[Quad], list[int]]]) -> None:
    graph = with_vocabularies(_BASE)
    vocabulary = set(with_vocabularies())  # as the store spells it
    for added, removed in script:
        standing = sorted((q for q in graph if q not in vocabulary), key=str)
        gone = {standing[number % len(standing)] for number in removed}
        delta = Delta(removed=tuple(gone - set(added)), added=tuple(dict.fromkeys(added)))
        judgement = gate().judge(graph, delta)
        nodes = _nodes(graph)
        before = neighbourhood(Facts(graph), nodes)
        graph.apply(delta)
        both = nodes | _nodes(graph)
        found_before = {v.identity for v in gate().check(before, both)}
        found_after = _all(graph, both)
        assert {v.identity for v in judgement.added} == found_after - found_before
        assert {v.identity for v in judgement.resolved} == found_before - found_after


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_edits)
def test_judging_a_change_is_the_difference_of_checking_everything(script: list[tuple[list[Quad], list[int]]]) -> None:
    _judge_script(script)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_edits)
def test_judging_a_change_is_that_difference_for_many_more(script: list[tuple[list[Quad], list[int]]]) -> None:
    _judge_script(script)


def test_a_property_found_through_its_capability_is_still_judged_for_its_own_change() -> None:
    score = quad(EX.sat, TWIN.ofCapability, EX.anomaly)
    graph = with_vocabularies((*_BASE, score))
    added = (quad(EX.building, TWIN.ofCapability, EX.anomaly), quad(EX.sat, TWIN.writable, Literal(True)))
    assert ("sat-b", "binding#mqtt-write-address") in rules(gate().judge(graph, Delta(added=added)).added)


def test_what_is_bound_twice_is_told_though_it_is_no_property(office: MemoryGraph) -> None:
    added = tuple(quad(EX[binding], TWIN.binds, EX.building) for binding in ("sat-b", "sp-b"))
    assert ("building", "property#one-binding") in rules(gate().judge(office, Delta(added=added)).added)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.deferred(lambda: _new), max_size=6), st.data())
def test_what_a_node_breaks_is_decided_by_its_own_neighbourhood(added: list[Quad], data: st.DataObject) -> None:
    graph = with_vocabularies((*_BASE, *added))
    nodes = sorted(_nodes(graph), key=str)
    everything = {v.identity for v in gate().check(neighbourhood(Facts(graph), nodes), nodes)}
    for node in data.draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=6, unique=True)):
        alone = {v.identity for v in gate().check(neighbourhood(Facts(graph), (node,)), (node,))}
        assert alone == {identity for identity in everything if identity[0] == node.value}


def test_a_binding_is_judged_alike_whatever_else_is_looked_at() -> None:
    bare = tuple(q for q in _BASE if q != quad(EX["fan-b"], TWIN.binds, EX.fan))
    graph = with_vocabularies(bare)
    judgement = gate().judge(graph, Delta(removed=(quad(EX["fan-b"], RDF.type, TWIN.Binding),)))
    assert rules(judgement.resolved) == {("fan-b", "binding#property")}


# ---- The users' shapes and the ontology's

SERIAL = turtle(
    """ex:Serial a <http://www.w3.org/ns/shacl#NodeShape> ;
      <http://www.w3.org/ns/shacl#targetSubjectsOf> ex:serial ;
      <http://www.w3.org/ns/shacl#message> "A serial number is given once." ;
      twin:remedy "Look at both." ;
      <http://www.w3.org/ns/shacl#sparql> [ <http://www.w3.org/ns/shacl#select>
        """
    '"SELECT $this ?value WHERE { $this <urn:twin:t:serial> ?value . ?other <urn:twin:t:serial> ?value '
    'FILTER (?other != $this) }" ] .',
    shapes_graph("mine"),
)


def test_shapes_of_a_user_refuse_like_ours_and_name_both_of_a_pair(office: MemoryGraph) -> None:
    office.apply(Delta(added=(*SERIAL, quad(EX.ahu, EX.serial, Literal("1")))))
    added = gate().judge(office, Delta(added=(quad(EX.vav, EX.serial, Literal("1")),))).added
    assert {(each.focus, each.rule, each.value, each.remedy, each.source) for each in added} == {
        (node.value, "A serial number is given once.", "1", "Look at both.", "user") for node in (EX.ahu, EX.vav)
    }


def test_an_import_of_shapes_past_the_gate_is_taken_notice_of(office: MemoryGraph) -> None:
    one = Gate(our_shapes())
    assert one.judge(office, Delta(added=(quad(EX.ahu, EX.serial, Literal("1")),))).added == ()
    office.apply(Delta(added=(*SERIAL, quad(EX.ahu, EX.serial, Literal("1")))))
    one.follow(Revision(1, 0, "test", "import", "", Delta()))
    assert len(one.judge(office, Delta(added=(quad(EX.vav, EX.serial, Literal("1")),))).added) == 2
    assert {each.focus for each in one.by_users(office, "t")} == set()


@pytest.mark.parametrize(("refuses", "severity"), [(False, "warning"), (True, "violation")])
def test_the_ontologys_shapes_report_or_refuse(refuses: bool, severity: str, office: MemoryGraph) -> None:
    with_brick = Gate(our_shapes(), ontology=partial(read_file, brick_file()), ontology_refuses=refuses)
    # Said as hasPoint alone: the shape is about isPointOf.
    text = "ex:meter a brick:Point ; qudt:hasQuantityKind quantitykind:Power ; qudt:hasUnit unit:KiloW . "
    text += "ex:meter brick:hasPoint ex:q . ex:q a brick:Power_Sensor ; qudt:hasUnit unit:KiloW . "
    text += "ex:ahu brick:hasPoint ex:meter ."
    added = with_brick.judge(office, Delta(added=turtle(text))).added
    found = {(each.focus.removeprefix(str(EX)), each.shape, each.severity) for each in added if each.source == "brick"}
    assert ("q", "https://brickschema.org/schema/BrickShape#isPointOfShape", severity) in found


# ---- The full check


def test_the_full_check_of_a_site_finds_what_the_gate_finds() -> None:
    broken = (*_BASE, *turtle("ex:other a brick:AHU ; brick:hasPoint ex:sat . ex:x a brick:Rooom ."))
    seen: list[tuple[int, int]] = []
    found = validate(with_vocabularies(broken), "t", progress=lambda done, of: seen.append((done, of)))
    judged = gate().judge(with_vocabularies(), Delta(added=broken)).added
    assert {v.identity for v in found} == {v.identity for v in judged} != set()
    assert {v.remedy for v in found} == {v.remedy for v in judged}
    assert seen
    assert seen[-1][0] == seen[-1][1]


def test_the_full_check_knows_the_classes_of_the_sites_own_vocabulary() -> None:
    own = turtle("ex:Pod a owl:Class ; rdfs:subClassOf brick:Room .", vocabulary_graph("t"))
    pod = turtle("ex:pod a ex:Pod .")
    assert validate(with_vocabularies((*own, *pod)), "t") == []
    assert rules(validate(with_vocabularies(pod), "t")) == {("pod", "twin#known-class")}


def test_the_full_check_of_a_site_that_is_not_there_finds_nothing() -> None:
    assert validate(with_vocabularies(_BASE), "nowhere") == []


def test_a_full_check_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(DeadlineExceeded, match="longer than"):
        validate(with_vocabularies(_BASE), "t", deadline=0.05)


def test_importing_the_gate_does_not_import_the_engine() -> None:
    code = "import sys, twin.graph.validation.gate; sys.exit(bool({'rdflib', 'pyshacl'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_shape_of_ours_has_a_target() -> None:
    assert len(Engine(our_shapes())) == len(list(shape_iris(our_shapes())))
