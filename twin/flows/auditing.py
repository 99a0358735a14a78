"""Brick's own shapes as a background audit: after a site changed and came to rest, in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from twin.bus import Lost, Topic
from twin.clock import Clock
from twin.contracts import Revision
from twin.errors import TwinError
from twin.graph.oxigraph import OxigraphStore
from twin.graph.validation.audit import audit, is_auditable
from twin.graph.validation.violations import Audited, ViolationStore
from twin.graph.violation import Violation
from twin.terms import NamedNode
from twin.vocab import site_graph, site_of_graph
from twin.vocabularies.brick import brick_file

logger = logging.getLogger(__name__)
REST = 5.0
"""Seconds that a site must be left alone before it is audited."""


@dataclass(frozen=True, slots=True)
class AuditState:
    """How far a vocabulary's own shapes have judged a site: ``state`` is ``running``, ``done``, ``failed`` or
    ``not-applicable``; times are nanoseconds UTC."""

    state: str
    started_at: int | None = None
    finished_at: int | None = None
    message: str = ""


@dataclass(slots=True)
class Auditing:
    """Audits the sites that hold Brick, one at a time, and keeps what it finds in the violation store."""

    store: OxigraphStore
    violations: ViolationStore
    clock: Clock
    sites: Callable[[], Sequence[str]]
    brick: str = "1.5"
    enabled: bool = True
    rest: float = REST
    _states: dict[str, AuditState] = field(default_factory=dict)

    def state(self, site: str) -> AuditState | None:
        """How far the audit of a site is; None before its first."""
        return self._states.get(site)

    async def follow(self, changes: Topic[Revision]) -> None:
        """Audits every site once, and each again after it changed, until cancelled."""
        if not self.enabled:
            return
        due = dict.fromkeys(self.sites(), self.clock.monotonic() + self.rest)
        async with changes.subscribe(4096) as subscription:
            while True:
                pause = max(0.0, min(due.values()) - self.clock.monotonic()) if due else None
                try:
                    async with asyncio.timeout(pause):
                        change = await anext(subscription)
                except TimeoutError:
                    site = min(due, key=due.__getitem__)
                    del due[site]
                    await self.run(site)
                else:
                    due |= dict.fromkeys(self._touched(change), self.clock.monotonic() + self.rest)

    def _touched(self, change: Revision | Lost) -> set[str]:
        if isinstance(change, Lost) or not change.delta:
            return set(self.sites())
        quads = (*change.delta.added, *change.delta.removed)
        found = {site_of_graph(quad.graph_name) for quad in quads if isinstance(quad.graph_name, NamedNode)}
        return {site for site in found if site is not None}

    async def run(self, site: str) -> None:
        """Audits one site now."""
        revision = self.store.revision()  # a change of the site that comes in meanwhile has it audited again
        quads = await asyncio.to_thread(lambda: list(self.store.quads(None, None, None, site_graph(site))))
        if not is_auditable(quads):
            self._states[site] = AuditState("not-applicable", message="Nothing of this site is modelled in Brick.")
            self._keep(site, [], revision)
            return
        running = self._states[site] = AuditState("running", self.clock.now())
        try:
            found = await asyncio.to_thread(audit, quads, brick_file(self.brick))
        except Exception as error:  # the audit of one site must not end those of the others
            self._states[site] = replace(running, state="failed", finished_at=self.clock.now(), message=str(error))
            logger.warning("The audit of %s failed: %s", site, error, exc_info=not isinstance(error, TwinError))
            return
        self._states[site] = replace(running, state="done", finished_at=self.clock.now())
        self._keep(site, found, revision)

    def _keep(self, site: str, found: Sequence[Violation], revision: int) -> None:
        state, now = self._states[site], self.clock.now()
        self.violations.replace(site, "brick", found, revision=revision)
        told = Audited(revision, state.state, state.started_at or now, state.finished_at or now, state.message)
        self.violations.note_audit(site, told)
