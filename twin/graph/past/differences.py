"""The way from one revision to another, as short as it gets: what came and went in between is cancelled.

Quads are compared as N-Quads lines, which are equal where the quads are; only what is left is ever parsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from twin.errors import InvalidInput
from twin.graph.bulk import graphs_of
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.terms import NamedNode
from twin.vocab import site_of_any_graph


@dataclass(frozen=True, slots=True)
class Net:
    """Quads to remove and to add, as N-Quads lines without their line feeds, after everything in the graphs
    ``cleared`` was taken away (written ``<IRI>``)."""

    removed: tuple[bytes, ...] = ()
    added: tuple[bytes, ...] = ()
    cleared: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.removed or self.added or self.cleared)

    def lines(self) -> Iterator[bytes]:
        """Every line that is removed or added."""
        yield from self.removed
        yield from self.added


@dataclass(frozen=True, slots=True)
class Loading:
    """An import on the way forward: its revision, and what the journal remembers of its files."""

    revision: int
    artifact: str


def way(journal: Journal, start: int, end: int) -> Iterator[Net | Loading]:
    """The steps from the state of one revision to that of another, to be taken in order.

    Backward it is one step, in which the graphs of imports are cleared; forward, imports stand between the steps.
    Raises `twin.graph.journal_rows.TooOld` where the changes on the way are no longer kept.
    """
    if end < start:
        yield _back(journal, start, end)
        return
    marks: dict[bytes, Mark] = {}
    for change in journal.packed(start, end):
        if change.artifact is not None:
            if marks:
                yield _net(marks)
                marks = {}
            yield Loading(change.revision, change.artifact)
        _mark(marks, change.removed, "-")
        _mark(marks, change.added, "+")
    if marks:
        yield _net(marks)


def imports_between(journal: Journal, low: int, high: int) -> dict[int, str]:
    """What is remembered of the imports after one revision up to another, by revision."""
    return {revision: artifact for revision, artifact in journal.artifacts().items() if low < revision <= high}


def graph_of(line: bytes) -> bytes:
    """The graph that an N-Quads line names, written ``<IRI>``."""
    return line[:-2].rpartition(b" ")[2]


def subjects_of(lines: Iterable[bytes], predicates: Iterable[NamedNode]) -> set[str]:
    """The IRIs of the subjects of the lines with one of these predicates."""
    wanted = {str(predicate).encode() for predicate in predicates}
    parts = (line.split(b" ", 2) for line in lines)
    return {subject[1:-1].decode() for subject, predicate, _ in parts if predicate in wanted}


def sites_of_graphs(graphs: Iterable[bytes]) -> set[str]:
    """The sites whose graphs these are, written ``<IRI>``."""
    found = (site_of_any_graph(NamedNode(graph[1:-1].decode())) for graph in graphs)
    return {site for site in found if site is not None}


Mark = Literal["+", "-"]


def _back(journal: Journal, start: int, end: int) -> Net:
    marks: dict[bytes, Mark] = {}
    cleared: set[bytes] = set()
    for change in journal.packed(end, start, newest_first=True):
        if change.artifact is not None:
            # An import goes into empty graphs only: before it, nothing of them was there.
            graphs = {str(graph).encode() for graph in graphs_of(change.artifact.partition("\n")[0])}
            cleared |= graphs
            marks = {line: mark for line, mark in marks.items() if graph_of(line) not in graphs}
        _mark(marks, change.added, "-")
        _mark(marks, change.removed, "+")
    return _net(marks, cleared)


def _mark(marks: dict[bytes, Mark], lines: Iterable[bytes], mark: Mark) -> None:
    for line in lines:
        # A change adds only what was not there and removes only what was: the opposite mark is its counterpart.
        if marks.get(line, mark) != mark:
            del marks[line]
        else:
            marks[line] = mark


def _net(marks: dict[bytes, Mark], cleared: Iterable[bytes] = ()) -> Net:
    return Net(
        tuple(line for line, mark in marks.items() if mark == "-"),
        tuple(line for line, mark in marks.items() if mark == "+"),
        frozenset(cleared),
    )


@dataclass(frozen=True, slots=True)
class Lines:
    """The quads that are in one state alone, and in the other alone, as N-Quads lines."""

    removed: list[bytes]
    added: list[bytes]


class Pins(Protocol):
    """What gives the store of a revision."""

    async def pin(self, revision: int) -> Pinned:
        """The past at a revision."""
        ...


class Pinned(Protocol):
    """A revision of the past."""

    @property
    def store(self) -> OxigraphStore:
        """Its quads."""
        ...


async def lines_between(pins: Pins, journal: Journal, start: int, end: int, most: int) -> Lines:
    """The quads that are in the state of ``start`` alone and in that of ``end`` alone.

    Where imports lie between, their graphs are compared whole.  Raises `InvalidInput` for more than ``most`` quads.
    """
    low, high = min(start, end), max(start, end)
    steps = await asyncio.to_thread(lambda: list(way(journal, high, low)))
    net = next((step for step in steps if isinstance(step, Net)), Net())
    older = [line for line in net.added if graph_of(line) not in net.cleared]
    newer = list(net.removed)
    if net.cleared:
        before, after = await pins.pin(low), await pins.pin(high)
        graphs = [NamedNode(graph[1:-1].decode()) for graph in sorted(net.cleared)]
        was, now = await asyncio.to_thread(_contents, (before.store, after.store), graphs, most)
        older += was - now
        newer += now - was
    if len(older) + len(newer) > most:
        raise _too_many(len(older) + len(newer), most)
    return Lines(older, newer) if start <= end else Lines(newer, older)


def _contents(stores: Iterable[OxigraphStore], graphs: Iterable[NamedNode], most: int) -> list[set[bytes]]:
    found = []
    for store in stores:
        seen = [graph for graph in graphs if graph in set(store.graphs())]
        if (count := sum(store.count(graph) for graph in seen)) > most:
            raise _too_many(count, most)
        found.append({line for graph in seen for line in store.dump(graph).split(b"\n") if line})
    return found


def _too_many(count: int, most: int) -> InvalidInput:
    return InvalidInput(
        f"The two revisions differ in {count:,} statements; at most {most:,} are told.",
        remedy="Choose revisions on one side of the import, or export the site as of each of them.",
        limit="difference",
    )
