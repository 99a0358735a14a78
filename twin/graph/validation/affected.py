"""Which nodes a change can affect: those whose shapes may hold before it and not after, or the other way round."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from twin.contracts import Delta
from twin.graph.derivation import OWNED_BY, OWNS
from twin.graph.twins.reader import CHILD, PARENT
from twin.graph.validation.facts import CLASSES, QUANTITY_KIND, UNIT, VOCABULARY, Facts
from twin.terms import NamedNode
from twin.vocab import OWL, RDF, RDFS, TWIN, site_of_graph

_TREE = frozenset((RDFS.subClassOf, OWL.equivalentClass))
CLASS_TREE = frozenset((*_TREE, *QUANTITY_KIND))
"""Predicates of a class that matter to its instances."""
_MEASURED_BY = frozenset((*UNIT, *QUANTITY_KIND, TWIN.sourceUnit))
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
        elif quad.predicate in _MEASURED_BY:
            touched.update(dict.fromkeys(ends[:1]))  # a unit is what it is, whoever is measured in it
        else:
            touched.update(dict.fromkeys(ends))
        if quad.predicate in _PLACES:
            moved.update(dict.fromkeys(ends))
        if quad.predicate == TWIN.protocol or quad.predicate in OWNED_BY:
            retyped.update(dict.fromkeys(ends[:1]))  # what is owned is a property, and no longer a twin
        elif quad.predicate in OWNS:
            retyped.update(dict.fromkeys(ends[1:]))
        if quad.predicate in CLASS_TREE or (quad.predicate == RDF.type and quad.object in CLASSES):
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


def concerns_classes(delta: Delta, is_class: Callable[[NamedNode], bool]) -> bool:
    """Whether a change touches what is known of classes: a vocabulary, or the class tree wherever it is stated.

    ``is_class`` tells a class from a property, for both have quantity kinds.
    """
    return any(
        quad.predicate in _TREE
        or (quad.predicate == RDF.type and quad.object in CLASSES)
        or (isinstance(quad.graph_name, NamedNode) and quad.graph_name.value.startswith(VOCABULARY))
        or (quad.predicate in QUANTITY_KIND and isinstance(quad.subject, NamedNode) and is_class(quad.subject))
        for quad in (*delta.removed, *delta.added)
    )


def _of_a_site(graph: object) -> bool:
    return isinstance(graph, NamedNode) and site_of_graph(graph) is not None


class _Reach:
    """What is reached from changed nodes in one state of the graph."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.found: set[NamedNode] = set()
        self._walked: set[NamedNode] = set()  # a node that was found from elsewhere may itself have changed

    def node(self, node: NamedNode) -> None:
        """A node whose own statements changed: whatever shape looks at them, from wherever."""
        facts = self.facts
        if node in self._walked:
            return
        self._walked.add(node)
        self.found.add(node)
        for states in facts.subjects(node, TWIN.state):
            self.node(states)
        for user in facts.subjects(node, TWIN.states):
            self.node(user)
        for needing in facts.subjects(node, TWIN.input):
            self.node(needing)
        for binding in (*facts.subjects(node, TWIN.binds), *facts.subjects(node, TWIN.stateEntry)):
            self.binding(binding)
        if any(facts.objects(node, TWIN.binds, TWIN.connection, TWIN.address, TWIN.writeAddress)):
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
        self.found.update(facts.subjects(node, TWIN.checkedBy))
        self.found.update(facts.subjects(node, TWIN.contract))

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
        found: dict[NamedNode, None] = {}
        for cls in dict.fromkeys(below for each in classes for below in facts.below(each)):
            for quad in facts.view.quads(None, RDF.type, cls, None):
                if isinstance(quad.subject, NamedNode) and _of_a_site(quad.graph_name):
                    found[quad.subject] = None
        return list(found)
