"""The read model: one way to read a building, whichever vocabulary it is written in."""

from __future__ import annotations

import pytest

from tests.graph.building import Building, add, quads
from twin.contracts import Delta
from twin.errors import InvalidInput
from twin.scope import Principal, Scope
from twin.terms import NamedNode
from twin.vocab import site_graph

EVERYTHING = Scope()
VIEWER = Scope(Principal("viewer", frozenset({"viewer"})))
SAT = "urn:twin:hq:ahu-1:sat"


@pytest.fixture
async def building() -> Building:
    return await Building().furnish()


def names(building: Building, iris: list[str]) -> list[str]:
    records = [building.twins.twin(EVERYTHING, iri) for iri in iris]
    return [record.name for record in records if record]


async def test_twins_come_in_the_order_of_their_names_with_numbers_as_numbers(building: Building) -> None:
    page = building.twins.twins(EVERYTHING)
    assert names(building, list(page.items)) == [
        "AHU 1", "Floor 1", "Headquarters", "Room 2", "Room 10", "VAV 1", "Wing",
    ]  # fmt: skip
    assert page.total == 7


async def test_pages_follow_one_another_without_gap_or_repeat(building: Building) -> None:
    seen: list[str] = []
    after = None
    while True:
        page = building.twins.twins(EVERYTHING, after=after, limit=3)
        seen.extend(page.items)
        if not page.has_next:
            break
        after = seen[-1]
    assert seen == list(building.twins.twins(EVERYTHING, limit=100).items)


async def test_a_class_finds_its_subclasses_and_its_equivalents(building: Building) -> None:
    find = building.twins
    assert list(find.twins(EVERYTHING, type="Equipment").items) == ["urn:twin:hq:ahu-1", "urn:twin:hq:vav-1"]
    assert list(find.properties(EVERYTHING, type="brick:Supply_Air_Temperature_Sensor").items) == [SAT]


async def test_a_class_finds_what_another_vocabulary_calls_by_another_name(building: Building) -> None:
    suite = quads(':suite a <https://w3id.org/rec#OfficeRoom> ; rdfs:label "Suite" .')
    await building.door.commit(Delta(added=suite), actor="test", reason="a room of REC")
    for room in ("brick:Room", "rec:Room", "Room"):
        found = names(building, list(building.twins.twins(EVERYTHING, type=room).items))
        assert found == ["Room 2", "Room 10", "Suite"]


async def test_a_class_that_no_vocabulary_has_is_refused_in_words(building: Building) -> None:
    with pytest.raises(InvalidInput, match="No vocabulary here has a class 'brick:Flux_Capacitor'"):
        building.twins.twins(EVERYTHING, type="brick:Flux_Capacitor")


async def test_a_property_reads_the_same_from_every_vocabulary(building: Building) -> None:
    sat = building.twins.property(EVERYTHING, SAT)
    co2 = building.twins.property(EVERYTHING, "urn:twin:hq:wing-co2")
    mode = building.twins.property(EVERYTHING, "urn:twin:hq:vav-1:mode")
    assert sat is not None
    assert co2 is not None
    assert mode is not None
    assert (sat.owner, sat.role, sat.kind, sat.freshness) == (
        "urn:twin:hq:ahu-1", "supply_air_temperature", "number", 60.0,
    )  # fmt: skip
    assert (sat.unit, sat.quantity_kind) == (
        "http://qudt.org/vocab/unit/DEG_C", "http://qudt.org/vocab/quantitykind/Temperature",
    )  # fmt: skip
    assert (co2.owner, co2.role, co2.writable, co2.minimum, co2.maximum, co2.freshness) == (
        "urn:twin:hq:wing", "co2", True, 400.0, 2000.0, 300.0,
    )  # fmt: skip
    assert (mode.owner, mode.kind, mode.states) == ("urn:twin:hq:vav-1", "state", ("off", "cooling"))
    assert len({sat.series, co2.series, mode.series}) == 3
    assert building.twins.property_by_series(sat.series) == sat


