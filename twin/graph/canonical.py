"""Changes in the spelling of the store, which writes numbers and times its own way (``0.0`` becomes ``0``).

A change is compared with what the store holds term by term, so it is spelled like the store first.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyoxigraph import Store

from twin.contracts import Delta
from twin.terms import Literal, NamedNode, Quad
from twin.vocab import XSD

_ANY = NamedNode("urn:any")


def canonical(delta: Delta) -> Delta:
    """The delta with every literal spelled as the store would give it back, in the same order."""
    return Delta(_spelled(delta.removed), _spelled(delta.added))


def spelled(value: Literal) -> Literal:
    """A literal as the store would give it back."""
    if value.language or value.datatype == XSD.string:
        return value
    store = Store()  # two microseconds; one quad each, so that the order stays
    store.add(Quad(_ANY, _ANY, value))
    (quad,) = store
    found: Literal = quad.object
    return found


def _spelled(quads: Iterable[Quad]) -> tuple[Quad, ...]:
    found = []
    for quad in quads:
        value = quad.object
        if isinstance(value, Literal):
            quad = Quad(quad.subject, quad.predicate, spelled(value), quad.graph_name)
        found.append(quad)
    return tuple(dict.fromkeys(found))
