"""Judges a change by what it adds: the (shape, focus node) pairs it can concern are checked before and after it.

Shapes whose own definition changes are checked on all their focus nodes, by the old definition before the change and by
the new one after it; the others are not touched by that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twin.errors import InvalidInput
from twin.graph.overlay import QuadView
from twin.graph.shacl.affected_pairs import affected_pairs
from twin.graph.shacl.by_value import Narrowed
from twin.graph.shacl.checking import Checker
from twin.graph.shacl.constraints import ShapeRef
from twin.graph.shacl.reach import Reach, referred_by
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.results import Result, violation_of
from twin.graph.shacl.shapes import Shape, Shapes
from twin.graph.shacl.states import KnownClasses
from twin.graph.shacl.triples import Statement, Term, TripleView
from twin.terms import Quad, Triple
from twin.vocab import RDFS

__all__ = ["Difference", "ShapeSet", "changed_triples", "judge"]

Key = tuple[str, str, str, str, str]
Above = dict[Term, frozenset[Term]]


class ShapeSet:
    """One set of shapes, ready to judge changes."""

    def __init__(self, quads: Iterable[Quad]) -> None:
        self.shapes: Shapes = read_shapes(quads)
        self.reach = Reach(self.shapes)
        self._definitions: dict[ShapeRef, tuple[object, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self.shapes.targeted)

    def definition(self, shape: Shape) -> tuple[object, ...]:
        """Everything that decides what a shape finds: its own words and those of all shapes it leads to."""
        found = self._definitions.get(shape.node)
        if found is None:
            seen: dict[ShapeRef, object] = {}
            ahead = [shape.node]
            while ahead:
                node = ahead.pop()
                each = self.shapes.find(node)
                if node not in seen and each is not None:
                    seen[node] = (each.path, each.targets, each.constraints, each.properties, each.deactivated)
                    seen[node] = (*seen[node], each.severity, each.messages, each.remedies)  # type: ignore[misc]
                    ahead.extend(referred_by(each))
            found = self._definitions[shape.node] = tuple(seen.items())
        return found


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change adds and resolves.  ``pairs`` is how many were checked, ``fallbacks`` for how many queries every
    focus node of a shape was taken."""

    added: tuple[Result, ...] = ()
    resolved: tuple[Result, ...] = ()
    pairs: int = 0
    fallbacks: int = 0


def judge(
    old: ShapeSet,
    new: ShapeSet,
    before: QuadView | TripleView,
    after: QuadView | TripleView,
    removed: Iterable[Statement],
    added: Iterable[Statement],
    above: Above | None = None,
) -> Difference:
    """What differs between two states, which differ by these triples and may differ in their shapes.

    ``above`` is what is known of the classes above others in the state before; it is added to.  Raises
    `twin.errors.InvalidInput` when after the change a shape that refers to itself would have no end.
    """
    removed, added = tuple(removed), tuple(added)
    if not (old or new) or (old is new and not removed and not added):
        return Difference()
    known = above if above is not None else {}
    later = {} if any(each[1] == RDFS.subClassOf for each in (*removed, *added)) else known
    first, second = _side(before, old, known), _side(after, new, later)
    pairs = fallbacks = 0
    concluded: set[tuple[ShapeRef, Term]] = set()
    if removed or added:
        # The pairs are those of the old shapes; where shapes differ, only of those that stay as they are.
        third = second if old is new else _side(after, old, later)
        concerned = affected_pairs(old.reach, first.checker, third.checker, removed, added, whole=old is not new)
        pairs, fallbacks = len(concerned.pairs), concerned.fallbacks
        parts = [(*pair, part) for pair, part in concerned.pairs.items() if old is new or _stays(old, new, pair[0])]
        first.check_parts((shape, focus, part.values) for shape, focus, part in parts if part.before)
        third.check_parts((shape, focus, part.values) for shape, focus, part in parts if part.after)
        if old is new:
            concluded = {(shape.node, focus) for shape, focus, _ in parts}
        if third is not second:
            second.found.update(third.found)
            second.endless.update(third.endless)
    if old is not new:
        for side, here, there in ((first, old, new), (second, new, old)):
            for shape in here.shapes.targeted:
                if not _stays(here, there, shape):
                    foci = list(side.checker.focus_nodes(shape))
                    pairs += len(foci)
                    side.check(shape, foci)
    for pair, error in second.endless.items():
        if pair not in first.endless:
            raise error
    come = tuple(each for key, each in second.found.items() if _differs(each, first.found.get(key)))
    gone = tuple(each for key, each in first.found.items() if _differs(each, second.found.get(key)))
    return Difference(
        tuple(each for each in come if of(each) in concluded or not _stands_elsewhere(each, first.checker, old)),
        tuple(each for each in gone if of(each) in concluded or not _stands_elsewhere(each, second.checker, new)),
        pairs,
        fallbacks,
    )


