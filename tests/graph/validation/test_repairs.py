"""Mechanical repairs: what they change, that they mend what they are for, and where there is none."""

from __future__ import annotations

from functools import partial

import pytest

from tests.shapes.graphs import MemoryGraph, gate, turtle, with_vocabularies
from twin.contracts import Delta
from twin.graph.validation.gate import Gate, Violation, our_shapes
from twin.graph.validation.repairs import repair
from twin.terms import read_file
from twin.vocabularies.brick import brick_file

AHU = "ex:ahu a brick:Air_Handling_Unit . "


def broken(text: str, shape: str = "") -> tuple[MemoryGraph, list[Violation]]:
    """A graph of this text, and what breaks a rule in it."""
    found = gate().judge(with_vocabularies(), Delta(added=turtle(text))).added
    return with_vocabularies(turtle(text)), [each for each in found if shape in each.shape]


@pytest.mark.parametrize(
    ("text", "unit", "why"),
    [
        (AHU + "ex:ahu brick:hasPoint ex:t . ex:t a brick:Supply_Air_Temperature_Sensor .",
         "DEG_C", "it is the usual one"),
        (AHU + "ex:ahu brick:hasPoint ex:t . ex:t a brick:Supply_Air_Temperature_Sensor . ex:b a twin:Binding ; "
         'twin:binds ex:t ; twin:sourceUnit unit:DEG_F ; twin:address "a" .', "DEG_F", "its device reports in it"),
        (AHU + "ex:ahu brick:hasPoint ex:t . ex:t a brick:Point ; qudt:hasQuantityKind quantitykind:Torque .",
         "N-M", "it is the only one"),
    ],
)  # fmt: skip
def test_a_missing_unit_is_stated(text: str, unit: str, why: str) -> None:
    graph, (violation,) = broken(text, "property#one-unit")
    found = repair(graph, violation)
    assert found is not None
    assert f"State the unit {unit} for t: {why}" in found.sentence
    mended = gate().judge(graph, found.delta)
    assert violation.identity in {each.identity for each in mended.resolved}
    assert mended.added == ()


@pytest.mark.parametrize(
    "text",
    [
        AHU + "ex:ahu brick:hasPoint ex:t . ex:t a brick:Damper_Position_Sensor .",  # a number, per cent, per mille?
        AHU + "ex:ahu brick:hasPoint ex:t . ex:t a brick:CO2_Sensor .",  # by volume or by mass?
        AHU + "ex:ahu brick:hasPoint ex:t . ex:t a brick:Temperature_Sensor ; qudt:hasUnit unit:K , unit:DEG_C .",
    ],
)
def test_a_unit_that_nobody_can_tell_has_no_repair(text: str) -> None:
    graph, (violation,) = broken(text, "property#one-unit")
    assert repair(graph, violation) is None


@pytest.mark.parametrize("relation", ["ex:t brick:hasPoint ex:ahu .", "ex:ahu brick:isPointOf ex:t ."])
def test_a_relation_that_runs_the_wrong_way_is_turned_round(relation: str) -> None:
    text = AHU + "ex:t a brick:Supply_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C . " + relation
    graph, found = broken(text)
    assert found
    repairs = {repair(graph, violation) for violation in found} - {None}
    assert len(repairs) == 1
    (turned,) = repairs
    assert turned is not None
    assert turned.sentence.startswith("Turn ")
    mended = gate().judge(graph, turned.delta)
    assert {each.identity for each in mended.resolved} == {each.identity for each in found}
    assert mended.added == ()


def test_a_relation_that_the_rule_is_not_about_is_left_alone() -> None:
    text = (
        AHU + 'ex:ahu rdfs:label "" . ex:t a brick:Temperature_Sensor ; qudt:hasUnit unit:K ; brick:hasPoint ex:ahu .'
    )
    graph, found = broken(text, "twin#label")
    assert [repair(graph, violation) for violation in found] == [None]


def test_a_deprecated_class_is_replaced_by_the_one_its_vocabulary_names() -> None:
    strict = Gate(our_shapes(), ontology=partial(read_file, brick_file()))
    graph = with_vocabularies()
    deprecated = next(
        quad.subject.value
        for quad in graph.quads(None, None, None, None)
        if quad.predicate.value.endswith("#isReplacedBy") and "Brick#" in quad.subject.value and "Sensor" in str(quad)
    )
    delta = Delta(added=turtle(f"{AHU} ex:t a <{deprecated}> ; brick:isPointOf ex:ahu ; qudt:hasUnit unit:DEG_C ."))
    found = [each for each in strict.judge(graph, delta).added if "DeprecationRuleForInstances" in each.shape]
    assert [each.severity for each in found] == ["warning"]
    graph.apply(delta)
    replaced = repair(graph, found[0])
    assert replaced is not None
    assert replaced.sentence.startswith("Replace the deprecated class")
    assert found[0].identity in {each.identity for each in strict.judge(graph, replaced.delta).resolved}
