"""Independent clients of the vendors, and waiting for what they see."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import paho.mqtt.client as paho

DEADLINE = 15.0


async def eventually(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Returns when the condition holds; fails when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        await asyncio.sleep(0.01)


class MqttClient:
    """A paho client that keeps the last document of every topic and everything it received, in order."""

    def __init__(self, endpoint: str) -> None:
        self._address = urlsplit(endpoint)
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("acme/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed()
        self._client.on_disconnect = lambda *_: self._lost()
        self._client.on_message = self._message
        self.connected = False
        self.received: list[tuple[str, Any]] = []
        self.last: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(str(self._address.hostname), int(self._address.port or 0))
        self._client.loop_start()
        await eventually(lambda: self.connected)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def send(self, topic: str, payload: str) -> None:
        """Publishes at least once."""
        self._client.publish(topic, payload, qos=1)

    def _subscribed(self) -> None:
        self.connected = True

    def _lost(self) -> None:
        self.connected = False

    def _message(self, client: paho.Client, data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/status"):
            document = json.loads(message.payload)
            self.received.append((message.topic, document))
            self.last[message.topic] = document
