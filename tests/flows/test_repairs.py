"""Repairs are applied through the one door: judged first, told in a dry run, refused where they would not help."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.server import Server, start
from tests.graph.building import Building, add
from twin.errors import Conflict, InvalidInput, NotFound
from twin.flows.repairs import Repairing
from twin.graph.change import ChangeDoor
from twin.graph.validation.gate import Gate, our_shapes
from twin.graph.validation.violations import ViolationStore

LACKING = ":ahu-1 brick:hasPoint :rat . :rat a brick:Return_Air_Temperature_Sensor ."


@dataclass
class Bench:
    building: Building
    repairing: Repairing
    violations: ViolationStore

    def number(self, shape: str = "property#one-unit") -> str:
        page = self.violations.page("hq", shape=f"urn:twin:shapes:{shape}")
        return page.cursors[0]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    building = await Building().furnish()
    gate, violations = Gate(our_shapes()), ViolationStore(tmp_path / "violations.sqlite")
    door = ChangeDoor(building.store, building.journal, building.clock, gate)
    lacking = add(LACKING)
    violations.update("hq", "twin", gate.judge(building.store, door.derivation.extend(building.store, lacking)))
    await door.commit(lacking, actor="test", reason="without a unit", validate=False)
    building.door = door
    yield Bench(building, Repairing(door, gate, violations), violations)
    violations.close()


async def test_a_repair_is_told_first_and_applied_then(bench: Bench) -> None:
    before = bench.building.door.revision
    told = await bench.repairing.apply(bench.number(), actor="ada", dry_run=True)
    assert told.repair.sentence.startswith("State the unit DEG_C for rat")
    assert bench.building.door.revision == before
    done = await bench.repairing.apply(bench.number(), actor="ada", expected_revision=before)
    assert done.revision.token == before + 1
    assert done.resolved == 1
    assert bench.building.journal.find(before + 1).reason.startswith("repair: State the unit DEG_C")


async def test_what_stands_no_longer_cannot_be_repaired(bench: Bench) -> None:
    number = bench.number()
    await bench.repairing.apply(number, actor="ada")
    with pytest.raises((Conflict, InvalidInput)):
        await bench.repairing.apply(number, actor="ada")
    with pytest.raises(NotFound, match="No violation 99999 stands"):
        await bench.repairing.apply("99999", actor="ada")


async def test_a_repair_on_an_old_revision_is_refused(bench: Bench) -> None:
    with pytest.raises(Conflict):
        await bench.repairing.apply(bench.number(), actor="ada", expected_revision=1)


async def test_the_mutation_says_what_it_did(bench: Bench) -> None:
    server: Server = await start(
        store=bench.building.store, door=bench.building.door, violations=bench.violations, repairing=bench.repairing
    )
    listed = await server.data('{ violations(shape: "urn:twin:shapes:property#one-unit") { nodes { id repair } } }')
    (node,) = listed["violations"]["nodes"]
    assert node["repair"].startswith("State the unit DEG_C for rat")
    text = """mutation($id: ID!, $dry: Boolean!) { applyRepair(violation: $id, dryRun: $dry) {
      revision sentence added removed resolved } }"""
    told = (await server.data(text, id=node["id"], dry=True))["applyRepair"]
    assert (told["revision"], told["removed"], told["resolved"]) == (None, [], 1)
    assert "hasUnit" in told["added"][0]
    done = (await server.data(text, id=node["id"], dry=False))["applyRepair"]
    assert done["sentence"] == told["sentence"]
    assert done["revision"] is not None
