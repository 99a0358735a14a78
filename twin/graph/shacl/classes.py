"""Which classes a node has, those above them included, as the triples of a view say."""

from __future__ import annotations

from twin.graph.shacl.triples import Term, TripleView
from twin.vocab import RDF, RDFS

__all__ = ["Classes"]


class Classes:
    """Class membership in one state of a graph (``rdf:type/rdfs:subClassOf*``), each class climbed once."""

    __slots__ = ("_above", "_view")

    def __init__(self, view: TripleView) -> None:
        self._view = view
        self._above: dict[Term, frozenset[Term]] = {}

    def is_instance(self, node: Term, cls: Term) -> bool:
        """Whether a node is an instance of a class."""
        return any(cls == own or cls in self.above(own) for own in self._view.objects(node, RDF.type))

    def above(self, cls: Term) -> frozenset[Term]:
        """A class and all above it."""
        known = self._above.get(cls)
        if known is None:
            seen, ahead = {cls}, [cls]
            while ahead:
                for parent in self._view.objects(ahead.pop(), RDFS.subClassOf):
                    if parent not in seen:
                        seen.add(parent)
                        ahead.append(parent)
            known = self._above[cls] = frozenset(seen)
        return known

    def below(self, cls: Term) -> dict[Term, None]:
        """A class and all below it."""
        seen, ahead = {cls: None}, [cls]
        while ahead:
            for child in self._view.subjects(RDFS.subClassOf, ahead.pop()):
                if child not in seen:
                    seen[child] = None
                    ahead.append(child)
        return seen

    def instances(self, cls: Term) -> dict[Term, None]:
        """The instances of a class, each once."""
        return {node: None for each in self.below(cls) for node in self._view.subjects(RDF.type, each)}
