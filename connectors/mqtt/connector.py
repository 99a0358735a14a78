"""The MQTT connector: one subscription a topic filter, payloads as they came."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import ClassVar, Literal, Self

from connectors.mqtt.inbox import Messages
from connectors.mqtt.session import Session
from connectors.mqtt.settings import MqttOptions, broker, who
from connectors.mqtt.topics import check_filter, check_topic
from connectors.options import read
from twin.connector import (
    AddressBinding,
    AddressError,
    ConnectionSettings,
    ConnectorError,
    SampleBatch,
    Scalar,
    WriteError,
)
from twin.observation import Quality

logger = logging.getLogger(__name__)


class MqttConnector:
    """A connection to an MQTT 3.1.1 broker; see the README beside this file for addresses and options."""

    protocol: ClassVar[str] = "mqtt"
    carries: ClassVar[Literal["documents", "scalars"]] = "documents"
    Options: ClassVar[type] = MqttOptions

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._session: Session | None = None

    async def __aenter__(self) -> Self:
        options = read(MqttOptions, self._settings.options)
        try:
            session = Session(broker(self._settings.endpoint), options, who(options, self._settings.identity))
        except OSError as error:
            raise ConnectorError(f"The file {options.ca_file} cannot be used as ca_file: {error}.") from None
        await session.open()
        self._session = session
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def forget(self) -> None:
        """Ends the session that the broker keeps for us while we are away; raises `ConnectorError`."""
        options = read(MqttOptions, self._settings.options)
        known = who(options, self._settings.identity)
        if known.lasting:
            # A clean session under a name takes the place of the one that was kept (MQTT 3.1.1, 3.1.2.4).
            session = Session(broker(self._settings.endpoint), options, replace(known, lasting=False))
            await session.open()
            await session.close()

    @staticmethod
    def check_address(address: str) -> None:
        """Returns when the text is a topic filter without ``#``; raises `AddressError` otherwise."""
        check_filter(address)

    async def samples(self, bindings: Sequence[AddressBinding]) -> AsyncIterator[SampleBatch]:
        """Yields what arrives at the bindings' topics, retained messages first.

        The addresses of a batch are the topics of the messages, also where a binding's address has wildcards.
        """
        session = self._connected()
        filters, wrong = _sorted(bindings)
        if wrong:
            yield _batch(Messages(wrong, [None] * len(wrong), [0] * len(wrong), [0] * len(wrong)), session)
        session.subscribe(filters)
        try:
            while True:
                yield _batch(await session.received(), session)
        finally:
            session.leave()

    async def write(self, binding: AddressBinding, value: Scalar | bytes) -> None:
        """Publishes the value at QoS 1 and returns when the broker acknowledged it.

        A scalar is published as plain text.  Raises `WriteError` or `ConnectorError`.
        """
        session = self._connected()
        if binding.write_address is None:
            raise WriteError(f"The binding of {binding.address} has no topic to write to.")
        try:
            check_topic(binding.write_address)
        except AddressError as error:
            raise WriteError(str(error)) from None
        await session.publish(binding.write_address, _payload(value))

    def _connected(self) -> Session:
        if self._session is None:
            raise ConnectorError("The connection is not open.")
        return self._session


def _sorted(bindings: Sequence[AddressBinding]) -> tuple[list[str], list[str]]:
    """The filters to subscribe to, each once, and the addresses that are no filters."""
    filters, wrong = [], []
    for address in dict.fromkeys(each.address for each in bindings):
        try:
            check_filter(address)
        except AddressError as error:
            logger.warning("%s", error)
            wrong.append(address)
        else:
            filters.append(address)
    return filters, wrong


def _batch(messages: Messages, session: Session) -> SampleBatch:
    refused = messages.payloads[0] is None  # those that were refused come by themselves
    return SampleBatch(
        addresses=messages.topics,
        values=messages.payloads,
        times=[0] * len(messages),
        received=messages.received,
        qualities=[Quality.CONFIGURATION] * len(messages) if refused else None,
        acknowledge=partial(session.acknowledge, messages.mids) if any(messages.mids) else None,
    )


def _payload(value: Scalar | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()
