"""One MQTT session: paho on a network thread of its own, bridged to asyncio in batches."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from connectors.mqtt.inbox import Inbox, Messages
from connectors.mqtt.settings import Broker, MqttOptions, Who
from connectors.mqtt.wire import WiredClient, queue
from connectors.mqtt.words import lost, refused, unreachable
from twin.connector import ConnectorError, WriteError

logger = logging.getLogger(__name__)

FILTERS_AT_ONCE = 500
GATHERING = 0.01
"""Seconds for which messages that come fast are gathered at most, counted from the batch before."""
QUIET = 0.002
"""Seconds without a message that end the gathering: a broker may send no more before some are acknowledged."""
PAUSE = 0.001
"""Seconds that the socket fills when it is read more often than it pays."""
PING, PUBACK = b"\xc0\x00", b"\x40\x02"
SHORTLY = 2.0
"""Seconds between two readers after which the subscriptions are given up."""
CLOSING = 1.0
"""Seconds that a broker gets to take our DISCONNECT."""


class Session:
    """A connection to a broker, from `open` to `close`; used from one event loop.

    The network thread puts what comes into an inbox and wakes the loop once for all of it.  When the inbox is full it
    stops reading, so that TCP holds the sender back and memory stays bounded.
    """

    def __init__(self, where: Broker, options: MqttOptions, who: Who) -> None:
        self._broker = where
        self._options = options
        self._who = who
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._inbox = Inbox(options.queue, partial(self._loop.call_soon_threadsafe, self._arrived.set))
        self._refusals = Messages()
        self._given = 0.0  # when messages were last given to the reader, in the loop's time
        self._closing = False
        self._parting: ReasonCode | None = None  # what paho said of the end
        self._reason: str | None = None
        self._finished = asyncio.Event()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._writes: dict[int, asyncio.Future[None]] = {}  # sent and not yet acknowledged, by packet
        self._held: dict[str, None] = {}  # the filters asked for and not refused, in order
        self._subscriptions: dict[int, Sequence[str]] = {}  # asked for and not yet answered, by packet
        self._leaving: asyncio.TimerHandle | None = None
        self._client = self._paho()
        self._thread = threading.Thread(target=self._run, name=f"mqtt {where}", daemon=True)

    async def open(self) -> None:
        """Returns when the broker accepted the connection; raises `ConnectorError`."""
        self._thread.start()
        try:
            # Twice: the thread's own time-out for name, TCP and TLS, then as long again for the broker's answer.
            await asyncio.wait_for(self._opened, 2 * self._options.connect_timeout)
        except TimeoutError:
            await self.close()
            raise ConnectorError(
                f"{self._broker} took the connection and did not answer: check that it is an MQTT broker."
            ) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ends the session and its thread."""
        self._closing = True
        self._reason = self._reason or "The connection was closed."
        self._stay()
        self._inbox.release()
        self._client.disconnect()
        if not await self._ends_within(CLOSING):
            connected: Any = self._client.socket()
            with suppress(OSError, AttributeError):  # it may have gone in this very moment
                connected.shutdown(socket.SHUT_RDWR)
            await self._ends_within(CLOSING)
        if self._finished.is_set():
            self._thread.join()
        # The client closes its sockets when nothing refers to it: neither its own callbacks, through us, nor we.
        self._client.on_connect = self._client.on_disconnect = self._client.on_message = None
        self._client.on_publish = self._client.on_subscribe = self._client.on_socket_register_write = None
        del self._client

    def subscribe(self, filters: Sequence[str]) -> None:
        """Asks for these filters and no others; one that the broker refuses comes back as a message without a payload.

        A filter that is held already is not asked for again: its retained message would come a second time
        (MQTT 3.1.1, 3.8.4).
        """
        self._stay()
        wanted = dict.fromkeys(filters)
        self._unsubscribe([each for each in self._held if each not in wanted])
        new = [each for each in wanted if each not in self._held]
        self._held = wanted
        for some in _portions(new):
            _, mid = self._client.subscribe([(each, self._options.qos) for each in some])
            if mid is not None:
                self._subscriptions[mid] = some

    def leave(self) -> None:
        """Nobody reads on; unless somebody does shortly, the filters are given up and what waits is forgotten.

        A persistent session keeps them, so that the broker collects messages while we are away.
        """
        if not self._who.lasting:
            self._leaving = self._loop.call_later(SHORTLY, self._give_up)

    async def received(self) -> Messages:
        """All messages that wait, at least one; raises `ConnectorError` when the session ended and all are taken.

        A message that comes alone is given at once.  When they come fast they are gathered for a moment: each batch
        costs two switches of threads and a commit, as much as a hundred messages.
        """
        while (left := self._given + GATHERING - self._loop.time()) > 0:
            waiting = len(self._inbox)
            await asyncio.sleep(min(left, QUIET))
            if waiting and waiting == len(self._inbox):
                break
        while True:
            if len(self._refusals):
                refusals, self._refusals = self._refusals, Messages()
                return refusals
            if len(messages := self._inbox.take()):
                self._given = self._loop.time()
                return messages
            if self._reason is not None:
                raise ConnectorError(self._reason)
            self._arrived.clear()
            await self._arrived.wait()

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Acknowledges messages in the order they came (0: one that needs none); does nothing once the session has
        ended.

        A session never outlives its connection, so an acknowledgement cannot reach a later connection's messages.
        """
        if self._reason is None:
            self._acknowledge(self._client, mids)

    async def publish(self, topic: str, payload: bytes) -> None:
        """Returns when the broker acknowledged the message (QoS 1); raises `WriteError` or `ConnectorError`."""
        if self._reason is not None:
            raise ConnectorError(self._reason)
        info = self._client.publish(topic, payload, qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise WriteError(f"The message to {topic} could not be sent: {info.rc.name}.")
        acknowledged: asyncio.Future[None] = self._loop.create_future()
        self._writes[info.mid] = acknowledged
        try:
            await asyncio.wait_for(acknowledged, self._options.write_timeout)
        except TimeoutError:
            raise WriteError(
                f"{self._broker} did not acknowledge the message to {topic} "
                f"within {self._options.write_timeout:g} s; it may still arrive."
            ) from None
        finally:
            self._writes.pop(info.mid, None)

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _give_up(self) -> None:
        self._unsubscribe(list(self._held))
        self._held = {}
        self._inbox.take()

    def _unsubscribe(self, filters: Sequence[str]) -> None:
        for some in _portions(filters):
            self._client.unsubscribe(list(some))

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._finished.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _acknowledge(self, client: Client, mids: Iterable[int]) -> None:
        answered = [each for each in mids if each]
        packets = b"".join(PUBACK + each.to_bytes(2, "big") for each in answered)
        if answered and not queue(client, packets):
            for each in answered:
                client.ack(each, 1)

    # What the loop is told by the network thread.

    def _connected(self, code: ReasonCode) -> None:
        if self._opened.done():
            return
        if code.is_failure:
            self._opened.set_exception(ConnectorError(refused(self._broker, code, self._options)))
        else:
            self._opened.set_result(None)

    def _subscribed(self, mid: int, codes: Sequence[ReasonCode]) -> None:
        for each, code in zip(self._subscriptions.pop(mid, ()), codes, strict=False):
            if code.is_failure:
                logger.warning("%s refused the subscription to %s", self._broker, each)
                self._held.pop(each, None)
                self._refusals.add(each, None, time.time_ns(), 0)
                self._arrived.set()

    def _acknowledged(self, mid: int) -> None:
        future = self._writes.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(None)

    def _finish(self, reason: str) -> None:
        self._reason = self._reason or reason
        for future in (self._opened, *self._writes.values()):
            if not future.done():
                future.set_exception(ConnectorError(reason))
        if not self._opened.cancelled():
            self._opened.exception()  # looked at, so that a session closed while opening leaves no warning
        self._arrived.set()
        self._finished.set()

    # The network thread.

    def _paho(self) -> Client:
        options = self._options
        told: dict[str, Any] = {
            "callback_api_version": CallbackAPIVersion.VERSION2,
            "client_id": self._who.client_id,
            "clean_session": not self._who.lasting,
            "reconnect_on_failure": False,  # the supervisor alone retries
            "manual_ack": options.acknowledge == "stored",
        }
        client = WiredClient(self._inbox, self._took, **told) if options.reading == "bulk" else Client(**told)
        client.connect_timeout = options.connect_timeout
        if options.username:
            client.username_pw_set(options.username, options.password or None)
        if self._broker.tls:
            client.tls_set(options.ca_file or None)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        # With this hook set, paho leaves writing to the thread that runs `loop` instead of writing from ours as well.
        client.on_socket_register_write = lambda *_: None
        return client

    def _run(self) -> None:
        try:
            reason = self._serve()
        except OSError as error:
            reason = unreachable(self._broker, error, self._options)
        except Exception as error:  # paho lets malformed packets out as whatever its decoder raised
            reason = f"{self._broker} sent what is not MQTT 3.1.1 ({type(error).__name__}: {error})."
        self._post(self._finish, reason)

    def _serve(self) -> str:
        client, inbox = self._client, self._inbox
        client.connect(self._broker.host, self._broker.port, self._options.keepalive)
        if self._closing:
            client.disconnect()
        wire = client.wire if isinstance(client, WiredClient) else None
        pinged = time.monotonic()
        while True:
            if not inbox.room and not self._closing:
                inbox.wait_for_room(0.2)
                if time.monotonic() > pinged + self._options.keepalive / 2:  # else the broker takes us for dead
                    pinged = time.monotonic()
                    queue(client, PING)
                if client.want_write():
                    client.loop_write()
            elif client.loop(1.0) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return lost(self._broker, self._parting, self._options, self._who.client_id)
            elif wire is not None and wire.busy:
                wire.busy = False
                time.sleep(PAUSE)

    def _on_connect(self, client: Client, data: object, flags: object, code: ReasonCode, properties: object) -> None:
        self._post(self._connected, code)

    def _on_disconnect(self, client: Client, data: object, flags: object, code: ReasonCode, properties: object) -> None:
        self._parting = code

    def _on_subscribe(
        self, client: Client, data: object, mid: int, codes: Sequence[ReasonCode], properties: object
    ) -> None:
        self._post(self._subscribed, mid, codes)

    def _on_publish(self, client: Client, data: object, mid: int, code: object, properties: object) -> None:
        self._post(self._acknowledged, mid)

    def _took(self, mids: Sequence[int]) -> None:
        if self._options.acknowledge == "received":
            self._acknowledge(self._client, mids)

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            logger.warning("%s sent a topic that is not UTF-8; the message was dropped", self._broker)
            if message.qos:
                client.ack(message.mid, message.qos)
            return
        mid = message.mid if message.qos else 0
        self._inbox.put_one(topic, bytes(message.payload), mid, time.time_ns())

    def _post(self, callback: Callable[..., object], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop was closed without closing the session: nobody is left to tell
            self._closing = True
            self._client.disconnect()


def _portions(filters: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(filters), FILTERS_AT_ONCE):
        yield filters[start : start + FILTERS_AT_ONCE]
