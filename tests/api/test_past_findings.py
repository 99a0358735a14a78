"""Violations, audits and capabilities as of the past: of a whole server, over GraphQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bindings.fake import until
from tests.flows.test_predict import ASKS, ASSETS, RETURN_SENSOR, SITE
from tests.graph.building import HQ, add, quads
from tests.inference.models import CAPABILITY, a_model, write
from twin.app import Application
from twin.clock import ManualClock, iso
from twin.contracts import Delta
from twin.directory import DataDirectory
from twin.graph.validation.full import validate
from twin.graph.validation.violations import Audited
from twin.observation import ObservationBatch
from twin.scope import Scope
from twin.settings import Settings, ValidationSettings
from twin.vocab import vocabulary_graph

SETTINGS = Settings(validation=ValidationSettings(brick_shapes="off", audit=False))
STRANGE = "<urn:twin:hq:strange> a <urn:nothing#Known> ."
STANDING = """query ($at: String) { violations(asOf: $at) { totalCount nodes { twin since sinceTime repair } }
    sites(asOf: $at) { violations } }"""


class Server:
    """A server whose devices are not connected, so that only what a test does happens."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = ManualClock()
        self._exit = AsyncExitStack()

    async def start(self) -> None:
        entered = self._exit.enter_context(DataDirectory(self.directory))
        app = Application(entered, SETTINGS, self.clock, "", connect=False)
        self.app = await self._exit.enter_async_context(app)
        transport = httpx.ASGITransport(self.app.asgi)
        client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
        self.client = await self._exit.enter_async_context(client)

    async def stop(self) -> None:
        await self._exit.aclose()

    async def commit(self, delta: Delta, *, judged: bool = True) -> int:
        self.clock.advance(60)
        committed = await self.app.core.door.commit(delta, actor="ann", reason="r", validate=judged)
        return committed.token

    async def data(self, query: str, **variables: Any) -> Any:
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables})
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    async def standing(self, at: int | None) -> set[str]:
        told = await self.data(STANDING, at=None if at is None else str(at))
        assert told["violations"]["totalCount"] == sum(site["violations"] for site in told["sites"])
        return {node["twin"] for node in told["violations"]["nodes"]}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path / "data")
    await server.start()
    await server.commit(add(HQ))
    yield server
    await server.stop()


async def test_violations_are_told_as_of_any_revision_and_since_when(server: Server) -> None:
    core = server.app.core
    strange = await server.commit(Delta(added=quads(STRANGE)), judged=False)
    came = server.clock.now()
    await server.commit(Delta(added=quads(':room-2 rdfs:comment "Quiet" .')))
    with core.jobs.run("validation", "asked for") as job:
        assert await core.revalidation.validate("hq", job) > 0
    mended = await server.commit(Delta(removed=quads(STRANGE)))
    await server.commit(Delta(added=quads(':room-2 rdfs:comment "Loud" .')))
    found = [await server.standing(revision) for revision in range(1, mended + 2)]
    assert found == [set(), {"urn:twin:hq:strange"}, {"urn:twin:hq:strange"}, set(), set()]
    assert await server.standing(None) == set()
    node = (await server.data(STANDING, at=str(mended - 1)))["violations"]["nodes"][0]
    assert (int(node["since"]), node["sinceTime"], node["repair"]) == (strange, iso(came), None)
    pasts = server.app.travel.pasts
    for revision in (strange, mended):  # the same as validating the graph as it was
        past = await pasts.pin(revision)
        assert {each.focus for each in validate(past.store, "hq")} == await server.standing(revision)
    query = 'query ($at: String) { twin(id: "urn:twin:hq:strange", asOf: $at) { violations { rule } } }'
    assert (await server.data(query, at=str(strange)))["twin"]["violations"] != []


async def test_revisions_before_lifetimes_were_kept_are_validated_when_they_are_asked_for(server: Server) -> None:
    strange = await server.commit(Delta(added=quads(STRANGE)), judged=False)
    mended = await server.commit(Delta(removed=quads(STRANGE)), judged=False)
    server.app.core.violations.begin(mended)
    assert await server.standing(strange) == {"urn:twin:hq:strange"}
    assert await server.standing(mended) == set()


