"""The reader processes: as many as are needed, one always ready, each fed with every change, given out in turn."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from twin.bus import Lost, Topic
from twin.contracts import Revision
from twin.errors import TwinError, Unavailable
from twin.graph.reader_handle import ReadableStore, Reader

_log = logging.getLogger(__name__)
_FOLLOWS = 2.0  # seconds within which an applied change is announced; a reader that misses it is replaced
_ABANDONED = 0.5  # seconds that an answer nobody wants may take to its end before its reader is killed for it
_IDLE = 60.0  # seconds after which a reader beyond the first is ended


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


class ReaderPool:
    """At most ``most`` readers on checkpoints in ``directory``, and at most ``queue`` callers waiting ``patience``
    seconds for one; ``memory`` bytes each."""

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
        self._most = most
        self._queue = queue
        self._patience = patience
        self._memory = memory
        self._names = itertools.count(1)
        self._readers: list[Reader] = []
        self._idle: list[Reader] = []
        self._waiters: deque[asyncio.Future[Reader]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._closed = False

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

    async def acquire(self, revision: int) -> Reader:
        """A reader that has the revision in its pipe, after waiting in line for it; raises `Busy` or `Unavailable`."""
        if self._closed or self._pump is None:
            raise Unavailable("The query service is not running.", remedy="Try again when the server has started.")
        while True:
            reader = await self._next_free()
            try:
                async with asyncio.timeout(_FOLLOWS):
                    await reader.reached(revision)
            except TimeoutError:
                reader.outdate()
            except BaseException:
                self.release(reader)
                raise
            if reader.alive and not reader.outdated:
                return reader
            self.release(reader)

    def release(self, reader: Reader, *, kill: bool = False) -> None:
        """Takes a reader back; one that still works on an answer gets a moment to finish it, unless ``kill``."""
        if reader.busy and reader.alive and not kill and not self._closed:
            self._background(self._drain(reader))
        elif reader.busy or reader.outdated or not reader.alive or self._closed:
            self._background(self._end(reader))
        elif waiter := self._first_waiter():
            waiter.set_result(reader)
        else:
            self._idle.append(reader)
            if len(self._idle) > 1:
                asyncio.get_running_loop().call_later(_IDLE, self._retire)

    async def close(self) -> None:
        """Ends every reader and removes the checkpoints; closing twice is allowed."""
        self._closed = True
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        self._fail_waiters(Unavailable("The server is shutting down.", remedy="Try again when it is back."))
        await asyncio.gather(*(self._end(reader) for reader in tuple(self._readers)))
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    async def _next_free(self) -> Reader:
        if self._idle:
            return self._idle.pop()
        if len(self._waiters) >= self._queue:
            raise Busy(len(self._waiters), self._patience / 3)
        waiter: asyncio.Future[Reader] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._grow()
        try:
            async with asyncio.timeout(self._patience):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.release(waiter.result())
            with suppress(ValueError):  # it was taken out of the line already
                self._waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                raise Busy(len(self._waiters), self._patience / 3) from None
            raise

    def _first_waiter(self) -> asyncio.Future[Reader] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _fail_waiters(self, error: Exception) -> None:
        while waiter := self._first_waiter():
            waiter.set_exception(error)

    def _grow(self) -> None:
        if not self._closed and len(self._readers) < self._most:
            self._background(self._try_spawn())

    async def _try_spawn(self) -> None:
        try:
            await self._spawn()
        except (TwinError, OSError) as error:
            if self._closed:
                return  # closing ends a reader that is just starting
            _log.warning("%s", error)
            if not self._readers:
                self._fail_waiters(error)

    async def _spawn(self) -> None:
        reader = Reader(self._directory / f"reader-{next(self._names)}", self._memory)
        self._readers.append(reader)  # from now on it is fed
        try:
            await reader.start(self._store)
        except BaseException:
            self._readers.remove(reader)
            await reader.end()
            raise
        self._background(self._watch(reader))
        self.release(reader)

    async def _watch(self, reader: Reader) -> None:
        """Replaces a reader that ends while nobody uses it."""
        await reader.wait()
        if reader in self._idle:
            _log.warning("A query reader ended by itself and is replaced.")
            await self._end(reader)

    def _retire(self) -> None:
        if len(self._idle) > 1:
            self._background(self._end(self._idle[0]))

    async def _drain(self, reader: Reader) -> None:
        try:
            async with asyncio.timeout(_ABANDONED):
                await reader.drain()
        except (TimeoutError, Unavailable):
            await self._end(reader)  # it is still busy, or gone
        else:
            self.release(reader)

    async def _end(self, reader: Reader) -> None:
        if reader in self._idle:
            self._idle.remove(reader)
        await reader.end()
        if reader in self._readers:
            self._readers.remove(reader)
        if not self._readers or self._waiters:
            self._grow()

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
                        self.release(reader)
