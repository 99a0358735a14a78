"""One state of a graph as a set of triples: read by pattern, each triple once whatever graphs it stands in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Protocol, cast

from twin.graph.overlay import QuadView
from twin.terms import BlankNode, NamedNode, Object, Subject, Triple

__all__ = ["MemoryTriples", "Statement", "Term", "TripleView", "Triples", "triples_of"]

Term = NamedNode | BlankNode | Object
Statement = tuple[Subject, NamedNode, Object]


class TripleView(Protocol):
    """What checking reads; everything is in the order of the data, and each answer holds a term once."""

    def objects(self, subject: Term, predicate: NamedNode) -> Iterable[Object]:
        """What a node has by a predicate; nothing for a literal."""
        ...

    def subjects(self, predicate: NamedNode, object: Term) -> Iterable[Subject]:
        """What has a node by a predicate."""
        ...

    def pairs(self, predicate: NamedNode) -> Iterable[tuple[Subject, Object]]:
        """Every subject and object of a predicate."""
        ...

    def about(self, subject: Term) -> Iterable[tuple[NamedNode, Object]]:
        """All that is said of a node."""
        ...

    def pointing(self, object: Term) -> Iterable[tuple[Subject, NamedNode]]:
        """All that points at a node."""
        ...

    def everything(self) -> Iterable[Statement]:
        """Every triple."""
        ...


class Triples:
    """A view of quads for the time of one check: each question of a node goes to the view once."""

    __slots__ = ("_objects", "_subjects", "_view")

    def __init__(self, view: QuadView) -> None:
        self._view = view
        self._objects: dict[tuple[Term, NamedNode], tuple[Object, ...]] = {}
        self._subjects: dict[tuple[NamedNode, Term], tuple[Subject, ...]] = {}

    def objects(self, subject: Term, predicate: NamedNode) -> tuple[Object, ...]:
        """What a node has by a predicate; nothing for a literal."""
        known = self._objects.get((subject, predicate))
        if known is None:
            known = ()
            if isinstance(subject, NamedNode | BlankNode):
                found = (quad.object for quad in self._view.quads(subject, predicate, None, None))
                known = tuple(dict.fromkeys(value for value in found if not isinstance(value, Triple)))
            self._objects[subject, predicate] = known
        return known

    def subjects(self, predicate: NamedNode, object: Term) -> tuple[Subject, ...]:
        """What has a node by a predicate."""
        known = self._subjects.get((predicate, object))
        if known is None:
            found = (quad.subject for quad in self._view.quads(None, predicate, object, None))
            known = tuple(dict.fromkeys(node for node in found if not isinstance(node, Triple)))
            self._subjects[predicate, object] = known
        return known

    def pairs(self, predicate: NamedNode) -> Iterator[tuple[Subject, Object]]:
        """Every subject and object of a predicate."""
        return ((subject, value) for subject, _, value in self._read(None, predicate, None))

    def about(self, subject: Term) -> Iterator[tuple[NamedNode, Object]]:
        """All that is said of a node."""
        if isinstance(subject, NamedNode | BlankNode):
            for _, predicate, value in self._read(subject, None, None):
                yield predicate, value

    def pointing(self, object: Term) -> Iterator[tuple[Subject, NamedNode]]:
        """All that points at a node."""
        return ((subject, predicate) for subject, predicate, _ in self._read(None, None, object))

    def everything(self) -> Iterator[Statement]:
        """Every triple."""
        return self._read(None, None, None)

    def _read(self, subject: Subject | None, predicate: NamedNode | None, object: Term | None) -> Iterator[Statement]:
        seen: set[Statement] = set()
        for quad in self._view.quads(subject, predicate, object, None):
            # Statements about statements are no part of SHACL's data model.
            if not isinstance(quad.subject, Triple) and not isinstance(quad.object, Triple):
                statement = (quad.subject, quad.predicate, quad.object)
                if statement not in seen:
                    seen.add(statement)
                    yield statement


class MemoryTriples:
    """Triples held in this process: made once, read some ten times faster than from a store."""

    __slots__ = ("_about", "_objects", "_pairs", "_pointing", "_subjects", "statements")

    def __init__(self, statements: Iterable[Statement]) -> None:
        self.statements: Collection[Statement] = (
            statements if isinstance(statements, frozenset) else dict.fromkeys(statements)
        )
        self._pairs: dict[NamedNode, list[tuple[Subject, Object]]] = {}
        for subject, predicate, value in self.statements:
            self._pairs.setdefault(predicate, []).append((subject, value))
        # What follows is made of a predicate, or of all, when it is asked for first.
        self._objects: dict[NamedNode, dict[Term, list[Object]]] = {}
        self._subjects: dict[NamedNode, dict[Term, list[Subject]]] = {}
        self._about: dict[Term, list[tuple[NamedNode, Object]]] | None = None
        self._pointing: dict[Term, list[tuple[Subject, NamedNode]]] | None = None

    def objects(self, subject: Term, predicate: NamedNode) -> Iterable[Object]:
        """What a node has by a predicate; nothing for a literal."""
        index = self._objects.get(predicate)
        if index is None:
            index = self._objects[predicate] = {}
            for node, value in self._pairs.get(predicate, ()):
                index.setdefault(node, []).append(value)
        return index.get(subject, ())

    def subjects(self, predicate: NamedNode, object: Term) -> Iterable[Subject]:
        """What has a node by a predicate."""
        index = self._subjects.get(predicate)
        if index is None:
            index = self._subjects[predicate] = {}
            for node, value in self._pairs.get(predicate, ()):
                index.setdefault(value, []).append(node)
        return index.get(object, ())

    def pairs(self, predicate: NamedNode) -> Iterable[tuple[Subject, Object]]:
        """Every subject and object of a predicate."""
        return self._pairs.get(predicate, ())

    def about(self, subject: Term) -> Iterable[tuple[NamedNode, Object]]:
        """All that is said of a node."""
        if self._about is None:
            self._about = {}
            for node, predicate, value in self.statements:
                self._about.setdefault(node, []).append((predicate, value))
        return self._about.get(subject, ())

    def pointing(self, object: Term) -> Iterable[tuple[Subject, NamedNode]]:
        """All that points at a node."""
        if self._pointing is None:
            self._pointing = {}
            for node, predicate, value in self.statements:
                self._pointing.setdefault(value, []).append((node, predicate))
        return self._pointing.get(object, ())

    def everything(self) -> Iterable[Statement]:
        """Every triple."""
        return self.statements

    def __len__(self) -> int:
        return len(self.statements)


def triples_of(view: QuadView | TripleView) -> TripleView:
    """The view as triples, remembering what it read; itself where it already is that."""
    return cast(TripleView, view) if hasattr(view, "objects") else Triples(view)