async def test_what_a_server_did_not_live_to_tell_is_found_by_the_next_one(server: Server) -> None:
    core = server.app.core
    core.door.judged = lambda _committed, _judgement: None  # as of a server that is killed before it
    strange = await server.commit(Delta(added=quads(STRANGE)), judged=False)
    await server.stop()
    await server.start()
    violations = server.app.core.violations
    assert (list(violations.due()), violations.told) == (["hq"], strange)
    server.app._start(server.app.core.revalidation.follow(server.app.core.door.changes))
    await until(lambda: not violations.due())
    assert await server.standing(strange) == {"urn:twin:hq:strange"}
    assert await server.standing(strange - 1) == set()
    # A journal that is older than the list, as one of a backup is: the list goes back with it.
    await server.commit(Delta(removed=quads(STRANGE)))
    violations.rewind(strange)
    assert await server.standing(None) == {"urn:twin:hq:strange"}


async def test_an_audit_is_told_as_it_was_last_before_the_moment(server: Server) -> None:
    violations = server.app.core.violations
    strange = await server.commit(Delta(added=quads(STRANGE)), judged=False)
    page = [replace(each, source="brick") for each in validate(server.app.core.store, "hq")]
    violations.replace("hq", "brick", page, revision=strange)
    violations.note_audit("hq", Audited(strange, "done", server.clock.now(), server.clock.now(), ""))
    await server.commit(Delta(removed=quads(STRANGE)))
    query = 'query ($at: String) { site(id: "hq", asOf: $at) { audit { state revision violations } } }'
    told = [(await server.data(query, at=str(revision)))["site"]["audit"] for revision in (strange - 1, strange + 1)]
    assert told == [None, {"state": "done", "revision": f"{strange:012d}", "violations": len(page)}]


async def test_capabilities_are_told_as_the_graph_qualified_them_then(server: Server, tmp_path: Path) -> None:
    query = """query ($at: String, $id: ID!) { twin(id: $id, asOf: $at) { capabilities {
        qualifies missing state score { value } capability { id name model { name version } twins { twin { id } } } } }
        capabilities(asOf: $at) { id } }"""
    await server.commit(Delta(added=quads(ASKS, vocabulary_graph("capabilities"))), judged=False)
    await server.commit(add(ASSETS), judged=False)
    lacking = server.app.core.door.revision
    await server.app.predictor.attach(write(a_model(), tmp_path / "mean.onnx"), "ann")
    await server.commit(add(RETURN_SENSOR), judged=False)
    await server.app.predictor.follow()
    newest = server.app.core.door.revision
    record = server.app.core.twins.property(Scope(), f"{SITE}ahu-1:test-score")
    assert record is not None
    now = server.clock.now()
    await server.app.history.append(ObservationBatch.of([(record.series, now, 0.25, 0, now)]))

    async def told(at: object, twin: str) -> Any:
        found = await server.data(query, at=str(at), id=SITE + twin)
        return [each for each in found["twin"]["capabilities"] if each["capability"]["id"] == CAPABILITY]

    (before,) = await told(lacking, "ahu-3")
    assert (before["qualifies"], before["missing"]) == (False, ["AHU 3 lacks return air temperature"])
    assert before["capability"]["model"] is None
    (after,) = await told(newest, "ahu-3")
    assert (after["qualifies"], after["state"]) == (True, "giving no score")
    (unserved,) = await told(lacking, "ahu-1")
    assert (unserved["qualifies"], unserved["state"], unserved["score"]) == (True, "no model attached", None)
    (scored,) = await told(iso(now), "ahu-1")
    assert (scored["state"], scored["score"]["value"]) == ("scoring", 0.25)
    assert scored["capability"]["model"] == {"name": "mean", "version": "1"}
    assert len(scored["capability"]["twins"]) == 4
    (earlier,) = await told(iso(now - 10**9), "ahu-1")
    assert (earlier["state"], earlier["score"]["value"]) == ("giving no score", None)
    first = await server.data(query, at="1", id=SITE + "ahu-1")
    assert CAPABILITY not in [each["id"] for each in first["capabilities"]]
