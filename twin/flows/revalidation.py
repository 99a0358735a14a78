"""Validating whole sites by every rule there is: after an import, when another site's import changed the classes they
use, when what is known of them is not certain or is of other rules, and when somebody asks."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from twin.bus import Topic
from twin.clock import Clock
from twin.contracts import Revision
from twin.errors import NotFound, TwinError
from twin.flows.lifetimes import IMPORTED
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.store import standing_still
from twin.graph.validation.affected import CLASS_TREE
from twin.graph.validation.facts import CLASSES, Facts
from twin.graph.validation.full import is_spoken, validate
from twin.graph.validation.gate import Gate
from twin.graph.validation.violations import Audited, ViolationStore
from twin.graph.violation import Source, Violation
from twin.jobs import Job, Jobs, Running
from twin.terms import NamedNode
from twin.vocab import RDF, site_of_graph, vocabulary_graph

logger = logging.getLogger(__name__)
_REASON = "the import of {} changed classes that it uses"
_OTHER_RULES = "it was not validated by the rules that are installed now"
_LISTED = 100  # groups and nodes in the result of a job
_STEP = "validate"


@dataclass(frozen=True, slots=True)
class AuditState:
    """How far all rules have judged all of a site: ``state`` is ``running``, ``done``, ``failed`` or
    ``not-applicable`` (Brick's own shapes have nothing to say of it); times are nanoseconds UTC."""

    state: str
    started_at: int | None = None
    finished_at: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What sites are validated by beside our shapes and the users': the file of an ``ontology`` with shapes of its own,
    and whether they refuse a change.  ``stamp`` changes when any rule does."""

    ontology: Path | None = None
    refuses: bool = False
    stamp: str = ""

    @staticmethod
    def of(files: Sequence[Path], ontology: Path | None, refuses: bool) -> Rules:
        """The rules in these files of ours, and in the file of an ontology."""
        told = hashlib.sha256(f"{ontology} {refuses}".encode())
        for file in files:
            told.update(file.read_bytes())
        return Rules(ontology, refuses, told.hexdigest())


@dataclass(frozen=True, slots=True)
class _Found:
    """What a full check found: of which revision, by source, and the other sites that are concerned."""

    revision: int
    by_source: dict[Source, list[Violation]]
    others: Collection[str]
    is_spoken: bool


@dataclass(slots=True)
class Revalidation:
    """Validates sites in full, each as it was at one revision, and keeps what it finds; ``directory`` is for copies of
    the store.  What is kept follows every change from then on."""

    store: OxigraphStore
    gate: Gate
    violations: ViolationStore
    directory: Path
    clock: Clock
    jobs: Jobs
    sites: Callable[[], Sequence[str]]
    rules: Rules = field(default_factory=Rules)
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _failed: dict[str, int] = field(default_factory=dict)
    _states: dict[str, AuditState] = field(default_factory=dict)
    _names: itertools.count[int] = field(default_factory=itertools.count)

    def state(self, site: str) -> AuditState | None:
        """How far the newest validation of a site is; None before its first."""
        told = self._states.get(site)
        if told is not None:
            return told
        ended = self.violations.audited(site)
        return None if ended is None else AuditState(ended.state, ended.started_at, ended.finished_at, ended.message)

    def start(self, site: str, actor: str) -> Job:
        """The job that validates a site by every rule; the one that does so already, if there is one.

        Raises `NotFound` for a site that is not there.
        """
        known = self.sites()
        if site not in known:
            raise NotFound(f"There is no site {site[:80]!r}.", remedy=f"There are: {', '.join(known) or 'none'}.")
        for job in self.jobs.listed(site=site, kind="validation", state="running"):
            if not job.cancelling:
                return job
        return self.jobs.start(
            "validation", f"validation of {site}", partial(self._asked, site), site=site, actor=actor
        )

    async def _asked(self, site: str, job: Running) -> None:
        async with self._locks[site]:
            await self._run(site, job, imported=False)

    async def validate(self, site: str, job: Running) -> int:
        """Validates a site that was imported, as a part of a ``job``; how many violations it has.  Other sites whose
        classes it changed are marked, to be validated anew."""
        waits = self._locks[site].locked()
        async with self._locks[site]:
            if not waits or site in self.violations.due():
                await self._run(site, job, imported=True)
            return self.violations.count(site)

    async def follow(self, changes: Topic[Revision], *, every_site: bool = True) -> None:
        """Validates the sites that are marked, now and after each change, until cancelled; before that it marks
        ``every_site`` that the rules of now have not judged."""
        async with changes.subscribe(64) as subscription:
            if every_site:
                strange = [site for site in self.sites() if self.violations.rules_of(site) != self.rules.stamp]
                self.violations.mark_due(strange, _OTHER_RULES, revision=self.store.revision())
            while True:
                while waiting := self._waiting():  # validating one may have marked others
                    for site in waiting:
                        async with self._locks[site]:
                            await self._mend(site)
                await anext(subscription)

    def _waiting(self) -> list[str]:
        """The sites that are due, without those whose check failed since they were."""
        return [site for site, due in self.violations.due().items() if self._failed.get(site) != due.latest]

    async def _mend(self, site: str) -> None:
        due = self.violations.due().get(site)
        if due is None or self._failed.get(site) == due.latest:
            return
        try:
            with self.jobs.run("validation", f"validation of {site}: {due.reason}", site=site) as job:
                await self._run(site, job, imported=due.reason == IMPORTED)
        except TwinError as error:  # tried again after the next change of the site, and at the next start
            logger.warning("The site %s could not be validated anew: %s", site, error)
            self._failed[site] = due.latest

    async def _run(self, site: str, job: Running, *, imported: bool) -> None:
        began = self.clock.now()
        self._states[site] = AuditState("running", began)
        try:
            await self._validated(site, job, began, imported)
        except BaseException as error:
            self._states[site] = AuditState("failed", began, self.clock.now(), str(error))
            raise
        self._states.pop(site, None)

    async def _validated(self, site: str, job: Running, began: int, imported: bool) -> None:
        due = self.violations.due().get(site)
        found = await asyncio.to_thread(self._found, site, imported, job)
        revision, since = found.revision, found.revision if due is None else due.since
        self.violations.mark_due(found.others, _REASON.format(site), revision=since)
        for source, violations in found.by_source.items():
            self.violations.replace(site, source, violations, revision=revision, since=since)
        state, message = self._applies(found.is_spoken)
        self.violations.note_audit(site, Audited(revision, state, began, self.clock.now(), message))
        self.violations.note_rules(site, self.rules.stamp)
        self.violations.not_due(site, revision=revision)
        groups, nodes = self.violations.groups(site), self.violations.nodes(site, limit=_LISTED)
        total = sum(each.count for each in groups)
        job.came_to(
            f"Validated {site} at revision {revision}: {total} violations of {len(groups)} rules.",
            violations=total,
            revision=revision,
            shapes=[asdict(each) for each in groups[:_LISTED]],
            twins=[{"twin": each.focus, "count": each.count} for each in nodes],
        )

    def _applies(self, is_spoken: bool) -> tuple[str, str]:
        if self.rules.ontology is None:
            return "not-applicable", "Brick's own shapes are off."
        return ("done", "") if is_spoken else ("not-applicable", "Nothing of this site is modelled in Brick.")

    def _found(self, site: str, imported: bool, job: Running) -> _Found:
        # Changes go on meanwhile; what is found is of one state all the same, and what they do is kept beside it.
        with standing_still(self.store, self.directory / str(next(self._names))) as store:
            others = _sites_concerned(store, site) if imported else ()
            rules = self.rules
            found = validate(
                store,
                site,
                ontology=rules.ontology,
                refuses=rules.refuses,
                progress=partial(job.tell, _STEP),
                stop=job.stop,
            )
            job.stop.check()
            by_source: dict[Source, list[Violation]] = {
                "twin": [each for each in found if each.source == "twin"],
                "brick": [each for each in found if each.source == "brick"],
                "user": self.gate.by_users(store, site),
            }
            return _Found(store.revision(), by_source, others, is_spoken(store, site))


def _sites_concerned(store: OxigraphStore, site: str) -> Collection[str]:
    """The other sites with instances of a class that this one's own vocabulary says something of, or below it."""
    quads = store.quads
    graph = vocabulary_graph(site)
    classes = {quad.subject for predicate in CLASS_TREE for quad in quads(None, predicate, None, graph)}
    classes |= {quad.subject for kind in CLASSES for quad in quads(None, RDF.type, kind, graph)}
    facts, found = Facts(store), set[str]()
    for cls in {below for each in classes if isinstance(each, NamedNode) for below in facts.below(each)}:
        for quad in quads(None, RDF.type, cls, None):
            of = site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None
            if of is not None and of != site:
                found.add(of)
    return found
