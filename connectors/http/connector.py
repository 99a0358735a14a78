"""The HTTP connector: documents polled at URLs or sent by devices, commands by PUT, POST or PATCH."""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from connectors.http.addresses import check, polled, pushed
from connectors.http.receiving import items
from connectors.http.settings import HttpOptions, base
from connectors.options import read
from twin.connector import (
    AddressBinding,
    AddressError,
    ConnectionSettings,
    ConnectorError,
    Delivery,
    SampleBatch,
    Scalar,
    WriteError,
)
from twin.observation import Quality

if TYPE_CHECKING:
    from connectors.http.session import Session

logger = logging.getLogger(__name__)


class HttpConnector:
    """A client of a web server, and a receiver of webhooks; see the README beside this file."""

    protocol: ClassVar[str] = "http"
    carries: ClassVar[Literal["documents", "scalars"]] = "documents"
    Options: ClassVar[type] = HttpOptions

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._options = HttpOptions()
        self._session: Session | None = None
        self._open = False

    async def __aenter__(self) -> Self:
        self._options = read(HttpOptions, self._settings.options)
        endpoint = base(self._settings.endpoint)
        if endpoint:
            library = await asyncio.to_thread(importlib.import_module, "connectors.http.session")
            session: Session = library.Session(endpoint, self._options)
            await session.open()
            self._session = session
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def check_address(address: str) -> None:
        """Returns when the text is a path, with or without a method, or the name of a webhook."""
        check(address)

    @staticmethod
    def receive(settings: ConnectionSettings, delivery: Delivery) -> Sequence[tuple[str, bytes]]:
        """The items in what a device sent; raises `twin.connector.DeliveryRefused`."""
        return items(delivery, read(HttpOptions, settings.options))

    async def samples(self, bindings: Sequence[AddressBinding]) -> AsyncIterator[SampleBatch]:
        """Yields what the polled addresses say: at once, and then every period."""
        asked, wrong = self._sorted(bindings)
        if wrong:
            now = time.time_ns()
            nothing = [None] * len(wrong)
            yield SampleBatch(
                wrong, nothing, [0] * len(wrong), [now] * len(wrong), [Quality.CONFIGURATION] * len(wrong)
            )
        if not asked:
            await asyncio.Event().wait()  # what is sent to us comes by the server's own door
        period = self._options.period
        while True:
            began = time.monotonic()
            batch = await self._connected().poll(asked)
            if batch is not None:
                yield batch
            # A round that took longer than a period costs the ones it overlapped.
            spent = time.monotonic() - began
            await asyncio.sleep(period - spent % period if spent < period else 0)

    async def write(self, binding: AddressBinding, value: Scalar | bytes) -> None:
        """Sends the value and returns when the device answered with success; raises `WriteError`, `ConnectorError`."""
        if binding.write_address is None:
            raise WriteError(f"The binding of {binding.address} has no path to write to.")
        await self._connected().write(binding.write_address, value if isinstance(value, bytes) else _text(value))

    def _sorted(self, bindings: Sequence[AddressBinding]) -> tuple[list[str], list[str]]:
        asked, wrong = [], []
        for address in dict.fromkeys(each.address for each in bindings):
            try:
                if not pushed(address):
                    polled(address)
                    if self._session is None:
                        raise AddressError(f"{address} is to be polled, and the endpoint in: is only sent to.")
                    asked.append(address)
            except AddressError as error:
                logger.warning("%s", error)
                wrong.append(address)
        return asked, wrong

    def _connected(self) -> Session:
        if not self._open:
            raise ConnectorError("The connection is not open.")
        if self._session is None:
            raise ConnectorError("The endpoint in: has no web server that could be asked or written to.")
        return self._session


def _text(value: Scalar) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()
