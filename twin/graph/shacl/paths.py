"""SHACL property paths (section 2.3.1): their values from given nodes, their inverses, their SPARQL text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twin.graph.overlay import QuadView
from twin.graph.shacl.triples import Term, TripleView, triples_of
from twin.terms import NamedNode

__all__ = [
    "Alternative",
    "Inverse",
    "Path",
    "Predicate",
    "Repeat",
    "Sequence",
    "follow",
    "inverse",
    "may_be_empty",
    "path_text",
    "predicates",
]


@dataclass(frozen=True, slots=True)
class Predicate:
    """One step forward."""

    iri: NamedNode


@dataclass(frozen=True, slots=True)
class Inverse:
    """A path backward (``sh:inversePath``)."""

    path: Path


@dataclass(frozen=True, slots=True)
class Sequence:
    """One path after another."""

    steps: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Any of several paths (``sh:alternativePath``)."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A path taken again and again: ``*`` is (0, unbounded), ``+`` (1, unbounded), ``?`` (0, bounded)."""

    path: Path
    minimum: int
    unbounded: bool


Path = Predicate | Inverse | Sequence | Alternative | Repeat


def follow(view: QuadView | TripleView, path: Path, starts: Iterable[Term]) -> dict[Term, None]:
    """The nodes that a path leads to from any of some nodes, each once, in the order found; cycles end."""
    return _follow(triples_of(view), path, starts)


def _follow(triples: TripleView, path: Path, starts: Iterable[Term]) -> dict[Term, None]:
    if isinstance(path, Predicate):
        iri, read = path.iri, triples.objects
        return {value: None for start in starts for value in read(start, iri)}
    if isinstance(path, Inverse):
        if isinstance(path.path, Predicate):
            iri, back = path.path.iri, triples.subjects
            return {node: None for start in starts for node in back(iri, start)}
        return _follow(triples, inverse(path.path), starts)
    if isinstance(path, Sequence):
        reached = dict.fromkeys(starts)
        for step in path.steps:
            reached = _follow(triples, step, reached)
        return reached
    if isinstance(path, Alternative):
        nodes = dict.fromkeys(starts)
        return {value: None for each in path.paths for value in _follow(triples, each, nodes)}
    nodes = dict.fromkeys(starts)
    reached = dict(nodes) if path.minimum == 0 else {}
    ahead = nodes
    while ahead:
        found = _follow(triples, path.path, ahead)
        ahead = {node: None for node in found if node not in reached}
        reached.update(ahead)
        if not path.unbounded:
            break
    return reached


def inverse(path: Path) -> Path:
    """The path that leads back from a path's values to its starts."""
    if isinstance(path, Predicate):
        return Inverse(path)
    if isinstance(path, Inverse):
        return path.path
    if isinstance(path, Sequence):
        return Sequence(tuple(inverse(step) for step in reversed(path.steps)))
    if isinstance(path, Alternative):
        return Alternative(tuple(inverse(each) for each in path.paths))
    return Repeat(inverse(path.path), path.minimum, path.unbounded)


def predicates(path: Path) -> frozenset[NamedNode]:
    """Every predicate that a path steps over."""
    if isinstance(path, Predicate):
        return frozenset((path.iri,))
    if isinstance(path, Sequence):
        return frozenset().union(*(predicates(step) for step in path.steps))
    if isinstance(path, Alternative):
        return frozenset().union(*(predicates(each) for each in path.paths))
    return predicates(path.path)


def may_be_empty(path: Path) -> bool:
    """Whether a path leads from every node to itself."""
    if isinstance(path, Repeat):
        return path.minimum == 0 or may_be_empty(path.path)
    if isinstance(path, Inverse):
        return may_be_empty(path.path)
    if isinstance(path, Sequence):
        return all(map(may_be_empty, path.steps))
    return isinstance(path, Alternative) and any(map(may_be_empty, path.paths))


def path_text(path: Path) -> str:
    """The path as SPARQL 1.1 writes it."""
    return _text(path, inner=False)


def _text(path: Path, inner: bool) -> str:
    if isinstance(path, Predicate):
        return f"<{path.iri.value}>"
    if isinstance(path, Sequence):
        text = " / ".join(_text(step, inner=True) for step in path.steps)
        return f"({text})" if inner else text
    if isinstance(path, Alternative):
        text = " | ".join(_text(each, inner=True) for each in path.paths)
        return f"({text})" if inner else text
    if isinstance(path, Inverse):
        # "^" binds weaker than "*": what repeats backward needs its brackets, and so does ^ of ^.
        text = _text(path.path, inner=True)
        return f"^({text})" if isinstance(path.path, Repeat | Inverse) else f"^{text}"
    text = _text(path.path, inner=True)
    sign = ("*" if path.minimum == 0 else "+") if path.unbounded else "?"
    return f"({text}){sign}" if isinstance(path.path, Repeat | Inverse) else f"{text}{sign}"
