"""Asking over GraphQL: sites, twins, properties, pages, bindings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.server import AHU, BROKER, CO2, FAN, MODE, NOTE, SAT, VIEWER, Server, start
from tests.graph.building import quads
from twin.clock import NANOSECONDS, iso
from twin.contracts import Delta

FLOOR = "urn:twin:hq:floor-1"


async def test_the_summary_counts_what_is_live_what_is_not_and_what_was_never_wired(server: Server) -> None:
    before = await server.data("{ summary { name twins properties live unavailable unbound violations revision } }")
    assert before["summary"] == {
        "name": "Headquarters", "twins": 7, "properties": 5, "live": 0, "unavailable": 1, "unbound": 4,
        "violations": 0, "revision": "000000000003",
    }  # fmt: skip
    await server.observe((SAT, 14.0), (CO2, 500.0))
    during = await server.data("{ summary { live unavailable unbound } }")
    assert during["summary"] == {"live": 2, "unavailable": 0, "unbound": 3}
    server.clock.advance(120)
    after = await server.data("{ summary { live unavailable unbound } }")
    assert after["summary"] == {"live": 1, "unavailable": 1, "unbound": 3}


async def test_a_twin_tells_its_place_contents_and_edges(server: Server) -> None:
    data = await server.data(
        """query($id: ID!) { twin(id: $id) {
             id name family description site { id name twins properties roots { name } }
             classes { name vocabulary label } place { name } path { name }
             contents { totalCount } hasContents
             relationships { name direction twin { name } }
             related(relationship: "feeds") { name }
           } }""",
        id=AHU,
    )
    assert data["twin"] == {
        "id": AHU, "name": "AHU 1", "family": "EQUIPMENT", "description": "",
        "site": {"id": "hq", "name": "Headquarters", "twins": 7, "properties": 5,
                 "roots": [{"name": "Headquarters"}, {"name": "Wing"}]},
        "classes": [{"name": "Air_Handling_Unit", "vocabulary": "brick", "label": "Air Handling Unit"}],
        "place": {"name": "Floor 1"}, "path": [{"name": "Headquarters"}, {"name": "Floor 1"}],
        "contents": {"totalCount": 0}, "hasContents": False,
        "relationships": [{"name": "feeds", "direction": "OUT", "twin": {"name": "VAV 1"}},
                          {"name": "hasLocation", "direction": "OUT", "twin": {"name": "Floor 1"}}],
        "related": [{"name": "VAV 1"}],
    }  # fmt: skip


async def test_values_are_numbers_in_the_asked_unit_words_booleans_and_texts(server: Server) -> None:
    await server.observe((SAT, 20.0), (MODE, 1), (FAN, 1), (NOTE, "filter changed"))
    data = await server.data(
        """query($sat: ID!, $mode: ID!, $fan: ID!, $note: ID!) {
             sat: property(id: $sat) { kind role value fahrenheit: value(unit: "DEG_F") unit { symbol } available age
                                       time quality { word flags } owner { name } bound }
             mode: property(id: $mode) { kind value states bound }
             fan: property(id: $fan) { kind value writable }
             note: property(id: $note) { kind value }
           }""",
        sat=SAT, mode=MODE, fan=FAN, note=NOTE,
    )  # fmt: skip
    assert data["sat"] == {
        "kind": "NUMBER", "role": "supply_air_temperature", "value": 20.0, "fahrenheit": pytest.approx(68.0),
        "unit": {"symbol": "°C"}, "available": True, "age": 0.0, "time": iso(server.clock.now()),
        "quality": {"word": "good", "flags": []}, "owner": {"name": "AHU 1"}, "bound": True,
    }  # fmt: skip
    assert data["mode"] == {"kind": "STATE", "value": "cooling", "states": ["off", "cooling"], "bound": False}
    assert data["fan"] == {"kind": "BOOLEAN", "value": True, "writable": True}
    assert data["note"] == {"kind": "TEXT", "value": "filter changed"}


async def test_an_old_value_is_null_and_tells_since_when(server: Server) -> None:
    await server.observe((SAT, 20.0))
    told = server.clock.now()
    server.clock.advance(100)
    data = await server.data(
        "query($id: ID!) { property(id: $id) { value available time unavailableSince age } }", id=SAT
    )
    assert data["property"] == {
        "value": None, "available": False, "time": iso(told), "unavailableSince": iso(told + 60 * NANOSECONDS),
        "age": 100.0,
    }  # fmt: skip


async def test_nothing_known_is_unavailable_without_a_since(server: Server) -> None:
    data = await server.data(
        "query($id: ID!) { property(id: $id) { value available time unavailableSince age quality { word } } }", id=SAT
    )
    assert data["property"] == {
        "value": None, "available": False, "time": None, "unavailableSince": None, "age": None,
        "quality": {"word": "uncertain"},
    }  # fmt: skip


async def test_ranges_convert_like_values(server: Server) -> None:
    data = await server.data('query($id: ID!) { property(id: $id) { minimum maximum(unit: "PERCENT") } }', id=CO2)
    assert data["property"] == {"minimum": 400.0, "maximum": pytest.approx(0.2)}


async def test_a_unit_that_does_not_fit_is_refused_with_a_remedy(server: Server) -> None:
    error = await server.error('query($id: ID!) { property(id: $id) { value(unit: "KiloW") } }', id=SAT)
    assert error["message"] == "DEG_C does not convert to KiloW: they measure different quantities."
    assert error["extensions"]["code"] == "invalid-input"
    near = await server.error('query($id: ID!) { property(id: $id) { value(unit: "DEG_G") } }', id=SAT)
    assert near["extensions"]["remedy"].startswith("Did you mean DEG_")
    state = await server.error('query($id: ID!) { property(id: $id) { value(unit: "DEG_F") } }', id=MODE)
    assert state["message"] == "Mode is a state and has no unit."


async def test_a_property_is_found_by_role_by_name_and_by_local_id(server: Server) -> None:
    data = await server.data(
        """query($id: ID!) { twin(id: $id) {
             role: property(role: "supply_air_temperature") { id } name: property(name: "supply air temperature") { id }
             local: property(name: "sat") { id } none: property(role: "flux") { id }
           } }""",
        id=AHU,
    )
    assert data["twin"] == {"role": {"id": SAT}, "name": {"id": SAT}, "local": {"id": SAT}, "none": None}
    error = await server.error("query($id: ID!) { twin(id: $id) { property { id } } }", id=AHU)
    assert error["message"] == "Neither role nor name says which property."


async def test_filters_find_by_class_family_and_text(server: Server) -> None:
    data = await server.data(
        """{ ahus: twins(where: {class: "brick:AHU"}) { nodes { name } }
             rooms: twins(where: {class: "Room"}) { nodes { name } }
             spaces: twins(where: {family: SPACE}) { totalCount }
             text: twins(where: {text: "room 1"}) { nodes { name } }
             writable: properties(where: {writable: true}) { nodes { name } }
             owned: properties(where: {twin: "urn:twin:hq:ahu-1", text: "fan"}) { nodes { name } }
             site: twins(where: {site: "hq"}) { totalCount } }"""
    )
    assert data == {
        "ahus": {"nodes": [{"name": "AHU 1"}]}, "rooms": {"nodes": [{"name": "Room 2"}, {"name": "Room 10"}]},
        "spaces": {"totalCount": 5}, "text": {"nodes": [{"name": "Room 10"}]},
        "writable": {"nodes": [{"name": "CO2"}, {"name": "Fan"}]}, "owned": {"nodes": [{"name": "Fan"}]},
        "site": {"totalCount": 7},
    }  # fmt: skip


async def test_pages_follow_one_another_without_gap_or_repeat(server: Server) -> None:
    query = """query($after: String) { twins(first: 3, after: $after) {
        edges { cursor node { name } } nodes { name }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }"""
    seen: list[str] = []
    after: str | None = None
    while True:
        page = (await server.data(query, after=after))["twins"]
        assert page["totalCount"] == 7
        assert [edge["node"] for edge in page["edges"]] == page["nodes"]
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["AHU 1", "Floor 1", "Headquarters", "Room 2", "Room 10", "VAV 1", "Wing"]


async def test_contents_are_paged_too(server: Server) -> None:
    query = """query($id: ID!, $after: String) { twin(id: $id) { contents(first: 2, after: $after) {
        nodes { name } pageInfo { hasNextPage endCursor } totalCount } } }"""
    first = (await server.data(query, id=FLOOR))["twin"]["contents"]
    second = (await server.data(query, id=FLOOR, after=first["pageInfo"]["endCursor"]))["twin"]["contents"]
    assert [node["name"] for node in first["nodes"] + second["nodes"]] == ["Room 2", "Room 10", "AHU 1"]
    assert (first["totalCount"], second["pageInfo"]["hasNextPage"]) == (3, False)


async def test_a_cursor_of_another_list_is_refused(server: Server) -> None:
    twins = await server.data("{ twins(first: 1) { pageInfo { endCursor } } }")
    cursor = twins["twins"]["pageInfo"]["endCursor"]
    error = await server.error("query($after: String) { properties(after: $after) { totalCount } }", after=cursor)
    assert error["message"] == "This cursor belongs to a list of twins, not of properties."
    nonsense = await server.error('{ twins(after: "nonsense!") { totalCount } }')
    assert nonsense["message"] == "'nonsense!' is not a cursor."


async def test_a_page_of_no_possible_size_is_refused(server: Server) -> None:
    large = await server.error("{ twins(first: 1001) { totalCount } }")
    assert large["message"] == "A page has at most 1,000 items; 1,001 were asked for."
    negative = await server.error("{ twins(first: -1) { totalCount } }")
    assert negative["message"] == "A page cannot have -1 items."
    none = await server.data("{ twins(first: 0) { totalCount nodes { id } } }")
    assert none["twins"] == {"totalCount": 7, "nodes": []}


async def test_ids_that_are_not_there_are_null_or_told(server: Server) -> None:
    data = await server.data('{ twin(id: "urn:nobody") { id } property(id: "") { id } site(id: "x") { id } }')
    assert data == {"twin": None, "property": None, "site": None}
    error = await server.error('{ twins(where: {site: "hk"}) { totalCount } }')
    assert (error["message"], error["extensions"]["code"]) == ("There is no site 'hk'.", "not-found")
    assert error["extensions"]["remedy"] == "There are: hq."


async def test_connections_are_read_once_for_all_bindings_of_an_answer(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    health = server.devices.health

    def counted() -> Any:
        reads.append(1)
        return health()

    monkeypatch.setattr(server.devices, "health", counted)
    data = await server.data(
        """{ a: properties { nodes { binding { connection { live } } } }
             b: properties { nodes { binding { connection { id } } } } }"""
    )
    bound = [node for nodes in data.values() for node in nodes["nodes"] if node["binding"]]
    assert len(bound) > 1
    assert sum(reads) == 1


async def test_an_engineer_sees_bindings_and_connections(server: Server) -> None:
    data = await server.data(
        """query($id: ID!) {
             property(id: $id) { binding { address path sourceUnit scale offset writeAddress timePath states { code }
                                           connection { id name state } } }
             connections { id name protocol endpoint state error bindings live received decoded rejected
                           log { level message } rejections { address reason sample count } }
           }""",
        id=SAT,
    )
    assert data["property"]["binding"] == {
        "address": "acme/ahu/1", "path": "sat", "sourceUnit": "http://qudt.org/vocab/unit/DEG_F", "scale": 0.1,
        "offset": 0.0, "writeAddress": None, "timePath": None, "states": [],
        "connection": {"id": BROKER, "name": "Vendor A", "state": "CONNECTED"},
    }  # fmt: skip
    assert data["connections"] == [{
        "id": BROKER, "name": "Vendor A", "protocol": "mqtt", "endpoint": "mqtt://127.0.0.1:1883",
        "state": "CONNECTED", "error": "", "bindings": 1, "live": 0, "received": 7, "decoded": 5, "rejected": 2,
        "log": [{"level": "info", "message": "Connected."}],
        "rejections": [{"address": "acme/ahu/1", "reason": "It is no JSON.", "sample": "{", "count": 2}],
    }]  # fmt: skip


async def test_a_viewer_sees_no_binding_and_no_connection_but_whether_there_is_one(server: Server) -> None:
    server.principal[0] = VIEWER
    answer = await server.ask("query($id: ID!) { property(id: $id) { bound binding { address } } }", id=SAT)
    assert answer["data"] == {"property": {"bound": True, "binding": None}}
    assert answer["errors"][0]["extensions"]["code"] == "forbidden"
    refused = await server.error("{ connections { id } }")
    assert refused["message"] == "viewer may not see bindings."


async def test_a_property_without_an_owner_does_not_take_its_page_with_it() -> None:
    server = await start('<urn:twin:hq:stray> a brick:Temperature_Sensor ; rdfs:label "Stray" .')
    data = await server.data('{ properties(where: {text: "stray"}) { nodes { name owner { name } } } }')
    assert data["properties"] == {"nodes": [{"name": "Stray", "owner": None}]}


async def test_recent_changes_are_told_oldest_first(server: Server) -> None:
    data = await server.data("{ all: changes { reason added removed } last: changes(last: 1) { revision actor }"
                             " since: changes(since: \"000000000001\") { revision } }")  # fmt: skip
    assert [change["reason"] for change in data["all"]] == ["move in", "wire", "more points"]
    assert data["last"] == [{"revision": "000000000003", "actor": "test"}]
    assert [change["revision"] for change in data["since"]] == ["000000000002", "000000000003"]
    error = await server.error('{ changes(since: "latest") { revision } }')
    assert error["message"] == "'latest' is not a revision."


async def test_the_history_of_changes_is_paged_newest_first_with_its_total(server: Server) -> None:
    query = """query($after: String, $twin: ID) { changeHistory(first: 2, after: $after, twin: $twin) {
        totalCount pageInfo { hasNextPage endCursor } nodes { revision } edges { cursor } } }"""
    for number in range(3):
        await server.building.door.commit(
            Delta(added=quads(f':ahu-1 rdfs:comment "{number}" .')), actor="ann", reason="a word"
        )
    seen: list[str] = []
    after = None
    while True:
        page = (await server.data(query, after=after))["changeHistory"]
        seen += [node["revision"] for node in page["nodes"]]
        assert page["totalCount"] == server.building.door.revision
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [f"{number:012d}" for number in range(server.building.door.revision, 0, -1)]
    one = (await server.data(query, twin="urn:twin:hq:room-10"))["changeHistory"]
    assert (one["totalCount"], len(one["nodes"])) == (1, 1)
    assert (await server.error(query, after="x"))["message"] == "'x' is not a cursor."
