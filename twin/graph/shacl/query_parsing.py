"""Plans of queries from their texts, each read once by rdflib's parser; nothing is evaluated here.

Loading rdflib takes a moment: this module is imported where a shape with SPARQL is met, and not before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

from rdflib import Literal as RdflibLiteral
from rdflib import URIRef, Variable
from rdflib.paths import AlternativePath, InvPath, MulPath, SequencePath
from rdflib.plugins.sparql.algebra import translatePath, translatePName, translatePrologue, traverse
from rdflib.plugins.sparql.parser import parseQuery

from twin.graph.shacl.paths import Alternative, Inverse, Path, Predicate, Repeat, Sequence, may_be_empty
from twin.graph.shacl.query_plan import Bound, Choice, Dependent, Group, Part, Pattern, Place, Plan, Subquery
from twin.terms import Literal, NamedNode

__all__ = ["parsed", "plan_of"]


class _Unplanned(Exception):
    """The query looks at more than a walk from what is bound can find."""


@lru_cache(maxsize=1024)
def parsed(text: str) -> Any:
    """The parse tree of a query, names and paths resolved; None for what rdflib cannot read."""
    try:
        tree = parseQuery(text)
        prologue = translatePrologue(tree[0], None, None, None)
        query = traverse(tree[1], visitPost=partial(translatePName, prologue=prologue))
        return traverse(query, visitPost=translatePath)
    except RecursionError:
        return None
    except Exception:  # rdflib has no error of its own for what it cannot read: pyparsing's and bare Exceptions
        return None


@lru_cache(maxsize=1024)
def plan_of(text: str) -> Plan | None:
    """The plan of a SELECT or ASK; None when it looks at the whole graph (GRAPH, MINUS, negated paths)."""
    tree = parsed(text)
    if tree is None or tree.datasetClause or tree.valuesClause:
        return None
    try:
        group = _group(tree.where)
    except _Unplanned:
        return None
    return Plan(group, _is_for_many(tree, group))


def _group(part: Any) -> Group:
    if part.name == "SubSelect":
        return Group((_subquery(part),), frozenset())
    parts: list[Part] = []
    used: set[str] = set()
    for each in part.part or ():
        if each.name == "TriplesBlock":
            parts.extend(_triples(each.triples))
        elif each.name == "GroupOrUnionGraphPattern":
            parts.append(Choice(tuple(_group(branch) for branch in each.graph)))
        elif each.name == "SubSelect":
            parts.append(_subquery(each))
        elif each.name == "OptionalGraphPattern":
            parts.append(Dependent(_group(each.graph), is_filter=False))
        elif each.name in ("Filter", "Bind"):
            parts.extend(Dependent(_group(inner.graph), is_filter=True) for inner in _exists(each.expr))
            used.update(str(variable) for variable in _variables(each.expr))
            if each.name == "Bind":
                simple = isinstance(each.expr, Variable | URIRef | RdflibLiteral)
                parts.append(Bound(str(each.var), _place(each.expr) if simple else None))
        else:
            raise _Unplanned
    return Group(tuple(parts), frozenset(used))


def _subquery(part: Any) -> Subquery:
    if part.valuesClause:
        raise _Unplanned
    shown = [each.var if each.var is not None else each.evar for each in part.projection or ()]
    computed = [each for each in part.projection or () if each.evar is not None]
    exists = any(True for each in (*computed, part.having) if each is not None for _ in _exists(each))
    if exists:
        raise _Unplanned
    return Subquery(_group(part.where), frozenset(map(str, shown)) if shown else None)


def _is_for_many(tree: Any, group: Group) -> bool:
    """Whether the rows for one ``$this`` are those of the unbound query that have it.

    So it is when every group whose expressions look at ``$this`` binds it itself, and nothing counts or cuts rows.
    """
    if tree.name != "SelectQuery" or tree.groupby or tree.having or tree.limitoffset or tree.orderby:
        return False
    names = [each.var for each in tree.projection or ()]
    if any(each.evar is not None and _aggregates(each.expr) for each in tree.projection or ()):
        return False
    return (not names or Variable("this") in names) and "this" in _certain(group) and _all_bind_this(group)


def _all_bind_this(group: Group) -> bool:
    certain = _certain(group)
    if "this" in group.used and "this" not in certain:
        return False
    for part in group.parts:
        if isinstance(part, Bound) and part.value == "this" and "this" not in certain:
            return False
        inner = part.branches if isinstance(part, Choice) else (part.group,) if isinstance(part, Dependent) else ()
        if isinstance(part, Subquery) or not all(map(_all_bind_this, inner)):
            return False
        # EXISTS is asked for each row, in which $this stands; anything else must bring its own.
        if isinstance(part, Dependent) and part.is_filter and "this" not in certain:
            return False
    return True


def _certain(group: Group) -> frozenset[str]:
    """The variables that every row of a group binds by a triple."""
    found: set[str] = set()
    for part in group.parts:
        if isinstance(part, Pattern) and not (part.path is not None and may_be_empty(part.path)):
            found.update(end for end in (part.subject, part.object, part.predicate) if isinstance(end, str) and end)
        elif isinstance(part, Choice):
            found |= frozenset.intersection(*(_certain(branch) for branch in part.branches))
    return frozenset(found)


def _aggregates(expression: Any) -> bool:
    return any(str(getattr(each, "name", "")).startswith("Aggregate_") for each in _inside(expression))


def _triples(blocks: Iterable[Any]) -> Iterator[Pattern]:
    for block in blocks:
        terms = list(block)
        for position in range(0, len(terms), 3):
            subject, predicate, value = terms[position : position + 3]
            if isinstance(predicate, Variable):
                yield Pattern(_place(subject), None, _place(value), str(predicate))
            else:
                yield Pattern(_place(subject), _path(predicate), _place(value))


def _path(path: Any) -> Path:
    if isinstance(path, URIRef):
        return Predicate(NamedNode(str(path)))
    if isinstance(path, InvPath):
        return Inverse(_path(path.arg))
    if isinstance(path, SequencePath):
        return Sequence(tuple(map(_path, path.args)))
    if isinstance(path, AlternativePath):
        return Alternative(tuple(map(_path, path.args)))
    if isinstance(path, MulPath):
        return Repeat(_path(path.path), 0 if path.zero else 1, bool(path.more))
    raise _Unplanned


def _place(term: Any) -> Place:
    if isinstance(term, Variable):
        return str(term)
    if isinstance(term, URIRef):
        return NamedNode(str(term))
    if isinstance(term, RdflibLiteral):
        if term.language:
            return Literal(str(term), language=term.language)
        return Literal(str(term), datatype=NamedNode(str(term.datatype))) if term.datatype else Literal(str(term))
    return f"_:{term}"  # a blank node is a variable that nothing else names


def _exists(expression: Any) -> Iterator[Any]:
    """The EXISTS and NOT EXISTS of an expression."""
    return (each for each in _inside(expression) if getattr(each, "name", "") in _EXISTS)


_EXISTS = ("Builtin_EXISTS", "Builtin_NOTEXISTS")


def _variables(expression: Any) -> Iterator[Variable]:
    return (each for each in _inside(expression) if isinstance(each, Variable))


def _inside(expression: Any) -> Iterator[Any]:
    """Every part of an expression; of EXISTS the part itself and not what is in it."""
    ahead = [expression]
    while ahead:
        here = ahead.pop()
        yield here
        if isinstance(here, dict):
            if getattr(here, "name", "") not in _EXISTS:
                ahead.extend(here.values())
        elif isinstance(here, list | tuple) or type(here).__name__ in ("plist", "ParseResults"):
            ahead.extend(here)
