from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from tests.graph.readers.sparql_server import DEPOT, OFFICE, RUNAWAY, Server, quad
from twin.api.sparql import sparql_endpoint
from twin.scope import Principal, Scope
from twin.settings import SparqlSettings
from twin.terms import NamedNode, Quad
from twin.vocab import RDF, RDFS

VALUES = "SELECT ?o { ?s <urn:p> ?o } ORDER BY ?o"
CONSTRUCT = "CONSTRUCT { ?s <urn:q> ?o } WHERE { ?s <urn:p> ?o }"
QUERY = {"content-type": "application/sparql-query"}
CSV = {"accept": "text/csv"}
SETTINGS = SparqlSettings(readers=1, deadline=30.0, queue=1)


def everything(_connection: HTTPConnection, _moment: str | None) -> Scope:
    return Scope()


def by_header(connection: HTTPConnection, _moment: str | None) -> Scope:
    """A viewer of the site that a header names."""
    return Scope(Principal("viewer", frozenset({"viewer"})), frozenset({connection.headers["x-site"]}))


def asgi(server: Server) -> ASGIApp:
    return sparql_endpoint(server.service, everything)


def client_of(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://twin")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path, SETTINGS)
    await server.service.start()
    yield server
    await server.service.close()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(asgi(server)) as client:
        yield client


def told(response: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that a refusal carries."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["remedy"]
    assert problem["code"]
    return problem


async def test_a_query_is_answered_by_get_by_form_and_directly(client: httpx.AsyncClient) -> None:
    responses = [
        await client.get("/sparql", params={"query": VALUES}, headers=CSV),
        await client.post("/sparql", data={"query": VALUES}, headers=CSV),
        await client.post("/sparql", content=VALUES, headers={**QUERY, **CSV}),
        await client.post(
            "/sparql", content=VALUES, headers={"content-type": "Application/SPARQL-Query; charset=UTF-8", **CSV}
        ),
    ]
    for response in responses:
        assert response.status_code == 200
        assert response.text.split() == ["o", "depot", "office", "wire"]
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        assert response.headers["vary"] == "Accept"
        assert response.headers["twin-revision"] == "000000000001"


async def test_head_tells_the_type_alone(client: httpx.AsyncClient) -> None:
    response = await client.head("/sparql", params={"query": VALUES})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/sparql-results+json"


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        (VALUES, None, "application/sparql-results+json"),
        (VALUES, "application/sparql-results+xml", "application/sparql-results+xml"),
        (VALUES, "text/tab-separated-values;q=0.9, text/csv;q=0.8", "text/tab-separated-values; charset=utf-8"),
        ("ASK {}", "application/json", "application/json"),
        (CONSTRUCT, None, "text/turtle; charset=utf-8"),
        (CONSTRUCT, "application/ld+json", "application/ld+json"),
        (CONSTRUCT, "application/n-triples", "application/n-triples"),
        (CONSTRUCT, "application/n-quads;q=1, text/turtle;q=0.5", "application/n-quads"),
        ("DESCRIBE <urn:a>", "*/*", "text/turtle; charset=utf-8"),
    ],
)
async def test_the_answer_is_of_the_type_accepted(
    client: httpx.AsyncClient, query: str, accept: str | None, media_type: str
) -> None:
    response = await client.post("/sparql", content=query, headers={**QUERY, **({"accept": accept} if accept else {})})
    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.content


async def test_graphs_may_be_named_beside_the_query(client: httpx.AsyncClient) -> None:
    graphs = {"default-graph-uri": [DEPOT.value, OFFICE.value]}
    by_get = await client.get("/sparql", params={"query": VALUES, **graphs}, headers=CSV)
    directly = await client.post("/sparql", params=graphs, content=VALUES, headers={**QUERY, **CSV})
    named = await client.get(
        "/sparql",
        params={"query": "SELECT ?o { GRAPH ?g { ?s ?p ?o } }", "named-graph-uri": DEPOT.value},
        headers=CSV,
    )
    assert by_get.text.split() == directly.text.split() == ["o", "depot", "office"]
    assert named.text.split() == ["o", "depot"]


async def test_the_caller_sees_their_scope(server: Server) -> None:
    async with client_of(sparql_endpoint(server.service, by_header)) as client:
        response = await client.get("/sparql", params={"query": VALUES}, headers={"x-site": "depot", **CSV})
        assert response.text.split() == ["o", "depot"]


async def test_a_type_that_cannot_carry_the_answer_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/sparql", params={"query": VALUES}, headers={"accept": "image/png, text/turtle"})
    assert "text/csv" in told(response, 406)["remedy"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("SELECT * {", "cannot be parsed at line 1"),
        ("", "empty"),
        ("SELECT " + "(" * 5000, "deeper than 64"),
        ("SELECT * {" + "{}UNION" * 600 + "{}}", "more than 500 operators"),
        ("SELECT * { SERVICE <http://127.0.0.1:1/> {} }", "SERVICE"),
        ("INSERT DATA { <urn:a> <urn:b> 1 }", "update"),
    ],
)
async def test_a_wrong_query_is_refused_with_reason_and_remedy(
    client: httpx.AsyncClient, query: str, detail: str
) -> None:
    assert detail in told(await client.get("/sparql", params={"query": query}), 400)["detail"]


async def test_requests_that_are_none_are_refused(client: httpx.AsyncClient) -> None:
    told(await client.post("/sparql", data={}, headers={"content-type": "application/x-www-form-urlencoded"}), 400)
    told(await client.get("/sparql", params={"query": [VALUES, VALUES]}), 400)
    told(await client.post("/sparql", data={"quarry": VALUES}), 400)
    told(await client.post("/sparql", content=b"SELECT * { ?s ?p '\xff' }", headers=QUERY), 400)
    told(await client.get("/sparql?query=%FF"), 400)
    told(await client.post("/sparql", content=VALUES, headers={"content-type": "text/plain"}), 415)
    told(await client.post("/sparql", content=VALUES), 415)
    assert (await client.put("/sparql", content=VALUES)).status_code == 405


