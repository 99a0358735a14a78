"""Full validation by other engines: our shapes on the statements that decide whether they hold, of a whole site."""

from __future__ import annotations

import time
from pathlib import Path

from twin.graph.facts import Facts
from twin.graph.neighbourhood import neighbourhood
from twin.graph.overlay import QuadView
from twin.graph.validation import our_shapes
from twin.terms import NamedNode, Quad, n_quads
from twin.vocab import site_graph


def full_validation(store: QuadView, folder: Path) -> dict[str, float]:
    """The seconds that each engine takes for the whole site ``tower``."""
    import pyshacl
    import shifty
    from rdflib import Graph

    nodes = {quad.subject for quad in store.quads(None, None, None, site_graph("tower"))}
    statements = neighbourhood(Facts(store), (node for node in nodes if isinstance(node, NamedNode)))
    data = n_quads(Quad(*statement) for statement in statements)
    shapes = folder / "shapes.nt"
    shapes.write_bytes(n_quads(Quad(quad.subject, quad.predicate, quad.object) for quad in our_shapes()))
    graph, of_shapes = Graph().parse(data=data, format="nt"), Graph().parse(shapes, format="nt")
    began = time.perf_counter()
    pyshacl.validate(graph, shacl_graph=of_shapes)
    by_pyshacl = time.perf_counter() - began
    began = time.perf_counter()
    shifty.validate_algebra(data, shapes)
    return {"pyshacl": by_pyshacl, "pyshifty": time.perf_counter() - began}
