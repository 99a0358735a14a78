"""What the graph says of bindings is what runs, and goes on being so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bindings.fake import until
from tests.flows.plant import SITE, Plant, running
from tests.graph.building import add, quads
from twin.bindings.plan import BoundProperty
from twin.bindings.table import compile_table
from twin.contracts import Delta, Revision
from twin.errors import DeadlineExceeded
from twin.flows.bind import Wiring, plan, plans, touches_wiring
from twin.graph.twins.records import ConnectionRecord
from twin.lineage.origins import Origins
from twin.scope import Scope
from twin.terms import NamedNode, Quad
from twin.vocab import RDFS, UNIT, bindings_graph


async def test_a_plan_holds_the_connections_properties_as_the_graph_has_them() -> None:
    async with running() as plant:
        by_name = {each.name: each for each in plans(plant.twins, Scope())}
        assert sorted(by_name) == ["Vendor A", "Vendor B"]
        assert by_name["Vendor B"].rows == ()
        row = next(row for row in by_name["Vendor A"].rows if row.property == SITE + "setpoint")
        assert (row.unit, row.source_unit) == (UNIT.DEG_C.value, UNIT.DEG_F.value)
        assert (row.minimum, row.maximum, row.path, row.write_path) == (10.0, 35.0, "sp", "sp")
        assert row.series == plant.series("setpoint")


async def test_a_binding_added_to_the_graph_runs() -> None:
    async with running() as plant:
        fan = "<urn:twin:hq:fan#binding> a twin:Binding ; twin:binds :fan ; twin:connection :b ; twin:address 'F' ."
        revision = await plant.door.commit(
            Delta(added=quads(fan, bindings_graph("hq"))), actor="test", reason="bind the fan"
        )
        await plant.wiring.wait_for(revision.token)
        await until(lambda: plant.b.listens_to("F"))
        plant.b.send(("F", True))
        await until(lambda: plant.live("fan").value == 1.0)


async def test_a_template_runs_for_a_property_without_a_binding_of_its_own() -> None:
    async with running() as plant:
        fan = (
            "<urn:twin:hq:each> a twin:BindingTemplate ; twin:connection :b ; twin:address 'unit/{point}' ;"
            " twin:bindsEach 'urn:twin:hq:{point}' ."
        )
        revision = await plant.door.commit(
            Delta(added=quads(fan, bindings_graph("hq"))), actor="test", reason="bind what is left"
        )
        await plant.wiring.wait_for(revision.token)
        await until(lambda: plant.b.listens_to("unit/fan"))
        plant.b.send(("unit/fan", True))
        await until(lambda: plant.live("fan").value == 1.0)
        assert plant.a.listens_to("acme/ahu")  # what had a binding keeps it


def test_only_a_protocol_of_topics_reads_one_filter_for_all_properties_of_a_template() -> None:
    row = BoundProperty("urn:p", 1, "urn:p#binding", "acme/7/status", read_with="acme/+/status")
    for protocol, read_with in (("mqtt", "acme/+/status"), ("opcua", None)):
        (found,) = plan(ConnectionRecord("urn:c", "Vendor", "hq", protocol, "x://y", {}), [row]).rows
        assert (found.address, found.read_with) == ("acme/7/status", read_with)
    assert [each.address for each in compile_table([row], "documents").addresses()] == ["acme/+/status"]


async def test_a_changed_unit_of_a_property_changes_what_its_values_become() -> None:
    async with running() as plant:
        plant.report()
        await until(lambda: plant.live("sat").value == pytest.approx(20.0))
        delta = Delta(
            removed=quads(":sat qudt:hasUnit unit:DEG_C ."),
            added=quads(":sat qudt:hasUnit unit:K ."),
        )
        revision = await plant.door.commit(delta, actor="test", reason="kelvin")
        await plant.wiring.wait_for(revision.token)
        plant.report()
        await until(lambda: plant.live("sat").value == pytest.approx(293.15))
        assert len(plant.a.identities) == 1


async def test_a_change_of_something_else_is_in_force_at_once_and_touches_no_connection() -> None:
    async with running() as plant:
        revision = await plant.door.commit(add(':ahu rdfs:comment "Roof" .'), actor="test", reason="note")
        await plant.wiring.wait_for(revision.token)
        assert plant.wiring.in_force == revision.token
        assert len(plant.a.subscriptions) == 1


def test_which_changes_touch_the_wiring() -> None:
    def change(*added: Quad) -> Revision:
        return Revision(1, 0, "a", "r", "", Delta(added=added))

    site, wires = NamedNode("urn:twin:site:hq"), bindings_graph("hq")
    label = (NamedNode("urn:x"), RDFS.label, NamedNode("urn:y"))
    assert not touches_wiring(change(Quad(*label, site)))
    assert touches_wiring(change(Quad(*label, wires)))
    assert touches_wiring(change(*quads(":p qudt:hasUnit unit:K .")))
    assert touches_wiring(change(*quads(":s twin:index 3 .")))
    assert touches_wiring(change())


async def test_waiting_for_what_does_not_come_ends() -> None:
    with pytest.raises(DeadlineExceeded, match="revision 7 are not in force"):
        await Plant().wiring.wait_for(7, within=0.01)


async def test_every_value_carries_the_number_of_its_binding_and_a_changed_binding_gets_another(tmp_path: Path) -> None:
    async with running() as plant:
        origins = Origins(tmp_path / "origins.sqlite", plant.clock)
        wiring = Wiring(plant.twins, plant.supervisor, lambda: plant.door.revision, origins=origins)
        await wiring.refresh()
        plant.report()
        await until(lambda: plant.history.batches and plant.history.batches[-1].origin is not None)
        batch = plant.history.batches[-1]
        assert batch.origin is not None
        row = batch.series.tolist().index(plant.series("sat"))
        origin = origins.find(int(batch.origin[row]))
        assert origin is not None
        assert (origin.kind, origin.address, origin.revision) == ("binding", "acme/ahu", plant.door.revision)
        assert "path: temps.sat" in origin.codec

        delta = Delta(
            removed=quads(":sat qudt:hasUnit unit:DEG_C ."),
            added=quads(":sat qudt:hasUnit unit:K ."),
        )
        revision = await plant.door.commit(delta, actor="test", reason="kelvin")
        await wiring.refresh(revision.token)
        versions = origins.of("binding", origin.subject)
        assert [each.revision for each in versions] == [origin.revision, revision.token]
        assert versions[1].codec != versions[0].codec
        origins.close()
