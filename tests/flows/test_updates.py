from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.graph.readers.updating import BROWSER, A, B, Server, quad
from twin.contracts import Delta
from twin.errors import Conflict, Forbidden, InvalidInput, NotFound, ShapeViolation, TwinError
from twin.graph.validation.gate import Judgement, Violation
from twin.scope import Principal, Scope
from twin.settings import SparqlSettings
from twin.terms import BlankNode

SETTINGS = SparqlSettings(readers=1, deadline=30.0, update_quads=1000)
ENGINEER = Principal("eva", frozenset({"engineer"}))
GA, GB = f"GRAPH {A}", f"GRAPH {B}"
FIVE = " ".join(f"VALUES ?{name} {{ 1 2 3 4 5 }}" for name in "abcd")
TOO_MUCH = " ".join([f"WITH {A} INSERT {{ ?s <urn:q> ?a, ?b, ?c, ?d }} WHERE {{ ?s <urn:p> ?o", FIVE, "}"])
BEGIN = [f"a urn:x:{number} urn:p {number}" for number in range(3)]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = await Server(tmp_path, SETTINGS).start()
    yield server
    await server.service.close()


@pytest.mark.parametrize(
    ("text", "removed", "added"),
    [
        (f"INSERT DATA {{ {GA} {{ <urn:x:9> <urn:p> 9 }} }}", [], ["a urn:x:9 urn:p 9"]),
        (f"INSERT DATA {{ {GA} {{ <urn:x:0> <urn:p> 0 }} }}", [], []),
        (f"DELETE DATA {{ {GA} {{ <urn:x:0> <urn:p> 0 }} }}", [BEGIN[0]], []),
        (f"DELETE DATA {{ {GB} {{ <urn:x:0> <urn:p> 0 }} }}", [], []),
        (f"DELETE WHERE {{ {GA} {{ ?s <urn:p> 1 }} }}", [BEGIN[1]], []),
        (
            f"WITH {A} DELETE {{ ?s <urn:p> ?o }} INSERT {{ ?s <urn:q> ?o }} WHERE {{ ?s <urn:p> ?o FILTER(?o > 0) }}",
            BEGIN[1:],
            ["a urn:x:1 urn:q 1", "a urn:x:2 urn:q 2"],
        ),
        (
            f"INSERT {{ {GB} {{ ?s <urn:sum> ?n }} }} WHERE {{ SELECT ?s (SUM(?o) AS ?n) {{ ?s <urn:p> ?o "
            f"FILTER(isNumeric(?o) && ?o = 2) }} GROUP BY ?s }}",
            [],
            ["b urn:x:2 urn:sum 2"],
        ),
        (
            f"PREFIX e: <urn:e:> INSERT {{ {GB} {{ ?s e:seen true . }} . {GA} {{ ?s e:seen false }} }} "
            f"USING {B} WHERE {{ ?s <urn:p> ?o }}",
            [],
            ["a urn:y:0 urn:e:seen false", "b urn:y:0 urn:e:seen true"],
        ),
        (
            f"INSERT {{ {GA} {{ ?s <urn:in> ?g }} }} USING NAMED {B} WHERE {{ GRAPH ?g {{ ?s ?p ?o }} }}",
            [],
            ["a urn:y:0 urn:in urn:twin:site:b"],
        ),
        ("DELETE { GRAPH ?g { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o . ?s ?p 'other' } }",
         ["b urn:y:0 urn:p other"], []),
        (f"WITH {A} INSERT {{ ?o <urn:p> ?s . ?s <urn:q> ?none }} WHERE {{ ?s <urn:p> ?o }}", [], []),
        (f"CLEAR GRAPH {B}", ["b urn:y:0 urn:p other"], []),
        ("DROP SILENT GRAPH <urn:twin:site:none>", [], []),
        ("CREATE GRAPH <urn:twin:site:fresh>", [], []),
        (f"COPY {B} TO {A}", BEGIN, ["a urn:y:0 urn:p other"]),
        (f"ADD GRAPH {B} TO GRAPH {A}", [], ["a urn:y:0 urn:p other"]),
        (f"MOVE {B} TO <urn:twin:site:c>", ["b urn:y:0 urn:p other"], ["c urn:y:0 urn:p other"]),
        (f"MOVE {B} TO {B}", [], []),
    ],
)  # fmt: skip
async def test_an_update_changes_what_it_says(server: Server, text: str, removed: list[str], added: list[str]) -> None:
    assert await server.update(text) == (removed, added)


