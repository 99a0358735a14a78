"""Validation: the gate that judges each change by the violations it adds, and the full check of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from twin.contracts import Delta, Revision
from twin.data import data_directory
from twin.graph.canonical import canonical
from twin.graph.child import Stop, run
from twin.graph.overlay import Overlay, QuadView
from twin.graph.shacl.asserted import Asserted
from twin.graph.shacl.gate import Difference
from twin.graph.shacl.results import violation_of
from twin.graph.shacl.validation import check
from twin.graph.validation.affected import affected, concerns_classes
from twin.graph.validation.facts import CLASSES, QUANTITY_KIND, VOCABULARY, ClassFacts, Facts
from twin.graph.validation.neighbourhood import Statement, neighbourhood
from twin.graph.validation.remedies import Remedies
from twin.graph.validation.shape_sources import OntologyShapes, UserShapes
from twin.graph.violation import Judgement, Severity, Source, Violation
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
    from twin.graph.validation.engine import Engine

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
    """Judges changes against our shapes, the users' and those of an ontology; safe to call from several threads.

    ``ontology`` reads the file whose own shapes are judged by too (None: none).  What they find refuses a change when
    ``ontology_refuses``, and is a warning otherwise.
    """

    def __init__(
        self,
        shapes: Iterable[Quad],
        *,
        ontology: Callable[[], Iterable[Quad]] | None = None,
        ontology_refuses: bool = False,
    ) -> None:
        self._shapes = tuple(shapes)
        self._engine: Engine | None = None
        self._lock = Lock()
        self._store: QuadView | None = None
        self._classes = ClassFacts()
        self._ontology_refuses = ontology_refuses
        graphs = {quad.graph_name for quad in self._shapes}
        self.users = UserShapes(graph for graph in graphs if isinstance(graph, NamedNode))
        self._ontology = OntologyShapes(ontology) if ontology is not None else None

    def judge(self, store: QuadView, delta: Delta) -> Judgement:
        """The violations that the delta would add to the store and those it would resolve; it is not applied.

        Raises `twin.errors.InvalidInput` when a user's shape that refers to itself would have no end.
        """
        delta = canonical(delta)
        later = Overlay(store, delta)
        found = self._by_ours(store, later, delta)
        parts = [found, _judgement(self.users.judge(store, later, delta), "user")]
        if self._ontology is not None:
            parts.append(self._by_ontology(self._ontology, store, later, delta))
        return _together(parts)

    def prepare(self, store: QuadView) -> None:
        """Gets ready what the first change would otherwise wait for."""
        self.users.standing(store)
        self.check((), ())
        if self._ontology is not None:
            self._ontology.prepare(store)

    def by_users(self, store: QuadView, site: str) -> list[Violation]:
        """Every violation of the users' shapes by a site's nodes, as the store stands."""
        shapes = self.users.standing(store)
        if not shapes:
            return []
        results = check(Asserted(store), shapes.shapes).results
        found = {each.identity: each for each in (violation_of(result, "user") for result in results)}
        graphs = {site_graph(site), bindings_graph(site), models_graph(site)}
        return [
            violation
            for violation in found.values()
            if any(quad.graph_name in graphs for quad in store.quads(NamedNode(violation.focus), None, None, None))
        ]

    def follow(self, committed: Revision) -> None:
        """Takes notice of a change that was made past the gate, as by an import."""
        delta = committed.delta
        if not delta or concerns_classes(delta, self._is_class):
            with self._lock:
                self._store = None
            self.users.forget_classes()
            if self._ontology is not None:
                self._ontology.forget_classes()
        if not delta or self.users.touched((*delta.removed, *delta.added)):
            self.users.forget()

    def _is_class(self, node: NamedNode) -> bool:
        store = self._store
        return store is None or self._classes.is_class(node, store)

    def _by_ours(self, store: QuadView, later: QuadView, delta: Delta) -> Judgement:
        before, after = self._facts(store, later, delta)
        # What holds for a node is decided by its own neighbourhood: where that stays, nothing is checked.
        old: set[Statement] = set()
        new: set[Statement] = set()
        foci: list[NamedNode] = []
        for focus in affected(before, after, delta):
            was, will_be = neighbourhood(before, (focus,)), neighbourhood(after, (focus,))
            if was != will_be:
                foci.append(focus)
                old |= was
                new |= will_be
        if not foci:
            return Judgement()
        standing = {violation.identity: violation for violation in self.check(old, foci)}
        coming = {violation.identity: violation for violation in self.check(new, foci)}
        remedies = Remedies(after)
        return Judgement(
            added=tuple(remedies.improve(v) for identity, v in coming.items() if identity not in standing),
            resolved=tuple(v for identity, v in standing.items() if identity not in coming),
        )

    def _facts(self, store: QuadView, later: QuadView, delta: Delta) -> tuple[Facts, Facts]:
        """The facts of both states; those of classes are kept from change to change."""
        with self._lock:
            if self._store is not store:
                self._store, self._classes = store, ClassFacts()
            classes = self._classes
            if not concerns_classes(delta, lambda node: classes.is_class(node, store, later)):
                before = Facts(store, classes)
                return before, Facts(later, classes, before=before, delta=delta)
            self._classes = ClassFacts()  # whether the change will be committed is not known here
            before = Facts(store, classes)
            return before, Facts(later, before=before, delta=delta)

    def _by_ontology(self, shapes: OntologyShapes, store: QuadView, later: QuadView, delta: Delta) -> Judgement:
        found = _judgement(shapes.judge(store, later, delta), "brick")
        return found if self._ontology_refuses else Judgement(_lenient(found.added), _lenient(found.resolved))

    def check(self, statements: Iterable[Statement], foci: Iterable[NamedNode]) -> list[Violation]:
        """The violations by these nodes in a graph of these statements."""
        with self._lock:
            if self._engine is None:
                # Only here are the shapes read, and rdflib with them: half a second of start.
                from twin.graph.validation.engine import Engine

                self._engine = Engine(self._shapes)
            return self._engine.check(statements, foci)


def _judgement(difference: Difference, source: Source) -> Judgement:
    return Judgement(
        tuple(violation_of(result, source) for result in difference.added),
        tuple(violation_of(result, source) for result in difference.resolved),
    )


def _lenient(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    return tuple(replace(v, severity="warning") if v.severity == "violation" else v for v in violations)


def _together(parts: Iterable[Judgement]) -> Judgement:
    """The judgements as one: a fact that one source tells is not told again by the next."""
    added: list[Violation] = []
    resolved: list[Violation] = []
    told: set[tuple[str, ...]] = set()
    for part in parts:
        added.extend(violation for violation in part.added if _fact(violation) not in told)
        resolved.extend(part.resolved)
        told.update(map(_fact, part.added))
    return Judgement(tuple(added), tuple(resolved))


def _fact(violation: Violation) -> tuple[str, ...]:
    return (violation.focus, violation.path, violation.component, violation.value)


def validate(
    store: QuadView,
    site: str,
    *,
    deadline: float = _DEADLINE,
    progress: Callable[[int, int], None] | None = None,
    stop: Stop | None = None,
) -> list[Violation]:
    """Every violation of our shapes by a site, checked in full in a process of its own.

    ``progress`` is called with how many nodes are done and how many there are; `by_shape` and `by_twin` of
    `twin.graph.validation.violation_groups` put the answer in order.  Raises `twin.errors.DeadlineExceeded` after
    ``deadline`` seconds and `twin.graph.child.Cancelled` when ``stop`` is asked for; about 5 s for 100,000 triples.
    """

    def tell(answer: Mapping[str, Any]) -> None:
        if progress is not None:
            progress(answer["progress"], answer["of"])

    answers = run("twin.graph.validation.process", (), (n_quads(_needed(store, site)),), deadline, tell, stop)
    return [Violation(**answer) for answer in answers if "focus" in answer]


def _needed(store: QuadView, site: str) -> Iterator[Quad]:
    for graph in (site_graph(site), bindings_graph(site), inferred_graph(site), models_graph(site)):
        yield from store.quads(None, None, None, graph)
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
