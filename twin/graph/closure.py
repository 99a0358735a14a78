"""What follows from the class tree and the property tree: the classes below a class, and the forms of a predicate.

Held in memory and small (15,000 triples for Brick); built from a store's own vocabularies, so it is that of the
revision the store stands at.  RDFS 1.1 (rules 5, 7, 9 and 11) and OWL 2 RL (cax-eqc, prp-eqp, prp-inv, prp-symp).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from twin.terms import NamedNode, Quad
from twin.vocab import OWL, RDF, RDFS

Form = tuple[NamedNode, bool]
"""A predicate, and whether it says it from object to subject."""
Find = Callable[[NamedNode, NamedNode | None], Iterable[Quad]]
"""The quads with a predicate and, where one is given, an object."""

CLASS_TREE = frozenset((RDFS.subClassOf, OWL.equivalentClass))
PROPERTY_TREE = frozenset((RDFS.subPropertyOf, OWL.equivalentProperty, OWL.inverseOf))


def is_of_trees(quad: Quad) -> bool:
    """Whether a quad is one of those that the closure is made of."""
    predicate = quad.predicate
    return (
        predicate in CLASS_TREE
        or predicate in PROPERTY_TREE
        or (predicate == RDF.type and quad.object == OWL.SymmetricProperty)
    )


class ClassTree:
    """The classes above and below a class, itself included, nearest first."""

    def __init__(self, find: Find) -> None:
        self._up: defaultdict[NamedNode, list[NamedNode]] = defaultdict(list)
        self._down: defaultdict[NamedNode, list[NamedNode]] = defaultdict(list)
        for one, other in _named(find(RDFS.subClassOf, None)):
            self._add(one, other)
        for one, other in _named(find(OWL.equivalentClass, None)):
            self._add(one, other)
            self._add(other, one)
        self.above = lru_cache(maxsize=8192)(self._above)
        self.below = lru_cache(maxsize=1024)(self._below)

    def _add(self, lower: NamedNode, upper: NamedNode) -> None:
        self._up[lower].append(upper)
        self._down[upper].append(lower)

    def _above(self, cls: NamedNode) -> tuple[NamedNode, ...]:
        return _reached(cls, self._up)

    def _below(self, cls: NamedNode) -> frozenset[NamedNode]:
        return frozenset(_reached(cls, self._down))

    def __len__(self) -> int:
        return len(self._up)


class PropertyTree:
    """The forms in which a predicate may be stated: itself, what is below it, what is equivalent, inverses."""

    def __init__(self, find: Find) -> None:
        self._down: defaultdict[NamedNode, list[Form]] = defaultdict(list)
        for one, other in _named(find(RDFS.subPropertyOf, None)):
            self._down[other].append((one, False))
        for predicate, turned in ((OWL.equivalentProperty, False), (OWL.inverseOf, True)):
            for one, other in _named(find(predicate, None)):
                self._down[other].append((one, turned))
                self._down[one].append((other, turned))
        for quad in find(RDF.type, OWL.SymmetricProperty):
            if isinstance(quad.subject, NamedNode):
                self._down[quad.subject].append((quad.subject, True))
        self.forms = lru_cache(maxsize=4096)(self._forms)

    def __iter__(self) -> Iterator[NamedNode]:
        """The predicates that have other forms than themselves."""
        return iter(tuple(self._down))

    def _forms(self, predicate: NamedNode) -> tuple[Form, ...]:
        seen: dict[Form, None] = {(predicate, False): None}
        ahead = deque(seen)
        while ahead:
            reached, turned = ahead.popleft()
            for lower, turns in self._down.get(reached, ()):
                form = (lower, turned != turns)
                if form not in seen:
                    seen[form] = None
                    ahead.append(form)
        return tuple(seen)


def _named(quads: Iterable[Quad]) -> Iterator[tuple[NamedNode, NamedNode]]:
    """Subject and object of the quads that join two IRIs, each pair once, in an order that does not vary."""
    pairs = {
        (quad.subject, quad.object)
        for quad in quads
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode)
    }
    yield from sorted(pairs, key=lambda pair: (pair[0].value, pair[1].value))


def _reached(start: NamedNode, edges: dict[NamedNode, list[NamedNode]]) -> tuple[NamedNode, ...]:
    seen = {start: None}
    ahead = deque((start,))
    while ahead:
        for neighbour in edges.get(ahead.popleft(), ()):
            if neighbour not in seen:
                seen[neighbour] = None
                ahead.append(neighbour)
    return tuple(seen)
