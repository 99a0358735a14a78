"""A device and two connectors to it, in memory: documents by topic and scalars by node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from twin.clock import NANOSECONDS, Clock, SystemClock
from twin.connector import (
    AddressBinding,
    AddressError,
    ConnectionSettings,
    ConnectorError,
    SampleBatch,
    Scalar,
    WriteError,
)


class Device:
    """What answers at an endpoint.  ``writes`` are what it took; ``obey`` may send something back for a write."""

    all: ClassVar[dict[str, Device]] = {}

    def __init__(self, endpoint: str, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.up = True
        self.writes: list[tuple[str, object]] = []
        self.connections: list[_Connection] = []
        self.subscriptions: list[list[str]] = []
        self.identities: list[str] = []
        self.acknowledged: list[str] = []
        self.forgotten: list[str] = []
        self.refuse = ""
        self.obey: Callable[[Device, str, Any], None] = lambda _device, _address, _value: None
        self.hold: asyncio.Event | None = None
        self.first: dict[str, object] = {}
        Device.all[endpoint] = self

    def send(self, *samples: tuple[str, object], time: int = 0, qualities: Sequence[int] | None = None) -> None:
        """Sends samples together to every connection that is subscribed."""
        now = self.clock.now()
        addresses = [address for address, _ in samples]
        batch = SampleBatch(
            addresses,
            [value for _, value in samples],
            [time] * len(samples),
            [now] * len(samples),
            qualities,
            lambda: self.acknowledged.extend(addresses),
        )
        for connection in self.connections:
            if connection.listening:
                connection.inbox.put_nowait(batch)

    def listens_to(self, address: str) -> bool:
        """Whether a connection reads this address now."""
        return any(address in connection.listening for connection in self.connections)

    def fail(self, reason: str = "The device went away.") -> None:
        """Loses every connection and takes no new ones until ``up`` again."""
        self.up = False
        for connection in self.connections:
            connection.inbox.put_nowait(ConnectorError(reason))


class _Connection:
    protocol: ClassVar[str] = "fake"
    carries: ClassVar[Literal["documents", "scalars"]] = "documents"

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self.inbox: asyncio.Queue[SampleBatch | Exception] = asyncio.Queue()
        self.listening: frozenset[str] = frozenset()

    async def __aenter__(self) -> Self:
        device = Device.all.get(self.settings.endpoint)
        if device is None or not device.up:
            raise ConnectorError(f"Nothing answers at {self.settings.endpoint}.")
        self.device = device
        device.connections.append(self)
        device.identities.append(self.settings.id)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.device.connections.remove(self)

    @staticmethod
    def check_address(address: str) -> None:
        if " " in address:
            raise AddressError(f"{address!r} is no address: it has a space.")

    async def samples(self, bindings: Sequence[AddressBinding]) -> AsyncIterator[SampleBatch]:
        addresses = [binding.address for binding in bindings]
        self.device.subscriptions.append(addresses)
        self.listening = frozenset(addresses)
        known = [(address, self.device.first[address]) for address in addresses if address in self.device.first]
        if known:
            now = self.device.clock.now()
            times = [now] * len(known)
            yield SampleBatch([address for address, _ in known], [value for _, value in known], times, times)
        try:
            while True:
                batch = await self.inbox.get()
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        finally:
            self.listening = frozenset()

    async def forget(self) -> None:
        Device.all[self.settings.endpoint].forgotten.append(self.settings.id)

    async def write(self, binding: AddressBinding, value: Scalar | bytes) -> None:
        if self.device.refuse:
            raise WriteError(self.device.refuse)
        if self.device.hold is not None:
            await self.device.hold.wait()
        assert binding.write_address is not None
        self.device.writes.append((binding.write_address, value))
        self.device.obey(self.device, binding.write_address, value)


class Documents(_Connection):
    """Payload bytes by topic."""


class Scalars(_Connection):
    """Typed values by node."""

    protocol = "nodes"
    carries = "scalars"


CONNECTORS = {"fake": Documents, "nodes": Scalars}


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Returns when the condition holds; fails after a deadline."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


SECOND = NANOSECONDS
