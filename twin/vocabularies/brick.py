"""Brick, from the installed ``brickschema`` package: the ontology file of each version, pinned by hash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twin.errors import InvalidInput
from twin.terms import BlankNode, Quad, read_file
from twin.vocab import BRICK, OWL, QUDT, RDF, RDFS, SKOS, vocabulary_graph
from twin.vocabularies.packs import Pack

PRESENT_VERSION = "1.5"
"""The version of Brick a site speaks unless it says otherwise."""

_PINS = {
    "1.1": "56b385cbdab59ecfd285b17f390c35544990c069f68b03a3e0036cfadf203b72",
    "1.2": "b5a3acd531ebd57ad390d8744dc69521f2139654e1bfcd555e09c45aae0191ed",
    "1.3": "b7fe18651b4616eef3b2ed376d77049981fdda6555f90afbc3936afd6eb5f4cf",
    "1.4": "f4392ed9d72abd2e33969d32dd6a8559b0df5466161c77a513c93e6e50fdbea9",
    "1.5": "12c0a680903c53625462cecc16cd6147ac8f454bc005f6fab395f25314a02356",
}

_FACTS = frozenset(
    (
        RDF.type,
        RDFS.subClassOf,
        RDFS.subPropertyOf,
        RDFS.label,
        OWL.equivalentClass,
        OWL.inverseOf,
        OWL.deprecated,
        QUDT.hasQuantityKind,
        BRICK.hasQuantity,
        BRICK.isReplacedBy,
        SKOS.definition,
    )
)


def brick_file(version: str = PRESENT_VERSION) -> Path:
    """The Turtle file of a Brick version; raises `InvalidInput` for a version there is none of."""
    if version not in _PINS:
        raise InvalidInput(
            f"There is no Brick version {version!r} here.", remedy=f"Known versions: {', '.join(_PINS)}."
        )
    return Pack("Brick", "brickschema", "0.8.0", f"ontologies/{version}/Brick.ttl", _PINS[version]).path()


def brick_facts(version: str = PRESENT_VERSION) -> Iterator[Quad]:
    """What queries and the gate need of Brick - class tree, labels, definitions, inverses, quantity kinds,
    replacements - as quads of ``urn:twin:vocabulary:brick``.  Its shapes and rules stay in the file, for the audit."""
    for quad in read_file(brick_file(version), vocabulary_graph("brick")):
        if (
            quad.predicate in _FACTS
            and not isinstance(quad.subject, BlankNode)
            and not isinstance(quad.object, BlankNode)
        ):
            yield quad
