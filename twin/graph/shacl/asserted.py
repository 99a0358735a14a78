"""What generic shapes are checked on: what was said of sites and vocabularies, without what was inferred."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from twin.graph.overlay import QuadView, Selected
from twin.terms import NamedNode, Object, Quad, Subject
from twin.vocab import OWL, RDFS

__all__ = ["Asserted", "BothWays", "is_asserted"]

_ASSERTED = ("urn:twin:site:", "urn:twin:bindings:", "urn:twin:models:", "urn:twin:vocabulary:")


def is_asserted(graph: object) -> bool:
    """Whether a graph is one of a site's own or of a vocabulary."""
    return isinstance(graph, NamedNode) and graph.value.startswith(_ASSERTED)


class Asserted:
    """The quads of a view that were said; ``more`` are facts that stand beside them in memory."""

    def __init__(self, view: QuadView, more: QuadView | None = None) -> None:
        self._said = Selected(view, is_asserted)
        self._more = more

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match."""
        yield from self._said.quads(subject, predicate, object, graph)
        if self._more is not None:
            yield from self._more.quads(subject, predicate, object, graph)


class BothWays:
    """A view in which a relation with an inverse is found whichever way it was said, and equivalent classes are below
    one another.

    Brick's rules infer these before its shapes are applied; here they are read off when asked for.
    """

    def __init__(self, view: QuadView, inverses: Mapping[NamedNode, tuple[NamedNode, ...]]) -> None:
        self._view = view
        self._inverses = inverses

    def quads(
        self,
        subject: Subject | None = None,
        predicate: NamedNode | None = None,
        object: Object | None = None,
        graph: NamedNode | None = None,
    ) -> Iterator[Quad]:
        """The quads that match, said either way."""
        view, inverses = self._view, self._inverses
        yield from view.quads(subject, predicate, object, graph)
        # A literal has nothing pointing from it.
        if predicate is None:
            for quad in view.quads(_as_subject(object), None, subject, graph) if _turns(object) else ():
                for other in inverses.get(quad.predicate, ()):
                    yield from _turned(quad, other)
            return
        for other in inverses.get(predicate, ()):
            if _turns(object):
                for quad in view.quads(_as_subject(object), other, subject, graph):
                    yield from _turned(quad, predicate)
        if predicate == RDFS.subClassOf:
            for quad in self.quads(subject, OWL.equivalentClass, object, graph):
                yield Quad(quad.subject, RDFS.subClassOf, quad.object, quad.graph_name)

    def expanded(self, quads: Iterable[Quad]) -> Iterator[Quad]:
        """The quads and what is found in them the other way round."""
        for quad in quads:
            yield quad
            for other in self._inverses.get(quad.predicate, ()):
                yield from _turned(quad, other)
            if quad.predicate == OWL.equivalentClass:
                yield Quad(quad.subject, RDFS.subClassOf, quad.object, quad.graph_name)
                yield from _turned(quad, RDFS.subClassOf)


def inverses_of(quads: Iterable[Quad]) -> Mapping[NamedNode, tuple[NamedNode, ...]]:
    """The inverses of each predicate that ``owl:inverseOf`` names, both ways; equivalence of classes is its own."""
    found: defaultdict[NamedNode, dict[NamedNode, None]] = defaultdict(dict)
    found[OWL.equivalentClass][OWL.equivalentClass] = None
    for quad in quads:
        if quad.predicate == OWL.inverseOf and isinstance(quad.object, NamedNode):
            found[quad.subject][quad.object] = None  # type: ignore[index]  # a predicate is an IRI
            found[quad.object][quad.subject] = None  # type: ignore[index]  # a predicate is an IRI
    return {predicate: tuple(others) for predicate, others in found.items()}


def _turns(object: Object | None) -> bool:
    return object is None or isinstance(object, NamedNode)


def _as_subject(object: Object | None) -> NamedNode | None:
    return object if isinstance(object, NamedNode) else None


def _turned(quad: Quad, predicate: NamedNode) -> Iterator[Quad]:
    if isinstance(quad.object, NamedNode):
        yield Quad(quad.object, predicate, quad.subject, quad.graph_name)
