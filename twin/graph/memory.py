"""Quads in memory, indexed every way: what a process works on that has the graph sent to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyoxigraph import Store

from twin.terms import NamedNode, Object, Quad, Subject


class MemoryStore:
    """Answers quad patterns; made once from quads."""

    def __init__(self, quads: Iterable[Quad] = ()) -> None:
        self._store = Store()
        self._store.bulk_extend(quads)

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match; None matches anything."""
        return self._store.quads_for_pattern(subject, predicate, object, graph)

    def __len__(self) -> int:
        return len(self._store)
