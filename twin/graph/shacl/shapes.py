"""Shapes as values: targets, path, demands - read from a graph by `twin.graph.shacl.reading.read_shapes`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.graph.shacl.constraints import Constraint, ShapeRef
from twin.graph.shacl.paths import Path
from twin.graph.shacl.triples import Statement, Term
from twin.graph.violation import Severity
from twin.terms import Literal, NamedNode
from twin.vocab import SH

__all__ = [
    "ClassTarget",
    "Constraint",
    "NodeTarget",
    "ObjectsOfTarget",
    "Problem",
    "Shape",
    "ShapeRef",
    "Shapes",
    "SparqlTarget",
    "SubjectsOfTarget",
    "Target",
]


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """The instances of a class and of the classes below it."""

    cls: ShapeRef


@dataclass(frozen=True, slots=True)
class NodeTarget:
    """One node."""

    node: Term


@dataclass(frozen=True, slots=True)
class SubjectsOfTarget:
    """Whatever has a predicate."""

    predicate: NamedNode


@dataclass(frozen=True, slots=True)
class ObjectsOfTarget:
    """Whatever a predicate points at."""

    predicate: NamedNode


@dataclass(frozen=True, slots=True)
class SparqlTarget:
    """What a SELECT finds as ``?this``; ``bindings`` are the parameters of a ``sh:SPARQLTargetType``."""

    select: str
    bindings: tuple[tuple[str, Term], ...] = ()


Target = ClassTarget | NodeTarget | SubjectsOfTarget | ObjectsOfTarget | SparqlTarget


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape; it is a property shape when it has a path.  Shapes are told apart by their nodes.

    ``messages`` and ``remedies`` are in words, sorted; ``severity_iri`` is what the shape states, ``severity`` what
    it counts as.
    """

    node: ShapeRef
    path: Path | None = field(default=None, compare=False)
    targets: tuple[Target, ...] = field(default=(), compare=False)
    constraints: tuple[Constraint, ...] = field(default=(), compare=False)
    properties: tuple[ShapeRef, ...] = field(default=(), compare=False)
    severity: Severity = field(default="violation", compare=False)
    messages: tuple[Literal, ...] = field(default=(), compare=False)
    remedies: tuple[Literal, ...] = field(default=(), compare=False)
    deactivated: bool = field(default=False, compare=False)
    severity_iri: NamedNode = field(default=SH.Violation, compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a shape, in words; the part it speaks of is not checked."""

    shape: ShapeRef
    words: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of a graph: all of them by node, and those that have targets and are active.

    ``statements`` is the graph they were read from; ``problems`` is what of it could not be read.
    """

    all: Mapping[ShapeRef, Shape]
    targeted: tuple[Shape, ...]
    problems: tuple[Problem, ...] = ()
    statements: tuple[Statement, ...] = ()

    def find(self, node: ShapeRef) -> Shape | None:
        """The shape of a node; None when what refers to it was in error."""
        return self.all.get(node)
