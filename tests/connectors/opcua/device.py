"""A device with an OPC UA server in it."""

from __future__ import annotations

from connectors.opcua.connector import OpcUaConnector
from tests.connectors.opcua.server import OpcUaServer
from twin.connector import AddressBinding, ConnectionSettings


class OpcUaDevice:
    """See `tests.contracts.connector.Device`."""

    connector = OpcUaConnector
    reading = AddressBinding("reading", "ns=2;s=Temperature")
    command = AddressBinding("command", "ns=2;s=Setpoint", write_address="nsu=urn:test:plant;s=Setpoint")
    malformed = ("", "Temperature", "ns=2;Temperature", "ns=70000;i=1", "i=4294967296", "g=1234", "ns=2;b=%")
    samples_itself = False

    def __init__(self) -> None:
        self.server = OpcUaServer()
        self.settings = ConnectionSettings("plant", self.server.endpoint, {"publishing": "0.05"})

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    def change(self, value: float) -> None:
        self.server.give("Temperature", float(value))

    def written(self) -> float | None:
        value, _ = self.server.present("Setpoint")
        assert isinstance(value, float)
        return value

    def number(self, raw: object) -> float:
        assert isinstance(raw, float)
        return raw

    def raw(self, value: float) -> float:
        return value
