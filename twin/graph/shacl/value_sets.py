"""Whether the values of a node together keep a demand (SHACL, 4.1.1, 4.2, 4.4.5, 4.5 to 4.8)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, Protocol

from twin.graph.shacl.classes import Classes
from twin.graph.shacl.constraints import (
    Closed,
    Conforms,
    Constraint,
    HasClass,
    HasValue,
    Logical,
    MaxCount,
    MinCount,
    Not,
    Pair,
    Qualified,
    ShapeRef,
    UniqueLanguage,
)
from twin.graph.shacl.literals import compare
from twin.graph.shacl.messages import text_of
from twin.graph.shacl.paths import Path, Predicate
from twin.graph.shacl.results import Result
from twin.graph.shacl.shapes import Shape
from twin.graph.shacl.triples import Term, TripleView
from twin.terms import Literal
from twin.vocab import SH

__all__ = ["OF_SETS", "Values", "result"]

Values = dict[Term, None]


class Checks(Protocol):
    """What such a demand asks of the state of the graph."""

    view: TripleView
    classes: Classes

    def conforms(self, node: ShapeRef, value: Term) -> bool:
        """Whether a value breaks nothing of the shape of a node."""
        ...


def result(
    shape: Shape,
    constraint: Constraint,
    focus: Term,
    value: Term | None = None,
    message: str = "",
    *,
    path: Path | None = None,
    standing: Iterable[Term] = (),
) -> Result:
    """The result of a focus node that breaks a demand."""
    where = path or shape.path
    return Result(focus, where, value, constraint.component, shape, constraint, message, tuple(standing))


def _class(checker: Checks, shape: Shape, constraint: HasClass, focus: Term, values: Values) -> Iterator[Result]:
    for value in values:
        if not checker.classes.is_instance(value, constraint.cls):
            yield result(shape, constraint, focus, value)


def _minimum(checker: Checks, shape: Shape, constraint: MinCount, focus: Term, values: Values) -> Iterator[Result]:
    if len(values) < constraint.count:
        yield result(shape, constraint, focus, standing=values)


def _maximum(checker: Checks, shape: Shape, constraint: MaxCount, focus: Term, values: Values) -> Iterator[Result]:
    if len(values) > constraint.count:
        yield result(shape, constraint, focus, standing=values)


def _languages(
    checker: Checks, shape: Shape, constraint: UniqueLanguage, focus: Term, values: Values
) -> Iterator[Result]:
    seen: set[str] = set()
    told: set[str] = set()
    for value in values:
        language = (value.language or "").lower() if isinstance(value, Literal) else ""
        if language in seen and language not in told:
            told.add(language)
            yield result(
                shape, constraint, focus, message=f"The language {language} has more than one value.", standing=values
            )
        if language:
            seen.add(language)


def _pair(checker: Checks, shape: Shape, constraint: Pair, focus: Term, values: Values) -> Iterator[Result]:
    others = dict.fromkeys(checker.view.objects(focus, constraint.predicate))
    if constraint.component == SH.EqualsConstraintComponent:
        wrong: Iterable[Term] = [value for value in (*values, *others) if (value in values) != (value in others)]
    elif constraint.component == SH.DisjointConstraintComponent:
        wrong = [value for value in values if value in others]
    else:
        level = constraint.component == SH.LessThanOrEqualsConstraintComponent
        words = "at most" if level else "less than"
        for value, other in product(values, others):
            if not _precedes(value, other, level):
                yield result(shape, constraint, focus, value, f"{text_of(value)} is not {words} {text_of(other)}.")
        return
    for value in wrong:
        yield result(shape, constraint, focus, value)


def _precedes(one: Term, other: Term, level: bool) -> bool:
    order = compare(one, other) if isinstance(one, Literal) and isinstance(other, Literal) else None
    return order is not None and (order < 0 or (level and order == 0))


def _not(checker: Checks, shape: Shape, constraint: Not, focus: Term, values: Values) -> Iterator[Result]:
    for value in values:
        if checker.conforms(constraint.shape, value):
            yield result(shape, constraint, focus, value)


def _logical(checker: Checks, shape: Shape, constraint: Logical, focus: Term, values: Values) -> Iterator[Result]:
    for value in values:
        each = (checker.conforms(node, value) for node in constraint.shapes)
        if constraint.component == SH.AndConstraintComponent:
            holds = all(each)
        elif constraint.component == SH.OrConstraintComponent:
            holds = any(each)
        else:
            holds = sum(each) == 1
        if not holds:
            yield result(shape, constraint, focus, value)


def _node(checker: Checks, shape: Shape, constraint: Conforms, focus: Term, values: Values) -> Iterator[Result]:
    for value in values:
        if not checker.conforms(constraint.shape, value):
            yield result(shape, constraint, focus, value)


def _qualified(checker: Checks, shape: Shape, constraint: Qualified, focus: Term, values: Values) -> Iterator[Result]:
    number = sum(
        checker.conforms(constraint.shape, value)
        and not any(checker.conforms(sibling, value) for sibling in constraint.siblings)
        for value in values
    )
    least = constraint.component == SH.QualifiedMinCountConstraintComponent
    if number < constraint.count if least else number > constraint.count:
        yield result(shape, constraint, focus, standing=values)


def _closed(checker: Checks, shape: Shape, constraint: Closed, focus: Term, values: Values) -> Iterator[Result]:
    for value in values:
        for predicate, said_value in checker.view.about(value):
            if predicate not in constraint.allowed:
                yield result(shape, constraint, focus, said_value, path=Predicate(predicate))


def _has_value(checker: Checks, shape: Shape, constraint: HasValue, focus: Term, values: Values) -> Iterator[Result]:
    if constraint.value not in values:
        yield result(shape, constraint, focus, standing=values)


OF_SETS: dict[type[Constraint], Callable[[Checks, Shape, Any, Term, Values], Iterator[Result]]] = {
    HasClass: _class,
    MinCount: _minimum,
    MaxCount: _maximum,
    UniqueLanguage: _languages,
    Pair: _pair,
    Not: _not,
    Logical: _logical,
    Conforms: _node,
    Qualified: _qualified,
    Closed: _closed,
    HasValue: _has_value,
}
