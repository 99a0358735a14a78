"""What a SPARQL query reads as live: in the words of each property's kind, and inside the scope alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from tests.graph.building import Building, quads
from twin.clock import NANOSECONDS
from twin.contracts import Aggregate, Delta, Window
from twin.flows.live_values import LiveValues
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope
from twin.telemetry.latest import LatestTable
from twin.vocab import site_graph

SAT, MODE, CO2 = "urn:twin:hq:ahu-1:sat", "urn:twin:hq:vav-1:mode", "urn:twin:hq:wing-co2"


class Means:
    """A history whose series all have one mean but those that have none."""

    def __init__(self) -> None:
        self.asked: tuple[int, int] = (0, 0)

    async def windows(
        self, series: Sequence[int], start: int, end: int, *, points: int | None = None, aggregate: Aggregate = "mean"
    ) -> Mapping[int, Window]:
        self.asked = (start, end)
        found = {}
        for each in series:
            value = np.array([np.nan if each == 1 else 20.5])
            one = np.ones(1, np.int64)
            found[each] = Window(one, value, value, value, one, np.zeros(1, np.uint16))
        return found


class Bench:
    def __init__(self, building: Building) -> None:
        self.building, self.history = building, Means()
        self.latest = LatestTable(building.clock)
        self.live = LiveValues(building.twins, self.latest, self.history, building.clock)

    def series(self, iri: str) -> int:
        return self.building.journal.known_series()[iri]

    def sample(self, iri: str, value: float) -> None:
        time = np.array([self.building.clock.now()], np.int64)
        quality = np.array([int(Quality.GOOD)], np.uint16)
        self.latest.apply(
            ObservationBatch(np.array([self.series(iri)], np.int32), time, np.array([value]), quality, time)
        )


@pytest.fixture
async def bench() -> Bench:
    return Bench(await Building().furnish())


async def test_values_are_said_as_the_kind_of_property_says_them(bench: Bench) -> None:
    await bench.building.door.commit(
        Delta(added=quads(':fan a brick:On_Off_Status ; twin:valueKind "boolean" . :ahu-1 brick:hasPoint :fan .')),
        actor="ann", reason="a fan",
    )  # fmt: skip
    bench.sample(SAT, 14.5)
    bench.sample(MODE, 1.0)
    bench.sample("urn:twin:hq:fan", 1.0)
    said = bench.live.values(Scope())
    assert [said[iri].value for iri in (SAT, MODE, "urn:twin:hq:fan")] == [14.5, "cooling", True]
    assert said[CO2].value is None
    assert said.keys() == {SAT, MODE, CO2, "urn:twin:hq:fan"}


async def test_a_state_that_the_graph_does_not_know_has_no_word(bench: Bench) -> None:
    bench.sample(MODE, 7.0)
    assert bench.live.values(Scope())[MODE].value is None


async def test_a_value_that_is_too_old_is_none(bench: Bench) -> None:
    bench.sample(SAT, 14.5)
    bench.building.clock.advance(61)
    said = bench.live.values(Scope())[SAT]
    assert (said.value, said.age) == (None, 61.0)


async def test_a_scope_sees_the_values_of_its_own_sites(bench: Bench) -> None:
    room = quads(":there brick:hasPoint :p . :p a brick:Air_Temperature_Sensor .", site_graph("annex"))
    await bench.building.door.commit(Delta(added=room), actor="ann", reason="another site")
    annex = Scope(sites=frozenset({"annex"}))
    assert bench.live.values(annex).keys() == {"urn:twin:hq:p"}
    assert await bench.live.aggregates(annex, [SAT, CO2], 60.0, "mean") == {}


async def test_an_aggregate_is_over_the_last_seconds_and_leaves_out_who_has_no_sample(bench: Bench) -> None:
    present = [iri for iri in (SAT, MODE, CO2) if bench.series(iri) != 1]
    said = await bench.live.aggregates(Scope(), [SAT, MODE, CO2, "urn:no"], 60.0, "mean")
    assert said == dict.fromkeys(present, 20.5)
    start, end = bench.history.asked
    assert end - start == 60 * NANOSECONDS
    assert start < bench.building.clock.now() < end
