"""Whole sites are validated by every rule: after imports, when the rules are others, and when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.fake import until
from tests.graph.building import Building, quads
from twin.contracts import Delta
from twin.errors import NotFound
from twin.flows.revalidation import Revalidation, Rules
from twin.graph.validation.gate import Gate, our_shapes
from twin.graph.validation.violations import ViolationStore
from twin.jobs import Jobs
from twin.scope import Scope
from twin.vocab import shapes_graph, site_graph, vocabulary_graph
from twin.vocabularies.brick import brick_file

POD = "<urn:twin:hq:pod> a <urn:pods#Pod> ."
TREE = """@prefix owl: <http://www.w3.org/2002/07/owl#> .
<urn:pods#Pod> a owl:Class ; rdfs:subClassOf <urn:pods#Cell> . <urn:pods#Cell> a owl:Class ;
  rdfs:subClassOf brick:Room ."""
SHAPE = """@prefix sh: <http://www.w3.org/ns/shacl#> .
<urn:pods#Serial> a sh:NodeShape ; sh:targetClass brick:Floor ; sh:message "A floor has a serial number." ;
  sh:property [ sh:path <urn:pods#serial> ; sh:minCount 1 ] ."""


class Bench:
    def __init__(self, directory: Path, rules: Rules) -> None:
        self.building = Building()
        self.violations = ViolationStore(directory / "violations.sqlite")
        self.jobs = Jobs(self.building.clock)
        self.revalidation = Revalidation(
            self.building.store,
            Gate(our_shapes()),
            self.violations,
            directory,
            self.building.clock,
            self.jobs,
            lambda: self.building.twins.sites(Scope()),
            rules,
        )

    async def validate(self, site: str) -> int:
        with self.jobs.run("import", "x", site=site) as job:
            return await self.revalidation.validate(site, job)

    async def asked(self, site: str = "hq") -> Any:
        """The job of a validation that somebody asked for, when it has ended."""
        job = self.revalidation.start(site, "ann")
        await self.jobs.outcome(job.id)
        return self.jobs.find(job.id)

    async def follow_until_nothing_is_due(self, *, every_site: bool = False) -> None:
        follow = self.revalidation.follow(self.building.door.changes, every_site=every_site)
        following = asyncio.create_task(follow)
        await asyncio.sleep(0)
        async with asyncio.timeout(60):
            while self.violations.due():
                await asyncio.sleep(0.05)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, Rules(stamp="1"))
    yield made
    made.violations.close()


async def test_other_sites_that_use_the_classes_of_an_import_are_validated_anew(bench: Bench) -> None:
    building, violations = await bench.building.furnish(), bench.violations
    await building.door.commit(Delta(added=quads(POD)), actor="test", reason="a pod", validate=False)
    assert await bench.validate("hq") == 1
    assert [each.focus for each in violations.page("hq").items] == ["urn:twin:hq:pod"]
    building.store.bulk_load(quads(TREE, vocabulary_graph("pods")))
    building.store.bulk_load(quads("<urn:twin:pods:pod> a <urn:pods#Pod> .", site_graph("pods")))
    assert await bench.validate("pods") == 0
    assert list(violations.due()) == ["hq"]
    await bench.follow_until_nothing_is_due()
    assert violations.count("hq") == 0
    assert [(job.kind, job.site, job.state) for job in bench.jobs.listed(kind="validation")] == [
        ("validation", "hq", "done")
    ]


async def test_the_shapes_of_a_user_are_checked_on_the_whole_site(bench: Bench) -> None:
    await bench.building.furnish()
    bench.building.store.bulk_load(quads(SHAPE, shapes_graph("pods")))
    assert await bench.validate("hq") == 1
    (found,) = bench.violations.page("hq", source="user").items
    assert (found.focus, found.rule) == ("urn:twin:hq:floor-1", found.rule)


async def test_what_is_asked_for_is_grouped_by_shape_and_by_twin(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Rules(brick_file(), stamp="1"))
    await bench.building.furnish()
    job = await bench.asked()
    assert (job.kind, job.site, job.actor, job.state) == ("validation", "hq", "ann", "done")
    assert job.result["violations"] == bench.violations.count("hq", source="brick") > 0
    assert sum(each["count"] for each in job.result["shapes"]) == job.result["violations"]
    assert sum(each["count"] for each in job.result["twins"]) == job.result["violations"]
    assert job.message.startswith("Validated hq at revision 2:")
    state = bench.revalidation.state("hq")
    assert state is not None
    assert (state.state, state.message) == ("done", "")
    bench.violations.close()


async def test_a_site_that_is_not_there_is_not_validated(bench: Bench) -> None:
    await bench.building.furnish()
    with pytest.raises(NotFound, match="no site 'nowhere'"):
        bench.revalidation.start("nowhere", "ann")


async def test_two_who_ask_at_once_are_given_one_job(bench: Bench) -> None:
    await bench.building.furnish()
    first, second = bench.revalidation.start("hq", "ann"), bench.revalidation.start("hq", "ben")
    assert first.id == second.id
    await bench.jobs.outcome(first.id)


async def test_a_validation_that_is_cancelled_leaves_what_was_known(bench: Bench) -> None:
    building = await bench.building.furnish()
    await building.door.commit(Delta(added=quads(POD)), actor="test", reason="a pod", validate=False)
    await bench.asked()
    job = bench.revalidation.start("hq", "ann")
    await asyncio.sleep(0.01)
    bench.jobs.cancel(job.id)
    await asyncio.gather(bench.jobs.outcome(job.id), return_exceptions=True)
    assert bench.jobs.find(job.id).state == "cancelled"
    assert bench.violations.count("hq") == 1
    state = bench.revalidation.state("hq")
    assert state is not None
    assert state.state == "failed"


async def test_every_site_is_judged_again_when_the_rules_are_others(bench: Bench) -> None:
    await bench.building.furnish()
    await bench.follow_until_nothing_is_due(every_site=True)
    assert bench.violations.rules_of("hq") == "1"
    ended = len(bench.jobs.listed())
    await bench.follow_until_nothing_is_due(every_site=True)
    assert len(bench.jobs.listed()) == ended
    bench.revalidation.rules = Rules(stamp="2")
    await bench.follow_until_nothing_is_due(every_site=True)
    assert bench.violations.rules_of("hq") == "2"


async def test_what_bricks_shapes_found_is_gone_when_they_are_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Rules(brick_file(), stamp="1"))
    await bench.building.furnish()
    await bench.asked()
    assert bench.violations.count("hq", source="brick")
    bench.revalidation.rules = Rules(stamp="2")
    await bench.asked()
    assert bench.violations.count("hq", source="brick") == 0
    state = bench.revalidation.state("hq")
    assert state is not None
    assert state.state == "not-applicable"
    bench.violations.close()


async def test_a_site_that_an_import_marks_while_it_is_validated_does_not_wait_for_the_next_change(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    revalidation, violations = bench.revalidation, bench.violations

    async def run(_self: Revalidation, site: str, _job: object = None, *, imported: bool) -> None:
        violations.not_due(site)

    monkeypatch.setattr(Revalidation, "_run", run)
    violations.mark_due(["pods"], "it was imported", revision=1)
    async with revalidation._locks["pods"]:  # as the import holds it that validates its own site
        following = asyncio.create_task(revalidation.follow(bench.building.door.changes, every_site=False))
        await until(lambda: bool(revalidation._locks["pods"]._waiters))
        violations.mark_due(["hq"], "the import changed its classes", revision=1)
        violations.not_due("pods")
    await until(lambda: not violations.due())
    following.cancel()
