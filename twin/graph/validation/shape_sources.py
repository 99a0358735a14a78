"""Whose shapes a change is judged by beside our own: those in the users' graphs, and those of the ontology in use.

Both judge what was said - sites, bindings, models, vocabularies - and not what was inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Lock

from twin.contracts import Delta
from twin.graph.overlay import MemoryQuads, QuadView
from twin.graph.shacl.asserted import Asserted, BothWays, inverses_of, is_asserted
from twin.graph.shacl.gate import Above, Difference, ShapeSet, changed_triples, judge
from twin.graph.shacl.shapes import Shapes
from twin.graph.shacl.states import State
from twin.graph.shacl.triples import Statement, Term
from twin.graph.skolem import named
from twin.terms import BlankNode, Literal, NamedNode, Quad
from twin.vocab import OWL, RDF, RDFS, SH, shapes_graph, vocabulary_graph

__all__ = ["OntologyShapes", "UserShapes"]

_VOCABULARIES = vocabulary_graph("").value
_SHAPES = shapes_graph("").value
_INSTALLED = frozenset(
    vocabulary_graph(name).value for name in ("core", "units", "brick", "saref", "crosswalk", "dtdl", "capabilities")
)
"""Vocabularies that come with the installation and hold no shapes of a user."""
_TELLING = (SH.path, SH.property, SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf, SH.target)
"""Predicates by which a graph with shapes is known."""


class _Classes:
    """The classes above each class in a store, kept from change to change until one touches the class tree."""

    def __init__(self) -> None:
        self._store: QuadView | None = None
        self._above: Above = {}

    def of(self, store: QuadView, changes: Iterable[Statement]) -> Above:
        """What is known of the classes of the store as it stands, to be added to."""
        if self._store is not store:
            self._store, self._above = store, {}
        above = self._above
        if any(predicate == RDFS.subClassOf for _, predicate, _ in changes):
            self._above = {}  # whether the change will be committed is not known here
        return above

    def forget(self) -> None:
        """Has them read again: the class tree was changed past the gate."""
        self._store = None


class UserShapes:
    """The shapes in ``urn:twin:shapes:<name>`` and in the users' ``urn:twin:vocabulary:<name>`` graphs.

    They are read once, and again after a change that touches such a graph.
    """

    def __init__(self, own: Iterable[NamedNode]) -> None:
        self._own = frozenset(graph.value for graph in own)
        self._lock = Lock()
        self._store: QuadView | None = None
        self._known: ShapeSet | None = None
        self._classes = _Classes()

    def forget(self) -> None:
        """Has the shapes read again when they are next needed: the graphs were changed past the gate."""
        with self._lock:
            self._known = None

    def forget_classes(self) -> None:
        """Has the class tree read again."""
        self._classes.forget()

    def touched(self, quads: Iterable[Quad]) -> bool:
        """Whether these quads stand in graphs that can hold shapes of a user."""
        return any(self._can_hold(graph) for graph in {quad.graph_name for quad in quads})

    def standing(self, store: QuadView) -> ShapeSet:
        """The shapes as the store has them."""
        with self._lock:
            if self._known is None or self._store is not store:
                self._known, self._store = self._read(store), store
            return self._known

    def judge(self, store: QuadView, after: QuadView, delta: Delta) -> Difference:
        """What the change adds and resolves by these shapes."""
        old = new = self.standing(store)
        if self.touched((*delta.removed, *delta.added)):
            new = self._read(after)
            self.forget()  # whether the change will be committed is not known here
        if not old and not new:
            return Difference()
        before, later = Asserted(store), Asserted(after)
        removed, added = changed_triples(before, later, _asserted(delta.removed), _asserted(delta.added))
        first = State(before)
        second = State(later, before=first, changed=_ends((*removed, *added)))
        return judge(old, new, first, second, removed, added, self._classes.of(store, (*removed, *added)))

    def _read(self, view: QuadView) -> ShapeSet:
        found: dict[NamedNode, None] = {}
        patterns = [(predicate, None) for predicate in _TELLING]
        for predicate, value in (*patterns, (RDF.type, SH.NodeShape), (RDF.type, SH.PropertyShape)):
            for quad in view.quads(None, predicate, value, None):
                if isinstance(quad.graph_name, NamedNode) and self._can_hold(quad.graph_name):
                    found[quad.graph_name] = None
        graphs = sorted(found, key=lambda graph: graph.value)
        return ShapeSet(quad for graph in graphs for quad in view.quads(None, None, None, graph))

    def _can_hold(self, graph: object) -> bool:
        if not isinstance(graph, NamedNode) or graph.value in self._own or graph.value in _INSTALLED:
            return False
        return graph.value.startswith((_SHAPES, _VOCABULARIES))


class OntologyShapes:
    """The shapes that an ontology's own file holds, read when they are first needed.

    Its rules (``sh:rule``) are not applied.  Two things that they infer and its shapes count on are read off instead:
    relations with an inverse are found whichever way they were said, and equivalent classes are below one another.
    Facts of the file that shapes look at and the store does not hold stand beside the store.
    """

    def __init__(self, read: Callable[[], Iterable[Quad]]) -> None:
        self._read = read
        self._lock = Lock()
        self._known: tuple[ShapeSet, MemoryQuads, dict[NamedNode, tuple[NamedNode, ...]]] | None = None
        self._classes = _Classes()

    def forget_classes(self) -> None:
        """Has the class tree read again."""
        self._classes.forget()

    def judge(self, store: QuadView, after: QuadView, delta: Delta) -> Difference:
        """What the change adds and resolves by these shapes."""
        shapes, facts, inverses = self._compiled(store)
        before = BothWays(Asserted(store, facts), inverses)
        later = BothWays(Asserted(after, facts), inverses)
        removed, added = changed_triples(
            before, later, before.expanded(_asserted(delta.removed)), later.expanded(_asserted(delta.added))
        )
        first = State(Asserted(store, facts), inverses)
        changed = _ends((*removed, *added))
        second = State(Asserted(after, facts), inverses, before=first, changed=changed)
        above = self._classes.of(store, (*removed, *added))
        return judge(shapes, shapes, first, second, removed, added, above)

    def prepare(self, store: QuadView) -> None:
        """Reads the file now, so that the first change does not wait for it: about a second."""
        self._compiled(store)

    def shapes(self, store: QuadView) -> Shapes:
        """The shapes."""
        return self._compiled(store)[0].shapes

    def view(self, store: QuadView) -> tuple[ShapeSet, QuadView]:
        """The shapes, and what they are checked on in a state of the store."""
        shapes, facts, inverses = self._compiled(store)
        return shapes, BothWays(Asserted(store, facts), inverses)

    def _compiled(self, store: QuadView) -> tuple[ShapeSet, MemoryQuads, dict[NamedNode, tuple[NamedNode, ...]]]:
        with self._lock:
            if self._known is None:
                quads = list(self._read())
                # Named by what they say, so that a shape without an IRI is the same one after the next start.
                shapes = ShapeSet(named(list(_of_shapes(quads)), _ONTOLOGY))
                looked_at = shapes.reach.predicates()
                facts = [quad for quad in quads if quad.predicate in looked_at and _is_new_fact(store, quad)]
                self._known = shapes, MemoryQuads(facts), dict(inverses_of(quads))
            return self._known


_ONTOLOGY = "brick"
_OF_RULES = frozenset((SH.rule, SH.subject, SH.predicate, SH.object, SH.construct, SH.condition))
_OF_SHAPES = frozenset((RDF.type, RDF.first, RDF.rest, RDFS.subClassOf, OWL.imports))


def _of_shapes(quads: Iterable[Quad]) -> Iterator[Quad]:
    """What of an ontology says its shapes; of 60,000 triples a fifth."""
    for quad in quads:
        predicate = quad.predicate
        if predicate.value.startswith(str(SH)):
            if predicate not in _OF_RULES:
                yield quad
        elif predicate in _OF_SHAPES:
            yield quad


def _is_new_fact(store: QuadView, quad: Quad) -> bool:
    if not isinstance(quad.subject, NamedNode) or not isinstance(quad.object, NamedNode | Literal):
        return False
    return not any(True for _ in store.quads(quad.subject, quad.predicate, quad.object, None))


def _ends(statements: Iterable[Statement]) -> set[Term]:
    return {end for subject, _, value in statements for end in (subject, value)}


def _asserted(quads: Iterable[Quad]) -> Iterator[Quad]:
    return (quad for quad in quads if is_asserted(quad.graph_name) and not isinstance(quad.subject, BlankNode))
