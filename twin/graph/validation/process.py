"""The process that checks a whole site: N-Quads in, violations out as JSON lines.

The server's end is `twin.graph.validation.full.validate`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from twin.graph.child import Answer, serve
from twin.graph.indexed import IndexedQuads
from twin.graph.overlay import QuadView
from twin.graph.shacl.validation import check
from twin.graph.validation.engine import Engine
from twin.graph.validation.facts import Facts
from twin.graph.validation.gate import our_shapes
from twin.graph.validation.neighbourhood import neighbourhood
from twin.graph.validation.ontology_words import violation_by_ontology
from twin.graph.validation.remedies import Remedies
from twin.graph.validation.shape_sources import OntologyShapes
from twin.graph.violation import Violation
from twin.terms import NamedNode, parse_n_quads, read_file
from twin.vocab import RDF

_CHUNK = 500  # nodes at a time: more only makes the graphs of the checks bigger
_KEPT = 20  # chunks for which what was read of the graph is remembered: it is most of the room that a check takes
_VOCABULARY = "urn:twin:vocabulary:"
_OF_ONTOLOGY = 1_000


def nodes_of(view: QuadView) -> list[NamedNode]:
    """Every node that a site says something of or points at, in the order of first mention."""
    found: dict[NamedNode, None] = {}
    types = RDF.type
    graphs: dict[object, bool] = {}
    for quad in view.quads():
        graph = quad.graph_name
        of_site = graphs.get(graph)
        if of_site is None:
            of_site = graphs[graph] = isinstance(graph, NamedNode) and not graph.value.startswith(_VOCABULARY)
        if of_site:
            subject, value = quad.subject, quad.object
            if isinstance(subject, NamedNode):
                found[subject] = None
            if isinstance(value, NamedNode) and quad.predicate != types:
                found[value] = None
    return list(found)


def violations(view: QuadView, progress: Callable[[int, int], None]) -> Iterator[Violation]:
    """What every node of a site breaks of our shapes; ``progress`` hears how many nodes are done, of how many."""
    engine = Engine(our_shapes())
    nodes = nodes_of(view)
    for number, start in enumerate(range(0, len(nodes), _CHUNK)):
        if number % _KEPT == 0:
            facts = Facts(view)
            remedies = Remedies(facts)
        chunk = nodes[start : start + _CHUNK]
        for violation in engine.check(neighbourhood(facts, chunk), chunk):
            yield remedies.improve(violation)
        progress(min(start + _CHUNK, len(nodes)), len(nodes))


def work(fed: bytes, answer: Callable[[Answer], None]) -> None:
    """Checks all that was fed: by our shapes a chunk of nodes at a time, then by those of the ontology one by one."""
    ontology, refuses = sys.argv[-3], sys.argv[-2] == "1"
    view = IndexedQuads(parse_n_quads(fed))
    ahead = _OF_ONTOLOGY if ontology else 0
    ended = 0

    def tell(done: int, of: int) -> None:
        nonlocal ended
        ended = of
        answer({"progress": done, "of": of + ahead})

    for violation in violations(view, tell):
        answer(asdict(violation))
    if ontology:
        shapes, whole = OntologyShapes(partial(read_file, Path(ontology))).view(view)
        # Its shapes count for as much as some nodes do, so that how far the check is only ever grows.
        report = check(
            whole,
            shapes.shapes,
            progress=lambda done, of: answer({"progress": ended + done * ahead // of, "of": ended + ahead}),
        )
        found = (violation_by_ontology(each, shapes.shapes, whole, refuses=refuses) for each in report.results)
        for violation in {each.identity: each for each in found}.values():
            answer(asdict(violation))


if __name__ == "__main__":
    serve(work)
