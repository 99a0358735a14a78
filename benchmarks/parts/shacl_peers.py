"""Full validation by other engines: our shapes on the statements that decide whether they hold, of a whole site."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from twin.graph.overlay import QuadView
from twin.graph.validation.facts import Facts
from twin.graph.validation.gate import our_shapes
from twin.graph.validation.neighbourhood import neighbourhood
from twin.terms import Literal, NamedNode, Quad, n_quads
from twin.vocab import RDFS, SH, site_graph


def full_validation(store: QuadView, folder: Path) -> dict[str, float]:
    """The seconds that each engine takes for the whole site ``tower``."""
    import pyshacl
    import shifty
    from rdflib import Graph

    nodes = {quad.subject for quad in store.quads(None, None, None, site_graph("tower"))}
    statements = neighbourhood(Facts(store), (node for node in nodes if isinstance(node, NamedNode)))
    data = n_quads(Quad(*statement) for statement in statements)
    shapes = folder / "shapes.nt"
    shapes.write_bytes(n_quads(_spelled_out()))
    graph, of_shapes = Graph().parse(data=data, format="nt"), Graph().parse(shapes, format="nt")
    began = time.perf_counter()
    pyshacl.validate(graph, shacl_graph=of_shapes)
    by_pyshacl = time.perf_counter() - began
    began = time.perf_counter()
    shifty.validate_algebra(data, shapes)
    return {"pyshacl": by_pyshacl, "pyshifty": time.perf_counter() - began}


def _spelled_out() -> Iterator[Quad]:
    """Our shapes, the prefixes written into each query: pyshifty does not look for them where ``sh:prefixes`` says."""
    ours = our_shapes()
    declared = {
        predicate: {quad.subject: quad.object.value for quad in ours if quad.predicate == predicate}
        for predicate in (SH.prefix, SH.namespace)
    }
    prefixes = f"PREFIX rdfs: <{RDFS}>\n" + "".join(
        f"PREFIX {name}: <{declared[SH.namespace][node]}>\n" for node, name in declared[SH.prefix].items()
    )
    for quad in ours:
        value = quad.object
        if quad.predicate == SH.select:
            value = Literal(prefixes + value.value)
        yield Quad(quad.subject, quad.predicate, value)
