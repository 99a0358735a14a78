"""The gate: each change is judged by the violations that it adds and resolves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import TYPE_CHECKING

from twin.contracts import Delta, Revision
from twin.data import data_directory
from twin.graph.canonical import canonical
from twin.graph.overlay import Overlay, QuadView
from twin.graph.shacl.asserted import Asserted
from twin.graph.shacl.gate import Difference
from twin.graph.shacl.results import violation_of
from twin.graph.shacl.validation import check
from twin.graph.validation.affected import affected, concerns_classes
from twin.graph.validation.facts import ClassFacts, Facts
from twin.graph.validation.neighbourhood import Statement, neighbourhood
from twin.graph.validation.ontology_words import violation_by_ontology
from twin.graph.validation.remedies import Remedies
from twin.graph.validation.shape_sources import OntologyShapes, UserShapes
from twin.graph.violation import Judgement, Severity, Source, Violation
from twin.terms import NamedNode, Quad, read_file
from twin.vocab import (
    bindings_graph,
    models_graph,
    shapes_graph,
    site_graph,
)

if TYPE_CHECKING:
    from twin.graph.validation.engine import Engine

__all__ = ["Gate", "Judgement", "Severity", "Violation", "our_shapes"]


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
        return Judgement(
            tuple(each for part in parts for each in part.added),
            tuple(each for part in parts for each in part.resolved),
        )

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
        found, known = shapes.judge(store, later, delta), shapes.shapes(store)
        refuses = self._ontology_refuses
        return Judgement(
            tuple(violation_by_ontology(each, known, later, refuses=refuses) for each in found.added),
            tuple(violation_by_ontology(each, known, store, refuses=refuses) for each in found.resolved),
        )

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
