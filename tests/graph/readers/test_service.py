from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.graph.readers.sparql_server import DEPOT, OFFICE, RUNAWAY, SAT, WIRING, Server, quad
from twin.contracts import Delta, Revision
from twin.errors import DeadlineExceeded, InvalidInput, Unavailable
from twin.graph.readers.live_functions import LiveValue
from twin.graph.readers.pool import Busy
from twin.graph.sparql.negotiation import NotAcceptable
from twin.scope import Principal, Scope
from twin.settings import SparqlSettings
from twin.terms import NamedNode, Quad, parse_n_quads
from twin.vocab import OWL, RDF, RDFS, site_graph

VALUES = "SELECT ?o { ?s <urn:p> ?o }"
SETTINGS = SparqlSettings(readers=2, deadline=30.0)
VIEWER = Principal("viewer", frozenset({"viewer"}))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path, SETTINGS)
    await server.service.start()
    yield server
    await server.service.close()


def readers() -> list[psutil.Process]:
    """The reader processes of this test."""
    # Other tests' servers may be children of this process, too.
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and "twin.graph.readers.process" in child.cmdline():
                found.append(child)
    return found


def values_from(*graphs: NamedNode) -> str:
    return " ".join(["SELECT ?o", *(f"FROM {graph}" for graph in graphs), "{ ?s ?p ?o }"])


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_default_graph_is_the_union_of_what_the_scope_sees(server: Server) -> None:
    assert await server.ask(VALUES) == ["depot", "office", "wire"]
    assert await server.ask(VALUES, Scope(VIEWER)) == ["depot", "office"]
    assert await server.ask(VALUES, Scope(VIEWER, frozenset({"depot"}))) == ["depot"]


async def test_graphs_outside_the_scope_are_empty_however_they_are_named(server: Server) -> None:
    scope = Scope(VIEWER, frozenset({"depot"}))
    assert await server.ask("SELECT ?o { GRAPH ?g { ?s <urn:p> ?o } }", scope) == ["depot"]
    assert await server.ask(f"SELECT ?o {{ GRAPH <{WIRING.value}> {{ ?s ?p ?o }} }}", scope) == []
    assert await server.ask(values_from(OFFICE), scope) == []
    assert await server.ask(values_from(DEPOT, OFFICE), scope) == ["depot"]
    assert await server.ask("SELECT ?g { GRAPH ?g { } }", scope) == [DEPOT.value]


async def test_the_graphs_of_the_request_win_over_those_of_the_text(server: Server) -> None:
    answer = await server.service.query(values_from(OFFICE), accept="text/csv", default_graphs=[DEPOT.value])
    assert (await answer.read()).split() == [b"o", b"depot"]


async def test_the_servers_own_graph_is_nobodys_business(server: Server) -> None:
    assert await server.ask("SELECT ?g { GRAPH ?g { ?s ?p ?o } FILTER(CONTAINS(STR(?g), 'system')) }") == []


async def test_more_graphs_than_can_be_listed_are_still_one_union(server: Server) -> None:
    server.commit(*(quad(f"urn:s{number}", number, site_graph(f"site-{number}")) for number in range(80)))
    assert len(await server.ask(VALUES)) == 83
    some = Scope(VIEWER, frozenset(f"site-{number}" for number in range(70)))
    assert len(await server.ask(VALUES, some)) == 70


async def test_a_query_sees_whatever_was_committed_before_it_was_asked(server: Server) -> None:
    for number in range(150):
        old = (quad("urn:counter", number - 1),) if number else ()
        server.commit(quad("urn:counter", number), removed=old)
        assert await server.ask("SELECT ?o { <urn:counter> <urn:p> ?o }") == [str(number)]
    assert len(readers()) == 1


async def test_a_change_that_is_applied_and_not_yet_announced_is_waited_for(server: Server) -> None:
    change = server.apply(quad("urn:new", "seen"))
    asking = asyncio.ensure_future(server.ask("SELECT ?o { <urn:new> <urn:p> ?o }"))
    await asyncio.sleep(0)
    server.changes.publish(change)
    assert await asking == ["seen"]