def _side(view: QuadView | TripleView, shapes: ShapeSet, above: Above) -> _Side:
    checker = Checker(view, shapes.shapes)
    checker.classes = KnownClasses(checker.view, above)
    return _Side(checker)


class _Side:
    """What is found in one state."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.found: dict[Key, Result] = {}
        self.endless: dict[tuple[ShapeRef, Term], InvalidInput] = {}

    def check_parts(self, parts: Iterable[tuple[Shape, Term, frozenset[Term] | None]]) -> None:
        """Checks shapes at nodes, or at some values of these alone."""
        whole: defaultdict[Shape, list[Term]] = defaultdict(list)
        for shape, focus, values in parts:
            if values is None or shape.path is None:
                whole[shape].append(focus)
            else:
                narrow = Checker(Narrowed(self.checker.view, focus, shape.path, values), self.checker.shapes)
                narrow.classes = self.checker.classes
                self.found.update((key_of(result), result) for result in narrow.results(shape, focus))
        for shape, foci in whole.items():
            self.check(shape, foci)

    def check(self, shape: Shape, nodes: list[Term]) -> None:
        """Checks a shape at nodes, together where that goes."""
        try:
            results = self.checker.check(shape, nodes)
        except InvalidInput as error:
            if len(nodes) == 1:
                self.endless[shape.node, nodes[0]] = error
                return
            for node in nodes:
                self.check(shape, [node])
            return
        self.found.update((key_of(result), result) for result in results)


def of(result: Result) -> tuple[ShapeRef, Term]:
    """The shape and the node that a result is of."""
    return result.shape.node, result.focus


def key_of(result: Result) -> Key:
    """What makes it the same violation before and after a change; texts that differ in their language alone are one."""
    return violation_of(result).identity


def _stands_elsewhere(result: Result, checker: Checker, shapes: ShapeSet) -> bool:
    """Whether a result stands in the other state after all, reported through a pair that the change does not concern.

    A property shape reports for whatever shapes it is a property of, and for every node that leads to its own.
    """
    shape = shapes.shapes.find(result.shape.node)
    if shape is None or shape.severity != result.shape.severity or shape.node not in shapes.reach.references:
        return False
    if not shapes.reach.is_reported(checker, shape, result.focus):
        return False
    try:
        key = key_of(result)
        return any(key_of(each) == key for each in checker.results(shape, result.focus))
    except InvalidInput:
        return False


def _stays(here: ShapeSet, there: ShapeSet, shape: Shape) -> bool:
    other = there.shapes.find(shape.node)
    return other is not None and here.definition(shape) == there.definition(other)


def _differs(one: Result, other: Result | None) -> bool:
    # A rule that becomes stricter is a violation more, though it is the same node that breaks it.
    return other is None or one.shape.severity != other.shape.severity


def changed_triples(
    before: QuadView, after: QuadView, removed: Iterable[Quad], added: Iterable[Quad]
) -> tuple[list[Statement], list[Statement]]:
    """The triples that the one view has and the other has not: a triple that stands in another graph too stays."""
    gone = [each for each in _statements(removed) if not _has(after, each)]
    come = [each for each in _statements(added) if not _has(before, each)]
    return gone, come


def _statements(quads: Iterable[Quad]) -> Iterator[Statement]:
    for quad in dict.fromkeys(quads):
        if not isinstance(quad.subject, Triple) and not isinstance(quad.object, Triple):
            yield quad.subject, quad.predicate, quad.object


def _has(view: QuadView, statement: Statement) -> bool:
    subject, predicate, value = statement
    return any(True for _ in view.quads(subject, predicate, value, None))
