"""Checks nodes against shapes, reading of a graph no more than a shape and a node touch (SHACL, 3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

from twin.errors import InvalidInput
from twin.graph.overlay import QuadView
from twin.graph.shacl.classes import Classes
from twin.graph.shacl.constraints import Constraint, ShapeRef, Sparql
from twin.graph.shacl.messages import filled
from twin.graph.shacl.paths import Path, Predicate, follow
from twin.graph.shacl.queries import Queries, Row
from twin.graph.shacl.results import Result
from twin.graph.shacl.shapes import (
    ClassTarget,
    NodeTarget,
    ObjectsOfTarget,
    Shape,
    Shapes,
    SparqlTarget,
    SubjectsOfTarget,
    Target,
)
from twin.graph.shacl.triples import Term, TripleView, triples_of
from twin.graph.shacl.value_sets import OF_SETS, Values, result
from twin.graph.shacl.values import OF_VALUES
from twin.terms import Literal, NamedNode

__all__ = ["Checker"]

_DEEPEST = 50


class Checker:
    """Checks against one set of shapes in one state of a graph, which must not change meanwhile.

    The union of the view's graphs is what is checked, as a set of triples.  Whatever meets a shape that refers to
    itself without end raises `InvalidInput`.
    """

    def __init__(self, view: QuadView | TripleView, shapes: Shapes) -> None:
        self.view = triples_of(view)
        self.shapes = shapes
        self.classes = Classes(self.view)
        self._queries = Queries(self.view, shapes)
        self._conforming: dict[tuple[ShapeRef, Term], bool | None] = {}
        self._selected: dict[SparqlTarget, Values] = {}
        self._simple: dict[ShapeRef, tuple[tuple[Callable[[Any, Term], bool], Constraint], ...]] = {}
        self._depth = 0

    # ---- Targets

    def focus_nodes(self, shape: Shape) -> Values:
        """The nodes that a shape's targets select, each once."""
        return {node: None for target in shape.targets for node in self._targeted(target)}

    def is_target(self, shape: Shape, node: Term) -> bool:
        """Whether one of a shape's targets selects a node; nothing is enumerated."""
        return any(self._is_targeted(target, node) for target in shape.targets)

    def _targeted(self, target: Target) -> Iterable[Term]:
        match target:
            case ClassTarget(cls=cls):
                return self.classes.instances(cls)
            case NodeTarget(node=node):
                return (node,)
            case SubjectsOfTarget(predicate=predicate):
                return (subject for subject, _ in self.view.pairs(predicate))
            case ObjectsOfTarget(predicate=predicate):
                return (value for _, value in self.view.pairs(predicate))
            case SparqlTarget():
                if target not in self._selected:
                    self._selected[target] = self._queries.targets(target)
                return self._selected[target]

    def _is_targeted(self, target: Target, node: Term) -> bool:
        match target:
            case ClassTarget(cls=cls):
                return self.classes.is_instance(node, cls)
            case NodeTarget(node=named):
                return named == node
            case SubjectsOfTarget(predicate=predicate):
                return any(True for _ in self.view.objects(node, predicate))
            case ObjectsOfTarget(predicate=predicate):
                return any(True for _ in self.view.subjects(predicate, node))
            case SparqlTarget():
                told = self._queries.is_target(target, node) if target not in self._selected else None
                return told if told is not None else node in self._targeted(target)

    # ---- Results

    def results(self, shape: Shape, focus: Term) -> list[Result]:
        """What one node breaks of one shape, whether or not it is a target."""
        return self.check(shape, (focus,))

    def check(self, shape: Shape, foci: Iterable[Term]) -> list[Result]:
        """What these nodes break of one shape; of a value that several of them share, once for each (SHACL, 4.5.2)."""
        return list(self._check(shape, dict.fromkeys(foci, 1)))

    def _check(self, shape: Shape, foci: dict[Term, int]) -> Iterator[Result]:
        """The results of a shape and of its property shapes; ``foci`` counts how often each node is met."""
        if shape.deactivated or not foci:
            return
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._endless(shape)
        reached: dict[Term, int] = {}
        for focus, times in foci.items():
            values = self._values(shape.path, focus)
            if shape.properties:
                for value in values:
                    reached[value] = reached.get(value, 0) + times
            for found in self._of_values(shape, focus, values):
                yield from repeat(found, times)
        for constraint in shape.constraints:
            if isinstance(constraint, Sparql) and not constraint.is_ask:
                for focus, row in self._queries.rows(constraint.query, constraint.bindings, foci):
                    yield from repeat(_of_row(shape, constraint, focus, row), foci[focus])
        for node in shape.properties:
            inner = self.shapes.find(node)
            if inner is not None:
                yield from self._check(inner, reached)
        self._depth -= 1

    def _values(self, path: Path | None, focus: Term) -> Values:
        if path is None:
            return {focus: None}
        if isinstance(path, Predicate):  # nearly all are
            return dict.fromkeys(self.view.objects(focus, path.iri))
        return follow(self.view, path, (focus,))

    def _of_values(self, shape: Shape, focus: Term, values: Values) -> Iterator[Result]:
        for constraint in shape.constraints:
            kind = type(constraint)
            holds = OF_VALUES.get(kind)
            if holds is not None:
                for value in values:
                    if not holds(constraint, value):
                        yield result(shape, constraint, focus, value)
            elif not isinstance(constraint, Sparql):
                yield from OF_SETS[kind](self, shape, constraint, focus, values)
            elif constraint.is_ask:
                yield from self._asked(shape, constraint, focus, values)

    def conforms(self, node: ShapeRef, value: Term) -> bool:
        """Whether a node breaks nothing of the shape of another node; true for a shape that could not be read."""
        shape = self.shapes.find(node)
        if shape is None:
            return True
        simple = self._simple.get(node)
        if simple is None:
            simple = self._simple[node] = _of_one_value(shape)
        if simple:
            return all(holds(constraint, value) for holds, constraint in simple)
        key = (node, value)
        known = self._conforming.get(key)
        if known is None:
            if key in self._conforming:
                raise self._endless(shape)
            self._conforming[key] = None
            depth = self._depth
            known = next(self._check(shape, {value: 1}), None) is None
            self._depth = depth  # a generator left in the middle does not count down itself
            self._conforming[key] = known
        return known

    def _asked(self, shape: Shape, constraint: Sparql, focus: Term, values: Values) -> Iterator[Result]:
        for value in values:
            if not self._queries.holds(constraint, focus, value):
                bindings = {**dict(constraint.bindings), "this": focus, "value": value}
                yield result(shape, constraint, focus, value, filled(constraint.messages, bindings))

    def _endless(self, shape: Shape) -> InvalidInput:
        # What was in the middle of being told is not known; the checker goes on with other nodes.
        self._conforming.clear()
        self._depth = 0
        return InvalidInput(
            f"The shape {shape.node.value} refers to itself, directly or through others, on nodes that lead back to "
            f"themselves or deeper than {_DEEPEST} levels: whether a node conforms cannot be told.",
            remedy="Write the shape without the reference to itself; a path with * or + reaches as far.",
        )


def _of_one_value(shape: Shape) -> tuple[tuple[Callable[[Any, Term], bool], Constraint], ...]:
    """The demands of a shape when all of them look at nothing but the value; else none."""
    if shape.deactivated or shape.path is not None or shape.properties:
        return ()
    found = [(OF_VALUES[type(each)], each) for each in shape.constraints if type(each) in OF_VALUES]
    return tuple(found) if len(found) == len(shape.constraints) else ()


def _of_row(shape: Shape, constraint: Sparql, focus: Term, row: Row) -> Result:
    path, value, message = row.get("path"), row.get("value"), row.get("message")
    if value is None and shape.path is None:
        value = focus
    texts = (message,) if isinstance(message, Literal) else constraint.messages
    words = filled(texts, {**row, "this": focus})
    where = Predicate(path) if isinstance(path, NamedNode) else None
    return result(shape, constraint, focus, value, words, path=where)
