"""One OPC UA session and its subscription.  Imports asyncua, which is heavy: the connector loads it to connect."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from asyncua import Client, ua

from connectors.opcua.addresses import NodeAddress, node_address
from connectors.opcua.browse import variables
from connectors.opcua.security import secure
from connectors.opcua.settings import OpcUaOptions
from connectors.opcua.values import sample, variant
from connectors.opcua.words import place, status_name, unreachable
from twin.connector import AddressError, Candidate, ConnectorError, SampleBatch, Scalar, WriteError
from twin.observation import Quality

logger = logging.getLogger(__name__)
# Whatever the client logs of a lost connection reaches us as an exception or a status, and is told once, in words.
logging.getLogger("asyncua.client").setLevel(logging.CRITICAL)

KEEPALIVE = 2.0
"""Seconds after which the server is to say that it is still there when nothing has changed."""
LIFETIME = 120.0
"""Seconds without us after which the server forgets the subscription."""
ITEMS_AT_ONCE = 500
WAITING = 64
"""Notifications that may wait to be taken; then the next one is not asked for, and the server queues."""
STOOD = 5.0
"""Seconds before it was read again at which a silent value is said to have stood: it did, and a change that a device
with a slow clock stamps with an earlier time than ours still counts as the newer one."""
CLOSING = 2.0
SHORTLY = 2.0
"""Seconds between two readers after which the subscription is given up."""

VARIANT = 24
"""The data types below this number in namespace 0 are those that values are encoded in (Part 6, 5.1.2)."""

_EVERY_SAMPLE = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
"""Asks for a value that was sampled anew even when it is the same as before."""


@dataclass(slots=True)
class _Subscription:
    id: int
    patience: float  # seconds of silence after which the server has stopped publishing
    # By client handle; what is not subscribed any more keeps its handle, for notifications that are on their way.
    addresses: list[str]
    nodes: list[ua.NodeId]
    items: list[int]  # the server's numbers
    heard: list[float]  # when each last said something (monotonic seconds)
    handles: dict[str, int]  # of each address that is subscribed


class Session:
    """A session with a server, from `open` to `close`."""

    def __init__(self, endpoint: str, options: OpcUaOptions) -> None:
        self._endpoint = endpoint
        self._options = options
        self._client = Client(endpoint, timeout=options.timeout, watchdog_intervall=options.watch)
        self._client.name = self._client.description = "Twin"
        self._client.application_uri = "urn:twin:client"
        self._client.product_uri = "urn:twin"
        self._client.session_timeout = int(LIFETIME * 1000)
        self._client.connection_lost_callback = self._lost
        if options.username:
            self._client.set_user(options.username)
            self._client.set_password(options.password)
        self._namespaces: list[str] = []
        self._kinds: dict[str, ua.VariantType] = {}
        self._subscription: _Subscription | None = None
        self._inbox: deque[SampleBatch] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._reason: str | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._told_wrong: frozenset[str] = frozenset()

    async def open(self) -> None:
        """Returns when the session is active; raises `ConnectorError`."""
        try:
            await secure(self._client, self._options)
            await self._client.connect()
            self._namespaces = await self._client.get_namespace_array()
        except (OSError, ua.UaError) as error:  # a time-out is an OSError
            await self.close()
            raise ConnectorError(unreachable(self._endpoint, error, self._options)) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ends the session; safe to call twice."""
        self._reason = self._reason or "The connection was closed."
        await self._stay()
        await self._stop_refreshing()
        self._room.set()
        try:
            await asyncio.wait_for(self._client.disconnect(), CLOSING)
        except TimeoutError:
            logger.info("%s did not answer the end of the session", place(self._endpoint))
        self._client.disconnect_socket()

    def node(self, address: str) -> ua.NodeId:
        """The node id of an address at this server; raises `AddressError`."""
        parsed: NodeAddress = node_address(address)
        return ua.NodeId(parsed.identifier, parsed.namespace(self._namespaces))

    async def subscribe(self, addresses: Sequence[str]) -> None:
        """Subscribes to the values at the addresses and to no others; what is subscribed already goes on undisturbed.

        An address that the server does not have is told as a sample without a value, and disturbs no other.
        """
        await self._stay()
        nodes: dict[str, ua.NodeId] = {}
        wrong: dict[str, str] = {}
        for address in addresses:
            try:
                nodes[address] = self.node(address)
            except AddressError as error:
                wrong[address] = str(error)
        for address in wrong.keys() - self._told_wrong:
            self._wrong(address, wrong[address])
        self._told_wrong = frozenset(wrong)
        try:
            if self._subscription is None:
                self._subscription = await self._create()
                if self._options.refresh:
                    self._refreshing = asyncio.create_task(self._refresh(self._subscription))
            subscription = self._subscription
            await self._forget(subscription, [each for each in subscription.handles if each not in nodes])
            new = [(address, node) for address, node in nodes.items() if address not in subscription.handles]
            for start in range(0, len(new), ITEMS_AT_ONCE):
                await self._monitor(subscription, new[start : start + ITEMS_AT_ONCE])
        except (OSError, ua.UaError) as error:
            raise ConnectorError(self._reason or unreachable(self._endpoint, error, self._options)) from None

    def leave(self) -> None:
        """Nobody reads on; unless somebody does shortly, the subscription is ended."""
        if self._leaving is None and self._reason is None:
            self._leaving = asyncio.create_task(self._leave())

    async def _leave(self) -> None:
        await asyncio.sleep(SHORTLY)
        self._leaving = None
        await self._unsubscribe()

    async def _stay(self) -> None:
        task, self._leaving = self._leaving, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        self._told_wrong = frozenset()
        await self._stop_refreshing()
        self._room.set()
        if subscription is None or self._reason is not None:
            return
        try:
            await asyncio.wait_for(self._client.uaclient.delete_subscriptions([subscription.id]), CLOSING)
        except (OSError, ua.UaError) as error:
            logger.info("the subscription at %s was not ended: %s", place(self._endpoint), error)

    async def received(self) -> SampleBatch:
        """The next notification; raises `ConnectorError` when the connection has ended and all are taken."""
        while True:
            if self._inbox:
                self._room.set()
                return self._inbox.popleft()
            if self._reason is not None:
                raise ConnectorError(self._reason)
            self._news.clear()
            patience = self._subscription.patience if self._subscription else LIFETIME
            try:
                await asyncio.wait_for(self._news.wait(), patience)
            except TimeoutError:
                self._end(f"{place(self._endpoint)} stopped publishing: nothing came for {patience:g} s.")

    async def write(self, address: str, value: Scalar | bytes) -> None:
        """Returns when the server answered Good; raises `WriteError` or `ConnectorError`."""
        if self._reason is not None:
            raise ConnectorError(self._reason)
        try:
            node = self.node(address)
            data = ua.DataValue(variant(value, await self._kind(address, node)))
            (status,) = await self._client.uaclient.write_attributes([node], [data])
        except AddressError as error:
            raise WriteError(str(error)) from None
        except TimeoutError:
            raise WriteError(
                f"{place(self._endpoint)} did not acknowledge the write to {address} "
                f"within {self._options.timeout:g} s; it may still have arrived."
            ) from None
        except OSError as error:
            raise ConnectorError(self._reason or unreachable(self._endpoint, error, self._options)) from None
        except ua.UaError as error:
            raise WriteError(f"{place(self._endpoint)} refused the write to {address}: {status_name(error)}.") from None
        if not status.is_good():
            raise WriteError(f"{place(self._endpoint)} refused the write to {address}: {status.name}.")

    async def variables(self) -> AsyncIterator[Candidate]:
        """Yields what the server offers; raises `ConnectorError` when it ends meanwhile."""
        try:
            async for candidate in variables(self._client, self._namespaces):
                yield candidate
        except (OSError, ua.UaError) as error:
            raise ConnectorError(self._reason or unreachable(self._endpoint, error, self._options)) from None

    # Within

    async def _create(self) -> _Subscription:
        interval = self._options.publishing
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=interval * 1000,
            RequestedMaxKeepAliveCount=max(1, math.ceil(KEEPALIVE / interval)),
            RequestedLifetimeCount=max(3, math.ceil(LIFETIME / interval)),
        )
        made = await self._client.uaclient.create_subscription(parameters, self._published)
        silence = made.RevisedPublishingInterval / 1000 * max(1, made.RevisedMaxKeepAliveCount)
        return _Subscription(made.SubscriptionId, 2 * silence + self._options.timeout, [], [], [], [], {})

    async def _forget(self, subscription: _Subscription, addresses: Sequence[str]) -> None:
        for start in range(0, len(addresses), ITEMS_AT_ONCE):
            handles = [subscription.handles.pop(each) for each in addresses[start : start + ITEMS_AT_ONCE]]
            items = [subscription.items[handle] for handle in handles]
            parameters = ua.DeleteMonitoredItemsParameters(subscription.id, items)
            await self._client.uaclient.delete_monitored_items(parameters)

    async def _monitor(self, subscription: _Subscription, nodes: Sequence[tuple[str, ua.NodeId]]) -> None:
        known = subscription.addresses
        requests = []
        for address, node in nodes:
            wanted = ua.MonitoringParameters(
                ClientHandle=len(known),
                SamplingInterval=self._sampling(),
                Filter=_EVERY_SAMPLE,
                QueueSize=self._options.queue,
            )
            item = ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)
            requests.append(ua.MonitoredItemCreateRequest(item, ua.MonitoringMode.Reporting, wanted))
            known.append(address)
            subscription.nodes.append(node)
            subscription.items.append(0)
            subscription.heard.append(time.monotonic())
        parameters = ua.CreateMonitoredItemsParameters(
            subscription.id, ua.TimestampsToReturn.Both, ItemsToCreate=requests
        )
        results = await self._client.uaclient.create_monitored_items(parameters)
        first = len(known) - len(nodes)
        for handle, ((address, _), result) in enumerate(zip(nodes, results, strict=True), start=first):
            if result.StatusCode.is_good():
                subscription.items[handle] = result.MonitoredItemId
                subscription.handles[address] = handle
            else:
                self._wrong(address, f"{place(self._endpoint)} does not give {address}: {result.StatusCode.name}.")

    def _sampling(self) -> float:
        """Milliseconds; -1 asks for the publishing interval, 0 for every change."""
        return -1 if self._options.sampling < 0 else self._options.sampling * 1000

    async def _published(self, result: ua.PublishResult) -> None:
        """Takes a notification; asyncua asks for the next one when this returns."""
        received = time.time_ns()
        for data in result.NotificationMessage.NotificationData or ():
            match data:
                case ua.DataChangeNotification():
                    self._take(data.MonitoredItems, received)
                case ua.StatusChangeNotification() if not data.Status.is_good():
                    self._end(f"{place(self._endpoint)} ended the subscription: {data.Status.name}.")
        self._news.set()  # also when it says only that it is still there
        while len(self._inbox) >= WAITING and self._reason is None:
            self._room.clear()
            await self._room.wait()

    def _take(self, items: Sequence[ua.MonitoredItemNotification], received: int) -> None:
        if self._subscription is None or not items:
            return
        known = self._subscription.addresses
        addresses = [known[each.ClientHandle] for each in items]
        now = time.monotonic()
        for each in items:
            self._subscription.heard[each.ClientHandle] = now
        values, times, qualities = zip(*(sample(each.Value) for each in items), strict=True)
        self._inbox.append(SampleBatch(addresses, values, times, [received] * len(items), qualities))

    async def _refresh(self, subscription: _Subscription) -> None:
        """Reads what has not changed for long, so that a value that stands still is known to stand.

        A server need not report a value that does not change (Part 4, 7.22.2); silence alone does not tell it from one
        that nobody reads any more.
        """
        while True:
            await asyncio.sleep(self._options.refresh / 2)
            if len(self._inbox) >= WAITING:
                continue  # there is more than enough to say already
            before = time.monotonic() - self._options.refresh
            silent = [handle for handle in subscription.handles.values() if subscription.heard[handle] < before]
            for start in range(0, len(silent), ITEMS_AT_ONCE):
                await self._read_again(subscription, silent[start : start + ITEMS_AT_ONCE])

    async def _read_again(self, subscription: _Subscription, items: Sequence[int]) -> None:
        wanted = [ua.ReadValueId(NodeId=subscription.nodes[item], AttributeId=ua.AttributeIds.Value) for item in items]
        parameters = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=wanted)
        try:
            values = await self._client.uaclient.read(parameters)
        except (OSError, ua.UaError) as error:  # the watch ends the session if it is lost; a later round may succeed
            logger.info("%s did not answer a read: %s", place(self._endpoint), error)
            return
        received, now = time.time_ns(), time.monotonic()
        for item in items:
            subscription.heard[item] = now
        addresses = [subscription.addresses[item] for item in items]
        scalars, _, qualities = zip(*(sample(value) for value in values), strict=True)
        stood = received - int(STOOD * 1e9)
        self._inbox.append(SampleBatch(addresses, scalars, [stood] * len(items), [received] * len(items), qualities))
        self._news.set()

    async def _stop_refreshing(self) -> None:
        task, self._refreshing = self._refreshing, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _wrong(self, address: str, why: str) -> None:
        logger.warning("%s", why)
        self._inbox.append(SampleBatch([address], [None], [0], [time.time_ns()], [Quality.CONFIGURATION]))
        self._news.set()

    async def _lost(self, error: Exception) -> None:
        if isinstance(error, TimeoutError):
            self._end(f"{place(self._endpoint)} stopped answering within {self._options.watch:g} s.")
        else:
            self._end(f"{place(self._endpoint)} closed the connection.")

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._news.set()
        self._room.set()

    async def _kind(self, address: str, node: ua.NodeId) -> ua.VariantType:
        """The type in which the node takes its value, asked once."""
        if address not in self._kinds:
            self._kinds[address] = await self._ask_kind(address, node)
        return self._kinds[address]

    async def _ask_kind(self, address: str, node: ua.NodeId) -> ua.VariantType:
        attributes = (ua.AttributeIds.DataType, ua.AttributeIds.Value)
        wanted = [ua.ReadValueId(NodeId=node, AttributeId=each) for each in attributes]
        declared, present = await self._client.uaclient.read(ua.ReadParameters(NodesToRead=wanted))
        declared.StatusCode.check()
        kind = declared.Value.Value
        builtin = kind.NamespaceIndex == 0 and isinstance(kind.Identifier, int) and kind.Identifier < VARIANT
        if builtin:
            return ua.VariantType(kind.Identifier)
        if present.Value is not None and present.Value.Value is not None:
            return present.Value.VariantType  # an enumeration, a subtype or an abstract number, as it stands there now
        raise WriteError(f"{address} has no value yet that would tell its type; write it when the device has set it.")
