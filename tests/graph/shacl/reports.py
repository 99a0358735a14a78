"""Validation reports as sets of rows - focus, path, value, component, severity - that engines can be compared in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyshacl
import pytest
import rdflib
from rdflib import Graph

from twin.graph.memory import MemoryStore
from twin.graph.shacl.path_reading import read_path
from twin.graph.shacl.paths import Path, path_text
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.shape_graph import ShapeGraph
from twin.graph.shacl.triples import MemoryTriples
from twin.graph.shacl.validation import check
from twin.terms import BlankNode, Literal, Quad, RdfFormat, n_quads, parse
from twin.vocab import RDF, SH, XSD

Rows = Counter[tuple[str, ...]]


def row(focus: object, path: Path | None, value: object, component: object, severity: object) -> tuple[str, ...]:
    """One result as text."""
    return (_term(focus), path_text(path) if path is not None else "", _term(value), str(component), str(severity))


def _term(term: object) -> str:
    """A term as text; blank nodes, whose names no two engines share, all the same."""
    if isinstance(term, BlankNode):
        return "_:"
    if isinstance(term, Literal):
        return f"{term.value}@{(term.language or '').lower()}^^{term.datatype.value}"
    return "" if term is None else str(term)


def rows_of(graph: ShapeGraph, report: object) -> Rows:
    """The results of a report that stands in a graph."""
    found: Rows = Counter()
    for result in graph.objects(report, SH.result):
        focus, value, path = (graph.one(result, each) for each in (SH.focusNode, SH.value, SH.resultPath))
        component = graph.one(result, SH.sourceConstraintComponent)
        severity = graph.one(result, SH.resultSeverity) or SH.Violation
        found[row(focus, read_path(graph, path) if path is not None else None, value, component, severity)] += 1
    return found


def ours(shapes: Iterable[Quad], data: Iterable[Quad], *, in_store: bool = False) -> Rows | None:
    """What our engine finds; None when it refuses the shapes.  ``in_store`` has it ask a store instead of memory."""
    read = read_shapes(shapes)
    if read.problems:
        return None
    view = MemoryStore(data) if in_store else MemoryTriples((q.subject, q.predicate, q.object) for q in data)
    report = check(view, read)
    assert not report.problems
    return Counter(row(r.focus, r.path, r.value, r.component, r.shape.severity_iri) for r in report.results)


def pyshacls(shapes: Iterable[Quad], data: Iterable[Quad]) -> Rows | None:
    """What pyshacl finds; None when it refuses the shapes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rdflib, "NORMALIZE_LITERALS", False)  # it would write "maybe"^^xsd:boolean as "false"
        return _pyshacls(shapes, data)


def _pyshacls(shapes: Iterable[Quad], data: Iterable[Quad]) -> Rows | None:
    graphs = []
    for quads in (data, shapes):
        graph = Graph(bind_namespaces="none")
        plain = (Quad(quad.subject, quad.predicate, _plain(quad.object)) for quad in quads)
        graph.parse(data=n_quads(plain).decode(), format="nt")
        graphs.append(graph)
    try:
        _conforms, report, _text = pyshacl.validate(graphs[0], shacl_graph=graphs[1], advanced=True)
    except Exception:  # pyshacl has many errors for shapes that it refuses, and no one above them
        return None
    if not isinstance(report, Graph):
        return None
    quads = parse(input=report.serialize(format="nt").encode(), format=RdfFormat.N_TRIPLES)
    found = ShapeGraph((q.subject, q.predicate, q.object) for q in quads)
    root = next(iter(found.subjects(RDF.type, SH.ValidationReport)))
    return rows_of(found, root)


def _plain(term: object) -> object:
    # rdflib keeps "a" and "a"^^xsd:string apart; RDF 1.1 does not, and pyoxigraph writes neither datatype.
    return Literal(term.value) if isinstance(term, Literal) and term.datatype == XSD.string else term
