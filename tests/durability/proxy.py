"""A TCP proxy that misbehaves when it is told to: it cuts, swallows and delays."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Self

_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER without time: closing sends a reset


class _Pair:
    """A client's connection and ours to the server, as long as both live."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.silent = False


class Proxy:
    """Forwards a port of its own to ``target`` on loopback, on a thread of its own; a context manager."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        """Seconds by which everything is late."""
        self._target = target
        self._swallows = False
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")

    @property
    def connections(self) -> int:
        """How many connections there are now."""
        return len(self._pairs)

    def reset(self) -> None:
        """Breaks every connection with a TCP reset."""
        self._do(self._reset())

    def swallow(self) -> None:
        """From now on nothing passes, and nobody is told: a black hole.  New connections are swallowed as well."""
        self._swallows = True
        for pair in list(self._pairs):
            pair.silent = True

    def mend(self) -> None:
        """New connections pass again; those that were swallowed stay so."""
        self._swallows = False

    def __enter__(self) -> Self:
        self._thread.start()
        server = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._server = server
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)

    async def _reset(self) -> None:
        for pair in list(self._pairs):
            for writer in pair.writers:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                writer.transport.abort()

    async def _end(self) -> None:
        await self._reset()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = _Pair()
        pair.silent = self._swallows
        pair.writers.append(writer)
        self._pairs.add(pair)
        try:
            if pair.silent:
                while await reader.read(65_536):
                    pass
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            pair.writers.append(back)
            ways = [asyncio.create_task(self._pass(pair, *way)) for way in ((reader, back), (there, writer))]
            _, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for task in left:
                task.cancel()
        except OSError:
            pass  # nobody answers behind us, or one side has gone: both sides are closed
        finally:
            for each in pair.writers:
                each.close()
            self._pairs.discard(pair)

    async def _pass(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if not pair.silent:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass  # the connection is over
