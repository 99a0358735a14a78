"""The W3C test suite of SHACL: its cases, and result sets in a form that engines can be compared in.

It stands in ``shacl-suite`` of the folder of reference data, as the W3C publishes it (data-shapes,
data-shapes-test-suite/tests): its ``core`` and ``sparql``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.graph.shacl.reports import Rows, rows_of
from twin.graph.shacl.shape_graph import ShapeGraph
from twin.terms import BlankNode, NamedNode, Quad, parse
from twin.vocab import RDF, Namespace

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
SHT = Namespace("http://www.w3.org/ns/shacl-test#")

SUITE = Path(os.environ.get("TWIN_REFERENCE_DATA", Path(__file__).parents[4] / "shared" / "data")) / "shacl-suite"


@dataclass(frozen=True, slots=True)
class Case:
    """One test: the graphs, and the report it expects; None where it expects that the shapes are refused."""

    name: str
    file: Path
    data: Path
    shapes: Path
    expected: Rows | None

    def __str__(self) -> str:
        return self.name


@cache
def quads_of(file: Path) -> tuple[Quad, ...]:
    """The quads of a file; blank nodes get names that say whose they are."""
    names: dict[BlankNode, BlankNode] = {}

    def own(term: object) -> object:
        if isinstance(term, BlankNode):
            return names.setdefault(term, BlankNode(f"b{len(names)}"))
        return term

    quads = parse(path=str(file), base_iri=file.as_uri())
    return tuple(Quad(own(quad.subject), quad.predicate, own(quad.object)) for quad in quads)


def cases(part: str) -> Iterator[Case]:
    """The cases of ``core`` or ``sparql``, in the order of their names."""
    for file in sorted((SUITE / part).rglob("*.ttl")):
        graph = ShapeGraph((q.subject, q.predicate, q.object) for q in quads_of(file))
        for test in graph.subjects(RDF.type, SHT.Validate):
            action, result = graph.one(test, MF.action), graph.one(test, MF.result)
            assert action is not None
            assert result is not None
            data, shapes = (_file(graph.one(action, each), file) for each in (SHT.dataGraph, SHT.shapesGraph))
            expected = None if result == SHT.Failure else rows_of(graph, result)
            yield Case(str(file.relative_to(SUITE).with_suffix("")), file, data, shapes, expected)


def _file(term: object, beside: Path) -> Path:
    assert isinstance(term, NamedNode)
    return beside.parent / term.value.rsplit("/", 1)[-1]
