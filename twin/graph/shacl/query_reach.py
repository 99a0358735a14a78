"""From a changed triple to the nodes for which a query's answer can be another: its ``$this``, by its triple patterns.

A row that a change brings or takes away holds one of the changed triples in its patterns, and all other patterns of
the same conjunction hold in that state; so the walk from the triple through them, before the change for a triple
removed and after it for one added, meets every ``$this`` concerned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from twin.graph.shacl.path_reach import Step, steps_of
from twin.graph.shacl.paths import Alternative, Inverse, Path, Predicate, Repeat, Sequence, follow, inverse
from twin.graph.shacl.query_pattern import Conjunction, Pattern, Query
from twin.graph.shacl.triples import Statement, Term, TripleView
from twin.terms import Literal, NamedNode
from twin.vocab import RDF

__all__ = ["QueryReach", "query_reach"]

_THIS = "this"


@dataclass(frozen=True, slots=True)
class _Way:
    """One step of the way to ``$this``: from what a variable can be to what the next can be.  ``by`` is one end's
    name for a pattern with a variable predicate: "subject", "predicate" or "object", and ``to`` the next's."""

    path: Path | None
    by: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A place in a pattern that a changed triple can take, and the way from there to ``$this``.

    ``step`` is None for a variable predicate; ``start`` says which end of the pattern the way starts from, and is
    empty when ``$this`` cannot be reached.
    """

    pattern: Pattern
    step: Step | None
    start: str
    ways: tuple[_Way, ...]


@dataclass(frozen=True, slots=True)
class QueryReach:
    """The triggers of a query by predicate; ``anywhere`` are those of every predicate."""

    triggers: Mapping[NamedNode, tuple[_Trigger, ...]]
    anywhere: tuple[_Trigger, ...]
    local: bool

    def foci(self, state: TripleView, triple: Statement) -> dict[Term, None] | None:
        """The nodes whose answer the triple can matter for, in the state that holds it; None for "any"."""
        if not self.local:
            return None
        found: dict[Term, None] = {}
        for trigger in (*self.triggers.get(triple[1], ()), *self.anywhere):
            reached = _reached(trigger, state, triple)
            if reached is None:
                return None
            found.update(dict.fromkeys(reached))
        return found


def query_reach(query: Query) -> QueryReach:
    """The compiled reach of a query's patterns."""
    triggers: defaultdict[NamedNode, dict[_Trigger, None]] = defaultdict(dict)
    anywhere: dict[_Trigger, None] = {}
    for conjunction in query.conjunctions:
        for pattern in conjunction.patterns[conjunction.first :]:
            if pattern.same:
                continue
            start, ways = _way(conjunction, pattern)
            if pattern.path is None:
                anywhere[_Trigger(pattern, None, start, ways)] = None
            else:
                for step in steps_of(pattern.path):
                    triggers[step.predicate][_Trigger(pattern, step, start, ways)] = None
    return QueryReach({key: tuple(value) for key, value in triggers.items()}, tuple(anywhere), query.local)


def _reached(trigger: _Trigger, state: TripleView, triple: Statement) -> Iterable[Term] | None:
    pattern, step = trigger.pattern, trigger.step
    subject, predicate, value = triple
    if step is None:
        ends: dict[str, Iterable[Term]] = {"subject": (subject,), "predicate": (predicate,), "object": (value,)}
        if not _is(pattern.subject, (subject,)) or not _is(pattern.object, (value,)):
            return ()
    else:
        entered, left = (value, subject) if step.backward else (subject, value)
        # The cheaper end first: the one without a walk may say that the pattern is not about this triple at all.
        ends = {}
        near = (("subject", pattern.subject, entered, step.before), ("object", pattern.object, left, step.after))
        for name, wanted, node, walk in sorted(near, key=lambda end: end[3] is not None):
            if name == trigger.start or not isinstance(wanted, str):
                ends[name] = (node,) if walk is None else follow(state, walk, (node,))
                if not _is(wanted, ends[name]):
                    return ()
    if not trigger.start:
        return None
    nodes = ends[trigger.start]
    for way in trigger.ways:
        nodes = _next(way, state, nodes)
    return nodes


