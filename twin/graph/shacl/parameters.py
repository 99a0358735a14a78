"""Reads what one shape demands: the parameters of SHACL's constraint components (section 4), and SPARQL's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from twin.errors import InvalidInput
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
    ShapeRef,
    UniqueLanguage,
)
from twin.graph.shacl.paths import Path
from twin.graph.shacl.regex import matcher
from twin.graph.shacl.shape_graph import IllFormed, ShapeGraph
from twin.graph.shacl.sparql_reading import Components, sparql_constraints
from twin.terms import Literal, NamedNode
from twin.vocab import SH

__all__ = ["PARAMETERS", "constraints_of"]

_NODE_KINDS = frozenset((SH.IRI, SH.BlankNode, SH.Literal, SH.BlankNodeOrIRI, SH.BlankNodeOrLiteral, SH.IRIOrLiteral))
_RANGES = {
    SH.minExclusive: SH.MinExclusiveConstraintComponent,
    SH.minInclusive: SH.MinInclusiveConstraintComponent,
    SH.maxExclusive: SH.MaxExclusiveConstraintComponent,
    SH.maxInclusive: SH.MaxInclusiveConstraintComponent,
}
_LENGTHS = {SH.minLength: SH.MinLengthConstraintComponent, SH.maxLength: SH.MaxLengthConstraintComponent}
_PAIRS = {
    SH.equals: SH.EqualsConstraintComponent,
    SH.disjoint: SH.DisjointConstraintComponent,
    SH.lessThan: SH.LessThanConstraintComponent,
    SH.lessThanOrEquals: SH.LessThanOrEqualsConstraintComponent,
}
_LOGICAL = {
    SH["and"]: SH.AndConstraintComponent,
    SH["or"]: SH.OrConstraintComponent,
    SH.xone: SH.XoneConstraintComponent,
}
_OF_PATHS = frozenset((SH.minCount, SH.maxCount, SH.uniqueLang, SH.lessThan, SH.lessThanOrEquals))
"""Parameters that a node shape cannot have: there is nothing to count or to order beside a node."""

_Reader = Callable[[ShapeGraph, ShapeRef], Iterator[Constraint]]


def constraints_of(
    graph: ShapeGraph, components: Components, node: ShapeRef, path: Path | None
) -> tuple[Constraint, ...]:
    """Every demand of a shape; an ill-formed one is noted and left out."""
    stated = {predicate for predicate, _ in graph.about(node)}
    found: list[Constraint] = []
    for parameters, read in _READERS:
        here = stated & parameters
        if not here:
            continue
        if path is None and here & _OF_PATHS:
            wrong = ", ".join(sorted(graph.short(each) for each in here))
            graph.note(node, f"has {wrong} without a path", "State it in a property shape.")
            continue
        found.extend(graph.attempt(node, _all, read, graph, node) or ())
    found.extend(sparql_constraints(graph, components, node, path))
    return tuple(found)


def _all(read: _Reader, graph: ShapeGraph, node: ShapeRef) -> list[Constraint]:
    return list(read(graph, node))


def _classes(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    for value in graph.objects(node, SH["class"]):
        if isinstance(value, Literal):
            raise IllFormed("has a text as sh:class", "Name a class by its IRI.")
        yield HasClass(value)


def _datatype(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    datatype = graph.iri(node, SH.datatype)
    if datatype is not None:
        yield HasDatatype(datatype)


def _node_kind(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    kind = graph.iri(node, SH.nodeKind)
    if kind not in _NODE_KINDS:
        raise IllFormed(f"has {kind} as sh:nodeKind", "Write sh:IRI, sh:BlankNode, sh:Literal or a pair of them.")
    if kind is not None:
        yield HasNodeKind(kind)


def _minimum(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    count = graph.count(node, SH.minCount)
    if count:  # at least none is no demand
        yield MinCount(count)


def _maximum(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    count = graph.count(node, SH.maxCount)
    if count is not None:
        yield MaxCount(count)


def _range(parameter: NamedNode, component: NamedNode) -> _Reader:
    def read(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
        value = graph.one(node, parameter)
        if not isinstance(value, Literal):
            raise IllFormed(f"has {value} as {graph.short(parameter)}, which has no order", "Write a number or a time.")
        yield InRange(component, value)

    return read


def _length(parameter: NamedNode, component: NamedNode) -> _Reader:
    def read(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
        count = graph.count(node, parameter)
        if count is not None:
            yield HasLength(component, count)

    return read


def _pattern(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    pattern, flags = graph.text(node, SH.pattern), graph.text(node, SH.flags) or ""
    if pattern is None:
        return  # flags alone demand nothing
    try:
        yield Matches(pattern, flags, matcher(pattern, flags))
    except InvalidInput as error:
        raise IllFormed(f"has a pattern that is not checked: {error.message.rstrip('.')}", error.remedy) from None


def _languages(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    head = graph.one(node, SH.languageIn)
    members = graph.members(head) if head is not None else ()
    if not all(isinstance(member, Literal) for member in members):
        raise IllFormed("has something other than texts in sh:languageIn", 'Write languages, such as "en".')
    yield LanguageIn(tuple(member.value.lower() for member in members if isinstance(member, Literal)))


def _unique(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    if graph.boolean(node, SH.uniqueLang) and graph.text(node, SH.uniqueLang) == "true":  # "1" demands nothing (4.4.5)
        yield UniqueLanguage()


def _pair(parameter: NamedNode, component: NamedNode) -> _Reader:
    def read(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
        for value in graph.objects(node, parameter):
            if not isinstance(value, NamedNode):
                raise IllFormed(f"names no predicate by {graph.short(parameter)}", "Name a predicate by its IRI.")
            yield Pair(component, value)

    return read


def _not(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    return (Not(shape) for shape in graph.shape_refs(node, SH["not"]))


def _conforms(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    return (Conforms(shape) for shape in graph.shape_refs(node, SH.node))


def _logical(parameter: NamedNode, component: NamedNode) -> _Reader:
    def read(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
        for head in graph.objects(node, parameter):
            members = graph.members(head)
            shapes = tuple(member for member in members if not isinstance(member, Literal))
            if len(shapes) < len(members):
                raise IllFormed(f"has a text in {graph.short(parameter)}", "List shapes.")
            yield Logical(component, shapes)

    return read


def _qualified(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    shapes = list(graph.shape_refs(node, SH.qualifiedValueShape))
    if not shapes:
        return
    siblings: tuple[ShapeRef, ...] = ()
    if graph.boolean(node, SH.qualifiedValueShapesDisjoint):
        siblings = _siblings(graph, node, shapes)
    for parameter, component in (
        (SH.qualifiedMinCount, SH.QualifiedMinCountConstraintComponent),
        (SH.qualifiedMaxCount, SH.QualifiedMaxCountConstraintComponent),
    ):
        count = graph.count(node, parameter)
        if count is not None:
            yield from (Qualified(component, shape, count, siblings) for shape in shapes)


def _siblings(graph: ShapeGraph, node: ShapeRef, own: list[ShapeRef]) -> tuple[ShapeRef, ...]:
    """The qualified shapes of the property shapes beside this one, in whatever shapes have it."""
    found: dict[ShapeRef, None] = {}
    for parent in graph.subjects(SH.property, node):
        for sibling in graph.objects(parent, SH.property):
            for shape in graph.objects(sibling, SH.qualifiedValueShape):
                if not isinstance(shape, Literal) and shape not in own:
                    found[shape] = None
    return tuple(found)


def _closed(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    if not graph.boolean(node, SH.closed):
        return
    head = graph.one(node, SH.ignoredProperties)
    allowed = set(graph.members(head)) if head is not None else set()
    for shape in graph.objects(node, SH.property):
        allowed.update(graph.objects(shape, SH.path))
    yield Closed(frozenset(each for each in allowed if isinstance(each, NamedNode)))


def _has_value(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    return (HasValue(value) for value in graph.objects(node, SH.hasValue))


def _in(graph: ShapeGraph, node: ShapeRef) -> Iterator[Constraint]:
    head = graph.one(node, SH["in"])
    if head is not None:
        yield In(graph.members(head))


_READERS: tuple[tuple[frozenset[NamedNode], _Reader], ...] = (
    (frozenset((SH["class"],)), _classes),
    (frozenset((SH.datatype,)), _datatype),
    (frozenset((SH.nodeKind,)), _node_kind),
    (frozenset((SH.minCount,)), _minimum),
    (frozenset((SH.maxCount,)), _maximum),
    *((frozenset((parameter,)), _range(parameter, component)) for parameter, component in _RANGES.items()),
    *((frozenset((parameter,)), _length(parameter, component)) for parameter, component in _LENGTHS.items()),
    (frozenset((SH.pattern,)), _pattern),
    (frozenset((SH.languageIn,)), _languages),
    (frozenset((SH.uniqueLang,)), _unique),
    *((frozenset((parameter,)), _pair(parameter, component)) for parameter, component in _PAIRS.items()),
    (frozenset((SH["not"],)), _not),
    (frozenset((SH.node,)), _conforms),
    *((frozenset((parameter,)), _logical(parameter, component)) for parameter, component in _LOGICAL.items()),
    (frozenset((SH.qualifiedValueShape,)), _qualified),
    (frozenset((SH.closed,)), _closed),
    (frozenset((SH.hasValue,)), _has_value),
    (frozenset((SH["in"],)), _in),
)
PARAMETERS: tuple[NamedNode, ...] = (
    *(parameter for parameters, _ in _READERS for parameter in parameters),
    SH.property,
    SH.sparql,
)
"""Whatever has one of these is a shape."""
