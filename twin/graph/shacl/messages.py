"""What a demand says, in words, for shapes without ``sh:message``; and messages with places to fill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from twin.graph.shacl.constraints import (
    Closed,
    Conforms,
    Constraint,
    HasClass,
    HasDatatype,
    HasLength,
    HasNodeKind,
    HasValue,
    In,
    InRange,
    LanguageIn,
    Logical,
    Matches,
    MaxCount,
    MinCount,
    Not,
    Pair,
    Qualified,
    Sparql,
    UniqueLanguage,
)
from twin.graph.shacl.triples import Term
from twin.terms import BlankNode, Literal, NamedNode
from twin.vocab import SH

__all__ = ["filled", "said", "text_of"]

_PLACE = re.compile(r"\{[?$](\w+)\}")
_COMPARES = {
    SH.MinExclusiveConstraintComponent: "is more than",
    SH.MinInclusiveConstraintComponent: "is at least",
    SH.MaxExclusiveConstraintComponent: "is less than",
    SH.MaxInclusiveConstraintComponent: "is at most",
}
_PAIRS = {
    SH.EqualsConstraintComponent: "are the same as those of",
    SH.DisjointConstraintComponent: "are none of those of",
    SH.LessThanConstraintComponent: "are less than those of",
    SH.LessThanOrEqualsConstraintComponent: "are at most those of",
}
_LOGICAL = {
    SH.AndConstraintComponent: "each of",
    SH.OrConstraintComponent: "at least one of",
    SH.XoneConstraintComponent: "exactly one of",
}


def said(constraint: Constraint) -> str:
    """The demand as a sentence."""
    match constraint:
        case HasClass(cls=cls):
            return f"Each value is an instance of {text_of(cls)}."
        case HasDatatype(datatype=datatype):
            return f"Each value is a well-formed literal of type {datatype.value}."
        case HasNodeKind(kind=kind):
            return f"Each value is of kind {kind.value.removeprefix(str(SH))}."
        case MinCount(count=count):
            return f"There {'is' if count == 1 else 'are'} at least {count} value{'' if count == 1 else 's'}."
        case MaxCount(count=count):
            return f"There {'is' if count == 1 else 'are'} at most {count} value{'' if count == 1 else 's'}."
        case InRange(component=component, bound=bound):
            return f"Each value {_COMPARES[component]} {bound.value}."
        case HasLength(component=component, length=length):
            least = component == SH.MinLengthConstraintComponent
            return f"Each value has at {'least' if least else 'most'} {length} characters."
        case Matches(pattern=pattern):
            return f"Each value matches the pattern {pattern!r}."
        case LanguageIn(ranges=ranges):
            return f"Each value is a text in one of the languages {', '.join(ranges)}."
        case UniqueLanguage():
            return "No language has two values."
        case Pair(component=component, predicate=predicate):
            return f"The values {_PAIRS[component]} {predicate.value}."
        case Not(shape=shape):
            return f"No value conforms to {_name(shape)}."
        case Logical(component=component, shapes=shapes):
            return f"Each value conforms to {_LOGICAL[component]} {', '.join(map(_name, shapes)) or 'no shapes'}."
        case Conforms(shape=shape):
            return f"Each value conforms to {_name(shape)}."
        case Qualified(component=component, shape=shape, count=count):
            least = component == SH.QualifiedMinCountConstraintComponent
            return f"At {'least' if least else 'most'} {count} values conform to {_name(shape)}."
        case Closed():
            return "Nothing is said of a value by other predicates than those of the shape."
        case HasValue(value=value):
            return f"One value is {text_of(value)}."
        case In(values=values):
            return f"Each value is one of {', '.join(map(text_of, values)) or 'nothing'}."
        case Sparql(component=component):
            return (
                "The query of the shape finds nothing."
                if component == SH.SPARQLConstraintComponent
                else (f"The demand {component.value} holds.")
            )


def filled(messages: Iterable[Literal], bindings: Mapping[str, Term]) -> str:
    """The first of the messages, with the values of its ``{?name}`` and ``{$name}`` put in."""
    message = next((each.value for each in messages), "")
    return _PLACE.sub(lambda place: text_of(bindings[place[1]]) if place[1] in bindings else place[0], message)


def text_of(term: Term) -> str:
    """A term as people read it."""
    return str(term) if isinstance(term, BlankNode) else term.value


def _name(shape: NamedNode | BlankNode) -> str:
    return shape.value if isinstance(shape, NamedNode) else "an unnamed shape"
