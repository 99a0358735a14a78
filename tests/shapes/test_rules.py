"""Every rule of ours has data that keeps it and data that breaks it, and breaks nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shapes.graphs import MemoryGraph, fixture, gate, with_vocabularies
from twin.graph.validation.engine import shape_iris
from twin.graph.validation.gate import our_shapes
from twin.terms import Literal, NamedNode
from twin.vocab import SH, TWIN

FIXTURES = Path(__file__).parent / "fixtures"
RULES = {iri.removeprefix("urn:twin:shapes:").replace("#", "-"): iri for iri in shape_iris(our_shapes())}


@pytest.fixture(scope="module")
def vocabularies() -> MemoryGraph:
    return with_vocabularies()


def test_every_rule_has_a_fixture_and_every_fixture_a_rule() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(RULES)


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_building_that_keeps_the_rule_is_accepted(name: str, vocabularies: MemoryGraph) -> None:
    judgement = gate().judge(vocabularies, fixture(FIXTURES / name, "pass"))
    assert [violation.as_mapping() for violation in judgement.added] == []


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_building_that_breaks_the_rule_is_told_so_and_nothing_else(name: str, vocabularies: MemoryGraph) -> None:
    judgement = gate().judge(vocabularies, fixture(FIXTURES / name, "fail"))
    assert {violation.shape for violation in judgement.added} == {RULES[name]}


@pytest.mark.parametrize("name", sorted(RULES))
def test_taking_the_broken_building_away_resolves_the_violation(name: str, vocabularies: MemoryGraph) -> None:
    broken = fixture(FIXTURES / name, "fail")
    added = gate().judge(vocabularies, broken).added
    vocabularies.apply(broken)
    try:
        resolved = gate().judge(vocabularies, broken.inverse())
    finally:
        vocabularies.apply(broken.inverse())
    assert {v.identity for v in resolved.resolved} == {v.identity for v in added}
    assert resolved.added == ()


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_report_names_the_twin_the_rule_the_value_and_what_to_do(name: str, vocabularies: MemoryGraph) -> None:
    for violation in gate().judge(vocabularies, fixture(FIXTURES / name, "fail")).added:
        report = violation.as_mapping()
        assert report["twin"].startswith("urn:twin:t:")
        assert report["rule"].endswith(".")
        assert report["remedy"].endswith(".")
        assert report["shape"] == RULES[name]
        assert report["severity"] == "violation"
        assert report["source"] == "twin"


def test_every_shape_says_its_rule_and_its_remedy_in_words() -> None:
    quads = our_shapes()
    said = {(quad.subject, quad.predicate) for quad in quads if isinstance(quad.object, Literal)}
    for iri in RULES.values():
        assert (NamedNode(iri), SH.message) in said
        assert (NamedNode(iri), TWIN.remedy) in said
