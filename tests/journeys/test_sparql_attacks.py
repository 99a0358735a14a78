"""Queries and updates that mean harm, through a running server: each is refused in words, nobody is called, the server
stays the one it was and answers others meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from tests.server_process import ServerProcess, twin

CONFIG = """
[sparql]
deadline = 2
readers = 2
reader_bytes = 268435456
[validation]
audit = false
"""
ROOM = '<urn:twin:yard:room-%d> a <https://brickschema.org/schema/Brick#Room> ; rdfs:label "Room %d" .\n'
ROOMS = 150
RUNAWAY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
SITE = "GRAPH <urn:twin:site:yard>"


class Canary:
    """A listener that notes whether anybody came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.visits = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    assert canary.visits == 0
    canary.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("yard")
    rooms = "".join(ROOM % (number, number) for number in range(ROOMS))
    (folder / "yard.ttl").write_text("@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n" + rooms)
    (folder / "twin.toml").write_text(CONFIG)
    assert twin("import", folder / "yard.ttl", "--data", folder / "data").returncode == 0
    with ServerProcess("serve", folder / "data", folder / "log", "--config", str(folder / "twin.toml")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def query(client: httpx.Client, text: str) -> httpx.Response:
    return client.post("sparql", content=text.encode(), headers={"content-type": "application/sparql-query"})


def update(client: httpx.Client, text: str) -> httpx.Response:
    return client.post("sparql/update", content=text.encode(), headers={"content-type": "application/sparql-update"})


def rooms(client: httpx.Client) -> int:
    answer = query(client, f"SELECT (COUNT(*) AS ?n) {{ {SITE} {{ ?r a brick:Room }} }} # {time.monotonic_ns()}")
    return int(answer.raise_for_status().json()["results"]["bindings"][0]["n"]["value"])


def refused(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert response.status_code in statuses, (response.status_code, response.text[:300])
    problem: dict[str, Any] = response.json()
    assert problem["detail"]
    assert problem["remedy"]
    assert "Traceback" not in response.text
    assert len(response.text) < 2000
    return problem


def nested(opening: str, closing: str, inside: str = "") -> str:
    return opening * 4000 + inside + closing * 4000


DEEP = {
    "groups": f"SELECT * {nested('{', '}')}",
    "parentheses": f"SELECT * {{ FILTER{nested('(', ')', '1')} }}",
    "property lists": f"SELECT * {{ ?s ?p {nested('[ <urn:p> ', ']', '1')} }}",
    "collections": f"SELECT * {{ ?s ?p {nested('(', ')', '1')} }}",
    "quoted triples": f"SELECT * {{ {nested('<< ', ' >>')} ?p ?o }}",
    "quoted triples without spaces": f"SELECT * {{ ?s ?p {nested('<<(', ')>>')} }}",
    "negations": f"SELECT * {{ FILTER({'!' * 16_000}true) }}",
    "minus signs": f"SELECT * {{ FILTER({'- ' * 16_000}1 > 0) }}",
    "paths in parentheses": f"SELECT * {{ ?s {nested('(', ')', '<urn:p>')} ?o }}",
    "inverse paths": f"SELECT * {{ ?s {'^' * 4000}<urn:p> ?o }}",
    "subselects": f"SELECT * {nested('{ SELECT * ', '}', '{}')}",
    "not exists": f"SELECT * {{ {nested('FILTER NOT EXISTS {', '}')} }}",
    "graphs": f"SELECT * {{ {nested('GRAPH ?g {', '}')} }}",
    "functions": f"SELECT * {{ BIND({nested('STR(', ')', '?s')} AS ?x) }}",
    "conditions": f"SELECT * {{ BIND({nested('IF(true, ', ', 1)', '1')} AS ?x) }}",
    "templates": f"CONSTRUCT {{ ?s ?p {nested('[ <urn:p> ', ']', '1')} }} WHERE {{ ?s ?p ?o }}",
    "comparisons that look like names": f"SELECT * {{ FILTER(?a<{'(' * 4000}?b>?c) }}",
}
WIDE = {
    "optionals": "SELECT * { ?s ?p ?o " + "OPTIONAL { ?s ?p ?o } " * 501 + "}",
    "unions": "SELECT * { " + "{ ?s ?p ?o } UNION " * 8000 + "{} }",
    "a long path": "SELECT * { ?s " + "<urn:p>/" * 1000 + "<urn:p> ?o }",
    "alternatives": "SELECT * { ?s (" + "<urn:p>|" * 1000 + "<urn:p>)* ?o }",
    "conjunctions": "SELECT * { FILTER(true" + "&&true" * 1000 + ") }",
    "sums": "SELECT (1" + "+1" * 1000 + " AS ?x) {}",
    "triples": "SELECT * { " + "?a ?b ?c . " * 600 + "}",
    "objects": "SELECT * { ?s ?p 1" + ", 1" * 600 + " }",
    "binds": "SELECT * { " + "".join(f"BIND({number} AS ?v{number}) " for number in range(600)) + "}",
    "minus": "SELECT * { ?s ?p ?o " + "MINUS{ ?s ?p ?o }" * 501 + "}",
}


@pytest.mark.parametrize("name", [*DEEP, *WIDE])
def test_too_deep_or_too_wide_a_query_never_reaches_a_parser(client: httpx.Client, name: str) -> None:
    refused(query(client, {**DEEP, **WIDE}[name]), 400, 413)
    assert rooms(client) == ROOMS


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <%s> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT <%s> { ?s ?p ?o } }",
        "SELECT * { SERVICESILENT<%s>{ ?s ?p ?o } }",
        "PREFIX : <%s> SELECT * { SERVICE:a { ?s ?p ?o } }",
        "SELECT * { VALUES ?x { <%s> } SERVICE ?x { ?s ?p ?o } }",
        "SELECT * { ?s ?p trueSERVICE<%s>{ ?s ?p ?o } }",
    ],
)
def test_no_query_calls_out(client: httpx.Client, canary: Canary, text: str) -> None:
    assert "SERVICE" in refused(query(client, text % f"http://127.0.0.1:{canary.port}/"), 400)["detail"]


