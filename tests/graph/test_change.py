"""The one door: whole or not at all, in order, announced when it can be read."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph.building import HQ, Building, add, quads
from twin.contracts import Delta, GraphStore, Revision
from twin.errors import Conflict, InvalidInput, ShapeViolation, Unavailable
from twin.graph.change import ChangeDoor
from twin.graph.recovery import recover
from twin.graph.validation.gate import Judgement, Violation
from twin.scope import Scope
from twin.terms import NamedNode, Quad, RdfFormat, parse
from twin.vocab import TWIN, inferred_graph, site_graph


class RefusesEverything:
    def judge(self, store: GraphStore, delta: Delta) -> Judgement:
        violation = Violation(
            "urn:x", None, "minCount", "shape", None, "violation", "it has no unit", "Give it one.", "twin"
        )
        return Judgement(added=(violation,), resolved=())


async def test_a_change_is_in_the_store_and_the_journal_under_one_revision() -> None:
    building = Building()
    revision = await building.door.commit(add(":a a brick:AHU ."), actor="ann", reason="new unit")
    assert (revision.token, building.door.revision, building.journal.revision()) == (1, 1, 1)
    assert building.door.find(1).actor == "ann"


async def test_a_change_that_changes_nothing_makes_no_revision() -> None:
    building = await Building().furnish()
    before = building.door.revision
    again = await building.door.commit(add(HQ), actor="ann", reason="again")
    assert again.token == building.door.revision == before


async def test_a_refused_change_leaves_no_trace() -> None:
    building = Building()
    door = ChangeDoor(building.store, building.journal, building.clock, RefusesEverything())
    with pytest.raises(ShapeViolation) as caught:
        await door.commit(add(":a a brick:AHU ."), actor="ann", reason="new unit")
    assert "it has no unit" in str(caught.value)
    assert caught.value.remedy == "Give it one."
    assert (door.revision, building.journal.revision()) == (0, 0)
    assert list(building.store.quads(None, None, None, site_graph("hq"))) == []


async def test_a_dry_run_applies_nothing() -> None:
    building = Building()
    await building.door.commit(add(":a a brick:AHU ."), actor="ann", reason="try", dry_run=True)
    assert building.door.revision == 0


async def test_who_comes_late_is_told_who_was_first() -> None:
    building = Building()
    await building.door.commit(add(":a a brick:AHU ."), actor="ann", reason="new unit")
    with pytest.raises(Conflict, match="ann: new unit"):
        await building.door.commit(add(":b a brick:AHU ."), actor="bob", reason="mine", expected_revision=0)
    assert building.door.revision == 1


async def test_two_changes_on_one_revision_have_one_winner() -> None:
    building = Building()
    attempts = [
        building.door.commit(add(f":a{number} a brick:AHU ."), actor=str(number), reason="race", expected_revision=0)
        for number in range(5)
    ]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(Revision) == 1
    assert [type(outcome) for outcome in outcomes].count(Conflict) == 4


async def test_blank_nodes_get_names() -> None:
    building = Building()
    await building.door.commit(add(":a brick:area [ brick:value 40 ] ."), actor="ann", reason="area")
    [area] = building.store.quads(NamedNode("urn:twin:hq:a"), None, None, None)
    assert isinstance(area.object, NamedNode)
    assert len(list(building.store.quads(area.object, None, None, None))) == 1


async def test_removing_a_blank_node_is_refused_in_words() -> None:
    building = Building()
    with pytest.raises(InvalidInput, match="blank node"):
        await building.door.commit(Delta(removed=quads("[] brick:value 40 .")), actor="ann", reason="area")


async def test_who_hears_of_a_revision_can_read_it() -> None:
    building = Building()
    heard: list[int] = []
    async with building.door.changes.subscribe() as changes:
        for number in range(3):
            await building.door.commit(add(f":a{number} a brick:AHU ."), actor="ann", reason="new")
        for _ in range(3):
            revision = await anext(changes)
            assert isinstance(revision, Revision)
            heard.append(revision.token)
            assert building.door.revision >= revision.token
    assert heard == [1, 2, 3]


async def test_what_follows_goes_with_the_change_that_made_it_true() -> None:
    building = await Building().furnish()
    sat, ahu = NamedNode("urn:twin:hq:ahu-1:sat"), NamedNode("urn:twin:hq:ahu-1")
    graph = inferred_graph("hq")
    assert any(True for _ in building.store.quads(ahu, TWIN.hasProperty, sat, graph))
    facts = tuple(building.store.quads(sat, None, None, site_graph("hq")))
    gone = Delta(removed=facts + quads(":ahu-1 brick:hasPoint <urn:twin:hq:ahu-1:sat> ."))
    await building.door.commit(gone, actor="ann", reason="gone")
    assert list(building.store.quads(sat, None, None, graph)) == []
    assert list(building.store.quads(None, TWIN.hasProperty, sat, None)) == []


_FACTS = [
    ":p a brick:Air_Temperature_Sensor .", ":p a saref:Property .", ":a brick:hasPoint :p .", ":p brick:isPointOf :a .",
    ":b saref:hasProperty :p .", ":b twin:hasProperty :p .", ':p twin:role "x" .', ":p a twin:Property .",
    ":q a brick:Zone_Air_Temperature_Sensor .", ":a brick:hasPoint :q .",
]  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(range(len(_FACTS)))), max_size=12))
async def test_derived_triples_equal_those_of_the_whole_graph_after_any_edits(edits: list[tuple[bool, int]]) -> None:
    building = _shared()
    present = tuple(building.store.quads(None, None, None, site_graph("hq")))
    await building.door.commit(Delta(removed=present), actor="test", reason="start over")
    for adds, index in edits:
        fact = quads(_FACTS[index])
        await building.door.commit(Delta(added=fact) if adds else Delta(removed=fact), actor="test", reason="edit")
        graph = inferred_graph("hq")
        whole = {
            derived
            for prop in (NamedNode("urn:twin:hq:p"), NamedNode("urn:twin:hq:q"))
            for derived in building.door.derivation.derived(building.store, prop, "hq")
        }
        assert set(building.store.quads(None, None, None, graph)) == whole
        union = [quad.triple for quad in building.store.quads() if "hq" in str(quad.graph_name)]
        assert len(union) == len(set(union)), "a triple stands in two graphs"


_BUILDINGS: list[Building] = []


def _shared() -> Building:
    if not _BUILDINGS:
        _BUILDINGS.append(Building())
    return _BUILDINGS[0]


async def test_a_store_that_lost_its_tail_is_brought_up_to_the_journal(tmp_path) -> None:
    building = await Building().furnish()
    fresh = Building()
    assert fresh.store.revision() == 0
    replayed = recover(fresh.store, building.journal, tmp_path)
    assert replayed == building.journal.revision()
    for graph in (site_graph("hq"), inferred_graph("hq")):
        assert set(fresh.store.quads(None, None, None, graph)) == set(building.store.quads(None, None, None, graph))
    assert building.twins.sites(Scope()) == ["hq"]


class Gated:
    """A gate that a change waits at, in its thread, until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def judge(self, store: GraphStore, delta: Delta) -> Judgement:
        self.reached.set()
        assert self.opened.wait(30)
        return Judgement()


