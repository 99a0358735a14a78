"""The checks that the graph states judge what arrives, and follow it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.building import Building, quads
from twin.contracts import Delta
from twin.data import data_directory
from twin.flows.checks import KnownChecks
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope
from twin.terms import NamedNode, read_file
from twin.units import unit
from twin.vocab import QUDT, TWIN

NOW = 1_700_000_000_000_000_000


class Bench:
    def __init__(self, building: Building) -> None:
        self.building = building
        self.asked: list[int] = []
        self.checks = KnownChecks(self._property, building.store, lambda: building.door.hierarchy)
        building.door.before_announcing.append(self.checks.forget)

    def _property(self, series: int):
        self.asked.append(series)
        return self.building.twins.property_by_series(series)

    def out_of_range(self, series: int, value: float) -> bool:
        time = np.array([NOW], np.int64)
        batch = ObservationBatch(
            np.array([series], np.int32), time, np.array([value]), np.array([int(Quality.GOOD)], np.uint16), time
        )
        return bool(self.checks.check(batch, NOW).quality[0] & int(Quality.OUT_OF_RANGE))


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


def added(bench: Bench, iri: str, values: list[float], step: float = 60.0) -> list[Quality]:
    """The codes of values that come one after the other."""
    record = bench.building.twins.property(Scope(), iri)
    assert record is not None
    found = []
    for index, value in enumerate(values):
        time = NOW + int(index * step * 1e9)
        batch = ObservationBatch.of([(record.series, time, value, 0, time)])
        found.append(Quality(int(bench.checks.check(batch, time).quality[0])))
    return found


SAT = "urn:twin:hq:ahu-1:sat"


async def commit(bench: Bench, text: str, removed: str = "") -> None:
    await bench.building.door.commit(Delta(quads(removed), quads(text)), actor="ann", reason="checks")


async def test_a_class_brings_checks_that_nobody_had_to_state(bench: Bench) -> None:
    assert added(bench, SAT, [95.0]) == [Quality.OUT_OF_RANGE]
    record = bench.building.twins.property(Scope(), SAT)
    assert record is not None
    assert bench.checks.stated(record).by["maximum"] == "urn:twin:checks:air-temperature"


async def test_defaults_are_said_in_the_unit_of_the_property(bench: Bench) -> None:
    await commit(
        bench,
        ":ahu-1 brick:hasPoint :rat . :rat a brick:Return_Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_F .",
    )
    assert added(bench, "urn:twin:hq:rat", [190.0, 195.0]) == [Quality.GOOD, Quality.OUT_OF_RANGE]


async def test_what_a_property_states_wins_over_its_class_and_follows_a_change(bench: Bench) -> None:
    await commit(bench, "<urn:twin:hq:ahu-1:sat> twin:checkedBy :tight . :tight a twin:CheckSet ; twin:maximum 30 .")
    assert added(bench, SAT, [31.0]) == [Quality.OUT_OF_RANGE]
    await commit(bench, ":tight twin:maximum 40 .", ":tight twin:maximum 30 .")
    assert added(bench, SAT, [31.0]) == [Quality.GOOD]
    assert added(bench, SAT, [41.0]) == [Quality.OUT_OF_RANGE]


async def test_a_site_states_checks_for_a_class_of_its_own_properties(bench: Bench) -> None:
    await commit(
        bench,
        "brick:Discharge_Air_Temperature_Sensor twin:checkedBy :ours ."
        " :ours a twin:CheckSet ; qudt:hasUnit unit:DEG_F ; twin:maximum 86 .",
    )
    assert added(bench, SAT, [30.0]) == [Quality.GOOD]
    assert added(bench, SAT, [30.5]) == [Quality.OUT_OF_RANGE]


async def test_a_check_is_left_out_where_that_is_stated(bench: Bench) -> None:
    await commit(
        bench, '<urn:twin:hq:ahu-1:sat> twin:checkedBy :calm . :calm a twin:CheckSet ; twin:withoutCheck "range" .'
    )
    assert added(bench, SAT, [95.0]) == [Quality.GOOD]


async def test_a_property_that_is_written_is_held_against_its_range_alone(bench: Bench) -> None:
    await commit(
        bench,
        ":ahu-1 brick:hasPoint :set . :set a brick:Air_Temperature_Sensor ; qudt:hasUnit unit:DEG_C ;"
        " twin:writable true ; twin:minimum 10 ; twin:maximum 80 .",
    )
    assert added(bench, "urn:twin:hq:set", [12.0, 75.0, 81.0]) == [Quality.GOOD, Quality.GOOD, Quality.OUT_OF_RANGE]


async def test_a_state_is_no_number_to_be_judged(bench: Bench) -> None:
    await commit(bench, "<urn:twin:hq:vav-1:mode> twin:checkedBy :odd . :odd a twin:CheckSet ; twin:maximum 0 .")
    assert added(bench, "urn:twin:hq:vav-1:mode", [1.0]) == [Quality.GOOD]


async def test_every_delivered_set_of_checks_says_its_basis_and_is_read_without_a_word_lost() -> None:
    file = list(read_file(data_directory("ontologies") / "quality.ttl"))
    sets = {quad.subject for quad in file if quad.object == TWIN.CheckSet}
    assert {quad.object for quad in file if quad.predicate == TWIN.checkedBy} == sets
    assert {quad.subject for quad in file if quad.predicate == TWIN.basis} == sets
    units = {quad.object for quad in file if quad.predicate == QUDT.hasUnit}
    assert all(unit(each.value) for each in units if isinstance(each, NamedNode))
