"""Store and forward: what the history does not take now waits on disk, and reaches it in order when it works again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from twin.bus import Topic
from twin.clock import Clock
from twin.errors import InvalidInput, TwinError
from twin.observation import ObservationBatch
from twin.telemetry.spool import Depth, Spool

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between attempts to empty the spool: the first, and the bound they double up to."""
AT_ONCE = 50_000
"""Observations that go from the spool to the history in one commit."""


class Appends(Protocol):
    """What takes batches; see `twin.contracts.History`."""

    async def append(self, batch: ObservationBatch) -> None: ...


@dataclass(frozen=True, slots=True)
class SpoolEvent:
    """A turn in the life of the spool: ``spooling`` since the history failed for the ``reason``, ``full`` (devices are
    held back), or ``drained`` (all is in the history).  ``time`` is nanoseconds UTC."""

    time: int
    state: Literal["spooling", "full", "drained"]
    reason: str
    depth: Depth


class SpooledHistory:
    """Takes batches for the history, by way of a spool while the history takes none.

    While anything waits in the spool, everything goes through it, so that the history sees all in order.  ``events``
    tells of every turn.  `recover` it at the start, `close` it at the end.
    """

    def __init__(self, history: Appends, spool: Spool, clock: Clock, *, first_pause: float = FIRST_PAUSE) -> None:
        self.events: Topic[SpoolEvent] = Topic()
        self.refused = 0
        """Batches that could never be stored, found when the spool was emptied."""
        self.reason = ""
        """Why observations are spooled now; empty when they are not."""
        self._history = history
        self._spool = spool
        self._clock = clock
        self._first_pause = first_pause
        self._state: Literal["spooling", "full", "drained"] = "drained"
        self._waiting: list[tuple[ObservationBatch, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        """Whether observations go through the spool now."""
        return self._state != "drained"

    @property
    def depth(self) -> Depth:
        """How much waits in the spool."""
        return self._spool.depth

    async def recover(self, show: Callable[[ObservationBatch], None]) -> None:
        """Empties the spool of an earlier run into the history, as far as the history takes it; each batch is shown
        first, for it was shown then.  What is left is emptied in the background."""
        depth = await asyncio.to_thread(self._spool.open)
        if not depth.batches:
            return
        logger.warning("%d observations wait in the spool since an earlier run.", depth.observations)
        self._turn("spooling", "An earlier run left them.")
        await asyncio.to_thread(self._show_all, show)
        try:
            while await self._forward():
                pass
        except TwinError as error:
            self.reason = str(error)
            self._start_draining()
        else:
            self._turn("drained")

    async def append(self, batch: ObservationBatch) -> None:
        """Returns when the batch is in the history or on the spool's disk.

        Raises `Unavailable` when neither takes it, and `InvalidInput` for one that can never be stored.
        """
        if self._state == "drained":
            try:
                await self._history.append(batch)
                return
            except InvalidInput:
                raise
            except Exception as error:
                if not isinstance(error, TwinError):
                    logger.exception("The history failed in a way that it should not.")
                reason = str(error)
            if self._state == "drained":
                self._turn("spooling", reason)
        try:
            await self._spooled(batch)
        finally:
            self._start_draining()  # also when the spool took nothing: the history may be back before there is room

    async def close(self) -> None:
        """Stops; what waits in the spool waits for the next start."""
        task, self._draining = self._draining, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._writing is not None:
            await asyncio.gather(self._writing, return_exceptions=True)

    async def _spooled(self, batch: ObservationBatch) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(done)

    async def _write(self) -> None:
        """Writes what waits, all that came meanwhile with one fsync."""
        while self._waiting:
            taken, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(self._spool.append, [batch for batch, _ in taken])
            except Exception as error:
                if self._state != "full":
                    self._turn("full", str(error))
                for _, done in taken:
                    if not done.done():
                        done.set_exception(error)
                        done.exception()  # read, for a caller that left
            else:
                if self._state == "full":
                    self._turn("spooling", self.reason)
                for _, done in taken:
                    if not done.done():
                        done.set_result(None)

    def _start_draining(self) -> None:
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        pause = self._first_pause
        while True:
            try:
                if not await self._forward():
                    writing = self._writing is not None and not self._writing.done()
                    if self._waiting or writing or self._spool.depth.batches:
                        await asyncio.sleep(0)
                        continue
                    self._turn("drained")
                    return
                pause = self._first_pause
            except Exception as error:  # it is tried for ever; why it fails is told in the metrics and the event
                if not isinstance(error, TwinError):
                    logger.exception("The spool could not be emptied.")
                self.reason = str(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _forward(self) -> bool:
        """Takes the oldest from the spool to the history; false when nothing waits."""
        found = await asyncio.to_thread(self._spool.first, AT_ONCE)
        if found is None:
            return False
        position, batches = found
        try:
            await self._history.append(ObservationBatch.joined(batches))
        except InvalidInput:
            for batch in batches:  # one of them spoils all: each on its own
                await self._one(batch)
        await asyncio.to_thread(self._spool.taken, position, batches)
        return True

    async def _one(self, batch: ObservationBatch) -> None:
        try:
            await self._history.append(batch)
        except InvalidInput as error:
            self.refused += 1
            logger.error("%d observations in the spool can never be stored: %s", len(batch), error)

    def _show_all(self, show: Callable[[ObservationBatch], None]) -> None:
        for batch in self._spool.waiting():
            show(batch)

    def _turn(self, state: Literal["spooling", "full", "drained"], reason: str = "") -> None:
        if state == self._state:
            return
        self._state, self.reason = state, reason
        depth = self._spool.depth
        if state == "drained":
            logger.warning("The history works again; nothing waits in the spool.")
        else:
            logger.warning("Observations are spooled to disk (%s): %s", state, reason)
        self.events.publish(SpoolEvent(self._clock.now(), state, reason, depth))
