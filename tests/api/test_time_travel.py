"""Asking as of the past over GraphQL and REST: topology, bindings and values as they were, and never as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.api.server import AHU, BROKER, SAT, VIEWER, Server, start
from tests.graph.building import add, quads
from twin.clock import iso
from twin.contracts import Delta
from twin.telemetry.outages import Outages
from twin.vocab import bindings_graph

RENAMED = Delta(quads(':ahu-1 rdfs:label "AHU 1" .'), quads(':ahu-1 rdfs:label "Air handler" .'))
BINDING = f"{SAT}#binding"


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Server]:
    """A server on disk whose air handler is renamed, rewired and given a room after two days."""
    server = await start(directory=tmp_path)
    server.clock.advance(86_400)
    await server.observe((SAT, 14.5))
    server.clock.advance(86_400)
    await server.observe((SAT, 20.0))
    await change(server, RENAMED, "a better name")
    wiring = bindings_graph("hq")
    old, new = (quads(f'<{BINDING}> twin:address "{address}" .', wiring) for address in ("acme/ahu/1", "acme/ahu/2"))
    await change(server, Delta(old, new), "moved")
    await change(server, add(':room-3 a brick:Room ; rdfs:label "Room 3" ; brick:isPartOf :floor-1 .'), "built")
    yield server
    assert server.services.pasts is not None
    await server.services.pasts.close()
    server.close()


async def change(server: Server, delta: Delta, reason: str, actor: str = "ann") -> str:
    server.clock.advance(1)
    committed = await server.building.door.commit(delta, actor=actor, reason=reason)
    return f"{committed.token:012d}"


async def revision(server: Server) -> int:
    return int((await server.data("{ revision }"))["revision"])


async def test_a_twin_is_told_as_of_a_revision_with_everything_below_it(past: Server) -> None:
    query = """query ($id: ID!, $at: String) { twin(id: $id, asOf: $at) {
        name property(role: "supply_air_temperature") { binding { address connection { name state } } }
        place { contents { nodes { name } } } } }"""
    before = (await past.data(query, id=AHU, at=str(await revision(past) - 3)))["twin"]
    now = (await past.data(query, id=AHU))["twin"]
    assert (before["name"], now["name"]) == ("AHU 1", "Air handler")
    assert before["property"]["binding"]["address"] == "acme/ahu/1"
    assert now["property"]["binding"]["address"] == "acme/ahu/2"
    states = [each["property"]["binding"]["connection"]["state"] for each in (before, now)]
    assert states == ["UNKNOWN", "CONNECTED"]
    assert [node["name"] for node in before["place"]["contents"]["nodes"]] == ["Room 2", "Room 10", "AHU 1"]
    assert [node["name"] for node in now["place"]["contents"]["nodes"]][:3] == ["Room 2", "Room 3", "Room 10"]


async def test_a_time_is_told_as_well_as_a_revision(past: Server) -> None:
    query = 'query ($at: String) { twins(where: {text: "Room"}, asOf: $at) { totalCount nodes { name } } }'
    long_ago = iso(past.clock.now() - 86_400 * 10**9)
    assert (await past.data(query, at=long_ago))["twins"]["totalCount"] == 2
    assert (await past.data(query, at=iso(past.clock.now())))["twins"]["totalCount"] == 3
    assert (await past.data("query ($at: String) { sites(asOf: $at) { twins } }", at="0"))["sites"] == []


async def test_values_as_of_the_past_come_from_the_history_of_then(past: Server) -> None:
    query = """query ($id: ID!, $at: String) { property(id: $id, asOf: $at) {
        value(unit: "DEG_F") available time quality { word } unavailableSince age
        history(points: 1, aggregate: LAST) { to points { value } } } }"""
    then = past.clock.now() - 86_400 * 10**9 + 10 * 10**9
    told = (await past.data(query, id=SAT, at=iso(then)))["property"]
    assert told["value"] == pytest.approx(58.1)
    assert told["available"]
    assert told["history"]["points"][-1]["value"] == 14.5
    stale = (await past.data(query, id=SAT, at=iso(then + 3600 * 10**9)))["property"]
    assert (stale["value"], stale["available"]) == (None, False)
    assert stale["unavailableSince"] is not None
    assert stale["age"] == pytest.approx(3600 + 13 - 6, abs=10)
    never = (await past.data(query, id=SAT, at=iso(then - 10 * 86_400 * 10**9)))["property"]
    assert never is None
    assert (await past.data(query, id=SAT))["property"]["value"] == pytest.approx(68.0)


@pytest.mark.parametrize(
    ("moment", "said", "code"),
    [
        ("999", "does not exist yet", "not-found"),
        ("2999-01-01T00:00:00Z", "has not come yet", "invalid-input"),
        ("yesterday", "neither a revision nor a time", "invalid-input"),
        ("2026-01-01", "neither a revision nor a time", "invalid-input"),
    ],
)
async def test_a_moment_that_cannot_be_is_named(past: Server, moment: str, said: str, code: str) -> None:
    error = await past.error("query ($at: String) { sites(asOf: $at) { id } }", at=moment)
    assert said in error["message"]
    assert error["extensions"]["code"] == code


async def test_before_the_oldest_that_is_kept_the_oldest_is_named(past: Server) -> None:
    past.building.journal.trim(2)
    error = await past.error('{ sites(asOf: "1") { id } }')
    assert error["extensions"]["code"] == "revision-too-old"
    assert error["extensions"]["oldest"] == "000000000002"
    assert (await past.data('{ sites(asOf: "2") { id } }'))["sites"]


async def test_one_document_asks_as_of_few_moments(past: Server) -> None:
    asked = " ".join(f's{number}: sites(asOf: "{number}") {{ id }}' for number in range(5))
    answer = await past.ask(f"{{ {asked} }}")
    assert any(error["extensions"].get("limit") == "pasts" for error in answer["errors"])


async def test_a_page_of_the_past_goes_on_in_the_past(past: Server) -> None:
    query = """query ($at: String, $after: String) { twins(first: 3, after: $after, asOf: $at) {
        nodes { name } pageInfo { endCursor hasNextPage } } }"""
    at, after, names = str(await revision(past) - 3), None, []
    while True:
        page = (await past.data(query, at=at, after=after))["twins"]
        names += [node["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert "AHU 1" in names
    assert "Room 3" not in names
    assert len(names) == len(set(names))


DIFFERENCE = """query ($from: String!, $to: String, $first: Int, $after: String) {
  difference(from: $from, to: $to, first: $first, after: $after) {
    from to added removed totalCount pageInfo { endCursor hasNextPage }
    twins { twin name added { subject predicate object } removed { subject object } } } }"""


async def test_a_difference_is_told_by_twin_and_backwards_as_its_inverse(past: Server) -> None:
    end = await revision(past)
    told = (await past.data(DIFFERENCE, **{"from": str(end - 3)}))["difference"]
    assert (told["added"], told["removed"], told["totalCount"]) == (5, 2, 2)
    ahu = next(each for each in told["twins"] if each["twin"] == AHU)
    assert ahu["name"] == "Air handler"
    assert {each["object"] for each in ahu["added"]} == {"Air handler", "acme/ahu/2"}
    assert {each["object"] for each in ahu["removed"]} == {"AHU 1", "acme/ahu/1"}
    back = (await past.data(DIFFERENCE, **{"from": str(end), "to": str(end - 3)}))["difference"]
    assert (back["added"], back["removed"]) == (told["removed"], told["added"])


async def test_what_came_and_went_is_not_in_the_difference(past: Server) -> None:
    before = await revision(past)
    visitor = quads(':visitor a brick:Room ; rdfs:label "Visitor" .')
    await change(past, Delta(added=visitor), "comes")
    await change(past, Delta(removed=visitor), "goes")
    told = (await past.data(DIFFERENCE, **{"from": str(before)}))["difference"]
    assert (told["added"], told["removed"], told["twins"]) == (0, 0, [])


async def test_a_difference_is_paged_and_shows_what_the_scope_sees(past: Server) -> None:
    start_at = str(await revision(past) - 3)
    first = (await past.data(DIFFERENCE, **{"from": start_at, "first": 1}))["difference"]
    assert first["pageInfo"]["hasNextPage"]
    after = first["pageInfo"]["endCursor"]
    second = (await past.data(DIFFERENCE, **{"from": start_at, "first": 1, "after": after}))["difference"]
    assert {first["twins"][0]["twin"], second["twins"][0]["twin"]} == {AHU, "urn:twin:hq:room-3"}
    past.principal[0] = VIEWER
    told = (await past.data(DIFFERENCE, **{"from": start_at}))["difference"]
    assert (told["added"], told["removed"]) == (4, 1)


async def test_changes_are_paged_both_ways_and_by_twin(past: Server) -> None:
    query = """query ($since: String, $before: String, $twin: ID, $last: Int!) {
      changes(since: $since, before: $before, twin: $twin, last: $last) {
        revision reason actor twins addedStatements { object } } }"""

    async def reasons(**asked: Any) -> list[str]:
        return [each["reason"] for each in (await past.data(query, last=2, **asked))["changes"]]

    newest = (await past.data(query, last=2))["changes"]
    assert [each["reason"] for each in newest] == ["moved", "built"]
    assert newest[0]["twins"] == [AHU]
    assert {"object": "acme/ahu/2"} in newest[0]["addedStatements"]
    assert (await reasons(before=newest[0]["revision"]))[-1] == "a better name"
    assert await reasons(twin=AHU) == ["a better name", "moved"]
    assert await reasons(twin=AHU, before=newest[0]["revision"]) == ["more points", "a better name"]
    assert await reasons(twin=AHU, since="2") == ["more points", "a better name"]


async def test_the_revision_of_a_twin_moves_with_it_alone(past: Server) -> None:
    query = """query ($id: ID!, $at: String) {
      twin(id: $id, asOf: $at) { revision } room: twin(id: "urn:twin:hq:room-2") { revision } }"""
    now = await past.data(query, id=AHU)
    newest = await revision(past)
    assert int(now["twin"]["revision"]) == newest - 1
    assert int(now["room"]["revision"]) < newest - 2
    before = await past.data(query, id=AHU, at=str(newest - 2))
    assert int(before["twin"]["revision"]) == newest - 2


async def test_a_change_about_a_twin_conflicts_only_with_changes_of_it(past: Server) -> None:
    mutation = """mutation ($expected: String, $twins: [ID!], $add: String!) { applyChange(site: "hq", reason: "tidy",
      add: $add, expectedRevision: $expected, twins: $twins) { revision } }"""
    asked = {"add": f'<{AHU}> <http://www.w3.org/2000/01/rdf-schema#comment> "x" .', "twins": [AHU]}
    newest = await revision(past)
    await past.data(mutation, expected=str(newest - 1), **asked)
    error = await past.error(mutation, expected=str(newest - 2), **asked)
    assert error["extensions"]["code"] == "conflict"
    assert error["extensions"]["twins"] == [AHU]
    told = error["extensions"]["changes"]
    assert [each["reason"] for each in told] == ["moved", "tidy"]
    assert (told[0]["actor"], told[0]["revision"]) == ("ann", f"{newest - 1:012d}")
    assert {"op": "added", "twin": BINDING, "predicate": "urn:twin:vocabulary:core#address", "value": "acme/ahu/2"} in (
        told[0]["statements"]
    )
    whole = await past.error(mutation, expected=str(newest), add=asked["add"])
    assert whole["extensions"]["twins"] == []


async def test_rest_tells_the_past_of_a_twin_an_export_and_a_history(past: Server) -> None:
    before = str(await revision(past) - 3)
    async with past.client(accept="application/n-triples") as client:
        twin = await client.get(f"/api/v1/twins/{AHU}", params={"asOf": before})
        now = await client.get(f"/api/v1/twins/{AHU}")
        export = await client.get("/api/v1/export", params={"asOf": before})
        then = iso(past.clock.now() - 86_400 * 10**9 + 10 * 10**9)
        history = await client.get(f"/api/v1/properties/{SAT}/history.csv", params={"asOf": then})
        wrong = await client.get(f"/api/v1/twins/{AHU}", params={"asOf": "999"})
    assert '"AHU 1"' in twin.text
    assert '"Air handler"' in now.text
    assert twin.headers["etag"] != now.headers["etag"]
    assert "room-3" not in export.text
    assert len(history.text.splitlines()) == 2
    assert wrong.status_code == 404
    assert "does not exist yet" in wrong.json()["detail"]


async def test_a_value_of_a_time_when_its_connection_was_lost_is_unavailable_since_then(past: Server) -> None:
    second = 10**9
    then = past.clock.now() - 86_400 * second
    outages = Outages(None, past.clock)
    outages.note(BROKER, "CONNECTED", then - 60 * second)
    outages.note(BROKER, "RETRYING", then + 40 * second, "It went away.")
    outages.note(BROKER, "CONNECTED", then + 50 * second)
    past.services = replace(past.services, outages=outages)
    query = """query ($id: ID!, $broker: ID!, $at: String) {
        property(id: $id, asOf: $at) { value available unavailableSince quality { flags } }
        connection(id: $broker, asOf: $at) { state since error } }"""

    async def told(after: float) -> tuple[Any, Any]:
        found = await past.data(query, id=SAT, broker=BROKER, at=iso(then + int(after * second)))
        return found["property"], found["connection"]

    value, connection = await told(30)
    assert (value["value"], connection["state"]) == (14.5, "CONNECTED")
    value, connection = await told(45)
    assert (value["value"], value["available"], value["unavailableSince"]) == (None, False, iso(then + 40 * second))
    assert "comms" in value["quality"]["flags"]
    assert connection == {"state": "RETRYING", "since": iso(then + 40 * second), "error": "It went away."}
    value, connection = await told(54)  # it is back, and has not spoken
    assert (value["available"], value["unavailableSince"]) == (False, iso(then + 40 * second))
    assert connection["state"] == "CONNECTED"
    when = then + 56 * second
    past.history.rows[past.series(SAT)][when] = (15.5, 0, None)
    assert (await told(58))[0]["value"] == 15.5
    async with past.client() as client:
        headers = {}
        for after in (30, 45, 54):
            at = iso(then + after * second)
            answer = await client.get(f"/api/v1/properties/{SAT}/history.csv", params={"asOf": at})
            headers[after] = answer.headers.get("twin-unavailable-since")
    assert headers == {30: None, 45: iso(then + 40 * second), 54: None}
    outages.close()
