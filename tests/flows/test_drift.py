"""Sensors are compared with their peers, which the graph knows, and one that moved away is flagged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tests.graph.building import Building, quads
from twin.contracts import Delta, Window
from twin.flows.checks import KnownChecks
from twin.flows.drift import DAYS, Drift
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope
from twin.telemetry.quality_drift import HOURS_A_DAY, drift_of

HOURS = DAYS * HOURS_A_DAY
ROOM = """
:room-2 brick:hasPoint :t1, :t2, :t3, :h1 .
:t1 a brick:Zone_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C .
:t2 a brick:Zone_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_F .
:t3 a brick:Zone_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C .
:h1 a brick:Relative_Humidity_Sensor ; qudt:hasUnit unit:PERCENT_RH .
:vav-1 brick:hasPoint :t4 . :t4 a brick:Zone_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C .
:room-10 brick:hasPoint :far . :far a brick:Zone_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C .
"""


def hours(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 21 + np.sin(2 * np.pi * np.arange(HOURS) / 24) + random.normal(0, 0.1, HOURS)


def test_a_sensor_that_moves_away_from_its_peers_is_told_by_how_much() -> None:
    peers = np.array([hours(seed) + seed for seed in range(1, 5)])
    assert drift_of(hours() + np.linspace(0, 4, HOURS), peers) == pytest.approx(3.6, abs=0.4)
    assert abs(drift_of(hours() + 5, peers)) < 0.2
    assert abs(drift_of(hours() + np.linspace(0, 9, HOURS), peers + np.linspace(0, 9, HOURS))) < 0.3


def test_nothing_is_said_without_peers_or_with_too_little_in_common() -> None:
    gone = hours()
    gone[60:] = np.nan
    assert np.isnan(drift_of(gone, np.array([hours(1)])))
    assert np.isnan(drift_of(hours(), np.empty((0, HOURS))))
    assert np.isnan(drift_of(hours(), np.full((2, HOURS), np.nan)))


class Hourly:
    """A history that knows the hours of each series."""

    def __init__(self) -> None:
        self.values: dict[int, np.ndarray] = {}

    async def windows(self, series: Sequence[int], start: int, end: int, **_: Any) -> Mapping[int, Window]:
        time = start + np.arange(HOURS, dtype=np.int64) * 3600 * 1_000_000_000
        assert end == int(time[-1]) + 3600 * 1_000_000_000
        none = np.zeros(HOURS, np.uint16)
        return {
            each: Window(time, self.values[each], self.values[each], self.values[each], none.astype(np.int64), none)
            for each in series
            if each in self.values
        }


class Bench:
    def __init__(self, building: Building) -> None:
        self.building = building
        self.history = Hourly()
        self.checks = KnownChecks(building.twins.property_by_series, building.store, lambda: building.door.hierarchy)
        self.drift = Drift(building.twins, self.checks, self.history, building.clock)

    def record(self, name: str):
        found = self.building.twins.property(Scope(), f"urn:twin:hq:{name}")
        assert found is not None
        return found

    def peers(self, name: str, *along: str) -> set[str]:
        return {peer.iri.rpartition(":")[2] for peer, _, _ in self.drift.peers(self.record(name), along)}

    def quality(self, name: str) -> Quality:
        now = self.building.clock.now()
        batch = ObservationBatch.of([(self.record(name).series, now, 21.0, 0, now)])
        return Quality(int(self.checks.check(batch, now).quality[0]))


@pytest.fixture
async def bench() -> Bench:
    building = await Building().furnish()
    await building.door.commit(Delta(added=quads(ROOM)), actor="ann", reason="sensors")
    return Bench(building)


async def test_peers_measure_the_same_on_the_same_twin_or_place(bench: Bench) -> None:
    assert bench.peers("t1") == {"t2", "t3", "far"}  # room 10 is on the same floor
    assert bench.peers("t4") == {"t1", "t2", "t3"}
    assert bench.peers("h1") == set()


async def test_peers_are_found_along_relationships_that_are_named(bench: Bench) -> None:
    assert bench.peers("t1", "hasLocation") == {"t2", "t3", "far", "t4"}


async def test_a_sensor_that_drifted_is_flagged_until_it_is_right_again(bench: Bench) -> None:
    for name in ("t1", "t2", "t3", "far"):
        assert bench.quality(name) == Quality.GOOD
    series = {name: bench.record(name).series for name in ("t1", "t2", "t3", "far")}
    fahrenheit = hours(2) * 1.8 + 32
    bench.history.values = {
        series["t1"]: hours(1) + np.linspace(0, 5, HOURS), series["t2"]: fahrenheit, series["t3"]: hours(3),
        series["far"]: hours(4),
    }  # fmt: skip
    await bench.drift.look()
    assert bench.quality("t1") & Quality.UNCERTAIN
    assert not bench.quality("t3") & Quality.UNCERTAIN
    bench.history.values[series["t1"]] = hours(1)
    await bench.drift.look()
    assert not bench.quality("t1") & Quality.UNCERTAIN
