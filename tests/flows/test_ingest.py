"""Ingest: committed, then shown, then told, then acknowledged."""

from __future__ import annotations

import asyncio

import pytest

from tests.bindings.fake import until
from tests.flows.plant import Ear, MemoryHistory, running
from twin.bindings.health import ConnectionHealth, ConnectionState
from twin.bus import Topic
from twin.clock import ManualClock
from twin.errors import Unavailable
from twin.flows.ingest import Ingest, availability
from twin.observation import ObservationBatch, Quality
from twin.telemetry.latest import LatestTable
from twin.telemetry.quality import Ranges, check


def a_batch(clock: ManualClock, value: float = 21.0, series: int = 1) -> ObservationBatch:
    return ObservationBatch.of([(series, clock.now(), value, 0, clock.now())])


class Flow:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.latest = LatestTable(self.clock)
        self.history = MemoryHistory()
        self.told: Topic[ObservationBatch] = Topic()
        ranges = Ranges.of({1: (0.0, 50.0)})
        self.ingest = Ingest(self.latest, self.history, self.told, self.clock, lambda b, now: check(b, ranges, now))


async def test_nothing_is_shown_told_or_acknowledged_before_it_is_committed() -> None:
    flow, done = Flow(), []
    ear = Ear(flow.told)
    flow.history.gate.clear()
    delivering = asyncio.create_task(flow.ingest.deliver(a_batch(flow.clock), lambda: done.append("acknowledged")))
    await until(lambda: flow.ingest.counts.waiting == 1)
    assert (flow.latest.live(1, 60).value, ear.heard, done) == (None, [], [])
    flow.history.gate.set()
    await delivering
    assert flow.latest.live(1, 60).value == 21.0
    assert done == ["acknowledged"]
    await until(lambda: len(ear.heard) == 1)
    assert flow.history.batches == ear.heard
    await ear.close()


async def test_a_batch_that_is_offered_again_is_not_judged_again() -> None:
    flow, judged = Flow(), []
    flow.ingest = Ingest(
        flow.latest, flow.history, flow.told, flow.clock, lambda batch, _now: judged.append(batch) or batch
    )  # fmt: skip
    batch = a_batch(flow.clock)
    flow.history.fault = Unavailable("The disk is full.")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await flow.ingest.deliver(batch)
    flow.history.fault = None
    await flow.ingest.deliver(batch)
    assert len(judged) == 1
    await flow.ingest.deliver(batch)
    assert len(judged) == 2


async def test_what_the_history_refuses_is_not_shown_and_not_acknowledged_and_is_counted() -> None:
    flow, done = Flow(), []
    flow.history.fault = Unavailable("The disk is full.")
    with pytest.raises(Unavailable):
        await flow.ingest.deliver(a_batch(flow.clock), lambda: done.append("acknowledged"))
    assert (flow.latest.live(1, 60).value, done) == (None, [])
    assert (flow.ingest.counts.refused, flow.ingest.counts.error) == (1, "The disk is full.")
    flow.history.fault = None
    await flow.ingest.deliver(a_batch(flow.clock))
    counts = flow.ingest.counts
    assert (counts.batches, counts.observations, counts.refused, counts.waiting, counts.error) == (1, 1, 1, 0, "")


async def test_values_are_checked_before_they_are_kept() -> None:
    flow = Flow()
    await flow.ingest.deliver(a_batch(flow.clock, 99.0))
    assert flow.history.batches[0].quality.tolist() == [Quality.OUT_OF_RANGE]
    assert flow.latest.live(1, 60).quality == Quality.OUT_OF_RANGE
    assert flow.ingest.counts.uncertain_or_bad == 1


async def test_batches_may_arrive_at_the_same_time() -> None:
    flow = Flow()
    await asyncio.gather(*(flow.ingest.deliver(a_batch(flow.clock, float(n), n)) for n in range(1, 40)))
    assert [flow.latest.live(n, 60).value for n in range(1, 40)] == [float(n) for n in range(1, 40)]
    assert flow.ingest.counts.observations == 39


def health(state: ConnectionState, since: int, *series: int, time: int = 0) -> ConnectionHealth:
    return ConnectionHealth("urn:c", "C", "fake", "fake://c", state, since, series=series, time=time)


async def test_a_lost_connection_makes_its_values_unavailable_until_they_come_again() -> None:
    flow = Flow()
    heed = availability(flow.latest)
    await flow.ingest.deliver(a_batch(flow.clock))
    heed(health("CONNECTED", flow.clock.now(), 1))
    assert flow.latest.live(1, 60).available
    flow.clock.advance(1)
    lost = flow.clock.now()
    heed(health("RETRYING", lost, 1))
    live = flow.latest.live(1, 60)
    assert (live.value, live.available, live.unavailable_since) == (None, False, lost)
    flow.clock.advance(1)
    heed(health("CONNECTED", flow.clock.now(), 1))
    assert not flow.latest.live(1, 60).available
    await flow.ingest.deliver(a_batch(flow.clock, 22.0))
    assert flow.latest.live(1, 60).value == 22.0


async def test_a_property_bound_to_a_lost_connection_is_unavailable_from_then_on() -> None:
    flow = Flow()
    heed = availability(flow.latest)
    heed(health("RETRYING", flow.clock.now(), 2))
    flow.clock.advance(10)
    await flow.ingest.deliver(a_batch(flow.clock))
    bound = flow.clock.now()
    heed(health("RETRYING", bound - 10**10, 1, 2, time=bound))
    assert flow.latest.live(1, 60).unavailable_since == bound


async def test_a_value_travels_from_the_device_to_every_place_at_once() -> None:
    async with running() as plant:
        plant.report(temps={"sat": 68.0}, mode="COOL")
        await until(lambda: plant.live("sat").available)
        assert plant.live("sat").value == pytest.approx(20.0)
        assert plant.live("mode").value == 1.0
        plant.report(mode="XYZ")
        await until(lambda: plant.supervisor.health()[0].rejected == 1)
        rejection = plant.supervisor.health()[0].rejections[0]
        assert (rejection.address, rejection.reason) == ("acme/ahu", "state code 'XYZ' is not mapped")
        plant.a.fail("The broker stopped.")
        await until(lambda: not plant.live("sat").available)
        assert plant.live("sat").value is None