async def test_a_change_that_is_never_announced_is_seen_all_the_same(server: Server) -> None:
    server.apply(quad("urn:new", "seen"))
    assert await server.ask("SELECT ?o { <urn:new> <urn:p> ?o }") == ["seen"]


async def test_an_import_announced_without_its_quads_is_seen(server: Server) -> None:
    server.store.bulk_load([quad("urn:import", number) for number in range(100)])
    revision = server.store.revision() + 1
    server.store.publish([OFFICE], revision)
    server.changes.publish(Revision(revision, 0, "test", "import", "", Delta()))
    assert len(await server.ask("SELECT ?o { <urn:import> <urn:p> ?o }")) == 100


async def test_a_change_that_was_lost_among_too_many_is_seen(server: Server) -> None:
    change = server.apply(quad("urn:new", "seen"))
    server.changes.publish(change)
    for _ in range(10_000):
        server.changes.publish(replace(change, token=1))
    assert await server.ask("SELECT ?o { <urn:new> <urn:p> ?o }") == ["seen"]


async def test_changes_during_a_query_are_seen_by_the_next(server: Server) -> None:
    server.commit(*(quad("urn:many", number) for number in range(20_000)))
    answer = await server.service.query("SELECT * { ?s ?p ?o }")
    server.commit(quad("urn:new", "seen"))
    assert b"urn:new" not in await answer.read()
    assert await server.ask("SELECT ?o { <urn:new> <urn:p> ?o }") == ["seen"]


async def test_an_answer_streams_and_counts_its_rows(server: Server) -> None:
    server.commit(*(quad("urn:many", number) for number in range(20_000)))
    answer = await server.service.query("SELECT ?o { <urn:many> ?p ?o }", accept="text/tab-separated-values")
    assert answer.rows is None
    pieces = [piece async for piece in answer]
    assert len(pieces) > 2
    assert b"".join(pieces).count(b"\n") == 20_001
    assert answer.rows == 20_000


@pytest.mark.parametrize(
    ("accept", "rows"),
    [
        ("application/sparql-results+json", 3),
        ("application/sparql-results+xml", 3),
        ("text/csv", 3),
        ("text/turtle", None),
    ],
)
async def test_rows_are_counted_in_every_format(server: Server, accept: str, rows: int | None) -> None:
    text = VALUES if rows else "CONSTRUCT { ?s <urn:q> ?o } WHERE { ?s <urn:p> ?o }"
    answer = await server.service.query(text, accept=accept)
    await answer.read()
    assert answer.rows == 3


async def test_the_answer_is_what_the_media_type_says(server: Server) -> None:
    async def read(text: str, accept: str) -> bytes:
        answer = await server.service.query(text, accept=accept)
        assert answer.media_type == accept
        return await answer.read()

    select, construct = f"{VALUES} ORDER BY ?o", "CONSTRUCT { ?s <urn:q> ?o } WHERE { ?s <urn:p> ?o }"
    rows = json.loads(await read(select, "application/sparql-results+json"))["results"]["bindings"]
    assert [row["o"]["value"] for row in rows] == ["depot", "office", "wire"]
    assert (await read(select, "application/sparql-results+xml")).count(b"<result>") == 3
    assert (await read(select, "text/csv")).split() == [b"o", b"depot", b"office", b"wire"]
    assert (await read(select, "text/tab-separated-values")).startswith(b'?o\n"depot"\n')
    assert json.loads(await read("ASK { ?s ?p 'office' }", "application/json"))["boolean"] is True
    for lines in ("application/n-triples", "application/n-quads"):
        assert len(list(parse_n_quads(await read(construct, lines)))) == 3
    assert b'<urn:a> <urn:q> "office"' in await read(construct, "text/turtle")
    assert len(json.loads(await read(construct, "application/ld+json"))) == 3
    assert b"<urn:a> <urn:p>" in await read("DESCRIBE <urn:a>", "text/turtle")


async def test_common_prefixes_need_no_declaration(server: Server) -> None:
    assert await server.ask("SELECT ?s { ?s a brick:AHU }") == []


