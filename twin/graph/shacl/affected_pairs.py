"""From changed triples to the (shape, focus node) pairs whose result they can change: a superset of those, found by
walking the shapes' paths backwards from what changed.

A changed triple touches the shapes that look at it, each at the nodes from where they do; a shape that is touched at a
node touches those that refer to it, at the nodes that have this one as a value.  What is touched and is reported in
either state is a pair.

A triple removed is walked from in the state before, one added in the state after: that is where it is part of
whatever changes.  References are followed in the state before: who has the node as a value in one state only is touched
by its path already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from twin.errors import InvalidInput
from twin.graph.shacl.checking import Checker
from twin.graph.shacl.class_changes import changed_classes_of
from twin.graph.shacl.constraints import ShapeRef
from twin.graph.shacl.paths import Inverse, Path, Predicate, follow
from twin.graph.shacl.reach import Reach
from twin.graph.shacl.shapes import Shape
from twin.graph.shacl.triples import Statement, Term, TripleView

__all__ = ["Pairs", "Part", "affected_pairs"]

_MANY = 32
"""Nodes that have another as a value, beyond which it is first seen whether anything changed for them."""


@dataclass(frozen=True, slots=True)
class Part:
    """How a shape concerns a node: whether what it finds there is reported ``before`` and ``after`` the change, and at
    which ``values`` of its path alone it can find anything else (None: whichever)."""

    before: bool
    after: bool
    values: frozenset[Term] | None = None


@dataclass(slots=True)
class Pairs:
    """What a change can concern: (shape, focus node) pairs.  ``fallbacks`` counts the queries for which every focus
    node of a shape had to be taken, because their patterns do not join a changed triple to ``$this``."""

    pairs: dict[tuple[Shape, Term], Part] = field(default_factory=dict)
    fallbacks: int = 0


def affected_pairs(
    reach: Reach,
    before: Checker,
    after: Checker,
    removed: Iterable[Statement],
    added: Iterable[Statement],
    *,
    whole: bool = False,
) -> Pairs:
    """The pairs whose result can differ between the two states, which differ by these triples.

    A property shape stands for itself, where a shape with targets reports what it finds; with ``whole`` that shape
    does instead, with everything it reports.
    """
    walk = _Walk(reach, before, after, whole)
    removed, added = tuple(removed), tuple(added)
    for statements, state in ((removed, before.view), (added, after.view)):
        for statement in statements:
            walk.triple(statement, state)
    if reach.classes:
        states = (before.view, before.classes), (after.view, after.classes)
        for node, classes in changed_classes_of(*states, (*removed, *added), reach.classes):
            for cls in classes & reach.classes.keys():
                for shape, back in reach.classes[cls]:
                    if back is None:
                        walk.touch(shape, node)
                    else:
                        walk.touch_all(shape, follow(before.view, back, (node,)), node)
    walk.spread()
    return walk.concluded()


_EVERY = None
"""In the place of a value: it may be any that a shape finds something else at."""


class _Walk:
    def __init__(self, reach: Reach, before: Checker, after: Checker, whole: bool) -> None:
        self.found = Pairs()
        self._reach, self._before, self._after, self._by_target = reach, before, after, whole
        self._touched: dict[tuple[Shape, Term], set[Term] | None] = {}
        self._passed: set[tuple[Shape, Term]] = set()
        self._ahead: list[tuple[Shape, Term]] = []
        self._whole: set[ShapeRef] = set()

    def triple(self, statement: Statement, state: TripleView) -> None:
        """Touches what looks at one changed triple."""
        reach = self._reach
        subject, predicate, value = statement
        for shape, step in reach.steps.get(predicate, ()):
            entered, left = (value, subject) if step.backward else (subject, value)
            if step.before is None:
                self.touch(shape, entered, left)
            else:
                self.touch_all(shape, follow(state, step.before, (entered,)))
        for shape in reach.compared.get(predicate, ()):
            self.touch(shape, subject)
        for shape, allowed, back in reach.closed:
            if predicate not in allowed:
                self.touch_all(shape, (subject,) if back is None else follow(state, back, (subject,)))
        for shape in reach.subjects.get(predicate, ()):
            self.touch(shape, subject)
        for shape in reach.objects.get(predicate, ()):
            self.touch(shape, value)
        for shape, query in (*reach.queries.get(predicate, ()), *reach.wild):
            if shape.node not in self._whole:
                foci = query.foci(state, statement)
                if foci is None:
                    self._all_foci(shape)
                else:
                    self.touch_all(shape, foci)

    def touch_all(self, shape: Shape, foci: Iterable[Term], value: Term | None = _EVERY) -> None:
        """Touches a shape at several nodes."""
        for focus in foci:
            self.touch(shape, focus, value)

    def touch(self, shape: Shape, focus: Term, value: Term | None = _EVERY) -> None:
        """Touches a shape at a node: its result there may differ, perhaps only for one value."""
        key = (shape, focus)
        if value is not None and shape.node not in self._reach.by_value:
            value = _EVERY
        if key not in self._touched:
            self._touched[key] = None if value is None else {value}
            self._pass_on(key)
        else:
            known = self._touched[key]
            if value is None:
                self._touched[key] = None
            elif known is not None:
                known.add(value)

    def _pass_on(self, key: tuple[Shape, Term]) -> None:
        if key not in self._passed:
            self._passed.add(key)
            self._ahead.append(key)

    def spread(self) -> None:
        """Goes on from what is touched to whatever refers to it, until nothing new is met."""
        while self._ahead:
            shape, focus = self._ahead.pop()
            differs: bool | None = None
            for reference in self._reach.references.get(shape.node, ()):
                reports = reference.reports and not self._by_target
                if reports and reference.shape.node not in self._reach.decisive:
                    continue  # what it reports is judged for itself, and nothing hangs on whether it conforms
                if reference.back is not None and self._has_many(reference.back, focus):
                    if differs is None:
                        differs = self._differs(shape, focus)
                    if not differs:
                        continue
                back = reference.back
                for node in (focus,) if back is None else follow(self._before.view, back, (focus,)):
                    if reports:
                        self._pass_on((reference.shape, node))
                    else:
                        self.touch(reference.shape, node, _EVERY if back is None else focus)

    def concluded(self) -> Pairs:
        """The pairs among what was touched: what is reported in one of the states."""
        for (shape, focus), values in self._touched.items():
            before, after = self._is_reported(self._before, shape, focus), self._is_reported(self._after, shape, focus)
            if before or after:
                # Where a shape begins or ends to be reported, it does so with all it finds.
                narrow = frozenset(values) if values is not None and before and after else None
                self.found.pairs.setdefault((shape, focus), Part(before, after, narrow))
        return self.found

    def _is_reported(self, checker: Checker, shape: Shape, focus: Term) -> bool:
        if self._by_target:
            return shape in self._reach.targeted and checker.is_target(shape, focus)
        return self._reach.is_reported(checker, shape, focus)

    def _has_many(self, back: Path, focus: Term) -> bool:
        if isinstance(back, Inverse) and isinstance(back.path, Predicate):
            return len(list(islice(self._before.view.subjects(back.path.iri, focus), _MANY + 1))) > _MANY
        return True

    def _differs(self, shape: Shape, focus: Term) -> bool:
        try:
            old = {result.identity for result in self._before.results(shape, focus)}
            return old != {result.identity for result in self._after.results(shape, focus)}
        except InvalidInput:  # a shape that refers to itself without end: whoever asks finds out
            return True

    def _all_foci(self, shape: Shape) -> None:
        """Every node that a query without a way to ``$this`` may be about: all targets, through whatever refers."""
        self._whole.add(shape.node)
        self.found.fallbacks += 1
        ahead, seen = [shape], {shape.node}
        while ahead:
            here = ahead.pop()
            if here in self._reach.targeted:
                old, new = self._before.focus_nodes(here), self._after.focus_nodes(here)
                for focus in (*old, *new):
                    self.found.pairs[here, focus] = Part(focus in old, focus in new)
            for reference in self._reach.references.get(here.node, ()):
                if reference.shape.node not in seen:
                    seen.add(reference.shape.node)
                    ahead.append(reference.shape)
