"""The violations that stood at a revision of the past: from their lifetimes, or - from before those were kept - by
validating the graph as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from weakref import WeakKeyDictionary

from twin.graph.past.pinned import Past
from twin.graph.validation.full import validate
from twin.graph.validation.gate import Gate, our_shapes
from twin.graph.validation.violations import ViolationList, ViolationStore
from twin.scope import Scope

__all__ = ["PastViolations"]


class PastViolations:
    """Gives the list of a past.  What had to be validated is remembered as long as that past is held."""

    def __init__(self, violations: ViolationStore) -> None:
        self._violations = violations
        self._validated: WeakKeyDictionary[Past, asyncio.Task[ViolationStore]] = WeakKeyDictionary()

    async def at(self, past: Past) -> ViolationList:
        """The violations that stood at its revision.

        At once where lifetimes reach; else 5 s for 100,000 triples, once, and without what audits found.
        """
        if past.revision >= self._violations.known_from:
            return self._violations.as_of(past.revision)
        task = self._validated.get(past)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._validated[past] = asyncio.create_task(_validated(past))
        return await asyncio.shield(task)


async def _validated(past: Past) -> ViolationStore:
    sites = (await past.twins()).sites(Scope())
    found = ViolationStore(Path(":memory:"))
    for site in sites:
        found.replace(site, "twin", await asyncio.to_thread(validate, past.store, site))
        by_users = await asyncio.to_thread(Gate(our_shapes()).by_users, past.store, site)
        found.replace(site, "user", by_users)
    return found
