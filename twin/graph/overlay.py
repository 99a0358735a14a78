"""The graph as it would stand after a change: the store, without what is removed, with what is added."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from twin.contracts import Delta
from twin.terms import NamedNode, Object, Quad, Subject
from twin.vocab import site_of_any_graph


class QuadView(Protocol):
    """Whatever answers quad patterns."""

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match; None matches anything."""
        ...


class Overlay:
    """A view of ``view`` after ``delta``, without applying it.  Patterns should bind the subject or the object."""

    def __init__(self, view: QuadView, delta: Delta) -> None:
        self._view = view
        self._added = MemoryQuads(delta.added)
        self._removed = frozenset(delta.removed) - frozenset(delta.added)

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match in the new state, each once."""
        added = set(self._added.quads(subject, predicate, object, graph))
        for quad in self._view.quads(subject, predicate, object, graph):
            if quad not in self._removed and quad not in added:
                yield quad
        yield from added


class Selected:
    """What stands in some graphs of a view: those that ``holds`` accepts."""

    def __init__(self, view: QuadView, holds: Callable[[object], bool]) -> None:
        self._view = view
        self._holds = holds

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match."""
        holds = self._holds
        return (quad for quad in self._view.quads(subject, predicate, object, graph) if holds(quad.graph_name))


def of_site(view: QuadView, site: str) -> Selected:
    """What one site and the vocabularies say: a view without the graphs of the other sites."""

    def holds(graph: object) -> bool:
        return not isinstance(graph, NamedNode) or site_of_any_graph(graph) in (None, site)

    return Selected(view, holds)


class MemoryQuads:
    """A set of quads indexed by subject and by object, for patterns that bind one of them."""

    def __init__(self, quads: Iterable[Quad] = ()) -> None:
        self._by_subject: defaultdict[object, dict[Quad, None]] = defaultdict(dict)
        self._by_object: defaultdict[object, dict[Quad, None]] = defaultdict(dict)
        for quad in quads:
            self._by_subject[quad.subject][quad] = None
            self._by_object[quad.object][quad] = None

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match, in the order they came."""
        if subject is not None:
            candidates = iter(self._by_subject.get(subject, ()))
        elif object is not None:
            candidates = iter(self._by_object.get(object, ()))
        else:
            candidates = (quad for quads in self._by_subject.values() for quad in quads)
        for quad in candidates:
            if (
                (predicate is None or quad.predicate == predicate)
                and (object is None or quad.object == object)
                and (graph is None or quad.graph_name == graph)
            ):
                yield quad
