"""The class tree of the vocabularies present, closed over `rdfs:subClassOf` and `owl:equivalentClass`."""

from __future__ import annotations

from collections.abc import Iterable

from twin.graph.closure import ClassTree
from twin.graph.overlay import QuadView
from twin.terms import NamedNode
from twin.vocab import BRICK, REC, S4BLDG, SAREF, TWIN

SPACE_ROOTS = (BRICK.Location, S4BLDG.BuildingSpace, S4BLDG.Building, REC.Space, REC.Building, REC.Architecture)
EQUIPMENT_ROOTS = (BRICK.Equipment, SAREF.Device, TWIN.Interface)
PROPERTY_ROOTS = (BRICK.Point, SAREF.Property, TWIN.Property)


class Hierarchy:
    """The class tree of a view: the closure that SPARQL queries are answered by, too."""

    def __init__(self, view: QuadView) -> None:
        self._tree = ClassTree(lambda predicate, object: view.quads(None, predicate, object, None))
        self.above = self._tree.above
        self.below = self._tree.below

    def is_any(self, classes: Iterable[NamedNode], roots: Iterable[NamedNode]) -> bool:
        """Whether one of the classes is one of the roots or below one."""
        wanted = frozenset(roots)
        return any(not wanted.isdisjoint(self.above(cls)) for cls in classes)

    def __len__(self) -> int:
        return len(self._tree)
