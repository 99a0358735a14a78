"""Vendor A: a broker on loopback, and devices that publish their status there and listen for new settings.

Topics ``acme/hq/<kind>/<number>/status`` carry JSON in degrees Fahrenheit, cubic feet a minute and inches of water;
``.../set/<name>`` takes ``{"v": <value>}`` and is answered by the next status, at once.
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from connectors.simulator.broker import EmbeddedBroker
from connectors.simulator.physics import Office
from connectors.simulator.vendor_a_points import POINTS, TIME_PATH, WRITE_PATH, MqttPoint
from connectors.simulator.writes import Writes


class VendorA:
    """Vendor A's side of the office.  ``port`` 0 picks a free one, which is kept over stops and starts."""

    name = "vendor-a"

    def __init__(self, office: Office, writes: Writes, port: int = 0) -> None:
        self._office = office
        self._writes = writes
        self._broker = EmbeddedBroker(port, self._received)
        self._by_topic: dict[str, list[MqttPoint]] = {}
        for point in POINTS:
            self._by_topic.setdefault(point.topic, []).append(point)
        self._settings = {point.set_topic: point for point in POINTS if point.set_topic}

    @property
    def endpoint(self) -> str:
        """Where to connect, e.g. ``mqtt://127.0.0.1:40123``."""
        return f"mqtt://127.0.0.1:{self._broker.port}"

    async def start(self) -> None:
        """Opens the broker; returns at once when it is open."""
        await self._broker.start()

    async def stop(self) -> None:
        """Cuts every client off and closes the broker; returns at once when it is closed."""
        await self._broker.stop()

    async def publish(self) -> None:
        """Sends the status of every device as it stands now."""
        for topic in self._by_topic:
            await self._status(topic)

    async def _status(self, topic: str) -> None:
        signals = self._office.signals()
        payload: dict[str, Any] = {TIME_PATH: time.time_ns() // 1_000_000}
        for point in self._by_topic[topic]:
            inner = payload
            *parents, leaf = point.path.split(".")
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[leaf] = point.coding.encode(signals[point.point])
        await self._broker.publish(topic, orjson.dumps(payload))

    async def _received(self, topic: str, payload: bytes) -> None:
        point = self._settings.get(topic)
        if point is None:
            return
        raw: object = None
        try:
            document = orjson.loads(payload)
            raw = document[WRITE_PATH] if isinstance(document, dict) and WRITE_PATH in document else document
            self._office.command(point.point, point.coding.decode(raw))
        except ValueError as error:  # what cannot be read or taken is recorded and, as such devices do, not answered
            self._writes.refused(self.name, topic, payload.decode(errors="replace"), str(error))
            return
        self._writes.taken(self.name, topic, raw)
        await self._status(point.topic)
