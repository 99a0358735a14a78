"""The tree of a SPARQL query: groups, triples and paths as values; expressions stay text, but for the groups in them.

Only what the rewriting for entailment has to know is told apart, and every tree can be written as text again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twin.terms import NamedNode


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable by its name, without its mark."""

    name: str

    def __str__(self) -> str:
        return f"?{self.name}"


@dataclass(frozen=True, slots=True)
class Other:
    """A term that is no IRI and no variable - a literal - as it was written."""

    text: str

    def __str__(self) -> str:
        return self.text


Term = Variable | NamedNode | Other


@dataclass(frozen=True, slots=True)
class Inverse:
    """``^path``."""

    path: Path


@dataclass(frozen=True, slots=True)
class Sequence:
    """``path/path``."""

    parts: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """``path|path``."""

    parts: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``path*``, ``path+`` or ``path?``: each pair of ends once."""

    path: Path
    mark: str


@dataclass(frozen=True, slots=True)
class Negated:
    """``!(...)`` as it was written: what is stated, and nothing that follows."""

    text: str


Path = NamedNode | Inverse | Sequence | Alternative | Repeat | Negated


@dataclass(frozen=True, slots=True)
class Triple:
    """A triple pattern; its predicate is a path or a variable."""

    subject: Term
    path: Path | Variable
    object: Term


@dataclass(frozen=True, slots=True)
class Filter:
    """``FILTER`` and its constraint: text, and the groups of EXISTS in it."""

    parts: tuple[str | Group, ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """``BIND(... AS ?variable)``, as a filter's constraint."""

    parts: tuple[str | Group, ...]
    variable: str


@dataclass(frozen=True, slots=True)
class Values:
    """An inline table as it was written; ``certain`` are its variables without UNDEF, ``names`` all of them."""

    text: str
    names: tuple[str, ...]
    certain: frozenset[str]


@dataclass(frozen=True, slots=True)
class Nested:
    """A keyword and a group: OPTIONAL, MINUS, LATERAL, GRAPH with its ``name``, or a bare group (no keyword)."""

    keyword: str
    group: Group
    name: Term | None = None


@dataclass(frozen=True, slots=True)
class Union:
    """Two or more groups joined by UNION."""

    arms: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """A SELECT, of a subquery or the whole: its text before the projection, the projection (``*`` or as written), the
    datasets, the pattern, and the text behind it.  ``names`` are the variables it projects, unless it is ``*``."""

    head: str
    projection: str
    datasets: str
    group: Group
    tail: str
    names: tuple[str, ...] = ()


Element = Triple | Filter | Bind | Values | Nested | Union | Select


@dataclass(frozen=True, slots=True)
class Group:
    """A group graph pattern: its elements in order."""

    elements: tuple[Element, ...]


def path_text(path: Path | Variable) -> str:
    """A path as SPARQL, in parentheses where it is more than a name."""
    match path:
        case Inverse(Inverse() as inner):
            return f"^({path_text(inner)})"  # ^^ would be another sign
        case Inverse(inner):
            return f"^{path_text(inner)}"
        case Sequence(parts):
            return f"({'/'.join(path_text(part) for part in parts)})"
        case Alternative(parts):
            return f"({'|'.join(path_text(part) for part in parts)})"
        case Repeat(inner, mark):
            return f"({path_text(inner)}){mark}"
        case Negated(text):
            return text
        case _:
            return str(path)


def group_text(group: Group) -> str:
    """A group as SPARQL, with its braces."""
    return "{ " + " ".join(_element_text(element) for element in group.elements) + " }"


def select_text(select: Select) -> str:
    """A SELECT as SPARQL."""
    return f"{select.head} {select.projection} {select.datasets} WHERE {group_text(select.group)} {select.tail}"


def _element_text(element: Element) -> str:
    match element:
        case Triple(subject, path, object):
            return f"{subject} {path_text(path)} {object} ."
        case Filter(parts):
            return f"FILTER {_parts_text(parts)}"
        case Bind(parts, _):
            return f"BIND {_parts_text(parts)}"
        case Values(text, _, _):
            return text
        case Nested(keyword, group, name):
            return " ".join(part for part in (keyword, str(name) if name else "", group_text(group)) if part)
        case Union(arms):
            return " UNION ".join(group_text(arm) for arm in arms)
        case Select():
            return f"{{ {select_text(element)} }}"


def _parts_text(parts: Iterable[str | Group]) -> str:
    return "".join(part if isinstance(part, str) else group_text(part) for part in parts)


def variables(element: Element) -> Iterator[str]:
    """The variables in scope after an element, in the order they appear (SPARQL 1.1, section 18.2.1)."""
    match element:
        case Triple(subject, path, object):
            yield from (term.name for term in (subject, path, object) if isinstance(term, Variable))
        case Bind(_, variable):
            yield variable
        case Values(_, names, _):
            yield from names
        case Nested(keyword, group, name):
            if isinstance(name, Variable):
                yield name.name
            if keyword != "MINUS":
                yield from in_scope(group)
        case Union(arms):
            for arm in arms:
                yield from in_scope(arm)
        case Select(names=names):
            yield from names if element.projection != "*" else in_scope(element.group)
        case Filter():
            pass


def in_scope(group: Group) -> Iterator[str]:
    """The variables in scope in a group, each as often as it appears."""
    for element in group.elements:
        yield from variables(element)


def certain(element: Element) -> frozenset[str]:
    """The variables that an element binds in every solution it gives."""
    match element:
        case Triple():
            return frozenset(variables(element))
        case Values(_, _, found):
            return found
        case Nested(keyword, group, name):
            if keyword in ("OPTIONAL", "MINUS"):
                return frozenset()
            return certainly(group) | ({name.name} if isinstance(name, Variable) else frozenset())
        case Union(arms):
            return frozenset.intersection(*(certainly(arm) for arm in arms))
        case _:
            return frozenset()


def certainly(group: Group) -> frozenset[str]:
    """The variables that a group binds in every solution."""
    return frozenset().union(*(certain(element) for element in group.elements))
