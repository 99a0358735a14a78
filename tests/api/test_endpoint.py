"""GraphQL over HTTP: media types, methods, and what a page elsewhere could send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.server import CO2, Server

RESPONSE_JSON = "application/graphql-response+json"
MUTATION = 'mutation { setProperty(property: "urn:twin:hq:wing-co2", value: 600) { state } }'


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (RESPONSE_JSON, RESPONSE_JSON),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (f"application/json;q=0.5, {RESPONSE_JSON}", RESPONSE_JSON),
        (f"{RESPONSE_JSON};q=0, application/json", "application/json"),
        ("", "application/json"),
    ],
)
async def test_the_answer_is_of_the_type_accepted(server: Server, accept: str, answered: str) -> None:
    async with server.client(accept=accept) as client:
        response = await client.post("/graphql", json={"query": "{ revision }"})
    assert (response.status_code, response.headers["content-type"]) == (200, f"{answered}; charset=utf-8")
    assert response.json() == {"data": {"revision": "000000000003"}}


@pytest.mark.parametrize(("accept", "status"), [(RESPONSE_JSON, 400), ("application/json", 200)])
@pytest.mark.parametrize("query", ["{ revision", "{ nothing }", "query($x: Int!) { twins(first: $x) { totalCount } }"])
async def test_a_refused_document_has_no_data(server: Server, accept: str, status: int, query: str) -> None:
    async with server.client(accept=accept) as client:
        response = await client.post("/graphql", json={"query": query})
    assert response.status_code == status
    assert list(response.json()) == ["errors"]
    assert response.json()["errors"][0]["extensions"]["code"] == "invalid-input"


async def test_a_field_that_fails_leaves_the_others(server: Server) -> None:
    async with server.client(accept=RESPONSE_JSON) as client:
        response = await client.post(
            "/graphql", json={"query": '{ property(id: "urn:twin:hq:wing-co2") { name value(unit: "KELVIN") } }'}
        )
    assert response.status_code == 200
    assert response.json()["data"] == {"property": {"name": "CO2", "value": None}}


async def test_a_query_may_be_asked_by_get_and_a_mutation_may_not(server: Server) -> None:
    async with server.client() as client:
        query = await client.get("/graphql", params={"query": "query($n: Int!) { twins(first: $n) { totalCount } }",
                                                     "variables": '{"n": 1}'})  # fmt: skip
        mutation = await client.get("/graphql", params={"query": MUTATION})
    assert query.json() == {"data": {"twins": {"totalCount": 7}}}
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert server.devices.asked == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
async def test_a_body_that_a_page_elsewhere_could_send_is_not_read(server: Server, kind: str) -> None:
    async with server.client(**{"content-type": kind}) as client:
        response = await client.post("/graphql", content=json.dumps({"query": MUTATION}))
    assert response.status_code == 415
    assert response.json()["errors"][0]["message"].startswith("GraphQL reads application/json.")
    assert server.devices.asked == []


@pytest.mark.parametrize(
    "body",
    [b"{", b"", b"[]", b'"query"', b'[{"query": "{ revision }"}]', b'{"query": 5}',
     b'{"query": "{ revision }", "variables": 5}',
     b'{"query": "{ revision }", "variables": {"x": NaN}}', b'{"query": ""}', b"{}", b"\xff"],
)  # fmt: skip
async def test_a_body_that_is_no_request_is_refused_in_json(server: Server, body: bytes) -> None:
    async with server.client(**{"content-type": "application/json", "accept": RESPONSE_JSON}) as client:
        response = await client.post("/graphql", content=body)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith(RESPONSE_JSON)
    assert response.json()["errors"][0]["message"]


async def test_other_methods_and_types_are_refused(server: Server) -> None:
    async with server.client() as client:
        put = await client.put("/graphql", json={"query": "{ revision }"})
        image = await client.post("/graphql", json={"query": "{ revision }"}, headers={"accept": "image/png"})
        bare = await client.get("/graphql")
    assert (put.status_code, put.headers["allow"]) == (405, "GET, POST")
    assert image.status_code == 406
    assert bare.status_code == 400


async def test_a_browser_is_sent_to_the_explorers_query_page(server: Server) -> None:
    async with server.client(accept="text/html,application/xhtml+xml,*/*;q=0.8") as client:
        response = await client.get("/graphql")
    assert (response.status_code, response.headers["location"]) == (303, "/query")


async def test_a_subscription_by_post_is_refused_in_words(server: Server) -> None:
    async with server.client() as client:
        response = await client.post("/graphql", json={"query": "subscription { commands { state } }"})
    assert response.json()["errors"][0]["message"] == "subscriptions are not allowed when using POST"


async def test_the_named_operation_of_several_is_run(server: Server) -> None:
    body: dict[str, Any] = {"query": "query a { revision } query b { twins { totalCount } }", "operationName": "b"}
    async with server.client() as client:
        named = await client.post("/graphql", json=body)
        wrong = await client.post("/graphql", json={**body, "operationName": "c"})
    assert named.json() == {"data": {"twins": {"totalCount": 7}}}
    assert wrong.status_code == 400
    assert "c" in wrong.json()["errors"][0]["message"]


async def test_none_of_several_operations_is_run_when_none_is_named(server: Server) -> None:
    query = f"{MUTATION.replace('mutation', 'mutation a')} query b {{ revision }}"
    async with server.client() as client:
        response = await client.post("/graphql", json={"query": query})
    assert response.json()["errors"][0]["message"].startswith("The document has 2 operations")
    assert "data" not in response.json()
    assert server.devices.asked == []


async def test_a_million_bytes_are_too_many(server: Server) -> None:
    async with server.client() as client:
        response = await client.post("/graphql", json={"query": "{ revision }", "variables": {"x": "x" * 1_100_000}})
    assert response.status_code == 413
    assert response.json()["code"] == "too-large"


async def test_parallel_requests_do_not_mix(server: Server) -> None:
    import asyncio

    async with server.client(accept=RESPONSE_JSON) as client:
        answers = await asyncio.gather(
            *(client.post("/graphql", json={"query": f'{{ twins(where: {{text: "{text}"}}) {{ totalCount }} }}'})
              for text in ["room", "ahu", "nothing"] * 5)
        )  # fmt: skip
    assert [answer.json()["data"]["twins"]["totalCount"] for answer in answers] == [2, 1, 0] * 5


async def test_the_property_written_is_the_one_named(server: Server) -> None:
    async with server.client() as client:
        await client.post("/graphql", json={"query": MUTATION})
    assert server.devices.asked[0][1] == CO2
