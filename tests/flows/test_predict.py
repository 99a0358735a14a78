"""A model on a capability: who qualifies, what the others lack, and scores that are properties like any other."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bindings.fake import until
from tests.flows.plant import MemoryHistory
from tests.graph.building import Building, add, quads
from tests.inference.models import CAPABILITY, a_contract, a_model, write
from twin.bus import Topic
from twin.clock import NANOSECONDS
from twin.contracts import Delta
from twin.errors import InvalidInput, ShapeViolation, Unavailable
from twin.flows.ingest import Ingest
from twin.flows.predict import Predictor
from twin.graph.change import ChangeDoor
from twin.graph.twins.reader import PropertyRecord, TwinReader
from twin.graph.validation.gate import Gate, our_shapes
from twin.inference.contract import ContractInput
from twin.lineage.origins import Origins
from twin.observation import ObservationBatch, Quality
from twin.scope import Scope
from twin.telemetry.latest import LatestTable
from twin.vocab import UNIT, models_graph, vocabulary_graph

ASKS = f"""
<{CAPABILITY}> a twin:Capability ; rdfs:label "Mean" ; rdfs:comment "The mean of two temperatures." ;
  twin:appliesTo brick:Air_Handling_Unit ; twin:input <{CAPABILITY}#sat>, <{CAPABILITY}#rat> .
<{CAPABILITY}#sat> twin:role "supply_air_temperature" ; qudt:hasUnit unit:DEG_C .
<{CAPABILITY}#rat> twin:role "return_air_temperature" ; qudt:hasUnit unit:DEG_C .
"""
TEMPERATURE = "qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_C"
ASSETS = f"""
:ahu-1 a brick:Air_Handling_Unit ; rdfs:label "AHU 1" ; brick:hasPoint :ahu-1-sat, :ahu-1-rat .
:ahu-1-sat a brick:Supply_Air_Temperature_Sensor ; twin:role "supply_air_temperature" ; {TEMPERATURE} .
:ahu-1-rat a brick:Return_Air_Temperature_Sensor ; {TEMPERATURE} ; twin:freshness 30 .
:ahu-2 a brick:Rooftop_Unit ; rdfs:label "Roof 2" ; brick:hasPoint :ahu-2-sat, :ahu-2-rat .
:ahu-2-sat a brick:Supply_Air_Temperature_Sensor ; twin:role "supply_air_temperature" ;
  qudt:hasQuantityKind quantitykind:Temperature ; qudt:hasUnit unit:DEG_F .
:ahu-2-rat a brick:Return_Air_Temperature_Sensor ; {TEMPERATURE} .
:ahu-3 a brick:Air_Handling_Unit ; rdfs:label "AHU 3" ; brick:hasPoint :ahu-3-sat .
:ahu-3-sat a brick:Supply_Air_Temperature_Sensor ; twin:role "supply_air_temperature" ; {TEMPERATURE} .
:ahu-4 a brick:Air_Handling_Unit ; rdfs:label "AHU 4" ; brick:hasPoint :ahu-4-sat, :ahu-4-rat .
:ahu-4-sat a brick:Supply_Air_Temperature_Sensor ; twin:role "supply_air_temperature" ; {TEMPERATURE} .
:ahu-4-rat a brick:Pressure_Sensor ; twin:role "return_air_temperature" ;
  qudt:hasQuantityKind quantitykind:Pressure ; qudt:hasUnit unit:PA .
