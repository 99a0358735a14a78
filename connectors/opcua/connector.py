"""The OPC UA connector: one subscription for all bindings, values as the server types them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from connectors.opcua.addresses import node_address
from connectors.opcua.settings import OpcUaOptions, server
from connectors.options import read
from twin.connector import (
    AddressBinding,
    Candidate,
    ConnectionSettings,
    ConnectorError,
    SampleBatch,
    Scalar,
    WriteError,
)

if TYPE_CHECKING:
    from connectors.opcua.session import Session


class OpcUaConnector:
    """A session with an OPC UA server; see the README beside this file for addresses and options."""

    protocol: ClassVar[str] = "opcua"
    carries: ClassVar[Literal["documents", "scalars"]] = "scalars"
    Options: ClassVar[type] = OpcUaOptions

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        options = read(OpcUaOptions, self._settings.options)
        endpoint = server(self._settings.endpoint)
        # The library takes most of a second and 80 MB: only for those who use it, and not in the loop's way.
        library = await asyncio.to_thread(importlib.import_module, "connectors.opcua.session")
        session: Session = library.Session(endpoint, options)
        await session.open()
        self._session = session
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def check_address(address: str) -> None:
        """Returns when the text is a node id; raises `AddressError` otherwise."""
        node_address(address)

    async def samples(self, bindings: Sequence[AddressBinding]) -> AsyncIterator[SampleBatch]:
        """Yields the present values and then every change that the server notifies."""
        session = self._connected()
        await session.subscribe(list(dict.fromkeys(each.address for each in bindings)))
        try:
            while True:
                yield await session.received()
        finally:
            session.leave()

    async def write(self, binding: AddressBinding, value: Scalar | bytes) -> None:
        """Writes the value in the node's own type and returns when the server answered Good.

        Raises `WriteError` with the status' name, or `ConnectorError`.
        """
        session = self._connected()
        if binding.write_address is None:
            raise WriteError(f"The binding of {binding.address} has no node to write to.")
        await session.write(binding.write_address, value)

    async def discover(self) -> AsyncIterator[Candidate]:
        """Yields the variables that the server offers, nearest to its Objects folder first."""
        async for candidate in self._connected().variables():
            yield candidate

    def _connected(self) -> Session:
        if self._session is None:
            raise ConnectorError("The connection is not open.")
        return self._session