async def test_live_values_are_joined_where_they_are_asked(server: Server) -> None:
    server.commit(*(quad(f"urn:twin:office:{name}", name) for name in ("sat", "fan", "dead")))
    text = (
        "SELECT ?o ?v ?q ?t { ?s <urn:p> ?o "
        "BIND(live:value(?s) AS ?v) BIND(live:quality(?s) AS ?q) BIND(live:time(?s) AS ?t) }"
    )
    assert await server.ask(text) == [
        "dead,,uncertain,",
        "depot,,,",
        "fan,true,good,2026-01-01T00:00:00Z",
        "office,,,",
        "sat,21.5,good,2026-01-01T00:00:00Z",
        "wire,,,",
    ]


async def test_live_values_filter_and_add_up_as_numbers(server: Server) -> None:
    server.commit(quad(SAT.value, "sat"))
    assert await server.ask("SELECT ?o { ?s <urn:p> ?o FILTER(live:value(?s) > 21) }") == ["sat"]
    assert await server.ask("SELECT (AVG(live:value(?s)) AS ?m) { ?s <urn:p> 'sat' }") == ["21.5"]
    server.live.now[SAT.value] = LiveValue(19.0, 1, "good", 1.0)
    assert await server.ask("SELECT ?o { ?s <urn:p> ?o FILTER(live:value(?s) > 21) }") == []


async def test_history_is_asked_for_while_the_query_runs(server: Server) -> None:
    server.commit(quad(SAT.value, "sat"))
    text = (
        "SELECT (live:mean(?s, 'PT1H') AS ?a) (live:max(?s, 'PT2H') AS ?b) (live:min(?s, 'no') AS ?c) "
        "{ ?s <urn:p> 'sat' }"
    )
    assert await server.ask(text) == ["20,7200,"]


async def test_the_past_is_asked_for_by_its_time(server: Server) -> None:
    server.commit(quad(SAT.value, "sat"))
    moment = "'2026-01-01T00:00:00Z'^^xsd:dateTime"
    text = f"SELECT (live:value(?s, {moment}) AS ?v) (live:mean(?s, 'PT1H', {moment}) AS ?m) {{ ?s <urn:p> 'sat' }}"
    assert await server.ask(text) == ["1767225600,1767225600"]


async def test_a_history_that_fails_fails_the_query_and_not_the_service(server: Server) -> None:
    server.commit(quad(SAT.value, "sat"))
    server.live.broken = True
    with pytest.raises(Unavailable, match="history is closed"):
        await server.ask("SELECT (live:mean(?s, 'PT1H') AS ?a) { ?s <urn:p> 'sat' }")
    assert await server.ask("SELECT ?o { ?s <urn:p> ?o FILTER(?o = 'sat') }") == ["sat"]


async def test_live_values_are_those_of_the_scope_and_fetched_only_when_needed(server: Server) -> None:
    scope = Scope(VIEWER, frozenset({"office"}))
    await server.ask(VALUES, scope)
    assert server.live.scopes == []
    await server.ask("SELECT (live:value(?s) AS ?v) { ?s ?p ?o }", scope)
    assert server.live.scopes == [scope]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SELECT * { ?s ?p ?o", "cannot be parsed at line 1, column 20, where it ends"),
        ("SELECT *\n{ ?s ?p ?o } LIMIT many", "cannot be parsed at line 2, column 20, near 'many'"),
        ("SELECT (live:median(?s) AS ?v) { ?s ?p ?o }", "live functions are value, time"),
        ("SELECT (<urn:f>(?s) AS ?v) { ?s ?p ?o }", "custom function <urn:f> is not supported"),
        ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "SERVICE"),
    ],
)
async def test_a_wrong_query_is_refused_in_words_and_costs_no_reader(server: Server, text: str, sentence: str) -> None:
    (before,) = readers()
    with pytest.raises(InvalidInput) as refusal:
        await server.ask(text)
    assert sentence in refusal.value.message
    assert refusal.value.remedy
    assert await server.ask(VALUES) == ["depot", "office", "wire"]
    assert readers() == [before]


