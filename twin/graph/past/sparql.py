"""SPARQL over the past: for each revision asked for lately a service of its own, on the store pinned there."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from twin.clock import Clock
from twin.graph.past.pinned import Past, Pasts


class PastService(Protocol):
    """What answers queries over one store."""

    @property
    def busy(self) -> bool:
        """Whether a query runs."""
        ...

    async def start(self) -> None:
        """Returns when it is ready."""
        ...

    async def close(self) -> None:
        """Ends it and what it runs."""
        ...


@dataclass(slots=True)
class _Held:
    service: PastService
    used: float
    callers: int = 0
    ready: asyncio.Lock = field(default_factory=asyncio.Lock)
    started: bool = False


class PastServices:
    """Services for revisions of the past: at most ``most`` at a time, ended ``idle`` seconds after their last use.

    ``make`` makes one on a past, with a directory of its own.  ``directory`` belongs to these services alone.
    """

    def __init__(
        self,
        pasts: Pasts,
        make: Callable[[Past, Path], Awaitable[PastService]],
        directory: Path,
        clock: Clock,
        *,
        most: int,
        idle: float,
    ) -> None:
        self._pasts = pasts
        self._make = make
        self._directory = directory
        self._clock = clock
        self._most, self._idle = max(1, most), idle
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._making = asyncio.Lock()
        self._names = itertools.count(1)  # one that ends still clears its directory away
        self._timer: asyncio.TimerHandle | None = None
        self._ending: set[asyncio.Task[None]] = set()
        shutil.rmtree(directory, ignore_errors=True)

    async def at(self, revision: int) -> PastService:
        """The service of a revision, ready; call `done` when its answer has begun."""
        past = await self._pasts.pin(revision)  # keeps the store from being let go of while queries come
        async with self._making:
            held = self._held.get(revision)
            if held is None:
                service = await self._make(past, self._directory / str(next(self._names)))
                held = self._held[revision] = _Held(service, self._clock.monotonic())
            held.callers += 1
            held.used = self._clock.monotonic()
            self._held.move_to_end(revision)
        try:
            async with held.ready:
                if not held.started:
                    await held.service.start()
                    held.started = True
        except BaseException:
            held.callers -= 1
            self._end(revision)
            raise
        self._tidy()
        return held.service

    def done(self, revision: int) -> None:
        """Tells that who asked for the service of a revision has its answer, or none."""
        if revision in self._held:
            self._held[revision].callers -= 1

    def _tidy(self) -> None:
        now = self._clock.monotonic()
        free = [each for each, held in self._held.items() if not held.callers and not held.service.busy]
        excess = len(self._held) - self._most
        for place, revision in enumerate(free):
            if place < excess or now - self._held[revision].used >= self._idle:
                self._end(revision)
        if self._held and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._idle / 2, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._tidy()

    def _end(self, revision: int) -> None:
        held = self._held.pop(revision, None)
        if held is not None:
            task = asyncio.create_task(held.service.close())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Ends every service; closing twice is allowed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for revision in tuple(self._held):
            self._end(revision)
        for task in tuple(self._ending):
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
