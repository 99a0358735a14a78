"""Triple patterns of a query as values."""

from __future__ import annotations

from dataclasses import dataclass

from twin.graph.shacl.paths import Path
from twin.terms import Literal, NamedNode

__all__ = ["Conjunction", "Pattern", "Query"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A triple pattern; text is the name of a variable.  ``path`` is None for a variable predicate, then named by
    ``predicate``; ``same`` says that subject and object are one (``BIND (?a AS ?b)``)."""

    subject: NamedNode | Literal | str
    path: Path | None
    object: NamedNode | Literal | str
    predicate: str = ""
    same: bool = False


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Patterns that all hold where a row of the answer depends on the last of them, from ``first`` on."""

    patterns: tuple[Pattern, ...]
    first: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """What a query looks at.  ``local`` says that a row depends only on triples joined to its own; where it is false,
    not every pattern need be here, and any change may matter."""

    conjunctions: tuple[Conjunction, ...]
    local: bool
