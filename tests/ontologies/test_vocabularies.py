"""Our vocabulary files fit together and fit Brick."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from twin import units
from twin.data import data_directory
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.overlay import MemoryQuads
from twin.terms import Literal, NamedNode, Quad, read_file
from twin.vocab import BRICK, OWL, QUDT, RDF, RDFS, TWIN, vocabulary_graph
from twin.vocabularies.brick import brick_facts


@pytest.fixture(scope="module")
def brick() -> list[Quad]:
    return list(brick_facts())


@pytest.fixture(scope="module")
def crosswalk() -> list[Quad]:
    return list(read_file(data_directory("ontologies") / "crosswalk.ttl", vocabulary_graph("crosswalk")))


def test_every_class_with_a_role_is_a_class_of_brick(brick: list[Quad], crosswalk: list[Quad]) -> None:
    classes = {quad.subject for quad in brick if quad.predicate == RDF.type and quad.object == OWL.Class}
    assert {quad.object for quad in crosswalk if quad.predicate == TWIN.roleClass} <= classes


def test_every_role_is_one_snake_case_word_and_no_class_has_two(crosswalk: list[Quad]) -> None:
    words = {quad.subject: quad.object.value for quad in crosswalk if quad.predicate == TWIN.word}
    named = [quad.object for quad in crosswalk if quad.predicate == TWIN.roleClass]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", word) for word in words.values())
    assert len(set(words.values())) == len(words)
    assert len(set(named)) == len(named)


@pytest.mark.parametrize(
    ("cls", "role"),
    [
        ("Discharge_Air_Temperature_Sensor", "supply_air_temperature"),
        ("Supply_Air_Temperature_Sensor", "supply_air_temperature"),
        ("Leaving_Chilled_Water_Temperature_Sensor", "chilled_water_supply_temperature"),
        ("Target_Zone_Air_Temperature_Setpoint", "zone_air_temperature_setpoint"),
        ("Warmest_Zone_Air_Temperature_Sensor", "warmest_zone_air_temperature"),
        ("Cooling_Discharge_Air_Flow_Setpoint", "cooling_supply_air_flow_setpoint"),
        ("Low_Battery_Alarm", "low_battery_alarm"),
    ],
)
def test_the_role_of_a_class_is_its_function(cls: str, role: str, brick: list[Quad], crosswalk: list[Quad]) -> None:
    view = MemoryQuads([*brick, *crosswalk])
    assert Derivation(view, Hierarchy(view)).role([BRICK[cls]]) == role


def test_every_quantity_kind_of_a_brick_class_is_known(brick: list[Quad]) -> None:
    used = {
        quad.object.value
        for quad in brick
        if quad.predicate in (QUDT.hasQuantityKind, BRICK.hasQuantity) and isinstance(quad.object, NamedNode)
    }
    assert used - set(units.quantity_kinds()) == set()


def test_every_brick_class_has_at_most_one_narrowest_quantity_kind_with_a_unit(brick: list[Quad]) -> None:
    kinds: dict[str, set[str]] = {}
    for quad in brick:
        if quad.predicate in (QUDT.hasQuantityKind, BRICK.hasQuantity) and isinstance(quad.subject, NamedNode):
            kinds.setdefault(quad.subject.value, set()).add(quad.object.value)
    several = {cls: units.narrowest(named) for cls, named in kinds.items() if len(units.narrowest(named)) > 1}
    assert several == {}


def test_every_term_of_ours_that_the_code_names_is_declared() -> None:
    declared = {
        quad.subject.value.removeprefix(str(TWIN))
        for quad in read_file(data_directory("ontologies") / "twin.ttl")
        if quad.predicate == RDF.type and isinstance(quad.subject, NamedNode)
    }
    package = Path(__file__).parents[2] / "twin"
    named = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r'\bTWIN(?:\.|\[")([A-Za-z]+)', path.read_text("utf-8"))
    }
    assert named - declared == set()


def test_every_declared_term_has_a_label() -> None:
    quads = list(read_file(data_directory("ontologies") / "twin.ttl"))
    declared = {quad.subject for quad in quads if quad.predicate == RDF.type}
    labelled = {quad.subject for quad in quads if quad.predicate == RDFS.label and isinstance(quad.object, Literal)}
    assert declared - labelled == set()
