"""One twin over REST: its revision as ETag, and changes by who read it last."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import parsedate_to_datetime

import httpx
import pytest

from tests.api.server import AHU, SAT, VIEWER, Server
from tests.graph.building import add
from twin.settings import RevisionSettings, Settings

URL = f"/api/v1/twins/{AHU}"
VAV = "/api/v1/twins/urn:twin:hq:vav-1"
PATCH = {"content-type": "application/rdf-patch"}
LABEL = "<http://www.w3.org/2000/01/rdf-schema#label>"


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client() as client:
        yield client


def renaming(old: str, new: str) -> str:
    return f'TX .\nD <{AHU}> {LABEL} "{old}" .\nA <{AHU}> {LABEL} "{new}" .\nTC .\n'


async def test_a_twin_is_read_with_its_revision_and_its_time(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL)
    assert answer.headers["etag"].startswith('"000000000')
    assert parsedate_to_datetime(answer.headers["last-modified"]).year >= 2026
    head = await client.head(URL)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", answer.headers["etag"])
    turtle = await client.get(URL, headers={"accept": "text/turtle"})
    assert turtle.headers["etag"] != answer.headers["etag"]


async def test_what_is_known_already_is_not_sent_again(server: Server, client: httpx.AsyncClient) -> None:
    tag = (await client.get(URL)).headers["etag"]
    again = await client.get(URL, headers={"if-none-match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await server.building.door.commit(add(':room-9 a brick:Room ; rdfs:label "9" .'), actor="ann", reason="elsewhere")
    assert (await client.get(URL, headers={"if-none-match": tag})).status_code == 304
    await server.building.door.commit(add(f'<{SAT}> rdfs:comment "x" .'), actor="ann", reason="its property")
    changed = await client.get(URL, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] > tag


async def test_what_was_read_is_put_back_without_a_change(server: Server, client: httpx.AsyncClient) -> None:
    for accept in ("application/ld+json", "text/turtle", "application/n-triples"):
        read = await client.get(URL, headers={"accept": accept})
        before = server.building.door.revision
        put = await client.put(
            URL, content=read.content, headers={"content-type": accept, "if-match": read.headers["etag"]}
        )
        assert put.status_code == 204, put.text
        assert server.building.door.revision == before


async def test_a_put_replaces_the_twin_and_a_put_of_a_new_one_makes_it(
    server: Server, client: httpx.AsyncClient
) -> None:
    read = await client.get(VAV, headers={"accept": "application/ld+json"})
    body = json.loads(read.content)
    node = next(each for each in body if each["@id"] == "urn:twin:hq:vav-1")
    node[LABEL[1:-1]] = [{"@value": "Box 1"}]
    headers = {"content-type": "application/ld+json", "if-match": read.headers["etag"]}
    put = await client.put(VAV, content=json.dumps(body), headers=headers, params={"reason": "a better name"})
    assert put.status_code == 204, put.text
    assert (await server.data('{ twin(id: "urn:twin:hq:vav-1") { name properties { totalCount } } }'))["twin"] == {
        "name": "Box 1",
        "properties": {"totalCount": 1},
    }
    assert (await server.data("{ changes(last: 1) { reason actor added removed } }"))["changes"] == [
        {"reason": "a better name", "actor": "local", "added": 1, "removed": 1}
    ]
    made = await client.put(
        "/api/v1/twins/urn:twin:hq:vav-9",
        content="<urn:twin:hq:vav-9> a <https://brickschema.org/schema/Brick#VAV> .",
        headers={"content-type": "text/turtle", "if-none-match": "*"},
    )
    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/twins/urn:twin:hq:vav-9")
    again = await client.put(
        "/api/v1/twins/urn:twin:hq:vav-9",
        content="<urn:twin:hq:vav-9> a <https://brickschema.org/schema/Brick#AHU> .",
        headers={"content-type": "text/turtle", "if-none-match": "*"},
    )
    assert again.status_code == 412


async def test_who_comes_late_is_told_who_changed_what(server: Server, client: httpx.AsyncClient) -> None:
    tag = (await client.get(URL)).headers["etag"]
    first = await client.patch(URL, content=renaming("AHU 1", "Ann's"), headers={**PATCH, "if-match": tag})
    assert first.status_code == 204
    assert first.headers["etag"] == (await client.get(URL)).headers["etag"]
    late = await client.patch(URL, content=renaming("AHU 1", "Bob's"), headers={**PATCH, "if-match": tag})
    assert late.status_code == 412
    told = late.json()
    assert (told["code"], told["twins"]) == ("conflict", [AHU])
    [change] = told["changes"]
    assert change["actor"] == "local"
    assert {"op": "added", "twin": AHU, "predicate": LABEL[1:-1], "value": "Ann's"} in change["statements"]
    assert (await server.data("query ($id: ID!) { twin(id: $id) { name } }", id=AHU))["twin"]["name"] == "Ann's"


async def test_of_many_at_once_one_wins_and_changes_elsewhere_do_not_count(
    server: Server, client: httpx.AsyncClient
) -> None:
    tag = (await client.get(URL)).headers["etag"]
    patches = [
        client.patch(URL, content=f'A <{AHU}> <urn:p> "{n}" .', headers={**PATCH, "if-match": tag}) for n in range(6)
    ]
    elsewhere = client.patch(VAV, content='A <urn:twin:hq:vav-1> <urn:p> "x" .', headers=PATCH)
    answers = [each.status_code for each in await asyncio.gather(elsewhere, *patches)]
    assert sorted(answers) == [204, 204, *[412] * 5]
    assert answers[0] == 204


async def test_a_patch_is_applied_whole_or_not_at_all(server: Server, client: httpx.AsyncClient) -> None:
    before = server.building.door.revision
    for wrong, said in (
        (f'A <{AHU}> <urn:p> "x" .\nA <{AHU}> <urn:p> .', "Line 2"),
        (f'A <{AHU}> <urn:p> "x" .\nA <urn:twin:hq:room-2> <urn:p> "x" .', "no part of"),
        (f"A <{AHU}> <urn:p> _:b .", "blank node"),
        ('PA "x" <urn:x:> .\nA y:a x:b "c" .', "Line 2: The prefix 'y:'"),
        ("TX .\nTC .\nTX .\nTC .", "second transaction"),
        ("hello", "Line 1"),
        (f'A <{AHU}> <urn:p> "x" <urn:twin:site:other> .', "not part of the site"),
    ):
        answer = await client.patch(URL, content=wrong, headers=PATCH)
        assert answer.status_code == 400, wrong
        assert said in answer.json()["detail"], answer.text
    assert server.building.door.revision == before


async def test_a_patch_may_use_prefixes_and_speak_of_properties_and_bindings(
    server: Server, client: httpx.AsyncClient
) -> None:
    rows = f"""H version "1" .
