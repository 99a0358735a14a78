"""The triple patterns of a SPARQL query, in groups that hold together: what a change must touch to change its answer.

The text is parsed by rdflib, once for each shape; nothing is evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import product
from typing import Any

from rdflib import Literal as RdflibLiteral
from rdflib import URIRef, Variable
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery

from twin.graph.shacl.paths import Alternative, Inverse, Path, Predicate, Repeat, Sequence
from twin.graph.shacl.query_pattern import Conjunction, Pattern, Query
from twin.graph.shacl.triples import Term
from twin.terms import Literal, NamedNode

__all__ = ["Conjunction", "Pattern", "Query", "bound", "query_patterns", "value_by"]

_MOST = 64  # alternatives of one query; beyond these its patterns are not told apart
_HIDDEN = ("shapesGraph", "currentShape")


_Group = tuple[Pattern, ...]
_Names = dict[str, str]


@lru_cache(maxsize=1024)
def query_patterns(text: str) -> Query:
    """The patterns of a SELECT or ASK; raises what rdflib raises for text that is none."""
    parsed = parseQuery(text)
    prologue = translatePrologue(parsed[0], None, None, None)
    query = traverse(parsed[1], visitPost=partial(translatePName, prologue=prologue))
    query = traverse(query, visitPost=translatePath)
    reading = _Reading()
    for group in reading.alternatives(query.where, {}):
        reading.found[Conjunction(group)] = None
    reading.note(query.where, {}, [()])
    return Query(tuple(reading.found), reading.local)


@dataclass(slots=True)
class _Reading:
    local: bool = True
    found: dict[Conjunction, None] = field(default_factory=dict)
    _inner: dict[int, _Names] = field(default_factory=dict)

    def alternatives(self, part: Any, names: _Names) -> list[_Group]:
        """The patterns that hold wherever the group holds; several lists where it is a UNION."""
        if part.name == "SubSelect":
            return self.alternatives(part.where, self._subselect(part, names))
        return self._product([self._of_part(each, names) for each in part.part or ()])

    def _of_part(self, part: Any, names: _Names) -> list[_Group]:
        if part.name == "TriplesBlock":
            return [tuple(self._triples(part.triples, names))]
        if part.name == "GroupOrUnionGraphPattern":
            return [group for branch in part.graph for group in self.alternatives(branch, names)]
        if part.name == "SubSelect":
            return self.alternatives(part, names)
        if part.name == "Bind" and isinstance(part.expr, Variable):
            return [(Pattern(_term(part.expr, names), None, _term(part.var, names), same=True),)]
        if part.name == "ServiceGraphPattern" or (part.name == "GraphGraphPattern" and str(part.term) not in _HIDDEN):
            self.local = False
        return [()]

    def note(self, part: Any, names: _Names, context: list[_Group]) -> None:
        """Notes what hangs on a group - OPTIONAL, MINUS, EXISTS - joined with the group and the ``context`` around."""
        if part.name == "SubSelect":
            self.note(part.where, self._subselect(part, names), context)
            return
        parts = list(part.part or ())
        own = [self._of_part(each, names) for each in parts]
        around = self._product([context, *own])
        for number, each in enumerate(parts):
            if each.name in ("OptionalGraphPattern", "MinusGraphPattern"):
                self._dependent(each.graph, names, around)
            elif each.name in ("Filter", "Bind"):
                for exists in _exists(each.expr):
                    self._dependent(exists.graph, names, around)
            elif each.name in ("GroupOrUnionGraphPattern", "SubSelect"):
                beside = self._product([context, *own[:number], *own[number + 1 :]])
                for branch in each.graph if each.name == "GroupOrUnionGraphPattern" else (each,):
                    self.note(branch, names, beside)

    def _dependent(self, part: Any, names: _Names, around: list[_Group]) -> None:
        for inner in self.alternatives(part, names):
            for outer in around:
                self.found[Conjunction(outer + inner, len(outer))] = None
        self.note(part, names, around)

    def _subselect(self, part: Any, names: _Names) -> _Names:
        """The names inside a subquery: what it does not project is its own, whatever has the same name outside."""
        if id(part) in self._inner:
            return self._inner[id(part)]
        shown = {str(each.var if each.var is not None else each.evar) for each in part.projection or ()}
        computed = any(each.evar is not None for each in part.projection or ())
        alone = (computed or part.having is not None) and part.groupby is None
        if part.limitoffset is not None or alone:
            self.local = False
        hidden = {str(each) for each in _variables(part.where)} - shown - {"this"} if part.projection else set()
        inner = {**names, **{name: f"{name}/{len(self._inner)}" for name in hidden}}
        self._inner[id(part)] = inner
        return inner

    def _product(self, parts: list[list[_Group]]) -> list[_Group]:
        found: list[_Group] = [()]
        for each in parts:
            if len(found) * len(each) > _MOST:
                self.local = False
                each = each[:1]
            found = [(*one, *other) for one, other in product(found, each)]
        return found

    def _triples(self, blocks: Iterable[Any], names: _Names) -> Iterator[Pattern]:
        for flat in blocks:
            terms = list(flat)
            for position in range(0, len(terms), 3):
                subject, predicate, value = terms[position : position + 3]
                path, name = None, ""
                if isinstance(predicate, Variable):
                    name = str(_term(predicate, names))
                else:
                    path = _path(predicate)
                    if path is None:  # a negated property set: by any predicate, and in the middle of whatever
                        self.local, name = False, "/any"
                yield Pattern(_term(subject, names), path, _term(value, names), predicate=name)


def _path(path: Any) -> Path | None:
    """Our form of a path; None where it may go by any predicate."""
    if isinstance(path, URIRef):
        return Predicate(NamedNode(str(path)))
    if isinstance(path, InvPath):
        inner = _path(path.arg)
        return Inverse(inner) if inner is not None else None
    if isinstance(path, SequencePath | AlternativePath):
        parts = [_path(each) for each in path.args]
        known = tuple(each for each in parts if each is not None)
        if len(known) < len(parts):
            return None
        return Sequence(known) if isinstance(path, SequencePath) else Alternative(known)
    if isinstance(path, MulPath):
        inner = _path(path.path)
        minimum = 0 if path.zero else 1
        return Repeat(inner, minimum, path.more) if inner is not None else None
    return None


def _term(term: Any, renamed: dict[str, str]) -> NamedNode | Literal | str:
    if isinstance(term, Variable):
        return renamed.get(str(term), str(term))
    if isinstance(term, URIRef):
        return NamedNode(str(term))
    if isinstance(term, RdflibLiteral):
        if term.language:
            return Literal(str(term), language=term.language)
        return Literal(str(term), datatype=NamedNode(str(term.datatype))) if term.datatype else Literal(str(term))
    return f"_:{term}"  # a blank node stands for a variable that has no other name


def _exists(expression: Any) -> Iterator[Any]:
    """The EXISTS and NOT EXISTS in an expression, however deep."""
    found: list[Any] = []
    name = getattr(expression, "name", "")
    if name in ("Builtin_EXISTS", "Builtin_NOTEXISTS"):
        found.append(expression)
    elif isinstance(expression, dict):
        for value in expression.values():
            found.extend(_exists(value))
    elif isinstance(expression, list | tuple) or type(expression).__name__ in ("plist", "ParseResults"):
        for value in expression:
            found.extend(_exists(value))
    return iter(found)


def _variables(part: Any) -> Iterator[Variable]:
    if isinstance(part, Variable):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from _variables(value)
    elif isinstance(part, list | tuple) or type(part).__name__ in ("plist", "ParseResults"):
        for value in part:
            yield from _variables(value)


def bound(query: Query, values: Mapping[str, Term]) -> Query:
    """The query with values in the place of variables that are bound before it is evaluated."""

    def put(term: NamedNode | Literal | str) -> NamedNode | Literal | str:
        value = values.get(term) if isinstance(term, str) else None
        return value if isinstance(value, NamedNode | Literal) else term

    def bind(pattern: Pattern) -> Pattern:
        step = put(pattern.predicate) if pattern.predicate else ""
        path = Predicate(step) if isinstance(step, NamedNode) else pattern.path
        name = step if isinstance(step, str) else ""
        return replace(pattern, subject=put(pattern.subject), object=put(pattern.object), path=path, predicate=name)

    if not values:
        return query
    return Query(tuple(Conjunction(tuple(map(bind, c.patterns)), c.first) for c in query.conjunctions), query.local)


def value_by(query: Query, path: Path | None) -> Query:
    """The query with ``$value`` joined to ``$this`` as in an ASK: by the shape's path, or one with it."""
    joint = Pattern("this", path, "value", same=path is None)
    return Query(tuple(Conjunction((joint, *c.patterns), c.first + 1) for c in query.conjunctions), query.local)