@pytest.mark.parametrize("clause", ["FROM <%s>", "FROM NAMED <%s>"])
def test_a_graph_that_is_elsewhere_is_empty_here(client: httpx.Client, canary: Canary, clause: str) -> None:
    text = (
        f"SELECT * {clause % f'http://127.0.0.1:{canary.port}/data.ttl'} {{ {{ ?s ?p ?o }} UNION {{ GRAPH ?g {{}} }} }}"
    )
    assert query(client, text).raise_for_status().json()["results"]["bindings"] == []


@pytest.mark.parametrize(
    "text",
    [
        "LOAD <%s>",
        "LOAD SILENT <%s> INTO GRAPH <urn:twin:site:yard>",
        "LOAD<%s>",
        "INSERT DATA { GRAPH <urn:twin:site:yard> { <urn:a> <urn:b> 1 } } ; LOAD <%s>",
        "INSERT { GRAPH <urn:twin:site:yard> { ?s ?p ?o } } WHERE { SERVICE <%s> { ?s ?p ?o } }",
        "INSERT { GRAPH <urn:twin:site:yard> { ?s ?p ?o } } USING <%s> WHERE { SERVICESILENT<%s>{ ?s ?p ?o } }",
    ],
)
def test_no_update_calls_out(client: httpx.Client, canary: Canary, text: str) -> None:
    found = refused(update(client, text.replace("%s", f"http://127.0.0.1:{canary.port}/")), 400)
    assert "refused" in found["detail"]
    assert rooms(client) == ROOMS


