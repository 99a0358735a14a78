"""SPARQL over HTTP beside `oxigraph serve` and rdflib-endpoint on one model; streaming, freshness, cost of runaways.

Every query's text differs from all others, because peers remember answers.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.parts.brick_model import ROOMS, write_model
from benchmarks.parts.http_load import load
from benchmarks.parts.live_latency import Probe, probe, wire
from benchmarks.parts.reader_round_trip import measure
from benchmarks.parts.sparql_servers import Server, ours, oxigraph, rdflib_endpoint
from benchmarks.report import Report, median, options
from tests.mosquitto import Mosquitto
from tests.peers import PeerUnavailable, find

PUBLISHED_TINY = 18_800
"""Tiny varied queries a second that `oxigraph serve` answered before, on a quiet machine of this kind."""
RDFS = "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> "
BRICK = "PREFIX brick: <https://brickschema.org/schema/Brick#> "
STREAM = (
    BRICK + "SELECT ?a ?b WHERE {{ ?a brick:hasPoint ?x . ?b brick:hasPoint ?y . FILTER(?a != <urn:{0}>) }} LIMIT {1}"
)
_HUNDRED = " ".join(map(str, range(100)))
RUNAWAY = f"SELECT (COUNT(*) AS ?n) WHERE {{ {' '.join(f'VALUES ?v{n} {{ {_HUNDRED} }}' for n in range(8))} }}"
GRAPHQL = '{"query": "{ properties(first: 20, after: null) { nodes { id name } } }"}'
DEADLINE = 3.0


def main() -> int:
    chosen = options(__doc__ or "")
    report = Report("sparql")
    triples, seconds, rounds = (30_000, 1.5, 2) if chosen.quick else (100_000, 5.0, 3)
    _in_process(report, 300 if chosen.quick else 2000, 1000 if chosen.quick else 10_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "tower.ttl"
        write_model(model, triples)
        try:
            _beside_peers(report, model, folder, seconds, rounds)
        except PeerUnavailable as reason:
            report.fail(str(reason))
        with Mosquitto(find("mosquitto"), folder) as broker:
            wire(folder, broker.endpoint)
            with ours(model, folder, DEADLINE) as server, probe(broker.port, server.port) as readings:
                server.settle()
                _stream(report, server, 100_000)
                rounds, questions = (1, 100) if chosen.quick else (4, 200)
                _runaways(report, server, readings, rounds, questions)
    return report.finish()


def _in_process(report: Report, queries: int, writes: int) -> None:
    through, bare, live, stale = measure(queries, writes)
    report.figure("round_trip_overhead_ms", median(through) - median(bare), at_most=1.5)
    report.figure("live_value_overhead_ms", median(live) - median(through), at_most=1.5)
    report.figure("stale_answers", stale, at_most=0)
    report.note(f"{writes:,} writes, each looked for by the next query")


def _beside_peers(report: Report, model: Path, folder: Path, seconds: float, rounds: int) -> None:
    with ours(model, folder) as twin, oxigraph(model, folder) as peer, rdflib_endpoint(model) as slow:
        twin.settle()
        servers = {"twin": twin, "oxigraph": peer, "rdflib_endpoint": slow}
        tiny: dict[str, list[float]] = {each: [] for each in servers}
        page: dict[str, list[float]] = {"twin": [], "oxigraph": []}
        for number in range(rounds):
            for each, server in servers.items():
                requests = [server.request(text) for text in _tiny(1000 * number)]
                found = load(server.port, requests, connections=16, seconds=seconds)
                if found.refused:
                    report.fail(f"{each} refused {found.refused} of {found.answers} tiny queries")
                tiny[each].append(found.per_second)
            for each in page:
                requests = [servers[each].request(text) for text in _pages(1000 * number)]
                page[each].append(load(servers[each].port, requests, connections=4, seconds=seconds).per_second)
    report.figure("tiny_queries_per_second", median(tiny["twin"]))
    report.figure("pages_per_second", median(page["twin"]))
    report.limit("oxigraph_tiny_queries_per_second", median(tiny["oxigraph"]), published=PUBLISHED_TINY)
    report.limit("rdflib_endpoint_tiny_queries_per_second", median(tiny["rdflib_endpoint"]))
    report.limit("oxigraph_pages_per_second", median(page["oxigraph"]))
    for peer_name, least in (("oxigraph", 0.2), ("rdflib_endpoint", 8)):
        ratios = [one / other for one, other in zip(tiny["twin"], tiny[peer_name], strict=True)]
        report.ratio(f"tiny_queries_over_{peer_name}", median(ratios), at_least=least)
    ratios = [one / other for one, other in zip(page["twin"], page["oxigraph"], strict=True)]
    report.ratio("pages_over_oxigraph", median(ratios), at_least=0.55)


def _tiny(seed: int) -> list[str]:
    choose = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for number in range(2000):
        box = f"urn:bench:tower:vav-{choose.randrange(8)}-{choose.randrange(ROOMS)}"
        found.append(f"{RDFS}SELECT ?name WHERE {{ <{box}> rdfs:label ?name FILTER(?name != '{seed + number}') }}")
    return found


def _pages(seed: int) -> list[str]:
    text = RDFS + "SELECT ?thing ?name WHERE {{ ?thing rdfs:label ?name FILTER(?name != '{}') }} LIMIT 1000"
    return [text.format(seed + number) for number in range(200)]


def _stream(report: Report, server: Server, rows: int) -> None:
    """A long answer to a client that reads slowly: how soon it begins, and what the server holds meanwhile."""
    server.post("/sparql", b"ASK {}", "application/sparql-query")  # a new server has its first reader to warm
    firsts: list[float] = []
    growth: list[float] = []
    for number in range(3):
        before = server.megabytes()
        greatest, began = before, time.perf_counter()
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(server.request(STREAM.format(number, rows), "text/csv"))
            head = client.recv(65_536)
            firsts.append(1000 * (time.perf_counter() - began))
            size, pieces, last = len(head), 0, head[-16:]
            while not last.endswith(b"\r\n0\r\n\r\n") and (data := client.recv(65_536)):
                size, pieces, last = size + len(data), pieces + 1, (last + data)[-16:]
                if pieces % 20 == 0:
                    greatest = max(greatest, server.megabytes())
        growth.append(max(greatest, server.megabytes()) - before)
        if size < rows * 20:
            report.fail(f"an answer of {rows:,} rows ended after {size:,} bytes")
    report.figure("first_byte_of_100000_rows_ms", median(firsts), at_most=50)
    report.figure("megabytes_more_while_streaming", median(growth), at_most=50)


def _runaways(report: Report, server: Server, readings: Probe, rounds: int, questions: int) -> None:
    """How GraphQL, ingest and a short query fare under two runaways, and how soon those end."""

    def graphql() -> float:
        began = time.perf_counter()
        status, _ = server.post("/graphql", GRAPHQL.encode(), "application/json")
        assert status == 200, status
        return 1000 * (time.perf_counter() - began)

    for _ in range(20):
        graphql()  # the first ones of a server do more than all others
        readings.milliseconds()
    calm: dict[str, list[float]] = {"graphql": [], "ingest": []}
    busy: dict[str, list[float]] = {"graphql": [], "ingest": []}
    short: list[float] = []
    ended: list[float] = []
    greatest = 0.0

    def run_away(number: int) -> None:
        began = time.perf_counter()
        status, body = server.post("/sparql", f"{RUNAWAY} # {number}".encode(), "application/sparql-query")
        if status != 503 or json.loads(body)["code"] != "deadline-exceeded":
            report.fail(f"a runaway was answered {status}")
        ended.append(time.perf_counter() - began)

    def ask_shortly() -> None:
        began = time.perf_counter()
        status, _ = server.post("/sparql", b"SELECT * { <urn:nothing> ?p ?o }", "application/sparql-query")
        short.append(time.perf_counter() - began)
        if status != 200:
            report.fail(f"a short query under two runaways was answered {status}")

    for number in range(rounds):
        server.settle()
        for _ in range(questions):
            calm["graphql"].append(graphql())
            calm["ingest"].append(readings.milliseconds())
        threads = [threading.Thread(target=run_away, args=(2 * number + each,)) for each in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        ask_shortly()
        while all(thread.is_alive() for thread in threads):
            busy["graphql"].append(graphql())
            busy["ingest"].append(readings.milliseconds())
            if len(busy["graphql"]) % 50 == 0:
                greatest = max(greatest, server.megabytes())
        for thread in threads:
            thread.join()
    report.figure("short_query_under_two_runaways_seconds", median(short), at_most=1.0)
    report.figure("megabytes_under_runaways", greatest)
    for name in calm:
        quiet, loaded = _p99(calm[name]), _p99(busy[name])
        report.figure(f"{name}_p99_ms", quiet)
        report.figure(f"{name}_p99_under_runaways_ms", loaded)
        report.ratio(f"{name}_p99_under_runaways", loaded / quiet, at_most=2)
    report.note(f"p99 of {len(calm['ingest'])} calm and {len(busy['ingest'])} under two runaways, in turns")
    report.ratio("runaway_over_its_deadline", max(ended) / DEADLINE, at_most=1.3)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


if __name__ == "__main__":
    sys.exit(main())
