"""Taking a site out: everything that was said of it, so that importing it again gives the same site."""

from __future__ import annotations

from collections.abc import Iterator

from twin.graph.overlay import QuadView
from twin.scope import Scope
from twin.terms import NamedNode, Quad
from twin.vocab import RDF, RDFS, bindings_graph, models_graph, site_graph, vocabulary_graph

_DTDL = vocabulary_graph("dtdl")


def exported(view: QuadView, site: str, scope: Scope) -> Iterator[Quad]:
    """The quads of a site: its assets, bindings (for those who may see them) and models, the classes that came with
    it, and those of the DTDL interfaces it uses.  What is derived is left out: it follows again."""
    for graph in (site_graph(site), bindings_graph(site), models_graph(site), vocabulary_graph(site)):
        if scope.sees_graph(graph):
            yield from view.quads(None, None, None, graph)
    yield from _interfaces(view, site)


def _interfaces(view: QuadView, site: str) -> Iterator[Quad]:
    used: dict[NamedNode, None] = {}
    for quad in view.quads(None, None, None, site_graph(site)):
        term = quad.object if quad.predicate == RDF.type else quad.predicate
        if isinstance(term, NamedNode) and term.value.startswith("dtmi:"):
            used[term] = None
    ahead = list(used)
    while ahead:
        for quad in view.quads(ahead.pop(), None, None, _DTDL):
            yield quad
            above = quad.object
            if quad.predicate == RDFS.subClassOf and isinstance(above, NamedNode) and above not in used:
                used[above] = None
                ahead.append(above)