LONG = {
    "cross product": RUNAWAY,
    "cross product in an aggregate": "SELECT ?a (GROUP_CONCAT(STR(?h)) AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } "
    "GROUP BY ?a",
    "distinct pairs": "SELECT DISTINCT ?a ?d ?g { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?g ?d ?a",
    "paths both ways": "SELECT (COUNT(*) AS ?n) { ?a (<urn:x>|!<urn:y>)* ?b . ?b (<urn:x>|!<urn:y>)* ?c . ?c ?d ?e }",
    "a text that grows": "SELECT * { "
    + "BIND('abcdefghij' AS ?v0) "
    + " ".join(f"BIND(CONCAT(?v{n},?v{n},?v{n},?v{n}) AS ?v{n + 1})" for n in range(30))
    + "}",
    "values times values": "SELECT (COUNT(*) AS ?n) { "
    + " ".join(f"VALUES ?v{number} {{ {'1 ' * 100} }}" for number in range(20))
    + "}",
    "a regular expression": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . FILTER(REGEX(CONCAT(STR(?a), "
    "STR(?d), STR(?g)), '(a*)*(b|c|d)*x{1,50}$')) }",
}


@pytest.mark.parametrize("name", LONG)
def test_what_never_ends_is_stopped_while_others_are_answered(
    server: ServerProcess, client: httpx.Client, name: str
) -> None:
    with ThreadPoolExecutor(2) as others:
        runaways = [others.submit(query, client, f"{LONG[name]} # {number}") for number in range(2)]
        answered = 0
        while not all(each.done() for each in runaways):
            assert rooms(client) == ROOMS
            answered += 1
        assert answered
        for each in runaways:
            assert refused(each.result(), 503)["code"] in ("deadline-exceeded", "unavailable")


def test_readers_keep_to_their_memory(server: ServerProcess, client: httpx.Client) -> None:
    with ThreadPoolExecutor(2) as others:
        runaways = [others.submit(query, client, f"{LONG['distinct pairs']} # {number}") for number in range(2)]
        greatest = 0
        while not all(each.done() for each in runaways):
            for process in psutil.Process(server.process.pid).children():
                try:
                    greatest = max(greatest, process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.02)
    assert 0 < greatest < 400_000_000


def test_huge_texts_and_wrong_names_are_refused_in_words(client: httpx.Client) -> None:
    refused(query(client, f"ASK {{ ?s ?p '{'x' * 70_000}' }}"), 413)
    refused(update(client, f"INSERT DATA {{ {SITE} {{ <urn:a> <urn:b> '{'x' * 2_000_000}' }} }}"), 413)
    assert query(client, f"ASK {{ ?s ?p {'9' * 60_000} }}").status_code == 200
    refused(query(client, "ASK { ?s ?p '''open }"), 400)
    for wrong in (
        "<urn:no space>",
        "<relative>",
        "<http://[bad>",
        "<urn:a\x01b>",
        "<urn:a{b}>",
        "<urn:%>",
        "<\\u0020>",
    ):
        refused(query(client, f"ASK {{ ?s ?p {wrong} }}"), 400)
        refused(update(client, f"INSERT DATA {{ {SITE} {{ <urn:a> <urn:b> {wrong} }} }}"), 400)
    assert rooms(client) == ROOMS


@pytest.mark.parametrize("opening", ["{", "(", "[", "<<", "<<(", "{|"])
def test_too_deep_an_update_never_reaches_a_parser(client: httpx.Client, opening: str) -> None:
    refused(update(client, f"INSERT DATA {{ {SITE} {{ <urn:a> <urn:b> {opening * 100_000} }} }}"), 400, 413)
    refused(update(client, f"INSERT {{ {SITE} {{ ?s ?p 1 }} }} WHERE {{ {opening * 10_000} }}"), 400, 413)
    assert rooms(client) == ROOMS


def test_the_server_is_still_the_one_that_was_started(server: ServerProcess, client: httpx.Client) -> None:
    assert server.process.poll() is None
    assert rooms(client) == ROOMS
    assert "Traceback" not in server.output
