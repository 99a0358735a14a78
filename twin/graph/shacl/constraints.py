"""What a shape demands, one kind of value per family of SHACL's constraint components.

Constraints on other shapes hold those shapes' nodes; `twin.graph.shacl.shapes.Shapes.find` has the shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from twin.graph.shacl.paths import Path
from twin.graph.shacl.triples import Term
from twin.terms import BlankNode, Literal, NamedNode
from twin.vocab import SH

ShapeRef = NamedNode | BlankNode
"""The node of a shape."""


@dataclass(frozen=True, slots=True)
class HasClass:
    """``sh:class``: each value is an instance of a class."""

    cls: NamedNode | BlankNode
    component: ClassVar[NamedNode] = SH.ClassConstraintComponent


@dataclass(frozen=True, slots=True)
class HasDatatype:
    """``sh:datatype``: each value is a literal of a datatype, well-formed."""

    datatype: NamedNode
    component: ClassVar[NamedNode] = SH.DatatypeConstraintComponent


@dataclass(frozen=True, slots=True)
class HasNodeKind:
    """``sh:nodeKind``: each value is an IRI, a blank node or a literal, as ``kind`` allows."""

    kind: NamedNode
    component: ClassVar[NamedNode] = SH.NodeKindConstraintComponent


@dataclass(frozen=True, slots=True)
class MinCount:
    """``sh:minCount``."""

    count: int
    component: ClassVar[NamedNode] = SH.MinCountConstraintComponent


@dataclass(frozen=True, slots=True)
class MaxCount:
    """``sh:maxCount``."""

    count: int
    component: ClassVar[NamedNode] = SH.MaxCountConstraintComponent


@dataclass(frozen=True, slots=True)
class InRange:
    """``sh:minExclusive`` and its fellows: each value compares with ``bound`` as the component says."""

    component: NamedNode
    bound: Literal


@dataclass(frozen=True, slots=True)
class HasLength:
    """``sh:minLength`` or ``sh:maxLength``, in characters."""

    component: NamedNode
    length: int


@dataclass(frozen=True, slots=True)
class Matches:
    """``sh:pattern`` with ``sh:flags``; ``matches`` answers in time linear in the text."""

    pattern: str
    flags: str
    matches: Callable[[str], bool] = field(compare=False, repr=False)
    component: ClassVar[NamedNode] = SH.PatternConstraintComponent


@dataclass(frozen=True, slots=True)
class LanguageIn:
    """``sh:languageIn``: ranges of languages, in lower case."""

    ranges: tuple[str, ...]
    component: ClassVar[NamedNode] = SH.LanguageInConstraintComponent


@dataclass(frozen=True, slots=True)
class UniqueLanguage:
    """``sh:uniqueLang true``."""

    component: ClassVar[NamedNode] = SH.UniqueLangConstraintComponent


@dataclass(frozen=True, slots=True)
class Pair:
    """``sh:equals``, ``sh:disjoint``, ``sh:lessThan``, ``sh:lessThanOrEquals``: the values beside those of another."""

    component: NamedNode
    predicate: NamedNode


@dataclass(frozen=True, slots=True)
class Not:
    """``sh:not``."""

    shape: ShapeRef
    component: ClassVar[NamedNode] = SH.NotConstraintComponent


@dataclass(frozen=True, slots=True)
class Logical:
    """``sh:and``, ``sh:or``, ``sh:xone``, told apart by the component."""

    component: NamedNode
    shapes: tuple[ShapeRef, ...]


@dataclass(frozen=True, slots=True)
class Conforms:
    """``sh:node``."""

    shape: ShapeRef
    component: ClassVar[NamedNode] = SH.NodeConstraintComponent


@dataclass(frozen=True, slots=True)
class Qualified:
    """``sh:qualifiedMinCount`` or ``-MaxCount``: how many values conform to ``shape`` and to no ``sibling``."""

    component: NamedNode
    shape: ShapeRef
    count: int
    siblings: tuple[ShapeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Closed:
    """``sh:closed true``: each value has no other predicates than these."""

    allowed: frozenset[NamedNode]
    component: ClassVar[NamedNode] = SH.ClosedConstraintComponent


@dataclass(frozen=True, slots=True)
class HasValue:
    """``sh:hasValue``."""

    value: Term
    component: ClassVar[NamedNode] = SH.HasValueConstraintComponent


@dataclass(frozen=True, slots=True)
class In:
    """``sh:in``."""

    values: tuple[Term, ...]
    component: ClassVar[NamedNode] = SH.InConstraintComponent


@dataclass(frozen=True, slots=True)
class Sparql:
    """``sh:sparql`` or a component of its own with a SPARQL validator.

    ``query`` is the whole text, prefixes declared and ``$PATH`` written out.  ``this`` and, for ASK, ``value`` are
    bound before it is evaluated, and so are ``bindings`` (the parameters, and ``currentShape``).  A row of a SELECT
    is a violation, and so is each value for which an ASK is false.
    """

    component: NamedNode
    node: ShapeRef
    query: str
    is_ask: bool
    bindings: tuple[tuple[str, Term], ...] = ()
    messages: tuple[Literal, ...] = ()
    path: Path | None = None


Constraint = (
    HasClass
    | HasDatatype
    | HasNodeKind
    | MinCount
    | MaxCount
    | InRange
    | HasLength
    | Matches
    | LanguageIn
    | UniqueLanguage
    | Pair
    | Not
    | Logical
    | Conforms
    | Qualified
    | Closed
    | HasValue
    | In
    | Sparql
)
