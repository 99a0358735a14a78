"""How to find the triples that a query can touch, from what is bound before it: by its patterns, group by group.

`twin.graph.shacl.query_parsing` makes a plan of a text, `twin.graph.shacl.query_walk` follows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.graph.shacl.paths import Path
from twin.terms import Literal, NamedNode

__all__ = ["Bound", "Choice", "Dependent", "Group", "Part", "Pattern", "Place", "Plan", "Subquery"]

Place = NamedNode | Literal | str
"""One end of a pattern; text is the name of a variable."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A triple pattern.  ``path`` is None where the predicate is a variable, which ``predicate`` then names."""

    subject: Place
    path: Path | None
    object: Place
    predicate: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """``BIND``: a variable that is another or a constant; None when it is computed."""

    name: str
    value: Place | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A group, or a UNION of several."""

    branches: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Subquery:
    """An inner SELECT; ``names`` are those it returns, None for all."""

    group: Group
    names: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Dependent:
    """A group looked at for each row: in OPTIONAL (``is_filter`` false) or in EXISTS."""

    group: Group
    is_filter: bool


Part = Pattern | Bound | Choice | Subquery | Dependent


@dataclass(frozen=True, slots=True)
class Group:
    """A group of patterns; ``used`` are the variables of its own expressions."""

    parts: tuple[Part, ...]
    used: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a query looks at; ``together`` says that it can be asked for many ``$this`` at once, unbound."""

    group: Group
    together: bool
