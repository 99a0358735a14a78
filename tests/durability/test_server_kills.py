"""The real server, written to by every door at once and killed at any moment, loses nothing that it acknowledged and
leaves nothing torn."""

from __future__ import annotations

import random
import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.durability.plant import SERIES, Plant, plant
from tests.durability.traffic import Traffic
from tests.durability.writers import DOORS, NODE, STRANGE, TWINS, Told, writing
from tests.graphql_client import GraphQL
from tests.server_process import eventually, twin

RATE = 300
"""Messages a second."""
SEEDS = 4


@pytest.mark.peer
@pytest.mark.timeout(240)
def test_nothing_acknowledged_is_lost_and_nothing_is_torn_when_the_server_is_killed(tmp_path: Path) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    _lives(tmp_path, seed, 3)


@pytest.mark.peer
@pytest.mark.long
@pytest.mark.timeout(1500)
def test_nothing_is_lost_or_torn_by_many_kills_in_several_seeds(tmp_path: Path) -> None:
    first = secrets.randbits(32)
    for seed in range(first, first + SEEDS):
        directory = tmp_path / str(seed)
        directory.mkdir()
        counts = _lives(directory, seed, 12)
        print(f"\nseed {seed}: 12 kills, {counts}, 0 lost, nothing torn")


def _lives(directory: Path, seed: int, kills: int) -> str:
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    told, following = Told(), dict.fromkeys(DOORS, 0)
    with plant(directory) as running:
        with Traffic(running.broker.port, RATE, SERIES, running.start) as device:
            for life in range(kills):
                awaited, before = list(DOORS)[life % len(DOORS)], dict(told.done)
                with writing(running.server.url, told, following):
                    eventually(lambda: awaited in {kind for kind, _ in told.done.keys() - before}, awaited)  # noqa: B023
                    time.sleep(2.5 * chance.random())
                    running.server.kill()
                running.started()
                _agrees(running, told)
            messages = device.finish()
            eventually(lambda: running.seen() >= messages, "the messages in the history", pause=0.2)
        _is_whole(running, told)
        kept = running.kept()
    assert (len(kept), len(set(kept))) == (messages, messages)
    verified = twin("verify", "--data", running.data)
    assert verified.returncode == 0, verified.stderr
    _is_unbroken(running.data / "journal.sqlite", told)
    by_kind = {kind: sum(1 for each, _ in told.done if each == kind) for kind in DOORS}
    assert all(by_kind.values()), by_kind
    assert told.refused == []
    assert told.read
    return f"{by_kind} and {messages:,} messages acknowledged"


def _agrees(running: Plant, told: Told) -> None:
    """Asserts that a server that has just started has what was acknowledged, each whole, by every way of reading."""
    query = """SELECT ?node ?name { GRAPH ?g { ?node a <https://brickschema.org/schema/Brick#Air_Handling_Unit> ;
        <http://www.w3.org/2000/01/rdf-schema#label> ?name } }"""
    with GraphQL(running.server.url) as graphql:
        rows = graphql.http.get(
            "/sparql",
            params={"query": query, "entailment": "none"},
            headers={"accept": "application/sparql-results+json"},
        ).json()["results"]["bindings"]
        names: dict[str, list[str]] = {}
        for row in rows:
            names.setdefault(row["node"]["value"].removeprefix(NODE), []).append(row["name"]["value"])
        assert all(len(each) == 1 for each in names.values()), names
        sites = {site["id"]: site for site in graphql.ask("{ sites { id twins properties } }")["sites"]}
        for kind, number in told.done:
            if kind == "import":
                assert (sites[f"i{number}"]["twins"], sites[f"i{number}"]["properties"]) == (TWINS + STRANGE, TWINS)
            else:
                assert names[f"{kind}-{number}"] == ["renamed" if number % 3 == 0 else "new"]
        for site, counts in sites.items():  # what was not acknowledged is there whole, or not at all
            assert site == "plant" or (counts["twins"], counts["properties"]) == (TWINS + STRANGE, TWINS)
        listed = {twin_["id"].removeprefix(NODE): twin_["name"] for twin_ in _units(graphql)}
        assert listed == {node: each[0] for node, each in names.items()}


def _units(graphql: GraphQL) -> list[dict[str, Any]]:
    query = """query($after: String) { twins(first: 200, after: $after, where: {class: "brick:Air_Handling_Unit"}) {
        nodes { id name } pageInfo { hasNextPage endCursor } } }"""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = graphql.ask(query, after=after)["twins"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def _is_whole(running: Plant, told: Told) -> None:
    """Asserts that the violations of every import come to be known, those of the killed ones as well, and that the past
    still answers."""
    with GraphQL(running.server.url) as graphql:

        def known() -> bool:
            sites = [site["id"] for site in graphql.ask("{ sites { id } }")["sites"] if site["id"] != "plant"]
            query = 'query($site: ID) { violations(site: $site, first: 100, source: "twin") { nodes { twin } } }'
            told = {site: graphql.ask(query, site=site)["violations"]["nodes"] for site in sites}
            return all(sum("strange" in each["twin"] for each in found) == STRANGE for found in told.values())

        eventually(known, "the violations of every import")
        (kind, number), revision = next(iter(told.done.items()))
        node = f"urn:twin:i{number}:room-1" if kind == "import" else f"{NODE}{kind}-{number}"
        query = "query($id: ID!, $at: String) { twin(id: $id, asOf: $at) { name } }"
        assert graphql.ask(query, id=node, at=str(revision))["twin"] is not None


def _is_unbroken(journal: Path, told: Told) -> None:
    with sqlite3.connect(journal) as database:
        rows = database.execute("SELECT revision, reason FROM changes ORDER BY revision").fetchall()
    assert [revision for revision, _ in rows] == list(range(1, len(rows) + 1))
    reasons = dict(rows)
    for (kind, number), revision in told.done.items():
        if kind == "graphql":
            assert reasons[revision] == f"graphql {number}"
        if kind == "import":
            assert reasons[revision] == f"import of i{number}"