async def test_no_query_opens_a_connection_even_past_the_gate(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    called = asyncio.Event()

    async def visited(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        writer.close()

    canary = await asyncio.start_server(visited, "127.0.0.1", 0)
    port = canary.sockets[0].getsockname()[1]
    monkeypatch.setattr("twin.graph.sparql.gate._refuse_service", lambda _text, _tokens: None)
    if not server.service._pool._readers[0].isolated:
        pytest.skip("this kernel lets no ordinary process leave the network")
    await server.ask("SELECT * " + f"FROM <http://127.0.0.1:{port}/> {{ ?s ?p ?o }}")
    with pytest.raises(Unavailable, match="could not be answered"):
        await server.ask(f"SELECT * {{ SERVICE <http://127.0.0.1:{port}/> {{ ?s ?p ?o }} }}")
    assert not called.is_set()
    canary.close()
    await canary.wait_closed()


async def test_a_format_that_cannot_carry_the_answer_is_refused_before_it_runs(server: Server) -> None:
    with pytest.raises(NotAcceptable):
        await server.service.query(RUNAWAY, accept="text/turtle")


async def test_a_runaway_is_stopped_at_its_deadline_and_others_are_served_meanwhile(server: Server) -> None:
    server.commit(*(quad("urn:many", number) for number in range(300)))
    await server.ask(VALUES)
    runaway = asyncio.ensure_future(server.service.query(RUNAWAY, deadline=3.0))
    await asyncio.sleep(0)
    for _ in range(5):
        assert len(await server.ask(VALUES)) == 303
    assert not runaway.done()
    with pytest.raises(DeadlineExceeded, match="stopped after 3 s") as stopped:
        await runaway
    assert "LIMIT" in stopped.value.remedy
    assert len(await server.ask(VALUES)) == 303
    await until(lambda: len(list(server.checkpoints.iterdir())) == len(readers()))


@pytest.mark.parametrize("runaways", [2, 5])
async def test_a_short_query_does_not_wait_for_long_ones_to_end(server: Server, runaways: int) -> None:
    server.commit(*(quad("urn:many", number) for number in range(300)))
    await server.ask(VALUES)
    long = [asyncio.ensure_future(server.service.query(RUNAWAY, deadline=600.0)) for _ in range(runaways)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(60):  # far less than the deadline of any of them
        for _ in range(3):
            assert len(await server.ask(VALUES)) == 303
    assert not any(each.done() for each in long)
    assert len(readers()) <= SETTINGS.readers + 1
    for each in long:
        each.cancel()
    await asyncio.gather(*long, return_exceptions=True)


async def test_a_long_query_that_made_way_for_others_is_answered_in_the_end(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, readers=1))
    server.commit(*(quad("urn:many", number) for number in range(140)))
    await server.service.start()
    long = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(STRLEN(CONCAT(STR(?a), STR(?d))) >= 0) }"
    asked = [asyncio.ensure_future(server.ask(long)) for _ in range(3)]
    await asyncio.sleep(0.1)
    assert len(await server.ask(VALUES)) == 143
    assert await asyncio.gather(*asked) == [[str(143**3)]] * 3
    await server.service.close()


async def test_clients_take_turns(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, readers=1))
    await server.service.start()
    done: list[str] = []

    async def ask(client: str) -> None:
        answer = await server.service.query(VALUES, client=client)
        await answer.read()
        done.append(client)

    many = [asyncio.ensure_future(ask("many")) for _ in range(20)]
    await asyncio.sleep(0)
    few = [asyncio.ensure_future(ask("few")) for _ in range(3)]
    await asyncio.gather(*many, *few)
    assert [place for place, client in enumerate(done) if client == "few"][-1] < 12
    await server.service.close()


async def test_a_query_that_needs_too_much_memory_ends_alone(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, readers=1, reader_bytes=256 * 1024 * 1024))
    server.commit(*(quad("urn:many", number) for number in range(3000)))
    await server.service.start()
    with pytest.raises(Unavailable, match="too much memory"):
        await server.ask("SELECT DISTINCT ?a ?b ?c { ?x ?y ?a . ?z ?w ?b . ?v ?u ?c } ORDER BY ?c ?b ?a")
    assert len(await server.ask(VALUES)) == 3003
    await server.service.close()


