"""The OPC UA connector against a server written by others, in another language."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.opcua.connector import OpcUaConnector
from tests.contracts.connector import ConnectorContract, sampling
from tests.interop.node_opcua import NodeOpcUaDevice
from tests.peers import peer
from twin.connector import AddressBinding, WriteError
from twin.observation import Quality


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeOpcUaDevice]:
    device = NodeOpcUaDevice(peer("node-opcua"), tmp_path_factory.mktemp("node-opcua"))
    yield device
    device.stop()


def node(name: str) -> AddressBinding:
    return AddressBinding(name, f"ns=2;s={name}", write_address=f"ns=2;s={name}")


@pytest.mark.peer
class TestOpcUaWithNodeOpcUa(ConnectorContract):
    @pytest.fixture
    def device(self, device: NodeOpcUaDevice) -> NodeOpcUaDevice:
        return device

    async def test_a_status_of_the_device_becomes_its_quality(self, device: NodeOpcUaDevice) -> None:
        device.give("Temperature", 19.0, "UncertainLastUsableValue")
        async with OpcUaConnector(device.settings) as connector, sampling(connector, device.reading) as until:
            (first,) = await until(bool)
            device.give("Temperature", 19.0, "BadSensorFailure")
            seen = await until(lambda seen: len(seen) > 1)
        device.change(0)
        assert (first.value, first.quality) == (19.0, Quality.STALE)
        assert seen[-1].quality == Quality.DEVICE_FAULT

    async def test_a_source_time_comes_with_the_value(self, device: NodeOpcUaDevice) -> None:
        device.change(1)
        async with OpcUaConnector(device.settings) as connector, sampling(connector, device.reading) as until:
            (first,) = await until(bool)
        assert 0 <= first.received - first.time < 60 * 10**9

    @pytest.mark.parametrize(("name", "value"), [("Mode", 3), ("Running", False), ("Label", "run"), ("Setpoint", 21)])
    async def test_a_write_arrives_in_the_type_of_the_node(
        self, device: NodeOpcUaDevice, name: str, value: object
    ) -> None:
        async with OpcUaConnector(device.settings) as connector:
            await connector.write(node(name), value)
        assert device.present(name) == value

    @pytest.mark.parametrize(("name", "status"), [("Speed", "Bad"), ("Nowhere", "BadNodeIdUnknown")])
    async def test_a_refused_write_gives_the_name_of_the_status(
        self, device: NodeOpcUaDevice, name: str, status: str
    ) -> None:
        async with OpcUaConnector(device.settings) as connector:
            with pytest.raises(WriteError, match=status):
                await connector.write(node(name), 1)

    async def test_discovery_finds_the_variables(self, device: NodeOpcUaDevice) -> None:
        async with OpcUaConnector(device.settings) as connector:
            found = {each.name: each async for each in connector.discover()}
        assert found["Plant/Setpoint"].address == "nsu=urn:test:plant;s=Setpoint"
        assert found["Plant/Setpoint"].writable
        assert not found["Plant/Speed"].writable
