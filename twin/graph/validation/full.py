"""The full check of a site: everything that it breaks, found in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from twin.graph.child import run
from twin.graph.overlay import QuadView
from twin.graph.validation.facts import CLASSES, QUANTITY_KIND, VOCABULARY
from twin.graph.validation.ontology_words import speaks
from twin.graph.violation import Violation
from twin.jobs import Stop
from twin.terms import BlankNode, NamedNode, Quad, n_quads
from twin.vocab import (
    OWL,
    QUDT,
    RDF,
    RDFS,
    TWIN,
    bindings_graph,
    inferred_graph,
    models_graph,
    site_graph,
    site_of_graph,
    vocabulary_graph,
)

__all__ = ["is_spoken", "validate"]

_DEADLINE = 600.0
_OF_VOCABULARIES = (
    RDF.type,
    RDFS.subClassOf,
    OWL.equivalentClass,
    *QUANTITY_KIND,
    QUDT.hasUnit,
    TWIN.roleClass,
    TWIN.word,
    TWIN.role,
    TWIN.appliesTo,
    TWIN.input,
)
"""What the shapes need of the vocabularies."""
_VOCABULARIES = ("core", "units", "brick", "saref", "crosswalk", "dtdl")


def validate(
    store: QuadView,
    site: str,
    *,
    ontology: Path | None = None,
    refuses: bool = False,
    deadline: float = _DEADLINE,
    progress: Callable[[int, int], None] | None = None,
    stop: Stop | None = None,
) -> list[Violation]:
    """Every violation by a site of our shapes and of those in the file of an ``ontology``, checked in full in a process
    of its own; ``refuses`` says what the ontology's do to a change (`twin.graph.validation.ontology_words`).

    ``progress`` is called with how much is done and how much there is; `by_shape` and `by_twin` of
    `twin.graph.validation.violation_groups` put the answer in order.  Raises `twin.errors.DeadlineExceeded` after
    ``deadline`` seconds and `twin.graph.child.Cancelled` when ``stop`` is asked for; for 100,000
    triples about 5 s, and 15 s with Brick.
    """

    def tell(answer: Mapping[str, Any]) -> None:
        if progress is not None:
            progress(answer["progress"], answer["of"])

    asked = "" if ontology is None or not is_spoken(store, site) else str(ontology)
    feed = (n_quads(_needed(store, site)),)
    answers = run("twin.graph.validation.process", (asked, str(int(refuses))), feed, deadline, tell, stop)
    found = (Violation(**answer) for answer in answers if "focus" in answer)
    own = {site_graph(site), bindings_graph(site), models_graph(site), inferred_graph(site)}
    return [violation for violation in found if violation.source != "brick" or _is_of(store, violation, own)]


def _is_of(store: QuadView, violation: Violation, graphs: Collection[NamedNode]) -> bool:
    return any(quad.graph_name in graphs for quad in store.quads(NamedNode(violation.focus), None, None, None))


def is_spoken(store: QuadView, site: str) -> bool:
    """Whether a site says anything in the words of the ontology; of anything else its shapes say nothing."""
    return any(speaks(quad.predicate, quad.object) for quad in store.quads(None, None, None, site_graph(site)))


def _needed(store: QuadView, site: str) -> Iterator[Quad]:
    elsewhere: dict[NamedNode, None] = {}
    for graph in (site_graph(site), bindings_graph(site), inferred_graph(site), models_graph(site)):
        for quad in store.quads(None, None, None, graph):
            yield quad
            if isinstance(quad.object, NamedNode) and quad.predicate != RDF.type:
                elsewhere[quad.object] = None
    for node in elsewhere:  # what another site says that it is
        for quad in store.quads(node, RDF.type, None, None):
            of = site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None
            if of is not None and of != site:
                yield quad
    for graph in _vocabularies(store):
        for predicate in _OF_VOCABULARIES:
            for quad in store.quads(None, predicate, None, graph):
                if not isinstance(quad.subject, BlankNode) and not isinstance(quad.object, BlankNode):
                    yield quad


def _vocabularies(store: QuadView) -> list[NamedNode]:
    """The graphs of the vocabularies that come with the installation, and of those that the sites brought."""
    found = dict.fromkeys(vocabulary_graph(name) for name in _VOCABULARIES)
    classes = (quad for kind in CLASSES for quad in store.quads(None, RDF.type, kind, None))
    for quad in (*classes, *store.quads(None, RDFS.subClassOf, None, None)):
        if isinstance(quad.graph_name, NamedNode) and quad.graph_name.value.startswith(VOCABULARY):
            found[quad.graph_name] = None
    return list(found)
