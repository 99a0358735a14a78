"""Vendor A as any MQTT client sees it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from connectors.simulator.physics import Office
from connectors.simulator.vendor_a import VendorA
from connectors.simulator.vendor_a_points import POINTS
from connectors.simulator.writes import Writes
from tests.connectors.simulator.clients import MqttClient, eventually

AHU = "acme/hq/ahu/1/status"
SETPOINT = "acme/hq/ahu/1/set/sat_sp"


@pytest.fixture
def office() -> Office:
    return Office(1)


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
async def vendor(office: Office, writes: Writes) -> AsyncIterator[VendorA]:
    vendor = VendorA(office, writes)
    await vendor.start()
    yield vendor
    await vendor.stop()


async def test_every_device_publishes_its_status_with_the_time_of_its_sampling(vendor: VendorA) -> None:
    async with MqttClient(vendor.endpoint) as client:
        await vendor.publish()
        await eventually(lambda: set(client.last) == {point.topic for point in POINTS})
    assert client.last[AHU]["ts"] / 1000 == pytest.approx(time.time(), abs=30)


async def test_quantities_are_in_the_vendors_own_units_and_words(vendor: VendorA, office: Office) -> None:
    async with MqttClient(vendor.endpoint) as client:
        await vendor.publish()
        await eventually(lambda: AHU in client.last)
    status, signals = client.last[AHU], office.signals()
    assert status["sat_f"] == pytest.approx(signals["ahu-1:supply-air-temperature"] * 1.8 + 32, abs=0.001)
    assert status["duct"]["dsp_inwc"] == pytest.approx(signals["ahu-1:supply-air-static-pressure"] / 249.0889, rel=1e-3)
    assert status["duct"]["flow_cfm"] == pytest.approx(signals["ahu-1:supply-air-flow"] * 2.11888, rel=1e-3)
    assert status["fan"]["st"] == "RUN"
    assert status["mode"] == "AUTO"


async def test_a_setting_takes_effect_and_the_next_status_carries_it(
    vendor: VendorA, office: Office, writes: Writes
) -> None:
    async with MqttClient(vendor.endpoint) as client:
        client.send(SETPOINT, '{"v": 57.2}')
        await eventually(lambda: AHU in client.last)
    assert client.last[AHU]["sat_sp_f"] == 57.2
    assert office.setting("ahu-1:supply-air-temperature-setpoint") == pytest.approx(14.0)
    (row,) = writes.rows()
    assert (row["vendor"], row["address"], row["value"], row["taken"]) == ("vendor-a", SETPOINT, 57.2, True)


async def test_a_mode_is_set_by_its_word(vendor: VendorA, office: Office) -> None:
    async with MqttClient(vendor.endpoint) as client:
        client.send("acme/hq/ahu/1/set/mode", '{"v": "HAND"}')
        await eventually(lambda: AHU in client.last)
    assert client.last[AHU]["mode"] == "HAND"
    assert office.setting("ahu-1:operating-mode") == 2


@pytest.mark.parametrize(
    "payload", ['{"v": 157.0}', '{"v": "warm"}', '{"v": true}', '{"w": 57}', "warm", "", "[]", "\x00"]
)
async def test_what_a_device_cannot_take_is_recorded_and_changes_nothing(
    vendor: VendorA, office: Office, writes: Writes, payload: str
) -> None:
    async with MqttClient(vendor.endpoint) as client:
        client.send(SETPOINT, payload)
        await eventually(lambda: len(writes.rows()) == 1)
    assert writes.rows()[0]["taken"] is False
    assert writes.rows()[0]["reason"]
    assert office.setting("ahu-1:supply-air-temperature-setpoint") == 16.0


async def test_a_stopped_broker_cuts_its_clients_off_and_comes_back_on_the_same_port(vendor: VendorA) -> None:
    endpoint = vendor.endpoint
    async with MqttClient(endpoint) as client:
        await vendor.stop()
        await eventually(lambda: not client.connected)
        await vendor.publish()
        await vendor.start()
        assert vendor.endpoint == endpoint
        await eventually(lambda: client.connected)
        await vendor.publish()
        await eventually(lambda: AHU in client.last)


async def test_a_port_in_use_is_said(vendor: VendorA, office: Office) -> None:
    port = int(vendor.endpoint.rpartition(":")[2])
    with pytest.raises(OSError, match=str(port)):
        await VendorA(office, Writes(), port).start()
