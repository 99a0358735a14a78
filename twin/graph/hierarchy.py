"""The class tree of the vocabularies present, closed over `rdfs:subClassOf` and `owl:equivalentClass`."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from functools import lru_cache

from twin.graph.overlay import QuadView
from twin.terms import NamedNode
from twin.vocab import BRICK, OWL, RDFS, REC, S4BLDG, SAREF, TWIN

SPACE_ROOTS = (BRICK.Location, S4BLDG.BuildingSpace, S4BLDG.Building, REC.Space, REC.Building, REC.Architecture)
EQUIPMENT_ROOTS = (BRICK.Equipment, SAREF.Device, TWIN.Interface)
PROPERTY_ROOTS = (BRICK.Point, SAREF.Property, TWIN.Property)


class Hierarchy:
    """The classes above and below a class, itself included, nearest first."""

    def __init__(self, view: QuadView) -> None:
        self._up: defaultdict[NamedNode, list[NamedNode]] = defaultdict(list)
        self._down: defaultdict[NamedNode, list[NamedNode]] = defaultdict(list)
        for quad in view.quads(None, RDFS.subClassOf, None, None):
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
                self._up[quad.subject].append(quad.object)
                self._down[quad.object].append(quad.subject)
        for quad in view.quads(None, OWL.equivalentClass, None, None):
            if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
                for one, other in ((quad.subject, quad.object), (quad.object, quad.subject)):
                    self._up[one].append(other)
                    self._down[one].append(other)
        self.above = lru_cache(maxsize=8192)(self._above)
        self.below = lru_cache(maxsize=1024)(self._below)

    def _above(self, cls: NamedNode) -> tuple[NamedNode, ...]:
        return _closure(cls, self._up)

    def _below(self, cls: NamedNode) -> frozenset[NamedNode]:
        return frozenset(_closure(cls, self._down))

    def is_any(self, classes: Iterable[NamedNode], roots: Iterable[NamedNode]) -> bool:
        """Whether one of the classes is one of the roots or below one."""
        wanted = frozenset(roots)
        return any(not wanted.isdisjoint(self.above(cls)) for cls in classes)

    def __len__(self) -> int:
        return len(self._up)


def _closure(start: NamedNode, edges: dict[NamedNode, list[NamedNode]]) -> tuple[NamedNode, ...]:
    seen = {start: None}
    queue = deque([start])
    while queue:
        for neighbour in edges.get(queue.popleft(), ()):
            if neighbour not in seen:
                seen[neighbour] = None
                queue.append(neighbour)
    return tuple(seen)
