"""The reader processes: as many as are needed, one always ready, each fed with every change, given out in fair turns.

A query that runs longer than the grace is long.  When every reader is held by long queries and another caller waits,
one reader more is started for the short; a query that turns out to be long there as well goes back into the line, to
start again when a long one may run.  So a short query never waits for a long one to end.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.bus import Lost, Topic
from twin.contracts import Revision
from twin.errors import TwinError, Unavailable
from twin.graph.readers.handle import ReadableStore, Reader
from twin.graph.readers.queue import FairLine

_log = logging.getLogger(__name__)
_FOLLOWS = 2.0  # seconds within which an applied change is announced; a reader that misses it is replaced
_ABANDONED = 0.5  # seconds that an answer nobody wants may take to its end before its reader is killed for it
_IDLE = 60.0  # seconds after which a reader beyond the first is ended
GRACE = 0.4
"""Seconds after which a query is long, when others wait."""


class Busy(Unavailable):
    """Too many queries wait already; ``retry_after`` is in seconds."""

    code = "busy"

    def __init__(self, waiting: int, retry_after: float) -> None:
        self.retry_after = max(1, round(retry_after))
        super().__init__(
            f"Every query reader is busy, and {waiting} queries wait.",
            remedy=f"Try again in {self.retry_after} s.",
            retry_after=self.retry_after,
        )


@dataclass(eq=False, slots=True)
class Turn:
    """A reader that somebody may ask.  ``streaming`` is set by who asks when the first bytes of the answer have left;
    ``preempted`` by the pool, which then has ended the reader: ask again as ``long``."""

    reader: Reader
    began: float
    long: bool
    streaming: bool = False
    preempted: bool = False


class ReaderPool:
    """At most ``most`` readers on checkpoints in ``directory`` - one more while long queries hold them all - and at
    most ``queue`` callers waiting ``patience`` seconds for one; ``memory`` bytes each."""

    def __init__(
        self,
        store: ReadableStore,
        changes: Topic[Revision],
        directory: Path,
        *,
        most: int,
        queue: int,
        patience: float,
        memory: int,
    ) -> None:
        self._store = store
        self._changes = changes
        self._directory = directory
        self._most = max(most, 1)
        self._queue = queue
        self._patience = patience
        self._memory = memory
        self._names = itertools.count(1)
        self._readers: list[Reader] = []
        self._idle: list[Reader] = []
        self._turns: dict[Reader, Turn] = {}
        self._line: FairLine[tuple[asyncio.Future[Reader], bool]] = FairLine(self._time, patience / 3)
        self._relief: asyncio.TimerHandle | None = None
        self._foresight: asyncio.TimerHandle | None = None
        self._planned = 0  # readers that are to be started, and those that are starting
        self._starting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether a reader is given out."""
        return bool(self._turns)

    async def start(self) -> None:
        """Returns when the first reader is ready; removes what an earlier run left in the directory."""
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
        await asyncio.to_thread(self._directory.mkdir, parents=True)
        listening = asyncio.Event()
        self._pump = asyncio.create_task(self._follow(listening))
        await listening.wait()
        await self._spawn()
        if not all(reader.isolated for reader in self._readers):
            _log.info("Query readers are not cut off from the network here; SERVICE is refused by the gate alone.")

    async def acquire(self, revision: int, client: str = "", *, long: bool = False) -> Turn:
        """A turn with a reader that has the revision in its pipe, after waiting in line for it; raises `Busy` or
        `Unavailable`."""
        if self._closed or self._pump is None:
            raise Unavailable("The query service is not running.", remedy="Try again when the server has started.")
        while True:
            reader = await self._next_free(client, long)
            if reader.revision < revision:
                try:
                    async with asyncio.timeout(_FOLLOWS):
                        await reader.reached(revision)
                except TimeoutError:
                    reader.outdate()
                except BaseException:
                    self._back(reader)
                    raise
            if reader.alive and not reader.outdated:
                turn = self._turns[reader] = Turn(reader, self._time(), long)
                if not self._idle and self._foresight is None:
                    self._foresight = asyncio.get_running_loop().call_later(GRACE, self._foresee)
                return turn
            self._back(reader)

    def release(self, turn: Turn, *, kill: bool = False) -> None:
        """Takes a reader back; one that still works on an answer gets a moment to finish it, unless ``kill``."""
        self._turns.pop(turn.reader, None)
        self._back(turn.reader, kill=kill)

    async def close(self) -> None:
        """Ends every reader and removes the checkpoints; closing twice is allowed."""
        self._closed = True
        for timer in (self._relief, self._foresight):
            if timer is not None:
                timer.cancel()
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        self._fail_line(Unavailable("The server is shutting down.", remedy="Try again when it is back."))
        await asyncio.gather(*(self._end(reader) for reader in tuple(self._readers)))
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _back(self, reader: Reader, *, kill: bool = False) -> None:
        if reader.busy and reader.alive and not kill and not self._closed:
            self._background(self._drain(reader))
        elif reader.busy or reader.outdated or not reader.alive or self._closed:
            self._background(self._end(reader))
        else:
            self._idle.append(reader)
            self._serve()
            if reader in self._idle and len(self._idle) > 1:
                wait = _IDLE if len(self._readers) <= self._most else _IDLE / 20
                asyncio.get_running_loop().call_later(wait, self._retire)

    async def _next_free(self, client: str, long: bool) -> Reader:
        if self._idle and not long and not len(self._line):
            return self._idle.pop()
        if len(self._line) >= self._queue and not long:
            raise Busy(len(self._line), self._patience / 3)
        waiter: asyncio.Future[Reader] = asyncio.get_running_loop().create_future()
        self._line.add(client, (waiter, long), long=long)
        self._serve()
        if not waiter.done():
            self._grow()
            self._watch_line()
        # A timer of its own costs a fifth of `asyncio.timeout`, and nearly every query of a busy server waits.
        timer = asyncio.get_running_loop().call_later(self._patience, self._give_up, waiter)
        try:
            return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._back(waiter.result())
            self._line.discard((waiter, long))
            raise
        finally:
            timer.cancel()

    def _give_up(self, waiter: asyncio.Future[Reader]) -> None:
        if not waiter.done():
            waiter.set_exception(Busy(len(self._line) - 1, self._patience / 3))

    def _serve(self) -> None:
        """Gives idle readers to those whose turn it is."""
        while self._idle and (entry := self._line.next(long=self._long_running() < self._most)):
            waiter, _ = entry
            if not waiter.done():
                waiter.set_result(self._idle.pop())

    def _long_running(self) -> int:
        now = self._time()
        return sum(turn.long or now - turn.began > GRACE for turn in self._turns.values())

    def _watch_line(self) -> None:
        """Looks after those who wait, when the grace of those who hold the readers is over."""
        if self._relief is None and not self._closed:
            self._relief = asyncio.get_running_loop().call_later(GRACE / 4, self._relieve)

    def _relieve(self) -> None:
        self._relief = None
        if self._closed or not self._line.short:
            return
        self._watch_line()
        turns = list(self._turns.values())
        if (
            self._idle
            or self._planned
            or self._starting
            or len(turns) < len(self._readers)
            or self._long_running() < len(turns)
        ):
            self._serve()
            return  # a reader will be free in a moment
        if len(self._readers) <= self._most:
            self._add()
            return
        # The one that has run least loses least, and starts again when a long query may run.
        young = [turn for turn in turns if not turn.long and not turn.streaming and not turn.preempted]
        if young:
            victim = max(young, key=lambda turn: turn.began)
            victim.preempted = True
            victim.reader.kill()

    def _foresee(self) -> None:
        """Starts the reader for the short before anybody waits for it, when long queries hold all the others."""
        self._foresight = None
        if not self._idle and self._turns and self._long_running() == len(self._readers) <= self._most:
            self._add()

    def _fail_line(self, error: Exception) -> None:
        while entry := self._line.next(long=True):
            if not entry[0].done():
                entry[0].set_exception(error)

    def _grow(self) -> None:
        if len(self._readers) + self._planned < self._most:
            self._add()

    def _add(self) -> None:
        if not self._closed:
            self._planned += 1
            self._background(self._try_spawn())

    async def _try_spawn(self) -> None:
        self._planned -= 1  # from here on it is among the readers
        try:
            await self._spawn()
        except (TwinError, OSError) as error:
            if self._closed:
                return  # closing ends a reader that is just starting
            _log.warning("%s", error)
            if not self._readers:
                self._fail_line(error)

    async def _spawn(self) -> None:
        reader = Reader(self._directory / f"reader-{next(self._names)}", self._memory)
        self._readers.append(reader)  # from now on it is fed
        self._starting += 1
        try:
            await reader.start(self._store)
        except BaseException:
            self._readers.remove(reader)
            await reader.end()
            raise
        finally:
            self._starting -= 1
        self._background(self._watch(reader))
        self._back(reader)

    async def _watch(self, reader: Reader) -> None:
        """Replaces a reader that ends while nobody uses it."""
        await reader.wait()
        if reader in self._idle:
            _log.warning("A query reader ended by itself and is replaced.")
            await self._end(reader)

    def _retire(self) -> None:
        if len(self._idle) > 1 and not self._closed:
            self._background(self._end(self._idle[0]))

    async def _drain(self, reader: Reader) -> None:
        try:
            async with asyncio.timeout(_ABANDONED):
                await reader.drain()
        except (TimeoutError, Unavailable):
            await self._end(reader)  # it is still busy, or gone
        else:
            self._back(reader)

    async def _end(self, reader: Reader) -> None:
        if reader in self._idle:
            self._idle.remove(reader)
        await reader.end()
        if reader in self._readers:
            self._readers.remove(reader)
        if not self._readers or len(self._line):
            self._grow()

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()

    async def _follow(self, listening: asyncio.Event) -> None:
        async with self._changes.subscribe(4096) as subscription:
            listening.set()
            async for change in subscription:
                for reader in tuple(self._readers):
                    if isinstance(change, Lost):
                        reader.outdate()
                    else:
                        reader.feed(change)
                    if reader.outdated and reader in self._idle:
                        self._idle.remove(reader)
                        self._back(reader)
