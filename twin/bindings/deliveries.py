"""What devices sent to the server of their own accord, item by item: stored, refused with the reason, or unbound."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from twin.bindings.keeping import Keeping
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import Table
from twin.connector import ConnectionSettings, Connector, ConnectorError, Delivery, Receiver, SampleBatch
from twin.contracts import Rejected
from twin.errors import NotFound, Unavailable
from twin.observation import ObservationBatch

MOST_WAITING = 32
"""Deliveries of one connection that may wait for the history at the same time; one more is told to come back."""


class Busy(Unavailable):
    """So much is on its way that the device is asked to wait and send again."""

    code = "busy"


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one item; ``reason`` says why it was refused."""

    state: Literal["stored", "rejected", "unbound"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery, once all that can be stored is: ``observations`` values of its ``items``."""

    observations: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """What was in a delivery: the receipt for the device, the observations, and what could not be decoded."""

    receipt: Receipt
    observations: ObservationBatch
    rejected: Sequence[Rejected]


def items_in(
    delivery: Delivery, connector: type[Connector], settings: ConnectionSettings, name: str
) -> Sequence[tuple[str, bytes]]:
    """The address and the payload of every item.

    Raises `twin.connector.DeliveryRefused`, `NotFound` for a protocol that takes none, and `Unavailable` for options
    that cannot be.
    """
    if not issubclass(connector, Receiver):
        raise NotFound(f"Nothing can be sent to {name}: it speaks {connector.protocol}.")
    try:
        return connector.receive(settings, delivery)
    except ConnectorError as error:
        raise Unavailable(str(error), remedy="Correct the options of the connection.") from error


async def stored(
    connection: str,
    items: Sequence[tuple[str, bytes]],
    time: int,
    now: int,
    table: Table,
    keeping: Keeping,
    deliver: Callable[[ObservationBatch, None], Awaitable[None]],
) -> Stored:
    """Returns when all that can be stored is, and the rest is set aside; raises `Unavailable` when it is not."""
    addresses, payloads = [address for address, _ in items], [payload for _, payload in items]
    batch = SampleBatch(addresses, payloads, [time] * len(items), [now] * len(items))
    keeping.keep(connection, batch, now)
    quarantine = Quarantine()
    observations = table.decode(batch, quarantine, now)
    rejected = quarantine.taken()
    if rejected:
        await keeping.reject(connection, rejected)
    if len(observations):
        await deliver(observations, None)
    bound = {each.address for each in table.addresses()}
    reasons = {id(each.payload): each.reason for each in rejected}

    def told(address: str, payload: bytes) -> Item:
        if address not in bound:
            return Item("unbound", f"Nothing is bound to {address}.")
        reason = reasons.get(id(payload))
        return Item("stored") if reason is None else Item("rejected", reason)

    return Stored(Receipt(len(observations), tuple(map(told, addresses, payloads))), observations, rejected)
