from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn
from rdflib import Graph, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLUpdateStore
from starlette.requests import HTTPConnection
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from tests.graph.readers.updating import BROWSER, A, B, Server, said
from twin.api.direct import CrossOrigin, Direct
from twin.api.graph_store import graph_store_endpoint
from twin.api.sparql import sparql_endpoint
from twin.api.sparql_update import update_endpoint
from twin.scope import Scope
from twin.settings import SparqlSettings

SETTINGS = SparqlSettings(readers=1, deadline=30.0)
UPDATE = {"content-type": "application/sparql-update"}
TURTLE = {"content-type": "text/turtle"}
FRESH = "urn:twin:site:fresh"
PAGE = "https://page.example"


def scope_of(connection: HTTPConnection, _moment: str | None) -> Scope:
    return Scope(BROWSER) if connection.headers.get("x-who") == "vic" else Scope()


async def elsewhere(connection: Connection, receive: Receive, send: Send) -> None:
    """What answers every other path: with the origin it sees."""
    seen = dict(connection["headers"]).get(b"origin", b"none")
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": seen})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = await Server(tmp_path, SETTINGS).start()
    yield server
    await server.service.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    endpoints = {
        "/sparql": sparql_endpoint(server.service, scope_of),
        "/sparql/update": update_endpoint(server.updates, scope_of, SETTINGS.update_bytes),
        "/rdf-graphs": graph_store_endpoint(
            server.service, server.updates, scope_of, lambda graph: bool(server.holds(graph))
        ),
    }
    app = CrossOrigin(Direct(elsewhere, endpoints=endpoints), origins=[PAGE], paths=endpoints)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://twin") as client:
        yield client


