"""What a store holds, in a form in which two of them can be compared: digests that do not depend on any order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.graph.oxigraph import SYSTEM_GRAPH, OxigraphStore
from twin.terms import NamedNode, Quad

_MASK = 2**64 - 1
_NAMELESS = re.compile(rb"_:[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class GraphDifference:
    """How many triples of a graph are missing in a store, and how many it has too many."""

    graph: str
    missing: int
    surplus: int


def differences(store: OxigraphStore, reference: OxigraphStore) -> list[GraphDifference]:
    """The graphs in which a store differs from another that holds what it should; each graph is read once.

    Triples are compared as 64-bit digests (BLAKE2b) of what they say.
    """
    found = []
    for graph in sorted({*store.graphs(), *reference.graphs(), SYSTEM_GRAPH}, key=str):
        ours, theirs = _digests(store, graph), _digests(reference, graph)
        if not np.array_equal(ours, theirs):
            missing, surplus = len(np.setdiff1d(theirs, ours)), len(np.setdiff1d(ours, theirs))
            found.append(GraphDifference(graph.value, missing, surplus))
    return found


def _digests(store: OxigraphStore, graph: NamedNode) -> npt.NDArray[np.uint64]:
    # The nameless nodes of our own shapes get other names each time they are loaded.
    lines = _NAMELESS.sub(b"_:", store.dump(graph)).split(b"\n")[:-1]
    digests = b"".join(hashlib.blake2b(line, digest_size=8).digest() for line in lines)
    return np.sort(np.frombuffer(digests, np.uint64))


def disagreeing_indexes(store: OxigraphStore) -> list[str]:
    """The store's indexes that hold something else than the one by graph and subject: a lost log can leave them apart.

    Each quad is looked up by subject, by predicate and by object, alone and together with its graph.
    """
    every = _Sum()
    subjects: set[Any] = set()  # quoted triples, which the engine's types allow for, are not stored
    predicates: set[NamedNode] = set()
    objects: set[Any] = set()
    wrong: list[str] = []
    for graph in [*store.graphs(), SYSTEM_GRAPH]:
        own = _Sum()
        own_predicates: set[NamedNode] = set()
        own_objects: set[Any] = set()
        for quad in store.quads(None, None, None, graph):
            own.add(quad)
            subjects.add(quad.subject)
            own_predicates.add(quad.predicate)
            own_objects.add(quad.object)
        every.join(own)
        predicates |= own_predicates
        objects |= own_objects
        if _summed(quad for term in own_predicates for quad in store.quads(None, term, None, graph)) != own:
            wrong.append("graph and predicate")
        if _summed(quad for term in own_objects for quad in store.quads(None, None, term, graph)) != own:
            wrong.append("graph and object")
    looked_up: list[tuple[str, Iterator[Quad]]] = [
        ("subject", (quad for term in subjects for quad in store.quads(term, None, None, None))),
        ("predicate", (quad for term in predicates for quad in store.quads(None, term, None, None))),
        ("object", (quad for term in objects for quad in store.quads(None, None, term, None))),
    ]
    wrong += [name for name, quads in looked_up if _summed(quads) != every]
    return list(dict.fromkeys(wrong))


@dataclass(slots=True)
class _Sum:
    """How many quads, and the sum of their hashes."""

    count: int = 0
    hashes: int = 0

    def add(self, quad: Quad) -> None:
        self.count += 1
        self.hashes = (self.hashes + hash(quad)) & _MASK

    def join(self, other: _Sum) -> None:
        self.count += other.count
        self.hashes = (self.hashes + other.hashes) & _MASK


def _summed(quads: Iterable[Quad]) -> _Sum:
    total = _Sum()
    for quad in quads:
        total.add(quad)
    return total
