"""Whether one value keeps a demand that looks at nothing but the value (SHACL, 4.1, 4.3, 4.4, 4.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twin.graph.shacl.constraints import (
    Constraint,
    HasDatatype,
    HasLength,
    HasNodeKind,
    In,
    InRange,
    LanguageIn,
    Matches,
)
from twin.graph.shacl.literals import compare, is_well_formed
from twin.graph.shacl.triples import Term
from twin.terms import BlankNode, Literal, NamedNode
from twin.vocab import SH

__all__ = ["OF_VALUES"]

_KINDS: dict[NamedNode, tuple[type, ...]] = {
    SH.IRI: (NamedNode,),
    SH.BlankNode: (BlankNode,),
    SH.Literal: (Literal,),
    SH.BlankNodeOrIRI: (BlankNode, NamedNode),
    SH.BlankNodeOrLiteral: (BlankNode, Literal),
    SH.IRIOrLiteral: (NamedNode, Literal),
}
_HOLDS: dict[NamedNode, Callable[[int], bool]] = {
    SH.MinExclusiveConstraintComponent: lambda order: order > 0,
    SH.MinInclusiveConstraintComponent: lambda order: order >= 0,
    SH.MaxExclusiveConstraintComponent: lambda order: order < 0,
    SH.MaxInclusiveConstraintComponent: lambda order: order <= 0,
}


def _datatype(constraint: HasDatatype, value: Term) -> bool:
    return isinstance(value, Literal) and value.datatype == constraint.datatype and is_well_formed(value)


def _node_kind(constraint: HasNodeKind, value: Term) -> bool:
    return isinstance(value, _KINDS[constraint.kind])


def _range(constraint: InRange, value: Term) -> bool:
    order = compare(value, constraint.bound) if isinstance(value, Literal) else None
    return order is not None and _HOLDS[constraint.component](order)


def _length(constraint: HasLength, value: Term) -> bool:
    if isinstance(value, BlankNode):
        return False
    length = len(value.value)
    if constraint.component == SH.MinLengthConstraintComponent:
        return length >= constraint.length
    return length <= constraint.length


def _pattern(constraint: Matches, value: Term) -> bool:
    return not isinstance(value, BlankNode) and constraint.matches(value.value)


def _language(constraint: LanguageIn, value: Term) -> bool:
    tag = (value.language or "").lower() if isinstance(value, Literal) else ""
    return bool(tag) and any(each in ("*", tag) or tag.startswith(f"{each}-") for each in constraint.ranges)


def _in(constraint: In, value: Term) -> bool:
    return value in constraint.values


OF_VALUES: dict[type[Constraint], Callable[[Any, Term], bool]] = {
    HasDatatype: _datatype,
    HasNodeKind: _node_kind,
    InRange: _range,
    HasLength: _length,
    Matches: _pattern,
    LanguageIn: _language,
    In: _in,
}
"""By the kind of demand: whether a value keeps it."""
