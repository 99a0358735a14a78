"""Which records of the read model a change makes stale."""

from __future__ import annotations

from twin.contracts import Delta
from twin.graph.overlay import QuadView
from twin.terms import NamedNode
from twin.vocab import RDF, TWIN

_ALL = 2000
"""Beyond this many quads it is cheaper to read every record anew than to find out which."""
_OF_STATES = frozenset((TWIN.state, TWIN.index, TWIN.word))
_KINDS = ("site", "inferred", "models", "bindings")


def stale_records(view: QuadView, delta: Delta) -> set[str] | None:
    """The IRIs whose records may read differently after a committed change; None for all of them.

    A record depends on the statements about its IRI, on whether what it is in is a twin, on the states of its state
    set, and on the names of its classes.
    """
    quads = (*delta.removed, *delta.added)
    if len(quads) > _ALL:
        return None
    stale: set[str] = set()
    subjects: set[NamedNode] = set()
    for quad in quads:
        graph, subject = quad.graph_name, quad.subject
        if not isinstance(graph, NamedNode) or not isinstance(subject, NamedNode):
            return None
        if graph.value.removeprefix("urn:twin:").partition(":")[0] not in _KINDS:
            return None  # a vocabulary: classes, names and quantity kinds of anything may follow
        subjects.add(subject)
        stale.add(subject.value)
        if isinstance(quad.object, NamedNode):
            stale.add(quad.object.value)
        if quad.predicate == RDF.type:
            stale |= _beside(view, subject)
        elif quad.predicate in _OF_STATES:
            stale |= _of_states(view, subject)
    if any(True for subject in subjects for _ in view.quads(None, RDF.type, subject, None)):
        return None  # one of them is a class
    return stale


def _beside(view: QuadView, node: NamedNode) -> set[str]:
    """What a node that became a twin, or is none any more, is related to."""
    into = {quad.subject.value for quad in view.quads(None, None, node, None) if isinstance(quad.subject, NamedNode)}
    out = {quad.object.value for quad in view.quads(node, None, None, None) if isinstance(quad.object, NamedNode)}
    return into | out


def _of_states(view: QuadView, node: NamedNode) -> set[str]:
    """The properties whose states a state set, or one state of it, says."""
    sets = {node, *(quad.subject for quad in view.quads(None, TWIN.state, node, None))}
    users = (quad.subject for each in sets for quad in view.quads(None, TWIN.states, each, None))  # type: ignore[arg-type]  # no blank node is stored
    return {user.value for user in users if isinstance(user, NamedNode)}