def told(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    problem: dict[str, Any] = response.json()
    assert problem["remedy"]
    return f"{problem['detail']} {problem['remedy']}"


def at(graph: str) -> str:
    return "/rdf-graphs?" + urlencode({"graph": graph})


def triples(response: httpx.Response, syntax: str = "turtle") -> set[tuple[str, ...]]:
    assert response.status_code == 200, response.text
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of rdflib's own, in JSON-LD
        return {tuple(map(str, triple)) for triple in Graph().parse(data=response.text, format=syntax)}


async def test_an_update_is_taken_directly_and_as_a_form(server: Server, client: httpx.AsyncClient) -> None:
    text = f"INSERT DATA {{ GRAPH {A} {{ <urn:new> <urn:p> %s }} }}"
    direct = await client.post("/sparql/update", content=text % 1, headers=UPDATE, params={"reason": "a new meter"})
    form = await client.post("/sparql/update", data={"update": text % 2})
    assert (direct.status_code, form.status_code) == (200, 200)
    assert direct.json() == {"revision": "000000000002", "added": 1, "removed": 0}
    assert form.headers["twin-revision"] == "000000000003"
    assert server.door.find(2).reason == "a new meter"
    assert [line for line in server.holds(A) if "urn:new" in line] == ["a urn:new urn:p 1", "a urn:new urn:p 2"]


async def test_an_update_names_the_graphs_it_reads_beside_it(server: Server, client: httpx.AsyncClient) -> None:
    text = f"INSERT {{ GRAPH {A} {{ ?s <urn:q> ?o }} }} WHERE {{ ?s <urn:p> ?o }}"
    parameters = {"using-graph-uri": B.value}
    assert (await client.post("/sparql/update", params=parameters, content=text, headers=UPDATE)).json()["added"] == 1
    assert (await client.post("/sparql/update", data={"update": text, **parameters})).json()["added"] == 0
    named = text.replace("{ ?s <urn:p> ?o }", "{ GRAPH ?g { ?s <urn:p> ?o FILTER(?o = 2) } }")
    one = {"using-named-graph-uri": A.value}
    assert (await client.post("/sparql/update", data={"update": named, **one})).json()["added"] == 1
    both = text.replace("WHERE", f"USING {A} WHERE")
    assert "Use either" in told(await client.post("/sparql/update", data={"update": both, **parameters}), 400)


async def test_updates_that_are_none_are_refused(server: Server, client: httpx.AsyncClient) -> None:
    good = f"CLEAR GRAPH {A}"
    told(await client.post("/sparql/update", data={"query": "ASK {}"}), 400)
    told(await client.post("/sparql/update", data={"reason": "none"}), 400)
    told(await client.post("/sparql/update", data={"update": [good, good]}), 400)
    told(await client.post("/sparql/update", params={"update": good}, content=good, headers=UPDATE), 400)
    told(await client.post("/sparql/update", content=b"\xff", headers=UPDATE), 400)
    told(await client.post("/sparql/update", content=good), 415)
    told(
        await client.post("/sparql/update", content="ASK {}", headers={"content-type": "application/sparql-query"}), 415
    )
    told(await client.post("/sparql/update", content="#" * 1_000_001, headers=UPDATE), 413)
    told(await client.post("/sparql/update", data={"update": good}, headers={"x-who": "vic"}), 403)
    told(await client.post("/sparql/update", data={"update": good, "expected-revision": "soon"}), 400)
    assert (await client.post("/sparql/update", data={"update": good, "expected-revision": "0"})).status_code == 409
    for method in ("GET", "PUT", "DELETE"):
        refused = await client.request(method, "/sparql/update", params={"update": good})
        told(refused, 405)
        assert refused.headers["allow"] == "POST, OPTIONS"
    assert server.door.revision == 1


@pytest.mark.parametrize(
    ("accept", "kind", "syntax"),
    [
        ("*/*", "text/turtle; charset=utf-8", "turtle"),
        ("application/rdf+xml", "application/rdf+xml", "xml"),
        ("application/n-triples;q=0.3, application/ld+json;q=0.9", "application/ld+json", "json-ld"),
    ],
)
async def test_a_graph_is_read_in_the_syntax_accepted(
    client: httpx.AsyncClient, accept: str, kind: str, syntax: str
) -> None:
    response = await client.get(at(B.value), headers={"accept": accept})
    assert triples(response, syntax) == {("urn:y:0", "urn:p", "other")}
    assert response.headers["content-type"] == kind
    head = await client.head(at(B.value), headers={"accept": accept})
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", kind)
    assert head.headers["etag"] == response.headers["etag"]
    again = await client.get(at(B.value), headers={"accept": accept, "if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_default_graph_is_the_union_and_is_not_written(client: httpx.AsyncClient) -> None:
    assert len(triples(await client.get("/rdf-graphs?default"))) == 5
    for method in ("PUT", "POST", "DELETE"):
        refused = await client.request(method, "/rdf-graphs?default", content="<urn:a> <urn:b> 1 .", headers=TURTLE)
        assert "union" in told(refused, 403)


async def test_a_graph_is_created_extended_replaced_and_deleted(server: Server, client: httpx.AsyncClient) -> None:
    told(await client.get(at(FRESH)), 404)
    created = await client.put(at(FRESH), content="<urn:a> <urn:b> 1, 2 .", headers=TURTLE)
    assert (created.status_code, created.content) == (201, b"")
    assert created.headers["twin-revision"] == "000000000002"
    extended = await client.post(
        at(FRESH), content='[{"@id":"urn:a","urn:b":3}]', headers={"content-type": "application/ld+json"}
    )
    assert extended.status_code == 204
    assert {o for _, _, o in triples(await client.get(at(FRESH)))} == {"1", "2", "3"}
    xml = Graph().parse(data="<urn:a> <urn:b> 2, 4 .", format="turtle").serialize(format="xml")
    replaced = await client.put(at(FRESH), content=xml, headers={"content-type": "application/rdf+xml"})
    assert replaced.status_code == 204
    delta = server.door.find(server.door.revision).delta
    assert ({said(each)[-1] for each in delta.removed}, {said(each)[-1] for each in delta.added}) == ({"1", "3"}, {"4"})
    assert (await client.delete(at(FRESH))).status_code == 204
    told(await client.get(at(FRESH)), 404)
    told(await client.delete(at(FRESH)), 404)


async def test_blank_nodes_keep_their_names_when_a_graph_is_sent_again(
    server: Server, client: httpx.AsyncClient
) -> None:
    text = "<urn:a> <urn:b> [ <urn:c> 1 ; <urn:d> [ <urn:e> 2 ] ] ."
    await client.put(at(FRESH), content=text, headers=TURTLE)
    before = server.door.revision
    assert (await client.put(at(FRESH), content=text, headers=TURTLE)).status_code == 204
    assert server.door.revision == before


async def test_a_relative_name_in_a_graph_is_taken_from_the_graphs_own(
    server: Server, client: httpx.AsyncClient
) -> None:
    assert (await client.put(at(FRESH), content="<#a> <urn:b> 1 .", headers=TURTLE)).status_code == 201
    assert server.holds(A.__class__(FRESH)) == [f"fresh {FRESH}#a urn:b 1"]


async def test_an_etag_guards_against_what_others_changed(server: Server, client: httpx.AsyncClient) -> None:
    tag = (await client.get(at(B.value))).headers["etag"]
    text = "<urn:a> <urn:b> 1 ."
    assert (await client.put(at(B.value), content=text, headers={**TURTLE, "if-match": tag})).status_code == 204
    told(await client.put(at(B.value), content="", headers={**TURTLE, "if-match": tag}), 412)
    told(await client.put(at(B.value), content="", headers={**TURTLE, "if-none-match": "*"}), 412)
    told(await client.put(at(B.value), content="", headers={**TURTLE, "if-match": '"other"'}), 412)
    told(await client.put(at(FRESH), content="", headers={**TURTLE, "if-match": "*"}), 412)
    assert (await client.delete(at(B.value), headers={"if-match": "*"})).status_code == 204
    assert server.holds(B) == []


async def test_requests_for_graphs_that_cannot_be_are_refused(server: Server, client: httpx.AsyncClient) -> None:
    text = "<urn:a> <urn:b> 1 ."
    told(await client.get("/rdf-graphs"), 400)
    told(await client.get("/rdf-graphs?default&graph=urn:a"), 400)
    told(await client.get("/rdf-graphs?graph=urn:a&graph=urn:b"), 400)
    told(await client.get("/rdf-graphs?graph=not%20an%20iri"), 400)
    told(await client.get(at(A.value), headers={"accept": "image/png"}), 406)
    told(await client.put(at(A.value), content=text), 415)
    told(await client.put(at(A.value), content=text, headers={"content-type": "application/n-quads"}), 415)
    told(await client.put(at("urn:twin:vocabulary:brick"), content=text, headers=TURTLE), 403)
    told(await client.put(at("urn:twin:inferred:a"), content=text, headers=TURTLE), 403)
    told(await client.put(at(A.value), content=text, headers={**TURTLE, "x-who": "vic"}), 403)
    told(await client.delete(at(A.value), headers={"x-who": "vic"}), 403)
    assert "line 2" in told(await client.put(at(A.value), content="<urn:a> <urn:b>\n.", headers=TURTLE), 400)
    told(await client.put(at(A.value), content=b"\xff\xfe", headers=TURTLE), 400)
    told(await client.put(at(A.value), content="<<(" * 100_000, headers=TURTLE), 400)
    told(await client.put(at(A.value), content="[" * 100_000, headers=TURTLE), 400)
    told(await client.patch(at(A.value), content=text), 405)
    remote = json.dumps({"@context": "http://127.0.0.1:9/context", "name": "x"})
    told(await client.put(at(A.value), content=remote, headers={"content-type": "application/ld+json"}), 400)
    assert server.door.revision == 1


async def test_the_service_describes_itself(client: httpx.AsyncClient) -> None:
    response = await client.get("/sparql", headers={"accept": "text/html,*/*"})
    assert response.headers["content-type"] == "text/turtle; charset=utf-8"
    graph = Graph().parse(data=response.text, format="turtle")
    sd = "http://www.w3.org/ns/sparql-service-description#"

    def values(name: str) -> set[str]:
        return {str(value) for value in graph.objects(None, URIRef(sd + name))}

    assert values("endpoint") == {"http://twin/sparql", "http://twin/sparql/update"}
    assert values("supportedLanguage") == {sd + "SPARQL11Query", sd + "SPARQL11Update"}
    assert values("feature") == {sd + "UnionDefaultGraph"}
    assert {A.value, B.value} < values("name")
    assert "urn:twin:live:mean" in values("extensionFunction")
    assert "http://www.w3.org/ns/formats/SPARQL_Results_CSV" in values("resultFormat")
    xml = await client.get("/sparql", headers={"accept": "application/rdf+xml"})
    assert len(Graph().parse(data=xml.text, format="xml")) == len(graph)
    told(await client.get("/sparql", headers={"accept": "image/png"}), 406)


async def test_an_independent_client_queries_and_updates(server: Server) -> None:
    endpoints = {
        "/sparql": sparql_endpoint(server.service, scope_of),
        "/sparql/update": update_endpoint(server.updates, scope_of, SETTINGS.update_bytes),
    }
    config = uvicorn.Config(Direct(elsewhere, endpoints=endpoints), port=0, log_config=None, lifespan="off")
    listener = uvicorn.Server(config)
    listener.install_signal_handlers = lambda: None
    serving = asyncio.create_task(listener.serve())
    async with asyncio.timeout(20):
        while not listener.started:
            await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{listener.servers[0].sockets[0].getsockname()[1]}"

    def talk(method: str) -> list[list[str]]:
        store = SPARQLUpdateStore(f"{address}/sparql", f"{address}/sparql/update", method=method)
        graph = Graph(store, URIRef(A.value))
        graph.add((URIRef("urn:new"), URIRef("urn:p"), URIRef(f"urn:{method}")))
        store.update(f"INSERT DATA {{ GRAPH {A} {{ <urn:new> <urn:q> '{method}' }} }}")
        found = [str(o) for o in graph.objects(URIRef("urn:new"))]
        graph.remove((URIRef("urn:new"), None, None))
        rows = [str(row[0]) for row in store.query("SELECT ?o { <urn:y:0> ?p ?o }")]
        return [sorted(found), rows, [str(bool(store.query("ASK { <urn:new> ?p ?o }")))]]

    for method in ("GET", "POST", "POST_FORM"):
        assert await asyncio.to_thread(talk, method) == [sorted([method, f"urn:{method}"]), ["other"], ["False"]]
    listener.should_exit = True
    await serving


async def test_a_page_of_a_named_origin_may_ask_and_no_other(client: httpx.AsyncClient) -> None:
    preflight = {"origin": PAGE, "access-control-request-method": "PUT", "access-control-request-headers": "if-match"}
    allowed = await client.options("/rdf-graphs", headers=preflight)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, PAGE)
    assert allowed.headers["access-control-allow-headers"] == "if-match"
    asked = await client.get("/sparql", params={"query": "ASK {}"}, headers={"origin": PAGE})
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in asked.headers
    other = await client.get("/sparql", params={"query": "ASK {}"}, headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert (await client.get("/graphql", headers={"origin": PAGE})).text == PAGE
    assert (await client.options("/sparql")).headers["allow"] == "GET, HEAD, POST, OPTIONS"
