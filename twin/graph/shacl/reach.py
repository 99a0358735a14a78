"""What each shape of a set looks at: the places on its path where a triple can stand, the predicates it compares, the
classes it tests, the patterns of its queries, and the shapes that refer to it - compiled once, by predicate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twin.graph.shacl.by_value import judges_by_value
from twin.graph.shacl.checking import Checker
from twin.graph.shacl.constraints import Closed, Conforms, Constraint, HasClass, Logical, Not, Pair, Qualified, Sparql
from twin.graph.shacl.path_reach import Step, steps_of
from twin.graph.shacl.paths import Path, follow, inverse
from twin.graph.shacl.query_reach import QueryReach, query_reach
from twin.graph.shacl.shapes import (
    ClassTarget,
    ObjectsOfTarget,
    Shape,
    ShapeRef,
    Shapes,
    SparqlTarget,
    SubjectsOfTarget,
)
from twin.graph.shacl.triples import Term
from twin.terms import NamedNode

__all__ = ["Reach", "Reference", "referred_by"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A shape that refers to another: its values are the other's focus nodes, and ``back`` leads from those to its
    own (None: they are the same).  ``reports`` says that what the other finds is a result of this one too
    (``sh:property``)."""

    shape: Shape
    back: Path | None
    reports: bool


class Reach:
    """The compiled reach of one set of shapes."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.targeted = frozenset(shapes.targeted)
        self.steps: defaultdict[NamedNode, list[tuple[Shape, Step]]] = defaultdict(list)
        self.compared: defaultdict[NamedNode, list[Shape]] = defaultdict(list)
        self.closed: list[tuple[Shape, frozenset[NamedNode], Path | None]] = []
        self.classes: defaultdict[Term, list[tuple[Shape, Path | None]]] = defaultdict(list)
        self.subjects: defaultdict[NamedNode, list[Shape]] = defaultdict(list)
        self.objects: defaultdict[NamedNode, list[Shape]] = defaultdict(list)
        self.queries: defaultdict[NamedNode, list[tuple[Shape, QueryReach]]] = defaultdict(list)
        self.wild: list[tuple[Shape, QueryReach]] = []
        self.references: defaultdict[ShapeRef, list[Reference]] = defaultdict(list)
        for shape in shapes.targeted:
            self._targets(shape)
        done: dict[ShapeRef, Shape] = {}
        ahead = list(shapes.targeted)
        while ahead:
            shape = ahead.pop()
            if shape.node not in done:
                done[shape.node] = shape
                ahead.extend(self._compile(shape))
        self.decisive = self._decisive()
        self.by_value = frozenset(node for node, shape in done.items() if judges_by_value(shapes, shape))

    def predicates(self) -> frozenset[NamedNode]:
        """Every predicate that the shapes name."""
        named = (self.steps, self.compared, self.subjects, self.objects, self.queries)
        inside = (reach.triggers for _, reach in self.wild)
        return frozenset().union(*named, *inside)

    def _decisive(self) -> frozenset[ShapeRef]:
        """The shapes on whose conformance others hang, and those whose conformance is part of theirs."""
        found: set[ShapeRef] = set()
        ahead = [node for node, all_of in self.references.items() if any(not each.reports for each in all_of)]
        while ahead:
            node = ahead.pop()
            shape = self.shapes.find(node)
            if node not in found and shape is not None:
                found.add(node)
                ahead.extend(shape.properties)
        return frozenset(found)

    def _targets(self, shape: Shape) -> None:
        for target in shape.targets:
            if isinstance(target, ClassTarget):
                self.classes[target.cls].append((shape, None))
            elif isinstance(target, SubjectsOfTarget):
                self.subjects[target.predicate].append(shape)
            elif isinstance(target, ObjectsOfTarget):
                self.objects[target.predicate].append(shape)
            elif isinstance(target, SparqlTarget):
                self._query(shape, target.select, target.bindings)

    def _compile(self, shape: Shape) -> Iterator[Shape]:
        """Notes what a shape looks at; the shapes it refers to."""
        back = inverse(shape.path) if shape.path is not None else None
        if shape.path is not None:
            for step in steps_of(shape.path):
                self.steps[step.predicate].append((shape, step))
        for constraint in shape.constraints:
            if isinstance(constraint, Pair):
                self.compared[constraint.predicate].append(shape)
            elif isinstance(constraint, Closed):
                self.closed.append((shape, constraint.allowed, back))
            elif isinstance(constraint, HasClass):
                self.classes[constraint.cls].append((shape, back))
            elif isinstance(constraint, Sparql):
                self._query(shape, constraint.query, constraint.bindings, constraint.is_ask)
        for node in dict.fromkeys(referred_by(shape)):
            referred = self.shapes.find(node)
            if referred is not None and not referred.deactivated:
                self.references[node].append(Reference(shape, back, node in shape.properties))
                yield referred

    def _query(self, shape: Shape, text: str, bindings: Iterable[tuple[str, Term]], is_ask: bool = False) -> None:
        # Only shapes with SPARQL need rdflib, which takes a moment to load.
        from twin.graph.shacl.query_patterns import bound, query_patterns, value_by

        query = bound(query_patterns(text), dict(bindings))
        reach = query_reach(value_by(query, shape.path) if is_ask else query)
        if reach.anywhere or not reach.local:
            self.wild.append((shape, reach))
        else:
            for predicate in reach.triggers:
                self.queries[predicate].append((shape, reach))

    def is_reported(self, checker: Checker, shape: Shape, focus: Term) -> bool:
        """Whether what a shape finds at a node is reported in this state: it has the node as a target, or a shape that
        it is a property of has it so."""
        ahead, seen = [(shape, focus)], {(shape.node, focus)}
        while ahead:
            here, node = ahead.pop()
            if here in self.targeted and checker.is_target(here, node):
                return True
            for each in self.references.get(here.node, ()):
                if each.reports:
                    for other in (node,) if each.back is None else follow(checker.view, each.back, (node,)):
                        if (each.shape.node, other) not in seen:
                            seen.add((each.shape.node, other))
                            ahead.append((each.shape, other))
        return False


def referred_by(shape: Shape) -> Iterator[ShapeRef]:
    """The shapes that a shape refers to."""
    yield from shape.properties
    for constraint in shape.constraints:
        yield from _referred(constraint)


def _referred(constraint: Constraint) -> Iterable[ShapeRef]:
    if isinstance(constraint, Not | Conforms):
        return (constraint.shape,)
    if isinstance(constraint, Logical):
        return constraint.shapes
    return (constraint.shape, *constraint.siblings) if isinstance(constraint, Qualified) else ()
