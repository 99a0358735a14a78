"""A graph in memory with the vocabularies loaded, for judging small buildings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from pyoxigraph import Store

from twin.contracts import Delta
from twin.data import data_directory
from twin.graph.validation.gate import Gate, our_shapes
from twin.terms import NamedNode, Object, Quad, Subject, parse, read_file
from twin.vocab import site_graph, vocabulary_graph
from twin.vocabularies.brick import brick_facts

SITE = site_graph("t")
PREFIXES = """
@prefix brick: <https://brickschema.org/schema/Brick#> .
@prefix ex: <urn:twin:t:> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix quantitykind: <http://qudt.org/vocab/quantitykind/> .
@prefix qudt: <http://qudt.org/schema/qudt/> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix saref: <https://saref.etsi.org/core/> .
@prefix s4bldg: <https://saref.etsi.org/saref4bldg/> .
@prefix twin: <urn:twin:vocabulary:core#> .
@prefix unit: <http://qudt.org/vocab/unit/> .
"""


class MemoryGraph:
    """Quads in memory, behind the part of the store's contract that judging reads."""

    def __init__(self, quads: Iterable[Quad] = ()) -> None:
        self._store = Store()
        self._store.bulk_extend(quads)

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        return self._store.quads_for_pattern(subject, predicate, object, graph)

    def apply(self, delta: Delta) -> None:
        for quad in delta.removed:
            self._store.remove(quad)
        self._store.extend(delta.added)

    def __iter__(self) -> Iterator[Quad]:
        return iter(self._store)


@cache
def vocabulary_quads() -> tuple[Quad, ...]:
    """The quads of every vocabulary a server loads."""
    files = sorted(data_directory("ontologies").glob("*.ttl"))
    graphs = {"twin": "core"}
    ours = (q for file in files for q in read_file(file, vocabulary_graph(graphs.get(file.stem, file.stem))))
    return (*brick_facts(), *ours)


def with_vocabularies(quads: Iterable[Quad] = ()) -> MemoryGraph:
    """A graph that holds the vocabularies and these quads."""
    return MemoryGraph((*vocabulary_quads(), *quads))


def turtle(text: str, graph: NamedNode = SITE) -> tuple[Quad, ...]:
    """The quads of a Turtle text, the usual prefixes given."""
    from twin.terms import RdfFormat

    return tuple(
        Quad(quad.subject, quad.predicate, quad.object, graph)
        for quad in parse((PREFIXES + text).encode(), format=RdfFormat.TURTLE)
    )


def fixture(directory: Path, name: str) -> Delta:
    """The whole of a fixture's file as one addition to the site ``t``."""
    return Delta(added=tuple(read_file(directory / f"{name}.ttl", SITE)))


@cache
def gate() -> Gate:
    """The gate with the product's own shapes."""
    return Gate(our_shapes())