TX .
PA "t" <urn:twin:vocabulary:core#> .
PA "xsd" <http://www.w3.org/2001/XMLSchema#> .
D <{SAT}#binding> t:address "acme/ahu/1" .
A <{SAT}#binding> t:address "acme/ahu/7" .
A <{SAT}> t:freshness "30"^^xsd:integer .   # seconds
TC .
"""
    answer = await client.patch(URL, content=rows, headers=PATCH)
    assert answer.status_code == 204, answer.text
    told = await server.data("query ($id: ID!) { property(id: $id) { freshness binding { address } } }", id=SAT)
    assert told["property"] == {"freshness": 30, "binding": {"address": "acme/ahu/7"}}


async def test_deleting_a_twin_takes_its_properties_bindings_and_edges_along(
    server: Server, client: httpx.AsyncClient
) -> None:
    tag = (await client.get(URL)).headers["etag"]
    answer = await client.delete(URL, headers={"if-match": tag})
    assert answer.status_code == 204
    assert "etag" not in answer.headers
    for node in (AHU, SAT, f"{SAT}#binding"):
        left = [quad for quad in server.building.store.quads() if node in str(quad)]
        assert left == []
    assert (await client.get(URL)).status_code == 404
    assert (await client.delete(URL, headers={"if-match": tag})).status_code == 412


async def test_a_server_may_demand_that_everybody_says_what_they_read(server: Server) -> None:
    server.services = replace(server.services, settings=Settings(revisions=RevisionSettings(require_if_match=True)))
    async with server.client() as client:
        refused = await client.delete(VAV)
        assert (refused.status_code, refused.json()["code"]) == (428, "precondition-required")
        tag = (await client.get(VAV)).headers["etag"]
        assert (await client.delete(VAV, headers={"if-match": tag})).status_code == 204


async def test_tags_that_are_not_ours_never_match(client: httpx.AsyncClient) -> None:
    tag = (await client.get(URL)).headers["etag"]
    for wrong in ('"abc"', f"W/{tag}", "12", '"99999999999999999999"'):
        answer = await client.delete(URL, headers={"if-match": wrong})
        assert answer.status_code == 412, wrong


async def test_other_types_and_other_people_are_refused(server: Server, client: httpx.AsyncClient) -> None:
    wrong = await client.put(URL, content="{}", headers={"content-type": "application/json"})
    assert wrong.status_code == 415
    patch = await client.patch(URL, content="[]", headers={"content-type": "application/json-patch+json"})
    assert (patch.status_code, patch.headers["accept-patch"]) == (415, "application/rdf-patch")
    server.principal[0] = VIEWER
    for answer in (await client.delete(URL), await client.put(URL), await client.patch(URL)):
        assert answer.status_code == 403