async def test_updates_are_sent_elsewhere(client: httpx.AsyncClient) -> None:
    update = "DELETE WHERE { ?s ?p ?o }"
    direct = await client.post("/sparql", content=update, headers={"content-type": "application/sparql-update"})
    form = await client.post("/sparql", data={"update": update})
    for response in (direct, form):
        assert "/sparql/update" in told(response, 400)["remedy"]


async def test_a_query_that_is_too_long_is_refused(client: httpx.AsyncClient) -> None:
    long = f"ASK {{ ?s ?p '{'x' * 70_000}' }}"
    told(await client.post("/sparql", content=long, headers=QUERY), 413)
    told(await client.post("/sparql", data={"query": long}), 413)
    told(await client.post("/sparql", data={"query": "ASK {}", "padding": "x" * 500_000}), 413)


async def test_a_runaway_ends_with_503_and_a_full_line_with_429(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, deadline=3.0))
    server.commit(*(quad("urn:many", number) for number in range(300)))
    await server.service.start()
    async with client_of(asgi(server)) as client:
        runaway = asyncio.ensure_future(client.get("/sparql", params={"query": RUNAWAY}))
        await asyncio.sleep(0.05)
        waiting = asyncio.ensure_future(client.get("/sparql", params={"query": VALUES}))
        await asyncio.sleep(0.05)
        refused = await client.get("/sparql", params={"query": VALUES})
        assert told(refused, 429)["code"] == "busy"
        assert refused.headers["retry-after"] == "3"
        assert "stopped after 3 s" in told(await runaway, 503)["detail"]
        assert (await waiting).status_code == 200
    await server.service.close()


class Leaving:
    """A client on the wire that leaves when told to, or after the first bytes of a body."""

    def __init__(self, app: ASGIApp, query: str, *, after_first_bytes: bool = False) -> None:
        self.app = app
        self.scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": "/sparql", "raw_path": b"/sparql",
            "query_string": b"", "headers": [(b"content-type", b"application/sparql-query")], "scheme": "http",
            "server": ("twin", 80), "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"}, "root_path": "",
        }  # fmt: skip
        self.query = query.encode()
        self.gone = asyncio.Event()
        self.after_first_bytes = after_first_bytes
        self.received = 0

    async def receive(self) -> dict[str, Any]:
        if self.query:
            body, self.query = self.query, b""
            return {"type": "http.request", "body": body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.received += len(message.get("body", b""))
        if self.after_first_bytes and self.received:
            self.gone.set()
            await asyncio.sleep(0)

    async def visit(self) -> None:
        await self.app(self.scope, self.receive, self.send)


async def test_a_client_that_leaves_before_the_answer_stops_its_query(server: Server) -> None:
    server.commit(*(quad("urn:many", number) for number in range(300)))
    leaving = Leaving(asgi(server), RUNAWAY)
    visit = asyncio.ensure_future(leaving.visit())
    await asyncio.sleep(0.1)
    leaving.gone.set()
    await visit
    assert await server.ask("SELECT ?o { <urn:a> ?p ?o }") == ["office"]


async def test_a_client_that_leaves_half_way_stops_its_query(server: Server) -> None:
    server.commit(*(quad("urn:many", number) for number in range(50_000)))
    leaving = Leaving(asgi(server), "SELECT * { ?s ?p ?o . ?t ?q ?r }", after_first_bytes=True)
    await leaving.visit()
    assert 0 < leaving.received < 10_000_000
    assert await server.ask("SELECT ?o { <urn:a> ?p ?o }") == ["office"]


async def test_an_answer_that_fails_half_way_cuts_the_connection_and_says_why_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(tmp_path, replace(SETTINGS, rows=20_000))
    server.commit(*(quad("urn:many", number) for number in range(30_000)))
    await server.service.start()
    listener = uvicorn.Server(uvicorn.Config(asgi(server), port=0, log_config=None, lifespan="off"))
    listener.install_signal_handlers = lambda: None
    serving = asyncio.create_task(listener.serve())
    async with asyncio.timeout(20):
        while not listener.started:
            await asyncio.sleep(0.01)
    port = listener.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await client.get("/sparql", params={"query": VALUES})
    listener.should_exit = True
    await serving
    await server.service.close()
    assert "more than 20,000 rows" in caplog.text
    assert [record for record in caplog.records if record.exc_info] == []


async def test_what_follows_is_in_the_answer_unless_it_is_left_out(server: Server, client: httpx.AsyncClient) -> None:
    tree = NamedNode("urn:twin:vocabulary:office")
    server.commit(
        Quad(NamedNode("urn:Lower"), RDFS.subClassOf, NamedNode("urn:Upper"), tree),
        Quad(NamedNode("urn:a"), RDF.type, NamedNode("urn:Lower"), OFFICE),
    )
    query = {"query": "SELECT ?s { ?s a <urn:Upper> }"}
    assert (await client.get("/sparql", params=query, headers=CSV)).text.split() == ["s", "urn:a"]
    stated = await client.get("/sparql", params={**query, "entailment": "none"}, headers=CSV)
    assert stated.text.split() == ["s"]
    shown = await client.post("/sparql?explain", data=query)
    assert shown.headers["content-type"].startswith("application/sparql-query")
    assert "<urn:Lower>" in shown.text
    problem = told(await client.get("/sparql", params={**query, "entailment": "OWL"}), 400)
    assert problem["remedy"] == "Say 'twin' for what follows, 'none' for what is stated."
