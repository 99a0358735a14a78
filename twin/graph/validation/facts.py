"""What the shapes need to know of single nodes: what they are, who owns them, what their classes say.

Every answer is read from one state of the graph and remembered, so a `Facts` lives as long as that state is judged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from twin import units
from twin.contracts import Delta
from twin.graph.derivation import OWNED_BY, OWNS, Derivation
from twin.graph.hierarchy import PROPERTY_ROOTS, SPACE_ROOTS, Hierarchy
from twin.graph.overlay import QuadView
from twin.graph.twins.reader import CHILD, PARENT
from twin.graph.validation.node_reads import NodeReads
from twin.terms import Literal, NamedNode, Object
from twin.vocab import BRICK, OWL, QUDT, RDF, RDFS, SAREF, SH, SKOS, TWIN

UNIT = (QUDT.hasUnit, BRICK.hasUnit, SAREF.isMeasuredIn, QUDT.unit)
"""Predicates from a property to its unit."""
QUANTITY_KIND = (QUDT.hasQuantityKind, BRICK.hasQuantity)
"""Predicates from a property or a class to its quantity kind."""
_LOCATES = frozenset((BRICK.hasLocation, BRICK.isLocationOf, TWIN.isLocatedIn, TWIN.isLocationOf))
_ZONE = BRICK.Zone
_FURNITURE = tuple(str(namespace) for namespace in (OWL, RDFS, SH, TWIN, RDF, SKOS))
"""Individuals of these namespaces' classes are the model's furniture (ontology headers, state sets), not twins."""
_INFERRED = "urn:twin:inferred:"
_INDIVIDUALS = ("urn:twin:site:", "urn:twin:models:", _INFERRED)
VOCABULARY = "urn:twin:vocabulary:"
"""What the graphs of vocabularies begin with."""
_OF_CLASSES = (RDF.type, RDFS.subClassOf, OWL.equivalentClass)
CLASSES = frozenset((OWL.Class, RDFS.Class, SH.NodeShape))
"""What a node is that is a class."""


@dataclass(slots=True)
class ClassFacts:
    """What was read of classes: the same for every state of the graph until a change touches a class."""

    above: dict[NamedNode, tuple[NamedNode, ...]] = field(default_factory=dict)
    known: dict[NamedNode, bool] = field(default_factory=dict)
    kinds: dict[NamedNode, frozenset[str]] = field(default_factory=dict)
    derivation: Derivation | None = None

    def is_class(self, node: NamedNode, *views: QuadView) -> bool:
        """Whether a node was ever met as a class, or is one in one of the states."""
        return (
            node in self.above
            or node in self.kinds
            or any(True for view in views for predicate in _OF_CLASSES for _ in view.quads(None, predicate, node, None))
            or any(True for view in views for _ in view.quads(node, OWL.equivalentClass, None, None))
        )


class Facts:
    """Facts of one state of the graph, each read once; ``classes`` are those of classes, read before.

    With ``before`` and ``delta`` the state is the one after the delta, and what it does not touch is not read again.
    """

    def __init__(
        self,
        view: QuadView,
        classes: ClassFacts | None = None,
        *,
        before: Facts | None = None,
        delta: Delta | None = None,
    ) -> None:
        self.view = view
        self._before = before
        earlier: NodeReads | None = before._reads if before is not None else None
        self._reads: NodeReads = NodeReads(view, earlier, delta)
        self._classes = classes if classes is not None else ClassFacts()
        self._types: dict[NamedNode, tuple[tuple[NamedNode, ...], bool]] = {}
        self._owners: dict[NamedNode, frozenset[NamedNode]] = {}
        self._capabilities: dict[NamedNode, frozenset[NamedNode]] = {}
        self._within: dict[NamedNode, dict[NamedNode, bool]] = {}
        self._is_property: dict[NamedNode, bool] = {}

    def objects(self, subject: NamedNode, *predicates: NamedNode) -> Iterator[Object]:
        """The values of a node under any of the predicates, each once."""
        read = self._reads.objects
        if len(predicates) == 1:
            return iter(read(subject, predicates[0]))
        return iter({value: None for predicate in predicates for value in read(subject, predicate)})

    def nodes(self, subject: NamedNode, *predicates: NamedNode) -> Iterator[NamedNode]:
        """The values of a node under any of the predicates that are nodes."""
        return (value for value in self.objects(subject, *predicates) if isinstance(value, NamedNode))

    def texts(self, subject: NamedNode, *predicates: NamedNode) -> list[str]:
        """The values of a node under any of the predicates that are literals, as text."""
        return [value.value for value in self.objects(subject, *predicates) if isinstance(value, Literal)]

    def subjects(self, object: Object, *predicates: NamedNode) -> list[NamedNode]:
        """The nodes that have this value under any of the predicates, each once."""
        read = self._reads.subjects
        return list({node: None for predicate in predicates for node in read(predicate, object)})

    def types(self, node: NamedNode) -> tuple[NamedNode, ...]:
        """The stated classes of a node."""
        return self._typed(node)[0]

    def _typed(self, node: NamedNode) -> tuple[tuple[NamedNode, ...], bool]:
        if self._before is not None and self._reads.stays(node):
            return self._before._typed(node)
        found = self._types.get(node)
        if found is None:
            classes: dict[NamedNode, None] = {}
            individual = False
            for quad in self.view.quads(node, RDF.type, None, None):
                if isinstance(quad.object, NamedNode) and isinstance(quad.graph_name, NamedNode):
                    classes[quad.object] = None
                    individual |= quad.graph_name.value.startswith(_INDIVIDUALS) and not quad.object.value.startswith(
                        _FURNITURE
                    )
            found = self._types[node] = (tuple(classes), individual)
        return found

    def above(self, cls: NamedNode) -> tuple[NamedNode, ...]:
        """The class and every class above or equivalent to it, nearest first."""
        found = self._classes.above.get(cls)
        if found is None:
            seen = {cls: None}
            queue = deque([cls])
            while queue:
                here = queue.popleft()
                up = [*self.nodes(here, RDFS.subClassOf, OWL.equivalentClass)]
                up += self.subjects(here, OWL.equivalentClass)
                for each in up:
                    if each not in seen:
                        seen[each] = None
                        queue.append(each)
            found = self._classes.above[cls] = tuple(seen)
        return found

    def below(self, cls: NamedNode) -> tuple[NamedNode, ...]:
        """The class and every class below or equivalent to it."""
        seen = {cls: None}
        queue = deque([cls])
        while queue:
            here = queue.popleft()
            down = [*self.subjects(here, RDFS.subClassOf, OWL.equivalentClass), *self.nodes(here, OWL.equivalentClass)]
            for each in down:
                if each not in seen:
                    seen[each] = None
                    queue.append(each)
        return tuple(seen)

    def is_any(self, node: NamedNode, roots: Iterable[NamedNode]) -> bool:
        """Whether one of the node's classes is one of the roots or below one."""
        wanted = frozenset(roots)
        return any(not wanted.isdisjoint(self.above(cls)) for cls in self.types(node))

    def is_known(self, cls: NamedNode) -> bool:
        """Whether a vocabulary, or the site itself, defines the class."""
        found = self._classes.known.get(cls)
        if found is None:
            found = (
                cls.value.startswith(_FURNITURE)
                or any(quad.object in CLASSES for quad in self.view.quads(cls, RDF.type, None, None))
                or any(
                    isinstance(quad.graph_name, NamedNode) and quad.graph_name.value.startswith(VOCABULARY)
                    for quad in self.view.quads(cls, None, None, None)
                )
            )
            self._classes.known[cls] = found
        return found

    def owners(self, node: NamedNode) -> frozenset[NamedNode]:
        """Who owns a property, by whichever relation says so."""
        found = self._owners.get(node)
        if found is None:
            found = frozenset(self.subjects(node, *OWNS)) | frozenset(self.nodes(node, *OWNED_BY))
            self._owners[node] = found
        return found

    def properties(self, owner: NamedNode) -> frozenset[NamedNode]:
        """What a twin owns, by whichever relation says so."""
        return frozenset(self.nodes(owner, *OWNS)) | frozenset(self.subjects(owner, *OWNED_BY))

    def is_property(self, node: NamedNode) -> bool:
        """Whether the node is a property: it is owned as one, or its class is a class of properties."""
        found = self._is_property.get(node)
        if found is None:
            found = self._is_property[node] = self.is_any(node, PROPERTY_ROOTS) or bool(self.owners(node))
        return found

    def is_twin(self, node: NamedNode) -> bool:
        """Whether the node is an individual of a site that is not a property."""
        return self._typed(node)[1] and not self.is_property(node)

    def quantity_kinds(self, node: NamedNode) -> frozenset[str]:
        """The quantity kinds of a property: those stated, else what its nearest classes say."""
        stated = frozenset(kind.value for kind in self.nodes(node, *QUANTITY_KIND))
        if stated:
            return stated
        return units.narrowest(kind for cls in self.types(node) for kind in self._kinds_of(cls))

    def _kinds_of(self, cls: NamedNode) -> frozenset[str]:
        found = self._classes.kinds.get(cls)
        if found is None:
            found = frozenset()
            for each in self.above(cls):
                found = units.narrowest(kind.value for kind in self.nodes(each, *QUANTITY_KIND))
                if found:
                    break
            self._classes.kinds[cls] = found
        return found

    def roles(self, node: NamedNode) -> frozenset[str]:
        """The roles of a property: those stated or derived, else what its classes say."""
        stated = frozenset(self.texts(node, TWIN.role))
        if stated:
            return stated
        if self._classes.derivation is None:
            self._classes.derivation = Derivation(self.view, Hierarchy(self.view))
        role = self._classes.derivation.role(cls for cls in self.types(node) if cls != TWIN.Property)
        return frozenset((role,)) if role else frozenset()

    def stated_roles(self, node: NamedNode) -> Iterator[Literal]:
        """The roles that somebody wrote, as against those derived."""
        for quad in self.view.quads(node, TWIN.role, None, None):
            inferred = isinstance(quad.graph_name, NamedNode) and quad.graph_name.value.startswith(_INFERRED)
            if isinstance(quad.object, Literal) and not inferred:
                yield quad.object

    def words(self, node: NamedNode) -> list[str]:
        """The words that a binding's enum map must give a code: the states of a state, true and false of a switch."""
        kinds = self.texts(node, TWIN.valueKind)
        if "boolean" in kinds:
            return ["true", "false"]
        if "state" not in kinds:
            return []
        states = [state for known in self.nodes(node, TWIN.states) for state in self.nodes(known, TWIN.state)]
        return list(dict.fromkeys(word for state in states for word in self.texts(state, TWIN.word)))

    def writes_to(self, binding: NamedNode) -> list[str]:
        """The addresses a binding writes: its write address, else its address when its property is written."""
        stated = self.texts(binding, TWIN.writeAddress)
        if stated:
            return stated
        bound = self.nodes(binding, TWIN.binds)
        written = any(text in ("true", "1") for each in bound for text in self.texts(each, TWIN.writable))
        return self.texts(binding, TWIN.address) if written else []

    def fellow_writers(self, binding: NamedNode) -> Iterator[NamedNode]:
        """The other bindings of the same connection that write to an address this one writes to."""
        connections = frozenset(self.nodes(binding, TWIN.connection))
        for address in self.writes_to(binding):
            for other in self.subjects(Literal(address), TWIN.writeAddress, TWIN.address):
                shared = not connections.isdisjoint(self.nodes(other, TWIN.connection))
                if shared and other != binding and address in self.writes_to(other):
                    yield other

    def capabilities(self, owner: NamedNode) -> frozenset[NamedNode]:
        """The capabilities whose scores a twin owns."""
        found = self._capabilities.get(owner)
        if found is None:
            found = frozenset(c for p in self.properties(owner) for c in self.nodes(p, TWIN.ofCapability))
            self._capabilities[owner] = found
        return found

    def within(self, node: NamedNode) -> dict[NamedNode, bool]:
        """What a node is in or part of, each with whether that is a place."""
        known = self._within.get(node)
        if known is not None:
            return known
        found = self._within[node] = {}
        for predicate in PARENT:
            for parent in self.nodes(node, predicate):
                found[parent] = found.get(parent, False) or predicate in _LOCATES or self._is_place(parent)
        for predicate in CHILD:
            for parent in self.subjects(node, predicate):
                found[parent] = found.get(parent, False) or predicate in _LOCATES or self._is_place(parent)
        return found

    def _is_place(self, node: NamedNode) -> bool:
        return self.is_any(node, SPACE_ROOTS) and not self.is_any(node, (_ZONE,))

    def contents(self, node: NamedNode) -> Iterator[NamedNode]:
        """What is directly in or part of a node."""
        yield from self.nodes(node, *CHILD)
        yield from self.subjects(node, *PARENT)
