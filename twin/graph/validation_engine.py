"""SHACL by pyshacl on small graphs: shapes parsed once, each evaluated on the affected nodes alone.

pyshacl's own entry point would parse the shapes and every SPARQL text again for each change, and its option for
focus nodes skips the nodes that ``sh:node`` leads to, which then pass unseen.  So shapes are evaluated one by one,
on their targets among the nodes asked for.  That is internal API: the version of pyshacl is pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pyshacl.helper.expression_helper import value_nodes_from_path
from pyshacl.helper.path_helper import shacl_path_to_sparql_path
from pyshacl.pytypes import SHACLExecutor
from pyshacl.shapes_graph import ShapesGraph
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import SH
from rdflib.plugins.sparql import prepareQuery
from rdflib.query import Result
from rdflib.term import Node

from twin.graph.neighbourhood import Statement
from twin.graph.violation import Severity, Violation
from twin.terms import BlankNode, NamedNode, Object, Quad
from twin.terms import Literal as OurLiteral
from twin.vocab import TWIN, XSD

_REMEDY = URIRef(TWIN.remedy.value)
_SEVERITIES: dict[Node, Severity] = {SH.Warning: "warning", SH.Info: "info"}
_SHOWN = 3


class Engine:
    """One set of shapes, ready to check graphs.  Not for use by two threads at once."""

    def __init__(self, shapes: Iterable[Quad]) -> None:
        graph = Graph(bind_namespaces="none")
        for quad in shapes:
            if isinstance(quad.object, NamedNode | BlankNode | OurLiteral):
                graph.add((_node(quad.subject), URIRef(quad.predicate.value), _node(quad.object)))
        self._shapes = ShapesGraph(graph)
        self._targeted = sorted(
            (shape for shape in self._shapes.shapes if _has_targets(shape)), key=lambda shape: str(shape.node)
        )
        self._executor = SHACLExecutor(
            validator=None,
            advanced_mode=False,
            abort_on_first=False,
            allow_infos=False,
            allow_warnings=False,
            iterate_rules=False,
            sparql_mode=False,
            max_validation_depth=15,
            focus_nodes=None,
            debug=False,
        )

    def __len__(self) -> int:
        return len(self._targeted)

    def check(self, statements: Iterable[Statement], foci: Iterable[NamedNode]) -> list[Violation]:
        """The violations of the shapes by these nodes, in a graph of these statements."""
        graph = _PreparedGraph(store="SimpleMemory", bind_namespaces="none")
        for subject, predicate, value in statements:
            graph.add((_iri(subject.value), _iri(predicate.value), _node(value)))
        asked = {_iri(focus.value) for focus in foci}
        found: dict[tuple[str, ...], Violation] = {}
        for shape in self._targeted:
            targets = sorted(asked & shape.focus_nodes(graph))
            if targets:
                for _text, node, triples in shape.validate(self._executor, graph, focus=targets)[1]:
                    violation = self._violation(graph, node, triples)
                    found[violation.identity] = violation
        return list(found.values())

    def _violation(self, graph: Graph, node: BNode, triples: Iterable[tuple[Node, Node, Any]]) -> Violation:
        # Objects come bare, or with the graph they stand in.
        parts: dict[Node, Node] = {}
        for subject, predicate, value in triples:
            if subject == node:
                parts.setdefault(predicate, value[1] if isinstance(value, tuple) else value)
        focus, shape = parts[SH.focusNode], parts[SH.sourceShape]
        path, value = parts.get(SH.resultPath), parts.get(SH.value)
        if value == focus and path is None:
            value = None
        shown = "" if path is None or value is not None else self._standing(graph, focus, path)
        return Violation(
            focus=str(focus),
            path=self._path(path),
            component=str(parts[SH.sourceConstraintComponent]),
            shape=str(shape),
            value="" if value is None else str(value),
            severity=_SEVERITIES.get(parts[SH.resultSeverity], "violation"),
            rule=self._said(shape, SH.message) or str(parts.get(SH.resultMessage, "")),
            remedy=self._said(shape, _REMEDY),
            source="twin",
            found=shown,
        )

    def _said(self, shape: Node, predicate: URIRef) -> str:
        return min((str(text) for text in self._shapes.graph.objects(shape, predicate)), default="")

    def _path(self, path: Node | None) -> str:
        if path is None or isinstance(path, URIRef):
            return str(path or "")
        return str(shacl_path_to_sparql_path(self._shapes, path))

    def _standing(self, graph: Graph, focus: Node, path: Node) -> str:
        """What stands where too few or too many values are, in words."""
        values = sorted(str(value) for value in value_nodes_from_path(self._shapes, focus, path, graph))
        more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
        return ", ".join(values[:_SHOWN]) + more if values else "nothing"


class _PreparedGraph(Graph):
    """A graph that parses each SPARQL text once: pyshacl sends the text of a constraint anew for every node."""

    def __bool__(self) -> bool:
        # pyshacl asks "graph or other graph" for each result; rdflib would count every triple to answer.
        return True

    def query(self, query_object: Any, *args: Any, **options: Any) -> Result:
        return super().query(_prepared(str(query_object)), *args, **options)


@lru_cache(maxsize=256)
def _prepared(text: str) -> Any:
    return prepareQuery(text)


def _has_targets(shape: Any) -> bool:
    return any(True for targets in shape.target() for _ in targets)


@lru_cache(maxsize=4096)
def _iri(value: str) -> URIRef:
    return URIRef(value)


def _node(term: Object | BlankNode | Any) -> URIRef | BNode | Literal:
    if isinstance(term, NamedNode):
        return _iri(term.value)
    if isinstance(term, BlankNode):
        return BNode(term.value)
    if term.language:
        return Literal(term.value, lang=term.language)
    if term.datatype == XSD.string:  # rdflib keeps "a" and "a"^^xsd:string apart; RDF 1.1 does not
        return Literal(term.value)
    return Literal(term.value, datatype=_iri(term.datatype.value), normalize=False)


def shape_iris(shapes: Iterable[Quad]) -> Iterator[str]:
    """The IRIs of the shapes that stand by themselves, each a rule."""
    seen: dict[str, None] = {}
    for quad in shapes:
        if isinstance(quad.subject, NamedNode) and quad.predicate.value == str(SH.message):
            seen[quad.subject.value] = None
    return iter(seen)
