"""Taking snapshots as the graph changes, and dropping what no revision that is kept needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from twin.bus import Topic
from twin.clock import NANOSECONDS, Clock
from twin.contracts import Revision
from twin.errors import TwinError
from twin.graph.journal import Journal
from twin.graph.past.snapshots import Snapshots
from twin.settings import RevisionSettings

_log = logging.getLogger(__name__)
_HOUR = 3600 * NANOSECONDS


class Snapshotting:
    """Takes a snapshot every so many revisions or hours, as ``settings`` say, and trims the journal behind one;
    ``forget`` is told the oldest revision that is kept since then."""

    def __init__(
        self,
        snapshots: Snapshots,
        journal: Journal,
        clock: Clock,
        settings: RevisionSettings,
        forget: Callable[[int], object] = lambda _oldest: None,
        pause: float = 60.0,
    ) -> None:
        self._snapshots = snapshots
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._forget = forget
        self._pause = pause

    async def follow(self, changes: Topic[Revision]) -> None:
        """Goes on until it is cancelled; a disk that refuses a snapshot is logged and tried again."""
        async with changes.subscribe(1) as subscription:  # only that something changed matters
            while True:
                try:
                    await asyncio.to_thread(self.tend)
                except TwinError as error:
                    _log.warning("%s", error)
                try:
                    async with asyncio.timeout(self._pause):  # hours pass without a change as well
                        await anext(subscription)
                except TimeoutError:
                    pass

    def tend(self) -> None:
        """Takes a snapshot when one is due, and trims what is older than is kept."""
        if self._is_due():
            self._snapshots.take()
        self._trim()

    def _is_due(self) -> bool:
        newest, taken = self._journal.revision(), self._snapshots.newest()
        if newest == taken:
            return False
        every = self._settings.snapshot_every
        if every and newest - taken >= every:
            return True
        since = self._journal.time_of(taken + 1)  # what is not in a snapshot waits since then
        return self._clock.now() - since >= self._settings.snapshot_hours * _HOUR

    def _trim(self) -> None:
        keep = self._settings.keep
        if not keep:
            return
        # Behind a snapshot only, so that the oldest state kept stands on its own.
        behind = [each for each in self._snapshots.revisions if each <= self._journal.revision() - keep]
        if behind and (dropped := self._journal.trim(behind[-1])):
            _log.info("The quads of %d changes up to revision %d are no longer kept.", dropped, behind[-1])
            self._forget(self._journal.oldest)
