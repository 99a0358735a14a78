"""The server's end of a child process that speaks in frames: started, written to, heard, and seen to end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import cast

from twin.graph.readers import wire

_AHEAD = 512 * 1024  # bytes of what it said that wait here; beyond, the child itself waits
_ROOM = 1 << 20  # bytes that wait on the way, so that a page of rows is written without waiting


class Channel(asyncio.Protocol):
    """What a child says, frame by frame, and what it is told; ``lost`` when nothing more will come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.exited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._process = process
        self._frames = wire.Frames()
        self._ready: deque[tuple[bytes, bytes]] = deque()
        self._ahead = 0
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            self._ready.append(frame)
            self._ahead += len(frame[1])
        if self._ahead > _AHEAD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose()

    def write(self, kind: bytes, payload: bytes) -> None:
        """Tells the child a frame, after those before it."""
        if self._transport is not None:
            self._transport.write(wire.frame(kind, payload))

    @property
    def backlog(self) -> int:
        """Bytes that the child has not taken yet, beyond those on the way."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def take(self) -> tuple[bytes, bytes] | None:
        """The next frame if there is one."""
        if not self._ready:
            return None
        frame = self._ready.popleft()
        self._ahead -= len(frame[1])
        if self._paused and self._ahead < _AHEAD // 2 and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return frame

    async def arrival(self) -> None:
        """Returns when something has happened."""
        if self._ready or self.lost:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def lose(self) -> None:
        """Waits for no more of it."""
        self.lost = True
        self._wake()

    def send_signal(self, number: int) -> None:
        """Sends the child a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    def close(self) -> None:
        """Lets go of a child that has ended."""
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and (self._ready or self.lost):
            self._waiter.set_result(None)

    def reap(self, loop: asyncio.AbstractEventLoop) -> None:
        """Waits for the child's end, on a thread of its own."""
        self._process.wait()
        with suppress(RuntimeError):  # the loop is closed, and nobody asks any more
            loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)


async def opened(command: Sequence[str], environment: Mapping[str, str]) -> Channel:
    """A child just started, which speaks on its standard input and output: both are one socket."""
    ours, its = socket.socketpair()
    try:
        with its:
            for end in (ours, its):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ROOM)
            channel = Channel(_started(command, environment, its))
        loop = asyncio.get_running_loop()
        threading.Thread(target=channel.reap, args=(loop,), daemon=True).start()
        try:
            ours.setblocking(False)
            await loop.create_unix_connection(lambda: channel, sock=ours)
        except BaseException:
            channel.send_signal(signal.SIGKILL)
            raise
    except BaseException:
        ours.close()
        raise
    return channel


def _started(command: Sequence[str], environment: Mapping[str, str], its: socket.socket) -> subprocess.Popen[bytes]:
    # Not by the loop, which would copy this process first and hold up everybody else for tens of milliseconds.
    return subprocess.Popen(
        command,
        stdin=its.fileno(),
        stdout=its.fileno(),
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        process_group=0,  # an interrupt typed at the server's terminal is the server's to handle
    )
