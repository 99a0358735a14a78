"""Answering until told to stop - also while the server still gets ready."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from twin.errors import ConfigurationError
from twin.serving import address, answer, listen, stopping_on_signals


async def _nothing(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_server_that_still_gets_ready(number: signal.Signals) -> None:
    stop, began, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def forever() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    with listen("127.0.0.1", 0) as bound, stopping_on_signals(stop):
        serving = asyncio.create_task(answer(_nothing, bound, forever, stop))
        await asyncio.wait_for(began.wait(), 30)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(serving, 30)
    assert left.is_set()


async def test_what_fails_while_getting_ready_ends_the_server_with_its_error() -> None:
    async def fails() -> None:
        raise ConfigurationError("no model")

    with listen("127.0.0.1", 0) as bound, pytest.raises(ConfigurationError, match="no model"):
        await asyncio.wait_for(answer(_nothing, bound, fails, asyncio.Event()), 30)


async def test_it_answers_when_it_says_so() -> None:
    stop, ready = asyncio.Event(), asyncio.Event()

    async def on_ready() -> None:
        ready.set()

    with listen("127.0.0.1", 0) as bound:
        host, port = bound.getsockname()
        assert address(bound) == f"http://127.0.0.1:{port}/"
        serving = asyncio.create_task(answer(_nothing, bound, on_ready, stop))
        await asyncio.wait_for(ready.wait(), 30)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()
        await writer.wait_closed()
        stop.set()
        await asyncio.wait_for(serving, 30)


def test_a_port_that_is_taken_or_is_none_is_told_in_words() -> None:
    with listen("127.0.0.1", 0) as bound:
        bound.listen()
        with pytest.raises(ConfigurationError, match=f"Port {bound.getsockname()[1]} on 127.0.0.1 is in use"):
            listen("127.0.0.1", bound.getsockname()[1])
    with pytest.raises(ConfigurationError, match="no port 70000"):
        listen("127.0.0.1", 70000)
