"""Validating whole sites: after an import, when another site's import changed the classes they use, and when what is
known of them is not certain."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from twin.bus import Topic
from twin.contracts import Revision
from twin.errors import TwinError
from twin.flows.lifetimes import IMPORTED
from twin.graph.oxigraph import OxigraphStore
from twin.graph.past.store import standing_still
from twin.graph.validation.affected import CLASS_TREE
from twin.graph.validation.facts import CLASSES, Facts
from twin.graph.validation.gate import Gate, validate
from twin.graph.validation.violations import ViolationStore
from twin.graph.violation import Violation
from twin.jobs import Running
from twin.terms import NamedNode
from twin.vocab import RDF, site_of_graph, vocabulary_graph

logger = logging.getLogger(__name__)
_REASON = "the import of {} changed classes that it uses"


@dataclass(slots=True)
class Revalidation:
    """Validates sites in full, each as it was at one revision, and keeps what it finds; ``directory`` is for copies of
    the store."""

    store: OxigraphStore
    gate: Gate
    violations: ViolationStore
    directory: Path
    _locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _failed: dict[str, int] = field(default_factory=dict)
    _names: itertools.count[int] = field(default_factory=itertools.count)

    async def validate(self, site: str, job: Running | None = None) -> int:
        """Validates a site that was imported, as a part of a ``job``; how many violations it has.  Other sites whose
        classes it changed are marked, to be validated anew."""
        waits = self._locks[site].locked()
        async with self._locks[site]:
            if not waits or site in self.violations.due():
                await self._run(site, job, imported=True)
            return sum(self.violations.count(site, source=source) for source in ("twin", "user"))

    async def follow(self, changes: Topic[Revision]) -> None:
        """Validates the sites that are marked, now and after each change, until cancelled."""
        async with changes.subscribe(64) as subscription:
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
            await self._run(site, imported=due.reason == IMPORTED)
        except TwinError as error:  # tried again after the next change of the site, and at the next start
            logger.warning("The site %s could not be validated anew: %s", site, error)
            self._failed[site] = due.latest

    async def _run(self, site: str, job: Running | None = None, *, imported: bool) -> None:
        due = self.violations.due().get(site)
        revision, found, by_users, others = await asyncio.to_thread(self._found, site, imported, job)
        since = revision if due is None else due.since
        self.violations.mark_due(others, _REASON.format(site), revision=since)
        self.violations.replace(site, "twin", found, revision=revision, since=since)
        self.violations.replace(site, "user", by_users, revision=revision, since=since)
        self.violations.not_due(site, revision=revision)

    def _found(
        self, site: str, imported: bool, job: Running | None
    ) -> tuple[int, list[Violation], list[Violation], Collection[str]]:
        """The revision that was validated, the violations there, and the other sites that are concerned."""
        # Changes go on meanwhile; what is found is of one state all the same, and what they do is kept beside it.
        with standing_still(self.store, self.directory / str(next(self._names))) as store:
            others = _sites_concerned(store, site) if imported else ()
            progress, stop = (None, None) if job is None else (partial(job.tell, "validate"), job.stop)
            found = validate(store, site, progress=progress, stop=stop)
            return store.revision(), found, self.gate.by_users(store, site), others


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