async def test_operations_of_one_update_see_each_other_and_are_one_change(server: Server) -> None:
    before = server.door.revision
    removed, added = await server.update(
        f"""PREFIX e: <urn:e:>
        INSERT DATA {{ {GA} {{ e:new <urn:p> 5 }} }} ;
        # each thing that is there by now is counted
        INSERT {{ {GA} {{ e:all e:count ?n }} }} WHERE {{ SELECT (COUNT(*) AS ?n) {{ {GA} {{ ?s <urn:p> ?o }} }} }} ;
        PREFIX e: <urn:f:> DELETE WHERE {{ {GA} {{ <urn:e:new> <urn:p> ?o }} }} ;
        INSERT DATA {{ {GA} {{ e:last <urn:p> 1 }} }} ;"""
    )
    assert (removed, added) == ([], ["a urn:e:all urn:e:count 4", "a urn:f:last urn:p 1"])
    assert server.door.revision == before + 1
    assert server.door.find(before + 1).actor == "local"


async def test_the_reader_that_worked_it_out_is_left_as_it_was(server: Server) -> None:
    with pytest.raises(InvalidInput):
        await server.update(f"CLEAR GRAPH {A} ; CREATE GRAPH {B}")
    answer = await server.service.query("SELECT (COUNT(*) AS ?n) { ?s <urn:p> ?o }", accept="text/csv")
    assert (await answer.read()).split() == [b"n", b"5"]
    assert server.holds(A) == BEGIN


async def test_blank_nodes_are_new_for_each_solution_and_stored_with_names(server: Server) -> None:
    _, added = await server.update(
        f"WITH {A} INSERT {{ ?s <urn:has> [ <urn:value> ?o ; <urn:list> (1) ] }} WHERE {{ ?s <urn:p> ?o }}"
    )
    assert len({line.split()[3] for line in added if " urn:has " in line}) == 3
    assert not any(isinstance(each.object, BlankNode) for each in server.store.quads(None, None, None, A))


