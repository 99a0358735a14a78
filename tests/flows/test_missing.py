"""What stands in for missing samples: by the property's policy, always marked, and given up when the samples come."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.building import Building, quads
from twin.clock import NANOSECONDS
from twin.contracts import Delta
from twin.errors import Unavailable
from twin.flows.checks import KnownChecks
from twin.flows.missing import Missing
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope
from twin.telemetry.quality_standing import Standing

SAT = "urn:twin:hq:ahu-1:sat"
SECOND = NANOSECONDS


class Bench:
    def __init__(self, building: Building) -> None:
        self.building, self.clock = building, building.clock
        self.checks = KnownChecks(building.twins.property_by_series, building.store, lambda: building.door.hierarchy)
        self.standing = Standing()
        self.missing = Missing(self.checks, self.standing, self.deliver, self.clock)
        record = building.twins.property(Scope(), SAT)
        assert record is not None
        self.series = record.series
        self.start = self.clock.now()
        self.down = False
        self.history: dict[int, tuple[float, Quality]] = {}
        """The newest version at each second after the start."""

    async def deliver(self, batch: ObservationBatch) -> None:
        if self.down:
            raise Unavailable("The disk is full.")
        checked = self.checks.check(batch, self.clock.now())
        for time, value, quality in zip(checked.time, checked.value, checked.quality, strict=True):
            self.history[(int(time) - self.start) // SECOND] = (float(value), Quality(int(quality)))
        self.standing.apply(checked)
        self.missing.arrived(checked)

    async def measured(self, *rows: tuple[int, float]) -> None:
        now = self.clock.now()
        await self.deliver(
            ObservationBatch.of([(self.series, self.start + at * SECOND, value, 0, now) for at, value in rows])
        )

    async def at(self, second: int) -> None:
        """The look at that second."""
        self.clock.advance(second - (self.clock.now() - self.start) / SECOND)
        await self.missing.look()

    def substitutes(self) -> dict[int, float]:
        return {
            at: value
            for at, (value, quality) in sorted(self.history.items())
            if quality & Quality.SUBSTITUTED and not quality.bad
        }

    def withdrawn(self) -> list[int]:
        return [
            at for at, (_, quality) in sorted(self.history.items()) if quality & Quality.SUBSTITUTED and quality.bad
        ]


async def bench_of(policy: str) -> Bench:
    building = await Building().furnish()
    stated = quads(f'<{SAT}> twin:checkedBy :gaps . :gaps a twin:CheckSet ; twin:expectedPeriod 10 ; twin:gapAfter 30 ;'
                   f' twin:whenMissing "{policy}" .')  # fmt: skip
    await building.door.commit(Delta(added=stated), actor="ann", reason="a policy")
    bench = Bench(building)
    await bench.measured((0, 20.0))
    return bench


async def test_the_last_value_is_held_while_nothing_comes_and_marked() -> None:
    bench = await bench_of("hold")
    await bench.at(25)
    assert bench.substitutes() == {}
    await bench.at(45)
    assert bench.substitutes() == {10: 20.0, 20: 20.0, 30: 20.0, 40: 20.0}
    await bench.at(61)
    assert list(bench.substitutes()) == [10, 20, 30, 40, 50, 60]
    assert bench.history[60][1] == Quality.SUBSTITUTED


async def test_a_gap_is_bridged_in_a_line_when_it_has_ended() -> None:
    bench = await bench_of("interpolate")
    await bench.at(50)
    assert bench.substitutes() == {}
    await bench.measured((50, 25.0))
    await bench.at(51)
    assert bench.substitutes() == pytest.approx({10: 21.0, 20: 22.0, 30: 23.0, 40: 24.0})


async def test_nothing_is_put_once_where_that_is_the_policy() -> None:
    bench = await bench_of("null")
    await bench.at(45)
    await bench.at(60)
    assert bench.substitutes() == {}
    value, quality = bench.history[10]
    assert np.isnan(value)
    assert quality == Quality.SUBSTITUTED | Quality.NOT_A_NUMBER


async def test_substitutes_are_withdrawn_or_put_right_when_the_samples_come_after_all() -> None:
    bench = await bench_of("hold")
    await bench.at(101)
    await bench.measured((100, 30.0))
    await bench.at(102)
    assert len(bench.substitutes()) == 9
    await bench.measured((12, 21.0), (25, 22.0), (40, 23.0))
    await bench.at(103)
    assert bench.withdrawn() == [10, 20, 30]
    assert set(bench.substitutes().values()) == {23.0}
    assert min(bench.substitutes()) == 50
    await bench.measured((55, 24.0), (70, 25.0), (85, 26.0))
    await bench.at(104)
    assert bench.substitutes() == {}


async def test_what_could_not_be_written_is_written_later() -> None:
    bench = await bench_of("hold")
    bench.down = True
    with pytest.raises(Unavailable):
        await bench.at(45)
    bench.down = False
    await bench.at(46)
    assert list(bench.substitutes()) == [10, 20, 30, 40]


async def test_without_a_policy_nothing_stands_in() -> None:
    building = await Building().furnish()
    bench = Bench(building)
    await bench.measured((0, 20.0))
    await bench.at(10_000)
    assert bench.substitutes() == {}
