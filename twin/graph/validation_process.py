"""The process that checks a whole site: N-Quads in, violations out as JSON lines.

The server's end is `twin.graph.validation.validate`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from twin.graph.child import Answer, serve
from twin.graph.facts import Facts
from twin.graph.memory import MemoryStore
from twin.graph.neighbourhood import neighbourhood
from twin.graph.remedies import Remedies
from twin.graph.validation import Gate, our_shapes
from twin.terms import NamedNode, parse_n_quads
from twin.vocab import RDF

_CHUNK = 500  # nodes at a time: more only makes the graphs of the checks bigger
_VOCABULARY = "urn:twin:vocabulary:"


def nodes_of(store: MemoryStore) -> list[NamedNode]:
    """Every node that a site says something of or points at, in the order of first mention."""
    found: dict[NamedNode, None] = {}
    for quad in store.quads():
        if isinstance(quad.graph_name, NamedNode) and not quad.graph_name.value.startswith(_VOCABULARY):
            if isinstance(quad.subject, NamedNode):
                found[quad.subject] = None
            if isinstance(quad.object, NamedNode) and quad.predicate != RDF.type:
                found[quad.object] = None
    return list(found)


def work(fed: bytes, answer: Callable[[Answer], None]) -> None:
    """Checks all that was fed, a chunk of nodes at a time."""
    store = MemoryStore(parse_n_quads(fed))
    gate = Gate(our_shapes())
    nodes = nodes_of(store)
    for start in range(0, len(nodes), _CHUNK):
        chunk = nodes[start : start + _CHUNK]
        facts = Facts(store)
        remedies = Remedies(facts)
        for violation in gate.check(neighbourhood(facts, chunk), chunk):
            answer(asdict(remedies.improve(violation)))
        answer({"progress": min(start + _CHUNK, len(nodes)), "of": len(nodes)})


if __name__ == "__main__":
    serve(work)
