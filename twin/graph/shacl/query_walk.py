"""The triples that a query can touch from what is bound before it, found by walking its patterns.

The rows of the query on these triples alone are its rows on the whole graph: every triple in a row hangs, pattern by
pattern, on what is bound; and OPTIONAL and EXISTS are walked from no more than what their place in the query binds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twin.graph.shacl.paths import Alternative, Inverse, Path, Predicate, Sequence, inverse, may_be_empty
from twin.graph.shacl.query_plan import Bound, Choice, Dependent, Group, Part, Pattern, Place, Plan, Subquery
from twin.graph.shacl.triples import Statement, Term, TripleView
from twin.terms import BlankNode, Literal, NamedNode

__all__ = ["touched"]

_Terms = dict[Term, None]
_Known = dict[str, _Terms]


class _Everywhere(Exception):
    """A pattern hangs on nothing that is bound, or too much hangs on it."""


def touched(
    plan: Plan, view: TripleView, bound: Mapping[str, Iterable[Term]], most: int
) -> dict[Statement, None] | None:
    """The triples to evaluate a query on, for any of the terms given; None when they are not to be found by walking,
    or more than ``most``."""
    walk = _Walk(view, most)
    try:
        walk.group(plan.group, {name: dict.fromkeys(terms) for name, terms in bound.items()}, {})
    except _Everywhere:
        return None
    return walk.found


class _Walk:
    def __init__(self, view: TripleView, most: int) -> None:
        self.view = view
        self.found: dict[Statement, None] = {}
        self._most = most

    def group(self, group: Group, before: _Known, around: _Known) -> _Known:
        """What a group certainly binds.  ``before`` stands everywhere inside, ``around`` is what rows of the group are
        joined with: it narrows patterns, but nothing that only may match."""
        known = {**around, **before}
        own: _Known = {}
        waiting = [(part, position) for position, part in enumerate(group.parts) if not isinstance(part, Dependent)]
        while waiting:
            part, position = chosen = min(waiting, key=lambda each: self._rank(each[0], known))
            waiting.remove(chosen)
            if isinstance(part, Bound):
                seen = {**_only(own, _names(group.parts[:position])), **before}
                found = {part.name: seen[part.value]} if isinstance(part.value, str) and part.value in seen else {}
                if part.value is not None and not isinstance(part.value, str):
                    found = {part.name: {part.value: None}}
            else:
                found = self._join(part, before, known)
            for name, terms in found.items():
                own[name] = known[name] = _narrowed(known.get(name), terms)
        for position, hanging in enumerate(group.parts):
            if isinstance(hanging, Dependent) and hanging.is_filter:
                self.group(hanging.group, {**own, **before}, {})
            elif isinstance(hanging, Dependent):
                self.group(hanging.group, before, _only(own, _names(group.parts[:position])))
        return own

    def _rank(self, part: Part, known: _Known) -> int:
        """The lower, the sooner: patterns that hang on what is known bind more for the others."""
        if isinstance(part, Pattern):
            ends = [end for end in (part.subject, part.object) if isinstance(end, str)]
            if any(end in known for end in ends):
                return 0
            return 3 if len(ends) < 2 else 5
        if isinstance(part, Bound):
            return 1 if not isinstance(part.value, str) or part.value in known else 4
        return 2

    def _join(self, part: Pattern | Choice | Subquery | Dependent, before: _Known, known: _Known) -> _Known:
        if isinstance(part, Pattern):
            return self._pattern(part, known)
        if isinstance(part, Choice):
            branches = [self.group(branch, before, known) for branch in part.branches]
            names = set.intersection(*(set(each) for each in branches))
            return {name: {term: None for each in branches for term in each[name]} for name in names}
        if isinstance(part, Subquery):
            inner = {name: terms for name, terms in before.items() if part.names is None or name in part.names}
            bound = self.group(part.group, inner, {})
            return {name: terms for name, terms in bound.items() if part.names is None or name in part.names}
        return {}

    def _pattern(self, pattern: Pattern, known: _Known) -> _Known:
        starts, ends = _candidates(pattern.subject, known), _candidates(pattern.object, known)
        forward = _cost(pattern.subject, starts) <= _cost(pattern.object, ends)
        nodes, only = (starts, ends) if forward else (ends, starts)
        if nodes is None:
            raise _Everywhere
        reached, by = self._from(nodes, pattern.path, not forward, only)
        bound: _Known = {}
        if isinstance(pattern.subject, str):
            bound[pattern.subject] = nodes if forward else reached
        if isinstance(pattern.object, str):
            bound[pattern.object] = _narrowed(bound.get(pattern.object), reached if forward else nodes)
        if pattern.predicate:
            bound[pattern.predicate] = _narrowed(bound.get(pattern.predicate), by)
        return bound

    def _from(self, nodes: _Terms, path: Path | None, backward: bool, only: _Terms | None) -> tuple[_Terms, _Terms]:
        """Where a step leads, and by which predicates where it has none of its own."""
        if path is not None:
            if may_be_empty(path):
                self._mention(nodes)
            return self._step(nodes, inverse(path) if backward else path, only), {}
        reached: _Terms = {}
        by: _Terms = {}
        for node in nodes:
            statements: Iterable[Statement] = (
                ((subject, predicate, node) for subject, predicate in self.view.pointing(node))
                if backward
                else ((node, predicate, value) for predicate, value in self.view.about(node))  # type: ignore[misc]
            )
            for statement in statements:
                end = statement[0] if backward else statement[2]
                if only is None or end in only:
                    self._note(statement)
                    reached[end] = None
                    by[statement[1]] = None
        return reached, by

    def _mention(self, nodes: _Terms) -> None:
        """Notes a triple with each node: a path of no steps leads to itself a node that the graph knows."""
        for node in nodes:
            for predicate, value in self.view.about(node):
                self._note((node, predicate, value))  # type: ignore[arg-type]
                break
            else:
                for subject, predicate in self.view.pointing(node):
                    self._note((subject, predicate, node))
                    break

    def _step(self, nodes: _Terms, path: Path, only: _Terms | None = None) -> _Terms:
        if isinstance(path, Predicate):
            reached: _Terms = {}
            for node in nodes:
                for value in self.view.objects(node, path.iri):
                    if only is None or value in only:
                        self._note((node, path.iri, value))  # type: ignore[arg-type]
                        reached[value] = None
            return reached
        if isinstance(path, Inverse):
            if not isinstance(path.path, Predicate):
                return self._step(nodes, inverse(path.path), only)
            reached = {}
            for node in nodes:
                for subject in self.view.subjects(path.path.iri, node):
                    if only is None or subject in only:
                        self._note((subject, path.path.iri, node))
                        reached[subject] = None
            return reached
        if isinstance(path, Sequence):
            for step in path.steps:
                nodes = self._step(nodes, step)
            return nodes
        if isinstance(path, Alternative):
            return {node: None for each in path.paths for node in self._step(nodes, each)}
        reached = dict(nodes) if path.minimum == 0 else {}
        ahead = nodes
        while ahead:
            ahead = {node: None for node in self._step(ahead, path.path) if node not in reached}
            reached.update(ahead)
            if not path.unbounded:
                break
        return reached

    def _note(self, statement: Statement) -> None:
        self.found[statement] = None
        if len(self.found) > self._most:
            raise _Everywhere


def _candidates(end: Place, known: _Known) -> _Terms | None:
    if isinstance(end, NamedNode | BlankNode | Literal):
        return {end: None}
    return known.get(end)


def _cost(end: Place, terms: _Terms | None) -> tuple[bool, bool, int]:
    """The lower, the better to walk from: a constant may be a hub, what hangs on $this seldom is."""
    return (terms is None, not isinstance(end, str), len(terms or ()))


def _only(known: _Known, names: set[str]) -> _Known:
    return {name: terms for name, terms in known.items() if name in names}


def _names(parts: Iterable[Part]) -> set[str]:
    return {name for part in parts for name in _certain(part)}


def _narrowed(one: _Terms | None, other: _Terms) -> _Terms:
    return other if one is None else {term: None for term in one if term in other}


def _certain(part: Part) -> set[str]:
    """The names that a part binds in every row, or may where it computes them."""
    if isinstance(part, Pattern):
        return {end for end in (part.subject, part.object, part.predicate) if isinstance(end, str) and end}
    if isinstance(part, Bound):
        return {part.name}
    if isinstance(part, Choice):
        return set.intersection(*(_names(branch.parts) for branch in part.branches))
    if isinstance(part, Subquery):
        return _names(part.group.parts) if part.names is None else _names(part.group.parts) & part.names
    return set()
