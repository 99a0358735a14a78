"""Vendor B as any OPC UA client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import Client, ua

from connectors.simulator.physics import Office
from connectors.simulator.vendor_b import VendorB
from connectors.simulator.vendor_b_points import NAMESPACE, POINTS
from connectors.simulator.writes import Writes
from tests.connectors.simulator.clients import eventually

SETPOINT = "ns=2;s=AHU02.TSupplySet"


@pytest.fixture
def office() -> Office:
    return Office(1)


@pytest.fixture
def writes() -> Writes:
    return Writes()


@pytest.fixture
async def vendor(office: Office, writes: Writes) -> AsyncIterator[VendorB]:
    vendor = VendorB(office, writes)
    await vendor.start()
    yield vendor
    await vendor.stop()


@pytest.fixture
async def client(vendor: VendorB) -> AsyncIterator[Client]:
    async with Client(vendor.endpoint) as client:
        yield client


class Notes:
    """What a subscription was told."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Any, int]] = []

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        told = data.monitored_item.Value
        self.rows.append((node.nodeid.to_string(), value, told.StatusCode.value))


async def test_it_can_be_browsed_by_device(client: Client) -> None:
    assert NAMESPACE in await client.get_namespace_array()
    devices = {(await node.read_browse_name()).Name: node for node in await client.nodes.objects.get_children()}
    assert {"Server", "AHU01", "AHU02", "VAV206", "CH01", "BENCH"} <= set(devices)
    names = {(await node.read_browse_name()).Name for node in await devices["CH01"].get_children()}
    assert names == {"TLeaving", "TEntering", "TLeavingSet", "PowerEl", "State"}


async def test_every_node_has_a_good_value_with_the_time_of_its_sampling(client: Client, vendor: VendorB) -> None:
    before = datetime.now(UTC)
    await vendor.refresh()
    for value in [await client.get_node(point.address).read_data_value() for point in POINTS]:
        assert value.StatusCode is not None
        assert value.StatusCode.is_good()
        assert value.SourceTimestamp is not None
        assert value.SourceTimestamp.replace(tzinfo=UTC) >= before


async def test_quantities_are_in_the_vendors_own_units_and_codes(client: Client, office: Office) -> None:
    signals = office.signals()
    expected = {
        "AHU02.TSupply": signals["ahu-2:supply-air-temperature"],
        "AHU02.PDuct": signals["ahu-2:supply-air-static-pressure"] / 1000,
        "AHU02.QSupply": signals["ahu-2:supply-air-flow"] * 3.6,
        "AHU02.YDamper": signals["ahu-2:outside-air-damper-position"] / 100,
        "CH01.PowerEl": signals["chiller-1:electric-power"] * 1000,
    }
    for name, value in expected.items():
        assert await client.get_node(f"ns=2;s={name}").read_value() == pytest.approx(value, rel=1e-3)
    assert await client.get_node("ns=2;s=AHU02.OpMode").read_value() == 3
    assert await client.get_node("ns=2;s=AHU02.FanState").read_value() == 1
    assert await client.get_node("ns=2;s=RTU01.Nameplate").read_value() == "Rooftop unit 1"


async def test_a_subscription_is_told_of_new_samples(client: Client, vendor: VendorB, office: Office) -> None:
    notes = Notes()
    subscription = await client.create_subscription(50, notes)
    await subscription.subscribe_data_change([client.get_node("ns=2;s=AHU02.TReturn")])
    await eventually(lambda: len(notes.rows) == 1)
    office.step(60)
    await vendor.refresh()
    await eventually(lambda: len(notes.rows) == 2)
    assert notes.rows[0][1] != notes.rows[1][1]


async def test_a_write_takes_effect_and_is_reflected_at_once(client: Client, office: Office, writes: Writes) -> None:
    await client.get_node(SETPOINT).write_value(18.5)
    assert await client.get_node(SETPOINT).read_value() == 18.5
    assert office.setting("ahu-2:supply-air-temperature-setpoint") == 18.5
    (row,) = writes.rows()
    assert (row["vendor"], row["address"], row["value"], row["taken"]) == ("vendor-b", SETPOINT, 18.5, True)


async def test_the_unit_that_replaces_vendor_as_moves_the_same_air_handler(client: Client, office: Office) -> None:
    await client.get_node("ns=2;s=AHU01.TSupplySet").write_value(14.5)
    assert office.setting("ahu-1:supply-air-temperature-setpoint") == 14.5


async def test_a_mode_is_set_by_its_code_and_no_other(client: Client, office: Office) -> None:
    node = client.get_node("ns=2;s=AHU02.OpMode")
    await node.write_value(2, ua.VariantType.Int32)
    assert office.setting("ahu-2:operating-mode") == 2
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await node.write_value(7, ua.VariantType.Int32)
    assert refused.value.code == ua.StatusCodes.BadOutOfRange


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("AHU02.TSupplySet", 50.0, ua.StatusCodes.BadOutOfRange),
        ("AHU02.TSupplySet", "warm", ua.StatusCodes.BadTypeMismatch),
        ("AHU02.TSupply", 18.0, ua.StatusCodes.BadUserAccessDenied),
    ],
)
async def test_a_wrong_write_is_refused_with_the_reason(
    client: Client, office: Office, name: str, value: object, status: int
) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.get_node(f"ns=2;s={name}").write_value(value)
    assert refused.value.code == status
    assert office.setting("ahu-2:supply-air-temperature-setpoint") == 16.0


async def test_a_device_that_cannot_be_reached_says_so_until_it_is_back(client: Client, vendor: VendorB) -> None:
    bench, leaving = client.get_node("ns=2;s=BENCH.CommsLossCH01"), client.get_node("ns=2;s=CH01.TLeaving")
    await bench.write_value(True)
    await vendor.refresh()
    lost = await leaving.read_data_value(raise_on_bad_status=False)
    assert lost.StatusCode is not None
    assert lost.StatusCode.value == ua.StatusCodes.BadCommunicationError
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await client.get_node("ns=2;s=CH01.TLeavingSet").write_value(8.0)
    assert refused.value.code == ua.StatusCodes.BadCommunicationError
    assert await client.get_node("ns=2;s=BO01.TLeaving").read_value() > 0
    await bench.write_value(False)
    await vendor.refresh()
    assert await leaving.read_value() > 0


async def test_a_fault_is_injected_through_the_bench(client: Client, office: Office) -> None:
    await client.get_node("ns=2;s=BENCH.StuckDamperAHU01").write_value(True)
    assert office.faults == {"stuck-damper-ahu-1"}


async def test_a_stopped_server_comes_back_on_the_same_port_with_its_settings(vendor: VendorB, office: Office) -> None:
    endpoint = vendor.endpoint
    async with Client(endpoint) as client:
        await client.get_node(SETPOINT).write_value(18.0)
    await vendor.stop()
    with pytest.raises(ConnectionRefusedError):
        await Client(endpoint).connect()
    await vendor.refresh()
    await vendor.start()
    assert vendor.endpoint == endpoint
    async with Client(endpoint) as client:
        assert await client.get_node(SETPOINT).read_value() == 18.0


async def test_a_port_in_use_is_said(vendor: VendorB, office: Office) -> None:
    port = int(vendor.endpoint.split(":")[2].partition("/")[0])
    with pytest.raises(OSError, match="in use"):
        await VendorB(office, Writes(), port).start()
