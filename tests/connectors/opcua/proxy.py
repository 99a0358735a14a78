"""A TCP proxy that can become a black hole: the connection stands, and nothing comes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    def __init__(self, endpoint: str) -> None:
        self._target = urlsplit(endpoint)
        self._path = asyncio.Event()
        self._path.set()
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"{self._target.scheme}://127.0.0.1:{port}{self._target.path}"

    def swallow(self) -> None:
        """From now on nothing comes through."""
        self._path.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        for source, sink in ((reader, back_writer), (back_reader, writer)):
            pipe = asyncio.create_task(self._carry(source, sink))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                await self._path.wait()
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass  # one end has gone; the other is closed below
        finally:
            sink.close()

    async def run(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def end(self) -> None:
        assert self._server is not None
        self._server.close()
        for pipe in list(self._pipes):
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)


@asynccontextmanager
async def proxied(endpoint: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(endpoint)
    await proxy.run()
    try:
        yield proxy
    finally:
        await proxy.end()