async def test_live_values_can_decide_what_is_changed(server: Server) -> None:
    sat = "<urn:twin:office:sat>"
    await server.update(f"INSERT DATA {{ {GA} {{ {sat} <urn:p> 'sat' }} }}")
    _, added = await server.update(
        f"WITH {A} INSERT {{ ?s <urn:warm> ?v }} WHERE {{ ?s <urn:p> 'sat' BIND(live:value(?s) AS ?v) }}"
    )
    assert added == ["a urn:twin:office:sat urn:warm 21.5"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unchanged(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server for all that is refused, as it changes nothing."""
    server = await Server(tmp_path_factory.mktemp("unchanged"), SETTINGS).start()
    yield server
    await server.service.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("INSERT DATA { <urn:a> <urn:b> 1 }", InvalidInput, "which graph"),
        ("DELETE WHERE { ?s ?p ?o }", InvalidInput, "which graph"),
        ("CLEAR ALL", InvalidInput, "refused"),
        ("DROP DEFAULT", InvalidInput, "refused"),
        ("COPY DEFAULT TO <urn:twin:site:a>", InvalidInput, "refused"),
        ("LOAD <http://127.0.0.1:9/x.ttl>", InvalidInput, "LOAD at line 1, column 1 is refused"),
        ("LOAD<http://127.0.0.1:9/x.ttl>INTO GRAPH <urn:twin:site:a>", InvalidInput, "LOAD"),
        (f"INSERT {{ {GA} {{ ?s ?p ?o }} }} WHERE {{ SERVICE <urn:x> {{ ?s ?p ?o }} }}", InvalidInput, "SERVICE"),
        ("CLEAR GRAPH <urn:twin:inferred:a>", Forbidden, "not changed by updates"),
        ("INSERT DATA { GRAPH <urn:twin:vocabulary:brick> { <urn:a> <urn:b> 1 } }", Forbidden, "vocabulary:brick"),
        ("INSERT DATA { GRAPH <urn:twin:system> { <urn:a> <urn:b> 1 } }", Forbidden, "urn:twin:system"),
        ("INSERT DATA { GRAPH <http://example.org/g> { <urn:a> <urn:b> 1 } }", Forbidden, "example.org"),
        ("INSERT DATA { GRAPH <urn:twin:site:Not-Good> { <urn:a> <urn:b> 1 } }", InvalidInput, "no site id"),
        ("DELETE { GRAPH ?g { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }", Forbidden, "inferred"),
        (f"CREATE GRAPH {A}", InvalidInput, "there already"),
        ("CLEAR GRAPH <urn:twin:site:none>", NotFound, "no graph"),
        (f"ADD <urn:twin:site:none> TO {A}", NotFound, "no graph"),
        (f"DELETE DATA {{ {GA} {{ _:x <urn:p> 1 }} }}", InvalidInput, "blank node"),
        (f"INSERT DATA {{ {GA} {{ ?x <urn:p> 1 }} }}", InvalidInput, "no variables"),
        (f"INSERT DATA {{ {GA} {{ <urn:a> <urn:b> }} }}", InvalidInput, "cannot be parsed at line 1"),
        (f"INSERT DATA {{ {GA} {{ <urn:a> nobody:knows 1 }} }}", InvalidInput, "nobody: has not been declared"),
        (f"INSERT DATA {{ {GA} {{\n<urn:a> <urn:b>\n<urn:no iri> }} }}", InvalidInput, "cannot be"),
        (f"WITH {A} INSERT {{ ?s <urn:q> 1 }}\nWHERE {{ ?s <urn:p> }}", InvalidInput, "at line 2"),
        (f"CREATE GRAPH <urn:twin:site:q>;WITH {A} INSERT {{ ?s <urn:q> 1 }}WHERE {{ ?s ?p }}", InvalidInput,
         "in operation 2 at line 1, column 9"),
        (f"INSERT DATA {{ {GA} {{ << <urn:a> <urn:b> 1 >> <urn:c> 2 }} }}", InvalidInput, "quote"),
        (f"INSERT DATA {{ {GA} {{ <urn:a> <urn:b> 1 }} }} INSERT", InvalidInput, "; is expected"),
        (f"INSERT DATA {{ {GA} {{ <urn:a> <urn:b> 1 }}", InvalidInput, "brace"),
        (f"WITH {A} WHERE {{ ?s ?p ?o }}", InvalidInput, "DELETE or INSERT"),
        ("", InvalidInput, "empty"),
        ("# nothing\nPREFIX a: <urn:a>", InvalidInput, "empty"),
        ("SELECT * { ?s ?p ?o }", InvalidInput, "This is a query"),
        ("MATCH (n)", InvalidInput, "'MATCH'"),
        ("INSERT DATA " + "{" * 5000, InvalidInput, "deeper than 64"),
        (f"INSERT {{ {GA} {{ ?s ?p 1 }} }} WHERE {{ " + "{}UNION" * 501 + "{} }", InvalidInput, "500 operators"),
        (f"CREATE GRAPH {A};" * 101, InvalidInput, "100 operations"),
        (TOO_MUCH, InvalidInput, "more than 1,000 quads"),
    ],
)  # fmt: skip
async def test_an_update_that_cannot_be_is_refused_in_words_and_changes_nothing(
    unchanged: Server, text: str, error: type[TwinError], sentence: str
) -> None:
    server, before = unchanged, unchanged.door.revision
    with pytest.raises(error) as refusal:
        await server.update(text)
    assert sentence in refusal.value.message
    assert refusal.value.remedy
    assert server.door.revision == before


async def test_data_is_no_work_however_much_it_is(server: Server) -> None:
    triples = " . ".join(f"<urn:n:{number}> <urn:p> {number}" for number in range(900))
    _, added = await server.update(f"INSERT DATA {{ {GA} {{ {triples} }} }}")
    assert len(added) == 900


async def test_who_may_not_change_the_graph_may_not_update_it(server: Server) -> None:
    with pytest.raises(Forbidden, match="vic may not change"):
        await server.update(f"CLEAR GRAPH {A}", Scope(BROWSER))
    elsewhere = Scope(ENGINEER, frozenset({"b"}))
    with pytest.raises(Forbidden, match="The site a is none"):
        await server.update(f"INSERT DATA {{ {GA} {{ <urn:a> <urn:b> 1 }} }}", elsewhere)
    assert await server.update(f"INSERT {{ {GB} {{ ?s <urn:q> 1 }} }} WHERE {{ ?s <urn:p> ?o }}", elsewhere) == (
        [],
        ["b urn:y:0 urn:q 1"],
    )


async def test_the_graphs_of_the_request_are_those_that_are_read(server: Server) -> None:
    text = f"INSERT {{ {GA} {{ ?s <urn:q> 1 }} }} WHERE {{ ?s <urn:p> ?o }}"
    assert await server.update(text, using=[B.value]) == ([], ["a urn:y:0 urn:q 1"])
    with pytest.raises(InvalidInput, match="in the request and in the update"):
        await server.update(
            f"WITH {A} {text.replace(GA, '').replace('{  {', '{').replace('} }', '}', 1)}", using=[B.value]
        )


async def test_a_change_that_breaks_a_rule_is_refused_whole(server: Server) -> None:
    class Strict:
        def judge(self, store: object, delta: Delta) -> Judgement:
            broken = Violation("urn:a", "", "no", "", "", "violation", "a rule", "mend it", "twin")
            return Judgement((broken,) if any("bad" in str(each.object) for each in delta.added) else (), ())

    server.door._gate = Strict()
    with pytest.raises(ShapeViolation):
        await server.update(f"CLEAR GRAPH {B} ; INSERT DATA {{ {GA} {{ <urn:a> <urn:b> 'bad' }} }}")
    assert server.holds(B) == ["b urn:y:0 urn:p other"]


async def test_updates_at_once_all_count(server: Server) -> None:
    await server.update(f"INSERT DATA {{ {GA} {{ <urn:counter> <urn:n> 0 }} }}")
    more = (
        f"WITH {A} DELETE {{ <urn:counter> <urn:n> ?n }} INSERT {{ <urn:counter> <urn:n> ?m }} "
        "WHERE { <urn:counter> <urn:n> ?n BIND(?n + 1 AS ?m) }"
    )
    await asyncio.gather(*(server.update(more) for _ in range(6)))
    assert [line for line in server.holds(A) if "counter" in line] == ["a urn:counter urn:n 6"]


@pytest.mark.parametrize("writes", [60, pytest.param(3000, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
async def test_every_write_is_in_the_answer_to_the_next_query(server: Server, writes: int) -> None:
    choose = random.Random(writes)  # noqa: S311 - no secret
    expected: set[tuple[str, str]] = set()
    for _ in range(writes):
        subject, value = f"urn:w:{choose.randrange(5)}", str(choose.randrange(5))
        match choose.randrange(4):
            case 0 | 1:
                text = f"INSERT DATA {{ {GB} {{ <{subject}> <urn:w> {value} }} }}"
                expected.add((subject, value))
            case 2:
                text = f"DELETE DATA {{ {GB} {{ <{subject}> <urn:w> {value} }} }}"
                expected.discard((subject, value))
            case _:
                text = f"DELETE WHERE {{ {GB} {{ <{subject}> <urn:w> ?o }} }}"
                expected = {pair for pair in expected if pair[0] != subject}
        await server.update(text)
        answer = await server.service.query("SELECT ?s ?o { ?s <urn:w> ?o }", accept="text/csv")
        assert {tuple(line.split(",")) for line in (await answer.read()).decode().split()[1:]} == expected


async def test_an_update_that_expects_an_older_revision_is_refused(server: Server) -> None:
    seen = server.door.revision
    await server.door.commit(Delta(added=(quad("urn:x:7", 7),)), actor="ann", reason="meanwhile")
    with pytest.raises(Conflict, match="meanwhile"):
        await server.update(f"CLEAR GRAPH {A}", expected=seen)


async def test_a_pattern_that_runs_away_is_stopped_and_nothing_is_changed(tmp_path: Path) -> None:
    server = await Server(tmp_path, replace(SETTINGS, deadline=1.0)).start()
    triples = " . ".join(f"<urn:n:{number}> <urn:p> {number}" for number in range(300))
    await server.update(f"INSERT DATA {{ {GA} {{ {triples} }} }}")
    with pytest.raises(TwinError, match="The update was stopped after 1 s"):
        await server.update(
            f"INSERT {{ {GA} {{ <urn:a> <urn:b> ?n }} }} "
            "WHERE { SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l } }"
        )
    assert not any("urn:b" in line for line in server.holds(A))
    await server.service.close()
