"""Where a triple can stand on a path, and the ways from there to the path's two ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from twin.graph.shacl.paths import Alternative, Inverse, Path, Predicate, Repeat, Sequence, inverse
from twin.terms import NamedNode

__all__ = ["Step", "steps_of"]


@dataclass(frozen=True, slots=True)
class Step:
    """One predicate of a path.  A triple with it is walked from ``subject`` to ``object``, or the other way round when
    ``backward``; ``before`` leads from where it is entered to the path's start, ``after`` from where it is left to the
    path's end (None: that is the end)."""

    predicate: NamedNode
    backward: bool
    before: Path | None
    after: Path | None


def steps_of(path: Path) -> Iterator[Step]:
    """Every place in the path that a triple can take."""
    return _steps(path, None, None)


def _steps(path: Path, before: Path | None, after: Path | None) -> Iterator[Step]:
    if isinstance(path, Predicate):
        yield Step(path.iri, False, before, after)
    elif isinstance(path, Inverse):
        if isinstance(path.path, Predicate):
            yield Step(path.path.iri, True, before, after)
        else:
            yield from _steps(inverse(path.path), before, after)
    elif isinstance(path, Sequence):
        for number, step in enumerate(path.steps):
            back = _chain(*(inverse(each) for each in reversed(path.steps[:number])), before)
            yield from _steps(step, back, _chain(*path.steps[number + 1 :], after))
    elif isinstance(path, Alternative):
        for each in path.paths:
            yield from _steps(each, before, after)
    elif path.unbounded:
        again = Repeat(path.path, 0, True)
        yield from _steps(path.path, _chain(inverse(again), before), _chain(again, after))
    else:
        yield from _steps(path.path, before, after)


def _chain(*parts: Path | None) -> Path | None:
    steps = tuple(part for part in parts if part is not None)
    return (Sequence(steps) if len(steps) > 1 else steps[0]) if steps else None
