"""Changes in the spelling of the store, which writes numbers and times its own way (``0.0`` becomes ``0``).

A change is compared with what the store holds term by term, so it is spelled like the store first.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyoxigraph import Store

from twin.contracts import Delta
from twin.terms import Literal, Quad
from twin.vocab import XSD


def canonical(delta: Delta) -> Delta:
    """The delta with every literal spelled as the store would give it back, in the same order."""
    return Delta(_spelled(delta.removed), _spelled(delta.added))


def _spelled(quads: Iterable[Quad]) -> tuple[Quad, ...]:
    spelled = []
    for quad in quads:
        value = quad.object
        if isinstance(value, Literal) and not value.language and value.datatype != XSD.string:
            store = Store()  # two microseconds; one quad each, so that the order stays
            store.add(quad)
            quad = next(iter(store))
        spelled.append(quad)
    return tuple(dict.fromkeys(spelled))