async def test_a_change_whose_caller_leaves_is_finished_before_the_next_one_begins() -> None:
    building, gate = Building(), Gated()
    door = ChangeDoor(building.store, building.journal, building.clock, gate)
    left = asyncio.create_task(door.commit(add(":a a brick:AHU ."), actor="ann", reason="left"))
    await asyncio.to_thread(gate.reached.wait, 30)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    second = asyncio.create_task(door.commit(add(":b a brick:AHU ."), actor="bob", reason="next", validate=False))
    await asyncio.wait({second}, timeout=0.05)
    assert not second.done()
    gate.opened.set()
    assert (await second).token == 2
    assert [change.reason for change in door.since(0)] == ["left", "next"]
    assert building.store.revision() == 2


async def test_whoever_leaves_while_waiting_in_line_changes_nothing() -> None:
    building, gate = Building(), Gated()
    door = ChangeDoor(building.store, building.journal, building.clock, gate)
    first = asyncio.create_task(door.commit(add(":a a brick:AHU ."), actor="ann", reason="first"))
    await asyncio.to_thread(gate.reached.wait, 30)
    waiting = asyncio.create_task(door.commit(add(":b a brick:AHU ."), actor="bob", reason="waiting"))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.opened.set()
    await first
    await door.idle()
    assert [change.reason for change in door.since(0)] == ["first"]


async def test_a_change_the_store_could_not_take_is_never_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    building = await Building().furnish()

    def full(delta: Delta, revision: int) -> None:
        raise Unavailable("The graph store refused to write: no space.")

    with monkeypatch.context() as patch:
        patch.setattr(building.store, "apply", full)
        with pytest.raises(Unavailable, match="no space"):
            await building.door.commit(add(":lost a brick:AHU ; brick:hasPoint :p ."), actor="ann", reason="new")
    with pytest.raises(Unavailable, match="stands at revision 2, its journal at 3"):
        await building.door.commit(add(":b a brick:AHU ."), actor="bob", reason="next")
    assert recover(building.store, building.journal, tmp_path) == 1
    assert any(True for _ in building.store.quads(NamedNode("urn:twin:hq:lost"), None, None, None))
    assert "urn:twin:hq:p" in building.journal.known_series()
    assert (await building.door.commit(add(":b a brick:AHU ."), actor="bob", reason="next")).token == 4


