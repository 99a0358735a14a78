"""The ranges of the graph judge what arrives, and follow it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.building import Building, quads
from twin.contracts import Delta
from twin.flows.ranges import KnownRanges
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope

NOW = 1_700_000_000_000_000_000


class Bench:
    def __init__(self, building: Building) -> None:
        self.building = building
        self.asked: list[int] = []
        self.ranges = KnownRanges(self._property)
        building.door.before_announcing.append(self.ranges.forget)

    def _property(self, series: int):
        self.asked.append(series)
        return self.building.twins.property_by_series(series)

    def out_of_range(self, series: int, value: float) -> bool:
        time = np.array([NOW], np.int64)
        batch = ObservationBatch(
            np.array([series], np.int32), time, np.array([value]), np.array([int(Quality.GOOD)], np.uint16), time
        )
        return bool(self.ranges.check(batch, NOW).quality[0] & int(Quality.OUT_OF_RANGE))


@pytest.fixture
async def bench() -> Bench:
    return Bench(await Building().furnish())


async def test_a_value_outside_the_range_that_the_graph_states_is_marked(bench: Bench) -> None:
    co2 = bench.building.twins.property(Scope(), "urn:twin:hq:wing-co2")
    assert co2 is not None
    assert [bench.out_of_range(co2.series, value) for value in (399.0, 400.0, 2000.0, 2001.0)] == [
        True, False, False, True,
    ]  # fmt: skip
    moved = Delta(quads(":wing-co2 twin:maximum 2000 ."), quads(":wing-co2 twin:maximum 5000 ."))
    await bench.building.door.commit(moved, actor="ann", reason="a wider range")
    assert not bench.out_of_range(co2.series, 2001.0)


async def test_a_property_that_comes_later_is_judged_by_its_range(bench: Bench) -> None:
    coming = max(bench.building.journal.known_series().values()) + 1
    assert not bench.out_of_range(coming, 99.0)
    new = quads(":ahu-1 brick:hasPoint :new . :new a brick:Air_Temperature_Sensor ; twin:maximum 50 .")
    await bench.building.door.commit(Delta(added=new), actor="ann", reason="a new sensor")
    assert bench.out_of_range(coming, 99.0)


async def test_what_moves_no_range_has_nothing_learnt_anew(bench: Bench) -> None:
    bench.out_of_range(1, 1.0)
    await bench.building.door.commit(Delta(added=quads(':ahu-1 rdfs:comment "Big" .')), actor="ann", reason="a word")
    bench.out_of_range(1, 1.0)
    assert bench.asked == [1]
