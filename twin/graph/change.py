"""The one door: every change of the graph goes through here, under one writer lock.

Skolemise blank nodes, put wiring in its place, reduce to what really changes, derive what follows, validate, journal
(fsynced), apply in one update with the revision inside, announce.  An event with revision r means that any query from
then on sees r.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

from twin.bus import Topic
from twin.clock import Clock
from twin.contracts import Delta, GraphStore, Revision
from twin.errors import Conflict, InvalidInput, ShapeViolation, TwinError, Unavailable
from twin.graph.bulk import derived_anew
from twin.graph.canonical import canonical
from twin.graph.conflicts import Sees, changes_about, changes_since, conflict
from twin.graph.derivation import Derivation, changed_classes, retyped
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal import Journal
from twin.graph.journal_rows import imported
from twin.graph.overlay import Overlay
from twin.graph.oxigraph import OxigraphStore
from twin.graph.retyping import Retyping, classes_of, followed_elsewhere, watched
from twin.graph.storable import check_terms, placed, skolemised
from twin.graph.touched import touched
from twin.graph.validation.gate import Judgement
from twin.jobs import Jobs, Running
from twin.terms import BlankNode, NamedNode, Quad
from twin.vocab import RDF, TWIN, site_of_any_graph, vocabulary_graph

T = TypeVar("T")
_PAUSE = 1.0  # seconds between tries to write what the disk refused
logger = logging.getLogger(__name__)


class Judge(Protocol):
    """Who says which violations a change would add."""

    def judge(self, store: GraphStore, delta: Delta) -> Judgement:
        """The violations the delta adds and resolves."""
        ...


class ChangeDoor:
    """Commits changes to one store and its journal, one at a time, and announces them on ``changes``."""

    def __init__(
        self,
        store: OxigraphStore,
        journal: Journal,
        clock: Clock,
        gate: Judge | None = None,
        mend: Callable[[], object] = lambda: None,
        jobs: Jobs | None = None,
    ) -> None:
        self.store = store
        self.journal = journal
        self.changes: Topic[Revision] = Topic()
        self.before_announcing: list[Callable[[Revision], None]] = []
        self.judged: Callable[[Revision, Judgement | None], None] = lambda _committed, _judgement: None
        self.jobs = jobs or Jobs(clock)
        self._clock = clock
        self._gate = gate
        self._writer = asyncio.Lock()
        self._behind = asyncio.Event()
        self._mend = mend
        self._working: asyncio.Task[Revision] | None = None  # held, because the event loop holds tasks weakly
        self.learn_vocabularies()

    @property
    def revision(self) -> int:
        """The revision that a read sees from now on."""
        return self.store.revision()

    def learn_vocabularies(self) -> None:
        """Reads the class tree and the roles anew, after vocabularies were loaded past the door."""
        self.hierarchy = Hierarchy(self.store)
        self.derivation = Derivation(self.store, self.hierarchy)

    async def commit(
        self,
        delta: Delta,
        *,
        actor: str,
        reason: str,
        expected_revision: int | None = None,
        about: Sequence[str] = (),
        sees: Sees = lambda _graph: True,
        dry_run: bool = False,
        validate: bool = True,
        job: Running | None = None,
    ) -> Revision:
        """The revision that holds the change from now on; with ``dry_run`` the one it would have had.

        A change that changes nothing gives the present revision.  Raises `Conflict` when one of the twins ``about``
        (none named: the graph) was changed after ``expected_revision``, saying who changed what in the graphs that
        ``sees`` lets through, and `ShapeViolation` when the change would add violations; then nothing of it is
        applied.  ``validate=False`` is for imports, whose violations are reported and not refused.  As a part of a
        ``job``, or as a job of its own when much follows from it, it can be cancelled until it is written.
        """

        async def change() -> Revision:
            self._expect(expected_revision, about, sees)
            await self._catch_up()
            with watched(self.jobs, reason, actor, job) as watch:
                effective, whole, derivation = await asyncio.to_thread(self._prepared, delta, watch)
                if not effective:
                    return replace(self._present(), delta=effective)
                judgement = None
                if validate and self._gate is not None:
                    watch.judging()
                    judgement = await asyncio.to_thread(self._gate.judge, self.store, whole)
                    refuse(judgement)
                time = self._clock.now()
                if dry_run:
                    return Revision(self.revision + 1, time, actor, reason, "", whole)
                watch.bind()
                committed = await asyncio.to_thread(self._write, time, actor, reason, whole)
            self.derivation, self.hierarchy = derivation, derivation.hierarchy
            self._announce(committed, judgement)
            return committed

        return await self._alone(change)

    async def _alone(self, work: Callable[[], Coroutine[Any, Any, Revision]]) -> Revision:
        """What the work gives, done under the writer lock - to its end, even when whoever asked leaves before that."""
        await self._writer.acquire()
        task = self._working = asyncio.create_task(work())
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, _task: asyncio.Task[Revision]) -> None:
        self._writer.release()
        if self.store.refused:
            self._behind.set()

    async def keep_up(self) -> None:
        """Brings the store up to the journal whenever the disk takes again what it refused; until it is cancelled."""
        while True:
            await self._behind.wait()
            await asyncio.sleep(_PAUSE)
            async with self._writer:
                try:
                    await self._catch_up()
                except TwinError as error:
                    logger.warning("The graph store is behind its journal: %s", error)
                else:
                    self._behind.clear()

    async def idle(self) -> None:
        """Returns when no change is being written: what closes the store waits for that."""
        async with self._writer:
            return

    async def between_changes(self, work: Callable[[], T]) -> T:
        """What the work gives, done in a thread while no change is being written."""
        async with self._writer:
            return await asyncio.to_thread(work)

    def _prepared(self, delta: Delta, watch: Retyping) -> tuple[Delta, Delta, Derivation]:
        """What really changes; the same with what follows from it; and the derivation that holds after it."""
        spelled = placed(self.store, canonical(skolemised(delta)))
        check_terms(spelled)
        effective = self._effective(spelled)
        classes = changed_classes(effective)
        if not classes:
            return effective, self.derivation.extend(self.store, effective), self.derivation
        after = Overlay(self.store, effective)
        derivation = Derivation(after, Hierarchy(after))
        whole = derivation.extend(self.store, effective, retyped(self.derivation, derivation, classes), watch.told)
        return effective, whole, derivation

    def _announce(self, committed: Revision, judgement: Judgement | None = None) -> None:
        # The change stands, whatever becomes of those who are told: nobody's failure may keep it from the others.
        self._tell(committed, lambda: self.judged(committed, judgement))
        for listener in self.before_announcing:
            self._tell(committed, partial(listener, committed))
        self.changes.publish(committed)

    @staticmethod
    def _tell(committed: Revision, telling: Callable[[], None]) -> None:
        try:
            telling()
        except TwinError as error:
            logger.warning(
                "Revision %d stands, but a part of the server could not follow it: %s", committed.token, error
            )
        except Exception:
            logger.exception("Revision %d stands, but a part of the server could not follow it.", committed.token)

    def _write(self, time: int, actor: str, reason: str, delta: Delta) -> Revision:
        # The series first: a property that the journal knows always has its number.
        self.journal.series(
            quad.subject.value
            for quad in delta.added
            if quad.predicate == RDF.type and quad.object == TWIN.Property and isinstance(quad.subject, NamedNode)
        )
        committed = self.journal.append(time, actor, reason, delta, touched=touched(self.store, delta))
        self.store.apply(delta, committed.token)
        return committed

    def derive_anew(self, sites: Iterable[str], reason: str) -> None:
        """Brings the derived triples of the sites to the vocabularies as they are now, in one change if any differ.

        For a store that nobody else uses yet; raises what a change raises.
        """
        delta = derived_anew(self.store, sites, self.derivation)
        if delta:
            self._write(self._clock.now(), "twin", reason, delta)

    async def publish_import(
        self,
        graphs: Sequence[NamedNode],
        load: Callable[[], str],
        *,
        actor: str,
        reason: str,
        job: Running | None = None,
    ) -> Revision:
        """The revision that publishes graphs filled in bulk by ``load``, which runs in a thread, gives the
        properties their series, and returns what the journal is to remember of their fsynced artifacts.

        The graphs must be a site's own and empty (`Conflict` otherwise): no read sees them before they are whole, and
        what a load that fails or is cut off leaves in them is thrown away.  As a part of a ``job`` it can be cancelled
        until it is published.
        """

        async def publish() -> Revision:
            await self._catch_up()
            before = self.derivation
            committed = await asyncio.to_thread(self._import, graphs, load, actor, reason, job)
            followed = None
            if any(True for graph in graphs if is_vocabulary(graph) for _ in self.store.quads(None, None, None, graph)):
                self.learn_vocabularies()
                followed = await asyncio.to_thread(self._follow_elsewhere, before, graphs, reason)
            self._announce(committed)
            if followed is not None:
                self._announce(followed)
            return committed

        return await self._alone(publish)

    def _follow_elsewhere(self, before: Derivation, graphs: Sequence[NamedNode], reason: str) -> Revision | None:
        """The revision that brings other sites up to the class tree that an import changed; None when nothing follows.

        It is written under the same lock, before the import is announced.
        """
        classes = retyped(before, self.derivation, classes_of(self.store, graphs))
        what = f"what follows from the {reason}"
        with watched(self.jobs, what, "twin") as watch:
            watch.bind()  # the import stands, and what follows from it has to
            delta = followed_elsewhere(self.store, self.derivation, classes, graphs, watch.told)
            return self._write(self._clock.now(), "twin", what, delta) if delta else None

    def _import(
        self, graphs: Sequence[NamedNode], load: Callable[[], str], actor: str, reason: str, job: Running | None
    ) -> Revision:
        self._expect_empty(graphs)
        self.journal.begin_import(reason, [graph.value for graph in graphs])
        self.store.hide(graphs)
        try:
            artifact = load()
            if job is not None:
                job.bind()
            committed = self.journal.append(self._clock.now(), actor, reason, Delta(), artifact)
        except BaseException:
            try:
                self.store.drop(graphs)
                self.journal.forget_imports()
            except TwinError as error:  # left to the next start, or to the time when the disk has room
                logger.warning("What is left of an import stays for now, unseen: %s", error)
            raise
        self.store.publish(graphs, committed.token)
        return committed

    def _expect_empty(self, graphs: Iterable[NamedNode]) -> None:
        taken = [graph.value for graph in graphs if any(True for _ in self.store.quads(None, None, None, graph))]
        if taken:
            raise Conflict(
                f"There is something in {', '.join(taken)} already.",
                remedy="Import again: it is added to what is there.",
            )

    async def _catch_up(self) -> None:
        """Returns when the store holds what the journal holds, also after it could not take a change; announces what
        it lacked.  Raises `Unavailable` as long as it cannot: going on would pass over that for ever."""
        standing = self.revision
        if standing == self.journal.revision() and not self.store.refused:
            return
        await asyncio.to_thread(self._mend)
        if self.revision != self.journal.revision():
            raise Unavailable(
                f"The graph store stands at revision {self.revision}, its journal at {self.journal.revision()}: "
                "nothing can be changed.",
                remedy="See that the disk has room and start the server again: it brings the store up to the journal.",
            )
        self.learn_vocabularies()
        for missed in self.journal.since(standing):
            self._announce(missed)

    def since(self, revision: int, limit: int = 1000) -> list[Revision]:
        """The revisions after the given one, oldest first."""
        return self.journal.since(revision, limit)

    def find(self, revision: int) -> Revision:
        """One revision; raises `twin.errors.NotFound`."""
        return self.journal.find(revision)

    def _present(self) -> Revision:
        token = self.revision
        return self.journal.head(token) if token else Revision(0, 0, "", "", "")

    def revision_of(self, twin: str, upto: int | None = None) -> int:
        """The revision that last changed a twin, its properties or their bindings - up to one, if given; 0 when none
        did."""
        return self.journal.last_about(self._nodes(twin), upto)

    def _nodes(self, twin: str) -> list[str]:
        graphs = (quad.graph_name for quad in self.store.quads(NamedNode(twin), None, None, None))
        sites = {site_of_any_graph(graph) for graph in graphs if isinstance(graph, NamedNode)}
        return [twin, *(imported(site) for site in sites if site is not None)]

    def _expect(self, expected: int | None, about: Sequence[str], sees: Sees) -> None:
        present = self.revision
        if expected is None or expected == present:
            return
        if expected > present:
            raise InvalidInput(f"Revision {expected} does not exist yet; the graph is at {present}.")
        if not about:
            raise conflict(expected, present, changes_since(self.journal, expected), sees=sees)
        changed = [twin for twin in about if self.revision_of(twin) > expected]
        if changed:
            nodes = [node for twin in changed for node in self._nodes(twin)]
            later = changes_about(self.journal, nodes, expected)
            present = max(self.revision_of(twin) for twin in changed)
            raise conflict(expected, present, later, twins=changed, sees=sees)

    def _effective(self, delta: Delta) -> Delta:
        added = dict.fromkeys(delta.added)
        removed = [quad for quad in dict.fromkeys(delta.removed) if quad not in added and self._has(quad)]
        return Delta(tuple(removed), tuple(quad for quad in added if not self._has(quad)))

    def _has(self, quad: Quad) -> bool:
        graph = quad.graph_name
        if not isinstance(graph, NamedNode) or isinstance(quad.subject, BlankNode):
            raise InvalidInput(
                "A change names a quad outside every named graph, or removes a blank node.",
                remedy="Put triples into a site's graph; name the node (it was given an IRI when it was stored).",
            )
        return any(True for _ in self.store.quads(quad.subject, quad.predicate, quad.object, graph))  # type: ignore[arg-type]  # quoted triples never get here


def is_vocabulary(graph: NamedNode) -> bool:
    """Whether this is the graph of a vocabulary."""
    return graph.value.startswith(vocabulary_graph("").value)


def refuse(judgement: Judgement) -> None:
    """Returns when the judged change may stand; raises `ShapeViolation` with the report in words otherwise."""
    added = [violation for violation in judgement.added if violation.severity == "violation"]
    if not added:
        return
    first = added[0]
    more = f" (and {len(added) - 1} more)" if len(added) > 1 else ""
    raise ShapeViolation(
        f"The change would break a rule: {first.focus}: {first.rule}{more}. Nothing was applied.",
        remedy=first.remedy,
        violations=[violation.as_mapping() for violation in added],
    )
