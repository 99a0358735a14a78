"""The supervisor makes what runs be what the plans say, and touches only what differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.bindings.fake import CONNECTORS, Device, until
from twin.bindings.health import ConnectionHealth
from twin.bindings.plan import BoundProperty, ConnectionPlan
from twin.bindings.supervisor import Supervisor
from twin.clock import SystemClock
from twin.errors import InvalidInput, NotFound, Unavailable
from twin.observation import ObservationBatch


def row(series: int, address: str, **fields: Any) -> BoundProperty:
    return BoundProperty(
        f"urn:p{series}", series, f"urn:p{series}#binding", address, write_address=f"{address}/set", **fields
    )


def plan(name: str, *rows: BoundProperty, protocol: str = "fake") -> ConnectionPlan:
    return ConnectionPlan(f"urn:{name}", f"Vendor {name}", protocol, f"fake://{name}", {"client_id": "us"}, rows)


class Plant:
    """Two vendors' devices and a supervisor of what is bound to them."""

    def __init__(self) -> None:
        self.a, self.b = Device("fake://a"), Device("fake://b")
        self.taken: list[tuple[int, float]] = []
        self.heard: list[ConnectionHealth] = []
        self.supervisor = Supervisor(
            CONNECTORS, self.deliver, self.heard.append, SystemClock(), handover=5.0, first_pause=0.005
        )

    async def deliver(self, batch: ObservationBatch, acknowledge: Callable[[], None] | None) -> None:
        self.taken.extend(zip(batch.series.tolist(), batch.value.tolist(), strict=True))
        if acknowledge is not None:
            acknowledge()


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    plant = Plant()
    yield plant
    await plant.supervisor.close()
    assert plant.a.connections == plant.b.connections == []


