"""Filters of pages: each is a test of an IRI, and asks the graph once for all IRIs that pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from twin.errors import InvalidInput
from twin.graph.hierarchy import EQUIPMENT_ROOTS, SPACE_ROOTS, Hierarchy
from twin.graph.overlay import QuadView
from twin.terms import Literal, NamedNode, Object
from twin.vocab import BRICK, RDF, REC, S4BLDG, SAREF, TWIN

Test = Callable[[str], bool]
_TRUE = Literal(True)


class Filters:
    """The tests over one store, under the class tree as it is when they are made."""

    def __init__(self, view: QuadView, hierarchy: Callable[[], Hierarchy]) -> None:
        self._view = view
        self._hierarchy = hierarchy

    def of_type(self, type: str | None) -> Iterator[Test]:
        """Whether it is of a class (see `classes_below`) or one below it."""
        if type:
            yield self._instances(self.classes_below(type)).__contains__

    def of_family(self, family: str | None) -> Iterator[Test]:
        """Whether it is a ``space``, ``equipment``, or ``other``; what is both is a space."""
        if family is None:
            return
        hierarchy = self._hierarchy()
        space = self._instances(cls for root in SPACE_ROOTS for cls in hierarchy.below(root))
        if family == "space":
            yield space.__contains__
            return
        equipment = self._instances(cls for root in EQUIPMENT_ROOTS for cls in hierarchy.below(root)) - space
        if family == "equipment":
            yield equipment.__contains__
        else:
            yield lambda iri: family == "other" and iri not in space and iri not in equipment

    def of_role(self, role: str | None) -> Iterator[Test]:
        """Whether it has this role."""
        if role is not None:
            yield self._having(TWIN.role, Literal(role)).__contains__

    def writable(self, writable: bool | None) -> Iterator[Test]:
        """Whether it is writable, or is not."""
        if writable is not None:
            found = self._having(TWIN.writable, _TRUE)
            yield lambda iri: (iri in found) == writable

    def one_by_one(self, type: str | None, role: str | None, writable: bool | None) -> Iterator[Test]:
        """The same three tests for a few IRIs, of which the graph is asked one by one."""
        if type:
            classes = self.classes_below(type)
            yield lambda iri: any(cls in classes for cls in self._values(iri, RDF.type))
        if role is not None:
            yield lambda iri: Literal(role) in self._values(iri, TWIN.role)
        if writable is not None:
            yield lambda iri: (_TRUE in self._values(iri, TWIN.writable)) == writable

    def _values(self, iri: str, predicate: NamedNode) -> list[Object]:
        return [quad.object for quad in self._view.quads(NamedNode(iri), predicate, None, None)]  # type: ignore[misc]  # no quoted triple is stored

    def _having(self, predicate: NamedNode, value: NamedNode | Literal) -> set[str]:
        found = self._view.quads(None, predicate, value, None)
        return {quad.subject.value for quad in found if isinstance(quad.subject, NamedNode)}

    def _instances(self, classes: Iterable[NamedNode]) -> set[str]:
        return set().union(*(self._having(RDF.type, cls) for cls in classes))

    def classes_below(self, name: str) -> frozenset[NamedNode]:
        """The class named (IRI, ``prefix:Name`` or local name) and all below it; raises `InvalidInput`."""
        prefixes = {"brick": BRICK, "rec": REC, "saref": SAREF, "s4bldg": S4BLDG, "twin": TWIN}
        head, _, tail = name.partition(":")
        try:
            candidates = [prefixes[head][tail]] if head in prefixes else []
            if not candidates:
                candidates = [NamedNode(name)] if ":" in name else [space[name] for space in prefixes.values()]
        except ValueError as error:  # no IRI
            raise _no_class(name) from error
        hierarchy = self._hierarchy()
        found = frozenset(cls for candidate in candidates for cls in hierarchy.below(candidate))
        if len(found) == len(candidates) and not any(self._in_use(cls) for cls in found):
            raise _no_class(name)
        return found

    def _in_use(self, cls: NamedNode) -> bool:
        used = self._view.quads(None, RDF.type, cls, None), self._view.quads(cls, None, None, None)
        return any(True for quads in used for _ in quads)


def with_text(text: str | None, name: Callable[[str], str]) -> Iterator[Test]:
    """Whether the text is in its name or its IRI, whatever the case."""
    if text:
        sought = text.casefold()
        yield lambda iri: sought in f"{name(iri)} {iri}".casefold()


def _no_class(name: str) -> InvalidInput:
    return InvalidInput(
        f"No vocabulary here has a class {name!r}.",
        remedy="Use a class's IRI, a prefixed name such as brick:AHU, or its local name.",
    )
