"""A bad road from device to history: messages shuffled and doubled, clocks that step; nothing is lost or doubled."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.bindings.test_table import row
from twin.bindings.quarantine import Quarantine
from twin.bindings.table import compile_table
from twin.bus import Topic
from twin.clock import NANOSECONDS, ManualClock
from twin.connector import SampleBatch
from twin.flows.ingest import Ingest
from twin.telemetry.duckdb import DuckDBHistory
from twin.telemetry.latest import LatestTable
from twin.telemetry.quality import check

MESSAGES, SERIES, HOUR = 2000, 4, 3600
END = 2**62


class Road:
    """Payloads in, through table, checks and history."""

    def __init__(self, history: DuckDBHistory, *, timed: bool = True) -> None:
        self.clock = ManualClock()
        self.history = history
        self.latest = LatestTable(self.clock)
        time_path = "ts" if timed else None
        self.table = compile_table(
            [row(series, f"a/{series}", "v", time_path=time_path) for series in range(SERIES)], "documents"
        )
        self.ingest = Ingest(self.latest, history, Topic(), self.clock, lambda batch, now: check(batch, now=now))

    async def take(self, messages: list[tuple[int, int, int]]) -> None:
        """Messages of series, time in ms and value, received now."""
        now = self.clock.now()
        batch = SampleBatch(
            [f"a/{series}" for series, _, _ in messages],
            [b'{"v": %d, "ts": %d}' % (value, time) for _, time, value in messages],
            [0] * len(messages),
            [now + number for number in range(len(messages))],
        )
        quarantine = Quarantine()
        observations = self.table.decode(batch, quarantine, now)
        assert quarantine.total == 0
        await self.ingest.deliver(observations)


@pytest.mark.parametrize("seed", range(3))
async def test_shuffled_and_doubled_messages_are_in_the_history_once_and_the_latest_is_the_newest(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    history = await DuckDBHistory(tmp_path / "history.duckdb").open()
    try:
        road = Road(history)
        start = road.clock.now() // 1_000_000 - MESSAGES
        sent = [(number % SERIES, start + number, number) for number in range(MESSAGES)]
        road_bound = sent + chance.sample(sent, MESSAGES // 10)
        # A tenth of all is late by any number of places; the rest keeps its order.
        for place in chance.sample(range(len(road_bound)), len(road_bound) // 10):
            other = chance.randrange(len(road_bound))
            road_bound[place], road_bound[other] = road_bound[other], road_bound[place]
        while road_bound:
            size = chance.randint(1, 300)
            await road.take(road_bound[:size])
            del road_bound[:size]
        for series in range(SERIES):
            window = await history.window(series, 0, END)
            assert window.value.tolist() == [value for which, _, value in sent if which == series]
            assert (window.time // 1_000_000).tolist() == [time for which, time, _ in sent if which == series]
            assert road.latest.live(series, 1e6).value == window.value[-1]
    finally:
        await history.close()


async def test_a_clock_that_steps_an_hour_loses_and_doubles_nothing(tmp_path: Path) -> None:
    history = await DuckDBHistory(tmp_path / "history.duckdb").open()
    try:
        road = Road(history)
        device = road.clock.now() // 1_000_000
        number = 0
        for step in (0, HOUR, 0, -2 * HOUR, HOUR):  # of the server's clock; the device's goes on
            road.clock.time += step * NANOSECONDS
            for _ in range(3):
                number += 1
                road.clock.advance(1)
                await road.take([(0, device + 1000 * number, number)])
        window = await history.window(0, 0, END)
        assert window.value.tolist() == list(range(1, number + 1))
        assert road.latest.live(0, 1e6).value == number
    finally:
        await history.close()


async def test_without_a_time_of_their_own_messages_are_kept_also_when_the_clock_steps_back(tmp_path: Path) -> None:
    history = await DuckDBHistory(tmp_path / "history.duckdb").open()
    try:
        road = Road(history, timed=False)
        for number, step in enumerate((1, 1, HOUR, 1, -HOUR, 1, 1)):
            road.clock.time += step * NANOSECONDS
            await road.take([(0, 0, number)])
        window = await history.window(0, 0, END)
        assert sorted(window.value.tolist()) == list(range(7))
    finally:
        await history.close()
