"""The audit in the background: after rest, site by site, and never ended by one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bindings.fake import until
from tests.graph.building import HQ, Building, quads
from twin.clock import SystemClock
from twin.contracts import Delta
from twin.errors import Unavailable
from twin.flows import auditing
from twin.flows.auditing import Auditing
from twin.graph.validation.gate import Violation
from twin.graph.validation.violations import ViolationStore
from twin.scope import Scope
from twin.terms import Quad
from twin.vocab import site_graph

FOUND = Violation("urn:x", "", "minCount", "shape", "", "violation", "it lacks a point", "Add one.", "brick")


class Bench:
    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch, rest: float = 0.02) -> None:
        self.building = Building()
        self.violations = ViolationStore(directory / "violations.sqlite")
        self.audited: list[int] = []
        self.failure: Exception | None = None
        self.auditing = Auditing(
            self.building.store, self.violations, SystemClock(), lambda: self.building.twins.sites(Scope()), rest=rest
        )
        monkeypatch.setattr(auditing, "audit", self._audit)

    def _audit(self, quads: Iterable[Quad], _brick: Path) -> list[Violation]:
        self.audited.append(len(list(quads)))
        if self.failure is not None:
            raise self.failure
        return [FOUND]

    def state(self, site: str) -> str:
        state = self.auditing.state(site)
        return state.state if state else "waiting"

    async def say(self, text: str, site: str) -> None:
        delta = Delta(added=quads(text, site_graph(site)))
        await self.building.door.commit(delta, actor="ann", reason="change")

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.auditing.follow(self.building.door.changes))
        await until(lambda: len(self.building.door.changes) == 1)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.violations.close()


async def test_every_site_is_audited_once_and_again_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch)
    await bench.say(HQ, "hq")
    async with bench.following():
        await until(lambda: bench.state("hq") == "done")
        assert bench.violations.count("hq", source="brick") == 1
        await bench.say(":new a brick:AHU .", "hq")
        await until(lambda: len(bench.audited) == 2)
        assert bench.audited[1] == bench.audited[0] + 1


async def test_changes_elsewhere_do_not_keep_a_site_from_its_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, monkeypatch, rest=0.3)
    await bench.say(HQ, "hq")
    async with bench.following():
        for number in range(200):
            await bench.say(f":n{number} a saref:Device .", "busy")
            await asyncio.sleep(0.01)
            if bench.state("hq") == "done":
                break
        assert bench.state("hq") == "done"


@pytest.mark.parametrize("failure", [Unavailable("The audit took too long."), OSError("no process can be started")])
async def test_an_audit_that_fails_says_why_and_the_next_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    bench = Bench(tmp_path, monkeypatch)
    bench.failure = failure
    await bench.say(HQ, "hq")
    async with bench.following():
        await until(lambda: bench.state("hq") == "failed")
        state = bench.auditing.state("hq")
        assert state is not None
        assert state.message == str(failure)
        bench.failure = None
        await bench.say(":new a brick:AHU .", "hq")
        await until(lambda: bench.state("hq") == "done")


async def test_a_site_without_brick_is_not_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    await bench.say(":d a saref:Device .", "saref")
    await bench.auditing.run("saref")
    assert (bench.state("saref"), bench.audited) == ("not-applicable", [])
    bench.violations.close()
