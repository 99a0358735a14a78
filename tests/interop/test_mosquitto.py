"""The MQTT connector against mosquitto as it comes, with its limits on what is in flight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from connectors.mqtt.connector import MqttConnector
from tests.contracts.connector import sampling
from tests.mosquitto import Mosquitto
from tests.peers import peer
from twin.connector import AddressBinding, ConnectionSettings

MESSAGES = 3000
STOCK = "max_inflight_messages 20\nmax_queued_messages 10000\n"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(peer("mosquitto"), tmp_path_factory.mktemp("stock"), configuration=STOCK) as broker:
        yield broker


@pytest.mark.peer
@pytest.mark.parametrize("acknowledge", ["received", "stored"])
async def test_every_message_at_qos_1_arrives_once_and_in_the_brokers_order(
    broker: Mosquitto, acknowledge: str
) -> None:
    options = {"acknowledge": acknowledge, "client_id": f"reader-{acknowledge}"}
    binding = AddressBinding("n", f"numbers/{acknowledge}", write_address=f"numbers/{acknowledge}")
    publisher = Client(CallbackAPIVersion.VERSION2)
    publisher.connect("127.0.0.1", broker.port)
    publisher.loop_start()
    try:
        async with (
            MqttConnector(ConnectionSettings("stock", broker.endpoint, options)) as connector,
            sampling(connector, binding) as until,
        ):
            publisher.publish(binding.address, "first", qos=1, retain=True).wait_for_publish(10)
            await until(bool)
            sent = [publisher.publish(binding.address, str(number), qos=1) for number in range(MESSAGES)]
            seen = await until(lambda seen: seen[-1].value == str(MESSAGES - 1).encode())
            sent[-1].wait_for_publish(10)
    finally:
        publisher.disconnect()
        publisher.loop_stop()
    numbers = [each.value for each in seen if each.value != b"first"]
    if acknowledge == "received":
        # This mosquitto lets newer messages go first when acknowledgements reach it while its queue is long.
        numbers.sort(key=int)
    assert numbers == [str(number).encode() for number in range(MESSAGES)]
