"""The contract for connector authors: the only module of the server they read (with ``observation`` and ``errors``).

A connector speaks one protocol.  It is an async context manager: entering connects, leaving disconnects.
It yields raw samples as they arrive and writes raw values; units, scales, states and documents are decoded by
the server from the binding, so a connector knows nothing of twins.  It ends only by `ConnectorError`; the
server's supervisor alone retries, marks bindings unavailable and reports health.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

CONTRACT_VERSION = 1

Scalar = float | int | bool | str
"""A raw value of a typed protocol."""


class ConnectorError(Exception):
    """The connection is lost or was refused; the message says why in one sentence, for the connection's page."""


class WriteError(Exception):
    """The device refused a write, or did not acknowledge it in time; the connection itself goes on."""


class AddressError(ValueError):
    """An address that is not of the protocol's form; the message says what the form is."""


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """One configured connection: its ``endpoint`` URL and the protocol's own ``options`` (text values).

    ``identity`` names this connection of this server for as long as its data directory lasts, and no other: letters and
    digits by which a device may remember us while we are away.  Empty: we pass by and must leave nothing behind.
    """

    id: str
    endpoint: str
    options: Mapping[str, str] = field(default_factory=dict)
    identity: str = ""


@dataclass(frozen=True, slots=True)
class AddressBinding:
    """What a connector is told of a binding: where to read, and where to write if it may.

    ``id`` is the binding's identity, ``address`` the place read, ``write_address`` the place written (None: read-only).
    """

    id: str
    address: str
    write_address: str | None = None


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Raw samples that arrived together, as parallel sequences of one length.

    ``addresses[i]`` gave ``values[i]``: ``bytes`` for a protocol of documents (MQTT), a scalar for a typed one
    (OPC UA), or None when the device gave no value.  ``times`` are source times and ``received`` receive times, in
    nanoseconds UTC; a source time of 0 means the protocol carries none.  ``qualities`` are `twin.observation.Quality`
    codes, or None when all are good.  ``acknowledge`` is called once, after the samples are safely stored.
    """

    addresses: Sequence[str]
    values: Sequence[object]
    times: Sequence[int]
    received: Sequence[int]
    qualities: Sequence[int] | None = None
    acknowledge: Callable[[], None] | None = None

    def __len__(self) -> int:
        return len(self.addresses)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something a device offers to be bound: where it is, what it is called, and a value seen there."""

    address: str
    name: str
    writable: bool = False
    unit: str = ""
    sample: str = ""


@runtime_checkable
class Connector(Protocol):
    """One protocol's connection.  Constructed with `ConnectionSettings`; see the module for the rules."""

    protocol: ClassVar[str]
    """The name bindings use, e.g. ``mqtt``."""
    carries: ClassVar[Literal["documents", "scalars"]]
    """Whether values are payload ``bytes`` to be decoded by path, or scalars."""

    def __init__(self, settings: ConnectionSettings) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @staticmethod
    def check_address(address: str) -> None:
        """Returns when the text is an address of this protocol; raises `AddressError` otherwise."""
        ...

    def samples(self, bindings: Sequence[AddressBinding]) -> AsyncIterator[SampleBatch]:
        """Yields batches until the connection is lost (`ConnectorError`) or the caller stops iterating."""
        ...

    async def write(self, binding: AddressBinding, value: Scalar | bytes) -> None:
        """Returns when the device (or its broker) acknowledged the write; raises `WriteError` or `ConnectorError`."""
        ...


@runtime_checkable
class Remembered(Protocol):
    """A connector whose device may remember the connection while it is away, by ``ConnectionSettings.identity``."""

    async def forget(self) -> None:
        """Returns when the device keeps nothing of a connection that is not open and will not be made again; raises
        `ConnectorError`."""
        ...


@runtime_checkable
class Discovery(Protocol):
    """A connector that can say what a device offers."""

    def discover(self) -> AsyncIterator[Candidate]:
        """Yields what is there, a `Candidate` each."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a device sent to the server for one connection, over HTTP: ``address`` is what it named, ``headers`` are
    those of the request with names in lower case, ``batch`` whether the body is a list of items."""

    address: str
    headers: Mapping[str, str]
    body: bytes
    batch: bool = False


class DeliveryRefused(Exception):
    """What was sent is not taken; the message says why in one sentence, and nothing of what the right secret is."""

    def __init__(self, kind: Literal["unauthorized", "forbidden", "invalid", "too-large"], message: str) -> None:
        super().__init__(message)
        self.kind = kind


@runtime_checkable
class Receiver(Protocol):
    """A connector whose devices may send to the server (webhooks)."""

    @staticmethod
    def receive(settings: ConnectionSettings, delivery: Delivery) -> Sequence[tuple[str, bytes]]:
        """The address and the payload of every item; raises `DeliveryRefused`, also for who may not send, and
        `ConnectorError` for options that cannot be."""
        ...
