"""The server's end of one reader process: started on a checkpoint, fed with every change, asked one thing at a time."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, Protocol

import twin
from twin.contracts import Revision
from twin.errors import Unavailable
from twin.graph.readers import wire
from twin.graph.readers.channel import Channel, opened
from twin.graph.readers.shifts import NICE, STAND_BACK
from twin.scope import Scope
from twin.terms import NamedNode, n_quads

_PACKAGE = str(Path(twin.__file__).resolve().parent.parent)
# From its first step on: loading itself is the most that many a reader does.
_STANDING_BACK = (_nice, "-n", str(NICE)) if (_nice := shutil.which("nice")) else ()
_START = 30.0  # seconds a process may take to be ready
_BACKLOG = 32 * 1024 * 1024  # bytes of changes that may wait in the pipe of a busy reader


class ReadableStore(Protocol):
    """What readers need of the graph store."""

    def graphs(self, scope: Scope | None = None) -> list[NamedNode]:
        """The named graphs inside the scope."""
        ...

    def revision(self) -> int:
        """The last revision applied."""
        ...

    def checkpoint(self, directory: Path) -> int:
        """Writes an independent copy to a new directory; returns its revision."""
        ...


class ReaderLost(Unavailable):
    """The reader process ended in the middle of a query."""


class Reader:
    """One process.  ``revision`` is that of the last change in its pipe; ``outdated`` says that it should be replaced,
    ``busy`` that its pipe holds a question, or the rest of an answer, ``isolated`` that it cannot reach the network.
    """

    def __init__(self, directory: Path, memory: int) -> None:
        self._directory = directory
        self._memory = memory
        self._channel: Channel | None = None
        self._waiting: list[Revision] = []
        self._fed = asyncio.Event()
        self.revision = -1
        self.outdated = False
        self.busy = False
        self.isolated = False
        self.datasets: dict[Any, int] = {}
        """What it was told of the graphs of a scope, by the number that says it again."""

    async def start(self, store: ReadableStore) -> None:
        """Returns when it is ready at the store's revision; changes must be fed from before this call on."""
        revision = await asyncio.to_thread(store.checkpoint, self._directory)
        search = os.pathsep.join(part for part in (_PACKAGE, os.environ.get("PYTHONPATH", "")) if part)
        arguments = (str(self._directory), str(self._memory), str(os.getpid()))
        self._channel = await opened(
            (*_STANDING_BACK, sys.executable, "-m", "twin.graph.readers.process", *arguments),
            # One arena: memory that a query gave back is the system's again, and not one thread's.
            {"PYTHONPATH": search, "MALLOC_ARENA_MAX": "1"},
        )
        try:
            async with asyncio.timeout(_START):
                _, ready = await self.next()  # READY: it says nothing else before it is asked
        except (TimeoutError, ReaderLost) as error:
            raise Unavailable(
                "A query reader did not start.", remedy="See whether the disk or the memory is full."
            ) from error
        self.isolated = bool(json.loads(ready)["isolated"])
        self.revision = revision
        waiting, self._waiting = self._waiting, []
        for change in waiting:
            self.feed(change)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._channel is not None and not self._channel.lost and not self._channel.exited.done()

    def feed(self, change: Revision) -> None:
        """Puts a committed change into its pipe; one that it cannot follow makes it outdated."""
        if self.revision < 0:
            self._waiting.append(change)
            return
        if change.token <= self.revision or self.outdated or not self.alive:
            return
        # An import is announced without its quads, and a change that was missed cannot be made up for.
        follows = bool(change.delta) and change.token == self.revision + 1
        if not follows or self._open().backlog > _BACKLOG:
            self.outdate()
            return
        payload = wire.change(n_quads(change.delta.removed), n_quads(change.delta.added))
        self._open().write(wire.CHANGE, payload)
        self.revision = change.token
        self._fed.set()

    def outdate(self) -> None:
        """Marks it as one that cannot follow the graph any more; whoever waits for it to do so need wait no longer."""
        self.outdated = True
        self._fed.set()

    async def reached(self, revision: int) -> None:
        """Returns when a question asked now is answered at this revision or a later one, or the reader is outdated."""
        while self.revision < revision and not self.outdated:
            self._fed.clear()
            await self._fed.wait()

    def ask(self, kind: bytes, question: bytes) -> None:
        """Puts a question into its pipe, after the changes that are there; the answer comes by `next`."""
        self.busy = True
        self._open().write(kind, question)

    def reply(self, answer: bytes) -> None:
        """Tells it what it asked for in the middle of an answer."""
        self._open().write(wire.REPLY, answer)

    async def next(self) -> tuple[bytes, bytes]:
        """The next frame it sends; one of `twin.graph.readers.wire.LAST` sets it free.  Raises `ReaderLost`."""
        channel = self._open()
        while (frame := self.take()) is None:
            if channel.lost:
                raise ReaderLost(
                    "The query ended the process that answered it: it needed too much memory, or nests too deeply.",
                    remedy="Make it simpler or narrower, and give it a LIMIT; other queries are not affected.",
                )
            await channel.arrival()
        return frame

    def take(self) -> tuple[bytes, bytes] | None:
        """The next frame if it has arrived."""
        frame = self._channel.take() if self._channel is not None else None
        if frame is not None and frame[0] in wire.LAST:
            self.busy = False
        return frame

    async def drain(self) -> None:
        """Returns when the rest of an answer that nobody wants has been read; raises `ReaderLost`."""
        while self.busy:
            kind, _ = await self.next()
            if kind == wire.ASK:
                self.reply(b"{}")

    async def wait(self) -> None:
        """Returns when the process has ended."""
        if self._channel is not None:
            await asyncio.shield(self._channel.exited)

    def stand_back(self) -> None:
        """Lets everybody else go before what it works on, further each time; what it works on next is not affected."""
        if self.alive:
            self._open().send_signal(STAND_BACK)

    def kill(self) -> None:
        """Ends the process at once; `end` does the rest."""
        if self._channel is not None:
            self._channel.send_signal(signal.SIGKILL)
            self._channel.lose()  # it may take its time to be gone, when others go first

    async def end(self) -> None:
        """Ends the process at once and removes its checkpoint, which is only a copy; ending it twice is allowed."""
        self.kill()
        await self.wait()
        if self._channel is not None:
            self._channel.close()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _open(self) -> Channel:
        if self._channel is None:
            raise ReaderLost("The query reader has not started.")
        return self._channel
