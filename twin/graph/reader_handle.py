"""The server's end of one reader process: started on a checkpoint, fed with every change, asked one query at a time."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import twin
from twin.contracts import Revision
from twin.errors import InvalidInput, Unavailable
from twin.graph import reader_wire as wire
from twin.scope import Scope
from twin.terms import NamedNode, n_quads

Aggregates = Callable[[Sequence[str], float, str], Awaitable[Mapping[str, float | None]]]
_PACKAGE = str(Path(twin.__file__).resolve().parent.parent)
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
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: list[Revision] = []
        self._fed = asyncio.Event()
        self._reading = asyncio.Lock()
        self._header: tuple[bytes, int] | None = None
        self.revision = -1
        self.outdated = False
        self.busy = False
        self.isolated = False

    async def start(self, store: ReadableStore) -> None:
        """Returns when it is ready at the store's revision; changes must be fed from before this call on."""
        revision = await asyncio.to_thread(store.checkpoint, self._directory)
        search = os.pathsep.join(part for part in (_PACKAGE, os.environ.get("PYTHONPATH", "")) if part)
        arguments = (str(self._directory), str(self._memory), str(os.getpid()))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "twin.graph.reader_process",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": search},
            process_group=0,  # an interrupt typed at the server's terminal is the server's to handle
        )
        try:
            async with asyncio.timeout(_START):
                _, ready = await self._next()  # READY: it says nothing else before it is asked
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
        return self._process is not None and self._process.returncode is None

    def feed(self, change: Revision) -> None:
        """Puts a committed change into its pipe; one that it cannot follow makes it outdated."""
        if self.revision < 0:
            self._waiting.append(change)
            return
        if change.token <= self.revision or self.outdated or not self.alive:
            return
        stream = self._stdin()
        # An import is announced without its quads, and a change that was missed cannot be made up for.
        follows = bool(change.delta) and change.token == self.revision + 1
        if not follows or stream.transport.get_write_buffer_size() > _BACKLOG:
            self.outdate()
            return
        payload = wire.change(n_quads(change.delta.removed), n_quads(change.delta.added))
        stream.write(wire.frame(wire.CHANGE, payload))
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

    async def ask(self, question: Mapping[str, Any], aggregates: Aggregates) -> AsyncGenerator[bytes | int, None]:
        """The answer's bytes as they come, and at the end how many rows they were.

        Raises `InvalidInput`, `Unavailable` or `ReaderLost`.
        """
        self.busy = True
        self._stdin().write(wire.frame(wire.QUESTION, json.dumps(question).encode()))
        while True:
            kind, payload = await self._next()
            if kind == wire.CHUNK:
                yield payload
            elif kind == wire.ASK:
                asked = json.loads(payload)
                found = await aggregates(asked["properties"], asked["seconds"], asked["aggregate"])
                self._stdin().write(wire.frame(wire.REPLY, json.dumps(dict(found)).encode()))
            elif kind == wire.END:
                self.busy = False
                yield int(json.loads(payload)["rows"])
                return
            else:
                self.busy = False
                raise _refusal(json.loads(payload), question["text"])

    async def drain(self) -> None:
        """Returns when the rest of an answer that nobody wants has been read; raises `ReaderLost`."""
        while self.busy:
            kind, _ = await self._next()
            self.busy = kind not in (wire.END, wire.FAILURE)
            if kind == wire.ASK:
                self._stdin().write(wire.frame(wire.REPLY, b"{}"))

    async def wait(self) -> None:
        """Returns when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def end(self) -> None:
        """Ends the process at once and removes its checkpoint, which is only a copy; ending it twice is allowed."""
        process = self._process
        if process is not None and process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            if process.returncode is None:
                with suppress(ProcessLookupError):  # it ended by itself
                    os.kill(process.pid, signal.SIGKILL)  # process.kill() would reap it before asyncio does
            async with self._reading:
                while await process.stdout.read(1 << 20):  # to its end, so that the pipe closes
                    pass
            await process.wait()
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    def _stdin(self) -> asyncio.StreamWriter:
        if self._process is None or self._process.stdin is None:
            raise ReaderLost("The query reader has not started.")
        return self._process.stdin

    async def _next(self) -> tuple[bytes, bytes]:
        if self._process is None or self._process.stdout is None:
            raise ReaderLost("The query reader has not started.")
        stream = self._process.stdout
        try:
            async with self._reading:
                # A caller that leaves between the two reads leaves the header for the next one.
                if self._header is None:
                    self._header = wire.HEADER.unpack(await stream.readexactly(wire.HEADER.size))
                kind, length = self._header
                payload = await stream.readexactly(length)
                self._header = None
                return kind, payload
        except asyncio.IncompleteReadError:
            raise ReaderLost(
                "The query ended the process that answered it: it needed too much memory, or nests too deeply.",
                remedy="Make it simpler or narrower, and give it a LIMIT; other queries are not affected.",
            ) from None


def _refusal(failure: Mapping[str, str], text: str) -> InvalidInput | Unavailable:
    kind, message = failure["kind"], failure["message"]
    if kind == "syntax":
        return InvalidInput(
            f"The query cannot be parsed {_place(message, text)}.",
            remedy="See what is missing or too much there, and whether every prefix is declared.",
        )
    if kind in ("rows", "bytes"):
        return InvalidInput(message, remedy="Add a LIMIT, ask for fewer variables, or export the graph instead.")
    if kind == "function":
        return InvalidInput(message, remedy="Use functions of SPARQL 1.1, xsd: casts and live: functions only.")
    return Unavailable(f"The query could not be answered: {message}", remedy="Try again, or ask it another way.")


def _place(message: str, text: str) -> str:
    """Where and near what a parser stopped, from its "error at 3:14: expected ...", or all that it said."""
    place = re.match(r"error at (\d+):(\d+): expected (.*)", message, re.DOTALL)
    if place is None:
        return f"({message[:200]})"
    line, column = int(place[1]), int(place[2])
    lines = text.splitlines()
    near = lines[line - 1][column - 1 :].strip()[:30] if line <= len(lines) else ""
    expected = f": {place[3]} is expected" if len(place[3]) <= 40 else ""
    return f"at line {line}, column {column}, {f'near {near!r}' if near else 'where it ends'}{expected}"
