"""The server's end of one reader process: started on a checkpoint, fed with every change, asked one thing at a time."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, cast

import twin
from twin.contracts import Revision
from twin.errors import Unavailable
from twin.graph.readers import wire
from twin.scope import Scope
from twin.terms import NamedNode, n_quads

_PACKAGE = str(Path(twin.__file__).resolve().parent.parent)
_START = 30.0  # seconds a process may take to be ready
_BACKLOG = 32 * 1024 * 1024  # bytes of changes that may wait in the pipe of a busy reader
_AHEAD = 512 * 1024  # bytes of an answer that wait for the client here; beyond, the reader itself waits


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


class _Pipes(asyncio.SubprocessProtocol):
    """What arrives from a process, as frames; it is read no further than ``_AHEAD`` bytes beyond what was taken."""

    def __init__(self) -> None:
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._frames = wire.Frames()
        self._ready: deque[tuple[bytes, bytes]] = deque()
        self._ahead = 0
        self._output: asyncio.ReadTransport | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        process = cast(asyncio.SubprocessTransport, transport)
        self._output = cast(asyncio.ReadTransport, process.get_pipe_transport(1))

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        for frame in self._frames.feed(cast(bytes, data)):
            self._ready.append(frame)
            self._ahead += len(frame[1])
        if self._ahead > _AHEAD and not self._paused and self._output is not None:
            self._paused = True
            self._output.pause_reading()
        self._wake()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self.lost = True
            self._wake()

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)

    def take(self) -> tuple[bytes, bytes] | None:
        """The next frame if there is one."""
        if not self._ready:
            return None
        frame = self._ready.popleft()
        self._ahead -= len(frame[1])
        if self._paused and self._ahead < _AHEAD // 2 and self._output is not None:
            self._paused = False
            self._output.resume_reading()
        return frame

    async def arrival(self) -> None:
        """Returns when something has happened."""
        if self._ready or self.lost:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and (self._ready or self.lost):
            self._waiter.set_result(None)


class Reader:
    """One process.  ``revision`` is that of the last change in its pipe; ``outdated`` says that it should be replaced,
    ``busy`` that its pipe holds a question, or the rest of an answer, ``isolated`` that it cannot reach the network.
    """

    def __init__(self, directory: Path, memory: int) -> None:
        self._directory = directory
        self._memory = memory
        self._process: asyncio.SubprocessTransport | None = None
        self._pipes: _Pipes | None = None
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
        self._process, self._pipes = await asyncio.get_running_loop().subprocess_exec(
            _Pipes,
            sys.executable,
            "-m",
            "twin.graph.readers.process",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # One arena: memory that a query gave back is the system's again, and not one thread's.
            env={**os.environ, "PYTHONPATH": search, "MALLOC_ARENA_MAX": "1"},
            start_new_session=True,  # an interrupt typed at the server's terminal is the server's to handle
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
        return self._pipes is not None and not self._pipes.lost and not self._pipes.exited.done()

    def feed(self, change: Revision) -> None:
        """Puts a committed change into its pipe; one that it cannot follow makes it outdated."""
        if self.revision < 0:
            self._waiting.append(change)
            return
        if change.token <= self.revision or self.outdated or not self.alive:
            return
        # An import is announced without its quads, and a change that was missed cannot be made up for.
        follows = bool(change.delta) and change.token == self.revision + 1
        if not follows or self._input().get_write_buffer_size() > _BACKLOG:
            self.outdate()
            return
        payload = wire.change(n_quads(change.delta.removed), n_quads(change.delta.added))
        self._input().write(wire.frame(wire.CHANGE, payload))
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
        self._input().write(wire.frame(kind, question))

    def reply(self, answer: bytes) -> None:
        """Tells it what it asked for in the middle of an answer."""
        self._input().write(wire.frame(wire.REPLY, answer))

    async def next(self) -> tuple[bytes, bytes]:
        """The next frame it sends; one of `twin.graph.readers.wire.LAST` sets it free.  Raises `ReaderLost`."""
        pipes = self._pipes
        if pipes is None:
            raise ReaderLost("The query reader has not started.")
        while (frame := self.take()) is None:
            if pipes.lost:
                raise ReaderLost(
                    "The query ended the process that answered it: it needed too much memory, or nests too deeply.",
                    remedy="Make it simpler or narrower, and give it a LIMIT; other queries are not affected.",
                )
            await pipes.arrival()
        return frame

    def take(self) -> tuple[bytes, bytes] | None:
        """The next frame if it has arrived."""
        frame = self._pipes.take() if self._pipes is not None else None
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
        if self._pipes is not None:
            await asyncio.shield(self._pipes.exited)

    def kill(self) -> None:
        """Ends the process at once; `end` does the rest."""
        if self._process is not None and self._pipes is not None and not self._pipes.exited.done():
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(self._process.get_pid(), signal.SIGKILL)  # the transport's own kill would reap it first

    async def end(self) -> None:
        """Ends the process at once and removes its checkpoint, which is only a copy; ending it twice is allowed."""
        self.kill()
        await self.wait()
        if self._process is not None:
            self._process.close()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _input(self) -> asyncio.WriteTransport:
        if self._process is None:
            raise ReaderLost("The query reader has not started.")
        return cast(asyncio.WriteTransport, self._process.get_pipe_transport(0))