async def test_the_tree_by_place_joins_both_directions_of_every_relation(building: Building) -> None:
    twins = building.twins
    assert names(building, twins.roots(EVERYTHING, "hq")) == ["Headquarters", "Wing"]
    assert names(building, twins.contents(EVERYTHING, "urn:twin:hq:building")) == ["Floor 1"]
    assert names(building, twins.contents(EVERYTHING, "urn:twin:hq:floor-1")) == ["Room 2", "Room 10", "AHU 1"]
    assert names(building, twins.path(EVERYTHING, "urn:twin:hq:vav-1")) == ["Headquarters", "Floor 1", "Room 2"]


async def test_a_relationship_is_found_by_its_inverse_too(building: Building) -> None:
    assert building.twins.related(EVERYTHING, "urn:twin:hq:ahu-1", "feeds") == ["urn:twin:hq:vav-1"]
    assert building.twins.related(EVERYTHING, "urn:twin:hq:vav-1", "isFedBy") == ["urn:twin:hq:ahu-1"]


async def test_a_loop_in_the_places_does_not_hang_the_path(building: Building) -> None:
    await building.door.commit(add(":building brick:isPartOf :room-2 ."), actor="test", reason="nonsense")
    assert "urn:twin:hq:floor-1" in building.twins.path(EVERYTHING, "urn:twin:hq:vav-1")


async def test_bindings_are_read_whole_and_only_by_those_who_may_see_them(building: Building) -> None:
    binding = building.twins.binding(EVERYTHING, SAT)
    assert binding is not None
    assert (binding.address, binding.path, binding.scale, binding.source_unit) == (
        "acme/ahu/1", "sat", 0.1, "http://qudt.org/vocab/unit/DEG_F",
    )  # fmt: skip
    [connection] = building.twins.connections(EVERYTHING)
    assert (connection.protocol, connection.options) == ("mqtt", {"qos": "1"})
    assert building.twins.binding(VIEWER, SAT) is None
    assert building.twins.connections(VIEWER) == []
    assert building.twins.is_bound(SAT)


async def test_a_scope_hides_the_sites_outside_it(building: Building) -> None:
    outside = Scope(sites=frozenset({"elsewhere"}))
    assert building.twins.sites(outside) == []
    assert building.twins.twins(outside).total == 0
    assert building.twins.twin(outside, "urn:twin:hq:ahu-1") is None
    assert building.twins.property(outside, SAT) is None
    assert building.twins.properties(outside, owner="urn:twin:hq:ahu-1").items == []


async def test_the_read_model_follows_every_change_at_once(building: Building) -> None:
    renamed = Delta(quads(':ahu-1 rdfs:label "AHU 1" .'), quads(':ahu-1 rdfs:label "Air handler" .'))
    await building.door.commit(renamed, actor="test", reason="rename")
    assert building.twins.twins(EVERYTHING, text="air handler").items == ["urn:twin:hq:ahu-1"]
    moved = Delta(
        quads(":ahu-1 brick:hasPoint <urn:twin:hq:ahu-1:sat> ."),
        quads(":vav-1 brick:hasPoint <urn:twin:hq:ahu-1:sat> ."),
    )
    await building.door.commit(moved, actor="test", reason="move")
    record = building.twins.property(EVERYTHING, SAT)
    assert record is not None
    assert record.owner == "urn:twin:hq:vav-1"
    assert building.twins.properties(EVERYTHING, owner="urn:twin:hq:ahu-1").total == 0


async def test_a_site_whose_last_triple_went_is_gone(building: Building) -> None:
    came = await building.door.commit(
        Delta(added=quads(":x a brick:Room .", site_graph("annex"))), actor="test", reason="import"
    )
    assert building.twins.sites(EVERYTHING) == ["annex", "hq"]
    await building.door.commit(came.delta.inverse(), actor="test", reason="rollback")
    assert building.twins.sites(EVERYTHING) == ["hq"]


