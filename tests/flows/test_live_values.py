"""What a SPARQL query reads as live: in the words of each property's kind, and inside the scope alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from tests.graph.building import Building, quads
from twin.clock import NANOSECONDS
from twin.contracts import PLAIN, Aggregate, Delta, Reading, Window
from twin.flows.live_values import LiveValues
from twin.graph.readers.live_functions import LiveValue
from twin.lineage.origins import Origin
from twin.observation import Block, ObservationBatch, Quality
from twin.scope import Principal, Scope
from twin.telemetry.latest import LatestTable
from twin.vocab import site_graph

EVERYTHING = Scope()
SAT, MODE, CO2 = "urn:twin:hq:ahu-1:sat", "urn:twin:hq:vav-1:mode", "urn:twin:hq:wing-co2"


class Means:
    """A history whose series all have one mean but those that have none."""

    def __init__(self) -> None:
        self.asked: tuple[int, int] = (0, 0)
        self.how: list[tuple[Aggregate, int | None]] = []

    async def windows(
        self,
        series: Sequence[int],
        start: int,
        end: int,
        *,
        points: int | None = None,
        aggregate: Aggregate = "mean",
        reading: Reading = PLAIN,
    ) -> Mapping[int, Window]:
        self.asked = (start, end)
        self.how.append((aggregate, reading.gap))
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
        self.source = LiveValues(building.twins, self.latest, self.history, building.clock)

    async def values(self, *iris: str, scope: Scope = EVERYTHING) -> dict[str, LiveValue]:
        """What a query reads that asks for these, one after the other, in growing batches."""
        view, found = self.source.view(scope), {}
        for size, iri in zip((1, 16, 256), iris, strict=False):
            found.update(await view.values(iri, size))
        return found

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
    said = await bench.values(SAT, MODE)
    assert [said[iri].value for iri in (SAT, MODE, "urn:twin:hq:fan")] == [14.5, "cooling", True]
    assert said[CO2].value is None
    assert said.keys() == {SAT, MODE, CO2, "urn:twin:hq:fan"}


async def test_a_state_that_the_graph_does_not_know_has_no_word(bench: Bench) -> None:
    bench.sample(MODE, 7.0)
    assert (await bench.values(MODE))[MODE].value is None


async def test_a_value_that_is_too_old_is_none(bench: Bench) -> None:
    bench.sample(SAT, 14.5)
    bench.building.clock.advance(61)
    said = (await bench.values(SAT))[SAT]
    assert (said.value, said.age) == (None, 61.0)


async def test_a_scope_sees_the_values_of_its_own_sites(bench: Bench) -> None:
    room = quads(":there brick:hasPoint :p . :p a brick:Air_Temperature_Sensor .", site_graph("annex"))
    await bench.building.door.commit(Delta(added=room), actor="ann", reason="another site")
    annex = Scope(sites=frozenset({"annex"}))
    assert (await bench.values("urn:twin:hq:p", SAT, CO2, scope=annex)).keys() == {"urn:twin:hq:p"}
    assert await bench.source.view(annex).aggregates(SAT, 16, 60.0, "mean", None) == {}


async def test_everything_one_query_reads_is_of_one_instant(bench: Bench) -> None:
    bench.sample(SAT, 14.5)
    view = bench.source.view(Scope())
    assert (await view.values(SAT, 1))[SAT].value == 14.5
    bench.sample(MODE, 1.0)
    bench.building.clock.advance(10)
    later = await view.values(MODE, 16)
    assert later[MODE].value is None
    assert SAT not in later
    assert (await bench.values(MODE))[MODE].value == "cooling"


async def test_a_series_beyond_all_that_were_seen_is_found(bench: Bench) -> None:
    bench.sample(SAT, 14.5)
    bench.source._series = 1
    view = bench.source.view(Scope())
    assert [(await view.values(iri, 1))[iri].value for iri in (SAT, CO2)] == [14.5, None]


async def test_an_aggregate_is_over_the_last_seconds_and_leaves_out_who_has_no_sample(bench: Bench) -> None:
    said = await bench.source.view(Scope()).aggregates(SAT, 16, 60.0, "mean", None)
    assert said == {iri: None if bench.series(iri) == 1 else 20.5 for iri in (SAT, MODE, CO2)}
    start, end = bench.history.asked
    assert end - start == 60 * NANOSECONDS
    assert start < bench.building.clock.now() < end
    assert await bench.source.view(Scope()).aggregates("urn:no", 16, 60.0, "mean", None) == {}


async def test_an_aggregate_may_end_in_the_past(bench: Bench) -> None:
    end = bench.building.clock.now() - 3600 * NANOSECONDS
    await bench.source.view(Scope()).aggregates(SAT, 1, 60.0, "max", end)
    assert bench.history.asked == (end + 1 - 60 * NANOSECONDS, end + 1)


async def test_the_value_at_a_moment_is_the_last_usable_one_while_it_stood(bench: Bench) -> None:
    at = bench.building.clock.now() - 3600 * NANOSECONDS
    said = (await bench.source.view(Scope()).values_at(CO2, 1, at))[CO2]
    assert said.value == (None if bench.series(CO2) == 1 else 20.5)
    start, end = bench.history.asked
    assert (at - start, end - at) == (300 * NANOSECONDS, 1)  # the freshness of the property


async def test_how_a_value_came_about_is_told_to_those_who_may_see_bindings(bench: Bench) -> None:
    origin = Origin("binding", "urn:b", "urn:c", "acme/ahu", number=7)
    source = LiveValues(
        bench.building.twins, bench.latest, bench.history, bench.building.clock, origin_of={7: origin}.get
    )
    one = np.ones(1, np.int64)
    now = bench.building.clock.now()
    bench.latest.apply(
        ObservationBatch(
            (one * bench.series(SAT)).astype(np.int32), one * now,
            np.array([np.nan]), np.array([2], np.uint16), one * now,
            blocks={0: Block(np.array([3.0, -4.0]))}, origin=np.array([7], np.int32),
        )
    )  # fmt: skip
    told = (await source.view(EVERYTHING).details(SAT, 1))[SAT].told()
    assert (told["arrayCount"], told["arrayMean"], told["arrayMin"], told["arrayMax"]) == (2, -0.5, -4.0, 3.0)
    assert told["arrayRms"] == pytest.approx(12.5**0.5)
    assert (told["received"], told["flags"], told["origin"]) == (now, "stale", "binding")
    assert (told["connection"], told["address"], told["binding"]) == ("urn:c", "acme/ahu", "urn:b")
    viewer = Scope(Principal("viewer", frozenset({"viewer"})))
    assert set((await source.view(viewer).details(SAT, 1))[SAT].told()) & {"origin", "connection", "address"} == set()


async def test_an_integral_heeds_how_long_each_value_stands(bench: Bench) -> None:
    view = bench.source.view(EVERYTHING)
    assert await view.aggregates(SAT, 1, 3600.0, "integral", None)
    freshness = bench.building.twins.property(EVERYTHING, SAT)
    assert freshness is not None
    assert bench.history.how == [("integral", int(freshness.freshness * NANOSECONDS))]
