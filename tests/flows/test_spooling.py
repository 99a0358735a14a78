"""Store and forward: the history fails and comes back, and nobody loses anything."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bindings.fake import until
from tests.flows.plant import Ear, MemoryHistory
from twin.bus import Topic
from twin.clock import ManualClock
from twin.errors import InvalidInput, Unavailable
from twin.flows.ingest import Ingest
from twin.flows.spooling import SpooledHistory, SpoolEvent
from twin.observation import ObservationBatch
from twin.telemetry.latest import LatestTable
from twin.telemetry.spool import Spool


class Flow:
    def __init__(self, directory: Path, limit: int = 100_000) -> None:
        self.clock = ManualClock()
        self.latest = LatestTable(self.clock)
        self.history = MemoryHistory()
        self.spooled = SpooledHistory(self.history, Spool(directory, limit, 0, 4_000), self.clock, first_pause=0.002)
        self.told: Topic[ObservationBatch] = Topic()
        self.ingest = Ingest(self.latest, self.spooled, self.told, self.clock)
        self.acknowledged: list[float] = []

    async def start(self) -> Flow:
        await self.spooled.recover(self.latest.apply)
        return self

    async def deliver(self, value: float) -> None:
        self.clock.advance(1)
        batch = ObservationBatch.of([(1, self.clock.now(), value, 0, self.clock.now())])
        await self.ingest.deliver(batch, lambda: self.acknowledged.append(value))

    @property
    def kept(self) -> list[float]:
        return [float(value) for batch in self.history.batches for value in batch.value]


def states(ear: Ear) -> list[str]:
    return [event.state for event in ear.heard if isinstance(event, SpoolEvent)]


async def test_while_the_history_fails_values_are_shown_and_acknowledged_from_the_spool(tmp_path: Path) -> None:
    flow = await Flow(tmp_path).start()
    ear = Ear(flow.spooled.events)
    await flow.deliver(1)
    flow.history.fault = Unavailable("The disk is full.")
    for value in (2, 3, 4):
        await flow.deliver(value)
    assert flow.acknowledged == [1, 2, 3, 4]
    assert flow.latest.live(1, 60).value == 4
    assert (flow.kept, flow.spooled.active, flow.spooled.depth.observations) == ([1], True, 3)
    await until(lambda: states(ear) == ["spooling"])
    assert ear.heard[0].reason == "The disk is full."
    flow.history.fault = None
    await until(lambda: not flow.spooled.active)
    await flow.deliver(5)
    assert flow.kept == [1, 2, 3, 4, 5]
    assert flow.spooled.depth.observations == 0
    await until(lambda: states(ear) == ["spooling", "drained"])
    await ear.close()
    await flow.spooled.close()


async def test_what_waits_survives_the_server_and_is_shown_again(tmp_path: Path) -> None:
    flow = await Flow(tmp_path).start()
    flow.history.fault = Unavailable("The engine is down.")
    for value in (1, 2):
        await flow.deliver(value)
    await flow.spooled.close()

    down = Flow(tmp_path)
    down.history.fault = Unavailable("The engine is still down.")
    await down.start()
    assert (down.latest.live(1, 60).value, down.kept, down.spooled.active) == (2, [], True)
    await down.deliver(3)
    await down.spooled.close()

    up = await Flow(tmp_path).start()
    assert (up.kept, up.spooled.active) == ([1, 2, 3], False)
    await up.spooled.close()


async def test_when_the_spool_is_full_too_devices_are_held_back(tmp_path: Path) -> None:
    flow = await Flow(tmp_path, limit=250).start()
    ear = Ear(flow.spooled.events)
    flow.history.fault = Unavailable("The disk is full.")
    for value in range(1, 4):
        with_room = value < 3
        if with_room:
            await flow.deliver(value)
        else:
            with pytest.raises(Unavailable, match="The spool is full"):
                await flow.deliver(value)
    assert (flow.acknowledged, flow.latest.live(1, 60).value) == ([1, 2], 2)
    assert flow.ingest.counts.refused == 1
    flow.history.fault = None
    await until(lambda: not flow.spooled.active)
    await flow.deliver(3)
    assert flow.kept == [1, 2, 3]
    await until(lambda: states(ear) == ["spooling", "full", "drained"])
    await ear.close()
    await flow.spooled.close()


async def test_a_spool_that_never_took_anything_is_left_when_the_history_is_back(tmp_path: Path) -> None:
    flow = await Flow(tmp_path, limit=1).start()
    flow.history.fault = Unavailable("The disk is full.")
    with pytest.raises(Unavailable):
        await flow.deliver(1)
    flow.history.fault = None
    await until(lambda: not flow.spooled.active)
    await flow.deliver(1)
    assert flow.kept == [1]
    await flow.spooled.close()


async def test_many_at_once_keep_the_order_of_each_sender(tmp_path: Path) -> None:
    flow = await Flow(tmp_path).start()
    flow.history.fault = Unavailable("Locked.")

    async def send(first: int) -> None:
        for number in range(first, first + 20):
            await flow.deliver(number)
            if number == first + 10:
                flow.history.fault = None

    await asyncio.gather(*(send(first) for first in (0, 100, 200)))
    await until(lambda: not flow.spooled.active)
    for first in (0, 100, 200):
        assert [value for value in flow.kept if first <= value < first + 100] == list(range(first, first + 20))
    await flow.spooled.close()


async def test_what_can_never_be_stored_is_not_spooled(tmp_path: Path) -> None:
    flow = await Flow(tmp_path).start()
    flow.history.fault = InvalidInput("Series 9 is outside.")
    with pytest.raises(InvalidInput):
        await flow.deliver(1)
    assert not flow.spooled.active
    await flow.spooled.close()