async def test_a_listener_that_fails_keeps_the_change_from_nobody(caplog: pytest.LogCaptureFixture) -> None:
    building = Building()

    def fails(_revision: Revision) -> None:
        raise RuntimeError("no disk for violations")

    building.door.before_announcing.insert(0, fails)
    async with building.door.changes.subscribe() as changes:
        await building.door.commit(add(":a a brick:AHU ."), actor="ann", reason="new")
        heard = await anext(changes)
    assert isinstance(heard, Revision)
    assert building.twins.twin(Scope(), "urn:twin:hq:a") is not None
    assert "Revision 1 stands" in caplog.text


VOCABULARY = NamedNode("urn:twin:vocabulary:hq")


async def test_what_follows_from_a_class_follows_for_those_who_were_there_before() -> None:
    building = Building()
    await building.door.commit(add(":t a :Thermometer ."), actor="ann", reason="a thing")
    assert building.twins.twin(Scope(), "urn:twin:hq:t") is not None
    tree = quads(":Thermometer rdfs:subClassOf brick:Discharge_Air_Temperature_Sensor .", VOCABULARY)
    await building.door.commit(Delta(added=tree), actor="ann", reason="it is a sensor")
    record = building.twins.property(Scope(), "urn:twin:hq:t")
    assert record is not None
    assert record.role == "supply_air_temperature"
    await building.door.commit(Delta(removed=tree), actor="ann", reason="it is not")
    assert building.twins.property(Scope(), "urn:twin:hq:t") is None
    assert list(building.store.quads(None, None, None, inferred_graph("hq"))) == []


async def test_a_class_and_its_individuals_may_come_in_one_change() -> None:
    building = Building()
    tree = quads(":Thermometer rdfs:subClassOf brick:Discharge_Air_Temperature_Sensor .", VOCABULARY)
    await building.door.commit(Delta(added=tree + quads(":t a :Thermometer .")), actor="ann", reason="both")
    record = building.twins.property(Scope(), "urn:twin:hq:t")
    assert record is not None
    assert record.role == "supply_air_temperature"


async def test_a_dry_run_of_a_class_teaches_the_door_nothing() -> None:
    building = Building()
    tree = quads(":Thermometer rdfs:subClassOf brick:Discharge_Air_Temperature_Sensor .", VOCABULARY)
    await building.door.commit(Delta(added=tree), actor="ann", reason="try", dry_run=True)
    await building.door.commit(add(":t a :Thermometer ."), actor="ann", reason="a thing")
    assert building.twins.property(Scope(), "urn:twin:hq:t") is None


async def test_what_could_not_be_read_back_from_the_journal_is_refused_before_it_is_in_it() -> None:
    building = Building()
    [broken] = parse(b"<urn:a> <urn:p> <http://host:port/> .", format=RdfFormat.N_TRIPLES, lenient=True)
    delta = Delta(added=(Quad(broken.subject, broken.predicate, broken.object, site_graph("hq")),))
    with pytest.raises(InvalidInput, match="http://host:port/"):
        await building.door.commit(delta, actor="ann", reason="odd")
    assert building.journal.revision() == 0


async def test_a_bulk_import_never_takes_graphs_that_hold_something() -> None:
    building = await Building().furnish()
    before = set(building.store.quads(None, None, None, site_graph("hq")))
    with pytest.raises(Conflict, match="urn:twin:site:hq"):
        await building.door.publish_import([site_graph("hq")], lambda: "artifact", actor="ann", reason="import")
    assert set(building.store.quads(None, None, None, site_graph("hq"))) == before
    assert building.journal.unfinished_imports() == []


async def test_a_bulk_import_that_fails_leaves_nothing_and_may_be_tried_again() -> None:
    building, graph = Building(), site_graph("new")

    def breaks() -> str:
        building.store.bulk_load(quads(":a a brick:AHU .", graph))
        raise InvalidInput("line 2")

    def works() -> str:
        building.store.bulk_load(quads(":a a brick:AHU .", graph))
        return "artifact"

    with pytest.raises(InvalidInput, match="line 2"):
        await building.door.publish_import([graph], breaks, actor="ann", reason="import")
    assert (building.journal.unfinished_imports(), building.twins.sites(Scope())) == ([], [])
    assert (await building.door.publish_import([graph], works, actor="ann", reason="import")).token == 1
    assert building.twins.sites(Scope()) == ["new"]
