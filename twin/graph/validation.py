"""Validation: the gate that judges each change by the violations it adds, and the full check of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from twin.contracts import Delta
from twin.data import data_directory
from twin.graph.affected import affected
from twin.graph.canonical import canonical
from twin.graph.child import run
from twin.graph.facts import QUANTITY_KIND, Facts
from twin.graph.neighbourhood import Statement, neighbourhood
from twin.graph.overlay import Overlay, QuadView
from twin.graph.remedies import Remedies
from twin.graph.violation import Judgement, Severity, Violation
from twin.terms import BlankNode, NamedNode, Quad, n_quads, read_file
from twin.vocab import (
    OWL,
    QUDT,
    RDF,
    RDFS,
    TWIN,
    bindings_graph,
    inferred_graph,
    models_graph,
    shapes_graph,
    site_graph,
    vocabulary_graph,
)

if TYPE_CHECKING:
    from twin.graph.validation_engine import Engine

__all__ = ["Gate", "Judgement", "Severity", "Violation", "our_shapes", "validate"]

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


def our_shapes() -> list[Quad]:
    """The product's own shapes, each file in a graph of its name."""
    files = sorted(data_directory("shapes").glob("*.ttl"))
    return [quad for file in files for quad in read_file(file, shapes_graph(file.stem))]


class Gate:
    """Judges changes against one set of shapes; safe to call from several threads, one change at a time."""

    def __init__(self, shapes: Iterable[Quad]) -> None:
        self._shapes = tuple(shapes)
        self._engine: Engine | None = None
        self._lock = Lock()

    def judge(self, store: QuadView, delta: Delta) -> Judgement:
        """The violations that the delta would add to the store and those it would resolve; it is not applied."""
        delta = canonical(delta)
        before, after = Facts(store), Facts(Overlay(store, delta))
        foci = affected(before, after, delta)
        old, new = neighbourhood(before, foci), neighbourhood(after, foci)
        if old == new:
            return Judgement()
        standing = {violation.identity: violation for violation in self.check(old, foci)}
        coming = {violation.identity: violation for violation in self.check(new, foci)}
        remedies = Remedies(after)
        return Judgement(
            added=tuple(remedies.improve(v) for identity, v in coming.items() if identity not in standing),
            resolved=tuple(v for identity, v in standing.items() if identity not in coming),
        )

    def check(self, statements: Iterable[Statement], foci: Iterable[NamedNode]) -> list[Violation]:
        """The violations by these nodes in a graph of these statements."""
        with self._lock:
            if self._engine is None:
                # Only here are rdflib and pyshacl needed: a second of start and 40 MB.
                from twin.graph.validation_engine import Engine

                self._engine = Engine(self._shapes)
            return self._engine.check(statements, foci)


def validate(
    store: QuadView,
    site: str,
    *,
    deadline: float = _DEADLINE,
    progress: Callable[[int, int], None] | None = None,
) -> list[Violation]:
    """Every violation of our shapes by a site, checked in full in a process of its own.

    ``progress`` is called with how many nodes are done and how many there are.  Raises
    `twin.errors.DeadlineExceeded` after ``deadline`` seconds; takes about 20 s for 100,000 triples.
    """

    def tell(answer: Mapping[str, Any]) -> None:
        if progress is not None:
            progress(answer["progress"], answer["of"])

    answers = run("twin.graph.validation_process", (), (n_quads(_needed(store, site)),), deadline, tell)
    return [Violation(**answer) for answer in answers if "focus" in answer]


def _needed(store: QuadView, site: str) -> Iterator[Quad]:
    for graph in (site_graph(site), bindings_graph(site), inferred_graph(site), models_graph(site)):
        yield from store.quads(None, None, None, graph)
    for name in _VOCABULARIES:
        for predicate in _OF_VOCABULARIES:
            for quad in store.quads(None, predicate, None, vocabulary_graph(name)):
                if not isinstance(quad.subject, BlankNode) and not isinstance(quad.object, BlankNode):
                    yield quad
