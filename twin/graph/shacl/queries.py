"""SPARQL in shapes, evaluated: on the triples a query can touch where its patterns tell, else on the whole view."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice

from pyoxigraph import QuerySolution, Store

from twin.graph.shacl.constraints import Sparql
from twin.graph.shacl.prebinding import prebound
from twin.graph.shacl.query_plan import Plan
from twin.graph.shacl.query_walk import touched
from twin.graph.shacl.shapes import Shapes, SparqlTarget
from twin.graph.shacl.triples import MemoryTriples, Statement, Term, TripleView
from twin.terms import NamedNode, Quad

__all__ = ["Queries", "Row"]

Row = Mapping[str, Term]

_SHAPES_GRAPH = NamedNode("urn:twin:shapes-graph-of-this-check")
_MOST = 20_000  # triples copied for one evaluation: beyond, the whole view is copied, once for all of a check
_TOGETHER = 500  # foci of one evaluation
_THIS = "this"


class Queries:
    """Answers of the shapes' queries in one state of a graph."""

    def __init__(self, view: TripleView, shapes: Shapes) -> None:
        self._view = view
        self._shapes = shapes
        self._whole: Store | None = None
        self._has_shapes = False

    def rows(
        self, query: str, bindings: Iterable[tuple[str, Term]], foci: Iterable[Term]
    ) -> Iterator[tuple[Term, Row]]:
        """The rows of a SELECT for each focus."""
        bound = self._used(query, bindings)
        plan = _plan(query)
        waiting = iter(foci)
        size = _TOGETHER if plan is not None and plan.together else 1
        while some := list(islice(waiting, size)):
            yield from self._some(query, plan, bound, some)

    def holds(self, constraint: Sparql, focus: Term, value: Term) -> bool:
        """The answer of an ASK for one value."""
        query = constraint.query
        bound = {**self._used(query, constraint.bindings), _THIS: focus, "value": value}
        store = self._store(query, _plan(query), {name: (term,) for name, term in bound.items()})
        text, functions = prebound(query, bound)
        return bool(store.query(text, custom_functions=functions))

    def targets(self, target: SparqlTarget) -> dict[Term, None]:
        """The nodes that a target selects."""
        bound = self._used(target.select, target.bindings)
        rows = self._select(self._all(with_shapes=False), target.select, bound)
        return {row[_THIS]: None for row in rows if _THIS in row}

    def is_target(self, target: SparqlTarget, node: Term) -> bool | None:
        """Whether a target selects a node; None when only `targets` can tell."""
        plan = _plan(target.select)
        if plan is None or not plan.together:
            return None
        bound = {**self._used(target.select, target.bindings), _THIS: node}
        triples = touched(plan, self._view, {name: (term,) for name, term in bound.items()}, _MOST)
        return any(self._select(_filled(triples), target.select, bound)) if triples is not None else None

    def _some(
        self, query: str, plan: Plan | None, bound: dict[str, Term], foci: list[Term]
    ) -> Iterator[tuple[Term, Row]]:
        if len(foci) > 1:
            among = dict.fromkeys(foci)
            anchors: dict[str, Iterable[Term]] = {**{name: (term,) for name, term in bound.items()}, _THIS: among}
            store = self._found(plan, anchors)
            if store is None:
                half = len(foci) // 2
                yield from self._some(query, plan, bound, foci[:half])
                yield from self._some(query, plan, bound, foci[half:])
                return
            for row in self._select(store, query, bound):
                if row.get(_THIS) in among:
                    yield row[_THIS], row
            return
        for focus in foci:
            given = {**bound, _THIS: focus}
            store = self._store(query, plan, {name: (term,) for name, term in given.items()})
            for row in self._select(store, query, given):
                yield row.get(_THIS, focus), row

    def _store(self, query: str, plan: Plan | None, anchors: Mapping[str, Iterable[Term]]) -> Store:
        found = self._found(plan, anchors)
        return found if found is not None else self._all("shapesGraph" in query)

    def _found(self, plan: Plan | None, anchors: Mapping[str, Iterable[Term]]) -> Store | None:
        """A store of no more than the query needs; None when that cannot be told, or is too much."""
        if plan is None:
            return None
        if isinstance(self._view, MemoryTriples) and len(self._view) <= _MOST:
            return self._all(with_shapes=False)
        triples = touched(plan, self._view, anchors, _MOST)
        return _filled(triples) if triples is not None else None

    def _all(self, with_shapes: bool) -> Store:
        if self._whole is None:
            self._whole = _filled(self._view.everything())
        if with_shapes and not self._has_shapes:
            self._has_shapes = True
            statements = self._shapes.statements
            self._whole.extend(Quad(*statement, _SHAPES_GRAPH) for statement in statements)
        return self._whole

    def _used(self, query: str, bindings: Iterable[tuple[str, Term]]) -> dict[str, Term]:
        names = _variables(query)
        found = {name: term for name, term in bindings if name in names}
        if "shapesGraph" in names:
            found["shapesGraph"] = _SHAPES_GRAPH
        return found

    @staticmethod
    def _select(store: Store, query: str, bound: Mapping[str, Term]) -> Iterator[Row]:
        text, functions = prebound(query, bound)
        answer = store.query(text, custom_functions=functions)
        names = [variable.value for variable in answer.variables]  # type: ignore[union-attr]
        for solution in answer:  # type: ignore[union-attr]
            yield {**bound, **_row(solution, names)}


def _row(solution: QuerySolution, names: Iterable[str]) -> dict[str, Term]:
    return {name: term for name in names if (term := solution[name]) is not None}


def _filled(statements: Iterable[Statement]) -> Store:
    store = Store()
    store.extend(Quad(*statement) for statement in statements)
    return store


def _plan(query: str) -> Plan | None:
    from twin.graph.shacl.query_parsing import plan_of  # rdflib takes a moment to load: only for shapes with SPARQL

    return plan_of(query)


@lru_cache(maxsize=1024)
def _variables(query: str) -> frozenset[str]:
    return frozenset(re.findall(r"[?$](\w+)", query))