:fan a brick:Supply_Fan ; rdfs:label "Fan" .
"""
SITE = "urn:twin:hq:"
SCORE = SITE + "ahu-1:test-score"
RETURN_SENSOR = f"""
:ahu-3 brick:hasPoint :ahu-3-rat . :ahu-3-rat a brick:Return_Air_Temperature_Sensor ; {TEMPERATURE} .
"""


class Bench:
    """A building with air handlers, a predictor, and readings put in by hand."""

    def __init__(self, models: Path, building: Building | None = None) -> None:
        self.models = models
        self.building = building or Building()
        self.door: ChangeDoor = self.building.door
        self.twins: TwinReader = self.building.twins
        self.clock = self.building.clock
        self.latest = LatestTable(self.clock)
        self.history = MemoryHistory()
        self.ingest = Ingest(self.latest, self.history, Topic(), self.clock)
        self.predictor = self.started()

    def started(self, period: float | None = None) -> Predictor:
        store = self.building.store
        return Predictor(store, self.twins, self.door, self.latest, self.ingest, self.models, self.clock, period=period)

    async def furnish(self) -> Bench:
        await self.change(Delta(added=quads(ASKS, vocabulary_graph("capabilities"))))
        await self.change(add(ASSETS))
        return self

    async def change(self, delta: Delta) -> None:
        await self.door.commit(delta, actor="test", reason="test")

    def prop(self, iri: str) -> PropertyRecord:
        found = self.twins.property(Scope(), iri)
        assert found is not None
        return found

    def series(self, local: str) -> int:
        return self.prop(SITE + local).series

    def read(self, **values: float) -> None:
        """Readings of properties by local name, with underscores for hyphens, stamped now."""
        now = self.clock.now()
        rows = [(self.series(name.replace("_", "-")), now, value, 0, now) for name, value in values.items()]
        self.latest.apply(ObservationBatch.of(rows))

    async def rounds(self, count: int, **values: float) -> list[int]:
        given = []
        for _ in range(count):
            self.clock.advance(5)
            self.read(**values)
            given.append(await self.predictor.score())
        return given

    def score(self, iri: str = SCORE) -> float | None:
        prop = self.prop(iri)
        return self.latest.live(prop.series, prop.freshness).value

    def state(self, local: str) -> str:
        found = [each for each in self.predictor.for_twin(SITE + local) if each.capability == CAPABILITY]
        return found[0].state


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return await Bench(tmp_path / "models").furnish()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(a_model(), tmp_path / "mean.onnx")


READINGS = {"ahu_1_sat": 20.0, "ahu_1_rat": 24.0, "ahu_2_sat": 68.0, "ahu_2_rat": 24.0}


def test_a_capability_is_read_from_the_graph(bench: Bench) -> None:
    found = [record for record in bench.predictor.capabilities() if record.iri == CAPABILITY]
    assert [(record.name, record.description, record.model) for record in found] == [
        ("Mean", "The mean of two temperatures.", None)
    ]
    assert dict(found[0].inputs) == {
        "supply_air_temperature": UNIT.DEG_C.value,
        "return_air_temperature": UNIT.DEG_C.value,
    }


def test_who_qualifies_is_told_and_in_words_what_the_others_lack(bench: Bench) -> None:
    records = {record.twin.removeprefix(SITE): record for record in bench.predictor.twins(CAPABILITY)}
    assert {name: record.qualifies for name, record in records.items()} == {
        "ahu-1": True, "ahu-2": True, "ahu-3": False, "ahu-4": False,
    }  # fmt: skip
    assert records["ahu-3"].missing == ("AHU 3 lacks return air temperature",)
    assert records["ahu-4"].missing == ("AHU 4 gives return air temperature in Pa, not in °C",)
    assert bench.state("ahu-1") == "no model attached"
    assert bench.state("ahu-3") == "does not qualify"


def test_a_twin_of_another_class_has_no_part_in_it(bench: Bench) -> None:
    assert bench.predictor.for_twin(SITE + "fan") == []
    assert bench.predictor.twins("urn:twin:capability:none") == []


async def test_attaching_makes_a_score_property_for_each_twin_that_qualifies(bench: Bench, model: Path) -> None:
    before = bench.door.revision
    record = await bench.predictor.attach(model, "ann")
    assert record.model is not None
    assert (record.model.name, record.model.version, record.model.metrics) == ("mean", "1", {"recall": 0.5})
    assert bench.door.revision == before + 1
    assert bench.door.find(before + 1).actor == "ann"
    score = bench.prop(SCORE)
    assert (score.owner, score.role, score.unit) == (SITE + "ahu-1", "test_score", UNIT.UNITLESS.value)
    assert (score.minimum, score.maximum, score.freshness) == (0.0, 1.0, 30.0)
    assert score.name == "Mean score"
    scored = {record.twin.removeprefix(SITE) for record in bench.predictor.twins(CAPABILITY) if record.score_property}
    assert scored == {"ahu-1", "ahu-2"}


async def test_attaching_what_is_attached_changes_nothing(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    revision = bench.door.revision
    await bench.predictor.attach(model, "ann")
    assert bench.door.revision == revision


async def test_all_qualifying_twins_are_scored_in_one_batch_in_the_units_of_the_model(
    bench: Bench, model: Path
) -> None:
    await bench.predictor.attach(model, "ann")
    assert await bench.rounds(3, **READINGS) == [0, 0, 2]
    assert bench.score() == pytest.approx(0.22, abs=1e-6)
    assert bench.score(SITE + "ahu-2:test-score") == pytest.approx(0.22, abs=1e-6)  # 68 deg F is 20 deg C
    assert len(bench.history.batches) == 1
    assert bench.state("ahu-1") == "scoring"


async def test_a_score_carries_the_number_of_its_model(bench: Bench, model: Path, tmp_path: Path) -> None:
    origins = Origins(tmp_path / "origins.sqlite", bench.clock)
    bench.predictor._origins = origins
    await bench.predictor.attach(model, "ann")
    await bench.rounds(4, **READINGS)
    numbers = {number for batch in bench.history.batches for number in batch.origin.tolist()}
    assert len(numbers) == 1
    origin = origins.find(numbers.pop())
    assert origin is not None
    assert (origin.kind, len(origin.subject)) == ("model", 64)
    assert origin.codec.startswith("model: ")
    origins.close()


async def test_a_window_that_fills_says_so(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    await bench.rounds(2, **READINGS)
    assert bench.state("ahu-1") == "filling its window: 2 of 3 readings"


async def test_no_score_is_given_on_readings_that_are_missing_and_the_quality_says_why(
    bench: Bench, model: Path
) -> None:
    await bench.predictor.attach(model, "ann")
    await bench.rounds(3, **READINGS)
    bench.clock.advance(40)  # longer than a return-air reading stands
    bench.read(ahu_1_sat=20.0, ahu_2_sat=68.0, ahu_2_rat=24.0)
    assert await bench.predictor.score() == 1
    live = bench.latest.live(bench.prop(SCORE).series, 30.0)
    assert live.value is None
    assert {"stale", "not-a-number"} <= set(live.quality.flags)
    assert bench.state("ahu-1") == "waiting for return air temperature"
    told = bench.history.batches[-1]
    assert np.isnan(told.value[told.series == bench.prop(SCORE).series]).all()


async def test_a_score_that_ceased_is_told_once_and_comes_back_with_a_whole_window(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    await bench.rounds(3, **READINGS)
    bench.latest.mark_unavailable([bench.series("ahu-1-sat"), bench.series("ahu-2-sat")], bench.clock.now())
    for _ in range(3):
        assert await bench.predictor.score() == 0
    assert len(bench.history.batches) == 2
    assert "comms" in bench.latest.live(bench.prop(SCORE).series, 30.0).quality.flags
    assert await bench.rounds(3, **READINGS) == [0, 0, 2]
    assert bench.score() == pytest.approx(0.22, abs=1e-6)


async def test_a_score_on_doubtful_readings_is_uncertain(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    await bench.rounds(2, **READINGS)
    bench.clock.advance(1)
    now = bench.clock.now()
    row = (bench.series("ahu-1-sat"), now, 20.0, int(Quality.OUT_OF_RANGE), now)
    bench.latest.apply(ObservationBatch.of([row]))
    assert await bench.predictor.score() == 2
    batch = bench.history.batches[-1]
    by_series = dict(zip(batch.series.tolist(), batch.quality.tolist(), strict=True))
    assert by_series[bench.prop(SCORE).series] == Quality.UNCERTAIN
    assert by_series[bench.prop(SITE + "ahu-2:test-score").series] == 0


async def test_a_twin_that_comes_to_qualify_gets_its_score(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    await bench.rounds(3, **READINGS)
    await bench.change(add(RETURN_SENSOR))
    await bench.predictor.follow()
    assert bench.prop(SITE + "ahu-3:test-score").owner == SITE + "ahu-3"
    assert bench.door.find(bench.door.revision).actor == "twin"
    # What was known of the others is kept: they go on without a gap.
    assert await bench.rounds(3, **READINGS, ahu_3_sat=10.0, ahu_3_rat=30.0) == [2, 2, 3]
    revision = bench.door.revision
    await bench.predictor.follow()
    assert bench.door.revision == revision


async def test_an_attached_model_serves_again_after_a_restart(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    await asyncio.to_thread(model.unlink)
    bench.predictor = bench.started()
    assert bench.state("ahu-1") == "no model attached"
    await bench.predictor.follow()
    assert await bench.rounds(3, **READINGS) == [0, 0, 2]


async def test_a_model_whose_file_is_gone_is_told(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    shutil.rmtree(bench.models)
    bench.predictor = bench.started()
    await bench.predictor.follow()
    assert "Attach its file again" in bench.state("ahu-1")


async def test_taking_the_change_back_takes_the_model_away(bench: Bench, model: Path) -> None:
    await bench.predictor.attach(model, "ann")
    await bench.change(bench.door.find(bench.door.revision).delta.inverse())
    await bench.predictor.follow()
    assert bench.state("ahu-1") == "no model attached"
    assert bench.twins.property(Scope(), SCORE) is None


async def test_another_version_takes_the_place_of_the_first(bench: Bench, model: Path, tmp_path: Path) -> None:
    await bench.predictor.attach(model, "ann")
    second = write(a_model(contract=a_contract(version="2")), tmp_path / "two.onnx")
    record = await bench.predictor.attach(second, "ann")
    assert record.model is not None
    assert record.model.version == "2"
    restarted = bench.started()
    await restarted.follow()
    (found,) = [each for each in restarted.capabilities() if each.iri == CAPABILITY]
    assert found.model == record.model


@pytest.mark.parametrize(("changes", "said"), [
    ({"capability": "urn:twin:capability:tset"}, "Did you mean urn:twin:capability:test"),
    ({"inputs": (ContractInput("supply_air_temperature", UNIT.DEG_C.value), ContractInput("fuel", UNIT.DEG_C.value))},
     "needs fuel"),
    ({"inputs": (ContractInput("supply_air_temperature", UNIT.PA.value),
                 ContractInput("return_air_temperature", UNIT.DEG_C.value))}, "needs supply air temperature"),
])  # fmt: skip
async def test_a_model_that_does_not_fit_is_refused_and_changes_nothing(
    bench: Bench, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    revision = bench.door.revision
    path = write(a_model(contract=a_contract(**changes)), tmp_path / "other.onnx")
    with pytest.raises(InvalidInput, match=said):
        await bench.predictor.attach(path, "ann")
    assert bench.door.revision == revision


async def test_a_running_predictor_scores_by_itself_and_ends_when_told(bench: Bench, model: Path) -> None:
    bench.predictor = bench.started(period=0.01)
    running = asyncio.create_task(bench.predictor.run())
    await bench.predictor.attach(model, "ann")
    bench.read(**READINGS)

    def scored() -> bool:
        bench.clock.elapsed += 0.02
        return bench.predictor.counts.scores >= 4

    await until(scored)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_history_that_fails_stops_the_round_and_not_the_predictor(bench: Bench, model: Path) -> None:
    bench.predictor = bench.started(period=0.01)
    await bench.predictor.attach(model, "ann")
    bench.history.fault = Unavailable("The disk is full.")
    running = asyncio.create_task(bench.predictor.run())
    bench.read(**READINGS)

    def passed(condition: bool) -> bool:
        bench.clock.elapsed += 0.02
        return condition

    await until(lambda: passed(bench.predictor.counts.error == "The disk is full."))
    bench.history.fault = None
    await until(lambda: passed(bench.predictor.counts.scores > 0 and not bench.predictor.counts.error))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_the_shapes_agree_on_who_qualifies(bench: Bench, model: Path) -> None:
    gated = ChangeDoor(bench.building.store, bench.building.journal, bench.clock, Gate(our_shapes()))
    gated.before_announcing.append(bench.twins.refresh)
    bench.door = bench.building.door = gated
    bench.predictor = bench.started()
    await bench.predictor.attach(model, "ann")
    forged = f"""
        :ahu-3 twin:hasProperty :ahu-3-score . :ahu-3-score a twin:Score, twin:Property ;
          twin:ofCapability <{CAPABILITY}> ;
          qudt:hasQuantityKind quantitykind:Dimensionless ; qudt:hasUnit unit:UNITLESS ."""
    with pytest.raises(ShapeViolation) as refused:
        await bench.change(Delta(added=quads(forged, models_graph("hq"))))
    assert any("return_air_temperature" in str(violation) for violation in refused.value.violations)
    assert bench.clock.now() > NANOSECONDS