async def test_connections_start_and_stop_with_their_plans(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x")), plan("b", row(2, "y"))])
    await until(lambda: plant.a.listens_to("x") and plant.b.listens_to("y"))
    plant.a.send(("x", b"1"))
    plant.b.send(("y", b"2"))
    await until(lambda: sorted(plant.taken) == [(1, 1.0), (2, 2.0)])
    assert [health.name for health in plant.supervisor.health()] == ["Vendor a", "Vendor b"]
    await plant.supervisor.configure([plan("b", row(2, "y"))])
    assert plant.a.connections == []
    assert [health.name for health in plant.supervisor.health()] == ["Vendor b"]
    assert plant.heard[-1].state == "STOPPED"
    assert plant.heard[-1].series == (1,)
    assert len(plant.b.identities) == 1


async def test_a_device_forgets_a_connection_that_is_gone_and_not_one_that_is_stopped(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x")), plan("b", row(2, "y"))])
    await plant.supervisor.configure([plan("b", row(2, "y"))])
    await until(lambda: plant.a.forgotten == ["urn:a"])
    await plant.supervisor.close()
    assert plant.b.forgotten == []


async def test_equal_plans_change_nothing(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x"))])
    await until(lambda: plant.a.listens_to("x"))
    heard = len(plant.heard)
    await plant.supervisor.configure([plan("a", row(1, "x"))])
    assert (len(plant.heard), len(plant.a.identities), len(plant.a.subscriptions)) == (heard, 1, 1)


async def test_another_endpoint_is_another_connection(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x"))])
    await until(lambda: plant.a.listens_to("x"))
    await plant.supervisor.configure([replace(plan("a", row(1, "x")), endpoint="fake://b")])
    await until(lambda: plant.b.listens_to("x"))
    assert plant.a.connections == []


async def test_writes_go_where_the_property_is_bound(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x")), plan("b", row(2, "y"))])
    await until(lambda: plant.a.listens_to("x") and plant.b.listens_to("y"))
    await plant.supervisor.write("urn:p2", 5.0)
    assert (plant.a.writes, plant.b.writes) == ([], [("y/set", b"5")])
    with pytest.raises(NotFound):
        await plant.supervisor.write("urn:p3", 5.0)
    bound = plant.supervisor.bound("urn:p2")
    connection = plant.supervisor.connection_of("urn:p2")
    assert bound is not None
    assert connection is not None
    assert (bound.address, connection.id) == ("y", "urn:b")
    assert plant.supervisor.bound("urn:p3") is plant.supervisor.connection_of("urn:p3") is None


async def test_a_moved_property_is_read_on_both_sides_until_the_new_one_speaks(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x"), row(3, "z")), plan("b", row(2, "y"))])
    await until(lambda: plant.a.listens_to("x") and plant.b.listens_to("y"))
    moving = asyncio.create_task(
        plant.supervisor.configure([plan("a", row(3, "z")), plan("b", row(2, "y"), row(1, "x-b"))])
    )
    await until(lambda: plant.b.listens_to("x-b"))
    await plant.supervisor.write("urn:p1", 7.0)
    assert (plant.a.writes, plant.b.writes) == ([], [("x-b/set", b"7")])
    plant.a.send(("x", b"1"))
    await until(lambda: plant.taken == [(1, 1.0)])
    assert not moving.done()
    plant.b.send(("x-b", b"2"))
    await moving
    plant.a.send(("x", b"3"), ("z", b"4"))
    plant.b.send(("x-b", b"5"))
    await until(lambda: {(3, 4.0), (1, 5.0)} <= set(plant.taken))
    assert (1, 3.0) not in plant.taken
    assert (len(plant.a.identities), len(plant.a.subscriptions)) == (1, 1)
    assert {health.id: health.series for health in plant.supervisor.health()} == {"urn:a": (3,), "urn:b": (2, 1)}


async def test_a_silent_new_side_does_not_hold_the_move_for_ever(plant: Plant) -> None:
    supervisor = Supervisor(CONNECTORS, plant.deliver, plant.heard.append, SystemClock(), handover=0.01)
    await supervisor.configure([plan("a", row(1, "x")), plan("b", row(2, "y"))])
    await until(lambda: plant.a.listens_to("x") and plant.b.listens_to("y"))
    await supervisor.configure([plan("a"), plan("b", row(2, "y"), row(1, "x-b"))])
    plant.a.send(("x", b"1"))
    await until(lambda: next(each for each in supervisor.health() if each.id == "urn:a").received == 1)
    assert plant.taken == []
    await supervisor.close()


async def test_a_dead_old_side_is_left_at_once(plant: Plant) -> None:
    plant.a.up = False
    await plant.supervisor.configure([plan("a", row(1, "x")), plan("b", row(2, "y"))])
    await until(lambda: plant.b.listens_to("y"))
    async with asyncio.timeout(4):
        await plant.supervisor.configure([plan("a"), plan("b", row(2, "y"), row(1, "x-b"))])
    await until(lambda: plant.b.listens_to("x-b"))


async def test_an_unknown_protocol_is_shown_with_the_known_ones_and_stops_nothing_else(plant: Plant) -> None:
    await plant.supervisor.configure([plan("c", row(3, "z"), protocol="fakes"), plan("a", row(1, "x"))])
    await until(lambda: plant.a.listens_to("x"))
    health = plant.supervisor.find("urn:c")
    assert health is not None
    assert (health.state, health.series) == ("STOPPED", (3,))
    assert "Did you mean 'fake'?" in health.error
    assert "fake, nodes" in health.error
    with pytest.raises(Unavailable, match="No connector speaks 'fakes'"):
        await plant.supervisor.write("urn:p3", 1.0)
    await plant.supervisor.configure([plan("a", row(1, "x"))])
    assert plant.supervisor.find("urn:c") is None


async def test_a_property_bound_twice_is_read_once(plant: Plant) -> None:
    await plant.supervisor.configure([plan("a", row(1, "x")), plan("b", row(1, "y"), row(2, "y"))])
    assert [health.series for health in plant.supervisor.health()] == [(1,), (2,)]


async def test_a_device_may_remember_each_connection_of_a_server_by_a_name_of_its_own(plant: Plant) -> None:
    def identities() -> list[str]:
        return [each.settings.identity for device in (plant.a, plant.b) for each in device.connections]

    found = []
    for identity in ("one", "one", "two"):
        supervisor = Supervisor(CONNECTORS, plant.deliver, plant.heard.append, SystemClock(), identity=identity)
        await supervisor.configure([plan("a", row(1, "x")), plan("b", row(2, "y"))])
        await until(lambda: plant.a.listens_to("x") and plant.b.listens_to("y"))
        found.append(identities())
        await supervisor.close()
    first, again, other = found
    assert first == again
    assert len({*first, *other}) == 4
    assert all(each.isalnum() and len(each) > 20 for each in first + other)


async def test_a_worker_beside_the_others_has_its_own_identity_and_shows_nothing(plant: Plant) -> None:
    await plant.supervisor.configure([plan("b", row(2, "y"))])
    await until(lambda: plant.b.listens_to("y"))
    seen: list[float] = []

    async def collect(batch: ObservationBatch, _acknowledge: Callable[[], None] | None) -> None:
        seen.extend(batch.value.tolist())

    heard = len(plant.heard)
    async with plant.supervisor.beside(plan("b", row(1, "x-b")), collect) as worker:
        await until(lambda: plant.b.listens_to("x-b"))
        plant.b.send(("x-b", b"4"))
        await until(lambda: seen == [4.0])
        assert "client_id" not in worker.plan.options
        assert plant.b.connections[-1].settings.identity == ""
    assert plant.taken == []
    assert len(plant.heard) == heard
    assert plant.b.identities[0] == "urn:b"
    assert plant.b.identities[1].startswith("urn:b:beside-")
    assert len(plant.b.connections) == 1
    with pytest.raises(InvalidInput):
        async with plant.supervisor.beside(plan("b", protocol="telex"), collect):
            pass
