"""Our own shapes, checked on small graphs: read once, then each on the nodes asked for alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from twin.errors import InvalidInput
from twin.graph.shacl.checking import Checker
from twin.graph.shacl.reading import read_shapes
from twin.graph.shacl.results import violation_of
from twin.graph.shacl.shapes import Shape
from twin.graph.shacl.triples import MemoryTriples, Term
from twin.graph.validation.neighbourhood import Statement
from twin.graph.violation import Violation
from twin.terms import NamedNode, Quad
from twin.vocab import SH

__all__ = ["Engine", "shape_iris"]

_FEW = 20  # nodes: so many are looked at one by one, more as what all targets select


class Engine:
    """One set of shapes, ready to check graphs.  Raises `InvalidInput` for shapes that cannot be read whole."""

    def __init__(self, shapes: Iterable[Quad]) -> None:
        self._shapes = read_shapes(shapes)
        if self._shapes.problems:
            first = self._shapes.problems[0]
            raise InvalidInput(first.words, remedy=first.remedy)

    def __len__(self) -> int:
        return len(self._shapes.targeted)

    def check(self, statements: Iterable[Statement], foci: Iterable[NamedNode]) -> list[Violation]:
        """The violations of the shapes by these nodes, in a graph of these statements."""
        checker = Checker(MemoryTriples(statements), self._shapes)
        asked = dict.fromkeys(sorted(foci, key=lambda focus: focus.value))
        found: dict[tuple[str, ...], Violation] = {}
        for shape in self._shapes.targeted:
            targets = _targets(checker, shape, asked)
            if targets:
                for result in checker.check(shape, targets):
                    violation = violation_of(result)
                    found[violation.identity] = violation
        return list(found.values())


def _targets(checker: Checker, shape: Shape, asked: Collection[NamedNode]) -> list[Term]:
    if len(asked) <= _FEW:
        return [focus for focus in asked if checker.is_target(shape, focus)]
    selected = checker.focus_nodes(shape)
    return [focus for focus in asked if focus in selected]


def shape_iris(shapes: Iterable[Quad]) -> Iterator[str]:
    """The IRIs of the shapes that stand by themselves, each a rule."""
    seen: dict[str, None] = {}
    for quad in shapes:
        if isinstance(quad.subject, NamedNode) and quad.predicate == SH.message:
            seen[quad.subject.value] = None
    return iter(seen)
