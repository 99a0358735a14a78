"""Validating whole sites: after an import, and again when another site's import changed the classes they use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass

from twin.bus import Topic
from twin.contracts import Revision
from twin.errors import TwinError
from twin.graph.oxigraph import OxigraphStore
from twin.graph.validation.affected import CLASS_TREE
from twin.graph.validation.facts import CLASSES, Facts
from twin.graph.validation.gate import Gate, validate
from twin.graph.validation.violations import ViolationStore
from twin.terms import NamedNode
from twin.vocab import RDF, site_of_graph, vocabulary_graph

logger = logging.getLogger(__name__)
_REASON = "the import of {} changed classes that it uses"


@dataclass(slots=True)
class Revalidation:
    """Validates sites in full and keeps what it finds."""

    store: OxigraphStore
    gate: Gate
    violations: ViolationStore

    async def validate(self, site: str) -> int:
        """Validates a site that was imported; how many violations it has.  Other sites whose classes it changed are
        marked, to be validated anew."""
        others = await asyncio.to_thread(self._sites_concerned, site)
        self.violations.mark_due(others, _REASON.format(site))
        return await self._run(site)

    async def follow(self, changes: Topic[Revision]) -> None:
        """Validates the sites that are marked, now and after each change, until cancelled."""
        async with changes.subscribe(64) as subscription:
            while True:
                for site in self.violations.due():
                    try:
                        await self._run(site)
                    except TwinError as error:
                        logger.warning("The site %s could not be validated anew: %s", site, error)
                        self.violations.not_due(site)
                await anext(subscription)

    async def _run(self, site: str) -> int:
        found = await asyncio.to_thread(validate, self.store, site)
        by_users = await asyncio.to_thread(self.gate.by_users, self.store, site)
        self.violations.replace(site, "twin", found)
        self.violations.replace(site, "user", by_users)
        self.violations.not_due(site)
        return len(found) + len(by_users)

    def _sites_concerned(self, site: str) -> Collection[str]:
        """The other sites with instances of a class that this one's own vocabulary says something of, or below it."""
        quads = self.store.quads
        graph = vocabulary_graph(site)
        classes = {quad.subject for predicate in CLASS_TREE for quad in quads(None, predicate, None, graph)}
        classes |= {quad.subject for kind in CLASSES for quad in quads(None, RDF.type, kind, graph)}
        facts, found = Facts(self.store), set[str]()
        for cls in {below for each in classes if isinstance(each, NamedNode) for below in facts.below(each)}:
            for quad in quads(None, RDF.type, cls, None):
                of = site_of_graph(quad.graph_name) if isinstance(quad.graph_name, NamedNode) else None
                if of is not None and of != site:
                    found.add(of)
        return found
