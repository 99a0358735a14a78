from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.http.device import NginxDevice
from tests.connectors.mqtt.device import MqttDevice
from tests.connectors.opcua.device import OpcUaDevice
from tests.contracts.connector import ConnectorContract
from tests.peers import peer


@pytest.mark.peer
class TestMqttWithMosquitto(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def device(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttDevice]:
        device = MqttDevice(peer("mosquitto"), tmp_path_factory.mktemp("mosquitto"))
        yield device
        device.stop()


@pytest.mark.peer
class TestHttpWithNginx(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def device(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxDevice]:
        device = NginxDevice(peer("nginx"), tmp_path_factory.mktemp("nginx"))
        yield device
        device.stop()


class TestOpcUaWithAsyncuasServer(ConnectorContract):
    @pytest.fixture(scope="class")
    @classmethod
    def device(cls) -> Iterator[OpcUaDevice]:
        device = OpcUaDevice()
        yield device
        device.server.close()
