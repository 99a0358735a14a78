"""The one door: whole or not at all, in order, announced when it can be read."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.graph.building import HQ, Building, add, quads
from twin.contracts import Delta, GraphStore, Revision
from twin.errors import Conflict, InvalidInput, ShapeViolation
from twin.graph.change import ChangeDoor
from twin.graph.recovery import recover
from twin.graph.validation import Judgement, Violation
from twin.scope import Scope
from twin.terms import NamedNode
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


async def test_a_store_that_lost_its_tail_is_brought_up_to_the_journal(tmp_path) -> None:  # type: ignore[no-untyped-def]
    building = await Building().furnish()
    fresh = Building()
    assert fresh.store.revision() == 0
    replayed = recover(fresh.store, building.journal, tmp_path)
    assert replayed == building.journal.revision()
    for graph in (site_graph("hq"), inferred_graph("hq")):
        assert set(fresh.store.quads(None, None, None, graph)) == set(building.store.quads(None, None, None, graph))
    assert building.twins.sites(Scope()) == ["hq"]
