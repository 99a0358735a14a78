"""The connector in docs/add-a-connector.md is a connector."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.connector import ConnectorContract
from tests.peers import free_port
from twin.connector import AddressBinding, ConnectionSettings, Connector

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-connector.md"


def documented() -> type[Connector]:
    """The class in the guide's first block of Python."""
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.S)[0]
    module = types.ModuleType("line_connector_of_the_guide")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(code, str(GUIDE), "exec"), module.__dict__)  # noqa: S102 - our own documentation
    found: type[Connector] = module.__dict__["LineConnector"]
    return found


class LineDevice:
    """A controller that speaks the made-up protocol, on a thread of its own."""

    connector = documented()
    reading = AddressBinding("reading", "boiler.temperature")
    command = AddressBinding("command", "boiler.setpoint", write_address="boiler.setpoint")
    malformed = ("", "boiler temperature")
    samples_itself = False

    def __init__(self) -> None:
        self._port = free_port()
        self.settings = ConnectionSettings("plant", f"line://127.0.0.1:{self._port}")
        self._reading = 0.0
        self._told: float | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def change(self, value: float) -> None:
        asyncio.run_coroutine_threadsafe(self._change(value), self._loop).result(10)

    def written(self) -> float | None:
        return self._told

    def number(self, raw: object) -> float:
        assert isinstance(raw, str)
        return float(raw)

    def raw(self, value: float) -> float:
        return value

    async def _start(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            for client in list(self._clients):
                client.transport.abort()
            while self._clients:  # each takes itself out
                await asyncio.sleep(0.001)

    async def _change(self, value: float) -> None:
        self._reading = value
        for client in self._clients:
            client.write(f"boiler.temperature {value}\n".encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            writer.write(f"boiler.temperature {self._reading}\n".encode())
            while line := await reader.readline():
                _, _, value = line.decode().split()
                self._told = float(value)
                writer.write(b"ok\n")
        except ConnectionError:
            pass  # the client has gone, or we were stopped
        finally:
            self._clients.discard(writer)
            writer.close()


class TestTheGuidesConnector(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def device(cls) -> Iterator[LineDevice]:
        device = LineDevice()
        yield device
        device.close()