async def test_an_iri_of_two_sites_is_read_at_each_as_that_site_says(building: Building) -> None:
    ahu = "urn:twin:hq:ahu-1"
    also = quads(
        ':ahu-1 a brick:Chiller ; rdfs:comment "Of the annex" ; brick:hasPoint <urn:twin:hq:ahu-1:sat> .',
        site_graph("annex"),
    )
    await building.door.commit(Delta(added=also), actor="test", reason="the same in two sites")
    annex, hq = (Scope(sites=frozenset({site})) for site in ("annex", "hq"))
    first, second = building.twins.twin(annex, ahu), building.twins.twin(hq, ahu)
    assert first is not None
    assert second is not None
    assert (first.site, first.description, [cls.name for cls in first.classes]) == (
        "annex",
        "Of the annex",
        ["Chiller"],
    )
    assert (second.site, second.description, [cls.name for cls in second.classes]) == ("hq", "", ["Air_Handling_Unit"])
    everywhere = list(building.twins.twins(EVERYTHING, limit=100).items)
    assert len(everywhere) == len(set(everywhere))
    await building.door.commit(Delta(removed=also), actor="test", reason="only one after all")
    assert building.twins.twin(EVERYTHING, ahu) == second
    assert building.twins.property(hq, SAT) is not None


async def test_records_follow_what_they_depend_on(building: Building) -> None:
    find = building.twins
    vav, mode = "urn:twin:hq:vav-1", "urn:twin:hq:vav-1:mode"

    def read() -> tuple[str | None, tuple[str, ...], str]:
        twin, property = find.twin(EVERYTHING, vav), find.property(EVERYTHING, mode)
        assert twin is not None
        assert property is not None
        return twin.place, property.states, twin.classes[0].label

    assert read()[:2] == ("urn:twin:hq:room-2", ("off", "cooling"))
    word = Delta(quads(':modes-1 twin:word "cooling" .'), quads(':modes-1 twin:word "heating" .'))
    await building.door.commit(word, actor="test", reason="another word")
    assert read()[1] == ("off", "heating")
    room = quads(":room-2 a brick:Room .")
    await building.door.commit(Delta(removed=room), actor="test", reason="no room")
    assert read()[0] is None
    await building.door.commit(Delta(added=room), actor="test", reason="a room after all")
    assert read()[0] == "urn:twin:hq:room-2"
    label = quads('brick:Variable_Air_Volume_Box rdfs:label "0 Box" .', NamedNode("urn:twin:vocabulary:hq"))
    await building.door.commit(Delta(added=label), actor="test", reason="another name")
    assert read()[2] == "0 Box"


async def test_a_page_goes_on_where_a_twin_was_that_is_gone(building: Building) -> None:
    room = quads(":room-2 a brick:Room .")
    await building.door.commit(Delta(removed=room), actor="test", reason="gone")
    page = building.twins.twins(EVERYTHING, after="urn:twin:hq:room-2", limit=1)
    assert names(building, list(page.items)) == ["Room 10"]


async def test_filters_are_the_records_own_words(building: Building) -> None:
    find = building.twins
    for family in ("space", "equipment", "other"):
        page = find.twins(EVERYTHING, family=family, limit=100)
        records = [find.twin(EVERYTHING, iri) for iri in find.twins(EVERYTHING, limit=100).items]
        assert list(page.items) == [record.iri for record in records if record and record.family == family]
    assert list(find.properties(EVERYTHING, role="supply_air_temperature").items) == [SAT]
    assert list(find.properties(EVERYTHING, owner="urn:twin:hq:ahu-1", role="supply_air_temperature").items) == [SAT]
    assert find.properties(EVERYTHING, owner="urn:twin:hq:ahu-1", role="co2").total == 0
    assert list(find.properties(EVERYTHING, writable=True).items) == ["urn:twin:hq:wing-co2"]
    assert find.properties(EVERYTHING, writable=False).total == 2
    assert find.properties(EVERYTHING, owner="urn:twin:hq:ahu-1", site="elsewhere").total == 0
