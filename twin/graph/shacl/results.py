"""What checking finds, and the same as the product's `Violation`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from twin.graph.shacl.constraints import Constraint, ShapeRef
from twin.graph.shacl.messages import said
from twin.graph.shacl.paths import Path, Predicate, path_text
from twin.graph.shacl.shapes import Problem, Shape
from twin.graph.shacl.triples import Term
from twin.graph.violation import Source, Violation
from twin.terms import BlankNode, NamedNode

__all__ = ["Report", "Result", "violation_of"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Result:
    """One focus node that breaks one demand of one shape (``sh:ValidationResult``).

    ``words`` are those of a query or a comparison, empty for most; ``standing`` is what stands on the path where
    ``value`` is None.
    """

    focus: Term
    path: Path | None
    value: Term | None
    component: NamedNode
    shape: Shape
    constraint: Constraint = field(compare=False, repr=False)
    words: str = ""
    standing: tuple[Term, ...] = ()

    @property
    def message(self) -> str:
        """What is wrong: in the words of the demand, or as the demand is."""
        return self.words or said(self.constraint)

    @property
    def identity(self) -> tuple[Term, Path | None, NamedNode, ShapeRef, Term | None]:
        """What makes it the same result before and after a change."""
        return (self.focus, self.path, self.component, self.shape.node, self.value)


@dataclass(frozen=True, slots=True)
class Report:
    """All that a check found, and what it could not look at.

    ``vacuous`` are the shapes whose targets selected nothing.  ``unknown_classes`` are the classes that shapes are for
    and the data knows nothing of, neither as a type nor in its class tree; ``class_tree_missing`` says that the data
    has instances but states nothing above their classes, so that shapes for classes above pass unseen.
    """

    results: tuple[Result, ...]
    vacuous: tuple[Shape, ...] = ()
    unknown_classes: tuple[Term, ...] = ()
    class_tree_missing: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether nothing was found (SHACL, 3.6.1.1); read it beside ``vacuous`` and ``problems``."""
        return not self.results

    def by_shape(self) -> dict[ShapeRef, list[Result]]:
        """The results of each shape."""
        found: defaultdict[ShapeRef, list[Result]] = defaultdict(list)
        for result in self.results:
            found[result.shape.node].append(result)
        return dict(found)

    def by_focus(self) -> dict[Term, list[Result]]:
        """The results of each node."""
        found: defaultdict[Term, list[Result]] = defaultdict(list)
        for result in self.results:
            found[result.focus].append(result)
        return dict(found)


def violation_of(result: Result, source: Source = "twin") -> Violation:
    """The result in the product's words: IRIs as text, the rule and the remedy as the shape says them."""
    shape = result.shape
    path, value = _path(result.path), result.value
    if value == result.focus and result.path is None:
        value = None
    return Violation(
        focus=_text(result.focus),
        path=path,
        component=result.component.value,
        shape=_text(shape.node),
        value="" if value is None else _text(value),
        severity=shape.severity,
        rule=shape.messages[0].value if shape.messages else result.message,
        remedy=shape.remedies[0].value if shape.remedies else "",
        source=source,
        found="" if result.path is None or value is not None else _standing(result.standing),
    )


def _path(path: Path | None) -> str:
    if path is None:
        return ""
    return path.iri.value if isinstance(path, Predicate) else path_text(path)


def _text(term: Term) -> str:
    return str(term) if isinstance(term, BlankNode) else term.value


def _standing(values: Iterable[Term]) -> str:
    """What stands where too few or too many values are, in words."""
    texts = sorted(map(_text, values))
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more if texts else "nothing"
