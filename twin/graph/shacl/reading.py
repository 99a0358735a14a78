"""Reads the shapes of a graph: which there are, whom they are for, what they demand.

Whatever is ill-formed becomes a `Problem` in words, and the rest is read on.
"""

from __future__ import annotations

from collections.abc import Iterable

from twin.graph.shacl.constraints import ShapeRef
from twin.graph.shacl.parameters import PARAMETERS, constraints_of
from twin.graph.shacl.path_reading import read_path
from twin.graph.shacl.shape_graph import ShapeGraph
from twin.graph.shacl.shapes import (
    ClassTarget,
    NodeTarget,
    ObjectsOfTarget,
    Shape,
    Shapes,
    SubjectsOfTarget,
    Target,
)
from twin.graph.shacl.sparql_reading import Components, sparql_target
from twin.graph.shacl.triples import Statement
from twin.graph.violation import Severity
from twin.terms import BlankNode, Literal, NamedNode, Quad, Triple
from twin.vocab import OWL, RDFS, SH, TWIN

__all__ = ["read_shapes"]

_SEVERITIES: dict[NamedNode, Severity] = {SH.Warning: "warning", SH.Info: "info"}
_TARGETS = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf, SH.target)
_SHAPE_VALUED = (SH.property, SH.node, SH["not"], SH.qualifiedValueShape)
_SHAPE_LISTS = (SH["and"], SH["or"], SH.xone)


def read_shapes(quads: Iterable[Quad]) -> Shapes:
    """The shapes of these quads, whatever graphs they stand in; nested ones may be blank nodes or IRIs."""
    statements: list[Statement] = [
        (quad.subject, quad.predicate, quad.object)
        for quad in quads
        if not isinstance(quad.subject, Triple) and not isinstance(quad.object, Triple)
    ]
    graph = ShapeGraph(statements)
    components = Components(graph)
    found = {node: _shape(graph, components, node) for node in _nodes(graph, components)}
    targeted = sorted(
        (shape for shape in found.values() if shape.targets and not shape.deactivated),
        key=lambda shape: str(shape.node),
    )
    return Shapes(found, tuple(targeted), tuple(dict.fromkeys(graph.problems)), tuple(statements))


def _nodes(graph: ShapeGraph, components: Components) -> dict[ShapeRef, None]:
    """Every node that is a shape (SHACL, 2.1), in a fixed order."""
    found: dict[ShapeRef, None] = {}
    for kind in (SH.NodeShape, SH.PropertyShape):
        found.update(dict.fromkeys(graph.instances(kind)))
    for predicate in (*_TARGETS, *PARAMETERS, *components.parameters):
        found.update(dict.fromkeys(subject for subject, _ in graph.pairs(predicate)))
    for predicate in _SHAPE_VALUED:
        for _, value in graph.pairs(predicate):
            if not isinstance(value, Literal):
                found[value] = None
    for predicate in _SHAPE_LISTS:
        for subject, value in graph.pairs(predicate):
            members = graph.attempt(subject, graph.members, value) or ()
            found.update((member, None) for member in members if not isinstance(member, Literal))
    # The parameters that a component declares look like property shapes, but nothing is ever checked by them.
    for _, value in graph.pairs(SH.parameter):
        if not isinstance(value, Literal):
            found.pop(value, None)
    return found


def _shape(graph: ShapeGraph, components: Components, node: ShapeRef) -> Shape:
    deactivated = graph.attempt(node, graph.boolean, node, SH.deactivated) or False
    if deactivated:
        return Shape(node, deactivated=True)
    path = None
    paths = list(graph.objects(node, SH.path))
    is_property = bool(paths) or SH.PropertyShape in graph.types(node)
    if len(paths) > 1:
        graph.note(node, "has more than one sh:path", "Keep one path.")
    elif paths:
        path = graph.attempt(node, read_path, graph, paths[0])
    elif is_property:
        graph.note(node, "is a property shape without sh:path", "State sh:path, or make it a sh:NodeShape.")
    severity = graph.attempt(node, graph.iri, node, SH.severity) or SH.Violation
    if is_property and path is None:
        return Shape(node, deactivated=True)  # without its path nothing of it can be checked; the problem is noted
    return Shape(
        node=node,
        path=path,
        targets=tuple(_targets(graph, node)),
        constraints=constraints_of(graph, components, node, path),
        properties=tuple(graph.shape_refs(node, SH.property)),
        severity=_SEVERITIES.get(severity, "violation"),
        messages=graph.texts(node, SH.message),
        remedies=graph.texts(node, TWIN.remedy),
        severity_iri=severity,
    )


def _targets(graph: ShapeGraph, node: ShapeRef) -> Iterable[Target]:
    for value in graph.objects(node, SH.targetClass):
        if isinstance(value, Literal):
            graph.note(node, "has a text as sh:targetClass", "Name a class by its IRI.")
        else:
            yield ClassTarget(value)
    for value in graph.objects(node, SH.targetNode):
        if isinstance(value, BlankNode):
            graph.note(node, "has a blank node as sh:targetNode", "Name the node by its IRI.")
        else:
            yield NodeTarget(value)
    for predicate, kind in ((SH.targetSubjectsOf, SubjectsOfTarget), (SH.targetObjectsOf, ObjectsOfTarget)):
        for value in graph.objects(node, predicate):
            if isinstance(value, NamedNode):
                yield kind(value)
            else:
                graph.note(node, f"names no predicate by {graph.short(predicate)}", "Name a predicate by its IRI.")
    for value in graph.objects(node, SH.target):
        target = graph.attempt(node, sparql_target, graph, value)
        if target is not None:
            yield target
    if isinstance(node, NamedNode) and _is_class(graph, node):
        yield ClassTarget(node)


def _is_class(graph: ShapeGraph, node: NamedNode) -> bool:
    """Whether the shape is a class too, and so for its instances (2.1.3.3)."""
    if not graph.is_instance(node, SH.NodeShape) and not graph.is_instance(node, SH.PropertyShape):
        return False
    return graph.is_instance(node, RDFS.Class) or OWL.Class in graph.types(node) or graph.is_instance(node, OWL.Class)
