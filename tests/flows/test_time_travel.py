"""The past of a whole server: SPARQL as of then, with the values of then, across restarts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.graph.building import HQ, WIRING, add, quads
from twin.app import Application
from twin.clock import NANOSECONDS, ManualClock, iso
from twin.contracts import Delta
from twin.directory import DataDirectory
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.settings import RevisionSettings, Settings
from twin.vocab import bindings_graph

SAT = "urn:twin:hq:ahu-1:sat"
SETTINGS = Settings(revisions=RevisionSettings(snapshot_every=3, snapshot_hours=1e6, pinned=2))
NAME = "SELECT ?name { <urn:twin:hq:ahu-1> <http://www.w3.org/2000/01/rdf-schema#label> ?name }"
VALUE = f"SELECT (live:value(<{SAT}>) AS ?value) (live:mean(<{SAT}>, 'PT1H') AS ?mean) {{}}"


class Server:
    """A server over a small building, whose air handler is renamed four times, a minute apart."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = ManualClock()
        self.settings = SETTINGS
        self._exit = AsyncExitStack()

    async def start(self) -> None:
        entered = self._exit.enter_context(DataDirectory(self.directory))
        app = Application(entered, self.settings, self.clock, "", connect=False)
        self.app = await self._exit.enter_async_context(app)
        transport = httpx.ASGITransport(self.app.asgi)
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        self.client = await self._exit.enter_async_context(client)

    async def stop(self) -> None:
        await self._exit.aclose()

    async def furnish(self) -> None:
        door = self.app.core.door
        await door.commit(add(HQ), actor="ann", reason="building", validate=False)
        await door.commit(
            Delta(added=quads(WIRING, bindings_graph("hq"))), actor="ann", reason="wiring", validate=False
        )
        series = self.app.core.twins.property(Scope(), SAT)
        assert series is not None
        for number in range(1, 5):
            self.clock.advance(60)
            now = self.clock.now()
            batch = ObservationBatch.of([(series.series, now, 10.0 * number, 0, now)])
            await self.app.history.append(batch)
            old, new = (quads(f':ahu-1 rdfs:label "{name}" .') for name in (self.name(number - 1), self.name(number)))
            await door.commit(Delta(old, new), actor="ann", reason=f"name {number}", validate=False)

    @staticmethod
    def name(number: int) -> str:
        return f"name {number}" if number else "AHU 1"

    async def ask(self, query: str, at: str | None = None) -> list[dict[str, Any]]:
        headers = {"accept": "application/sparql-results+json"}
        parameters = {"query": query} | ({} if at is None else {"as-of": at})
        answer = await self.client.get("/sparql", params=parameters, headers=headers)
        assert answer.status_code == 200, answer.text
        self.revision = answer.headers["twin-revision"]
        rows = json.loads(answer.content)["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in rows]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "data")
    await server.start()
    await server.furnish()
    yield server
    await server.stop()


async def test_queries_are_answered_as_of_then_with_the_values_of_then_and_after_a_restart(server: Server) -> None:
    newest = server.app.core.door.revision
    for steps in range(5):
        assert await server.ask(NAME, str(newest - steps)) == [{"name": server.name(4 - steps)}]
        assert int(server.revision) == newest - steps
        at = iso(server.clock.now() - steps * 60 * NANOSECONDS)
        assert await server.ask(NAME, at) == [{"name": server.name(4 - steps)}]
    assert await server.ask(NAME) == [{"name": "name 4"}]
    then = iso(server.clock.now() - 90 * NANOSECONDS)
    assert await server.ask(VALUE, then) == [{"value": "20", "mean": "15"}]
    assert await server.ask(VALUE, str(newest - 1)) == [{"value": "30", "mean": "20"}]
    assert await server.ask(VALUE, str(newest - 4)) == [{}]  # nothing had been heard yet
    await server.stop()
    await server.start()
    assert await server.ask(NAME, str(newest - 2)) == [{"name": "name 2"}]


async def test_moments_that_cannot_be_are_told_and_readers_of_the_past_are_few(server: Server) -> None:
    newest = server.app.core.door.revision
    for at, status, said in (
        ("999", 404, "does not exist yet"),
        ("2100-01-01T00:00:00Z", 400, "has not come yet"),
        ("soon", 400, "neither a revision nor a time"),
    ):
        answer = await server.client.get("/sparql", params={"query": NAME, "as-of": at})
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    services = server.app.sparql._past()
    assert services is not None
    for steps in range(4):
        await server.ask(NAME, str(newest - steps))
    assert len(services._held) <= 2
    server.clock.advance(10_000)
    services._tidy()
    assert services._held == {}
    assert await server.ask(NAME, str(newest - 3)) == [{"name": "name 1"}]
    server.app.core.journal.trim(3)
    answer = await server.client.get("/sparql", params={"query": NAME, "as-of": "1"})
    assert (answer.status_code, answer.json()["oldest"]) == (404, "000000000003")


async def test_a_value_of_a_time_when_its_connection_was_lost_is_unbound(server: Server) -> None:
    now = server.clock.now()
    server.app.outages.note("urn:twin:hq:broker", "CONNECTED", now - 300 * NANOSECONDS)
    server.app.outages.note("urn:twin:hq:broker", "RETRYING", now - 90 * NANOSECONDS)
    server.app.outages.note("urn:twin:hq:broker", "CONNECTED", now - 70 * NANOSECONDS)
    query = f"SELECT (live:value(<{SAT}>) AS ?value) (live:quality(<{SAT}>) AS ?quality) {{}}"
    before, lost, back = (iso(now - seconds * NANOSECONDS) for seconds in (100, 80, 30))
    assert await server.ask(query, before) == [{"value": "20", "quality": "good"}]
    assert await server.ask(query, lost) == [{"quality": "bad"}]
    assert await server.ask(query, back) == [{"value": "30", "quality": "good"}]
    at = f'SELECT (live:value(<{SAT}>, "{lost}"^^<http://www.w3.org/2001/XMLSchema#dateTime>) AS ?value) {{}}'
    assert await server.ask(at) == [{}]
    assert await server.ask(at.replace(lost, back)) == [{"value": "30"}]
