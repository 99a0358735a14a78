"""A device behind a real mosquitto: a retained reading, and a topic it takes commands from."""

from __future__ import annotations

import json
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from connectors.mqtt.connector import MqttConnector
from tests.mosquitto import Mosquitto
from twin.connector import AddressBinding, ConnectionSettings


class MqttDevice:
    """See `tests.contracts.connector.Device`."""

    connector = MqttConnector
    reading = AddressBinding("reading", "plant/boiler/status")
    command = AddressBinding("command", "plant/boiler/status", write_address="plant/boiler/set")
    malformed = ("", "plant/#", "plant/boiler+/status", "plant/\0")
    samples_itself = False

    def __init__(self, program: Path, directory: Path) -> None:
        self._broker = Mosquitto(program, directory)
        self._client: Client | None = None
        self._told: float | None = None
        self.settings = ConnectionSettings("plant", self._broker.endpoint)

    def start(self) -> None:
        if self._client is not None:
            return
        self._broker.start()
        self._client = client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.on_message = self._take
        client.connect("127.0.0.1", self._broker.port)
        client.subscribe(self.command.write_address or "", qos=1)
        client.loop_start()
        self.change(0)

    def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()
        self._broker.stop()

    def change(self, value: float) -> None:
        assert self._client is not None
        message = json.dumps({"temperature": value})
        self._client.publish(self.reading.address, message, qos=1, retain=True).wait_for_publish(10)

    def written(self) -> float | None:
        return self._told

    def number(self, raw: object) -> float:
        assert isinstance(raw, bytes)
        return float(json.loads(raw)["temperature"])

    def raw(self, value: float) -> bytes:
        return json.dumps({"value": value}).encode()

    def _take(self, client: Client, data: object, message: MQTTMessage) -> None:
        self._told = json.loads(message.payload)["value"]
