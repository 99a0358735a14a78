"""Answering on a socket until told to stop: SIGINT and SIGTERM both end cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from twin.errors import ConfigurationError

_MESSAGE = 1024 * 1024  # bytes of one websocket message
UNREAD = 30.0
"""Seconds after which a websocket whose client reads nothing is cut."""
GRACE = 3  # seconds that open requests and subscriptions get to end


class Socket(WebSocketsSansIOProtocol):
    """A websocket that is cut when its client takes nothing for `UNREAD` seconds: what waits for it must not stay."""

    _unread: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = asyncio.get_running_loop().call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def connection_lost(self, exc: Exception | None) -> None:
        self._taken()
        super().connection_lost(exc)

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class _Server(uvicorn.Server):
    """Uvicorn without its signal handling, which would raise the signal again after a clean end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(main: Coroutine[Any, Any, None]) -> None:
    """Runs what a server does, to its end, on the loop of libuv: it takes a third less time a request than asyncio's
    own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address (port 0: a free one); raises `ConfigurationError` when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named by its protocol: only then asyncio turns off the delay of Nagle, 40 ms for an answer in two writes.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OverflowError as error:
        bound.close()
        raise ConfigurationError(f"There is no port {port}.", remedy="Choose one from 0 to 65535.") from error
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigurationError(
                f"Port {port} on {host} is in use by another program.",
                remedy="Choose another with --port (0 picks a free one), or stop that program.",
            ) from error
        raise ConfigurationError(
            f"The server cannot listen on {host} port {port}: {error.strerror}.", remedy="Choose another address."
        ) from error
    return bound


def address(bound: socket.socket) -> str:
    """The URL of what answers on the socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def answer(asgi: Any, bound: socket.socket, on_ready: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Serves the ASGI application until ``stop`` is set; ``on_ready`` is awaited once requests are answered."""
    server = _Server(
        uvicorn.Config(
            asgi,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            ws=Socket,
            ws_max_size=_MESSAGE,
            # Each compressor takes a third of a megabyte, and events are too small to gain by it.
            ws_per_message_deflate=False,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    stopping = asyncio.create_task(stop.wait())

    async def prepare() -> None:
        await server.answering.wait()
        await on_ready()

    preparing = asyncio.create_task(prepare())
    try:
        # Whoever is told to stop while it still gets ready does not finish that first.
        await asyncio.wait({serving, stopping, preparing}, return_when=asyncio.FIRST_COMPLETED)
        if preparing.done():
            await preparing
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        preparing.cancel()
        await asyncio.gather(stopping, preparing, return_exceptions=True)
        server.should_exit = True
        await serving


@contextlib.contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Within it, SIGINT and SIGTERM set ``stop`` instead of ending the process."""
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
