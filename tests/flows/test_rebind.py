"""The vendor swap: one revision, no gap, commands to the new vendor alone, and back again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.bindings.fake import until
from tests.flows.plant import SITE, Ear, Plant, running
from tests.graph.building import add
from twin.errors import Conflict, Forbidden, InvalidInput, NotFound
from twin.flows.rebind import BindingSpec
from twin.observation import ObservationBatch
from twin.scope import LOCAL, Principal, Scope

SAT, SETPOINT, MODE = SITE + "sat", SITE + "setpoint", SITE + "mode"
SAT_AT_B = BindingSpec(connection=SITE + "b", address="ns=2;s=Zuluft")
SETPOINT_AT_B = BindingSpec(connection=SITE + "b", address="ns=2;s=Soll", write_address="ns=2;s=Soll")
MODE_AT_B = BindingSpec(SITE + "b", "ns=2;s=Modus", "ns=2;s=Modus", states=(("0", "off"), ("7", "cooling")))


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    async with running() as plant:
        plant.b.first = {"ns=2;s=Zuluft": 20.1, "ns=2;s=Soll": 20.0, "ns=2;s=Modus": 0}
        plant.report()
        await until(lambda: plant.live("sat").available and plant.live("setpoint").available)
        yield plant


def values_of(series: int, batches: list[ObservationBatch]) -> list[float]:
    return [value for batch in batches for value in batch.value[batch.series == series].tolist()]


async def test_a_swap_moves_reading_and_commanding_in_one_revision(plant: Plant) -> None:
    before = plant.door.revision
    result = await plant.rebinding.swap(LOCAL, SETPOINT, SETPOINT_AT_B, expected_revision=before)
    assert (result.property, result.revision, result.report) == (SETPOINT, before + 1, None)
    assert plant.wiring.in_force == before + 1
    change = plant.door.find(before + 1)
    assert (change.actor, change.reason) == ("local", "Bind Setpoint to Vendor B")
    binding = plant.twins.binding(Scope(), SETPOINT)
    assert binding is not None
    assert (binding.iri, binding.connection, binding.address) == (f"{SETPOINT}#binding", SITE + "b", "ns=2;s=Soll")
    assert (binding.path, binding.source_unit, binding.write_path) == (None, None, None)

    plant.b.obey = lambda device, address, value: device.send((address, value))
    command = await plant.actuator.set_property(LOCAL, SETPOINT, 23.5)
    assert (command.state, plant.a.writes, plant.b.writes) == ("VERIFIED", [], [("ns=2;s=Soll", 23.5)])
    plant.report(sp=50.0)
    await until(lambda: plant.supervisor.health()[0].received == 2)
    assert plant.live("setpoint").value == 23.5


async def test_values_go_on_without_a_gap_while_the_property_moves(plant: Plant) -> None:
    plant.b.first = {}
    ear = Ear(plant.observations)
    swapping = asyncio.create_task(plant.rebinding.swap(LOCAL, SAT, SAT_AT_B))
    await until(lambda: plant.b.listens_to("ns=2;s=Zuluft"))
    plant.report(temps={"sat": 70.0})
    await until(lambda: plant.live("sat").value == pytest.approx(21.111, abs=1e-3))
    assert not swapping.done()
    plant.b.send(("ns=2;s=Zuluft", 21.2))
    await swapping
    assert plant.live("sat").value == 21.2
    plant.report(temps={"sat": 99.0})
    plant.b.send(("ns=2;s=Zuluft", 21.3))
    await until(lambda: plant.live("sat").value == 21.3)
    series = plant.series("sat")
    assert values_of(series, ear.heard) == pytest.approx([21.111, 21.2, 21.3], abs=1e-3)
    assert values_of(series, plant.history.batches) == pytest.approx([20.0, 21.111, 21.2, 21.3], abs=1e-3)
    await ear.close()


async def test_a_swap_revives_what_a_dead_vendor_left_unavailable(plant: Plant) -> None:
    plant.a.fail("The broker stopped.")
    await until(lambda: not plant.live("sat").available)
    await plant.rebinding.swap(LOCAL, SAT, SAT_AT_B)
    await until(lambda: plant.live("sat").value == 20.1)
    assert not plant.live("setpoint").available


async def test_states_of_the_new_vendor_become_the_same_words(plant: Plant) -> None:
    await plant.rebinding.swap(LOCAL, MODE, MODE_AT_B)
    plant.b.send(("ns=2;s=Modus", 7))
    await until(lambda: plant.live("mode").value == 1.0)
    plant.b.obey = lambda device, address, value: device.send((address, value))
    await plant.actuator.set_property(LOCAL, MODE, "off")
    assert plant.b.writes == [("ns=2;s=Modus", 0)]


async def test_a_swap_is_taken_back_in_one_call(plant: Plant) -> None:
    original = plant.twins.binding(Scope(), MODE)
    result = await plant.rebinding.swap(LOCAL, MODE, MODE_AT_B)
    assert result.revision is not None
    plant.obey_at_a()
    rolling = asyncio.create_task(plant.rebinding.rollback(LOCAL, result.revision))
    await until(lambda: plant.wiring.in_force == result.revision and plant.door.revision == result.revision + 1)
    plant.report()
    revision = await rolling
    assert revision.reason == f"Take back revision {result.revision} (Bind Mode to Vendor B)"
    assert plant.twins.binding(Scope(), MODE) == original
    await plant.actuator.set_property(LOCAL, MODE, "cooling")
    assert [json.loads(value) for _, value in plant.a.writes] == [{"mode": "COOL"}]
    assert plant.b.writes == []


async def test_a_swap_within_one_connection_changes_the_address(plant: Plant) -> None:
    await plant.rebinding.swap(LOCAL, SAT, BindingSpec(SITE + "a", "acme/ahu-2", path="t"))
    await until(lambda: plant.a.listens_to("acme/ahu-2"))
    plant.a.send(("acme/ahu-2", b'{"t": 18.5}'))
    await until(lambda: plant.live("sat").value == 18.5)


async def test_a_property_without_a_binding_gets_its_first(plant: Plant) -> None:
    await plant.rebinding.swap(LOCAL, SITE + "fan", BindingSpec(SITE + "b", "ns=2;s=Fan"))
    await until(lambda: plant.b.listens_to("ns=2;s=Fan"))
    plant.b.send(("ns=2;s=Fan", True))
    await until(lambda: plant.live("fan").value == 1.0)


async def test_a_dry_run_compares_both_sides_and_changes_nothing(plant: Plant) -> None:
    before = plant.door.revision
    result = await plant.rebinding.swap(LOCAL, SAT, SAT_AT_B, dry_run=True, observe=0.2)
    report = result.report
    assert report is not None
    assert report.equivalent
    assert report.mean_difference == pytest.approx(0.1)
    assert (report.samples_before, report.samples_after) == (1, 1)
    assert report.seconds >= 0.2
    assert report.message == "Both sides agree: the mean difference is 0.1 °C, and 0.5 °C is allowed."
    assert (result.revision, plant.door.revision) == (None, before)
    assert plant.live("sat").value == pytest.approx(20.0)
    assert len(plant.b.connections) == 1
    assert not plant.b.listens_to("ns=2;s=Zuluft")


async def test_a_dry_run_finds_a_wrong_unit(plant: Plant) -> None:
    wrong = replace(SAT_AT_B, source_unit="DEG_F")
    report = (await plant.rebinding.swap(LOCAL, SAT, wrong, dry_run=True, observe=0.1)).report
    assert report is not None
    assert not report.equivalent
    assert "source unit" in report.message


async def test_a_dry_run_compares_states(plant: Plant) -> None:
    report = (await plant.rebinding.swap(LOCAL, MODE, MODE_AT_B, dry_run=True, observe=0.1)).report
    assert report is not None
    assert (report.states_agree, report.equivalent, report.mean_after) == (1.0, True, None)


async def test_a_dry_run_says_why_the_new_side_is_silent(plant: Plant) -> None:
    wrong = BindingSpec(SITE + "b", "ns=2;s=Modus", source_unit=None)
    plant.b.first["ns=2;s=Modus"] = "warm"
    report = (await plant.rebinding.swap(LOCAL, SAT, wrong, dry_run=True, observe=0.1)).report
    assert report is not None
    assert "not a number ('warm')" in report.message
    plant.b.up = False
    report = (await plant.rebinding.swap(LOCAL, SAT, SAT_AT_B, dry_run=True, observe=0.1)).report
    assert report is not None
    assert "Nothing answers at fake://b" in report.message


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (replace(SAT_AT_B, connection=SITE + "c"), "no connection urn:twin:hq:c"),
        (replace(SAT_AT_B, address="no such"), "it has a space"),
        (replace(SAT_AT_B, source_unit="DEG_Q"), "no unit 'DEG_Q'"),
        (replace(SAT_AT_B, source_unit="PA"), "does not convert"),
        (replace(SAT_AT_B, scale=0.0), "scale 0"),
        (replace(SAT_AT_B, path="a..b"), "not a path"),
    ],
)
async def test_a_binding_that_cannot_work_is_refused_and_nothing_changes(
    plant: Plant, spec: BindingSpec, words: str
) -> None:
    before = plant.door.revision
    for dry_run in (True, False):
        with pytest.raises(InvalidInput, match=words):
            await plant.rebinding.swap(LOCAL, SAT, spec, dry_run=dry_run)
    assert plant.door.revision == before


async def test_who_may_not_see_bindings_may_not_change_them(plant: Plant) -> None:
    operator = Principal("olga", frozenset({"operator"}))
    with pytest.raises(Forbidden, match="olga may not change bindings"):
        await plant.rebinding.swap(operator, SAT, SAT_AT_B)
    with pytest.raises(Forbidden):
        await plant.rebinding.rollback(operator, 1)


async def test_an_unknown_property_an_old_revision_and_a_long_observation_are_refused(plant: Plant) -> None:
    with pytest.raises(NotFound):
        await plant.rebinding.swap(LOCAL, SITE + "nothing", SAT_AT_B)
    with pytest.raises(Conflict):
        await plant.rebinding.swap(LOCAL, SAT, SAT_AT_B, expected_revision=1)
    with pytest.raises(InvalidInput, match="cannot be observed"):
        await plant.rebinding.swap(LOCAL, SAT, SAT_AT_B, dry_run=True, observe=1e6)


async def test_a_roll_back_refuses_what_a_later_change_touched(plant: Plant) -> None:
    first = await plant.rebinding.swap(LOCAL, SAT, SAT_AT_B)
    plant.b.first["ns=2;s=Other"] = 19.0
    second = await plant.rebinding.swap(LOCAL, SAT, replace(SAT_AT_B, address="ns=2;s=Other"))
    await plant.door.commit(add(':ahu rdfs:comment "Roof" .'), actor="test", reason="note")
    assert first.revision is not None
    assert second.revision is not None
    with pytest.raises(Conflict, match=f"revision {second.revision}"):
        await plant.rebinding.rollback(LOCAL, first.revision)
    await plant.rebinding.rollback(LOCAL, second.revision)
    binding = plant.twins.binding(Scope(), SAT)
    assert binding is not None
    assert binding.address == "ns=2;s=Zuluft"


async def test_any_change_can_be_taken_back_with_what_was_derived_from_it(plant: Plant) -> None:
    text = ':ahu brick:hasPoint :extra . :extra a brick:Humidity_Sensor ; rdfs:label "Extra" .'
    added = await plant.door.commit(add(text), actor="test", reason="add a sensor")
    assert plant.twins.property(Scope(), SITE + "extra") is not None
    await plant.rebinding.rollback(LOCAL, added.token)
    assert plant.twins.property(Scope(), SITE + "extra") is None
    with pytest.raises(NotFound):
        await plant.rebinding.rollback(LOCAL, 999)
