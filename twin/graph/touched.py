"""What a change is about: the nodes it speaks of, and the properties and twins whose parts those are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twin.contracts import Delta
from twin.graph.overlay import MemoryQuads, QuadView
from twin.graph.skolem import SKOLEM
from twin.terms import NamedNode
from twin.vocab import TWIN

_WHOLES = (TWIN.hasProperty, TWIN.stateEntry)
"""Predicates from a whole to a part of it."""


def touched(view: QuadView, delta: Delta) -> set[str]:
    """The nodes that a change is about, before and after it: each subject of its quads, the property that a binding
    binds, the twin that owns a property, and the whole of a nameless part.

    ``view`` is the graph before the change.  An edge between two twins is a statement about the one it starts from.
    """
    views = (view, MemoryQuads(delta.added))
    ahead = list({quad.subject for quad in (*delta.removed, *delta.added) if isinstance(quad.subject, NamedNode)})
    found = set(ahead)
    while ahead:
        node = ahead.pop()
        for whole in wholes(views, node):
            if whole not in found:
                found.add(whole)
                ahead.append(whole)
    return {node.value for node in found}


def root(views: Sequence[QuadView], node: NamedNode) -> NamedNode:
    """What a node is a part of in the end: the twin of a property or a binding, or the node itself; the first by IRI,
    where there are several."""
    seen = {node}
    while True:
        above = sorted({*wholes(views, node)} - seen, key=lambda whole: whole.value)
        if not above:
            return node
        node = above[0]
        seen.add(node)


def wholes(views: Sequence[QuadView], node: NamedNode) -> Iterator[NamedNode]:
    """What a node is directly a part of, in any of the views."""
    for view in views:
        for quad in view.quads(node, TWIN.binds, None, None):
            if isinstance(quad.object, NamedNode):
                yield quad.object
        for predicate in (None,) if node.value.startswith(SKOLEM) else _WHOLES:
            for quad in view.quads(None, predicate, node, None):
                if isinstance(quad.subject, NamedNode):
                    yield quad.subject