async def test_a_query_that_crashes_its_reader_is_told_so_and_the_next_is_answered(server: Server) -> None:
    with pytest.raises(Unavailable, match="ended the process"):
        await server.ask("SELECT * { ?a ?b (" + "1 " * 20_000 + ") }")
    assert await server.ask(VALUES) == ["depot", "office", "wire"]


async def test_a_reader_that_is_killed_while_idle_is_replaced(server: Server) -> None:
    (victim,) = readers()
    os.kill(victim.pid, signal.SIGKILL)
    await until(lambda: any(reader.pid != victim.pid for reader in readers()))
    assert await server.ask(VALUES) == ["depot", "office", "wire"]


async def test_a_query_that_is_cancelled_leaves_its_reader_for_others(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, readers=1))
    server.commit(*(quad("urn:many", number) for number in range(300)))
    await server.service.start()
    runaway = asyncio.ensure_future(server.service.query(RUNAWAY))
    await asyncio.sleep(0.05)
    runaway.cancel()
    with pytest.raises(asyncio.CancelledError):
        await runaway
    assert len(await server.ask(VALUES)) == 303
    await server.service.close()


async def test_an_answer_that_is_closed_half_read_leaves_its_reader_for_others(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, readers=1))
    server.commit(*(quad("urn:many", number) for number in range(50_000)))
    await server.service.start()
    for _ in range(3):
        answer = await server.service.query("SELECT * { ?s ?p ?o }")
        await answer.aclose()
        await answer.aclose()
        assert await server.ask("SELECT ?o { <urn:a> ?p ?o }") == ["office"]
    await server.service.close()


async def test_a_full_line_is_refused_with_when_to_come_again(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, readers=1, queue=2, deadline=4.0))
    server.commit(*(quad("urn:many", number) for number in range(300)))
    await server.service.start()
    runaway = asyncio.ensure_future(server.service.query(RUNAWAY))
    await asyncio.sleep(0.05)
    waiting = [asyncio.ensure_future(server.ask(VALUES)) for _ in range(2)]
    await asyncio.sleep(0.05)
    with pytest.raises(Busy) as refusal:
        await server.ask(VALUES)
    assert refusal.value.retry_after == 4
    with pytest.raises(DeadlineExceeded):
        await runaway
    assert [len(lines) for lines in await asyncio.gather(*waiting)] == [303, 303]
    await server.service.close()


async def test_too_many_rows_or_bytes_are_refused(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(SETTINGS, rows=100, answer_bytes=4000))
    server.commit(*(quad("urn:many", number) for number in range(101)), quad("urn:big", "x" * 5000))
    await server.service.start()
    text = "SELECT ?o { <urn:many> <urn:p> ?o }"
    formats = [
        "application/sparql-results+json",
        "application/sparql-results+xml",
        "text/csv",
        "text/tab-separated-values",
    ]
    for accept in formats:
        with pytest.raises(InvalidInput, match=r"more than 100 rows|larger than 4,000 bytes"):
            await server.ask(text, accept=accept)
        await (await server.service.query(f"{text} LIMIT 20", accept=accept)).read()
    assert len(await server.ask(f"{text} LIMIT 100", accept="text/tab-separated-values")) == 100
    with pytest.raises(InvalidInput, match="larger than 4,000 bytes"):
        await server.ask("SELECT ?o { <urn:big> <urn:p> ?o }")
    assert len(readers()) == 1
    await server.service.close()