def _is(wanted: NamedNode | Literal | str, found: Iterable[Term]) -> bool:
    # Literals are not compared: a query finds 1.0 where 1 is written.
    return not isinstance(wanted, NamedNode) or wanted in found


def _next(way: _Way, state: TripleView, nodes: Iterable[Term]) -> Iterable[Term]:
    if way.path is not None:
        return follow(state, way.path, nodes)
    if not way.by:
        return nodes
    found: dict[Term, None] = {}
    for node in nodes:
        if way.by == "subject":
            for predicate, value in state.about(node):
                found[predicate if way.to == "predicate" else value] = None
        elif way.by == "object":
            for subject, predicate in state.pointing(node):
                found[predicate if way.to == "predicate" else subject] = None
        elif isinstance(node, NamedNode):
            for subject, value in state.pairs(node):
                found[subject if way.to == "subject" else value] = None
    return found


def _way(conjunction: Conjunction, pattern: Pattern) -> tuple[str, tuple[_Way, ...]]:
    """The cheapest way from the variables of a pattern to ``$this``, and the end of the pattern it starts from."""
    starts = {"subject": pattern.subject, "object": pattern.object, "predicate": pattern.predicate}
    names = {end: name for end, name in starts.items() if isinstance(name, str) and name}
    for end, name in names.items():
        if name == _THIS:
            return end, ()
    edges: defaultdict[str, list[tuple[str, float, _Way]]] = defaultdict(list)
    for each in conjunction.patterns:
        if each != pattern:
            for name, other, cost, way in _edges(each):
                edges[name].append((other, cost, way))
    ahead = [(0.0, number, name, end, ()) for number, (end, name) in enumerate(names.items())]
    done: set[str] = set()
    number = len(ahead)
    while ahead:
        cost, _, name, end, ways = heappop(ahead)
        if name == _THIS:
            return end, ways
        if name in done:
            continue
        done.add(name)
        for other, more, way in edges[name]:
            number += 1
            heappush(ahead, (cost + more, number, other, end, (*ways, way)))  # type: ignore[misc]  # grows
    return "", ()


def _edges(pattern: Pattern) -> Iterable[tuple[str, str, float, _Way]]:
    subject, value = pattern.subject, pattern.object
    both = isinstance(subject, str) and isinstance(value, str)
    if pattern.same and both:
        yield str(subject), str(value), 0.0, _Way(None)
        yield str(value), str(subject), 0.0, _Way(None)
    elif pattern.path is not None:
        if both:
            back = inverse(pattern.path)
            yield str(subject), str(value), _cost(pattern.path), _Way(pattern.path)
            yield str(value), str(subject), _cost(back), _Way(back)
    elif not pattern.same:
        ends = {"subject": subject, "predicate": pattern.predicate, "object": value}
        for by, name in ends.items():
            for to, other in ends.items():
                if by != to and isinstance(name, str) and isinstance(other, str) and name and other:
                    yield name, other, 100.0 if by == "predicate" else 5.0, _Way(None, by, to)


def _cost(path: Path) -> float:
    """How many nodes a walk is likely to meet, against other walks: back along rdf:type is all of a class."""
    if isinstance(path, Predicate):
        return 1.0
    if isinstance(path, Inverse):
        inner = path.path
        return 50.0 if isinstance(inner, Predicate) and inner.iri == RDF.type else 2.0
    if isinstance(path, Sequence):
        return sum(map(_cost, path.steps))
    if isinstance(path, Alternative):
        return sum(map(_cost, path.paths))
    return 4.0 * _cost(path.path) if isinstance(path, Repeat) else 1.0
