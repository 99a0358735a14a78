"""Shapes that judge each value of their path for itself: of a node with thousands of values, only those that changed
need be looked at."""

from __future__ import annotations

from collections.abc import Iterable

from twin.graph.shacl.constraints import (
    Conforms,
    Constraint,
    HasClass,
    HasDatatype,
    HasLength,
    HasNodeKind,
    In,
    InRange,
    LanguageIn,
    Logical,
    Matches,
    Not,
    ShapeRef,
)
from twin.graph.shacl.paths import Inverse, Path, Predicate
from twin.graph.shacl.shapes import Shape, Shapes
from twin.graph.shacl.triples import Statement, Term, TripleView
from twin.terms import BlankNode, Literal, NamedNode, Object, Subject
from twin.vocab import RDF, RDFS

__all__ = ["Narrowed", "judges_by_value"]

_OF_A_VALUE = (HasClass, HasDatatype, HasLength, HasNodeKind, In, InRange, LanguageIn, Matches)
_OF_CLASSES = (RDF.type, RDFS.subClassOf)


def judges_by_value(shapes: Shapes, shape: Shape) -> bool:
    """Whether a shape has a path of one step and looks at nothing but each value itself and its classes."""
    step = shape.path.path if isinstance(shape.path, Inverse) else shape.path
    if not isinstance(step, Predicate) or step.iri in _OF_CLASSES or shape.properties:
        return False
    return all(_is_of_a_value(shapes, each, ()) for each in shape.constraints)


def _is_of_a_value(shapes: Shapes, constraint: Constraint, above: tuple[ShapeRef, ...]) -> bool:
    if isinstance(constraint, _OF_A_VALUE):
        return True
    if isinstance(constraint, Not | Conforms):
        nodes: tuple[ShapeRef, ...] = (constraint.shape,)
    elif isinstance(constraint, Logical):
        nodes = constraint.shapes
    else:
        return False
    for node in nodes:
        shape = shapes.find(node)
        if shape is None or node in above or shape.path is not None or shape.properties:
            return False
        if not all(_is_of_a_value(shapes, each, (*above, node)) for each in shape.constraints):
            return False
    return True


class Narrowed:
    """A state in which one node has only some of its values on a path of one step."""

    def __init__(self, view: TripleView, focus: Term, path: Path, values: Iterable[Term]) -> None:
        self._view = view
        self._focus = focus
        self._values = tuple(values)
        self._forward = path.iri if isinstance(path, Predicate) else None
        self._backward = path.path.iri if isinstance(path, Inverse) and isinstance(path.path, Predicate) else None

    def objects(self, subject: Term, predicate: NamedNode) -> Iterable[Object]:
        """What a node has by a predicate."""
        if predicate == self._forward and subject == self._focus:
            return [value for value in self._values if self._is_stated(subject, predicate, value)]
        return self._view.objects(subject, predicate)

    def subjects(self, predicate: NamedNode, object: Term) -> Iterable[Subject]:
        """What has a node by a predicate."""
        if predicate == self._backward and object == self._focus:
            nodes = (value for value in self._values if isinstance(value, NamedNode | BlankNode))
            return [node for node in nodes if any(each == object for each in self._view.objects(node, predicate))]
        return self._view.subjects(predicate, object)

    def _is_stated(self, subject: Term, predicate: NamedNode, value: Term) -> bool:
        if isinstance(value, Literal):
            return any(each == value for each in self._view.objects(subject, predicate))
        # Asked from the value's side, for it is the node that may have thousands.
        return any(each == subject for each in self._view.subjects(predicate, value))

    def pairs(self, predicate: NamedNode) -> Iterable[tuple[Subject, Object]]:
        """Every subject and object of a predicate."""
        return self._view.pairs(predicate)

    def about(self, subject: Term) -> Iterable[tuple[NamedNode, Object]]:
        """All that is said of a node."""
        return self._view.about(subject)

    def pointing(self, object: Term) -> Iterable[tuple[Subject, NamedNode]]:
        """All that points at a node."""
        return self._view.pointing(object)

    def everything(self) -> Iterable[Statement]:
        """Every triple."""
        return self._view.everything()
