"""Which nodes a change can affect: those whose shapes may hold before it and not after, or the other way round."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from twin.contracts import Delta
from twin.graph.derivation import OWNED_BY, OWNS
from twin.graph.facts import CLASSES, QUANTITY_KIND, Facts
from twin.graph.twins import CHILD, PARENT
from twin.terms import NamedNode
from twin.vocab import OWL, RDF, RDFS, TWIN, site_of_graph

_CLASS_TREE = frozenset((RDFS.subClassOf, OWL.equivalentClass, *QUANTITY_KIND))
_OWNERSHIP = frozenset((*OWNS, *OWNED_BY))
_PLACES = frozenset((*PARENT, *CHILD))


def affected(before: Facts, after: Facts, delta: Delta) -> frozenset[NamedNode]:
    """The nodes to check, from the quads removed and added and what both states say around them."""
    touched: dict[NamedNode, None] = {}
    moved: dict[NamedNode, None] = {}
    retyped: dict[NamedNode, None] = {}
    classes: dict[NamedNode, None] = {}
    for quad in (*delta.removed, *delta.added):
        ends = [end for end in (quad.subject, quad.object) if isinstance(end, NamedNode)]
        if quad.predicate == RDF.type:
            touched.update(dict.fromkeys(ends[:1]))
            retyped.update(dict.fromkeys(ends[:1]))
        else:
            touched.update(dict.fromkeys(ends))
        if quad.predicate in _PLACES:
            moved.update(dict.fromkeys(ends))
        if quad.predicate == TWIN.protocol or quad.predicate in _OWNERSHIP:
            retyped.update(dict.fromkeys(ends))  # what is owned is a property, and no longer a twin
        if quad.predicate in _CLASS_TREE or (quad.predicate == RDF.type and quad.object in CLASSES):
            classes.update(dict.fromkeys(ends[:1]))
    found: set[NamedNode] = set()
    for facts in (before, after):
        reach = _Reach(facts)
        instances = reach.instances(classes)
        for node in (*touched, *instances):
            reach.node(node)
        for node in (*retyped, *instances):
            reach.dependents(node)
        for node in moved:
            reach.ancestors(node)
        found |= reach.found
    return frozenset(found)


def _of_a_site(graph: object) -> bool:
    return isinstance(graph, NamedNode) and site_of_graph(graph) is not None


class _Reach:
    """What is reached from changed nodes in one state of the graph."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.found: set[NamedNode] = set()

    def node(self, node: NamedNode) -> None:
        """A node whose own statements changed: whatever shape looks at them, from wherever."""
        facts = self.facts
        if node in self.found:
            return
        self.found.add(node)
        for states in facts.subjects(node, TWIN.state):
            self.node(states)
        for user in facts.subjects(node, TWIN.states):
            self.node(user)
        for needing in facts.subjects(node, TWIN.input):
            self.node(needing)
        for binding in (*facts.subjects(node, TWIN.binds), *facts.subjects(node, TWIN.stateEntry)):
            self.binding(binding)
        if any(facts.nodes(node, TWIN.binds)):
            self.binding(node)
        for owner in facts.owners(node):
            if facts.capabilities(owner):
                self.found.add(owner)
        for score in facts.subjects(node, TWIN.ofCapability):
            self.found |= {score, *facts.owners(score)}

    def binding(self, binding: NamedNode) -> None:
        """A binding, what it binds, and the other writers of its address."""
        self.found.add(binding)
        self.found.update(self.facts.nodes(binding, TWIN.binds))
        self.found.update(self.facts.fellow_writers(binding))

    def dependents(self, node: NamedNode) -> None:
        """A node whose class changed: whoever needs it to be of a class."""
        facts = self.facts
        self.found.update(facts.properties(node))
        self.found.update(facts.contents(node))
        for binding in facts.subjects(node, TWIN.connection):
            self.binding(binding)

    def ancestors(self, node: NamedNode) -> None:
        """A node that moved: everything it is in, for a circle goes through these."""
        ahead = deque([node])
        seen = {node}
        while ahead:
            here = ahead.popleft()
            self.found.add(here)
            for parent in self.facts.within(here):
                if parent not in seen:
                    seen.add(parent)
                    ahead.append(parent)

    def instances(self, classes: Iterable[NamedNode]) -> list[NamedNode]:
        """The individuals of these classes and of all below them."""
        facts = self.facts
        ahead = deque(classes)
        seen = set(ahead)
        found: dict[NamedNode, None] = {}
        while ahead:
            cls = ahead.popleft()
            for quad in facts.view.quads(None, RDF.type, cls, None):
                if isinstance(quad.subject, NamedNode) and _of_a_site(quad.graph_name):
                    found[quad.subject] = None
            below = (*facts.subjects(cls, RDFS.subClassOf), *facts.subjects(cls, OWL.equivalentClass))
            for each in (*below, *facts.nodes(cls, OWL.equivalentClass)):
                if each not in seen:
                    seen.add(each)
                    ahead.append(each)
        return list(found)