async def test_closing_leaves_no_process_and_no_checkpoint(tmp_path: Path) -> None:
    server = Server(tmp_path, SETTINGS)
    stale = server.checkpoints / "reader-9"
    await asyncio.to_thread(stale.mkdir, parents=True)
    await server.service.start()
    assert not await asyncio.to_thread(stale.exists)
    server.commit(*(quad("urn:many", number) for number in range(300)))
    runaway = asyncio.ensure_future(server.service.query(RUNAWAY))
    await asyncio.sleep(0.05)
    late = asyncio.ensure_future(server.service.query(RUNAWAY))
    await asyncio.sleep(0.01)
    await server.service.close()
    for outcome in await asyncio.gather(runaway, late, return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    await server.service.close()
    assert readers() == []
    assert not await asyncio.to_thread(server.checkpoints.exists)
    assert len(server.changes) == 0
    with pytest.raises(Unavailable, match="not running"):
        await server.ask(VALUES)


async def test_a_reader_ends_when_its_server_is_killed(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from tests.graph.readers.sparql_server import RUNAWAY, Server, quad
from twin.settings import SparqlSettings

async def main():
    server = Server(Path(sys.argv[1]), SparqlSettings(deadline=600.0))
    server.commit(*(quad("urn:many", number) for number in range(300)))
    await server.service.start()
    asyncio.ensure_future(server.service.query(RUNAWAY))
    await asyncio.sleep(0.1)
    print("asked", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert child.stdout is not None
    assert (await asyncio.wait_for(child.stdout.readline(), 60)).strip() == b"asked"
    orphans = psutil.Process(child.pid).children()
    assert len(orphans) == 1
    child.kill()
    await child.communicate()
    await until(lambda: not orphans[0].is_running() or orphans[0].status() == psutil.STATUS_ZOMBIE)


async def test_a_class_is_answered_by_the_tree_of_the_revision_it_is_asked_at(server: Server) -> None:
    vocabulary = NamedNode("urn:twin:vocabulary:office")
    a, lower, upper = NamedNode("urn:thing"), NamedNode("urn:Lower"), NamedNode("urn:Upper")
    below = Quad(lower, RDFS.subClassOf, upper, vocabulary)
    text = "SELECT ?s { ?s a <urn:Upper> }"
    server.commit(Quad(a, RDF.type, lower, OFFICE))
    for _ in range(20):
        assert await server.ask(text) == []
        server.commit(below)
        assert await server.ask(text) == ["urn:thing"]
        server.commit(removed=(below,))


async def test_what_follows_can_be_left_out_and_shown(server: Server) -> None:
    fed, fan, room = NamedNode("urn:isFedBy"), NamedNode("urn:fan"), NamedNode("urn:room")
    feeds = NamedNode("urn:feeds")
    server.commit(
        Quad(fed, OWL.inverseOf, feeds, NamedNode("urn:twin:vocabulary:office")), Quad(fan, feeds, room, OFFICE)
    )
    text = "SELECT ?by { <urn:room> <urn:isFedBy> ?by }"
    assert await server.ask(text) == ["urn:fan"]
    stated = await server.service.query(text, accept="text/csv", entailment=False)
    assert (await stated.read()).split() == [b"by"]
    explained = await server.service.query(text, explain=True)
    assert explained.media_type == "application/sparql-query"
    assert "?by <urn:feeds> <urn:room>" in (await explained.read()).decode()


async def test_a_mistake_is_told_where_it_is_in_the_text_that_was_asked(server: Server) -> None:
    with pytest.raises(InvalidInput, match="line 2, column"):
        await server.ask("SELECT ?s {\n ?s a <urn:A> ; nowhere:p ?o }")


def niceness(process: psutil.Process) -> set[int]:
    """How nice the threads of a process are."""
    found = set()
    for thread in process.threads():
        with suppress(ProcessLookupError):
            found.add(os.getpriority(os.PRIO_PROCESS, thread.id))
    return found


async def test_a_long_query_stands_back_and_the_next_one_of_its_reader_does_not(tmp_path: Path) -> None:
    server = Server(tmp_path, SparqlSettings(readers=1, deadline=60.0))
    await server.service.start()
    try:
        (reader,) = readers()
        usual = niceness(reader)
        values = " ".join(f"VALUES ?v{n} {{ {' '.join(map(str, range(200)))} }}" for n in range(3))
        asking = asyncio.ensure_future(server.ask(f"SELECT (COUNT(*) AS ?n) {{ {values} }}"))
        await until(lambda: max(niceness(reader)) >= 10)
        assert await asking == [str(200**3)]
        await until(lambda: niceness(reader) == usual)
        server.commit(quad("urn:new", "seen"))
        assert await server.ask("SELECT ?o { <urn:new> <urn:p> ?o }") == ["seen"]
        assert reader in readers()
    finally:
        await server.service.close()
