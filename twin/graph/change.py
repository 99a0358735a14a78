"""The one door: every change of the graph goes through here, under one writer lock.

Skolemise blank nodes, reduce to what really changes, derive what follows, validate, journal (fsynced), apply in one
update with the revision inside, announce.  An event with revision r means that any query from then on sees r.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from twin.bus import Topic
from twin.clock import Clock
from twin.contracts import Delta, GraphStore, Revision
from twin.errors import Conflict, InvalidInput, ShapeViolation
from twin.graph.canonical import canonical
from twin.graph.derivation import Derivation
from twin.graph.hierarchy import Hierarchy
from twin.graph.journal import Journal
from twin.graph.oxigraph import OxigraphStore
from twin.graph.validation import Judgement
from twin.terms import BlankNode, Literal, NamedNode, Quad
from twin.vocab import OWL, RDF, RDFS, TWIN

_CLASS_TREE = frozenset((RDFS.subClassOf, OWL.equivalentClass, TWIN.roleClass))


class Judge(Protocol):
    """Who says which violations a change would add."""

    def judge(self, store: GraphStore, delta: Delta) -> Judgement:
        """The violations the delta adds and resolves."""
        ...


class ChangeDoor:
    """Commits changes to one store and its journal, one at a time, and announces them on ``changes``."""

    def __init__(self, store: OxigraphStore, journal: Journal, clock: Clock, gate: Judge | None = None) -> None:
        self.store = store
        self.journal = journal
        self.changes: Topic[Revision] = Topic()
        self.before_announcing: list[Callable[[Revision], None]] = []
        self.judged: Callable[[Delta, Judgement], None] = lambda _delta, _judgement: None
        self._clock = clock
        self._gate = gate
        self._writer = asyncio.Lock()
        self.learn_vocabularies()

    @property
    def revision(self) -> int:
        """The revision that a read sees from now on."""
        return self.store.revision()

    def learn_vocabularies(self) -> None:
        """Reads the class tree and the roles anew, after vocabularies were loaded."""
        self.hierarchy = Hierarchy(self.store)
        self.derivation = Derivation(self.store, self.hierarchy)

    async def commit(
        self,
        delta: Delta,
        *,
        actor: str,
        reason: str,
        expected_revision: int | None = None,
        dry_run: bool = False,
        validate: bool = True,
    ) -> Revision:
        """The revision that holds the change from now on; with ``dry_run`` the one it would have had.

        A change that changes nothing gives the present revision.  Raises `Conflict` when the graph has moved past
        ``expected_revision``, `ShapeViolation` when the change would add violations; then nothing of it is applied.
        ``validate=False`` is for imports, whose violations are reported and not refused.
        """
        async with self._writer:
            self._expect(expected_revision)
            effective = self._effective(canonical(skolemised(delta)))
            if not effective:
                return replace(self._present(), delta=effective)
            return await asyncio.shield(self._through(effective, actor, reason, dry_run, validate))

    async def _through(self, delta: Delta, actor: str, reason: str, dry_run: bool, validate: bool) -> Revision:
        changed_tree = any(quad.predicate in _CLASS_TREE for quad in (*delta.added, *delta.removed))
        whole = self.derivation.extend(self.store, delta)
        judgement = None
        if validate and self._gate is not None:
            judgement = await asyncio.to_thread(self._gate.judge, self.store, whole)
            refuse(judgement)
        time = self._clock.now()
        if dry_run:
            return Revision(self.revision + 1, time, actor, reason, "", whole)
        committed = await asyncio.to_thread(self._write, time, actor, reason, whole)
        if changed_tree:
            self.learn_vocabularies()
        if judgement is not None:
            self.judged(whole, judgement)
        self._announce(committed)
        return committed

    def _announce(self, committed: Revision) -> None:
        for listener in self.before_announcing:
            listener(committed)
        self.changes.publish(committed)

    def _write(self, time: int, actor: str, reason: str, delta: Delta) -> Revision:
        committed = self.journal.append(time, actor, reason, delta)
        properties = [
            quad.subject.value
            for quad in delta.added
            if quad.predicate == RDF.type and quad.object == TWIN.Property and isinstance(quad.subject, NamedNode)
        ]
        if properties:
            self.journal.series(properties)
        self.store.apply(delta, committed.token)
        return committed

    async def publish_import(
        self,
        graphs: Sequence[NamedNode],
        load: Callable[[], tuple[str, Sequence[str]]],
        *,
        actor: str,
        reason: str,
    ) -> Revision:
        """The revision that publishes graphs filled in bulk by ``load``, which runs in a thread and returns the SHA-256
        of their fsynced artifact and the properties in them.

        The graphs must be empty or new.  No read sees them before they are whole; if ``load`` raises they are emptied.
        """
        async with self._writer:
            committed = await asyncio.shield(asyncio.to_thread(self._import, graphs, load, actor, reason))
            self.learn_vocabularies()
            self._announce(committed)
            return committed

    def _import(
        self, graphs: Sequence[NamedNode], load: Callable[[], tuple[str, Sequence[str]]], actor: str, reason: str
    ) -> Revision:
        self.journal.begin_import(reason, [graph.value for graph in graphs])
        self.store.hide(graphs)
        try:
            artifact, properties = load()
            self.journal.series(properties)
        except BaseException:
            self.store.drop(graphs)
            self.journal.forget_imports()
            raise
        committed = self.journal.append(self._clock.now(), actor, reason, Delta(), artifact)
        self.store.publish(graphs, committed.token)
        return committed

    def since(self, revision: int, limit: int = 1000) -> list[Revision]:
        """The revisions after the given one, oldest first."""
        return self.journal.since(revision, limit)

    def find(self, revision: int) -> Revision:
        """One revision; raises `twin.errors.NotFound`."""
        return self.journal.find(revision)

    def _present(self) -> Revision:
        token = self.revision
        return self.journal.find(token) if token else Revision(0, 0, "", "", "")

    def _expect(self, expected: int | None) -> None:
        present = self.revision
        if expected is None or expected == present:
            return
        if expected > present:
            raise InvalidInput(f"Revision {expected} does not exist yet; the graph is at {present}.")
        later = self.journal.since(expected, 5)
        who = "; ".join(f"{change.actor}: {change.reason} (revision {change.token})" for change in later)
        raise Conflict(
            f"The graph has moved from revision {expected} to {present}. Since then: {who}.",
            remedy="Read again, see whether your change still makes sense, and send it with the new revision.",
            revision=present,
        )

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


def skolemised(delta: Delta) -> Delta:
    """The delta with every blank node that it adds replaced by a fresh IRI (RDF 1.1, section 3.5)."""
    names: dict[BlankNode, NamedNode] = {}

    def name(node: BlankNode) -> NamedNode:
        return names.setdefault(node, NamedNode(f"urn:twin:skolem:{uuid.uuid4().hex}"))

    added = []
    for quad in delta.added:
        subject, target = quad.subject, quad.object
        if isinstance(subject, BlankNode):
            subject = name(subject)
        if isinstance(target, BlankNode):
            target = name(target)
        if not isinstance(subject, NamedNode) or not isinstance(target, NamedNode | Literal):
            raise InvalidInput("Quoted triples cannot be stored.", remedy="Say it with a node of its own.")
        added.append(Quad(subject, quad.predicate, target, quad.graph_name))
    return Delta(delta.removed, tuple(added))
