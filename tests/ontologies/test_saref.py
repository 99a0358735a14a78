"""The SAREF facts are those of ETSI's own files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twin.data import data_directory
from twin.terms import NamedNode, read_file
from twin.vocab import OWL, RDF, RDFS, S4BLDG, SAREF

REFERENCE = Path(os.environ.get("TWIN_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "saref"
FACTS = (RDF.type, RDFS.subClassOf, RDFS.subPropertyOf, OWL.inverseOf)
NAMESPACES = (str(SAREF), str(S4BLDG))
Fact = tuple[NamedNode, NamedNode, NamedNode]


def _facts(*files: Path) -> set[Fact]:
    return {
        (quad.subject, quad.predicate, quad.object)
        for file in files
        for quad in read_file(file)
        if quad.predicate in FACTS
        and isinstance(quad.subject, NamedNode)
        and isinstance(quad.object, NamedNode)
        and quad.subject.value.startswith(NAMESPACES)
    }


@pytest.fixture(scope="module")
def ours() -> set[Fact]:
    return _facts(data_directory("ontologies") / "saref.ttl")


@pytest.fixture(scope="module")
def theirs() -> set[Fact]:
    if not REFERENCE.is_dir():
        pytest.skip(f"needs ETSI's files in {REFERENCE}; set TWIN_REFERENCE_DATA to the folder that holds saref/")
    return _facts(*REFERENCE.glob("*.ttl"))


def test_every_fact_we_state_is_stated_by_saref(ours: set[Fact], theirs: set[Fact]) -> None:
    assert ours - theirs == set()


def test_every_class_of_saref_is_here_with_all_its_superclasses(ours: set[Fact], theirs: set[Fact]) -> None:
    def tree(facts: set[Fact]) -> set[Fact]:
        classes = {fact for fact in facts if fact[1:] == (RDF.type, OWL.Class)}
        return classes | {fact for fact in facts if fact[1] == RDFS.subClassOf and fact[2].value.startswith(NAMESPACES)}

    assert tree(ours) == tree(theirs)


def test_the_relations_of_places_and_properties_are_here(ours: set[Fact]) -> None:
    relations = {fact[0] for fact in ours if fact[1:] == (RDF.type, OWL.ObjectProperty)}
    assert {SAREF.hasProperty, SAREF.isPropertyOf, SAREF.consistsOf, SAREF.isMeasuredIn} <= relations
    assert {S4BLDG.hasSpace, S4BLDG.isSpaceOf, S4BLDG["contains"], S4BLDG.isContainedIn} <= relations
