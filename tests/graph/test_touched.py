"""What a change is about, and who conflicts with whom because of it."""

from __future__ import annotations

import pytest

from tests.graph.building import Building, add, quads
from twin.contracts import Delta
from twin.errors import Conflict
from twin.vocab import bindings_graph

AHU, SAT, VAV = "urn:twin:hq:ahu-1", "urn:twin:hq:ahu-1:sat", "urn:twin:hq:vav-1"
BINDING = f"<{SAT}#binding>"
STATE = f'{BINDING} twin:stateEntry <urn:entry> . <urn:entry> twin:code "1" ; twin:word "on" .'


@pytest.fixture
async def building() -> Building:
    return await Building().furnish()


async def moved(building: Building, delta: Delta) -> set[str]:
    """Which of the twins a change moved."""
    twins = (AHU, VAV, "urn:twin:hq:room-2", "urn:twin:hq:new")
    before = {twin: building.door.revision_of(twin) for twin in twins}
    await building.door.commit(delta, actor="ann", reason="a change")
    return {twin for twin in twins if building.door.revision_of(twin) != before[twin]}


async def test_a_change_is_about_the_twin_whose_part_it_touches(building: Building) -> None:
    wiring = bindings_graph("hq")
    assert await moved(building, add(':ahu-1 rdfs:comment "x" .')) == {AHU}
    assert await moved(building, add(f"<{SAT}> twin:freshness 5 .")) == {AHU}
    assert await moved(building, Delta(added=quads(f'{BINDING} twin:timePath "t" .', wiring))) == {AHU}
    assert await moved(building, Delta(added=quads(STATE, wiring))) == {AHU}
    assert await moved(building, Delta(removed=quads('<urn:entry> twin:word "on" .', wiring))) == {AHU}
    assert await moved(building, add(":ahu-1 brick:area [ brick:value 40 ] .")) == {AHU}
    [area] = [quad.subject for quad in building.store.quads() if quad.object == quads(":x :y 40 .")[0].object]
    assert await moved(building, add(f"{area} brick:value 41 .")) == {AHU}


async def test_an_edge_is_about_the_twin_it_starts_from(building: Building) -> None:
    assert await moved(building, add(":ahu-1 brick:feeds :room-2 .")) == {AHU}


async def test_a_property_that_changes_hands_is_about_both(building: Building) -> None:
    delta = Delta(quads(f":ahu-1 brick:hasPoint <{SAT}> ."), quads(f":new a brick:AHU ; brick:hasPoint <{SAT}> ."))
    assert await moved(building, delta) == {AHU, "urn:twin:hq:new"}
    assert await moved(building, add(f'<{SAT}> rdfs:comment "y" .')) == {"urn:twin:hq:new"}


async def test_what_is_taken_away_is_a_change_of_whose_it_was(building: Building) -> None:
    binding = tuple(quad for quad in building.store.quads() if str(quad.subject) == BINDING)
    assert await moved(building, Delta(removed=binding)) == {AHU}


async def test_only_changes_of_the_twin_conflict_and_the_conflict_names_them(building: Building) -> None:
    door = building.door
    read = door.revision
    await door.commit(add(':vav-1 rdfs:comment "elsewhere" .'), actor="bob", reason="his own")
    await door.commit(
        add(':ahu-1 rdfs:comment "mine" .'), actor="ann", reason="ok", expected_revision=read, about=(AHU,)
    )
    late = add(':ahu-1 rdfs:comment "late" .')
    with pytest.raises(Conflict, match="ahu-1 was changed after revision") as caught:
        await door.commit(late, actor="eve", reason="late", expected_revision=read, about=(VAV, AHU), dry_run=True)
    told = caught.value.details
    assert told["twins"] == [VAV, AHU]
    assert [(each["actor"], each["reason"]) for each in told["changes"]] == [("bob", "his own"), ("ann", "ok")]
    assert told["changes"][1]["statements"][0]["value"] == "mine"
    with pytest.raises(Conflict) as caught:
        await door.commit(add(":x a brick:AHU ."), actor="eve", reason="late", expected_revision=read)
    assert [each["reason"] for each in caught.value.details["changes"]] == ["his own", "ok"]


async def test_values_in_graphs_that_are_not_seen_are_not_told(building: Building) -> None:
    door, read = building.door, building.door.revision
    secret = Delta(added=quads(f'{BINDING} twin:timePath "secret" .', bindings_graph("hq")))
    await door.commit(secret, actor="ann", reason="wiring")
    with pytest.raises(Conflict) as caught:
        await door.commit(
            add(':ahu-1 rdfs:comment "late" .'),
            actor="bob",
            reason="late",
            expected_revision=read,
            about=(AHU,),
            sees=lambda graph: graph != bindings_graph("hq"),
        )
    assert "secret" not in str(caught.value.details)
    assert caught.value.details["changes"][0]["actor"] == "ann"
